"""Counting: the number of things of one kind is written into a cell; ringing each of them may come first.

What is counted is told in the prompt: things of a colour, of a shape, or of both. The measure of `solve` is
rings and one number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.attributes import COLOURS, Thing, named, plural
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.ringing import ALL, RINGED, SHAPES, THINGS, RingPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.types import IllegalMove, Json, Solution, UserError

Kind = Literal["shape", "colour", "both"]
MOST = 12
NUMBERS = tuple(str(n) for n in range(1, MOST + 1))


class CountingParams(Params):
    """What a level is.

    Attributes:
        rows: of cells with things.
        cols: of cells.
        kind: whether what is counted shares a "shape", a "colour", or "both".
        count: least and most things to be counted.
        others: least and most other things.
        ring: whether each thing is ringed before the number is written.
    """

    rows: int = Field(3, ge=2, le=5)
    cols: int = Field(4, ge=3, le=6)
    kind: Kind = "shape"
    count: tuple[int, int] = (2, 4)
    others: tuple[int, int] = (2, 4)
    ring: bool = False


@dataclass(frozen=True, slots=True)
class CountingState:
    """A board, row by row, with the answer's cell in the middle of its last row, and what is to be done."""

    cells: Cells
    cols: int
    shape: str
    colour: str
    ring: bool


