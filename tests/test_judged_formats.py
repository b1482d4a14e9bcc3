"""Benchmarks judged by models: their files are read strictly, their clips matched, their questions asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from judge_fixture import maze, options
from scripted_server import Script, ScriptedServer

from genreason import cards, formats, run, video
from genreason.cards import JudgeCard
from genreason.formats.dataset import write_png
from genreason.generate.oracle import solution_clip
from genreason.report.aggregate import aggregate
from genreason.types import UserError

RULER = {
    "prompt": "Move the knight.", "implicit_explanation": "It jumps.", "index": 3, "task_name": "chess",
    "category": "game", "input_image_path": "images/3.png", "initial_scenario": "", "gt_image_path": "",
    "input_video_path": "",
    "checklist": [{"Instruction Following": "Does it move?"}, {"Rule Coherence": "Is the move legal?"}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENREASON_CACHE", str(tmp_path / "cache" / "answers.sqlite"))


def clip(path: Path) -> None:
    made = solution_clip(maze())
    video.write(path, video.frames(made), made.fps)


def ruler(root: Path, **changes: object) -> Path:
    write_png(root / "images" / "3.png", np.zeros((48, 64, 3), np.uint8))
    text = {"index": 4, "task_name": "idioms", "category": "semantic", "input_image_path": ""}
    lines = [RULER | changes, RULER | text | {"checklist": str([{"Rule Coherence": "Is it shown?"}])}]
    (root / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


@pytest.mark.parametrize("mode", ["fixed", "compatible"])
def test_ruler_is_read_and_judged(mode: str, tmp_path: Path) -> None:
    data = formats.IMPORTERS["ruler"](ruler(tmp_path / "src"), tmp_path / "data")
    assert [i.state["category"] for i in data.instances] == ["game", "semantic"]
    for name in ("chess/3", "idioms/4"):
        clip(tmp_path / "videos" / "model" / f"{name}.mp4")
    made = run.attach(data, tmp_path / "videos" / "model", tmp_path / "run")
    with ScriptedServer() as server:
        server.keep_bodies = True
        if mode == "compatible":
            answers = {2: ["Good", "Poor"], 1: ["Good"]}
            server.script.reply = lambda body: "<answer>{}</answer>".format(
                json.dumps(answers[2 if "2. " in json.dumps(body) else 1])
            )
        lines = run.judge(cards.load(JudgeCard, "ruler"), made, options=options(server, mode=mode))
    pictures = [json.dumps(body).count("Input image") for body in server.bodies]
    assert sorted(pictures) == [0, 1]  # the second sample has no picture: none is shown
    (report,) = aggregate([made.root])["runs"]
    figures = report["asked"]["published"]
    if mode == "fixed":
        assert [line["status"] for line in lines] == ["pass", "pass"]
        assert figures["average"] == 100
    else:
        assert [line["status"] for line in lines] == ["fail", "pass"]
        # Metrics without a question count as 0: IF (100 + 0) / 2, RC (0 + 100) / 2, VC and VF 0.
        assert figures["metrics"]["Rule Coherence"] == 50 and figures["average"] == 25
    assert report["floors_missing"] == {}  # others' tasks have no floors to measure


def test_unknown_fields_are_one_line(tmp_path: Path) -> None:
    source = ruler(tmp_path / "src", chekclist=1)
    with pytest.raises(
        UserError, match="data.jsonl line 1: unknown key 'chekclist': did you mean 'checklist'"
    ):
        formats.IMPORTERS["ruler"](source, tmp_path / "data")
    source = ruler(tmp_path / "src", checklist=[{"Rule": "Is it?"}])
    with pytest.raises(UserError, match="line 1: checklist: there is no metric 'Rule'"):
        formats.IMPORTERS["ruler"](source, tmp_path / "data")
    with pytest.raises(UserError, match="cannot be read"):
        formats.IMPORTERS["ruler"](tmp_path / "nothing", tmp_path / "data")


def test_tivibench_layout_and_counts(tmp_path: Path) -> None:
    source = tmp_path / "src"
    both = [
        {"question": "Is it solved?", "answer": "yes"},
        {"question": "Is a wall crossed?", "answer": "no"},
    ]
    entries = [{"name": f"easy_maze_00{i}", "prompt": "Solve it.", "questions": both} for i in range(2)]
    (source / "eval_cache").mkdir(parents=True)
    (source / "eval_cache" / "SS_prompt.json").write_text(json.dumps(entries))
    for i in range(2):
        write_png(source / "images" / "SS" / f"easy_maze_00{i}.png", np.zeros((48, 64, 3), np.uint8))
        for k in range(2):
            clip(tmp_path / "out" / f"SS_easy_maze_00{i}" / f"SS_easy_maze_00{i}-{k}.mp4")
    data = formats.IMPORTERS["tivibench"](source, tmp_path / "data")
    made = run.attach(data, tmp_path / "out", tmp_path / "run")
    assert made.samples == 2
    with ScriptedServer(Script(default=lambda name, frames: "yes" if name == "goal_1" else "no")) as server:
        lines = run.judge(
            cards.load(JudgeCard, "tivibench"), made, options=options(server, mode="compatible")
        )
    assert {line["status"] for line in lines} == {"pass"}
    figures = aggregate([made.root])["runs"][0]["asked"]["published"]
    assert figures["overall"] == {"n": 2, "pass@1": 100.0, "solved": 2} == figures["SS"] == figures["easy"]


def test_viper_items(tmp_path: Path) -> None:
    item = {"id": 7, "domain": "games", "task_type": "maze", "prompt": "Solve it.", "protocol": ["No wall."]}
    (tmp_path / "items.jsonl").write_text(json.dumps(item) + "\n")
    data = formats.IMPORTERS["viper"](tmp_path / "items.jsonl", tmp_path / "data")
    clip(tmp_path / "out" / "games" / "7.mp4")
    made = run.attach(data, tmp_path / "out", tmp_path / "run")
    with ScriptedServer() as server:
        server.keep_bodies = True
        (line,) = run.judge(cards.load(JudgeCard, "viper"), made, options=options(server))
    assert line["status"] == "pass" and "- No wall." in json.dumps(server.bodies[0])
