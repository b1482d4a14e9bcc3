"""TV2TV models as generators: they see the first frame and a prompt, and answer with words and frames."""

from __future__ import annotations

import functools
import itertools
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genreason import cards, video
from genreason import seeds as streams
from genreason.cards import GeneratorCard
from genreason.generate import extra
from genreason.generate.corrections import leads, noted, refuted, ways
from genreason.generate.models import INDEX
from genreason.generate.tv2tv_options import Options, parse, place_of
from genreason.generate.worldsize import VIEWS, grown, shrunk, turned, turned_back
from genreason.types import Clip, Frame, Json, Request, UserError

if TYPE_CHECKING:
    from genreason.model.pipeline import FrameEvent, TextEvent


class Tv2tvGenerator:
    """Answers with a TV2TV pipeline's clips, enlarged to the size of the first frame.

    Noise and words of a clip come from the seed and the instance's key alone. What the model said is in the
    clip's record.

    Attributes:
        remember: keep what `rethink` goes on from; without it, it reads the clips again.
        drafts: as in the options.
    """

    def __init__(self, name: str, options: Json) -> None:
        """Check what can be checked without the weights.

        Raises:
            UserError: an option is wrong, or there is no pipeline at the place.
        """
        self.name, self.options = name, parse(options, name)
        self.remember, self.drafts = False, self.options.drafts
        self._memories: OrderedDict[str, tuple[Any, tuple[int, int]]] = OrderedDict()

    @functools.cached_property
    def pipe(self) -> Any:
        """The pipeline.

        Raises:
            UserError: it is not there, or of another kind.
        """
        extra.need()
        from genreason.model import loading

        try:
            pipe = loading.read(self._folder)
            if self.options.lora is not None:
                loading.load_lora(pipe.transformer, Path(self.options.lora))
        except UserError as error:
            raise UserError(f"generator {self.name}: {error}") from error
        pipe.to(extra.device(self.options.device))
        pipe.transformer.eval()
        return pipe

    @property
    def _folder(self) -> Path:
        folder = place_of(self.options.model)
        if not (folder / INDEX).is_file():
            raise UserError(
                f"{folder} holds no {INDEX}: train the model (scripts/train_tv2tv.py) "
                "and give its folder with -o model=DIR"
            )
        return folder

    @functools.cached_property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """Sizes in tokens that a picture may have.

        Raises:
            UserError: neither the options nor a card in the model's folder say.
        """
        found = self.options.grids or (self._own and self._own.grids)
        if not found:
            raise UserError(
                f"generator {self.name}: {self._folder} has no card that names grids: give -o "
                "grids='[[rows, cols]]'"
            )
        return found

    @functools.cached_property
    def _own(self) -> Options | None:
        """What the card in the model's folder says, where there is one."""
        found = sorted(self._folder.glob("*.yaml"))
        return parse(cards.read(GeneratorCard, found[0]).options, self.name) if len(found) == 1 else None

    @property
    def _corrected(self) -> bool:
        """Whether the model is told what went wrong."""
        if self.options.corrections is None:
            return bool(self._own and self._own.corrections)
        return self.options.corrections

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """One clip a request."""
        return self.generate_each(requests, [seed] * len(requests))

    def generate_each(self, requests: Sequence[Request], seeds: Sequence[int]) -> list[Clip]:
        """One clip a request, each with a seed of its own."""
        clips: dict[int, Clip] = {}
        noise = [_seed(seed, request) for seed, request in zip(seeds, requests, strict=True)]
        for grid, members in self._sized(requests).items():
            before = time.perf_counter()
            found = self._call([requests[i] for i in members], grid, [noise[i] for i in members])
            seconds = (time.perf_counter() - before) / len(members)
            made = self._clips(
                [requests[i] for i in members], found, grid, [noise[i] for i in members], seconds
            )
            clips |= dict(zip(members, made, strict=True))
        return [clips[i] for i in range(len(requests))]

    def rethink(
        self, requests: Sequence[Request], seeds: Sequence[int], beginnings: Sequence[Json]
    ) -> list[Clip]:
        """Go on from the middle of clips that were made before.

        Args:
            requests: as they were.
            seeds: of the new noise and words.
            beginnings: of each: "clip", what the model said ("text", before chunks 1, 2, ...), its "memory"
                (of the clip's record), the first "chunk" that is made anew, what is "said" before it or may
                not be said from there on ("banned"), and the "view" that it was and is seen from (`turned`).

        Raises:
            UserError: the options have a window: what it forgot cannot be gone back to.
        """
        views = [int(each.get("view") or 0) for each in beginnings]
        seen = [
            replace(r, first_frame=turned(r.first_frame, v)) for r, v in zip(requests, views, strict=True)
        ]
        clips = self._rethink(seen, seeds, beginnings)
        return [_back(clip, view) if view else clip for clip, view in zip(clips, views, strict=True)]

    @property
    def views(self) -> int:
        """Sides that a puzzle may be looked at from."""
        return VIEWS if self.options.turns else 1

    def _rethink(
        self, requests: Sequence[Request], seeds: Sequence[int], beginnings: Sequence[Json]
    ) -> list[Clip]:
        """Clips as they are seen."""
        if self.options.window is not None:
            raise UserError(
                f"generator {self.name}: option window: a clip of a window has no middle to go on from"
            )
        noise = [_seed(seed, request) for seed, request in zip(seeds, requests, strict=True)]
        begun: list[Any] = [self._remembered(each) for each in beginnings]
        unknown = [i for i, each in enumerate(begun) if each is None]
        for grid, members in self._sized([requests[i] for i in unknown]).items() if unknown else ():
            for i in (unknown[m] for m in members):
                begun[i] = self._recalled(requests[i], beginnings[i], grid), grid
        groups: dict[tuple[tuple[int, int], bool], list[int]] = {}
        for i, (beginning, grid) in enumerate(begun):
            groups.setdefault((grid, beginning.kept is None), []).append(i)
        clips: dict[int, Clip] = {}
        for (grid, _), members in groups.items():
            before = time.perf_counter()
            starts = [self._told(begun[i][0], beginnings[i]) for i in members]
            found = self._gone_on(starts, grid, [noise[i] for i in members])
            for n, i in enumerate(members):
                kept = list(beginnings[i]["text"][: beginnings[i]["chunk"] - 1])
                found.texts[n] = kept + found.texts[n]
            seconds = (time.perf_counter() - before) / len(members)
            made = self._clips(
                [requests[i] for i in members], found, grid, [noise[i] for i in members], seconds
            )
            clips |= dict(zip(members, made, strict=True))
        return [clips[i] for i in range(len(requests))]

    def _gone_on(self, starts: Sequence[Any], grid: tuple[int, int], noise: Sequence[int]) -> Any:
        """Clips that go on from beginnings; where that is the very start, from the plan that was drafted."""
        planned = [i for i, each in enumerate(starts) if each.chunk == 1 and each.said is None]
        drafted = self._drafted([starts[i] for i in planned], grid, [noise[i] for i in planned])
        told = dict(zip(planned, drafted, strict=True))
        whole = [told.get(i, each) for i, each in enumerate(starts)]
        return self._rethought(whole, grid, noise, self.options.chunks, self.remember)

    def _drafted(self, starts: Sequence[Any], grid: tuple[int, int], noise: Sequence[int]) -> list[Any]:
        """The beginnings with a plan that leads to its goal, where one is found."""
        done = list(starts)
        left = list(range(len(starts))) if self.drafts > 1 else []
        for number in range(self.drafts):
            if not left:
                break
            seeds = [int.from_bytes(streams.digest("draft", noise[i], number, size=4)) for i in left]
            said = self._rethought([starts[i] for i in left], grid, seeds, 0, False).texts
            for i, texts in zip(left, said, strict=True):
                done[i] = replace(starts[i], said=self._ids(texts[0]), noted=())
            left = [i for i, texts in zip(left, said, strict=True) if not leads(texts[0])]
        return done

    def _rethought(
        self, starts: Sequence[Any], grid: tuple[int, int], noise: Sequence[int], chunks: int, remember: bool
    ) -> Any:
        return self.pipe.rethink(
            starts, grid, max_chunks=chunks, num_inference_steps=self.options.steps,
            guidance_scale=self.options.guidance, temperature=self.options.temperature,
            max_words=self.options.words, generator=_generators(noise), remember=remember,
        )  # fmt: skip

    def _remembered(self, beginning: Json) -> tuple[Any, tuple[int, int]] | None:
        """The beginning and its grid from memory; None where it was forgotten."""
        if beginning.get("memory") not in self._memories:
            return None
        memory, grid = self._memories[beginning["memory"]]
        found = memory.before(beginning["chunk"])
        return None if found is None else (found, grid)

    def _recalled(self, request: Request, beginning: Json, grid: tuple[int, int]) -> Any:
        """The beginning, read from the clip itself."""
        view, chunk = int(beginning.get("view") or 0), int(beginning["chunk"])
        kept = itertools.islice(video.frames(beginning["clip"]), 1, chunk) if chunk > 1 else ()
        frames = [self._picture(request, grid)]
        frames += [shrunk(turned(frame, view), grid, self.pipe.codec.token) for frame in kept]
        (prompt,) = self._prompts([request])
        return self.pipe.recall(prompt, np.stack(frames), beginning["text"], beginning["chunk"], grid)

    def _told(self, begun: Any, beginning: Json) -> Any:
        """The beginning with what must and must not be said next."""
        said, banned = beginning.get("said"), list(beginning.get("banned") or ())
        note = noted(banned) if self._corrected and begun.chunk > 1 else ""
        runs = [*refuted(banned), *(f"{note} go {way}" for way in ways(banned) if note)]
        return replace(
            begun,
            said=None if said is None else self._ids(said),
            banned=tuple(ids for ids in map(self._ids, runs) if ids),
            noted=self._ids(note),
        )

    def _ids(self, text: str) -> tuple[int, ...]:
        from genreason.model import words

        return words.ids(self.pipe.tokenizer, text) if text else ()

    def _clips(
        self,
        requests: Sequence[Request],
        found: Any,
        grid: tuple[int, int],
        noise: Sequence[int],
        seconds: float,
    ) -> list[Clip]:
        """What the pipeline made as clips with their records."""
        clips = []
        for i, (request, frames, texts, ended) in enumerate(
            zip(requests, found.frames, found.texts, found.ended, strict=True)
        ):
            record: Json = {
                "model": self.options.model, "text": texts, "ended": ended, "grid": list(grid),
                "noise_seed": noise[i], "seconds": round(seconds, 4), "batch": len(requests),
                "chunks": len(texts) - (ended in ("eos", "words", "chunks")),
            }  # fmt: skip
            if found.memories:
                record["memory"] = streams.key("memory", request.instance.key, noise[i], texts)
                self._keep(record["memory"], found.memories[i], grid)
            clips.append(_clip(frames, request.first_frame, self.options.fps, record))
        return clips

    def _keep(self, name: str, memory: Any, grid: tuple[int, int]) -> None:
        """Remember a clip, and forget the oldest ones that do not fit."""
        self._memories[name] = memory, grid
        while len(self._memories) > 1 and self._held() > self.options.memory * 1e6:
            self._memories.popitem(last=False)

    def _held(self) -> int:
        return sum(memory.size for memory, _ in self._memories.values())

    def _sized(self, requests: Sequence[Request]) -> dict[tuple[int, int], list[int]]:
        """Requests by the first grid at which the model says that it is theirs.

        Asked at another one it may guess wrongly; where it never agrees, what it says at the first counts.
        """
        if len(self.grids) == 1:
            return {self.grids[0]: list(range(len(requests)))}
        found: dict[int, tuple[int, int]] = {}
        guess = [self.grids[0]] * len(requests)
        named = {f"{rows}x{cols}": (rows, cols) for rows, cols in self.grids}
        for grid in self.grids:
            left = [i for i in range(len(requests)) if i not in found]
            if not left:
                break
            pictures = [self._picture(requests[i], grid) for i in left]
            says = self.pipe.next_word(self._prompts([requests[i] for i in left]), pictures, grid)
            for i, word in zip(left, says, strict=True):
                told = named.get(word.strip())
                if told == grid:
                    found[i] = grid
                elif told and grid == self.grids[0]:
                    guess[i] = told
        groups: dict[tuple[int, int], list[int]] = {}
        for i in range(len(requests)):
            groups.setdefault(found.get(i, guess[i]), []).append(i)
        return groups

    def stream(self, request: Request, seed: int) -> Iterator[TextEvent | FrameEvent]:
        """What the model says and shows, as it comes; the same as in `generate`."""
        (grid,) = self._sized([request])
        yield from self.pipe.stream(**self._asked([request], grid, [_seed(seed, request)]))

    def _call(self, requests: Sequence[Request], grid: tuple[int, int], noise: Sequence[int]) -> Any:
        if self.drafts > 1:
            told = zip(self._prompts(requests), requests, strict=True)
            starts = [self.pipe.recall(p, self._picture(r, grid)[None], (), 1, grid) for p, r in told]
            return self._gone_on(starts, grid, noise)
        return self.pipe(**self._asked(requests, grid, noise), remember=self.remember)

    def _asked(self, requests: Sequence[Request], grid: tuple[int, int], noise: Sequence[int]) -> Json:
        options = self.options
        return {
            "prompt": self._prompts(requests),
            "image": [self._picture(request, grid) for request in requests],
            "grid": grid,
            "max_chunks": options.chunks,
            "max_words": options.words,
            "num_inference_steps": options.steps,
            "guidance_scale": options.guidance,
            "temperature": options.temperature,
            "window": options.window,
            "interventions": options.interventions,
            "generator": _generators(noise),
        }

    def _prompts(self, requests: Sequence[Request]) -> list[str]:
        given = self.options.prompt
        return [request.prompt if given is None else given for request in requests]

    def _picture(self, request: Request, grid: tuple[int, int]) -> Frame:
        token = self.pipe.codec.token * self.pipe.transformer.config.patch_size
        return shrunk(request.first_frame, grid, token)


def _seed(seed: int, request: Request) -> int:
    return int.from_bytes(streams.digest("tv2tv", seed, request.instance.key, size=4))


def _generators(noise: Sequence[int]) -> list[Any]:
    import torch

    return [torch.Generator("cpu").manual_seed(each) for each in noise]


def _clip(frames: npt.NDArray[np.uint8], first: Frame, fps: float, record: Json) -> Clip:
    """The frames at the first frame's size."""
    size = first.shape[1], first.shape[0]

    def render() -> Iterator[Frame]:
        for frame in frames:
            yield grown(frame, size)

    return Clip(render=render, fps=fps, meta=record)


def _back(clip: Clip, view: int) -> Clip:
    """A clip that was made of a turned picture, as the picture is."""
    made = clip.render
    assert made is not None
    return replace(
        clip, render=lambda: (turned_back(frame, view) for frame in made()), meta={**clip.meta, "view": view}
    )
