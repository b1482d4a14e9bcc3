"""Connect four: discs fall down columns; four of one's own in a row win.

Positions are those of a real game in which the first player is to move. It must win at once, block at once,
or win with its second move whatever the second player answers. The measure of `solve` is discs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, Place, rows_cells, rows_json
from genreason.puzzles.lines import FIRST, SECOND, LinePuzzle, LineState
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import GenreasonError, IllegalMove, Json, UserError

ROWS, COLS = 7, 7  # the first row is above the board: discs come from there
_TRIES = 4000


class ConnectFourParams(Params):
    """What a level is.

    Attributes:
        goal: whether the first player must "win" or "block" with its next disc, or win with its "second".
        discs: least and most discs of each player at the start.
    """

    goal: Literal["win", "block", "second"] = "win"
    discs: tuple[int, int] = (4, 8)


@dataclass(frozen=True, slots=True)
class ConnectFourState(LineState):
    """Seven columns of six cells, under a row that is no part of the board."""


class ConnectFour(LinePuzzle[ConnectFourState]):
    """The family; moves are columns, counted from 1."""

    name: ClassVar[str] = "connect_four"
    params: ClassVar[type[Params]] = ConnectFourParams
    carried: ClassVar[bool] = True
    players: ClassVar[tuple[str, str]] = ("the first player", "the second player")
    margins: ClassVar[tuple[float, float, float, float]] = (0.2, 0.1, 0.2, 0.3)

    def sample(
        self, rng: np.random.Generator, params: ConnectFourParams, accept: Accept | None = None
    ) -> ConnectFourState:
        """A position of a random game.

        Raises:
            GenreasonError: none of 4000 games had one in which the goal can be reached.
        """
        least, most = params.discs
        if not 1 <= least <= most <= 18:
            raise UserError(f"connect_four: discs {least} to {most}: give 1 to 18, the smaller first")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            cells = [""] * (ROWS * COLS)
            count = 2 * int(rng.integers(least, most + 1))
            for i in range(count):
                open_ = self.places_open(tuple(cells), COLS)
                cells[open_[int(rng.integers(len(open_)))]] = FIRST if i % 2 == 0 else SECOND
            plies = 3 if params.goal == "second" else 1
            state = ConnectFourState(tuple(cells), COLS, count + plies, params.goal == "block")
            if self._fits(state, params.goal):
                misfits = 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(f"no game of connect_four with {least} to {most} discs fits: change discs")

    def _fits(self, state: ConnectFourState, goal: str) -> bool:
        if self.wins(state, FIRST) or self.wins(state, SECOND):
            return False
        own, other = self.threats(state, FIRST), self.threats(state, SECOND)
        if goal == "win":
            return len(own) == 1
        if goal == "block":
            return not own and len(other) == 1 and self.solve(state) is not None
        return not own and not other and self.solve(state) is not None

    def board_form(self, state: ConnectFourState) -> tuple[int, int, int, int]:
        """Four in a row."""
        return ROWS, COLS, 4, 1

    def places_open(self, cells: Cells, cols: int) -> Sequence[int]:
        """The lowest empty cell of each column."""
        found = []
        for c in range(cols):
            height = sum(1 for mark in cells[cols + c :: cols] if mark)  # discs of a column have no gaps
            if height < ROWS - 1:
                found.append((ROWS - 1 - height) * cols + c)
        return found

    def name_of(self, state: ConnectFourState, cell: int) -> str:
        """The column."""
        return str(cell % COLS + 1)

    def cell_of(self, state: ConnectFourState, move: str) -> int:
        """Where a disc comes to lie."""
        column = int(move) - 1 if move.isdecimal() else -1
        cell = next((k for k in self.places_open(state.cells, COLS) if k % COLS == column), None)
        if cell is None:
            raise IllegalMove(f"no disc can fall into column {move!r}")
        return cell

    def called(self, symbol: str) -> str:
        """Discs."""
        return f"disc of {self.player(symbol)}"

    def path(self, state: ConnectFourState, move: str, target: int) -> Sequence[Place]:
        """From above the column down."""
        x, y = self.place(state, target)
        return ((x, 0.0), (x, y))

    def open(self, state: ConnectFourState) -> frozenset[int]:
        """The row above the board."""
        return frozenset(range(COLS))

    def at(self, state: ConnectFourState, cell: int) -> str:
        """Column and row, counted from below."""
        return f"column {cell % COLS + 1}, row {ROWS - cell // COLS} from below"

    def encode(self, state: ConnectFourState) -> tuple[Json, Json]:
        """`{"cells": rows}`, the first above the board, and `{"marks": at the end, "block": bool}`."""
        return {"cells": rows_json(state.cells, COLS)}, {"marks": state.marks, "block": state.block}

    def decode(self, state: Json, goal: Json) -> ConnectFourState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (FIRST, SECOND), "connect_four")
        if cols != COLS or len(cells) != ROWS * COLS:
            raise UserError("connect_four: give 7 rows (the first one above the board) of 7 cells")
        marks = grid.item(goal, "marks", "connect_four")
        return ConnectFourState(cells, COLS, marks, bool(goal.get("block")))

    def canonical(self, state: ConnectFourState) -> bytes:
        """Up to reflection."""
        codes = np.array([" XO".index(mark or " ") for mark in state.cells], np.uint8).reshape(ROWS, COLS)
        return min(codes.tobytes(), codes[:, ::-1].tobytes()) + bytes([state.marks, state.block])

    def words(self, state: ConnectFourState) -> dict[str, str]:
        """What the first player must do."""
        if state.block:
            return {
                "task": "blocks: its disc takes the cell with which the other would complete four in a row"
            }
        if state.plies == 1:
            return {"task": "wins: with this one disc it completes four in a row (across, down or diagonal)"}
        return {
            "task": "wins with its second disc: it drops one, the other player answers (it blocks where "
            "four in a row threaten), then it completes four in a row"
        }

    def shape(self, state: ConnectFourState) -> tuple[int, int]:
        """Seven by seven, with the row above."""
        return ROWS, COLS

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Discs in two colours."""
        return Sign(mark=shape("disc", style.first if symbol == FIRST else style.second, 0.78))


PUZZLE = ConnectFour()
