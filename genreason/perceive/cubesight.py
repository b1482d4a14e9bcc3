"""Ask a picture of VR-Bench's cubes whether a cube or a ladder is there.

A cube is there where lines are seen along its edges that no other cube explains, and where its sides are no
background. Only what nothing nearer hides is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.scaffold import ladder_lines
from genreason.render.camera import Camera
from genreason.render.cubes import FRONT, SIDES, Cube
from genreason.types import Frame

FLAT = 10.0  # (0-255) difference from the background's colours up to which a pixel is background
THIN, BESIDE = 2.0, 4.5  # pixels from an edge at which its line is looked for, and what is beside it
DARK = 0.15  # share by which a line is darker than what is beside it
BLACK = 80.0  # (0-255) up to which a ladder's lines are dark
SIDE = 0.8  # share of a cube's sides that must be no background, unless its edges are
OUTLINED = 0.9  # seen as surely as this
EACH = 9  # samples along an edge
NEAR = 2.5  # pixels from another cube's edge up to which it explains a line
LEAST = 6  # samples that must be open to sight
HIDES = 0.7  # edges of a cube around the ball's middle in which nothing is asked
ODD = 40.0  # (0-255) difference of a cube's colour from the others'
GROUND = 0.4  # cubes around the grid at which the ground is looked for
Points = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


@dataclass
class Sight:
    """A picture, and what was made out in it so far.

    Attributes:
        picture: HWC RGB uint8.
        camera: leads to its pixels.
        grid: cubes in x, y and z.
        ball: (2,) where the middle of the ball is.
        cubes: those that are there.
        ladders: cubes on which ladders begin.
    """

    picture: Frame
    camera: Camera
    grid: Cube
    ball: Points
    cubes: set[Cube] = field(default_factory=set)
    ladders: set[Cube] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Prepare what is asked of the picture."""
        self.light = np.asarray(cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY), np.float32)
        ends = self.camera.project(np.array(self.grid) / 2 + np.array([(0, 0, 0), (1, 0, 0)]))
        self.edge = float(np.hypot(*(ends[1] - ends[0])))
        self.empty = self._background()

    def cube(self, cube: Cube, among: Collection[Cube] | None = None) -> float | None:
        """How surely a cube is there, 0 to 1, given that those `among` which it is are; None: hidden."""
        others = [other for other in (self.cubes if among is None else among) if other != cube]
        sides = _insides(cube, self.camera)
        shown = sides[self._open(cube, sides, others)]
        bare = len(shown) > 2 and float(_at(self.empty, shown).mean()) > 1 - SIDE
        edges = _edges(self.camera, [cube])[0]
        points, across = _along(edges)
        asked = self._open(cube, points, others) & ~self._explained(points, others)
        if asked.sum() < LEAST:
            return None
        seen = float((self._line(points[asked], across[asked]) > DARK).mean())
        return seen if seen >= OUTLINED or not bare else 0.0

    def ladder(self, base: Cube) -> float:
        """How surely a ladder begins on a cube, 0 to 1: share of its lines that are dark."""
        shares = []
        for ends, _ in ladder_lines(base):
            points, _ = _along(self.camera.project(ends)[None])
            asked = np.hypot(*(points - self.ball).T) > HIDES * self.edge
            if asked.any():
                shares.append(float((_at(self.light, points[asked]) < BLACK).mean()))
        return min(shares, default=0.0)

    def odd_one(self, start: Cube) -> Cube | None:
        """The cube, other than the start, whose colour is unlike that of most."""
        colours = {}
        for cube in sorted(self.cubes - {start}):
            sides = _insides(cube, self.camera)
            shown = sides[self._open(cube, sides, self.cubes - {cube})]
            if len(shown):
                seen = np.stack([_at(self.picture[..., i].astype(np.float32), shown) for i in range(3)], -1)
                colours[cube] = np.median(seen, axis=0)
        if not colours:
            return None
        usual = np.median(np.stack(list(colours.values())), axis=0)
        cube = max(colours, key=lambda cube: float(np.abs(colours[cube] - usual).max()))
        return cube if float(np.abs(colours[cube] - usual).max()) >= ODD else None

    def _line(self, points: Points, across: Points) -> Floats:
        """How much darker (share) than what is beside it a line through each point is."""
        off = np.arange(-THIN, THIN + 0.1, 0.5)[:, None, None]
        line = _at(self.light, points + off * across).min(axis=0)
        beside = np.minimum(*(_at(self.light, points + side * BESIDE * across) for side in (-1, 1)))
        return np.asarray((beside - line) / np.maximum(beside, 24), np.float32)

    def _open(self, cube: Cube, points: Points, others: Iterable[Cube]) -> Bools:
        """Which of these places on a cube no nearer cube and no ball hides."""
        out = np.hypot(*(points - self.ball).T) > HIDES * self.edge
        for other in others:
            if sum(other) > sum(cube):
                out &= ~_within(points, _outline(other, self.camera))
        return np.asarray(out, np.bool_)

    def _explained(self, points: Points, others: list[Cube]) -> Bools:
        """Which of these places lie on edges of other cubes."""
        if not others:
            return np.zeros(len(points), np.bool_)
        edges = _edges(self.camera, others).reshape(-1, 2, 2)
        start, way = edges[:, 0], edges[:, 1] - edges[:, 0]
        off = points[:, None] - start
        share = np.clip((off * way).sum(-1) / (way * way).sum(-1), 0, 1)
        gap = np.hypot(*(off - share[..., None] * way).transpose(2, 0, 1))
        return np.asarray(gap.min(axis=1) < NEAR, np.bool_)

    def _background(self) -> Floats:
        """1 where a pixel has a colour of the background (the picture's border) or of the ground."""
        border = np.concatenate([self.picture[0], self.picture[-1], self.picture[:, 0], self.picture[:, -1]])
        colours = [np.median(border, axis=0)]
        x, y, _ = self.grid
        corners = [(x, 0, 0), (0, y, 0), (x + GROUND, 0, 0), (0, y + GROUND, 0)]
        for place in self.camera.project(corners):
            u, v = (int(value) for value in place)
            if 0 <= u < self.picture.shape[1] and 0 <= v < self.picture.shape[0]:
                colours.append(self.picture[v, u].astype(np.float64))
        near = [np.abs(self.picture - colour).max(axis=-1) <= FLAT for colour in colours]
        return np.asarray(np.any(near, axis=0), np.float32)


