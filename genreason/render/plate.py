"""The still picture of a board of tiles: surfaces, lines between cells, and what stands on the floor.

What a tile looks like is data: a surface (`Paint`) that fills it, a texture (`Picture`) that does, or a mark
(`Mark`) that stands on the floor.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.board import Piece, blend
from genreason.render.lattice import Lattice
from genreason.render.marks import Mark, paint
from genreason.render.pictures import Picture, fit
from genreason.render.styles import Paint, Style
from genreason.render.textures import surface
from genreason.types import Frame

Tiles = npt.NDArray[np.uint8]
Canvas = npt.NDArray[np.float32]
BACKGROUND = 255.0  # what textures with holes lie on


def draw_piece(name: str, look: Mark | Picture, unit: float) -> Piece:
    """A piece for cells (or rooms, where walls are lines) of `unit` pixels."""
    if isinstance(look, Mark):
        return Piece(name, *paint(look, look.scale * unit))
    return Piece(name, *fit(look, max(round(unit), 1), max(round(unit), 1)))


def long_piece(name: str, look: Mark, length: int, unit: float, *, upright: bool) -> Piece:
    """A piece that is some cells long; it stands on the middle of its first one."""
    rgb, alpha = paint(look, look.scale * unit)
    rows, cols = (np.flatnonzero(alpha.max(axis=axis) > 0) for axis in (1, 0))
    cut = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    middle, back = len(alpha) / 2, (length - 1) / 2 * unit
    x, y = (middle, middle - back) if upright else (middle - back, middle)
    return Piece(name, rgb[cut].copy(), alpha[cut].copy(), (float(x - cols[0]), float(y - rows[0])))


def draw_plate(
    tiles: Tiles,
    lattice: Lattice,
    style: Style,
    kinds: Sequence[str],
    size: tuple[int, int],
    rng: np.random.Generator,
    *,
    walled: bool = True,
) -> Frame:
    """The still picture.

    Args:
        tiles: (rows, cols), each the place of its kind in `kinds`.
        lattice: the grid in pixels.
        style: how it is drawn.
        kinds: of tiles, as the style calls them; first the floor, then what bars the way.
        size: (width, height) in pixels.
        rng: the instance's stream for surfaces.
        walled: whether the border tiles go on around the board; else the style's margin is there.
    """
    w, h = size
    at_row, at_col = _tiles_at(lattice, size)
    plate = np.full((h, w, 3), BACKGROUND, np.float32)
    standing: list[tuple[int, Mark]] = []
    for code, kind in enumerate(kinds):
        look = style.look(kind)
        if isinstance(look, Paint):
            colours = _surface(rng, size, look, lattice.cell_w)
            if code == 0:
                plate = colours
            else:
                lined = style.lines and code == 1
                here = _lines(tiles == code, lattice, size) if lined else (tiles == code)[at_row][:, at_col]
                _cover(plate, here, colours)
        elif isinstance(look, Picture):
            _lay(plate, look, np.ones_like(tiles) if code == 0 else tiles == code, lattice, around=walled)
        else:
            standing.append((code, look))
    if style.grid:
        _rule(plate, lattice, style.grid)
    if not walled:
        _frame(plate, lattice, style.margin, rng)
    np.clip(plate + np.float32(0.5), 0, 255, out=plate)
    frame = plate.astype(np.uint8)
    unit = lattice.cell_w * (2 if style.lines else 1)
    for code, mark in standing:
        piece = draw_piece(kinds[code], mark, unit)
        for row, col in np.argwhere(tiles == code):
            x, y = lattice.pixels((col, row))
            blend(frame, piece, float(x), float(y))
    return frame


def _surface(rng: np.random.Generator, size: tuple[int, int], look: Paint, cell: float) -> Canvas:
    w, h = size
    colours = surface(rng, size, look.colour, look.texture, look.strength, cell)
    # A row first: to repeat three numbers over a picture takes ten times as long.
    rows = np.repeat(colours[0], w, axis=0) if colours.shape[1] == 1 else colours
    return np.array(np.broadcast_to(rows, (h, w, 3)), order="C")


def _cover(plate: Canvas, here: npt.NDArray[np.bool_], colours: Canvas) -> None:
    """Lay a surface over the chosen pixels, in place."""
    cv2.copyTo(colours, np.ascontiguousarray(here, np.uint8), plate)


def _tiles_at(lattice: Lattice, size: tuple[int, int]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The row and the column of tiles at each row and column of pixels; outside the board the nearest."""
    xs, ys = lattice.edges()
    at_col = np.searchsorted(xs[1:-1], np.arange(size[0]), side="right")
    at_row = np.searchsorted(ys[1:-1], np.arange(size[1]), side="right")
    return at_row, at_col


