"""Collisions: two discs slide towards each other on ice, seen from above, and rebound or stick together.

Numbers on the discs are their masses, arrows their ways in the first second. The measure of what is right is
momentum, and either energy (elastic) or one common speed (sticking). It is over when a disc touches a line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from genreason.laws import Course
from genreason.puzzles.base import Params
from genreason.puzzles.physics import SAMPLES, PhysicsParams, PhysicsPuzzle, World, rounded
from genreason.render.rigs import SIDE, Disc, Part, Still, Stroke

ROW = 8.0
LINES = (0.8, SIDE - 0.8)
LEAST = 2.5  # units that something must move before and after the impact
SLOWEST = 0.2  # speed after a sticking impact, in shares of the relative speed, that can be seen


class CollisionParams(PhysicsParams):
    """What a level is.

    Attributes:
        masses: the masses that there are.
        kinds: of impacts.
        second: how the second disc moves: it rests, comes towards the first, or flees.
    """

    masses: tuple[int, ...] = (1, 2, 3)
    kinds: tuple[Literal["elastic", "sticking"], ...] = ("elastic", "sticking")
    second: tuple[Literal["rests", "comes", "flees"], ...] = ("rests", "comes")


class CollisionWorld(World):
    """The discs from left to right: places, speeds (units a second) and masses; how they collide."""

    xs: tuple[float, float]
    speeds: tuple[float, float]
    masses: tuple[int, int]
    kind: Literal["elastic", "sticking"]


def radius(mass: int) -> float:
    """The size of a disc: its area tells the mass."""
    return 0.62 * float(np.sqrt(mass))


class Collision(PhysicsPuzzle[CollisionWorld]):
    """The family."""

    name: ClassVar[str] = "collision"
    params: ClassVar[type[Params]] = CollisionParams
    world: ClassVar[type[World]] = CollisionWorld
    stages: ClassVar[tuple[str, ...]] = ("approach", "part")
    even: ClassVar[float | None] = None  # without forces every speed is constant
    free: ClassVar[Mapping[str, float]] = {"left": 1.0, "right": 1.0}
    lawless: ClassVar[str] = "the discs do not move as the impact has it"

    def contradiction(self, params: Any) -> str:
        """There must be something to choose from."""
        if not params.masses or not all(1 <= mass <= 5 for mass in params.masses):
            return "masses: give one or more from 1 to 5"
        return "" if params.kinds and params.second else "kinds and second: give one or more of each"

    def draw_world(self, rng: np.random.Generator, params: Any) -> CollisionWorld | None:
        """Two discs, the left one moving to the right or the mirror image of that."""
        a, b = (int(params.masses[int(rng.integers(len(params.masses)))]) for _ in range(2))
        kind = params.kinds[int(rng.integers(len(params.kinds)))]
        second = params.second[int(rng.integers(len(params.second)))]
        v = rng.uniform(1.6, 3.2)
        w = {"rests": 0.0, "comes": -rng.uniform(0.5, 1) * v, "flees": rng.uniform(0.25, 0.5) * v}[second]
        x, y = np.sort(rng.uniform(LINES[0], LINES[1], 2)).tolist()
        xs, speeds, masses = (x, y), (v, float(w)), (a, b)
        if rng.integers(2):
            xs, speeds, masses = (SIDE - y, SIDE - x), (-speeds[1], -v), (b, a)
        state = CollisionWorld(
            xs=(rounded(xs[0]), rounded(xs[1])), speeds=(rounded(speeds[0]), rounded(speeds[1])),
            masses=masses, kind=kind,
        )  # fmt: skip
        return state if self._fits(state) else None

    def _fits(self, state: CollisionWorld) -> bool:
        """Whether enough can be seen before and after, away from the lines."""
        r, (x, y) = [radius(mass) for mass in state.masses], state.xs
        if x - r[0] < LINES[0] + 0.4 or y + r[1] > LINES[1] - 0.4 or y - x < r[0] + r[1] + 1.0:
            return False
        impact, end = self.borders(state)
        at = self.nominal(state).at(np.array([0.0, impact, end]))[..., 0]
        moved = np.abs(np.diff(at, axis=0)).max(axis=1)
        parted = abs(self.after(state)[0]) >= SLOWEST * abs(state.speeds[0] - state.speeds[1])
        inside = at[1, 0] - r[0] > LINES[0] + 1 and at[1, 1] + r[1] < LINES[1] - 1
        slow = end > 3.5 * impact or impact > 3.5 * (end - impact)
        return bool(moved.min() >= LEAST and inside and not slow and (parted or state.kind == "elastic"))

    def after(self, state: CollisionWorld, restitution: float | None = None) -> tuple[float, float]:
        """The speeds after the impact."""
        (v, w), (a, b) = state.speeds, state.masses
        back = (1.0 if state.kind == "elastic" else 0.0) if restitution is None else restitution
        common = (a * v + b * w) / (a + b)
        return common - back * b / (a + b) * (v - w), common + back * a / (a + b) * (v - w)

    def course(self, state: CollisionWorld, values: Mapping[str, float]) -> Course:
        """`left` and `right` are the speeds after, off by so many relative speeds more than 1."""
        speed = state.speeds[0] - state.speeds[1]
        u, w = self.after(state)
        return self._course(
            state, u + (values.get("left", 1.0) - 1) * speed, w + (values.get("right", 1.0) - 1) * speed
        )

    def _course(self, state: CollisionWorld, u: float, w: float) -> Course:
        """The course with these speeds after the impact, until a disc touches a line."""
        x, v = np.array(state.xs), np.array(state.speeds)
        r = np.array([radius(mass) for mass in state.masses])
        impact = float((x[1] - x[0] - r.sum()) / (v[0] - v[1]))
        at = x + v * impact
        after = np.array([u, w])
        room = np.where(after > 0, LINES[1] - r - at, at - r - LINES[0])
        left = min(float((room / np.maximum(np.abs(after), 1e-6)).min()), 5 * impact)
        t = np.sort(np.append(np.linspace(0, impact + left, SAMPLES), impact))
        places = x + v * np.minimum(t, impact)[:, None] + after * np.maximum(t - impact, 0)[:, None]
        return Course(t, np.stack([places, np.full_like(places, ROW)], -1), float(t[-1]))

    def borders(self, state: CollisionWorld) -> tuple[float, ...]:
        """At the impact, and when a disc touches a line."""
        reach = radius(state.masses[0]) + radius(state.masses[1])
        impact = (state.xs[1] - state.xs[0] - reach) / (state.speeds[0] - state.speeds[1])
        return impact, self.nominal(state).end

    def still(self, state: CollisionWorld) -> Sequence[Still]:
        """The two lines, and the arrows above the discs."""
        items: list[Still] = [Stroke(((x, 2.0), (x, 14.0)), "mark", 0.25) for x in LINES]
        for x, speed, mass in zip(state.xs, state.speeds, state.masses, strict=True):
            if speed:
                y = ROW - radius(mass) - 0.7
                items.append(Stroke(((x, y), (x + speed, y)), head=True))
        return items

    def parts(self, state: CollisionWorld) -> tuple[Part, ...]:
        """The discs."""
        names = (("left disc", "first"), ("right disc", "second"))
        return tuple(
            Disc(name=name, role=role, radius=radius(mass), label=str(mass))
            for (name, role), mass in zip(names, state.masses, strict=True)
        )

    def words(self, state: CollisionWorld) -> dict[str, str]:
        """What happens when they touch."""
        elastic = "they rebound without any loss of energy"
        return {"impact": elastic if state.kind == "elastic" else "they stick together and move on as one"}

    def measured(self, name: str, value: float) -> str:
        """A speed after the impact."""
        return f"after the impact the {name} disc is {abs(value - 1):.0%} of their relative speed off its own"

    def told(self, state: CollisionWorld, stage: str) -> str:
        """Momentum before, and the speeds after."""
        (v, w), (a, b) = state.speeds, state.masses
        if stage == "approach":
            return (
                f"Nothing slows the discs: the left one keeps its speed of {v:+.1f}, the right one {w:+.1f}, "
                f"until they touch. Momentum: {a} x {v:+.1f} and {b} x {w:+.1f}, in all {a * v + b * w:+.1f}."
            )
        u, z = self.after(state)
        if state.kind == "sticking":
            return f"Stuck together they have mass {a + b} and the same momentum: both move at {u:+.1f}."
        return (
            f"Momentum and energy are kept, so they part as fast as they met: the left disc moves on at "
            f"{u:+.1f}, the right one at {z:+.1f}."
        )

    def wrong(self, state: CollisionWorld) -> Mapping[str, Course]:
        """The other kind of impact, none at all, and one that gives energy."""
        other = self.after(state, 0.0 if state.kind == "elastic" else 1.0)
        found = {
            "wrong_rebound": self._course(state, *other),
            "passes_through": self._course(state, *state.speeds),
        }
        if state.kind == "elastic":
            found["energy_gained"] = self._course(state, *self.after(state, 1.8))
        return found


PUZZLE = Collision()
