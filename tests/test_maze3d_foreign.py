"""Mazes of cubes that VR-Bench drew: states, pictures taken apart and read, clips judged."""

import json
import os
from dataclasses import replace
from pathlib import Path

import cubes_fixture as fixture
import cv2
import numpy as np
import pytest

from genreason import video
from genreason.formats import vrread3d, vrstate3d
from genreason.formats.vrstate3d import parse
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.maze3d import PUZZLE
from genreason.render.lattice import Lattice
from genreason.render.motion import Motion, animate
from genreason.types import Clip, Instance, UserError

SKINS = {"plain": fixture.PLAIN, "dark": fixture.DARK, "pale": fixture.PALE}
START, GOAL = tuple(fixture.LEVEL["start_pos"]), tuple(fixture.LEVEL["goal_pos"])
MOTION = {
    "frames_per_step": 3,
    "ease": "linear",
    "hold_start": 1,
    "hold_end": 1,
    "length": "any",
}


def instance_of(record, image):
    picture = cv2.imread(str(image))
    level = parse(record, (picture.shape[1], picture.shape[0]))
    moves = PUZZLE.solve(PUZZLE.decode(level.state, level.goal)).moves
    return Instance(
        key=f"{image}", task="maze3d", version=1, level="easy", split="any", seed=0, index=0, style="foreign",
        state=level.state, goal=level.goal, prompt="", fingerprint="", size=level.size, fps=24.0,
        scene={"puzzle": "maze3d", "foreign": True, "motion": MOTION, "solution": list(moves), **level.scene},
        first_frame=Path(image),
    )  # fmt: skip


@pytest.fixture(scope="module", params=["plain", "pale"])
def level(request, tmp_path_factory):
    """An instance that others drew, and its skin."""
    skin = SKINS[request.param]
    path = tmp_path_factory.mktemp("foreign") / "easy_0001.png"
    shown = fixture.with_ball(fixture.scene(skin=skin), fixture.place(START), skin)
    cv2.imwrite(str(path), shown[..., ::-1])
    return instance_of(fixture.state(), path), skin


