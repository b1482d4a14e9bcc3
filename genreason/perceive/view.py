"""How a clip shows the given first frame: resized, letterboxed or cropped; zoomed, panned or turned later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from genreason.types import Frame

Gray = npt.NDArray[np.float32]
Warp = npt.NDArray[np.float64]
"""(5,) in pixels: how far zoom moves the right and bottom edges, the movement of the middle, x and y, and how
far a turn (clockwise, about the middle) moves what is half the longer side away from it."""
POINTS = 1600
# Differences (0-255) below which a point always counts. Where thin lines are off, they differ as a whole:
# nearly all points must count until they have caught.
TOLERANCES = ((0.0,), (110.0, 0.0))
CLOSE = 3.0  # mean difference at edges that cannot be bettered
STEPS = 8
BLURS = (6.0, 2.0, 0.7)
COARSE = 256  # pixels of the longer side at which sudden movements are looked for
WHOLE = 0.15  # pixels from a whole number up to which a shift is undone by whole pixels
STILL: Warp = np.zeros(5)


@dataclass(frozen=True, slots=True)
class View:
    """Pixel `p` of the first frame lies at `p * scale + offset` in the clip (pixel corners at whole numbers).

    `kind` is "same", "resized", "letterboxed" or "cropped"; `error` is the mean difference (0-255) that is
    left.
    """

    scale: tuple[float, float]
    offset: tuple[float, float]
    kind: str
    error: float


def find_view(reference: Frame, frame: Frame) -> View:
    """The plainest way in which `frame` (any size) can show `reference`; both HWC RGB uint8."""
    h, w = reference.shape[:2]
    height, width = frame.shape[:2]
    sx, sy = width / w, height / h
    fits = [("same" if (w, h) == (width, height) else "resized", sx, sy, 0.0, 0.0)]
    if abs(sx / sy - 1) > 0.003:
        for kind, s in (("letterboxed", min(sx, sy)), ("cropped", max(sx, sy))):
            fits.append((kind, s, s, (width - w * s) / 2, (height - h * s) / 2))
    inner = _without_bars(frame)
    if inner is not None:
        x0, y0, x1, y1 = inner
        fits.append(("letterboxed", (x1 - x0) / w, (y1 - y0) / h, float(x0), float(y0)))
    views = [
        View((ax, ay), (bx, by), kind, _difference(reference, frame, ax, ay, bx, by))
        for kind, ax, ay, bx, by in fits
    ]
    best = min(views, key=lambda view: view.error)
    return views[0] if views[0].error <= best.error * 1.15 + 0.5 else best


def _difference(reference: Frame, frame: Frame, ax: float, ay: float, bx: float, by: float) -> float:
    """Mean difference (0-255) of the pictures under a fit, at about 64 pixels, without a uniform tint."""
    h, w = reference.shape[:2]
    k = 64 / max(w, h)
    size = max(round(w * k), 8), max(round(h * k), 8)
    small = cv2.resize(reference, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    shrink = k / ax, k / ay
    seen = cv2.resize(
        frame, None, fx=min(shrink[0], 1.0), fy=min(shrink[1], 1.0), interpolation=cv2.INTER_AREA
    )
    rx, ry = seen.shape[1] / frame.shape[1], seen.shape[0] / frame.shape[0]
    px, py = w * ax / size[0] * rx, h * ay / size[1] * ry  # pixels of `seen` per pixel of `small`
    fit = np.array([[px, 0, bx * rx + 0.5 * px - 0.5], [0, py, by * ry + 0.5 * py - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(seen, fit, size, flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    gap = moved - small
    gap -= np.clip(np.median(gap.reshape(-1, 3), axis=0), -16, 16)
    return float(np.abs(gap).mean())


def _without_bars(frame: Frame) -> tuple[int, int, int, int] | None:
    """The part (left, top, right, bottom) inside uniform bars at opposite edges, or None."""
    corner = frame[0, 0].astype(np.int16)
    off = np.abs(frame.astype(np.int16) - corner).max(axis=-1) > 10
    columns, rows = np.flatnonzero(off.mean(axis=0) > 0.02), np.flatnonzero(off.mean(axis=1) > 0.02)
    if len(columns) < 8 or len(rows) < 8:
        return None
    x0, x1, y0, y1 = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    height, width = frame.shape[:2]
    return (x0, y0, x1, y1) if (x0, y0, x1, y1) != (0, 0, width, height) else None


class Registrar:
    """Finds how a frame is moved against a still picture: zoom in x and y about the middle, shift and turn.

    Gauss-Newton on the pixels with the strongest edges, coarse to fine (inverse compositional: everything
    that depends on the still picture is computed once).
    """

    def __init__(self, plate: Frame) -> None:
        """`plate`: HWC RGB uint8, what the camera should see."""
        self.gray = gray(plate)
        h, w = self.gray.shape
        self.half = np.array([w / 2, h / 2])
        self._levels: dict[float, _Level] = {}
        self._coarse: Gray | None = None
        self._window: Any = None

    def _level(self, blur: float) -> _Level:
        if blur not in self._levels:
            self._levels[blur] = _Level(_blurred(self.gray, blur), blur)
        return self._levels[blur]

    def estimate(self, frame_gray: Gray, start: Warp = STILL, *, search: bool = True) -> tuple[Warp, float]:
        """The warp that explains `frame_gray` best, and the mean difference (0-255) it leaves at edges.

        `start` is a guess (the last frame's warp); with `search` larger movements are looked for too.
        """
        best = np.array(start, np.float64)
        for blur in BLURS if search else BLURS[-1:]:
            level = self._level(blur)
            blurred = _blurred(frame_gray, level.blur) if level.blur > 1 else frame_gray
            best, error = level.refine(blurred, best, self.half)
        return best, error

    def shift(self, frame_gray: Gray) -> Warp:
        """A first guess at a sudden movement without zoom, however far (by phase correlation)."""
        k = min(COARSE / max(self.gray.shape), 1.0)
        if self._coarse is None:
            small = cv2.resize(self.gray, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
            self._coarse = np.asarray(small, np.float32)
            self._window = cv2.createHanningWindow((small.shape[1], small.shape[0]), cv2.CV_32F)
        size = self._coarse.shape[1], self._coarse.shape[0]
        small = cv2.resize(frame_gray, size, interpolation=cv2.INTER_AREA)
        # Copies: where no padding is needed, OpenCV applies the window to its arguments in place.
        still, moved = self._coarse.copy(), np.array(small, np.float32)
        (dx, dy), _ = cv2.phaseCorrelate(still, moved, self._window)
        return np.array([0.0, 0.0, dx / k, dy / k, 0.0])

    def error(
        self, frame_gray: Gray, warp: Warp, hidden: npt.NDArray[np.bool_] | None = None, side: int = 1
    ) -> float:
        """The mean difference (0-255) at edges under a warp; `hidden` blocks (`side` pixels) aside."""
        level = self._level(BLURS[-1])
        gap = np.minimum(np.abs(level.residual(frame_gray, warp, self.half)), 60)
        if hidden is not None:
            rows, columns = hidden.shape  # pixels beyond the last whole block count as its own
            y = np.minimum(level.y.astype(int) // side, rows - 1)
            x = np.minimum(level.x.astype(int) // side, columns - 1)
            gap = gap[~hidden[y, x]]
        return float(gap.mean()) if len(gap) else 0.0


class _Level:
    def __init__(self, picture: Gray, blur: float) -> None:
        self.blur = blur
        gx, gy = np.gradient(picture, axis=1), np.gradient(picture, axis=0)
        strength = np.hypot(gx, gy)
        strength[:2], strength[-2:], strength[:, :2], strength[:, -2:] = 0, 0, 0, 0
        strongest = np.argpartition(strength, max(strength.size - 3 * POINTS, 0), axis=None)[-3 * POINTS :]
        order = np.sort(strongest)[::3]
        y, x = np.unravel_index(order, picture.shape)
        h, w = picture.shape
        self.x, self.y, self.value = x.astype(np.float64), y.astype(np.float64), picture[y, x]
        gx, gy = gx[y, x], gy[y, x]
        right, down = self.x - w / 2, self.y - h / 2
        turn = (gy * right - gx * down) / max(w / 2, h / 2)
        jacobian = np.stack([gx * right / (w / 2), gy * down / (h / 2), gx, gy, turn], 1)
        self.jacobian = jacobian
        self.inverse = np.linalg.inv(jacobian.T @ jacobian + 1e-3 * np.eye(5))

    def residual(self, frame: Gray, warp: Warp, half: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        right, down, turn = self.x - half[0], self.y - half[1], warp[4] / half.max()
        x = self.x + right / half[0] * warp[0] + warp[2] - down * turn
        y = self.y + down / half[1] * warp[1] + warp[3] + right * turn
        seen = cv2.remap(
            frame, x.astype(np.float32)[:, None], y.astype(np.float32)[:, None], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        gap = seen[:, 0].astype(np.float64) - self.value
        return np.asarray(gap - np.clip(_median(gap), -24, 24))

    def refine(self, frame: Gray, warp: Warp, half: npt.NDArray[np.float64]) -> tuple[Warp, float]:
        """Gauss-Newton from a guess, with few outliers left out and with many; the better result counts."""
        best, least = warp, np.inf
        for tolerances in TOLERANCES:
            at = warp
            for tolerance in tolerances:
                for _ in range(STEPS):
                    gap = self.residual(frame, at, half)
                    error = float(np.minimum(np.abs(gap), 60).mean())
                    if error < least:
                        best, least = at, error
                    step = self._step(gap, max(3.0 * _median(np.abs(gap)) + 12.0, tolerance))
                    at = at - step
                    if np.abs(step).max() < 0.03 or np.abs(at).max() > half.max():
                        break
            if least < CLOSE:
                break
        return best, least

    def _step(self, gap: npt.NDArray[np.float64], limit: float) -> Warp:
        """The movement that explains the differences of points within the limit."""
        counts = np.abs(gap) <= limit
        if counts.all():
            return np.asarray(self.inverse @ (self.jacobian.T @ gap))
        used = self.jacobian[counts]
        return np.asarray(np.linalg.solve(used.T @ used + 1e-3 * np.eye(5), used.T @ gap[counts]))


def _median(values: npt.NDArray[np.float64]) -> float:
    """The median: numpy's own takes several times as long for so few."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    ordered = np.partition(values, (low, high))
    return float(ordered[low] + ordered[high]) / 2


def _blurred(picture: Gray, sigma: float) -> Gray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def gray(frame: Frame) -> Gray:
    """Luminance as float32, 0-255."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.float32)


def undo(frame: Frame, warp: Warp) -> Frame:
    """The frame as it would look with the camera still."""
    h, w = frame.shape[:2]
    zx, zy, turn = 1 + warp[0] / (w / 2), 1 + warp[1] / (h / 2), warp[4] / (max(w, h) / 2)
    if max(abs(warp[0]), abs(warp[1]), abs(warp[4])) < 0.5:
        dx, dy = round(float(warp[2])), round(float(warp[3]))
        # Half a pixel is much where edges are sharp and blocks small.
        if max(abs(dx), abs(dy)) < 24 and max(abs(warp[2] - dx), abs(warp[3] - dy)) < WHOLE:
            if dx == dy == 0:
                return frame
            pad = max(abs(dx), abs(dy))
            wide = cv2.copyMakeBorder(frame, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
            return np.asarray(wide[pad + dy : pad + dy + h, pad + dx : pad + dx + w], np.uint8)
    left, up = warp[2] - warp[0] + turn * h / 2, warp[3] - warp[1] - turn * w / 2
    fit = np.array([[zx, -turn, left], [turn, zy, up]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(frame, fit, (w, h), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
