"""Killed three times at random: no question is asked twice after its answer was stored, and none is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted_server import Script, ScriptedServer

from genreason import cards, run
from genreason.cards import GeneratorCard, TaskCard
from genreason.run import files

CLIPS, QUESTIONS = 24, 5


def stored(path: Path) -> int:
    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchone() is None:
            return 0  # the file is there a moment before its table
        return int(db.execute("SELECT COUNT(*) FROM answers").fetchone()[0])


@pytest.mark.slow
def test_three_kills_lose_nothing_and_ask_nothing_twice(tmp_path: Path) -> None:
    card = cards.load(TaskCard, "maze")
    data = run.make(card, tmp_path / "d", level="easy", n=CLIPS, split="any", size=(96, 96), truth=False)
    made = run.generate(cards.load(GeneratorCard, "oracle"), data, tmp_path / "r")
    asked = [{"id": f"q{i}", "text": f"Is thing {i} there?"} for i in range(QUESTIONS)]
    (tmp_path / "questions.jsonl").write_text(json.dumps({"task": "maze", "questions": asked}) + "\n")
    cache = tmp_path / "answers.sqlite"
    rng = random.Random(5)
    with ScriptedServer(Script(latency=0.15)) as server:
        command = [
            sys.executable, "-c", "from genreason.cli import main; main()", "judge", "checklist",
            "--run", str(made.root), "-o", f"backend.base_url={server.url}", "-o", "backend.model=scripted",
            "-o", "group=1", "-o", "frames.uniform=3", "-o", "frames.changes=0", "-o", "limits.concurrency=4",
            "-o", f"file={tmp_path / 'questions.jsonl'}",
        ]  # fmt: skip
        before, calls = 0, 0
        for kill in range(4):
            process = subprocess.Popen(
                command, env={**os.environ, "GENREASON_CACHE": str(cache)}, stderr=subprocess.PIPE
            )
            goal = before + rng.randrange(8, 20)
            while process.poll() is None and (kill == 3 or stored(cache) < goal):
                time.sleep(0.02)
            if kill < 3:
                os.kill(process.pid, signal.SIGKILL)
            _, said = process.communicate()
            time.sleep(0.5)  # what was in flight ends at the server
            if kill == 3:
                assert process.returncode == 0, said.decode()
                assert (
                    server.calls - calls == CLIPS * QUESTIONS - before
                )  # what was stored was not asked again
            before, calls = stored(cache), server.calls
        lost = server.calls - CLIPS * QUESTIONS  # in flight when killed: at most as many as there are places
        assert sum(server.answered.values()) - len(server.answered) == lost <= 3 * 4
    lines = list(files.read_lines(made.verdicts_path("checklist")))
    assert len(lines) == CLIPS == len({line["sample"] for line in lines})
    assert (
        all(len(line["evidence"]["answers"]) == QUESTIONS for line in lines) and before == CLIPS * QUESTIONS
    )
