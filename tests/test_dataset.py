"""What is written as a data set is read back as it was; what is unfinished or damaged is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genreason import video
from genreason.formats import dataset
from genreason.formats.dataset import DataSet
from genreason.types import Clip, Frame, GenreasonError, Instance, UserError

PLAIN = Instance(
    key="00",
    task="maze",
    version=1,
    level="easy",
    split="test",
    seed=0,
    index=0,
    style="flat",
    state={"grid": ["###", "#.#", "###"], "agent": [1, 1]},
    goal={"goal": [1, 1]},
    prompt="Go to the goal\u2028with \u00fcmlauts.\n",
    fingerprint="ff",
    size=(64, 64),
    fps=12.0,
    scene={"puzzle": "maze"},
)


def picture(seed: int = 0) -> Frame:
    return np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)


def frames() -> Iterator[Frame]:
    return (np.full((64, 64, 3), 40 * i, np.uint8) for i in range(5))


def instances(count: int) -> list[Instance]:
    return [replace(PLAIN, key=f"{i:02d}", index=i) for i in range(count)]


def make(root: Path, count: int = 3) -> DataSet:
    for instance in instances(count):
        dataset.write_sample(root, instance, picture(instance.index), picture(9), Clip(render=frames, fps=12))
    return dataset.write_manifest(root, instances(count), {"command": "make maze"})


def test_a_data_set_comes_back(tmp_path: Path) -> None:
    make(tmp_path)
    data = DataSet.open(tmp_path)
    assert list(data) == instances(3) and len(data) == 3
    assert data.manifest["command"] == "make maze"
    for instance in data:
        folder = data.folder(instance)
        assert folder == tmp_path / "maze_task" / f"maze_{instance.index:04d}"
        names = ["final_frame.png", "first_frame.png", "ground_truth.mp4", "metadata.json", "prompt.txt"]
        assert sorted(p.name for p in folder.iterdir()) == names
        assert np.array_equal(dataset.read_picture(data.first_frame(instance)), picture(instance.index))
        assert (folder / "prompt.txt").read_bytes().decode() == PLAIN.prompt
        truth = data.truth(instance)
        assert truth is not None and video.probe(truth) == video.VideoInfo(64, 64, 12.0, 5)
        assert data.extra(instance) == {}
        assert dataset.is_complete(tmp_path, instance)


def test_the_same_data_is_the_same_bytes(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    files = sorted(path.relative_to(one.root) for path in one.root.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(two.root) for path in two.root.rglob("*") if path.is_file())
    assert all((one.root / file).read_bytes() == (two.root / file).read_bytes() for file in files)
    assert one.hash == two.hash


def test_the_hash_tells_data_sets_apart(tmp_path: Path) -> None:
    three, four = make(tmp_path / "three", 3), make(tmp_path / "four", 4)
    assert three.hash != four.hash
    assert DataSet.open(three.root).hash == three.hash == three.manifest["hash"]


def test_files_are_copied_byte_for_byte(tmp_path: Path) -> None:
    dataset.write_png(tmp_path / "a.png", picture())
    odd = (tmp_path / "a.png").read_bytes() + b"trailing bytes stay"
    (tmp_path / "a.png").write_bytes(odd)
    (tmp_path / "a.mp4").write_bytes(b"not even a clip")
    foreign = replace(PLAIN, scene={"puzzle": "maze", "foreign": True})
    root, source = tmp_path / "data", {"from": "elsewhere"}
    dataset.write_sample(root, foreign, tmp_path / "a.png", truth=tmp_path / "a.mp4", source=source)
    data = dataset.write_manifest(root, [foreign], {})
    assert data.first_frame(foreign).read_bytes() == odd
    assert data.folder(foreign).joinpath("ground_truth.mp4").read_bytes() == b"not even a clip"
    assert data.extra(foreign) == source
    assert DataSet.open(root).instances[0].first_frame == data.first_frame(foreign)


def test_a_sample_counts_once_it_is_whole(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def dies() -> Iterator[Frame]:
        yield picture()
        raise Killed

    assert not dataset.is_complete(tmp_path, PLAIN)
    with pytest.raises(Killed):
        dataset.write_sample(tmp_path, PLAIN, picture(), truth=Clip(render=dies, fps=12))
    assert not dataset.is_complete(tmp_path, PLAIN)
    (dataset.sample_folder(tmp_path, PLAIN) / ".ground_truth.mp4.1.part").touch()  # kill -9 tidies nothing
    dataset.write_sample(tmp_path, PLAIN, picture(), picture(), Clip(render=frames, fps=12))
    assert dataset.is_complete(tmp_path, PLAIN)
    assert not dataset.is_complete(tmp_path, replace(PLAIN, key="other"))
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_a_new_sample_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    dataset.write_sample(tmp_path, PLAIN, picture(), picture(), Clip(render=frames, fps=12))
    dataset.write_sample(tmp_path, replace(PLAIN, key="other"), picture())
    names = {path.name for path in dataset.sample_folder(tmp_path, PLAIN).iterdir()}
    assert names == {"first_frame.png", "prompt.txt", "metadata.json"}


def test_folders_that_are_no_data_set_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder.*genreason make"):
        DataSet.open(tmp_path / "missing")
    with pytest.raises(UserError, match="no data set.*genreason make.*genreason import"):
        DataSet.open(tmp_path)
    dataset.write_sample(tmp_path, PLAIN, picture())
    with pytest.raises(UserError, match="unfinished.*run the same command again"):
        DataSet.open(tmp_path)
    data = make(tmp_path / "data")
    listing = data.root / "instances.jsonl"
    whole = listing.read_text()
    listing.write_text(whole[: whole.index("\n") + 1])
    with pytest.raises(UserError, match="holds 1 samples, the manifest says 3"):
        DataSet.open(data.root)
    listing.write_text(whole[:-40])
    with pytest.raises(UserError, match="line 3"):
        DataSet.open(data.root)
    listing.unlink()
    with pytest.raises(UserError, match=r"instances\.jsonl"):
        DataSet.open(data.root)
    wrong = {"{": "not JSON", "[]": "no JSON object", '{"schema": 99, "samples": 3}': "schema 99"}
    for content, why in wrong.items():
        (data.root / "manifest.json").write_text(content)
        with pytest.raises(UserError, match=why):
            DataSet.open(data.root)


def test_two_samples_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two samples are called maze_0000"):
        dataset.write_manifest(tmp_path, [PLAIN, replace(PLAIN, key="other")], {})


def test_a_disk_that_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "maze_task").write_text("a file in the way")
    with pytest.raises(GenreasonError, match="cannot write"):
        dataset.write_sample(tmp_path, PLAIN, picture())


def test_metadata_is_the_instance(tmp_path: Path) -> None:
    data = make(tmp_path, 1)
    record = json.loads((data.folder(PLAIN) / "metadata.json").read_text())
    assert Instance.from_json(record) == data.instances[0]
