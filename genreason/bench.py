"""Measure this machine: puzzles, clips made and clips judged per CPU-second, memory, and how work spreads.

Figures are CPU-seconds of one thread (other load moves them less than wall time); ratios are taken within one
run.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreason import cards, seeds, video
from genreason.cards import TaskCard
from genreason.formats.dataset import write_sample
from genreason.generate.oracle import solution, solution_clip, stops
from genreason.judge.rules import RulesJudge
from genreason.puzzles import base
from genreason.task import Task
from genreason.types import SCHEMA, Clip, Frame, Instance, Json, unknown

if TYPE_CHECKING:
    from rich.console import Group

    from genreason.run.folder import Progress

FRAMES = 81
SECONDS = 1.5  # how long a rate is measured

# What others need for the same, in CPU-seconds on a machine of this kind, measured once with their own code:
# maze-dataset 1.4.2 (maze and solution, per second); VR-Bench at its commit of 2026-02-04 (CPU-ms of a full
# save, and frames of the clips saved: the middle of their range).
MAZE_DATASET = {8: 433, 16: 80, 32: 24.6}
VR_BENCH = {
    ("maze", "easy"): (277, 79),
    ("maze", "medium"): (834, 295),
    ("maze", "hard"): (2040, 457),
    ("sokoban", "easy"): (250, 31),
    ("sokoban", "medium"): (1278, 271),
    ("sokoban", "hard"): (2677, 235),
}
VR_PIXELS = {
    "maze": (30, {"easy": 7, "medium": 11, "hard": 15}),
    "sokoban": (64, {"easy": 5, "medium": 8, "hard": 12}),
}


def run(area: str | None = None, progress: Progress | None = None) -> Json:
    """Measure one area, or all.

    Returns:
        {"schema", "areas": {name: [row, ...]}}; a row is a flat mapping of what was measured.

    Raises:
        UserError: there is no such area.
    """
    if area is not None and area not in AREAS:
        raise unknown("area", area, AREAS)
    names = [area] if area else list(AREAS)
    found: Json = {}
    for i, name in enumerate(names):
        if progress is not None:
            progress(f"bench {name}", i, len(names))
        found[name] = list(AREAS[name]())
    if progress is not None:
        progress("bench", len(names), len(names))
    return {"schema": SCHEMA, "areas": found}


def _rate(work: Callable[[int], object], seconds: float = SECONDS) -> float:
    """How often `work(i)` runs in a CPU-second."""
    work(0)
    count, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        count += 1
        work(count)
    return count / (time.process_time() - start)


def _cpu(work: Callable[[], object], repeat: int = 3) -> float:
    """The least CPU-seconds of `work()` in `repeat` runs."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def _with_rooms(rooms: int) -> Task:
    card = cards.load(TaskCard, "maze")
    return Task(
        card.model_copy(update={"levels": {"bench": {"rooms": rooms}}}),
        "bench",
        split="any",
        size=(1024, 1024),
    )


def _puzzles() -> Iterator[Json]:
    for rooms in (8, 16, 32):
        task = _with_rooms(rooms)
        puzzle = task.puzzle

        def solved(i: int, task: Task = task) -> None:
            task.puzzle.solve(task.puzzle.sample(seeds.stream("bench", i), task.params))

        rate = _rate(solved)
        yield {
            "puzzle": f"{puzzle.name} {rooms}x{rooms} rooms",
            "solved_per_cpu_s": round(rate, 1),
            "instances_per_cpu_s": round(_rate(task.instance), 1),
            "maze_dataset_per_cpu_s": MAZE_DATASET[rooms],
            "ratio": round(rate / MAZE_DATASET[rooms], 1),
        }
    for level in ("easy", "medium", "hard", "expert"):
        task = Task("sokoban", level, split="any", size=(512, 512))
        yield {"puzzle": f"sokoban {level}", "instances_per_cpu_s": round(_rate(task.instance), 1)}


def _made() -> Iterator[Json]:
    """Full saves (two pictures, state, clip) of samples as VR-Bench makes them, and the encoder alone."""
    for name, (cell, sides) in VR_PIXELS.items():
        for level, side in sides.items():
            px = cell * side
            card = cards.load(TaskCard, name)
            motion = card.motion.model_copy(
                update={
                    "frames_per_step": 12,
                    "ease": "linear",
                    "hold_start": 1,
                    "hold_end": 0,
                    "length": "any",
                }
            )
            task = Task(
                card.model_copy(update={"motion": motion}), level, split="any", style="classic", size=(px, px)
            )
            instances = task[0:6]
            with tempfile.TemporaryDirectory() as folder:
                save = _cpu(functools.partial(_save, Path(folder), instances))
            encoder, count = _encoded(instances)
            theirs, their_frames = VR_BENCH[name, level]
            yield {
                "sample": f"{name} {level} {px} px",
                "frames": count,
                "save_cpu_ms_per_frame": round(1e3 * save / count, 3),
                "encoder_cpu_ms_per_frame": round(1e3 * encoder / count, 3),
                "save_to_encoder": round(save / encoder, 2),
                "vr_bench_cpu_ms_per_frame": round(theirs / their_frames, 3),
                "times_faster": round(theirs / their_frames / (1e3 * save / count), 1),
            }


