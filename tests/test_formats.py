"""Foreign data comes in with its meaning and goes out as it was."""

from __future__ import annotations

import copy
import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genreason import seeds, video
from genreason.formats import EXPORTERS, IMPORTERS, dataset, intake
from genreason.formats.dataset import DataSet
from genreason.generate import oracle
from genreason.judge.rules import RulesJudge
from genreason.puzzles import base
from genreason.task import Task
from genreason.types import Clip, Frame, Instance, Json, UserError

SOKOBAN = [[1, 1, 1, 1, 1, 1], [1, 6, 0, 0, 0, 1], [1, 0, 2, 4, 0, 1], [1, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1]]
MAZE = [[1, 1, 1, 1, 1], [1, 2, 0, 0, 1], [1, 1, 1, 0, 1], [1, 3, 0, 0, 1], [1, 1, 1, 1, 1]]
CELL = 16


def entity(row: int, col: int) -> Json:
    x, y = col * CELL + CELL // 2, row * CELL + CELL // 2
    box = {"x": col * CELL, "y": row * CELL, "width": CELL, "height": CELL, "center_x": x, "center_y": y}
    return {"pixel_pos": {"x": x, "y": y}, "bbox": box, "grid_pos": {"row": row, "col": col}}


def state(game: str) -> Json:
    grid = MAZE if game == "maze" else SOKOBAN
    goal, boxes = ((3, 1), []) if game == "maze" else ((1, 1), [(2, 2), (2, 3)])
    return {
        "version": "1.0",
        "game_type": game,
        "entities": {"player": entity(1, 1), "goal": entity(*goal), "boxes": [entity(*box) for box in boxes]},
        "render": {"cell_size": CELL, "image_width": len(grid[0]) * CELL, "image_height": len(grid) * CELL},
        "metadata": {},
        "grid": {"data": copy.deepcopy(grid), "height": len(grid), "width": len(grid[0])},
    }


