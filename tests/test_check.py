"""The trust gate itself: what it tries, what it counts, and the figures that ship."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from genreason import cards, check
from genreason.cards import TaskCard
from genreason.generate.controls import CONTROLS
from genreason.task import Task
from genreason.types import Json, Verdict, Violation

TASKS = sorted(cards.paths(TaskCard))


def verdict(status: str, *broken: str) -> Verdict:
    checks = {name: 0.0 for name in broken}
    violations = tuple(Violation(0.0, name, "") for name in broken)
    return Verdict(status=status, score=None, checks=checks, violations=violations)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TASKS)
def test_the_quick_gate_tries_every_control_twice_and_every_level_and_style(name: str) -> None:
    items = list(check._items(name, full=False))
    tried = Counter(control for item in items for control in item.controls)
    assert set(tried) == {check.TRUTH, *CONTROLS} and min(tried.values()) >= check.TIMES
    card = cards.load(TaskCard, name)
    assert {item.level for item in items} == set(card.levels)
    assert {item.style for item in items} == set(Task(card).puzzle.styles())
    few = list(check._items(name, full=True, instances=2))
    assert len(few) == 2 * len(card.levels) and len({item.style for item in few}) >= min(4, len(few))


@pytest.mark.parametrize("name", TASKS)
def test_the_full_gate_tries_all_controls_on_twenty_instances_a_level_and_every_style(name: str) -> None:
    items = list(check._items(name, full=True))
    card = cards.load(TaskCard, name)
    for level in card.levels:
        mine = [item for item in items if item.level == level]
        assert len({item.index for item in mine}) >= check.LEAST
        assert all(set(item.controls) == {check.TRUTH, *CONTROLS} for item in mine)
    assert len(items) * len(CONTROLS) >= 2000


def test_a_cheat_counts_as_caught_only_by_the_check_that_it_was_made_to_break() -> None:
    assert check.fault("teleport", verdict("pass")) == "false_accepts"
    assert check.fault("teleport", verdict("fail", "objects.continuous")) == ""
    assert check.fault("teleport", verdict("fail", "rules.goal")) == "wrong_checks"
    assert check.fault("teleport", verdict("unscored")) == "unscored"


def test_an_honest_clip_must_pass() -> None:
    assert check.fault("recode28", verdict("pass")) == ""
    assert check.fault(check.TRUTH, verdict("fail", "rules.legal")) == "false_rejects"
    assert check.fault("blur", verdict("unscored")) == "false_rejects"


def test_a_small_gate_is_clean_and_counts_what_it_did() -> None:
    item = check.Item("maze", "easy", "classic", 0, (check.TRUTH, "still", "teleport", "blur"))
    records = check._try(item, "rules")
    found = check._summary(records)
    assert found["clips"] == len(records) >= 3
    assert found["failures"] == [] and found["by"]["control"]["still"]["clips"] == 1


def test_saved_figures_of_other_tasks_stay(tmp_path: Path) -> None:
    def figures(name: str, clips: int) -> Json:
        counts = {**dict.fromkeys(check.COUNTS, 0), "clips": clips}
        tasks = {name: {"version": 1, "full": True, "instances": 2, "seconds": 1.0, **counts}}
        return {"judge": "rules", "tasks": tasks}

    path = tmp_path / "gate.json"
    for name, clips in (("maze", 5), ("sokoban", 7), ("maze", 6)):
        check.save(figures(name, clips), path)
    found = json.loads(path.read_text())
    assert {name: task["clips"] for name, task in found["tasks"].items()} == {"maze": 6, "sokoban": 7}
    assert found["totals"]["clips"] == 13 and found["seconds"] == 2.0


def test_the_figures_that_ship_are_clean_and_of_the_present_versions() -> None:
    found = check.shipped(TASKS)
    assert found is not None and set(found["tasks"]) <= set(TASKS)  # new tasks have none before a full run
    for name, task in found["tasks"].items():
        assert task["clips"] > 0 and task["wrong_checks"] == 0, name
        assert task["false_accepts"] == task["false_rejects"] == 0, name
