"""Tell what stands in one cell: a sign, nothing, or none of what the board may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.codes import ALIEN, BETWEEN, EMPTY, FAINT, UNSURE
from genreason.perceive.glyphs import FLOOR, LIKE, MARK_MARGIN, Bank, Guess, Ink, bank_of, ink_of, roughly
from genreason.perceive.rings import RingFinder
from genreason.render.cells import Sign, sign_piece

PRESENT = 0.55  # share of a sign's usual difference from the ground from which it is there
LEAST_FAINT = 0.25  # share of a sign's usual difference from the ground from which it is half there,
STRAY = 0.1  # and share of a cell that its middle may be off
OFF = 0.2  # share of a cell that the middle of a sign may be off
LEAST_SIZE, MOST_SIZE = 0.68, 1.5  # of a sign, times its own
INSIDE = 0.2  # share of a cell at each side that is not looked at for texts on tiles
TEXT = 0.1  # the same for texts on the ground
TILE = 0.04  # and for tiles
ALIKE = 0.95  # correlation with how a cell looked when it was told from which it shows the same
STROKE = 0.3  # of its strongest ink, the most that a spot of it may differ
RINGED = 0.38  # the same of what is in a ring that may tremble with it: two signs differ by half there
SAME_INK = 0.75  # share of its ink that must be there, too
Look = npt.NDArray[np.float32]
ASIDE = 0.1  # share of a cell that a tile's edges may be off for its text to be told
LINED = 80.0  # difference (0-255) of neighbours in an empty cell from which there is a line,
ASTRAY = 0.45  # and share of it by which its edges may differ from how they were drawn


def same_ink(
    a_HWC: Look, b_HWC: Look, edge: tuple[int, int], bare: bool = False, stroke: float = STROKE
) -> bool:
    """Whether two inks are the same but for noise; `bare` leaves out what is the same all over."""
    x, y = edge
    a, b = (p[y : p.shape[0] - y, x : p.shape[1] - x].reshape(-1, 3) for p in (a_HWC, b_HWC))
    if bare:
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    own, both = float((b * b).sum()), float((a * b).sum())
    if own < 1:
        return False
    if both <= ALIKE * float(np.sqrt(own * (a * a).sum())) or not SAME_INK * own < both < own / SAME_INK:
        return False
    # A stroke more or less is little of the whole, but much where it is.
    spot = cv2.blur(a_HWC - b_HWC, (3, 3))[y : len(a_HWC) - y, x : a_HWC.shape[1] - x]
    return float(np.abs(spot).max()) < stroke * float(np.abs(b).max())


class CellReader:
    """Reads one cell: what sign stands in it."""

    def __init__(
        self,
        signs: Sequence[Sign],
        cell: tuple[int, int],
        ground: npt.NDArray[np.float32],
        rests: bool = False,
    ) -> None:
        """Prepare for signs in cells of (width, height) on a ground of this mean colour.

        With `rests` what is much fainter than any sign is nothing: where many cells change at once,
        compression leaves more of what was there, and for longer.
        """
        self.ground = ground
        self._rings = RingFinder(signs, cell, ground) if any(sign.ring for sign in signs) else None
        self._bare = [i for i, sign in enumerate(signs) if sign.ring is None]
        if self._rings is not None:
            signs = [signs[i] for i in self._bare]
        self._bases = [s.mark for s in signs if s.mark is not None and s.text]
        tiles = list(dict.fromkeys(self._bases))
        plain = [i for i, s in enumerate(signs) if s.mark is None or not s.text]
        below = [Sign(mark=mark) for mark in tiles]
        self._codes = plain + [-1 - k for k in range(len(tiles))]  # signs, then tiles that carry texts
        self._bank = bank_of(tuple([signs[i] for i in plain] + below), cell, roughly(ground))
        self._edge = TILE if tiles else TEXT
        self._floor = max(FLOOR, LEAST_FAINT * float(min(self._bank.strengths))) if rests else FLOOR
        self._tiles: list[tuple[list[int], Bank, npt.NDArray[np.float32], npt.NDArray[np.float32]]] = []
        for mark, base in zip(tiles, below, strict=True):
            on = [i for i, s in enumerate(signs) if s.mark == mark and s.text]
            rgb, alpha = _laid(base, cell)
            face = rgb[alpha > 0.9].mean(axis=0)
            texts = [replace(signs[i], mark=None) for i in on]
            self._tiles.append((on, bank_of(tuple(texts), cell, roughly(face)), rgb, alpha))

    @property
    def rings(self) -> bool:
        """Whether there may be rings: they begin as little more than what they are around."""
        return self._rings is not None

    def around(self, code: int, own: int, gap: Look, told: Look) -> int:
        """The code that was read; where only a ring came or went around what was told to be `own`, with that.

        A ring that touches what is inside of it makes it look like another thing. `gap` (h, w, 3) is how the
        cell differs from an empty one, and `told` how it did then.
        """
        if self._rings is None or own < 0 or code == own:
            return code
        (ringed, inside), (h, w) = self._rings.look(gap), gap.shape[:2]
        if ringed is None or not (ringed or self._rings.around(own)):
            return code
        within = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8))[..., None] > 0
        now, then = (np.where(within, look, np.float32(0)) for look in (gap, told))
        same = same_ink(now, then, (w // 10, h // 10), stroke=RINGED)
        return self._rings.like(ringed, own) if same else code

    def read(self, seen: npt.NDArray[np.float32], empty: npt.NDArray[np.float32]) -> tuple[int, Ink | None]:
        """The code of a cell (h, w, 3), given how it looks when empty, and its ink."""
        if self._rings is None:
            return self._read(seen, empty)
        ringed, inside = self._rings.look(seen - empty)
        code, ink = self._read(np.where(inside[..., None], seen, empty), empty)
        ink = ink_of(seen - empty, seen, edge=TILE)
        if ringed is None:
            return BETWEEN, ink
        bare = self._bare[code] if code >= 0 else code
        return (self._rings.code(bare) if ringed and bare >= EMPTY else bare), ink

    def aside(self, code: int, ink: Ink) -> float:
        """By what share of a cell the edges of a sign's ink are out of their places (0 where it is none)."""
        if code not in self._codes or code < 0:
            return 0.0
        return float(np.abs(np.array(ink.box) - self._bank.boxes[self._codes.index(code)]).max())

    def _read(self, seen: npt.NDArray[np.float32], empty: npt.NDArray[np.float32]) -> tuple[int, Ink | None]:
        """As `read`, of a cell without a ring."""
        ink = ink_of(seen - empty, seen, self._floor, self._edge)
        if ink is None:
            return EMPTY, None
        here = np.asarray(cv2.mean(empty)[:3], np.float32)
        guess = self._bank.guess(ink, here)
        status = _status(self._bank, guess, ink, self.ground, empty)
        if status:
            return status, ink
        code = self._codes[guess.best]
        if code >= 0:
            return code, ink
        if np.abs(np.array(ink.box) - self._bank.boxes[guess.best]).max() > ASIDE:
            return BETWEEN, ink  # a text can be told only where its tile is in its place
        on, bank, rgb, alpha = self._tiles[-1 - code]
        tile = empty + alpha[..., None] * (rgb - empty)
        text = ink_of(seen - tile, seen, edge=INSIDE)
        if text is None:
            return BETWEEN, ink
        # What is on a tile was given and is not written anew: it need not be told from strange hands as far.
        told = replace(bank.guess(text), least=MARK_MARGIN)
        status = _status(bank, told, text, tile[alpha > 0.9].mean(axis=0), tile)
        return (status or on[told.best]), ink


