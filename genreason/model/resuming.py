"""Going on from the middle of clips: what was kept is read from its cache, and never computed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch

from genreason.model.cache import KVCache
from genreason.model.layout import Text
from genreason.model.memory import Beginning
from genreason.model.rollout import Event, Rollout, Row, Said


class Resumed(Rollout):
    """A rollout that begins where others were."""

    @torch.no_grad()
    def resume(
        self, beginnings: Sequence[Beginning], generators: Sequence[torch.Generator]
    ) -> Iterator[Event]:
        """Go on from the middle of clips; only what is new is yielded."""
        for i, (begun, generator) in enumerate(zip(beginnings, generators, strict=True)):
            row = Row(i, generator, list(begun.history), dict(begun.latents), chunks=begun.chunk - 1)
            row.time, row.order, row.banned = begun.time, begun.order, begun.banned
            row.forced = list(begun.noted)
            self.rows.append(row)
        kept = [begun.kept for begun in beginnings if begun.kept is not None]
        if len(kept) == len(self.rows):
            self.caches = [KVCache.joined(rows) for rows in zip(*kept, strict=True)]
            self.logits = torch.stack([begun.logits for begun in beginnings if begun.logits is not None])
        else:
            self._begin()
        self._mark()
        yield from self._say({i: begun.said for i, begun in enumerate(beginnings) if begun.said is not None})
        yield from self._go_on([{}] * len(self.rows))

    def _say(self, said: Mapping[int, Sequence[int]]) -> Iterator[Event]:
        """Words that are given, read all at once."""
        if said:
            texts = [Text((*ids, self.marks["bof"])) for ids in said.values()]
            longest = max(len(text.ids) for text in texts)
            words = [[*text.ids] + [self.marks["pad"]] * (longest - len(text.ids)) for text in texts]
            self._write(list(said), torch.tensor(words), None, [[text] for text in texts])
            for row, text in zip((self.rows[i] for i in said), texts, strict=True):
                row.history.append(text)
                row.words, row.asking = [*text.ids[:-1]], True
                yield Said(row.number, row.chunks + 1, text.ids[:-1])
