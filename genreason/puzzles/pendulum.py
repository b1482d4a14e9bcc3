"""Pendulums: a bob on a thread is let go, and swings to the same height on the other side, and back.

No air slows it. Each swing takes as long as the last; how long that is is free, as the clip's pace is. After
the swings that are asked for it may go on.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from scipy.special import ellipj, ellipk

from genreason.laws import Course, Times
from genreason.puzzles.base import Params
from genreason.puzzles.physics import SAMPLES, PhysicsParams, PhysicsPuzzle, Places, World, rounded
from genreason.render.rigs import SIDE, Disc, Dot, Part, Still, box

PIVOT = (SIDE / 2, 1.4)
RADIUS = 0.8
SWINGS = 3  # from one side to the other
MORE = 4  # swings that are known beyond those
LATE = 0.96  # share of the swings from which they count as all


class PendulumParams(PhysicsParams):
    """What a level is.

    Attributes:
        angle: least and most angle from which it is let go, in degrees.
        length: least and most length of the thread in units.
    """

    angle: tuple[float, float] = (25.0, 40.0)
    length: tuple[float, float] = (7.0, 11.0)


class PendulumWorld(World):
    """A bob at an angle in degrees, positive to the right, on a thread of this length."""

    angle: float = Field(ge=-75, le=75)
    length: float = Field(gt=2, lt=SIDE)


class Pendulum(PhysicsPuzzle[PendulumWorld]):
    """The family."""

    name: ClassVar[str] = "pendulum"
    params: ClassVar[type[Params]] = PendulumParams
    world: ClassVar[type[World]] = PendulumWorld
    stages: ClassVar[tuple[str, ...]] = ("over", "back", "over again")
    free: ClassVar[Mapping[str, float]] = {"height_from_swing_to_swing": 0.6}
    lawless: ClassVar[str] = "the bob does not swing as a pendulum does"

    def contradiction(self, params: Any) -> str:
        """Ranges must be in order."""
        (low, high), (least, most) = params.angle, params.length
        if not 15 <= low <= high <= 65:
            return f"angle {low} to {high}: give 15 to 65 degrees, the smaller first"
        return "" if 4 <= least <= most <= 12.5 else f"length {least} to {most}: give 4 to 12.5"

    def draw_world(self, rng: np.random.Generator, params: Any) -> PendulumWorld | None:
        """A bob on the left or on the right."""
        angle, length = rng.uniform(*params.angle), rng.uniform(*params.length)
        wide = length * np.sin(np.radians(angle))
        if not 3 <= wide <= SIDE / 2 - RADIUS - 0.4:
            return None
        return PendulumWorld(angle=rounded(angle * rng.choice([-1, 1])), length=rounded(length))

    def course(self, state: PendulumWorld, values: Mapping[str, float]) -> Course:
        """The exact movement, a swing in one unit of time; each goes so many times as far as the last."""
        t, angle = _swings(state.angle)
        growth = values.get("height_from_swing_to_swing", 1.0)
        angle = np.clip(angle * growth ** np.minimum(t, SWINGS), -np.pi / 2, np.pi / 2)
        return Course(t, self._at(state, angle), float(SWINGS))

    def _at(self, state: PendulumWorld, angle: Places) -> Places:
        """Places (T, 1, 2) of the bob at angles."""
        x, y = PIVOT[0] + state.length * np.sin(angle), PIVOT[1] + state.length * np.cos(angle)
        return np.stack([x, y], -1)[:, None]

    def borders(self, state: PendulumWorld) -> tuple[float, ...]:
        """At the end of each swing."""
        return tuple(float(k + 1) for k in range(SWINGS))

    def arrived(self, state: PendulumWorld, places: Places, time: float | None, near: float) -> bool:
        """Whether the last swing is over; it may go on after that."""
        return super().arrived(state, places, None, near) if time is None else time >= LATE * SWINGS

    def still(self, state: PendulumWorld) -> Sequence[Still]:
        """A beam, and the nail in it."""
        x, y = PIVOT
        return [box(x - 3, y - 1.0, x + 3, y), Dot((x, y), 0.25), box(-SIDE, 14.6, 2 * SIDE, 2 * SIDE)]

    def parts(self, state: PendulumWorld) -> tuple[Part, ...]:
        """The bob on its thread."""
        return (Disc(name="bob", role="first", radius=RADIUS, tether=PIVOT),)

    def words(self, state: PendulumWorld) -> dict[str, str]:
        """Where it begins, and where it must get to."""
        here, there = ("left", "right") if state.angle < 0 else ("right", "left")
        return {"here": here, "there": there, "swings": str(SWINGS)}

    def told(self, state: PendulumWorld, stage: str) -> str:
        """What a swing does."""
        words = self.words(state)
        there = words["here"] if stage == "back" else words["there"]
        time = "in the time of the swing before" if stage != "over" else "fastest at its lowest point"
        return (
            f"The bob swings down and up to the {there}, {time}; no energy is lost, so that it rises to the "
            f"height from which it came, {abs(state.angle):.0f} degrees off the vertical."
        )

    def wrong(self, state: PendulumWorld) -> Mapping[str, Course]:
        """Swings that grow or shrink, and a last one that takes twice as long."""
        plain = self.nominal(state)
        growth = min(1.22, (85 / abs(state.angle)) ** (1 / SWINGS))
        late = np.where(plain.times_K > 1, 1 + (plain.times_K - 1) / 2.2, plain.times_K)
        found = {
            "energy_lost": self.course(state, {"height_from_swing_to_swing": 0.75}),
            "unequal_times": Course(plain.times_K, plain.at(late), float(1 + 2.2 * (SWINGS - 1))),
        }
        wide = state.length * np.sin(np.radians(abs(state.angle)) * growth**SWINGS)
        if growth > 1.15 and wide < SIDE / 2 - RADIUS:
            found["energy_gained"] = self.course(state, {"height_from_swing_to_swing": growth})
        return found


@functools.lru_cache(maxsize=32)
def _swings(angle: float) -> tuple[Times, Times]:
    """Times in swings, and the angle (radians) of a pendulum let go at an angle in degrees."""
    k = np.sin(np.radians(angle) / 2)
    quarter = float(ellipk(k * k))
    t = np.linspace(0, SWINGS + MORE, SAMPLES + 1)
    return t, 2 * np.arcsin(k * ellipj(2 * quarter * t + quarter, k * k)[0])


PUZZLE = Pendulum()
