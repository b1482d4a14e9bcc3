"""Scenes of physics: the picture shows all that decides what happens next; the clip shows it happen.

A family says what may be in a scene (`draw_world`), what it looks like (`still`, `parts`), and the law
(`course`); motion, reading, verdicts and controls come from here. A state is a scene and how many stages of
what must happen are over; the only move is the next stage. The law is one of nature, simplified as the prompt
says; verdicts are by proxy: the places of the parts are fitted to it, within the tolerance on the card. How
fast the clip shows it is free.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from genreason import seeds
from genreason.laws import Course, Law
from genreason.perceive.rigs import AWAY, RigFollower
from genreason.puzzles.base import Accept, Params, Puzzle, Reading
from genreason.render.board import Board
from genreason.render.motion import Motion, Script
from genreason.render.rigs import SIDE, Part, Rig, Still, draw_still, lattice_of
from genreason.render.rigstyles import SCENE_STYLES, SceneStyle
from genreason.strict import parse
from genreason.types import Frame, GenreasonError, IllegalMove, Instance, Json, Solution, UserError, unknown

LEAST_SIDE = 160  # pixels of a picture's side below which small parts cannot be read
GRAIN = 3  # decimals of what is drawn by lot
TRIES = 400
ALIKE = 0.05  # units by which two states' places may differ and be the same
SAMPLES = 240  # times at which a course is known
MOST_RIGS = 4
_RIGS: dict[tuple[object, ...], Rig] = {}
Places = npt.NDArray[np.float64]


class PhysicsParams(Params):
    """Base of the parameters of a level.

    Attributes:
        tolerance: share by which each measured parameter of the law may differ from what it must be.
    """

    tolerance: float = Field(0.15, gt=0.02, le=0.3)


class World(BaseModel):
    """Base of states: what is in the scene, in units (y downwards), and the stages that are over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int = Field(0, ge=0)
    tolerance: float = Field(0.15, gt=0, le=0.5)


W = TypeVar("W", bound=World)


class Film(Script):
    """A script of a scene whose parts are drawn anew in every frame."""

    def _still(self) -> int:
        return 0


