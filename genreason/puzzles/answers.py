"""Puzzles whose empty cells have one right content each, which a rule gives that the picture shows.

A family samples boards of which it has proved that every rule of its language that fits the picture gives the
same answer. A legal move puts the answer's symbol into a cell; cells may be filled in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from genreason.puzzles import attributes
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.types import Json, Solution, UserError


@dataclass(frozen=True, slots=True)
class AnswerState:
    """A board, row by row, its answer, and the rule that gives it, as the family writes it."""

    cells: Cells
    cols: int
    answer: Cells
    rule: str = ""


class AnswerPuzzle(PlacingPuzzle[AnswerState]):
    """A family gives `sample`, `symbols`, `because` and `words`.

    Attributes:
        scale: of things, times their usual size.
        alike: whether other things in the place of these make the same puzzle.
    """

    scale: ClassVar[float] = 1.0
    least_cell: ClassVar[int] = 26
    alike: ClassVar[bool] = False

    def because(self, state: AnswerState, cell: int) -> str:
        """Why the answer holds what it holds in this cell: a sentence."""
        raise NotImplementedError

    def solve(self, state: AnswerState) -> Solution[str] | None:
        """The missing symbols row by row, or None where something wrong stands on the board."""
        pairs = list(zip(state.cells, state.answer, strict=True))
        if any(held and held != right for held, right in pairs):
            return None
        lack = [(k, right) for k, (held, right) in enumerate(pairs) if right and not held]
        return Solution(tuple(self.move(state, k, right) for k, right in lack))

    def refusal(self, state: AnswerState, cell: int, symbol: str) -> str:
        """Only the answer may be put into a cell."""
        right = state.answer[cell]
        if right == symbol:
            return ""
        return f"the rule asks for {right} there" if right else "nothing belongs there"

    def placed(self, state: AnswerState, cell: int, symbol: str) -> AnswerState:
        """The state with the symbol in the cell."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def done(self, state: AnswerState) -> bool:
        """Whether the board is the answer."""
        return state.cells == state.answer

    def encode(self, state: AnswerState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"answer": rows, "rule": text}`."""
        goal = {"answer": rows_json(state.answer, state.cols), "rule": state.rule}
        return {"cells": rows_json(state.cells, state.cols)}, goal

    def decode(self, state: Json, goal: Json) -> AnswerState:
        """The inverse of `encode`."""
        known = set(self.inventory())
        cells, cols = rows_cells(state, "cells", known, self.name)
        answer, wide = rows_cells(goal, "answer", known, self.name)
        if (len(cells), cols) != (len(answer), wide):
            raise UserError(f"{self.name}: answer: give as many rows and columns as in cells")
        if any(held and held != right for held, right in zip(cells, answer, strict=True)):
            raise UserError(f"{self.name}: answer: it must keep what stands in the cells")
        return AnswerState(cells, cols, answer, str(goal.get("rule", "")))

    def inventory(self) -> tuple[str, ...]:
        """All symbols that boards of this family may hold, in an order that does not change."""
        raise NotImplementedError

    def symbols(self, state: AnswerState) -> tuple[str, ...]:
        """Everything that a reader should tell apart: by default the whole inventory."""
        return self.inventory()

    def canonical(self, state: AnswerState) -> bytes:
        """The board; with `alike`, its symbols are numbered as they come."""
        symbols = (*state.cells, *state.answer)
        if not self.alike:
            return f"{state.cols} {','.join(symbols)}".encode()
        numbers: dict[str, int] = {"": 0}
        return bytes([state.cols, *(numbers.setdefault(symbol, len(numbers)) for symbol in symbols)])

    def plan(self, state: AnswerState, move: str) -> str:
        """Why the cell holds what it must, and what is put there."""
        cell, symbol = self.parsed(state, move)
        return f"{self.because(state, cell)} Put {article(symbol)} into {self.at(state, cell)}."

    def words(self, state: AnswerState) -> dict[str, str]:
        """How many cells are to be filled."""
        lack = sum(a != b for a, b in zip(state.cells, state.answer, strict=True))
        return {"n": str(lack), "cells": "the empty cell" if lack == 1 else f"the {lack} empty cells"}

    def shape(self, state: AnswerState) -> tuple[int, int]:
        """Rows and columns."""
        return len(state.cells) // state.cols, state.cols

    def cells(self, state: AnswerState) -> Cells:
        """What stands there."""
        return state.cells

    def arranged(self, state: AnswerState, cells: Cells) -> AnswerState:
        """The state with these contents."""
        return replace(state, cells=cells)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A thing with its attributes."""
        return attributes.sign(symbol, style, self.scale)

    def styles(self) -> tuple[str, ...]:
        """Those on whose ground all colours stand out."""
        return attributes.styles()


def article(symbol: str) -> str:
    """A thing in a sentence: "a red disc", "3 red discs"."""
    return symbol if symbol[:1].isdigit() else f"a {symbol}"
