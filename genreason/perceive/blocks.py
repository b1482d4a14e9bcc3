"""Compare a frame with the still scene, block by block.

A block is a third of a cell, at least 4 pixels. Its mean colour hardly moves under compression, blur and
texture jitter, but does when something is drawn or erased there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.board import Board, Piece
from genreason.types import Frame

CHANGED = 24.0  # difference of mean colour (0-255, largest channel) that is a change
WEIGHT = 80.0  # sum of differences over a changed region from which it is more than a speck
TINT = 16.0  # uniform change of colour (0-255) that is taken for a tint
MOST_BLOBS = 6
Means = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Blob:
    """A connected changed region: centre and extent in pixels, area in cells."""

    x: float
    y: float
    extent: float
    area: float


@dataclass(frozen=True, slots=True)
class Gap:
    """How a frame differs from the scene, a uniform tint left out: how much, and which blocks count."""

    size: Means
    changed: npt.NDArray[np.bool_]
    tint: npt.NDArray[np.float32]
    block: int
    cell_area: float

    def blobs(self) -> list[Blob]:
        """The changed regions, largest first, specks left out."""
        if not self.changed.any():
            return []
        count, label, stats, centre = cv2.connectedComponentsWithStats(
            self.changed.astype(np.uint8), connectivity=8
        )
        k = self.block
        blobs = []
        for i in range(1, count):
            cells = int(stats[i, cv2.CC_STAT_AREA])
            if float(self.size[label == i].sum()) < WEIGHT:
                continue
            extent = float(max(stats[i, cv2.CC_STAT_WIDTH], stats[i, cv2.CC_STAT_HEIGHT])) * k
            x, y = (float(centre[i][0]) + 0.5) * k, (float(centre[i][1]) + 0.5) * k
            blobs.append(Blob(x, y, extent, cells * k * k / self.cell_area))
        return sorted(blobs, key=lambda blob: -blob.area)[:MOST_BLOBS]


class Blocks:
    """The still scene as blocks."""

    def __init__(self, board: Board) -> None:
        """`board` as it was fitted to the frames."""
        cell = min(board.lattice.cell_w, board.lattice.cell_h)
        self.k = max(4, round(cell / 3))
        self.cell = cell
        self.cell_area = board.lattice.cell_w * board.lattice.cell_h
        self.shape = board.plate.shape[:2]
        self.base = self.means(board.plate)
        count = self.base.shape[0] * self.base.shape[1]
        self._sample = np.arange(0, count, max(count // 300, 1))  # enough blocks to know a tint by

    def means(self, frame: Frame) -> Means:
        """Mean colour of each block, (rows, cols, 3)."""
        h, w = self.shape
        k = self.k
        pad_y, pad_x = -h % k, -w % k
        if pad_y or pad_x:
            frame = np.asarray(
                cv2.copyMakeBorder(frame, 0, pad_y, 0, pad_x, cv2.BORDER_REFLECT_101), np.uint8
            )
        size = (w + pad_x) // k, (h + pad_y) // k
        return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.float32)

    def compare(self, means: Means, covered: npt.NDArray[np.bool_]) -> Gap:
        """How a frame (its block means) differs from the scene outside the covered blocks."""
        difference = means - self.base
        tint = np.clip(np.median(difference.reshape(-1, 3)[self._sample], axis=0), -TINT, TINT)
        tint = tint.astype(np.float32)
        size = _largest(np.abs(difference - tint))
        return Gap(size, (size > CHANGED) & ~covered, tint, self.k, self.cell_area)

    def distance(self, a: Frame, b: Frame) -> npt.NDArray[np.bool_]:
        """Blocks in which two whole pictures differ."""
        difference = self.means(a) - self.means(b)
        tint = np.clip(np.median(difference.reshape(-1, 3), axis=0), -TINT, TINT)
        return np.asarray(_largest(np.abs(difference - tint)) > CHANGED, np.bool_)

    def learn(self, means: Means, covered: npt.NDArray[np.bool_]) -> None:
        """Take the scene's colours from these means where no piece stands."""
        self.base = np.where(covered[..., None], self.base, means)

    def covered(self, pieces: Iterable[tuple[Piece, float, float]]) -> npt.NDArray[np.bool_]:
        """The blocks that these pieces (piece, x, y in pixels) touch, with a margin of a fifth of a cell."""
        out = np.zeros(self.base.shape[:2], np.bool_)
        margin = 0.2 * self.cell
        for piece, x, y in pieces:
            x, y = x - piece.anchor[0], y - piece.anchor[1]
            left, top, right, bottom = piece.ink
            x0, x1 = int((x + left - margin) // self.k), int((x + right + margin) // self.k) + 1
            y0, y1 = int((y + top - margin) // self.k), int((y + bottom + margin) // self.k) + 1
            out[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
        return out

    def outside(self, warp: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """The blocks that a camera moved by `warp` (see `view`) does not wholly show."""
        h, w = self.shape
        out = np.zeros(self.base.shape[:2], np.bool_)
        for axis, (length, zoom, shift) in enumerate(((h, warp[1], warp[3]), (w, warp[0], warp[2]))):
            half = length / 2
            first, last = ((edge - half - shift) / (1 + zoom / half) + half for edge in (0, length))
            lines = out if axis == 0 else out.T
            lines[: max(int(np.ceil(first / self.k)), 0)] = True
            if last < length:
                lines[max(int(last // self.k), 0) :] = True
        return out


def _largest(values: Means) -> Means:
    """The largest channel of (..., 3)."""
    return np.asarray(np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2]), np.float32)
