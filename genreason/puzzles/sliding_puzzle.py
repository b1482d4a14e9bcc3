"""Sliding puzzles: numbered tiles and one gap; a tile beside the gap slides into it.

Boards are drawn by moving tiles at random from the ordered one. The measure of `solve` is moves (A*, with the
tiles' distances to their places).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, rows_cells, rows_json
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

_TRIES = 400
_MOST = 60000  # boards that the solver looks at


class SlidingPuzzleParams(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        moves: least and most moves of a shortest solution.
    """

    size: int = Field(3, ge=2, le=4)
    moves: tuple[int, int] = (4, 7)


@dataclass(frozen=True, slots=True)
class SlidingState:
    """Tiles by their numbers, row by row; "" for the gap."""

    cells: Cells
    size: int


class SlidingPuzzle(BoardPuzzle[SlidingState, str]):
    """The family; a move is the number of the tile that slides."""

    name: ClassVar[str] = "sliding_puzzle"
    params: ClassVar[type[Params]] = SlidingPuzzleParams
    carried: ClassVar[bool] = True

    def sample(
        self, rng: np.random.Generator, params: SlidingPuzzleParams, accept: Accept | None = None
    ) -> SlidingState:
        """A board that random moves lead to from the ordered one.

        Raises:
            GenreasonError: none in 400 had a shortest solution as long as the level asks for.
        """
        least, most = params.moves
        if not 1 <= least <= most <= 22:
            raise UserError(f"sliding_puzzle: moves {least} to {most}: give 1 to 22, the smaller first")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            state, last = SlidingState(_ordered(params.size), params.size), ""
            for _ in range(int(rng.integers(least, most + 1)) + 2 * int(rng.integers(0, 2))):
                options = [move for move in self.moves(state) if move != last]
                last = options[int(rng.integers(len(options)))]
                state = self.step(state, last)
            solved = self.solve(state)
            if solved and least <= len(solved) <= most:
                misfits = 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"no sliding puzzle of size {params.size} takes {least} to {most} moves: change moves"
        )

    def solve(self, state: SlidingState) -> Solution[str] | None:
        """A shortest solution, or None where none was found among 60,000 boards."""
        goal = _ordered(state.size)
        queue: list[tuple[int, int, Cells, tuple[str, ...]]] = [(self._away(state), 0, state.cells, ())]
        seen = {state.cells}
        while queue and len(seen) < _MOST:
            _, count, cells, way = heapq.heappop(queue)
            if cells == goal:
                return Solution(way)
            at = replace(state, cells=cells)
            for move in self.moves(at):
                after = self.step(at, move)
                if after.cells not in seen:
                    seen.add(after.cells)
                    heapq.heappush(
                        queue, (count + 1 + self._away(after), count + 1, after.cells, (*way, move))
                    )
        return None

    def _away(self, state: SlidingState) -> int:
        """The sum of the tiles' distances to their places."""
        n = state.size
        pairs = [(k, int(tile) - 1) for k, tile in enumerate(state.cells) if tile]
        return sum(abs(k // n - home // n) + abs(k % n - home % n) for k, home in pairs)

    def moves(self, state: SlidingState) -> Iterable[str]:
        """The tiles beside the gap."""
        gap, n = state.cells.index(""), state.size
        row, col = divmod(gap, n)
        beside = [(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)]
        return tuple(state.cells[r * n + c] for r, c in beside if 0 <= r < n and 0 <= c < n)

    def step(self, state: SlidingState, move: str) -> SlidingState:
        """Slide a tile into the gap.

        Raises:
            IllegalMove: it is not beside the gap.
        """
        if move not in self.moves(state):
            raise IllegalMove(f"the tile {move} is not beside the gap")
        cells = list(state.cells)
        gap, tile = cells.index(""), cells.index(move)
        cells[gap], cells[tile] = move, ""
        return replace(state, cells=tuple(cells))

    def likely(self, state: SlidingState, seen: Mapping[int, str]) -> Iterable[str]:
        """All moves: there are four at most."""
        return self.moves(state)

    def done(self, state: SlidingState) -> bool:
        """Whether the tiles are in order."""
        return state.cells == _ordered(state.size)

    def encode(self, state: SlidingState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{}`."""
        return {"cells": rows_json(state.cells, state.size)}, {}

    def decode(self, state: Json, goal: Json) -> SlidingState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", _ordered(4), "sliding_puzzle")
        if len(cells) != cols * cols or sorted(cells) != sorted(_ordered(cols)):
            raise UserError("sliding_puzzle: give a square board that holds every tile once, and one gap")
        return SlidingState(cells, cols)

    def canonical(self, state: SlidingState) -> bytes:
        """The board: numbers leave no symmetry."""
        return ",".join(state.cells).encode()

    def plan(self, state: SlidingState, move: str) -> str:
        """Where the gap is, which tiles could move, and which one does."""
        where, options = self.at(state, state.cells.index("")), ", ".join(self.moves(state))
        nearer = self._away(self.step(state, move)) < self._away(state)
        why = "towards its place" if nearer else "to make room"
        return f"The gap is in {where}. {options} could slide into it. Slide {move}, {why}."

    def words(self, state: SlidingState) -> dict[str, str]:
        """The number of tiles."""
        return {"n": str(state.size**2 - 1)}

    def shape(self, state: SlidingState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.size, state.size

    def cells(self, state: SlidingState) -> Cells:
        """The tiles."""
        return state.cells

    def symbols(self, state: SlidingState) -> tuple[str, ...]:
        """The tiles' numbers."""
        return _ordered(state.size)[:-1]

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A number on a tile."""
        tile = shape("rounded", style.tile, 0.86)
        return Sign(mark=tile, text=symbol, ink=style.face, font=style.font, scale=0.46)

    def arranged(self, state: SlidingState, cells: Cells) -> SlidingState:
        """The state with these tiles."""
        return replace(state, cells=cells)


def _ordered(size: int) -> Cells:
    return (*(str(k) for k in range(1, size * size)), "")


PUZZLE = SlidingPuzzle()