def slack_of(empty: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """(h, w): how much the pixels of an empty cell (h, w, 3) may differ for lying at a line's edges."""
    around = np.ones((3, 3), np.uint8)
    rise = (cv2.dilate(empty, around) - cv2.erode(empty, around)).max(axis=-1)
    return np.asarray(np.where(rise > LINED, ASTRAY * rise, 0), np.float32) if rise.max() > LINED else None


def _laid(sign: Sign, cell: tuple[int, int]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Colours (h, w, 3) and opacity (h, w) of a sign in the middle of a cell."""
    piece, (w, h) = sign_piece("", sign, *cell), cell
    rgb, alpha = np.zeros((h, w, 3), np.float32), np.zeros((h, w), np.float32)
    ph, pw = piece.alpha.shape
    top, left = (h - ph) // 2, (w - pw) // 2
    y0, x0, y1, x1 = max(top, 0), max(left, 0), min(top + ph, h), min(left + pw, w)
    rgb[y0:y1, x0:x1] = piece.rgb[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha[y0:y1, x0:x1] = piece.alpha[y0 - top : y1 - top, x0 - left : x1 - left]
    return rgb, alpha


def _status(
    bank: Bank, guess: Guess, ink: Ink, ground: npt.NDArray[np.float32], empty: npt.NDArray[np.float32]
) -> int:
    """0 where the sign stands there plainly, else why not."""
    own, colour = bank.boxes[guess.best], bank.colours[guess.best]
    usual = float(np.abs(colour - ground).max())
    here = float(np.abs(colour - np.array(cv2.mean(empty)[:3])).max())
    expected = bank.strengths[guess.best] * (here / max(usual, 1.0))
    box = np.array(ink.box)
    off = np.abs((box[:2] + box[2:]) - (own[:2] + own[2:])).max() / 2
    size = max(box[2] - box[0], box[3] - box[1]) / max(own[2] - own[0], own[3] - own[1])
    if off > OFF or size < LEAST_SIZE:
        return BETWEEN
    if ink.strength < PRESENT * expected:
        return FAINT if off <= STRAY and ink.strength >= LEAST_FAINT * expected else BETWEEN
    if guess.likeness < LIKE or size > MOST_SIZE:
        return ALIEN
    return 0 if guess.sure else UNSURE
