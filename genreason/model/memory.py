"""What is left of a clip when it is done, so that another can begin as it did and go on otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from genreason.model.cache import Kept
from genreason.model.layout import Chunk, Segment, Text


@dataclass(frozen=True, slots=True)
class Place:
    """Where the words before a chunk begin: position, order, number of segments before, and the next word."""

    time: int
    order: int
    segments: int
    logits: Tensor


@dataclass(frozen=True, slots=True)
class Beginning:
    """The part of a clip that is kept.

    Attributes:
        chunk: the first chunk that is made anew; its words are said anew too.
        history: what was said and shown before.
        latents: of the chunks before.
        time, order: of what comes next; 0 where `kept` is None.
        kept: keys and values of the history, one for each cache; None has them computed.
        logits: what the model would say next, with `kept`.
        said: words that are said before the chunk instead of the model's own.
        banned: runs of words that are not said from there on.
        noted: words that are given before the model's own.
    """

    chunk: int
    history: tuple[Segment, ...]
    latents: Mapping[int, Tensor]
    time: int = 0
    order: int = 0
    kept: tuple[Kept, ...] | None = None
    logits: Tensor | None = None
    said: tuple[int, ...] | None = None
    banned: tuple[tuple[int, ...], ...] = ()
    noted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """A clip as its model remembers it: what was said and shown, and the keys and values of it."""

    history: tuple[Segment, ...]
    latents: Mapping[int, Tensor]
    begun: Mapping[int, Place]
    kept: tuple[Kept, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(each.size for each in self.kept)

    def before(self, chunk: int) -> Beginning | None:
        """What it was before the words of a chunk; None where that is not known any more."""
        place = self.begun.get(chunk)
        if place is None or any(k not in self.latents for k in range(chunk)):
            return None
        latents = {k: v for k, v in self.latents.items() if k < chunk}
        kept = tuple(each.before(place.time) for each in self.kept)
        history = self.history[: place.segments]
        return Beginning(chunk, history, latents, place.time, place.order, kept, place.logits)


def recalled(
    prompt: Sequence[int],
    texts: Sequence[Sequence[int]],
    latents: Sequence[Tensor],
    grid: tuple[int, int],
    marks: Mapping[str, int],
) -> Beginning:
    """The beginning of a clip of which no memory is left, from its words and frames.

    Args:
        prompt: token ids.
        texts: token ids that were said before chunks 1, 2, ..., as many as are kept.
        latents: of the first frame and of as many chunks.
        grid: tokens of a chunk.
        marks: as `words.marks` has them.
    """
    begin, end = Text((marks["bof"],)), Text((marks["eof"],))
    history: list[Segment] = [Text((*prompt, marks["bof"])), Chunk(0, *grid, False)]
    for number, said in enumerate(texts, start=1):
        history += [end, Text(tuple(said)), begin, Chunk(number, *grid, False)]
    return Beginning(len(texts) + 1, (*history, end), dict(enumerate(latents)))
