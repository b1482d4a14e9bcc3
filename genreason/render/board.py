"""A scene as layers: one still picture (the plate) and the pieces that move over it.

Drawing a frame is copying the plate and blending the pieces at sub-pixel places; reading a frame
(`genreason.perceive`) compares it with the same layers. Who drew them (our styles, or a foreign first frame
taken apart) makes no difference to either.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.lattice import Lattice
from genreason.types import Frame

PHASES = 8  # sub-pixel places per pixel and axis at which a piece is drawn


@dataclass(frozen=True)
class Piece:
    """A picture that moves.

    Attributes:
        name: what it is ("agent", "box"); pieces of the same name look alike and may be swapped.
        rgb: (h, w, 3) float32 colours, 0-255, not multiplied by alpha.
        alpha: (h, w) float32 in [0, 1].
        anchor: which point (x, y) of the picture, in its pixels, stands on the piece's place; the middle by
            default.
        sheer: the piece as it is if what it stood on in the picture that it was cut from shines through it as
            much as it can, where that would not show there; None where it is known how opaque it is.
        fixed: whether it stays at its place until it is gone (a key that is taken, a door that opens).
    """

    name: str
    rgb: npt.NDArray[np.float32]
    alpha: npt.NDArray[np.float32]
    anchor: tuple[float, float] = (-1.0, -1.0)
    sheer: Piece | None = None
    fixed: bool = False
    _phases: dict[tuple[int, int], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Put the anchor in the middle where none was given."""
        if self.anchor == (-1.0, -1.0):
            object.__setattr__(self, "anchor", (self.alpha.shape[1] / 2, self.alpha.shape[0] / 2))

    @functools.cached_property
    def ink(self) -> tuple[int, int, int, int]:
        """The part (left, top, right, bottom) of the picture that shows anything."""
        rows, cols = (
            np.flatnonzero(self.alpha.max(axis=1) > 0.2),
            np.flatnonzero(self.alpha.max(axis=0) > 0.2),
        )
        return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1

    @functools.cached_property
    def _framed(self) -> npt.NDArray[np.float32]:
        """Colour * alpha and alpha (h + 2, w + 2, 4), with nothing around them."""
        rgba = np.dstack([self.rgb * self.alpha[..., None], self.alpha])
        return np.asarray(cv2.copyMakeBorder(rgba, 1, 1, 1, 1, cv2.BORDER_CONSTANT), np.float32)

    def at(self, phase_x: int, phase_y: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """(colour * alpha, 1 - alpha), a pixel larger on each side, moved by phase / PHASES pixels.

        Both have three channels: arithmetic on pictures of one shape takes a quarter of the time.
        """
        found = self._phases.get((phase_x, phase_y))
        if found is None:
            rgba = self._framed
            shift = np.array([[1, 0, phase_x / PHASES], [0, 1, phase_y / PHASES]], np.float32)
            moved = cv2.warpAffine(rgba, shift, (rgba.shape[1], rgba.shape[0]), flags=cv2.INTER_LINEAR)
            rest = np.repeat(np.asarray(1 - moved[..., 3:], np.float32), 3, axis=2)
            found = np.asarray(moved[..., :3], np.float32).copy(), rest
            self._phases[phase_x, phase_y] = found
        return found


@dataclass(frozen=True)
class Board:
    """The layers of one instance.

    Attributes:
        plate: HWC RGB uint8, everything that stands still (walls, floor, goals).
        pieces: what moves, in drawing order (last on top).
        lattice: the grid in the plate's pixels.
        words: what things look like, for prompts ("agent": "red disc").
        unit: cells in what a person calls a cell: 2 where walls are lines and a room is two cells wide.
        doubt: (h, w) uint8, how far (0-255) the plate may be off where it was guessed, or None: under the
            pieces of a picture that somebody else drew.
    """

    plate: Frame
    pieces: tuple[Piece, ...]
    lattice: Lattice
    words: dict[str, str] = field(default_factory=dict)
    unit: int = 1
    doubt: npt.NDArray[np.uint8] | None = None

    def fitted(self, scale: tuple[float, float], offset: tuple[float, float], size: tuple[int, int]) -> Board:
        """The board in a picture of `size` (w, h) in which plate pixel p lies at `p * scale + offset`."""
        fit = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]], np.float64)
        lattice = self.lattice.scaled(*scale)
        lattice = replace(lattice, x0=lattice.x0 + offset[0], y0=lattice.y0 + offset[1])
        pieces = tuple(_resized(piece, scale) for piece in self.pieces)
        doubt = None if self.doubt is None else warp(self.doubt, fit, size)
        return replace(self, plate=warp(self.plate, fit, size), pieces=pieces, lattice=lattice, doubt=doubt)

    def draw(
        self, places: npt.ArrayLike, opacity: npt.ArrayLike | None = None, out: Frame | None = None
    ) -> Frame:
        """The picture with the pieces at `places` (N, 2) in cells; `opacity` (N,) fades them (default 1).

        `out` is drawn over in place; by default a copy of the plate is.
        """
        frame = self.plate.copy() if out is None else out
        pixels = self.lattice.pixels(places)
        for i, piece in enumerate(self.pieces):
            strength = 1.0 if opacity is None else float(np.asarray(opacity)[i])
            if strength > 0:
                blend(frame, piece, float(pixels[i, 0]), float(pixels[i, 1]), strength)
        return frame


