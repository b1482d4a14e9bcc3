"""Mazes of cubes: sampling, forms, drawing, judging."""

from collections import Counter
from dataclasses import replace

import cv2
import networkx as nx
import numpy as np
import pytest

from genreason import cards, seeds, testing
from genreason.cards import TaskCard
from genreason.generate.scenery import switched
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.maze3d import PUZZLE, Maze3dParams
from genreason.puzzles.scaffold import CAMERA, MOVES, ball
from genreason.render.camera import Camera, orthographic
from genreason.render.cubes import cube_parts
from genreason.render.cubestyles import STYLES, draw_scaffold
from genreason.render.lattice import Lattice
from genreason.task import Task
from genreason.types import Clip, GenreasonError, IllegalMove, UserError

LEVELS = list(cards.load(TaskCard, "maze3d").levels)
SMALL = Maze3dParams(grid=(6, 6, 5), segments=(3, 4), branches=(1, 2), directions="any")
MOTION = {"frames_per_step": 3, "ease": "linear", "hold_start": 2, "hold_end": 2, "length": "any"}


def sampled(i=0, params=SMALL):
    return PUZZLE.sample(seeds.stream("test", i), params)


def pictured(i=0, style="studio", size=(256, 256), params=SMALL):
    return testing.instance_of(PUZZLE, sampled(i, params), style=style, size=size, motion=MOTION, index=i)


def judged(instance, clip):
    return RulesJudge().judge(instance, [clip])[0]


def mirrored(state):
    """The same scaffold with left and right swapped, and moved."""
    record, goal = PUZZLE.encode(state)

    def swap(cube):
        return [cube[1] + 2, cube[0] + 4, cube[2]]

    moved = {name: [swap(cube) for cube in record[name]] for name in ("cubes", "ladders")}
    yield PUZZLE.decode({**record, **moved, "agent": swap(record["agent"])}, {"goal": swap(goal["goal"])})


def redrawn(instance, *, cubes=None, ladders=None, roles=None):
    """The plate of an instance with other cubes, ladders or colours."""
    state, lattice = PUZZLE.start(instance), Lattice.from_json(instance.scene["grid"])
    camera = state.camera.moved((lattice.cell_w, lattice.cell_h), tuple(lattice.pixels((0, 0)).tolist()))
    there = dict.fromkeys(sorted(state.scaffold.cubes if cubes is None else cubes), "cube")
    there |= {state.cubes[state.agent]: "start", state.cubes[state.goal]: "goal"} | (roles or {})
    standing = sorted(state.scaffold.ladders if ladders is None else ladders)
    rng, cell = seeds.stream(instance.key, "surface"), lattice.cell_w
    style = STYLES[instance.style]
    return draw_scaffold(there, standing, camera, style, instance.size, cell, rng)


# -- scaffolds -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("level", LEVELS)
def test_levels_have_their_segments_and_branches(level):
    params = Task("maze3d", level).params
    for i in range(6):
        state = sampled(i, params)
        moves = PUZZLE.solve(state).moves
        assert params.segments[0] <= len(moves) <= params.segments[1]
        assert nx.is_tree(state.network.graph)
        assert len(state.cubes) - 1 - len(moves) >= params.branches[0]
        if params.directions == "back":
            assert set(moves) <= {"forward_left", "forward_right", "up"}


def test_directions_any_leads_everywhere():
    used = Counter(move for i in range(30) for move in PUZZLE.solve(sampled(i)).moves)
    assert set(used) == set(MOVES)


def test_scaffolds_differ():
    assert len({PUZZLE.canonical(sampled(i)) for i in range(40)}) >= 38


@pytest.mark.parametrize("level", ["medium", "expert"])
def test_lanes_that_are_not_joined_keep_apart(level):
    for i in range(3):
        found = sampled(i, Task("maze3d", level).params).network.samples
        for a in range(len(found.points)):
            strangers = ~np.isin(found.ends, found.ends[a]).any(axis=1)
            gap = np.hypot(*(found.points[strangers] - found.points[a]).T)
            assert gap.min(initial=9.0) > 1.0


