"""Compare a frame with the still scene, block by block.

A block is a third of a cell, at least 4 pixels. Its mean colour hardly moves under compression, blur and
texture jitter, but does when something is drawn or erased there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.locate import SOFT
from genreason.render.board import Board, Piece, blend
from genreason.types import Frame

CHANGED = 24.0  # difference of mean colour (0-255, largest channel) that is a change
STAIN = 12.0  # difference more than that which compression leaves where a piece has been
WEIGHT = 80.0  # sum of differences over a changed region from which it is more than a speck
TINT = 16.0  # uniform change of colour (0-255) that is taken for a tint
MOST_BLOBS = 6
SLACK = 24  # how far (0-255) a pixel may lie outside the scene's colours around it
REACH = 2  # pixels around it in which these colours are looked for
EXCESS = 4.0  # weight of what lies outside against a difference of mean colour
ODD = 60.0  # difference of mean colour between a piece and what it should look like
CUT = 0.1  # share of a block that may be out of the picture
OTHER = 28.0  # difference from the given picture at which something else is there
WIDE = 8  # pixels of a block for which this holds: compression moves the mean of a smaller one more
REACHING = 0.6  # share of it down to which what is around belongs to it
BESIDE = 40.0  # the most that it can be; on and beside pieces, whose colours compression spreads, it is
MUCH = 0.7  # share of the blocks below which those that are not covered tell a tint alone,
LEAST_FREE = 12  # if there are so many of them
LAG = 12.0  # difference of mean colour that they may make
ASIDE = ((-2, 0), (2, 0), (0, -2), (0, 2))  # pixels by which colours may lag: one of theirs
_BROAD = np.ones((3, 3), np.uint8)
Means = npt.NDArray[np.float32]
Standing = tuple[Piece, float, float]
"""A piece, and the pixel (x, y) that it stands on."""


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

    def apart_from(self, covered: npt.NDArray[np.bool_], passed: npt.NDArray[np.bool_]) -> Gap:
        """The same differences, counted outside other blocks; pieces have been on the blocks `passed`."""
        least = np.where(passed, np.float32(CHANGED + STAIN), np.float32(CHANGED))
        return replace(self, changed=(self.size > least) & ~covered)

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
        around = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
        darkest = np.asarray(cv2.erode(board.plate, around), np.int16)
        lightest = np.asarray(cv2.dilate(board.plate, around), np.int16)
        self._low = self._pad(np.clip(darkest - SLACK, 0, 255).astype(np.uint8))
        self._high = self._pad(np.clip(lightest + SLACK, 0, 255).astype(np.uint8))
        self._plate = board.plate
        self.base = self.means(board.plate)
        self._doubt = None if board.doubt is None else self.shrunk(board.doubt)
        count = self.base.shape[0] * self.base.shape[1]
        self._sample = np.arange(0, count, max(count // 300, 1))  # enough blocks to know a tint by

    def means(self, frame: Frame) -> Means:
        """Mean colour of each block, and how far its pixels lie outside the scene's colours: (rows, cols, 4).

        The fourth channel sees what is thin or has the mean colour of what it covers (a star with an edge).
        """
        whole = self._pad(frame)
        return self._part_means(whole, 0, 0)

    def means_after(self, frame: Frame, last: Frame, means: Means) -> Means:
        """The same, from the frame before and its means: only what has changed is looked at."""
        if frame is last:
            return means
        a, b, k = self._pad(frame), self._pad(last), self.k
        changed = cv2.absdiff(a, b).reshape(a.shape[0], -1)
        left, top, width, height = cv2.boundingRect(changed)
        if width == 0:
            return means
        # A pixel more on each side, as erosion spreads, and a block, as it needs its neighbours.
        x0, x1 = max((left // 3 - 1) // k - 1, 0), min(((left + width - 1) // 3 + 1) // k + 2, means.shape[1])
        y0, y1 = max((top - 1) // k - 1, 0), min((top + height) // k + 2, means.shape[0])
        part = self._part_means(a[y0 * k : y1 * k, x0 * k : x1 * k], y0, x0)
        # The outermost blocks were computed without their neighbours, and have not changed.
        inner_y = slice(int(y0 > 0), y1 - y0 - int(y1 < means.shape[0]))
        inner_x = slice(int(x0 > 0), x1 - x0 - int(x1 < means.shape[1]))
        out = means.copy()
        out[y0:y1, x0:x1][inner_y, inner_x] = part[inner_y, inner_x]
        return out

    def _part_means(self, part: Frame, row: int, col: int) -> Means:
        """The means of a part of the (padded) frame that begins at this block."""
        h, w = part.shape[:2]
        y, x = row * self.k, col * self.k
        low, high = self._low[y : y + h, x : x + w], self._high[y : y + h, x : x + w]
        outside = cv2.max(cv2.subtract(part, high), cv2.subtract(low, part))
        r, g, b = cv2.split(outside)
        # Lines a pixel or two wide are edges, not things: they are eroded away.
        broad = cv2.erode(cv2.max(cv2.max(r, g), b), _BROAD)
        size = w // self.k, h // self.k
        colours = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        excess = cv2.resize(broad, size, interpolation=cv2.INTER_AREA)
        return np.dstack([colours.astype(np.float32), np.float32(EXCESS) * excess.astype(np.float32)])

    def shrunk(self, frame: Frame) -> Means:
        """Mean of each block."""
        whole = self._pad(frame)
        size = whole.shape[1] // self.k, whole.shape[0] // self.k
        return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)

    def pixels(self, blocks: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """The pixels of these blocks: 1, else 0; the last few are of the blocks beside them."""
        whole = blocks.astype(np.uint8).repeat(self.k, axis=0).repeat(self.k, axis=1)
        h, w = self.shape
        below, right = max(h - len(whole), 0), max(w - whole.shape[1], 0)
        return np.pad(whole, ((0, below), (0, right)), mode="edge")[:h, :w]

    def _pad(self, frame: Frame) -> Frame:
        """The nearest whole number of blocks: without the last few pixels, or with their mirror image.

        What is mirrored is in the same block, so that nothing shows in a block that is not there itself.
        """
        (h, w), k = self.shape, self.k
        rows, cols = max(round(h / k), 1) * k, max(round(w / k), 1) * k
        if rows > h or cols > w:
            below, right = max(rows - h, 0), max(cols - w, 0)
            frame = np.asarray(
                cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REFLECT_101), np.uint8
            )
        return frame[:rows, :cols]

    def compare(self, means: Means, covered: npt.NDArray[np.bool_], moved: bool = False) -> Gap:
        """How a frame (its block means) differs from the scene outside the covered blocks.

        Where the camera has `moved`, colours may lag behind: a pixel of colour is two of brightness.
        """
        difference = means - self.base
        tint = _tint(difference.reshape(-1, 4)[self._told(covered)])
        off = np.abs(difference - tint)
        if moved:
            off[..., :3] = np.maximum(off[..., :3] - self._spread, 0)
        size = largest(off)
        if self._doubt is not None:
            size = np.maximum(size - self._doubt, 0)
        return Gap(size, (size > CHANGED) & ~covered, tint[:3], self.k, self.cell_area)

    @functools.cached_property
    def _spread(self) -> Means:
        """How much the means may differ where colours lag behind brightness, as in video of few bits."""
        lagging = [self.shrunk(_colours_aside(self._plate, dx, dy)) for dx, dy in ASIDE]
        gaps = [np.abs(means - self.shrunk(self._plate)) for means in lagging]
        return np.asarray(np.minimum(np.max(gaps, axis=0), LAG), np.float32)

    def _told(self, covered: npt.NDArray[np.bool_]) -> npt.NDArray[np.int_]:
        """The sample of blocks that a tint is known by: where much is covered, those that are not."""
        free = self._sample[~covered.ravel()[self._sample]]
        return free if LEAST_FREE <= len(free) < MUCH * len(self._sample) else self._sample

    def difference(self, a: Frame, b: Frame, covered: npt.NDArray[np.bool_]) -> Gap:
        """How a picture differs from another one, sharp or slightly out of focus; pieces are on `covered`."""
        seen = self.means(a)
        sharp, soft = (
            seen - self.means(b),
            seen - self.means(np.asarray(cv2.GaussianBlur(b, (0, 0), SOFT), np.uint8)),
        )
        difference = np.where(np.abs(sharp) <= np.abs(soft), sharp, soft)
        difference[covered, 3] = 0  # a piece lies outside the scene's colours by itself
        tint = _tint(difference.reshape(-1, 4))
        size = largest(np.abs(difference - tint))
        beside = cv2.dilate(covered.astype(np.uint8), _BROAD) > 0
        limit = float(np.clip(OTHER * WIDE / self.k, OTHER, BESIDE))
        differs = size > np.where(beside, np.float32(BESIDE), np.float32(REACHING * limit))
        _, label = cv2.connectedComponents(differs.astype(np.uint8), connectivity=8)
        certain = label[differs & (size > limit)]
        return Gap(size, np.isin(label, certain), tint[:3], self.k, self.cell_area)

    def learn(self, means: Means, covered: npt.NDArray[np.bool_]) -> None:
        """Take the scene's colours from these means where no piece stands.

        Under the pieces it is as much out of focus as elsewhere.
        """
        soft = self.shrunk(np.asarray(cv2.GaussianBlur(self._plate, (0, 0), SOFT), np.uint8))
        softer = soft - self.base[..., :3]
        gap = (means[..., :3] - self.base[..., :3])[~covered]
        energy = float((softer[~covered] ** 2).sum())
        if energy > 0:
            share = float((gap * softer[~covered]).sum()) / energy
            self.base[..., :3] += softer * np.float32(np.clip(share, 0, 1))
        self.base = np.where(covered[..., None], self.base, means)

    def span(self, piece: Piece, x: float, y: float, margin: float = 0.2) -> tuple[slice, slice]:
        """Rows and columns of blocks that a piece at pixel (x, y) touches, with a margin in cells."""
        x, y, edge = x - piece.anchor[0], y - piece.anchor[1], margin * self.cell
        left, top, right, bottom = piece.ink
        x0, x1 = int((x + left - edge) // self.k), int((x + right + edge) // self.k) + 1
        y0, y1 = int((y + top - edge) // self.k), int((y + bottom + edge) // self.k) + 1
        rows, cols = self.base.shape[:2]
        return slice(min(max(y0, 0), rows), min(max(y1, 0), rows)), slice(
            min(max(x0, 0), cols), min(max(x1, 0), cols)
        )

    def unlike(
        self,
        means: Means,
        rows: slice,
        cols: slice,
        tint: Means,
        pieces: Iterable[Standing],
    ) -> npt.NDArray[np.bool_]:
        """Which of these blocks of a frame differ in mean colour from the plate with the pieces on it."""
        if rows.start >= rows.stop or cols.start >= cols.stop:
            return np.zeros((max(rows.stop - rows.start, 0), max(cols.stop - cols.start, 0)), np.bool_)
        # At the far edges blocks may go on beyond the picture with its mirror image (see `_pad`).
        k, (h, w) = self.k, self.shape
        below, right = max(rows.stop * k - h, 0), max(cols.stop * k - w, 0)
        top, left = min(rows.start * k, max(h - 1 - below, 0)), min(cols.start * k, max(w - 1 - right, 0))
        size = cols.stop - cols.start, rows.stop - rows.start

        def drawn(standing: Iterable[Standing]) -> Means:
            """Mean colours of the blocks with pieces on them."""
            part = self._plate[top : rows.stop * k, left : cols.stop * k].copy()
            for piece, x, y in standing:
                blend(part, piece, x - left, y - top)
            if below or right:
                wide = cv2.copyMakeBorder(part, 0, below, 0, right, cv2.BORDER_REFLECT_101)
                part = np.asarray(wide, np.uint8)
            part = part[rows.start * k - top :, cols.start * k - left :]
            return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.float32)

        pieces = list(pieces)
        seen = means[rows, cols, :3] - tint
        least = most = drawn(pieces)
        if any(piece.sheer for piece, _, _ in pieces):  # between opaque and sheer, all is well
            other = drawn([(piece.sheer or piece, x, y) for piece, x, y in pieces])
            least, most = np.minimum(least, other), np.maximum(most, other)
        return np.asarray(largest(np.maximum(seen - most, least - seen)) > ODD, np.bool_)

    def covered(self, pieces: Iterable[Standing], margin: float = 0.2) -> npt.NDArray[np.bool_]:
        """The blocks that these pieces (piece, x, y in pixels) touch, with a margin in cells."""
        out = np.zeros(self.base.shape[:2], np.bool_)
        for piece, x, y in pieces:
            out[self.span(piece, x, y, margin)] = True
        return out

    def around(self, marked: npt.NDArray[np.bool_], reach: float) -> npt.NDArray[np.bool_]:
        """Blocks and those up to `reach` pixels beside them."""
        side = 2 * int(np.ceil(reach / self.k)) + 1
        return np.asarray(cv2.dilate(marked.astype(np.uint8), np.ones((side, side), np.uint8)) > 0, np.bool_)

    def outside(self, warp: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """The blocks that a camera moved by `warp` (see `view`) does not wholly show."""
        h, w = self.shape
        out = np.zeros(self.base.shape[:2], np.bool_)
        if not warp.any():
            return out
        turned = abs(float(warp[4])) * min(h, w) / max(h, w)  # at the edges' ends
        for axis, (length, zoom, shift) in enumerate(((h, warp[1], warp[3]), (w, warp[0], warp[2]))):
            half = length / 2
            first, last = ((edge - half - shift) / (1 + zoom / half) + half for edge in (0, length))
            first, last = first + turned, last - turned
            lines = out if axis == 0 else out.T
            lines[: max(int(np.ceil(first / self.k - CUT)), 0)] = True
            if last < length - CUT * self.k:
                lines[max(int(last / self.k + CUT), 0) :] = True
        return out


def _colours_aside(picture: Frame, dx: int, dy: int) -> Frame:
    """The picture with its colours, not its brightness, some pixels aside."""
    h, w = picture.shape[:2]
    ycc = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    pad = max(abs(dx), abs(dy))
    wide = cv2.copyMakeBorder(ycc, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    ycc[..., 1:] = wide[pad - dy : pad - dy + h, pad - dx : pad - dx + w, 1:]
    return np.asarray(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB), np.uint8)


def _tint(difference_K4: Means) -> npt.NDArray[np.float32]:
    """The change of colour that most blocks share; (4,), the last is 0."""
    middle = len(difference_K4) // 2
    rows = np.ascontiguousarray(difference_K4.T)  # four times as fast as along columns
    common = np.partition(rows, middle, axis=1)[:, middle]
    tint = np.clip(common, -TINT, TINT).astype(np.float32)
    tint[3] = 0
    return np.asarray(tint, np.float32)


def largest(values: Means) -> Means:
    """The largest channel: several times as fast as `max` along a short axis."""
    out = values[..., 0]
    for channel in range(1, values.shape[-1]):
        out = np.maximum(out, values[..., channel])
    return np.asarray(out, np.float32)
