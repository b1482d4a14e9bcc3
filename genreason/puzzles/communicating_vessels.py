"""Communicating vessels: when the valve between two of them opens, the water comes to one level.

What flows out of one is in the other: the levels end at the mean, weighted by the vessels' widths. How fast
it flows is free; at every moment there is as much water as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from genreason.laws import Course
from genreason.puzzles.base import Params
from genreason.puzzles.physics import SAMPLES, PhysicsParams, PhysicsPuzzle, Places, World, rounded
from genreason.render.rigs import SIDE, Column, Part, Still, Stroke, box

BOTTOM, TOP = 12.0, 2.0
WALL = 0.3
LEAST = 1.6  # units that each level must move
LEVEL = 0.25  # units by which the two levels may differ in the end


class VesselsParams(PhysicsParams):
    """What a level is.

    Attributes:
        widths: the widths that vessels may have, in units.
        levels: least and most height of the water at the start.
    """

    widths: tuple[float, ...] = (2.0, 3.0)
    levels: tuple[float, float] = (1.0, 9.0)


class VesselsWorld(World):
    """Two vessels from left to right: their left edges, widths, and heights of the water."""

    lefts: tuple[float, float]
    widths: tuple[float, float]
    heights: tuple[float, float]


class CommunicatingVessels(PhysicsPuzzle[VesselsWorld]):
    """The family."""

    name: ClassVar[str] = "communicating_vessels"
    params: ClassVar[type[Params]] = VesselsParams
    world: ClassVar[type[World]] = VesselsWorld
    stages: ClassVar[tuple[str, ...]] = ("flow",)
    even: ClassVar[float | None] = None
    timed: ClassVar[bool] = False
    lawless: ClassVar[str] = "there is not as much water as there was"

    def contradiction(self, params: Any) -> str:
        """Ranges must be in order, and vessels fit."""
        low, high = params.levels
        if not params.widths or not all(1.5 <= width <= 5 for width in params.widths):
            return "widths: give one or more from 1.5 to 5"
        if not 0.8 <= low <= high - 2 * LEAST <= 6.2:
            return f"levels {low} to {high}: give 0.8 to 9.4, at least {2 * LEAST} apart"
        return ""

    def draw_world(self, rng: np.random.Generator, params: Any) -> VesselsWorld | None:
        """Two vessels with different levels."""
        a, b = (float(params.widths[int(rng.integers(len(params.widths)))]) for _ in range(2))
        gap = rng.uniform(1.5, 4.0)
        low, high = params.levels
        heights = tuple(rounded(h) for h in rng.uniform(low, high, 2))
        left = (SIDE - a - b - gap) / 2
        state = VesselsWorld(
            lefts=(rounded(left), rounded(left + a + gap)), widths=(a, b), heights=(heights[0], heights[1])
        )
        moves = np.abs(self.level(state) - np.array(heights)).min()
        return state if moves >= LEAST and left >= 0.8 else None

    def level(self, state: VesselsWorld) -> float:
        """The height that both come to."""
        return float(np.dot(state.heights, state.widths) / sum(state.widths))

    def course(self, state: VesselsWorld, values: Mapping[str, float]) -> Course:
        """The flow dies away as the levels come together."""
        return self._course(state, (self.level(state), self.level(state)))

    def _course(self, state: VesselsWorld, ends: tuple[float, float]) -> Course:
        """From the levels of the start to these."""
        t = np.linspace(0, 1, SAMPLES)
        share = 1 - (1 - t) ** 2  # the flow is as the root of the difference of levels
        begin = np.array(state.heights)
        heights = begin + share[:, None] * (np.array(ends) - begin)
        middles = np.array(state.lefts) + np.array(state.widths) / 2
        return Course(t, np.stack([np.broadcast_to(middles, heights.shape), BOTTOM - heights], -1), 1.0)

    def borders(self, state: VesselsWorld) -> tuple[float, ...]:
        """When the levels are equal."""
        return (1.0,)

    def arrived(self, state: VesselsWorld, places: Places, time: float | None, near: float) -> bool:
        """Whether the levels are equal, and where they must be."""
        equal = abs(float(places[0, 1] - places[1, 1])) <= LEVEL
        right = np.abs(BOTTOM - places[:, 1] - self.level(state)).max()
        return equal and bool(right <= near)

    def still(self, state: VesselsWorld) -> Sequence[Still]:
        """The vessels, and the full pipe between them with its valve."""
        (a, b), (v, w) = state.lefts, state.widths
        low = BOTTOM + 0.9
        items: list[Still] = [box(a, BOTTOM, b + w, low, "second")]
        for left, width in zip(state.lefts, state.widths, strict=True):
            for x in (left - WALL / 2, left + width + WALL / 2):
                outer = x in (a - WALL / 2, b + w + WALL / 2)
                items.append(Stroke(((x, TOP), (x, low if outer else BOTTOM)), "ink", WALL))
        items.append(Stroke(((a - WALL, low + WALL / 2), (b + w + WALL, low + WALL / 2)), "ink", WALL))
        items.append(Stroke(((a + v, BOTTOM - WALL / 2), (b, BOTTOM - WALL / 2)), "ink", WALL))
        return items

    def parts(self, state: VesselsWorld) -> tuple[Part, ...]:
        """The water in both."""
        names = ("water on the left", "water on the right")
        return tuple(
            Column(name=name, role="second", left=left, right=left + width, top=TOP, bottom=BOTTOM)
            for name, left, width in zip(names, state.lefts, state.widths, strict=True)
        )

    def told(self, state: VesselsWorld, stage: str) -> str:
        """Which way it flows, and how far."""
        higher, lower = ("left", "right") if state.heights[0] > state.heights[1] else ("right", "left")
        return (
            f"The water stands higher on the {higher}, so it flows through the pipe to the {lower} until "
            f"both levels are equal; as none is lost, and the vessels are {state.widths[0]:g} and "
            f"{state.widths[1]:g} units wide, they meet {self.level(state):.1f} units above the bottom."
        )

    def wrong(self, state: VesselsWorld) -> Mapping[str, Course]:
        """Water that is lost or made, and levels that change places."""
        low, high = sorted(state.heights)
        return {
            "volume_changed": self._course(state, (high, high)),
            "volume_lost": self._course(state, (low, low)),
        }


PUZZLE = CommunicatingVessels()
