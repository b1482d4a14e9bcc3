"""What the model that ships says before it acts: plans that lead to their goal, and no mistake again."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from genreason import cards  # noqa: E402
from genreason import generate as generators  # noqa: E402
from genreason.generate.corrections import leads, refuted  # noqa: E402
from genreason.generate.worldsize import VIEWS, turned  # noqa: E402
from genreason.puzzles import base  # noqa: E402
from genreason.task import Task  # noqa: E402
from genreason.types import Clip, Request  # noqa: E402

torch.set_num_threads(1)


def nano(**options):
    card = cards.load(cards.GeneratorCard, "tv2tv-nano-v2")
    return generators.load(card, {**card.options, "temperature": 1.0, "chunks": 3, **options})


@pytest.fixture(scope="module")
def requests():
    puzzle = base.load("maze")
    return [
        Request(instance=each, first_frame=puzzle.picture(each), prompt="")
        for each in Task("maze", "hard")[:16]
    ]


def test_a_plan_that_leads_nowhere_is_not_acted_on(requests) -> None:
    hasty = [clip.meta["text"][0] for clip in nano().generate(requests, 0)]
    careful = [clip.meta["text"][0] for clip in nano(drafts=12).generate(requests, 0)]
    assert sum(map(leads, hasty)) + 3 < sum(map(leads, careful))
    assert sum(" at " in text and " goal " in text for text in careful) >= 14


def test_at_temperature_0_the_draft_is_what_would_be_said(requests) -> None:
    """And so is everything after it: given words are as good as own ones."""
    plain, drafted = (nano(temperature=0.0, **more).generate(requests[:4], 0) for more in ({}, {"drafts": 2}))
    assert [clip.meta["text"] for clip in plain] == [clip.meta["text"] for clip in drafted]


def test_what_went_wrong_is_not_said_again(requests) -> None:
    generator = nano(temperature=0.0)
    generator.remember = True
    clips = generator.generate(requests[:6], 0)
    begun = [{"clip": clip, "text": tuple(clip.meta["text"]), "chunk": 1, "memory": clip.meta["memory"],
              "said": None, "banned": (clip.meta["text"][0],)} for clip in clips]  # fmt: skip
    for clip, again in zip(clips, generator.rethink(requests[:6], [0] * 6, begun), strict=True):
        step, label = refuted([clip.meta["text"][0]])
        assert step in clip.meta["text"][0] and label in clip.meta["text"][0].split()
        assert label not in again.meta["text"][0].split()
        assert not any(text.endswith(step) for text in again.meta["text"])


def test_seen_from_another_side_it_is_the_same_puzzle(requests) -> None:
    """The clip begins with the picture that was given; what it says is of what it saw."""
    generator = nano(temperature=0.0)
    begun = [
        {"clip": Clip(render=lambda: iter(())), "text": (), "chunk": 1, "view": view} for view in range(4, 8)
    ]
    for clip in generator.rethink(requests[:4], [0] * 4, begun):
        request = requests[:4][clip.meta["view"] - 4]
        first = next(iter(clip.render()))
        off = [np.abs(first.astype(int) - turned(request.first_frame, v)).mean() for v in range(VIEWS)]
        assert np.argmin(off) == 0
        assert clip.meta["text"][0].startswith("7x7 goal")
