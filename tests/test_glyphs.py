"""Glyphs as a model may draw them are read, or said to be unsure; never taken for another."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from genreason import seeds
from genreason.perceive.glyphs import Bank, ink_of
from genreason.render.cells import Sign
from genreason.render.glyphs import FONTS, glyphs
from genreason.types import UserError

CELL, BIG = 24, 4
GROUND, INK = np.array([250, 250, 250], np.float32), np.array([30, 60, 200], np.float32)


def drawn(char: str, font: str, rng: np.random.Generator) -> np.ndarray:
    """How a cell differs from an empty one: moved, scaled by a fifth, thicker or thinner, blurred, noisy."""
    look = FONTS[font]
    look = replace(look, weight=look.weight * float(rng.uniform(0.7, 1.6)))
    alpha = glyphs(char, look, 0.6 * CELL * BIG * float(rng.uniform(0.8, 1.2)))
    side, (h, w) = CELL * BIG, alpha.shape
    y, x = (int(np.clip((side - n) / 2 + rng.uniform(-0.1, 0.1) * side, 0, side - n)) for n in (h, w))
    whole = np.zeros((side, side), np.float32)
    whole[y : y + h, x : x + w] = alpha
    small = cv2.resize(whole, (CELL, CELL), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.3, 1.0)))
    return np.asarray(soft[..., None] * (INK - GROUND) + rng.normal(0, 4, (CELL, CELL, 1)), np.float32)


@pytest.mark.parametrize(("chars", "least"), [("123456789", 0.97), ("XO", 0.99)])
def test_glyphs_are_read_in_all_fonts(chars: str, least: float) -> None:
    bank, rng = Bank([Sign(text=c) for c in chars], (CELL, CELL), GROUND), seeds.stream("glyphs", chars)
    right = wrong = count = 0
    for i, char in enumerate(chars):
        for font in FONTS:
            for _ in range(3):
                gap = drawn(char, font, rng)
                ink = ink_of(gap, gap + GROUND)
                assert ink is not None
                guess = bank.guess(ink)
                count += 1
                right += guess.sure and guess.best == i
                wrong += guess.sure and guess.best != i
    assert wrong == 0 and right >= least * count, (right / count, wrong)


def test_an_empty_cell_has_no_ink_and_an_unknown_glyph_is_an_error() -> None:
    noise = seeds.stream("no ink").normal(0, 5, (CELL, CELL, 3)).astype(np.float32)
    assert ink_of(noise, noise + GROUND) is None
    with pytest.raises(UserError, match="no glyph for '#'"):
        glyphs("1#", FONTS["plain"], 20.0)
