"""Life: Conway's cellular automaton, some generations forward.

A live cell stays alive with two or three live neighbours (of eight), an empty one comes alive with three;
outside of the board nothing lives. All cells change at once. The only legal move is the next generation; the
measure of `solve` is generations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, rows_cells, rows_json
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

LIVE, NEXT = "live", "next"
MOST = 12  # generations
_TRIES = 2000


class LifeParams(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        live: least and most live cells at the start.
        generations: how many follow.
    """

    size: int = Field(7, ge=4, le=11)
    live: tuple[int, int] = (8, 12)
    generations: int = Field(2, ge=1, le=MOST)


@dataclass(frozen=True, slots=True)
class LifeState:
    """A board, row by row, and the one that it must become."""

    cells: Cells
    goal: Cells
    cols: int


class Life(BoardPuzzle[LifeState, str]):
    """The family; the one move is "next"."""

    name: ClassVar[str] = "life"
    params: ClassVar[type[Params]] = LifeParams
    once: ClassVar[bool] = True

    def sample(self, rng: np.random.Generator, params: LifeParams, accept: Accept | None = None) -> LifeState:
        """Live cells by lot, of which each generation differs from all before it and none is empty.

        Raises:
            GenreasonError: 2000 boards died out or came back to what they were too soon.
        """
        n, (least, most) = params.size, params.live
        if not 3 <= least <= most <= n * n // 2:
            raise UserError(f"life: live {least} to {most}: give 3 to {n * n // 2}, the smaller first")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            chosen = set(rng.permutation(n * n)[: int(rng.integers(least, most + 1))].tolist())
            cells = tuple(LIVE if k in chosen else "" for k in range(n * n))
            line = [cells]
            for _ in range(params.generations):
                line.append(following(line[-1], n))
            if len(set(line)) == len(line) and all(any(cells) for cells in line):
                misfits = 0
                state = LifeState(cells, line[-1], n)
                if accept is None or accept(state):
                    return state
        short = f"no board of {n} x {n} with {least} to {most} live cells"
        raise GenreasonError(
            f"{short} lives for {params.generations} generations: change live or generations"
        )

    def solve(self, state: LifeState) -> Solution[str] | None:
        """As many generations as it takes, or None where the goal never comes."""
        cells, count = state.cells, 0
        while cells != state.goal:
            cells, count = following(cells, state.cols), count + 1
            if count > MOST:
                return None
        return Solution((NEXT,) * count)

    def moves(self, state: LifeState) -> Iterable[str]:
        """The next generation, until the goal is reached or where nothing changes any more."""
        same = state.cells in (state.goal, following(state.cells, state.cols))
        return () if same else (NEXT,)

    def step(self, state: LifeState, move: str) -> LifeState:
        """The next generation.

        Raises:
            IllegalMove: it is another move, the last generation is there, or nothing changes any more.
        """
        if move != NEXT:
            raise IllegalMove(f"{move!r} is no move: there is {NEXT}")
        if not self.moves(state):
            raise IllegalMove("the last generation is there")
        return replace(state, cells=following(state.cells, state.cols))

    def done(self, state: LifeState) -> bool:
        """Whether the last generation is there."""
        return state.cells == state.goal

    def encode(self, state: LifeState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"cells": rows}`."""
        return {"cells": rows_json(state.cells, state.cols)}, {"cells": rows_json(state.goal, state.cols)}

    def decode(self, state: Json, goal: Json) -> LifeState:
        """The inverse of `encode`."""
        (cells, cols), (last, wide) = (rows_cells(part, "cells", (LIVE,), "life") for part in (state, goal))
        if cols != wide or len(cells) != len(last) or len(cells) != cols * cols:
            raise UserError("life: give two square boards of one size")
        found = LifeState(cells, last, cols)
        if self.solve(found) is None:
            raise UserError(f"life: the goal does not come within {MOST} generations")
        return found

    def canonical(self, state: LifeState) -> bytes:
        """Up to rotation and reflection; the goal follows from the board and the number of generations."""
        found = self.solve(state)
        codes = np.array([bool(held) for held in state.cells], np.uint8).reshape(state.cols, state.cols)
        return grid.canonical(codes) + bytes([0 if found is None else len(found)])

    def plan(self, state: LifeState, move: str) -> str:
        """How many are born and die."""
        after = following(state.cells, state.cols)
        born = sum(1 for a, b in zip(state.cells, after, strict=True) if b and not a)
        died = sum(1 for a, b in zip(state.cells, after, strict=True) if a and not b)
        return f"{born} cells with three live neighbours come alive; {died} with too few or too many die."

    def words(self, state: LifeState) -> dict[str, str]:
        """How many generations follow."""
        found = self.solve(state)
        count = 0 if found is None else len(found)
        return {"n": str(count), "generations": "1 generation" if count == 1 else f"{count} generations"}

    def explain(self, state: LifeState, cell: int, symbol: str) -> str:
        """How many live neighbours the cell has."""
        where, count = self.at(state, cell), neighbours(state.cells, state.cols)[cell]
        what = "comes alive" if symbol else "dies"
        if not self.moves(state):
            return f"{where} {what} after the last generation"
        return f"{where} {what} with {count} live neighbours"

    def shape(self, state: LifeState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.cols, state.cols

    def cells(self, state: LifeState) -> Cells:
        """The live cells."""
        return state.cells

    def symbols(self, state: LifeState) -> tuple[str, ...]:
        """A live cell."""
        return (LIVE,)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A rounded square."""
        return Sign(mark=shape("rounded", style.first, 0.76))

    def called(self, symbol: str) -> str:
        """Live cells."""
        return "live cell"

    def arranged(self, state: LifeState, cells: Cells) -> LifeState:
        """The state with these live cells."""
        return replace(state, cells=cells)


def neighbours(cells: Cells, cols: int) -> list[int]:
    """How many of its eight neighbours are alive, for each cell."""
    live = np.pad(np.array([bool(held) for held in cells], np.int64).reshape(-1, cols), 1)
    rows = live.shape[0] - 2
    around = sum(live[r : r + rows, c : c + cols] for r in range(3) for c in range(3) if (r, c) != (1, 1))
    found: list[int] = np.asarray(around).ravel().tolist()
    return found


def following(cells: Cells, cols: int) -> Cells:
    """The next generation."""
    around = neighbours(cells, cols)
    return tuple(
        LIVE if count == 3 or (held and count == 2) else "" for held, count in zip(cells, around, strict=True)
    )


PUZZLE = Life()
