"""VR-Bench's levels come in with their meaning and go out as they were."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skin_fixture import write_skin
from vrbench_fixture import CELL, entity, level, noisy, picture, state, table

from genreason import video
from genreason.formats import EXPORTERS, IMPORTERS, dataset
from genreason.formats.dataset import DataSet
from genreason.judge.rules import RulesJudge
from genreason.puzzles import base
from genreason.run.making import make
from genreason.task import Task
from genreason.types import Clip, Instance, Json, UserError

ROW = "maze/1/easy/videos/easy_0001.mp4,Roll home.,maze/1/easy/images/easy_0001.png"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Five levels, one game that is unknown here, and a prompt for one level."""
    root = tmp_path / "vrbench"
    level(root, state("maze"), "maze/1/easy", "easy_0001")
    level(root, state("maze"), "maze/1/easy", "easy_0010")
    level(root, state("maze"), "maze/1/easy", "easy_0002", ())
    level(root, state("sokoban"), "sokoban/2/hard", "hard_0001", ("_10", "_2"))
    level(root, state("trapfield"), "trapfield/3/medium", "medium_0001", ("_0",))
    level(root, {**state("maze"), "game_type": "chess"}, "chess/1/easy", "easy_0001", (), picture("maze"))
    table(root / "metadata.csv", [ROW])
    return root


def by_stem(data: DataSet) -> dict[str, Instance]:
    return {f"{i.task}/{data.extra(i)['stem']}": i for i in data}