def picture(width: int, height: int) -> Frame:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def level(root: Path, record: Json, place: str, stem: str, clips: tuple[str, ...] = ("",)) -> None:
    """Write one level in VR-Bench's form."""
    bucket = root / place
    (bucket / "states").mkdir(parents=True, exist_ok=True)
    (bucket / "states" / f"{stem}.json").write_text(json.dumps(record))
    frame = picture(record["render"]["image_width"], record["render"]["image_height"])
    dataset.write_png(bucket / "images" / f"{stem}.png", frame)
    for number, suffix in enumerate(clips):
        video.write(bucket / "videos" / f"{stem}{suffix}.mp4", [frame] * (number + 2), 24)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four levels, one game that is unknown here, and prompts for one level."""
    root = tmp_path / "vrbench"
    level(root, state("maze"), "maze/1/easy", "easy_0001")
    level(root, state("maze"), "maze/1/easy", "easy_0010")
    level(root, state("maze"), "maze/1/easy", "easy_0002", ())
    level(root, state("sokoban"), "sokoban/2/hard", "hard_0001", ("_10", "_2"))
    level(root, {**state("maze"), "game_type": "maze3d"}, "maze3d/1/easy", "easy_0001")
    row = "maze/1/easy/videos/easy_0001.mp4,Roll home.,maze/1/easy/images/easy_0001.png"
    (root / "metadata.csv").write_text(f"video,prompt,input_image\n{row}\n")
    return root


def by_stem(data: DataSet) -> dict[str, Instance]:
    return {f"{i.task}/{data.extra(i)['stem']}": i for i in data}


def test_vrbench_comes_in(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = IMPORTERS["vrbench"](tree, tmp_path / "data")
    assert "1 levels of maze3d" in capsys.readouterr().err
    assert [i.sample_id for i in data] == ["maze_0000", "maze_0001", "maze_0002", "sokoban_0000"]
    found = by_stem(data)
    maze, boxes = found["maze/easy_0001"], found["sokoban/hard_0001"]
    assert maze.state == {"grid": ["#####", "#...#", "###.#", "#...#", "#####"], "agent": [1, 1]}
    assert maze.goal == {"goal": [3, 1]}
    assert boxes.state["boxes"] == [[2, 2], [2, 3]] and boxes.state["agent"] == [1, 1]
    assert boxes.goal == {"targets": [[1, 1], [2, 3]]}
    assert (maze.level, maze.style, maze.split, maze.foreign) == ("easy", "vrbench:1", "eval", True)
    assert maze.scene["grid"]["cell_w"] == CELL and maze.size == (80, 80)
    assert maze.prompt == "Roll home." and found["maze/easy_0002"].prompt != maze.prompt
    assert data.truth(found["maze/easy_0002"]) is None
    truth = data.truth(boxes)
    assert truth is not None and video.probe(truth).frames == 3  # path 2, not path 10
    assert data.extra(boxes)["videos"] == ["hard_0001_2.mp4", "hard_0001_10.mp4"]
    assert maze.fingerprint == found["maze/easy_0010"].fingerprint != boxes.fingerprint
    assert len({i.key for i in data}) == 4


def test_vrbench_may_be_entered_anywhere(tree: Path, tmp_path: Path) -> None:
    for number, place in enumerate((".", "maze", "maze/1", "maze/1/easy")):
        data = IMPORTERS["vrbench"](tree / place, tmp_path / str(number))
        maze = by_stem(data)["maze/easy_0001"]
        assert (maze.level, maze.style, maze.prompt) == ("easy", "vrbench:1", "Roll home.")
        assert data.extra(maze)["place"] == ["maze", "1", "easy"]
    shutil.move(tree, tmp_path / "train")
    data = IMPORTERS["vrbench"](tmp_path / "train", tmp_path / "split")
    assert {i.split for i in data} == {"train"}


def test_vrbench_goes_out_as_it_came_in(tree: Path, tmp_path: Path) -> None:
    data = IMPORTERS["vrbench"](tree, tmp_path / "data")
    assert EXPORTERS["vrbench"](data, tmp_path / "out") == 4
    for file in tree.rglob("*"):
        if not file.is_file() or "maze3d" in file.parts or file.name in ("metadata.csv", "hard_0001_10.mp4"):
            continue
        copied = tmp_path / "out" / file.relative_to(tree)
        same = json.loads if file.suffix == ".json" else bytes
        assert same(copied.read_bytes()) == same(file.read_bytes()), file
    with (tmp_path / "out" / "metadata.csv").open() as table:
        assert [row["prompt"] for row in csv.DictReader(table)] == [i.prompt for i in data]
    again = IMPORTERS["vrbench"](tmp_path / "out", tmp_path / "again")
    assert again.instances == data.instances


def drop_player(record: Json) -> None:
    del record["entities"]["player"]


def move_player(record: Json) -> None:
    record["entities"]["player"] = entity(1, 2)


def contradict_bbox(record: Json) -> None:
    record["entities"]["goal"]["grid_pos"] = {"row": 1, "col": 1}


def two_players(record: Json) -> None:
    record["grid"]["data"][1][2] = 2


def strange_code(record: Json) -> None:
    record["grid"]["data"][1][2] = [7]


def new_version(record: Json) -> None:
    record["version"] = "2.0"


def other_size(record: Json) -> None:
    record["render"]["image_width"] = 96


def other_cells(record: Json) -> None:
    record["render"]["cell_size"] = 20


def ragged(record: Json) -> None:
    record["grid"]["data"][2].pop()


def open_border(record: Json) -> None:
    record["grid"]["data"][0][1] = 0


def no_grid(record: Json) -> None:
    del record["grid"]


def lost_box(record: Json) -> None:
    record["entities"]["boxes"].append(entity(3, 1))


BROKEN: dict[Callable[[Json], None], str] = {
    drop_player: "lacks entities.player",
    move_player: "contradicts itself: player",
    contradict_bbox: "contradicts itself: goal",
    two_players: "2 cells with the player",
    strange_code: "unknown code",
    new_version: "version '2.0'",
    other_size: "the image is 80x80, the state says 96x80",
    other_cells: "contradicts its image",
    ragged: "not of one length",
    open_border: "maze",
    no_grid: "lacks grid",
    lost_box: "boxes are at",
}


@pytest.mark.parametrize("breaks", BROKEN)
def test_a_bad_level_is_named_and_the_rest_goes_on(
    breaks: Callable[[Json], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    level(tmp_path / "src", state("maze"), "maze/1/easy", "easy_0001")
    game = "sokoban" if breaks is lost_box else "maze"
    record = state(game)
    breaks(record)
    size = state(game)["render"]
    level(tmp_path / "src", {**record, "render": size}, f"{game}/1/easy", "easy_0002")
    (tmp_path / "src" / game / "1" / "easy" / "states" / "easy_0002.json").write_text(json.dumps(record))
    data = IMPORTERS["vrbench"](tmp_path / "src", tmp_path / "data")
    assert len(data) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "easy_0002.json" in line and BROKEN[breaks] in line
    assert data.manifest["import"]["skipped"] == [line.removeprefix("skipped ")]


def test_damaged_files_are_named(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "maze/1/easy/images/easy_0002.png").write_bytes(b"no picture")
    (tree / "maze/1/easy/states/easy_0010.json").write_text("{")
    (tree / "sokoban/2/hard/images/hard_0001.png").unlink()
    (tree / "maze/1/easy/videos/easy_0001.mp4").write_bytes(b"no clip")
    data = IMPORTERS["vrbench"](tree, tmp_path / "data")
    assert list(by_stem(data)) == ["maze/easy_0001"]  # its truth is judged unscored
    errors = capsys.readouterr().err
    assert "not a picture" in errors and "not JSON" in errors and "hard_0001" in errors


def test_nothing_to_import_is_an_error(tmp_path: Path) -> None:
    for name, importer in IMPORTERS.items():
        with pytest.raises(UserError, match="no such folder"):
            importer(tmp_path / "missing", tmp_path / "out")
        with pytest.raises(UserError, match=f"nothing to import as {name}"):
            importer(tmp_path, tmp_path / "out")


def test_another_data_set_is_not_overwritten(tree: Path, tmp_path: Path) -> None:
    dataset.write_manifest(tmp_path / "data", [], {"command": "make"})
    with pytest.raises(UserError, match="another data set"):
        IMPORTERS["vrbench"](tree, tmp_path / "data")


def own(root: Path, name: str, style_at: int = 0) -> DataSet:
    """A data set of ours, in a style's own geometry; the pictures need not show the puzzle here."""
    puzzle = base.load(name)
    made: list[Instance] = []
    for index in range(2):
        start = puzzle.sample(seeds.stream(name, index), puzzle.params())
        state, goal = puzzle.encode(start)
        style = puzzle.styles()[style_at]
        solution = puzzle.solve(start)
        assert solution is not None
        layout = puzzle.layout(start, (150, 131), style)
        scene = {"puzzle": name, "motion": {}, "solution": list(solution.moves), **layout}
        made.append(
            Instance(
                key=seeds.key(name, index),
                task=name,
                version=1,
                level="easy",
                split="test",
                seed=3,
                index=index,
                style=style,
                state=state,
                goal=goal,
                prompt="Solve, it.\r\nPlease",
                fingerprint="f",
                size=(150, 131),
                fps=12.0,
                scene=scene,
            )
        )
        clip = Clip(render=lambda: iter([picture(150, 131)] * 3), fps=12.0)
        dataset.write_sample(root, made[-1], picture(150, 131), picture(150, 131), clip)
    return dataset.write_manifest(root, made, {})


