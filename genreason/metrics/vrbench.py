"""VR-Bench's metrics (arXiv 2511.15065), as its evaluator computes them, from a known trajectory.

They are reported beside our verdict so that numbers compare with published ones. They do not ask whether a
wall was crossed; `genreason.verify` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import cv2
import numpy as np
import numpy.typing as npt

from genreason.types import Frame

Points = npt.NDArray[np.float64]
"""(K, 2) x and y in shares of the picture's width and height."""
DEFAULTS = {"cli": (0.01, 100), "class": (0.01, 1000), "script": (0.05, 1000)}
"""The three published settings: distance threshold and number of samples."""
PIXEL_THRESHOLD = 5
FIDELITY_STEP = 5


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in shares of the picture: left, top, right, bottom."""

    x0: float
    y0: float
    x1: float
    y1: float

    def holds(self, points: Points) -> npt.NDArray[np.bool_]:
        """Which points (K, 2) lie inside."""
        x, y = points[:, 0], points[:, 1]
        return (x >= self.x0) & (x <= self.x1) & (y >= self.y0) & (y <= self.y1)


def length(path: Points) -> float:
    """Length of a polyline."""
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def _sample(path: Points, arcs: npt.NDArray[np.float64]) -> Points:
    """Points of the polyline at these arc lengths, clipped at its ends."""
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    return np.stack([np.interp(arcs, arc, path[:, 0]), np.interp(arcs, arc, path[:, 1])], axis=1)


def precision_rate(path: Points, reference: Points, threshold: float, samples: int) -> float:
    """PR: share of the reference, from its start, that the path follows before it first strays.

    Both are sampled at the same absolute arc lengths `linspace(0, L, samples)` of the reference.
    """
    arcs = np.linspace(0.0, length(reference), samples)
    gap = np.hypot(*(_sample(path, arcs) - _sample(reference, arcs)).T)
    off = np.flatnonzero(gap > threshold)
    return float(off[0] / samples) if len(off) else 1.0


def trajectory_metrics(
    path: Points, reference: Points, movers: list[Points], goals: list[Box], setting: str = "script"
) -> dict[str, float]:
    """PR, SR, SD and EM.

    Args:
        path: the player's trajectory.
        reference: the ground truth's.
        movers: trajectories of what must get to the goals: the player, or Sokoban's boxes in any order.
        goals: as many boxes; each must be entered at any time.
        setting: which of the published `DEFAULTS`.

    Returns:
        vrbench.pr, vrbench.sr, vrbench.em and, where it is defined, vrbench.sd (only for SR 1 and paths that
        are no shorter than the reference).
    """
    threshold, samples = DEFAULTS[setting]
    pr = precision_rate(path, reference, threshold, samples)
    enters = [[bool(box.holds(points).any()) for box in goals] for points in movers]
    orders = permutations(range(len(goals)), len(movers))
    sr = any(all(row[k] for row, k in zip(enters, order, strict=True)) for order in orders)
    excess = length(path) / max(length(reference), 1e-9) - 1.0
    sd = excess if sr and excess >= 0 else None
    em = sr and pr >= 0.98 and abs(sd or 0.0) <= 0.1
    out = {"vrbench.pr": pr, "vrbench.sr": float(sr), "vrbench.em": float(em)}
    if sd is not None:
        out["vrbench.sd"] = sd
    return out


class Fidelity:
    """MF, maze fidelity: share of pixels that stay within 5 gray levels of frame 0, in every fifth frame.

    Start, goal and the player's present place (boxes of a cell) are left out.
    """

    def __init__(
        self, start: tuple[float, float], goals: list[tuple[float, float]], cell: tuple[float, float]
    ) -> None:
        """Centres and the cell's size in the clip's pixels."""
        self._fixed, self._cell = [start, *goals], cell
        self._first: npt.NDArray[np.uint8] | None = None
        self._keep: npt.NDArray[np.uint8] | None = None
        self._scores: list[float] = []

    def watch(self, t: int, frame: Frame, player: tuple[float, float]) -> None:
        """Take frame `t` into account."""
        if t % FIDELITY_STEP and self._first is not None:
            return
        gray = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._first is None or self._keep is None:
            self._first, self._keep = gray, np.ones(gray.shape, np.uint8)
            for place in self._fixed:
                self._keep[self._box(place)] = 0
            return
        changed = (cv2.absdiff(gray, self._first) > PIXEL_THRESHOLD).astype(np.uint8) & self._keep
        kept = int(self._keep.sum()) - int(self._keep[self._box(player)].sum())
        bad = int(cv2.countNonZero(changed)) - int(cv2.countNonZero(changed[self._box(player)]))
        self._scores.append(1.0 - bad / max(kept, 1))

    def _box(self, centre: tuple[float, float]) -> tuple[slice, slice]:
        (x, y), (w, h) = centre, self._cell
        return slice(max(int(y - h / 2), 0), max(int(y + h / 2), 0)), slice(
            max(int(x - w / 2), 0), max(int(x + w / 2), 0)
        )

    def score(self) -> float:
        """The mean over the frames seen; 1 where there was only one."""
        return float(np.mean(self._scores)) if self._scores else 1.0
