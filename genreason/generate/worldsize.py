"""Between pictures of any size and the small ones that a small model works on: a room is a token."""

from __future__ import annotations

import cv2
import numpy as np

from genreason.types import Frame


def shrunk(frame: Frame, grid: tuple[int, int], token: int) -> Frame:
    """A picture (HWC) as (rows * token, cols * token, 3)."""
    size = grid[1] * token, grid[0] * token
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def grown(frame: Frame, size: tuple[int, int]) -> Frame:
    """A small picture at (width, height), smoothly."""
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8)
