"""Surfaces drawn by code: grain, bricks, stones, wood and camera-like noise, from a random stream."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
"""(height, width) in about [-1, 1]."""


def _noise(rng: np.random.Generator, h: int, w: int, grain: float) -> Field:
    """Smooth noise with features of `grain` pixels."""
    coarse = rng.random((max(int(h / grain), 1) + 2, max(int(w / grain), 1) + 2), np.float32) * 2 - 1
    return np.asarray(cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def _speckle(rng: np.random.Generator, h: int, w: int, cell: float) -> Field:
    return np.asarray(0.6 * _noise(rng, h, w, 2.0) + 0.4 * _noise(rng, h, w, max(cell / 4, 3.0)), np.float32)


def _photo(rng: np.random.Generator, h: int, w: int, cell: float) -> Field:
    """Noise whose power falls with frequency, as in photographs."""
    out = np.zeros((h, w), np.float32)
    weight, grain = 0.45, max(h, w) / 3
    while grain >= 1.5:
        out += np.float32(weight) * _noise(rng, h, w, grain)
        weight, grain = weight * 0.8, grain / 2.4
    return np.asarray(np.clip(out, -1, 1), np.float32)


def _wood(rng: np.random.Generator, h: int, w: int, cell: float) -> Field:
    grain = np.asarray(cv2.resize(rng.random((h, max(w // 24, 2)), np.float32) * 2 - 1, (w, h)), np.float32)
    planks = (np.arange(h) % max(round(cell / 3), 3) == 0).astype(np.float32)[:, None]
    return np.asarray(np.clip(0.6 * grain - planks, -1, 1), np.float32)


def _brick(rng: np.random.Generator, h: int, w: int, cell: float) -> Field:
    tall, wide = max(round(cell / 4), 3), max(round(cell / 2), 5)
    y, x = np.arange(h)[:, None], np.arange(w)[None, :]
    shifted = x + (y // tall % 2) * (wide // 2)
    mortar = ((y % tall == 0) | (shifted % wide == 0)).astype(np.float32)
    return np.asarray(np.clip(0.35 * _noise(rng, h, w, 2.0) + mortar, -1, 1), np.float32)


def _stone(rng: np.random.Generator, h: int, w: int, cell: float) -> Field:
    lumps = _noise(rng, h, w, max(cell / 3, 3.0))
    return np.asarray(np.clip(0.8 * lumps + 0.3 * _noise(rng, h, w, 1.5), -1, 1), np.float32)


TEXTURES: dict[str, Callable[[np.random.Generator, int, int, float], Field]] = {
    "speckle": _speckle,
    "photo": _photo,
    "wood": _wood,
    "brick": _brick,
    "stone": _stone,
}


def surface(
    rng: np.random.Generator, size: tuple[int, int], colour: tuple[int, int, int], texture: str, strength:
        float,
    cell: float,
) -> npt.NDArray[np.float32]:  # fmt: skip
    """A surface of (width, height): (h, w, 3) float32, 0-255 before clipping; (1, 1, 3) where it is flat.

    `cell` is the size of the pattern in pixels.
    """
    base = np.array(colour, np.float32).reshape(1, 1, 3)
    if texture == "flat":
        return base
    grain = TEXTURES[texture](rng, size[1], size[0], cell) * np.float32(strength)
    return np.asarray(base + grain[..., None], np.float32)
