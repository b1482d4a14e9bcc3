"""Rotary position embeddings on three axes: time, row, column."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import torch
from torch import Tensor

from genreason.model.layout import Axes


def frequencies(
    head_dim: int, theta: float, sections: Sequence[int], axes: Axes, given: Sequence[float] | None
) -> tuple[Tensor, Tensor]:
    """The angle per position of each pair of channels, and the axis that turns it; both (head_dim / 2,).

    Args:
        head_dim: channels of a head.
        theta: base.
        sections: pairs of each axis; they sum up to head_dim / 2.
        axes: "joint": one falling series over all pairs, as in a language model. "split": one for each axis.
        given: the series of "joint", where a language model has one of its own.
    """
    half = head_dim // 2
    axis = torch.repeat_interleave(torch.arange(3), torch.tensor(list(sections)))
    if given is not None:
        return torch.tensor(list(given), dtype=torch.float32), axis
    if axes == "joint":
        exponent = torch.arange(half, dtype=torch.float64) / half
    else:
        exponent = torch.cat([torch.arange(n, dtype=torch.float64) / max(n, 1) for n in sections])
    return (theta**-exponent).float(), axis


def angles(position: Tensor, frequency: Tensor, axis: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines (B, 1, N, head_dim) of positions (B, N, 3), in float32 at any autocast.

    Sines of the first half are negative, as `rotated` wants them.
    """
    kind = position.device.type
    known = torch.amp.is_autocast_available(kind)  # the meta device has none
    with torch.autocast(kind, enabled=False) if known else contextlib.nullcontext():
        turn = (position.float()[..., axis] * frequency)[:, None]
        cos, sin = turn.cos() * scale, turn.sin() * scale
        return torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Queries or keys (B, heads, N, head_dim), turned; the pairs are (i, i + head_dim / 2)."""
    return (x * cos + x.roll(x.shape[-1] // 2, -1) * sin).to(x.dtype)
