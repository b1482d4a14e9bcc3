"""Wan 2.1 I2V, Wan 2.2 TI2V (a timestep per token) and Wan 2.2 A14B (two experts)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import PIL.Image
import torch
from torch import Tensor

from genreason.train import flow
from genreason.train.spec import Latents, ModelSpec, Predicted, Tensors, model_config, model_dtype, moments_of

TOKENS = 512
STEPS = 1000  # timestep = sigma * STEPS


class WanSpec(ModelSpec):
    """All Wan pipelines that take an image.

    TI2V (`expand_timesteps`): the first latent frame is the clean first picture, its tokens have timestep 0,
    and it is out of the loss. The others get mask and encoded first frame as more channels (2.1 also what
    CLIP says of it), and every latent frame is trained.
    """

    pipeline = "WanImageToVideoPipeline"
    targets = ("to_q", "to_k", "to_v", "to_out.0", "ffn.net.0.proj", "ffn.net.2")
    clip_parts = ("vae", "image_encoder", "image_processor")
    denoisers = ("transformer", "transformer_2")

    def encode_prompts(self, pipe: Any, prompts: Sequence[str]) -> list[Tensors]:
        """T5 embeddings (512, D), zero after the prompt's end."""
        found, _ = pipe.encode_prompt(
            list(prompts),
            do_classifier_free_guidance=False,
            max_sequence_length=TOKENS,  # of the pipeline's call; its encode_prompt alone takes fewer
            device=pipe.text_encoder.device,
        )
        return [{"text": each} for each in found]

    def encode_clip(self, pipe: Any, video_CTHW: Tensor, picture: PIL.Image.Image) -> Tensors:
        """Moments of clip and first frame; the first frame, with empty successors where channels hold it."""
        config = pipe.vae.config
        mean, logvar = moments_of(pipe.vae, video_CTHW)
        first = video_CTHW[:, :1]
        if not pipe.config.expand_timesteps:
            first = torch.cat([first, torch.zeros_like(video_CTHW[:, 1:])], 1)
        shift, scale = (
            torch.tensor(v, device=mean.device).view(-1, 1, 1, 1)
            for v in (config.latents_mean, config.latents_std)
        )
        found = {
            "mean": (mean - shift) * (1 / scale),
            "logvar": logvar - 2 * scale.log(),
            "first": (moments_of(pipe.vae, first)[0] - shift) * (1 / scale),
        }
        if pipe.image_encoder is not None:
            found["image"] = pipe.encode_image(picture, pipe.image_encoder.device)[0]
        return found

    def latents(self, moments: Tensors, generators: Sequence[torch.Generator]) -> Latents:
        """Means: the pipeline takes the mode of the first frame too."""
        condition: Tensors = {name: moments[name] for name in ("first", "image") if name in moments}
        return Latents(moments["mean"], condition)

    def forward(
        self, pipe: Any, model: Any, latents: Latents, prompts: Tensors, noise: Tensor, sigma: Tensor
    ) -> Predicted:
        """See `ModelSpec.forward`; latents B C T H W."""
        mixed = flow.mixed(latents.x0, noise, sigma)
        target = noise - latents.x0
        first = latents.condition["first"]
        steps = sigma.to(mixed.device, torch.float32) * STEPS
        clean = 0
        if pipe.config.expand_timesteps:
            mask = torch.ones_like(mixed[:, :1])
            mask[:, :, 0] = 0
            mixed = (1 - mask) * first + mask * mixed
            patch = model_config(model).patch_size
            tokens = mask[:, 0, :, :: patch[1], :: patch[2]]
            steps = (tokens * flow.spread(steps, tokens)).flatten(1)
            clean = 1
        else:
            mixed = torch.cat([mixed, self._mask(first, pipe.vae_scale_factor_temporal), first], 1)
        dtype = model_dtype(model)
        image = latents.condition.get("image")
        prediction = model(
            hidden_states=mixed.to(dtype),
            timestep=steps,
            encoder_hidden_states=prompts["text"].to(dtype),
            encoder_hidden_states_image=None if image is None else image.to(dtype),
            return_dict=False,
        )[0]
        return Predicted(prediction[:, :, clean:], target[:, :, clean:])

    def _mask(self, first: Tensor, times: int) -> Tensor:
        """One for the pixels' frames that are given: all of the first latent frame's (B, times, T, H, W)."""
        mask = torch.zeros_like(first[:, :1]).repeat(1, times, 1, 1, 1)
        mask[:, :, 0] = 1
        return mask

    def experts(self, pipe: Any) -> dict[str, tuple[float, float]]:
        """Both of A14B, split where the pipeline changes from one to the other."""
        boundary = pipe.config.boundary_ratio
        if boundary is None:
            return super().experts(pipe)
        return {"transformer": (boundary, 1.0), "transformer_2": (0.0, boundary)}