def _save(folder: Path, instances: Sequence[Instance]) -> None:
    for instance in instances:
        puzzle = base.load(instance.scene["puzzle"])
        end = stops(puzzle, puzzle.start(instance), solution(instance))[-1]
        final = puzzle.board(instance).draw(end)
        write_sample(folder, instance, puzzle.picture(instance), final, solution_clip(instance))


def _encoded(instances: Sequence[Instance]) -> tuple[float, int]:
    """CPU-seconds that the encoder alone needs for the instances' clips, and their frames."""
    seconds, count = 0.0, 0
    for instance in instances:
        frames = list(video.frames(solution_clip(instance)))
        seconds += _cpu(functools.partial(video.encode, frames, 24.0))
        count += len(frames)
    return seconds, count


def _read_all(data: bytes) -> None:
    for _ in video.read(data):
        pass


def clip_of(instance: Instance, frames: int = FRAMES) -> list[Frame]:
    """The solution clip in exactly so many frames."""
    scene = {**instance.scene, "motion": {**instance.scene["motion"], "length": frames}}
    return list(video.frames(solution_clip(_changed(instance, scene))))


def _changed(instance: Instance, scene: Json) -> Instance:
    record = {**instance.to_json(), "scene": scene}
    return Instance.from_json(record)


def _judged() -> Iterator[Json]:
    judge = RulesJudge()
    for px in (256, 512):
        for name, style in (
            ("maze", "classic"),
            ("maze", "photo"),
            ("maze", "paper"),
            ("sokoban", "dungeon"),
        ):
            instance = Task(name, "medium", split="any", style=style, size=(px, px))[0]
            data = video.encode(clip_of(instance), 24.0)
            clip = Clip(render=functools.partial(video.read, data), fps=24.0)
            judge.judge(instance, [clip])
            seconds = _cpu(functools.partial(judge.judge, instance, [clip]), 5)
            yield {
                "clip": f"{name} {style} {px} px, {FRAMES} frames",
                "judge_cpu_s": round(seconds, 4),
                "decode_cpu_s": round(_cpu(functools.partial(_read_all, data), 5), 4),
                "clips_per_cpu_s": round(1 / seconds, 1),
            }


_MEMORY = """
import sys
from genreason.bench import memory_case, peak_mb
memory_case(sys.argv[1], int(sys.argv[2]))
print(peak_mb())
"""


def peak_mb() -> float:
    """Peak memory of this process in MB.

    From /proc where there is one: what `getrusage` says also counts the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_case(stage: str, frames: int) -> None:
    """Make or judge one clip of so many frames at 512 px; runs in a process of its own."""
    task = Task("maze", "hard", split="any", style="photo", size=(512, 512))
    scene = task[0].scene
    instance = _changed(task[0], {**scene, "motion": {**scene["motion"], "length": frames}})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        video.write(path, video.frames(solution_clip(instance)), 24.0)
        if stage == "judge":
            RulesJudge(time_limit=100.0).judge(instance, [Clip(path=path)])


def _memory() -> Iterator[Json]:
    for stage in ("make", "judge"):
        for frames in (81, 801):
            done = subprocess.run(
                [sys.executable, "-c", _MEMORY, stage, str(frames)],
                capture_output=True,
                text=True,
                check=True,
            )
            yield {"stage": f"{stage}, 512 px, {frames} frames", "peak_mb": round(float(done.stdout), 1)}


def _workers() -> Iterator[Json]:
    """Wall time of the same work with one process and with two."""
    from genreason.run import make

    card = cards.load(TaskCard, "maze")
    times = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            make(card, Path(folder) / "data", level="medium", n=240, size=(512, 512), workers=workers)
            times[workers] = time.perf_counter() - start
    yield {
        "work": "make 240 mazes at 512 px",
        "wall_s_1": round(times[1], 2),
        "wall_s_2": round(times[2], 2),
        "speedup": round(times[1] / times[2], 2),
    }


AREAS: dict[str, Callable[[], Iterator[Json]]] = {
    "puzzles": _puzzles,
    "make": _made,
    "judge": _judged,
    "memory": _memory,
    "workers": _workers,
}


def table(found: Json) -> Group:
    """The figures as one table an area."""
    from rich.console import Group
    from rich.table import Table

    tables = []
    for name, rows in found["areas"].items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        out = Table(title=name)
        for column in columns:
            out.add_column(column.replace("_", " "), justify="left" if column == columns[0] else "right")
        for row in rows:
            out.add_row(*(str(row.get(column, "")) for column in columns))
        tables.append(out)
    return Group(*tables)
