"""From frames to the latents of frame chunks and back: raw pixels, or a causal video autoencoder.

One interface for both. A clip is encoded whole, never chunk by chunk: a causal autoencoder says of a frame
what it is after those before it.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor
from torch.nn import functional

from genreason.types import UserError


class Codec(Protocol):
    """Between clips (B, 3, frames, H, W) in [-1, 1] and latents (B, chunks, C, h, w)."""

    token: int
    """Pixels a side of a latent."""
    frames: int
    """Frames of a chunk; the first has one."""
    channels: int
    """Of a latent."""

    def encode(self, clip_BCTHW: Tensor) -> Tensor:
        """Latents of a whole clip; the first chunk is the first frame."""
        ...

    def decode(self, latents_BKCHW: Tensor, since: int = 0) -> Tensor:
        """Frames of the chunks from number `since` on, given all chunks from the first on."""
        ...


class PixelCodec(ModelMixin, ConfigMixin):
    """Space to depth: for worlds so small that a token can hold its pixels.

    Args:
        patch: pixels a side that become one latent.
    """

    frames = 1

    @register_to_config
    def __init__(self, patch: int = 12) -> None:
        """No weights."""
        super().__init__()
        self.register_buffer("unit", torch.ones(()), persistent=True)  # save_pretrained wants a tensor

    @property
    def token(self) -> int:
        """Pixels a side of a latent."""
        return int(self.config.patch)

    @property
    def channels(self) -> int:
        """Of a latent."""
        return 3 * self.token**2

    def encode(self, clip_BCTHW: Tensor) -> Tensor:
        """A chunk is a frame."""
        return functional.pixel_unshuffle(clip_BCTHW.transpose(1, 2), self.token)

    def decode(self, latents_BKCHW: Tensor, since: int = 0) -> Tensor:
        """See `Codec.decode`."""
        return functional.pixel_shuffle(latents_BKCHW[:, since:], self.token).transpose(1, 2)


class VaeCodec:
    """A causal video autoencoder of diffusers: the first chunk is one frame, each other one several.

    Latents are normalised with the autoencoder's own means and deviations, or its scaling factor.
    """

    def __init__(self, vae: Any) -> None:
        """An AutoencoderKLWan, AutoencoderKLCosmos or another with the same interface."""
        self.vae = vae
        config = vae.config
        self.token = int(_factor(config, ("scale_factor_spatial", "spatial_compression_ratio"), 8))
        self.channels = int(_factor(config, ("z_dim", "latent_channels"), 16))
        self.frames = int(_factor(config, ("scale_factor_temporal", "temporal_compression_ratio"), 4))
        mean, std = config.get("latents_mean"), config.get("latents_std")
        self._mean = torch.tensor(mean if mean is not None else 0.0).view(-1, 1, 1)
        scale = 1 / float(config.get("scaling_factor", None) or 1.0)
        self._std = torch.tensor(std if std is not None else scale).view(-1, 1, 1)

    def encode(self, clip_BCTHW: Tensor) -> Tensor:
        """Modes, not samples."""
        mode = (
            self.vae.encode(clip_BCTHW.to(next(self.vae.parameters())))
            .latent_dist.mode()
            .float()
            .transpose(1, 2)
        )
        found: Tensor = (mode - self._mean.to(mode)) / self._std.to(mode)
        return found

    def decode(self, latents_BKCHW: Tensor, since: int = 0) -> Tensor:
        """See `Codec.decode`."""
        raw = latents_BKCHW * self._std.to(latents_BKCHW) + self._mean.to(latents_BKCHW)
        frames: Tensor = self.vae.decode(raw.transpose(1, 2).to(self._dtype)).sample.float()
        return frames[:, :, 0 if since == 0 else 1 + (since - 1) * self.frames :].clamp(-1, 1)

    @property
    def _dtype(self) -> torch.dtype:
        found: torch.dtype = next(self.vae.parameters()).dtype
        return found


def codec_of(vae: Any) -> Codec:
    """The codec that a component of a pipeline is.

    Raises:
        UserError: it is neither a PixelCodec nor a video autoencoder.
    """
    if isinstance(vae, PixelCodec):
        found: Codec = vae
        return found
    if not (hasattr(vae, "encode") and hasattr(vae, "decode")):
        raise UserError(
            f"{type(vae).__name__} is no video autoencoder: take a PixelCodec or AutoencoderKLWan"
        )
    return VaeCodec(vae)


def _factor(config: Any, names: tuple[str, ...], usual: int) -> int:
    for name in names:
        if config.get(name) is not None:
            return int(config[name])
    return usual
