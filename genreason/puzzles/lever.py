"""Levers: when the posts below a loaded bar sink, it tilts to the side of the greater torque, or stays.

Numbers on the weights are their masses, marks on the bar are a unit apart. What tilts does so until an end
touches the ground; how fast is free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from genreason.laws import Course
from genreason.puzzles.base import Params
from genreason.puzzles.physics import SAMPLES, PhysicsParams, PhysicsPuzzle, World
from genreason.render.rigs import SIDE, Area, Bar, Column, Load, Part, Still, box

FLOOR = 13.6
HINGE = (SIDE / 2, 10.6)
HALF = 6.4
ARM = 5  # places for weights on each side of the hinge
THICK = 0.5
POST = 0.7


class LeverParams(PhysicsParams):
    """What a level is.

    Attributes:
        weights: least and most weights on the bar.
        masses: the greatest mass.
        balanced: share of levers that stay level.
        closest: the least difference of the torques where it tilts, in shares of the greater one.
        most: the greatest.
    """

    weights: tuple[int, int] = (2, 2)
    masses: int = 4
    balanced: float = 0.25
    closest: float = 0.15
    most: float = 1.0


class LeverWorld(World):
    """The weights from left to right: places (-5 to 5, not 0) and masses."""

    places: tuple[int, ...]
    masses: tuple[int, ...]


class Lever(PhysicsPuzzle[LeverWorld]):
    """The family."""

    name: ClassVar[str] = "lever"
    params: ClassVar[type[Params]] = LeverParams
    world: ClassVar[type[World]] = LeverWorld
    stages: ClassVar[tuple[str, ...]] = ("sink", "settle")
    even: ClassVar[float | None] = None
    timed: ClassVar[bool] = False
    lawless: ClassVar[str] = "the bar does not turn as the torques have it"

    def contradiction(self, params: Any) -> str:
        """Ranges must be in order."""
        low, high = params.weights
        if not 2 <= low <= high <= 4:
            return f"weights {low} to {high}: give 2 to 4, the smaller first"
        if not 1 <= params.masses <= 9 or not 0 <= params.balanced <= 1:
            return "masses: give 1 to 9; balanced: give 0 to 1"
        return "" if 0 < params.closest < params.most <= 1 else "closest and most: give 0 to 1, in that order"

    def draw_world(self, rng: np.random.Generator, params: Any) -> LeverWorld | None:
        """Weights on both sides."""
        count = int(rng.integers(params.weights[0], params.weights[1] + 1))
        spots = [p for p in range(-ARM, ARM + 1) if p]
        places = sorted(int(spots[i]) for i in rng.choice(len(spots), count, replace=False))
        if places[0] > 0 or places[-1] < 0 or min(np.diff(places)) < 2:
            return None
        masses = tuple(int(m) for m in rng.integers(1, params.masses + 1, count))
        state = LeverWorld(places=tuple(places), masses=masses)
        left, right = self.torques(state)
        apart = abs(right - left) / max(left, right)
        level = bool(rng.random() < params.balanced)
        return state if (apart == 0 if level else params.closest <= apart <= params.most) else None

    def torques(self, state: LeverWorld) -> tuple[int, int]:
        """On the left and on the right of the hinge."""
        arms = list(zip(state.places, state.masses, strict=True))
        return sum(-p * m for p, m in arms if p < 0), sum(p * m for p, m in arms if p > 0)

    def tilt(self, state: LeverWorld) -> float:
        """The angle that it comes to, in radians, positive where the right end sinks."""
        left, right = self.torques(state)
        return float(np.sign(right - left) * np.arcsin((FLOOR - HINGE[1] - THICK / 2) / HALF))

    def course(self, state: LeverWorld, values: Mapping[str, float]) -> Course:
        """First the posts sink, then the bar turns."""
        return self._course(self.tilt(state))

    def _course(self, end: float) -> Course:
        """The course to this angle."""
        t = np.linspace(0, 2, SAMPLES + 1)
        sunk, turned = np.minimum(t, 1), np.maximum(t - 1, 0) ** 2
        tip = np.stack([HINGE[0] + HALF * np.cos(end * turned), HINGE[1] + HALF * np.sin(end * turned)], -1)
        surface = HINGE[1] + THICK / 2 + sunk * (FLOOR - HINGE[1] - THICK / 2)
        posts = [np.stack([np.full_like(t, x + POST / 2), surface], -1) for x in _posts()]
        return Course(t, np.stack([tip, *posts], axis=1), 2.0)

    def borders(self, state: LeverWorld) -> tuple[float, ...]:
        """When the posts are gone, and when the bar has settled."""
        return 1.0, 2.0

    def still(self, state: LeverWorld) -> Sequence[Still]:
        """The ground and the hinge."""
        x, y = HINGE
        return [
            box(-SIDE, FLOOR, 2 * SIDE, 2 * SIDE),
            Area(((x, y + THICK / 2), (x + 1.3, FLOOR), (x - 1.3, FLOOR)), "ink"),
        ]

    def parts(self, state: LeverWorld) -> tuple[Part, ...]:
        """The bar with its weights, and the posts."""
        loads = tuple(
            Load(p / (ARM + 0.6), 0.5 + 0.08 * m, str(m))
            for p, m in zip(state.places, state.masses, strict=True)
        )
        bar = Bar(name="bar", role="first", middle=HINGE, half=HALF, thick=THICK, loads=loads, marks=ARM)
        sides = zip(("left post", "right post"), _posts(), strict=True)
        posts = tuple(
            Column(name=name, role="third", left=x, right=x + POST, top=HINGE[1] + THICK / 2, bottom=FLOOR)
            for name, x in sides
        )
        return bar, *posts

    def told(self, state: LeverWorld, stage: str) -> str:
        """The torques, and what they do."""
        left, right = self.torques(state)
        if stage == "sink":
            return "The two posts sink into the ground, so that only the hinge holds the bar."
        sums = [
            " + ".join(
                f"{m} x {abs(p)}"
                for p, m in zip(state.places, state.masses, strict=True)
                if np.sign(p) == side
            )
            for side in (-1, 1)
        ]
        torques = f"The torque on the left is {sums[0]} = {left}, on the right {sums[1]} = {right}"
        if left == right:
            return f"{torques}: they are equal, and the bar stays level."
        side = "left" if left > right else "right"
        return f"{torques}: the bar tilts to the {side} until it touches the ground."

    def wrong(self, state: LeverWorld) -> Mapping[str, Course]:
        """To the other side, or no movement where there must be one."""
        most, end = self.tilt(LeverWorld(places=(1,), masses=(1,))), self.tilt(state)
        return {"wrong_side": self._course(-end if end else most)}


def _posts() -> tuple[float, float]:
    """The left edges of the posts."""
    return HINGE[0] - HALF + 0.2, HINGE[0] + HALF - 0.2 - POST


PUZZLE = Lever()
