"""Move: a named thing of a scene goes to where the request says, and nothing else changes.

It may go to any empty place to which a free way leads, as often as it likes; in the end it must stand as
asked for. The measure of `solve` is ways.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from genreason.puzzles.base import Params
from genreason.puzzles.boards import Place
from genreason.puzzles.scenes import Scene, SceneParams, SceneState, is_thing, listed, placed, scattered
from genreason.types import IllegalMove, Json, Solution, UserError

SIDES = {"left": (0, -1), "right": (0, 1), "above": (-1, 0), "below": (1, 0)}
SAID = {
    "left": "to the left of the {} in the same row",
    "right": "to the right of the {} in the same row",
    "above": "above the {} in the same column",
    "below": "below the {} in the same column",
}
TOUCH = 0.75  # places (along rows and columns) from its middle that a thing on its way touches
Way = tuple[Place, ...]


class MoveParams(SceneParams):
    """What a level is.

    Attributes:
        changes: others that the request names.
        ways: ways, one after the other, that it takes.
    """

    ways: int = Field(1, ge=1, le=2)

    @model_validator(mode="after")
    def _named(self) -> MoveParams:
        if not self.changes <= min(2, self.things - 1):
            raise ValueError(f"changes {self.changes}: the request names one or two others (of `things`)")
        return self


class Move(Scene):
    """The family; `asked` is the thing, then pairs of a side and the thing on whose side it must be."""

    name: ClassVar[str] = "move"
    params: ClassVar[type[Params]] = MoveParams
    carried: ClassVar[bool] = True
    solid: ClassVar[bool] = True
    gradual: ClassVar[bool] = False
    stir: ClassVar[int | None] = 1

    def candidate(self, rng: np.random.Generator, params: MoveParams) -> SceneState | None:
        """A thing and one or two others beside which it must come to stand: where a place by lot is."""
        names = scattered(rng, params.things)
        cells = placed(rng, names, params.size)
        state = SceneState(cells, cells, params.size, ((names[0],),))
        target = int(rng.choice([k for k, held in enumerate(cells) if not held]))
        beside = [(side, name) for name in names[1:] for side in SIDES if self._is(state, target, side, name)]
        pairs: list[tuple[tuple[str, str], ...]] = [(pair,) for pair in beside]
        if params.changes == 2:  # one in its row, and one in its column
            rows = [pair for pair in beside if pair[0] in ("left", "right")]
            pairs = list(product(rows, [pair for pair in beside if pair not in rows]))
        if not pairs:
            return None
        state = replace(state, asked=((names[0],), *pairs[int(rng.integers(len(pairs)))]))
        found = self.solve(state)
        return state if found is not None and len(found) == params.ways else None

    def decode(self, state: Json, goal: Json) -> SceneState:
        """The inverse of `encode`."""
        found = super().decode(state, goal)
        (thing, *_), *pairs = found.asked
        ok = pairs and all(len(p) == 2 and p[0] in SIDES and p[1] in found.first for p in pairs)
        if not ok or thing not in found.first:
            raise UserError(f"move: asked: give [thing], then pairs of {', '.join(SIDES)} and another thing")
        return found

    def known(self, name: str) -> bool:
        """Whether it is an attribute's thing."""
        return is_thing(name)

    def becoming(self, state: SceneState) -> set[str]:
        """Nothing becomes anything else."""
        return set()

    def request(self, state: SceneState) -> str:
        """Where the thing goes."""
        places = listed([SAID[side].format(other) for side, other in state.asked[1:]])
        return f"the {state.asked[0][0]} moves {places}"

    def _is(self, state: SceneState, cell: int, side: str, other: str) -> bool:
        """Whether a place is on this side of another thing."""
        if other not in state.cells:
            return False
        (row, col), (r, c) = divmod(cell, state.cols), divmod(state.cells.index(other), state.cols)
        down, right = SIDES[side]
        return (col == c and (row - r) * down > 0) if down else (row == r and (col - c) * right > 0)

    def _fits(self, state: SceneState, cell: int) -> bool:
        """Whether a place is where the thing must come to stand."""
        return all(self._is(state, cell, side, other) for side, other in state.asked[1:])

    def _ways(self, state: SceneState) -> Mapping[int, Way]:
        """The empty places to which a free way leads, and the ways."""
        thing = state.asked[0][0]
        if state.cells.count(thing) != 1:
            return {}
        full = frozenset(k for k, held in enumerate(state.cells) if held and held != thing)
        return free_ways(full, state.cells.index(thing), len(state.cells) // state.cols, state.cols)

    def solve(self, state: SceneState) -> Solution[str] | None:
        """As few ways as it takes, the shortest last; None where no ways lead there."""
        seen = {state.cells}
        front: list[tuple[SceneState, tuple[str, ...]]] = [(state, ())]
        while front:
            done = [(at, moves) for at, moves in front if self.done(at)]
            if done:
                return Solution(min((moves for _, moves in done), key=lambda m: self._length(state, m)))
            found: list[tuple[SceneState, tuple[str, ...]]] = []
            for at, moves in front:
                for move in self.moves(at):
                    after = self._after(at, move)
                    if after.cells not in seen:
                        seen.add(after.cells)
                        found.append((after, (*moves, move)))
            front = found
        return None

    def _touched(self, state: SceneState) -> Mapping[int, frozenset[int]]:
        """What the thing touches on its way to each place."""
        ways, rows = self._ways(state), len(state.cells) // state.cols
        return {
            end: under
            for end, way in ways.items()
            for other, under in _all_ways(state.cells.index(state.asked[0][0]), end, rows, state.cols)
            if other == way
        }

    def _length(self, state: SceneState, moves: tuple[str, ...]) -> float:
        """How far the thing goes, in places."""
        cells = [state.cells.index(state.asked[0][0]), *(self._cell(state, move) for move in moves)]
        places = np.array([self.place(state, cell) for cell in cells])
        return float(np.hypot(*np.diff(places, axis=0).T).sum())

    def moves(self, state: SceneState) -> Iterable[str]:
        """Every empty place to which a free way leads."""
        return tuple(f"{k // state.cols + 1},{k % state.cols + 1}" for k in self._ways(state))

    def likely(self, state: SceneState, seen: Mapping[int, str]) -> Iterable[str]:
        """To or over where the thing is seen; all, where it is only seen to have left."""
        thing, ways = state.asked[0][0], self._ways(state)
        come = {k for k, held in seen.items() if held == thing}
        left = any(not held and state.cells[k] == thing for k, held in seen.items())
        over = self._touched(state)
        found = [k for k in ways if come & over[k]] or (ways if left and not come else ())
        return tuple(f"{k // state.cols + 1},{k % state.cols + 1}" for k in found)

    def _cell(self, state: SceneState, move: str) -> int:
        row, col = (int(word) - 1 for word in move.split(","))
        return row * state.cols + col

    def changes(self, state: SceneState, move: str) -> dict[int, str]:
        """The place that the thing leaves, and the one that it comes to."""
        thing = state.asked[0][0]
        return {state.cells.index(thing): "", self._cell(state, move): thing}

    def path(self, state: SceneState, move: str, target: int) -> Way:
        """A free way."""
        return self._ways(state).get(target, ())

    def step(self, state: SceneState, move: str) -> SceneState:
        """Go to a place.

        Raises:
            IllegalMove: it is not empty, or no free way leads there.
        """
        if move not in self.moves(state):
            raise IllegalMove(f"no free way leads to the place {move}")
        return self._after(state, move)

    def _after(self, state: SceneState, move: str) -> SceneState:
        cells = list(state.cells)
        for cell, held in self.changes(state, move).items():
            cells[cell] = held
        return replace(state, cells=tuple(cells))

    def done(self, state: SceneState) -> bool:
        """Whether the thing stands as asked for, and all others as they did."""
        thing = state.asked[0][0]
        now, then = (["" if h == thing else h for h in cells] for cells in (state.cells, state.first))
        return now == then and state.cells.count(thing) == 1 and self._fits(state, state.cells.index(thing))

    def plan(self, state: SceneState, move: str) -> str:
        """Where the thing is and where it goes."""
        thing = state.asked[0][0]
        here, there = self.at(state, state.cells.index(thing)), self.at(state, self._cell(state, move))
        why = "as asked for" if self._fits(state, self._cell(state, move)) else "where a free way leads on"
        return f"The {thing} is in {here}. Move it to {there}, {why}."


@functools.lru_cache(maxsize=4096)
def free_ways(full: frozenset[int], start: int, rows: int, cols: int) -> Mapping[int, Way]:
    """Empty places to which a way leads, straight or with one corner, that touches nothing; and the ways."""
    found = {}
    for end in range(rows * cols):
        if end == start or end in full:
            continue
        way = next((way for way, under in _all_ways(start, end, rows, cols) if not under & full), None)
        if way is not None:
            found[end] = way
    return found


@functools.lru_cache(maxsize=4096)
def _all_ways(start: int, end: int, rows: int, cols: int) -> tuple[tuple[Way, frozenset[int]], ...]:
    """The straight way and those with one corner, and what a thing touches on each."""
    a, b = ((float(k % cols), float(k // cols)) for k in (start, end))
    ways: list[Way] = [(a, b)]
    if a[0] != b[0] and a[1] != b[1]:
        ways += [(a, (b[0], a[1]), b), (a, (a[0], b[1]), b)]
    x, y = np.arange(rows * cols) % cols, np.arange(rows * cols) // cols
    found = []
    for way in ways:
        points = np.concatenate([np.linspace(p, q, 25) for p, q in zip(way, way[1:], strict=False)])
        apart = np.maximum(np.abs(points[:, :1] - x), np.abs(points[:, 1:] - y)).min(axis=0)
        found.append((way, frozenset(np.flatnonzero(apart < TOUCH).tolist())))
    return tuple(found)


PUZZLE = Move()