@pytest.mark.parametrize("form", ["vrbench", "vmevalkit"])
@pytest.mark.parametrize("name", ["maze", "sokoban"])
@pytest.mark.parametrize("style_at", [0, -1])
def test_our_data_survives_a_foreign_form(form: str, name: str, style_at: int, tmp_path: Path) -> None:
    data = own(tmp_path / "data", name, style_at)
    assert EXPORTERS[form](data, tmp_path / "out") == 2
    again = IMPORTERS[form](tmp_path / "out", tmp_path / "again")
    assert again.instances == data.instances and again.hash == data.hash
    for instance in data:
        for file in ("first_frame.png", "ground_truth.mp4", "prompt.txt"):
            assert (again.folder(instance) / file).read_bytes() == (data.folder(instance) / file).read_bytes()


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


def test_a_resumed_import_is_the_same(tree: Path, tmp_path: Path) -> None:
    first = IMPORTERS["vrbench"](tree, tmp_path / "data")
    (tmp_path / "data" / "maze_task" / "maze_0001" / "metadata.json").unlink()
    again = IMPORTERS["vrbench"](tree, tmp_path / "data")
    assert again.instances == first.instances == DataSet.open(tmp_path / "data").instances
    solved = {i.task: i.scene["solution"] for i in again}
    assert solved["maze"] == ["right", "right", "down", "down", "left", "left"]


