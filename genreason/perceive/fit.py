"""Fit a board to a clip: which part of the picture shows the scene, and in which pixels it is read.

Frames are read in the clip's own pixels, reduced by a whole number; the board is fitted to them, and not the
other way round.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import Blocks
from genreason.perceive.view import STILL, Registrar, View, find_view, gray
from genreason.render.board import Board
from genreason.types import Frame, UnreadableClipError

SHIFTED = 0.002  # share of changed blocks from which a movement of the picture is looked for
LEAST = 16  # pixels of a side below which nothing can be read
WORKING = 240  # pixels of the longer side down to which frames may be reduced
CELL = 10  # pixels of a cell down to which they may be
MENDED = 0.7  # share of the changes that is left when a small misfit of frame 0 was mended
MOST_SHIFT = 0.06  # share of the picture that frame 0 may be off its view and still be mended


@dataclass(frozen=True)
class Fit:
    """How frames are read.

    Attributes:
        view: how the clip shows the first frame.
        crop: the rows and columns of the clip that show the scene.
        reduce: by which whole number they are reduced.
        board: the layers in the reduced pixels.
    """

    view: View
    crop: tuple[slice, slice]
    reduce: int
    board: Board

    def prepare(self, frame: Frame) -> Frame:
        """The part of a frame that shows the scene, reduced."""
        return _prepared(frame, self.crop, self.reduce)

    def in_clip(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Reduced pixels (..., 2) to the clip's."""
        left_top = np.array([self.crop[1].start, self.crop[0].start], np.float32)
        return np.asarray(pixels * self.reduce + left_top, np.float32)


def fit_board(board: Board, covered: list[tuple[float, float]], reference: Frame, first: Frame) -> Fit:
    """Fit the board to a clip's frame 0.

    Args:
        board: the layers in the reference's pixels.
        covered: places (x, y in cells) of the board's pieces, which are left out of comparisons.
        reference: the given first frame.
        first: the clip's frame 0, any size; both HWC RGB uint8.

    Raises:
        UnreadableClipError: the clip, or the part of it that shows the scene, is too small.
    """
    if min(first.shape[:2]) < LEAST:
        raise UnreadableClipError(f"the clip is only {first.shape[1]} x {first.shape[0]} pixels large")
    view = find_view(reference, first)
    crop, reduce = _working_area(view, reference, first, board.lattice.cell_w)
    small = _prepared(first, crop, reduce)
    size = small.shape[1], small.shape[0]
    if min(size) < LEAST:
        raise UnreadableClipError("the clip shows too little of the scene")
    (ax, ay), (bx, by) = view.scale, view.offset
    scale = ax / reduce, ay / reduce
    offset = (bx - crop[1].start) / reduce, (by - crop[0].start) / reduce
    fitted = board.fitted(scale, offset, size)
    changed = _changed(fitted, small, covered)
    if changed > SHIFTED:
        warp, _ = Registrar(fitted.plate).estimate(gray(small), STILL)
        share = np.abs(warp[:4]) / np.array(size * 2)
        if 0 < share.max() < MOST_SHIFT:
            zoom = 1 + warp[0] / (size[0] / 2), 1 + warp[1] / (size[1] / 2)
            scale = scale[0] * zoom[0], scale[1] * zoom[1]
            offset = offset[0] * zoom[0] - warp[0] + warp[2], offset[1] * zoom[1] - warp[1] + warp[3]
            mended = board.fitted(scale, offset, size)
            if _changed(mended, small, covered) < MENDED * changed:
                fitted = mended
    return Fit(view, crop, reduce, fitted)


def _changed(board: Board, frame: Frame, places: list[tuple[float, float]]) -> float:
    """Share of blocks in which the frame is not the board's plate, outside the pieces."""
    blocks = Blocks(board)
    pixels = board.lattice.pixels(np.array(places, np.float32).reshape(-1, 2))
    spots = [(piece, float(x), float(y)) for piece, (x, y) in zip(board.pieces, pixels, strict=True)]
    return float(blocks.compare(blocks.means(frame), blocks.covered(spots)).changed.mean())


def _prepared(frame: Frame, crop: tuple[slice, slice], reduce: int) -> Frame:
    part = frame[crop]
    if reduce == 1:
        return np.ascontiguousarray(part)
    size = part.shape[1] // reduce, part.shape[0] // reduce
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


def _working_area(view: View, reference: Frame, first: Frame, cell: float) -> tuple[tuple[slice, slice], int]:
    """The part of the clip that shows the scene, and by which whole number it is reduced for reading."""
    h, w = reference.shape[:2]
    x0, y0 = max(round(view.offset[0]), 0), max(round(view.offset[1]), 0)
    x1 = min(round(view.offset[0] + w * view.scale[0]), first.shape[1])
    y1 = min(round(view.offset[1] + h * view.scale[1]), first.shape[0])
    cell_px = cell * min(view.scale)
    reduce = max(1, min(max(x1 - x0, y1 - y0) // WORKING, int(cell_px / CELL)))
    x1, y1 = x0 + (x1 - x0) // reduce * reduce, y0 + (y1 - y0) // reduce * reduce
    return (slice(y0, y1), slice(x0, x1)), reduce
