"""Protocols, panels and the router against a scripted server; frame plans; questions about puzzles."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judge_fixture import clip_of, judge, maze, options
from scripted_server import Script, ScriptedServer

from genreason import cards, run
from genreason import judge as registry
from genreason.cards import GeneratorCard, JudgeCard, TaskCard
from genreason.generate.controls import CONTROLS
from genreason.generate.workshop import Workshop
from genreason.judge import frames as framing
from genreason.judge import questions as asking
from genreason.judge.frames import Footage, choose
from genreason.judge.protocols.pairwise import Match, standings
from genreason.judge.rules import RulesJudge
from genreason.judge.settings import FramePlan
from genreason.puzzles import base
from genreason.puzzles.boards import BoardPuzzle
from genreason.puzzles.physics import PhysicsPuzzle
from genreason.report.aggregate import aggregate
from genreason.task import Task
from genreason.testing.judges import check_verdict
from genreason.types import Clip, Instance, UserError

PROTOCOLS = ("ruler", "tivibench", "mme-cof", "viper", "v-reasonbench", "vr-bench-vlm-score")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENREASON_CACHE", str(tmp_path / "cache" / "answers.sqlite"))


LABELS = ("Good", "Medium", "Poor") + ("Good",) * 9


def published_ruler(body: dict[str, Any], labels: Sequence[str] = LABELS) -> str:
    """A reply as the published judge gives it, with a label for each numbered question."""
    text = body["messages"][-1]["content"][-1]["text"]
    count = sum(line[:1].isdigit() for line in text.splitlines())
    return f"<think>a maze</think>\n<answer>{json.dumps(list(labels)[:count])}</answer>"


# -- protocols -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["fixed", "compatible"])
@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name != "v-reasonbench"])
def test_the_best_answers_pass_and_the_worst_fail(name: str, mode: str, tmp_path: Path) -> None:
    instance = maze()
    found = {}
    for answer in ("yes", "no"):
        script = Script(default=lambda name, frames, a=answer: a)  # type: ignore[misc]
        if name == "ruler" and mode == "compatible":
            label = "Good" if answer == "yes" else "Poor"
            script.reply = functools.partial(published_ruler, labels=[label] * 12)
        with ScriptedServer(script) as server:
            grader = judge(name, server, mode=mode, rubric=answer)
            found[answer] = grader.judge(instance, [clip_of(instance, tmp_path)])[0]
        check_verdict(found[answer])
    assert found["yes"].status == "pass" and found["no"].status == "fail", (
        found["yes"].reason,
        found["no"].reason,
    )


def test_ruler_sees_the_end_in_fixed_mode_only(tmp_path: Path) -> None:
    instance = maze()
    clip = clip_of(instance, tmp_path)
    with ScriptedServer(Script(reply=published_ruler)) as server:
        server.keep_bodies = True
        old = judge("ruler", server, mode="compatible").judge(instance, [clip])[0]
    with ScriptedServer() as server:
        new = judge("ruler", server, mode="fixed").judge(instance, [clip])[0]
    looked = old.evidence["looked_at"]
    assert (
        looked["indices"] == list(range(0, looked["total"], 12))
        and looked["indices"][-1] != looked["total"] - 1
    )
    assert new.evidence["looked_at"]["indices"][-1] == looked["total"] - 1
    assert "response_format" not in server.bodies[0] if server.bodies else True
    names = ("rule_coherence", "visual_consistency", "instruction_following", "visual_fidelity")
    assert old.metrics.keys() == {f"ruler.{name}" for name in names}


def test_an_invalid_reply_of_the_published_ruler_is_unscored_not_repaired(tmp_path: Path) -> None:
    instance = maze()
    with ScriptedServer(Script(reply=lambda body: '<answer>["Great"]</answer>')) as server:
        verdict = judge("ruler", server, mode="compatible").judge(instance, [clip_of(instance, tmp_path)])[0]
    assert verdict.status == "unscored" and server.calls == 1 and "Great" in verdict.evidence["raw"][0]


def test_a_reader_reads_and_the_program_compares(tmp_path: Path) -> None:
    instance = maze()
    puzzle = base.load("maze")
    column, row = (int(v) for v in puzzle.goals(puzzle.start(instance))[0])  # type: ignore[attr-defined]
    for place, status in (
        ([row + 1, column + 1], "pass"),
        ([row + 1, column], "fail"),
        ([99, 1], "unscored"),
    ):
        with ScriptedServer(Script(reply=lambda body, p=place: json.dumps({"agent": [p]}))) as server:  # type: ignore[misc]
            verdict = judge("v-reasonbench", server).judge(instance, [clip_of(instance, tmp_path)])[0]
        check_verdict(verdict)
        assert verdict.status == status, verdict.reason


def test_a_reader_compares_tables_and_keeps_givens(tmp_path: Path) -> None:
    record = maze().to_json()
    table = {"expected": [["1", "2"], ["2", "1"]], "givens": [["1", ""], ["", ""]]}
    instance = Instance.from_json(
        {**record, "state": table, "scene": {"puzzle": None, "foreign": True, "blank": True}}
    )
    replies = {"pass": [["1", "2"], [2, "1"]], "fail": [["2", "2"], ["2", "1"]], "unscored": [["1"]]}
    for status, read in replies.items():
        with ScriptedServer(Script(reply=lambda body, r=read: json.dumps({"table": r}))) as server:  # type: ignore[misc]
            verdict = judge("v-reasonbench", server).judge(instance, [clip_of(maze(), tmp_path)])[0]
        assert verdict.status == status
        assert status != "fail" or "given '1' has become '2'" in verdict.reason


# -- pairs, panels, router -----------------------------------------------------------------------------------
def still_run(tmp_path: Path) -> tuple[run.RunFolder, run.RunFolder]:
    data = run.make(cards.load(TaskCard, "maze"), tmp_path / "d", level="easy", n=4, size=(112, 112))
    oracle, still = (cards.load(GeneratorCard, name) for name in ("oracle", "still"))
    return run.generate(oracle, data, tmp_path / "oracle"), run.generate(still, data, tmp_path / "still")


def test_a_judge_that_prefers_what_comes_first_only_makes_ties(tmp_path: Path) -> None:
    from genreason.run import comparing

    roots = [made.root for made in still_run(tmp_path)]
    card = cards.load(JudgeCard, "pairwise")
    first = json.dumps({"why": "", "better": "first"})
    with ScriptedServer(Script(reply=lambda body: first)) as server:
        found = comparing.compare(card, roots, tmp_path / "c", options=options(server))
        assert server.calls == 8
    assert (found["ties"], found["consistent"], found["first"]) == (4, 0.0, 1.0)
    assert found["strengths"]["oracle"]["mean"] == pytest.approx(0)
    with ScriptedServer(Script(reply=lambda body: first)) as server:  # compatible: one order, the bias wins
        found = comparing.compare(card, roots, tmp_path / "c", options=options(server, mode="compatible"))
    assert found["ties"] == 0 and found["strengths"]["oracle"]["mean"] > 0


def test_standings_have_intervals_that_hold_the_strength() -> None:
    won = round(300 / (1 + np.exp(-1)))  # what strengths of 0.5 and -0.5 give
    matches = [Match("a", "b", "a" if i < won else "b", True, ("a" if i < won else "b",)) for i in range(300)]
    found = standings(matches)["strengths"]
    assert found["a"]["low"] < 0.5 < found["a"]["high"] and found["a"]["mean"] == -found["b"]["mean"]


def test_a_panel_takes_the_majority_and_reports_agreement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = still_run(tmp_path)
    members = tmp_path / "cards" / "judges"
    members.mkdir(parents=True)
    with ScriptedServer() as right, ScriptedServer(Script(default=lambda name, frames: "no")) as wrong:
        body = cards.load(JudgeCard, "checklist").model_dump()
        for name, server in (("one", right), ("two", right), ("three", wrong)):
            own = cards.with_options(cards.load(JudgeCard, "checklist"), options(server, rubric=name))
            (members / f"{name}.yaml").write_text(json.dumps({**body, "name": name, "options": own}))
        panel = {"name": "trio", "description": "three", "kind": "panel", "options": {
            "members": {"one": {}, "two": {}, "three": {}}}}  # fmt: skip
        (members / "trio.yaml").write_text(json.dumps(panel))
        pair = {**panel, "name": "pair", "options": {"members": {"one": {}, "three": {}}}}
        (members / "pair.yaml").write_text(json.dumps(pair))
        monkeypatch.setenv("GENREASON_PATH", str(tmp_path / "cards"))
        lines = run.judge(cards.load(JudgeCard, "trio"), made)
        split = run.judge(cards.load(JudgeCard, "pair"), made)
    assert {line["status"] for line in lines} == {"pass"}
    assert {line["status"] for line in split} == {"unscored"} and "the panel is split" in split[0]["reason"]
    report = {each["judge"]: each["asked"] for each in aggregate([made.root])["runs"]}
    agreement = report["trio"]["agreement"]
    assert agreement["split"] == 4 and agreement["members"] == ["one", "three", "two"]
    assert agreement["verdicts"]["mean"] < 0.1  # two against one on every clip is no better than chance
    assert report["trio"]["spent"]["calls"] == 12


def test_the_router_takes_the_program_where_it_is_exact(tmp_path: Path) -> None:
    made, _ = still_run(tmp_path)
    lines = run.judge(cards.load(JudgeCard, "auto"), made)  # no key, no endpoint: none is needed
    assert {line["status"] for line in lines} == {"pass"}
    assert {line["evidence"]["judged_by"] for line in lines} == {"rules"}


def test_many_threads_draw_many_puzzles_at_once(tmp_path: Path) -> None:
    """Puzzles keep their last few boards: the judge's threads must not trip over one another there."""
    data = run.make(
        cards.load(TaskCard, "maze"), tmp_path / "d", level="easy", n=40, size=(96, 96), truth=False
    )
    made = run.generate(cards.load(GeneratorCard, "oracle"), data, tmp_path / "r")
    with ScriptedServer() as server:
        own = options(server, trap=True, limits__concurrency=16)
        lines = run.judge(cards.load(JudgeCard, "checklist"), made, options=own)
    assert len(lines) == 40


