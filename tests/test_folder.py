"""Clips that somebody else made find their samples, and what fits none or several is listed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genreason.formats import dataset
from genreason.formats.dataset import DataSet
from genreason.generate.folder import FolderGenerator
from genreason.types import Instance, Request, UserError

BASE = Instance(
    key="00",
    task="maze",
    version=1,
    level="easy",
    split="test",
    seed=0,
    index=0,
    style="flat",
    state={},
    goal={},
    prompt="Go.",
    fingerprint="ff",
    size=(32, 32),
    fps=24.0,
    scene={"puzzle": "maze"},
)
FRAME = np.zeros((32, 32, 3), np.uint8)


def clips(root: Path, *names: str) -> FolderGenerator:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return FolderGenerator(root)


def matched(root: Path, names: list[str], data: DataSet) -> tuple[dict[str, list[str]], list[str]]:
    found, unmatched = clips(root, *names).find(data.instances, data)
    relative = {sample: [p.relative_to(root).as_posix() for p in paths] for sample, paths in found.items()}
    return relative, [p.relative_to(root).as_posix() for p in unmatched]


def made(root: Path, count: int = 3) -> DataSet:
    samples = [replace(BASE, key=f"{i}", index=i) for i in range(count)]
    for sample in samples:
        dataset.write_sample(root, sample, FRAME)
    return dataset.write_manifest(root, samples, {})


def imported(root: Path, places: list[tuple[tuple[str, ...], str]]) -> DataSet:
    samples = [replace(BASE, key=f"{i}", index=i) for i in range(len(places))]
    for sample, (place, stem) in zip(samples, places, strict=True):
        source = {"format": "vrbench", "place": list(place), "stem": stem}
        dataset.write_sample(root, sample, FRAME, source=source)
    return dataset.write_manifest(root, samples, {"import": {"format": "vrbench"}})


def test_names_by_sample_id(tmp_path: Path) -> None:
    names = ["maze_0000.mp4", "maze_0001/10.mp4", "maze_0001/2.webm", "maze_task/maze_0002/video.mov"]
    strangers = ["maze_0009.mp4", "other.mp4", "a/maze_0000.mp4", "maze_0001/deep/1.mp4"]
    ignored = ["notes.txt", ".maze_0000.mp4.1.part", ".maze_0002.mp4", "maze_0000.json"]
    found, unmatched = matched(tmp_path / "clips", names + strangers + ignored, made(tmp_path / "data"))
    assert found == {
        "maze_0000": ["maze_0000.mp4"],
        "maze_0001": ["maze_0001/2.webm", "maze_0001/10.mp4"],
        "maze_0002": ["maze_task/maze_0002/video.mov"],
    }
    assert sorted(unmatched) == sorted(strangers)


def test_several_clips_are_in_natural_order(tmp_path: Path) -> None:
    names = ["maze_0000-10.mp4", "maze_0000-2.GIF", "maze_0000.mp4", "maze_0000-1.mp4"]
    found, unmatched = matched(tmp_path / "clips", names, made(tmp_path / "data"))
    order = ["maze_0000.mp4", "maze_0000-1.mp4", "maze_0000-2.GIF", "maze_0000-10.mp4"]
    assert found == {"maze_0000": order} and not unmatched


def test_a_run_and_a_data_set_are_folders_of_clips(tmp_path: Path) -> None:
    data = made(tmp_path / "data")
    names = [f"maze_{i:04d}/{k}.mp4" for i in range(3) for k in range(2)]
    assert matched(tmp_path / "run", names, data)[0]["maze_0002"] == names[4:]
    truths = [f"maze_task/maze_{i:04d}/ground_truth.mp4" for i in range(3)]
    assert matched(tmp_path / "set", truths, data)[0]["maze_0001"] == truths[1:2]


LEVELS: list[tuple[tuple[str, ...], str]] = [
    (("eval", "maze", "1", "easy"), "easy_0001"),
    (("eval", "maze", "1", "easy"), "easy_0002"),
    (("eval", "maze", "1", "hard"), "hard_0001"),
    (("eval", "maze", "4", "easy"), "easy_0001"),
    (("eval", "sokoban", "1", "easy"), "easy_0001"),
]


FORMS = ["{0}/{1}/{2}/{3}/videos/{4}", "{1}/{2}/{3}/{4}", "{1}/{2}/{4}", "{1}/{2}/{3}/{4}_0"]


@pytest.mark.parametrize("form", FORMS)
def test_names_of_the_place_a_sample_came_from(form: str, tmp_path: Path) -> None:
    data = imported(tmp_path / "data", LEVELS)
    names = [form.format(*place, stem) + ".mp4" for place, stem in LEVELS]
    found, unmatched = matched(tmp_path / "clips", names, data)
    assert found == {f"maze_{i:04d}": [name] for i, name in enumerate(names)} and not unmatched


def test_the_folders_above_decide_where_those_inside_do_not(tmp_path: Path) -> None:
    data = imported(tmp_path / "data", LEVELS)
    names = ["easy_0001.mp4", "easy_0001_1.mp4", "easy_0001/7.mp4", "hard_0001.mp4"]
    found, unmatched = matched(tmp_path / "maze" / "1", names, data)
    easy = ["easy_0001.mp4", "easy_0001/7.mp4", "easy_0001_1.mp4"]
    assert found == {"maze_0000": easy, "maze_0002": ["hard_0001.mp4"]}
    assert not unmatched


def test_what_fits_several_samples_fits_none(tmp_path: Path) -> None:
    data = imported(tmp_path / "data", LEVELS)
    names = ["easy_0001.mp4", "easy_0002.mp4", "trapfield/1/easy/easy_0001.mp4"]
    found, unmatched = matched(tmp_path / "clips", names, data)
    assert found == {"maze_0001": ["easy_0002.mp4"]}
    assert unmatched == ["easy_0001.mp4", "trapfield/1/easy/easy_0001.mp4"]


def test_models_in_folders_of_their_own_are_several_answers(tmp_path: Path) -> None:
    data = imported(tmp_path / "data", LEVELS)
    names = [f"{model}/maze/1/easy/easy_0001_{k}.mp4" for model in ("a", "b") for k in (0, 1)]
    names += ["a/maze/4/easy_0001.mp4", "b/sokoban/1/easy/videos/easy_0001_sora-2.mp4"]
    strangers = [
        "a/easy_0001.mp4",
        "a/1/easy/easy_0001.mp4",
        "a/maze/easy_0001.mp4",
        "a/maze/7/easy_0001.mp4",
    ]
    found, unmatched = matched(tmp_path / "clips", names + strangers, data)
    assert found == {"maze_0000": names[:4], "maze_0003": [names[4]], "maze_0004": [names[5]]}
    assert sorted(unmatched) == sorted(strangers)


def test_clips_that_a_puzzle_was_read_from_answer_it(tmp_path: Path) -> None:
    samples = [replace(BASE, index=index, key=str(index)) for index in range(2)]
    named = [["maze/medium/a.mp4", "maze/medium/b.mp4"], ["maze/hard/a.mp4"]]
    for sample, clips_ in zip(samples, named, strict=True):
        dataset.write_sample(tmp_path / "data", sample, FRAME, source={"clips": clips_})
    data = dataset.write_manifest(tmp_path / "data", samples, {"import": {"format": "vrbench-clips"}})
    found, unmatched = matched(tmp_path / "x", ["maze/medium/c.mp4", *named[0], *named[1]], data)
    assert found == {"maze_0000": named[0], "maze_0001": named[1]} and unmatched == ["maze/medium/c.mp4"]
    inside, _ = matched(tmp_path / "maze" / "hard", ["a.mp4", "b.mp4"], data)
    assert inside == {"maze_0001": ["a.mp4"]}


def test_it_answers_requests(tmp_path: Path) -> None:
    folder = clips(tmp_path, "maze_0000/0.mp4", "maze_0000/1.mp4")
    requests = [Request(instance=replace(BASE, index=i), first_frame=FRAME, prompt="Go.") for i in (0, 1)]
    assert [clip.path for clip in folder.generate(requests, 1)] == [
        tmp_path / "maze_0000" / "1.mp4",
        tmp_path / "maze_0001" / "1.mp4",  # not there: the judge says so
    ]


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder of clips"):
        FolderGenerator(tmp_path / "missing")
