"""Scenes of physics: what is drawn is read, true courses pass, and what breaks the law fails for that."""

from __future__ import annotations

import numpy as np
import pytest

from genreason import cards
from genreason.cards import TaskCard
from genreason.generate.controls import CONTROLS, shop
from genreason.generate.oracle import solution_clip
from genreason.generate.physicscheats import WRONG
from genreason.generate.physicshop import PhysicsShop
from genreason.judge.questions import puzzle_questions
from genreason.judge.rules import RulesJudge
from genreason.laws import Course, Law, fit
from genreason.puzzles.physics import PhysicsPuzzle
from genreason.render.rigstyles import SCENE_STYLES
from genreason.task import Task
from genreason.types import IllegalMove, Instance, UserError, Verdict

JUDGE = RulesJudge()
TASKS = [name for name in sorted(cards.paths(TaskCard)) if isinstance(Task(name).puzzle, PhysicsPuzzle)]
LEVELS = [(name, level) for name in TASKS for level in cards.load(TaskCard, name).levels]


def one(name: str, level: str | None = None, style: str | None = None, index: int = 0) -> Instance:
    return Task(name, level, split="any", style=style, seed=20)[index]


def physics(name: str) -> PhysicsPuzzle:  # type: ignore[type-arg]
    puzzle = Task(name).puzzle
    assert isinstance(puzzle, PhysicsPuzzle)
    return puzzle


def judged(instance: Instance, control: str) -> Verdict | None:
    clip = CONTROLS[control].make(shop(instance, control))
    return None if clip is None else JUDGE.judge(instance, [clip])[0]


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_solutions_pass_and_the_first_frame_alone_does_not(name: str, level: str) -> None:
    instance = one(name, level)
    verdict = JUDGE.judge(instance, [solution_clip(instance)])[0]
    assert verdict.status == "pass", verdict.reason
    assert set(verdict.checks.values()) == {1.0} and verdict.metrics["progress"] == 1
    still = judged(instance, "still")
    assert still is not None and still.status == "fail" and still.metrics["outcome"] == 0


@pytest.mark.parametrize("name", TASKS)
def test_the_answer_without_its_way_reaches_the_outcome_but_not_the_process(name: str) -> None:
    verdict = judged(one(name), "cut")
    assert verdict is not None and verdict.status == "fail"
    assert verdict.metrics["outcome"] == 1 and verdict.metrics["process"] == 0


@pytest.mark.parametrize("name", TASKS)
def test_what_is_drawn_is_read_in_every_style(name: str) -> None:
    puzzle = physics(name)
    for style in puzzle.styles():
        instance = one(name, style=style)
        state = puzzle.start(instance)
        for move in instance.scene["solution"]:
            state = puzzle.step(state, move)
        assert puzzle.read(puzzle.shown(instance, state), instance).state == state, style
        with pytest.raises(IllegalMove):
            puzzle.step(state, puzzle.stages[0])


@pytest.mark.parametrize(("name", "control"), [(n, c) for n in TASKS for c in (*WRONG, "tuned", "hang")])
def test_the_law_decides(name: str, control: str) -> None:
    verdict = judged(one(name), control)
    if verdict is None:
        return
    assert verdict.status == ("pass" if CONTROLS[control].honest else "fail"), verdict.reason
    assert CONTROLS[control].honest or verdict.checks["rules.legal"] == 0


@pytest.mark.parametrize(
    ("place", "control"),
    [
        # A wall between two columns is beside both.
        (("communicating_vessels", "medium", "chalk", 0), "scene_altered"),
        # Without the ground, no camera that stretches the picture explains what is left.
        (("pendulum", "medium", "chalk", 0), "scene_altered"),
        # At the edge of a wall compression leaves a line that has a disc's colour.
        (("collision", "easy", "notebook", 1), "recode35"),
    ],
)
def test_the_scene_is_watched_up_to_the_parts(place: tuple[str, str, str, int], control: str) -> None:
    verdict = judged(one(*place), control)
    assert verdict is not None
    honest = CONTROLS[control].honest
    assert verdict.status == ("pass" if honest else "fail"), verdict.reason
    assert honest or verdict.checks["scene.kept"] == 0


