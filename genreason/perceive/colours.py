"""Words for colours, as people say them and hints name them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

DARK, PALE, BRIGHT = 50, 60, 190  # of value, saturation, and value again (0-255)
HUES = (  # up to which hue (0-180) each word goes
    (8, "red"), (19, "orange"), (34, "yellow"), (82, "green"), (98, "cyan"), (128, "blue"), (155, "purple"),
    (168, "pink"), (180, "red"),
)  # fmt: skip
COLOURS = (*dict.fromkeys(name for _, name in HUES), "brown", "black", "gray", "white")


def colour_word(rgb: npt.ArrayLike) -> str:
    """The word for a colour, RGB, 0-255."""
    pixel = np.clip(np.rint(np.asarray(rgb, np.float64)), 0, 255).astype(np.uint8).reshape(1, 1, 3)
    hue, saturation, value = (int(v) for v in cv2.cvtColor(pixel, cv2.COLOR_RGB2HSV)[0, 0])
    if value < DARK:
        return "black"
    if saturation < PALE:
        return "white" if value > BRIGHT else "gray"
    word = next(name for most, name in HUES if hue <= most)
    if word == "orange" and value < BRIGHT:
        return "brown"
    return "pink" if word == "red" and value > BRIGHT and saturation < 150 else word