def test_exported_states_show_what_the_evaluator_needs(tmp_path: Path) -> None:
    data = own(tmp_path / "data", "sokoban")
    EXPORTERS["vrbench"](data, tmp_path / "out")
    for path, instance in zip(sorted((tmp_path / "out").rglob("states/*.json")), data, strict=True):
        record = json.loads(path.read_text())
        grid = np.array(record["grid"]["data"])
        entities: dict[str, Any] = record["entities"]
        places = [entities["player"], entities["goal"], *entities["boxes"]]
        codes = [grid[e["grid_pos"]["row"], e["grid_pos"]["col"]] for e in places]
        assert codes[0] in (5, 6) and codes[1] in (3, 4, 6) and set(codes[2:]) <= {2, 4}
        x, y = instance.scene["grid"]["x0"], instance.scene["grid"]["y0"]
        box, cell = entities["player"]["bbox"], instance.scene["grid"]["cell_w"]
        row, col = instance.state["agent"]
        assert abs(box["x"] - x - col * cell) <= 1 and abs(box["y"] - y - row * cell) <= 1


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


def real(variable: str) -> Path:
    where = os.environ.get(variable)
    if not where:
        pytest.skip(f"{variable} is not set: the path to data made by others")
    return Path(where)


def test_real_vrbench_data(tmp_path: Path) -> None:
    data = IMPORTERS["vrbench"](real("GENREASON_VRBENCH"), tmp_path / "data")
    assert {i.task for i in data} == {"maze", "sokoban"} and len({i.style for i in data}) >= 3
    for instance in data:
        puzzle = base.load(instance.task)
        assert instance.level == "hard" or puzzle.solve(puzzle.start(instance)) is not None
        truth = data.truth(instance)
        assert truth is not None
        # Its image is the first frame of its clip.
        first = next(video.read(truth))
        assert np.abs(first.astype(int) - dataset.read_picture(data.first_frame(instance))).mean() < 1
    for instance in data:  # one has a solution other than the solver's: its reference is the clip's
        (verdict,) = RulesJudge().judge(instance, [Clip(path=data.truth(instance))])
        assert verdict.status == "pass" and verdict.metrics["vrbench.pr"] == 1.0
    EXPORTERS["vrbench"](data, tmp_path / "out")
    assert IMPORTERS["vrbench"](tmp_path / "out", tmp_path / "again").instances == data.instances


def test_real_vbvr_data(tmp_path: Path) -> None:
    source = real("GENREASON_VBVR")
    data = IMPORTERS["vmevalkit"](source, tmp_path / "data")
    assert len(data) == len(list(source.rglob("first_frame.png")))
    for instance in data:
        truth = data.truth(instance)
        assert truth is not None and video.probe(truth).fps == instance.fps
        assert dataset.read_picture(data.first_frame(instance)).shape[1::-1] == instance.size
