"""Watch the model that ships solve puzzles that it has never seen: its words and frames, as they come."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from genreason import cards, run
from genreason import generate as generators
from genreason import judge as judges
from genreason.cards import GeneratorCard, JudgeCard, TaskCard
from genreason.formats.dataset import DataSet
from genreason.puzzles import base
from genreason.types import Clip, Frame, Request, UserError

NANO = "tv2tv-nano"
COUNT = 4
SIDE = 24  # cells of a picture in the terminal


def model() -> GeneratorCard | None:
    """The card of the model that ships; None where its weights or what runs them are not there."""
    from genreason.generate import extra
    from genreason.generate.models import INDEX
    from genreason.generate.tv2tv_options import place_of

    card = cards.load(GeneratorCard, NANO)
    if not (place_of(card.options["model"]) / INDEX).is_file():
        return None
    try:
        extra.need()
    except UserError:
        return None
    return card


def unseen(out: Path) -> DataSet:
    """A few mazes of the test split, whose walls no model here is trained on."""
    return run.make(cards.load(TaskCard, "maze"), out, level="small", split="test", n=COUNT, truth=True)


def watch(card: GeneratorCard, out: Path, say: Callable[[str], None], coloured: bool) -> list[str]:
    """Let the model solve them, one after the other.

    Args:
        card: of the model.
        out: folder of the puzzles.
        say: is given every line as it comes.
        coloured: show frames too, in the colours of a terminal.

    Returns:
        What the rules judge said of each: "pass", "fail" or "unscored".
    """
    from genreason.generate.tv2tv import Tv2tvGenerator
    from genreason.model.pipeline import TextEvent

    generator = generators.load(card, card.options)
    assert isinstance(generator, Tv2tvGenerator)
    rules = cards.load(JudgeCard, "rules")
    grader = judges.load(rules, rules.options)
    found: list[str] = []
    for instance in unseen(out):
        say(f"{instance.sample_id}, {instance.level}, drawn as {instance.style}: {card.name} says")
        first = base.load("maze").picture(instance)
        request = Request(instance=instance, first_frame=first, prompt=instance.prompt)
        frames: list[Frame] = []
        before = time.process_time()
        for event in generator.stream(request, 0):
            if isinstance(event, TextEvent):
                say(f"  {event.text}")
                continue
            frames += list(event.frames)
            if coloured:
                for line in _blocks(event.frames[-1]):
                    say(f"    {line}")
        seconds = time.process_time() - before
        clip = Clip(render=functools.partial(_shown, frames, first), fps=generator.options.fps)
        (verdict,) = grader.judge(instance, [clip], 0)
        found.append(verdict.status)
        why = f" ({verdict.reason})" if verdict.reason else ""
        say(f"  {len(frames) - 1} frames in {seconds:.1f} CPU-s; the rules judge: {verdict.status}{why}")
    return found


def _shown(frames: list[Frame], first: Frame) -> Iterator[Frame]:
    from genreason.generate.worldsize import grown

    for frame in frames:
        yield grown(frame, (first.shape[1], first.shape[0]))


def _blocks(frame: Frame) -> Iterator[str]:
    """A picture in half blocks, two rows of pixels a line."""
    small = np.asarray(cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        pairs = zip(upper.tolist(), lower.tolist(), strict=True)
        colours = (f"\x1b[38;2;{a};{b};{c};48;2;{d};{e};{f}m\u2580" for (a, b, c), (d, e, f) in pairs)
        yield "".join(colours) + "\x1b[0m"