class PhysicsPuzzle(Puzzle[W, str]):
    """A family gives the methods of the first block; `stages` names what happens, in order.

    Attributes:
        world: the class of its states.
        even: how even (0 as the law says, 1 at constant speed) a movement may be; None where the law's own
            speed is constant or free.
        free: parameters of the law that are measured, and for each how much of the card's tolerance it has.
        timed: whether the law says how the movement goes on in time, or only which way.
        lawless: what is wrong where a movement fits no form of the law, in words.
    """

    world: ClassVar[type[World]]
    stages: ClassVar[tuple[str, ...]]
    even: ClassVar[float | None] = 0.4
    free: ClassVar[Mapping[str, float]] = {}
    timed: ClassVar[bool] = True
    lawless: ClassVar[str] = "the movement leaves the law"

    # -- what a family says ----------------------------------------------------------------------------------
    @abstractmethod
    def draw_world(self, rng: np.random.Generator, params: Any) -> W | None:
        """A scene by lot, or None where it does not fit into the picture."""

    @abstractmethod
    def course(self, state: W, values: Mapping[str, float]) -> Course:
        """Where the parts are by the law, its parameters times `values` (1 where none is given)."""

    @abstractmethod
    def borders(self, state: W) -> tuple[float, ...]:
        """The times of the course at which the stages are over."""

    @abstractmethod
    def still(self, state: W) -> Sequence[Still]:
        """What stands still in the picture."""

    @abstractmethod
    def parts(self, state: W) -> tuple[Part, ...]:
        """What moves."""

    @abstractmethod
    def told(self, state: W, stage: str) -> str:
        """A stage in words: why, and what happens."""

    def contradiction(self, params: Any) -> str:
        """What is impossible in a level's parameters, in words; "" for nothing."""
        return ""

    def wrong(self, state: W) -> Mapping[str, Course]:
        """Courses that break the law, by the name of the control that shows them."""
        return {}

    # -- rules -----------------------------------------------------------------------------------------------
    def sample(self, rng: np.random.Generator, params: Any, accept: Accept | None = None) -> W:
        """A random scene.

        Raises:
            UserError: the level's parameters contradict each other.
            GenreasonError: none of 400 scenes fitted into the picture.
        """
        found = self.contradiction(params)
        if found:
            raise UserError(f"{self.name}: {found}")
        misfits = 0
        while misfits < TRIES:
            misfits += 1
            state = self.draw_world(rng, params)
            if state is None:
                continue
            misfits = 0
            state = state.model_copy(update={"tolerance": params.tolerance})
            if accept is None or accept(state):
                return state
        given = ", ".join(f"{name} {value}" for name, value in params.model_dump().items())
        raise GenreasonError(f"no scene of {self.name} with {given} fits into the picture: widen a range")

    def solve(self, state: W) -> Solution[str] | None:
        """The stages that are left."""
        return Solution(self.stages[state.step :])

    def moves(self, state: W) -> Iterable[str]:
        """The next stage."""
        return self.stages[state.step : state.step + 1]

    def step(self, state: W, move: str) -> W:
        """The stage is over.

        Raises:
            IllegalMove: another stage comes first, or there is none of that name.
        """
        if move not in self.moves(state):
            raise IllegalMove(f"{move!r} is not what happens next")
        return state.model_copy(update={"step": state.step + 1})

    def done(self, state: W) -> bool:
        """Whether all stages are over."""
        return state.step >= len(self.stages)

    def measured(self, name: str, value: float) -> str:
        """What is wrong with a parameter of the law that was measured, in words."""
        return f"{name.replace('_', ' ')} is {value:.2f} times what it must be"

    def law(self, state: W) -> Law:
        """What must hold of a clip."""
        free = {name: state.tolerance * share for name, share in self.free.items()}
        return Law(lambda values: self.course(state, values), free, self.even)

    def arrived(self, state: W, places: Places, time: float | None, near: float) -> bool:
        """Whether the movement has come to its end.

        Args:
            state: the scene.
            places: where the parts are in the last frame (N, 2).
            time: the law's time then, or None where it is not known.
            near: units off the end, with the tolerance's share of the way, that do not count.
        """
        course = self.nominal(state)
        begin, end = course.at(np.array([0.0, course.end]))
        room = near + state.tolerance * np.linalg.norm(end - begin, axis=-1)
        return bool((np.linalg.norm(places - end, axis=-1) <= room).all())

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: W) -> tuple[Json, Json]:
        """The fields of the scene, and the tolerance."""
        record = state.model_dump(mode="json")
        return record, {"tolerance": record.pop("tolerance")}

    def decode(self, state: Json, goal: Json) -> W:
        """The inverse of `encode`.

        Raises:
            UserError: a field is missing or wrong.
        """
        found: W = parse(self.world, {**state, **goal}, f"{self.name} state")  # type: ignore[assignment]
        if found.step > len(self.stages):
            raise UserError(f"{self.name} state: step: there are {len(self.stages)} stages")
        return found

    def canonical(self, state: W) -> bytes:
        """The fields; scenes that are alike but for a mirror image count as two."""
        return json.dumps(self.encode(state)[0], sort_keys=True).encode()

    def plan(self, state: W, move: str) -> str:
        """What happens next, and why."""
        return self.told(state, move)

    # -- pictures --------------------------------------------------------------------------------------------
    def styles(self) -> tuple[str, ...]:
        """Names of the styles."""
        return tuple(SCENE_STYLES)

    def style(self, name: str) -> SceneStyle:
        """The style of that name.

        Raises:
            UserError: there is none.
        """
        if name not in SCENE_STYLES:
            raise unknown(f"style of {self.name}", name, SCENE_STYLES)
        return SCENE_STYLES[name]

    def style_words(self, style: str) -> dict[str, str]:
        """What a person calls the colours in a picture of this style."""
        return self.style(style).words()

    def layout(self, state: W, size: tuple[int, int], style: str) -> Json:
        """`Instance.scene`: the units in pixels for a picture of `size` (width, height).

        Raises:
            UserError: the picture is too small.
        """
        if min(size) < LEAST_SIDE:
            small = f"{self.name}: parts cannot be read at {size[0]} x {size[1]} pixels"
            raise UserError(f"{small}: use --size {LEAST_SIDE} or more")
        return {"grid": lattice_of(size).to_json()}

    def board(self, instance: Instance) -> Board:
        """The scene as layers."""
        return self.rig(instance)

    def rig(self, instance: Instance) -> Rig:
        """The scene as layers; the last few are kept."""
        key = (instance.key, instance.style, instance.size)
        if key not in _RIGS:
            while len(_RIGS) >= MOST_RIGS:
                del _RIGS[next(iter(_RIGS))]
            state, style = self.start(instance), self.style(instance.style)
            lattice = lattice_of(instance.size)
            rng = seeds.stream(instance.key, "surface")
            plate = draw_still(self.still(state), lattice, style, instance.size, rng)
            _RIGS[key] = Rig(plate, (), lattice, style.words(), parts=self.parts(state), style=style)
        return _RIGS[key]

    def nominal(self, state: W) -> Course:
        """The course as it must be."""
        return self.course(state, {})

    def places(self, state: W) -> npt.NDArray[np.float32]:
        """Where the parts are (N, 2) in this state."""
        time = (0.0, *self.borders(state))[state.step]
        return np.asarray(self.nominal(state).at(np.array([time]))[0], np.float32)

    def shown(self, instance: Instance, state: W) -> Frame:
        """The picture of a state of the instance, HWC RGB uint8."""
        return self.rig(instance).draw(self.places(state))

    def script(self, instance: Instance, moves: Sequence[str], motion: Motion) -> Script:
        """The clip of these stages; `motion.frames_per_step` is for each, the law says which are longer."""
        state = self.start(instance)
        borders = (0.0, *self.borders(state))
        begin, end = borders[state.step], borders[min(state.step + len(moves), len(borders) - 1)]
        return film(self.nominal(state), motion, (begin, end), len(moves))

    # -- reading ---------------------------------------------------------------------------------------------
    def read(self, frame: Frame, instance: Instance) -> Reading[W]:
        """The state that a frame (HWC RGB uint8, any size) shows: that to which the parts are nearest."""
        state = self.start(instance)
        follower = RigFollower(self.rig(instance), self.places(state), self.picture(instance), frame)
        for _ in range(AWAY + 1):  # what is gone at once is waited for
            follower.step(frame)
        seen = follower.track(instance.fps)
        stages = [state.model_copy(update={"step": k}) for k in range(len(self.stages) + 1)]
        off = [float(np.abs(self.places(other) - seen.places_TN2[-1]).max()) for other in stages]
        near = [k for k, gap in enumerate(off) if gap <= min(off) + ALIKE]
        own = state.step if state.step in near else near[-1]  # a pendulum comes back to where it was
        return Reading(stages[own], float(seen.presence_TN[-1].min()))

    def trap(self, instance: Instance) -> str:
        """A question about the first frame whose true answer is no."""
        state = self.start(instance)
        k = int(seeds.stream(instance.key, "trap").integers(len(self.parts(state))))
        part, (x, _) = self.parts(state)[k], self.places(state)[k]
        side = "right" if x < SIDE / 2 else "left"
        return f"In the first frame, is the middle of the {part.name} in the {side} half of the picture?"