@pytest.mark.parametrize("i", range(4))
def test_every_top_that_matters_is_seen(i):
    """Each cube is drawn in its own colour: how much of its top is left to sight?"""
    state = sampled(i, Task("maze3d", "hard").params)
    canvas = np.zeros((512, 512), np.uint8)
    camera = state.camera.moved((20, 20), (20, 20))
    cubes = sorted(state.scaffold.cubes)
    for number, cube in enumerate(sorted(cubes, key=sum), 1):
        whole = np.zeros_like(canvas)
        for part in sorted(cube_parts({cube: "cube"}, camera), key=lambda part: part.order):
            colour = number if part.side == "top" else 0
            cv2.fillConvexPoly(canvas, np.rint(part.corners).astype(np.int32), colour)
            if part.side == "top":
                cv2.fillConvexPoly(whole, np.rint(part.corners).astype(np.int32), 1)
    for number, cube in enumerate(sorted(cubes, key=sum), 1):
        if cube in state.cubes:
            assert (canvas == number).sum() > 0.6 * whole.sum(), cube


def test_too_tight_parameters_are_named():
    with pytest.raises(GenreasonError, match="lower segments or branches"):
        sampled(params=Maze3dParams(grid=(2, 2, 2), segments=(3, 3)))
    with pytest.raises(ValueError, match="more than the most"):
        Maze3dParams(segments=(7, 5))
    with pytest.raises(ValueError, match="one at least"):
        Maze3dParams(segments=(0, 5))


# -- rules and forms -----------------------------------------------------------------------------------------
def test_the_family_keeps_its_contract():
    testing.check_puzzle(PUZZLE, SMALL, 5, symmetries=mirrored)


def test_moves_are_vr_bench_s():
    cubes = [[5, 5, 0], [4, 5, 0], [3, 5, 0], [5, 4, 0], [5, 3, 0], [3, 5, 3], [5, 5, 3], [1, 5, 0]]
    camera = [list(row) for row in CAMERA.rows]
    record = {"cubes": cubes, "ladders": [[3, 5, 0]], "agent": [5, 5, 0], "camera": camera}
    state = PUZZLE.decode(record, {"goal": [3, 5, 3]})
    assert set(PUZZLE.moves(state)) == {"forward_left", "forward_right"}  # no ladder, though a cube is above
    assert PUZZLE.solve(state).moves == ("forward_right", "up")
    there = PUZZLE.step(PUZZLE.step(state, "forward_right"), "up")
    assert PUZZLE.done(there) and set(PUZZLE.moves(there)) == {"down"}
    with pytest.raises(IllegalMove):
        PUZZLE.step(PUZZLE.step(state, "forward_right"), "forward_right")
    alone = PUZZLE.decode(record, {"goal": [5, 5, 3]})
    assert PUZZLE.solve(alone) is None


def test_plans_say_where_the_goal_lies():
    state = sampled(3)
    for move in PUZZLE.solve(state).moves:
        words = PUZZLE.plan(state, move)
        assert move.split("_")[0] in words and words.startswith("The goal lies")
        state = PUZZLE.step(state, move)
    assert words.endswith("onto the goal.")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("cubes", [[1, 1]], "no cube"),
        ("cubes", 3, "list of cubes"),
        ("cubes", [[0, 0, 0]], "there is no cube at"),
        ("ladders", [[9, 9, 9]], "there is no cube at"),
        ("agent", [0, 0], "no cube"),
        ("agent", [9, 9, 9], "there is no cube at"),
        ("camera", [[1, 2], [3]], "3 rows of 4 numbers"),
        ("camera", [[float("nan")] * 4] * 3, "3 rows of 4 numbers"),
        ("cubes", None, "lacks 'cubes'"),
    ],
)
def test_wrong_states_are_named(field, value, words):
    record, goal = PUZZLE.encode(sampled())
    record = {name: entry for name, entry in {**record, field: value}.items() if entry is not None}
    with pytest.raises(UserError, match=words):
        PUZZLE.decode(record, goal)