class Counting(RingPuzzle[CountingState]):
    """The family; moves are rings, and "write N"."""

    name: ClassVar[str] = "counting"
    params: ClassVar[type[Params]] = CountingParams

    def sample(
        self, rng: np.random.Generator, params: CountingParams, accept: Accept | None = None
    ) -> CountingState:
        """Things of a kind among others.

        Raises:
            UserError: so many things have no room.
        """
        room = params.rows * params.cols
        (least, most), (few, many) = params.count, params.others
        if not 1 <= least <= most <= MOST or not 0 <= few <= many or most + many > room:
            raise UserError(
                f"counting: count {least} to {most} and others {few} to {many}: count 1 to {MOST} things, "
                f"and {room} in all at most, the smaller figure first"
            )
        while True:  # (`accept` gives up where it has refused too many)
            wanted = Thing(SHAPES[int(rng.integers(len(SHAPES)))], COLOURS[int(rng.integers(len(COLOURS)))])
            count, rest = int(rng.integers(least, most + 1)), int(rng.integers(few, many + 1))
            shape = "" if params.kind == "colour" else wanted.shape
            colour = "" if params.kind == "shape" else wanted.colour
            same = [thing for thing in THINGS if _counts(thing, shape, colour)]
            near = [
                thing for thing in THINGS if thing not in same and _near(named(thing), wanted, params.kind)
            ]
            drawn = [same[int(rng.integers(len(same)))] for _ in range(count)]
            drawn += [near[int(rng.integers(len(near)))] for _ in range(rest)]
            cells = [""] * (room + params.cols)
            for k, thing in zip(rng.permutation(room)[: count + rest].tolist(), drawn, strict=True):
                cells[k] = thing
            state = CountingState(tuple(cells), params.cols, shape, colour, params.ring)
            if accept is None or accept(state):
                return state

    def solve(self, state: CountingState) -> Solution[str] | None:
        """Rings row by row, where they are asked for, and the number; None where something else is there."""
        wanted, held = wanted_cells(state), state.cells[answer_cell(state)]
        ringed = {k for k, symbol in enumerate(state.cells) if symbol.startswith(RINGED)}
        number = str(len(wanted))
        if not ringed <= set(wanted) or (ringed and not state.ring) or held not in ("", number):
            return None
        rings = [self.ring(state, k) for k in wanted if k not in ringed] if state.ring else []
        if held and rings:
            return None
        return Solution((*rings, *(() if held else (f"write {number}",))))

    def moves(self, state: CountingState) -> Iterable[str]:
        """Rings, or the number when nothing else is to be done."""
        number = str(len(wanted_cells(state)))
        held = state.cells[answer_cell(state)]
        return (
            *super().moves(state),
            *(() if held or self._unready(state, number) else (f"write {number}",)),
        )

    def likely(self, state: CountingState, seen: Mapping[int, str]) -> Iterable[str]:
        """What is seen, where it is legal."""
        cell = answer_cell(state)
        symbol = seen.get(cell, "")
        writes = symbol in NUMBERS and not state.cells[cell] and not self._unready(state, symbol)
        return (*super().likely(state, seen), *((f"write {symbol}",) if writes else ()))

    def step(self, state: CountingState, move: str) -> CountingState:
        """Draw a ring, or write the number.

        Raises:
            IllegalMove: the rules forbid it.
        """
        if not move.startswith("write "):
            return super().step(state, move)
        cell, number = answer_cell(state), move.removeprefix("write ")
        reason = "a number stands there" if state.cells[cell] else self._unready(state, number)
        if reason:
            raise IllegalMove(reason)
        return replace(state, cells=(*state.cells[:cell], number, *state.cells[cell + 1 :]))

    def _unready(self, state: CountingState, number: str) -> str:
        """Why a number may not be written; "" where it may."""
        wanted = wanted_cells(state)
        if state.ring and any(not state.cells[k].startswith(RINGED) for k in wanted):
            return f"not all {self._kind(state)} have a ring yet"
        right = str(len(wanted))
        return "" if number == right else f"there are {right} {self._kind(state)}, not {number}"

    def refusal(self, state: CountingState, cell: int) -> str:
        """Rings belong around what is counted, before the number, where they are asked for."""
        if not state.ring:
            return "no rings are asked for"
        if state.cells[answer_cell(state)]:
            return "the number is written already"
        return "" if cell in wanted_cells(state) else f"it is none of the {self._kind(state)}"

    def marked(self, state: CountingState, cell: int) -> CountingState:
        """The state with a ring in the cell."""
        cells = (*state.cells[:cell], RINGED + state.cells[cell], *state.cells[cell + 1 :])
        return replace(state, cells=cells)

    def done(self, state: CountingState) -> bool:
        """Whether the number is right, and the rings are where they must be."""
        wanted = set(wanted_cells(state))
        ringed = {k for k, symbol in enumerate(state.cells) if symbol.startswith(RINGED)}
        right = ringed == (wanted if state.ring else set())
        return right and state.cells[answer_cell(state)] == str(len(wanted))

    def explain(self, state: CountingState, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this."""
        if cell == answer_cell(state) and symbol in NUMBERS and not state.cells[cell]:
            return f"{symbol} is written: {self._unready(state, symbol)}"
        return super().explain(state, cell, symbol)

    def encode(self, state: CountingState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"shape", "colour", "ring"}`; "" where any shape or colour counts."""
        goal = {"shape": state.shape, "colour": state.colour, "ring": state.ring}
        return {"cells": rows_json(state.cells, state.cols)}, goal

    def decode(self, state: Json, goal: Json) -> CountingState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (*ALL, *NUMBERS), "counting")
        shape, colour = str(goal.get("shape", "")), str(goal.get("colour", ""))
        if shape not in ("", *SHAPES) or colour not in ("", *COLOURS) or not shape + colour:
            raise UserError(f"counting: shape {shape!r} and colour {colour!r}: give one that there is")
        return CountingState(cells, cols, shape, colour, bool(goal.get("ring")))

    def canonical(self, state: CountingState) -> bytes:
        """What is there and what is counted, up to rotation and reflection."""
        things = state.cells[: -state.cols]
        known = {"": 0, **{symbol: i + 1 for i, symbol in enumerate(ALL)}}
        board = grid.canonical(np.array([known[s] for s in things], np.uint8).reshape(-1, state.cols))
        return board + f"{state.shape} {state.colour} {state.ring} {state.cells[answer_cell(state)]}".encode()

    def plan(self, state: CountingState, move: str) -> str:
        """The next thing that counts, or the sum."""
        if move.startswith("write "):
            number = move.removeprefix("write ")
            return f"There are {number} {self._kind(state)}. Write {number} into the cell below."
        cell, wanted = self.ringed_cell(state, move), wanted_cells(state)
        so_far = 1 + sum(state.cells[k].startswith(RINGED) for k in wanted)
        where = self.at(state, cell)
        return f"Number {so_far} of the {self._kind(state)} is in {where}. Draw a ring around it."

    def _kind(self, state: CountingState) -> str:
        return f"{state.colour} {plural(state.shape) if state.shape else 'things'}".strip()

    def words(self, state: CountingState) -> dict[str, str]:
        """What is counted, and how."""
        first = "First a ring is drawn around each of them, one after the other; then their number is written"
        way = first if state.ring else "Their number is written"
        rings = "one ring after the other around each of them" if state.ring else "no rings"
        return {"kind": self._kind(state), "way": way, "rings": rings}

    def symbols(self, state: CountingState) -> tuple[str, ...]:
        """Things without and with a ring, and numbers."""
        return (*super().symbols(state), *NUMBERS)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A thing, or a number."""
        if symbol in NUMBERS:
            return Sign(text=symbol, ink=style.written, font=style.font, scale=0.46)
        return super().sign(symbol, style, given)

    def shape(self, state: CountingState) -> tuple[int, int]:
        """Rows and columns of the whole board."""
        return len(state.cells) // state.cols, state.cols

    def cells(self, state: CountingState) -> Cells:
        """Things, and the number."""
        return state.cells

    def arranged(self, state: CountingState, cells: Cells) -> CountingState:
        """The state with these contents."""
        return replace(state, cells=cells)

    def open(self, state: CountingState) -> frozenset[int]:
        """The last row but for the answer's cell."""
        last = range(len(state.cells) - state.cols, len(state.cells))
        return frozenset(last) - {answer_cell(state)}


def answer_cell(state: CountingState) -> int:
    """The cell that the number is written into."""
    return len(state.cells) - state.cols + state.cols // 2


def wanted_cells(state: CountingState) -> list[int]:
    """The cells of the things that count."""
    bare = [symbol.removeprefix(RINGED) for symbol in state.cells]
    return [k for k, s in enumerate(bare) if s in THINGS and _counts(s, state.shape, state.colour)]


def _counts(thing: str, shape: str, colour: str) -> bool:
    look = named(thing)
    return shape in ("", look.shape) and colour in ("", look.colour)


def _near(thing: Thing, wanted: Thing, kind: Kind) -> bool:
    """Whether a thing may be taken for a wanted one: of two things that count, it has one."""
    return kind != "both" or thing.shape == wanted.shape or thing.colour == wanted.colour


PUZZLE = Counting()
