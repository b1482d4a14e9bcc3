"""Find the grid of tiles in a picture that somebody else drew, and which tiles look alike.

Nothing is known but how many kinds of tiles there are. A picture that is drawn from tiles has, at the right
grid alone, large groups of tiles that are equal but for noise, and a few that are like no other: the pieces.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.lattice import Lattice
from genreason.types import Frame

SIDE = 8  # samples along a tile; the outermost are left out, where lines and neighbours show
FINE = 16  # samples along a tile that is looked at as a whole
LEAST, MOST = 4, 32  # tiles along a side that are looked for
LEAST_PIXELS = 6  # pixels of a tile's side
NOISE = 2.0  # (0-255) differences of this size say nothing
CLEAR = 0.7  # log of how much farther apart kinds must be than tiles of one kind are
SEEN = 0.4  # part of a tile that must be inside the picture
SQUARE = 0.003  # by how much width and height may differ in a picture that counts as square
Area = tuple[float, float, float, float]
"""Left, top, width and height of the whole board in pixels; parts may lie outside the picture."""
Wanted = Callable[[Sequence[int]], bool]
Floats = npt.NDArray[np.float32]
Kinds = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Tiling:
    """The tiles of a picture.

    Attributes:
        lattice: where they are.
        kinds: (rows, cols), tiles of one number look alike.
        clarity: log of how much farther apart the kinds are than tiles of one kind.
    """

    lattice: Lattice
    kinds: Kinds
    clarity: float


def find_tiling(
    picture: Frame, count: int, wanted: Wanted, cols: int | None = None, rows: int | None = None
) -> Tiling | None:
    """The grid at which the picture falls into tiles of so many kinds, or None where it does at none.

    Args:
        picture: HWC RGB uint8; resized, letterboxed or with its longer sides cut off.
        count: the number of kinds.
        wanted: whether these numbers of tiles of each kind, the most first, are what the puzzle has.
        cols: the number of columns, where it is known.
        rows: likewise.
    """
    best, clarity = None, CLEAR
    for area in _areas(picture):
        for shape in _shapes(area, cols, rows):
            looks, seen = _sample(picture, area, shape, SIDE)
            if seen.mean(axis=(1, 2)).min() < SEEN:
                continue
            kinds, clear = _kinds(looks[:, 1:-1, 1:-1], seen[:, 1:-1, 1:-1], count)
            if clear > clarity and wanted(sorted(np.bincount(kinds).tolist(), reverse=True)):
                best, clarity = kinds.reshape(shape), clear
    if best is None:
        return None
    # The kinds can come out right although the board is a few pixels off: then tiles are less alike.
    area = min(_areas(picture), key=lambda area: _spread(picture, area, best))
    lattice = _lattice(area, best.shape)
    return Tiling(lattice, best, clarity)


def tile_looks(picture: Frame, lattice: Lattice) -> Floats:
    """The tiles of a known grid: (rows, cols, FINE, FINE, 3), 0-255; edges of the picture go on outside."""
    area = lattice.x0, lattice.y0, lattice.cols * lattice.cell_w, lattice.rows * lattice.cell_h
    looks, _ = _sample(picture, area, (lattice.rows, lattice.cols), FINE)
    return looks.reshape(lattice.rows, lattice.cols, FINE, FINE, 3)


def odd_tile(picture: Frame, lattice: Lattice, codes: npt.NDArray[np.integer]) -> tuple[int, int, int] | None:
    """The first tile that does not look like those of its code, but like those of another.

    Args:
        picture: HWC RGB uint8.
        lattice: the grid.
        codes: (rows, cols), what each tile is said to be; negative where something hides it.

    Returns:
        Row, column and the code that it looks like; None where all look as they should.
    """
    looks = tile_looks(picture, lattice)[:, :, 2:-2, 2:-2]
    known = [int(code) for code in np.unique(codes) if code >= 0]
    apart: dict[int, Floats] = {}
    for code in known:
        typical = np.median(looks[codes == code], axis=0)
        apart[code] = np.sqrt(np.mean((looks - typical) ** 2, axis=(2, 3, 4)))
    for code, other in itertools.permutations(known, 2):
        usual = NOISE + float(np.quantile(apart[other][codes == other], 0.9))
        if (codes == code).sum() > 2:
            alike = (apart[other] < 0.5 * apart[code]) & (apart[code] > NOISE + usual)
        else:  # so few that nothing tells how they look but themselves
            alike = apart[other] <= usual
        wrong = np.argwhere(alike & (codes == code))
        if len(wrong):
            return int(wrong[0, 0]), int(wrong[0, 1]), other
    return None


def _lattice(area: Area, shape: tuple[int, ...]) -> Lattice:
    rows, cols = shape
    left, top, width, height = area
    return Lattice(cols=cols, rows=rows, x0=left, y0=top, cell_w=width / cols, cell_h=height / rows)


def _areas(picture: Frame) -> Iterable[Area]:
    """Where the board can be: all of the picture, or a square in its middle, padded or cut off."""
    h, w = picture.shape[:2]
    yield 0.0, 0.0, float(w), float(h)
    if abs(w / h - 1) > SQUARE:
        for side in (max(w, h), min(w, h)):
            yield (w - side) / 2, (h - side) / 2, float(side), float(side)


def _shapes(area: Area, cols: int | None, rows: int | None) -> Iterable[tuple[int, int]]:
    """The numbers of rows and columns that a board can have: as many, or square tiles."""
    for n in range(LEAST, MOST + 1) if cols is None else (cols,):
        for m in sorted({n, round(n * area[3] / area[2])}) if rows is None else (rows,):
            if m > 0 and min(area[2] / n, area[3] / m) >= LEAST_PIXELS:
                yield m, n


def _sample(
    picture: Frame, area: Area, shape: tuple[int, ...], side: int
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Colours of the tiles (N, side, side, 3), and which of them lie inside the picture."""
    (left, top, width, height), (rows, cols) = area, shape
    h, w = picture.shape[:2]
    sx, sy = cols * side / width, rows * side / height
    size = max(round(w * min(sx, 1.0)), 1), max(round(h * min(sy, 1.0)), 1)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    kx, ky = sx * w / size[0], sy * h / size[1]
    fit = np.array([[kx, 0, 0.5 * kx - 0.5 - left * sx], [0, ky, 0.5 * ky - 0.5 - top * sy]])
    flat = cv2.warpAffine(
        small, fit, (cols * side, rows * side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    xs = left + (np.arange(cols * side) + 0.5) / sx
    ys = top + (np.arange(rows * side) + 0.5) / sy
    seen = ((ys >= 0) & (ys < h))[:, None] & ((xs >= 0) & (xs < w))
    looks = flat.reshape(rows, side, cols, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    return looks.astype(np.float32), seen.reshape(rows, side, cols, side).swapaxes(1, 2).reshape(
        -1, side, side
    )


def _kinds(looks: Floats, seen: npt.NDArray[np.bool_], count: int) -> tuple[Kinds, float]:
    """Tiles in `count` groups that are farthest from each other (single linkage), and how far apart."""
    n = len(looks)
    if n <= count:
        return np.arange(n), 0.0
    parent, gap, order = _tree(_distances(looks, seen))
    lengths = np.sort(gap[order[1:]])
    kinds = np.zeros(n, np.intp)
    found = 0
    for node in order[1:]:
        if gap[node] >= lengths[1 - count] and found < count - 1:
            found += 1
            kinds[node] = found
        else:
            kinds[node] = kinds[parent[node]]
    return kinds, float(np.log((lengths[1 - count] + NOISE) / (lengths[-count] + NOISE)))


def _distances(looks: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
    """Root mean square difference of all pairs, over what is seen of both."""
    values = (looks - 128).reshape(len(looks), -1)
    if seen.all():
        squares = np.broadcast_to((values * values).sum(axis=1)[:, None], (len(looks),) * 2)
        count: Floats | int = values.shape[1]
    else:
        mask = np.repeat(seen.reshape(len(seen), -1).astype(np.float32), 3, axis=1)
        values *= mask
        squares, count = (values * values) @ mask.T, np.maximum(mask @ mask.T, 1)
    total = squares + squares.T - 2 * values @ values.T
    return np.asarray(np.sqrt(np.maximum(total, 0) / count), np.float32)


def _tree(apart: Floats) -> tuple[Kinds, Floats, list[int]]:
    """The minimum spanning tree (Prim): each node's parent, its distance to it, and the order of joining."""
    gap, parent = apart[0].copy(), np.zeros(len(apart), np.intp)
    outside = np.ones(len(apart), np.bool_)
    outside[0] = False
    order = [0]
    while len(order) < len(apart):
        node = int(np.where(outside, gap, np.inf).argmin())
        order.append(node)
        outside[node] = False
        nearer = outside & (apart[node] < gap)
        gap[nearer], parent[nearer] = apart[node][nearer], node
    return parent, gap, order


def _spread(picture: Frame, area: Area, kinds: Kinds) -> float:
    """How much (0-255) tiles of one kind differ, edges included."""
    looks, seen = _sample(picture, area, kinds.shape, FINE)
    total = count = 0.0
    for kind in np.flatnonzero(np.bincount(kinds.ravel()) > 1):
        group, there = looks[kinds.ravel() == kind], seen[kinds.ravel() == kind]
        gaps = np.abs(group - np.median(group, axis=0)).mean(axis=-1)
        total, count = total + float(gaps[there].sum()), count + float(there.sum())
    return total / max(count, 1.0)
