"""Compare what moved with a law of physics: fit the law's free parameters, and say how far they are off.

A clip may begin later, run faster or slower, and rest at the end; these are free. How evenly the movement
runs is measured, too: 0 as the law says, 1 at constant speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

Places = npt.NDArray[np.float64]
"""(T, N, 2) in units."""
Times = npt.NDArray[np.float64]
SOFT = 0.15  # units of difference from which a frame counts less and less
MOST_FACTOR = 3.0  # by which a parameter may be off and still be found
PACES = 12  # paces that are tried first
SLOWEST, FASTEST = 4.0, 0.2  # times the frames in which something moved


@dataclass(frozen=True)
class Course:
    """Where the parts are by the law, at times from 0 on.

    Attributes:
        times_K: in any unit, rising.
        places_KN2: there and then.
        end: when it is over; a course may go on after that.
    """

    times_K: Times
    places_KN2: Places
    end: float
    arc_K: Times = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Measure the way."""
        steps = np.linalg.norm(np.diff(self.places_KN2, axis=0), axis=(1, 2))
        object.__setattr__(self, "arc_K", np.concatenate([[0.0], np.cumsum(steps)]))

    @property
    def length(self) -> float:
        """The way until the end."""
        return float(np.interp(self.end, self.times_K, self.arc_K))

    def at(self, times_T: Times, even: float = 0.0) -> Places:
        """Places at these times; `even` 1 goes the same way at constant speed."""
        arc = np.interp(times_T, self.times_K, self.arc_K)
        if even:
            last = self.times_K[-1]
            steady = np.clip(times_T / last, 0, 1) * self.arc_K[-1]
            arc = np.clip((1 - even) * arc + even * steady, 0, self.arc_K[-1])
        return self.along(arc)

    def along(self, arc_T: Times) -> Places:
        """Places at these lengths of way."""
        flat = self.places_KN2.reshape(len(self.times_K), -1)
        # Where nothing moves the way does not grow: of equal lengths the later one counts.
        rising = self.arc_K + 1e-9 * np.arange(len(self.arc_K))
        columns = [np.interp(arc_T, rising, flat[:, k]) for k in range(flat.shape[1])]
        return np.stack(columns, axis=-1).reshape(len(arc_T), *self.places_KN2.shape[1:])


@dataclass(frozen=True, slots=True)
class Law:
    """What must hold of a movement.

    Attributes:
        course: the course for parameters by name (1 is as it must be).
        free: names of the parameters that are fitted, and by how much each may differ from 1.
        even: how even the movement may be (0 to 1), or None where that cannot be told.
    """

    course: Callable[[Mapping[str, float]], Course]
    free: Mapping[str, float]
    even: float | None


@dataclass(frozen=True)
class Fit:
    """The law as it fits best.

    Attributes:
        values: the parameters, and "even" where it was fitted.
        times_T: the law's time in each frame.
        gap_T: how far (units) the farthest part is from its place by the fitted law; nan where unseen.
    """

    values: dict[str, float]
    times_T: Times
    gap_T: Times


def fit(law: Law, seen_TN2: npt.NDArray[np.floating[Any]], known_T: npt.NDArray[np.bool_]) -> Fit:
    """Fit a law to places.

    Args:
        law: the law.
        seen_TN2: places in units, frame by frame.
        known_T: frames in which all parts were seen.
    """
    frames = np.flatnonzero(known_T).astype(np.float64)
    seen = seen_TN2[known_T].astype(np.float64)
    plain = law.course({name: 1.0 for name in law.free})
    names = [*law.free, *(["even"] if law.even is not None else [])]

    def unpacked(x: npt.NDArray[np.float64]) -> tuple[Times, dict[str, float]]:
        values = {name: float(np.exp(v)) for name, v in zip(law.free, x[2:], strict=False)}
        if law.even is not None:
            values["even"] = float(x[-1])
        return np.maximum((frames - x[0]) * np.exp(x[1]), 0.0), values

    def places(x: npt.NDArray[np.float64]) -> Places:
        times, values = unpacked(x)
        return law.course(values).at(times, values.get("even", 0.0))

    def gaps(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray((places(x) - seen).ravel(), np.float64)

    starts = [
        np.array([t0, np.log(rate), *np.zeros(len(names))]) for t0, rate in _guesses(plain, frames, seen)
    ]
    costs = [_cost(plain.at(np.maximum((frames - x[0]) * np.exp(x[1]), 0.0)) - seen) for x in starts]
    wide = np.log(MOST_FACTOR)
    low = np.array([-np.inf, -np.inf, *(-wide for _ in law.free), *([-1.5] if law.even is not None else [])])
    best: Any = None
    for k in np.argsort(costs)[:2]:
        found = least_squares(
            gaps, starts[int(k)], bounds=(low, -low), loss="soft_l1",
            f_scale=SOFT, max_nfev=30, x_scale=np.array([2.0, 0.1, *(0.1 for _ in names)]),
        )  # fmt: skip
        if best is None or found.cost < best.cost:
            best = found
    _, values = unpacked(best.x)
    times = np.maximum((np.arange(len(seen_TN2)) - best.x[0]) * np.exp(best.x[1]), 0.0)
    gap = np.full(len(seen_TN2), np.nan)
    gap[known_T] = np.linalg.norm(places(best.x) - seen, axis=-1).max(axis=-1)
    return Fit(values, times, gap)


def _cost(gap: Places) -> float:
    return float(np.minimum(np.abs(gap), 4.0).sum())


def _guesses(course: Course, frames: Times, seen: Places) -> list[tuple[float, float]]:
    """First frames of the movement, and law's times a frame, that are tried."""
    away = np.linalg.norm(seen - course.places_KN2[0], axis=-1).max(axis=-1)
    moving = np.flatnonzero(away > 0.25)
    first = float(frames[moving[0]]) - 1 if len(moving) else 0.0
    steps = np.linalg.norm(np.diff(seen, axis=0), axis=-1).max(axis=-1)
    busy = np.flatnonzero(steps > 0.05)
    last = float(frames[busy[-1] + 1]) if len(busy) else first + 1
    span = max(last - first, 2.0)
    paces = np.geomspace(FASTEST, SLOWEST, PACES)
    return [(first + shift, course.end / (span * pace)) for pace in [1.0, *paces] for shift in (0.0, -2.0)]
