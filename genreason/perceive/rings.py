"""Find rings that are drawn around what stands in a cell, whatever that is.

A ring is ink all around the cell's middle, farther out than what it surrounds. Its radius, its place and its
line may differ from ours by some tenths; any colour that stands out as much will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from genreason.perceive.codes import ALIEN, EMPTY
from genreason.render.cells import RING, RING_LINE, Sign

SECTORS = 24
NEAR, FAR = 0.32, 0.5  # cells from the middle between which a ring's line is looked for
STRONG = 0.55  # share of a ring's usual difference from the ground from which it is there
FAINT = 0.22  # and from which there is something
WHOLE, PART = 0.9, 0.34  # shares of the sectors with ink from which there is a ring, or a part of one


class RingFinder:
    """Rings in cells of one size on one ground."""

    def __init__(self, signs: Sequence[Sign], cell: tuple[int, int], ground: npt.NDArray[np.float32]) -> None:
        """`signs` of the board, of which some are others with a ring; `cell` is (width, height) in pixels."""
        own = {sign: i for i, sign in enumerate(signs) if sign.ring is None}
        own[Sign()] = EMPTY
        ringed = [(i, replace(sign, ring=None)) for i, sign in enumerate(signs) if sign.ring is not None]
        self._ringed = {own[bare]: i for i, bare in ringed if bare in own}
        colours = np.array([sign.ring for sign in signs if sign.ring is not None], np.float32)
        self._usual = float(np.abs(colours - ground).max(axis=1).min())
        w, h = cell
        x, y = np.meshgrid((np.arange(w) + 0.5) / w - 0.5, (np.arange(h) + 0.5) / h - 0.5)
        self._radius = np.hypot(x, y).astype(np.float32)
        self._sector = ((np.arctan2(y, x) / (2 * np.pi) + 0.5) * SECTORS).astype(int).clip(0, SECTORS - 1)
        belt = (self._radius >= NEAR) & (self._radius <= FAR)
        self._belt = [np.flatnonzero(belt & (self._sector == k)) for k in range(SECTORS)]

    def code(self, bare: int) -> int:
        """The code of a sign (or of nothing) with a ring around it."""
        return self._ringed.get(bare, ALIEN)

    def look(self, gap: npt.NDArray[np.float32]) -> tuple[bool | None, npt.NDArray[np.bool_]]:
        """Whether there is a ring (None: a part or a shade of one), and what lies inside of it.

        Args:
            gap: (h, w, 3) how the cell differs from an empty one.
        """
        size = np.abs(gap).max(axis=-1).ravel()
        radius = self._radius.ravel()
        best = [int(cells[size[cells].argmax()]) for cells in self._belt]
        strength, far = size[best] / self._usual, radius[best]
        # What stands inside reaches into the belt here and there, but is nowhere far out all around.
        strong = float((strength >= STRONG).mean())
        if strong < WHOLE:
            some = (strength >= FAINT) & (far > RING)
            return (None if some.mean() >= PART else False), np.ones_like(self._sector, np.bool_)
        inner = np.minimum(far, RING + RING_LINE) - RING_LINE
        return True, np.asarray(self._radius < inner[self._sector], np.bool_)
