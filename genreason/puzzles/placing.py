"""Puzzles in which symbols are put into empty cells, one at a time, and stay there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping

from genreason.puzzles.base import S
from genreason.puzzles.boards import BoardPuzzle
from genreason.types import IllegalMove


class PlacingPuzzle(BoardPuzzle[S, str]):
    """A family gives `refusal` and `placed`; moves are "row,column=symbol", counted from 1."""

    @abstractmethod
    def refusal(self, state: S, cell: int, symbol: str) -> str:
        """Why the rules forbid this symbol in this empty cell, in words; "" where they allow it."""

    @abstractmethod
    def placed(self, state: S, cell: int, symbol: str) -> S:
        """The state with the symbol in the cell."""

    def moves(self, state: S) -> Iterable[str]:
        """Every symbol in every empty cell that the rules allow."""
        return tuple(
            self.move(state, cell, symbol)
            for cell, held in enumerate(self.cells(state))
            if not held
            for symbol in self.symbols(state)
            if not self.refusal(state, cell, symbol)
        )

    def likely(self, state: S, seen: Mapping[int, str]) -> Iterable[str]:
        """What is seen, where it is legal."""
        cells = self.cells(state)
        return [
            self.move(state, cell, symbol)
            for cell, symbol in seen.items()
            if symbol and not cells[cell] and not self.refusal(state, cell, symbol)
        ]

    def step(self, state: S, move: str) -> S:
        """Put a symbol.

        Raises:
            IllegalMove: there is no such cell or symbol, the cell is not empty, or the rules forbid it.
        """
        cell, symbol = self.parsed(state, move)
        held = self.cells(state)[cell]
        if held:
            raise IllegalMove(f"{self.at(state, cell)} already holds {held}")
        reason = self.refusal(state, cell, symbol)
        if reason:
            raise IllegalMove(reason)
        return self.placed(state, cell, symbol)

    def changes(self, state: S, move: str) -> dict[int, str]:
        """The one cell."""
        cell, symbol = self.parsed(state, move)
        return {cell: symbol}

    def explain(self, state: S, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this ("" for nothing)."""
        if symbol and not self.cells(state)[cell]:
            return f"{symbol} comes into {self.at(state, cell)}: {self.refusal(state, cell, symbol)}"
        return super().explain(state, cell, symbol)

    def move(self, state: S, cell: int, symbol: str) -> str:
        """The move that puts a symbol into a cell."""
        cols = self.shape(state)[1]
        return f"{cell // cols + 1},{cell % cols + 1}={symbol}"

    def parsed(self, state: S, move: str) -> tuple[int, str]:
        """Cell and symbol of a move.

        Raises:
            IllegalMove: it is none of this board.
        """
        rows, cols = self.shape(state)
        try:
            place, symbol = move.split("=")
            row, col = (int(word) - 1 for word in place.split(","))
        except ValueError:
            raise IllegalMove(f"{move!r} is no move: write row,column=symbol") from None
        if not (0 <= row < rows and 0 <= col < cols):
            raise IllegalMove(f"{move!r} lies off the board")
        if symbol not in self.symbols(state):
            raise IllegalMove(f"{symbol!r} is no symbol of this board")
        return row * cols + col, symbol
