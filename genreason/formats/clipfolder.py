"""What the formats of other trainers share: clips and prompts, copied into one folder."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genreason import video
from genreason.formats.dataset import DataSet
from genreason.types import GenreasonError, UserError

VIDEOS = "videos"


@dataclass(frozen=True, slots=True)
class Entry:
    """A clip at `path` (relative to the folder), its prompt in one line, its size, rate and length."""

    path: str
    prompt: str
    size: tuple[int, int]
    fps: float
    frames: int


def legal_frames(frames: int, stride: int) -> int:
    """The most frames, not more than these, that are a multiple of `stride` and one."""
    return (frames - 1) // stride * stride + 1


def most_common_size(entries: Sequence[Entry]) -> tuple[int, int]:
    """(width, height) of most clips."""
    ((size, _),) = Counter(entry.size for entry in entries).most_common(1)
    return size


def copied(data: DataSet, out: Path) -> Iterator[Entry]:
    """Copy the solution clips to OUT/videos.

    Raises:
        UserError: a sample has no clip.
        GenreasonError: a clip cannot be read or copied.
    """
    for instance in data.instances:
        truth = data.truth(instance)
        if truth is None:
            raise UserError(f"{instance.sample_id} has no solution clip: make the data set with --truth")
        info = video.probe(truth)
        place = Path(VIDEOS) / f"{instance.sample_id}.mp4"
        try:
            (out / VIDEOS).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(truth, out / place)
        except OSError as error:
            raise GenreasonError(f"cannot write {out / place}: {error.strerror}") from error
        prompt = " ".join(instance.prompt.split())
        frames = info.frames or sum(1 for _ in video.read(truth))
        yield Entry(place.as_posix(), prompt, (info.width, info.height), info.fps, frames)
