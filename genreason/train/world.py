"""Puzzles as small models are told them: frames in which a room is a token, and a plan in short words.

What a family says of its puzzles is in `roomworlds` and `sokobanworld`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from genreason import seeds
from genreason.cards import Strict
from genreason.generate.corrections import ARROWS
from genreason.generate.worldsize import shrunk
from genreason.puzzles import base
from genreason.puzzles.tiles import TilePuzzle
from genreason.types import Json, UserError

MOST_ROOMS = 10
TRIES = 3000  # long ways are rare, and a try is cheap
LEAST = {"maze": 2, "trapfield": 3, "sokoban": 5}

StateT = TypeVar("StateT")


class WorldSource(Strict):
    """Puzzles to learn from.

    Attributes:
        task: mazes, trap fields or Sokobans.
        rooms: a side: rooms of a maze, tiles of the others (of a Sokoban with its border).
        weight: how often, against other sources.
        styles: names; none given: all.
        pixels: sides at which they are drawn before they are shrunk, and how often each.
        held_out: the walls (traps) of so many test instances of the level with these rooms are left out; of
            Sokobans, which have few walls, all puzzles of other splits than "train".
        puzzles: so many different ones are learnt from, each from any of its rooms; 0: no end of them.
        plan: what is said before the first frame: where to go (push) from every room ("map"), or nothing
            ("none").
    """

    task: Literal["maze", "trapfield", "sokoban"] = "maze"
    rooms: int = Field(4, ge=2, le=MOST_ROOMS)
    weight: float = Field(1.0, gt=0)
    styles: list[str] = []
    pixels: dict[int, float] = {112: 0.6, 160: 0.3, 256: 0.1}
    held_out: int = Field(2000, ge=0)
    puzzles: int = Field(0, ge=0)
    plan: Literal["map", "none"] = "map"

    @model_validator(mode="after")
    def _known(self) -> WorldSource:
        known = base.load(self.task).styles()
        if unknown := set(self.styles) - set(known):
            raise ValueError(f"unknown style {min(unknown)!r}: there is {', '.join(known)}")
        if self.rooms < LEAST[self.task]:
            raise ValueError(f"{self.task}s have {LEAST[self.task]} a side or more: raise rooms")
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
class Walk(Generic[StateT]):
    """States that are passed, and what is said at each step; see `Told.learnt`."""

    stops: tuple[StateT, ...]
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


class World(ABC, Generic[StateT]):
    """Puzzles of one family and size, told.

    A family says how its puzzles are drawn at random, and what of them leads to the goal.

    Attributes:
        rules: the family.
    """

    rules: TilePuzzle[Any, str]

    def __init__(self, source: WorldSource, token: int, frames: int = 1) -> None:
        """`token`: pixels a side of a token; `frames`: of a step."""
        self.source, self.token, self.frames, self.n = source, token, frames, source.rooms
        self.grid = self.n, self.n
        self.styles = tuple(source.styles) or self.rules.styles()
        self.sizes = list(source.pixels)
        self.shares = np.array(list(source.pixels.values())) / sum(source.pixels.values())

    @abstractmethod
    def _sampled(self, rng: np.random.Generator) -> StateT:
        """A puzzle as tests have them, and none of theirs."""

    def _any(self, rng: np.random.Generator) -> StateT:
        """One of those to learn from."""
        few = self.source.puzzles
        if few:
            rng = seeds.stream("world", self.source.task, self.n, int(rng.integers(few)))
        return self._sampled(rng)

    @abstractmethod
    def _walk(self, rng: np.random.Generator, state: StateT, most: int, astray: int | None) -> Walk[StateT]:
        """The way to the goal, `most` steps of it; step number `astray` leaves it where it can."""

    @abstractmethod
    def _plan(self, state: StateT) -> str:
        """What is said before the first step."""

    @abstractmethod
    def _end(self, state: StateT) -> str:
        """What is said after the last."""

    @abstractmethod
    def length(self, rng: np.random.Generator) -> int:
        """Steps of a puzzle as tests have it."""

    @abstractmethod
    def clip(self, rng: np.random.Generator, steps: int, astray: bool) -> Told:
        """A solution of so many steps; `astray` puts one into it that leads off the way, and the way back.

        Raises:
            UserError: there are none of so many steps.
        """

    def corrected(self, rng: np.random.Generator, steps: int) -> Told:
        """A solution whose plan is wrong somewhere, where it is told so and set right.

        Raises:
            UserError: the family has none.
        """
        raise UserError(f"worlds: {self.rules.name}s have no corrections: set corrections to 0")

    def puzzle(self, rng: np.random.Generator) -> Told:
        """A puzzle with its plan and the first step, without further frames."""
        state = self._any(rng)
        walk = replace(self._walk(rng, state, 1, None), stops=(state,))
        return self._tell(rng, state, walk, None)

    def told(self, rng: np.random.Generator, state: StateT) -> Told:
        """A given puzzle with its solution."""
        return self._tell(rng, state, self._walk(rng, state, self.n**2, None), self._end(state))

    def misread(self, rng: np.random.Generator, rooms: int) -> Told:
        """A puzzle seen at the size of another grid; all that is said of it is its own size."""
        told = self.puzzle(rng)
        frames = np.stack([shrunk(told.frames[0], (rooms, rooms), self.token)])
        return replace(
            told, frames=frames, plan=f"{self.n}x{self.n}", steps=(), learnt=(), grid=(rooms, rooms)
        )

    def _tell(self, rng: np.random.Generator, state: StateT, walk: Walk[StateT], end: str | None) -> Told:
        text = self._plan(state) if self.source.plan == "map" else ""
        return Told(self._drawn(rng, state, walk.stops), text, walk.steps, walk.learnt, end, self.grid)

    def _none(self, steps: int) -> UserError:
        what = f"{self.rules.name}s of {self.n}x{self.n}"
        more = "raise puzzles" if self.source.puzzles else "lower most_steps"
        return UserError(f"worlds: {what} have no solutions of {steps} steps: {more}")

    def _drawn(
        self, rng: np.random.Generator, state: StateT, stops: Sequence[StateT]
    ) -> npt.NDArray[np.uint8]:
        side = int(rng.choice(self.sizes, p=self.shares))
        style = self.styles[int(rng.integers(len(self.styles)))]
        layout: Json = self.rules.layout(state, (side, side), style)
        board = self.rules.scene(state, self.rules.style(style), layout["grid"], (side, side), rng)
        places = [self.rules.places(stop) for stop in stops]
        between = [
            a + (b - a) * (i / self.frames) for a, b in pairwise(places) for i in range(1, self.frames + 1)
        ]
        drawn = (board.draw(place) for place in [*places[:1], *between])
        return np.stack([shrunk(frame, self.grid, self.token) for frame in drawn])
