"""Bin sorting: coloured shapes lie about and are to be put into the bins of their kind.

Above is the field on which the things lie, below are bins, each with the sign of its kind under it. One thing
at a time is carried to any free place of its bin; the order is free. The measure of `solve` is moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, Place, rows_cells, rows_json
from genreason.render.cells import BRIGHT, BRIGHT_STYLES, CellStyle, Sign, Stroke
from genreason.render.marks import shape
from genreason.types import IllegalMove, Json, Solution, UserError

COLS = 6
FIELD, DEPTH = 3, 2  # rows of the field, and of the bins; between them a row that is open
ROWS = FIELD + 1 + DEPTH + 1
COLOURS = ("red", "yellow", "cyan", "purple")
SHAPES = ("disc", "square", "triangle", "star")
THINGS = tuple(f"{colour} {form}" for colour in COLOURS for form in SHAPES)
BINS = {f"bin {name}": name for name in (*COLOURS, *SHAPES)}
"""Signs of bins, and the colour or shape that belongs into them."""
_SCALES = {"disc": 0.66, "square": 0.58, "triangle": 0.68, "star": 0.8}


class BinSortingParams(Params):
    """What a level is.

    Attributes:
        things: least and most things.
        bins: how many bins there are.
        by: what decides where a thing belongs.
    """

    things: tuple[int, int] = (3, 4)
    bins: Literal[2, 3] = 2
    by: Literal["colour", "shape"] = Field("colour")


@dataclass(frozen=True, slots=True)
class BinState:
    """Things and signs, row by row: the field, an open row, the bins, and the bins' signs."""

    cells: Cells

    @property
    def bins(self) -> dict[int, str]:
        """The kind of thing that belongs into each column of bins, if there is a bin."""
        signs = {k: BINS[sign] for k, sign in enumerate(self.cells[-COLS:]) if sign in BINS}
        wide = COLS // max(len(signs), 1)
        kinds = {k // wide: kind for k, kind in signs.items()}
        return {c: kinds[c // wide] for c in range(COLS) if c // wide in kinds}


class BinSorting(BoardPuzzle[BinState, str]):
    """The family; moves are "CELL>CELL", counted row by row from 0."""

    name: ClassVar[str] = "bin_sorting"
    params: ClassVar[type[Params]] = BinSortingParams
    carried: ClassVar[bool] = True

    def sample(
        self, rng: np.random.Generator, params: BinSortingParams, accept: Accept | None = None
    ) -> BinState:
        """Things at random on the field, at least one for each bin and no more than it holds.

        Raises:
            UserError: bins cannot hold so many things.
        """
        (least, most), wide = params.things, COLS // params.bins
        if not params.bins <= least <= most <= DEPTH * COLS - 2:
            limits = f"{params.bins} to {DEPTH * COLS - 2}"
            raise UserError(f"bin_sorting: things {least} to {most}: give {limits}, the smaller first")
        kinds = COLOURS if params.by == "colour" else SHAPES
        others = SHAPES if params.by == "colour" else COLOURS
        while True:
            picked = [kinds[k] for k in rng.choice(len(kinds), params.bins, replace=False)]
            count = int(rng.integers(least, most + 1))
            room = [k for _ in range(DEPTH * wide - 1) for k in range(params.bins)]
            each = [
                *range(params.bins),
                *rng.permutation(room[params.bins :])[: count - params.bins].tolist(),
            ]
            cells = [""] * (ROWS * COLS)
            spots = rng.permutation(FIELD * COLS)[:count].tolist()
            for spot, k in zip(spots, each, strict=True):
                pair = picked[k], others[int(rng.integers(len(others)))]
                cells[spot] = " ".join(pair if params.by == "colour" else pair[::-1])
            for k, kind in enumerate(picked):
                cells[(ROWS - 1) * COLS + k * wide + (wide - 1) // 2] = f"bin {kind}"
            state = BinState(tuple(cells))
            if accept is None or accept(state):
                return state

    def _lying(self, state: BinState) -> list[int]:
        """Where things lie on the field."""
        return [k for k in range(FIELD * COLS) if state.cells[k]]

    def _places(self, state: BinState, thing: str) -> list[int]:
        """The free places of a thing's bin, those below first."""
        columns = [c for c, kind in state.bins.items() if kind in thing.split()]
        rows = range(FIELD + DEPTH, FIELD, -1)
        return [r * COLS + c for r in rows for c in columns if not state.cells[r * COLS + c]]

    def moves(self, state: BinState) -> Iterable[str]:
        """Any thing on the field to any free place of its bin."""
        cells = state.cells
        return tuple(f"{k}>{place}" for k in self._lying(state) for place in self._places(state, cells[k]))

    def _ends(self, move: str) -> tuple[int, int]:
        source, _, target = move.partition(">")
        if not (source.isdecimal() and target.isdecimal() and max(int(source), int(target)) < ROWS * COLS):
            raise IllegalMove(f"{move!r} does not lead from a cell to a cell")
        return int(source), int(target)

    def step(self, state: BinState, move: str) -> BinState:
        """Carry a thing into its bin.

        Raises:
            IllegalMove: nothing lies there, or it does not belong where it goes.
        """
        source, target = self._ends(move)
        why = self._refusal(state, source, target)
        if why:
            raise IllegalMove(why)
        cells = list(state.cells)
        cells[target], cells[source] = cells[source], ""
        return replace(state, cells=tuple(cells))

    def _refusal(self, state: BinState, source: int, target: int) -> str:
        """Why a thing may not be carried so, "" where it may."""
        thing = state.cells[source]
        if source >= FIELD * COLS or not thing:
            return f"nothing lies on the field in {self.at(state, source)}"
        if target not in self._places(state, thing):
            return f"{self.at(state, target)} is no free place of the bin of the {thing}"
        return ""

    def changes(self, state: BinState, move: str) -> dict[int, str]:
        """The two cells."""
        source, target = self._ends(move)
        return {source: "", target: state.cells[source]}

    def likely(self, state: BinState, seen: Mapping[int, str]) -> Iterable[str]:
        """Moves from or to the cells, and of things that are seen."""
        known = set(seen.values())
        cells = [k for k in self._lying(state) if k in seen or state.cells[k] in known]
        return [f"{k}>{place}" for k in cells for place in self._places(state, state.cells[k])]

    def path(self, state: BinState, move: str, target: int) -> Sequence[Place]:
        """Down to the row between field and bins, along it, and down into the bin."""
        source, end = self._ends(move)
        if target != end:
            return ()
        (x0, y0), (x1, y1) = self.place(state, source), self.place(state, end)
        return ((x0, y0), (x0, float(FIELD)), (x1, float(FIELD)), (x1, y1))

    def done(self, state: BinState) -> bool:
        """Whether the field is empty, and in the bins is what belongs there."""
        bins, cells = state.bins, state.cells
        for k, thing in enumerate(cells[: (ROWS - 1) * COLS]):
            sorted_in = k // COLS > FIELD and bins.get(k % COLS) in thing.split()
            if thing and (thing not in THINGS or not sorted_in):
                return False
        return True

    def solve(self, state: BinState) -> Solution[str] | None:
        """The lowest things first, so that none is in the way, each to the lowest free place."""
        moves = []
        for source in self._lying(state)[::-1]:
            places = self._places(state, state.cells[source])
            if not places:
                return None
            moves.append(f"{source}>{places[0]}")
            state = self.step(state, moves[-1])
        return Solution(tuple(moves)) if self.done(state) else None

    def encode(self, state: BinState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{}`."""
        return {"cells": rows_json(state.cells, COLS)}, {}

    def decode(self, state: Json, goal: Json) -> BinState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (*THINGS, *BINS), "bin_sorting")
        if cols != COLS or len(cells) != ROWS * COLS or not any(cells[-COLS:]):
            raise UserError(f"bin_sorting: give {ROWS} rows of {COLS} cells, with bins in the last one")
        return BinState(cells)

    def canonical(self, state: BinState) -> bytes:
        """The board: bins and places leave no symmetry that a picture does not show."""
        return ",".join(state.cells).encode()

    def plan(self, state: BinState, move: str) -> str:
        """What is carried where, and why."""
        source, target = self._ends(move)
        kind, thing = state.bins[target % COLS], state.cells[source]
        return f"The {thing} in {self.at(state, source)} is {kind}: carry it into the bin for {kind}."

    def words(self, state: BinState) -> dict[str, str]:
        """What decides, and how many there are."""
        by = "colour" if set(state.bins.values()) <= set(COLOURS) else "shape"
        return {"n": str(len(self._lying(state))), "by": by, "bins": str(len(set(state.bins.values())))}

    def at(self, state: BinState, cell: int) -> str:
        """On the field, or in a bin."""
        row, col = divmod(cell, COLS)
        if row < FIELD:
            return f"row {row + 1}, column {col + 1}"
        kind = state.bins.get(col, "nothing")
        return f"place {col + 1} of the {'row between' if row == FIELD else f'bin for {kind}'}"

    def cells(self, state: BinState) -> Cells:
        """Things and signs."""
        return state.cells

    def arranged(self, state: BinState, cells: Cells) -> BinState:
        """The state with these things; signs are no things."""
        return replace(state, cells=cells)

    def shape(self, state: BinState) -> tuple[int, int]:
        """Field and bins."""
        return ROWS, COLS

    def symbols(self, state: BinState) -> tuple[str, ...]:
        """All things, and the signs of this puzzle's bins."""
        return (*THINGS, *(sign for sign in state.cells[-COLS:] if sign))

    def open(self, state: BinState) -> frozenset[int]:
        """The row between field and bins, and the row of signs."""
        return frozenset(k for k in range(ROWS * COLS) if k // COLS in (FIELD, ROWS - 1))

    def strokes(self, state: BinState, style: CellStyle) -> tuple[Stroke, ...]:
        """Walls between bins."""
        wide = COLS // max(len(set(state.bins.values())), 1)
        walls = [c - 0.5 for c in range(wide, COLS, wide)]
        return tuple(Stroke((x, FIELD + 0.5), (x, ROWS - 1.5), 0.16, style.line) for x in walls)

    def styles(self) -> tuple[str, ...]:
        """Those on which the things' colours stand out."""
        return BRIGHT_STYLES

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Coloured shapes; under bins a small frame in the bin's colour, or an outline of its shape."""
        if symbol in BINS:
            kind = BINS[symbol]
            if kind in COLOURS:
                return Sign(mark=shape("frame", BRIGHT[kind], 0.7))
            return Sign(mark=shape(kind, style.line, 0.8 * _SCALES[kind]))
        colour, _, form = symbol.partition(" ")
        return Sign(mark=shape(form, BRIGHT[colour], _SCALES[form]))


PUZZLE = BinSorting()
