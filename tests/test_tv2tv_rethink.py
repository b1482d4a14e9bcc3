"""Going on from the middle of a clip: what was kept is kept, from memory or from the clip itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tv2tv_fixture import GRID, picture, pipeline

from genreason.model.layout import Text
from genreason.model.words import ids as words_of
from genreason.model.words import marks

HOW = {"max_chunks": 4, "max_words": 5, "num_inference_steps": 2}
FORCED = {1: "at go up", 2: "at go down", 3: "at go left", 4: "at go right"}


def seeded(*numbers: int) -> list[torch.Generator]:
    return [torch.Generator("cpu").manual_seed(number) for number in numbers]


@pytest.fixture(scope="module")
def pipe():
    torch.set_num_threads(1)
    return pipeline()


@pytest.fixture(scope="module")
def made(pipe):
    """Two clips of four chunks."""
    return pipe(["go", "go up at"], [picture(0), picture(1)], grid=GRID, interventions=FORCED,
                generator=seeded(1, 2), remember=True, **HOW)  # fmt: skip


def test_the_beginning_stays_and_the_rest_is_new(pipe, made) -> None:
    starts = [memory.before(chunk) for memory, chunk in zip(made.memories, (3, 2), strict=True)]
    again = pipe.rethink(starts, GRID, generator=seeded(7, 8), **HOW)
    for i, chunk in enumerate((3, 2)):
        assert np.array_equal(again.frames[i][:chunk], made.frames[i][:chunk])
        assert len(again.frames[i]) <= 5
    if len(again.frames[0]) > 3:
        assert not np.array_equal(again.frames[0][3], made.frames[0][3])


def test_cache_and_reading_anew_say_and_show_the_same(pipe, made) -> None:
    starts = [memory.before(chunk) for memory, chunk in zip(made.memories, (3, 2), strict=True)]
    kept = pipe.rethink(starts, GRID, generator=seeded(7, 8), **HOW)
    bare = [replace(each, kept=None, time=0, order=0) for each in starts]
    anew = pipe.rethink(bare, GRID, generator=seeded(7, 8), **HOW)
    assert kept.texts == anew.texts and kept.ended == anew.ended
    for one, other in zip(kept.frames, anew.frames, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_alone_or_in_a_batch_it_is_the_same(pipe, made) -> None:
    told = words_of(pipe.tokenizer, "at go right")
    starts = [replace(m.before(chunk), said=told) for m, chunk in zip(made.memories, (4, 2), strict=True)]
    both = pipe.rethink(starts, GRID, generator=seeded(7, 8), **HOW)
    for i, seed in enumerate((7, 8)):
        (alone,) = pipe.rethink([starts[i]], GRID, generator=seeded(seed), **HOW).frames
        assert len(alone) == len(both.frames[i]) > (4, 2)[i]
        assert np.abs(alone.astype(int) - both.frames[i]).max() <= 1


def test_the_same_noise_from_the_same_place_is_the_clip_again(pipe) -> None:
    """What stands before a chunk decides it: re-thinking with the noise that is due changes nothing."""
    draw = seeded(5)
    whole = pipe("go", picture(3), grid=GRID, interventions=FORCED, generator=draw, remember=True, **HOW)
    (state,) = seeded(5)
    shape = whole.memories[0].latents[0].shape
    torch.randn(shape, generator=state)  # of the first chunk, which is kept
    start = replace(whole.memories[0].before(2), said=words_of(pipe.tokenizer, FORCED[2]))
    again = pipe.rethink([start], GRID, generator=[state], **{**HOW, "max_chunks": 2})
    assert np.abs(again.frames[0][2].astype(int) - whole.frames[0][2]).max() <= 1


def said_before(pipe, memory, chunk: int) -> tuple[int, ...]:
    """Token ids before a chunk, without the mark of its frame."""
    mark, found = marks(pipe.tokenizer)["bof"], []
    for segment in memory.history[memory.begun[chunk].segments :]:
        if not isinstance(segment, Text) or mark in segment.ids:
            break
        found += segment.ids
    return tuple(found)


def test_words_can_be_said_and_barred(pipe, made) -> None:
    start = made.memories[0].before(2)
    words = words_of(pipe.tokenizer, "at go right")
    told = pipe.rethink([replace(start, said=words)], GRID, generator=seeded(7), **HOW)
    assert told.texts[0][0].split() == ["at", "go", "right"]
    how = {**HOW, "generator": seeded(7), "remember": True}
    free = said_before(pipe, pipe.rethink([start], GRID, **how).memories[0], 2)
    how["generator"] = seeded(7)
    barred = said_before(pipe, pipe.rethink([replace(start, banned=(free,))], GRID, **how).memories[0], 2)
    assert free and barred[: len(free)] != free and barred[: len(free) - 1] == free[:-1]


def test_what_went_wrong_can_be_told(pipe, made) -> None:
    """It stands before the model's own words, which go on from it as if it had said it itself."""
    start = made.memories[0].before(2)
    note = words_of(pipe.tokenizer, "at go up go")
    told = pipe.rethink([replace(start, noted=note)], GRID, generator=seeded(7), remember=True, **HOW)
    assert said_before(pipe, told.memories[0], 2)[: len(note)] == note
    own = said_before(pipe, told.memories[0], 2)
    again = pipe.rethink([replace(start, said=own)], GRID, generator=seeded(7), **HOW)
    assert told.texts[0][0] == again.texts[0][0]


def test_a_clip_without_memory_is_read_again(pipe, made) -> None:
    start = pipe.recall("go", made.frames[0], made.texts[0], 3, GRID)
    again = pipe.rethink([start], GRID, generator=seeded(7), **HOW)
    kept = pipe.rethink([made.memories[0].before(3)], GRID, generator=seeded(7), **HOW)
    assert np.abs(again.frames[0][:3].astype(int) - made.frames[0][:3]).max() <= 1
    assert again.texts[0][0] == kept.texts[0][0]
    assert made.memories[0].before(9) is None


def test_with_guidance_both_caches_are_kept(pipe) -> None:
    how = {**HOW, "guidance_scale": 2.0}
    made = pipe("go", picture(0), grid=GRID, interventions=FORCED, generator=seeded(1), remember=True, **how)
    start = made.memories[0].before(3)
    assert len(start.kept) == 2
    assert len(pipe.rethink([start], GRID, generator=seeded(2), **how).frames[0]) >= 3
