"""Sorting: numbered tiles in two rows with one gap; any tile is moved into the gap, until all are in order.

Between the rows is a lane along which tiles move. In the end the gap is at the lower right. The measure of
`solve` is moves: a tile that belongs into the gap goes there; when the gap is where it must be in the end and
tiles are not, any of them makes room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, Place, rows_cells, rows_json
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

MOST = 99
NUMBERS = tuple(str(k) for k in range(1, MOST + 1))
_TRIES = 400
Order = Literal["ascending", "descending"]


class SortingParams(Params):
    """What a level is.

    Attributes:
        columns: places in each of the two rows; there is one tile less than places.
        numbers: least and greatest number on tiles, no two of which have a digit in common.
        orders: of which one is asked for.
        moves: least and most moves of a shortest solution.
    """

    columns: int = Field(3, ge=2, le=4)
    numbers: tuple[int, int] = (1, 9)
    orders: tuple[Order, ...] = ("ascending",)
    moves: tuple[int, int] = (4, 6)


@dataclass(frozen=True, slots=True)
class SortingState:
    """Tiles by their numbers, "" for the gap, in two rows with an open one between them."""

    cells: Cells
    descending: bool

    @property
    def cols(self) -> int:
        """Places in a row."""
        return len(self.cells) // 3

    @property
    def tiles(self) -> Cells:
        """What stands in the places, as they are read."""
        return self.cells[: self.cols] + self.cells[2 * self.cols :]

    @property
    def lane(self) -> Cells:
        """What is between the rows."""
        return self.cells[self.cols : 2 * self.cols]


class Sorting(BoardPuzzle[SortingState, str]):
    """The family; a move is the number of the tile that is carried."""

    name: ClassVar[str] = "sorting"
    params: ClassVar[type[Params]] = SortingParams
    carried: ClassVar[bool] = True
    least_cell: ClassVar[int] = 30
    lined: ClassVar[bool] = True

    def sample(
        self, rng: np.random.Generator, params: SortingParams, accept: Accept | None = None
    ) -> SortingState:
        """Different numbers and a gap in any order.

        Raises:
            GenreasonError: none in 400 boards took as many moves as the level asks for.
        """
        (low, high), (least, most), n = params.numbers, params.moves, 2 * params.columns - 1
        if not 1 <= low <= high <= MOST or high - low + 1 < n:
            raise UserError(f"sorting: numbers {low} to {high}: give {n} or more, from 1 to {MOST}")
        if not params.orders:
            raise UserError("sorting: orders: give ascending, descending or both")
        if not 1 <= least <= most <= n + n // 2:  # (n tiles in pairs take three moves a pair)
            raise UserError(f"sorting: moves {least} to {most}: give 1 to {n + n // 2}, the smaller first")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            picked = _different([low + k for k in rng.permutation(high - low + 1).tolist()])[:n]
            if len(picked) < n:
                continue
            order = params.orders[int(rng.integers(len(params.orders)))]
            symbols = [*picked, ""]
            tiles = tuple(symbols[k] for k in rng.permutation(n + 1).tolist())
            state = SortingState(_cells(tiles), order == "descending")
            if least <= _count(state) <= most:
                misfits = 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(f"no board of {n} tiles takes {least} to {most} moves: change moves or numbers")

    def solve(self, state: SortingState) -> Solution[str] | None:
        """A shortest solution; None where a tile is in the lane."""
        if any(state.lane):
            return None
        moves, goal = [], _sorted(state)
        while state.tiles != goal:
            gap = state.tiles.index("")
            rest = [now for now, then in zip(state.tiles, goal, strict=True) if now and now != then]
            moves.append(goal[gap] or rest[0])
            state = self.step(state, moves[-1])
        return Solution(tuple(moves))

    def left(self, state: SortingState) -> float | None:
        """Moves to the goal."""
        return None if any(state.lane) else float(_count(state))

    def moves(self, state: SortingState) -> Iterable[str]:
        """Every tile."""
        return tuple(tile for tile in state.tiles if tile)

    def step(self, state: SortingState, move: str) -> SortingState:
        """Carry a tile into the gap.

        Raises:
            IllegalMove: there is no such tile.
        """
        cells = list(state.cells)
        for cell, symbol in self.changes(state, move).items():
            cells[cell] = symbol
        return replace(state, cells=tuple(cells))

    def changes(self, state: SortingState, move: str) -> dict[int, str]:
        """The tile's place, and the gap."""
        if not move or move not in state.tiles:
            raise IllegalMove(f"there is no tile {move!r} in the rows")
        places = _places(state.cols)
        return {places[state.tiles.index(move)]: "", places[state.tiles.index("")]: move}

    def likely(self, state: SortingState, seen: Mapping[int, str]) -> Iterable[str]:
        """All moves: there are few."""
        return self.moves(state)

    def path(self, state: SortingState, move: str, target: int) -> Sequence[Place]:
        """To the lane between the rows, along it, and into the gap."""
        left, come = self.changes(state, move)
        if target != come:
            return ()
        (x0, y0), (x1, y1) = self.place(state, left), self.place(state, come)
        return ((x0, y0), (x0, 1.0), (x1, 1.0), (x1, y1))

    def done(self, state: SortingState) -> bool:
        """Whether the tiles are in order, and the gap is at the lower right."""
        return not any(state.lane) and state.tiles == _sorted(state)

    def encode(self, state: SortingState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"order": "ascending" or "descending"}`."""
        order = "descending" if state.descending else "ascending"
        return {"cells": rows_json(state.cells, state.cols)}, {"order": order}

    def decode(self, state: Json, goal: Json) -> SortingState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", NUMBERS, "sorting")
        found = SortingState(cells, goal.get("order") == "descending")
        if len(cells) != 3 * cols or any(found.lane) or len(set(found.tiles)) != 2 * cols or "" not in cells:
            raise UserError("sorting: cells: give different numbers and one gap in the first and third row")
        if goal.get("order") not in ("ascending", "descending"):
            raise UserError(f"sorting: order {goal.get('order')!r}: give ascending or descending")
        return found

    def canonical(self, state: SortingState) -> bytes:
        """The board: numbers leave no symmetry."""
        return f"{state.descending} {','.join(state.cells)}".encode()

    def plan(self, state: SortingState, move: str) -> str:
        """Where the gap is, what belongs there, and what is done."""
        goal, gap = _sorted(state), state.tiles.index("")
        order, where = ", ".join(goal[:-1]), self.at(state, _places(state.cols)[gap])
        if goal[gap] == move:
            return f"The order is {order}. {move} belongs into the gap in {where}: move it there."
        why = "the gap is where it ends" if not goal[gap] else f"{goal[gap]} belongs into the gap"
        return f"The order is {order}, and {why}. Move {move} into the gap to make room."

    def words(self, state: SortingState) -> dict[str, str]:
        """How many tiles there are, and their order."""
        ends = ("largest", "smallest") if state.descending else ("smallest", "largest")
        return {"n": str(2 * state.cols - 1), "order": f"from the {ends[0]} to the {ends[1]}"}

    def at(self, state: SortingState, cell: int) -> str:
        """A place in a row, or in the lane."""
        row, col = divmod(cell, state.cols)
        return f"column {col + 1} of the {('upper row', 'lane', 'lower row')[row]}"

    def shape(self, state: SortingState) -> tuple[int, int]:
        """Two rows, and the lane."""
        return 3, state.cols

    def cells(self, state: SortingState) -> Cells:
        """The tiles."""
        return state.cells

    def arranged(self, state: SortingState, cells: Cells) -> SortingState:
        """The state with these tiles."""
        return replace(state, cells=cells)

    def open(self, state: SortingState) -> frozenset[int]:
        """The lane."""
        return frozenset(range(state.cols, 2 * state.cols))

    def symbols(self, state: SortingState) -> tuple[str, ...]:
        """The tiles, the smallest first."""
        return tuple(sorted((tile for tile in state.cells if tile), key=int))

    def called(self, symbol: str) -> str:
        """A tile."""
        return f"tile {symbol}"

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A number on a tile."""
        tile = shape("rounded", style.tile, 0.86)
        # (Where ink and ground are alike, large texts would leave too little of a tile.)
        scale = 0.46 if len(symbol) == 1 else 0.38
        return Sign(mark=tile, text=symbol, ink=style.face, font=style.font, scale=scale)


def _different(numbers: list[int]) -> list[str]:
    """The first of the numbers that share no digit in the same place: tiles are told apart at a glance."""
    found: list[int] = []
    for number in numbers:
        if all(number // 10 != other // 10 or number < 10 for other in found):
            found += [number] if all(number % 10 != other % 10 for other in found) else []
    return [str(number) for number in found]


def _places(cols: int) -> list[int]:
    """The cells in which tiles stand, as they are read."""
    return [*range(cols), *range(2 * cols, 3 * cols)]


def _cells(tiles: Cells) -> Cells:
    """The tiles in two rows with a lane between them."""
    half = len(tiles) // 2
    return (*tiles[:half], *("",) * half, *tiles[half:])


def _sorted(state: SortingState) -> Cells:
    """The tiles in the end; of repeated tiles and gaps, which pictures may show, one of each."""
    tiles = sorted({tile for tile in state.tiles if tile}, key=int, reverse=state.descending)
    return (*tiles, "")


def _count(state: SortingState) -> int:
    """Moves of a shortest solution: tiles that are astray, and one more for each ring without the gap."""
    goal, count, known = _sorted(state), 0, set[int]()
    for k in range(len(goal)):
        ring = []
        while k not in known:
            known.add(k)
            ring.append(k)
            k = goal.index(state.tiles[k])
        if len(ring) > 1:
            count += len(ring) + (-1 if "" in {state.tiles[k] for k in ring} else 1)
    return count


PUZZLE = Sorting()
