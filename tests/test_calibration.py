"""Calibration finds the error rates, the bias and the blindness that a scripted judge has."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge_fixture import judge, options, teach
from scripted_server import Script, ScriptedServer

from genreason import cards, run
from genreason.cards import GeneratorCard, JudgeCard, TaskCard
from genreason.judge import calibration, trust
from genreason.judge.calibration import Case
from genreason.report.aggregate import aggregate
from genreason.report.html import write_report
from genreason.run.calibrating import calibrate
from genreason.types import Json, UserError

CONTROLS = ["oracle", "slow", "through_wall", "truncated", "clone", "still"]
SMALL = {"frames.uniform": 3, "frames.side_max": 64}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENREASON_CACHE", str(tmp_path / "cache" / "answers.sqlite"))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    folder = tmp_path_factory.mktemp("clips")
    made = calibration.cases(["maze"], 8, folder, level="easy", controls=CONTROLS, size=(96, 96))
    return [case for case in made if case is not None]


def measured(script: Script, found: list[Case], tests: int = 0, **more: object) -> Json:
    with ScriptedServer(script) as server:
        grader = judge("checklist", server, **{**SMALL, **more})  # type: ignore[arg-type]
        teach(script, grader, found)
        return trust.summary(found, calibration.ask(grader, found, {}, tests), {})


def row(summary: Json, kind: str) -> Json:
    (one,) = [each for each in summary["figures"] if each["kind"] == kind and each["plan"] == "card"]
    assert isinstance(one, dict)
    return one


def test_a_judge_that_is_always_right_has_no_errors(found: list[Case]) -> None:
    assert {case.good for case in found} == {True, False} and len(found) > 40
    summary = measured(Script(), found, tests=len(found))
    for kind in ("verdict", "goal", "process", "preservation"):
        figures = row(summary, kind)
        assert figures["false_accept"]["mean"] == 0 == figures["false_reject"]["mean"]
        assert figures["kappa"]["mean"] == 1 and figures["good"] and figures["bad"]
    assert row(summary, "trap")["false_accept"]["mean"] == 0
    assert summary["floors"]["still"]["maze"]["mean"] == 0
    tests = summary["tests"]
    assert tests["position"]["mean"] == 0 and tests["consistency"]["mean"] == 1
    assert tests["blind"]["mean"] < 0.5 < tests["blind"]["seeing"]["mean"]  # blind it says no to everything
    assert tests["shuffled"]["mean"] == 0  # it knows the clip by its frames alone, in whatever order


def test_bias_to_the_first_answer_is_found(found: list[Case]) -> None:
    position = measured(Script(first=0.4), found, tests=len(found))["tests"]["position"]
    assert position["low"] < 0.4 < position["high"] and position["low"] > 0.2


def test_what_it_cannot_tell_and_what_it_does_not_answer_are_counted_apart(found: list[Case]) -> None:
    summary = measured(Script(cannot=0.3), found)
    assert row(summary, "goal")["cannot_tell"]["low"] < 0.3 < row(summary, "goal")["cannot_tell"]["high"]
    script = Script(faults=dict.fromkeys(range(10), "refusal"))
    figures = row(measured(script, found, rubric="2"), "verdict")
    assert figures["unanswered"]["mean"] == pytest.approx(10 / len(found), abs=1e-4)
    assert figures["false_reject"]["mean"] == 0 and figures["cannot_tell"]["mean"] == 0


@pytest.mark.slow
def test_intervals_hold_the_scripted_rates_in_ninety_of_a_hundred_repetitions(found: list[Case]) -> None:
    accept, reject = 0.3, 0.15
    held = dict.fromkeys(
        ("goal false_accept", "goal false_reject", "process false_reject", "trap false_accept"), 0
    )
    script = Script(accept=accept, reject=reject)
    with ScriptedServer(script) as server:
        teach(script, judge("checklist", server, **SMALL), found)  # type: ignore[arg-type]
        for repetition in range(100):
            script.seed = repetition
            grader = judge("checklist", server, **SMALL, rubric=str(repetition))  # type: ignore[arg-type]
            summary = trust.summary(found, calibration.ask(grader, found, {}, 0), {})
            grader.asker.close()
            for name in held:
                kind, error = name.split()
                true = accept if error == "false_accept" else reject
                share = row(summary, kind)[error]
                held[name] += share["low"] <= true <= share["high"]
    assert all(count >= 90 for count in held.values()), held


def test_a_run_shows_the_calibration_of_its_judge(tmp_path: Path) -> None:
    card = cards.load(JudgeCard, "checklist")
    data = run.make(cards.load(TaskCard, "maze"), tmp_path / "d", level="easy", n=3, size=(112, 112))
    made = run.generate(cards.load(GeneratorCard, "oracle"), data, tmp_path / "r")
    with ScriptedServer(Script(default=lambda name, frames: "no" if name == "trap" else "yes")) as server:
        own = options(server)
        record = calibrate(
            card, tmp_path / "c", ["maze"], 1, options=own, level="easy",
            controls=["oracle", "still", "noise"], plans={"uniform=2": {"uniform": 2}}, tests=3,
        )  # fmt: skip
        run.judge(card, made, options=own)
        run.judge(cards.load(JudgeCard, "rules"), made)
        (first, _) = sorted(aggregate([made.root])["runs"], key=lambda each: each["judge"])
        assert first["asked"]["calibration"]["figures"] == record["figures"]
        assert {each["plan"] for each in record["figures"]} == {"card", "uniform=2"}
        assert first["floors_missing"] == {}  # still and noise are among the controls
        assert (
            aggregate([made.root])["floors"]["checklist"]["maze"]["still"]["mean"] == 1.0
        )  # it says yes to all
        page = write_report([made.root], tmp_path / "out").read_text()
        assert "Accepts what is wrong" in page and "accepts 100 % of wrong clips" in page
        other = run.generate(cards.load(GeneratorCard, "still"), data, tmp_path / "s")
        run.judge(card, other, options={**own, "frames.uniform": 5})  # another plan: not what was calibrated
        run.judge(cards.load(JudgeCard, "rules"), other)
    (first, _) = sorted(aggregate([other.root])["runs"], key=lambda each: each["judge"])
    assert first["asked"]["calibration"] is None
    (pair,) = aggregate([other.root])["disagreements"]
    assert (pair["judges"], pair["n"], pair["differ"]) == (["rules", "checklist"], 3, 3)
    page = write_report([other.root], tmp_path / "out2").read_text()
    assert "not calibrated" in page and page.count("data:image/jpeg") == 3  # disagreements as pictures


def test_wrong_names_are_refused(tmp_path: Path) -> None:
    card = cards.load(JudgeCard, "checklist")
    with pytest.raises(UserError, match="there is no control 'walk'"):
        calibrate(card, tmp_path, ["maze"], 1, options=options(), controls=["walk"])
    with pytest.raises(UserError, match="--plan unform=2: option unform: there is no such option"):
        calibrate(card, tmp_path, ["maze"], 1, options=options(), plans={"unform=2": {"unform": 2}})
