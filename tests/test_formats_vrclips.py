"""Clips without states: the puzzle is read from their first frame, and they answer it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from genreason import cli, video
from genreason.formats import IMPORTERS
from genreason.generate.oracle import solution_clip
from genreason.task import Task
from genreason.types import Frame, Instance, Json, UserError

PUZZLES = [Task("maze", "easy", split="any", style="classic", size=(196, 196))[index] for index in (1, 2)]


def solved(instance: Instance) -> list[Frame]:
    return list(video.frames(solution_clip(instance)))


def cut(frames: Sequence[Frame], width: int, height: int) -> list[Frame]:
    """As a service with frames of its own aspect returns them: the longer side is cut off."""
    side = max(width, height)
    x, y = (side - width) // 2, (side - height) // 2
    large = (cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR) for frame in frames)
    return [np.ascontiguousarray(frame[y : y + height, x : x + width], np.uint8) for frame in large]


def write(root: Path, name: str, frames: Sequence[Frame]) -> None:
    video.write(root / name, frames, 24)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three models answer one maze, one of them with another maze; and what is no answer at all."""
    root = tmp_path / "outputs"
    first, second = (solved(instance) for instance in PUZZLES)
    write(root, "maze/easy/good.mp4", first)
    write(root, "maze/easy/cut.mp4", cut(first, 232, 240))
    write(root, "maze/easy/still.mp4", first[:1] * 9)
    write(root, "maze/easy/other.mp4", second)
    write(
        root, "maze/hard/noise.mp4", list(np.random.default_rng(0).integers(0, 255, (4, 96, 96, 3), np.uint8))
    )
    write(root, "chess/easy/good.mp4", first[:3])
    (root / "maze/easy/torn.mp4").write_bytes(b"no clip")
    return root


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(arg) for arg in args])
    out = capsys.readouterr()
    return int(stopped.value.code or 0), out.out, out.err


def test_puzzles_are_read_judged_and_reported(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.excepthook", None)
    data, run = tmp_path / "data", tmp_path / "run"
    status, out, err = call(capsys, "import", "vrbench-clips", tree, "--out", data, "-o", "maze.rows=7")
    assert status == 0 and "2 samples" in out
    for words in ("torn.mp4", "noise.mp4: no grid of tiles", "chess/easy: no game of VR-Bench"):
        assert sum(words in line for line in err.splitlines() if line.startswith("skipped")) == 1, words
    assert "maze_0000 is asked by maze/easy/cut.mp4, maze/easy/good.mp4, maze/easy/still.mp4: agent at" in err
    found = [json.loads(line) for line in (data / "instances.jsonl").read_text().splitlines()]
    assert [(r["state"], r["goal"]) for r in found] == [(i.state, i.goal) for i in PUZZLES]
    assert [(r["level"], r["style"], r["size"]) for r in found] == [("easy", "vrbench", [196, 196])] * 2

    status, out, err = call(
        capsys, "judge", "rules", "--data", data, "--clips", tree, "--out", run, "--no-floors"
    )
    assert status == 0 and "torn.mp4" in err and "noise.mp4" in err
    clips = {(c["sample"], c["k"]): Path(c["path"]).name for c in lines(run / "clips.jsonl")}
    verdicts = {
        clips[v["sample"], v["k"]]: v
        for v in lines(run / "verdicts/rules.jsonl")
        if (v["sample"], v["k"]) in clips
    }
    assert {name: v["status"] for name, v in verdicts.items()} == {
        "good.mp4": "pass", "cut.mp4": "pass", "still.mp4": "fail", "other.mp4": "pass",
    }  # fmt: skip
    assert verdicts["still.mp4"]["violations"][0]["check"] == "rules.goal"
    assert verdicts["cut.mp4"]["evidence"]["view_kind"] == "cropped"
    status, out, err = call(capsys, "report", run)
    assert status == 0 and (run / "report.html").stat().st_size > 10_000


def lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_wrong_hints_are_named_before_anything_is_read(tree: Path, tmp_path: Path) -> None:
    wrong = {
        "chess.rows": "unknown game 'chess'",
        "maze.box": "unknown hint for maze 'box'",
        "rowz": "did you mean 'rows'",
    }
    for name, message in wrong.items():
        with pytest.raises(UserError, match=message):
            IMPORTERS["vrbench-clips"](tree, tmp_path / "data", {name: 7})
    assert not (tmp_path / "data").exists()


def test_a_hint_turns_player_and_goal(tmp_path: Path) -> None:
    write(tmp_path, "maze/easy/a.mp4", solved(PUZZLES[0]))
    goal = PUZZLES[0].goal["goal"]
    data = IMPORTERS["vrbench-clips"](tmp_path, tmp_path / "out", {"maze.player": goal, "rows": 7, "cols": 7})
    assert data.instances[0].state["agent"] == goal
    assert data.instances[0].goal["goal"] == PUZZLES[0].state["agent"]


# -- what models returned ------------------------------------------------------------------------------------
def test_real_clips_are_read(tmp_path: Path) -> None:
    where = os.environ.get("GENREASON_MODEL_CLIPS")
    if not where:
        pytest.skip("GENREASON_MODEL_CLIPS is not set: the path to clips that models returned for VR-Bench")
    data = IMPORTERS["vrbench-clips"](Path(where), tmp_path / "data", {"sokoban.box": "yellow"})
    assert data.manifest["import"]["skipped"] == []
    assert {i.task: len(data.extra(i)["clips"]) for i in data} == dict.fromkeys(
        ("irregular_maze", "maze", "maze3d", "sokoban", "trapfield"), 3
    )
    found = {i.task: i for i in data}
    assert found["maze"].state["agent"] == [3, 2] and found["maze"].goal == {"goal": [9, 7]}
    assert found["trapfield"].state["agent"] == [1, 1] and found["trapfield"].goal == {"goal": [6, 6]}
    assert found["sokoban"].state["boxes"] == [[4, 2]] and found["sokoban"].goal == {"targets": [[5, 2]]}
