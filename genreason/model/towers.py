"""A layer: a tower for words and one for video, and the attention that joins them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genreason.model import attention
from genreason.model.attention import Mask
from genreason.model.rotary import rotated

Past = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


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


class Fused:
    """A tower for generation: products with the same input are joined, so that a word takes few operations.

    Its weights are copies of the tower's: it is made anew with every cache.
    """

    def __init__(self, tower: Tower) -> None:
        """Of a tower as it is now."""
        parts = tower.q_proj, tower.k_proj, tower.v_proj
        self.heads, self.kv_heads, self.head_dim = tower.heads, tower.kv_heads, tower.head_dim
        # The scale of a norm is taken into the product behind it.
        self.qkv = torch.cat([part.weight for part in parts]) * tower.input_layernorm.weight
        self.bias = None if tower.q_proj.bias is None else torch.cat([part.bias for part in parts])
        self.scale: Tensor | None = None
        if isinstance(tower.q_norm, nn.RMSNorm) and isinstance(tower.k_norm, nn.RMSNorm):
            each = tower.q_norm.weight.expand(self.heads, -1), tower.k_norm.weight.expand(self.kv_heads, -1)
            self.scale = torch.cat(each)
        self.eps = float(tower.input_layernorm.eps or 0)
        mlp = tower.mlp
        both = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
        self.inward = both * tower.post_attention_layernorm.weight
        self.out, self.down = tower.o_proj.weight, mlp.down_proj.weight

    def project(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Queries with keys, and values, (B, heads, N, head_dim), not yet turned by their positions."""
        h = functional.linear(_normed(x, self.eps), self.qkv, self.bias)
        h = h.view(*x.shape[:2], -1, self.head_dim)
        both, values = h[:, :, : -self.kv_heads], h[:, :, -self.kv_heads :]
        if self.scale is not None:
            both = _normed(both, self.eps).mul_(self.scale)
        return both.transpose(1, 2), values.transpose(1, 2)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """As `Tower.finish`."""
        x = functional.linear(attended, self.out).add_(x)
        gate, up = functional.linear(_normed(x, self.eps), self.inward).chunk(2, -1)
        return functional.linear(functional.silu(gate).mul_(up), self.down).add_(x)


class FusedBlock:
    """A layer for generation, of two fused towers."""

    def __init__(self, block: TV2TVBlock) -> None:
        """Of a layer as it is now."""
        self.text, self.video = Fused(block.text), Fused(block.video)

    def __call__(
        self, text: Tensor, video: Tensor, turn: tuple[Tensor, Tensor], mask: Mask, past: Past
    ) -> tuple[Tensor, Tensor]:
        """As `TV2TVBlock.forward`; towers without tokens are left out."""
        count = text.shape[1]
        towers = [pair for pair in ((self.text, text), (self.video, video)) if pair[1].shape[1]]
        both, values = towers[0][0].project(towers[0][1])
        if len(towers) > 1:
            more = towers[1][0].project(towers[1][1])
            both, values = torch.cat([both, more[0]], 2), torch.cat([values, more[1]], 2)
        both = rotated(both, *turn)
        q, k = both[:, : self.text.heads], both[:, self.text.heads :]
        attended = attention.attend(q, *past(k, values), mask)
        if count:
            text = self.text.finish(text, attended[:, :count])
        if video.shape[1]:
            video = self.video.finish(video, attended[:, count:])
        return text, video


def fused(blocks: Iterable[nn.Module]) -> list[FusedBlock] | None:
    """Layers for generation; None where a layer is not plain (adapters, weights that are spread out)."""
    found = list(blocks)
    for block in found:
        for module in block.modules():
            named = type(module).__module__.startswith("peft") or hasattr(module, "_hf_hook")
            if named or any(type(p) is not nn.Parameter for p in module.parameters(recurse=False)):
                return None
    return [FusedBlock(block) for block in found if isinstance(block, TV2TVBlock)]


def _normed(x: Tensor, eps: float) -> Tensor:
    """Over its root mean square: fewer operations than `torch.rms_norm` on a CPU."""
    found: Tensor = x.square().mean(-1, keepdim=True).add_(eps).rsqrt_() * x
    return found


class TV2TVBlock(nn.Module):
    """A layer: two towers and the attention that joins them."""

    def __init__(self, **sizes: Any) -> None:
        """Towers of the same sizes."""
        super().__init__()
        self.text, self.video = Tower(**sizes), Tower(**sizes)

    def forward(
        self,
        text: Tensor,
        video: Tensor,
        turn: tuple[Tensor, Tensor],
        mask: Mask,
        past: Past | None = None,
    ) -> tuple[Tensor, Tensor]:
        """One layer.

        Args:
            text: (B, text tokens, D).
            video: (B, video tokens, D).
            turn: cosines and sines of all tokens' positions, text first.
            mask: who sees whom; over the past first, where there is one.
            past: gives the new keys and values (B, heads, N, head_dim) with those of the cache before them.

        Returns:
            Text and video.
        """
        # A tower without tokens is left out at inference only: in training every process must run both.
        both = bool(text.shape[1] and video.shape[1]) or torch.is_grad_enabled()
        if both:
            pairs = zip(self.text.project(text), self.video.project(video), strict=True)
            q, k, v = (torch.cat(pair, 2) for pair in pairs)
        else:
            q, k, v = self.text.project(text) if text.shape[1] else self.video.project(video)
        q, k = rotated(q, *turn), rotated(k, *turn)
        attended = attention.attend(q, *((k, v) if past is None else past(k, v)), mask)
        if both or text.shape[1]:
            text = self.text.finish(text, attended[:, : text.shape[1]])
        if both or video.shape[1]:
            video = self.video.finish(video, attended[:, attended.shape[1] - video.shape[1] :])
        return text, video
