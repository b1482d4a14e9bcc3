"""Mazes and trap fields, told: a plan that says where to go from every room, then step by step.

4x4 goal d2 : a1v b1> c1 ... .       where to go from every room (c1: nowhere, it is a trap); this is the plan
at a1 go down  [frame]  at a2 go right  [frame]  ...  at d2 done

Rooms are those of a maze, or the tiles of a trap field. A sample with a correction has a mistake in its
plan; where it is about to be made, it is told so, and goes on as it should:  at b2 not up  go right.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from genreason.generate.corrections import ARROWS, noted
from genreason.puzzles import carving, grid, trapfield
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.maze import MazeState
from genreason.puzzles.trapfield import PUZZLE as TRAPFIELD
from genreason.puzzles.trapfield import TrapfieldParams, TrapfieldState
from genreason.task import Task
from genreason.train.world import TRIES, Told, Walk, World, WorldSource, name

# Of corrections: two ways were tried already; the plan is what was wrong; a room behind is wrong in it, too.
_TWICE, _PLANNED, _BEHIND = 0.25, 0.8, 0.3

State = MazeState | TrapfieldState


class RoomWorld(World[State]):
    """An agent goes from room to room.

    Attributes:
        stride: tiles from room to room.
    """

    stride: int

    def __init__(self, source: WorldSource, token: int, frames: int = 1) -> None:
        """As `World`."""
        super().__init__(source, token, frames)
        self.forbidden = frozenset(self._held_out())

    @property
    @abstractmethod
    def cols(self) -> int:
        """Tiles a side."""

    @abstractmethod
    def _barriers(self, state: State) -> bytes:
        """1 where there is a wall or trap, tile by tile."""

    @abstractmethod
    def _towards(self, state: State) -> dict[int, tuple[str, int]]:
        """Of every room from which the goal can be reached: the way to go, and the room that it leads to.

        Nearer rooms come first; the goal itself is not in it.
        """

    def length(self, rng: np.random.Generator) -> int:
        """Steps of a puzzle as tests have it."""
        state = self._any(rng)
        return len(self._paths(state)[state.agent])

    def clip(self, rng: np.random.Generator, steps: int, astray: bool) -> Told:
        """A solution of so many steps; `astray` puts one into it that leads off the way, and one back."""
        off = astray and steps >= 3
        wanted = steps - 2 if off else steps
        for _ in range(TRIES):
            state = self._any(rng)
            paths = self._paths(state)
            starts = [room for room, path in paths.items() if len(path) == wanted]
            if not starts:
                continue
            state = replace(state, agent=starts[int(rng.integers(len(starts)))])
            for at in rng.permutation(wanted).tolist() if off else [None]:
                walk = self._walk(rng, state, steps, at)
                if len(walk.steps) == steps:
                    return self._tell(rng, state, walk, self._end(state))
        raise self._none(steps)

    def corrected(self, rng: np.random.Generator, steps: int) -> Told:
        """A solution whose plan is wrong in a room of the way, where it is told so (`noted`) and set right.

        The mistakes are those of controls: into a wall, or along a way that does not lead to the goal. Rooms
        behind the first mistake may be wrong in the plan, too: who was told of one looks again.
        """
        told = self.clip(rng, steps, False)
        at = int(rng.integers(steps))
        room, right = _step(told.steps[at])
        wrong = [way for way in rng.permutation(list(ARROWS)).tolist() if way != right]
        refused = wrong[: 1 + int(rng.random() < _TWICE)]
        labels = {room: wrong[0]} if rng.random() < _PLANNED else {}
        for later in told.steps[at + 1 : at + 3]:
            behind, way = _step(later)
            if rng.random() < _BEHIND:
                others = [each for each in ARROWS if each != way]
                labels[behind] = others[int(rng.integers(len(others)))]
        plan = [
            word[:2] + ARROWS[labels[word[:2]]] if len(word) == 3 and word[:2] in labels else word
            for word in told.plan.split()
        ]
        said = (*told.steps[:at], f"go {right}", *told.steps[at + 1 :])
        notes = {at: noted([f"at {room} go {way}" for way in refused])}
        return replace(told, plan=" ".join(plan), steps=said, notes=notes, sound=False)

    def _end(self, state: State) -> str:
        return f"at {self._room(state.goal)} done"

    def _unseen(self, barriers: bytes) -> bool:
        """Whether no test puzzle that is held out has these walls or traps, turned or mirrored."""
        return not self.forbidden or self._form(barriers) not in self.forbidden

    def _form(self, barriers: bytes) -> bytes:
        return grid.canonical(np.frombuffer(barriers, np.uint8).reshape(-1, self.cols))

    def _held_out(self) -> Iterator[bytes]:
        """Forms, up to symmetry, of the first test instances of the levels with so many rooms."""
        if not self.source.held_out:
            return
        card = Task(self.source.task).card
        for level in card.levels:
            params = card.params(level)
            if self.n in (params.get("rooms"), params.get("size")):
                for instance in Task(self.source.task, level, "test")[: self.source.held_out]:
                    yield self._form(self._barriers(self.rules.start(instance)))

    def _paths(self, state: State) -> dict[int, tuple[int, ...]]:
        """Of every room: the rooms from it to the goal."""
        paths: dict[int, tuple[int, ...]] = {state.goal: ()}
        for room, (_, after) in self._towards(state).items():
            paths[room] = (after, *paths[after])
        return paths

    def _room(self, tile: int) -> str:
        row, col = divmod(tile, self.cols)
        return name(row // self.stride, col // self.stride)

    def _walk(self, rng: np.random.Generator, state: State, most: int, astray: int | None) -> Walk[State]:
        """The way to the goal, `most` steps of it; step number `astray` leaves it where it can."""
        towards = self._towards(state)
        stops, steps, learnt = [state.agent], list[str](), list[bool]()
        while stops[-1] != state.goal and len(steps) < most:
            here, own = stops[-1], True
            way = towards[here][0]
            if len(steps) == astray:
                others = [w for w in self.rules.moves(replace(state, agent=here)) if w != way]
                if others:
                    way, own = others[int(rng.integers(len(others)))], False
            steps.append(f"at {self._room(here)} go {way}")
            learnt.append(own)
            stops.append(here + self.stride * grid.offset(way, self.cols))
        return Walk(tuple(replace(state, agent=stop) for stop in stops), tuple(steps), tuple(learnt))

    def _plan(self, state: State) -> str:
        labels = {self._room(room): ARROWS[way] for room, (way, _) in self._towards(state).items()}
        labels[self._room(state.goal)] = "*"
        rooms = (name(row, col) for row in range(self.n) for col in range(self.n))
        told = " ".join(room + labels.get(room, "") for room in rooms)
        return f"{self.n}x{self.n} goal {self._room(state.goal)} : {told} ."


class MazeWorld(RoomWorld):
    """Mazes: rooms on odd rows and columns."""

    rules, stride = MAZE, 2

    @property
    def cols(self) -> int:
        """Tiles a side."""
        return 2 * self.n + 1

    def _sampled(self, rng: np.random.Generator) -> MazeState:
        """As `Maze.sample` draws them: the goal is one of the third of rooms farthest from a start."""
        while True:
            algorithm = carving.ALGORITHMS[int(rng.integers(3))]
            walls = bytes(carving.carve(rng, self.n, self.n, algorithm))
            if not self._unseen(walls):
                continue
            rooms = carving.closed(self.n, self.n).rooms
            start = rooms[int(rng.integers(len(rooms)))]
            reached, _ = grid.flood(walls, self.cols, start)
            far = [p for p in reached if p in set(rooms)][-max(1, len(rooms) // 3) :]
            return MazeState(walls, self.cols, start, far[int(rng.integers(len(far)))])

    def _barriers(self, state: State) -> bytes:
        assert isinstance(state, MazeState)
        return state.walls

    def _towards(self, state: State) -> dict[int, tuple[str, int]]:
        reached, came = grid.flood(self._barriers(state), self.cols, state.goal)
        rooms = set(carving.closed(self.n, self.n).rooms)
        names = grid.names(self.cols)
        inner = (room for room in reached if room in rooms and room != state.goal)
        return {room: (names[came[room] - room], came[came[room]]) for room in inner}


class TrapfieldWorld(RoomWorld):
    """Trap fields: every tile is a room."""

    rules, stride = TRAPFIELD, 1

    @property
    def cols(self) -> int:
        """Tiles a side."""
        return self.n

    def _sampled(self, rng: np.random.Generator) -> TrapfieldState:
        while True:
            state = TRAPFIELD.sample(rng, self._params)
            if self._unseen(state.traps):
                return state

    @functools.cached_property
    def _params(self) -> TrapfieldParams:
        """Of the card's level of this size, where there is one."""
        card = Task("trapfield").card
        levels = (card.params(level) for level in card.levels)
        found = next((params for params in levels if params["size"] == self.n), {"size": self.n})
        return TrapfieldParams(**found)

    def _barriers(self, state: State) -> bytes:
        assert isinstance(state, TrapfieldState)
        return state.traps

    def _towards(self, state: State) -> dict[int, tuple[str, int]]:
        assert isinstance(state, TrapfieldState)
        wide, cols = self.n + 2, self.n
        names = grid.names(wide)

        def inner(tile: int) -> int:
            return (tile // wide - 1) * cols + tile % wide - 1

        goal = wide * (state.goal // cols + 1) + state.goal % cols + 1
        reached, came = grid.flood(trapfield.closed(state), wide, goal)
        return {
            inner(tile): (names[came[tile] - tile], inner(came[tile])) for tile in reached if tile != goal
        }


def _step(said: str) -> tuple[str, str]:
    """Room and way of "at b2 go up"."""
    _, room, _, way = said.split()
    return room, way