def test_a_panel_must_not_hold_panels(tmp_path: Path) -> None:
    card = cards.load(JudgeCard, "panel")
    with pytest.raises(UserError, match="name judges that look for themselves"):
        registry.load(card, {"members": {"auto": {}, "rules": {}}})


# -- frames --------------------------------------------------------------------------------------------------
def test_a_plan_shows_the_frames_it_says() -> None:
    plan = FramePlan(uniform=5, first=True, last=True, most=24)
    assert choose(plan, 41, 24, 24) == {0, 10, 20, 30, 40}
    assert choose(plan, 3, 24, 24) == {0, 1, 2}
    assert choose(plan, 41, 24, 3) == {0, 40, 20} or len(choose(plan, 41, 24, 3)) == 3
    assert {0, 40} <= choose(plan, 41, 24, 2)
    every = FramePlan(uniform=0, first=True, last=False, every=0.5, shrink=[])
    assert choose(every, 41, 24, 24) == {0, 12, 24, 36}


def test_settled_and_change_points_are_found(tmp_path: Path) -> None:
    still, moving = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    moving[:, 32:] = 255
    clip = Clip(render=lambda: iter([still] * 10 + [moving] * 12), fps=10.0)
    plan = FramePlan(first=False, last=False, uniform=0, changes=1, settled=True, stamp=False)
    assert Footage.of(clip, plan).shown(24).indices == (10,)


