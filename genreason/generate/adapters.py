"""What is particular about calling each pipeline class. A new class is one entry here, and often none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.generate.models import ModelOptions
from genreason.types import Frame, UserError

Video = npt.NDArray[np.uint8]
"""THWC RGB."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of a pipeline: pictures of one size, their prompts, and a generator of noise each."""

    pictures: Sequence[Frame]
    prompts: Sequence[str]
    generators: Sequence[Any]


class Adapter:
    """Calls image-to-video pipelines that take image, prompt, size, steps and guidance, one at a time."""

    batched = False
    sized = True
    """Whether the call takes width, height and guidance, or has them from elsewhere."""

    def prepare(self, pipe: Any, options: ModelOptions) -> None:
        """Change a pipeline that was just loaded."""

    def size(self, pipe: Any, wanted: tuple[int, int]) -> tuple[int, int]:
        """The size (width, height) of the clip where this one is wanted; first frames are brought to it."""
        return wanted

    def can_batch(self, pipe: Any) -> bool:
        """Whether different first frames may go in one call."""
        return self.batched

    def call(self, pipe: Any, options: ModelOptions, ask: Ask) -> list[Video]:
        """The clips of one call."""
        one = not self.can_batch(pipe)
        if one and len(ask.prompts) > 1:
            return [
                self.call(pipe, options, Ask([picture], [prompt], [generator]))[0]
                for picture, prompt, generator in zip(ask.pictures, ask.prompts, ask.generators, strict=True)
            ]
        found = pipe(**{**self.arguments(pipe, options, ask), **options.call})
        return [_video(frames) for frames in found.frames]

    def arguments(self, pipe: Any, options: ModelOptions, ask: Ask) -> dict[str, Any]:
        """Arguments of the pipeline's call."""
        height, width = ask.pictures[0].shape[:2]
        named: dict[str, Any] = {
            "image": self.image(pipe, ask.pictures),
            "prompt": list(ask.prompts),
            "negative_prompt": [options.negative_prompt] * len(ask.prompts),
            "num_frames": options.frames,
            "num_inference_steps": options.steps,
            "generator": list(ask.generators),
            "output_type": "np",
        }
        if self.sized:
            named |= {"height": height, "width": width, "guidance_scale": options.guidance}
        return named

    def image(self, pipe: Any, pictures: Sequence[Frame]) -> Any:
        """The pictures as the pipeline takes them."""
        import PIL.Image

        images = [PIL.Image.fromarray(picture) for picture in pictures]
        return images if self.can_batch(pipe) else images[0]


class Batched(Adapter):
    """Pipelines that encode a list of images, each with its own generator."""

    batched = True


class Wan(Adapter):
    """Wan 2.1 and 2.2. The pipeline repeats its images by the batch: each is encoded on its own instead."""

    def can_batch(self, pipe: Any) -> bool:
        """All but Wan 2.1, which also repeats what its image encoder makes of them."""
        transformer = pipe.transformer if pipe.transformer is not None else pipe.transformer_2
        return transformer.config.image_dim is None

    def prepare(self, pipe: Any, options: ModelOptions) -> None:
        """Make `prepare_latents` encode each image once, with its own generator."""
        if self.can_batch(pipe):
            pipe.prepare_latents = _each(pipe.prepare_latents)

    def arguments(self, pipe: Any, options: ModelOptions, ask: Ask) -> dict[str, Any]:
        """With the guidance of the second expert, where there is one."""
        named = super().arguments(pipe, options, ask)
        if pipe.config.boundary_ratio is not None:
            named["guidance_scale_2"] = options.guidance_2
        return named

    def image(self, pipe: Any, pictures: Sequence[Frame]) -> Any:
        """A tensor BCHW in [0, 1], as the pipeline takes no list; where it cannot batch, a picture."""
        if not self.can_batch(pipe):
            return super().image(pipe, pictures)
        import torch

        return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def _each(prepare: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    def prepare_latents(image: Any, batch_size: int, *args: Any) -> tuple[Any, ...]:
        import torch

        *middle, generators, latents, last_image = args
        if not isinstance(generators, list) or latents is not None or last_image is not None:
            return prepare(image, batch_size, *args)
        found = [
            prepare(image[i : i + 1], 1, *middle, [generators[i]], None, None) for i in range(batch_size)
        ]
        # TI2V returns a mask besides, the same for all.
        both = torch.cat([f[0] for f in found]), torch.cat([f[1] for f in found])
        return (*both, *found[0][2:])

    return prepare_latents


class Ltx(Batched):
    """LTX: it is told the frame rate."""

    def arguments(self, pipe: Any, options: ModelOptions, ask: Ask) -> dict[str, Any]:
        """With the frame rate."""
        return {**super().arguments(pipe, options, ask), "frame_rate": options.fps}


class Ltx2(Ltx):
    """LTX-2. It compresses the first frame as its training did, which it can do for one picture only."""

    batched = False


class Hunyuan(Adapter):
    """HunyuanVideo 1.5: its guider holds the scale, and it chooses the size from the image's aspect.

    What does not have that size it would cut off at the sides, and with it a part of the puzzle.
    """

    sized = False

    def size(self, pipe: Any, wanted: tuple[int, int]) -> tuple[int, int]:
        """One that the pipeline keeps. Its choice for some of its own sizes is the next squarer one."""
        choose = pipe.video_processor.calculate_default_height_width
        height, width = choose(height=wanted[1], width=wanted[0], target_size=pipe.target_size)
        size = int(width), int(height)
        return size if size == wanted else self.size(pipe, size)

    def prepare(self, pipe: Any, options: ModelOptions) -> None:
        """Set the guidance scale."""
        pipe.guider = pipe.guider.new(guidance_scale=options.guidance)


class Cosmos(Adapter):
    """Cosmos-Predict2: it is told the frame rate, as a whole number."""

    def arguments(self, pipe: Any, options: ModelOptions, ask: Ask) -> dict[str, Any]:
        """With the frame rate."""
        return {**super().arguments(pipe, options, ask), "fps": round(options.fps)}


ADAPTERS: dict[str, Adapter] = {
    "WanImageToVideoPipeline": Wan(),
    "LTXImageToVideoPipeline": Ltx(),
    "LTX2ImageToVideoPipeline": Ltx2(),
    "CogVideoXImageToVideoPipeline": Batched(),
    "HunyuanVideo15ImageToVideoPipeline": Hunyuan(),
    "SkyReelsV2ImageToVideoPipeline": Adapter(),
    "Cosmos2VideoToWorldPipeline": Cosmos(),
}
"""By pipeline class."""


def find(pipeline: str, name: str) -> Adapter:
    """The adapter of a pipeline class.

    Raises:
        UserError: none was written.
    """
    if pipeline not in ADAPTERS:
        raise UserError(
            f"generator {name}: no adapter for the pipeline {pipeline} (there is {', '.join(ADAPTERS)}): "
            "add one to genreason.generate.adapters.ADAPTERS"
        )
    return ADAPTERS[pipeline]


def _video(frames: Any) -> Video:
    """Frames in [0, 1] as uint8; NaN, which half precision can bring about, becomes black."""
    values = np.nan_to_num(np.asarray(frames, np.float32))
    return np.asarray(np.round(values.clip(0, 1) * 255), np.uint8)
