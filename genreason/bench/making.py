"""How fast puzzles are found and saved."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from genreason import cards, seeds, video
from genreason.bench.baselines import MAZE_DATASET, SAVES
from genreason.bench.clock import cpu, rate
from genreason.cards import TaskCard
from genreason.formats.dataset import write_sample
from genreason.generate.oracle import solution_clip, solved_picture
from genreason.puzzles import base
from genreason.task import Task
from genreason.types import Instance, Json

SAMPLES = 6  # of each game and level that are saved


def puzzles() -> Iterator[Json]:
    """Puzzles with their solutions a CPU-second."""
    for rooms in (8, 16, 32):
        task = _with_rooms(rooms)

        def solved(i: int, task: Task = task) -> None:
            task.puzzle.solve(task.puzzle.sample(seeds.stream("bench", i), task.params))

        found = rate(solved)
        yield {
            "puzzle": f"maze {rooms}x{rooms} rooms",
            "solved_per_cpu_s": round(found, 1),
            "instances_per_cpu_s": round(rate(task.instance), 1),
            "maze_dataset_per_cpu_s": MAZE_DATASET[rooms],
            "ratio": round(found / MAZE_DATASET[rooms], 1),
        }
    for name in ("sokoban", "trapfield", "irregular_maze", "maze3d"):
        for level in ("easy", "medium", "hard", "expert"):
            task = Task(name, level, split="any", size=(1024, 1024))
            yield {"puzzle": f"{name} {level}", "instances_per_cpu_s": round(rate(task.instance), 1)}


def _with_rooms(rooms: int) -> Task:
    card = cards.load(TaskCard, "maze")
    levels = {"levels": {"bench": {"rooms": rooms}}}
    return Task(card.model_copy(update=levels), "bench", split="any", size=(1024, 1024))


def made() -> Iterator[Json]:
    """Full saves (two pictures, state, clip) of samples as VR-Bench makes them, and the encoder alone."""
    for (name, level), theirs in SAVES.items():
        card = cards.load(TaskCard, name)
        motion = {"frames_per_step": theirs.pace, "ease": "linear", "hold_start": 1, "hold_end": 0}
        settings = card.motion.model_copy(update={**motion, "length": "any"})
        card = card.model_copy(update={"motion": settings})
        task = Task(card, level, split="any", style=_plainest(card), size=(theirs.px, theirs.px))
        instances = task[0:SAMPLES]
        with tempfile.TemporaryDirectory() as folder:
            save = cpu(functools.partial(saved, Path(folder), instances))
        encoder, count = _encoded(instances)
        yield {
            "sample": f"{name} {level} {theirs.px} px",
            "frames": count,
            "save_cpu_ms_per_frame": round(1e3 * save / count, 3),
            "encoder_cpu_ms_per_frame": round(1e3 * encoder / count, 3),
            "save_to_encoder": round(save / encoder, 2),
            "vr_bench_cpu_ms_per_frame": round(theirs.cpu_ms / theirs.frames, 3),
            "times_faster": round(theirs.cpu_ms / theirs.frames / (1e3 * save / count), 1),
        }


def _plainest(card: TaskCard) -> str:
    """The family's first style: flat colours, as in VR-Bench's first skin."""
    return base.load(card.puzzle).styles()[0]


def saved(folder: Path, instances: Sequence[Instance]) -> None:
    """Write samples whole: two pictures, state, solution clip."""
    for instance in instances:
        first = base.load(instance.scene["puzzle"]).picture(instance)
        write_sample(folder, instance, first, solved_picture(instance), solution_clip(instance))


def _encoded(instances: Sequence[Instance]) -> tuple[float, int]:
    """CPU-seconds that the encoder alone needs for the instances' clips, and their frames."""
    seconds, count = 0.0, 0
    for instance in instances:
        frames = list(video.frames(solution_clip(instance)))
        seconds += cpu(functools.partial(video.encode, frames, 24.0))
        count += len(frames)
    return seconds, count