@dataclass(frozen=True, slots=True)
class Stamp:
    """A piece at a sub-pixel place, cut to the picture: where it goes, and its premultiplied colours."""

    target: tuple[slice, slice]
    colour: npt.NDArray[np.float32]
    rest: npt.NDArray[np.float32]


def stamp(piece: Piece, x: float, y: float, shape: tuple[int, ...]) -> Stamp | None:
    """The piece with its anchor at pixel (x, y), pixel centres at .5; None where it is out of sight."""
    qx, qy = round((x - piece.anchor[0]) * PHASES), round((y - piece.anchor[1]) * PHASES)
    colour, rest = piece.at(qx % PHASES, qy % PHASES)
    h, w = rest.shape[:2]
    left, top = qx // PHASES - 1, qy // PHASES - 1
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + w, shape[1]), min(top + h, shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    cut = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    return Stamp((slice(y0, y1), slice(x0, x1)), colour[cut], rest[cut])


def blend(frame: Frame, piece: Piece, x: float, y: float, opacity: float = 1.0) -> None:
    """Draw the piece into the frame in place, its anchor at pixel (x, y); pixel centres are at .5."""
    mark = stamp(piece, x, y, frame.shape)
    if mark is None:
        return
    target = frame[mark.target]
    if opacity == 1.0:
        mixed = target * mark.rest
        mixed += mark.colour
    else:
        mixed = target * (1 - opacity * (1 - mark.rest)) + mark.colour * opacity
    np.add(mixed, 0.5, out=target, casting="unsafe")


def warp(picture: Frame, fit: npt.NDArray[np.float64], size: tuple[int, int]) -> Frame:
    """The picture moved by the 2x3 `fit` (pixel corners at whole numbers), edges repeated, not aliased."""
    (sx, _, tx), (_, sy, ty) = fit
    h, w = picture.shape[:2]
    if sx < 1 or sy < 1:
        small = max(round(w * min(sx, 1.0)), 1), max(round(h * min(sy, 1.0)), 1)
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        sx, sy = sx * w / small[0], sy * h / small[1]
    if (sx, sy, tx, ty) == (1.0, 1.0, 0.0, 0.0) and size == (picture.shape[1], picture.shape[0]):
        return picture.copy()
    centred = np.array([[sx, 0, tx + 0.5 * sx - 0.5], [0, sy, ty + 0.5 * sy - 0.5]], np.float64)
    moved = cv2.warpAffine(picture, centred, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _resized(piece: Piece, scale: tuple[float, float]) -> Piece:
    if scale == (1.0, 1.0):
        return piece
    h, w = piece.alpha.shape
    size = max(round(w * scale[0]), 3), max(round(h * scale[1]), 3)
    rgba = np.dstack([piece.rgb * piece.alpha[..., None], piece.alpha])
    method = cv2.INTER_AREA if size[0] <= w and size[1] <= h else cv2.INTER_LINEAR
    small = cv2.resize(rgba, size, interpolation=method)
    alpha = np.ascontiguousarray(small[..., 3], np.float32)
    rgb = np.where(
        alpha[..., None] > 1e-3, small[..., :3] / np.maximum(alpha[..., None], 1e-3), np.float32(0)
    )
    anchor = (piece.anchor[0] * size[0] / w, piece.anchor[1] * size[1] / h)
    sheer = None if piece.sheer is None else _resized(piece.sheer, scale)
    return Piece(piece.name, np.asarray(rgb, np.float32), alpha, anchor, sheer, piece.fixed)
