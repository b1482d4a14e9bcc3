"""The seam between a family of image-to-video models and their training.

A spec knows how its pipeline makes the denoiser's inputs, and makes the same ones for training: the tests
hold that its `forward` calls the denoiser with what the pipeline itself would pass, to 1e-5.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import PIL.Image
import torch
from torch import Tensor

from genreason.generate.models import ModelOptions

Tensors = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Latents:
    """A batch in latent space: clean `x0` (B, ...) in the denoiser's layout, and what conditions it."""

    x0: Tensor
    condition: Tensors


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the denoiser said and should have said, over the latent frames that are trained (both B, ...)."""

    prediction: Tensor
    target: Tensor


class ModelSpec(ABC):
    """One family.

    Attributes:
        pipeline: the diffusers class.
        targets: endings of the layers that a LoRA is put on.
        text_parts: components that encode prompts.
        clip_parts: components that encode clips and first frames.
        levels: how noise levels are drawn where nothing else is asked for.
    """

    pipeline: str
    targets: tuple[str, ...]
    text_parts: tuple[str, ...] = ("tokenizer", "text_encoder")
    clip_parts: tuple[str, ...] = ("vae",)
    denoisers: tuple[str, ...] = ("transformer",)
    levels = "uniform"

    def __init__(self, options: ModelOptions, name: str) -> None:
        """A spec for a model with these options (size, frames, rate) and the name of its card."""
        self.options, self.name = options, name

    def load(self, *groups: Sequence[str]) -> Any:
        """The pipeline with these groups of components only; the scheduler is always there.

        Raises:
            UserError: no weights, or not those of this class.
        """
        from genreason.generate import models, pipelines

        wanted = {part for group in groups for part in group}
        every = {*self.text_parts, *self.clip_parts, *self.denoisers}
        absent: dict[str, Any] = dict.fromkeys(sorted(every - wanted))
        found = models.class_of(self.pipeline, self.name)
        return pipelines.load(found, self.options, self.name, **absent)

    @abstractmethod
    def encode_prompts(self, pipe: Any, prompts: Sequence[str]) -> list[Tensors]:
        """What the denoiser is told of each prompt, without a batch axis."""

    @abstractmethod
    def encode_clip(self, pipe: Any, video_CTHW: Tensor, picture: PIL.Image.Image) -> Tensors:
        """Moments (not samples) of a clip in [-1, 1] and of its first frame, without a batch axis.

        They are normalised as the denoiser wants its latents, so that training needs no autoencoder.
        """

    @abstractmethod
    def latents(self, moments: Tensors, generators: Sequence[torch.Generator]) -> Latents:
        """Draw latents from moments (B, ...), each with its own generator."""

    @abstractmethod
    def forward(
        self, pipe: Any, model: Any, latents: Latents, prompts: Tensors, noise: Tensor, sigma: Tensor
    ) -> Predicted:
        """Call the denoiser on x0 mixed with this noise at these levels (B,).

        The same noise makes input and target.
        """

    def shift(self, pipe: Any, x0: Tensor) -> float:
        """By how much noise levels are shifted for latents of this shape."""
        return float(pipe.scheduler.config.get("shift", None) or pipe.scheduler.config.get("flow_shift", 1.0))

    def experts(self, pipe: Any) -> dict[str, tuple[float, float]]:
        """Denoisers with the noise levels that each is for."""
        return {"transformer": (0.0, 1.0)}

    def latent_shape(self, moments: Mapping[str, Tensor]) -> tuple[int, ...]:
        """What must be equal in a batch: (frames, height, width) of a clip's latents."""
        return tuple(moments["mean"].shape[1:])


def drawn(mean: Tensor, logvar: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Samples of diagonal Gaussians (B, ...), each from its own generator."""
    noise = torch.stack(
        [torch.randn(tuple(m.shape), generator=g) for m, g in zip(mean, generators, strict=True)]
    )
    return mean + torch.exp(0.5 * logvar.clamp(-30, 20)) * noise.to(mean)


def moments_of(vae: Any, video_CTHW: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance (C, T, H, W) of a clip in [-1, 1]."""
    parameter = next(vae.parameters())
    given = video_CTHW.unsqueeze(0).to(parameter.device, parameter.dtype)
    found = vae.encode(given).latent_dist
    return found.mean[0].float(), found.logvar[0].float()


def model_config(model: Any) -> Any:
    """The denoiser's config, whatever it is wrapped in."""
    inner = model.module if hasattr(model, "module") else model
    return inner.config


def model_dtype(model: Any) -> torch.dtype:
    """The dtype of the denoiser's frozen weights."""
    inner = model.module if hasattr(model, "module") else model
    frozen = [p for p in inner.parameters() if not p.requires_grad and p.is_floating_point()]
    found: torch.dtype = (frozen or list(inner.parameters()))[-1].dtype
    return found