# -- cameras and pictures ------------------------------------------------------------------------------------
def test_an_orthographic_edge_is_one_cell():
    camera = orthographic(30)
    for axis in ((1, 0, 0), (0, 1, 0)):
        assert np.hypot(*np.diff(camera.project([(0, 0, 0), axis]), axis=0)[0]) == pytest.approx(1)
    (left, down), (right, low), (_, up) = camera.project(np.eye(3)) - camera.project((0, 0, 0))
    assert left < 0 < right and down > 0 and low > 0 and up < 0
    assert np.allclose(camera.toward((3.0, 1.0, 2.0)) @ (1, 1, 0) / np.sqrt(2), np.cos(np.radians(30)))
    moved = camera.moved((3, 2), (5, 7))
    assert np.allclose(moved.project((1, 2, 3)), camera.project((1, 2, 3)) * (3, 2) + (5, 7), atol=1e-6)
    assert Camera.of(np.array(moved.rows)) == moved


@pytest.mark.parametrize("style", list(STYLES))
def test_the_picture_shows_start_goal_and_ball_in_their_colours(style):
    instance = pictured(2, style)
    state, board = PUZZLE.start(instance), PUZZLE.board(instance)
    lattice, look = board.lattice, STYLES[style]

    def seen(point, frame):
        x, y = lattice.pixels(state.camera.project(point)).astype(int)
        return frame[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)

    start, goal = (np.array(state.cubes[node], float) for node in (state.agent, state.goal))
    for cube, colour in ((start, look.start), (goal, look.goal)):
        assert np.abs(seen(cube + (0.15, 0.85, 1.0), board.plate) - colour).max() < 40
    assert np.abs(np.subtract(look.start, look.goal)).max() > 60
    middle = seen(ball(start), PUZZLE.picture(instance))
    assert np.abs(middle - seen(ball(start), board.plate)).max() > 60


@pytest.mark.parametrize("style", list(STYLES))
def test_words_are_told_apart(style):
    words = PUZZLE.style_words(style)
    assert len({words["start"], words["goal"], words["cube"]}) == 3
    assert words["agent"].split()[0] not in {words["goal"].split()[0], words["start"].split()[0]}


def test_small_pictures_and_unknown_styles_are_refused():
    with pytest.raises(UserError, match="use --size"):
        pictured(size=(96, 96))
    with pytest.raises(UserError, match="style of maze3d"):
        pictured(style="moon")


@pytest.mark.parametrize("style", list(STYLES)[:3])
def test_frames_are_read_back(style):
    instance = pictured(1, style)
    state, board = PUZZLE.start(instance), PUZZLE.board(instance)
    for move in PUZZLE.solve(state).moves:
        state = PUZZLE.step(state, move)
        frame = cv2.resize(board.draw(PUZZLE.places(state)), (300, 300))
        reading = PUZZLE.read(frame, instance)
        assert reading.state.agent == state.agent and reading.confidence > 0.8


# -- judging -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("style", ["glass", "quarry", "candy"])
def test_a_changed_scene_fails(style):
    instance = pictured(5, style)
    workshop, state = Workshop(instance, "test"), PUZZLE.start(instance)
    cubes, ladders = state.scaffold.cubes, sorted(state.scaffold.ladders)
    start, goal = state.cubes[state.agent], state.cubes[state.goal]
    inner = next(cube for cube in sorted(cubes, key=sum, reverse=True) if cube not in (start, goal))
    assert ladders, "choose a sample with a ladder"
    assert judged(instance, workshop.clip(workshop.truth)).status == "pass"
    changed = {
        "cube gone": redrawn(instance, cubes=cubes - {inner}),
        "ladder gone": redrawn(instance, ladders=ladders[1:]),
        "goal recoloured": redrawn(instance, roles={goal: "cube"}),
        "a second goal": redrawn(instance, roles={inner: "goal"}),
    }
    for name, plate in changed.items():
        board = replace(workshop.board, plate=plate)
        verdict = judged(instance, switched(workshop, board))
        assert verdict.status == "fail" and verdict.checks["scene.kept"] == 0, name
        verdict = judged(instance, workshop.clip(workshop.truth, board))
        assert verdict.status == "fail" and verdict.checks["scene.first_frame"] == 0, name


