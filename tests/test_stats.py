"""Intervals and tests against published values, exact enumeration and simulated coverage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreason.metrics.stats import bootstrap_mean, mcnemar, pass_at_k, wilson, wilson_clustered


@pytest.mark.parametrize(
    ("passes", "n", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, table I (method 3, no continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_values(passes: int, n: int, low: float, high: float) -> None:
    interval = wilson(passes, n)
    assert interval.low == pytest.approx(low, abs=1e-4)
    assert interval.high == pytest.approx(high, abs=1e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_mean_and_mirrors(case: tuple[int, int]) -> None:
    passes, n = case
    a, b = wilson(passes, n), wilson(n - passes, n)
    assert 0 <= a.low <= a.mean <= a.high <= 1
    assert a.low == pytest.approx(1 - b.high) and a.high == pytest.approx(1 - b.low)


@pytest.mark.parametrize(("passes", "n"), [(1, 0), (3, 2), (-1, 4)])
def test_wilson_refuses_impossible_counts(passes: int, n: int) -> None:
    with pytest.raises(ValueError, match="wilson needs"):
        wilson(passes, n)


def test_clustered_is_plain_wilson_for_single_clips() -> None:
    values = [1.0] * 7 + [0.0] * 13
    assert wilson_clustered(values, list(range(20))) == wilson(7, 20)


def test_clustered_counts_agreeing_clips_once() -> None:
    """Eight clips of a sample that always agree carry no more than one clip does."""
    one = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    values = [v for v in one for _ in range(8)]
    clusters = [c for c in range(10) for _ in range(8)]
    repeated, single = wilson_clustered(values, clusters), wilson(6, 10)
    assert repeated.mean == single.mean
    assert repeated.high - repeated.low == pytest.approx(single.high - single.low, rel=0.08)
    assert wilson_clustered([0.0] * 80, clusters) == wilson(0, 10)


def test_clustered_interval_covers_the_truth() -> None:
    rng = np.random.default_rng(4)
    clusters = [c for c in range(40) for _ in range(5)]
    hits = 0
    for _ in range(400):
        rate = rng.beta(1.2, 2.0, size=40)
        values = (rng.random((40, 5)) < rate[:, None]).astype(float).ravel().tolist()
        interval = wilson_clustered(values, clusters)
        hits += interval.low <= 1.2 / 3.2 <= interval.high
    assert 0.92 <= hits / 400 <= 0.99


def test_bootstrap_is_reproducible_and_respects_clusters() -> None:
    rng = np.random.default_rng(0)
    offsets = rng.normal(size=30)
    values = (offsets[:, None] + 0.01 * rng.normal(size=(30, 10))).ravel().tolist()
    clusters = [c for c in range(30) for _ in range(10)]
    a = bootstrap_mean(values, clusters, name="progress")
    assert a == bootstrap_mean(values, clusters, name="progress")
    naive = bootstrap_mean(values, list(range(300)), name="progress")
    assert a.high - a.low > 2.5 * (naive.high - naive.low)
    expected = 2 * 1.96 * offsets.std() / np.sqrt(30)
    assert a.high - a.low == pytest.approx(expected, rel=0.15)
    assert a.mean == pytest.approx(np.mean(values))


@pytest.mark.parametrize(("n", "passes", "k"), [(6, 0, 2), (6, 2, 3), (6, 6, 1), (5, 1, 5), (7, 3, 1)])
def test_pass_at_k_is_the_mean_over_all_subsets(n: int, passes: int, k: int) -> None:
    clips = [True] * passes + [False] * (n - passes)
    subsets = list(itertools.combinations(clips, k))
    assert pass_at_k(n, passes, k) == pytest.approx(sum(any(s) for s in subsets) / len(subsets))


def test_pass_at_k_refuses_more_than_there_is() -> None:
    with pytest.raises(ValueError, match="pass_at_k needs"):
        pass_at_k(4, 1, 5)


def test_mcnemar_known_values() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 64)
    assert mcnemar(1, 9) == mcnemar(9, 1) == pytest.approx(2 * 11 / 1024)
