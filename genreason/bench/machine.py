"""Memory, and how work spreads over processes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from genreason import cards, video
from genreason.bench.judging import lasting
from genreason.cards import GeneratorCard, JudgeCard, TaskCard
from genreason.generate.oracle import solution_clip
from genreason.judge.rules import RulesJudge
from genreason.task import Task
from genreason.types import Clip, Json

_MEMORY = """
import sys
from genreason.bench.clock import peak_mb
from genreason.bench.machine import memory_case
memory_case(sys.argv[1], int(sys.argv[2]))
print(peak_mb())
"""


def memory_case(stage: str, frames: int) -> None:
    """Make or judge one clip of so many frames at 512 px; runs in a process of its own."""
    task = Task("maze", "hard", split="any", style="photo", size=(512, 512))
    instance = lasting(task[0], frames)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        video.write(path, video.frames(solution_clip(instance)), 24.0)
        if stage == "judge":
            RulesJudge(time_limit=100.0).judge(instance, [Clip(path=path)])


def memory() -> Iterator[Json]:
    """Peak memory of making and judging, whatever the clip's length."""
    for stage in ("make", "judge"):
        for frames in (81, 801):
            command = [sys.executable, "-c", _MEMORY, stage, str(frames)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            yield {"stage": f"{stage}, 512 px, {frames} frames", "peak_mb": round(float(done.stdout), 1)}


def workers() -> Iterator[Json]:
    """Wall time of the same work with one process and with two."""
    from genreason.run import make, run

    card = cards.load(TaskCard, "maze")
    oracle, rules = cards.load(GeneratorCard, "oracle"), cards.load(JudgeCard, "rules")

    def making(out: Path, count: int) -> None:
        make(card, out / "data", level="medium", n=240, size=(512, 512), workers=count)

    def judging(out: Path, count: int) -> None:
        run(card, oracle, rules, out / "run", n=120, level="medium", workers=count)

    for name, work in (("make 240 mazes at 512 px", making), ("run 120 mazes, oracle, judged", judging)):
        one, two = _wall(work, 1), _wall(work, 2)
        yield {
            "work": name,
            "wall_s_1": round(one, 2),
            "wall_s_2": round(two, 2),
            "speedup": round(one / two, 2),
        }


def _wall(work: Callable[[Path, int], None], count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        work(Path(folder), count)
        return time.perf_counter() - start
