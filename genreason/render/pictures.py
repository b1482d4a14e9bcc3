"""Pictures that somebody else drew, as the look of a tile or a piece."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Picture:
    """A texture.

    Attributes:
        word: what a person calls it, for prompts.
        rgba: (h, w, 4) uint8, colours not multiplied by alpha.
    """

    word: str
    rgba: npt.NDArray[np.uint8]


@functools.lru_cache(maxsize=256)
def fit(picture: Picture, width: int, height: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The picture as large as it fits into a cell of (width, height) pixels in its own shape, in the middle.

    Cells are square; where one is a pixel longer than wide to fill a frame, so is what is in it.

    Returns:
        rgb (height, width, 3) float32 0-255, not multiplied by alpha, and alpha (height, width) float32 in
        [0, 1], 0 where the picture does not reach.
    """
    h, w = picture.rgba.shape[:2]
    size = max(round(width * min(w / h, 1)), 1), max(round(height * min(h / w, 1)), 1)
    whole = picture.rgba.astype(np.float32)
    whole[..., 3] /= 255
    whole[..., :3] *= whole[..., 3:]  # else the hidden colours of clear pixels bleed into their neighbours
    method = cv2.INTER_AREA if size[0] < w else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(whole, size, interpolation=method), np.float32)
    out = np.zeros((height, width, 4), np.float32)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    out[top : top + size[1], left : left + size[0]] = small
    alpha = np.clip(out[..., 3], 0, 1)
    rgb = np.clip(out[..., :3] / np.maximum(alpha, np.float32(1e-3))[..., None], 0, 255)
    return np.asarray(rgb, np.float32), np.asarray(alpha, np.float32)