def test_levels_come_in(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = IMPORTERS["vrbench"](tree, tmp_path / "data")
    assert "1 levels of chess" in capsys.readouterr().err
    ids = ["maze_0000", "maze_0001", "maze_0002", "sokoban_0000", "trapfield_0000"]
    assert [i.sample_id for i in data] == ids
    found = by_stem(data)
    maze, boxes, traps = found["maze/easy_0001"], found["sokoban/hard_0001"], found["trapfield/medium_0001"]
    assert maze.state == {"grid": ["#####", "#...#", "###.#", "#...#", "#####"], "agent": [1, 1]}
    assert maze.goal == {"goal": [3, 1]}
    assert boxes.state["boxes"] == [[2, 2], [2, 3]] and boxes.state["agent"] == [1, 1]
    assert boxes.goal == {"targets": [[1, 1], [2, 3]]}
    assert traps.state == {"grid": ["...#.", ".#...", ".#.#.", "....."], "agent": [0, 0]}
    assert (maze.level, maze.style, maze.split, maze.foreign) == ("easy", "vrbench:1", "eval", True)
    assert maze.scene["grid"]["cell_w"] == CELL and maze.size == (80, 80)
    assert maze.prompt == "Roll home." and found["maze/easy_0002"].prompt != maze.prompt
    assert "box" in boxes.prompt and "trap" in traps.prompt and "{" not in boxes.prompt
    assert data.truth(found["maze/easy_0002"]) is None
    truth = data.truth(boxes)
    assert truth is not None and video.probe(truth).frames == 3  # path 2, not path 10
    assert maze.fingerprint == found["maze/easy_0010"].fingerprint != boxes.fingerprint
    assert len({i.key for i in data}) == 5


def test_a_tree_may_be_entered_anywhere(tree: Path, tmp_path: Path) -> None:
    for number, place in enumerate((".", "maze", "maze/1", "maze/1/easy")):
        data = IMPORTERS["vrbench"](tree / place, tmp_path / str(number))
        maze = by_stem(data)["maze/easy_0001"]
        assert (maze.level, maze.style, maze.prompt) == ("easy", "vrbench:1", "Roll home.")
        assert data.extra(maze)["place"] == ["maze", "1", "easy"]
    shutil.move(tree, tmp_path / "train")
    data = IMPORTERS["vrbench"](tmp_path / "train", tmp_path / "split")
    assert {i.split for i in data} == {"train"}


def same_files(one: Path, other: Path) -> None:
    """All files of `one` are in `other`, byte by byte, and nothing else is."""
    names = [
        sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
        for root in (one, other)
    ]
    assert names[0] == names[1]
    for name in names[0]:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_round_trip_keeps_everything(tree: Path, tmp_path: Path) -> None:
    shutil.rmtree(tree / "chess")
    release = tmp_path / "release"
    for split in ("eval", "train"):  # the eval split has a table of its own, and one more column
        shutil.copytree(tree, release / split)
        (release / split / "metadata.csv").unlink()
    files = [p.relative_to(release) for p in release.rglob("*.mp4")]
    images = {p: p.parent.parent / "images" / f"{'_'.join(p.stem.split('_')[:2])}.png" for p in files}
    rows = [
        f"{p},Do {k}.,{images[p]}" for k, p in enumerate(sorted(files, reverse=True)) if p.parts[0] == "train"
    ]
    assert len(rows) == 5
    table(release / "metadata.csv", rows)
    table(release / "eval/metadata.csv", [f'{ROW},"a, b"'], "video,prompt,input_image,note")
    data = IMPORTERS["vrbench"](release, tmp_path / "data")
    assert len(data) == 10
    twice = next(i for i in data if i.task == "sokoban" and i.split == "train")
    assert data.extra(twice)["videos"] == ["hard_0001_2.mp4", "hard_0001_10.mp4"]
    EXPORTERS["vrbench"](data, tmp_path / "out")
    # Levels that no table knew get rows after those that were there.
    expected = {"metadata.csv": rows, "eval/metadata.csv": [f'{ROW},"a, b"']}
    for name, lines in expected.items():
        written = (tmp_path / "out" / name).read_text().splitlines()
        assert written[1 : 1 + len(lines)] == lines
        shutil.copy(release / name, tmp_path / "out" / name)
    same_files(release, tmp_path / "out")
    again = IMPORTERS["vrbench"](tmp_path / "out", tmp_path / "again")
    assert again.instances == data.instances and again.hash == data.hash
    same = tmp_path / "inside"
    EXPORTERS["vrbench"](IMPORTERS["vrbench"](release / "train", tmp_path / "data2"), same)
    with (same / "metadata.csv").open() as file:  # the table was above what was imported
        videos = {row["video"] for row in csv.DictReader(file)} - {""}
        assert videos == {p.as_posix() for p in files if p.parts[0] == "train"}


def test_a_table_that_cannot_be_read_is_named(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "metadata.csv").write_bytes(b"\xff\xfe\x00video")
    data = IMPORTERS["vrbench"](tree, tmp_path / "data")
    assert len(data) == 5 and capsys.readouterr().err.count("metadata.csv: cannot be read") == 1


# -- bad levels ----------------------------------------------------------------------------------------------
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


def no_number(record: Json) -> None:
    record["entities"]["player"]["bbox"]["center_x"] = float("nan")


def ragged(record: Json) -> None:
    record["grid"]["data"][2].pop()


def open_border(record: Json) -> None:
    record["grid"]["data"][0][1] = 0


def no_grid(record: Json) -> None:
    del record["grid"]


def lost_box(record: Json) -> None:
    record["entities"]["boxes"].append(entity(3, 1))


def bad_lattice(record: Json) -> None:
    record["metadata"]["lattice"] = {"cols": 5, "rows": 5, "x0": "0", "y0": 0, "cell_w": 16, "cell_h": 16}


def other_wall(record: Json) -> None:
    record["grid"]["data"][2][1] = 0


def player_on_floor(record: Json) -> None:
    record["grid"]["data"][1][1:3] = [0, 2]
    record["entities"]["player"] = entity(1, 2)


def goal_on_floor(record: Json) -> None:
    record["grid"]["data"][3][1:3] = [0, 3]
    record["entities"]["goal"] = entity(3, 2)


BROKEN: dict[Callable[[Json], None], str] = {
    drop_player: "lacks entities.player",
    move_player: "contradicts itself: player",
    contradict_bbox: "contradicts itself: goal",
    two_players: "2 cells with the player",
    strange_code: "unknown code",
    new_version: "version '2.0'",
    other_size: "it says 96x80, the image is 80x80",
    other_cells: "contradicts its image",
    no_number: "not a number",
    ragged: "not of one length",
    open_border: "maze",
    no_grid: "lacks grid",
    lost_box: "boxes are at",
    bad_lattice: "not a number",
    other_wall: "floor at row 2, column 1, where the image shows wall",
    player_on_floor: "agent at column 2, row 1 does not stand out from the floor",
    goal_on_floor: "goal at row 3, column 2, where the image shows floor",
}


@pytest.mark.parametrize("breaks", BROKEN)
def test_a_bad_level_is_named_and_the_rest_goes_on(
    breaks: Callable[[Json], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    level(tmp_path / "src", state("maze"), "maze/1/easy", "easy_0001")
    game = "sokoban" if breaks is lost_box else "maze"
    record = state(game)
    breaks(record)
    level(tmp_path / "src", record, f"{game}/1/easy", "easy_0002")
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
    wide = np.zeros((64, 128, 3), np.uint8)
    video.write(tree / "trapfield/3/medium/videos/medium_0001_0.mp4", [wide] * 3, 24)
    data = IMPORTERS["vrbench"](tree, tmp_path / "data")
    assert list(by_stem(data)) == ["maze/easy_0001", "trapfield/medium_0001"]
    errors = capsys.readouterr().err.splitlines()
    for words in ("not a picture", "not JSON", "hard_0001.png", "easy_0001.mp4", "another aspect"):
        assert sum(words in line for line in errors) == 1, words
    verdicts = [RulesJudge().judge(i, [Clip(path=data.truth(i))])[0] for i in data]
    assert verdicts[0].status == "unscored" and verdicts[1].status == "fail"


@pytest.mark.parametrize("game", ["maze", "trapfield", "sokoban"])
def test_a_rough_picture_is_no_other_puzzle(game: str, tmp_path: Path) -> None:
    level(tmp_path / "src", state(game), f"{game}/1/easy", "easy_0001", shown=noisy(picture(game), 20))
    assert len(IMPORTERS["vrbench"](tmp_path / "src", tmp_path / "data")) == 1


# -- ours ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["vrbench", "vmevalkit"])
@pytest.mark.parametrize("game", ["maze", "trapfield", "sokoban", "irregular_maze", "maze3d"])
def test_our_data_survives_a_foreign_form(form: str, game: str, tmp_path: Path) -> None:
    data = make(Task(game).card, tmp_path / "data", level="easy", n=3, split="train", size=(190, 171))
    assert EXPORTERS[form](data, tmp_path / "out") == 3
    again = IMPORTERS[form](tmp_path / "out", tmp_path / "again")
    assert again.instances == data.instances and again.hash == data.hash
    for instance in data:
        for file in ("first_frame.png", "ground_truth.mp4", "prompt.txt"):
            assert (again.folder(instance) / file).read_bytes() == (data.folder(instance) / file).read_bytes()
    if form == "vrbench":
        (found,) = {
            p.parent.parent.parent.parent.relative_to(tmp_path / "out")
            for p in (tmp_path / "out").rglob("*.json")
        }
        assert found == Path("train") / game


@pytest.mark.parametrize("game", ["maze", "trapfield", "sokoban", "irregular_maze"])
def test_the_state_alone_says_where_everything_is(game: str, tmp_path: Path) -> None:
    """What others read of an exported level, without the instance in it, is the same puzzle."""
    style = "flames" if game == "trapfield" else "classic"
    data = make(Task(game).card, tmp_path / "data", level="easy", n=2, style=style, truth=False)
    EXPORTERS["vrbench"](data, tmp_path / "out")
    for path in (tmp_path / "out").rglob("states/*.json"):
        record = json.loads(path.read_text())
        del record["metadata"]["genreason"]
        path.write_text(json.dumps(record))
    again = IMPORTERS["vrbench"](tmp_path / "out", tmp_path / "again")
    assert [(i.goal, i.state.keys()) for i in again] == [(i.goal, i.state.keys()) for i in data]
    for ours, theirs in zip(data, again, strict=True):
        puzzle = base.load(game)
        places = [puzzle.board(i).lattice.pixels(puzzle.places(puzzle.start(i))) for i in (ours, theirs)]
        assert np.abs(places[0] - places[1]).max() < 1
        solved = [len(puzzle.solve(puzzle.start(i)) or ()) for i in (ours, theirs)]
        assert theirs.foreign and theirs.split == "eval" and solved[0] == solved[1]


def test_textures_go_along(tmp_path: Path) -> None:
    write_skin(tmp_path / "skins/maze/7", "maze")
    style = f"skins:{tmp_path / 'skins'}"
    data = make(Task("maze").card, tmp_path / "data", level="easy", n=1, style=style, truth=False)
    EXPORTERS["vrbench"](data, tmp_path / "out")
    shutil.rmtree(tmp_path / "skins")
    shutil.rmtree(tmp_path / "data")
    (again,) = IMPORTERS["vrbench"](tmp_path / "out", tmp_path / "again")
    assert again == data.instances[0] and base.load("maze").picture(again).any()
    shutil.rmtree(tmp_path / "out" / "skins")  # the picture is enough, where they are lost
    (bare,) = IMPORTERS["vrbench"](tmp_path / "out", tmp_path / "bare")
    assert bare.foreign and bare.state == again.state


def test_exported_states_show_what_the_evaluator_needs(tmp_path: Path) -> None:
    data = make(Task("sokoban").card, tmp_path / "data", level="small", n=3, truth=False)
    EXPORTERS["vrbench"](data, tmp_path / "out")
    for path, instance in zip(
        sorted((tmp_path / "out").rglob("states/*.json")), sorted(data, key=lambda i: i.style), strict=True
    ):
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


def test_a_data_set_without_such_games_is_refused(tmp_path: Path) -> None:
    data = dataset.write_manifest(tmp_path / "data", [], {})
    with pytest.raises(UserError, match="holds no maze"):
        EXPORTERS["vrbench"](data, tmp_path / "out")


def test_a_resumed_import_is_the_same(tree: Path, tmp_path: Path) -> None:
    first = IMPORTERS["vrbench"](tree, tmp_path / "data")
    (tmp_path / "data" / "maze_task" / "maze_0001" / "metadata.json").unlink()
    again = IMPORTERS["vrbench"](tree, tmp_path / "data")
    assert again.instances == first.instances == DataSet.open(tmp_path / "data").instances
    solved = {i.task: i.scene["solution"] for i in again}
    assert solved["maze"] == ["right", "right", "down", "down", "left", "left"]


# -- what VR-Bench's own code made ---------------------------------------------------------------------------
@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DataSet]:
    """The easy levels of every game and skin, and the data set that they become."""
    where = os.environ.get("GENREASON_VRBENCH")
    if not where:
        pytest.skip("GENREASON_VRBENCH is not set: the path to levels made by VR-Bench's code")
    root = tmp_path_factory.mktemp("release")
    for easy in sorted(Path(where).glob("*/*/easy")):
        shutil.copytree(easy, root / "source" / easy.relative_to(where))
    return root / "source", IMPORTERS["vrbench"](root / "source", root / "data")


def test_real_levels_come_in_and_go_out(release: tuple[Path, DataSet], tmp_path: Path) -> None:
    source, data = release
    assert data.manifest["import"]["skipped"] == [] == data.manifest["import"]["notes"]
    assert len(data) == len(list(source.rglob("states/*.json")))
    assert {i.task for i in data} == {"maze", "trapfield", "sokoban", "irregular_maze", "maze3d"}
    EXPORTERS["vrbench"](data, tmp_path / "out")
    (tmp_path / "out" / "metadata.csv").unlink()
    same_files(source, tmp_path / "out")


def test_real_truths_pass(release: tuple[Path, DataSet]) -> None:
    for instance in {i.task: i for i in release[1]}.values():  # one of each game
        (verdict,) = RulesJudge().judge(instance, [Clip(path=release[1].truth(instance))])
        assert verdict.status == "pass" and verdict.metrics["vrbench.pr"] > 0.99, instance.sample_id
