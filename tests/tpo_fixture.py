"""A data set of small mazes and a folder of clips of known truth, for methods that spend clips."""

from __future__ import annotations

from pathlib import Path

from genreason import cards, generate, run, video
from genreason.cards import GeneratorCard, TaskCard
from genreason.formats.dataset import DataSet
from genreason.puzzles import base
from genreason.types import Instance, Request

ORDER = ("still", "through_wall", "oracle", "truncated")


def names(index: int) -> list[str]:
    """What the clips of a sample are: the same controls, beginning at another one for each sample."""
    return [ORDER[(k + index) % len(ORDER)] for k in range(len(ORDER))]


def data(root: Path, n: int = 4) -> DataSet:
    return run.make(cards.load(TaskCard, "maze"), root, level="easy", n=n, split="test", size=(112, 112))


def request(instance: Instance) -> Request:
    picture = base.load(instance.scene["puzzle"]).picture(instance)
    return Request(instance=instance, first_frame=picture, prompt=instance.prompt)


def clips(found: DataSet, root: Path) -> Path:
    for number, instance in enumerate(found.instances):
        for k, name in enumerate(names(number)):
            (clip,) = generate.load(cards.load(GeneratorCard, name), {}).generate([request(instance)], 0)
            path = root / instance.sample_id / f"{k}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            video.write(path, video.frames(clip), video.fps(clip))
    return root
