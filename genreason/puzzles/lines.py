"""Two players who want a row of their own marks: what the games of that kind share.

The first player is to win within so many moves. The second one is no helper: it wins where it can, else it
blocks where the first one threatens, else it may play anywhere.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from genreason.puzzles.boards import BoardPuzzle, Cells
from genreason.types import IllegalMove, Solution

FIRST, SECOND = "X", "O"
"""Symbols of the players."""


@dataclass(frozen=True, slots=True)
class LineState:
    """A board of two players.

    Attributes:
        cells: symbols, row by row.
        cols: number of columns.
        marks: how many marks there are when the last allowed move is made.
        block: whether the first player need only keep the second one from winning.
    """

    cells: Cells
    cols: int
    marks: int
    block: bool = False

    @property
    def turn(self) -> str:
        """Whose turn it is."""
        return FIRST if self.cells.count(FIRST) == self.cells.count(SECOND) else SECOND

    @property
    def plies(self) -> int:
        """Moves that are left."""
        return self.marks - sum(1 for cell in self.cells if cell)


S = TypeVar("S", bound=LineState)


@functools.cache
def lines(rows: int, cols: int, length: int, top: int = 0) -> tuple[tuple[int, ...], ...]:
    """All rows of cells of that length: across, down and diagonal, from board row `top` on."""
    found = []
    for r in range(top, rows):
        for c in range(cols):
            for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
                end = r + (length - 1) * dr, c + (length - 1) * dc
                if end[0] < rows and 0 <= end[1] < cols:
                    found.append(tuple((r + i * dr) * cols + c + i * dc for i in range(length)))
    return tuple(found)


@functools.cache
def crossing(rows: int, cols: int, length: int, top: int = 0) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """For each cell of the board the others of every row in `lines` that passes through it."""
    found: list[list[tuple[int, ...]]] = [[] for _ in range(rows * cols)]
    for row in lines(rows, cols, length, top):
        for cell in row:
            found[cell].append(tuple(k for k in row if k != cell))
    return tuple(map(tuple, found))


class LinePuzzle(BoardPuzzle[S, str]):
    """A family gives `board_form`, `places_open`, `name_of`, `cell_of`, forms and signs.

    Attributes:
        players: what the first and the second player are called.
    """

    players: ClassVar[tuple[str, str]] = (FIRST, SECOND)

    @abstractmethod
    def board_form(self, state: S) -> tuple[int, int, int, int]:
        """Rows, columns, how many in a row win, and the first row that counts."""

    @abstractmethod
    def places_open(self, cells: Cells, cols: int) -> Sequence[int]:
        """The cells into which a mark may be put now."""

    @abstractmethod
    def name_of(self, state: S, cell: int) -> str:
        """The move into a cell."""

    @abstractmethod
    def cell_of(self, state: S, move: str) -> int:
        """The cell of a move.

        Raises:
            IllegalMove: there is none.
        """

    def wins(self, state: S, player: str) -> bool:
        """Whether a row is the player's own."""
        return any(all(state.cells[k] == player for k in row) for row in lines(*self.board_form(state)))

    def threats(self, state: S, player: str) -> list[int]:
        """Cells in which the player would complete a row now."""
        through, cells = crossing(*self.board_form(state)), state.cells
        return [
            cell
            for cell in self.places_open(cells, state.cols)
            if any(all(cells[k] == player for k in rest) for rest in through[cell])
        ]

    def options(self, state: S) -> list[int]:
        """The cells that the player whose turn it is may take."""
        if state.plies <= 0 or self.wins(state, FIRST) or self.wins(state, SECOND):
            return []
        if state.turn == SECOND:
            must = self.threats(state, SECOND) or self.threats(state, FIRST)
            if must:
                return must
        return list(self.places_open(state.cells, state.cols))

    def moves(self, state: S) -> Iterable[str]:
        """What the player whose turn it is may do."""
        return tuple(self.name_of(state, cell) for cell in self.options(state))

    def step(self, state: S, move: str) -> S:
        """Put the player's mark.

        Raises:
            IllegalMove: the place is taken or out of reach, or the second player must do something else.
        """
        cell = self.cell_of(state, move)
        if cell not in self.options(state):
            raise IllegalMove(self.refusal(state, cell))
        return replace(state, cells=(*state.cells[:cell], state.turn, *state.cells[cell + 1 :]))

    def refusal(self, state: S, cell: int) -> str:
        """Why the player whose turn it is may not take a cell."""
        if state.plies <= 0 or self.wins(state, FIRST) or self.wins(state, SECOND):
            return "the game is over"
        if cell not in self.places_open(state.cells, state.cols):
            return f"{self.at(state, cell)} is not open"
        return f"{self.player(state.turn)} must win or block"

    def player(self, symbol: str) -> str:
        """What the player of these marks is called."""
        return self.players[symbol == SECOND]

    def changes(self, state: S, move: str) -> dict[int, str]:
        """The one cell."""
        return {self.cell_of(state, move): state.turn}

    def explain(self, state: S, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this."""
        if not symbol or self.cells(state)[cell]:
            return super().explain(state, cell, symbol)
        what = f"{self.called(symbol)} comes into {self.at(state, cell)}"
        if symbol != state.turn:
            return f"{what}: it is not the turn of {self.player(symbol)}"
        return f"{what}: {self.refusal(state, cell)}"

    def done(self, state: S) -> bool:
        """Whether the first player has won, or has blocked."""
        if state.block:
            return state.plies == 0 and not self.wins(state, SECOND) and not self.threats(state, SECOND)
        return self.wins(state, FIRST)

    def solve(self, state: S) -> Solution[str] | None:
        """The first player's shortest way that no answer can stop, with the second player's first answer."""
        way = self._way(state)
        return None if way is None else Solution(tuple(way))

    def _way(self, state: S) -> list[str] | None:
        if self.done(state):
            return []
        now = self.threats(state, state.turn)
        if state.turn == SECOND and now:
            return None
        if state.turn == FIRST and not state.block and (now or state.plies <= 1):
            return [self.name_of(state, now[0])] if now and state.plies else None
        good = []
        for move in self.moves(state):
            way = self._way(self.step(state, move))
            if way is not None:
                good.append([move, *way])
            elif state.turn == SECOND:
                return None  # one good answer is enough
        if state.turn == SECOND:
            return good[0] if good else None
        return min(good, key=len, default=None)

    def arranged(self, state: S, cells: Cells) -> S:
        """The state with these marks."""
        return replace(state, cells=cells)

    def cells(self, state: S) -> Cells:
        """The marks."""
        return state.cells

    def symbols(self, state: S) -> tuple[str, ...]:
        """The players' marks."""
        return (FIRST, SECOND)

    def plan(self, state: S, move: str) -> str:
        """What threatens, and what is done about it."""
        cell = self.cell_of(state, move)
        where = self.at(state, cell)
        own, other = (self.player(mark) for mark in (state.turn, SECOND if state.turn == FIRST else FIRST))
        if cell in self.threats(state, state.turn):
            said = f"{own} can complete a row in {where} and does so."
        elif cell in self.threats(state, SECOND if state.turn == FIRST else FIRST):
            said = f"{other} threatens to complete a row in {where}. {own} blocks there."
        else:
            count = len(self.threats(self.step(state, move), state.turn))
            said = f"{own} goes to {where} and then threatens in {count} place{'s' * (count != 1)}."
        return ". ".join(part[:1].upper() + part[1:] for part in said.split(". "))
