"""Clips to train on: drawn from Tasks or read from data folders, in a model's size and length."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from genreason import seeds, video
from genreason.formats.dataset import DataSet
from genreason.generate.fitting import fit
from genreason.generate.models import ModelOptions
from genreason.generate.oracle import solution_clip
from genreason.task import FPS, Task
from genreason.types import Clip, GenreasonError, Instance, Json, UnreadableClipError, UserError

Pixels = npt.NDArray[np.uint8]
MOST_LOST = 0.01


class Source(BaseModel):
    """Where clips come from: a task (rendered) or a data folder (read).

    Attributes:
        task: name of a task.
        folder: a data set with solution clips.
        level: of the task.
        n: how many; of a folder, the first so many (None: all).
        split: of the task.
        style: of the task; None mixes all.
        seed: of the task.
        size: (width, height) of the drawing; None takes the level's.
        fps: of the drawing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str | None = None
    folder: str | None = None
    level: str | None = None
    n: int | None = Field(None, ge=1)
    split: str = "train"
    style: str | None = None
    seed: int = 0
    size: tuple[int, int] | None = None
    fps: float = FPS

    @model_validator(mode="after")
    def _one(self) -> Source:
        if (self.task is None) == (self.folder is None):
            raise ValueError("give either task or folder")
        return self


@dataclass(frozen=True, slots=True)
class Sample:
    """A clip with what asks for it; `path` is None where it is drawn."""

    instance: Instance
    path: Path | None

    @property
    def key(self) -> str:
        """Identity of instance and clip."""
        if self.path is None:
            return self.instance.key
        stat = self.path.stat()
        return seeds.key(self.instance.key, str(self.path.resolve()), stat.st_size, stat.st_mtime_ns)

    @property
    def name(self) -> str:
        """For messages."""
        return self.instance.sample_id if self.path is None else str(self.path)


def gather(sources: Sequence[Source]) -> list[Sample]:
    """All samples, in order.

    Raises:
        UserError: a name or folder does not exist, or a folder has no clips.
    """
    found: list[Sample] = []
    for source in sources:
        if source.task is not None:
            task = Task(
                source.task, source.level, source.split, source.style, source.seed, source.size, source.fps
            )
            found += [Sample(instance, None) for instance in task[: source.n or 20]]
        else:
            data = DataSet.open(Path(str(source.folder)))
            paths = [(instance, data.truth(instance)) for instance in data.instances[: source.n]]
            with_clips = [Sample(instance, path) for instance, path in paths if path is not None]
            if not with_clips:
                raise UserError(f"{data.root} has no solution clips to train on: make it with --truth")
            found += with_clips
    return found


def one_rate(samples: Sequence[Sample], fps: float | None) -> None:
    """Refuse clips of several frame rates where no common one is asked for.

    Raises:
        UserError: names two of them.
    """
    if fps is not None:
        return
    rates: dict[float, str] = {}
    for sample in samples:
        rates.setdefault(round(sample.instance.fps, 3), sample.name)
    if len(rates) > 1:
        (a, first), (b, second) = list(rates.items())[:2]
        raise UserError(
            f"clips of mixed frame rates: {first} has {a:g}, {second} has {b:g}: set `fps` in the config to "
            "bring all to one"
        )


def pixels(sample: Sample, options: ModelOptions, lengths: Sequence[int], fps: float | None) -> Pixels:
    """A sample's clip in the model's size and one of its lengths, THWC.

    A shorter clip stands on its last frame to the next length; one longer than all lengths is thinned out
    evenly to the longest (it then plays faster).

    Raises:
        UnreadableClipError: the file is damaged.
    """
    clip = solution_clip(sample.instance) if sample.path is None else Clip(path=sample.path)
    frames = list(video.frames(clip))
    if fps is not None:
        frames = [frames[i] for i in _retimed(len(frames), video.fps(clip), fps)]
    length = next((n for n in sorted(lengths) if n >= len(frames)), max(lengths))
    places = (
        np.minimum(np.arange(length), len(frames) - 1)
        if len(frames) <= length
        else np.round(np.linspace(0, len(frames) - 1, length)).astype(int)
    )
    height, width = frames[0].shape[:2]
    plan = fit((width, height), (options.width, options.height), options.fit, options.limits)
    drawn: dict[int, Any] = {}
    for place in places:
        if int(place) not in drawn:
            drawn[int(place)] = plan.apply(frames[int(place)])
    return np.stack([drawn[int(place)] for place in places])


def _retimed(count: int, old: float, new: float) -> list[int]:
    wanted = max(round(count / old * new), 1)
    return [min(int(i * old / new), count - 1) for i in range(wanted)]


class Losses:
    """Clips that could not be read: named, counted, and too many are an error."""

    def __init__(self, total: int) -> None:
        """Of so many samples."""
        self.total, self.names = total, list[str]()

    def add(self, sample: Sample, error: UnreadableClipError) -> None:
        """Leave a sample out.

        Raises:
            GenreasonError: more than one in a hundred is unreadable.
        """
        self.names.append(sample.name)
        print(f"left out: {error}", file=sys.stderr)
        if len(self.names) > max(MOST_LOST * self.total, 1 if self.total >= 100 else 0):
            raise GenreasonError(
                f"{len(self.names)} of {self.total} clips cannot be read (more than 1 %), the last: {error}"
            )


def describe(samples: Sequence[Sample]) -> Json:
    """What the samples are, for the record."""
    tasks: dict[str, int] = {}
    for sample in samples:
        name = f"{sample.instance.task} {sample.instance.level}"
        tasks[name] = tasks.get(name, 0) + 1
    return {"samples": len(samples), "tasks": tasks, "keys": seeds.key(*sorted(s.key for s in samples))}


def readable(
    samples: Sequence[Sample], options: ModelOptions, lengths: Sequence[int], fps: float | None
) -> Iterator[tuple[Sample, Pixels]]:
    """Samples with their pixels; those that cannot be read are left out.

    Raises:
        GenreasonError: too many cannot.
    """
    lost = Losses(len(samples))
    for sample in samples:
        try:
            found = pixels(sample, options, lengths, fps)
        except UnreadableClipError as error:
            lost.add(sample, error)
            continue
        yield sample, found
    if lost.names:
        print(f"left out {len(lost.names)} of {len(samples)} clips", file=sys.stderr)
