"""Puzzles in which rings are drawn around things in cells."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from genreason.puzzles import attributes
from genreason.puzzles.attributes import COLOURS, things
from genreason.puzzles.base import S
from genreason.puzzles.boards import BoardPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.types import IllegalMove

RINGED = "ringed "
SHAPES = (
    "disc",
    "square",
    "triangle",
    "star",
    "cross",
)  # those that are told apart best where they are small
THINGS = things(SHAPES, COLOURS)
ALL = (*THINGS, *(RINGED + thing for thing in THINGS))
SCALE = 0.82  # of things, times their usual size: they keep clear of rings


class RingPuzzle(BoardPuzzle[S, str]):
    """A family gives `refusal` and `marked`; moves are "ring row,column", counted from 1.

    Symbols are things, the same with a ring around them ("ringed red disc"), and what `others` are.
    """

    least_cell: ClassVar[int] = 36

    @abstractmethod
    def refusal(self, state: S, cell: int) -> str:
        """Why the rules forbid a ring around the thing in this cell, which has none; "" where they do not."""

    @abstractmethod
    def marked(self, state: S, cell: int) -> S:
        """The state with a ring in the cell."""

    def others(self) -> tuple[str, ...]:
        """Symbols that are no things."""
        return ()

    def symbols(self, state: S) -> tuple[str, ...]:
        """Things without and with a ring, and others."""
        return (*ALL, *self.others())

    def moves(self, state: S) -> Iterable[str]:
        """Rings around all things that the rules allow."""
        cells = self.cells(state)
        bare = [k for k, held in enumerate(cells) if held in THINGS]
        return tuple(self.ring(state, k) for k in bare if not self.refusal(state, k))

    def likely(self, state: S, seen: Mapping[int, str]) -> Iterable[str]:
        """The rings that are seen, where they are legal."""
        cells = self.cells(state)
        drawn = [k for k, symbol in seen.items() if cells[k] in THINGS and symbol == RINGED + cells[k]]
        return [self.ring(state, k) for k in drawn if not self.refusal(state, k)]

    def step(self, state: S, move: str) -> S:
        """Draw a ring.

        Raises:
            IllegalMove: there is no thing without a ring in the cell, or the rules forbid it.
        """
        cell = self.ringed_cell(state, move)
        if self.cells(state)[cell] not in THINGS:
            raise IllegalMove(f"no thing without a ring stands in {self.at(state, cell)}")
        reason = self.refusal(state, cell)
        if reason:
            raise IllegalMove(reason)
        return self.marked(state, cell)

    def ring(self, state: S, cell: int) -> str:
        """The move that draws a ring in a cell."""
        cols = self.shape(state)[1]
        return f"ring {cell // cols + 1},{cell % cols + 1}"

    def ringed_cell(self, state: S, move: str) -> int:
        """The cell of a move.

        Raises:
            IllegalMove: it is no ring, or lies off the board.
        """
        rows, cols = self.shape(state)
        try:
            word, place = move.split()
            row, col = (int(part) - 1 for part in place.split(","))
        except ValueError:
            word, row, col = "", -1, -1
        if word != "ring" or not (0 <= row < rows and 0 <= col < cols):
            raise IllegalMove(f"{move!r} is no move of this board: write ring row,column")
        return row * cols + col

    def explain(self, state: S, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this."""
        held = self.cells(state)[cell]
        if held in THINGS and symbol == RINGED + held:
            return f"a ring comes around the {held} in {self.at(state, cell)}: {self.refusal(state, cell)}"
        return super().explain(state, cell, symbol)

    def over(self, below: str, above: str) -> bool:
        """Rings are drawn over things."""
        return above == RINGED + below

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A thing, or a thing with a ring."""
        bare = attributes.sign(symbol.removeprefix(RINGED), style, SCALE)
        return replace(bare, ring=style.written) if symbol.startswith(RINGED) else bare

    def styles(self) -> tuple[str, ...]:
        """Those on whose ground all colours stand out."""
        return attributes.styles()
