"""report.json against hand-counted runs, and the page's promises that need no browser."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from report_fixture import write_all

from genreason.metrics.stats import wilson
from genreason.report import aggregate, write_report
from genreason.report.curve import curve
from genreason.types import UserError


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    write_all(root)
    return root


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> list[Path]:
    """A copy that a test may spoil."""
    shutil.copytree(made, tmp_path / "x")
    return [tmp_path / "x" / name for name in ("model", "oracle", "still")]


def test_figures_are_the_hand_counted_ones(runs: list[Path]) -> None:
    model, oracle, still = aggregate(runs)["runs"]
    # Of four indices and two clips each: pass, wall, jump and missing come out equally often.
    assert (model["n"], model["scored"], model["coverage"]) == (16, 12, 0.75)
    assert model["success"]["mean"] == pytest.approx(4 / 12, abs=1e-5)
    assert oracle["success"] == {k: pytest.approx(v, abs=1e-5) for k, v in wilson(8, 8)._asdict().items()}
    assert still["success"]["mean"] == 0.0 and still["expected"] is True and oracle["expected"] is True
    assert model["checks"]["rules.legal"] == {"n": 12, "broken": 4, "share": 0.33333, "first": 4}
    assert model["checks"]["objects.unique"]["broken"] == 0
    assert [v["n"] for v in model["violations"]] == [4, 4]
    assert model["unscored"] == [{"reason": "the clip is missing", "n": 4}]
    # Samples: even indices {pass, jump}, odd ones {wall} as their other clip is missing.
    assert {k: (v["mean"], v["n"]) for k, v in model["pass_at_k"].items()} == {"1": (0.25, 8), "2": (1.0, 4)}


def test_the_scaling_curve_is_over_the_same_samples(runs: list[Path], tmp_path: Path) -> None:
    model, oracle, _ = aggregate(runs)["runs"]
    # Half of the samples have two scored clips, one of which passes each: 1 of 2, then all.
    assert model["scaling"]["n"] == 4
    points = model["scaling"]["points"]
    assert [(p["k"], p["mean"]) for p in points] == [(1, 0.5), (2, 1.0)]
    assert all(p["low"] <= p["mean"] <= p["high"] for p in points) and points[1]["low"] < 1.0
    assert model["scaling"]["gain"] == {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert oracle["scaling"] is None
    html = write_report(runs, tmp_path / "out").read_text()
    assert html.count('class="curve"') == 1 and "over the same 4 samples" in html


def test_a_curve_runs_from_the_first_to_the_last_number_of_clips() -> None:
    points = [{"k": k, "mean": k / 64, "low": 0.0, "high": 1.0} for k in (*range(1, 17), 32, 48)]
    drawn = curve(points)
    assert (drawn["dots"][0]["x"], drawn["dots"][-1]["x"]) == (drawn["left"], drawn["right"])
    assert [tick["label"] for tick in drawn["xs"]] == ["1", "2", "4", "8", "16", "32", "48"]
    assert all(drawn["top"] <= dot["y"] <= drawn["bottom"] for dot in drawn["dots"])
    assert drawn["line"].count("L") == 17 and drawn["band"].endswith("Z")


def test_vr_bench_figures_are_added_up_by_difficulty(runs: list[Path]) -> None:
    found = aggregate(runs)["runs"][0]["vrbench"]["maze"]
    assert list(found) == ["easy", "medium", "overall"]
    # Easy samples (even indices): two passes and two jumps; medium ones: two walls, their others are missing.
    assert found["easy"]["pr"] == pytest.approx(0.675) and found["easy"]["n"] == 4
    assert found["medium"]["pr"] == pytest.approx(0.4) and found["medium"]["n"] == 2
    assert found["overall"]["pr"] == pytest.approx((0.675 + 0.4) / 2)


def test_groups_add_up(runs: list[Path]) -> None:
    for run in aggregate(runs)["runs"]:
        for name, groups in run["by"].items():
            if name in ("benchmark", "dimension"):  # a task may serve several
                continue
            assert sum(g["n"] for g in groups.values()) == run["n"]
            assert sum(g["scored"] for g in groups.values()) == run["scored"]
            passes = sum(g["mean"] * g["scored"] for g in groups.values() if g["scored"])
            assert passes == pytest.approx(run["success"]["mean"] * run["scored"], abs=1e-3)


def test_a_clip_counts_in_every_row_that_its_task_serves(runs: list[Path]) -> None:
    for run in aggregate(runs)["runs"]:
        maze = run["by"]["task"]["maze"]
        assert run["by"]["benchmark"]["tivibench/maze_solving"] == maze
        assert run["by"]["dimension"]["VideoThinkBench: mazes"] == maze
        assert run["by"]["dimension"]["VR-Bench: games"]["n"] == run["n"]


def test_violations_that_differ_in_numbers_only_are_one(runs: list[Path]) -> None:
    walls = [v for v in aggregate(runs)["runs"][0]["violations"] if v["check"] == "rules.legal"]
    assert walls[0]["what"] == "the disc is in the wall at cell (n, n)"
    assert re.fullmatch(r"the disc is in the wall at cell \(3, \d\)", walls[0]["example"])


def test_floors_come_from_runs_then_from_the_file(runs: list[Path]) -> None:
    report = aggregate(runs)
    assert report["floors"]["rules"]["maze"]["still"] == {"mean": 0.0, "n": 4, "from": "still"}
    assert report["floors"]["rules"]["maze"]["noise"]["from"] == "wanderer/floors.json"
    assert report["runs"][0]["floors_missing"] == {}
    alone = aggregate(runs[:1])
    assert alone["runs"][0]["floors_missing"] == {"maze": ["still"], "sokoban": ["still"]}


def test_scores_without_floors_are_not_shown(runs: list[Path], tmp_path: Path) -> None:
    html = write_report(runs[:1], tmp_path / "out").read_text()
    shown = html[: html.index('id="samples"')]
    assert "floors not measured: run <code>genreason run … --generator still</code>" in shown
    assert 'class="figure"' not in shown
    assert 'class="figure"' in write_report(runs, tmp_path / "all").read_text()


def test_gate_figures_and_their_absence(runs: list[Path], tmp_path: Path) -> None:
    assert aggregate(runs)["gate"]["totals"] == {"clips": 800, "false_accepts": 0, "false_rejects": 2}
    (runs[0] / "gate.json").unlink()
    assert aggregate(runs)["gate"] is None
    assert "gate not run" in write_report(runs, tmp_path / "out").read_text()


def test_the_page_is_self_contained_and_escaped(runs: list[Path], tmp_path: Path) -> None:
    page = write_report(runs, tmp_path / "out")
    html = page.read_text()
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", html)
    assert "<b>bold" not in html and "<b>Puzzle" not in html
    assert len(re.findall(r"</script>", html)) == len(re.findall(r"<script", html))
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == aggregate(runs)
    assert not list((tmp_path / "out").glob("*.partial"))


def test_media_are_embedded_once_and_linked_beyond_the_budget(runs: list[Path], tmp_path: Path) -> None:
    index, html = _index(write_report(runs, tmp_path / "all"))
    assert all("href" not in item for item in index["media"])
    assert len(re.findall(r'id="m\d+"', html)) == len(index["media"]) == 2 * 8 + 12 + 8 + 8
    page = write_report(runs, tmp_path / "few", max_embed_mb=0.04)
    index, html = _index(page)
    clips = [(row["status"], index["media"][row["clip"]]) for row in index["rows"] if row["clip"] is not None]
    assert {status for status, clip in clips if "href" not in clip} == {"fail"}
    linked = [item["href"] for item in index["media"] if "href" in item]
    assert linked and all((page.parent / href).is_file() for href in linked)
    assert "beyond the 0.04 MB" in html


def test_clips_without_verdict_lower_coverage_only(runs: list[Path]) -> None:
    file = runs[1] / "verdicts" / "rules.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:6]) + lines[6][:40])  # killed while writing the seventh
    run = aggregate(runs[1:2])["runs"][0]
    assert (run["n"], run["scored"], run["success"]["mean"]) == (8, 6, 1.0)
    assert run["unscored"] == [{"reason": "not judged", "n": 2}]


def test_a_later_verdict_replaces_an_earlier_one(runs: list[Path]) -> None:
    file = runs[1] / "verdicts" / "rules.jsonl"
    record = {**json.loads(file.read_text().splitlines()[0]), "status": "fail", "score": 0.0}
    file.write_text(file.read_text() + json.dumps(record) + "\n")
    run = aggregate(runs[1:2])["runs"][0]
    assert (run["n"], run["success"]["mean"], run["expected"]) == (8, 0.875, False)


def test_two_judges_are_two_rows(runs: list[Path]) -> None:
    shutil.copy(runs[0] / "verdicts" / "rules.jsonl", runs[0] / "verdicts" / "vlm.jsonl")
    names = [(run["name"], run["judge"]) for run in aggregate(runs)["runs"]]
    assert names[:2] == [("wanderer (rules)", "rules"), ("wanderer (vlm)", "vlm")]


def test_models_are_compared_on_shared_puzzles(runs: list[Path], tmp_path: Path) -> None:
    other = shutil.copytree(runs[1], tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text())
    manifest.update(name="better", generator={"name": "better", "expect": None})
    (other / "manifest.json").write_text(json.dumps(manifest))
    (pair,) = aggregate([*runs, other])["comparisons"]
    # First clips of the model: pass, wall, jump, missing; the missing ones are not shared.
    assert (pair["n"], pair["only_a"], pair["only_b"]) == (6, 0, 4)
    assert pair["p"] == pytest.approx(2 / 16)


def test_missing_data_set_and_clips_are_tolerated(runs: list[Path], tmp_path: Path) -> None:
    shutil.rmtree(runs[0].parent / "data")
    shutil.rmtree(runs[0] / "clips")
    index, _ = _index(write_report(runs, tmp_path / "out"))
    assert {row["clip"] for row in index["rows"] if row["run"] == 0} == {None}
    assert all(record["frame"] is None and record["truth"] is None for record in index["instances"])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda run: (run / "manifest.json").unlink(), "not a run folder"),
        (lambda run: shutil.rmtree(run / "verdicts"), "genreason judge rules --run"),
        (lambda run: (run / "manifest.json").write_text("{"), "is not JSON"),
        (lambda run: (run / "verdicts/rules.jsonl").write_text("oops\n"), "line 1 is not JSON"),
        (
            lambda run: (run / "verdicts/rules.jsonl").write_text('{"sample": "a"}\n'),
            "lacks the field 'status'",
        ),
        (lambda run: (run / "instances.jsonl").unlink(), "does not hold"),
    ],
)
def test_bad_folders_are_one_clear_line(runs: list[Path], spoil: object, says: str) -> None:
    spoil(runs[0])  # type: ignore[operator]
    with pytest.raises(UserError, match=re.escape(says)) as error:
        aggregate(runs)
    assert "\n" not in str(error.value)


def _index(page: Path) -> tuple[dict, str]:
    html = page.read_text()
    return json.loads(re.search(r'id="index">(.*?)</script>', html)[1]), html


def test_without_jinja2_the_mend_is_named(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UserError, match=re.escape('pip install "genreason[report]"')):
        write_report(runs, tmp_path / "out")
