"""TV2TV models as generators: they see the first frame and a prompt, and answer with words and frames."""

from __future__ import annotations

import functools
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genreason import cards, video
from genreason import seeds as streams
from genreason.cards import GeneratorCard
from genreason.generate import extra
from genreason.generate.corrections import noted, ways
from genreason.generate.models import INDEX
from genreason.generate.worldsize import grown, shrunk
from genreason.types import Clip, Frame, Json, Request, UserError

if TYPE_CHECKING:
    from genreason.model.pipeline import FrameEvent, TextEvent

Words = dict[int, str]
WEIGHTS = "weights"


class Options(BaseModel):
    """Options of a card of kind "tv2tv".

    Attributes:
        model: folder of a TV2TVPipeline, or its name where it ships with genreason.
        prompt: what the model is told in place of a request's prompt; None tells it the request's own.
        grids: sizes (rows, cols) in tokens that a picture may have; the model says which. None: those of the
            card in the model's folder.
        chunks: most frame chunks of a clip.
        words: most words (tokens) between two frames; a clip whose model says more ends there.
        steps: Euler steps of a chunk.
        guidance: of the words.
        temperature: of the words.
        window: chunks in the context; None keeps all.
        interventions: words that are said before a chunk (counted from 1) instead of the model's own.
        fps: frames per second of the clip.
        lora: folder or file of a LoRA on one of the towers.
        device: "auto", "cpu", "cuda".
        corrections: the model has learnt to go on from being told what went wrong (`rethink`). None: what the
            card in the model's folder says.
        memory: megabytes of keys and values that are kept of clips, to go on from their middle (`rethink`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str
    prompt: str | None = None
    grids: tuple[tuple[int, int], ...] | None = Field(None, min_length=1)
    chunks: int = Field(40, ge=1)
    words: int = Field(128, ge=1)
    steps: int = Field(2, ge=1)
    guidance: float = 1.0
    temperature: float = Field(0.0, ge=0)
    window: int | None = Field(None, ge=2)
    interventions: Words = {}
    fps: float = Field(8.0, gt=0)
    lora: str | None = None
    device: str = "auto"
    corrections: bool | None = None
    memory: int = Field(512, ge=0)


def parse(options: Json, name: str) -> Options:
    """Check the options of a card.

    Raises:
        UserError: one is wrong; says which.
    """
    try:
        return Options(**options)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"generator {name}: option {where}: {first['msg']}") from None


def place_of(model: str) -> Path:
    """The folder of a model: as it is given, or of that name in `weights` beside the cards."""
    places = [Path(model), *(root / WEIGHTS / model for root in cards.roots())]
    return next((place for place in places if (place / INDEX).is_file()), places[0])


class Tv2tvGenerator:
    """Answers with a TV2TV pipeline's clips, enlarged to the size of the first frame.

    Noise and words of a clip come from the seed and the instance's key alone. What the model said is in the
    clip's record.

    Attributes:
        remember: keep what `rethink` goes on from; without it, it reads the clips again.
    """

    def __init__(self, name: str, options: Json) -> None:
        """Check what can be checked without the weights.

        Raises:
            UserError: an option is wrong, or there is no pipeline at the place.
        """
        self.name, self.options = name, parse(options, name)
        self.remember = False
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
                (of the clip's record), the first "chunk" that is made anew, and what is "said" or may not be
                said ("banned") before it.

        Raises:
            UserError: the options have a window: what it forgot cannot be gone back to.
        """
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
            found = self.pipe.rethink(
                starts, grid, max_chunks=self.options.chunks, num_inference_steps=self.options.steps,
                guidance_scale=self.options.guidance, temperature=self.options.temperature,
                max_words=self.options.words, generator=_generators([noise[i] for i in members]),
                remember=self.remember,
            )  # fmt: skip
            for n, i in enumerate(members):
                kept = list(beginnings[i]["text"][: beginnings[i]["chunk"] - 1])
                found.texts[n] = kept + found.texts[n]
            seconds = (time.perf_counter() - before) / len(members)
            made = self._clips(
                [requests[i] for i in members], found, grid, [noise[i] for i in members], seconds
            )
            clips |= dict(zip(members, made, strict=True))
        return [clips[i] for i in range(len(requests))]

    def _remembered(self, beginning: Json) -> tuple[Any, tuple[int, int]] | None:
        """The beginning and its grid from memory; None where it was forgotten."""
        if beginning.get("memory") not in self._memories:
            return None
        memory, grid = self._memories[beginning["memory"]]
        found = memory.before(beginning["chunk"])
        return None if found is None else (found, grid)

    def _recalled(self, request: Request, beginning: Json, grid: tuple[int, int]) -> Any:
        """The beginning, read from the clip itself."""
        frames = [shrunk(frame, grid, self.pipe.codec.token) for frame in video.frames(beginning["clip"])]
        frames[0] = self._picture(request, grid)
        (prompt,) = self._prompts([request])
        return self.pipe.recall(prompt, np.stack(frames), beginning["text"], beginning["chunk"], grid)

    def _told(self, begun: Any, beginning: Json) -> Any:
        """The beginning with what must and must not be said next."""
        from genreason.model import words

        said, banned = beginning.get("said"), list(beginning.get("banned") or ())
        note = noted(banned) if self._corrected else ""
        if note:
            banned = [f"{note} go {way}" for way in ways(banned)]
        ids = [words.ids(self.pipe.tokenizer, text) for text in banned]
        return replace(
            begun,
            said=None if said is None else words.ids(self.pipe.tokenizer, said),
            banned=tuple(each for each in ids if each),
            noted=words.ids(self.pipe.tokenizer, note) if note else (),
        )

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
        """Requests by the grid that the model says they have; it is asked at the first grid."""
        first, *others = self.grids
        if not others:
            return {first: list(range(len(requests)))}
        pictures = [self._picture(request, first) for request in requests]
        says = self.pipe.next_word(self._prompts(requests), pictures, first)
        named = {f"{rows}x{cols}": (rows, cols) for rows, cols in self.grids}
        groups: dict[tuple[int, int], list[int]] = {}
        for i, word in enumerate(says):
            groups.setdefault(named.get(word.strip(), first), []).append(i)
        return groups

    def stream(self, request: Request, seed: int) -> Iterator[TextEvent | FrameEvent]:
        """What the model says and shows, as it comes; the same as in `generate`."""
        (grid,) = self._sized([request])
        yield from self.pipe.stream(**self._asked([request], grid, [_seed(seed, request)]))

    def _call(self, requests: Sequence[Request], grid: tuple[int, int], noise: Sequence[int]) -> Any:
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
