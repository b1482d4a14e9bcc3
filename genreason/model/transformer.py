"""TV2TV: a Mixture-of-Transformers over words and frame chunks (arXiv:2512.05103).

Every layer has a tower for text and one for video, each with its own norms, projections and MLP; what they
share is one softmax attention over the whole sequence. Which tower a token goes through is decided by its
modality alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.loaders import PeftAdapterMixin
from diffusers.utils import BaseOutput
from torch import Tensor, nn
from torch.nn import functional

from genreason.model.attention import Mask
from genreason.model.cache import KVCache
from genreason.model.layout import Axes, Layout, allowed
from genreason.model.patches import Level, PatchIO, Skip, patches
from genreason.model.rotary import angles, frequencies
from genreason.model.towers import TV2TVBlock, fused


@dataclass
class TV2TVOutput(BaseOutput):
    """What a forward pass says.

    Attributes:
        text_logits: (B, text tokens, vocabulary).
        prediction: (B, noisy chunks, C, H, W): velocity or sample; None without noisy chunks.
    """

    text_logits: Tensor
    prediction: Tensor | None


class TV2TVTransformer(ModelMixin, ConfigMixin, PeftAdapterMixin):
    """The model: words and chunks in, logits of words and predictions of noisy chunks out.

    Args:
        vocab_size: tokens of the tokenizer, marks of frames included.
        hidden_size: width of both towers.
        num_layers: layers.
        num_heads: of the queries.
        num_kv_heads: of keys and values.
        head_dim: channels of a head.
        intermediate_size: inside the MLPs.
        latent_channels: of the codec.
        patch_size: latents a side of a token.
        patch_io: "linear", or "unet" for a small U-Net with a skip.
        unet_channels: of the U-Net at full size.
        patch_hidden: units of an MLP that adds to what linear patches give out; 0 for none.
        prediction_type: "sample" (the clean latents) or "velocity" (noise - clean).
        skip: "previous" shows every noisy token the one before it (same cell, chunk before) and has the model
            say what differs; for worlds in which little moves. With "sample" only.
        axes: how positions are counted (`layout.place`): "joint" for towers of a language model.
        rope_theta: base of the rotary embedding.
        rope_sections: pairs of channels for time, row and column.
        rope_frequencies: the language model's own, in place of those of `rope_theta`.
        rope_scale: its attention scaling.
        max_positions: longest time that the model was trained for; 0 for no limit.
        max_side: rows and columns of which a token is told its place with a learnt vector; 0 for none.
        qk_norm: normalise queries and keys (Qwen 3).
        qkv_bias: biases on q, k, v (Qwen 2).
        tie_embeddings: the head of words is their embedding.
        rms_eps: of the norms.
        embedding_std: spread of embeddings at the start; large ones let small models learn to copy sooner.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules = ["TV2TVBlock"]
    _repeated_blocks = ["TV2TVBlock"]
    _skip_layerwise_casting_patterns = ["patches", "norm", "level"]
    _keep_in_fp32_modules = ["level"]

    @register_to_config
    def __init__(
        self,
        vocab_size: int = 512,
        hidden_size: int = 128,
        num_layers: int = 4,
        num_heads: int = 4,
        num_kv_heads: int = 4,
        head_dim: int = 32,
        intermediate_size: int = 384,
        latent_channels: int = 432,
        patch_size: int = 1,
        patch_io: PatchIO = "linear",
        unet_channels: int = 64,
        patch_hidden: int = 0,
        prediction_type: Literal["sample", "velocity"] = "sample",
        skip: Literal["none", "previous"] = "none",
        axes: Axes = "split",
        rope_theta: float = 100.0,
        rope_sections: Sequence[int] = (8, 4, 4),
        rope_frequencies: Sequence[float] | None = None,
        rope_scale: float = 1.0,
        max_positions: int = 0,
        max_side: int = 0,
        qk_norm: bool = True,
        qkv_bias: bool = False,
        tie_embeddings: bool = False,
        rms_eps: float = 1e-5,
        embedding_std: float = 0.5,
    ) -> None:
        """Random weights; see the class for the config.

        Raises:
            ValueError: sections that do not fill a head, a skip with predicted velocity, or an MLP behind a
                U-Net.
        """
        super().__init__()
        if sum(rope_sections) * 2 != head_dim:
            raise ValueError(f"rope_sections {tuple(rope_sections)} must sum up to {head_dim // 2}")
        if skip == "previous" and prediction_type != "sample":
            raise ValueError("skip 'previous' needs prediction_type 'sample'")
        if patch_hidden and patch_io != "linear":
            raise ValueError("patch_hidden needs patch_io 'linear'")
        self.embed_tokens = nn.Embedding(vocab_size, hidden_size)
        if max_side:
            self.embed_row = nn.Embedding(max_side, hidden_size)
            self.embed_col = nn.Embedding(max_side, hidden_size)
        self.patches = patches(
            latent_channels, patch_size, hidden_size, patch_io, unet_channels, patch_hidden
        )
        if skip == "previous":
            self.before = nn.Conv2d(latent_channels, hidden_size, patch_size, stride=patch_size)
        self.level = Level(hidden_size)
        sizes = {
            "width": hidden_size, "heads": num_heads, "kv_heads": num_kv_heads, "head_dim": head_dim,
            "inner": intermediate_size, "eps": rms_eps, "qk_norm": qk_norm, "qkv_bias": qkv_bias,
        }  # fmt: skip
        self.blocks = nn.ModuleList(TV2TVBlock(**sizes) for _ in range(num_layers))
        self.text_norm = nn.RMSNorm(hidden_size, eps=rms_eps)
        self.video_norm = nn.RMSNorm(hidden_size, eps=rms_eps)
        if not tie_embeddings:
            self.lm_head = nn.Linear(hidden_size, vocab_size, bias=False)
        self.gradient_checkpointing = False
        self._turns: dict[torch.device, tuple[Tensor, Tensor]] = {}
        self._start(embedding_std, num_layers)

    def _start(self, embedding_std: float, layers: int) -> None:
        """Random weights; what the residual stream is added to begins small, the video head at zero."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                small = name.endswith(("o_proj", "down_proj"))
                nn.init.normal_(
                    module.weight, std=module.in_features**-0.5 / (math.sqrt(2 * layers) if small else 1)
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=embedding_std)
        self.patches.silence()

    def new_cache(self, rows: int, room: int = 64) -> KVCache:
        """An empty cache for so many rows; for the weights as they are now, where there are no gradients."""
        weight = self.get_parameter("blocks.0.text.k_proj.weight")  # under FSDP no plain tensor
        config, like = self.config, torch.empty(0, dtype=weight.dtype, device=weight.device)
        made = KVCache(config.num_layers, rows, config.num_kv_heads, config.head_dim, like, room)
        if not torch.is_grad_enabled():
            made.fused = fused(self.blocks)
        return made

    def forward(
        self,
        text_ids: Tensor,
        layout: Layout,
        clean: Tensor | None = None,
        noisy: Tensor | None = None,
        sigmas: Tensor | None = None,
        reference: Tensor | None = None,
        mask: Mask = None,
        cache: KVCache | None = None,
        rows: Tensor | None = None,
        write: bool = False,
    ) -> TV2TVOutput:
        """One pass.

        Args:
            text_ids: (B, text tokens).
            layout: where the tokens stand (on the model's device).
            clean: latents (B, clean chunks, C, H, W).
            noisy: latents (B, noisy chunks, C, H, W).
            sigmas: their levels of noise (B, noisy chunks), 1 is noise alone.
            reference: the chunk before each noisy one, like `noisy`; where the config skips.
            mask: dense (B, 1, N, N) or a BlockMask; made of the layout where it is None.
            cache: what came before; it is read, and with `write` what is here is added.
            rows: the rows of the cache that the batch is, where it is not all of them.
            write: as said.
        """
        text, video, time, skip = self._embed(text_ids, layout, clean, noisy, sigmas, reference)
        tags = layout.tags
        if mask is None:
            mask = _mask(layout, cache, rows)
        turn = angles(tags.position, *self._frequencies(text.device), self.config.rope_scale)
        if cache is not None:
            cache.reserve(len(tags))
        layers: Sequence[Any] = list(self.blocks)
        if cache is not None and cache.fused is not None and not torch.is_grad_enabled():
            layers = cache.fused
        for i, block in enumerate(layers):
            past = None if cache is None else functools.partial(cache.behind, i, rows, write)
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                text, video = self._gradient_checkpointing_func(block, text, video, turn, mask, past)
            else:
                text, video = block(text, video, turn, mask, past)
        if cache is not None and write:
            cache.commit(tags, rows)
        said = self.text_norm(text)
        tied = self.config.tie_embeddings
        logits = functional.linear(said, self.embed_tokens.weight) if tied else self.lm_head(said)
        if noisy is None and torch.is_grad_enabled():
            logits = logits + 0 * self._idle(video)
        return TV2TVOutput(logits, self._predict(video, layout, noisy, reference, time, skip))

    def _idle(self, video: Tensor) -> Tensor:
        """A number that hangs on all of the video side.

        Processes that train together must agree on which parameters have gradients, whatever they see.
        """
        parts: list[nn.Module] = [self.video_norm, self.patches, self.level]
        parts += [self.embed_row, self.embed_col] if self.config.max_side else []
        parts += [self.before] if self.config.skip == "previous" else []
        found: Tensor = self.video_norm(video).sum()
        return found + sum(p.sum() for part in parts for p in part.parameters())

    def _frequencies(self, device: torch.device) -> tuple[Tensor, Tensor]:
        known = self._turns.get(device)
        if known is None:
            config = self.config
            found = frequencies(
                config.head_dim, config.rope_theta, config.rope_sections, config.axes, config.rope_frequencies
            )
            known = self._turns[device] = found[0].to(device), found[1].to(device)
        return known

    def _embed(
        self,
        text_ids: Tensor,
        layout: Layout,
        clean: Tensor | None,
        noisy: Tensor | None,
        sigmas: Tensor | None,
        reference: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor, Skip]:
        """Tokens of words and of chunks; of the noisy chunks the level, and what the U-Net skips."""
        text = self.embed_tokens(text_ids)
        rows = len(text_ids)
        chunks = [each for each in (clean, noisy) if each is not None and each.shape[1]]
        if not chunks:
            return text, text[:, :0], text[:0, 0], None
        counts = [each.shape[1] for each in chunks]
        latents = torch.cat(chunks, 1)
        level = latents.new_zeros(rows, sum(counts))
        if sigmas is not None and sigmas.shape[1]:
            level = torch.cat([level[:, : -sigmas.shape[1]], sigmas.to(level)], 1)
        time = self.level(level.flatten())
        tokens, skip = self.patches.encode(latents.flatten(0, 1), time)
        tokens = tokens + self._where(layout)
        if reference is not None and self.config.skip == "previous":
            seen = self.before(reference.flatten(0, 1)).flatten(2).transpose(1, 2)
            seen = seen.reshape(rows, -1, *seen.shape[1:])
            old = tokens.reshape(rows, -1, *tokens.shape[1:])
            count = old.shape[1] - seen.shape[1]
            tokens = torch.cat([old[:, :count], old[:, count:] + seen], 1).flatten(0, 1)
        video = tokens.reshape(rows, -1, tokens.shape[-1])
        fresh = 0 if noisy is None else noisy.shape[1]
        last = slice(sum(counts) - fresh, None)
        time = time.reshape(rows, -1, time.shape[-1])[:, last].flatten(0, 1)
        if skip is not None:
            skip = skip.reshape(rows, -1, *skip.shape[1:])[:, last].flatten(0, 1)
        return text, video, time, skip

    def _where(self, layout: Layout) -> Tensor | float:
        """The learnt vectors of places (P, D)."""
        if not self.config.max_side:
            return 0.0
        height, width = layout.grid
        found: Tensor = (self.embed_row.weight[:height, None] + self.embed_col.weight[None, :width]).flatten(
            0, 1
        )
        return found

    def _predict(
        self,
        video: Tensor,
        layout: Layout,
        noisy: Tensor | None,
        reference: Tensor | None,
        time: Tensor,
        skip: Skip,
    ) -> Tensor | None:
        if noisy is None:
            return None
        rows, chunks = noisy.shape[:2]
        cells = layout.grid[0] * layout.grid[1]
        last = video[:, video.shape[1] - chunks * cells :]
        tokens = self.video_norm(last).reshape(rows * chunks, cells, -1)
        found: Tensor = self.patches.decode(tokens, time, layout.grid, skip).reshape(noisy.shape)
        if self.config.skip == "previous":
            assert reference is not None, "a model with skip 'previous' is told the chunk before"
            found = found + reference
        return found

    def velocity(self, prediction: Tensor, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """Velocity (noise - clean), from what the model predicts of latents at this level."""
        if self.config.prediction_type == "velocity":
            return prediction
        return (noisy - prediction) / sigma


def _mask(layout: Layout, cache: KVCache | None, rows: Tensor | None) -> Tensor | None:
    """The dense mask; None where everything sees everything."""
    own = layout.tags
    if cache is None or not cache.length:
        return allowed(own, own)
    words, chunks = len(layout.text), len(layout.clean) + len(layout.noisy)
    if cache.whole and (words, chunks) in ((1, 0), (0, 1)):
        return None
    past = cache.tags(rows)
    return allowed(own, past.joined(own))