def film(course: Course, motion: Motion, span: tuple[float, float] | None = None, stages: int = 1) -> Film:
    """A course as a script, evenly in its time.

    Args:
        course: where the parts are.
        motion: `frames_per_step` for each stage; what it says of ease does not hold here.
        span: the times from and to which it is shown; all of it by default.
        stages: how many stages there are in it.
    """
    begin, end = (0.0, course.end) if span is None else span
    moving, start, rest = stages * motion.frames_per_step, max(motion.hold_start, 1), motion.hold_end
    if isinstance(motion.length, int):
        start = max(min(start, motion.length - 2), 1)
        rest = min(rest, max(motion.length - start - 2, 0))
        moving = max(motion.length - start - rest, 1)
    elif motion.length == "4k+1":
        rest += (1 - start - moving - rest) % 4
    if begin == end:
        moving = 0
    way, after = np.arange(1, moving + 1) / max(moving, 1), np.ones(rest)
    if end == course.end < course.times_K[-1]:  # what goes on is not stopped
        after += np.arange(1, rest + 1) / moving
    times = np.concatenate([np.zeros(start), way, after]) * (end - begin) + begin
    return Film(course.at(times).astype(np.float32))


def rounded(value: float) -> float:
    """A number as scenes keep it."""
    return round(float(value), GRAIN)
