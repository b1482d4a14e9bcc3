"""What tasks make changes only with their version."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from genreason import cards, golden
from genreason.cards import TaskCard
from genreason.task import Task
from genreason.types import Json

FOLDER = Path(__file__).parent / "golden"
TASKS = sorted(cards.paths(TaskCard))


@pytest.mark.parametrize("name", TASKS)
def test_output_changes_only_with_the_version(name: str) -> None:
    path = FOLDER / f"{name}.json"
    write = f"python scripts/golden.py {name}"
    assert path.exists(), f"{name} has no golden file: {write}"
    old, new = json.loads(path.read_text()), golden.record(cards.load(TaskCard, name))
    if old["version"] != new["version"]:
        pytest.fail(f"{name} has version {new['version']}, its golden file {old['version']}: {write}")
    changed = golden.differences(old, new)
    assert not changed, (
        f"{name} makes something else than before, with the same version: if this is wanted, raise "
        f"`version` in tasks/{name}.yaml, then {write}. {len(changed)} changed: {'; '.join(changed[:5])}"
    )


def test_no_golden_file_is_left_of_a_task_that_is_gone() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == TASKS


@pytest.fixture(scope="module")
def maze() -> Json:
    return golden.record(cards.load(TaskCard, "maze"), 1)


def test_every_level_and_some_styles_are_covered(maze: Json) -> None:
    card = cards.load(TaskCard, "maze")
    levels = {name.split("/")[0] for name in maze["samples"]}
    assert levels == set(card.levels)
    assert len([name for name in maze["samples"] if not name.split("/")[1].isdigit()]) >= 3
    assert maze == golden.record(card, 1)


def test_what_changed_is_named(maze: Json) -> None:
    assert golden.differences(maze, copy.deepcopy(maze)) == []
    for field, said in (("fingerprint", "puzzle"), ("record", "record"), ("pixels", "first frame")):
        other = copy.deepcopy(maze)
        other["samples"]["easy/0"][field] = "0"
        (line,) = golden.differences(maze, other)
        assert line.startswith(f"easy/0: another {said}")
    other = copy.deepcopy(maze)
    del other["samples"]["easy/0"]
    assert golden.differences(maze, other) == ["easy/0: is gone"]
    assert golden.differences({**maze, "schema": 0}, maze)[0].startswith("schema 0")


def test_rounding_elsewhere_is_no_change_but_a_missing_mark_is(maze: Json) -> None:
    task = Task("maze", "easy", split="any")
    frame = task.puzzle.picture(task[0])
    noise = np.random.default_rng(0).integers(-1, 2, frame.shape)
    rounded = np.clip(frame + noise, 0, 255).astype(np.uint8)
    board = task.puzzle.board(task[0])
    for picture, same in ((rounded, True), (board.plate, False)):
        other = copy.deepcopy(maze)
        other["drawn"] = "elsewhere"
        other["samples"]["easy/0"] |= golden.picture_row(picture)
        assert (golden.differences(maze, other) == []) is same
        other["drawn"] = maze["drawn"]
        assert len(golden.differences(maze, other)) == 1
