"""Inclines: a ball rolls down a slope, ever faster, and on along the floor until the wall stops it.

There is no friction that slows it: the slope speeds it up evenly, the floor leaves it its speed. How long it
takes is free, as the clip's pace is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from genreason.laws import Course
from genreason.puzzles.base import Params
from genreason.puzzles.physics import SAMPLES, PhysicsParams, PhysicsPuzzle, World, rounded
from genreason.render.rigs import SIDE, Area, Disc, Part, Point, Still, box, mirrored

FLOOR = 14.0
RADIUS = 0.6
WALL = 0.6  # its width


class InclineParams(PhysicsParams):
    """What a level is.

    Attributes:
        angle: least and most steepness of the slope in degrees.
        floor: least and most way on the floor in units.
    """

    angle: tuple[float, float] = (30.0, 45.0)
    floor: tuple[float, float] = (3.0, 5.0)


class InclineWorld(World):
    """A slope that begins on the left (or its mirror image).

    `foot` is where slope and floor meet, `wall` where the wall stands, both seen from the left; `length` is
    the ball's way on the slope.
    """

    angle: float = Field(ge=15, le=65)
    length: float = Field(gt=0)
    foot: float = Field(ge=0, le=SIDE)
    wall: float = Field(ge=0, le=SIDE)
    mirror: bool


class Incline(PhysicsPuzzle[InclineWorld]):
    """The family."""

    name: ClassVar[str] = "incline"
    params: ClassVar[type[Params]] = InclineParams
    world: ClassVar[type[World]] = InclineWorld
    stages: ClassVar[tuple[str, ...]] = ("slope", "floor")
    free: ClassVar[Mapping[str, float]] = {"speed_on_the_floor": 2.0}
    lawless: ClassVar[str] = "the ball does not roll as the slope and the floor have it"

    def contradiction(self, params: Any) -> str:
        """Ranges must be in order."""
        (low, high), (least, most) = params.angle, params.floor
        if not 20 <= low <= high <= 60:
            return f"angle {low} to {high}: give 20 to 60 degrees, the smaller first"
        return "" if 2 <= least <= most <= 10 else f"floor {least} to {most}: give 2 to 10, the smaller first"

    def draw_world(self, rng: np.random.Generator, params: Any) -> InclineWorld | None:
        """A slope with a floor after it."""
        angle, floor = rng.uniform(*params.angle), rng.uniform(*params.floor)
        steep, length = np.radians(angle), rng.uniform(5.0, 11.0)
        foot = rng.uniform(1, SIDE - 1)
        begin = foot - length * np.cos(steep) - 1.6
        top = FLOOR - length * np.sin(steep) - 2.2
        wall = foot + RADIUS * np.tan(steep / 2) + floor + RADIUS
        if begin < 0.3 or top < 0.3 or wall + WALL > SIDE - 0.3:
            return None
        return InclineWorld(
            angle=rounded(angle), length=rounded(length), foot=rounded(foot), wall=rounded(wall),
            mirror=bool(rng.integers(2)),
        )  # fmt: skip

    def course(self, state: InclineWorld, values: Mapping[str, float]) -> Course:
        """The slope takes one unit of time."""
        down, corner = self._slope(state)
        way = state.wall - RADIUS - corner[0]
        speed = 2 * state.length * values.get("speed_on_the_floor", 1.0)
        t = np.linspace(0, 1 + way / speed, SAMPLES)
        t = np.sort(np.append(t, 1.0))
        left = (np.minimum(t, 1) ** 2 - 1) * state.length
        points = np.array(corner) + left[:, None] * np.array(down)
        points[:, 0] += np.maximum(t - 1, 0) * speed
        return Course(t, mirrored(points, state.mirror)[:, None], float(t[-1]))

    def _slope(self, state: InclineWorld) -> tuple[Point, Point]:
        """The direction of the slope, and where the ball's middle is where slope and floor meet."""
        steep = np.radians(state.angle)
        corner = state.foot + RADIUS * float(np.tan(steep / 2)), FLOOR - RADIUS
        return (float(np.cos(steep)), float(np.sin(steep))), corner

    def borders(self, state: InclineWorld) -> tuple[float, ...]:
        """At the foot, and at the wall."""
        return 1.0, self.nominal(state).end

    def still(self, state: InclineWorld) -> Sequence[Still]:
        """Floor, slope and wall."""
        (dx, dy), _ = self._slope(state)
        far = state.length + 1.4
        top, foot = (state.foot - far * dx, FLOOR - far * dy), (state.foot, FLOOR)
        corners = np.array([top, foot, (foot[0], FLOOR + 0.2), (top[0], FLOOR + 0.2)])
        slope = Area(tuple((float(x), float(y)) for x, y in mirrored(corners, state.mirror)))
        wall = mirrored(np.array([(state.wall, 0.0), (state.wall + WALL, 0.0)]), state.mirror)[:, 0]
        return [
            box(-SIDE, FLOOR, 2 * SIDE, 2 * SIDE), slope,
            box(float(wall.min()), FLOOR - 2.4, float(wall.max()), FLOOR, "mark"),
        ]  # fmt: skip

    def parts(self, state: InclineWorld) -> tuple[Part, ...]:
        """The ball."""
        return (Disc(name="ball", role="first", radius=RADIUS),)

    def told(self, state: InclineWorld, stage: str) -> str:
        """What the slope and the floor do to the speed."""
        side = "left" if state.mirror else "right"
        if stage == "slope":
            return (
                f"The slope is {state.angle:.0f} degrees steep: from rest the ball rolls down to the {side}, "
                f"gaining speed evenly, so that it takes as long for the first quarter as for the rest."
            )
        return (
            f"On the level floor nothing speeds the ball up or slows it: it rolls on to the {side} at the "
            f"speed that it has, until the wall stops it."
        )

    def wrong(self, state: InclineWorld) -> Mapping[str, Course]:
        """Faster or slower on the floor, and on through it."""
        down, corner = self._slope(state)
        depth = (SIDE - RADIUS - corner[1]) / down[1]
        t = np.linspace(0, np.sqrt(1 + depth / state.length), SAMPLES)
        points = np.array(corner) + ((t**2 - 1) * state.length)[:, None] * np.array(down)
        return {
            "energy_gained": self.course(state, {"speed_on_the_floor": 2.4}),
            "energy_lost": self.course(state, {"speed_on_the_floor": 0.4}),
            "through_ground": Course(t, mirrored(points, state.mirror)[:, None], float(t[-1])),
        }


PUZZLE = Incline()
