"""Where the tokens of an interleaved sequence stand, and who may see whom.

A sample is a list of segments: words (`Text`) and frame chunks (`Chunk`). From it come tags, one set for text
tokens and one for video tokens, and from the tags alone the attention mask, dense or as a mask function of
flex attention. A chunk that is trained has two copies: a noisy one, which is predicted, and behind it the
clean one, which everything later sees. Positions do not know of noisy copies, so that a sequence without them
(at inference) has the same ones.

Tokens are kept sorted by modality, text first: routing to the towers is then two slices and no scatter. The
order in time is a tag like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

TEXT, CLEAN, NOISY = 0, 1, 2
PAD = -1
Mode = Literal["tv2tv", "think2v", "t2v"]
Axes = Literal["joint", "split"]
MaskMod = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Text:
    """Words: token ids, whether they are learnt, and whether they are given (prompt, frame marks)."""

    ids: tuple[int, ...]
    learnt: bool = True
    given: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A frame chunk of (rows, cols) tokens, number `index` of its clip; `noisy`: it has a noisy copy too."""

    index: int
    rows: int
    cols: int
    noisy: bool = True


Segment = Text | Chunk


@dataclass(frozen=True, slots=True)
class Tags:
    """Of N tokens of one modality, each (B, N) int64 on one device; B is 1 where all samples are alike.

    Attributes:
        kind: TEXT, CLEAN, NOISY or PAD.
        chunk: number of the frame chunk in its clip, PAD for text.
        order: place in the sequence; the tokens of one copy of a chunk count up in reading order.
        position: (B, N, 3): time, row and column, which rotary embeddings turn by.
    """

    kind: Tensor
    chunk: Tensor
    order: Tensor
    position: Tensor

    def __len__(self) -> int:
        """Number of tokens."""
        return int(self.kind.shape[1])

    def to(self, device: torch.device | str) -> Tags:
        """The same on a device."""
        return Tags(*(getattr(self, name).to(device) for name in self.__slots__))

    def joined(self, other: Tags) -> Tags:
        """These tokens, then the other ones; tags of all samples go with tags of each."""
        rows = max(self.kind.shape[0], other.kind.shape[0])
        return Tags(
            *(
                torch.cat([t.expand(rows, *t.shape[1:]) for t in (getattr(self, n), getattr(other, n))], 1)
                for n in self.__slots__
            )
        )

    def rows(self, chosen: Tensor) -> Tags:
        """Of some samples."""
        return Tags(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Layout:
    """The tags of a batch, text and video apart.

    Attributes:
        text: tags of text tokens.
        video: tags of video tokens: first all clean copies in order, then all noisy ones.
        grid: (rows, cols) of tokens of a chunk.
        clean: numbers of the chunks that have a clean copy, in order.
        noisy: numbers of the chunks that have a noisy copy, in order.
    """

    text: Tags
    video: Tags
    grid: tuple[int, int]
    clean: tuple[int, ...]
    noisy: tuple[int, ...]

    @property
    def tags(self) -> Tags:
        """All tokens, text first."""
        if not len(self.video) or not len(self.text):
            return self.text if len(self.text) else self.video
        return self.text.joined(self.video)

    def to(self, device: torch.device | str) -> Layout:
        """The same on a device."""
        return replace(self, text=self.text.to(device), video=self.video.to(device))


def place(segments: Sequence[Segment], axes: Axes, start: int = 0, order: int = 0) -> Layout:
    """Lay out one sample (B is 1).

    Args:
        segments: words and chunks in order; all chunks have one grid.
        axes: "joint": text has its time on all three axes and a chunk's rows and columns are counted from its
            time, so that text alone has the positions of a language model. "split": text has time alone, and
            a cell has the same row and column in every chunk.
        start: time of the first token.
        order: place of the first token.
    """
    words: list[tuple[int, int, int, int, int, int]] = []
    copies: dict[int, list[tuple[int, int, int, int, int, int]]] = {CLEAN: [], NOISY: []}
    numbers: dict[int, list[int]] = {CLEAN: [], NOISY: []}
    grid = (0, 0)
    time = start
    for segment in segments:
        if isinstance(segment, Text):
            for _ in segment.ids:
                rest = (time, time) if axes == "joint" else (0, 0)
                words.append((TEXT, PAD, order, time, *rest))
                time, order = time + 1, order + 1
            continue
        grid = segment.rows, segment.cols
        for kind in (NOISY, CLEAN) if segment.noisy else (CLEAN,):
            numbers[kind].append(segment.index)
            for row, col in np.ndindex(grid):
                where = (time + row, time + col) if axes == "joint" else (row + 1, col + 1)
                copies[kind].append((kind, segment.index, order, time, *where))
                order += 1
        # Under "joint" a chunk takes as many positions as its longer side: what follows is behind it.
        time += max(grid) if axes == "joint" else 1
    video = copies[CLEAN] + copies[NOISY]
    return Layout(_tags(words), _tags(video), grid, tuple(numbers[CLEAN]), tuple(numbers[NOISY]))


def batch(layouts: Sequence[Layout]) -> Layout:
    """Layouts of samples as one; texts of different length are filled up with PAD at their ends.

    Raises:
        ValueError: samples with other chunks: they cannot share a batch.
    """
    first = layouts[0]
    if any((each.grid, each.clean, each.noisy) != (first.grid, first.clean, first.noisy) for each in layouts):
        raise ValueError("samples of a batch must have the same chunks")
    longest = max(len(each.text) for each in layouts)
    texts = [_filled(each.text, longest) for each in layouts]
    return replace(first, text=_stacked(texts), video=_stacked([each.video for each in layouts]))


def only_noisy(layout: Layout) -> Layout:
    """The noisy copies alone, as they are when a chunk is generated."""
    cells = layout.grid[0] * layout.grid[1]
    first = len(layout.clean) * cells
    video = Tags(*(getattr(layout.video, name)[:, first:] for name in Tags.__slots__))
    return replace(layout, video=video, clean=())


def rearranged(segments: Sequence[Segment], mode: Mode) -> list[Segment]:
    """The same sample as another model would tell it.

    "think2v" has all words that are not given first, behind the first frame, then all chunks; "t2v" has no
    words but those that are given (prompt and frame marks).
    """
    if mode == "tv2tv":
        return list(segments)
    if mode == "t2v":
        return [s for s in segments if not isinstance(s, Text) or s.given]
    first = next((i for i, s in enumerate(segments) if isinstance(s, Text) and not s.given), len(segments))
    told = [s for s in segments[first:] if isinstance(s, Text) and not s.given]
    shown = [s for s in segments[first:] if not isinstance(s, Text) or s.given]
    return [*segments[:first], *told, *shown]


def allowed(query: Tags, key: Tags) -> Tensor:
    """The dense mask (B, 1, queries, keys), True where a query may see a key.

    A noisy chunk is seen by itself alone. All else is seen by what comes later, and a clean chunk by all of
    itself. Noisy copies stand before the clean ones, so they never see their own answer.
    """
    names = ("kind", "chunk", "order")
    q = [getattr(query, n)[:, :, None] for n in names]
    k = [getattr(key, n)[:, None, :] for n in names]
    seen = _sees(*q, *k)
    # Padding sees itself, as a row of a softmax must see something.
    own = (q[0] == PAD) & (k[0] == PAD)
    found: Tensor = (seen | own)[:, None]
    return found


def mask_mod(query: Tags, key: Tags) -> MaskMod:
    """The same mask as a mask function of `torch.nn.attention.flex_attention`."""

    def see(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        b_q = b if query.kind.shape[0] > 1 else torch.zeros_like(b)
        b_k = b if key.kind.shape[0] > 1 else torch.zeros_like(b)
        seen = _sees(
            query.kind[b_q, q], query.chunk[b_q, q], query.order[b_q, q],
            key.kind[b_k, k], key.chunk[b_k, k], key.order[b_k, k],
        )  # fmt: skip
        return seen | ((query.kind[b_q, q] == PAD) & (key.kind[b_k, k] == PAD))

    return see


def _sees(
    kind_q: Tensor, chunk_q: Tensor, order_q: Tensor, kind_k: Tensor, chunk_k: Tensor, order_k: Tensor
) -> Tensor:
    same = chunk_q == chunk_k
    noisy = (kind_q == NOISY) & same
    clean = (order_k <= order_q) | ((kind_q == CLEAN) & (kind_k == CLEAN) & same)
    seen = torch.where(kind_k == NOISY, noisy, clean)
    return seen & (kind_q != PAD) & (kind_k != PAD)


def _tags(rows: Iterable[tuple[int, ...]]) -> Tags:
    table = torch.tensor(list(rows), dtype=torch.int64).reshape(1, -1, 6)
    return Tags(table[..., 0], table[..., 1], table[..., 2], table[..., 3:])


def _filled(tags: Tags, length: int) -> Tags:
    more = length - len(tags)
    if not more:
        return tags
    row = (PAD, PAD, PAD, 0, 0, 0)
    return tags.joined(_tags([row] * more))


def _stacked(tags: Sequence[Tags]) -> Tags:
    """(1, N) where all are alike, else (B, N)."""
    first = tags[0]
    names = ("order", "position", "chunk")
    if all(torch.equal(getattr(each, n), getattr(first, n)) for each in tags[1:] for n in names):
        return first
    return Tags(*(torch.cat([getattr(each, n) for each in tags]) for n in Tags.__slots__))
