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


VIEWS = 8
"""Sides from which a picture can be seen: turned by quarters, and mirrored."""


def turned(frame: Frame, view: int) -> Frame:
    """A picture as it is seen from a side; pictures that are not square are not turned by odd quarters."""
    quarters = _quarters(frame, view)
    found = np.rot90(frame, quarters)
    return np.ascontiguousarray(found[:, ::-1] if view >= VIEWS // 2 else found)


def turned_back(frame: Frame, view: int) -> Frame:
    """The inverse of `turned`."""
    found = frame[:, ::-1] if view >= VIEWS // 2 else frame
    return np.ascontiguousarray(np.rot90(found, -_quarters(frame, view)))


def _quarters(frame: Frame, view: int) -> int:
    quarters = view % 4
    return quarters if frame.shape[0] == frame.shape[1] else quarters - quarters % 2