def _at(values: Floats, points: Points) -> Floats:
    """Values of a picture at places (..., 2) in pixels."""
    u, v = (points[..., i].astype(np.float32) - np.float32(0.5) for i in (0, 1))
    shape = u.shape
    edge = cv2.BORDER_REPLICATE
    flat = cv2.remap(values, u.reshape(1, -1), v.reshape(1, -1), cv2.INTER_LINEAR, borderMode=edge)
    return np.asarray(flat.reshape(shape), np.float32)


def _edges(camera: Camera, cubes: Iterable[Cube]) -> Points:
    """(cubes, 9, 2, 2): the ends of the edges that the viewer sees of each cube."""
    pairs = {tuple(sorted((SIDES[side][i], SIDES[side][i - 1]))) for side in FRONT for i in range(4)}
    ends = np.array(sorted(pairs))
    return camera.project(ends[None] + np.array(list(cubes))[:, None, None])


def _along(edges: Points) -> tuple[Points, Points]:
    """Samples (N, 2) along edges (E, 2, 2), their ends left out, and unit vectors across them."""
    share = (np.arange(EACH) + 0.5)[None, :, None] / EACH
    points = edges[:, :1] + share * (edges[:, 1:] - edges[:, :1])
    way = edges[:, 1] - edges[:, 0]
    across = np.stack([-way[:, 1], way[:, 0]], -1) / np.hypot(*way.T)[:, None]
    return points.reshape(-1, 2), np.repeat(across, EACH, axis=0)


def _insides(cube: Cube, camera: Camera) -> Points:
    """(27, 2): places on the sides that the viewer sees, away from their edges."""
    share = np.array([0.25, 0.5, 0.75])
    found = []
    for side in FRONT:
        a, b, _, d = np.array(SIDES[side], np.float64) + cube
        found.append(a + share[:, None, None] * (b - a) + share[None, :, None] * (d - a))
    return camera.project(np.stack(found).reshape(-1, 3))


def _outline(cube: Cube, camera: Camera) -> Points:
    corners = np.array([corner for side in SIDES.values() for corner in side]) + np.array(cube)
    return np.asarray(cv2.convexHull(camera.project(corners).astype(np.float32))[:, 0], np.float64)


def _within(points: Points, hull: Points) -> Bools:
    """Which points lie inside a convex outline, a pixel and more from its rim."""
    way = np.roll(hull, -1, axis=0) - hull
    off = points[:, None] - hull
    side = (way[:, 0] * off[..., 1] - way[:, 1] * off[..., 0]) / np.hypot(*way.T)
    return np.asarray((side > 1).all(axis=1) | (side < -1).all(axis=1), np.bool_)
