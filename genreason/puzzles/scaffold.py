"""Scaffolds: walks over cubes and ladders between them, and how to build one that a picture shows wholly.

A walk leads over two cubes, a ladder up three. The builder adds one at a time and asks each time whether the
picture stays clear: lanes that are not joined keep apart, and nothing nearer hides a place where the ball
passes, a top that it stands on or a ladder. Both depend on relative places alone, so that the answers are
kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from genreason.render.camera import Camera, orthographic
from genreason.render.cubes import LADDER, OUT, RAIL, Cube

MOVES: dict[str, Cube] = {
    "forward_right": (-2, 0, 0),
    "forward_left": (0, -2, 0),
    "backward_left": (2, 0, 0),
    "backward_right": (0, 2, 0),
    "up": (0, 0, 3),
    "down": (0, 0, -3),
}
"""What a move adds to the cube on which the ball lies."""
RISE = 3
BALL = 1.35  # height of the ball's middle above its cube's underside
RADIUS = 0.35
ELEVATION = 30.0  # degrees from which scaffolds of ours are seen
GAP = 1.1  # cells between two lanes that are not joined
CAMERA: Camera = orthographic(ELEVATION)
Points = npt.NDArray[np.float64]
Key = tuple[str, Cube]
"""An element: "x" or "y" (a walk from the cube towards larger x or y), "ladder" (from its base), "top"."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What is built.

    Attributes:
        cubes: all cubes.
        ladders: the cubes on which ladders begin.
    """

    cubes: frozenset[Cube]
    ladders: frozenset[Cube]

    def target(self, cube: Cube, move: str) -> Cube | None:
        """Where a move leads from a cube, or None where there is no way."""
        end = shifted(cube, MOVES[move])
        if end not in self.cubes:
            return None
        if move in ("up", "down"):
            return end if (cube if move == "up" else end) in self.ladders else None
        return end if middle(cube, end) in self.cubes else None

    def reached(self, start: Cube) -> list[Cube]:
        """The cubes on which the ball can come to lie, in order of coordinates."""
        found, ring = {start}, [start]
        for cube in ring:  # grows while it is read
            for move in MOVES:
                end = self.target(cube, move)
                if end is not None and end not in found:
                    found.add(end)
                    ring.append(end)
        return sorted(found)


def shifted(cube: Cube, by: Cube) -> Cube:
    """The sum of two cubes' coordinates."""
    return cube[0] + by[0], cube[1] + by[1], cube[2] + by[2]


def middle(a: Cube, b: Cube) -> Cube:
    """The cube half way."""
    return (a[0] + b[0]) // 2, (a[1] + b[1]) // 2, (a[2] + b[2]) // 2


def ball(cube: npt.ArrayLike) -> Points:
    """Where the middle of the ball is when it lies on cubes (..., 3)."""
    return np.asarray(np.asarray(cube, np.float64) + (0.5, 0.5, BALL))


