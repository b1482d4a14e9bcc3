"""Samples of worlds as batches: words, latents, and the layout that joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genreason.model import layout as layouts
from genreason.model import words
from genreason.model.codec import Codec
from genreason.model.layout import Axes, Chunk, Layout, Mode, Segment, Text
from genreason.train.world import Told


@dataclass(frozen=True, slots=True)
class Batch:
    """What a step is made of.

    Attributes:
        text_ids: (B, text tokens).
        targets: the word that follows each.
        weights: 1 where that word is learnt, else 0.
        clean: latents (B, chunks, C, H, W).
        layout: of all of them.
    """

    text_ids: Tensor
    targets: Tensor
    weights: Tensor
    clean: Tensor
    layout: Layout

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        ids, targets, weights, clean = (
            t.to(device) for t in (self.text_ids, self.targets, self.weights, self.clean)
        )
        return Batch(ids, targets, weights, clean, self.layout.to(device))

    @property
    def tokens(self) -> int:
        """How many there are."""
        return len(self.layout.tags) * len(self.text_ids)


class Teller:
    """Puts samples into the words of a tokenizer and the latents of a codec."""

    def __init__(self, tokenizer: Any, codec: Codec, axes: Axes, mode: Mode, prompt: str) -> None:
        """`mode` is how a sample is told (`layout.rearranged`)."""
        self.tokenizer, self.codec, self.axes, self.mode, self.prompt = tokenizer, codec, axes, mode, prompt
        self.marks = words.marks(tokenizer)
        self._known: dict[str, tuple[int, ...]] = {}

    def segments(self, told: Told, noisy: Sequence[int], finished: bool) -> list[Segment]:
        """A sample in order; chunks in `noisy` have noisy copies, `finished` samples an end mark."""
        mark = self.marks
        shown = (len(told.frames) - 1) // self.codec.frames
        begin, end = (Text((mark[name],), learnt, True) for name, learnt in (("bof", True), ("eof", False)))
        start = () if mark["bos"] is None else (mark["bos"],)
        out: list[Segment] = [Text(start + self._ids(self.prompt), False, True)]
        out += [Text((mark["bof"],), False, True), Chunk(0, *told.grid, False), end]
        out.append(Text(self._ids(told.plan), told.sound))
        for i, (said, learnt) in enumerate(zip(told.steps, told.learnt, strict=True), start=1):
            if note := told.notes.get(i - 1):
                out.append(Text(self._ids(note), False))
            out.append(Text(self._ids(said), learnt))
            if i <= shown:
                out += [begin, Chunk(i, *told.grid, i in noisy), end]
        if told.end is not None:
            out.append(Text(self._ids(told.end)))
        if finished:
            out.append(Text((mark["eos"],), True, True))
        return layouts.rearranged(out, self.mode)

    def batch(
        self, told: Sequence[Told], noisy: Sequence[int], finished: bool, dropped: Sequence[bool] = ()
    ) -> Batch:
        """Samples with the same number of frames.

        Args:
            told: the samples.
            noisy: chunks that get noisy copies.
            finished: whether the samples end here (and are not cut off).
            dropped: samples whose words are left out, for guidance.
        """
        rows = [self.segments(each, noisy, finished) for each in told]
        for i, out in enumerate(dropped):
            if out:
                rows[i] = [self._nothing(segment) for segment in rows[i]]
        placed = layouts.batch([layouts.place(row, self.axes) for row in rows])
        count = len(placed.text)
        table = np.full((len(rows), count), self.marks["pad"], np.int64)
        learnt = np.zeros((len(rows), count), np.float32)
        for i, row in enumerate(rows):
            texts = [segment for segment in row if isinstance(segment, Text)]
            ids = [id_ for text in texts for id_ in text.ids]
            table[i, : len(ids)] = ids
            learnt[i, : len(ids)] = [text.learnt for text in texts for _ in text.ids]
        targets, weights = np.roll(table, -1, 1), np.roll(learnt, -1, 1)
        weights[:, -1] = 0
        return Batch(
            torch.from_numpy(table), torch.from_numpy(targets), torch.from_numpy(weights),
            self.latents(np.stack([each.frames for each in told])), placed,
        )  # fmt: skip

    def latents(self, frames_BTHWC: np.typing.NDArray[np.uint8]) -> Tensor:
        """Latents (B, chunks, C, H, W) of clips."""
        clip = torch.from_numpy(frames_BTHWC).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
        with torch.no_grad():
            return self.codec.encode(clip)

    def _ids(self, text: str) -> tuple[int, ...]:
        if text not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            self._known[text] = words.ids(self.tokenizer, text)
        return self._known[text]

    def _nothing(self, segment: Segment) -> Segment:
        if not isinstance(segment, Text) or segment.given:
            return segment
        return Text((self.marks["null"],) * len(segment.ids), False)
