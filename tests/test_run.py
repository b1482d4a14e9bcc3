"""Stages resume after a kill at any moment, refuse what does not belong together, and lose nothing."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import genreason
from genreason import cards, run
from genreason.cards import GeneratorCard, JudgeCard, SuiteCard, TaskCard
from genreason.formats.dataset import DataSet
from genreason.run import files
from genreason.types import GenreasonError, UserError

SIZE = (112, 112)
RULES = cards.load(JudgeCard, "rules")
ORACLE = cards.load(GeneratorCard, "oracle")


def make(out: Path, n: int = 3, **options: object) -> DataSet:
    card = cards.load(TaskCard, "maze")
    return run.make(card, out, level="easy", n=n, size=SIZE, **options)  # type: ignore[arg-type]


def tree(root: Path) -> dict[str, bytes]:
    """Every file but the manifests, which hold the time and the command."""
    found = {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
    return {name: content for name, content in found.items() if not name.endswith("manifest.json")}


def answer(name: str, data: DataSet, root: Path, **options: object) -> run.RunFolder:
    return run.generate(cards.load(GeneratorCard, name), data, root, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return make(tmp_path_factory.mktemp("shared") / "data")


@pytest.fixture(scope="module")
def judged(data: DataSet, tmp_path_factory: pytest.TempPathFactory) -> run.RunFolder:
    made = answer("oracle", data, tmp_path_factory.mktemp("shared") / "oracle")
    run.judge(RULES, made)
    return made


# -- what comes out --------------------------------------------------------------------------------------
def test_oracle_passes_and_a_cheat_fails(data: DataSet, judged: run.RunFolder, tmp_path: Path) -> None:
    lines = judged.verdicts("rules")
    assert [line["status"] for line in lines] == ["pass"] * 3
    assert [line["sample"] for line in lines] == [i.sample_id for i in data.instances]
    assert {"schema", "key", "k", "judge", "checks", "metrics", "violations", "reason", "evidence"} <= set(
        lines[0]
    )
    still = answer("still", data, tmp_path / "still")
    assert [line["status"] for line in run.judge(RULES, still)] == ["fail"] * 3


def test_manifest_says_what_was_run(judged: run.RunFolder, data: DataSet) -> None:
    manifest = judged.manifest
    assert manifest["generator"] == {"name": "oracle", "kind": "oracle", "expect": "pass", "options": {}}
    assert manifest["data_hash"] == data.hash and manifest["seed"] == 0 and manifest["samples"] == 1
    assert manifest["cards"] == {"generators/oracle": ORACLE.hash, "judges/rules": RULES.hash}
    assert {"genreason", "python", "numpy", "av"} <= set(manifest["versions"])
    assert json.loads((judged.root / "clips/maze_0000/0.json").read_text())["key"] == data.instances[0].key


def test_data_manifest_counts_different_puzzles(data: DataSet) -> None:
    assert data.manifest["different_puzzles"] == len({i.fingerprint for i in data.instances})
    assert not (data.root / "making.json").exists()


def test_the_whole_in_one(tmp_path: Path) -> None:
    seen: dict[str, tuple[int, int]] = {}

    def progress(stage: str, done: int, total: int) -> None:
        seen[stage] = done, total

    suite = SuiteCard.model_validate(
        {
            "name": "two",
            "description": "Two.",
            "entries": [{"task": t, "level": "easy", "n": 2} for t in ("maze", "sokoban")],
        }
    )
    root = tmp_path / "run"
    made = run.run(suite, ORACLE, RULES, root, size=SIZE, progress=progress)
    assert [line["status"] for line in made.verdicts("rules")] == ["pass"] * 4
    assert made.manifest["data"] == "data"
    floors = json.loads((root / "floors.json").read_text())
    assert floors["still"] == floors["noise"] == {t: {"mean": 0.0, "n": 2} for t in ("maze", "sokoban")}
    assert all(done == total for done, total in seen.values())
    assert list(seen) == ["make", "generate", "judge (rules)", "floors"]
    moved = root.rename(tmp_path / "moved")
    before = tree(moved)
    run.run(suite, ORACLE, RULES, moved, size=SIZE)
    assert tree(moved) == before


def test_samples_differ_and_more_can_be_asked_for_later(data: DataSet, tmp_path: Path) -> None:
    first = answer("noise", data, tmp_path / "run")
    run.judge(RULES, first)
    before = tree(first.root)
    more = answer("noise", data, tmp_path / "run", samples=2)
    lines = run.judge(RULES, more)
    assert len(lines) == 6 and more.samples == 2
    after = tree(more.root)
    assert all(after[name] == content for name, content in before.items() if name.startswith("clips/"))
    assert after["clips/maze_0000/0.mp4"] != after["clips/maze_0000/1.mp4"]
    assert answer("noise", data, tmp_path / "run", samples=1).samples == 2


def test_processes_change_nothing(data: DataSet, judged: run.RunFolder, tmp_path: Path) -> None:
    assert tree(make(tmp_path / "data", workers=2).root) == tree(data.root)
    other = answer("oracle", data, tmp_path / "oracle", workers=2)
    run.judge(RULES, other, workers=2)
    assert tree(other.root) == tree(judged.root)


# -- clips of others -------------------------------------------------------------------------------------
def test_ground_truth_passes(data: DataSet, tmp_path: Path) -> None:
    lines = run.judge(RULES, run.attach(data, "ground-truth", tmp_path / "run"))
    assert [line["status"] for line in lines] == ["pass"] * 3


def test_a_folder_of_good_bad_and_missing_clips(data: DataSet, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    truth = [data.folder(i) / "ground_truth.mp4" for i in data.instances]
    shutil.copyfile(truth[0], clips / "maze_0000.mp4")
    (clips / "maze_0001.mp4").write_bytes(b"")
    shutil.copyfile(truth[0], clips / "other.mp4")
    made = run.attach(data, clips, tmp_path / "run")
    lines = run.judge(RULES, made)
    assert [line["status"] for line in lines] == ["pass", "unscored", "unscored"]
    assert lines[1]["reason"] and lines[2]["reason"] == "there is no clip"
    assert (made.root / "unmatched.txt").read_text().strip().endswith("other.mp4")
    # What has changed is graded anew, what has not is kept.
    shutil.copyfile(truth[1], clips / "maze_0001.mp4")
    shutil.copyfile(truth[2], clips / "maze_0002.mp4")
    again = run.judge(RULES, run.attach(data, clips, tmp_path / "run"))
    assert sorted(line["status"] for line in again) == ["pass"] * 3
    assert again[0] == lines[0]


def test_folder_by_the_generator_card(data: DataSet, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copyfile(data.folder(data.instances[0]) / "ground_truth.mp4", clips / "maze_0000.mp4")
    made = answer("folder", data, tmp_path / "run", options={"path": str(clips)})
    assert [line["status"] for line in run.judge(RULES, made)] == ["pass", "unscored", "unscored"]
    with pytest.raises(UserError, match="no folder of clips given"):
        answer("folder", data, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no clip in .* matches a sample"):
        run.attach(data, tmp_path / "empty", tmp_path / "none")


# -- what does not belong together -----------------------------------------------------------------------
def test_a_run_of_something_else_is_refused(data: DataSet, judged: run.RunFolder, tmp_path: Path) -> None:
    other = make(tmp_path / "other", seed=3)
    with pytest.raises(
        UserError, match=f"run of the data set {data.root}, not {other.root}: give another --out"
    ):
        answer("oracle", other, judged.root)
    with pytest.raises(UserError, match="run of the generator oracle, not still"):
        answer("still", data, judged.root)
    with pytest.raises(UserError, match="run of the seed 0, not 1"):
        answer("oracle", data, judged.root, seed=1)
    with pytest.raises(UserError, match="holds a data set or run that make did not make"):
        make(judged.root)
    with pytest.raises(UserError, match="is a data set, not a run"):
        run.RunFolder(data.root)
    with pytest.raises(UserError, match="genreason generate or genreason run makes a run folder"):
        run.RunFolder(tmp_path / "nothing")


def test_data_of_another_request_is_refused(data: DataSet, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="was made with 3 x maze/easy/test/all styles, not 4 x"):
        make(data.root, n=4)
    with pytest.raises(UserError, match="was made with seed 0, not seed 9: give another --out"):
        make(data.root, seed=9)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="is not empty and holds no data set"):
        make(tmp_path)
    with pytest.raises(UserError, match="is not empty and holds no run"):
        answer("oracle", data, tmp_path)
    with pytest.raises(UserError, match="n is 0"):
        make(tmp_path / "new", n=0)


def test_other_options_need_a_new_judgement(judged: run.RunFolder) -> None:
    with pytest.raises(UserError, match="was judged with options.time_limit 10.0, not 5.0"):
        run.judge(RULES, judged, options={"time_limit": 5.0})
    with pytest.raises(
        UserError, match="unknown option of judge rules 'time_limt': did you mean 'time_limit'"
    ):
        run.judge(RULES, judged, options={"time_limt": 5.0})
    with pytest.raises(UserError, match="unknown option of generator oracle 'steps'"):
        answer("oracle", DataSet.open(judged.data_root), judged.root, options={"steps": 5})


# -- killed, torn and full -------------------------------------------------------------------------------
def test_torn_lines_are_judged_again(judged: run.RunFolder, tmp_path: Path) -> None:
    copy = run.RunFolder(shutil.copytree(judged.root, tmp_path / "run"))
    path = copy.verdicts_path("rules")
    whole = path.read_bytes()
    for cut in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        run.judge(RULES, copy)
        assert path.read_bytes() == whole


def genreason_command(*args: object) -> list[str]:
    code = "import sys; sys.argv[0] = 'genreason'; from genreason.cli import main; main()"
    return [sys.executable, "-c", code, *map(str, args)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(genreason.__file__).parents[1])}


def kill_until_done(args: list[object], count: Callable[[], int], rng: random.Random) -> int:
    """Run the command, kill -9 it at a random moment once it has got somewhere, until it ends by itself."""
    kills = 0
    while True:
        before = count()
        process = subprocess.Popen(
            genreason_command(*args), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        while process.poll() is None and count() == before:
            time.sleep(0.002)
        try:
            assert process.wait(timeout=rng.random() * 0.15) == 0, process.stderr and process.stderr.read()
            return kills
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1


def test_killed_at_any_moment_every_stage_ends_as_if_uninterrupted(tmp_path: Path) -> None:
    rng = random.Random(0)
    n = 8
    make_args = ["make", "maze", "--level", "easy", "--n", n, "--size", SIZE[0]]
    plain = make(tmp_path / "plain", n=n)
    root = tmp_path / "data"
    kills = kill_until_done(
        [*make_args, "--out", root], lambda: len(list(root.glob("*_task/*/metadata.json"))), rng
    )
    assert kills > 0 and tree(root) == tree(plain.root)

    expected = answer("noise", plain, tmp_path / "expected")
    run.judge(RULES, expected)
    out = tmp_path / "run"
    generate_args = ["generate", "noise", "--data", plain.root, "--out", out, "--workers", 2]
    kills = kill_until_done(generate_args, lambda: len(list(out.glob("clips/*/*.json"))), rng)
    verdicts = out / "verdicts/rules.jsonl"
    judge_args = ["judge", "rules", "--run", out, "--no-floors"]
    judge_kills = kill_until_done(
        judge_args, lambda: verdicts.stat().st_size if verdicts.exists() else 0, rng
    )
    assert kills > 0 and judge_kills > 0 and tree(out) == tree(expected.root)


def test_a_full_disk_is_one_line_and_loses_nothing(judged: run.RunFolder, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(OSError) as caught:
        files.append(full, {"a": 1})
    assert caught.value.errno == errno.ENOSPC
    copy = run.RunFolder(shutil.copytree(judged.root, tmp_path / "run"))
    path = copy.verdicts_path("rules")
    whole = path.read_bytes()
    path.unlink()
    path.symlink_to(full)
    with pytest.raises(GenreasonError, match="is full: what is finished was kept") as said:
        run.judge(RULES, copy)
    assert "\n" not in str(said.value)
    path.unlink()
    run.judge(RULES, copy)
    assert path.read_bytes() == whole


def test_lines_are_read_up_to_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    files.append(path, {"b": 2, "a": "é"})
    files.append(path, {"a": 1})
    assert path.read_text() == '{"a": "é", "b": 2}\n{"a": 1}\n'
    path.write_bytes(path.read_bytes()[:-3])
    assert list(files.read_lines(path)) == [{"b": 2, "a": "é"}]
    path.write_text('{"a": 1\n{}\n')
    with pytest.raises(UserError, match="line 1 is not JSON"):
        list(files.read_lines(path))
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.append(path, {"a": float("nan")})
