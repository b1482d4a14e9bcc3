"""Intervals and tests for shares and means: what stands beside every figure of a report.

Clips of one sample share its puzzle, so they are not independent draws: wherever a sample can hold several
clips, the functions here take the sample each clip belongs to (`clusters`) and widen the interval.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genreason import seeds

CONFIDENCE = 0.95
_CHUNK = 1_000_000  # indices drawn at a time: bounds the bootstrap's memory to some 8 MB


class Interval(NamedTuple):
    """An estimate and its confidence interval, all in the unit of the values."""

    mean: float
    low: float
    high: float


def wilson(passes: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson score interval of a share (Wilson 1927, JASA 22; recommended by Brown, Cai and DasGupta 2001).

    Args:
        passes: number of successes; may be fractional when `n` is an effective sample size.
        n: number of trials, > 0.
        confidence: two-sided confidence level in (0, 1).

    Raises:
        ValueError: `n` is not positive, or `passes` is outside [0, n].
    """
    if n <= 0 or not -1e-9 <= passes <= n + 1e-9:
        raise ValueError(f"wilson needs 0 <= passes <= n and n > 0, got passes={passes}, n={n}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = min(1.0, max(0.0, passes / n))
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The bounds are exactly 0 and 1 at the ends; floating point would leave 1e-17 there.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return Interval(share, low, high)


def wilson_clustered(
    values: Sequence[float], clusters: Sequence[Hashable], confidence: float = CONFIDENCE
) -> Interval:
    """Wilson interval with the effective sample size of clustered draws (Franco et al. 2019, JSSAM 7).

    The design effect (Kish 1965) is the linearised variance of the share between clusters over that of
    independent draws. It is never taken below 1; where every value agrees it cannot be estimated and each
    cluster counts as one draw. With one value a cluster this is `wilson`.

    Args:
        values: successes as 0 or 1 (any value in [0, 1] is allowed and gives a conservative interval).
        clusters: the sample that each value belongs to.
        confidence: two-sided confidence level in (0, 1).

    Raises:
        ValueError: no values, or the two sequences differ in length.
    """
    sums, counts = _by_cluster(values, clusters)
    n = float(counts.sum())
    share = float(sums.sum() / n)
    groups = len(sums)
    if groups == len(values):
        return wilson(share * n, n, confidence)
    if groups == 1 or share <= 0 or share >= 1:
        effective = float(groups)
    else:
        between = groups / (groups - 1) * float(((sums - share * counts) ** 2).sum()) / n**2
        design_effect = max(1.0, between * (n - 1) / (share * (1 - share)))
        effective = max(1.0, n / design_effect)
    return wilson(share * effective, effective, confidence)


def bootstrap_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    name: str = "",
    seed: int = 0,
    resamples: int = 2000,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Percentile interval of a mean by resampling whole clusters (Efron 1979; Field and Welsh 2007).

    Args:
        values: one number a clip.
        clusters: the sample that each value belongs to.
        name: names the random stream together with `seed`, so that a figure is the same at every run.
        seed: seed of the stream.
        resamples: number of bootstrap samples.
        confidence: two-sided confidence level in (0, 1).

    Raises:
        ValueError: no values, or the two sequences differ in length.
    """
    sums, counts = _by_cluster(values, clusters)
    groups = len(sums)
    rng = seeds.stream("bootstrap", name, seed, groups, resamples)
    means = np.empty(resamples)
    step = max(1, _CHUNK // groups)
    for start in range(0, resamples, step):
        picks = rng.integers(0, groups, size=(min(step, resamples - start), groups))
        means[start : start + len(picks)] = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))


def pass_at_k(n: int, passes: int, k: int) -> float:
    """Unbiased estimate that at least one of `k` clips passes, from `n` clips (Chen et al. 2021, equation 1).

    Raises:
        ValueError: not 1 <= k <= n, or not 0 <= passes <= n.
    """
    if not 1 <= k <= n or not 0 <= passes <= n:
        raise ValueError(f"pass_at_k needs 1 <= k <= n, 0 <= passes <= n, got n={n}, passes={passes}, k={k}")
    return 1.0 - math.comb(n - passes, k) / math.comb(n, k)


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided p value of McNemar's exact test (McNemar 1947, binomial form) for paired outcomes.

    Args:
        only_a: pairs in which the first passes and the second fails.
        only_b: pairs in which the second passes and the first fails.

    Raises:
        ValueError: a count is negative.
    """
    if only_a < 0 or only_b < 0:
        raise ValueError(f"mcnemar needs counts, got {only_a} and {only_b}")
    n = only_a + only_b
    tail = sum(math.comb(n, i) for i in range(min(only_a, only_b) + 1))
    return min(1.0, float(2 * tail / 2**n))


def _by_cluster(
    values: Sequence[float], clusters: Sequence[Hashable]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sum and count of the values in each cluster, clusters in order of appearance."""
    if not len(values) or len(values) != len(clusters):
        raise ValueError(f"need one cluster a value and at least one, got {len(values)} and {len(clusters)}")
    order: dict[Hashable, int] = {}
    index = np.array([order.setdefault(cluster, len(order)) for cluster in clusters])
    sums = np.bincount(index, weights=np.asarray(values, dtype=np.float64))
    return sums.astype(np.float64), np.bincount(index).astype(np.float64)