def test_small_art_is_enlarged_without_blur_and_stamped() -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:, ::2] = 255
    plain = framing.encode(frame, FramePlan(side_min=128, stamp=False))
    assert plain.size == (128, 128) and plain.mime == "image/png"
    stamped = framing.encode(frame, FramePlan(side_min=128, stamp=True), "frame 1, 0.00 s")
    assert stamped.size == (128, 152)
    cropped = framing.encode(frame, FramePlan(side_min=None, stamp=False), "", (0.5, 0, 1, 0.5))
    assert cropped.size == (32, 32)


def test_questions_with_a_crop_are_asked_apart() -> None:
    own = (
        asking.Question("a", "A?"),
        asking.Question("b", "B?", crop=(0, 0, 0.5, 0.5)),
        asking.Question("c", "C?"),
    )
    groups = asking.grouped(own, 4, "x")
    assert sorted(sorted(q.id for q in group) for group in groups) == [["a", "c"], ["b"]]
    orders = {tuple(q.id for group in asking.grouped(own, 4, seed) for q in group) for seed in range(12)}
    assert len(orders) > 2  # shuffled by seed


# -- questions about puzzles ---------------------------------------------------------------------------------
@pytest.mark.parametrize("task", sorted(cards.paths(TaskCard)))
def test_every_family_has_questions_whose_answers_follow_from_the_state(task: str) -> None:
    card = cards.load(TaskCard, task)
    puzzle = base.load(card.puzzle)
    for index in range(3):
        instance = Task(task, None, "any")[index]
        found = {question.kind: question for question in asking.puzzle_questions(instance)}
        assert list(found) == ["goal", "process", "preservation", "trap"]
        for question in found.values():
            assert "{" not in question.text and " the a " not in question.text and "  " not in question.text
        state = puzzle.start(instance)
        if isinstance(puzzle, BoardPuzzle):
            if type(puzzle).trap is BoardPuzzle.trap:
                text, held = found["trap"].text, puzzle.cells(state)
                ends = {
                    k: (f"in {puzzle.at(state, k)} empty?", f"in {puzzle.at(state, k)}?")
                    for k in range(len(held))
                }
                named = [k for k, end in ends.items() if text.endswith(end)]
                assert any(text.endswith("empty?") == bool(held[k]) for k in named)  # its true answer is no
            continue
        if isinstance(puzzle, PhysicsPuzzle):
            parts = [
                k for k, part in enumerate(puzzle.parts(state)) if f" {part.name} in " in found["trap"].text
            ]
            middle = puzzle.board(instance).lattice.pixels(puzzle.places(state))[parts[0]][0]
            assert (middle < instance.size[0] / 2) == ("right half" in found["trap"].text)
            continue
        x, y = puzzle.board(instance).lattice.pixels(puzzle.places(state))[-1]
        halves = {
            "left": x < instance.size[0] / 2, "right": x > instance.size[0] / 2,
            "upper": y < instance.size[1] / 2, "lower": y > instance.size[1] / 2,
        }  # fmt: skip
        asked = next(side for side in halves if f"the {side} half" in found["trap"].text)
        assert not halves[asked]  # its true answer is no


@pytest.mark.parametrize(
    ("control", "wrong"),
    [
        ("still", {"goal"}),
        ("through_wall", {"process"}),
        ("clone", {"preservation"}),
        ("pan", {"preservation"}),
    ],
)
def test_truths_of_controls(control: str, wrong: set[str]) -> None:
    instance = Task("maze", "medium", "any", "classic")[0]
    clip = CONTROLS[control].make(Workshop(instance, control))
    assert clip is not None
    truth = asking.truths(RulesJudge().judge(instance, [clip])[0].checks, CONTROLS[control].breaks)
    assert {kind for kind, answer in truth.items() if answer == "no"} == {*wrong, "trap"}
