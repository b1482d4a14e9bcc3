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
NEAR, FAR = 0.33, 0.455  # cells from the middle between which a ring's line is looked for
STRONG = 0.55  # share of a ring's usual difference from the ground from which it is there
FAINT = 0.2  # and from which there is something
CLEAR = 0.26, 0.4  # cells from the middle between which there is ground within a ring
OPEN = 0.5  # share of the sectors in which it is seen
GLOW = 0.03  # cells by which a blurred line is thicker at each side
ASTRAY = 0.04  # cells by which a point may be off the ring's circle
WHOLE, PART = 0.9, 0.1  # shares of the sectors with ink from which there is a ring, or a part of one


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
        within = (self._radius >= CLEAR[0]) & (self._radius <= CLEAR[1])
        self._belt = [np.flatnonzero(belt & (self._sector == k)) for k in range(SECTORS)]
        self._within = [np.flatnonzero(within & (self._sector == k)) for k in range(SECTORS)]

    def code(self, bare: int) -> int:
        """The code of a sign (or of nothing) with a ring around it."""
        return self._ringed.get(bare, ALIEN)

    def around(self, code: int) -> bool:
        """Whether there is a ring in a cell of this code."""
        return code in self._ringed.values()

    def like(self, ringed: bool, own: int) -> int:
        """The code of what stands in a cell of code `own`, with a ring around it or without."""
        bare = next((b for b, code in self._ringed.items() if code == own), own)
        return self.code(bare) if ringed else bare

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
            some = float(((strength >= FAINT) & (far > RING)).mean())
            inside = self._radius < (RING if some else 1.0)
            return (None if some >= PART else False), np.asarray(inside, np.bool_)
        between = np.array([size[cells].min() for cells in self._within]) / self._usual
        if (between < STRONG).mean() < OPEN:
            return None, np.ones_like(self._sector, np.bool_)  # all is covered: a blot
        lines = [np.average(radius[c], weights=np.maximum(size[c], 1e-3) ** 2) for c in self._belt]
        return True, self._inside(np.array(lines))

    def _inside(self, far: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """What lies within a circle through most of the points that are so far from the middle."""
        angle = ((np.arange(SECTORS) + 0.5) / SECTORS - 0.5) * 2 * np.pi
        ways = np.stack([np.ones(SECTORS), np.cos(angle), np.sin(angle)], axis=1)
        fit = np.array([np.median(far), 0.0, 0.0])
        for _ in range(3):  # corners of what stands inside are left out
            near = np.abs(ways @ fit - far) < ASTRAY
            if near.sum() >= SECTORS // 2:
                fit = np.linalg.lstsq(ways[near], far[near], rcond=None)[0]
        inner = np.asarray(ways @ fit - RING_LINE / 2 - GLOW, np.float32)
        return np.asarray(self._radius < inner[self._sector], np.bool_)