@dataclass
class Builder:
    """A scaffold while it grows.

    Attributes:
        grid: cubes in x, y and z.
        cubes: what is built.
        ladders: cubes on which ladders begin.
        elements: what must stay visible, with how much of each of its groups is hidden so far.
    """

    grid: Cube
    start: Cube
    cubes: set[Cube] = field(default_factory=set)
    ladders: set[Cube] = field(default_factory=set)
    elements: dict[Key, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay the first cube."""
        self.cubes.add(self.start)
        self.elements["top", self.start] = [0.0]

    def extend(self, cube: Cube, move: str) -> Cube | None:
        """Add a walk or ladder to a new cube; None, and nothing is built, where the picture forbids it."""
        end = shifted(cube, MOVES[move])
        new = [end] if move in ("up", "down") else [middle(cube, end), end]
        if any(not 0 <= value < limit for value, limit in zip(end, self.grid, strict=True)):
            return None
        if any(fresh in self.cubes for fresh in new):
            return None
        road = _road(cube, end)
        if not self._apart(road, cube):
            return None
        hidden = {key: list(values) for key, values in self.elements.items()}
        for key in (road, *(("top", fresh) for fresh in new)):
            hidden[key] = [0.0] * len(_groups(key[0])[1])
        for key, values in hidden.items():
            against = new if key in self.elements else [*self.cubes, *new]
            if not _visible(key, against, values):
                return None
        self.cubes.update(new)
        self.elements = hidden
        if road[0] == "ladder":
            self.ladders.add(road[1])
        return end

    def _apart(self, road: Key, joint: Cube) -> bool:
        """Whether a road keeps away from all others that it does not meet at `joint`."""
        for key in self.elements:
            if key[0] != "top" and joint not in _ends(key):
                offset = (key[1][0] - road[1][0], key[1][1] - road[1][1], key[1][2] - road[1][2])
                if _distance(road[0], key[0], offset) < GAP:
                    return False
        return True

    def scaffold(self) -> Scaffold:
        """What was built."""
        return Scaffold(frozenset(self.cubes), frozenset(self.ladders))


def _road(a: Cube, b: Cube) -> Key:
    """The element that joins two cubes."""
    axis = next(i for i in range(3) if a[i] != b[i])
    return ("x", "y", "ladder")[axis], min(a, b)


def _ends(road: Key) -> tuple[Cube, Cube]:
    move = {"x": "backward_left", "y": "backward_right", "ladder": "up"}[road[0]]
    return road[1], shifted(road[1], MOVES[move])


def _visible(key: Key, cubes: Iterable[Cube], values: list[float]) -> bool:
    """Add to `values` how much these cubes hide of an element; whether that is little enough."""
    kind, (x, y, z) = key
    limits = _groups(kind)[1]
    for a, b, c in cubes:
        shares = _hides(kind, (a - x, b - y, c - z))
        if shares:
            for i, share in enumerate(shares):
                values[i] += share
                if values[i] > limits[i]:
                    return False
    return True


@functools.cache
def _distance(a: str, b: str, offset: Cube) -> float:
    """The least distance (cells) in the picture between roads of two kinds, the second `offset` away."""
    one, two = (CAMERA.project(ball(_ends((kind, at)))) for kind, at in ((a, (0, 0, 0)), (b, offset)))
    share = np.linspace(0, 1, 25)[:, None]
    first, second = one[0] + share * (one[1] - one[0]), two[0] + share * (two[1] - two[0])
    return float(np.hypot(*(first[:, None] - second[None]).transpose(2, 0, 1)).min())


@functools.cache
def _hides(kind: str, offset: Cube) -> tuple[float, ...]:
    """How much of each group of an element at (0, 0, 0) a cube at `offset` hides; empty if nothing."""
    groups, limits = _groups(kind)
    way = CAMERA.toward((0.0, 0.0, 0.0))
    found = []
    for points, clear in groups:
        low, high = (offset - points) / way, (np.array(offset) + 1 - points) / way
        enter = np.maximum(np.minimum(low, high).max(axis=1), clear)
        found.append(float((np.maximum(low, high).min(axis=1) > enter + 1e-6).mean()))
    return tuple(found) if any(found) else ()


@functools.cache
def _groups(kind: str) -> tuple[list[tuple[Points, float]], list[float]]:
    """What must be seen of an element at (0, 0, 0).

    Returns:
        Groups of points, each with the distance towards the viewer within which nothing hides it, and which
        share of each group may be hidden.
    """
    if kind == "top":
        grid = np.stack(np.meshgrid([0.15, 0.5, 0.85], [0.15, 0.5, 0.85], [1.0]), -1).reshape(-1, 3)
        return [(grid, 0.01)], [0.25]
    a, b = (np.array(end, np.float64) for end in _ends((kind, (0, 0, 0))))
    count = 7 if kind == "ladder" else 5
    # On a ladder the ball is before the front edge, in line with the middle of its cubes.
    clear = 1.6 if kind == "ladder" else 0.01
    groups = [(_disc(ball(a + (b - a) * share)), clear) for share in np.linspace(0, 1, count)]
    limits = [0.21] * count
    if kind == "ladder":
        heights = np.linspace(*LADDER, 9)
        rails = [(OUT + side, OUT - side, height) for height in heights for side in (-RAIL, RAIL)]
        groups += [(np.array(rails), 0.01), (np.array(rails[:4]), 0.01), (np.array(rails[-4:]), 0.01)]
        limits += [0.12, 0.0, 0.0]
    return groups, limits


def _disc(centre: Points) -> Points:
    """The middle of the ball, twice as it counts more, and points around it as the viewer sees it."""
    way = CAMERA.toward(centre)
    side = np.array([-1.0, 1.0, 0.0]) / np.sqrt(2)
    up = np.cross(way, side)
    around = [centre + 0.8 * RADIUS * (c * side + s * up) for c, s in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    return np.array([centre, centre, *around])


def ways(scaffold: Scaffold, cubes: Iterable[Cube]) -> Iterator[tuple[Cube, str, Cube]]:
    """All moves from these cubes: from, move, to."""
    for cube in cubes:
        for move in MOVES:
            end = scaffold.target(cube, move)
            if end is not None:
                yield cube, move, end
