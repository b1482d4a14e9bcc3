"""A layer: a tower for words and one for video, and the attention that joins them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genreason.model import attention
from genreason.model.attention import Mask
from genreason.model.rotary import rotated


class Mlp(nn.Module):
    """Gated: down(silu(gate(x)) * up(x))."""

    def __init__(self, width: int, inner: int) -> None:
        """No biases."""
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """As wide as it came."""
        found: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return found


class Tower(nn.Module):
    """One modality's part of a layer; names as in Hugging Face's Llama and Qwen."""

    def __init__(
        self, width: int, heads: int, kv_heads: int, head_dim: int, inner: int, eps: float, qk_norm: bool,
        qkv_bias: bool,
    ) -> None:  # fmt: skip
        """Sizes as the config has them."""
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = heads, kv_heads, head_dim
        self.input_layernorm = nn.RMSNorm(width, eps=eps)
        self.q_proj = nn.Linear(width, heads * head_dim, bias=qkv_bias)
        self.k_proj = nn.Linear(width, kv_heads * head_dim, bias=qkv_bias)
        self.v_proj = nn.Linear(width, kv_heads * head_dim, bias=qkv_bias)
        self.o_proj = nn.Linear(heads * head_dim, width, bias=False)
        self.q_norm = nn.RMSNorm(head_dim, eps=eps) if qk_norm else nn.Identity()
        self.k_norm = nn.RMSNorm(head_dim, eps=eps) if qk_norm else nn.Identity()
        self.post_attention_layernorm = nn.RMSNorm(width, eps=eps)
        self.mlp = Mlp(width, inner)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, heads, N, head_dim), not yet turned by their positions."""
        h = self.input_layernorm(x)
        # Sizes are spelt out: in a batch without tokens of this modality they could not be told.
        queries, keys = ((*h.shape[:2], heads, self.head_dim) for heads in (self.heads, self.kv_heads))
        q = self.q_norm(self.q_proj(h).view(queries)).transpose(1, 2)
        k = self.k_norm(self.k_proj(h).view(keys)).transpose(1, 2)
        return q, k, self.v_proj(h).view(keys).transpose(1, 2)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """The layer's output from its input and what its tokens attended to (B, N, heads * head_dim)."""
        x = x + self.o_proj(attended)
        found: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return found


class TV2TVBlock(nn.Module):
    """A layer: two towers and the attention that joins them."""

    def __init__(self, **sizes: Any) -> None:
        """Towers of the same sizes."""
        super().__init__()
        self.text, self.video = Tower(**sizes), Tower(**sizes)

    def forward(
        self, text: Tensor, video: Tensor, turn: tuple[Tensor, Tensor], mask: Mask, past: Any = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One layer.

        Args:
            text: (B, text tokens, D).
            video: (B, video tokens, D).
            turn: cosines and sines of all tokens' positions, text first.
            mask: who sees whom; over the past first, where there is one.
            past: keys and values (B, heads, length, head_dim) of the cache.

        Returns:
            Text, video, and the new keys and values.
        """
        # A tower without tokens is left out at inference only: in training every process must run both.
        both = bool(text.shape[1] and video.shape[1]) or torch.is_grad_enabled()
        if both:
            pairs = zip(self.text.project(text), self.video.project(video), strict=True)
            q, k, v = (torch.cat(pair, 2) for pair in pairs)
        else:
            q, k, v = self.text.project(text) if text.shape[1] else self.video.project(video)
        q, k = rotated(q, *turn), rotated(k, *turn)
        keys, values = (k, v) if past is None else (torch.cat([past[0], k], 2), torch.cat([past[1], v], 2))
        attended = attention.attend(q, keys, values, mask)
        if both or text.shape[1]:
            text = self.text.finish(text, attended[:, : text.shape[1]])
        if both or video.shape[1]:
            video = self.video.finish(video, attended[:, attended.shape[1] - video.shape[1] :])
        return text, video, k, v
