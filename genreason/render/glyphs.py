"""Digits, letters and signs in several fonts, drawn by code from strokes; the same on every machine.

A glyph is a few strokes in a box one wide and one high; a font says how they are drawn: from which drawing of
the glyph, how wide, how slanted, how thick, and whether ends have serifs.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.types import UserError

Alpha = npt.NDArray[np.float32]
"""(h, w) in [0, 1]."""
OVERSAMPLING = 4
GAP = 0.28  # between two glyphs of a text, in heights, before the strokes' own width
SERIF = 0.2  # length of a serif in heights

# Strokes in a box (0, 0) to (1, 1), y downwards: M and L go to a point, Q to a point by way of another, A
# along an ellipse (centre, radii, from and to in degrees; 0 is to the right, 90 below).
ROUND = {
    "0": "A .5 .5 .5 .5 0 360",
    "1": "M .18 .24 L .58 0 L .58 1",
    "2": "A .5 .28 .46 .28 190 385 L .02 1 L 1 1",
    "3": "A .46 .26 .42 .26 205 450 M .46 .52 A .45 .75 .5 .25 270 515",
    "4": "M .74 1 L .74 0 L 0 .7 L 1 .7",
    "5": "M .92 0 L .16 0 L .1 .46 A .46 .67 .5 .33 222 510",
    "6": "A .5 .68 .48 .32 0 360 M .84 .02 Q .04 .16 .02 .68",
    "7": "M 0 0 L 1 0 L .36 1",
    "8": "A .5 .25 .4 .25 0 360 M .98 .75 A .5 .75 .48 .25 0 360",
    "9": "A .5 .32 .48 .32 0 360 M .16 .98 Q .96 .84 .98 .32",
    "A": "M 0 1 L .5 0 L 1 1 M .2 .64 L .8 .64",
    "B": (
        "M .08 0 L .08 1 M .08 0 L .5 0 A .5 .24 .38 .24 270 450 L .08 .48 "
        "M .5 .48 A .5 .74 .46 .26 270 450 L .08 1"
    ),
    "C": "A .55 .5 .52 .5 315 45",
    "D": "M .05 0 L .05 1 M .05 0 L .4 0 A .4 .5 .58 .5 270 450 L .05 1",
    "E": "M .95 0 L .08 0 L .08 1 L .95 1 M .08 .48 L .8 .48",
    "F": "M .95 0 L .08 0 L .08 1 M .08 .48 L .8 .48",
    "G": "A .53 .5 .52 .5 318 0 L .62 .52",
    "H": "M .04 0 L .04 1 M .96 0 L .96 1 M .04 .48 L .96 .48",
    "I": "M .5 0 L .5 1",
    "J": "M .8 0 L .8 .68 A .42 .68 .38 .32 0 170",
    "K": "M .06 0 L .06 1 M .96 0 L .08 .58 M .38 .4 L 1 1",
    "L": "M .1 0 L .1 1 L .95 1",
    "M": "M 0 1 L .06 0 L .5 .7 L .94 0 L 1 1",
    "N": "M .04 1 L .04 0 L .96 1 L .96 0",
    "O": "A .5 .5 .52 .5 0 360",
    "P": "M .08 1 L .08 0 L .5 0 A .5 .27 .46 .27 270 450 L .08 .54",
    "Q": "A .5 .48 .52 .48 0 360 M .6 .7 L 1 1.04",
    "R": "M .08 1 L .08 0 L .5 0 A .5 .26 .44 .26 270 450 L .08 .52 M .5 .52 L 1 1",
    "S": "A .5 .26 .42 .26 330 90 M .5 .52 A .48 .74 .46 .26 270 510",
    "T": "M 0 0 L 1 0 M .5 0 L .5 1",
    "U": "M .04 0 L .04 .62 A .5 .62 .46 .38 180 0 L .96 0",
    "V": "M 0 0 L .5 1 L 1 0",
    "W": "M 0 0 L .24 1 L .5 .3 L .76 1 L 1 0",
    "X": "M 0 0 L 1 1 M 1 0 L 0 1",
    "Y": "M 0 0 L .5 .5 L 1 0 M .5 .5 L .5 1",
    "Z": "M 0 0 L 1 0 L 0 1 L 1 1",
    "+": "M .5 .2 L .5 .8 M 0 .5 L 1 .5",
    "-": "M .05 .5 L .95 .5",
    "=": "M .05 .36 L .95 .36 M .05 .64 L .95 .64",
    "<": "M .95 .15 L .05 .5 L .95 .85",
    ">": "M .05 .15 L .95 .5 L .05 .85",
    "/": "M .1 1 L .9 0",
    "?": "A .5 .26 .44 .26 190 400 Q .5 .58 .5 .72 M .5 .97 L .5 1",
    "!": "M .5 0 L .5 .68 M .5 .97 L .5 1",
    ".": "M .5 .96 L .5 1",
    ":": "M .5 .28 L .5 .32 M .5 .72 L .5 .76",
    "*": "M .5 .15 L .5 .85 M .15 .3 L .85 .7 M .85 .3 L .15 .7",
}
ANGULAR = {
    **ROUND,
    "0": "M 0 0 L 1 0 L 1 1 L 0 1 L 0 0",
    "1": "M .3 .16 L .52 0 L .52 1 M .2 1 L .84 1",
    "2": "M 0 0 L 1 0 L 1 .5 L 0 .5 L 0 1 L 1 1",
    "3": "M 0 0 L 1 0 L 1 1 L 0 1 M .2 .5 L 1 .5",
    "4": "M .02 0 L .02 .55 L 1 .55 M .98 0 L .98 1",
    "5": "M 1 0 L 0 0 L 0 .46 L 1 .46 L 1 1 L 0 1",
    "6": "M 1 0 L 0 0 L 0 1 L 1 1 L 1 .48 L 0 .48",
    "7": "M 0 0 L 1 0 L 1 1",
    "8": "M 0 0 L 1 0 L 1 1 L 0 1 L 0 0 M 0 .49 L 1 .49",
    "9": "M 1 .52 L 0 .52 L 0 0 L 1 0 L 1 1 L 0 1",
}
WRITTEN = {
    **ROUND,
    "1": "M .5 0 L .5 1",
    "2": "A .46 .26 .42 .26 180 370 Q .8 .7 .04 .96 Q .5 .84 1 1",
    "3": "M .06 .02 L .9 .02 L .42 .4 A .46 .7 .48 .3 262 505",
    "4": "M .3 0 L .06 .62 L 1 .58 M .72 .3 L .66 1",
    "5": "M .94 .02 L .2 .04 L .16 .46 Q .98 .3 .9 .74 Q .74 1.06 .04 .94",
    "6": "M .8 0 Q 0 .36 .06 .72 A .5 .72 .46 .28 180 530",
    "7": "M 0 .04 L 1 0 Q .5 .5 .36 1 M .2 .5 L .84 .48",
    "8": (
        "M .86 .14 Q .4 -.12 .16 .2 Q .1 .4 .52 .5 Q 1 .62 .88 .86 "
        "Q .5 1.16 .1 .84 Q .06 .62 .5 .5 Q .9 .36 .86 .14"
    ),
    "9": "A .48 .3 .44 .3 0 360 M .92 .26 Q .9 .7 .7 1",
}
PRINTED = {
    **ROUND,
    "0": "A .5 .5 .5 .5 0 360 M .66 .3 L .34 .7",
    "1": "M .12 .24 L .54 0 L .54 1 M .06 1 L 1 1",
    "3": "M .08 0 L .92 0 L .46 .4 A .44 .7 .5 .3 270 515",
    "4": "M .74 1 L .74 0 L .58 0 L 0 .74 L 1 .74",
}
DRAWINGS = {"round": ROUND, "angular": ANGULAR, "written": WRITTEN, "printed": PRINTED}


@dataclass(frozen=True, slots=True)
class Font:
    """How glyphs are drawn.

    Attributes:
        drawing: which strokes: "round", "angular", "written" or "printed".
        width: of a glyph, in heights.
        weight: thickness of strokes, in heights.
        slant: how far the top leans to the right, in heights.
        serif: whether strokes that end straight up or down have a foot.
    """

    drawing: str = "round"
    width: float = 0.56
    weight: float = 0.13
    slant: float = 0.0
    serif: bool = False


FONTS = {
    "plain": Font(),
    "bold": Font(weight=0.19, width=0.58),
    "narrow": Font(width=0.44, weight=0.11),
    "italic": Font(slant=0.18),
    "serif": Font(weight=0.11, serif=True),
    "digital": Font(drawing="angular", weight=0.14, width=0.5),
    "press": Font(drawing="printed", weight=0.17, width=0.6),
    "hand": Font(drawing="written", weight=0.1, slant=0.08),
}
"""Fonts that boards are drawn in."""
HANDS = {
    "wide": Font(width=0.78, weight=0.12),
    "broad": Font(width=0.95, weight=0.12),
    "roman": Font(width=0.76, weight=0.1, serif=True),
    "slanted": Font(width=0.74, weight=0.1, slant=0.26, serif=True),
}
"""Other ways to write that are read, too."""


@functools.lru_cache(maxsize=2048)
def glyphs(text: str, font: Font, height: float) -> Alpha:
    """A text, its capitals `height` pixels high, in a tight picture of its own (a pixel of room around it).

    Raises:
        UserError: there is no drawing of one of its characters.
    """
    known = DRAWINGS[font.drawing]
    missing = [char for char in text if char not in known]
    if missing or not text:
        raise UserError(f"no glyph for {missing[0]!r}" if missing else "an empty text has no glyphs")
    step = font.width + GAP
    lines = [
        np.stack([(line[:, 0] * font.width + i * step) + font.slant * (1 - line[:, 1]), line[:, 1]], -1)
        for i, char in enumerate(text)
        for line in _strokes(known[char], font.serif)
    ]
    scale = height * (1 - font.weight) * OVERSAMPLING
    thick = max(round(font.weight * height * OVERSAMPLING), 1)
    points = np.concatenate(lines) * scale
    low, high = points.min(axis=0), points.max(axis=0)
    room = thick / 2 + OVERSAMPLING
    size = np.ceil((high - low + 2 * room) / OVERSAMPLING).astype(int)
    canvas = np.zeros((size[1] * OVERSAMPLING, size[0] * OVERSAMPLING), np.uint8)
    for line in lines:
        at = np.rint((line * scale - low + room) * 8).astype(np.int32)
        cv2.polylines(canvas, [at[:, None]], False, 255, thick, cv2.LINE_8, 3)
    small = cv2.resize(canvas, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


@functools.lru_cache(maxsize=512)
def _strokes(drawing: str, serif: bool) -> tuple[npt.NDArray[np.float64], ...]:
    """The strokes as lines of points (K, 2)."""
    words, i = drawing.split(), 0
    lines: list[list[tuple[float, float]]] = []

    def take(count: int) -> list[float]:
        nonlocal i
        i += count
        return [float(word) for word in words[i - count : i]]

    while i < len(words):
        i += 1
        kind = words[i - 1]
        if kind == "M":
            x, y = take(2)
            lines.append([(x, y)])
        elif kind == "L":
            x, y = take(2)
            lines[-1].append((x, y))
        elif kind == "Q":
            cx, cy, x, y = take(4)
            (ax, ay), shares = lines[-1][-1], np.linspace(0, 1, 9)[1:]
            lines[-1] += [
                (
                    float((1 - s) ** 2 * ax + 2 * s * (1 - s) * cx + s * s * x),
                    float((1 - s) ** 2 * ay + 2 * s * (1 - s) * cy + s * s * y),
                )
                for s in shares
            ]
        else:
            cx, cy, rx, ry, a, b = take(6)
            turns = np.linspace(a, b, max(int(abs(b - a) / 12), 2) + 1) * math.pi / 180
            arc = [(float(cx + rx * math.cos(t)), float(cy + ry * math.sin(t))) for t in turns]
            joined = lines and math.dist(lines[-1][-1], arc[0]) < 0.12
            lines[-1 if joined else len(lines) :] = [lines[-1] + arc] if joined else [arc]
    feet = [foot for line in lines for foot in (_feet(line) if serif else [])]
    return tuple(np.array(line) for line in lines + feet)


def _feet(line: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Serifs at the ends of a stroke that run straight up or down."""
    found = []
    for end, before in ((line[0], line[1]), (line[-1], line[-2])):
        if abs(end[0] - before[0]) < 0.05 and end[1] in (0.0, 1.0):
            found.append([(end[0] - SERIF, end[1]), (end[0] + SERIF, end[1])])
    return found
