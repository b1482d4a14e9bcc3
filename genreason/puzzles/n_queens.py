"""Queens: one in every row and column, and none on a diagonal of another.

Some queens stand there; any way to add the others is a solution. A legal move puts a queen where no other one
attacks it. The measure of `solve` is queens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign, Tints
from genreason.types import GenreasonError, Json, Solution, UserError

QUEEN = "Q"
_TRIES = 200


class NQueensParams(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        given: queens that stand there at the start.
    """

    size: int = Field(6, ge=4, le=10)
    given: int = Field(2, ge=0)


@dataclass(frozen=True, slots=True)
class NQueensState:
    """A board, row by row."""

    cells: Cells
    size: int


class NQueens(PlacingPuzzle[NQueensState]):
    """The family."""

    name: ClassVar[str] = "n_queens"
    params: ClassVar[type[Params]] = NQueensParams

    def sample(
        self, rng: np.random.Generator, params: NQueensParams, accept: Accept | None = None
    ) -> NQueensState:
        """Some queens of a solution drawn by lot.

        Raises:
            GenreasonError: 200 solutions gave no board of the split.
        """
        n = params.size
        if params.given >= n:
            raise UserError(f"n_queens: {params.given} given queens of {n}: leave one at least")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            order = rng.permutation(n).tolist()
            full = self._filled(NQueensState(("",) * (n * n), n), order)
            queens = [k for k, held in enumerate(full.cells if full else ()) if held]
            if full is None or not queens:
                continue
            keep = {queens[i] for i in rng.permutation(n)[: params.given].tolist()}
            state = NQueensState(tuple(QUEEN if k in keep else "" for k in range(n * n)), n)
            misfits = 0
            if accept is None or accept(state):
                return state
        raise GenreasonError(f"no board of {n} queens with {params.given} given ones: change size or given")

    def solve(self, state: NQueensState) -> Solution[str] | None:
        """The missing queens row by row, or None where they cannot be added."""
        full = self._filled(state, list(range(state.size)))
        if full is None:
            return None
        new = [k for k, held in enumerate(full.cells) if held and not state.cells[k]]
        return Solution(tuple(self.move(state, k, QUEEN) for k in new))

    def _filled(self, state: NQueensState, order: list[int]) -> NQueensState | None:
        """The board with a queen in every row, columns tried in this order."""
        n = state.size
        row = next((r for r in range(n) if QUEEN not in state.cells[r * n : (r + 1) * n]), None)
        if row is None:
            return state
        for col in order:
            if not self.refusal(state, row * n + col, QUEEN):
                found = self._filled(self.placed(state, row * n + col, QUEEN), order)
                if found is not None:
                    return found
        return None

    def refusal(self, state: NQueensState, cell: int, symbol: str) -> str:
        """No queen may attack another."""
        r, c = divmod(cell, state.size)
        for k, held in enumerate(state.cells):
            y, x = divmod(k, state.size)
            if held and k != cell and (y == r or x == c or abs(y - r) == abs(x - c)):
                return f"the queen in {self.at(state, k)} attacks it"
        return ""

    def placed(self, state: NQueensState, cell: int, symbol: str) -> NQueensState:
        """The state with a queen in the cell."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def done(self, state: NQueensState) -> bool:
        """Whether there are as many queens as rows, and none attacks another."""
        queens = [k for k, held in enumerate(state.cells) if held]
        return len(queens) == state.size and not any(self.refusal(state, k, QUEEN) for k in queens)

    def encode(self, state: NQueensState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{}`."""
        return {"cells": rows_json(state.cells, state.size)}, {}

    def decode(self, state: Json, goal: Json) -> NQueensState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (QUEEN,), "n_queens")
        if len(cells) != cols * cols:
            raise UserError("n_queens: give as many rows as columns")
        return NQueensState(cells, cols)

    def canonical(self, state: NQueensState) -> bytes:
        """Up to rotation and reflection."""
        codes = np.array([bool(held) for held in state.cells], np.uint8).reshape(state.size, state.size)
        return grid.canonical(codes)

    def plan(self, state: NQueensState, move: str) -> str:
        """Which row lacks a queen, where none attacks it, and where it goes."""
        cell, _ = self.parsed(state, move)
        row = cell // state.size
        free = [str(c + 1) for c in range(state.size) if not self.refusal(state, row * state.size + c, QUEEN)]
        safe = f"Row {row + 1} lacks a queen; columns {', '.join(free)} are safe."
        return f"{safe} Put it in {self.at(state, cell)}."

    def words(self, state: NQueensState) -> dict[str, str]:
        """How many queens there must be."""
        return {"n": str(state.size)}

    def shape(self, state: NQueensState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.size, state.size

    def cells(self, state: NQueensState) -> Cells:
        """The queens."""
        return state.cells

    def symbols(self, state: NQueensState) -> tuple[str, ...]:
        """The queen."""
        return (QUEEN,)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """The letter Q."""
        return Sign(text=QUEEN, ink=style.given if given else style.written, font=style.font)

    def arranged(self, state: NQueensState, cells: Cells) -> NQueensState:
        """The state with these queens."""
        return replace(state, cells=cells)

    def tints(self, state: NQueensState, style: CellStyle) -> Tints:
        """The squares of a chess board."""
        dark = (k for k in range(state.size**2) if (k // state.size + k % state.size) % 2)
        return {k: style.shade for k in dark}


PUZZLE = NQueens()
