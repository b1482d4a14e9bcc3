"""Exports for other people's trainers."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import pytest

from genreason import formats, run, video
from genreason.cards import TaskCard, load
from genreason.formats.dataset import DataSet
from genreason.types import UserError


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> DataSet:
    return run.make(load(TaskCard, "maze"), tmp_path_factory.mktemp("data") / "d", level="easy", n=3)


def open_lines(path):
    return path.read_text().splitlines()


def test_diffsynth(data, tmp_path):
    assert formats.EXPORTERS["diffsynth"](data, tmp_path) == 3
    with (tmp_path / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["prompt"] for row in rows] == [" ".join(i.prompt.split()) for i in data]
    for row, instance in zip(rows, data, strict=True):
        assert (tmp_path / row["video"]).read_bytes() == data.truth(instance).read_bytes()
    arguments = dict(line.removeprefix("--").split(" ", 1) for line in open_lines(tmp_path / "arguments.txt"))
    assert arguments["dataset_metadata_path"] == str(tmp_path / "metadata.csv")
    longest = max(sum(1 for _ in video.read(tmp_path / row["video"])) for row in rows)
    assert longest - 4 < int(arguments["num_frames"]) <= longest and int(arguments["num_frames"]) % 4 == 1
    assert (arguments["width"], arguments["height"], arguments["extra_inputs"]) == (
        "256",
        "256",
        "input_image",
    )


def test_finetrainers(data, tmp_path):
    assert formats.EXPORTERS["finetrainers"](data, tmp_path) == 3
    videos, prompts = ((tmp_path / name).read_text().splitlines() for name in ("videos.txt", "prompts.txt"))
    assert len(videos) == len(prompts) == 3
    (source,) = json.loads((tmp_path / "training.json").read_text())["datasets"]
    buckets = source["video_resolution_buckets"]
    assert all(n % 8 == 1 and height == width == 256 for n, height, width in buckets)
    for name in videos:
        frames = sum(1 for _ in video.read(tmp_path / name))
        assert any(frames - 8 < n <= frames for n, _, _ in buckets)


def test_musubi(data, tmp_path):
    assert formats.EXPORTERS["musubi"](data, tmp_path) == 3
    config = tomllib.loads((tmp_path / "dataset.toml").read_text())
    assert config["general"]["resolution"] == [256, 256]
    (source,) = config["datasets"]
    assert source["frame_extraction"] == "full" and isinstance(source["source_fps"], float)
    with open(source["video_jsonl_file"]) as file:  # noqa: PTH123
        lines = [json.loads(line) for line in file]
    assert all(video.probe(line["video_path"]).fps == 24 and line["caption"] for line in lines)
    longest = max(sum(1 for _ in video.read(Path(line["video_path"]))) for line in lines)
    assert longest - 4 < source["max_frames"] <= longest and source["max_frames"] % 4 == 1


@pytest.mark.parametrize("name", ["diffsynth", "finetrainers", "musubi"])
def test_data_without_clips(name, tmp_path):
    bare = run.make(load(TaskCard, "maze"), tmp_path / "d", level="easy", n=1, truth=False)
    with pytest.raises(UserError, match="maze_0000 has no solution clip"):
        formats.EXPORTERS[name](bare, tmp_path / "out")
