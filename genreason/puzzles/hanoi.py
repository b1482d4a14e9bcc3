"""Towers of Hanoi: discs on three pegs; the top disc of a peg goes to another, never onto a smaller one.

Discs of one to six widths stand on the pegs in any order that the rules allow; all are to come onto one peg.
The measure of `solve` is moves.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.stacks import StackPuzzle, StackState
from genreason.render.cells import BRIGHT, BRIGHT_STYLES, CellStyle, Sign, Stroke
from genreason.render.marks import Layer, Mark
from genreason.types import Json, Solution, UserError

PEGS = 3
DISCS = tuple(BRIGHT)
"""The discs, named by their colours, from the smallest to the largest."""
NAMES = ("left", "middle", "right")
_HIGH = 0.86  # height of a disc in heights of a cell


class HanoiParams(Params):
    """What a level is.

    Attributes:
        discs: how many there are.
        moves: least and most moves of a shortest solution.
    """

    discs: int = Field(3, ge=2, le=5)
    moves: tuple[int, int] = (3, 5)


@dataclass(frozen=True, slots=True)
class HanoiState(StackState):
    """Discs on pegs; `goal` is the peg (0 to 2) that all are to stand on."""

    goal: int


class Hanoi(StackPuzzle[HanoiState]):
    """The family."""

    name: ClassVar[str] = "hanoi"
    params: ClassVar[type[Params]] = HanoiParams
    ruled: ClassVar[bool] = False
    flat: ClassVar[float] = 2.0
    margins: ClassVar[tuple[float, float, float, float]] = (0.15, 0.2, 0.15, 0.6)

    def sample(
        self, rng: np.random.Generator, params: HanoiParams, accept: Accept | None = None
    ) -> HanoiState:
        """Discs at random on the pegs, as far from the goal as the level asks for.

        Raises:
            UserError: so many discs never need so many moves.
        """
        (least, most), far = params.moves, 2**params.discs - 1
        if not 1 <= least <= most <= far:
            given = f"moves {least} to {most} with {params.discs} discs"
            raise UserError(f"hanoi: {given}: give 1 to {far}, the smaller first")
        while True:
            goal = int(rng.integers(PEGS))
            known = [pegs for pegs, (count, _) in _ways(params.discs, goal).items() if least <= count <= most]
            pegs = known[int(rng.integers(len(known)))]
            discs = [DISCS[k] for k in sorted(rng.choice(len(DISCS), params.discs, replace=False))]
            state = HanoiState(_cells(discs, pegs), PEGS, goal)
            if accept is None or accept(state):
                return state

    def solve(self, state: HanoiState) -> Solution[str] | None:
        """The shortest solution; None where a disc stands on a smaller one or floats."""
        discs, pegs = self._discs(state)
        if _cells(discs, pegs) != state.cells:
            return None
        ways, moves = _ways(len(discs), state.goal), []
        while ways[pegs][0]:
            moves.append(ways[pegs][1])
            state = self.step(state, moves[-1])
            pegs = self._discs(state)[1]
        return Solution(tuple(moves))

    def _discs(self, state: HanoiState) -> tuple[list[str], tuple[int, ...]]:
        """The discs, smallest first, and the peg of each."""
        found = sorted((DISCS.index(symbol), k % PEGS) for k, symbol in enumerate(state.cells) if symbol)
        return [DISCS[k] for k, _ in found], tuple(peg for _, peg in found)

    def refusal(self, state: HanoiState, thing: str, column: int) -> str:
        """A disc may not stand on a smaller one."""
        below = self.column(state, column)
        if below and DISCS.index(below[-1]) < DISCS.index(thing):
            return f"the {thing} disc is larger than the {below[-1]} one below it"
        return ""

    def done(self, state: HanoiState) -> bool:
        """Whether all discs stand on the goal, the larger below."""
        discs, pegs = self._discs(state)
        return bool(discs) and state.cells == _cells(discs, (state.goal,) * len(pegs))

    def encode(self, state: HanoiState) -> tuple[Json, Json]:
        """`{"cells": rows}`, the first above the pegs, and `{"peg": 0 to 2}`."""
        return {"cells": rows_json(state.cells, PEGS)}, {"peg": state.goal}

    def decode(self, state: Json, goal: Json) -> HanoiState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", DISCS, "hanoi")
        peg = grid.item(goal, "peg", "hanoi")
        discs = [disc for disc in cells if disc]
        if cols != PEGS or len(set(discs)) != len(discs) or len(cells) != PEGS * (len(discs) + 1):
            raise UserError("hanoi: give three columns, each disc once, and a row more than there are discs")
        if peg not in range(PEGS):
            raise UserError(f"hanoi: peg {peg}: give 0, 1 or 2")
        return HanoiState(cells, PEGS, peg)

    def canonical(self, state: HanoiState) -> bytes:
        """Up to the order of the pegs."""
        columns = [",".join(state.cells[peg::PEGS]) for peg in range(PEGS)]
        goal = columns.pop(state.goal)
        return ";".join([goal, *sorted(columns)]).encode()

    def plan(self, state: HanoiState, move: str) -> str:
        """Which discs are on top, and which goes where."""
        source, target = self.ends(state, move)
        columns = [self.column(state, peg) for peg in range(PEGS)]
        tops = [f"{column[-1]} on the {NAMES[peg]} peg" for peg, column in enumerate(columns) if column]
        below = columns[target]
        why = f"the {below[-1]} disc there is larger" if below else "it is empty"
        return f"On top: {', '.join(tops)}. Move {columns[source][-1]} to the {NAMES[target]} peg: {why}."

    def words(self, state: HanoiState) -> dict[str, str]:
        """The number of discs, and the goal."""
        return {"n": str(len(self._discs(state)[0])), "peg": NAMES[state.goal]}

    def at(self, state: HanoiState, cell: int) -> str:
        """Peg and height."""
        height = len(state.cells) // PEGS - cell // PEGS
        return f"place {height} from below on the {NAMES[cell % PEGS]} peg"

    def symbols(self, state: HanoiState) -> tuple[str, ...]:
        """All discs, also those that this puzzle lacks."""
        return DISCS

    def styles(self) -> tuple[str, ...]:
        """Those on which the discs' colours stand out."""
        return BRIGHT_STYLES

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Bars; each is wider than the one before."""
        wide, colour = 0.44 + 0.1 * DISCS.index(symbol), BRIGHT[symbol]
        bar = Layer("rounded", colour, h=_HIGH / (wide * self.flat))
        return Sign(mark=Mark(f"{symbol} disc", colour, (bar,), wide))

    def strokes(self, state: HanoiState, style: CellStyle) -> tuple[Stroke, ...]:
        """Three pegs on a base."""
        rows = len(state.cells) // PEGS
        pegs = [Stroke((x, 0.62), (x, rows - 0.5), 0.14, style.line) for x in range(PEGS)]
        corners = [(-0.58, -0.6), (PEGS - 0.42, -0.6), (PEGS - 0.42, rows - 0.12), (-0.58, rows - 0.12)]
        frame = [
            Stroke(a, b, 0.06, style.line) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
        ]
        return (*pegs, *frame, Stroke((-0.5, rows - 0.36), (PEGS - 0.5, rows - 0.36), 0.16, style.line))


def _cells(discs: list[str], pegs: tuple[int, ...]) -> Cells:
    """The discs (smallest first) on their pegs, the larger below, under an empty row."""
    rows = len(discs) + 1
    cells = [""] * (PEGS * rows)
    heights = [rows - 1] * PEGS
    for disc, peg in zip(discs[::-1], pegs[::-1], strict=True):
        cells[heights[peg] * PEGS + peg] = disc
        heights[peg] -= 1
    return tuple(cells)


@functools.cache
def _ways(count: int, goal: int) -> dict[tuple[int, ...], tuple[int, str]]:
    """For each way that discs (smallest first) stand on pegs, the moves to the goal and the first of them."""
    found = {(goal,) * count: (0, "")}
    border = list(found)
    for far in itertools.count(1):
        after = []
        for pegs in border:
            for k, peg in enumerate(pegs):
                if peg in pegs[:k]:
                    continue  # a smaller disc lies on it
                for other in sorted(set(range(PEGS)) - {peg, *pegs[:k]}):
                    before = (*pegs[:k], other, *pegs[k + 1 :])
                    if before not in found:
                        found[before] = far, f"{other + 1}>{peg + 1}"
                        after.append(before)
        if not after:
            return found
        border = after
    raise AssertionError("there is an end to the ways of discs on pegs")


PUZZLE = Hanoi()
