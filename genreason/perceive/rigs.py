"""Read a scene of moving parts through a clip: where each part is, and whether all else is kept.

One sequential pass. A part is found by its colour, wherever it is; the scene is then drawn with the parts
where they were found, and compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import CHANGED, Blocks, Gap
from genreason.perceive.fit import fit_board
from genreason.perceive.follow import BROKEN, LEARNT, LEARNT_AREA, SAME, read_through
from genreason.perceive.labels import Labels
from genreason.perceive.steady import Steady
from genreason.perceive.track import Spot, Track
from genreason.render.rigs import Bar, Column, Disc, Part, Rig
from genreason.types import Frame, UnreadableClipError

NEAR = 56  # difference (0-255, largest channel) up to which a pixel has a part's colour
LEAST = 0.3  # share of a part's pixels from which a region may be (a copy of) it
MOSTLY = 0.5  # share of a region that is not as in the empty scene, where it is (a copy of) a part
CLOSE = 1.5  # units from where it was within which a part is looked for first
OTHERWISE = 0.5  # share of a part's pixels, more or fewer, from which it has another size or shape
EMPTY = 0.02  # share of a tube below which nothing is in it
AWAY = 4  # frames after which a column that is gone has run out
FULL = 1.0  # height in units that does not run out from one frame to the next
FEWEST = 4  # pixels of a region that counts
FAINT = 0.35  # strength from which what belongs to a part is there
COARSE = 1.5  # of a unit, what counts as a cell for the size of blocks
EDGE = 0.12  # units at the sides of a column that are not looked at
TINTED = 1.5  # difference (0-255) of a tint that matters for colours
LEAST_INK = 3e4  # squared difference of a pixel from what is under it, that can be told
WHOLE = 0.7  # presence from which a part's texts can be read
BARE = 2  # frames after which what belongs to a part is looked for again
STEEP = 80  # difference (0-255) of neighbouring pixels at an edge
SEEN = 12  # difference (0-255) from the empty scene that is drawn
STRANGE = 60.0  # difference of a block beside a part that compression and a trembling camera do not make
ASIDE = 2  # pixels that a part may be off the place where it was found
_NEXT = np.ones((3, 3), np.uint8)
_SUM = np.ones((1, 3), np.float32)
Mask = npt.NDArray[np.uint8]
Place = tuple[float, float]


@dataclass
class Found:
    """A part while it is followed: its place in units, how much of it is there, how much looks otherwise.

    A column that was full, and empty in the next frame, has been `gone` for so many frames.
    """

    x: float
    y: float
    presence: float = 1.0
    odd: float = 0.0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Region:
    """A connected region of a colour: how many pixels, their middle, and those of them in its window."""

    area: float
    middle: Place
    pixels: npt.NDArray[np.bool_]


class PartFinder:
    """Finds one part by its colour in frames to which the scene was fitted."""

    def __init__(self, part: Part, rig: Rig, at: Place) -> None:
        """`at`: where the part is at the start."""
        self.part, self.lattice = part, rig.lattice
        self.colour = np.array(rig.style.colour(part.role), np.int16)
        self.unit = float(np.sqrt(rig.lattice.cell_w * rig.lattice.cell_h))
        self.area, self.off = 1.0, np.zeros(2)
        alone = rig.plate.copy()
        rig.draw_part(alone, part, at)
        mask = self.mask(alone, np.zeros(3, np.float32))
        found = self._regions(mask)
        if found:
            self.area, centre = found[0].area, self._place(found[0])
            # What is written on it moves the middle of what has its colour.
            self.off = np.array(at) - centre if isinstance(part, Disc) else self.off

    def mask(self, seen: Frame, tint: npt.NDArray[np.float32]) -> Mask:
        """The pixels that have the part's colour."""
        colour = self.colour + np.rint(tint).astype(np.int16)
        low, high = (np.clip(colour + d, 0, 255).astype(np.float64) for d in (-NEAR, NEAR))
        mask = np.asarray(cv2.inRange(seen, low, high), np.uint8)
        if isinstance(self.part, Column):
            inside = np.zeros_like(mask)
            box = self._box()
            inside[box] = mask[box]
            return inside
        return mask

    def _box(self) -> tuple[slice, slice]:
        """The inside of a column's tube."""
        part = self.part
        assert isinstance(part, Column)
        corners = [(part.left + EDGE, part.top), (part.right - EDGE, part.bottom)]
        (x0, y0), (x1, y1) = np.maximum(np.rint(self.lattice.pixels(corners)), 0).astype(int).tolist()
        return slice(y0, y1), slice(x0, x1)

    def _regions(self, mask: Mask, other: Mask | None = None) -> list[Region]:
        """Connected regions of the colour, largest first; of pixels that are mostly `other`."""
        left, top, width, height = cv2.boundingRect(mask)
        if not width:
            return []
        part = mask[top : top + height, left : left + width]
        count, labels, stats, middles = cv2.connectedComponentsWithStats(part, connectivity=8)
        fresh = np.full(count, np.inf)
        if other is not None:
            fresh = np.bincount(labels.ravel(), other[top : top + height, left : left + width].ravel(), count)
        found = []
        for i in range(1, count):
            area = float(stats[i, cv2.CC_STAT_AREA])
            if area >= FEWEST and fresh[i] >= MOSTLY * area:
                found.append(
                    Region(area, (left + middles[i][0] + 0.5, top + middles[i][1] + 0.5), labels == i)
                )
        return sorted(found, key=lambda region: -region.area)

    def _place(self, region: Region) -> npt.NDArray[np.float64]:
        """The part's place (units) if this region is it."""
        middle = self.lattice.cells(region.middle).astype(np.float64)
        if not isinstance(self.part, Bar):
            return middle
        ys, xs = np.nonzero(region.pixels)
        spread = np.cov(np.stack([xs * self.lattice.cell_w, ys * self.lattice.cell_h]))
        way = np.linalg.eigh(spread)[1][:, 1]
        return np.asarray(middle + self.part.half * way * (1 if way[0] >= 0 else -1))

    def find(self, mask: Mask, last: Found, other: Mask) -> tuple[Found, list[Place]]:
        """Where the part is now, of which these are the pixels, and where copies of it are.

        What is not `other` (1) than in the empty scene only has its colour.
        """
        if isinstance(self.part, Column):
            return self._level(mask, last), []
        regions = [r for r in self._regions(mask, other) if r.area >= LEAST * self.area]
        if not regions:
            return Found(last.x, last.y, 0.0), []
        places = [self._place(region) + self.off for region in regions]
        far = [float(np.hypot(p[0] - last.x, p[1] - last.y)) for p in places]
        whole = [abs(np.log(region.area / self.area)) for region in regions]
        rank = [(f > CLOSE, round(w, 1) if f > CLOSE else 0, f) for f, w in zip(far, whole, strict=True)]
        own = min(range(len(regions)), key=lambda i: rank[i])
        presence = min(regions[own].area / self.area, 1.0)
        others = [(float(p[0]), float(p[1])) for i, p in enumerate(places) if i != own]
        return Found(float(places[own][0]), float(places[own][1]), presence), others

    def _level(self, mask: Mask, last: Found) -> Found:
        """The surface of a column, from how much of the tube is filled.

        What is empty at once is gone for a while, and then has run out.
        """
        part, box = self.part, self._box()
        assert isinstance(part, Column)
        filled = float((mask[box] > 0).mean()) if mask[box].size else 0.0
        if filled < EMPTY and part.bottom - last.y > FULL and last.gone < AWAY:
            return Found(last.x, last.y, 0.0, gone=last.gone + 1)
        surface = part.bottom - filled * (part.bottom - part.top)
        return Found((part.left + part.right) / 2, surface)

    def unlike(self, drawn: Frame, mask: Mask) -> bool:
        """Whether the part has another size or shape than where it is drawn in its place."""
        own = self.mask(drawn, np.zeros(3, np.float32))
        left, top, width, height = cv2.boundingRect(own)
        edge = round(self.unit)
        window = np.s_[max(top - edge, 0) : top + height + edge, max(left - edge, 0) : left + width + edge]
        area = self.area
        if isinstance(self.part, Column):
            window = self._box()
            area = max(0.25 * own[window].size, 1.0)
        return cv2.countNonZero(cv2.bitwise_xor(own[window], mask[window])) > OTHERWISE * area


