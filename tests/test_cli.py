"""The command line: one line for an error, one document for --json, a way on after Ctrl-C, a quick start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import genreason
from genreason import cards, cli
from genreason.cli import console
from genreason.types import UserError

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(genreason.__file__).parents[1])}
COMMAND = [
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'genreason'; from genreason.cli import main; main()",
]


@pytest.fixture(autouse=True)
def _keep_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Exit status, stdout and stderr."""
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(arg) for arg in args])
    out = capsys.readouterr()
    return int(stopped.value.code or 0), out.out, out.err


def document(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, Any]:
    status, out, err = call(capsys, *args, "--json")
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_importing_is_light_and_help_is_quick() -> None:
    code = "import sys, genreason; print(sorted({'cv2', 'torch', 'av', 'pydantic'} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
    code = "import sys, genreason.cli; print(sorted({'cv2', 'torch', 'av'} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
    before = os.times()
    shown = subprocess.run([*COMMAND, "--help"], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 0.8, "genreason --help must stay quick (0.3 CPU-s on the machine where this was written)"
    for name in (
        "tasks",
        "make",
        "import",
        "export",
        "generate",
        "judge",
        "report",
        "run",
        "check",
        "bench",
        "demo",
    ):
        assert name in shown.stdout


def test_no_arguments_show_help(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys)
    assert status == 0 and "Usage" in out
    status, out, _ = call(capsys, "--version")
    assert status == 0 and out.strip() == genreason.__version__


def test_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "tasks")
    assert {row["name"] for row in found["tasks"]} == set(cards.paths(cards.TaskCard))
    for row in found["tasks"]:
        assert {"name", "version", "levels", "styles", "benchmarks", "verification"} <= set(row)
        assert len(row["styles"]) >= 4 and {"easy", "medium", "hard"} <= set(row["levels"])
    assert {row["name"] for row in found["suites"]} == set(cards.paths(cards.SuiteCard))
    (row,) = document(capsys, "tasks", "maze")["tasks"]
    assert row["prompts"] and row["params"]["hard"] == {"rooms": 7, "min_steps": 12}
    status, out, _ = call(capsys, "tasks")
    assert status == 0 and "sokoban@1" in out and "suites/spine" in out
    status, out, _ = call(capsys, "tasks", "maze")
    assert status == 0 and "braided" in out and "{agent}" in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tasks mase", "unknown task 'mase': did you mean 'maze'?"),
        ("make mase --out X", "unknown task or suite 'mase': did you mean 'maze'?"),
        ("make maze --level heard --out X", "unknown level of maze 'heard': did you mean 'hard'?"),
        ("make maze --style clasic --out X", "unknown style of maze 'clasic': did you mean 'classic'?"),
        ("make maze --split tests --out X", "did you mean 'test'?"),
        ("make maze --size big --out X", "--size big: write pixels (256) or width x height (640x480)"),
        ("make maze --size 40 --level expert --out X", "cannot be read at 40 x 40 pixels"),
        ("make maze --profile exakt --out X", "did you mean 'exact'?"),
        ("make maze --n 0 --out X", "Invalid value for '--n'"),
        ("make maze", "Missing option '--out'"),
        ("make maze --out X --levle easy", "unknown option '--levle': did you mean '--level'?"),
        ("maek maze", "No such command 'maek'. Did you mean 'make'"),
        ("run maze --generator orakle --out X", "unknown generator 'orakle': did you mean 'oracle'?"),
        ("run maze --generator oracle --judge rule --out X", "unknown judge 'rule': did you mean 'rules'?"),
        ("run maze --generator oracle --out X -o steps=3", "unknown option of generator oracle 'steps'"),
        ("run maze --generator oracle --out X -o judge.time_limt=3", "did you mean 'time_limit'?"),
        ("run maze --generator oracle --out X -o judge.time_limit=-3", "option time_limit"),
        ("run maze --generator oracle --out X -o steps", "-o steps: write it as -o key=value"),
        ("generate oracle --data NONE --out X", "NONE: no such folder"),
        ("judge rules --run NONE", "genreason generate or genreason run makes a run folder"),
        ("judge rules --data NONE", "judge takes either --run RUN, or --data DATA"),
        ("judge rules --run NONE --out X", "judge takes either --run, or --data"),
        ("import vrbanch NONE --out X", "unknown import format 'vrbanch': did you mean 'vrbench'?"),
        ("export vmevalkid NONE --out X", "unknown export format 'vmevalkid': did you mean 'vmevalkit'?"),
        ("check mase", "unknown task 'mase': did you mean 'maze'?"),
        ("report NONE", "not a run folder"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, *line.split())
    errors = [each for each in err.splitlines() if each.startswith("error: ")]
    assert status == 2 and out == "" and len(errors) == 1 and said in errors[0], err
    assert not list(Path().glob("X/*_task")), "bad input is found before any work"
    assert "Traceback" not in err


