"""Thin the bands of a mask to lines a pixel wide, and take the lines apart into nodes and the ways between.

Thinning: T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital patterns", 1984.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Pixel = tuple[int, int]
"""x, y."""
_AROUND = ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))


@dataclass(frozen=True, slots=True)
class Way:
    """A line between two nodes.

    Attributes:
        ends: numbers of both.
        points: (K, 2) x and y of its pixels from one to the other.
    """

    ends: tuple[int, int]
    points: npt.NDArray[np.float64]


def thinned(mask: Mask) -> Mask:
    """The mask's bands a pixel wide; its connections stay as they are."""
    image = np.pad(mask, 1).astype(np.uint8)
    while True:
        before = image.copy()
        for first in (True, False):
            n, ne, e, se, s, sw, w, nw = _neighbours(image)
            around = [n, ne, e, se, s, sw, w, nw]
            count = sum(part.astype(np.int16) for part in around)
            steps = sum(
                ((a == 0) & (b == 1)).astype(np.int16)
                for a, b in zip(around, around[1:] + around[:1], strict=True)
            )
            open_a, open_b = (
                ((n & e & s) == 0, (e & s & w) == 0) if first else ((n & e & w) == 0, (n & s & w) == 0)
            )
            gone = (image[1:-1, 1:-1] == 1) & (count >= 2) & (count <= 6) & (steps == 1) & open_a & open_b
            image[1:-1, 1:-1][gone] = 0
        if np.array_equal(image, before):
            return image[1:-1, 1:-1].astype(np.bool_)


def _neighbours(image: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    h, w = image.shape
    return [image[1 + dy : h - 1 + dy, 1 + dx : w - 1 + dx] for dx, dy in _AROUND]


def ways(lines: Mask) -> tuple[npt.NDArray[np.float64], list[Way]]:
    """Nodes (N, 2) and the lines between them: nodes are where lines end or meet.

    Meeting pixels that touch are one node, their middle. A ring without any node gets one somewhere.
    """
    pixels = {(int(x), int(y)) for y, x in np.argwhere(lines)}
    beside = {p: _beside(p, pixels) for p in pixels}
    at: dict[Pixel, int] = {}
    nodes: list[tuple[float, float]] = []
    for cluster in _parts({p for p in pixels if len(beside[p]) > 2}, beside):
        x, y = np.mean(cluster, axis=0)
        at |= dict.fromkeys(cluster, len(nodes))
        nodes.append((float(x), float(y)))
    found = []
    for chain in _parts(pixels - at.keys(), beside):
        ordered = _ordered(chain, beside)
        ends = []
        for p, inner in ((ordered[0], ordered[1:2]), (ordered[-1], ordered[-2:-1])):
            touched = [at[q] for q in beside[p] if q in at and (len(chain) > 1 or at[q] not in ends)]
            if touched:
                ends.append(touched[0])
            elif len(beside[p]) == len(inner) + (len(chain) == 1 and bool(ends)):
                ends.append(len(nodes))  # it ends freely
                nodes.append((float(p[0]), float(p[1])))
        if not ends:  # a ring
            nodes.append((float(ordered[0][0]), float(ordered[0][1])))
            ends = [len(nodes) - 1]
        pair = ends[0], ends[-1]
        found.append(Way(pair, np.array([nodes[pair[0]], *ordered, nodes[pair[1]]], np.float64)))
    return np.array(nodes, np.float64).reshape(-1, 2), found


def _beside(p: Pixel, pixels: set[Pixel]) -> list[Pixel]:
    """Neighbours on the line: diagonal ones only where no pixel touches both across edges."""
    found = [q for dx, dy in _AROUND[::2] if (q := (p[0] + dx, p[1] + dy)) in pixels]
    for dx, dy in _AROUND[1::2]:
        if (p[0] + dx, p[1]) not in pixels and (p[0], p[1] + dy) not in pixels:
            q = p[0] + dx, p[1] + dy
            found += [q] if q in pixels else []
    return found


def _parts(pixels: set[Pixel], beside: dict[Pixel, list[Pixel]]) -> list[list[Pixel]]:
    """Connected parts, in a fixed order."""
    left, parts = set(pixels), []
    for start in sorted(pixels):
        if start not in left:
            continue
        left.remove(start)
        part = [start]
        for p in part:  # grows while it is read
            for q in beside[p]:
                if q in left:
                    left.remove(q)
                    part.append(q)
        parts.append(part)
    return parts


def _ordered(chain: list[Pixel], beside: dict[Pixel, list[Pixel]]) -> list[Pixel]:
    """The pixels of a line that does not branch, from one end to the other."""
    left = set(chain)
    at = min(chain, key=lambda p: (sum(q in left for q in beside[p]), p))
    out = [at]
    left.remove(at)
    while onward := [q for q in beside[at] if q in left]:
        at = onward[0]
        out.append(at)
        left.remove(at)
    return out
