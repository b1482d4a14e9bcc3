"""What the model that ships says before it acts: plans that lead to their goal, and no mistake again."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from genreason import cards  # noqa: E402
from genreason import generate as generators  # noqa: E402
from genreason.generate.corrections import leads, refuted  # noqa: E402
from genreason.puzzles import base  # noqa: E402
from genreason.task import Task  # noqa: E402
from genreason.types import Request  # noqa: E402

torch.set_num_threads(1)
HOT = 3.0  # a temperature at which many plans lead nowhere


def nano(**options):
    card = cards.load(cards.GeneratorCard, "tv2tv-nano")
    return generators.load(card, {**card.options, "temperature": HOT, "chunks": 3, **options})


@pytest.fixture(scope="module")
def requests():
    puzzle = base.load("maze")
    return [
        Request(instance=each, first_frame=puzzle.picture(each), prompt="")
        for each in Task("maze", "small")[:16]
    ]


def test_a_plan_that_leads_nowhere_is_not_acted_on(requests) -> None:
    hasty = [clip.meta["text"][0] for clip in nano().generate(requests, 0)]
    careful = [clip.meta["text"][0] for clip in nano(drafts=8).generate(requests, 0)]
    assert sum(map(leads, hasty)) < sum(map(leads, careful)) >= 15
    assert all(" at " in text and " goal " in text for text in careful)


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