def filmed(instance, skin, plates, stops=None):
    """A clip in 752 pixels, as VR-Bench encodes them, of the solution; the plates take turns."""
    workshop = Workshop(instance, "test")
    script = animate(workshop.stops if stops is None else stops, Motion(**MOTION))
    pixels = Lattice.from_json(instance.scene["grid"]).pixels(script.places_TN2[:, 0])

    def frames():
        for t, at in enumerate(pixels):
            frame = fixture.with_ball(plates[t * len(plates) // len(pixels)], at, skin)
            yield np.asarray(cv2.resize(frame, (752, 752), interpolation=cv2.INTER_CUBIC), np.uint8)

    data = video.encode(frames(), 24.0, crf=24)
    return Clip(render=lambda: video.read(data), fps=24.0)


def judged(instance, clip):
    return RulesJudge().judge(instance, [clip])[0]


# -- pictures taken apart ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", SKINS)
def test_behind_the_ball_is_what_was_there(name, tmp_path):
    skin = SKINS[name]
    bare = fixture.scene(skin=skin)
    cv2.imwrite(
        str(tmp_path / "ball.png"),
        fixture.with_ball(bare, fixture.place(START), skin)[..., ::-1],
    )
    instance = instance_of(fixture.state(), tmp_path / "ball.png")
    board = PUZZLE.board(instance)
    gap = np.abs(cv2.blur(board.plate, (5, 5)).astype(int) - cv2.blur(bare, (5, 5)))
    assert gap.max() < 32 and np.percentile(gap[500:625, 320:440], 95) < 8
    radius = np.sqrt(board.pieces[0].alpha.sum() / np.pi)
    assert radius == pytest.approx(fixture.RADIUS + 1.4, abs=1)
    redrawn = board.draw(PUZZLE.places(PUZZLE.start(instance))).astype(int)
    assert np.percentile(np.abs(redrawn - PUZZLE.picture(instance)), 99.9) < 16


@pytest.mark.parametrize(
    ("recoloured", "without", "words"),
    [
        ({GOAL: "cube", (3, 5, 3): "goal"}, [], r"does not show the cube \[3, 5, 3\]"),
        ({}, [(3, 5, 3)], r"does not show the cube \[3, 5, 3\]"),
        ({START: "cube"}, [(5, 1, 0), (5, 2, 0)], "does not show"),
        ({}, [], None),
    ],
)
def test_a_picture_that_shows_a_cube_otherwise_is_named(recoloured, without, words, tmp_path):
    shown = fixture.with_ball(fixture.scene(recoloured=recoloured, without=without), fixture.place(START))
    cv2.imwrite(str(tmp_path / "picture.png"), shown[..., ::-1])
    instance = instance_of(fixture.state(), tmp_path / "picture.png")
    if words is None:
        assert PUZZLE.board(instance).pieces
    else:
        with pytest.raises(UserError, match=words) as error:
            PUZZLE.board(instance)
        assert "\n" not in str(error.value)


def test_a_picture_of_something_else_is_no_level(tmp_path):
    other = {
        **fixture.LEVEL,
        "cubes": [[5, 5, 0], [5, 4, 0], [5, 3, 0], [5, 3, 3], [1, 3, 3]],
        "ladders": [],
    }
    pictures = {
        "does not show these cubes": fixture.with_ball(fixture.scene(other), fixture.place(START)),
        "does not stand out": fixture.scene(),
    }
    for words, picture in pictures.items():
        cv2.imwrite(str(tmp_path / "picture.png"), picture[..., ::-1])
        instance = replace(instance_of(fixture.state(), tmp_path / "picture.png"), key=words)
        with pytest.raises(UserError, match=words):
            PUZZLE.board(instance)


# -- judging -------------------------------------------------------------------------------------------------
def test_the_solution_passes_and_a_changed_scene_does_not(level):
    instance, skin = level
    plain = fixture.scene(skin=skin)
    assert judged(instance, filmed(instance, skin, [plain])).status == "pass"
    changed = {
        "cube gone": fixture.scene(skin=skin, without=[(5, 1, 0), (5, 2, 0)]),
        "ladder gone": fixture.scene(skin=skin, ladders=[[5, 3, 0]]),
        "goal recoloured": fixture.scene(skin=skin, recoloured={GOAL: "cube"}),
        "goal elsewhere": fixture.scene(skin=skin, recoloured={GOAL: "cube", (3, 5, 3): "goal"}),
    }
    for name, plate in changed.items():
        verdict = judged(instance, filmed(instance, skin, [plain, plate]))
        assert verdict.status == "fail" and verdict.checks["scene.kept"] == 0, name
        assert verdict.checks["rules.legal"] == 1, name


def straight(a, b, count=6):
    """Places on a straight line."""
    return [a + (b - a) * np.float32(share) for share in np.linspace(0, 1, count)]


def nodes_of(instance):
    """Where the ball is on each cube, in cells."""
    state = PUZZLE.start(instance)
    nodes = zip(state.cubes, state.network.nodes, strict=True)
    return {cube: np.array([node], np.float32) for cube, node in nodes}


@pytest.mark.parametrize("level", ["plain"], indirect=True)
def test_other_ways_than_legal_ones_fail(level):
    instance, skin = level
    plain, stops = fixture.scene(skin=skin), Workshop(instance, "test").stops
    state, place = PUZZLE.start(instance), nodes_of(instance)
    way = Workshop(instance, "test").way
    off = {name: np.array([by], np.float32) for name, by in (("down", (0, 1.6)), ("right", (1.6, 0.3)))}
    ways = {
        ("rules.legal", "up without a ladder"): [
            *way(state, ["forward_right"]), *straight(place[3, 5, 0], place[1, 3, 3], 12)[1:]],
        ("rules.legal", "down in front of its cube"): [*straight(stops[0], stops[0] + off["down"]), *stops],
        ("rules.legal", "over the edge"): [*straight(stops[0], stops[0] + off["right"]), *stops],
        ("rules.goal", "another end"): way(state, ["forward_left", "forward_left"]),
        ("rules.goal", "touched and left"): [*stops, *stops[-4:-1][::-1]],
        ("rules.legal", "through the air"): [stops[0], *straight(stops[0], stops[-1], 9)[1:]],
        ("rules.legal", "a cube's length at a time"): [stops[0], *stops[-3:]],
    }  # fmt: skip
    for (check, name), stops in ways.items():
        verdict = judged(instance, filmed(instance, skin, [plain], stops))
        assert verdict.status == "fail" and verdict.checks[check] == 0, name


@pytest.mark.parametrize("level", ["plain"], indirect=True)
@pytest.mark.parametrize(
    ("edges", "status"),
    [
        ((0, 0.55, 0), "pass"),
        ((0, 1.1, 0), "fail"),
        ((0, 0, 0.3), "pass"),
        ((0, 0, 0.8), "fail"),
    ],
)
def test_a_quarter_beside_the_cubes_is_still_on_them(level, edges, status):
    """From (5, 3, 3) on the ball goes `edges` of a cube beside, or above, where it should."""
    instance, skin = level
    lattice, stops = (
        Lattice.from_json(instance.scene["grid"]),
        Workshop(instance, "test").stops,
    )
    start = lattice.pixels(nodes_of(instance)[5, 3, 3][0])
    by = (fixture.place(np.add((4, 3, 3), edges)) - fixture.place((4, 3, 3))) / lattice.cell_w
    assert np.abs(start - fixture.place((5, 3, 3))).max() < 0.05
    turn = min(
        range(len(stops)),
        key=lambda k: float(np.hypot(*(stops[k][0] - nodes_of(instance)[5, 3, 3][0]))),
    )
    beside = [
        *stops[: turn + 1],
        *(stop + by.astype(np.float32) for stop in stops[turn + 1 : -1]),
        stops[-1],
    ]
    verdict = judged(instance, filmed(instance, skin, [fixture.scene(skin=skin)], beside))
    assert verdict.status == status, verdict.reason
    assert verdict.checks["rules.legal"] == (status == "pass")


# -- pictures without states ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("skin", "size"), [("plain", (512, 512)), ("dark", (704, 720)), ("pale", (740, 740))]
)
def test_a_picture_is_read(skin, size):
    shown = fixture.with_ball(fixture.scene(skin=SKINS[skin]), fixture.place(START), SKINS[skin])
    shown = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_AREA), np.uint8)
    found = vrread3d.level(shown, {})
    assert found.size == size and found.goal == {"goal": list(GOAL)}
    assert found.state["cubes"] == sorted(fixture.LEVEL["cubes"])
    assert found.state["ladders"] == sorted(fixture.LEVEL["ladders"])
    lattice = Lattice.from_json(found.scene["grid"])
    state = PUZZLE.decode(found.state, found.goal)
    scale = np.array(size) / 740
    assert np.abs(lattice.pixels(PUZZLE.goals(state)) - fixture.place(GOAL) * scale).max() < 1


