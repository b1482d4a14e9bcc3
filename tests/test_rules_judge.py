"""The judge looks at pixels and rules only, says the same every time, and never falls over."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from genreason import cards, testing, video
from genreason.cards import TaskCard
from genreason.generate.controls import CONTROLS
from genreason.generate.oracle import solution, solution_clip
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.puzzles import base
from genreason.task import Task
from genreason.types import Clip, Frame, Instance, UserError, Verdict

JUDGE = RulesJudge()


@functools.cache
def instance_in(task: str, level: str = "small", style: str = "slate", size: int = 128) -> Instance:
    return Task(task, level=level, split="any", style=style, size=(size, size))[0]


def judged(instance: Instance, clip: Clip, judge: RulesJudge = JUDGE) -> Verdict:
    return judge.judge(instance, [clip])[0]


def clip_of(instance: Instance, name: str) -> Clip:
    clip = CONTROLS[name].make(Workshop(instance, name))
    assert clip is not None
    return clip


SEEN = [
    ("maze", "oracle"), ("maze", "through_wall"), ("maze", "zoom"), ("sokoban", "oracle"),
    ("sokoban", "self_move"), ("sokoban", "crossfade"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "name"), SEEN)
def test_a_file_is_judged_as_what_it_was_written_from(tmp_path: Path, task: str, name: str) -> None:
    instance = instance_in(task)
    clip = solution_clip(instance) if name == "oracle" else clip_of(instance, name)
    path = tmp_path / "clip.mp4"
    video.write(path, video.frames(clip), instance.fps, "exact")
    rendered = judged(instance, clip)
    assert judged(instance, Clip(path=path)).to_json() == rendered.to_json()
    assert judged(instance, clip, RulesJudge()).to_json() == rendered.to_json()  # and again, by another judge


def stored(instance: Instance, moves: list[Any]) -> Instance:
    return dataclasses.replace(instance, scene={**instance.scene, "solution": moves})


@pytest.mark.parametrize("task", ["maze", "sokoban"])
def test_a_stored_solution_changes_metrics_only(task: str) -> None:
    instance = instance_in(task)
    clip = solution_clip(instance)
    puzzle = base.load(task)
    state, moves = puzzle.start(instance), list(solution(instance))
    there = next(iter(puzzle.moves(state)))
    back = {"up": "down", "down": "up", "left": "right", "right": "left"}[there]
    plain = judged(instance, clip)
    same = judged(stored(instance, moves), clip)
    assert same.to_json() == plain.to_json()
    if back in puzzle.moves(puzzle.step(state, there)):
        longer = judged(stored(instance, [there, back, *moves]), clip)
        assert longer.metrics != plain.metrics
        for part in ("status", "score", "checks", "violations", "reason", "evidence"):
            assert getattr(longer, part) == getattr(plain, part)


def test_the_verdict_does_not_depend_on_who_made_the_clip_or_what_it_says() -> None:
    instance = instance_in("maze")
    for name in ("oracle", "cut"):
        clip = solution_clip(instance) if name == "oracle" else clip_of(instance, name)
        plain = judged(instance, clip).to_json()
        boasting = dataclasses.replace(clip, meta={"generator": "oracle", "status": "pass", "score": 1.0})
        assert judged(instance, boasting).to_json() == plain
        renamed = dataclasses.replace(instance, task="x", level="y", split="z", index=7, prompt="", seed=3)
        assert judged(renamed, clip).to_json() == plain


def test_clips_do_not_influence_each_other() -> None:
    instance = instance_in("sokoban")
    clips = [clip_of(instance, name) for name in ("self_move", "still")] + [solution_clip(instance)]
    together = JUDGE.judge(instance, clips)
    assert [v.status for v in together] == ["fail", "fail", "pass"]
    for clip, verdict in zip(clips, together, strict=True):
        assert judged(instance, clip).to_json() == verdict.to_json()


@pytest.mark.parametrize("task", cards.paths(TaskCard))
def test_the_contract_holds_on_every_task(task: str) -> None:
    card = cards.load(TaskCard, task)
    source = Task(card, level=next(iter(card.levels)), split="any", size=(208, 208))
    testing.check_judge(JUDGE, list(source[:2]))


def test_evidence_is_where_things_were_in_the_first_frames_pixels() -> None:
    instance = instance_in("sokoban", "expert", "bricks", 192)
    workshop = Workshop(instance, "resized")
    clip = CONTROLS["resized"].make(workshop)
    assert clip is not None
    evidence = judged(instance, clip).evidence
    assert evidence["frames"] == len(workshop.truth) and evidence["size"] == [192, 192]
    first = next(iter(video.frames(clip)))
    assert evidence["clip_size"] == [first.shape[1], first.shape[0]] and evidence["view_kind"] == "resized"
    wanted = workshop.board.lattice.pixels(workshop.truth.places_TN2)
    assert list(evidence["track"]) == ["box0", "box1", "box2", "agent"]
    for i, line in enumerate(evidence["track"].values()):
        assert np.abs(np.array(line) - wanted[:, i]).max() < 3


def test_a_violation_is_where_and_when_it_happens() -> None:
    instance = instance_in("maze", "medium", "classic", 176)
    workshop = Workshop(instance, "object_lost")
    clip = CONTROLS["object_lost"].make(workshop)
    assert clip is not None
    (lost,) = [v for v in judged(instance, clip).violations if v.check == "objects.present"]
    t = len(workshop.truth) // 2
    assert lost.seconds == pytest.approx(t / instance.fps, abs=1.5 / instance.fps)
    assert lost.where == pytest.approx(
        workshop.board.lattice.pixels(workshop.truth.places_TN2[t, 0]), abs=instance.size[0] / 11
    )


@pytest.mark.parametrize(("task", "level", "style"), [
    ("maze", "medium", "night"), ("maze", "medium", "sand"), ("sokoban", "hard", "contrast"),
    ("sokoban", "expert", "photo"), ("sokoban", "four", "classic"),
])  # fmt: skip
def test_the_solution_gets_full_marks_by_the_published_metrics(task: str, level: str, style: str) -> None:
    for i in range(2):
        instance = Task(task, level=level, split="any", style=style)[i]
        verdict = judged(instance, solution_clip(instance))
        assert verdict.status == "pass"
        got = {name.removeprefix("vrbench."): value for name, value in verdict.metrics.items()}
        assert got["sr"] == 1.0
        assert got["pr"] > 0.98
        assert abs(got.get("sd", 0.0)) < 0.1 and got["em"] == 1.0
        assert got["mf"] > (0.99 if task == "maze" else 0.85)
        assert got["moves"] == len(solution(instance)) and got["solved"] == 1.0


# -- options and limits --------------------------------------------------------------------------------------
@pytest.mark.parametrize(("options", "word"), [
    ({"time": 3}, "time"),
    ({"time_limit": 0}, "time_limit"),
    ({"vrbench": "paper"}, "vrbench"),
    ({"tolerances": {"lane": 0.9}}, "tolerances.lane"),
    ({"tolerances": {"lanes": 0.2}}, "tolerances.lanes"),
])  # fmt: skip
def test_wrong_options_are_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(UserError, match=f"option {word}"):
        RulesJudge(**options)


def test_a_puzzle_without_rules_is_unscored() -> None:
    instance = instance_in("maze")
    unknown = dataclasses.replace(instance, scene={k: v for k, v in instance.scene.items() if k != "puzzle"})
    verdicts = JUDGE.judge(unknown, [solution_clip(instance)] * 2)
    assert [v.status for v in verdicts] == ["unscored"] * 2 and "rules" in verdicts[0].reason


def test_a_clip_that_takes_too_long_is_unscored() -> None:
    instance = instance_in("maze", "medium", "photo", 256)
    rng = np.random.default_rng(0)

    def noise() -> Iterator[Frame]:
        while True:
            yield rng.integers(0, 256, (256, 256, 3), np.uint8)

    verdict = judged(instance, Clip(render=noise, fps=24.0), RulesJudge(time_limit=0.3))
    assert verdict.status == "unscored" and "time_limit" in verdict.reason
    assert not verdict.metrics and not verdict.checks


def test_a_size_that_changes_midway_is_unscored() -> None:
    instance = instance_in("maze")
    pictures = list(video.frames(solution_clip(instance)))
    pictures[5] = pictures[5][:64]
    verdict = judged(instance, Clip(render=lambda: iter(pictures), fps=24.0))
    assert verdict.status == "unscored" and "size" in verdict.reason


sizes = st.tuples(st.integers(1, 150), st.integers(1, 150))


@settings(max_examples=40, phases=[Phase.generate])  # no shrinking: a failing example takes long
@given(st.sampled_from(["maze", "sokoban"]), sizes, st.integers(0, 3), st.integers(0, 1000))
def test_nothing_that_is_shown_makes_the_judge_fall_over_or_pass(
    task: str, size: tuple[int, int], kind: int, seed: int
) -> None:
    instance = instance_in(task)
    first = base.load(task).picture(instance)
    rng = np.random.default_rng(seed)
    blank = np.full((size[1], size[0], 3), rng.integers(0, 256), np.uint8)
    noise = rng.integers(0, 256, (3, size[1], size[0], 3), np.uint8)
    top, left = (int(v) for v in rng.integers(0, 100, 2))
    part = first[top : top + size[1] % 28 + 1, left : left + size[0] % 28 + 1]
    shuffled = first[rng.permutation(len(first))]
    pictures = [[blank] * 3, list(noise), [part] * 3, [first, shuffled, shuffled[::-1]]][kind]
    verdict = judged(instance, Clip(render=lambda: iter(np.ascontiguousarray(p) for p in pictures), fps=24.0))
    testing.check_verdict(verdict)
    assert verdict.status != "pass"
    assert all(math.isfinite(value) for value in verdict.metrics.values())


def test_a_puzzle_without_a_solution_is_judged_without_a_reference() -> None:
    instance = Task("maze", "easy", "any", "classic", size=(128, 128))[0]
    rows = instance.state["grid"]
    row, col = instance.goal["goal"]
    walled = [
        "".join("#" if abs(r - row) + abs(c - col) == 1 else tile for c, tile in enumerate(line))
        for r, line in enumerate(rows)
    ]
    scene = {key: value for key, value in instance.scene.items() if key != "solution"}
    shut = dataclasses.replace(instance, key="shut", state={**instance.state, "grid": walled}, scene=scene)
    first = Workshop(shut, "still").puzzle.picture(shut)
    verdict = RulesJudge().judge(shut, [Clip(render=lambda: iter([first] * 5), fps=24.0)])[0]
    assert (
        verdict.status == "fail" and "vrbench.mf" in verdict.metrics and "vrbench.pr" not in verdict.metrics
    )
