"""`TV2TVPipeline`: a prompt and a first frame in, words and frames out as they come."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import BaseOutput
from torch import Tensor

import genreason.model.transformer  # noqa: F401 (diffusers loads only what was imported)
from genreason.model import words
from genreason.model.codec import Codec, codec_of
from genreason.model.memory import Beginning, Memory, recalled
from genreason.model.resuming import Resumed
from genreason.model.rollout import Ended, Event, How, Rollout, Said, Shown
from genreason.types import UserError

Image = PIL.Image.Image | npt.NDArray[np.uint8]
Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TextEvent:
    """Words of a request, said before its chunk number `chunk` (from 1; 0 is the first frame)."""

    request: int
    chunk: int
    text: str


@dataclass(frozen=True, slots=True)
class FrameEvent:
    """Frames of a request's chunk, (frames, H, W, 3) uint8."""

    request: int
    chunk: int
    frames: Frames


@dataclass
class TV2TVPipelineOutput(BaseOutput):
    """Clips.

    Attributes:
        frames: of each request, (frames, H, W, 3) uint8; the first is the given one as the model saw it.
        texts: of each request: what was said before chunk 1, 2, ..., and at the end.
        ended: of each request: "eos", "chunks" (as many as allowed) or "words" (no frame came any more).
        memories: of each request, to go on from its middle; none where they were not asked for.
    """

    frames: list[Frames]
    texts: list[list[str]]
    ended: list[str] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)


