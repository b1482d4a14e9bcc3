"""Every task: how fast its samples are found and saved, and how fast clips of it are judged."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from genreason import cards, video
from genreason.bench.clock import cpu
from genreason.bench.judging import clip_of, judging
from genreason.bench.making import saved
from genreason.cards import TaskCard
from genreason.task import Task
from genreason.types import Instance, Json, UserError

PX = 256
LEVELS = ("easy", "medium", "hard")
SAMPLES = 6  # of each task that are found and saved; a third of them are judged


def tasks() -> Iterator[Json]:
    """A row for each task, over its levels, and their median."""
    rows = [_measured(name) for name in sorted(cards.paths(TaskCard))]
    yield from rows
    columns = [key for key in rows[0] if key != "task"]
    yield {
        "task": f"median of {len(rows)}",
        **{key: round(median(row[key] for row in rows), 3) for key in columns},
    }


def _measured(name: str) -> Json:
    found, times = _instances(name)
    with tempfile.TemporaryDirectory() as folder:
        saving = cpu(functools.partial(saved, Path(folder), found), 1)
    per = [judging(each, video.encode(clip_of(each), 24.0), 2) for each in found[:: SAMPLES // len(LEVELS)]]
    return {
        "task": name,
        "samples_per_cpu_s": round(len(found) / (sum(times) + saving), 1),
        "slowest_puzzle_cpu_s": round(max(times), 3),
        "judge_cpu_s": round(sum(per) / len(per), 3),
        "clips_per_cpu_s": round(len(per) / sum(per), 1),
    }


def _instances(name: str) -> tuple[list[Instance], list[float]]:
    """Instances of all levels, and the CPU-seconds in which each was found."""
    found: list[Instance] = []
    times: list[float] = []
    for level in LEVELS:
        task = _task(name, level)
        for i in range(1, 1 + SAMPLES // len(LEVELS)):
            times.append(cpu(functools.partial(_find, task, i, found), 1))
    return found, times


def _task(name: str, level: str) -> Task:
    """At 256 pixels, or at 512 where it cannot be read at 256; what is read once is read."""
    for px in (PX, 2 * PX):
        try:
            task = Task(name, level, split="any", size=(px, px))
            task.instance(0)
            return task
        except UserError:
            if px != PX:
                raise
    raise AssertionError


def _find(task: Task, index: int, found: list[Instance]) -> None:
    found.append(task.instance(index))
