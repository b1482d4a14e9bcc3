"""Nonogram: fill cells so that every row and column has runs of filled cells as its numbers say.

The numbers can be met in one way only, which line by line reasoning finds. A legal move fills a cell that is
filled there. The measure of `solve` is cells.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import GenreasonError, Json, Solution, UserError

FILLED = "filled"
LETTER, ASIDE, ABOVE = 0.42, 0.62, 0.5  # height of a number; from one to the next, in cells
_TRIES = 3000
Clues = tuple[tuple[int, ...], ...]


class NonogramParams(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        filled: least and most cells that are to be filled.
    """

    size: int = Field(5, ge=3, le=8)
    filled: tuple[int, int] = (11, 15)


@dataclass(frozen=True, slots=True)
class NonogramState:
    """A board, row by row, and the runs of its rows and columns."""

    cells: Cells
    rows: Clues
    cols: Clues


class Nonogram(PlacingPuzzle[NonogramState]):
    """The family."""

    name: ClassVar[str] = "nonogram"
    params: ClassVar[type[Params]] = NonogramParams

    def sample(
        self, rng: np.random.Generator, params: NonogramParams, accept: Accept | None = None
    ) -> NonogramState:
        """Filled cells by lot, which lines alone give away.

        Raises:
            GenreasonError: none of 3000 pictures could be found from its numbers.
        """
        n, (least, most) = params.size, params.filled
        if not 2 <= least <= most <= n * n:
            raise UserError(f"nonogram: filled {least} to {most}: give 2 to {n * n}, the smaller first")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            board = np.zeros(n * n, np.bool_)
            board[rng.permutation(n * n)[: int(rng.integers(least, most + 1))]] = True
            square = board.reshape(n, n)
            rows, cols = (tuple(runs(tuple(line)) for line in part.tolist()) for part in (square, square.T))
            if filled(rows, cols) is not None:
                misfits = 0
                state = NonogramState(("",) * (n * n), rows, cols)
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"no nonogram of {n} x {n} with {least} to {most} cells has one solution: change filled"
        )

    def solve(self, state: NonogramState) -> Solution[str] | None:
        """Row by row."""
        full = filled(state.rows, state.cols)
        if full is None or any(held and k not in full for k, held in enumerate(state.cells)):
            return None
        return Solution(tuple(self.move(state, k, FILLED) for k in sorted(full) if not state.cells[k]))

    def refusal(self, state: NonogramState, cell: int, symbol: str) -> str:
        """Only cells that the numbers fill may be filled."""
        full = filled(state.rows, state.cols)
        return "" if full is not None and cell in full else "the numbers of its row and column leave it empty"

    def placed(self, state: NonogramState, cell: int, symbol: str) -> NonogramState:
        """The state with the cell filled."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def done(self, state: NonogramState) -> bool:
        """Whether all runs are as the numbers say."""
        square = np.array([bool(held) for held in state.cells]).reshape(len(state.rows), -1)
        return all(
            tuple(runs(tuple(line)) for line in part.tolist()) == clues
            for part, clues in ((square, state.rows), (square.T, state.cols))
        )

    def encode(self, state: NonogramState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"rows": runs, "cols": runs}`."""
        goal = {"rows": [list(clue) for clue in state.rows], "cols": [list(clue) for clue in state.cols]}
        return {"cells": rows_json(state.cells, len(state.cols))}, goal

    def decode(self, state: Json, goal: Json) -> NonogramState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (FILLED,), "nonogram")
        clues = [grid.item(goal, key, "nonogram") for key in ("rows", "cols")]
        across, down = (tuple(tuple(int(run) for run in clue) for clue in part) for part in clues)
        if len(cells) != cols * cols or len(across) != cols or len(down) != cols:
            raise UserError("nonogram: give as many rows as columns, and the runs of each")
        return NonogramState(cells, across, down)

    def canonical(self, state: NonogramState) -> bytes:
        """Up to rotation and reflection: the board, and what is to be filled."""
        n = len(state.cols)
        full = filled(state.rows, state.cols) or frozenset()
        codes = [2 * (k in full) + bool(held) for k, held in enumerate(state.cells)]
        return grid.canonical(np.array(codes, np.uint8).reshape(n, n))

    def plan(self, state: NonogramState, move: str) -> str:
        """The numbers of the cell's row and column."""
        cell, _ = self.parsed(state, move)
        row, col = divmod(cell, len(state.cols))
        across, down = (" ".join(map(str, clue)) for clue in (state.rows[row], state.cols[col]))
        return f"Row {row + 1} has runs {across}, column {col + 1} has {down}. Fill {self.at(state, cell)}."

    def shape(self, state: NonogramState) -> tuple[int, int]:
        """As many rows as columns."""
        return len(state.rows), len(state.cols)

    def cells(self, state: NonogramState) -> Cells:
        """The filled cells."""
        return state.cells

    def symbols(self, state: NonogramState) -> tuple[str, ...]:
        """A filled cell."""
        return (FILLED,)

    def called(self, symbol: str) -> str:
        """Filled squares."""
        return "filled square"

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A square."""
        return Sign(mark=shape("square", style.first, 0.74))

    def arranged(self, state: NonogramState, cells: Cells) -> NonogramState:
        """The state with these filled cells."""
        return replace(state, cells=cells)

    def labels(self, state: NonogramState) -> tuple[tuple[float, float, str, float], ...]:
        """The runs, left of the rows and above the columns."""
        left = [(-0.85 - ASIDE * i, float(r), str(run), LETTER) for r, clue in enumerate(state.rows)
                for i, run in enumerate(reversed(clue or (0,)))]  # fmt: skip
        above = [(float(c), -0.9 - ABOVE * i, str(run), LETTER) for c, clue in enumerate(state.cols)
                 for i, run in enumerate(reversed(clue or (0,)))]  # fmt: skip
        return (*left, *above)

    def room(self, state: NonogramState) -> tuple[float, float, float, float]:
        """As much as the runs take."""
        wide, high = (max(len(clue) for clue in part) for part in (state.rows, state.cols))
        return 0.65 + ASIDE * max(wide, 1), 0.75 + ABOVE * max(high, 1), 0.25, 0.25


def runs(line: tuple[bool, ...]) -> tuple[int, ...]:
    """The lengths of runs of filled cells."""
    return tuple(sum(1 for _ in group) for held, group in groupby(line) if held)


@functools.cache
def _lines(n: int) -> dict[tuple[int, ...], tuple[int, ...]]:
    """All lines of n cells as bits (cell 0 is the lowest), by their runs."""
    found: dict[tuple[int, ...], list[int]] = {}
    for bits in range(1 << n):
        found.setdefault(runs(tuple(bool(bits >> k & 1) for k in range(n))), []).append(bits)
    return {clue: tuple(lines) for clue, lines in found.items()}


@functools.lru_cache(maxsize=256)
def filled(rows: Clues, cols: Clues) -> frozenset[int] | None:
    """The cells that are filled in the one solution; None where lines alone do not tell, or there is none."""
    n = len(rows)
    sure, never = [0] * (2 * n), [0] * (2 * n)  # by line: cells that are filled, and that are empty
    clues, changed = (*rows, *cols), True
    while changed:
        changed = False
        for i, clue in enumerate(clues):
            fits = [b for b in _lines(n).get(clue, ()) if b & sure[i] == sure[i] and not b & never[i]]
            if not fits:
                return None
            all_, some = functools.reduce(int.__and__, fits), functools.reduce(int.__or__, fits)
            for k in range(n):
                other, bit = (n + k, i) if i < n else (k, i - n)
                for found, new in ((sure, all_ >> k & 1), (never, ~some >> k & 1)):
                    if new and not found[other] >> bit & 1:
                        found[other] |= 1 << bit
                        found[i] |= 1 << k
                        changed = True
    if any(sure[i] | never[i] != (1 << n) - 1 for i in range(n)):
        return None
    return frozenset(r * n + c for r in range(n) for c in range(n) if sure[r] >> c & 1)


PUZZLE = Nonogram()