def test_tracebacks_only_with_debug(tmp_path: Path) -> None:
    line = [*COMMAND, "tasks"]
    broken = tmp_path / "tasks"
    broken.mkdir()
    (broken / "x.yaml").write_text("name: x\n")
    environment = {**ENVIRONMENT, cards.PATH_VARIABLE: str(tmp_path)}
    short = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert short.returncode == 2 and short.stderr.count("\n") == 1 and "lacks the key" in short.stderr
    long = subprocess.run([*line, "--debug"], env=environment, capture_output=True, text=True)
    assert long.returncode != 0 and "Traceback" in long.stderr


def test_a_fault_of_ours_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    error = ZeroDivisionError("division by\nzero")
    error.add_note("item: maze_0003")
    cli._crash(ZeroDivisionError, error, None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(
        "internal error: ZeroDivisionError: division by zero; item: maze_0003. Add --debug"
    )


def test_stages_one_by_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "run"
    made = document(capsys, "make", "maze", "--level", "easy", "--n", 2, "--size", 112, "--out", data)
    assert made["samples"] == 2
    assert document(capsys, "generate", "oracle", "--data", data, "--out", root, "--samples", 2)["clips"] == 4
    found = document(capsys, "judge", "rules", "--run", root)
    assert found["runs"][0]["success"]["mean"] == 1.0 and found["runs"][0]["n"] == 4
    report = document(capsys, "report", root)
    assert Path(report["report"]).is_file() and (root / "report.json").is_file()
    truth = document(
        capsys, "judge", "rules", "--data", data, "--clips", "ground-truth", "--out", tmp_path / "truth"
    )
    assert truth["runs"][0]["success"]["mean"] == 1.0
    status, out, _ = call(capsys, "judge", "rules", "--run", root)
    assert status == 0 and "100.0 %" in out and "genreason report" in out
    exported = document(capsys, "export", "vmevalkit", data, "--out", tmp_path / "foreign")
    assert exported["samples"] == 2


def test_all_in_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = ["run", "demo", "--generator", "through_wall", "--n", 1, "--size", 128, "--out", tmp_path / "run"]
    found = document(capsys, *line)
    assert found["runs"][0]["success"]["mean"] == 0.0 and found["runs"][0]["coverage"] == 1.0
    assert found["floors"]["rules"]["maze"]["still"]["mean"] == 0.0
    assert Path(found["report"]).is_file()
    assert document(capsys, *line) == found


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # shells start background jobs, such as a test run, without


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    line = ["make", "maze", "--n", "500", "--workers", "2", "--out", str(tmp_path / "data")]
    process = subprocess.Popen(
        [*COMMAND, *line], env=ENVIRONMENT, start_new_session=True, stderr=subprocess.PIPE, text=True,
        preexec_fn=_heed_interrupts,
    )  # fmt: skip
    end = time.monotonic() + 60  # a busy machine starts slowly
    while not list(tmp_path.glob("data/*_task/*/metadata.json")):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert f"To go on: genreason {' '.join(line)}" in err.replace("\n", " ")


def test_options_are_read_as_values() -> None:
    assert console.parse_options(["a=1", "b=0.5", "c=true", "d=text", "e=[1, 2]", "f=x=y", "g="]) == {
        "a": 1, "b": 0.5, "c": True, "d": "text", "e": [1, 2], "f": "x=y", "g": None,
    }  # fmt: skip
    with pytest.raises(UserError, match="is no number"):
        console.parse_options(["a=[1"])
    assert console.parse_size("256") == (256, 256) and console.parse_size("640x480") == (640, 480)


@pytest.mark.slow
def test_demo(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = time.process_time()
    found = document(capsys, "demo", "--out", tmp_path / "demo")
    assert time.process_time() - before < 60
    assert Path(found["report"]).is_file()
    runs = {one["name"]: one for one in found["runs"]}
    for name, one in runs.items():
        expect = {"pass": 1.0, "fail": 0.0}.get(one["expect"])
        assert expect is None or one["success"]["mean"] == expect, name
    assert runs["clips"]["n"] - runs["clips"]["scored"] == 2, "one clip is broken, one missing"
    gate = json.loads((tmp_path / "demo" / "report.json").read_text())["gate"]
    assert gate["totals"]["clips"] > 0 and set(gate["tasks"]) == {"maze", "sokoban"}
