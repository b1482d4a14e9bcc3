"""Temporal ordering: pictures of a process' stages lie in a wrong order; numbers below them put it right.

The process is named in the prompt; each of its stages shows more, or less, than the one before. In each row
the numbers are written from 1 on. The measure of `solve` is numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import attributes
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.render.stages import STAGES, stage
from genreason.types import GenreasonError, Json, Solution, UserError

PROCESSES = {
    "a glass is filled": ("glass", 1),
    "a glass is emptied": ("glass", -1),
    "a candle burns down": ("candle", 1),
    "a plant grows": ("plant", 1),
    "a battery is charged": ("battery", 1),
    "a battery runs down": ("battery", -1),
    "the sun rises over the land": ("sun", 1),
    "the sun sets over the land": ("sun", -1),
    "a house is built": ("house", 1),
    "a wall is built": ("wall", 1),
    "a wall is taken down": ("wall", -1),
    "a tree loses its leaves": ("tree", 1),
    "a tree gets its leaves": ("tree", -1),
    "a pie is eaten": ("pie", 1),
}
"""What is shown, and whether its pictures follow each other as they are numbered or the other way round."""
NUMBERS = tuple("123456789")
_TRIES = 200


class TemporalOrderingParams(Params):
    """What a level is.

    Attributes:
        pictures: in each row.
        rows: of pictures, each of another process.
    """

    pictures: int = Field(4, ge=3, le=5)
    rows: int = Field(1, ge=1, le=2)


@dataclass(frozen=True, slots=True)
class TemporalState:
    """Rows of pictures, below each a row of numbers, and what each row of pictures shows."""

    cells: Cells
    cols: int
    shown: tuple[str, ...]


class TemporalOrdering(PlacingPuzzle[TemporalState]):
    """The family."""

    name: ClassVar[str] = "temporal_ordering"
    params: ClassVar[type[Params]] = TemporalOrderingParams
    least_cell: ClassVar[int] = 30
    lined: ClassVar[bool] = True

    def sample(
        self, rng: np.random.Generator, params: TemporalOrderingParams, accept: Accept | None = None
    ) -> TemporalState:
        """Some stages of processes that have as many, in any order but the right one.

        Raises:
            GenreasonError: 200 draws gave no rows of different processes.
        """
        n = params.pictures
        known = [name for name, (thing, _) in PROCESSES.items() if STAGES[thing] >= n]
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            shown = [known[k] for k in rng.choice(len(known), params.rows, replace=False)]
            if len({PROCESSES[name][0] for name in shown}) < params.rows:
                continue
            cells: list[str] = []
            for name in shown:
                stages = _stages(name)
                picked = sorted(rng.choice(len(stages), n, replace=False).tolist())
                order = list(range(n))
                while order == sorted(order):
                    order = rng.permutation(n).tolist()
                cells += [*(stages[picked[k]] for k in order), *("",) * n]
            misfits, state = 0, TemporalState(tuple(cells), n, tuple(shown))
            if accept is None or accept(state):
                return state
        raise GenreasonError("no order of pictures was found: change pictures or rows")

    def solve(self, state: TemporalState) -> Solution[str] | None:
        """Row by row the numbers from 1 on, or None where a wrong number stands."""
        moves = []
        for row in range(len(state.shown)):
            while (cell := self._next(state, row)) is not None:
                moves.append(self.move(state, *cell))
                state = self.step(state, moves[-1])
        return Solution(tuple(moves)) if self.done(state) else None

    def _next(self, state: TemporalState, row: int) -> tuple[int, str] | None:
        """Where the next number of a row goes, and which it is; None where none may be written."""
        answer = self._answer(state, row)
        first = (2 * row + 1) * state.cols
        held = state.cells[first : first + state.cols]
        number = next((k for k in range(1, state.cols + 1) if str(k) not in held), 0)
        if not number or held[answer.index(number)]:
            return None
        return first + answer.index(number), str(number)

    def _answer(self, state: TemporalState, row: int) -> list[int]:
        """The number of each picture of a row."""
        stages = _stages(state.shown[row])
        first = 2 * row * state.cols
        places = [stages.index(symbol) for symbol in state.cells[first : first + state.cols]]
        return [sorted(places).index(place) + 1 for place in places]

    def refusal(self, state: TemporalState, cell: int, symbol: str) -> str:
        """Only the next number of a row, and only below its picture."""
        row, rest = divmod(cell // state.cols, 2)
        if not rest or symbol not in NUMBERS:
            return "only numbers are written, and below pictures"
        due = self._next(state, row)
        if due is None or symbol != due[1]:
            return f"it is not the turn of {symbol}"
        return "" if cell == due[0] else f"another picture is number {symbol}"

    def placed(self, state: TemporalState, cell: int, symbol: str) -> TemporalState:
        """The state with the number in the cell."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def done(self, state: TemporalState) -> bool:
        """Whether below every picture its number stands."""
        n = state.cols
        for row in range(len(state.shown)):
            pictures, numbers = (state.cells[k * n : (k + 1) * n] for k in (2 * row, 2 * row + 1))
            if not _pictures(pictures, state.shown[row]):
                return False
            if list(numbers) != [str(number) for number in self._answer(state, row)]:
                return False
        return True

    def encode(self, state: TemporalState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"shown": processes}`."""
        return {"cells": rows_json(state.cells, state.cols)}, {"shown": list(state.shown)}

    def decode(self, state: Json, goal: Json) -> TemporalState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (*_ALL, *NUMBERS), "temporal_ordering")
        shown = goal.get("shown")
        if not isinstance(shown, list) or not set(shown) <= set(PROCESSES):
            raise UserError(f"temporal_ordering: shown: give a list of {', '.join(PROCESSES)}")
        rows = [cells[i : i + cols] for i in range(0, len(cells), cols)]
        right = len(rows) == 2 * len(shown) and all(map(_pictures, rows[::2], shown))
        if not right or not {held for row in rows[1::2] for held in row} <= {"", *NUMBERS}:
            raise UserError(
                "temporal_ordering: cells: give rows of stages of what is shown, each over numbers"
            )
        return TemporalState(cells, cols, tuple(shown))

    def canonical(self, state: TemporalState) -> bytes:
        """The rows in any order."""
        wide = 2 * state.cols
        rows = [",".join(state.cells[i : i + wide]) for i in range(0, len(state.cells), wide)]
        return ";".join(sorted(f"{a}:{b}" for a, b in zip(state.shown, rows, strict=True))).encode()

    def plan(self, state: TemporalState, move: str) -> str:
        """Which picture is the next, and its number."""
        cell, number = self.parsed(state, move)
        row = cell // state.cols // 2
        seen = f"Number {int(number) - 1} is found. " if int(number) > 1 else ""
        which = "the next" if seen else "the first"
        where = f"{which} picture is in {self.at(state, cell - state.cols)}"
        return f"{seen}As {state.shown[row]}, {where}. Write {number} below it."

    def words(self, state: TemporalState) -> dict[str, str]:
        """What is shown, and how many pictures."""
        shown = state.shown[0]
        if len(state.shown) > 1:
            shown = f"in the upper row of pictures {shown}, in the lower one {state.shown[1]}"
        return {"shown": shown, "n": str(state.cols)}

    def shape(self, state: TemporalState) -> tuple[int, int]:
        """Pictures and numbers in turn."""
        return len(state.cells) // state.cols, state.cols

    def blocks(self, state: TemporalState) -> tuple[int, int]:
        """Bold lines between rows of pictures."""
        return 2, 0

    def cells(self, state: TemporalState) -> Cells:
        """Pictures and numbers."""
        return state.cells

    def symbols(self, state: TemporalState) -> tuple[str, ...]:
        """All stages of what is shown, and the numbers."""
        return (*(symbol for name in state.shown for symbol in _stages(name)), *NUMBERS)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A picture, or a number."""
        if symbol in NUMBERS:
            return Sign(text=symbol, ink=style.written, font=style.font)
        name, _, number = symbol.partition(" ")
        return Sign(mark=stage(name, int(number) - 1, {"ink": style.given, **attributes.palette(style)}))

    def called(self, symbol: str) -> str:
        """A number, or a picture of something."""
        return symbol if symbol in NUMBERS else f"picture {symbol}"

    def arranged(self, state: TemporalState, cells: Cells) -> TemporalState:
        """The state with these contents."""
        return replace(state, cells=cells)

    def styles(self) -> tuple[str, ...]:
        """Those on whose ground all colours stand out."""
        return attributes.styles()


def _stages(name: str) -> list[str]:
    """The pictures of a process ("glass 1" to "glass 6"), the earliest first."""
    thing, way = PROCESSES[name]
    return [f"{thing} {k + 1}" for k in range(STAGES[thing])][::way]


def _pictures(row: Cells, name: str) -> bool:
    """Whether a row holds different pictures of a process."""
    return len(set(row)) == len(row) and set(row) <= set(_stages(name))


_ALL = tuple(f"{thing} {k + 1}" for thing, count in STAGES.items() for k in range(count))
PUZZLE = TemporalOrdering()
