"""Puzzles as small models are told them: frames in which a room is a token, and a plan in short words.

4x4 goal d2 : a1v b1> c1v ... .      where to go from every room; this is the plan
at a1 go down  [frame]  at a2 go right  [frame]  ...  at d2 done

A sample with a correction has a mistake in its plan; where it is about to be made, it is told so,
and goes on as it should:  at b2 not up  go right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from genreason.cards import Strict
from genreason.generate.corrections import ARROWS, noted
from genreason.generate.worldsize import shrunk
from genreason.puzzles import carving, grid
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.maze import MazeState
from genreason.task import Task
from genreason.types import Json, UserError

MOST_ROOMS = 10
_TRIES = 3000  # long ways are rare, and a try is cheap
# Of corrections: two ways were tried already; the plan is what was wrong; a room behind is wrong in it, too.
_TWICE, _PLANNED, _BEHIND = 0.25, 0.8, 0.3


class MazeSource(Strict):
    """Mazes to learn from.

    Attributes:
        rooms: rooms a side.
        weight: how often, against other sources.
        styles: names; none given: all.
        pixels: sides at which they are drawn before they are shrunk, and how often each.
        held_out: the walls of so many test instances of the level with these rooms are left out.
        plan: what is said before the first frame: where to go from every room ("map"), or nothing ("none").
    """

    rooms: int = Field(4, ge=2, le=MOST_ROOMS)
    weight: float = Field(1.0, gt=0)
    styles: list[str] = []
    pixels: dict[int, float] = {112: 0.6, 160: 0.3, 256: 0.1}
    held_out: int = Field(2000, ge=0)
    plan: Literal["map", "none"] = "map"

    @model_validator(mode="after")
    def _known(self) -> MazeSource:
        if unknown := set(self.styles) - set(MAZE.styles()):
            raise ValueError(f"unknown style {min(unknown)!r}: there is {', '.join(MAZE.styles())}")
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


class MazeWorld:
    """Mazes of one size, told."""

    def __init__(self, source: MazeSource, token: int, frames: int = 1) -> None:
        """`token`: pixels a side of a token; `frames`: of a step."""
        self.source, self.token, self.frames, self.n = source, token, frames, source.rooms
        self.grid = self.n, self.n
        self.cols = 2 * self.n + 1
        self.styles = tuple(source.styles) or MAZE.styles()
        self.sizes = list(source.pixels)
        self.shares = np.array(list(source.pixels.values())) / sum(source.pixels.values())
        self.forbidden = _held_out(source.rooms, source.held_out)

    def length(self, rng: np.random.Generator) -> int:
        """Steps of a puzzle as tests have it."""
        state = self._maze(rng)
        return len(self._ways(state.walls, state.goal)[1][state.agent])

    def puzzle(self, rng: np.random.Generator) -> Told:
        """A puzzle with its plan and the first step, without further frames."""
        state = self._maze(rng)
        walk = replace(self._walk(rng, state, 1, None), stops=(state.agent,))
        return self._tell(rng, state, walk, None)

    def clip(self, rng: np.random.Generator, steps: int, astray: bool) -> Told:
        """A solution of so many steps; `astray` puts one into it that leads off the way, and one back."""
        off = astray and steps >= 3
        wanted = steps - 2 if off else steps
        for _ in range(_TRIES):
            state = self._maze(rng)
            paths = self._ways(state.walls, state.goal)[1]
            starts = [room for room, path in paths.items() if len(path) == wanted]
            if not starts:
                continue
            state = replace(state, agent=starts[int(rng.integers(len(starts)))])
            for at in rng.permutation(wanted).tolist() if off else [None]:
                walk = self._walk(rng, state, steps, at)
                if len(walk.steps) == steps:
                    return self._tell(rng, state, walk, f"at {self._room(state.goal)} done")
        raise UserError(f"mazes of {self.n}x{self.n} rooms have no ways of {steps} steps: lower most_steps")

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

    def told(self, rng: np.random.Generator, state: MazeState) -> Told:
        """A given maze with the way from its agent to its goal."""
        walk = self._walk(rng, state, self.n**2, None)
        return self._tell(rng, state, walk, f"at {self._room(state.goal)} done")

    def misread(self, rng: np.random.Generator, rooms: int) -> Told:
        """A puzzle seen at the size of another grid; all that is said of it is its own size."""
        told = self.puzzle(rng)
        frames = np.stack([shrunk(told.frames[0], (rooms, rooms), self.token)])
        return replace(
            told, frames=frames, plan=f"{self.n}x{self.n}", steps=(), learnt=(), grid=(rooms, rooms)
        )

    def _maze(self, rng: np.random.Generator) -> MazeState:
        """As `Maze.sample` draws them: the goal is one of the third of rooms farthest from a start."""
        while True:
            algorithm = carving.ALGORITHMS[int(rng.integers(3))]
            walls = bytes(carving.carve(rng, self.n, self.n, algorithm))
            if self.forbidden and _form(walls, self.cols) in self.forbidden:
                continue
            rooms = carving.closed(self.n, self.n).rooms
            start = rooms[int(rng.integers(len(rooms)))]
            reached, _ = grid.flood(walls, self.cols, start)
            far = [p for p in reached if p in set(rooms)][-max(1, len(rooms) // 3) :]
            return MazeState(walls, self.cols, start, far[int(rng.integers(len(far)))])

    def _ways(self, walls: bytes, goal: int) -> tuple[dict[int, str], dict[int, tuple[int, ...]]]:
        """Of every room: the way to go, and the rooms from it to the goal."""
        reached, came = grid.flood(walls, self.cols, goal)
        rooms = set(carving.closed(self.n, self.n).rooms)
        ways: dict[int, str] = {}
        paths: dict[int, tuple[int, ...]] = {goal: ()}
        names = grid.names(self.cols)
        for room in reached:
            if room in rooms and room != goal:
                door = came[room]
                after = came[door]
                ways[room] = names[door - room]
                paths[room] = (after, *paths[after])
        return ways, paths

    def _room(self, tile: int) -> str:
        return name(tile // self.cols // 2, tile % self.cols // 2)

    def _walk(self, rng: np.random.Generator, state: MazeState, most: int, astray: int | None) -> _Walk:
        """The way to the goal, `most` steps of it; step number `astray` leaves it where it can."""
        ways, _ = self._ways(state.walls, state.goal)
        stops, steps, learnt = [state.agent], list[str](), list[bool]()
        while stops[-1] != state.goal and len(steps) < most:
            here, way, own = stops[-1], ways[stops[-1]], True
            if len(steps) == astray:
                others = [w for w in ARROWS if w != way and not state.walls[here + grid.offset(w, self.cols)]]
                if others:
                    way, own = others[int(rng.integers(len(others)))], False
            steps.append(f"at {self._room(here)} go {way}")
            learnt.append(own)
            stops.append(here + 2 * grid.offset(way, self.cols))
        return _Walk(tuple(stops), tuple(steps), tuple(learnt))

    def _tell(self, rng: np.random.Generator, state: MazeState, walk: _Walk, end: str | None) -> Told:
        ways, _ = self._ways(state.walls, state.goal)
        plan = [
            self._room(room) + (ARROWS[ways[room]] if room in ways else "*")
            for room in sorted(carving.closed(self.n, self.n).rooms)
        ]
        mapped = f"{self.n}x{self.n} goal {self._room(state.goal)} : {' '.join(plan)} ."
        text = mapped if self.source.plan == "map" else ""
        return Told(self._drawn(rng, state, walk.stops), text, walk.steps, walk.learnt, end, self.grid)

    def _drawn(
        self, rng: np.random.Generator, state: MazeState, stops: Sequence[int]
    ) -> npt.NDArray[np.uint8]:
        side = int(rng.choice(self.sizes, p=self.shares))
        style = self.styles[int(rng.integers(len(self.styles)))]
        layout: Json = MAZE.layout(state, (side, side), style)
        board = MAZE.scene(state, MAZE.style(style), layout["grid"], (side, side), rng)
        places = [MAZE.places(replace(state, agent=stop)) for stop in stops]
        between = [
            a + (b - a) * (i / self.frames) for a, b in pairwise(places) for i in range(1, self.frames + 1)
        ]
        drawn = (board.draw(place) for place in [*places[:1], *between])
        return np.stack([shrunk(frame, self.grid, self.token) for frame in drawn])


def _step(said: str) -> tuple[str, str]:
    """Room and way of "at b2 go up"."""
    _, room, _, way = said.split()
    return room, way


def _form(walls: bytes, cols: int) -> bytes:
    return grid.canonical(np.frombuffer(walls, np.uint8).reshape(-1, cols))


def _held_out(rooms: int, count: int) -> frozenset[bytes]:
    """Walls, up to symmetry, of the first test instances of the card's level with so many rooms."""
    if not count:
        return frozenset()
    card = Task("maze").card
    levels = [level for level in card.levels if card.params(level).get("rooms") == rooms]
    return frozenset(form for level in levels for form in _forms(level, count))


def _forms(level: str, count: int) -> Iterator[bytes]:
    for instance in Task("maze", level, "test")[:count]:
        state = MAZE.start(instance)
        yield _form(state.walls, state.cols)