def _edges(plate: Frame) -> Mask:
    """The pixels of a picture at which colours meet that differ much."""
    steps = cv2.morphologyEx(plate, cv2.MORPH_GRADIENT, _NEXT).max(axis=-1)
    return np.asarray(np.where(steps > STEEP, 255, 0), np.uint8)


def _wide(mask: Mask, reach: int) -> Mask:
    """The mask with all that is so near to it."""
    return np.asarray(cv2.dilate(mask, _NEXT, iterations=reach), np.uint8)


def _joined(masks: list[Mask]) -> Mask:
    out = masks[0].copy()
    for mask in masks[1:]:
        out |= mask
    return out


class RigFollower:
    """Reads one clip. Feed it frames in order (`step`), then ask for the `track`."""

    def __init__(self, rig: Rig, places_N2: npt.NDArray[np.float32], reference: Frame, first: Frame) -> None:
        """Fit the scene to the clip's frame 0 (any size).

        Args:
            rig: the scene.
            places_N2: where the parts are at the start, in units.
            reference: the given first frame.
            first: the clip's frame 0; both HWC RGB uint8.

        Raises:
            UnreadableClipError: the clip is too small to be read.
        """
        self.clip_size = (first.shape[1], first.shape[0])
        self.fit = fit_board(replace(rig, plate=reference, parts=()), [], reference, first)
        fitted, own = self.fit.board, rig.lattice
        scale = fitted.lattice.cell_w / own.cell_w, fitted.lattice.cell_h / own.cell_h
        offset = fitted.lattice.x0 - own.x0 * scale[0], fitted.lattice.y0 - own.y0 * scale[1]
        h, w = fitted.plate.shape[:2]
        empty = rig.fitted(scale, offset, (w, h))
        assert isinstance(empty, Rig)
        # Larger blocks than for small pieces: a trembling camera must not show at edges.
        grid = empty.lattice
        wide = replace(grid, cell_w=grid.cell_w * COARSE, cell_h=grid.cell_h * COARSE)
        self.rig, self.blocks = empty, Blocks(replace(empty, lattice=wide))
        self.steady, self.labels = Steady(empty, self.blocks), Labels(empty)
        self.now = [Found(float(x), float(y)) for x, y in places_N2]
        self.finders = [
            PartFinder(part, empty, (found.x, found.y))
            for part, found in zip(empty.parts, self.now, strict=True)
        ]
        small, drawn = self.fit.prepare(first), empty.draw(places_N2)
        covered = self._blocks(self._inked(drawn))
        # Compression spreads colours at edges in the scene as it does beside parts.
        gap = self.blocks.difference(small, fitted.plate, covered | self._blocks(_edges(empty.plate)))
        self.start_gap = float((gap.size > CHANGED).mean())
        self.start_change = max((blob.area for blob in gap.blobs()), default=0.0) * COARSE**2
        if self.start_gap < LEARNT and self.start_change < LEARNT_AREA:
            self.blocks.learn(self.blocks.means(small), covered)
        self._last: Frame | None = None
        self._bared = [False] * len(self.now)
        self._hidden, self._passed = covered, covered.copy()
        self._places: list[npt.NDArray[np.float32]] = []
        self._presence: list[list[float]] = []
        self._odd: list[list[float]] = []
        self._camera: list[tuple[float, float]] = []
        self._broken: list[bool] = []
        self._spots: list[Spot] = []
        self._new: list[Spot] = []

    def _inked(self, drawn: Frame) -> Mask:
        """The pixels on which anything is drawn over the empty scene."""
        gap = cv2.absdiff(drawn, self.rig.plate)
        return np.asarray(cv2.bitwise_not(cv2.inRange(gap, np.zeros(3), np.full(3, float(SEEN)))), np.uint8)

    def _under(self, ink: Mask) -> npt.NDArray[np.bool_]:
        """The blocks of these pixels."""
        return np.asarray(self.blocks.shrunk(ink) > 0, np.bool_)

    def _blocks(self, ink: Mask) -> npt.NDArray[np.bool_]:
        """The blocks of these pixels, and those beside them."""
        return _wide(self._under(ink).astype(np.uint8), 1) > 0

    # -- one frame -------------------------------------------------------------------------------------------
    def step(self, frame: Frame) -> None:
        """Read the next frame."""
        if (frame.shape[1], frame.shape[0]) != self.clip_size:
            raise UnreadableClipError("the clip changes its size midway")
        small, t = self.fit.prepare(frame), len(self._broken)
        waits = any(found.gone for found in self.now)
        if not waits and self._last is not None and cv2.norm(small, self._last, cv2.NORM_INF) <= SAME:
            self._places.append(self._places[-1])
            self._presence.append(self._presence[-1])
            self._odd.append(self._odd[-1])
            self._camera.append(self._camera[-1])
            self._broken.append(self._broken[-1])
            self._spots += [replace(spot, t=t) for spot in self._new]
            return
        self._last, self._new = small, []
        none = np.zeros(3, np.float32)
        masks = [finder.mask(small, none) for finder in self.finders]
        # What has a part's colour is no movement of the camera; where that is moved, all colours are.
        hidden = self._hidden if self.steady.warp.any() else self._hidden | self._blocks(_joined(masks))
        seen, _, gap = self.steady.stabilise(small, hidden, t)
        broken = bool(gap.apart_from(hidden, self._passed).changed.mean() > BROKEN)
        if not broken:
            if seen is not small or np.abs(gap.tint).max() >= TINTED:
                masks = [finder.mask(seen, gap.tint) for finder in self.finders]
            self._find(seen, masks, gap, t)
        self._places.append(np.array([(p.x, p.y) for p in self.now], np.float32).reshape(-1, 2))
        self._presence.append([p.presence for p in self.now])
        self._odd.append([p.odd for p in self.now])
        self._camera.append(self.steady.moved())
        self._broken.append(broken)
        self._spots += self._new

    def _find(self, seen: Frame, masks: list[Mask], gap: Gap, t: int) -> None:
        """Find the parts, and what else differs from the scene with the parts where they are."""
        copies, other = [], self.blocks.pixels(gap.size > CHANGED)
        for i, (finder, mask) in enumerate(zip(self.finders, masks, strict=True)):
            self.now[i], others = finder.find(mask, self.now[i], other)
            self._new += [Spot(t, finder.part.name, x, y, 1.0) for x, y in others]
            copies += [mask] if others else []
        there = [float(p.presence > 0) for p in self.now]
        drawn = self.rig.draw([(p.x, p.y) for p in self.now], there)
        for i, mask in enumerate(masks):
            if t % BARE == 0:
                self._bared[i] = self._bare(seen, gap.tint, i) or self._rewritten(seen, i)
            unlike = self._bared[i] or self.finders[i].unlike(drawn, mask)
            self.now[i].odd = 1.0 if there[i] and unlike else 0.0
        ink = self._inked(drawn)
        self._hidden = self._blocks(ink)
        self._passed |= self._hidden
        hidden = self.blocks.outside(self.steady.warp) | self._under(_wide(ink, ASIDE))
        if copies:
            hidden |= self._blocks(_joined(copies))
        apart = gap.apart_from(hidden | self._hidden, self._passed)
        if not any(p.odd for p in self.now):  # what has another size reaches beside it
            # There compression spreads the parts' colours; what differs much is changed.
            strange = self._hidden & ~hidden & (gap.size > STRANGE)
            apart = replace(apart, changed=apart.changed | strange)
        for blob in apart.blobs():
            x, y = self.rig.lattice.cells((blob.x, blob.y))
            self._new.append(Spot(t, "", float(x), float(y), blob.area * COARSE**2))

    def _bare(self, seen: Frame, tint: npt.NDArray[np.float32], i: int) -> bool:
        """Whether what belongs to a part is not there."""
        part, found = self.rig.parts[i], self.now[i]
        if not part.loaded:
            return False
        with_it = self.rig.plate.copy()
        part.extras(with_it, self.rig.lattice, self.rig.style, (found.x, found.y))
        change = cv2.absdiff(with_it, self.rig.plate)
        left, top, width, height = cv2.boundingRect(change.reshape(change.shape[0], -1))
        rows, cols = slice(top, top + height), slice(left // 3, (left + width - 1) // 3 + 1)
        plate = self.rig.plate[rows, cols].astype(np.float32)
        ink = with_it[rows, cols].astype(np.float32) - plate
        gap = seen[rows, cols].astype(np.float32) - plate - tint
        none = cv2.inRange(change[rows, cols], np.zeros(3), np.full(3, float(SEEN)))
        _, labels = cv2.connectedComponents(cv2.bitwise_not(none), connectivity=8)
        # OpenCV's sums over channels take a tenth of numpy's time.
        squares, products = (cv2.transform(cv2.multiply(a, ink), _SUM) for a in (ink, gap))
        energy = np.bincount(labels.ravel(), squares.ravel())[1:]
        there = np.bincount(labels.ravel(), products.ravel())[1:]
        return bool(((there < FAINT * energy) & (energy >= LEAST_INK * FEWEST)).any())

    def _rewritten(self, seen: Frame, i: int) -> bool:
        """Whether another text is on a part that is whole."""
        found = self.now[i]
        texts = self.rig.parts[i].written((found.x, found.y)) if found.presence >= WHOLE else ()
        return any(self.labels.other(seen, writing) for writing in texts)

    def track(self, fps: float) -> Track:
        """What was seen in all frames so far; a part's `contrast` is from its surroundings."""
        sky = np.array(self.rig.style.sky.colour, np.float32)
        contrast = [float(np.abs(finder.colour - sky).max()) for finder in self.finders]
        return Track(
            names=tuple(part.name for part in self.rig.parts), fps=fps, clip_size=self.clip_size,
            view=self.fit.view, places_TN2=np.stack(self._places),
            presence_TN=np.array(self._presence, np.float32), camera_T2=np.array(self._camera, np.float32),
            spots=tuple(self._spots), broken_T=np.array(self._broken, np.bool_), start_gap=self.start_gap,
            start_change=self.start_change, oddness_TN=np.array(self._odd, np.float32),
            contrast_N=tuple(contrast),
        )  # fmt: skip


def follow_rig(
    rig: Rig,
    places_N2: npt.NDArray[np.float32],
    reference: Frame,
    frames: Iterable[Frame],
    fps: float,
    *,
    time_limit: float = 10.0,
) -> Track:
    """Read a whole clip.

    Args:
        rig: the scene.
        places_N2: where the parts are at the start, in units.
        reference: the given first frame.
        frames: the clip's frames, HWC RGB uint8, any size; read once, in order.
        fps: frames per second.
        time_limit: CPU-seconds that this may take.

    Raises:
        TimeLimitError: the limit was reached.
        UnreadableClipError: there is no frame, or frames are too small or change their size.
    """
    return read_through(
        lambda first: RigFollower(rig, places_N2, reference, first), frames, time_limit
    ).track(fps)
