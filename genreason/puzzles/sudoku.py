"""Sudoku: every row, column and block holds each digit once.

Boards have 4, 6 or 9 digits; the givens allow one solution only, which a SAT solver proves. A legal move
writes a digit into an empty cell where its row, column and block do not hold it. The measure of `solve` is
digits.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.types import GenreasonError, Json, Solution, UserError

BLOCKS = {4: (2, 2), 6: (2, 3), 9: (3, 3)}
_TRIES = 60


class SudokuParams(Params):
    """What a level is.

    Attributes:
        size: digits, and cells a side.
        holes: least and most number of empty cells.
    """

    size: Literal[4, 6, 9] = 9
    holes: tuple[int, int] = Field((8, 10))


@dataclass(frozen=True, slots=True)
class SudokuState:
    """A board, row by row: digits as text, "" for empty cells."""

    cells: Cells
    size: int


class Sudoku(PlacingPuzzle[SudokuState]):
    """The family."""

    name: ClassVar[str] = "sudoku"
    params: ClassVar[type[Params]] = SudokuParams

    # -- rules -----------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: SudokuParams, accept: Accept | None = None
    ) -> SudokuState:
        """A full board drawn by lot, from which digits are taken while one solution is left.

        Raises:
            GenreasonError: as many holes as asked for never left a single solution.
        """
        n, (least, most) = params.size, params.holes
        if not 1 <= least <= most < n * n:
            raise UserError(f"sudoku: holes {least} to {most}: give 1 to {n * n - 1}, the smaller first")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            wanted = int(rng.integers(least, most + 1))
            full = _full(rng, n)
            cells = _dug(full, rng.permutation(n * n).tolist(), wanted, n)
            if cells.count("") == wanted:
                state, misfits = SudokuState(cells, n), 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(f"no sudoku of {n} digits has {least} to {most} holes: lower holes")

    def solve(self, state: SudokuState) -> Solution[str] | None:
        """The cells that leave the fewest digits first; None where no solution exists."""
        full, moves = _solved(state.cells, state.size), []
        if full is None:
            return None
        while "" in state.cells:
            open_ = [k for k, digit in enumerate(state.cells) if not digit]
            cell = min(open_, key=lambda k: len(self._fits(state, k)))
            moves.append(self.move(state, cell, full[cell]))
            state = self.placed(state, cell, full[cell])
        return Solution(tuple(moves))

    def refusal(self, state: SudokuState, cell: int, symbol: str) -> str:
        """A digit may not stand twice in a row, column or block."""
        if any(state.cells[k] == symbol for k in _peers(state.size)[cell]):
            return f"there is a {symbol} in its row, column or block"
        return ""

    def placed(self, state: SudokuState, cell: int, symbol: str) -> SudokuState:
        """The state with the digit in the cell."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def left(self, state: SudokuState) -> float:
        """Digits that are missing."""
        return float(state.cells.count(""))

    def done(self, state: SudokuState) -> bool:
        """Whether the board is full and no digit stands twice in a row, column or block."""
        peers = _peers(state.size)
        return "" not in state.cells and all(
            state.cells[k] != state.cells[j] for k in range(len(state.cells)) for j in peers[k]
        )

    def _fits(self, state: SudokuState, cell: int) -> list[str]:
        taken = {state.cells[k] for k in _peers(state.size)[cell]}
        return [d for d in _digits(state.size) if d not in taken]

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: SudokuState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{}`."""
        return {"cells": rows_json(state.cells, state.size)}, {}

    def decode(self, state: Json, goal: Json) -> SudokuState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", _digits(9), "sudoku")
        if cols not in BLOCKS or len(cells) != cols * cols:
            raise UserError(f"sudoku: a board of {len(cells)} cells: give 4 x 4, 6 x 6 or 9 x 9")
        return SudokuState(cells, cols)

    def canonical(self, state: SudokuState) -> bytes:
        """Up to reflections, half turns and the names of the digits."""
        board = np.array([int(d or 0) for d in state.cells]).reshape(state.size, state.size)
        return min(_renamed(image) for image in (board, board[::-1], board[:, ::-1], board[::-1, ::-1]))

    def plan(self, state: SudokuState, move: str) -> str:
        """Which digits fit into the cell, and which is written."""
        cell, digit = self.parsed(state, move)
        fits, where = self._fits(state, cell), self.at(state, cell)
        if len(fits) == 1:
            return f"In {where} only {digit} is left by its row, column and block. Write {digit}."
        return f"In {where} {', '.join(fits)} would fit, but only {digit} leads on. Write {digit}."

    def words(self, state: SudokuState) -> dict[str, str]:
        """The number of digits, and the size of a block."""
        down, across = BLOCKS[state.size]
        return {"n": str(state.size), "block": f"{down} x {across} block"}

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: SudokuState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.size, state.size

    def cells(self, state: SudokuState) -> Cells:
        """The digits."""
        return state.cells

    def symbols(self, state: SudokuState) -> tuple[str, ...]:
        """The digits from 1."""
        return _digits(state.size)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Givens and written digits have different inks."""
        return Sign(text=symbol, ink=style.given if given else style.written, font=style.font)

    def arranged(self, state: SudokuState, cells: Cells) -> SudokuState:
        """The state with these digits."""
        return replace(state, cells=cells)

    def blocks(self, state: SudokuState) -> tuple[int, int]:
        """The blocks' rows and columns."""
        return BLOCKS[state.size]


@functools.cache
def _digits(size: int) -> tuple[str, ...]:
    return tuple(str(d) for d in range(1, size + 1))


@functools.cache
def _peers(size: int) -> tuple[frozenset[int], ...]:
    """For each cell the others in its row, column and block."""
    down, across = BLOCKS[size]
    units = [(k // size, k % size, (k // size // down, k % size // across)) for k in range(size * size)]
    return tuple(
        frozenset(j for j, b in enumerate(units) if j != k and (a[0] == b[0] or a[1] == b[1] or a[2] == b[2]))
        for k, a in enumerate(units)
    )


def _renamed(board: Any) -> bytes:
    names: dict[int, int] = {0: 0}
    return bytes(names.setdefault(int(d), len(names)) for d in board.ravel())


def _full(rng: np.random.Generator, n: int) -> Cells:
    """A full board: a regular one with rows, columns, bands, stacks and digits shuffled."""
    down, across = BLOCKS[n]
    rows = [b * down + r for b in rng.permutation(n // down) for r in rng.permutation(down)]
    cols = [s * across + c for s in rng.permutation(n // across) for c in rng.permutation(across)]
    digits = [str(d + 1) for d in rng.permutation(n)]
    return tuple(digits[(across * (r % down) + r // down + c) % n] for r in rows for c in cols)


@functools.cache
def _clauses(size: int) -> tuple[tuple[int, ...], ...]:
    """A digit in each cell, none twice in a row, column or block; variables are cell * size + digit."""
    cells = range(size * size)
    some = [tuple(k * size + d for d in range(1, size + 1)) for k in cells]
    twice = [(-(k * size + d), -(j * size + d)) for k in cells for j in _peers(size)[k] if k < j
             for d in range(1, size + 1)]  # fmt: skip
    both = [(-(k * size + d), -(k * size + e)) for k in cells
            for d, e in itertools.combinations(range(1, size + 1), 2)]  # fmt: skip
    return (*some, *twice, *both)


def _known(cells: Cells, size: int) -> list[int]:
    return [k * size + int(digit) for k, digit in enumerate(cells) if digit]


def _dug(full: Cells, order: list[int], wanted: int, size: int) -> Cells:
    """The board without digits, taken in this order, as long as no other solution comes up."""
    from pysat.solvers import Solver

    cells = list(full)
    with Solver("g4", bootstrap_with=_clauses(size)) as solver:
        solver.add_clause([-v for v in _known(full, size)])  # only other solutions count
        for cell in order:
            if cells.count("") == wanted:
                break
            cells[cell] = ""
            if solver.solve(assumptions=_known(tuple(cells), size)):
                cells[cell] = full[cell]
    return tuple(cells)


def _solved(cells: Cells, size: int) -> Cells | None:
    from pysat.solvers import Solver

    with Solver("g4", bootstrap_with=_clauses(size)) as solver:
        if not solver.solve(assumptions=_known(cells, size)):
            return None
        true = [v for v in solver.get_model() if v > 0]
    return tuple(str((v - 1) % size + 1) for v in true)


PUZZLE = Sudoku()
