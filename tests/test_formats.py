"""What all foreign forms share, and sample folders of VMEvalKit and VBVR."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vrbench_fixture import level, state

from genreason import video
from genreason.formats import EXPORTERS, IMPORTERS, dataset, intake
from genreason.generate import oracle
from genreason.judge.rules import RulesJudge
from genreason.task import Task
from genreason.types import Clip, Frame, Instance, UserError


def picture(width: int, height: int) -> Frame:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def test_nothing_to_import_is_an_error(tmp_path: Path) -> None:
    for name in ("vrbench", "vrbench-clips", "vmevalkit"):
        importer = IMPORTERS[name]
        with pytest.raises(UserError, match="no such folder"):
            importer(tmp_path / "missing", tmp_path / "out")
        with pytest.raises(UserError, match=f"nothing to import as {name}"):
            importer(tmp_path, tmp_path / "out")


def test_another_data_set_is_not_overwritten(tmp_path: Path) -> None:
    level(tmp_path / "src", state("maze"), "maze/1/easy", "easy_0001")
    dataset.write_manifest(tmp_path / "data", [], {"command": "make"})
    with pytest.raises(UserError, match="another data set"):
        IMPORTERS["vrbench"](tmp_path / "src", tmp_path / "data")


def test_options_that_a_form_does_not_take_are_refused(tmp_path: Path) -> None:
    for name in ("vrbench", "vmevalkit"):
        with pytest.raises(UserError, match=f"-o maze.rows: the format {name} takes no options"):
            IMPORTERS[name](tmp_path, tmp_path / "out", {"maze.rows": 7})


def tied(folder: Path) -> tuple[Instance, list[str], list[str]]:
    """An open board, drawn, with two shortest ways: the instance, the solver's way and the other one."""
    task = Task("maze", "easy", split="any", style="classic")
    rows = ["#######", *["#.....#"] * 5, "#######"]
    start = task.puzzle.decode({"grid": rows, "agent": [1, 1]}, {"goal": [4, 5]})
    state, goal = task.puzzle.encode(start)
    scene = {k: v for k, v in task[0].scene.items() if k != "solution"}
    drawn = replace(task[0], state=state, goal=goal, scene=scene)
    dataset.write_png(folder / "first_frame.png", task.puzzle.picture(drawn))
    found = task.puzzle.solve(start)
    assert found is not None
    foreign = replace(drawn, scene={**scene, "foreign": True}, first_frame=folder / "first_frame.png")
    return foreign, list(found.moves), list(found.moves)[::-1]


def test_the_reference_is_the_way_that_the_clip_shows(tmp_path: Path) -> None:
    """Several ways are equally short; metrics that compare with a reference mean the data's own."""
    instance, best, other = tied(tmp_path)
    assert best != other
    clip = oracle.solution_clip(
        replace(instance, scene={**instance.scene, "foreign": False, "solution": other})
    )
    video.write(tmp_path / "truth.mp4", video.frames(clip), clip.fps)
    solved = intake.with_solution(instance, tmp_path / "truth.mp4")
    assert solved.scene["solution"] == other and instance.scene.keys() < solved.scene.keys()
    assert intake.with_solution(solved, None) == solved


def test_the_ways_of_all_solution_clips_are_kept(tmp_path: Path) -> None:
    instance, best, other = tied(tmp_path)
    paths = []
    for k, way in enumerate((other, best, best)):
        drawn = replace(instance, scene={**instance.scene, "foreign": False, "solution": way})
        clip = oracle.solution_clip(drawn)
        paths.append(tmp_path / f"truth_{k}.mp4")
        video.write(paths[-1], video.frames(clip), clip.fps)
    solved = intake.with_solution(instance, paths[0], paths[1:])
    assert solved.scene["solution"] == other and solved.scene["solutions"] == [other, best]
    for sample, closest in ((solved, True), (intake.with_solution(instance, paths[0]), False)):
        verdict = RulesJudge().judge(sample, [Clip(path=paths[1])])[0]  # against the one that is closest
        assert verdict.status == "pass" and (verdict.metrics["vrbench.em"] == 1) == closest
    (tmp_path / "none.mp4").write_bytes(b"no clip")
    assert "solutions" not in intake.with_solution(instance, paths[0], [tmp_path / "none.mp4"]).scene


