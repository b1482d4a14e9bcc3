"""Load test of judges that ask a model: throughput, memory, and kills, against the scripted server.

    python scripts/judge_load.py                       10,000 questions, one a call, 200 ms, concurrency 16
    python scripts/judge_load.py --kills 3             the same, killed three times at random and gone on with

Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PER_CLIP = 20


def log(url: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{url}/log") as answer:
        found: dict[str, object] = json.loads(answer.read())
    return found


def memory_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(
        (int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0
    )


def stored(path: Path) -> int:
    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return int(db.execute("SELECT COUNT(*) FROM answers").fetchone()[0])


def prepare(folder: Path, clips: int) -> Path:
    from genreason import cards, run
    from genreason.cards import GeneratorCard, TaskCard

    card = cards.load(TaskCard, "maze")
    data = run.make(card, folder / "data", level="medium", n=clips, split="any", size=(128, 128), truth=False)
    run.generate(cards.load(GeneratorCard, "oracle"), data, folder / "run")
    questions = [{"id": f"q{i}", "text": f"Is this thing number {i} so?"} for i in range(PER_CLIP)]
    path = folder / "questions.jsonl"
    path.write_text(json.dumps({"task": "maze", "questions": questions}) + "\n")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    ideal = args.concurrency / args.latency
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = prepare(folder, args.questions // PER_CLIP)
        environment = {**os.environ, "GENREASON_CACHE": str(folder / "answers.sqlite")}
        server = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "scripted_server.py"), "--latency", str(args.latency)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        command = [
            sys.executable, "-c", "from genreason.cli import main; main()", "judge", "checklist",
            "--run", str(folder / "run"), "--json",
            "-o", f"backend.base_url={url}", "-o", "backend.model=scripted", "-o", "group=1",
            "-o", "frames.uniform=4", "-o", "frames.changes=0",
            "-o", f"limits.concurrency={args.concurrency}",
            "-o", f"file={file}",
        ]  # fmt: skip
        try:
            print(json.dumps(measure(command, environment, folder, url, args, ideal, rng), indent=1))
        finally:
            server.terminate()


def measure(
    command: list[str], environment: dict[str, str], folder: Path, url: str, args: argparse.Namespace,
    ideal: float, rng: random.Random,
) -> dict[str, object]:  # fmt: skip
    cache = folder / "answers.sqlite"
    kept: list[int] = []
    calls_before = 0
    seconds, memory = 0.0, []
    for attempt in range(args.kills + 1):
        last = attempt == args.kills
        # Killed at a random moment after the first answers of this start.
        goal = args.questions if last else stored(cache) + rng.randint(1, args.questions // (args.kills + 1))
        calls_before = int(str(log(url)["calls"]))
        started = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        first = 0.0
        while process.poll() is None:
            time.sleep(0.5)
            if not first and int(str(log(url)["calls"])) > calls_before:
                first = time.monotonic()  # start-up is measured apart: it is the same for any number
            memory.append(round(memory_mb(process.pid), 1))
            if not last and stored(cache) >= goal:
                os.kill(process.pid, signal.SIGKILL)
        seconds = time.monotonic() - (first or started)
        kept.append(stored(cache))
        if last and process.returncode:
            raise SystemExit(process.stderr.read().decode() if process.stderr else "failed")
    found = log(url)
    lines = [json.loads(line) for line in (folder / "run/verdicts/checklist.jsonl").read_text().splitlines()]
    answers = sum(len(line["evidence"]["answers"]) for line in lines)
    asked = int(str(found["calls"]))
    answered = found["answered"]
    assert isinstance(answered, dict)
    result: dict[str, object] = {
        "questions": args.questions,
        "answers in verdicts": answers,
        "calls": asked,
        "stored after each start": kept,
        "asked twice": sum(answered.values()) - len(answered),
        "most at once": found["most_inside"],
        "memory_mb": {
            "quarter": memory[len(memory) // 4],
            "half": memory[len(memory) // 2],
            "end": max(memory[-4:]),
        },
    }
    if args.kills:
        before = kept[-2]
        result["calls of the last start"] = asked - calls_before
        result["still open before it"] = args.questions - before
        result["lost"] = args.questions - answers
    else:
        result |= {
            "seconds": round(seconds, 1),
            "per_second": round(args.questions / seconds, 1),
            "ideal": ideal,
        }
        result["share of the ideal"] = round(args.questions / seconds / ideal, 3)
    return result


if __name__ == "__main__":
    main()
