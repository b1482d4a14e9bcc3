"""VR-Bench's metrics of clips (arXiv 2511.15065, section 4), as its evaluator computes them.

They are reported beside our verdict so that numbers compare with published ones. They do not ask whether a
wall was crossed; `genreason.verify` does. Its evaluator tracks both clips from their pixels with a general
tracker; here the trajectory is the judge's own and the ground truth's is the path of the stored solution, so
that tracking errors are left out and nothing else: docs/metrics.md says where that makes a difference.

Sources: evaluation/videomodel_eval/{metrics_gpu,evaluator,batch_evaluate}.py and
scripts/videomodel_evaluate.sh of github.com/ImYangC7/VR-Bench, state of 2026-02-04. Metrics by its names:
PR precision rate, SR success rate, SD step deviation ("step" in its code), EM exact match, MF maze fidelity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.types import Frame

Points = npt.NDArray[np.float64]
"""(K, 2) x and y in shares of the picture's width and height."""
DEFAULTS = {"cli": (0.01, 100), "class": (0.01, 1000), "script": (0.05, 1000)}
"""The three published settings, distance threshold and number of samples: the defaults of its command line,
those of its class, and what its shell script passes."""
PR_THRESHOLD, SD_THRESHOLD = 0.98, 0.1  # of EM
SLACK = 0.005  # share of the reference's length that a track of the same way may be too short
PIXEL_THRESHOLD = 5
FIDELITY_STEP = 5
NAMES = ("pr", "sr", "sd", "em", "mf")
OVERALL = "overall"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in shares of the picture: left, top, right, bottom."""

    x0: float
    y0: float
    x1: float
    y1: float

    def holds(self, points: Points) -> npt.NDArray[np.bool_]:
        """Which points (K, 2) lie inside or on the edge."""
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

    Both are sampled at the same absolute arc lengths `linspace(0, L, samples)` of the reference, the path
    clipped at its end; the share is the index of the first pair more than `threshold` apart over `samples`.
    """
    arcs = np.linspace(0.0, length(reference), samples)
    gap = np.hypot(*(_sample(path, arcs) - _sample(reference, arcs)).T)
    off = np.flatnonzero(gap > threshold)
    return float(off[0] / samples) if len(off) else 1.0


def success(movers: Sequence[Points], goals: Sequence[Box]) -> bool:
    """SR: whether every goal is entered at any time by a mover of its own.

    VR-Bench has one mover and one goal, and of Sokoban's boxes and targets it looks at the first; several
    boxes must enter as many targets, in any order.
    """
    enters = [[bool(box.holds(points).any()) for box in goals] for points in movers]

    def placed(mover: int, free: frozenset[int]) -> bool:
        if mover == len(enters):
            return True
        return any(enters[mover][goal] and placed(mover + 1, free - {goal}) for goal in free)

    return placed(0, frozenset(range(len(goals))))


def deviation(path: Points, reference: Points) -> float | None:
    """SD of a path that succeeded: its length over the reference's, minus 1; None where it is shorter.

    Shorter by less than `SLACK` counts as equal: VR-Bench measures both with the same tracker, so that equal
    clips have equal lengths, while here the reference is exact and the path is what was seen.
    """
    long = length(reference)
    excess = length(path) / long - 1.0 if long >= 1e-10 else 0.0
    return max(excess, 0.0) if excess >= -SLACK else None


def trajectory_metrics(
    path: Points,
    reference: Points,
    movers: Sequence[Points],
    goals: Sequence[Box],
    setting: str = "script",
) -> dict[str, float]:
    """PR, SR, SD and EM against one ground truth.

    EM is SR, PR >= 0.98 and |SD| <= 0.1, where a path shorter than the reference counts as SD 0.

    Args:
        path: the player's trajectory.
        reference: the ground truth's.
        movers: trajectories of what must get to the goals: the player, or Sokoban's boxes.
        goals: as many boxes (rectangles); each must be entered at any time.
        setting: which of the published `DEFAULTS`.

    Returns:
        vrbench.pr, vrbench.sr, vrbench.em and, where it is defined, vrbench.sd (only for SR 1 and paths that
        are no shorter than the reference).
    """
    threshold, samples = DEFAULTS[setting]
    pr, sr = precision_rate(path, reference, threshold, samples), success(movers, goals)
    sd = deviation(path, reference) if sr else None
    em = sr and pr >= PR_THRESHOLD and (sd or 0.0) <= SD_THRESHOLD
    out = {"vrbench.pr": pr, "vrbench.sr": float(sr), "vrbench.em": float(em)}
    if sd is not None:
        out["vrbench.sd"] = sd
    return out


