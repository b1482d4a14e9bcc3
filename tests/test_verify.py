"""Each thing that can go wrong breaks its own check and no other; what people let pass, passes. No pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from track_fixture import LEGAL, Path, Places, along, broken, detour, judged, maze, sokoban, track

from genreason.perceive.track import Spot
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.render.motion import Motion, animate
from genreason.types import Verdict


# -- what passes ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("per_step", [1, 2, 4, 12])
@pytest.mark.parametrize("ease", ["smooth", "linear"])
@pytest.mark.parametrize("hold", [1, 9])
def test_a_legal_way_passes_at_any_pace(per_step: int, ease: str, hold: int) -> None:
    verdict = judged(track(along(LEGAL, ease=ease, per_step=per_step, start=hold, end=hold - 1)))
    assert verdict.status == "pass" and not broken(verdict)
    assert {verdict.metrics[name] for name in ("solved", "progress", "decisiveness")} == {1.0}
    assert verdict.metrics["moves"] == 8.0 and verdict.metrics["excess"] == 0.0


def test_any_legal_way_passes() -> None:
    other = [(1, y) for y in range(1, 6)] + [(x, 5) for x in range(2, 6)]
    astray = LEGAL[:4] + LEGAL[2:4][::-1] + LEGAL[3:]
    back = LEGAL + LEGAL[::-1][1:3] + LEGAL[-2:]
    for path in (other, astray, back):
        assert judged(track(along(path))).status == "pass"


def test_arriving_on_the_very_last_frame_within_half_a_cell_is_enough() -> None:
    places = along(LEGAL, ease="linear", per_step=10, end=0)
    assert judged(track(places[:-4])).status == "pass"  # 0.4 cells short
    assert broken(judged(track(places[:-6]))) == {"rules.goal"}  # 0.6 cells short


def test_rounded_corners_pass_and_deeper_ones_do_not() -> None:
    def cut(depth: float) -> Places:
        """The way around the corner (5, 1), whose middle lies `depth` cells outside both lanes."""
        around: Path = [(4 + 0.05 * k, 1.0) for k in range(21)] + [(5.0, 1 + 0.05 * k) for k in range(1, 21)]
        bent = [
            (x - depth * max(0.0, 1 - abs(k - 20) / 12), y + depth * max(0.0, 1 - abs(k - 20) / 12))
            for k, (x, y) in enumerate(around)
        ]
        before, after = along(LEGAL[:4], end=0), along(LEGAL[5:], start=0)
        return np.concatenate([before, np.array(bent, np.float32)[:, None], after])

    for depth in (0.0, 0.1, 0.2, 0.24):
        assert judged(track(cut(depth))).status == "pass", depth


def test_a_tremble_passes() -> None:
    places = along(LEGAL)
    places += np.random.default_rng(0).uniform(-0.15, 0.15, places.shape).astype(np.float32)
    places[0] = LEGAL[0]
    assert judged(track(places)).status == "pass"


def test_a_pause_and_a_missing_moment_pass() -> None:
    places = along(LEGAL)
    paused = np.concatenate([places[:14], np.repeat(places[14:15], 40, axis=0), places[14:]])
    assert judged(track(paused)).status == "pass"
    presence = np.ones((len(places), 1), np.float32)
    presence[9:11] = 0
    assert judged(track(places, presence_TN=presence)).status == "pass"


def test_a_blink_of_an_extra_and_of_a_stain_pass() -> None:
    places = along(LEGAL)
    extra = tuple(Spot(t, "agent", 3, 3, 0.5) for t in (6, 7, 20, 21))
    stain = tuple(Spot(t, "", 3, 3, 0.5) for t in (10, 11, 12)) + tuple(
        Spot(t, "", 3, 3, 0.09) for t in range(30)
    )
    assert judged(track(places, spots=extra + stain)).status == "pass"


# -- what breaks, and which check ----------------------------------------------------------------------------
def test_a_step_into_the_wall_is_illegal_and_is_placed() -> None:
    verdict = judged(track(along([*LEGAL[:3], (3, 2), *LEGAL[2:]], ease="linear")))
    assert "rules.legal" in broken(verdict)
    assert broken(judged(track(detour((3, 2))))) == {"rules.legal"}
    first = verdict.violations[0]
    assert first.check == "rules.legal" and "wall at row 2, column 3" in first.what
    assert first.where == pytest.approx((35, 25), abs=10) and 1.0 < first.seconds < 2.5
    assert verdict.reason.startswith(f"at {first.seconds:.2f} s: ")


def test_a_straight_line_through_walls_is_illegal() -> None:
    count = 32
    line = [(1 + 4 * k / count, 1 + 4 * k / count) for k in range(count + 1)]
    assert broken(judged(track(along(line, per_step=1)))) == {"rules.legal"}


def test_squeezing_diagonally_between_two_walls_is_illegal() -> None:
    rows = ["#####", "#.#.#", "##..#", "#...#", "#####"]
    state = maze(rows, agent=(1, 1), goal=(2, 2))
    squeezed = along([(1, 1), (1.5, 1.5), (2, 2)], per_step=8)
    assert "rules.legal" in broken(judged(track(squeezed), state))
    open_rows = ["#####", "#...#", "#...#", "#...#", "#####"]
    across = along([(1, 1), (2, 1), (2, 2)], per_step=8)
    assert judged(track(across), maze(open_rows, (1, 1), (2, 2))).status == "pass"


@pytest.mark.parametrize("depth", [0.3, 0.5])
def test_a_centre_that_leaves_its_lane_by_more_than_a_quarter_is_illegal(depth: float) -> None:
    places = along(LEGAL)
    places[9:13, 0, 1] = 1 + 0.5 + depth
    assert "rules.legal" in broken(judged(track(places)))
    assert judged(track(along(LEGAL))).status == "pass"


def test_a_teleport_is_discontinuous_even_along_the_way() -> None:
    places = along(LEGAL)
    jumped = np.concatenate([places[:9], places[25:]])
    assert "objects.continuous" in broken(judged(track(jumped)))


def test_a_jump_of_one_cell_out_of_rest_is_a_teleport() -> None:
    stops = np.repeat(np.array(LEGAL, np.float32)[:, None], 12, axis=0)
    verdict = judged(track(stops))
    assert broken(verdict) == {"objects.continuous"} and verdict.violations[0].seconds == pytest.approx(1.2)
    moving = along(LEGAL, ease="linear", per_step=1)  # the same steps, one after the other: a fast clip
    assert judged(track(moving)).status == "pass"


@pytest.mark.parametrize("start", [1, 12, 30])
def test_a_piece_unseen_for_three_frames_is_gone(start: int) -> None:
    places = along(LEGAL)
    presence = np.ones((len(places), 1), np.float32)
    presence[start : start + 3] = 0.1
    verdict = judged(track(places, presence_TN=presence))
    assert broken(verdict) == {"objects.present"}
    assert verdict.violations[0].seconds == pytest.approx(start / 10)


def test_a_piece_unseen_at_the_end_is_gone_and_has_not_arrived() -> None:
    places = along(LEGAL)
    presence = np.ones((len(places), 1), np.float32)
    presence[-1] = 0
    assert broken(judged(track(places, presence_TN=presence))) == {"objects.present", "rules.goal"}


def test_an_extra_piece_is_named_with_its_kind() -> None:
    extra = tuple(Spot(t, "agent", 3, 3, 0.4) for t in (6, 7, 8))
    verdict = judged(track(along(LEGAL), spots=extra))
    assert broken(verdict) == {"objects.unique"} and "one agent too many" in verdict.reason
    assert verdict.violations[0].where == (35, 35)


def test_a_scene_that_changes_for_four_frames_is_not_kept() -> None:
    places = along(LEGAL)
    spots = tuple(Spot(t, "", 3, 2, 0.2) for t in (6, 7, 8, 9))
    verdict = judged(track(places, spots=spots))
    assert broken(verdict) == {"scene.kept"} and verdict.violations[0].where == (35, 25)
    at_end = tuple(Spot(t, "", 3, 2, 0.2) for t in range(len(places) - 2, len(places)))
    assert broken(judged(track(places, spots=at_end))) == {"scene.kept"}
    halves = tuple(Spot(t, "", x, 2, 0.07) for t in (6, 7, 8, 9) for x in (1, 4))  # two small ones add up
    assert broken(judged(track(places, spots=halves))) == {"scene.kept"}


FLICKER = [t for t in range(4, 34) if t % 3]


def test_flicker_counts_like_what_stays() -> None:
    places = along(LEGAL)
    extra = tuple(Spot(t, "agent", 3, 3, 0.4) for t in FLICKER)
    assert broken(judged(track(places, spots=extra))) == {"objects.unique"}
    stain = tuple(Spot(t, "", 3, 2, 0.2) for t in FLICKER)
    verdict = judged(track(places, spots=stain))
    assert broken(verdict) == {"scene.kept"} and verdict.violations[0].seconds == pytest.approx(0.4)
    presence = np.ones((len(places), 1), np.float32)
    presence[FLICKER] = 0.1
    assert broken(judged(track(places, presence_TN=presence))) == {"objects.present"}
    seldom = tuple(Spot(t, name, 3, 2, 0.4) for t in range(4, 34, 4) for name in ("", "agent"))
    assert judged(track(places, spots=seldom)).status == "pass"


def test_a_piece_that_looks_otherwise_for_four_frames_is_named() -> None:
    places = along(LEGAL)
    odd = np.zeros((len(places), 1), np.float32)
    odd[10:13] = 0.3
    assert judged(track(places, oddness_TN=odd)).status == "pass"
    odd[10:14] = 0.1
    verdict = judged(track(places, oddness_TN=odd))
    assert broken(verdict) == {"objects.present"} and "does not look as it did" in verdict.reason
    assert verdict.violations[0].seconds == pytest.approx(1.0)
    odd[:] = 0.09
    assert judged(track(places, oddness_TN=odd)).status == "pass"
    odd[10:14] = 0.3
    stain = tuple(Spot(t, "", 3, 2, 0.2) for t in range(10, 14))  # the scene is to blame, not the piece
    assert broken(judged(track(places, oddness_TN=odd, spots=stain))) == {"scene.kept"}


def test_a_scene_that_is_gone_is_a_fail_and_not_unscored() -> None:
    places = along(LEGAL)
    gone = np.zeros(len(places), np.bool_)
    gone[10:] = True
    verdict = judged(track(places, broken_T=gone))
    assert verdict.status == "fail" and broken(verdict) == {"scene.kept", "rules.goal"}


def test_a_camera_that_moves_is_named_alone() -> None:
    places = along(LEGAL)
    camera = np.zeros((len(places), 2), np.float32)
    camera[12:, 1] = 0.03
    assert broken(judged(track(places, camera_T2=camera))) == {"camera.still"}
    camera[12:, 1] = 0.015
    assert judged(track(places, camera_T2=camera)).status == "pass"


def test_another_first_frame_is_named() -> None:
    assert broken(judged(track(along(LEGAL), start_gap=0.1))) == {"scene.first_frame"}
    assert broken(judged(track(along(LEGAL), start_change=0.1))) == {"scene.first_frame"}  # one spot of it
    assert judged(track(along(LEGAL), start_gap=0.02, start_change=0.09)).status == "pass"
    assert "scene.first_frame" in broken(judged(track(along(LEGAL[::-1]))))
    presence = np.ones((len(along(LEGAL)), 1), np.float32)
    presence[0] = 0.2
    assert "scene.first_frame" in broken(judged(track(along(LEGAL), presence_TN=presence, start_gap=0.01)))


def test_where_rooms_are_two_cells_wide_half_a_room_is_enough() -> None:
    def ending(y: float, unit: int) -> set[str]:
        return broken(judged(track(along([*LEGAL[:7], (5, y)], end=0), unit=unit)))

    assert ending(4.4, 2) == ending(4.05, 2) == ending(4.6, 1) == set()
    assert ending(3.8, 2) == ending(4.4, 1) == {"rules.goal"}


def test_leaving_the_goal_is_not_reaching_it() -> None:
    assert broken(judged(track(along([*LEGAL, (5, 4), (5, 3)])))) == {"rules.goal"}
    assert broken(judged(track(along(LEGAL[:5])))) == {"rules.goal"}
    assert broken(judged(track(along([LEGAL[0]] * 5)))) == {"rules.goal"}


@pytest.mark.parametrize(("changes", "word"), [
    ({"contrast_N": (5.0,)}, "background"),
    ({"presence_TN": np.zeros((38, 1), np.float32)}, "could not be found"),
])  # fmt: skip
def test_what_cannot_be_read_is_unscored_with_the_reason(changes: dict[str, Any], word: str) -> None:
    places = along(LEGAL)
    assert len(places) == 38
    verdict = judged(track(places, **changes))
    assert (verdict.status, verdict.score) == ("unscored", None) and word in verdict.reason


def test_one_frame_fails() -> None:
    verdict = judged(track(along(LEGAL)[:1]))
    assert verdict.status == "fail" and not verdict.checks["rules.goal"]


def test_the_group_of_a_fault_decides_whether_the_puzzle_counts_as_solved() -> None:
    places = along(LEGAL)
    camera = np.full((len(places), 2), 0.1, np.float32)
    moved = judged(track(places, camera_T2=camera))
    assert moved.status == "fail" and moved.metrics["solved"] == 1.0
    assert judged(track(detour((3, 2)))).metrics["solved"] == 0.0


# -- boxes ---------------------------------------------------------------------------------------------------
NAMES = ("box", "agent")
PUSH = ([(3, 2), (3, 2), (4, 2), (5, 2)], [(1, 2), (2, 2), (3, 2), (4, 2)])  # box and agent, step by step
START = dict(boxes=[(3, 2)], targets=[(5, 2)], agent=(1, 2))


def pushed(box: Path, agent: Path, **changes: Any) -> Verdict:
    return judged(track(along(box, agent), NAMES, **changes), sokoban(**START), SOKOBAN)


def test_a_push_passes() -> None:
    verdict = pushed(*PUSH)
    assert verdict.status == "pass" and verdict.metrics["moves"] == 3


def test_a_box_that_moves_without_a_push_is_illegal() -> None:
    verdict = pushed([(3, 2), (4, 2), (5, 2)], [(1, 2)] * 3)
    assert broken(verdict) == {"rules.legal"} and "without a push" in verdict.reason


def test_a_pull_is_illegal() -> None:
    box: Path = [(3, 2), (3, 2), (4, 2), (3, 2), (4, 2), (5, 2)]
    agent: Path = [(1, 2), (2, 2), (3, 2), (2, 2), (3, 2), (4, 2)]
    assert broken(pushed(box, agent)) == {"rules.legal"}


def test_a_box_pushed_into_the_wall_is_illegal() -> None:
    box: Path = [*PUSH[0], (6, 2), (5, 2)]
    agent: Path = [*PUSH[1], (5, 2), (4, 2)]
    verdict = pushed(box, agent)
    assert broken(verdict) == {"rules.legal"} and "wall" in verdict.reason


def test_walking_through_a_box_is_illegal() -> None:
    agent: Path = [(1, 2), (2, 2), (3, 2), (4, 2), (4, 2)]
    verdict = pushed([(3, 2)] * 5, agent)
    assert broken(verdict) == {"rules.legal", "rules.goal"}


def test_two_boxes_in_a_row_are_not_pushed() -> None:
    state = sokoban([(3, 2), (4, 2)], [(4, 2), (5, 2)], (1, 2))
    boxes: list[Path] = [[(3, 2), (3, 2), (4, 2)], [(4, 2), (4, 2), (5, 2)]]
    seen = track(along(*boxes, [(1, 2), (2, 2), (3, 2)]), ("box", "box", "agent"))
    verdict = judged(seen, state, SOKOBAN)
    assert broken(verdict) == {"rules.legal"} and "blocked by another box" in verdict.reason


def test_any_box_may_stand_on_any_target() -> None:
    state = sokoban([(3, 1), (3, 3)], [(4, 1), (4, 3)], (2, 1))
    ways: list[Path] = [[(3, 1), (4, 1), (4, 1)], [(3, 3)] * 3, [(2, 1), (3, 1), (2, 1)]]
    assert broken(judged(track(along(*ways), ("box", "box", "agent")), state, SOKOBAN)) == {"rules.goal"}
    crossed = sokoban([(3, 3), (3, 1)], [(4, 1), (4, 3)], (2, 1))
    solution = SOKOBAN.solve(crossed)
    assert solution is not None
    stops, at = [SOKOBAN.places(crossed)], crossed
    for move in solution.moves:
        at = SOKOBAN.step(at, move)
        stops.append(SOKOBAN.places(at))
    seen = track(animate(stops, Motion()).places_TN2, ("box", "box", "agent"))
    assert judged(seen, crossed, SOKOBAN).status == "pass"


def test_a_lost_box_is_gone_even_if_all_else_is_right() -> None:
    presence = np.ones((len(along(*PUSH)), 2), np.float32)
    presence[5:9, 0] = 0
    verdict = pushed(*PUSH, presence_TN=presence)
    assert broken(verdict) == {"objects.present"} and "the box is gone" in verdict.reason
