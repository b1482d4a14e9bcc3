"""Generation of a batch: words until the model asks for a frame, a frame, words again.

Rows are independent: each has its own random numbers, and what a row says depends on nothing else in its
batch but rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from genreason.model import layout as layouts
from genreason.model.cache import KVCache
from genreason.model.layout import Chunk, Layout, Segment, Text
from genreason.model.memory import Memory, Place
from genreason.types import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How to generate.

    Attributes:
        max_chunks: frame chunks after the first frame.
        steps: Euler steps of a chunk.
        guidance: how far the words' say is taken beyond what a model without words would do; 1 for as is.
        temperature: of words; 0 takes the likeliest.
        max_words: tokens between two frames, after which a row is ended; given words are said anyway.
        window: chunks in the context; None keeps all. Prompt and first frame are always kept.
        remember: keep a `Memory` of every row that ends.
    """

    max_chunks: int = 64
    steps: int = 2
    guidance: float = 1.0
    temperature: float = 0.0
    max_words: int = 512
    window: int | None = None
    remember: bool = False


@dataclass(slots=True)
class Row:
    """One clip in the making.

    Attributes:
        number: of the request.
        history: everything so far; latents of chunks are in `latents` by number.
        forced: words that are still to be said, whatever the model would say.
        banned: runs of words that are not said.
        begun: where the words before each chunk begin.
        words: those since the last frame.
        ended: why it ended: "eos", "chunks", "words"; "" while it goes on.
    """

    number: int
    generator: torch.Generator
    history: list[Segment]
    latents: dict[int, Tensor]
    forced: list[int] = field(default_factory=list)
    banned: tuple[tuple[int, ...], ...] = ()
    begun: dict[int, Place] = field(default_factory=dict)
    words: list[int] = field(default_factory=list)
    chunks: int = 0
    time: int = 0
    order: int = 0
    asking: bool = False
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """Words of a row before its chunk number `chunk`."""

    row: int
    chunk: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A chunk of a row, latents (C, H, W)."""

    row: int
    chunk: int
    latents: Tensor


@dataclass(frozen=True, slots=True)
class Ended:
    """A row's end: "eos", "chunks" (as many as allowed) or "words" (too many of them without a frame)."""

    row: int
    why: str


Event = Said | Shown | Ended


def _ends(words: Sequence[int], run: Sequence[int]) -> bool:
    """Whether words end with a run of words."""
    return len(run) <= len(words) and [*words[len(words) - len(run) :]] == [*run]


