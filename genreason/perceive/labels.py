"""Whether what is written on a part still reads as it did.

A text is small, so that what is there is compared with what it would be if it were another one: it is
another one where that fits better.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.lattice import Lattice
from genreason.render.rigs import TEXTS, Rig, Writing
from genreason.types import Frame

POOR = 0.5  # correlation below which a text is not there
BETTER = 0.06  # by how much another text must fit better
ASIDE = 4  # pixels that a text may be off its place
REACH = 0.75  # half of a window's side, in heights of the text
Patch = npt.NDArray[np.float32]


class Labels:
    """Compares what is written on parts with what should be."""

    def __init__(self, rig: Rig) -> None:
        """`rig`: the scene, fitted to the clip."""
        self._rig = rig
        self._drawn = functools.cache(self._draw)

    def other(self, seen: Frame, writing: Writing) -> bool:
        """Whether another text than this, or none, is in its place in a frame (HWC RGB uint8)."""
        (x, y), reach = self._rig.lattice.pixels(writing.at), self._reach(writing.height)
        left, top = int(x) - reach - ASIDE, int(y) - reach - ASIDE
        side = 2 * (reach + ASIDE) + 1
        window = seen[max(top, 0) : top + side, max(left, 0) : left + side]
        if min(window.shape[:2]) < side:
            return False  # partly out of the picture
        ink = self._ink(window, writing.under)
        fits = {
            text: float(cv2.matchTemplate(ink, self._drawn(text, writing.height), cv2.TM_CCOEFF_NORMED).max())
            for text in {*TEXTS, writing.text}
        }
        own = fits.pop(writing.text)
        return own < POOR or max(fits.values()) > own + BETTER

    def _reach(self, height: float) -> int:
        return max(round(REACH * height * self._rig.lattice.cell_h), 2)

    def _ink(self, window: Frame, under: str) -> Patch:
        """How much every pixel has of the text's colour, of what is from that of the part to it."""
        ground = np.array(self._rig.style.colour(under), np.float32)
        way = np.array(self._rig.style.face, np.float32) - ground
        return np.asarray((window.astype(np.float32) - ground) @ way / (way @ way), np.float32)

    def _draw(self, text: str, height: float) -> Patch:
        """What a text looks like."""
        own, reach = self._rig.lattice, self._reach(height)
        side = 2 * reach + 1
        x0, y0 = reach + 0.5 - own.cell_w / 2, reach + 0.5 - own.cell_h / 2
        alone = Lattice(cols=1, rows=1, x0=x0, y0=y0, cell_w=own.cell_w, cell_h=own.cell_h)
        picture = np.zeros((side, side, 3), np.uint8)
        picture[:] = self._rig.style.first
        Writing((0.0, 0.0), text, height, "first").draw(picture, alone, self._rig.style)
        return self._ink(picture, "first")
