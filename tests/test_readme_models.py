"""The README's commands for image-to-video models, as they stand there."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from genreason.cli import main  # noqa: E402

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]


def commands():
    section = (ROOT / "README.md").read_text().split("## Run and fine-tune")[1]
    block = next(b for b in re.findall(r"```bash\n(.*?)```", section, re.S) if "tiny-pipeline" in b)
    return [shlex.split(line) for line in block.splitlines()]


@pytest.mark.slow
def test_the_commands_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    for program, *arguments in commands():
        if program == "genreason":
            with pytest.raises(SystemExit) as left:
                main(arguments)
        else:
            monkeypatch.setattr(sys, "argv", arguments)
            with pytest.raises(SystemExit) as left:
                runpy.run_path(arguments[0], run_name="__main__")
        assert left.value.code in (0, None), arguments
    for name in ("tiny", "tiny-lora"):
        report = json.loads((tmp_path / "runs" / name / "report.json").read_text())
        assert (tmp_path / "runs" / name / "report.html").is_file() and report
    clips = [next((tmp_path / "runs" / name).rglob("0.mp4")).read_bytes() for name in ("tiny", "tiny-lora")]
    assert clips[0] != clips[1]
