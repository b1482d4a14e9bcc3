"""Scenes of unit cubes and ladders: polygons from back to front.

A cube is named by its corner of least x, y and z. What is nearer to the viewer has the larger sum of
coordinates; for unit cubes on a grid, painting in that order hides what is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.camera import Camera
from genreason.render.marks import Colour
from genreason.types import Frame

Cube = tuple[int, int, int]
Side = Literal["bottom", "back_x", "back_y", "left", "right", "top"]
FRACTION = 4  # bits of sub-pixel places for OpenCV
# Corners of each side in the order in which sides are painted: those that look away from the viewer first.
SIDES: dict[Side, tuple[tuple[int, int, int], ...]] = {
    "bottom": ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)),
    "back_x": ((0, 0, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1)),
    "back_y": ((0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)),
    "left": ((1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1)),
    "right": ((0, 1, 0), (1, 1, 0), (1, 1, 1), (0, 1, 1)),
    "top": ((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)),
}
BESIDE: dict[Side, Cube] = {
    "bottom": (0, 0, -1), "back_x": (-1, 0, 0), "back_y": (0, -1, 0),
    "left": (1, 0, 0), "right": (0, 1, 0), "top": (0, 0, 1),
}  # fmt: skip
FRONT: tuple[Side, ...] = ("left", "right", "top")
LADDER = (0.5, 3.95)  # from and to which height above its base's underside a ladder reaches
OUT = 1.2  # where a ladder stands: before the front edge of its cubes, in x and in y
RAIL = 0.2  # half a ladder's width
RUNGS = 0.5  # height from rung to rung


@dataclass(frozen=True, slots=True)
class Part:
    """Something to paint.

    Attributes:
        kind: what it belongs to: the role of its cube, or "ladder".
        side: of a cube; "" for a ladder's rails and rungs.
        corners: (K, 2) places in the picture; a line for a ladder.
        order: what has less is painted first.
    """

    kind: str
    side: Side | Literal["rail", "rung"]
    corners: npt.NDArray[np.float64]
    order: float


def cube_parts(cubes: Mapping[Cube, str], camera: Camera, sides: Iterable[Side] = FRONT) -> list[Part]:
    """The sides of cubes (with their roles) that no other cube touches, unsorted."""
    wanted = [side for side in SIDES if side in set(sides)]
    found = []
    for cube, role in cubes.items():
        for i, side in enumerate(wanted):
            dx, dy, dz = BESIDE[side]
            if (cube[0] + dx, cube[1] + dy, cube[2] + dz) not in cubes:
                corners = camera.project(np.array(SIDES[side]) + cube)
                found.append(Part(role, side, corners, sum(cube) + i / 100))
    return found


def ladder_parts(bases: Iterable[Cube], camera: Camera) -> list[Part]:
    """Rails and rungs of the ladders that begin on these cubes, unsorted."""
    found = []
    heights = np.arange(LADDER[0], LADDER[1], RUNGS)
    for x, y, z in bases:
        for low in heights:
            high = min(low + RUNGS, LADDER[1])
            order = x + y + np.floor(z + low) + 1.5
            left, right = ((x + OUT + side, y + OUT - side) for side in (RAIL, -RAIL))
            lines: list[tuple[Literal["rail", "rung"], list[tuple[float, float, float]]]] = [
                ("rail", [(*left, z + low), (*left, z + high)]),
                ("rail", [(*right, z + low), (*right, z + high)]),
                ("rung", [(*left, z + low + RUNGS / 2), (*right, z + low + RUNGS / 2)]),
            ]
            found += [Part("ladder", side, camera.project(line), order) for side, line in lines]
    return found


def fill(canvas: Frame, corners: npt.NDArray[np.float64], colour: Colour, opacity: float = 1.0) -> None:
    """Paint a convex polygon in place; `corners` in pixels, pixel centres at .5."""
    points = fixed(corners)
    if opacity >= 1:
        cv2.fillConvexPoly(canvas, points, colour, cv2.LINE_8, FRACTION)
        return
    h, w = canvas.shape[:2]
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (w, h))
    if x0 >= x1 or y0 >= y1:
        return
    part = canvas[y0:y1, x0:x1]
    over = part.copy()
    cv2.fillConvexPoly(over, fixed(corners - (x0, y0)), colour, cv2.LINE_8, FRACTION)
    cv2.addWeighted(over, opacity, part, 1 - opacity, 0, dst=part)


def line(
    canvas: Frame, points: npt.NDArray[np.float64], colour: Colour, width: int, *, closed: bool = False
) -> None:
    """Paint a line of `width` pixels in place, smooth; `points` in pixels, pixel centres at .5."""
    cv2.polylines(canvas, [fixed(points)], closed, colour, max(width, 1), cv2.LINE_AA, FRACTION)


def fixed(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Places as OpenCV takes them: fractions of pixels, pixel centres at whole numbers."""
    return np.rint((points - 0.5) * (1 << FRACTION)).astype(np.int32)