def best_metrics(
    path: Points,
    references: Sequence[Points],
    movers: Sequence[Points],
    goals: Sequence[Box],
    setting: str = "script",
) -> dict[str, float]:
    """`trajectory_metrics` against the ground truth with the largest PR - |SD|, of equals the first.

    An SD that is not defined counts as 0 there.

    Args:
        path: as for `trajectory_metrics`, and so are the others but this:
        references: ground truths of the level, one or more, in their order.
        movers: see there.
        goals: see there.
        setting: see there.
    """
    found = [trajectory_metrics(path, reference, movers, goals, setting) for reference in references]
    return max(found, key=lambda out: out["vrbench.pr"] - abs(out.get("vrbench.sd", 0.0)))


class Fidelity:
    """MF, maze fidelity: share of pixels that stay within 5 gray levels of frame 0, in frames 5, 10, 15, ...

    The boxes of start and goal are left out, and a box of the start's size around the player, where it was in
    the frame before (VR-Bench's index into its trajectory rounds down to that). Sokoban's boxes are not left
    out: its own ground truths score .96 to .998. A clip of five frames or fewer scores 0.
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
        """Take frame `t` into account; `player` is where the player was in the frame before it."""
        if t % FIDELITY_STEP and self._first is not None:
            return
        gray = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._first is None or self._keep is None:
            self._first, self._keep = gray, np.ones(gray.shape, np.uint8)
            for place in self._fixed:
                self._keep[self._box(place)] = 0
            return
        box = self._box(player)
        changed = (cv2.absdiff(gray, self._first) > PIXEL_THRESHOLD).astype(np.uint8) & self._keep
        kept = int(self._keep.sum()) - int(self._keep[box].sum())
        bad = int(cv2.countNonZero(changed)) - int(np.count_nonzero(changed[box]))
        self._scores.append(1.0 - bad / max(kept, 1))

    def _box(self, centre: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns of the box around a centre; one that begins outside is moved to the edge."""
        assert self._keep is not None
        rows, cols = self._keep.shape
        (x, y), (w, h) = centre, self._cell
        # Cut off to whole pixels as VR-Bench does, but not where a whole number was missed by rounding.
        left, top, wide, high = (int(round(v, 3)) for v in (x - w / 2, y - h / 2, w, h))
        left, top = min(max(left, 0), cols - 1), min(max(top, 0), rows - 1)
        return slice(top, top + high), slice(left, left + wide)

    def score(self) -> float:
        """The mean over the frames looked at; 0 where there was none."""
        return float(np.mean(self._scores)) if self._scores else 0.0


def summary(rows: Iterable[tuple[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """VR-Bench's aggregates: means by difficulty, and the unweighted mean of these means.

    SD is the mean over the clips that have one; a difficulty in which none has counts as 0, here and in the
    overall mean, as in VR-Bench (`sd_count` tells; its tables print "-" instead).

    Args:
        rows: difficulty and metrics (`vrbench.pr`, ...) of each clip that was scored.

    Returns:
        {difficulty: {pr, sr, sd, em, mf, n, sd_count}}, in order of appearance, and the same for "overall";
        what no clip has is left out.
    """
    groups: dict[str, list[Mapping[str, float]]] = {}
    for difficulty, metrics in rows:
        if "vrbench.pr" in metrics:
            groups.setdefault(difficulty, []).append(metrics)
    out = {difficulty: _means(found) for difficulty, found in groups.items()}
    if out:
        means = {
            name: float(np.mean([mean[name] for mean in out.values()]))
            for name in NAMES
            if all(name in mean for mean in out.values())
        }
        counts = {name: sum(mean[name] for mean in out.values()) for name in ("n", "sd_count")}
        out[OVERALL] = {**means, **counts}
    return out


def _means(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    values = {name: [m[f"vrbench.{name}"] for m in found if f"vrbench.{name}" in m] for name in NAMES}
    out = {name: float(np.mean(having)) for name, having in values.items() if having}
    return {**out, "sd": out.get("sd", 0.0), "n": len(found), "sd_count": len(values["sd"])}
