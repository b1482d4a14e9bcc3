"""VR-Bench's metrics by hand: arXiv 2511.15065 and its evaluator's three default settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreason.metrics.vrbench import (
    DEFAULTS,
    FIDELITY_STEP,
    PIXEL_THRESHOLD,
    Box,
    Fidelity,
    best_metrics,
    length,
    precision_rate,
    summary,
    trajectory_metrics,
)

Points = npt.NDArray[np.float64]
GOAL = Box(0.85, 0.05, 0.95, 0.15)


def line(*points: tuple[float, float], per: int = 20) -> Points:
    """A polyline through the points with `per` steps for each side."""
    parts = [np.linspace(a, b, per, endpoint=False) for a, b in zip(points, points[1:], strict=False)]
    return np.concatenate([*parts, [points[-1]]])


REFERENCE = line((0.1, 0.1), (0.9, 0.1))


def test_the_three_published_settings() -> None:
    assert DEFAULTS == {"cli": (0.01, 100), "class": (0.01, 1000), "script": (0.05, 1000)}
    assert (FIDELITY_STEP, PIXEL_THRESHOLD) == (5, 5)


# -- PR ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("setting", DEFAULTS)
def test_the_reference_itself_has_full_precision(setting: str) -> None:
    assert precision_rate(REFERENCE, REFERENCE, *DEFAULTS[setting]) == 1.0


def test_precision_is_a_prefix_and_not_a_share() -> None:
    # Off the line between x = 0.5 and 0.7 only: half of the samples (0.1 to 0.5 of 0.8) come before that.
    there = line((0.1, 0.1), (0.5, 0.1), (0.5, 0.3))
    rate = precision_rate(there, REFERENCE, 0.01, 1000)
    assert rate == pytest.approx(0.5, abs=0.015)
    back = line((0.1, 0.1), (0.5, 0.1), (0.5, 0.2), (0.6, 0.2), (0.6, 0.1), (0.9, 0.1))
    assert precision_rate(back, REFERENCE, 0.01, 1000) == pytest.approx(0.5, abs=0.015)


def test_precision_counts_whole_samples() -> None:
    # 100 samples of a line of 0.8: sample k lies k * 0.8 / 99 along it. The path stops at 0.4: the first
    # one that is more than 0.01 beyond is k = 51 (0.41212); k = 50 is 0.40404.
    half = line((0.1, 0.1), (0.5, 0.1))
    assert precision_rate(half, REFERENCE, 0.01, 100) == 51 / 100
    # 0.05 beyond with 1000 samples: k * 0.8 / 999 > 0.45 first at k = 562.
    assert precision_rate(half, REFERENCE, 0.05, 1000) == 562 / 1000
    assert precision_rate(half, REFERENCE, 0.01, 1000) == 512 / 1000


def test_precision_compares_absolute_arc_lengths() -> None:
    # A path that goes the same line and beyond is followed to the end; one at half the pace too.
    longer = line((0.1, 0.1), (0.9, 0.1), (0.9, 0.9))
    assert precision_rate(longer, REFERENCE, 0.01, 1000) == 1.0
    slow = np.repeat(REFERENCE, 3, axis=0)
    assert precision_rate(slow, REFERENCE, 0.01, 1000) == 1.0
    # A tremble across the line lengthens it, so that it falls behind: by eps where it has gone 0.05 too far.
    trembling = REFERENCE.copy()
    trembling[1::2, 1] += 0.02
    assert precision_rate(trembling, REFERENCE, 0.05, 1000) < 1.0


def test_a_point_that_stands_still_has_the_precision_of_the_threshold() -> None:
    still = np.repeat(REFERENCE[:1], 9, axis=0)
    assert precision_rate(still, REFERENCE, 0.05, 1000) == pytest.approx(0.05 / 0.8, abs=0.002)
    wrong = still + 0.2
    assert precision_rate(wrong, REFERENCE, 0.05, 1000) == 0.0


# -- SR, SD, EM ----------------------------------------------------------------------------------------------
def metrics(path: Points, setting: str = "script") -> dict[str, float]:
    out = trajectory_metrics(path, REFERENCE, [path], [GOAL], setting)
    return {name.removeprefix("vrbench."): value for name, value in out.items()}


@pytest.mark.parametrize("setting", DEFAULTS)
def test_the_truth_has_full_marks(setting: str) -> None:
    assert metrics(REFERENCE, setting) == {"pr": 1.0, "sr": 1.0, "em": 1.0, "sd": 0.0}


def test_success_is_being_in_the_goal_at_any_time() -> None:
    left = line((0.1, 0.1), (0.9, 0.1), (0.1, 0.1))
    assert metrics(left)["sr"] == 1.0 and metrics(left)["sd"] == pytest.approx(1.0)
    assert metrics(left)["em"] == 0.0 and metrics(left)["pr"] == 1.0
    jumped = np.array([[0.1, 0.1], [0.9, 0.1]])  # straight through whatever is between: it does not ask
    assert metrics(jumped)["sr"] == 1.0 and metrics(jumped)["em"] == 1.0
    short = line((0.1, 0.1), (0.84, 0.1))
    assert metrics(short)["sr"] == 0.0 and "sd" not in metrics(short)
    edge = line((0.1, 0.1), (0.85, 0.1))
    assert metrics(edge)["sr"] == 1.0


def test_every_goal_must_be_entered_by_a_mover_of_its_own() -> None:
    away, other = REFERENCE * 0 + 0.5, Box(0.45, 0.45, 0.55, 0.55)
    assert trajectory_metrics(REFERENCE, REFERENCE, [REFERENCE], [GOAL])["vrbench.sr"] == 1.0
    assert trajectory_metrics(REFERENCE, REFERENCE, [REFERENCE, away], [GOAL, GOAL])["vrbench.sr"] == 0.0
    assert trajectory_metrics(REFERENCE, REFERENCE, [REFERENCE, away], [other, GOAL])["vrbench.sr"] == 1.0


def test_many_movers_find_their_goals_in_any_order() -> None:
    spots = [(0.1 * i, 0.5) for i in range(8)]
    boxes = [Box(x - 0.02, 0.48, x + 0.02, 0.52) for x, _ in spots]
    movers = [np.array([spot]) for spot in reversed(spots)]
    assert trajectory_metrics(REFERENCE, REFERENCE, movers, boxes)["vrbench.sr"] == 1.0
    movers[3] = movers[4]
    assert trajectory_metrics(REFERENCE, REFERENCE, movers, boxes)["vrbench.sr"] == 0.0


def test_of_several_truths_the_one_with_the_best_precision_less_deviation_counts() -> None:
    other = line((0.1, 0.1), (0.1, 0.4), (0.9, 0.4), (0.9, 0.1))
    short = metrics(REFERENCE)
    for references in ([REFERENCE, other], [other, REFERENCE]):
        best = best_metrics(REFERENCE, references, [REFERENCE], [GOAL])
        assert {name.removeprefix("vrbench."): value for name, value in best.items()} == short
    # Against the short truth: PR 1, SD 0.5, so 0.5. Against one off from half way on: PR 0.55, SD 0, so 0.55.
    there = line((0.1, 0.1), (0.9, 0.1), (0.9, 0.5))
    fork = line((0.1, 0.1), (0.7, 0.1), (0.7, 0.7))
    best = best_metrics(there, [REFERENCE, fork], [there], [GOAL])
    assert best["vrbench.sd"] == pytest.approx(0.0) and best["vrbench.pr"] == pytest.approx(0.53, abs=0.02)
    best = best_metrics(there, [REFERENCE, fork[:2]], [there], [GOAL])
    assert best["vrbench.pr"] == 1.0 and best["vrbench.sd"] == pytest.approx(0.5)


def test_truths_that_stand_still_deviate_by_nothing() -> None:
    still = np.repeat(REFERENCE[-1:], 3, axis=0)
    got = trajectory_metrics(still, still, [still], [GOAL])
    assert got == {"vrbench.pr": 1.0, "vrbench.sr": 1.0, "vrbench.em": 1.0, "vrbench.sd": 0.0}


def test_a_shorter_way_has_no_deviation_and_counts_as_none() -> None:
    # Ends at the goal's near edge: 0.75 long instead of 0.8.
    shorter = metrics(line((0.1, 0.1), (0.86, 0.1)))
    assert "sd" not in shorter and shorter["sr"] == 1.0 and shorter["pr"] == 1.0 and shorter["em"] == 1.0


def test_a_track_of_the_same_way_may_be_a_little_too_short() -> None:
    for end, sd in ((0.897, 0.0), (0.9, 0.0), (0.895, None)):  # of 0.8: 0.4 %, nothing, 0.6 %
        assert metrics(line((0.1, 0.1), (end, 0.1))).get("sd") == (None if sd is None else pytest.approx(sd))


@pytest.mark.parametrize(("end", "em"), [((0.97, 0.1), 1.0), ((0.985, 0.1), 0.0)])
def test_exact_match_allows_a_tenth_more(end: tuple[float, float], em: float) -> None:
    got = metrics(line((0.1, 0.1), end))
    assert got["sd"] == pytest.approx((end[0] - 0.9) / 0.8) and got["em"] == em


def test_exact_match_needs_98_percent_precision() -> None:
    bent = REFERENCE.copy()
    bent[-1] = (0.9, 0.149)  # within the goal, 0.04 off at the very end
    assert metrics(bent, "class")["pr"] < 0.98
    assert metrics(bent, "class")["em"] == 0.0 and metrics(bent, "class")["sr"] == 1.0
    assert metrics(bent, "script")["em"] == 1.0


def test_length_is_normalised_by_each_axis() -> None:
    assert length(line((0.1, 0.1), (0.9, 0.1), (0.9, 0.4))) == pytest.approx(1.1)
    assert length(np.array([[0.3, 0.3]])) == 0.0


points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12)


@given(points, points, st.sampled_from(sorted(DEFAULTS)))
def test_any_trajectories_give_figures_in_range(path: list[Any], reference: list[Any], setting: str) -> None:
    a, b = np.array(path, float), np.array(reference, float)
    got = trajectory_metrics(a, b, [a], [GOAL], setting)
    assert 0 <= got["vrbench.pr"] <= 1 and got["vrbench.sr"] in (0, 1) and got["vrbench.em"] in (0, 1)
    assert np.isfinite(list(got.values())).all() and got.get("vrbench.sd", 0.0) >= 0
    if got["vrbench.em"]:
        assert got["vrbench.sr"] and got["vrbench.pr"] >= 0.98


# -- MF ------------------------------------------------------------------------------------------------------
W, H, CELL = 60, 40, 10


def picture(value: int = 100) -> npt.NDArray[np.uint8]:
    return np.full((H, W, 3), value, np.uint8)


def fidelity() -> Fidelity:
    return Fidelity((5.0, 5.0), [(55.0, 35.0)], (CELL, CELL))


def measured(changed: npt.NDArray[np.uint8], player: tuple[float, float]) -> float:
    """Fidelity of a clip whose frame 5 is `changed`, with the player at this place just before."""
    measure = fidelity()
    measure.watch(0, picture(), (5.0, 5.0))
    measure.watch(5, changed, player)
    return measure.score()


def test_an_unchanged_scene_has_full_fidelity() -> None:
    measure = fidelity()
    for t in range(11):
        measure.watch(t, picture(), (25.0, 25.0))
    assert measure.score() == 1.0


def test_a_clip_too_short_to_be_looked_at_has_none() -> None:
    measure = fidelity()
    for t in range(5):
        measure.watch(t, picture(), (25.0, 25.0))
    assert measure.score() == 0.0


@pytest.mark.parametrize(("step", "score"), [(5, 1.0), (6, 0.0)])
def test_a_pixel_may_change_by_five_levels(step: int, score: float) -> None:
    measure = fidelity()
    measure.watch(0, picture(), (5.0, 5.0))
    measure.watch(5, picture(100 + step), (25.0, 25.0))
    assert measure.score() == score


def test_only_every_fifth_frame_counts() -> None:
    measure = fidelity()
    measure.watch(0, picture(), (5.0, 5.0))
    for t in (1, 2, 3, 4, 5, 6, 9, 11):
        measure.watch(t, picture(0 if t % 5 else 100), (5.0, 5.0))
    assert measure.score() == 1.0
    measure.watch(15, picture(0), (5.0, 5.0))
    assert measure.score() == 0.5


@pytest.mark.parametrize("where", ["start", "goal", "player"])
def test_start_goal_and_player_are_left_out(where: str) -> None:
    place = {"start": (5, 5), "goal": (55, 35), "player": (25, 25)}[where]
    changed = picture()
    changed[place[1] - 5 : place[1] + 5, place[0] - 5 : place[0] + 5] = 250
    assert measured(changed, (25.0, 25.0)) == 1.0
    if where == "player":
        assert measured(changed, (45.0, 15.0)) == pytest.approx(1 - 100 / (W * H - 300))


def test_a_changed_cell_costs_its_share_of_what_is_compared() -> None:
    changed = picture()
    changed[0:10, 20:30] = 200
    measure = fidelity()
    measure.watch(0, picture(), (5.0, 5.0))
    measure.watch(5, changed, (25.0, 25.0))
    measure.watch(10, changed, (5.0, 5.0))  # back on the start, which is left out anyway
    assert measure.score() == pytest.approx(1 - (100 / (W * H - 300) + 100 / (W * H - 200)) / 2)


def test_a_player_at_the_edge_or_outside_is_no_accident() -> None:
    for player in ((0.0, 0.0), (59.0, 39.0), (-30.0, 200.0)):
        measure = fidelity()
        measure.watch(0, picture(), (5.0, 5.0))
        measure.watch(5, picture(), player)
        assert measure.score() == 1.0


# -- aggregates ----------------------------------------------------------------------------------------------
def row(pr: float, sr: float, sd: float | None = None) -> dict[str, float]:
    out = {"vrbench.pr": pr, "vrbench.sr": sr, "vrbench.em": 0.0, "vrbench.mf": 0.9, "solved": 1.0}
    return out if sd is None else {**out, "vrbench.sd": sd}


def test_overall_is_the_mean_of_the_difficulties_whatever_their_sizes() -> None:
    rows = [("easy", row(1.0, 1.0, 0.2)), ("easy", row(0.5, 1.0, 0.4)), ("easy", row(0.3, 0.0))]
    found = summary([*rows, ("hard", row(0.2, 0.0)), ("hard", {"vrbench.mf": 0.1})])
    assert list(found) == ["easy", "hard", "overall"]
    assert found["easy"]["pr"] == pytest.approx(0.6) and found["easy"]["sr"] == pytest.approx(2 / 3)
    assert found["easy"]["sd"] == pytest.approx(0.3) and found["easy"]["sd_count"] == 2
    assert found["hard"]["sd"] == 0.0 and found["hard"]["sd_count"] == 0 and found["hard"]["n"] == 1
    assert found["overall"]["pr"] == pytest.approx(0.4) and found["overall"]["sr"] == pytest.approx(1 / 3)
    assert found["overall"]["sd"] == pytest.approx(0.15)  # a difficulty without success counts as 0
    assert found["overall"]["n"] == 4 and found["overall"]["sd_count"] == 2
    assert summary([]) == {} and summary([("easy", {"progress": 1.0})]) == {}
