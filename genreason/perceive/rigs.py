"""Read a scene of moving parts through a clip: where each part is, and whether all else is kept.

One sequential pass. A part is found by its colour, wherever it is; the scene is then drawn with the parts
where they were found, and compared.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import CHANGED, Blocks, Gap
from genreason.perceive.fit import fit_board
from genreason.perceive.follow import BROKEN, LEARNT, LEARNT_AREA, SAME, TimeLimitError
from genreason.perceive.steady import Steady
from genreason.perceive.track import Spot, Track
from genreason.perceive.view import STILL
from genreason.render.rigs import Bar, Column, Disc, Part, Rig
from genreason.types import Frame, UnreadableClipError

NEAR = 56  # difference (0-255, largest channel) up to which a pixel has a part's colour
LEAST = 0.3  # share of a part's pixels from which a region may be (a copy of) it
CLOSE = 1.5  # units from where it was within which a part is looked for first
OTHERWISE = 0.5  # share of a part's pixels, more or fewer, from which it has another size or shape
FAINT = 0.35  # strength from which what belongs to a part is there
EDGE = 0.12  # units at the sides of a column that are not looked at
SEEN = 12  # difference (0-255) from the empty scene that is drawn
_NEXT = np.ones((3, 3), np.uint8)
Mask = npt.NDArray[np.uint8]
Place = tuple[float, float]


@dataclass
class Found:
    """A part while it is followed: its place in units, how much of it is there, how much looks otherwise."""

    x: float
    y: float
    presence: float = 1.0
    odd: float = 0.0


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
            self.area, centre = found[0][0], self._place(mask, found[0])
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

    def _regions(self, mask: Mask) -> list[tuple[float, int, npt.NDArray[np.int32]]]:
        """Connected regions of the colour, the largest first: pixels, label, labels."""
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        areas = [
            (float(stats[i, cv2.CC_STAT_AREA]), i, np.asarray(labels, np.int32)) for i in range(1, count)
        ]
        return sorted((a for a in areas if a[0] >= 4), key=lambda a: -a[0])

    def _place(self, mask: Mask, region: tuple[float, int, npt.NDArray[np.int32]]) -> npt.NDArray[np.float64]:
        """The part's place (units) if this region is it."""
        ys, xs = np.nonzero(region[2] == region[1])
        points = np.stack([xs + 0.5, ys + 0.5], axis=-1)
        middle = self.lattice.cells(points.mean(axis=0)).astype(np.float64)
        if not isinstance(self.part, Bar):
            return middle
        spread = np.cov(self.lattice.cells(points).astype(np.float64).T)
        way = np.linalg.eigh(spread)[1][:, 1]
        return np.asarray(middle + self.part.half * way * (1 if way[0] >= 0 else -1))

    def find(
        self, seen: Frame, tint: npt.NDArray[np.float32], last: Found
    ) -> tuple[Found, list[Place], Mask]:
        """Where the part is now; where copies of it are; and its pixels."""
        mask = self.mask(seen, tint)
        if isinstance(self.part, Column):
            return self._level(mask), [], mask
        regions = [r for r in self._regions(mask) if r[0] >= LEAST * self.area]
        if not regions:
            return Found(last.x, last.y, 0.0), [], mask
        places = [self._place(mask, region) + self.off for region in regions]
        far = [float(np.hypot(p[0] - last.x, p[1] - last.y)) for p in places]
        whole = [abs(np.log(region[0] / self.area)) for region in regions]
        rank = [(f > CLOSE, round(w, 1) if f > CLOSE else 0, f) for f, w in zip(far, whole, strict=True)]
        own = min(range(len(regions)), key=lambda i: rank[i])
        presence = min(regions[own][0] / self.area, 1.0)
        others = [(float(p[0]), float(p[1])) for i, p in enumerate(places) if i != own]
        return Found(float(places[own][0]), float(places[own][1]), presence), others, mask

    def _level(self, mask: Mask) -> Found:
        """The surface of a column, from how much of the tube is filled."""
        part, box = self.part, self._box()
        assert isinstance(part, Column)
        filled = float((mask[box] > 0).mean()) if mask[box].size else 0.0
        return Found((part.left + part.right) / 2, part.bottom - filled * (part.bottom - part.top))


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
        self.rig, self.blocks = empty, Blocks(empty)
        self.steady = Steady(empty, self.blocks)
        self.now = [Found(float(x), float(y)) for x, y in places_N2]
        self.finders = [
            PartFinder(part, empty, (found.x, found.y))
            for part, found in zip(empty.parts, self.now, strict=True)
        ]
        small, drawn = self.fit.prepare(first), empty.draw(places_N2)
        covered = self._covered(drawn)
        gap = self.blocks.difference(small, fitted.plate, covered)
        self.start_gap = float((gap.size > CHANGED).mean())
        self.start_change = max((blob.area for blob in gap.blobs()), default=0.0)
        if self.start_gap < LEARNT and self.start_change < LEARNT_AREA:
            self.blocks.learn(self.blocks.means(small), covered)
        self._last: Frame | None = None
        self._hidden, self._passed = covered, covered.copy()
        self._places: list[npt.NDArray[np.float32]] = []
        self._presence: list[list[float]] = []
        self._odd: list[list[float]] = []
        self._camera: list[tuple[float, float]] = []
        self._broken: list[bool] = []
        self._spots: list[Spot] = []
        self._new: list[Spot] = []

    def _covered(self, drawn: Frame) -> npt.NDArray[np.bool_]:
        """The blocks on which anything is drawn over the empty scene, and those beside them."""
        gap = cv2.absdiff(drawn, self.rig.plate)
        ink = cv2.inRange(gap, np.zeros(3), np.full(3, float(SEEN)))
        return self._blocks(np.asarray(cv2.bitwise_not(ink), np.uint8))

    def _blocks(self, ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """The blocks of these pixels, and those beside them."""
        some = self.blocks.shrunk(np.asarray(ink, np.uint8)) > 0
        return np.asarray(cv2.dilate(some.astype(np.uint8), _NEXT) > 0, np.bool_)

    # -- one frame -------------------------------------------------------------------------------------------
    def step(self, frame: Frame) -> None:
        """Read the next frame."""
        if (frame.shape[1], frame.shape[0]) != self.clip_size:
            raise UnreadableClipError("the clip changes its size midway")
        small, t = self.fit.prepare(frame), len(self._broken)
        if self._last is not None and cv2.norm(small, self._last, cv2.NORM_INF) <= SAME:
            self._places.append(self._places[-1])
            self._presence.append(self._presence[-1])
            self._odd.append(self._odd[-1])
            self._camera.append(self._camera[-1])
            self._broken.append(self._broken[-1])
            self._spots += [replace(spot, t=t) for spot in self._new]
            return
        self._last, self._new = small, []
        hidden = self._hidden | self._fresh(small)
        seen, _, gap = self.steady.stabilise(small, hidden, t)
        broken = bool(gap.apart_from(hidden, self._passed).changed.mean() > BROKEN)
        if not broken:
            self._find(seen, gap, t)
        self._places.append(np.array([(p.x, p.y) for p in self.now], np.float32).reshape(-1, 2))
        self._presence.append([p.presence for p in self.now])
        self._odd.append([p.odd for p in self.now])
        self._camera.append(self.steady.moved())
        self._broken.append(broken)
        self._spots += self._new

    def _fresh(self, small: Frame) -> npt.NDArray[np.bool_]:
        """The blocks that have a part's colour in a frame whose camera has not moved any further."""
        if self.steady.warp is not STILL and self.steady.warp.any():
            return np.zeros_like(self._hidden)
        none = np.zeros(3, np.float32)
        ink = np.zeros(small.shape[:2], np.uint8)
        for finder in self.finders:
            ink |= finder.mask(small, none)
        return self._blocks(ink)

    def _find(self, seen: Frame, gap: Gap, t: int) -> None:
        """Find the parts, and what else differs from the scene with the parts where they are."""
        copies = np.zeros(seen.shape[:2], np.uint8)
        masks = []
        for i, finder in enumerate(self.finders):
            self.now[i], others, mask = finder.find(seen, gap.tint, self.now[i])
            masks.append(mask)
            for x, y in others:
                self._new.append(Spot(t, finder.part.name, x, y, 1.0))
            if others:
                copies |= mask
        places = [(p.x, p.y) for p in self.now]
        drawn = self.rig.draw(places, [float(p.presence > 0) for p in self.now])
        inked = self._covered(drawn)
        for i, mask in enumerate(masks):
            self.now[i].odd = self._unlike(seen, drawn, gap.tint, i, mask)
        self._hidden = inked
        self._passed |= inked
        hidden = inked | self.blocks.outside(self.steady.warp)
        if copies.any():
            hidden |= self._blocks(copies)
        for blob in gap.apart_from(hidden, self._passed).blobs():
            x, y = self.rig.lattice.cells((blob.x, blob.y))
            self._new.append(Spot(t, "", float(x), float(y), blob.area))

    def _unlike(self, seen: Frame, drawn: Frame, tint: npt.NDArray[np.float32], i: int, mask: Mask) -> float:
        """How much (square units) of a part does not look as it should where it is."""
        finder, found = self.finders[i], self.now[i]
        if found.presence <= 0:
            return 0.0
        odd = 0.0
        if not isinstance(finder.part, Column):
            own = finder.mask(drawn, np.zeros(3, np.float32))
            around = cv2.dilate(own, _NEXT, iterations=max(round(0.8 * finder.unit), 1))
            differ = cv2.countNonZero(cv2.bitwise_and(cv2.bitwise_xor(own, mask), around))
            odd = differ / max(finder.area, 1.0)
            odd = 1.0 if odd > OTHERWISE else 0.0
        return max(odd, self._extras(seen, tint, i))

    def _extras(self, seen: Frame, tint: npt.NDArray[np.float32], i: int) -> float:
        """1 where what belongs to a part is not there, else 0."""
        part, found = self.rig.parts[i], self.now[i]
        with_it = self.rig.plate.copy()
        part.extras(with_it, self.rig.lattice, self.rig.style, (found.x, found.y))
        change = cv2.absdiff(with_it, self.rig.plate)
        left, top, width, height = cv2.boundingRect(change.reshape(change.shape[0], -1))
        if width == 0:
            return 0.0
        rows, cols = slice(top, top + height), slice(left // 3, (left + width - 1) // 3 + 1)
        plate = self.rig.plate[rows, cols].astype(np.float32)
        ink = with_it[rows, cols].astype(np.float32) - plate
        gap = seen[rows, cols].astype(np.float32) - plate - tint
        strength = float(np.vdot(gap, ink)) / max(float(np.vdot(ink, ink)), 1.0)
        return 0.0 if strength >= FAINT else 1.0

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
    began, spent = time.monotonic(), time.process_time()
    follower: RigFollower | None = None
    for t, frame in enumerate(frames):
        if follower is None:
            follower = RigFollower(rig, places_N2, reference, frame)
        follower.step(frame)
        if time.monotonic() - began > time_limit and time.process_time() - spent > time_limit:
            raise TimeLimitError(
                f"reading took over {time_limit:g} CPU-seconds (at frame {t}): raise time_limit"
            )
    if follower is None:
        raise UnreadableClipError("the clip has no frames")
    return follower.track(fps)
