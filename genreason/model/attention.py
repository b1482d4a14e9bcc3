"""The attention that both towers share: dense on a CPU, flex attention where a block mask is given."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from genreason.model.layout import Layout, mask_mod

Mask = Tensor | BlockMask | None
MULTIPLE = 128  # tokens to which flex attention's blocks are cut


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> Tensor:
    """(B, N, heads * head_dim) of queries (B, heads, N, head_dim) over keys; None sees everything."""
    grouped = q.shape[1] != k.shape[1]
    if isinstance(mask, BlockMask):
        found: Tensor = _flex(q.device.type)(q, k, v, block_mask=mask, enable_gqa=grouped)
    else:
        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped)
    return found.transpose(1, 2).flatten(2)


def block_mask(layout: Layout, rows: int) -> BlockMask:
    """The layout's mask for flex attention; made outside of what is compiled."""
    tags = layout.tags
    batch = rows if tags.kind.shape[0] > 1 else None
    count = len(tags)
    return create_block_mask(
        mask_mod(tags, tags), batch, None, count, count, device=str(tags.kind.device), BLOCK_SIZE=MULTIPLE
    )


@functools.cache
def _flex(device: str) -> Any:
    """Compiled where there is a GPU: eager flex attention keeps all scores in memory."""
    return torch.compile(flex_attention) if device == "cuda" else flex_attention
