"""Every cheat breaks the check that it names, and every honest variant passes."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pytest

from genreason import cards, seeds, testing, video
from genreason.cards import TaskCard
from genreason.generate.controls import CONTROLS, Control, shop
from genreason.generate.oracle import Oracle
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.physics import PhysicsPuzzle
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.sokoban import SokobanParams
from genreason.render.motion import Script
from genreason.task import Task
from genreason.types import Clip, Frame, Instance, Request, UserError, Verdict

JUDGE = RulesJudge()


def three_boxes() -> Instance:
    params = SokobanParams(size=8, boxes=3, wall_share=0.05, min_moves=8)
    state = SOKOBAN.sample(seeds.stream("test_controls", 1), params)
    return testing.instance_of(SOKOBAN, state, style="garden", size=(128, 128), motion={"frames_per_step": 2})


@functools.cache
def scenes() -> dict[str, Instance]:
    """Tiles and lines, one box and three, at sizes that are quick."""

    def one(task: str, level: str, style: str, size: int) -> Instance:
        return Task(task, level=level, split="any", style=style, size=(size, size))[0]

    return {
        "maze tiles": one("maze", "easy", "dungeon", 128),
        "maze lines": one("maze", "small", "paper", 128),
        "sokoban": one("sokoban", "small", "classic", 128),
        "three boxes": three_boxes(),
        "keys": one("robot_navigation", "hard", "slate", 176),
        "cars": one("rush_hour", "easy", "garden", 160),
    }


@functools.cache
def boards() -> dict[str, Instance]:
    """Boards on which symbols are put, in turn, and on which tiles are carried."""
    return {
        "sudoku": Task("sudoku", "easy", split="any", style="print", seed=20)[0],
        "queens": Task("n_queens", "easy", split="any", style="wood", seed=20)[0],
        "game": Task("tic_tac_toe", "hard", split="any", style="wood", seed=20)[0],
        "tiles": Task("sliding_puzzle", "medium", split="any", style="chalk", seed=20)[0],
        "sticks": Task("matchsticks", "medium", split="any", style="print", seed=20)[0],
        "life": Task("life", "easy", split="any", seed=20)[0],
    }


SCENES = ("maze tiles", "maze lines", "sokoban", "three boxes", "keys", "cars")
# Where a scene offers no occasion: a maze has no boxes, an easy board may have no wall or floor to spare.
BOXES = {"pull", "self_move", "remote_push"}
KEYS = {"taken_afar", "left_lying", "through_door", "without_key", "fading"}
CARS = {"straight_on", "illegal_shift"}
ALWAYS = {name for name, recipe in CONTROLS.items() if recipe.pieces and name not in BOXES | KEYS | CARS | {
    "truncated", "touch_and_leave", "teleport", "through_wall", "corner_cut", "illegal_step", "late_clone",
    "scene_altered", "goal_moved", "detour", "other_solution",
}}  # fmt: skip


@functools.cache
def movements() -> list[Instance]:
    """One scene of every family of physics."""
    found = [Task(name, split="any", seed=20) for name in cards.paths(TaskCard)]
    return [task[0] for task in found if isinstance(task.puzzle, PhysicsPuzzle)]


def judged(instance: Instance, clip: Clip) -> Verdict:
    return JUDGE.judge(instance, [clip])[0]


def frames(clip: Clip) -> Iterator[Frame]:
    return video.frames(clip)


@pytest.mark.parametrize("scene", SCENES)
def test_the_solution_passes(scene: str) -> None:
    workshop = Workshop(scenes()[scene], "oracle")
    verdict = judged(workshop.instance, workshop.clip(workshop.truth))
    assert verdict.status == "pass", verdict.reason
    assert set(verdict.checks.values()) == {1.0}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_does_what_it_says(name: str, scene: str) -> None:
    recipe, instance = CONTROLS[name], scenes()[scene]
    clip = recipe.make(Workshop(instance, name))
    if clip is None:
        assert name not in ALWAYS
        return
    verdict = judged(instance, clip)
    if recipe.honest:
        assert verdict.status == "pass", verdict.reason
        assert set(verdict.checks.values()) == {1.0}
    else:
        assert verdict.status == "fail" and verdict.score == 0
        assert any(value == 0 for check, value in verdict.checks.items() if check.startswith(recipe.breaks))


def test_every_control_has_an_occasion_somewhere() -> None:
    for name, recipe in CONTROLS.items():
        known = [*scenes().values(), *boards().values(), *movements()]
        made = [recipe.make(shop(instance, name)) for instance in known]
        assert any(clip is not None for clip in made), name


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_a_function_of_instance_name_and_seed(name: str) -> None:
    instance = scenes()["sokoban"]
    clips = [CONTROLS[name].make(Workshop(instance, name, seed=3)) for _ in range(2)]
    if clips[0] is None or clips[1] is None:
        assert clips == [None, None]
        return
    for a, b in zip(frames(clips[0]), frames(clips[1]), strict=True):
        assert np.array_equal(a, b)


def test_an_honest_control_only_shows_legal_states() -> None:
    for instance in scenes().values():
        for name in ("other_solution", "detour"):
            clip = CONTROLS[name].make(Workshop(instance, name, seed=1))  # seed 0 is judged above
            if clip is not None:
                assert judged(instance, clip).status == "pass", name


def test_controls_that_find_no_occasion_say_so_and_stand_still() -> None:
    instance = scenes()["maze tiles"]
    request = Request(instance=instance, first_frame=np.zeros((128, 128, 3), np.uint8), prompt="")
    (clip,) = Control("pull").generate([request], 0)
    assert clip.meta == {"inapplicable": "pull", "instead": "still"}
    pictures = list(frames(clip))
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)


def test_an_unknown_control_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match="'teleport'"):
        Control("telport")


@pytest.mark.parametrize("name", ["still", "teleport", "recode28", "detour"])
def test_controls_keep_the_contract_of_generators(name: str) -> None:
    testing.check_generator(Control(name), [scenes()["maze tiles"], scenes()["sokoban"]])


def test_the_oracle_keeps_the_contract_of_generators() -> None:
    testing.check_generator(Oracle(), [scenes()["maze lines"], scenes()["sokoban"]])


@pytest.mark.parametrize("scene", SCENES)
def test_the_workshop_knows_the_board(scene: str) -> None:
    w = Workshop(scenes()[scene], "test")
    assert w.puzzle.done(w.states[-1]) and len(w.states) == len(w.moves) + 1
    for x, y in w.floor_cells():
        assert w.depth(x, y) == -0.5
    for x, y in w.wall_cells():
        assert w.depth(x, y) == 0.5
    for i, j, depth in w.chords(2, 400):
        assert depth >= 0.45 and j - i >= 2
        stops = w.straightened(i, j)
        assert (stops[i] == w.stops[i]).all() and (stops[j] == w.stops[j]).all()
    assert isinstance(w.truth, Script) and len(w.truth) % 4 == 1