class TV2TVPipeline(DiffusionPipeline):
    """Interleaved generation of words and frames.

    Args:
        transformer: a TV2TVTransformer.
        vae: a PixelCodec, or a causal video autoencoder of diffusers.
        scheduler: FlowMatchEulerDiscreteScheduler.
        tokenizer: of the text tower, with the marks of `genreason.model.words`.
    """

    model_cpu_offload_seq = "transformer->vae"

    def __init__(self, transformer: Any, vae: Any, scheduler: Any, tokenizer: Any) -> None:
        """Join the parts."""
        super().__init__()
        self.register_modules(transformer=transformer, vae=vae, scheduler=scheduler, tokenizer=tokenizer)

    @property
    def codec(self) -> Codec:
        """Between frames and latents."""
        return codec_of(self.vae)

    def __call__(
        self,
        prompt: str | Sequence[str],
        image: Image | Sequence[Image],
        *,
        grid: tuple[int, int] | None = None,
        max_chunks: int = 64,
        num_inference_steps: int = 2,
        guidance_scale: float = 1.0,
        temperature: float = 0.0,
        max_words: int = 512,
        window: int | None = None,
        interventions: Mapping[int, str] | Sequence[Mapping[int, str]] | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        remember: bool = False,
    ) -> TV2TVPipelineOutput:
        """Generate clips; see `stream`, which takes the same, and `rethink`, for which `remember` is."""
        how = How(
            max_chunks=max_chunks, steps=num_inference_steps, guidance=guidance_scale,
            temperature=temperature, max_words=max_words, window=window, remember=remember,
        )  # fmt: skip
        memories: dict[int, Memory] = {}
        return _gathered(self._events(prompt, image, grid, interventions, generator, how, memories), memories)

    @torch.no_grad()
    def rethink(
        self,
        beginnings: Sequence[Beginning],
        grid: tuple[int, int],
        *,
        max_chunks: int = 64,
        num_inference_steps: int = 2,
        guidance_scale: float = 1.0,
        temperature: float = 0.0,
        max_words: int = 512,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        remember: bool = False,
    ) -> TV2TVPipelineOutput:
        """Keep the beginnings of clips and go on from there; what was kept is read from its cache.

        Args:
            beginnings: of `Memory.before`, or of `recall` where no memory is left.
            grid: (rows, cols) of tokens that the clips have.
            max_chunks: of a whole clip, its beginning included.
            num_inference_steps: as in `stream`, as all that follow.
            guidance_scale: of the words.
            temperature: of the words.
            max_words: between two frames.
            generator: one for each clip, or one of which they are seeded.
            remember: keep memories of the new clips.

        Returns:
            Frames of the whole clips, and the words of their new parts alone.
        """
        how = How(
            max_chunks=max_chunks, steps=num_inference_steps, guidance=guidance_scale,
            temperature=temperature, max_words=max_words, remember=remember,
        )  # fmt: skip
        rollout = Resumed(self.transformer, self.scheduler, words.marks(self.tokenizer), grid, how)
        seen = {i: [begun.latents[k] for k in range(begun.chunk)] for i, begun in enumerate(beginnings)}
        events = rollout.resume(beginnings, _generators(generator, len(beginnings)))
        shown = [FrameEvent(i, 0, self._frames(latents, 0)) for i, latents in seen.items()]
        return _gathered([*shown, *self._told(events, seen)], rollout.memories)

    def recall(
        self, prompt: str, frames: Frames, texts: Sequence[str], chunk: int, grid: tuple[int, int]
    ) -> Beginning:
        """The beginning of a clip of which no memory is left.

        Args:
            prompt: that it was made from.
            frames: (frames, H, W, 3) uint8 at the size of the grid; those before the chunk are read.
            texts: what was said before chunk 1, 2, ...
            chunk: the first that is made anew.
            grid: (rows, cols) of tokens.
        """
        marks = words.marks(self.tokenizer)
        start = [] if marks["bos"] is None else [marks["bos"]]
        clip = torch.from_numpy(np.ascontiguousarray(frames)).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
        device = next(self.vae.parameters(), torch.empty(0)).device
        latents = self.codec.encode(clip.to(device))[0].to(self.transformer.device, self.transformer.dtype)
        said = [words.ids(self.tokenizer, text) for text in texts[: chunk - 1]]
        ids = [*start, *words.ids(self.tokenizer, prompt)]
        return recalled(ids, said, list(latents[:chunk]), grid, marks)

    def stream(
        self,
        prompt: str | Sequence[str],
        image: Image | Sequence[Image],
        *,
        grid: tuple[int, int] | None = None,
        max_chunks: int = 64,
        num_inference_steps: int = 2,
        guidance_scale: float = 1.0,
        temperature: float = 0.0,
        max_words: int = 512,
        window: int | None = None,
        interventions: Mapping[int, str] | Sequence[Mapping[int, str]] | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
    ) -> Iterator[TextEvent | FrameEvent]:
        """Generate clips, and yield words and frames as they come.

        Args:
            prompt: one, or one for each image.
            image: first frames (PIL, or HWC RGB uint8), one for each request.
            grid: (rows, cols) of tokens to which the images are brought; their own size where it is None.
            max_chunks: frame chunks after the first frame.
            num_inference_steps: Euler steps of a chunk.
            guidance_scale: of the words; 1 is without.
            temperature: of the words; 0 takes the likeliest.
            max_words: between two frames; a request that says more is ended.
            window: chunks in the context, see `rollout.How`.
            interventions: words that are said before a chunk (counted from 1) instead of the model's own.
            generator: one for each request, or one of which they are seeded; on the CPU.

        Raises:
            UserError: images that cannot be brought to a size, prompts that do not match them, or a context
                that has grown too long.
        """
        how = How(
            max_chunks=max_chunks, steps=num_inference_steps, guidance=guidance_scale,
            temperature=temperature, max_words=max_words, window=window,
        )  # fmt: skip
        for event in self._events(prompt, image, grid, interventions, generator, how):
            if not isinstance(event, Ended):
                yield event

    def next_word(self, prompt: str, images: Sequence[Image], grid: tuple[int, int]) -> list[str]:
        """What the model would say first of each image at this size."""
        events = self._events(prompt, images, grid, None, None, How(max_chunks=0, max_words=1))
        found = {event.request: event.text for event in events if isinstance(event, TextEvent)}
        return [found[i] for i in sorted(found)]

    @torch.no_grad()
    def _events(
        self,
        prompt: str | Sequence[str],
        image: Image | Sequence[Image],
        grid: tuple[int, int] | None,
        interventions: Mapping[int, str] | Sequence[Mapping[int, str]] | None,
        generator: torch.Generator | Sequence[torch.Generator] | None,
        how: How,
        memories: dict[int, Memory] | None = None,
    ) -> Iterator[TextEvent | FrameEvent | Ended]:
        images = [image] if isinstance(image, PIL.Image.Image | np.ndarray) else list(image)
        prompts = [prompt] * len(images) if isinstance(prompt, str) else list(prompt)
        if len(prompts) != len(images):
            raise UserError(
                f"{len(prompts)} prompts for {len(images)} images: give one for each, or one for all"
            )
        marks = words.marks(self.tokenizer)
        start = [] if marks["bos"] is None else [marks["bos"]]
        ids = [[*start, *words.ids(self.tokenizer, each)] for each in prompts]
        clip, grid = self._first_frames(images, grid)
        firsts = self.codec.encode(clip)[:, 0].to(self.transformer.device, self.transformer.dtype)
        rollout = Rollout(self.transformer, self.scheduler, marks, grid, how)
        seen: dict[int, list[Tensor]] = {i: [first] for i, first in enumerate(firsts)}
        for i, first in enumerate(firsts):
            yield FrameEvent(i, 0, self._frames([first]))
        forced = self._forced(interventions, len(images))
        yield from self._told(rollout.run(ids, firsts, _generators(generator, len(images)), forced), seen)
        if memories is not None:
            memories.update(rollout.memories)

    def _told(
        self, events: Iterator[Event], seen: dict[int, list[Tensor]]
    ) -> Iterator[TextEvent | FrameEvent | Ended]:
        """Events as words and frames; `seen` has the latents so far."""
        for event in events:
            if isinstance(event, Shown):
                seen[event.row].append(event.latents)
                yield FrameEvent(event.row, event.chunk, self._frames(seen[event.row]))
            elif isinstance(event, Said):
                yield TextEvent(event.row, event.chunk, self.tokenizer.decode(event.ids))
            else:
                yield event

    def _first_frames(
        self, images: Sequence[Image], grid: tuple[int, int] | None
    ) -> tuple[Tensor, tuple[int, int]]:
        """First frames as clips of one frame (B, 3, 1, H, W) in [-1, 1], and the grid of their tokens."""
        pictures = [_picture(each) for each in images]
        token = self.codec.token * self.transformer.config.patch_size
        if grid is None:
            sizes = {picture.shape[:2] for picture in pictures}
            if len(sizes) > 1:
                raise UserError(
                    f"images of different sizes {sorted(sizes)}: give a grid to bring them to one"
                )
            height, width = sizes.pop()
            grid = max(round(height / token), 1), max(round(width / token), 1)
        most = self.transformer.config.max_side
        if most and max(grid) > most:
            raise UserError(
                f"images of {grid[0]}x{grid[1]} tokens of {token} px: the model takes at most {most} a side: "
                "give a grid, or smaller images"
            )
        size = grid[1] * token, grid[0] * token
        odd = next((p for p in pictures if (p.shape[1], p.shape[0]) != size), None)
        if odd is not None:
            warnings.warn(
                f"image of {odd.shape[1]}x{odd.shape[0]} resized to {size[0]}x{size[1]}", stacklevel=4
            )
        boxed = [
            np.asarray(PIL.Image.fromarray(p).resize(size, PIL.Image.Resampling.BOX))
            if (p.shape[1], p.shape[0]) != size else p
            for p in pictures
        ]  # fmt: skip
        clip = torch.from_numpy(np.stack(boxed)).permute(0, 3, 1, 2).float() / 127.5 - 1
        device = next(self.vae.parameters(), torch.empty(0)).device
        return clip[:, :, None].to(device), grid

    def _frames(self, latents: Sequence[Tensor], since: int | None = None) -> Frames:
        """Frames of the chunks from `since` on, or of the last one."""
        first = len(latents) - 1 if since is None else since
        clip = self.codec.decode(torch.stack(list(latents))[None].float(), first)[0]
        pixels = ((clip.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        return np.asarray(pixels.permute(1, 2, 3, 0).cpu().numpy())

    def _forced(
        self, given: Mapping[int, str] | Sequence[Mapping[int, str]] | None, count: int
    ) -> list[dict[int, list[int]]]:
        each = [given or {}] * count if given is None or isinstance(given, Mapping) else list(given)
        if len(each) != count:
            raise UserError(
                f"{len(each)} interventions for {count} images: give one for each, or one for all"
            )
        if odd := [k for one in each for k in one if k < 1]:
            raise UserError(f"interventions: there is no chunk {odd[0]} to speak before: they count from 1")
        return [{k: list(words.ids(self.tokenizer, text)) for k, text in one.items()} for one in each]


def _picture(image: Image) -> Frames:
    """As HWC RGB uint8."""
    found = np.asarray(image.convert("RGB") if isinstance(image, PIL.Image.Image) else image)
    if found.ndim != 3 or found.shape[2] != 3 or found.dtype != np.uint8 or not found.size:
        shape = "x".join(map(str, found.shape))
        raise UserError(
            f"an image of {shape} {found.dtype}: give PIL images, or arrays (height, width, 3) of uint8"
        )
    return found


def _gathered(
    events: Iterable[TextEvent | FrameEvent | Ended], memories: Mapping[int, Memory]
) -> TV2TVPipelineOutput:
    """What was said and shown, by request."""
    frames: dict[int, list[Frames]] = {}
    texts: dict[int, list[str]] = {}
    ended: dict[int, str] = {}
    for event in events:
        if isinstance(event, FrameEvent):
            frames.setdefault(event.request, []).append(event.frames)
        elif isinstance(event, TextEvent):
            texts.setdefault(event.request, []).append(event.text)
        else:
            ended[event.row] = event.why
    order = sorted(frames)
    return TV2TVPipelineOutput(
        [np.concatenate(frames[i]) for i in order],
        [texts.get(i, []) for i in order],
        [ended[i] for i in order],
        [memories[i] for i in order if i in memories],
    )


def _generators(
    given: torch.Generator | Sequence[torch.Generator] | None, count: int
) -> list[torch.Generator]:
    """One a request, on the CPU."""
    if isinstance(given, Sequence):
        if len(given) != count:
            raise UserError(f"{len(given)} generators for {count} images: give one for each")
        return list(given)
    source = given or torch.Generator("cpu").manual_seed(0)
    numbers = torch.randint(1 << 62, (count,), generator=source).tolist()
    return [torch.Generator("cpu").manual_seed(number) for number in numbers]
