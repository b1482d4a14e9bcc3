"""How a first frame is brought to a size that a model takes, and which sizes and lengths those are.

The same transform serves generation and training. It is kept with each clip in the terms of
`genreason.perceive.view.View`: pixel p of the first frame lies at p * scale + offset in the clip.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from genreason.types import Frame, Json, UserError

Mode = Literal["area", "letterbox", "stretch"]


class Limits(BaseModel):
    """What a model takes.

    Attributes:
        multiple: width and height are multiples of it.
        frames: a clip has k * frames + 1 frames.
        most_frames: longest clip.
        least: smallest width or height in pixels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    multiple: int = Field(16, ge=1)
    frames: int = Field(4, ge=1)
    most_frames: int = Field(1025, ge=1)
    least: int = Field(16, ge=1)

    def check(self, where: str, width: int, height: int, frames: int) -> None:
        """Refuse an illegal size or length.

        Raises:
            UserError: names the nearest legal ones.
        """
        if any(side % self.multiple or side < self.least for side in (width, height)):
            near = f"{self.side(width)}x{self.side(height)}"
            raise UserError(
                f"{where}: size {width}x{height}: width and height are multiples of {self.multiple}, "
                f"{self.least} or more: take {near}"
            )
        if (frames - 1) % self.frames or not 1 <= frames <= self.most_frames:
            raise UserError(
                f"{where}: frames {frames}: a clip has {self.frames}k+1 frames, at most {self.longest}: "
                f"take {self.length(frames)}"
            )

    @property
    def longest(self) -> int:
        """Most frames that are legal."""
        return (self.most_frames - 1) // self.frames * self.frames + 1

    def side(self, pixels: float) -> int:
        """The nearest legal width or height."""
        least = math.ceil(self.least / self.multiple) * self.multiple
        return max(round(pixels / self.multiple) * self.multiple, least)

    def length(self, frames: float) -> int:
        """The nearest legal number of frames."""
        return min(max(round((frames - 1) / self.frames), 0) * self.frames + 1, self.longest)


@dataclass(frozen=True, slots=True)
class Fit:
    """A first frame in a clip's frame: `size` (width, height) of the clip, and the map of pixels."""

    source: tuple[int, int]
    size: tuple[int, int]
    scale: tuple[float, float]
    offset: tuple[float, float]
    kind: str

    def to_json(self) -> Json:
        """As kept with a clip."""
        return {
            "kind": self.kind,
            "size": list(self.size),
            "scale": [round(s, 6) for s in self.scale],
            "offset": [round(o, 3) for o in self.offset],
        }

    def covered(self, size: tuple[int, int]) -> Fit:
        """The same where the model then brought its input to another size, cut at the sides to fill it."""
        if size == self.size:
            return self
        k = max(size[0] / self.size[0], size[1] / self.size[1])
        scale = self.scale[0] * k, self.scale[1] * k
        edge = (size[0] - self.size[0] * k) / 2, (size[1] - self.size[1] * k) / 2
        offset = self.offset[0] * k + edge[0], self.offset[1] * k + edge[1]
        return Fit(self.source, size, scale, offset, "cropped" if self.kind != "letterboxed" else self.kind)

    def apply(self, frame: Frame) -> Frame:
        """The frame (HWC RGB uint8, of the source's aspect) in the clip's size; bars are black."""
        width, height = self.size
        inner = (
            (width, height)
            if self.kind != "letterboxed"
            else (round(self.source[0] * self.scale[0]), round(self.source[1] * self.scale[1]))
        )
        smaller = inner[0] < frame.shape[1]
        how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        picture = (
            frame if (frame.shape[1], frame.shape[0]) == inner else cv2.resize(frame, inner, None, 0, 0, how)
        )
        if inner == (width, height):
            return np.asarray(picture, np.uint8)
        out = np.zeros((height, width, 3), np.uint8)
        x, y = round(self.offset[0]), round(self.offset[1])
        out[y : y + inner[1], x : x + inner[0]] = picture
        return out


def fit(source: tuple[int, int], size: tuple[int, int], mode: Mode, limits: Limits) -> Fit:
    """Plan how frames of `source` (width, height) come to `size`.

    Args:
        source: size of the first frame.
        size: the card's size.
        mode: "area" takes the legal size of the source's aspect with about as many pixels as `size`;
            "letterbox" keeps the aspect between black bars; "stretch" does not.
        limits: of the model.
    """
    (w, h), (width, height) = source, size
    if mode == "area":
        k = math.sqrt(width * height / (w * h))
        width, height = limits.side(w * k), limits.side(h * k)
    if mode == "letterbox" and w * height != h * width:
        s = min(width / w, height / h)
        inner = round(w * s), round(h * s)
        offset = float((width - inner[0]) // 2), float((height - inner[1]) // 2)
        return Fit(source, (width, height), (inner[0] / w, inner[1] / h), offset, "letterboxed")
    kind = "same" if (w, h) == (width, height) else "resized"
    return Fit(source, (width, height), (width / w, height / h), (0.0, 0.0), kind)