@pytest.mark.parametrize("name", ["collision", "lever"])
@pytest.mark.parametrize("control", ["relabelled", "resized", "blur"])
def test_what_is_written_on_a_part_stays(name: str, control: str) -> None:
    verdict = judged(one(name), control)
    assert verdict is not None
    assert verdict.checks["objects.present"] == CONTROLS[control].honest, verdict.reason


@pytest.mark.parametrize("name", TASKS)
def test_wrong_scenes_are_refused(name: str) -> None:
    puzzle, instance = physics(name), one(name)
    with pytest.raises(UserError, match="extra"):
        puzzle.decode({**instance.state, "extra": 1}, instance.goal)
    with pytest.raises(UserError, match="stages"):
        puzzle.decode({**instance.state, "step": 9}, instance.goal)
    with pytest.raises(UserError, match="--size"):
        puzzle.layout(puzzle.start(instance), (100, 200), "print")


@pytest.mark.parametrize("name", TASKS)
def test_questions_are_asked_in_the_words_of_the_card(name: str) -> None:
    asked = puzzle_questions(one(name))
    assert [question.kind for question in asked] == ["goal", "process", "preservation", "trap"]
    assert not any("{" in question.text or "player" in question.text[:4] for question in asked)


@pytest.mark.parametrize("style", SCENE_STYLES.values(), ids=lambda style: style.name)
def test_moving_colours_differ_from_all_else(style) -> None:  # type: ignore[no-untyped-def]
    moving = [np.array(style.colour(role)) for role in ("first", "second", "third")]
    others = [np.array(style.colour(role)) for role in ("ground", "ink", "mark", "face")]
    others.append(np.array(style.sky.colour))
    for k, colour in enumerate(moving):
        for other in [*others, *moving[:k]]:
            assert np.abs(colour - other).max() >= 75


def fallen(values) -> Course:  # type: ignore[no-untyped-def]
    """A throw upwards and to the right, of 2 time units at gravity 1."""
    gravity = values.get("gravity", 1.0)
    t = np.linspace(0, 2 / gravity, 100)
    return Course(t, np.stack([8 * t, 10 * (t - gravity * t * t / 2)], -1)[:, None], float(t[-1]))


@pytest.mark.parametrize(("gravity", "even", "pace"), [(1.0, 0.0, 1.0), (1.2, 0.0, 0.5), (0.9, 0.6, 2.0)])
def test_parameters_are_found_at_any_pace(gravity: float, even: float, pace: float) -> None:
    course = fallen({"gravity": gravity})
    times = np.clip((np.arange(60) - 7) / 40 * pace, 0, course.end)
    seen = course.at(times, even) + np.random.default_rng(1).normal(0, 0.05, (60, 1, 2))
    found = fit(Law(fallen, {"gravity": 0.1}, 0.4), seen, np.ones(60, np.bool_))
    assert found.values["gravity"] == pytest.approx(gravity, rel=0.03)
    assert found.values["even"] == pytest.approx(even, abs=0.15)
    assert np.nanmax(found.gap_T) < 0.3


@pytest.mark.parametrize(
    ("gravity", "status"), [(0.78, "fail"), (0.91, "pass"), (1.1, "pass"), (1.25, "fail")]
)
def test_the_tolerance_of_the_card_decides(gravity: float, status: str) -> None:
    w = shop(one("projectile"), "test")
    assert isinstance(w, PhysicsShop)
    course = w.puzzle.course(w.start, {"gravity": gravity})
    verdict = JUDGE.judge(w.instance, [w.clip(w.film(course))])[0]
    assert verdict.status == status, verdict.reason
    assert verdict.metrics["law.gravity"] == pytest.approx(gravity, rel=0.05)


@pytest.mark.parametrize("frames", [5, 60])
def test_the_pace_is_free(frames: int) -> None:
    w = shop(one("incline"), "test")
    assert isinstance(w, PhysicsShop)
    verdict = JUDGE.judge(w.instance, [w.clip(w.film(frames_per_step=frames))])[0]
    assert verdict.status == "pass", verdict.reason
