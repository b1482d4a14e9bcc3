"""Puzzles as small models are told them: frames in which a room is a token, and a plan in short words.

Rooms are those of a maze, or the tiles of a trap field.

4x4 goal d2 : a1v b1> c1 ... .       where to go from every room (c1: nowhere, it is a trap); this is the plan
at a1 go down  [frame]  at a2 go right  [frame]  ...  at d2 done

A sample with a correction has a mistake in its plan; where it is about to be made, it is told so,
and goes on as it should:  at b2 not up  go right.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from genreason.cards import Strict
from genreason.generate.corrections import ARROWS, noted
from genreason.generate.worldsize import shrunk
from genreason.puzzles import carving, grid, trapfield
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.maze import MazeState
from genreason.puzzles.tiles import TilePuzzle
from genreason.puzzles.trapfield import PUZZLE as TRAPFIELD
from genreason.puzzles.trapfield import TrapfieldParams, TrapfieldState
from genreason.task import Task
from genreason.types import Json, UserError

MOST_ROOMS = 10
_TRIES = 3000  # long ways are rare, and a try is cheap
# Of corrections: two ways were tried already; the plan is what was wrong; a room behind is wrong in it, too.
_TWICE, _PLANNED, _BEHIND = 0.25, 0.8, 0.3


class WorldSource(Strict):
    """Puzzles to learn from.

    Attributes:
        task: mazes or trap fields.
        rooms: rooms (of a trap field: tiles) a side.
        weight: how often, against other sources.
        styles: names; none given: all.
        pixels: sides at which they are drawn before they are shrunk, and how often each.
        held_out: the walls (traps) of so many test instances of the level with these rooms are left out.
        plan: what is said before the first frame: where to go from every room ("map"), or nothing ("none").
    """

    task: Literal["maze", "trapfield"] = "maze"
    rooms: int = Field(4, ge=2, le=MOST_ROOMS)
    weight: float = Field(1.0, gt=0)
    styles: list[str] = []
    pixels: dict[int, float] = {112: 0.6, 160: 0.3, 256: 0.1}
    held_out: int = Field(2000, ge=0)
    plan: Literal["map", "none"] = "map"

    @model_validator(mode="after")
    def _known(self) -> WorldSource:
        known = (MAZE if self.task == "maze" else TRAPFIELD).styles()
        if unknown := set(self.styles) - set(known):
            raise ValueError(f"unknown style {min(unknown)!r}: there is {', '.join(known)}")
        if self.task == "trapfield" and self.rooms < 3:
            raise ValueError("trap fields have 3 tiles a side or more: raise rooms")
        return self


@dataclass(frozen=True, slots=True)
class Told:
    """A sample: frames (T + 1, H, W, 3) uint8, the plan, and the words before each step's frames.

    Attributes:
        learnt: whether each step's words are learnt (those that lead astray are not).
        end: the last words; None where the sample is cut off.
        grid: rows and columns of tokens.
        notes: words that are given, and not learnt, before a step's own.
        sound: whether the plan is right, and learnt.
    """

    frames: npt.NDArray[np.uint8]
    plan: str
    steps: tuple[str, ...]
    learnt: tuple[bool, ...]
    end: str | None
    grid: tuple[int, int]
    notes: Mapping[int, str] = field(default_factory=dict)
    sound: bool = True


@dataclass(frozen=True, slots=True)
class _Walk:
    """Rooms that are passed, and what is said at each step."""

    stops: tuple[int, ...]
    steps: tuple[str, ...]
    learnt: tuple[bool, ...]


def vocabulary() -> list[str]:
    """All words that worlds are told with."""
    rooms = [name(r, c) for r in range(MOST_ROOMS) for c in range(MOST_ROOMS)]
    sizes = [f"{n}x{n}" for n in range(2, MOST_ROOMS + 1)]
    plain = ["solve", "goal", "at", "go", "done", ":", ".", *ARROWS, *sizes, *rooms]
    return plain + [room + arrow for room in rooms for arrow in (*ARROWS.values(), "*")]


def name(row: int, col: int) -> str:
    """A room: columns are letters, rows count from 1."""
    return f"{chr(ord('a') + col)}{row + 1}"


State = MazeState | TrapfieldState


class World(ABC):
    """Puzzles of one family and size, told.

    A family says how its puzzles are drawn at random, where rooms are and which way leads to the goal.

    Attributes:
        rules: the family.
        stride: tiles from room to room.
    """

    rules: TilePuzzle[Any, str]
    stride: int

    def __init__(self, source: WorldSource, token: int, frames: int = 1) -> None:
        """`token`: pixels a side of a token; `frames`: of a step."""
        self.source, self.token, self.frames, self.n = source, token, frames, source.rooms
        self.grid = self.n, self.n
        self.styles = tuple(source.styles) or self.rules.styles()
        self.sizes = list(source.pixels)
        self.shares = np.array(list(source.pixels.values())) / sum(source.pixels.values())
        self.forbidden = frozenset(self._held_out())

    @property
    @abstractmethod
    def cols(self) -> int:
        """Tiles a side."""

    @abstractmethod
    def _sampled(self, rng: np.random.Generator) -> State:
        """A puzzle as tests have them, that is `_unseen`."""

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
        state = self._sampled(rng)
        return len(self._paths(state)[state.agent])

    def puzzle(self, rng: np.random.Generator) -> Told:
        """A puzzle with its plan and the first step, without further frames."""
        state = self._sampled(rng)
        walk = replace(self._walk(rng, state, 1, None), stops=(state.agent,))
        return self._tell(rng, state, walk, None)

    def clip(self, rng: np.random.Generator, steps: int, astray: bool) -> Told:
        """A solution of so many steps; `astray` puts one into it that leads off the way, and one back."""
        off = astray and steps >= 3
        wanted = steps - 2 if off else steps
        for _ in range(_TRIES):
            state = self._sampled(rng)
            paths = self._paths(state)
            starts = [room for room, path in paths.items() if len(path) == wanted]
            if not starts:
                continue
            state = replace(state, agent=starts[int(rng.integers(len(starts)))])
            for at in rng.permutation(wanted).tolist() if off else [None]:
                walk = self._walk(rng, state, steps, at)
                if len(walk.steps) == steps:
                    return self._tell(rng, state, walk, f"at {self._room(state.goal)} done")
        what = f"{self.rules.name}s of {self.n}x{self.n} rooms"
        raise UserError(f"{what} have no ways of {steps} steps: lower most_steps")

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

    def told(self, rng: np.random.Generator, state: State) -> Told:
        """A given puzzle with the way from its agent to its goal."""
        walk = self._walk(rng, state, self.n**2, None)
        return self._tell(rng, state, walk, f"at {self._room(state.goal)} done")

    def misread(self, rng: np.random.Generator, rooms: int) -> Told:
        """A puzzle seen at the size of another grid; all that is said of it is its own size."""
        told = self.puzzle(rng)
        frames = np.stack([shrunk(told.frames[0], (rooms, rooms), self.token)])
        return replace(
            told, frames=frames, plan=f"{self.n}x{self.n}", steps=(), learnt=(), grid=(rooms, rooms)
        )

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

    def _walk(self, rng: np.random.Generator, state: State, most: int, astray: int | None) -> _Walk:
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
        return _Walk(tuple(stops), tuple(steps), tuple(learnt))

    def _tell(self, rng: np.random.Generator, state: State, walk: _Walk, end: str | None) -> Told:
        text = self._plan(state) if self.source.plan == "map" else ""
        return Told(self._drawn(rng, state, walk.stops), text, walk.steps, walk.learnt, end, self.grid)

    def _plan(self, state: State) -> str:
        labels = {self._room(room): ARROWS[way] for room, (way, _) in self._towards(state).items()}
        labels[self._room(state.goal)] = "*"
        rooms = (name(row, col) for row in range(self.n) for col in range(self.n))
        told = " ".join(room + labels.get(room, "") for room in rooms)
        return f"{self.n}x{self.n} goal {self._room(state.goal)} : {told} ."

    def _drawn(self, rng: np.random.Generator, state: State, stops: Sequence[int]) -> npt.NDArray[np.uint8]:
        side = int(rng.choice(self.sizes, p=self.shares))
        style = self.styles[int(rng.integers(len(self.styles)))]
        layout: Json = self.rules.layout(state, (side, side), style)
        board = self.rules.scene(state, self.rules.style(style), layout["grid"], (side, side), rng)
        places = [self.rules.places(replace(state, agent=stop)) for stop in stops]
        between = [
            a + (b - a) * (i / self.frames) for a, b in pairwise(places) for i in range(1, self.frames + 1)
        ]
        drawn = (board.draw(place) for place in [*places[:1], *between])
        return np.stack([shrunk(frame, self.grid, self.token) for frame in drawn])


class MazeWorld(World):
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


class TrapfieldWorld(World):
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


def world_of(source: WorldSource, token: int, frames: int = 1) -> World:
    """The world of a source; see `World`."""
    family = MazeWorld if source.task == "maze" else TrapfieldWorld
    return family(source, token, frames)


def _step(said: str) -> tuple[str, str]:
    """Room and way of "at b2 go up"."""
    _, room, _, way = said.split()
    return room, way