def test_hints_are_taken_and_checked():
    shown = fixture.with_ball(fixture.scene(), fixture.place(START))
    assert vrread3d.level(shown, {"grid": [6, 6, 5]}).goal == {"goal": list(GOAL)}
    for hint, words in (
        ("hard", "no start cube"),
        ("big", "neither"),
        (None, "neither"),
        (6, "neither"),
        ([6, float("inf"), 5], "neither"),
        ("6,6,1" + "0" * 400, "2 to 40 cubes a side"),
        ("1,1,1", "2 to 40 cubes a side"),
        ("6,6", "neither"),
    ):
        with pytest.raises(UserError, match=words):
            vrread3d.level(shown, {"grid": hint})
    with pytest.raises(UserError, match="no start cube"):
        vrread3d.level(np.full((300, 300, 3), 255, np.uint8), {"grid": "6,6,5"})
    with pytest.raises(UserError, match="no goal cube"):
        vrread3d.level(fixture.scene(recoloured={GOAL: "cube"}), {"grid": "6,6,5"})


# -- VR-Bench's own ------------------------------------------------------------------------------------------
def levels_of_others():
    where = os.environ.get("GENREASON_VRBENCH")
    if where is None:
        pytest.skip("GENREASON_VRBENCH names no folder of VR-Bench's levels")
    return sorted((Path(where) / "maze3d").rglob("states/*.json"))


