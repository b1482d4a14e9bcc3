"""LTX-Video: packed tokens, the first latent frame clean with timestep 0, positions in seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import PIL.Image
import torch
from torch import Tensor

from genreason.train import flow
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

STEPS = 1000


class LtxSpec(ModelSpec):
    """LTX-Video up to 0.9.5 (`LTXImageToVideoPipeline`)."""

    pipeline = "LTXImageToVideoPipeline"
    targets = ("to_q", "to_k", "to_v", "to_out.0")
    levels = "logit_normal"

    def encode_prompts(self, pipe: Any, prompts: Sequence[str]) -> list[Tensors]:
        """T5 embeddings (128, D) and which of them are of the prompt."""
        embeds, mask, _, _ = pipe.encode_prompt(
            list(prompts), do_classifier_free_guidance=False, device=pipe.text_encoder.device
        )
        return [{"text": e, "mask": m} for e, m in zip(embeds, mask.long(), strict=True)]

    def encode_clip(self, pipe: Any, video_CTHW: Tensor, picture: PIL.Image.Image) -> Tensors:
        """Moments of clip and first frame, and pixels per latent (frames, rows, columns)."""
        mean, logvar = moments_of(pipe.vae, video_CTHW)
        first, first_logvar = moments_of(pipe.vae, video_CTHW[:, :1])
        shift, scale = (v.view(-1, 1, 1, 1) for v in (pipe.vae.latents_mean, pipe.vae.latents_std))
        shift, scale = shift.to(mean), scale.to(mean) / pipe.vae.config.scaling_factor
        spread = 2 * scale.log()
        factors = pipe.vae_temporal_compression_ratio, pipe.vae_spatial_compression_ratio
        return {
            "mean": (mean - shift) / scale,
            "logvar": logvar - spread,
            "first": (first - shift) / scale,
            "first_logvar": first_logvar - spread,
            "factors": torch.tensor(factors, dtype=torch.float32),
        }

    def latents(self, moments: Tensors, generators: Sequence[torch.Generator]) -> Latents:
        """First frame and clip, each drawn as the pipeline draws its first frame."""
        first = drawn(moments["first"], moments["first_logvar"], generators)
        x0 = drawn(moments["mean"], moments["logvar"], generators)
        x0[:, :, :1] = first
        return Latents(x0, {"factors": moments["factors"]})

    def forward(
        self, pipe: Any, model: Any, latents: Latents, prompts: Tensors, noise: Tensor, sigma: Tensor
    ) -> Predicted:
        """See `ModelSpec.forward`; latents B C T H W, packed for the denoiser."""
        config = model_config(model)
        x0 = latents.x0
        mixed = flow.mixed(x0, noise, sigma)
        mixed[:, :, :1] = x0[:, :, :1]
        frames, height, width = x0.shape[2:]
        clean = torch.zeros_like(x0[:, :1])
        clean[:, :, 0] = 1
        sizes = config.patch_size, config.patch_size_t
        clean = pipe._pack_latents(clean, *sizes).squeeze(-1)
        steps = (sigma.to(x0.device, torch.float32) * STEPS).unsqueeze(-1) * (1 - clean)
        temporal, spatial = latents.condition["factors"][0].tolist()
        dtype = model_dtype(model)
        packed = model(
            hidden_states=pipe._pack_latents(mixed, *sizes).to(dtype),
            encoder_hidden_states=prompts["text"].to(dtype),
            timestep=steps,
            encoder_attention_mask=prompts["mask"],
            num_frames=frames,
            height=height,
            width=width,
            rope_interpolation_scale=(temporal / self.options.fps, spatial, spatial),
            return_dict=False,
        )[0]
        prediction = pipe._unpack_latents(packed, frames, height, width, *sizes)
        return Predicted(prediction[:, :, 1:], (noise - x0)[:, :, 1:])

    def shift(self, pipe: Any, x0: Tensor) -> float:
        """More for longer sequences, as the pipeline's scheduler does it."""
        config = pipe.scheduler.config
        tokens = math.prod(x0.shape[2:])
        slope = (config.max_shift - config.base_shift) / (
            config.max_image_seq_len - config.base_image_seq_len
        )
        return math.exp(config.base_shift + slope * (tokens - config.base_image_seq_len))
