"""Projectiles: a ball is thrown, flies its parabola and stays where it lands.

The arrow on the ball shows its way in the first second without gravity, the arrow beside "g" how far a body
falls in its first second: the picture alone decides where the ball lands. There is no air.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from genreason.laws import Course
from genreason.puzzles.base import Params
from genreason.puzzles.physics import SAMPLES, PhysicsParams, PhysicsPuzzle, World, rounded
from genreason.render.rigs import SIDE, Disc, Part, Still, Stroke, Text, box

FLOOR = 14.0
RADIUS = 0.6
TOP = 1.2  # above which no ball may fly
EDGE = 1.2  # beside which none may


class ProjectileParams(PhysicsParams):
    """What a level is.

    Attributes:
        angle: least and most steepness of the throw in degrees.
        platform: least and most height of the platform from which it is thrown; 0 for none.
    """

    angle: tuple[float, float] = (50.0, 65.0)
    platform: tuple[float, float] = (0.0, 0.0)


class ProjectileWorld(World):
    """A throw: the ball's place, its velocity (units a second), and gravity (units a second squared)."""

    x: float = Field(ge=0, le=SIDE)
    y: float = Field(ge=0, le=FLOOR)
    vx: float
    vy: float = Field(lt=0)
    gravity: float = Field(gt=0)


class Projectile(PhysicsPuzzle[ProjectileWorld]):
    """The family."""

    name: ClassVar[str] = "projectile"
    params: ClassVar[type[Params]] = ProjectileParams
    world: ClassVar[type[World]] = ProjectileWorld
    stages: ClassVar[tuple[str, ...]] = ("rise", "fall")
    free: ClassVar[Mapping[str, float]] = {"gravity": 1.0, "steepness": 1.0}

    def contradiction(self, params: Any) -> str:
        """Ranges must be in order."""
        low, high = params.angle
        if not 45 <= low <= high <= 80:
            return f"angle {low} to {high}: give 45 to 80 degrees, the smaller first"
        low, high = params.platform
        return "" if 0 <= low <= high <= 6 else f"platform {low} to {high}: give 0 to 6, the smaller first"

    def draw_world(self, rng: np.random.Generator, params: Any) -> ProjectileWorld | None:
        """A throw to the left or to the right."""
        steep = np.radians(rng.uniform(*params.angle))
        y = FLOOR - RADIUS - rng.uniform(*params.platform)
        speed, gravity = rng.uniform(3.2, 6.4), rng.uniform(1.6, 3.2)
        vx, vy = speed * np.cos(steep), -speed * np.sin(steep)
        fall = (-vy + np.sqrt(vy**2 + 2 * gravity * (FLOOR - RADIUS - y))) / gravity
        reach, rise = vx * fall, vy**2 / (2 * gravity)
        room = SIDE - 2 * (EDGE + RADIUS)
        if not 6 <= reach <= room or y - rise < TOP + RADIUS or rise < 2.5:
            return None
        x = EDGE + RADIUS + rng.uniform(0, room - reach)
        if rng.integers(2):
            x, vx = SIDE - x, -vx
        return ProjectileWorld(
            x=rounded(x), y=rounded(y), vx=rounded(vx), vy=rounded(vy), gravity=rounded(gravity)
        )

    def course(self, state: ProjectileWorld, values: Mapping[str, float]) -> Course:
        """The parabola down to the floor."""
        gravity = state.gravity * values.get("gravity", 1.0)
        turn = (values.get("steepness", 1.0) - 1) * np.sign(state.vx)
        vx = state.vx * np.cos(turn) + state.vy * np.sin(turn)
        vy = state.vy * np.cos(turn) - state.vx * np.sin(turn)
        end = (-vy + np.sqrt(vy**2 + 2 * gravity * (FLOOR - RADIUS - state.y))) / gravity
        t = np.linspace(0, end, SAMPLES)
        x, y = state.x + vx * t, state.y + vy * t + gravity * t * t / 2
        return Course(t, np.stack([x, y], -1)[:, None], float(end))

    def borders(self, state: ProjectileWorld) -> tuple[float, ...]:
        """At the top, and at the landing."""
        return -state.vy / state.gravity, self.nominal(state).end

    def still(self, state: ProjectileWorld) -> Sequence[Still]:
        """Floor, platform, and the two arrows."""
        away = -np.sign(state.vx)
        gx = SIDE / 2 + away * (SIDE / 2 - 0.9)
        items: list[Still] = [box(-SIDE, FLOOR, 2 * SIDE, 2 * SIDE)]
        if state.y + RADIUS < FLOOR - 0.05:
            items.append(box(state.x - 0.8, state.y + RADIUS, state.x + 0.8, FLOOR + 0.1))
        return [
            *items,
            Stroke(((state.x, state.y), (state.x + state.vx, state.y + state.vy)), head=True),
            Stroke(((gx, 1.6), (gx, 1.6 + state.gravity / 2)), head=True),
            Text((gx, 0.8), "G", 0.8),
        ]

    def parts(self, state: ProjectileWorld) -> tuple[Part, ...]:
        """The ball."""
        return (Disc(name="ball", role="first", radius=RADIUS),)

    def told(self, state: ProjectileWorld, stage: str) -> str:
        """How the speed changes."""
        side = "right" if state.vx > 0 else "left"
        if stage == "rise":
            high = state.vy**2 / (2 * state.gravity)
            return (
                f"The ball flies up to the {side}; gravity slows its rise until it is {high:.1f} units "
                f"higher, while its speed sideways stays the same."
            )
        reach = abs(self.nominal(state).places_KN2[-1, 0, 0] - state.x)
        return (
            f"The ball falls ever faster, still moving {side} at the same speed, and lands {reach:.1f} units "
            f"from where it was thrown."
        )

    def wrong(self, state: ProjectileWorld) -> Mapping[str, Course]:
        """Another gravity, and a flight through the floor."""
        flight = self.nominal(state)
        t = np.linspace(0, flight.end * 1.25, SAMPLES)
        y = np.minimum(state.y + state.vy * t + state.gravity * t * t / 2, SIDE - RADIUS)
        sunk = Course(t, np.stack([state.x + state.vx * t, y], -1)[:, None], float(t[-1]))
        return {"wrong_gravity": self.course(state, {"gravity": 1.7}), "through_ground": sunk}


PUZZLE = Projectile()
