"""Odd one out: rings around the one thing that is unlike all others, or around what differs in two pictures.

What is odd: in one picture, the only thing whose shape or colour no other has; in two pictures, one below the
other, things in the same places that are not the same (both are ringed). The measure of `solve` is rings.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles.attributes import COLOURS, Thing, named
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.ringing import ALL, RINGED, SHAPES, THINGS, RingPuzzle
from genreason.types import GenreasonError, Json, Solution, UserError

_TRIES = 300


class OddOneOutParams(Params):
    """What a level is.

    Attributes:
        rows: of cells.
        cols: of cells of a picture.
        differences: between two pictures, or 0 for one picture with one odd thing.
        filled: share of the cells that hold a thing.
    """

    rows: int = Field(3, ge=2, le=5)
    cols: int = Field(3, ge=2, le=5)
    differences: int = Field(0, ge=0, le=4)
    filled: float = Field(1.0, gt=0.3, le=1)


@dataclass(frozen=True, slots=True)
class OddState:
    """A board, row by row, and whether it shows two pictures with a free row between them."""

    cells: Cells
    cols: int
    pair: bool


class OddOneOut(RingPuzzle[OddState]):
    """The family."""

    name: ClassVar[str] = "odd_one_out"
    params: ClassVar[type[Params]] = OddOneOutParams

    def sample(
        self, rng: np.random.Generator, params: OddOneOutParams, accept: Accept | None = None
    ) -> OddState:
        """A picture with one odd thing, or two that differ.

        Raises:
            GenreasonError: none in 300 pictures had as many odd things as the level asks for.
        """
        count = round(params.rows * params.cols * params.filled)
        if count < max(params.differences + 1, 5 if not params.differences else 0):
            raise UserError(
                f"odd_one_out: {count} things: make rows, cols or filled larger, or differences smaller"
            )
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            state = _two(rng, params, count) if params.differences else _one(rng, params, count)
            if len(odd(state)) == (2 * params.differences or 1):
                misfits = 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"no picture of {count} things has {params.differences or 1} odd ones: change rows or filled"
        )

    def solve(self, state: OddState) -> Solution[str] | None:
        """Rings around what is odd, row by row; None where something else has a ring."""
        wrong = [k for k, held in enumerate(state.cells) if held.startswith(RINGED) and k not in odd(state)]
        lack = [k for k in odd(state) if not state.cells[k].startswith(RINGED)]
        return None if wrong else Solution(tuple(self.ring(state, k) for k in lack))

    def refusal(self, state: OddState, cell: int) -> str:
        """Rings belong around odd things only."""
        if cell in odd(state):
            return ""
        return "the other picture shows the same there" if state.pair else "others are like it"

    def marked(self, state: OddState, cell: int) -> OddState:
        """The state with a ring in the cell."""
        return replace(
            state, cells=(*state.cells[:cell], RINGED + state.cells[cell], *state.cells[cell + 1 :])
        )

    def done(self, state: OddState) -> bool:
        """Whether everything odd has a ring, and nothing else."""
        return {k for k, held in enumerate(state.cells) if held.startswith(RINGED)} == set(odd(state))

    def encode(self, state: OddState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"pair": bool}`."""
        return {"cells": rows_json(state.cells, state.cols)}, {"pair": state.pair}

    def decode(self, state: Json, goal: Json) -> OddState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", ALL, "odd_one_out")
        pair = bool(goal.get("pair"))
        if pair and len(cells) // cols % 2 == 0:
            raise UserError("odd_one_out: cells: two pictures need a free row between them")
        return OddState(cells, cols, pair)

    def canonical(self, state: OddState) -> bytes:
        """The board."""
        return f"{state.cols} {state.pair} {','.join(state.cells)}".encode()

    def plan(self, state: OddState, move: str) -> str:
        """What is odd about a thing."""
        cell = self.ringed_cell(state, move)
        held = state.cells[cell]
        if state.pair:
            other = _twin(state, cell).removeprefix(RINGED)
            why = f"The {held} in {self.at(state, cell)} differs from the {other} in the other picture."
        else:
            why = f"No other thing is like the {held} in {self.at(state, cell)}."
        return f"{why} Draw a ring around it."

    def words(self, state: OddState) -> dict[str, str]:
        """What is to be ringed."""
        count = len(odd(state))
        if not state.pair:
            task = "one thing differs from all others: no other has its shape, or no other has its colour"
            return {"task": task, "odd": "the thing that differs", "n": "1"}
        places = "one place" if count == 2 else f"{count // 2} places"
        task = f"the upper and the lower half are the same picture, except in {places}"
        return {"task": task, "odd": "both things at each place that differs", "n": str(count)}

    def shape(self, state: OddState) -> tuple[int, int]:
        """Rows and columns of the whole board."""
        return len(state.cells) // state.cols, state.cols

    def cells(self, state: OddState) -> Cells:
        """Things, with and without rings."""
        return state.cells

    def arranged(self, state: OddState, cells: Cells) -> OddState:
        """The state with these contents."""
        return replace(state, cells=cells)

    def open(self, state: OddState) -> frozenset[int]:
        """What lies between two pictures."""
        middle = (len(state.cells) - state.cols) // 2
        return frozenset(range(middle, middle + state.cols)) if state.pair else frozenset()


def _twin(state: OddState, cell: int) -> str:
    """What stands in the same place of the other picture."""
    half = (len(state.cells) + state.cols) // 2
    return state.cells[(cell + half) % (2 * half)]


def odd(state: OddState) -> tuple[int, ...]:
    """The cells of odd things."""
    bare = replace(state, cells=tuple(held.removeprefix(RINGED) for held in state.cells))
    full = [k for k, held in enumerate(bare.cells) if held]
    if state.pair:
        return tuple(k for k in full if _twin(bare, k) != bare.cells[k])
    seen = {k: named(bare.cells[k]) for k in full}
    shapes, colours = Counter(t.shape for t in seen.values()), Counter(t.colour for t in seen.values())
    return tuple(k for k, t in seen.items() if shapes[t.shape] == 1 or colours[t.colour] == 1)


def _one(rng: np.random.Generator, params: OddOneOutParams, count: int) -> OddState:
    """Things of some shapes and colours, and one of another shape or colour."""
    kinds = 2 if count < 12 else 3
    shapes, colours = rng.permutation(SHAPES).tolist(), rng.permutation(COLOURS).tolist()
    made = [Thing(shapes[int(rng.integers(kinds))], colours[int(rng.integers(kinds))]) for _ in range(count)]
    made[0] = replace(made[0], shape=shapes[-1]) if rng.integers(2) else replace(made[0], colour=colours[-1])
    cells = [""] * (params.rows * params.cols)
    for k, thing in zip(rng.permutation(len(cells))[:count].tolist(), made, strict=True):
        cells[k] = str(thing)
    return OddState(tuple(cells), params.cols, False)


def _two(rng: np.random.Generator, params: OddOneOutParams, count: int) -> OddState:
    """The same picture twice, with other things at some places of the second."""
    n = params.rows * params.cols
    left = [""] * n
    spots = rng.permutation(n)[:count].tolist()
    for k in spots:
        left[k] = THINGS[int(rng.integers(len(THINGS)))]
    right = list(left)
    for k in spots[: params.differences]:
        thing = named(left[k])
        shape, colour = SHAPES[int(rng.integers(len(SHAPES)))], COLOURS[int(rng.integers(len(COLOURS)))]
        right[k] = str(replace(thing, shape=shape) if rng.integers(2) else replace(thing, colour=colour))
    return OddState((*left, *([""] * params.cols), *right), params.cols, True)


PUZZLE = OddOneOut()