@pytest.mark.slow
def test_ground_truths_of_others_pass_and_their_pictures_are_read():
    for path in levels_of_others():
        bucket, record = path.parent.parent, json.loads(path.read_text())
        image = bucket / "images" / f"{path.stem}.png"
        instance = instance_of(record, image)
        for clip in sorted((bucket / "videos").glob(f"{path.stem}*.mp4")):
            verdict = judged(instance, Clip(path=clip))
            assert verdict.status == "pass", (path, verdict.reason)
            found = np.array([place for place in verdict.evidence["track"]["agent"] if place])
            points = Lattice.from_json(instance.scene["grid"]).pixels(
                PUZZLE.start(instance).network.samples.points
            )
            assert np.hypot(*(found[:, None] - points[None]).transpose(2, 0, 1)).min(axis=1).max() < 4
        picture = cv2.imread(str(image), cv2.IMREAD_COLOR_RGB)
        found = vrread3d.level(np.asarray(picture, np.uint8), {})
        assert (found.state["cubes"], found.goal) == (
            instance.state["cubes"],
            instance.goal,
        ), path
        assert found.state["ladders"] == instance.state["ladders"], path


@pytest.mark.slow
def test_clips_of_models_are_judged_as_a_person_sees_them(tmp_path):
    """Looked at: Wan-R1 solves it; Sora's ball rolls off its cube, Wan 2.2's sinks into it and is gone."""
    where = os.environ.get("GENREASON_MODEL_CLIPS")
    if where is None:
        pytest.skip("GENREASON_MODEL_CLIPS names no folder of clips")
    folder = Path(where) / "maze3d" / "medium"
    first = next(iter(video.read(folder / "wanr1.mp4")))
    found = vrread3d.level(first, {})
    cv2.imwrite(str(tmp_path / "first.png"), first[..., ::-1])
    instance = Instance(
        key="clips", task="maze3d", version=1, level="medium", split="any", seed=0, index=0, style="foreign",
        state=found.state, goal=found.goal, prompt="", fingerprint="", size=found.size, fps=24.0,
        scene={"puzzle": "maze3d", "foreign": True, "motion": MOTION, **found.scene},
        first_frame=tmp_path / "first.png",
    )  # fmt: skip
    verdicts = {
        name: judged(instance, Clip(path=folder / f"{name}.mp4"))
        for name in ("wanr1", "sora-2", "wan2.2_baseline")
    }
    assert verdicts["wanr1"].status == "pass" and verdicts["wanr1"].metrics["moves"] == 7
    left = verdicts["sora-2"].violations[0]
    assert left.check == "rules.legal" and 0.2 < left.seconds < 0.6
    sinks = verdicts["wan2.2_baseline"].violations[0]
    assert sinks.check.startswith("objects.") and 0.35 < sinks.seconds < 0.6
    for name in ("sora-2", "wan2.2_baseline"):
        assert verdicts[name].checks["objects.unique"] == 0 and verdicts[name].checks["rules.goal"] == 0


def test_the_game_s_name_is_vr_bench_s():
    assert vrstate3d.GAME == PUZZLE.name