def test_there_is_no_way_up_without_a_ladder():
    """From a cube straight up to another that no ladder joins, slowly; then on by legal moves."""
    for i in range(40):
        instance = pictured(i, params=Task("maze3d", "easy").params)
        workshop, state = Workshop(instance, "test"), PUZZLE.start(instance)
        passed = [at.agent for at in workshop.states]
        for node, cube in enumerate(state.cubes):
            above = (cube[0], cube[1], cube[2] + 3)
            if node in passed and above in state.cubes and cube not in state.scaffold.ladders:
                ends = np.array([state.network.nodes[node], state.network.nodes[state.cubes.index(above)]])
                line = [
                    np.float32(ends[:1] + (ends[1:] - ends[:1]) * share) for share in np.linspace(0, 1, 5)
                ]
                up = replace(state, agent=state.cubes.index(above))
                rest = workshop.way(up, PUZZLE.solve(up).moves)
                walked = workshop.way(state, workshop.moves[: passed.index(node)])
                verdict = judged(instance, workshop.clip(workshop.animate([*walked, *line[1:], *rest[1:]])))
                assert verdict.status == "fail" and verdict.checks["rules.legal"] == 0
                assert verdict.checks["objects.continuous"] == 1
                return
    pytest.fail("no sample has a cube above another without a ladder")


def test_any_way_passes_and_half_the_way_does_not():
    instance = pictured(4, params=Task("maze3d", "medium").params)
    workshop = Workshop(instance, "test")
    astray = [move for move in PUZZLE.moves(workshop.start) if move != workshop.moves[0]]
    away = PUZZLE.step(workshop.start, (astray or [workshop.moves[0]])[0])
    detour = [*workshop.way(workshop.start, [(astray or [workshop.moves[0]])[0]])]
    detour += workshop.way(away, PUZZLE.solve(away).moves)[1:]
    assert judged(instance, workshop.clip(workshop.animate(detour))).status == "pass"
    half = workshop.stops[: len(workshop.stops) // 2]
    verdict = judged(instance, workshop.clip(workshop.animate(half)))
    assert verdict.checks["rules.goal"] == 0 and verdict.checks["rules.legal"] == 1


def test_clips_are_drawn_when_they_are_read():
    instance = pictured()
    clip = Workshop(instance, "test").clip(Workshop(instance, "test").truth)
    assert isinstance(clip, Clip) and next(iter(clip.render())).shape == (256, 256, 3)


@pytest.mark.parametrize(("off", "status"), [(0.5, "pass"), (0.7, "fail")])
def test_half_a_row_of_cubes_and_a_quarter_of_it_are_the_ball_s_to_each_side(off, status):
    """A row is 0.8 of an edge wide as it is seen: 0.4 to each side are on it, 0.2 more are tolerated."""
    made = pictured(1)
    workshop, state = Workshop(made, "test"), PUZZLE.start(made)
    assert PUZZLE.width(state) == pytest.approx(0.8)
    beside = []
    for k, (a, b) in enumerate(zip(workshop.stops, workshop.stops[1:], strict=False)):
        x, y = (b - a)[0]
        for sign in (-off, off):
            place = (a + b) / 2 + np.float32(sign / np.hypot(x, y)) * np.array([[-y, x]], np.float32)
            beside.append((PUZZLE.depth(state, *place[0]), k, place))
    depth, k, place = max(beside, key=lambda entry: entry[0])
    assert depth == pytest.approx(off - 0.4, abs=0.05)
    clip = workshop.clip(workshop.animate([*workshop.stops[: k + 1], place, *workshop.stops[k + 1 :]]))
    verdict = judged(made, clip)
    assert verdict.status == status and verdict.checks["rules.legal"] == (status == "pass")
