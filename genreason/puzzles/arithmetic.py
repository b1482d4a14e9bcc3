"""Written arithmetic: column addition, subtraction, and multiplication by one digit.

The result is written digit by digit from right to left; what is carried (or borrowed) is noted above the next
column before anything is written there. The measure of `solve` is digits.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.types import GenreasonError, Json, Solution, UserError

DIGITS = tuple("0123456789")
SIGNS = {"add": "+", "subtract": "-", "multiply": "X"}
PLACES = ("ones", "tens", "hundreds", "thousands", "ten thousands", "hundred thousands")
ROWS = 4
"""Rows of the board: what is carried, the first number, sign and second number, the result."""
_TRIES = 400


class ArithmeticParams(Params):
    """What a level is.

    Attributes:
        operations: which of "add", "subtract", "multiply" come up.
        digits: of the first number.
        carried: least and most digits that are noted above a column.
    """

    operations: tuple[Literal["add", "subtract", "multiply"], ...] = Field(("add", "subtract"), min_length=1)
    digits: int = Field(3, ge=2, le=5)
    carried: tuple[int, int] = (1, 2)


@dataclass(frozen=True, slots=True)
class ArithmeticState:
    """A sheet, row by row, and what is to be computed on it."""

    cells: Cells
    first: int
    sign: str
    second: int

    @property
    def cols(self) -> int:
        """Columns of the sheet."""
        return len(self.cells) // ROWS


@dataclass(frozen=True, slots=True)
class Column:
    """What is done in a column: its two digits, what came, what is written, and what goes on."""

    above: int
    below: int
    came: int
    digit: int
    goes: int


class Arithmetic(PlacingPuzzle[ArithmeticState]):
    """The family."""

    name: ClassVar[str] = "arithmetic"
    params: ClassVar[type[Params]] = ArithmeticParams

    def sample(
        self, rng: np.random.Generator, params: ArithmeticParams, accept: Accept | None = None
    ) -> ArithmeticState:
        """Two numbers drawn by lot.

        Raises:
            GenreasonError: none in 400 needed as many carried digits as the level asks for.
        """
        least, most = params.carried
        if not 0 <= least <= most or least >= params.digits:
            limit = f"give 0 to {params.digits - 1}, the smaller first"
            raise UserError(f"arithmetic: carried {least} to {most} of {params.digits} digits: {limit}")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            sign = SIGNS[params.operations[int(rng.integers(len(params.operations)))]]
            first = int(rng.integers(10 ** (params.digits - 1), 10**params.digits))
            shorter = params.digits - int(rng.integers(2)) if params.digits > 2 else 2
            second = int(rng.integers(10 ** (shorter - 1), 10**shorter))
            if sign == "X":
                second = int(rng.integers(2, 10))
            elif sign == "-" and second >= first:
                continue
            state = _sheet(first, sign, second)
            noted = sum(1 for cell in _full(first, sign, second)[: state.cols] if cell)
            if least <= noted <= most:
                misfits = 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"no numbers of {params.digits} digits carry {least} to {most} times: change carried"
        )

    def solve(self, state: ArithmeticState) -> Solution[str] | None:
        """Each column's digit, then what it carries; None where something else stands there."""
        full, moves = self._full(state), []
        if any(held and held != full[k] for k, held in enumerate(state.cells)):
            return None
        for cells in _order(full, state.cols):
            moves += [self.move(state, k, full[k]) for k in cells if not state.cells[k]]
        return Solution(tuple(moves))

    def refusal(self, state: ArithmeticState, cell: int, symbol: str) -> str:
        """Only the right digit, and only where all columns to the right are finished."""
        full = self._full(state)
        if not full[cell]:
            return "nothing is written there"
        for cells in _order(full, state.cols):
            if cell in cells:
                return "" if symbol == full[cell] else f"{full[cell]} belongs there"
            if any(not state.cells[k] for k in cells):
                break
        return "the column to the right is not finished"

    def placed(self, state: ArithmeticState, cell: int, symbol: str) -> ArithmeticState:
        """The state with the digit in the cell."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def left(self, state: ArithmeticState) -> float:
        """Digits that are missing."""
        return float(sum(a != b for a, b in zip(state.cells, self._full(state), strict=True)))

    def done(self, state: ArithmeticState) -> bool:
        """Whether the result and all that is carried is written."""
        return state.cells == self._full(state)

    def _full(self, state: ArithmeticState) -> Cells:
        return _full(state.first, state.sign, state.second)

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: ArithmeticState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"first", "sign", "second"}`."""
        goal = {"first": state.first, "sign": state.sign, "second": state.second}
        return {"cells": rows_json(state.cells, state.cols)}, goal

    def decode(self, state: Json, goal: Json) -> ArithmeticState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (*DIGITS, *SIGNS.values()), "arithmetic")
        first, sign, second = goal.get("first"), str(goal.get("sign")), goal.get("second")
        if not isinstance(first, int) or not isinstance(second, int) or sign not in SIGNS.values():
            raise UserError("arithmetic: goal: give first and second as whole numbers, and sign as +, - or X")
        if len(cells) != ROWS * cols or cols != len(str(first)) + 1:
            raise UserError("arithmetic: give 4 rows, with a column more than the first number has digits")
        most = {"+": 10 ** len(str(first)) - 1, "-": first, "X": 9}[sign]
        if not 0 < second <= most:
            raise UserError(f"arithmetic: goal: second: {second}: give 1 to {most}")
        return ArithmeticState(cells, first, sign, second)

    def canonical(self, state: ArithmeticState) -> bytes:
        """The task and what is written of it."""
        return f"{state.first}{state.sign}{state.second}:{','.join(state.cells)}".encode()

    def plan(self, state: ArithmeticState, move: str) -> str:
        """What the column comes to, or what is carried out of it."""
        cell, symbol = self.parsed(state, move)
        row, col = divmod(cell, state.cols)
        number = state.cols - 1 - col
        columns = _columns(state.first, state.sign, state.second)
        if row == 0:
            verb = "Borrow 1 from" if state.sign == "-" else f"Carry {symbol} to"
            return f"{verb} the {PLACES[number]}: write {symbol} above that column."
        own = columns[number] if number < len(columns) else Column(0, 0, int(symbol), int(symbol), 0)
        if number >= len(str(state.first)):
            return f"{symbol} is left for the {PLACES[number]}. Write {symbol}."
        ten = " + 10" if state.sign == "-" and own.goes else ""
        came = f" {'-' if state.sign == '-' else '+'} {own.came}" if own.came else ""
        value = own.digit if state.sign == "-" else own.digit + 10 * own.goes
        sign = state.sign.lower()
        work = f"{own.above}{ten} {sign} {own.below}{came} = {value}"
        return f"In the {PLACES[number]}, {work}. Write {symbol}."

    def words(self, state: ArithmeticState) -> dict[str, str]:
        """What is computed, and what is noted above columns."""
        name = {"+": "addition", "-": "subtraction", "X": "multiplication"}[state.sign]
        what = "borrowed" if state.sign == "-" else "carried"
        return {"operation": name, "carried": what}

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: ArithmeticState) -> tuple[int, int]:
        """Four rows; a column more than the first number has digits."""
        return ROWS, state.cols

    def cells(self, state: ArithmeticState) -> Cells:
        """Digits and the sign."""
        return state.cells

    def symbols(self, state: ArithmeticState) -> tuple[str, ...]:
        """Digits and the sign of this sheet."""
        return (*DIGITS, state.sign)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Givens and written digits have different inks."""
        ink, scale = style.given if given else style.written, 0.42 if symbol == "X" else 0.6
        return Sign(text=symbol, ink=ink, font=style.font, scale=scale)

    def arranged(self, state: ArithmeticState, cells: Cells) -> ArithmeticState:
        """The state with these digits."""
        return replace(state, cells=cells)

    def blocks(self, state: ArithmeticState) -> tuple[int, int]:
        """A bold line above the result."""
        return 3, 0


@functools.lru_cache(maxsize=256)
def _columns(first: int, sign: str, second: int) -> tuple[Column, ...]:
    """What is done in each column of the first number, from right to left."""
    out: list[Column] = []
    for i in range(len(str(first))):
        above, below = first // 10**i % 10, second if sign == "X" else second // 10**i % 10
        came = out[-1].goes if out else 0
        if sign == "-":
            value = above - below - came
            out.append(Column(above, below, came, value % 10, int(value < 0)))
        else:
            value = (above * below if sign == "X" else above + below) + came
            out.append(Column(above, below, came, value % 10, value // 10))
    return tuple(out)


@functools.lru_cache(maxsize=256)
def _full(first: int, sign: str, second: int) -> Cells:
    """The finished sheet. What leaves the last column is the first digit of the result."""
    columns, cells = _columns(first, sign, second), list(_sheet(first, sign, second).cells)
    cols = len(columns) + 1
    for i, column in enumerate(columns[:-1]):
        if column.goes:
            cells[cols - 2 - i] = str(column.goes)
    result = str({"+": first + second, "-": first - second, "X": first * second}[sign])
    cells[ROWS * cols - len(result) :] = result
    return tuple(cells)


def _sheet(first: int, sign: str, second: int) -> ArithmeticState:
    """The sheet with the two numbers alone."""
    cols = len(str(first)) + 1
    above, below = str(first).rjust(cols), sign + str(second).rjust(cols - 1)
    cells = ["" if c == " " else c for c in " " * cols + above + below + " " * cols]
    return ArithmeticState(tuple(cells), first, sign, second)


def _order(full: Cells, cols: int) -> list[tuple[int, ...]]:
    """The cells that are written, column by column: the digit of the result, and what is carried."""
    return [
        tuple(k for k in (3 * cols + c, c - 1) if k >= 0 and full[k] and (k >= cols or c > 1))
        for c in reversed(range(cols))
    ]


PUZZLE = Arithmetic()