def _lines(walls: npt.NDArray[np.bool_], lattice: Lattice, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The pixels of walls that are drawn as lines between rooms on odd rows and columns."""
    w, h = size
    rows, cols = walls.shape
    half = max(lattice.cell_w * 0.15, 1.0)
    centre = lattice.pixels(np.stack(np.meshgrid(np.arange(cols), np.arange(rows)), -1))
    out = np.zeros((h, w), np.bool_)
    for r, c in np.argwhere(walls):
        if r % 2 == 0 and c % 2 == 0:
            continue
        across, down = (1, 0) if r % 2 == 0 else (0, 1)
        left, top = centre[r - down, c - across] - half
        right, bottom = centre[r + down, c + across] + half
        rows_px = slice(max(round(float(top)), 0), max(round(float(bottom)), 0))
        out[rows_px, max(round(float(left)), 0) : max(round(float(right)), 0)] = True
    return out


def _lay(
    plate: Canvas, look: Picture, chosen: npt.NDArray[np.bool_], lattice: Lattice, *, around: bool
) -> None:
    """Lay a texture into the chosen tiles, each as large as its tile, and go on with it around the board."""
    h, w = plate.shape[:2]
    more_x = int(np.ceil(max(lattice.x0, 0) / lattice.cell_w)) if around else 0
    more_y = int(np.ceil(max(lattice.y0, 0) / lattice.cell_h)) if around else 0
    xs = np.rint(lattice.x0 + np.arange(-more_x, lattice.cols + more_x + 1) * lattice.cell_w).astype(int)
    ys = np.rint(lattice.y0 + np.arange(-more_y, lattice.rows + more_y + 1) * lattice.cell_h).astype(int)
    wide = np.pad(chosen, ((more_y, more_y), (more_x, more_x)), mode="edge")
    for r, c in np.argwhere(wide):
        rgb, alpha = fit(look, int(xs[c + 1] - xs[c]), int(ys[r + 1] - ys[r]))
        x0, y0, x1, y1 = max(xs[c], 0), max(ys[r], 0), min(xs[c + 1], w), min(ys[r + 1], h)
        cut = slice(y0 - ys[r], y1 - ys[r]), slice(x0 - xs[c], x1 - xs[c])
        part = plate[y0:y1, x0:x1]
        part += (rgb[cut] - part) * alpha[cut][..., None]


def _rule(plate: Canvas, lattice: Lattice, darker: int) -> None:
    """Lines between the cells."""
    h, w = plate.shape[:2]
    xs, ys = lattice.edges()
    for x in xs[(xs >= 0) & (xs < w)]:
        plate[:, x] -= darker
    for y in ys[(ys >= 0) & (ys < h)]:
        plate[y] -= darker


def _frame(plate: Canvas, lattice: Lattice, margin: Paint, rng: np.random.Generator) -> None:
    """Cover what lies outside the board."""
    h, w = plate.shape[:2]
    xs, ys = lattice.edges()
    outside = np.ones((h, w), np.bool_)
    outside[max(int(ys[0]), 0) : int(ys[-1]), max(int(xs[0]), 0) : int(xs[-1])] = False
    if outside.any():
        _cover(plate, outside, _surface(rng, (w, h), margin, lattice.cell_w))
