"""Between a frame chunk's latents and its tokens: linear patches (out of them an MLP, too), or a small U-Net.

A chunk is one latent frame (C, H, W); both see one chunk at a time, so that no mask can be got around.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Skip = Tensor | None
PatchIO = Literal["linear", "unet"]


class LinearPatches(nn.Module):
    """Patches of p x p latents as tokens, by one matrix in and one out; an MLP may add to the latter.

    A matrix alone reaches no more different pictures than a token has channels.
    """

    def __init__(self, channels: int, patch: int, width: int, hidden: int = 0) -> None:
        """For latents of so many channels, tokens of this width; `hidden`: units of the MLP, 0 for none."""
        super().__init__()
        self.patch = patch
        self.inward = nn.Linear(channels * patch * patch, width)
        self.outward = nn.Linear(width, channels * patch * patch)
        if hidden:
            self.finer_in = nn.Linear(width, hidden)
            self.finer_out = nn.Linear(hidden, channels * patch * patch)
        self.hidden = hidden

    def encode(self, latents_NCHW: Tensor, time_ND: Tensor) -> tuple[Tensor, Skip]:
        """Tokens (N, P, D) in reading order; the level of noise is added to each."""
        tokens = self.inward(functional.pixel_unshuffle(latents_NCHW, self.patch).flatten(2).transpose(1, 2))
        return tokens + time_ND[:, None], None

    def decode(self, tokens_NPD: Tensor, time_ND: Tensor, grid: tuple[int, int], skip: Skip) -> Tensor:
        """The inverse: (N, C, H, W)."""
        found = self.outward(tokens_NPD)
        if self.hidden:
            found = found + self.finer_out(functional.silu(self.finer_in(tokens_NPD)))
        flat = found.transpose(1, 2).reshape(len(tokens_NPD), -1, *grid)
        return functional.pixel_shuffle(flat, self.patch)

    def silence(self) -> None:
        """Let all that comes out be zero."""
        for layer in (self.outward, *([self.finer_out] if self.hidden else [])):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)


class UNetPatches(nn.Module):
    """A ResNet block at full size, a strided convolution to tokens, and the way back with a skip."""

    def __init__(self, channels: int, patch: int, width: int, inner: int) -> None:
        """`inner`: channels at full size."""
        super().__init__()
        self.first = nn.Conv2d(channels, inner, 3, padding=1)
        self.down = _Residual(inner, inner, width)
        self.inward = nn.Conv2d(inner, width, patch, stride=patch)
        self.back = nn.ConvTranspose2d(width, inner, patch, stride=patch)
        self.up = _Residual(2 * inner, inner, width)
        self.outward = nn.Conv2d(inner, channels, 3, padding=1)

    def encode(self, latents_NCHW: Tensor, time_ND: Tensor) -> tuple[Tensor, Skip]:
        """Tokens (N, P, D) in reading order, and what the way back is given of the full size."""
        fine = self.down(self.first(latents_NCHW), time_ND)
        tokens = self.inward(fine).flatten(2).transpose(1, 2)
        return tokens + time_ND[:, None], fine

    def decode(self, tokens_NPD: Tensor, time_ND: Tensor, grid: tuple[int, int], skip: Skip) -> Tensor:
        """(N, C, H, W)."""
        assert skip is not None
        coarse = self.back(tokens_NPD.transpose(1, 2).reshape(len(tokens_NPD), -1, *grid))
        found: Tensor = self.outward(self.up(torch.cat([coarse, skip], 1), time_ND))
        return found

    def silence(self) -> None:
        """Let all that comes out be zero."""
        for parameter in self.outward.parameters():
            nn.init.zeros_(parameter)


def patches(
    channels: int, patch: int, width: int, how: PatchIO, inner: int, hidden: int
) -> LinearPatches | UNetPatches:
    """Between latents and tokens of this width; `inner` is for the U-Net, `hidden` for linear patches."""
    if how == "linear":
        return LinearPatches(channels, patch, width, hidden)
    return UNetPatches(channels, patch, width, inner)


class _Residual(nn.Module):
    """Two convolutions that know the level of noise."""

    def __init__(self, before: int, after: int, width: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.GroupNorm(1, before), nn.GroupNorm(1, after)
        self.conv_1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv_2 = nn.Conv2d(after, after, 3, padding=1)
        self.time = nn.Linear(width, after)
        self.short = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x_NCHW: Tensor, time_ND: Tensor) -> Tensor:
        """(N, after, H, W)."""
        inner = self.conv_1(functional.silu(self.norm_1(x_NCHW)))
        inner = inner + self.time(functional.silu(time_ND))[..., None, None]
        inner = self.conv_2(functional.silu(self.norm_2(inner)))
        found: Tensor = self.short(x_NCHW) + inner
        return found


class Level(nn.Module):
    """The level of noise (N,) in [0, 1] as a vector (N, D)."""

    def __init__(self, width: int, waves: int = 64) -> None:
        """With so many sines and cosines inside."""
        super().__init__()
        self.waves = waves
        self.linear_1, self.linear_2 = nn.Linear(waves, width), nn.Linear(width, width)

    def forward(self, sigma_N: Tensor) -> Tensor:
        """(N, D)."""
        half = self.waves // 2
        turn = torch.exp(torch.arange(half, device=sigma_N.device) * (-6.9 / max(half - 1, 1)))
        phase = sigma_N.float()[:, None] * 1000 * turn
        waves = torch.cat([phase.cos(), phase.sin()], -1).to(self.linear_1.weight.dtype)
        found: Tensor = self.linear_2(functional.silu(self.linear_1(waves)))
        return found
