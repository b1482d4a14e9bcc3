"""A tiny TV2TV model whose weights do something: layers mix, and the video head is not zero."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from genreason.model import layout as layouts
from genreason.model import words
from genreason.model.codec import PixelCodec
from genreason.model.layout import Chunk, Text
from genreason.model.pipeline import TV2TVPipeline
from genreason.model.transformer import TV2TVTransformer

WORDS = ["go", "up", "down", "left", "right", "at", "done"]
TOKEN = 4
GRID = (2, 3)


def model(**changes):
    """In float64, so that equal means equal."""
    torch.manual_seed(0)
    config = {
        "vocab_size": 320, "hidden_size": 32, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2,
        "head_dim": 16, "intermediate_size": 48, "latent_channels": 3 * TOKEN**2, "rope_sections": (4, 2, 2),
        "max_side": 4, **changes,
    }  # fmt: skip
    made = TV2TVTransformer(**config)
    torch.nn.init.normal_(made.patches.outward.weight, std=0.1)
    return made.double().eval()


def pipeline(**changes):
    made = model(**changes).float()
    return TV2TVPipeline(
        made, PixelCodec(TOKEN), FlowMatchEulerDiscreteScheduler(shift=3.0), words.tokenizer(WORDS)
    )


def segments(noisy=(1, 2, 3), chunks=3):
    """bos, frame 0, then words and a frame three times."""
    out = [Text((256, 257, 258), False, True), Chunk(0, *GRID, False), Text((259,), False, True)]
    for i in range(1, chunks + 1):
        out += [
            Text((i, i + 5)),
            Text((258,), True, True),
            Chunk(i, *GRID, i in noisy),
            Text((259,), False, True),
        ]
    return [*out, Text((7, 260))]


def inputs(made, row=None, rows=2):
    """Keyword arguments of a forward pass."""
    row = segments() if row is None else row
    placed = layouts.place(row, made.config.axes)
    ids = [id_ for s in row if isinstance(s, Text) for id_ in s.ids]
    draw = torch.Generator().manual_seed(1)
    shape = made.config.latent_channels, *(n * made.config.patch_size for n in GRID)

    def latents(count):
        return torch.randn(rows, count, *shape, generator=draw, dtype=torch.float64)

    clean, noisy = latents(len(placed.clean)), latents(len(placed.noisy))
    sigmas = torch.rand(rows, len(placed.noisy), generator=draw, dtype=torch.float64)
    previous = clean[:, [i - 1 for i in placed.noisy]]
    return {
        "text_ids": torch.tensor([ids] * rows), "layout": placed, "clean": clean, "noisy": noisy,
        "sigmas": sigmas, "reference": previous,
    }  # fmt: skip


def picture(seed=0, grid=GRID):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 255, (grid[0] * TOKEN, grid[1] * TOKEN, 3), np.uint8)
