"""Gomoku: five stones of one's own in a row win.

The first player is to move. It must win at once, block at once, or win with its second stone whatever the
second player answers. The measure of `solve` is stones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.lines import FIRST, SECOND, LinePuzzle, LineState, lines
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import GenreasonError, IllegalMove, Json, UserError

FIVE = 5
_TRIES = 2000


class GomokuParams(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        goal: whether the first player must "win" or "block" with its next stone, or win with its "second".
        stones: least and most stones of each player at the start.
    """

    size: int = Field(9, ge=7, le=11)
    goal: Literal["win", "block", "second"] = "win"
    stones: tuple[int, int] = (6, 9)


@dataclass(frozen=True, slots=True)
class GomokuState(LineState):
    """A square board."""


class Gomoku(LinePuzzle[GomokuState]):
    """The family; moves are "row,column", counted from 1."""

    name: ClassVar[str] = "gomoku"
    params: ClassVar[type[Params]] = GomokuParams
    players: ClassVar[tuple[str, str]] = ("the first player", "the second player")

    def sample(
        self, rng: np.random.Generator, params: GomokuParams, accept: Accept | None = None
    ) -> GomokuState:
        """Stones around one or two rows that matter.

        Raises:
            GenreasonError: none of 2000 positions fits.
        """
        n, (least, most) = params.size, params.stones
        if not 4 <= least <= most <= n * n // 4:
            raise UserError(f"gomoku: stones {least} to {most}: give 4 to {n * n // 4}, the smaller first")
        if params.goal == "second" and least < 6:
            raise UserError(f"gomoku: {least} stones: to win with the second stone takes 6 or more")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            cells = _position(rng, n, params.goal, int(rng.integers(least, most + 1)))
            if cells is None:
                continue
            count = sum(1 for mark in cells if mark)
            plies = 3 if params.goal == "second" else 1
            state = GomokuState(cells, n, count + plies, params.goal == "block")
            if self._fits(state, params.goal):
                misfits = 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"no position of gomoku with {least} to {most} stones fits: change stones or size"
        )

    def _fits(self, state: GomokuState, goal: str) -> bool:
        if self.wins(state, FIRST) or self.wins(state, SECOND):
            return False
        own, other = self.threats(state, FIRST), self.threats(state, SECOND)
        if goal == "win":
            return len(own) == 1 and len(other) <= 1
        if goal == "block":
            return not own and len(other) == 1
        return not own and not other and self.solve(state) is not None

    def board_form(self, state: GomokuState) -> tuple[int, int, int, int]:
        """Five in a row."""
        return state.cols, state.cols, FIVE, 0

    def places_open(self, cells: Cells, cols: int) -> Sequence[int]:
        """Empty cells."""
        return [k for k, mark in enumerate(cells) if not mark]

    def name_of(self, state: GomokuState, cell: int) -> str:
        """Row and column."""
        return f"{cell // state.cols + 1},{cell % state.cols + 1}"

    def cell_of(self, state: GomokuState, move: str) -> int:
        """The cell of "row,column"."""
        try:
            row, col = (int(word) - 1 for word in move.split(","))
        except ValueError:
            raise IllegalMove(f"{move!r} is no move: write row,column") from None
        if not (0 <= row < state.cols and 0 <= col < state.cols):
            raise IllegalMove(f"{move!r} lies off the board")
        return row * state.cols + col

    def called(self, symbol: str) -> str:
        """Stones."""
        return f"stone of {self.player(symbol)}"

    def encode(self, state: GomokuState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"marks": at the end, "block": bool}`."""
        return {"cells": rows_json(state.cells, state.cols)}, {"marks": state.marks, "block": state.block}

    def decode(self, state: Json, goal: Json) -> GomokuState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (FIRST, SECOND), "gomoku")
        if len(cells) != cols * cols or cols < FIVE:
            raise UserError("gomoku: give as many rows as columns, five or more")
        return GomokuState(cells, cols, grid.item(goal, "marks", "gomoku"), bool(goal.get("block")))

    def canonical(self, state: GomokuState) -> bytes:
        """Up to rotation and reflection."""
        codes = np.array([" XO".index(mark or " ") for mark in state.cells], np.uint8)
        return grid.canonical(codes.reshape(state.cols, state.cols)) + bytes([state.marks, state.block])

    def words(self, state: GomokuState) -> dict[str, str]:
        """What the first player must do."""
        if state.block:
            task = "blocks: its stone takes the cell with which the other would complete five in a row"
        elif state.plies == 1:
            task = "wins: with this one stone it completes five in a row (across, down or diagonal)"
        else:
            task = (
                "wins with its second stone: it puts one, the other player answers (it blocks where five "
                "in a row threaten), then it completes five in a row"
            )
        return {"task": task}

    def shape(self, state: GomokuState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.cols, state.cols

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Stones in two colours."""
        return Sign(mark=shape("disc", style.first if symbol == FIRST else style.second, 0.74))


def _position(rng: np.random.Generator, n: int, goal: str, count: int) -> Cells | None:
    """As many stones of each player; some of them stand in a row, the others around them."""
    cells = [""] * (n * n)
    every = lines(n, n, FIVE)
    player = SECOND if goal == "block" else FIRST
    row = every[int(rng.integers(len(every)))]
    gap = int(rng.integers(FIVE))
    rows = [row]
    if goal == "second":  # two rows of three that cross in an empty cell
        crossing = [other for other in every if len(set(other) & set(row)) == 1 and row[gap] in other]
        if not crossing:
            return None
        rows.append(crossing[int(rng.integers(len(crossing)))])
    for other in rows:
        own = [k for k in other if k != row[gap]]
        spare = int(rng.integers(len(own))) if goal == "second" else -1
        for i, k in enumerate(own):
            if i != spare:
                cells[k] = player
    middle = np.array(divmod(row[gap], n))
    far = np.hypot(*(np.array(np.divmod(np.arange(n * n), n)) - middle[:, None]))
    for mark in (FIRST, SECOND):
        for k in np.argsort(far + rng.uniform(0, 4, n * n)).tolist():
            if cells.count(mark) >= count:
                break
            if not cells[k] and k != row[gap]:
                cells[k] = mark
    return tuple(cells) if cells.count(FIRST) == cells.count(SECOND) == count else None


PUZZLE = Gomoku()
