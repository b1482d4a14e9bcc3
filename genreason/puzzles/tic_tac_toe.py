"""Tic-tac-toe: three marks in a row.

Positions are those of a real game in which X is to move. X must win at once, block at once, or win with its
second move whatever O answers. The measure of `solve` is moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.lines import FIRST, SECOND, LinePuzzle, LineState
from genreason.render.cells import CellStyle, Sign
from genreason.types import GenreasonError, IllegalMove, Json, UserError

_TRIES = 5000


class TicTacToeParams(Params):
    """What a level is.

    Attributes:
        goal: whether X must "win" or "block" with its next move, or win with its "second".
    """

    goal: Literal["win", "block", "second"] = "win"


@dataclass(frozen=True, slots=True)
class TicTacToeState(LineState):
    """A board of three by three."""


class TicTacToe(LinePuzzle[TicTacToeState]):
    """The family; moves are "row,column", counted from 1."""

    name: ClassVar[str] = "tic_tac_toe"
    params: ClassVar[type[Params]] = TicTacToeParams

    def sample(
        self, rng: np.random.Generator, params: TicTacToeParams, accept: Accept | None = None
    ) -> TicTacToeState:
        """A position of a random game in which the goal can be reached by one first move only.

        Raises:
            GenreasonError: none came up in 5000 games.
        """
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            count = 2 * int(rng.integers(1, 4))
            cells = [""] * 9
            for i, cell in enumerate(rng.permutation(9)[:count].tolist()):
                cells[cell] = FIRST if i % 2 == 0 else SECOND
            plies = 3 if params.goal == "second" else 1
            state = TicTacToeState(tuple(cells), 3, count + plies, params.goal == "block")
            if self._fits(state, params.goal):
                misfits = 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(f"no position of tic-tac-toe for the goal {params.goal} was found")

    def _fits(self, state: TicTacToeState, goal: str) -> bool:
        if self.wins(state, FIRST) or self.wins(state, SECOND):
            return False
        own, other = self.threats(state, FIRST), self.threats(state, SECOND)
        if goal == "win":
            return len(own) == 1
        if goal == "block":
            return not own and len(other) == 1
        return not own and len(state.cells) - state.cells.count("") <= 4 and self.solve(state) is not None

    def board_form(self, state: TicTacToeState) -> tuple[int, int, int, int]:
        """Three in a row."""
        return 3, 3, 3, 0

    def places_open(self, cells: Cells, cols: int) -> Sequence[int]:
        """Empty cells."""
        return [k for k, mark in enumerate(cells) if not mark]

    def name_of(self, state: TicTacToeState, cell: int) -> str:
        """Row and column."""
        return f"{cell // 3 + 1},{cell % 3 + 1}"

    def cell_of(self, state: TicTacToeState, move: str) -> int:
        """The cell of "row,column"."""
        try:
            row, col = (int(word) - 1 for word in move.split(","))
        except ValueError:
            raise IllegalMove(f"{move!r} is no move: write row,column") from None
        if not (0 <= row < 3 and 0 <= col < 3):
            raise IllegalMove(f"{move!r} lies off the board")
        return 3 * row + col

    def encode(self, state: TicTacToeState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"marks": when the game ends, "block": bool}`."""
        return {"cells": rows_json(state.cells, 3)}, {"marks": state.marks, "block": state.block}

    def decode(self, state: Json, goal: Json) -> TicTacToeState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (FIRST, SECOND), "tic_tac_toe")
        if cols != 3 or len(cells) != 9:
            raise UserError("tic_tac_toe: a board has 3 x 3 cells")
        return TicTacToeState(cells, 3, grid.item(goal, "marks", "tic_tac_toe"), bool(goal.get("block")))

    def canonical(self, state: TicTacToeState) -> bytes:
        """Up to rotation and reflection."""
        codes = np.array([" XO".index(mark or " ") for mark in state.cells], np.uint8).reshape(3, 3)
        return grid.canonical(codes) + bytes([state.marks, state.block])

    def words(self, state: TicTacToeState) -> dict[str, str]:
        """What X must do."""
        if state.block:
            task = "X must block: it takes the one cell in which O could complete a row of three next"
        elif state.plies == 1:
            task = "X must win: with this one move it completes a row of three (across, down or diagonal)"
        else:
            task = (
                "X wins with its second move: X moves, O answers (it blocks where X threatens to complete "
                "a row of three), then X completes a row of three"
            )
        return {"task": task, "x": FIRST, "o": SECOND}

    def shape(self, state: TicTacToeState) -> tuple[int, int]:
        """Three by three."""
        return 3, 3

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """X and O in two colours."""
        ink = style.first if symbol == FIRST else style.second
        return Sign(text=symbol, ink=ink, font=style.font, scale=0.58)


PUZZLE = TicTacToe()
