"""Sokobans with one box, told: a plan that says where to push the box from every tile, then step by step.

6x6 goal d4 : b2v c2> d2v ... d4* .          where the box is pushed from every tile inside the border
b2v at b4 go left  [frame]  b2v at a4 go up  [frame]  ...  d4* done

Before each step stands what is to be done with the box where it is now, and then where the agent goes.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from genreason.generate.corrections import ARROWS
from genreason.puzzles import grid
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.sokoban import SokobanParams, SokobanState
from genreason.task import Task, fingerprint, split_of
from genreason.train.world import TRIES, Told, Walk, World, name


class SokobanWorld(World[SokobanState]):
    """One box, pushed as few times as can be."""

    rules = SOKOBAN

    def length(self, rng: np.random.Generator) -> int:
        """Steps of a puzzle as tests have it, in the pushes' order."""
        return len(self._walk(rng, self._any(rng), self.n**2, None).steps)

    def clip(self, rng: np.random.Generator, steps: int, astray: bool) -> Told:
        """The last steps of a longer solution are a solution, too."""
        for _ in range(TRIES):
            walk = self._walk(rng, self._any(rng), self.n**2, None)
            if astray and walk.steps:
                walk = self._walk(rng, walk.stops[0], self.n**2, int(rng.integers(len(walk.steps))))
            cut = len(walk.steps) - steps
            if cut < 0 or not all(walk.learnt[:cut]):
                continue
            walk = Walk(walk.stops[cut:], walk.steps[cut:], walk.learnt[cut:])
            if self._unseen(walk.stops[0]):
                return self._tell(rng, walk.stops[0], walk, self._end(walk.stops[0]))
        raise self._none(steps)

    def _sampled(self, rng: np.random.Generator) -> SokobanState:
        return SOKOBAN.sample(rng, self._params, self._unseen)

    @functools.cached_property
    def _params(self) -> SokobanParams:
        """Of the card's first level of this size with one box, where there is one."""
        card = Task("sokoban").card
        levels = (card.params(level) for level in card.levels)
        found = next((each for each in levels if (each["size"], each["boxes"]) == (self.n, 1)), None)
        return SokobanParams(**(found or {"size": self.n, "boxes": 1}))

    def _unseen(self, state: SokobanState) -> bool:
        return not self.source.held_out or split_of(fingerprint(SOKOBAN, state)) == "train"

    def _walk(
        self, rng: np.random.Generator, state: SokobanState, most: int, astray: int | None
    ) -> Walk[SokobanState]:
        stops, steps, learnt = [state], list[str](), list[bool]()
        while not self.rules.done(stops[-1]) and len(steps) < most:
            here, own = stops[-1], True
            way = pushes(here.walls, here.cols, here.targets[0]).way(here)
            label = ""
            if self.source.plan == "map":
                label = f"{self._room(here.boxes[0])}{ARROWS[self._pushed(here)]} "
            if len(steps) == astray:
                others = [w for w in self.rules.moves(here) if w != way and self._open(here, w)]
                if others:
                    way, own = others[int(rng.integers(len(others)))], False
            steps.append(f"{label}at {self._room(here.agent)} go {way}")
            learnt.append(own)
            stops.append(self.rules.step(here, way))
        return Walk(tuple(stops), tuple(steps), tuple(learnt))

    def _open(self, state: SokobanState, way: str) -> bool:
        """Whether a move leaves the puzzle to be solved."""
        after = self.rules.step(state, way)
        return not self.rules.done(after) and pushes(after.walls, after.cols, after.targets[0]).solved(after)

    def _pushed(self, state: SokobanState) -> str:
        """The way of the next push."""
        return pushes(state.walls, state.cols, state.targets[0]).push(state.boxes[0], state.agent)[0]

    def _plan(self, state: SokobanState) -> str:
        """From every tile as if the agent could be where it must; on the box's own way as it is."""
        known = pushes(state.walls, state.cols, state.targets[0])
        labels = {box: known.free(box) for box in range(len(state.walls)) if not state.walls[box]}
        here = state
        while not self.rules.done(here):
            (box,) = here.boxes
            way, stand = known.push(box, here.agent)
            labels[box] = way
            here = self.rules.step(replace(here, agent=stand), way)
        said = {tile: ARROWS[way] for tile, way in labels.items() if way} | {state.targets[0]: "*"}
        inner = range(1, self.n - 1)
        told = " ".join(
            name(row, col) + said.get(row * state.cols + col, "") for row in inner for col in inner
        )
        return f"{self.n}x{self.n} goal {self._room(state.targets[0])} : {told} ."

    def _end(self, state: SokobanState) -> str:
        return f"{self._room(state.targets[0])}* done"

    def _room(self, tile: int) -> str:
        return name(*divmod(tile, self.n))


class Pushes:
    """How often a box must be pushed from anywhere to the target, with the agent anywhere.

    Attributes:
        left: by (box, agent): pushes; without an entry there is no way.
    """

    def __init__(self, walls: bytes, cols: int, target: int) -> None:
        """Backwards from the target."""
        self.walls, self.cols, self.target = walls, cols, target
        self.ways = grid.offsets(cols)
        self.left: dict[tuple[int, int], int] = {}
        now = [(target, tile) for tile, wall in enumerate(walls) if not wall and tile != target]
        self.left |= dict.fromkeys(now, 0)
        while now:
            after = []
            for box, agent in now:
                before = 2 * agent - box  # a push left the agent where the box had been
                if (
                    box - agent in self.ways.values()
                    and not walls[before]
                    and (agent, before) not in self.left
                ):
                    around = [(agent, tile) for tile in self._walked(agent, before)]
                    self.left |= dict.fromkeys(around, self.left[box, agent] + 1)
                    after += around
            now = after

    def solved(self, state: SokobanState) -> bool:
        """Whether there is a way."""
        return (state.boxes[0], state.agent) in self.left

    def push(self, box: int, agent: int) -> tuple[str, int]:
        """The next push with the agent there, and where the agent stands for it."""
        reached = self._walked(box, agent)
        wanted = self.left[box, agent] - 1
        for way, delta in self.ways.items():
            if box - delta in reached and self.left.get((box + delta, box)) == wanted:
                return way, box - delta
        raise AssertionError("a way has a first push")

    def free(self, box: int) -> str:
        """The best push with the agent anywhere; "" where there is none."""
        found = [
            (self.left[box + delta, box], number, way)
            for number, (way, delta) in enumerate(self.ways.items())
            if not self.walls[box - delta] and (box + delta, box) in self.left
        ]
        return min(found)[2] if found and box != self.target else ""

    def way(self, state: SokobanState) -> str:
        """The next step of the agent: towards where it pushes from, or the push."""
        (box,), agent = state.boxes, state.agent
        way, stand = self.push(box, agent)
        if agent == stand:
            return way
        back = self._walked(box, stand)
        near = [(back[agent + delta], way) for way, delta in self.ways.items() if agent + delta in back]
        return min(near, key=lambda each: each[0])[1]

    def _walked(self, box: int, start: int) -> dict[int, int]:
        """Tiles that the agent can walk to, and how far they are."""
        found = {start: 0}
        for tile in (reached := [start]):  # grows while it is read
            for delta in self.ways.values():
                near = tile + delta
                if not self.walls[near] and near != box and near not in found:
                    found[near] = found[tile] + 1
                    reached.append(near)
        return found


@functools.lru_cache(maxsize=64)
def pushes(walls: bytes, cols: int, target: int) -> Pushes:
    """Of a board; the last ones are kept."""
    return Pushes(walls, cols, target)
