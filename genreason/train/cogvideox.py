"""CogVideoX and CogVideoX 1.5: the first frame as more channels, v-prediction on a DDIM schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import PIL.Image
import torch
from torch import Tensor

from genreason.train.flow import spread
from genreason.train.spec import (
    Latents,
    ModelSpec,
    Predicted,
    Tensors,
    drawn,
    model_config,
    model_dtype,
    moments_of,
)

OFS = 2.0  # what the pipeline of 1.5 always passes


class CogVideoXSpec(ModelSpec):
    """A noise level is timestep / 1000 of the scheduler; the target is the velocity a * noise - s * x0.

    Latents are B T C H W. Every latent frame is trained; 1.5 puts a copy of the first before an odd number of
    them, as its denoiser takes them two by two (the pipeline drops that one).
    """

    pipeline = "CogVideoXImageToVideoPipeline"
    targets = ("to_q", "to_k", "to_v", "to_out.0")

    def encode_prompts(self, pipe: Any, prompts: Sequence[str]) -> list[Tensors]:
        """T5 embeddings (226, D)."""
        found, _ = pipe.encode_prompt(
            list(prompts), do_classifier_free_guidance=False, device=pipe.text_encoder.device
        )
        return [{"text": each} for each in found]

    def encode_clip(self, pipe: Any, video_CTHW: Tensor, picture: PIL.Image.Image) -> Tensors:
        """Moments of clip and first frame, scaled, and pixels per latent."""
        scale = torch.tensor(float(pipe.vae.config.scaling_factor))
        # The first version multiplies pictures too, 1.5 divides them: so were they trained.
        scale_first = 1 / scale if pipe.vae.config.invert_scale_latents else scale
        mean, logvar = moments_of(pipe.vae, video_CTHW)
        first, first_logvar = moments_of(pipe.vae, video_CTHW[:, :1])
        factors = pipe.vae_scale_factor_temporal, pipe.vae_scale_factor_spatial
        return {
            "mean": mean * scale.to(mean),
            "logvar": logvar + 2 * scale.log().to(mean),
            "first": first * scale_first.to(mean),
            "first_logvar": first_logvar + 2 * scale_first.log().to(mean),
            "factors": torch.tensor(factors, dtype=torch.float32),
        }

    def latents(self, moments: Tensors, generators: Sequence[torch.Generator]) -> Latents:
        """First frame, then clip, both drawn; the picture's channels are zero after the first frame."""
        first = drawn(moments["first"], moments["first_logvar"], generators)
        x0 = drawn(moments["mean"], moments["logvar"], generators)
        return Latents(x0.transpose(1, 2), {"first": first.transpose(1, 2), "factors": moments["factors"]})

    def forward(
        self, pipe: Any, model: Any, latents: Latents, prompts: Tensors, noise: Tensor, sigma: Tensor
    ) -> Predicted:
        """See `ModelSpec.forward`; noise as `latents.x0`."""
        config = model_config(model)
        x0, first = latents.x0, latents.condition["first"]
        if config.patch_size_t is not None and (odd := x0.shape[1] % config.patch_size_t):
            x0, noise = torch.cat([x0[:, :odd], x0], 1), torch.cat([_fresh(noise, odd), noise], 1)
        steps = timesteps(pipe, sigma).to(x0.device)
        table = pipe.scheduler.alphas_cumprod.to(x0.device)[steps]
        signal, level = spread(table.sqrt(), x0), spread((1 - table).sqrt(), x0)
        mixed, target = signal * x0 + level * noise, signal * noise - level * x0
        picture = torch.cat([first, torch.zeros_like(x0[:, 1:])], 1)
        dtype = model_dtype(model)
        prediction = model(
            hidden_states=torch.cat([mixed, picture], 2).to(dtype),
            encoder_hidden_states=prompts["text"].to(dtype),
            timestep=steps,
            ofs=None if config.ofs_embed_dim is None else mixed.new_full((1,), OFS).to(dtype),
            image_rotary_emb=self._positions(pipe, model, x0, latents.condition["factors"]),
            return_dict=False,
        )[0]
        return Predicted(prediction, target)

    def _positions(self, pipe: Any, model: Any, x0: Tensor, factors: Tensor) -> Any:
        config = model_config(model)
        if not config.use_rotary_positional_embeddings:
            return None
        spatial = int(factors[0, 1])
        pipe.vae_scale_factor_spatial = spatial  # of the autoencoder that made the latents, loaded or not
        pixels = x0.shape[3] * spatial, x0.shape[4] * spatial
        return pipe._prepare_rotary_positional_embeddings(*pixels, x0.shape[1], x0.device)

    def shift(self, pipe: Any, x0: Tensor) -> float:
        """The scheduler's table is the shift."""
        return 1.0


def timesteps(pipe: Any, sigma: Tensor) -> Tensor:
    """Whole timesteps for levels in [0, 1]."""
    last = pipe.scheduler.config.num_train_timesteps - 1
    found: Tensor = (sigma * (last + 1)).long().clamp(0, last)
    return found


def _fresh(noise: Tensor, count: int) -> Tensor:
    """Noise for the frames put in front: the other end's, mirrored, so that it depends on nothing new."""
    return -noise[:, -count:].flip(3, 4)
