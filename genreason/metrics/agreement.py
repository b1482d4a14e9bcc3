"""How far judges agree, and who wins: kappa, Krippendorff's alpha, Bradley-Terry."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from genreason import seeds
from genreason.metrics.stats import CONFIDENCE, Interval

Level = Literal["nominal", "ordinal", "interval"]


def cohen_kappa(a: Sequence[Hashable], b: Sequence[Hashable]) -> float | None:
    """Agreement of two judges beyond chance (Cohen 1960); None where chance alone would agree always.

    Raises:
        ValueError: the two differ in length.
    """
    if len(a) != len(b):
        raise ValueError(f"kappa needs pairs, got {len(a)} and {len(b)}")
    n = len(a)
    if n == 0:
        return None
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    left, right = Counter(a), Counter(b)
    chance = sum(left[label] * right[label] for label in left) / n**2
    return None if math.isclose(chance, 1.0) else (observed - chance) / (1 - chance)


def bootstrap(
    values: Sequence[object],
    statistic: Callable[[Sequence[int]], float | None],
    name: str,
    resamples: int = 500,
    confidence: float = CONFIDENCE,
) -> Interval | None:
    """Percentile interval of any statistic by resampling units (Efron 1979).

    Args:
        values: the units; only their number is used.
        statistic: takes indices of units; None where it is not defined for them.
        name: names the random stream, so that a figure is the same at every run.
        resamples: number of bootstrap samples.
        confidence: two-sided level.
    """
    n = len(values)
    whole = statistic(range(n)) if n else None
    if whole is None:
        return None
    rng = seeds.stream("bootstrap", name, n, resamples)
    drawn = [statistic(rng.integers(0, n, n).tolist()) for _ in range(resamples)]
    defined = [value for value in drawn if value is not None]
    if not defined:
        return Interval(whole, whole, whole)
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(whole, float(low), float(high))


def krippendorff_alpha(
    units: Sequence[Sequence[float | str]], level: Level = "nominal", order: Sequence[str] = ()
) -> float | None:
    """Krippendorff's alpha (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").

    Args:
        units: for each unit the values that judges gave it; those who gave none are left out.
        level: how far values are apart: "nominal", "ordinal" (by rank) or "interval" (by number).
        order: values from low to high, for "ordinal"; sorted where not given.

    Returns:
        1 for perfect agreement, 0 for what chance gives; None where no unit has two values, or all values
        are the same.
    """
    paired = [unit for unit in units if len(unit) >= 2]
    values: list[float | str] = sorted({value for unit in paired for value in unit}, key=str)
    if level != "nominal" and not order:
        values = sorted(values, key=lambda value: float(value))
    elif order:
        values = [value for value in order if value in values]
    index = {value: i for i, value in enumerate(values)}
    coincidence = np.zeros((len(values), len(values)))
    for unit in paired:
        for i, a in enumerate(unit):
            for j, b in enumerate(unit):
                if i != j:
                    coincidence[index[a], index[b]] += 1 / (len(unit) - 1)
    totals = coincidence.sum(axis=1)
    n = totals.sum()
    apart = _distance(level, values, totals)
    expected = float((np.outer(totals, totals) * apart).sum())
    if n < 2 or expected == 0:
        return None
    return float(1 - (n - 1) * (coincidence * apart).sum() / expected)


def _distance(
    level: Level, values: Sequence[float | str], totals: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Squared distances between values."""
    count = len(values)
    if level == "nominal":
        return 1 - np.eye(count)
    if level == "interval":
        line = np.array([float(value) for value in values])
        return np.asarray((line[:, None] - line[None]) ** 2)
    upto = np.cumsum(totals) - totals / 2  # the rank's middle
    return np.asarray((upto[:, None] - upto[None]) ** 2)


def bradley_terry(
    wins: Mapping[tuple[str, str], float], prior: float = 1.0, rounds: int = 2000
) -> dict[str, float]:
    """Strengths of players from paired comparisons (Bradley and Terry 1952; fitted as Hunter 2004).

    Args:
        wins: (winner, loser) -> number; a tie is half a win for each.
        prior: virtual ties of every pair that met, so that a player who won all has a finite strength.
        rounds: most steps.

    Returns:
        Natural logarithms of strengths, their mean 0: a player wins against another with the probability
        1 / (1 + exp(other - own)).
    """
    names = sorted({name for pair in wins for name in pair})
    index = {name: i for i, name in enumerate(names)}
    won = np.zeros((len(names), len(names)))
    for (winner, loser), number in wins.items():
        won[index[winner], index[loser]] += number
    won += prior / 2 * ((won + won.T) > 0)
    met = won + won.T
    strength = np.ones(len(names))
    for _ in range(rounds):
        shared = met / (strength[:, None] + strength[None])
        new = won.sum(axis=1) / np.maximum(shared.sum(axis=1), 1e-12)
        new /= np.exp(np.log(new).mean())
        if np.allclose(new, strength, rtol=1e-10):
            break
        strength = new
    logs = np.log(strength)
    return {name: float(logs[i] - logs.mean()) for name, i in index.items()}