class Rollout:
    """Generates a batch of rows with one model."""

    def __init__(
        self,
        model: Any,
        scheduler: Any,
        marks: Mapping[str, int],
        grid: tuple[int, int],
        how: How,
    ) -> None:
        """Generate with these.

        Args:
            model: a TV2TVTransformer.
            scheduler: of flow matching.
            marks: as `words.marks` has them.
            grid: tokens of a chunk.
            how: to generate.
        """
        self.model, self.scheduler, self.marks, self.grid, self.how = model, scheduler, marks, grid, how
        self.device = model.device  # asked of the model, it is looked for in all of its modules
        self.rows: list[Row] = []
        self.caches: list[KVCache] = []
        self.logits: Tensor | None = None
        self.memories: dict[int, Memory] = {}

    @torch.no_grad()
    def run(
        self,
        prompts: Sequence[Sequence[int]],
        firsts: Tensor,
        generators: Sequence[torch.Generator],
        interventions: Sequence[Mapping[int, Sequence[int]]],
    ) -> Iterator[Event]:
        """Generate.

        Args:
            prompts: token ids of each row.
            firsts: latents of the first frames (B, C, H, W).
            generators: of each row's noise and words, on the CPU.
            interventions: of each row: words that stand before a chunk instead of the model's own.
        """
        for i, (prompt, first, generator) in enumerate(zip(prompts, firsts, generators, strict=True)):
            history: list[Segment] = [Text(tuple(prompt) + (self.marks["bof"],)), Chunk(0, *self.grid, False)]
            row = Row(i, generator, [*history, Text((self.marks["eof"],))], {0: first})
            row.forced = self._forced(interventions[i], 1)
            self.rows.append(row)
        self._begin()
        self._mark()
        yield from self._go_on(interventions)

    def _mark(self) -> None:
        """Note where the words before the next chunk of each row begin."""
        assert self.logits is not None
        if self.how.remember:
            for row, logits in zip(self.rows, self.logits, strict=True):
                row.begun[row.chunks + 1] = Place(row.time, row.order, len(row.history), logits.clone())

    def _go_on(self, interventions: Sequence[Mapping[int, Sequence[int]]]) -> Iterator[Event]:
        """Words and frames in turn until every row has ended."""
        while self.rows:
            yield from self._speak()
            if self.rows:
                yield from self._show()
                for row in self.rows:
                    row.forced = self._forced(interventions[row.number], row.chunks + 1)
                if self.how.window is not None and any(
                    len(r.latents) > self.how.window + 1 for r in self.rows
                ):
                    self._slide(self.how.window)
                self._mark()

    def _forced(self, interventions: Mapping[int, Sequence[int]], chunk: int) -> list[int]:
        given = interventions.get(chunk)
        return [] if given is None else [*given, self.marks["bof"]]

    def _speak(self) -> Iterator[Event]:
        """Words of all rows, until each asks for a frame; rows that end are let go."""
        while speaking := [i for i, row in enumerate(self.rows) if not row.asking]:
            assert self.logits is not None
            free = [not self.rows[i].forced for i in speaking]
            chosen = self._chosen(speaking)
            told: dict[int, int] = {}
            for i, word, own in zip(speaking, chosen, free, strict=True):
                row = self.rows[i]
                if word == self.marks["bof"] and row.chunks < self.how.max_chunks:
                    row.asking = True
                elif word in (self.marks["eos"], self.marks["bof"]):
                    row.ended = "eos" if word == self.marks["eos"] else "chunks"
                elif own and len(row.words) >= self.how.max_words:
                    row.ended = "words"
                else:
                    row.words.append(word)
                if row.asking or row.ended:
                    yield Said(row.number, row.chunks + 1, tuple(row.words))
                if row.ended:
                    yield Ended(row.number, row.ended)
                    continue
                told[i] = word
                row.history.append(Text((word,)))
            if told:
                words = torch.tensor([[word] for word in told.values()])
                self._write(list(told), words, None, [[Text((word,))] for word in told.values()])
            self._drop()

    def _chosen(self, rows: Sequence[int]) -> list[int]:
        assert self.logits is not None
        best: list[int] = self.logits[list(rows)].argmax(-1).tolist()
        found = []
        for i, likeliest in zip(rows, best, strict=True):
            row = self.rows[i]
            logits = self.logits[i]
            barred = [run[-1] for run in row.banned if _ends(row.words, run[:-1])]
            if barred and not row.forced:
                logits = logits.index_fill(0, torch.tensor(barred, device=logits.device), -torch.inf)
                likeliest = int(logits.argmax())
            if row.forced:
                found.append(row.forced.pop(0))
            elif self.how.temperature:
                chances = torch.softmax(logits.float().cpu() / self.how.temperature, -1)
                found.append(int(torch.multinomial(chances, 1, generator=row.generator)))
            else:
                found.append(likeliest)
        return found

    def _show(self) -> Iterator[Event]:
        """The next chunk of every row: Euler steps over what is cached, then it is written once."""
        rows = self.rows
        last = torch.stack([row.latents[max(row.latents)] for row in rows])[:, None]
        x = torch.stack([torch.randn(last.shape[2:], generator=row.generator) for row in rows])
        x = x.to(last)[:, None]
        scheduler = copy.deepcopy(self.scheduler)
        scheduler.set_timesteps(self.how.steps, device=x.device)
        segments: list[list[Segment]] = [[Chunk(row.chunks + 1, *self.grid)] for row in rows]
        noisy = layouts.only_noisy(self._layout(rows, segments)).to(x.device)
        for step, time in enumerate(scheduler.timesteps):
            sigma = scheduler.sigmas[step].to(x)
            velocity = self._velocity(x, sigma, last, noisy)
            x = scheduler.step(velocity, time, x, return_dict=False)[0]
        for i, row in enumerate(rows):
            row.chunks += 1
            row.latents[row.chunks] = x[i, 0]
            yield Shown(row.number, row.chunks, x[i, 0])
        end = Text((self.marks["eof"],))
        more: list[list[Segment]] = [[Chunk(row.chunks, *self.grid, False), end] for row in rows]
        for row, new in zip(rows, more, strict=True):
            row.history += new
            row.words, row.asking = [], False
        words = torch.full((len(rows), 1), self.marks["eof"])
        self._write(list(range(len(rows))), words, x, more)

    def _velocity(self, x: Tensor, sigma: Tensor, last: Tensor, noisy: Layout) -> Tensor:
        found: list[Tensor] = []
        sigmas = sigma.expand(len(x), 1)
        none = torch.empty(len(x), 0, dtype=torch.int64, device=x.device)
        for cache in self.caches:
            out = self.model(none, noisy, noisy=x, sigmas=sigmas, reference=last, cache=cache)
            found.append(self.model.velocity(out.prediction, x, sigma))
        if len(found) == 1:
            return found[0]
        with_words, without = found
        guided: Tensor = without + self.how.guidance * (with_words - without)
        return guided

    def _layout(self, rows: Sequence[Row], segments: Sequence[Sequence[Segment]]) -> Layout:
        """Of what comes next in rows."""
        axes = self.model.config.axes
        known: dict[Any, Layout] = {}
        placed = []
        for row, new in zip(rows, segments, strict=True):
            key = (
                row.time,
                row.order,
                tuple((type(s), len(s.ids) if isinstance(s, Text) else s.index) for s in new),
            )
            if key not in known:
                known[key] = layouts.place(new, axes, row.time, row.order)
            placed.append(known[key])
        first = placed[0]  # rows that went on from different places have other chunk numbers, in their tags
        return layouts.batch([replace(each, clean=first.clean, noisy=first.noisy) for each in placed])

    def _write(
        self, chosen: list[int], words: Tensor, clean: Tensor | None, segments: Sequence[Sequence[Segment]]
    ) -> None:
        """Put words and clean chunks of some rows into the caches; notes what each row would say next."""
        every = len(chosen) == len(self.rows)
        rows = None if every else torch.tensor(chosen, device=self.device)
        placed = self._layout([self.rows[i] for i in chosen], segments).to(self.device)
        words = words.to(self.device)
        for number, cache in enumerate(self.caches):
            ids = words if number == 0 else self._unsaid(words)
            out = self.model(ids, placed, clean=clean, cache=cache, rows=rows, write=True)
            if number == 0:
                self._note(out.text_logits, segments, chosen)
        for i, new in zip(chosen, segments, strict=True):
            self._advance(self.rows[i], new)

    def _note(self, logits: Tensor, segments: Sequence[Sequence[Segment]], chosen: Sequence[int]) -> None:
        ends = [sum(len(s.ids) for s in new if isinstance(s, Text)) - 1 for new in segments]
        found = logits[torch.arange(len(ends)), ends]
        if self.logits is None or len(chosen) == len(self.rows):
            self.logits = found
        else:
            self.logits[list(chosen)] = found

    def _unsaid(self, words: Tensor) -> Tensor:
        """The words as they are without them: only the marks of frames stay."""
        marks = torch.tensor([self.marks["bof"], self.marks["eof"]], device=words.device)
        return torch.where(torch.isin(words, marks), words, self.marks["null"])

    def _advance(self, row: Row, new: Sequence[Segment]) -> None:
        for segment in new:
            if isinstance(segment, Text):
                row.time, row.order = row.time + len(segment.ids), row.order + len(segment.ids)
            else:
                joint = self.model.config.axes == "joint"
                row.time += max(self.grid) if joint else 1
                row.order += 2 * self.grid[0] * self.grid[1]  # as if the noisy copy were there
        most = self.model.config.max_positions
        if most and row.time > most:
            raise UserError(
                f"the sequence has {row.time} positions, the model was trained for {most}: give a window, or "
                "fewer chunks"
            )

    def _begin(self) -> None:
        """Read the rows' histories into new caches."""
        count = 2 if self.how.guidance != 1 else 1
        self.caches = [self.model.new_cache(len(self.rows)) for _ in range(count)]
        self.logits = None
        for row in self.rows:
            row.time = row.order = 0
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, row in enumerate(self.rows):
            groups.setdefault(tuple(s.index for s in row.history if isinstance(s, Chunk)), []).append(i)
        if len(groups) > 1:  # logits of all rows need a place first
            size = self.model.config.vocab_size
            self.logits = torch.zeros(len(self.rows), size, device=self.device, dtype=self.model.dtype)
        for chunks, members in groups.items():
            segments = [self.rows[i].history for i in members]
            texts = [[id_ for s in new if isinstance(s, Text) for id_ in s.ids] for new in segments]
            longest = max(map(len, texts))
            words = torch.tensor([ids + [self.marks["pad"]] * (longest - len(ids)) for ids in texts])
            clean = torch.stack([torch.stack([self.rows[i].latents[k] for k in chunks]) for i in members])
            self._write(members, words, clean, [list(new) for new in segments])

    def _slide(self, window: int) -> None:
        """Forget all but prompt, first frame and the last half of the window, and read what is left anew."""
        for row in self.rows:
            fresh = sorted(k for k in row.latents if k)[-max(window // 2, 1) :]
            start = next(i for i, s in enumerate(row.history) if isinstance(s, Chunk) and s.index == fresh[0])
            # From the words that led to the first chunk that stays; the first frame is three segments long.
            while (
                start > 3
                and isinstance(row.history[start - 1], Text)
                and not self._ends(row.history[start - 1])
            ):
                start -= 1
            row.history = row.history[:3] + row.history[start:]
            row.latents = {k: v for k, v in row.latents.items() if k == 0 or k in fresh}
            row.begun.clear()
        self._begin()

    def _ends(self, segment: Segment) -> bool:
        return isinstance(segment, Text) and segment.ids[-1] == self.marks["eof"]

    def _drop(self) -> None:
        """Let go of rows that have ended."""
        for i, row in enumerate(self.rows):
            if row.ended and self.how.remember:
                kept = tuple(cache.kept(i) for cache in self.caches)
                self.memories[row.number] = Memory(tuple(row.history), row.latents, row.begun, kept)
        going = [i for i, row in enumerate(self.rows) if not row.ended]
        if len(going) == len(self.rows) or self.logits is None:
            return
        self.rows = [self.rows[i] for i in going]
        if self.rows:
            chosen = torch.tensor(going, device=self.device)
            self.logits = self.logits[chosen]
            for cache in self.caches:
                cache.keep(chosen)
