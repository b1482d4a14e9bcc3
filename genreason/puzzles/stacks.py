"""Things in columns, of which the top one of a column is carried over the others to the top of another.

The first row of cells is above the columns and no part of the board: things are carried along it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from genreason.puzzles.boards import BoardPuzzle, Cells, Place
from genreason.types import IllegalMove


@dataclass(frozen=True, slots=True)
class StackState:
    """Columns of things.

    Attributes:
        cells: symbols, row by row; the first row is above the columns.
        cols: number of columns.
    """

    cells: Cells
    cols: int


S = TypeVar("S", bound=StackState)


class StackPuzzle(BoardPuzzle[S, str]):
    """A family gives `refusal`, `solve`, `done`, forms and signs; moves are "FROM>TO", columns from 1."""

    carried: ClassVar[bool] = True

    def columns(self, state: S) -> int:
        """How many columns, from the first, things are moved between."""
        return state.cols

    @abstractmethod
    def refusal(self, state: S, thing: str, column: int) -> str:
        """Why a thing may not be put on a column that has room for it, "" where it may."""

    def column(self, state: S, column: int) -> Cells:
        """What stands in a column, from below."""
        return tuple(symbol for symbol in state.cells[column :: state.cols][::-1] if symbol)

    def slot(self, state: S, column: int, height: int) -> int:
        """The cell at a height (0 is the floor) of a column."""
        return (len(state.cells) // state.cols - 1 - height) * state.cols + column

    def moves(self, state: S) -> Iterable[str]:
        """The top of any column to any other that can take it."""
        count = self.columns(state)
        pairs = [(a, b) for a in range(count) for b in range(count) if a != b]
        return tuple(f"{a + 1}>{b + 1}" for a, b in pairs if not self._refused(state, a, b))

    def _refused(self, state: S, source: int, target: int) -> str:
        """Why the top of a column may not go to another, "" where it may."""
        from_, to = self.column(state, source), self.column(state, target)
        if not from_:
            return f"there is nothing in column {source + 1}"
        if len(to) >= len(state.cells) // state.cols - 1:
            return f"column {target + 1} is full"
        return self.refusal(state, from_[-1], target)

    def ends(self, state: S, move: str) -> tuple[int, int]:
        """The columns of a move, counted from 0.

        Raises:
            IllegalMove: it is no move between two columns.
        """
        known = {str(k + 1): k for k in range(self.columns(state))}
        source, _, target = move.partition(">")
        if source not in known or target not in known or source == target:
            raise IllegalMove(f"{move!r} does not lead from one column to another")
        return known[source], known[target]

    def _cells(self, state: S, move: str) -> tuple[int, int]:
        """The cell that a move leaves, and the one that it fills."""
        source, target = self.ends(state, move)
        heights = len(self.column(state, source)) - 1, len(self.column(state, target))
        return self.slot(state, source, heights[0]), self.slot(state, target, heights[1])

    def step(self, state: S, move: str) -> S:
        """Carry the top of one column to another.

        Raises:
            IllegalMove: there is nothing, no room, or the rules forbid it.
        """
        why = self._refused(state, *self.ends(state, move))
        if why:
            raise IllegalMove(why)
        source, target = self._cells(state, move)
        cells = list(state.cells)
        cells[target], cells[source] = cells[source], ""
        return replace(state, cells=tuple(cells))

    def changes(self, state: S, move: str) -> dict[int, str]:
        """The two cells."""
        source, target = self._cells(state, move)
        return {source: "", target: state.cells[source]}

    def likely(self, state: S, seen: Mapping[int, str]) -> Iterable[str]:
        """All moves: there are few."""
        return self.moves(state)

    def path(self, state: S, move: str, target: int) -> Sequence[Place]:
        """Up, across above the columns, and down."""
        source, end = self._cells(state, move)
        if target != end:
            return ()
        (x0, y0), (x1, y1) = self.place(state, source), self.place(state, end)
        return ((x0, y0), (x0, 0.0), (x1, 0.0), (x1, y1))

    def explain(self, state: S, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this."""
        column = cell % state.cols
        if not symbol or state.cells[cell] or column >= self.columns(state):
            return super().explain(state, cell, symbol)
        what = f"{symbol} comes into {self.at(state, cell)}"
        if cell != self.slot(state, column, len(self.column(state, column))):
            return f"{what}, which is not the top of the column"
        tops = [self.column(state, c)[-1:] for c in range(self.columns(state))]
        if (symbol,) not in tops:
            return f"{what}, but it is not on top of a column"
        return f"{what}: {self.refusal(state, symbol, column) or 'no move does that'}"

    def open(self, state: S) -> frozenset[int]:
        """The row above the columns."""
        return frozenset(range(state.cols))

    def at(self, state: S, cell: int) -> str:
        """Column and height."""
        height = len(state.cells) // state.cols - cell // state.cols
        return f"column {cell % state.cols + 1}, place {height} from below"

    def cells(self, state: S) -> Cells:
        """The things."""
        return state.cells

    def arranged(self, state: S, cells: Cells) -> S:
        """The state with these things."""
        return replace(state, cells=cells)

    def shape(self, state: S) -> tuple[int, int]:
        """As high as the highest column may be, and the row above."""
        return len(state.cells) // state.cols, state.cols
