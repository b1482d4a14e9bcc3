"""How well what stands in a cell is told: right, refused or wrong, by font and by how it is drawn.

Own fonts are those that boards are drawn in; foreign ones are OpenCV's, of which the reader knows nothing.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason import seeds
from genreason.perceive.cellread import CellReader
from genreason.perceive.codes import ALIEN, BETWEEN, EMPTY, UNSURE
from genreason.render.cells import Sign
from genreason.render.glyphs import FONTS, Font, glyphs
from genreason.types import Json

CELL = 28  # pixels a side
GROUND, INK = 245.0, 25.0
TEXTS = {
    "digits": tuple("0123456789"),
    "sudoku": tuple("123456789"),
    "letters": tuple(string.ascii_uppercase),
    "symbols": tuple("+-=<>/?!*"),
    "X and O": tuple("XO"),
    "Q": ("Q",),
}
FOREIGN = {
    "simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "thin": cv2.FONT_HERSHEY_PLAIN,
    "duplex": cv2.FONT_HERSHEY_DUPLEX,
    "complex": cv2.FONT_HERSHEY_COMPLEX,
    "triplex": cv2.FONT_HERSHEY_TRIPLEX,
    "complex italic": cv2.FONT_HERSHEY_COMPLEX | cv2.FONT_ITALIC,
    "triplex italic": cv2.FONT_HERSHEY_TRIPLEX | cv2.FONT_ITALIC,
}
TRIES = 12  # drawings of each text in each font
SAMPLE = 0.85  # pixels of blur at the most, of a cell that is 28 wide
Alpha = npt.NDArray[np.float32]


def read() -> Iterator[Json]:
    """Texts moved by up to a tenth of a cell, 0.7 to 1.6 times as thick, scaled by +-20 %, blurred, noisy."""
    for kind, texts in TEXTS.items():
        signs = tuple(Sign(text=text) for text in texts)
        reader = CellReader(signs, (CELL, CELL), np.full(3, GROUND, np.float32))
        for origin, names in (("own", tuple(FONTS)), ("foreign", tuple(FOREIGN))):
            counts: Counter[str] = Counter()
            wrong: Counter[str] = Counter()
            for name in names:
                for k, text in enumerate(texts):
                    for i in range(TRIES):
                        code = told(reader, text, name, i)
                        counts[_outcome(code, k)] += 1
                        if code >= 0 and code != k:
                            wrong[f"{text} as {texts[code]}"] += 1
            total = counts.total()
            yield {
                "texts": kind, "fonts": origin, "read": total,
                **{word: f"{100 * counts[word] / total:.2f} %" for word in ("right", "refused", "wrong")},
                "mistakes": ", ".join(f"{what} {n}" for what, n in wrong.most_common(4)),
            }  # fmt: skip


def _outcome(code: int, true: int) -> str:
    if code == true:
        return "right"
    return "refused" if code in (UNSURE, ALIEN, BETWEEN, EMPTY) else "wrong"


def told(reader: CellReader, text: str, font: str, i: int) -> int:
    """The code that one drawing (number `i`) of a text in a font is read as."""
    rng = seeds.stream("reading", text, font, i)
    empty = np.full((CELL, CELL, 3), GROUND, np.float32)
    alpha = drawn(text, font, 0.6 * CELL * float(rng.uniform(0.8, 1.2)), float(rng.uniform(0.7, 1.6)))
    size = alpha.shape
    top, left = (round((CELL - side) / 2 + float(rng.uniform(-0.1, 0.1)) * CELL) for side in size)
    pad = CELL
    whole = np.zeros((3 * CELL, 3 * CELL), np.float32)
    whole[pad + top : pad + top + size[0], pad + left : pad + left + size[1]] = alpha
    soft = cv2.GaussianBlur(whole, (0, 0), float(rng.uniform(0.2, SAMPLE)))[pad:-pad, pad:-pad]
    seen = empty + np.asarray(soft)[..., None] * (INK - GROUND)
    seen += rng.normal(0, 4, seen.shape)
    return reader.read(np.clip(seen, 0, 255).astype(np.float32), empty)[0]


def drawn(text: str, font: str, height: float, thick: float) -> Alpha:
    """The text, its capitals `height` pixels high, strokes `thick` times as thick as usual: (h, w)."""
    if font in FONTS:
        own: Font = FONTS[font]
        return glyphs(text, replace(own, weight=own.weight * thick), height)
    k = 4  # drawn so much larger
    face, weight = FOREIGN[font], max(round(0.1 * thick * height * k), 1)
    (_, capital), _ = cv2.getTextSize("H", face, 1.0, 1)
    scale = height * k / capital
    (w, h), below = cv2.getTextSize(text, face, scale, weight)
    edge = 2 * weight
    canvas = np.zeros((h + below + 2 * edge, w + 2 * edge), np.uint8)
    cv2.putText(canvas, text, (edge, h + edge), face, scale, 255, weight, cv2.LINE_AA)
    x, y, w, h = cv2.boundingRect(canvas)
    cut = canvas[y : y + h, x : x + w]
    size = max(round(w / k), 1), max(round(h / k), 1)
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