def test_a_clip_that_shows_no_solution_leaves_it_to_the_solver(tmp_path: Path) -> None:
    instance, best, _ = tied(tmp_path)
    first = dataset.read_picture(tmp_path / "first_frame.png")
    path = tmp_path / "truth.mp4"
    assert intake.with_solution(instance, None).scene["solution"] == best
    for content in (b"", b"no clip"):
        path.write_bytes(content)
        assert intake.with_solution(instance, path).scene["solution"] == best
    noise = np.random.default_rng(0).integers(0, 255, (20, *first.shape), np.uint8)
    for frames in ([first], [first] * 9, list(noise), [first[:2, :2]] * 9, [first[:40]] * 9):
        video.write(path, frames, 24)
        assert intake.with_solution(instance, path).scene["solution"] == best
    path.write_bytes(path.read_bytes()[:-200])
    assert intake.with_solution(instance, path).scene["solution"] == best


def test_a_puzzle_without_a_solution_comes_in_without_one(tmp_path: Path) -> None:
    instance, _, _ = tied(tmp_path)
    rows = ["#######", "#.#...#", "#######"]
    state, goal = {"grid": rows, "agent": [1, 1]}, {"goal": [1, 4]}
    assert "solution" not in intake.with_solution(replace(instance, state=state, goal=goal), None).scene


def test_vmevalkit_folders_of_others_come_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "questions"
    metadata = {"task_id": "dots_00000003", "parameters": {"n": 4, "difficulty": "hard"}}
    dots_there, lines = "b/dots_task/dots_00000003", "G-3_lines_data-generator/00007"
    for name in ("dots_task/dots_00000003", dots_there, lines, "odd/name"):
        dataset.write_png(root / name / "first_frame.png", picture(40, 30))
        (root / name / "prompt.txt").write_text(f"Join the dots of {name}.")
    (root / "dots_task/dots_00000003/metadata.json").write_text(json.dumps(metadata))
    dataset.write_png(root / "dots_task/dots_00000004/first_frame.png", picture(40, 30))
    data = IMPORTERS["vmevalkit"](root, tmp_path / "data")
    assert sorted(i.sample_id for i in data) == ["G-3_lines_0007", "dots_0003", "dots_0004"]
    errors = capsys.readouterr().err
    assert "no prompt.txt" in errors and "does not end in a number" in errors
    dots = next(i for i in data if i.level == "hard")
    assert dots.state == metadata["parameters"] and data.extra(dots)["metadata"] == metadata
    assert dots.foreign and dots.scene["puzzle"] is None and dots.size == (40, 30)
    EXPORTERS["vmevalkit"](data, tmp_path / "out")
    assert IMPORTERS["vmevalkit"](tmp_path / "out", tmp_path / "again").instances == sorted(
        data.instances, key=lambda i: i.sample_id
    )


def test_loops_are_left_out_of_a_reference(tmp_path: Path) -> None:
    """A clip that goes astray and comes back shows the way to the goal all the same."""
    instance, best, _ = tied(tmp_path)
    stray = ["down", "up", "right", "left", *best]
    moving = replace(instance, scene={**instance.scene, "foreign": False, "solution": stray})
    clip = oracle.solution_clip(moving)
    video.write(tmp_path / "truth.mp4", video.frames(clip), clip.fps)
    assert intake.with_solution(instance, tmp_path / "truth.mp4").scene["solution"] == best


def test_real_vbvr_data(tmp_path: Path) -> None:
    where = os.environ.get("GENREASON_VBVR")
    if not where:
        pytest.skip("GENREASON_VBVR is not set: the path to samples made by VBVR's code")
    source = Path(where)
    data = IMPORTERS["vmevalkit"](source, tmp_path / "data")
    assert len(data) == len(list(source.rglob("first_frame.png")))
    for instance in data:
        truth = data.truth(instance)
        assert truth is not None and video.probe(truth).fps == instance.fps
        assert dataset.read_picture(data.first_frame(instance)).shape[1::-1] == instance.size
