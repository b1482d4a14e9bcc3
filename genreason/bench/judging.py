"""How fast clips are judged."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from genreason import video
from genreason.bench.baselines import SCORINGS
from genreason.bench.clock import cpu
from genreason.generate.oracle import solution_clip
from genreason.judge.rules import RulesJudge
from genreason.puzzles import base
from genreason.task import Task
from genreason.types import Clip, Frame, Instance, Json

FRAMES = 81
STYLES = (
    ("maze", "classic"),
    ("maze", "photo"),
    ("maze", "paper"),
    ("sokoban", "dungeon"),
    ("trapfield", None),
    ("irregular_maze", None),
    ("maze3d", None),
)


def judged() -> Iterator[Json]:
    """Clips of 81 frames a CPU-second, with what decoding alone takes."""
    for px in (256, 512):
        for name, style in STYLES:
            style = style or _styles(name)[0]
            instance = Task(name, "medium", split="any", style=style, size=(px, px))[0]
            data = video.encode(clip_of(instance), 24.0)
            seconds = judging(instance, data)
            yield {
                "clip": f"{name} {style} {px} px, {FRAMES} frames",
                "judge_cpu_s": round(seconds, 4),
                "decode_cpu_s": round(cpu(functools.partial(_read_all, data), 5), 4),
                "clips_per_cpu_s": round(1 / seconds, 1),
            }


def scored() -> Iterator[Json]:
    """Clips of the sizes and lengths on which VR-Bench's evaluator was timed."""
    for theirs in SCORINGS:
        style = _styles(theirs.task)[0]
        instance = Task(theirs.task, theirs.level, split="any", style=style, size=(theirs.px, theirs.px))[0]
        seconds = judging(instance, video.encode(clip_of(instance, theirs.frames), 24.0))
        yield {
            "clip": f"{theirs.task} {theirs.level} {theirs.px} px, {theirs.frames} frames",
            "judge_cpu_s": round(seconds, 4),
            "vr_bench_ncc_cpu_s": theirs.ncc,
            "times_faster_than_ncc": round(theirs.ncc / seconds, 1),
            "vr_bench_csrt_cpu_s": theirs.csrt if theirs.csrt is not None else "",
            "times_faster_than_csrt": round(theirs.csrt / seconds, 1) if theirs.csrt is not None else "",
        }


def _styles(task: str) -> tuple[str, ...]:
    return base.load(Task(task).card.puzzle).styles()


def judging(instance: Instance, data: bytes, repeat: int = 5) -> float:
    """CPU-seconds for one clip, its board known: the least of so many runs."""
    judge = RulesJudge()
    clip = Clip(render=functools.partial(video.read, data), fps=24.0)
    judge.judge(instance, [clip])
    return cpu(functools.partial(judge.judge, instance, [clip]), repeat)


def _read_all(data: bytes) -> None:
    for _ in video.read(data):
        pass


def clip_of(instance: Instance, frames: int = FRAMES) -> list[Frame]:
    """The solution clip in exactly so many frames."""
    return list(video.frames(solution_clip(lasting(instance, frames))))


def lasting(instance: Instance, frames: int) -> Instance:
    """The instance with a solution clip of exactly so many frames."""
    motion = {**instance.scene["motion"], "length": frames}
    record = {**instance.to_json(), "scene": {**instance.scene, "motion": motion}}
    return Instance.from_json(record)
