"""Cameras: from points in space to places in a picture, and which way the viewer is.

Space has x and y along the ground and z upwards; it is looked at from where all three are large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Row = tuple[float, float, float, float]
DIGITS = 9  # decimals that are kept: a camera goes through JSON unchanged


@dataclass(frozen=True, slots=True)
class Camera:
    """A projection.

    Attributes:
        rows: 3 x 4 matrix: point (x, y, z, 1) goes to (u w, v w, w), place (u, v) in the picture.
    """

    rows: tuple[Row, Row, Row]

    @classmethod
    def of(cls, matrix: npt.NDArray[np.float64]) -> Camera:
        """The camera of a 3 x 4 matrix, rounded."""
        a, b, c = ([round(float(value), DIGITS) + 0.0 for value in row] for row in matrix)
        return cls(((a[0], a[1], a[2], a[3]), (b[0], b[1], b[2], b[3]), (c[0], c[1], c[2], c[3])))

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """(3, 4)."""
        return np.array(self.rows)

    def project(self, points: npt.ArrayLike) -> Points:
        """Points (..., 3) to places (..., 2)."""
        p, m = np.asarray(points, np.float64), self.matrix
        flat = p @ m[:, :3].T + m[:, 3]
        return np.asarray(flat[..., :2] / flat[..., 2:], np.float64)

    def toward(self, points: npt.ArrayLike) -> Points:
        """Unit vectors (..., 3) from points to the viewer."""
        p = np.asarray(points, np.float64)
        eye = np.linalg.svd(self.matrix)[2][-1]  # what is projected to nothing: the eye, or a direction
        way = eye[:3] - eye[3] * p
        way = way / np.linalg.norm(way, axis=-1, keepdims=True)
        return np.asarray(np.where(way.sum(axis=-1, keepdims=True) < 0, -way, way))

    def moved(self, scale: tuple[float, float], offset: tuple[float, float]) -> Camera:
        """The camera whose place p is `p * scale + offset`."""
        (sx, sy), (tx, ty) = scale, offset
        return Camera.of(np.array([[sx, 0, tx], [0, sy, ty], [0, 0, 1]]) @ self.matrix)


def orthographic(elevation: float) -> Camera:
    """Seen from afar at an angle (degrees) above the ground, x going down left and y down right.

    An edge of a unit cube along x or y is 1 long in the picture.
    """
    sin, cos = math.sin(math.radians(elevation)), math.cos(math.radians(elevation))
    half = math.sqrt(0.5)
    edge = math.hypot(half, half * sin)
    rows = np.array([[-half, half, 0, 0], [half * sin, half * sin, -cos, 0], [0, 0, 0, edge]])
    return Camera.of(rows / edge)
