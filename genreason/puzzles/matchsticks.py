"""Matchsticks: an equation laid of sticks is wrong; so many sticks are moved, and it is true.

Digits have seven strokes; a plus is a minus with an upright stick across, which can be moved, too. The equals
sign and the lying stick of the sign stay. A stick may be moved again, and back; but never are more than
`sticks` of them elsewhere than in the first picture, and in the end exactly so many are. The measure of
`solve` is moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.perceive.cells import CellScene
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, Place, rows_cells, rows_json, under
from genreason.puzzles.matchlayout import (
    EQUALS,
    LYING,
    NAMES,
    PLUS,
    ROWS,
    UPRIGHT,
    Digits,
    MatchState,
    count_of,
    goals,
    laid,
    layout,
    look,
    mask_of,
    moved,
    slots_of,
    text_of,
)
from genreason.render.cells import CellStyle, Ground, Sign
from genreason.render.lattice import Lattice
from genreason.render.marks import Layer, Mark
from genreason.types import GenreasonError, IllegalMove, Instance, Json, Solution, UserError

MOST_DIGITS = 6
LONG, THICK = 1.7, 0.3  # of a stick, in cells
READ = 0.8  # of its length, in cells, that is told it by: the rest is in other cells
APART = 0.5  # cells between the sticks of an equals sign
TURNED = tuple(f"{angle} degrees" for angle in range(15, 90, 15))
_TRIES = 4000
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


class MatchsticksParams(Params):
    """What a level is.

    Attributes:
        digits: of the three numbers, one or two each; one of these is drawn by lot.
        sticks: how many are moved.
        solutions: least and most ways to lay a true equation.
    """

    digits: tuple[Digits, ...] = Field(((1, 1, 1),), min_length=1)
    sticks: int = Field(1, ge=1, le=3)
    solutions: tuple[int, int] = (1, 1)


class Matchsticks(BoardPuzzle[MatchState, str]):
    """The family; moves are "CELL>CELL", counted row by row from 0."""

    name: ClassVar[str] = "matchsticks"
    params: ClassVar[type[Params]] = MatchsticksParams
    carried: ClassVar[bool] = True
    ruled: ClassVar[bool] = False
    overhang: ClassVar[float] = (LONG - 1) / 2 + 0.2  # (they may lie a little off their places)
    least_cell: ClassVar[int] = 12
    stir: ClassVar[int | None] = 4  # (more at once than one stick on its way changes)
    margins: ClassVar[tuple[float, float, float, float]] = (0.3, 0.1, 0.3, 0.1)

    def sample(
        self, rng: np.random.Generator, params: MatchsticksParams, accept: Accept | None = None
    ) -> MatchState:
        """A wrong equation by lot, that so many sticks and no fewer can make true.

        Raises:
            GenreasonError: none in 400 had as many solutions as the level asks for.
        """
        least, most = params.solutions
        if any(not all(1 <= n <= 2 for n in each) or sum(each) > MOST_DIGITS for each in params.digits):
            raise UserError("matchsticks: digits: give the three numbers one or two digits each")
        if not 1 <= least <= most:
            raise UserError(f"matchsticks: solutions {least} to {most}: give 1 or more, the smaller first")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            digits = params.digits[int(rng.integers(len(params.digits)))]
            lowest = [10 ** (n - 1) if n > 1 else 0 for n in digits]
            numbers = [int(rng.integers(low, 10**n)) for low, n in zip(lowest, digits, strict=True)]
            plus = bool(rng.integers(2))
            mask = layout(digits).mask("".join(map(str, numbers)), plus)
            if mask in layout(digits).true or any(goals(digits, mask, k) for k in range(1, params.sticks)):
                continue
            if least <= len(goals(digits, mask, params.sticks)) <= most:
                misfits = 0
                cells = laid(digits, mask)
                state = MatchState(cells, cells, digits, params.sticks)
                if accept is None or accept(state):
                    return state
        given = f"{params.sticks} sticks: {least} to {most} solutions"
        raise GenreasonError(f"no wrong equation in {_TRIES} had with {given}: change solutions or sticks")

    # -- rules -----------------------------------------------------------------------------------------------
    def solve(self, state: MatchState) -> Solution[str] | None:
        """The shortest way to any of the solutions; None where there is none."""
        ways = [
            self._way(state, goal) for goal in goals(state.digits, mask_of(state, state.given), state.sticks)
        ]
        found = [way for way in ways if way is not None]
        return Solution(min(found, key=len)) if found else None

    def _way(self, state: MatchState, goal: int) -> tuple[str, ...] | None:
        """Moves to an equation: sticks that lie wrong go back or on, then the others follow."""
        moves: list[str] = []
        first = mask_of(state, state.given)
        leave, come = slots_of(state, first & ~goal), slots_of(state, goal & ~first)
        while len(moves) < 4 * state.sticks + 4:
            free = [slot.cell for slot in state.layout.slots if not state.taken(slot.cell)]
            wrong = [(now, home) for now, home in state.away if home not in leave or now not in come]
            back = next(((a, b) for a, b in wrong if b in free and b not in leave), None)
            rest = sorted(leave - {home for _, home in state.away})
            open_ = sorted(come & set(free))
            if back is not None:
                source, target = back
            elif wrong:
                source, target = wrong[0][0], (open_ or free)[0]
            elif rest:
                source, target = rest[0], open_[0]
            else:
                return tuple(moves)
            moves.append(f"{source}>{target}")
            state = self.step(state, moves[-1])
        return None

    def moves(self, state: MatchState) -> Iterable[str]:
        """Any stick into any free slot, while no more are elsewhere than may be."""
        return self.likely(state, {})

    def likely(self, state: MatchState, seen: Mapping[int, str]) -> Iterable[str]:
        """Moves from slots that are seen without their stick into slots that are seen with one."""
        cells = [slot.cell for slot in state.layout.slots]
        shown = {c: s == look(state, c, True) for c, s in seen.items() if c in state.layout.at}
        sources = [c for c in cells if state.taken(c) and shown.get(c) is not True]
        targets = [c for c in cells if not state.taken(c) and shown.get(c) is not False]
        gone, come = [c for c in sources if c in shown], [c for c in targets if c in shown]
        return [
            f"{a}>{b}" for a in gone or sources for b in come or targets if not self._refusal(state, a, b)
        ]

    def _refusal(self, state: MatchState, source: int, target: int) -> str:
        """Why a stick may not be moved so, "" where it may."""
        slots = state.layout.at
        if source not in slots or not state.taken(source):
            return f"there is no stick to take in {self.at(state, source)}"
        if target not in slots or state.taken(target):
            return f"there is no room for a stick in {self.at(state, target)}"
        if len(moved(state, source, target)) > state.sticks:
            return f"more than {count_of(state.sticks)} would be moved"
        return ""

    def _ends(self, state: MatchState, move: str) -> tuple[int, int]:
        source, _, target = move.partition(">")
        most = len(state.cells)
        if not (source.isdecimal() and target.isdecimal() and max(int(source), int(target)) < most):
            raise IllegalMove(f"{move!r} does not lead from a cell to a cell")
        return int(source), int(target)

    def changes(self, state: MatchState, move: str) -> dict[int, str]:
        """The two slots."""
        source, target = self._ends(state, move)
        return {source: look(state, source, False), target: look(state, target, True)}

    def step(self, state: MatchState, move: str) -> MatchState:
        """Move a stick.

        Raises:
            IllegalMove: there is none, no slot is free there, or too many are moved.
        """
        source, target = self._ends(state, move)
        why = self._refusal(state, source, target)
        if why:
            raise IllegalMove(why)
        cells = list(state.cells)
        for cell, symbol in self.changes(state, move).items():
            cells[cell] = symbol
        return replace(state, cells=tuple(cells), away=moved(state, source, target))

    def path(self, state: MatchState, move: str, target: int) -> Sequence[Place]:
        """Along a lane above or below the equation."""
        source, end = self._ends(state, move)
        return state.layout.way(source, end) if target == end else ()

    def passed(self, state: MatchState, move: str) -> set[int]:
        """Cells in which a stick is seen to pass, along the lanes or straight."""
        return (super().passed(state, move) | self._straight(state, move)) - state.layout.ends

    def crossed(self, state: MatchState, move: str) -> set[int]:
        """Those; between neighbours nothing need be seen."""
        (x0, y0), (x1, y1) = (self.place(state, cell) for cell in self._ends(state, move))
        return set() if max(abs(x1 - x0), abs(y1 - y0)) <= 1 else super().crossed(state, move)

    def _straight(self, state: MatchState, move: str) -> frozenset[int]:
        ends = self._ends(state, move)
        return under((self.place(state, ends[0]), self.place(state, ends[1])), self.shape(state))

    def explain(self, state: MatchState, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this."""
        slot, held = state.layout.at.get(cell), state.cells[cell]
        if slot is None:
            return f"what is in {self.at(state, cell)} does not stay as it is"
        if symbol == look(state, cell, False):
            return f"the stick in {self.at(state, cell)} is gone, which no move explains"
        if symbol == look(state, cell, True) and held == look(state, cell, False):
            return f"one more stick than may be moved comes into {self.at(state, cell)}"
        return f"what comes into {self.at(state, cell)} is no stick that belongs there"

    def done(self, state: MatchState) -> bool:
        """Whether the equation is true, and as many sticks as asked for lie elsewhere than at first."""
        slots = state.layout.at
        if any(state.cells[k] != given for k, given in enumerate(state.given) if k not in slots):
            return False
        known = all(state.cells[c] in (look(state, c, False), look(state, c, True)) for c in slots)
        goal = mask_of(state, state.cells)
        return known and goal in goals(state.digits, mask_of(state, state.given), state.sticks)

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: MatchState) -> tuple[Json, Json]:
        """`{"cells", "given": rows, "digits", "away"}` and `{"sticks": number}`."""
        cols = state.layout.cols
        return {
            "cells": rows_json(state.cells, cols), "given": rows_json(state.given, cols),
            "digits": list(state.digits), "away": [list(pair) for pair in state.away],
        }, {"sticks": state.sticks}  # fmt: skip

    def decode(self, state: Json, goal: Json) -> MatchState:
        """The inverse of `encode`."""
        sticks, digits = goal.get("sticks"), state.get("digits")
        if not isinstance(sticks, int) or sticks < 1:
            raise UserError(f"matchsticks: sticks {sticks!r}: give a whole number from 1 on")
        if not isinstance(digits, list) or len(digits) != 3 or not all(n in (1, 2) for n in digits):
            raise UserError(f"matchsticks: digits {digits!r}: give three numbers, each 1 or 2")
        places = layout((digits[0], digits[1], digits[2]))
        cells, cols = rows_cells(state, "cells", SYMBOLS, "matchsticks")
        given, _ = rows_cells(state, "given", SYMBOLS, "matchsticks")
        if not len(cells) == len(given) == ROWS * cols or cols != places.cols:
            raise UserError(f"matchsticks: cells: give {ROWS} rows of {places.cols} cells")
        away = tuple((int(now), int(home)) for now, home in state.get("away", []))
        return MatchState(cells, given, places.digits, sticks, away)

    def canonical(self, state: MatchState) -> bytes:
        """The equation: it has no symmetry."""
        return f"{state.digits} {mask_of(state, state.cells)} {state.sticks}".encode()

    def plan(self, state: MatchState, move: str) -> str:
        """What the equation says, which stick goes where, and what it says then."""
        source, target = self._ends(state, move)
        before, after = text_of(state), text_of(self.step(state, move))
        then = f"That gives {after}." if "?" not in after else "Then another stick follows."
        what = f"move the stick in {self.at(state, source)} into {self.at(state, target)}"
        return f"The sticks say {before}, which is not what is wanted: {what}. {then}"

    def words(self, state: MatchState) -> dict[str, str]:
        """How many sticks are moved."""
        return {"sticks": count_of(state.sticks)}

    def at(self, state: MatchState, cell: int) -> str:
        """A stroke of a digit, or a part of a sign."""
        slot = state.layout.at.get(cell)
        if slot is None:
            row, col = divmod(cell, state.layout.cols)
            return "the equals sign" if cell == state.layout.equals else f"row {row + 1}, column {col + 1}"
        if slot.digit < 0:
            return "the upright stroke of the sign"
        return f"the {NAMES[slot.stroke]} stroke of the {ORDINALS[slot.digit]} digit"

    def called(self, symbol: str) -> str:
        """A stick, or a sign."""
        return f"{symbol} stick" if symbol in (LYING, UPRIGHT) else f"{symbol} sign"

    def trap(self, instance: Instance) -> str:
        """A question about the first frame whose true answer is no."""
        return "In the first frame, is the equation laid of sticks true?"

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: MatchState) -> tuple[int, int]:
        """The digits, and the lanes."""
        return ROWS, state.layout.cols

    def cells(self, state: MatchState) -> Cells:
        """Sticks and signs."""
        return state.cells

    def arranged(self, state: MatchState, cells: Cells) -> MatchState:
        """The state with these sticks; which of several went where is not known."""
        first, now = mask_of(state, state.given), mask_of(state, cells)
        pairs = zip(
            sorted(slots_of(state, now & ~first)), sorted(slots_of(state, first & ~now)), strict=False
        )
        return replace(state, cells=cells, away=tuple(pairs))

    def held(self, state: MatchState) -> tuple[int, ...]:
        """All cells but those into which the ends of sticks reach."""
        return tuple(k for k in range(len(state.cells)) if k not in state.layout.ends)

    def open(self, state: MatchState) -> frozenset[int]:
        """All cells without a slot or sign."""
        places = {*state.layout.at, state.layout.equals}
        return frozenset(k for k in range(len(state.cells)) if k not in places)

    def ground(self, state: MatchState, style: CellStyle, lattice: Lattice) -> Ground:
        """One field: slots are not shown."""
        return replace(super().ground(state, style, lattice), open=frozenset())

    def symbols(self, state: MatchState) -> tuple[str, ...]:
        """Sticks and signs."""
        return SYMBOLS

    def extras(self, state: MatchState) -> tuple[str, ...]:
        """Sticks that turn."""
        return TURNED

    def through(self, before: str, after: str) -> tuple[str, ...]:
        """A lying stick rises, an upright one lies down."""
        ways = {(LYING, UPRIGHT): TURNED, (UPRIGHT, LYING): TURNED[::-1]}
        return ways.get((before, after), ())

    def layers(self, symbol: str) -> tuple[str, ...]:
        """A plus is an upright stick on a lying one."""
        return (LYING, UPRIGHT) if symbol == PLUS else (symbol,)

    def over(self, below: str, above: str) -> bool:
        """The lying stick of a minus stays when it becomes a plus."""
        return (below, above) == (LYING, PLUS)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Sticks with a head: at the right of lying ones, at the top of upright ones."""
        return Sign(mark=_mark(symbol, style, LONG))

    def scene(self, instance: Instance) -> CellScene:
        """What is to be read: of sticks what is in their own cells."""
        style, scene = self.style(instance.style), super().scene(instance)
        return replace(scene, signs=tuple(Sign(mark=_mark(symbol, style, READ)) for symbol in SYMBOLS))


SYMBOLS = (LYING, UPRIGHT, PLUS, EQUALS)


def _mark(symbol: str, style: CellStyle, long: float) -> Mark:
    """Sticks of this length (cells)."""
    h, head = THICK / long, 0.26
    red = style.written if long == LONG else style.given
    lying = (Layer("square", style.given, h=h), Layer("rounded", red, x=1 - head / long, w=head / long, h=h))
    upright = (
        Layer("square", style.given, w=h),
        Layer("rounded", red, y=head / long - 1, w=h, h=head / long),
    )
    if symbol in TURNED:
        return Mark("stick", style.given, lying, long, -float(symbol.split()[0]))
    if symbol == EQUALS:
        off = APART / long
        return Mark(
            "stick", style.given, tuple(replace(part, y=y) for y in (-off, off) for part in lying), long
        )
    layers = {LYING: lying, UPRIGHT: upright, PLUS: (*lying, *upright)}[symbol]
    return Mark("stick", style.given, layers, long)


PUZZLE = Matchsticks()
