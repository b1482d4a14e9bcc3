"""Altered gravity: the same throw where gravity is so many times as strong as for the trace in the picture.

The dots are where the ball was, at equal times, when it was thrown under the usual gravity. Thrown again with
the same velocity, it flies another parabola.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from genreason.laws import Course
from genreason.puzzles.base import Params
from genreason.puzzles.physics import PhysicsParams, World, rounded
from genreason.puzzles.projectile import EDGE, FLOOR, RADIUS, TOP, Projectile, ProjectileWorld
from genreason.render.rigs import SIDE, Dot, Still, box

DOTS = 14
FACTORS = {0.25: "a quarter of", 0.33: "a third of", 0.5: "half", 2.0: "twice", 3.0: "three times"}


class AlteredGravityParams(PhysicsParams):
    """What a level is.

    Attributes:
        factors: how many times as strong gravity may be.
        angle: least and most steepness of the throw in degrees.
        platform: least and most height of the platform from which it is thrown; 0 for none.
    """

    factors: tuple[float, ...] = (0.5, 2.0)
    angle: tuple[float, float] = (50.0, 65.0)
    platform: tuple[float, float] = (0.0, 0.0)


class AlteredGravityWorld(ProjectileWorld):
    """A throw under a gravity that is `factor` times the trace's."""

    factor: float = Field(gt=0)


class AlteredGravity(Projectile):
    """The family."""

    name: ClassVar[str] = "altered_gravity"
    params: ClassVar[type[Params]] = AlteredGravityParams
    world: ClassVar[type[World]] = AlteredGravityWorld

    def contradiction(self, params: Any) -> str:
        """Factors must have words."""
        if not params.factors or any(factor not in FACTORS for factor in params.factors):
            return f"factors: give one or more of {', '.join(f'{factor:g}' for factor in FACTORS)}"
        return super().contradiction(params)

    def draw_world(self, rng: np.random.Generator, params: Any) -> AlteredGravityWorld | None:
        """A throw of which both flights fit into the picture."""
        factor = float(params.factors[int(rng.integers(len(params.factors)))])
        steep, speed = np.radians(rng.uniform(*params.angle)), rng.uniform(3.0, 7.0)
        gravity = rng.uniform(1.2, 5.0)
        y, side = FLOOR - RADIUS - rng.uniform(*params.platform), int(rng.choice([-1, 1]))
        ends = []
        for g in (gravity, gravity / factor):
            rise = (speed * np.sin(steep)) ** 2 / (2 * g)
            fall = (speed * np.sin(steep) + np.sqrt(2 * g * (rise + FLOOR - RADIUS - y))) / g
            ends.append(speed * np.cos(steep) * fall)
            if y - rise < TOP + RADIUS or rise < 1.0 or ends[-1] < 2.6:
                return None
        room = SIDE - 2 * (EDGE + RADIUS)
        if max(ends) > room:
            return None
        x = EDGE + RADIUS + rng.uniform(0, room - max(ends))
        return AlteredGravityWorld(
            x=rounded(x if side > 0 else SIDE - x), y=rounded(y), vx=rounded(side * speed * np.cos(steep)),
            vy=rounded(-speed * np.sin(steep)), gravity=rounded(gravity), factor=factor,
        )  # fmt: skip

    def still(self, state: ProjectileWorld) -> Sequence[Still]:
        """Floor, platform and trace."""
        items: list[Still] = [box(-SIDE, FLOOR, 2 * SIDE, 2 * SIDE)]
        if state.y + RADIUS < FLOOR - 0.05:
            items.append(box(state.x - 0.8, state.y + RADIUS, state.x + 0.8, FLOOR + 0.1))
        trace = self._usual(state)
        places = trace.at(np.linspace(0, trace.end, DOTS + 1)[1:])[:, 0].tolist()
        return [*items, *(Dot((x, y), 0.2, "ink") for x, y in places)]

    def _usual(self, state: ProjectileWorld) -> Course:
        """The flight under the usual gravity."""
        assert isinstance(state, AlteredGravityWorld)
        return self.course(state, {"gravity": 1 / state.factor})

    def words(self, state: ProjectileWorld) -> dict[str, str]:
        """How strong gravity is."""
        assert isinstance(state, AlteredGravityWorld)
        return {"factor": FACTORS[state.factor]}

    def told(self, state: ProjectileWorld, stage: str) -> str:
        """What is other than in the trace."""
        assert isinstance(state, AlteredGravityWorld)
        how = "lower" if state.factor > 1 else "higher"
        if stage == "rise":
            return (
                f"Gravity is {FACTORS[state.factor]} the usual: with the same velocity as in the trace, the "
                f"ball rises {1 / state.factor:g} times as high, {how} than the dots."
            )
        far = "nearer" if state.factor > 1 else "farther away"
        return f"It comes down again along the same kind of curve and lands {far} than the last dot."

    def wrong(self, state: ProjectileWorld) -> Mapping[str, Course]:
        """Along the trace, and a flight through the floor."""
        return {**super().wrong(state), "wrong_gravity": self._usual(state)}


PUZZLE = AlteredGravity()
