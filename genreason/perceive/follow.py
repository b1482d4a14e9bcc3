"""Follow the pieces of a board through a clip, and watch everything that must not change.

One sequential pass. The picture is compared twice: coarsely everywhere (mean colour of blocks a third of a
cell wide, which neither codec noise nor blur moves), and finely where the pieces are. Frames are read in the
clip's own pixels, reduced by a whole number; the board is fitted to them, not the other way round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import Blob, Blocks, Gap, Means
from genreason.perceive.locate import Finder, Sight, contrast
from genreason.perceive.track import Spot, Track
from genreason.perceive.view import STILL, Registrar, View, Warp, find_view, gray, undo
from genreason.render.board import Board
from genreason.types import Frame, GenreasonError, UnreadableClipError

PRESENT = 0.5  # opacity from which a piece counts as there
LIKE = 0.6  # correlation with its look from which something counts as a piece that is followed
ALIKE = 0.85  # and from which something new counts as a copy of it
BROKEN = 0.35  # share of changed blocks from which nothing is left to read
SHIFTED = 0.002  # share of changed blocks from which a camera movement is looked for
NEAR = 0.45  # how far (cells) around its last place a piece is looked for at first
FAR = 2.2  # and when it was not found there
DOUBLE = 0.45  # distance (cells) below which two pieces claim the same place
SURE = 0.75  # quality of a sight from which no better one is looked for
LEARNT = 0.03  # share of changed blocks up to which frame 0 is taken for the scene's own colours
SAME = 6  # largest difference (0-255) of two frames that count as the same
RECHECK = 10  # frames after which a fruitless search for a camera movement is tried again
CLOCK = 8  # frames between two looks at the clock
Watch = Callable[[int, Frame, npt.NDArray[np.float32]], None]


class TimeLimitError(GenreasonError):
    """Reading a clip took longer than the judge's card allows."""


@dataclass
class _Piece:
    finder: Finder
    x: float
    y: float
    presence: float = 1.0
    patch: Frame | None = None


class Follower:
    """Reads one clip. Feed it frames in order (`step`), then ask for the `track`."""

    def __init__(
        self, board: Board, places_N2: npt.NDArray[np.float32], reference: Frame, first: Frame
    ) -> None:
        """Fit the board to the clip.

        Args:
            board: the layers of the instance.
            places_N2: where the pieces stand at the start, in cells.
            reference: the given first frame, HWC RGB uint8.
            first: the clip's frame 0, any size.
        """
        self.clip_size = (first.shape[1], first.shape[0])
        self.view = find_view(reference, first)
        self._crop, self._reduce = _working_area(self.view, reference, first, board.lattice.cell_w)
        small = self._prepare(first)
        scale = (self.view.scale[0] / self._reduce, self.view.scale[1] / self._reduce)
        left, top = self._crop[1].start, self._crop[0].start
        offset = (self.view.offset[0] - left) / self._reduce, (self.view.offset[1] - top) / self._reduce
        self.board = board.fitted(scale, offset, (small.shape[1], small.shape[0]))
        self._registrar: Registrar | None = None
        self.blocks = Blocks(self.board)
        footprints = self._footprints(places_N2)
        gap, warp = self.blocks.compare(self.blocks.means(small), footprints), STILL
        if gap.changed.mean() > SHIFTED:
            warp, _ = self._register(small, STILL)
            share = np.abs(warp) / np.array([small.shape[1], small.shape[0]] * 2)
            if 0 < share.max() < 0.06:
                zoom = 1 + warp[0] / (small.shape[1] / 2), 1 + warp[1] / (small.shape[0] / 2)
                scale = scale[0] * zoom[0], scale[1] * zoom[1]
                offset = offset[0] * zoom[0] - warp[0] + warp[2], offset[1] * zoom[1] - warp[1] + warp[3]
                self.board = board.fitted(scale, offset, (small.shape[1], small.shape[0]))
                self._registrar, self.blocks = None, Blocks(self.board)
        self.cell = float(np.sqrt(self.board.lattice.cell_w * self.board.lattice.cell_h))
        starts = self.board.lattice.pixels(places_N2)
        self.pieces = [
            _Piece(Finder(piece), float(x), float(y))
            for piece, (x, y) in zip(self.board.pieces, starts, strict=True)
        ]
        self.contrast = tuple(contrast(self.board, p.finder, p.x, p.y) for p in self.pieces)
        whole = self.board.draw(places_N2)
        self.start_gap = float(self.blocks.distance(small, whole).mean())
        if self.start_gap < LEARNT:
            self.blocks.learn(self.blocks.means(small), self._footprints(places_N2))
        self._last: Frame | None = None
        self._warp, self._wait, self._wait_gap = STILL, 0, 0.0
        self._known: list[tuple[float, float, str]] = []
        self._places: list[npt.NDArray[np.float32]] = []
        self._presence: list[list[float]] = []
        self._camera: list[tuple[float, float]] = []
        self._spots: list[Spot] = []
        self._new_spots: list[Spot] = []
        self._broken: list[bool] = []

    # -- one frame -------------------------------------------------------------------------------------------
    def step(self, frame: Frame) -> None:
        """Read the next frame."""
        if (frame.shape[1], frame.shape[0]) != self.clip_size:
            raise UnreadableClipError("the clip changes its size midway")
        small = self._prepare(frame)
        if self._last is not None and cv2.norm(small, self._last, cv2.NORM_INF) <= SAME:
            self._repeat()
            return
        self._last = small
        seen, means, gap = self._stabilise(small)
        broken = bool(gap.changed.mean() > BROKEN)
        self._new_spots = []
        if not broken:
            self._follow(seen, gap.tint)
            gap = self.blocks.compare(means, self._footprints() | self.blocks.outside(self._warp))
            self._explain(seen, gap.blobs(), gap.tint)
        self._note(broken)

    def _note(self, broken: bool) -> None:
        t = len(self._broken)
        pixels = np.array([[p.x, p.y] for p in self.pieces], np.float32).reshape(-1, 2)
        self._places.append(self.board.lattice.cells(pixels))
        self._presence.append([p.presence for p in self.pieces])
        h, w = self.blocks.shape
        warp = np.abs(self._warp)
        self._camera.append((float(warp[0] + warp[2]) / w, float(warp[1] + warp[3]) / h))
        self._spots += [Spot(t, s.name, s.x, s.y, s.area) for s in self._new_spots]
        self._broken.append(broken)

    def _repeat(self) -> None:
        t = len(self._broken)
        self._places.append(self._places[-1])
        self._presence.append(self._presence[-1])
        self._camera.append(self._camera[-1])
        self._broken.append(self._broken[-1])
        self._spots += [Spot(t, s.name, s.x, s.y, s.area) for s in self._new_spots]

    # -- camera ----------------------------------------------------------------------------------------------
    def _prepare(self, frame: Frame) -> Frame:
        part = frame[self._crop]
        if self._reduce == 1:
            return np.ascontiguousarray(part)
        size = part.shape[1] // self._reduce, part.shape[0] // self._reduce
        return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _register(self, small: Frame, start: Warp, *, search: bool = True) -> tuple[Warp, float]:
        if self._registrar is None:
            self._registrar = Registrar(self.board.plate)
        return self._registrar.estimate(gray(small), start, search=search)

    def _stabilise(self, small: Frame) -> tuple[Frame, Means, Gap]:
        """Undo what the camera did since frame 0, if it did anything; the frame's block means and changes."""
        footprints = self._footprints()
        best = self._undone(small, self._warp, footprints)
        changed = float(best[2].changed.mean())
        if changed <= SHIFTED:
            return best
        if self._wait > 0 and changed < self._wait_gap * 1.3 + SHIFTED:
            self._wait -= 1
            return best
        found, least, found_warp = best, changed, self._warp
        for start, search in ((self._warp, False), (self._warp, True), (STILL, True)):
            warp, _ = self._register(small, start, search=search)
            moved = self._undone(small, warp, footprints)
            share = float(moved[2].changed.mean())
            if share < least:
                found, least, found_warp = moved, share, warp
            if least <= SHIFTED:
                break
        if least > changed * 0.6:  # no camera movement explains it: the scene itself has changed
            self._wait, self._wait_gap = RECHECK, changed
            return best
        self._warp = found_warp
        return found

    def _undone(self, small: Frame, warp: Warp, covered: npt.NDArray[np.bool_]) -> tuple[Frame, Means, Gap]:
        seen = undo(small, warp)
        means = self.blocks.means(seen)
        return seen, means, self.blocks.compare(means, covered | self.blocks.outside(warp))

    # -- pieces ----------------------------------------------------------------------------------------------
    def _footprints(self, places_N2: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.bool_]:
        """The blocks that pieces stand on."""
        if places_N2 is None:
            spots = [(p.finder.piece, p.x, p.y) for p in self.pieces if p.presence >= PRESENT]
        else:
            pixels = self.board.lattice.pixels(places_N2)
            spots = [(q, float(x), float(y)) for q, (x, y) in zip(self.board.pieces, pixels, strict=True)]
        return self.blocks.covered(spots)

    def _follow(self, seen: Frame, tint: npt.NDArray[np.float32]) -> None:
        for piece in self.pieces:
            patch = self._around(seen, piece)
            if piece.presence >= PRESENT and piece.patch is not None and piece.patch.shape == patch.shape:
                if cv2.norm(patch, piece.patch, cv2.NORM_L1) <= 1.2 * patch.size:
                    if cv2.norm(patch, piece.patch, cv2.NORM_INF) <= 40:
                        continue
            sight = self._sight(seen, piece.finder, piece.x, piece.y, NEAR * self.cell, tint)
            if sight.quality < SURE:
                wider = self._sight(seen, piece.finder, piece.x, piece.y, FAR * self.cell, tint)
                sight = max(sight, wider, key=lambda s: s.quality)
            self._settle(piece, sight, seen)
        self._part_doubles(seen, tint)

    def _settle(self, piece: _Piece, sight: Sight, seen: Frame) -> None:
        if sight.presence >= PRESENT and sight.likeness >= LIKE:
            piece.x, piece.y, piece.presence = sight.x, sight.y, sight.presence
            piece.patch = self._around(seen, piece).copy()
        else:
            piece.presence, piece.patch = min(max(sight.presence, 0.0), PRESENT - 0.01), None

    def _part_doubles(self, seen: Frame, tint: npt.NDArray[np.float32]) -> None:
        """Where two pieces claim the same place, only one has it.

        Of alike pieces it is the one that came from nearer, of others the one that looks more like it.
        """
        last = self.board.lattice.pixels(self._places[-1]) if self._places else None
        for i, a in enumerate(self.pieces):
            for j, b in enumerate(self.pieces[:i]):
                apart = max(abs(a.x - b.x), abs(a.y - b.y)) >= DOUBLE * self.cell
                if apart or a.presence < PRESENT or b.presence < PRESENT:
                    continue
                if a.finder.piece.name != b.finder.piece.name:
                    rank = [self._quality(seen, piece, tint) for piece in (a, b)]
                elif last is not None:
                    rank = [-float(np.hypot(*(last[k] - (p.x, p.y)))) for k, p in ((i, a), (j, b))]
                else:
                    rank = [0.0, 1.0]
                k, loser = (i, a) if rank[0] <= rank[1] else (j, b)
                loser.presence, loser.patch = 0.0, None
                if last is not None:
                    loser.x, loser.y = map(float, last[k])

    def _quality(self, seen: Frame, piece: _Piece, tint: npt.NDArray[np.float32]) -> float:
        """How surely the piece stands where it is thought to be."""
        return piece.finder.look(seen, self.board, piece.x, piece.y, tint).quality

    def _sight(
        self, seen: Frame, finder: Finder, x: float, y: float, radius: float, tint: npt.NDArray[np.float32]
    ) -> Sight:
        found_x, found_y, _ = finder.match(seen, x, y, radius)
        return finder.look(seen, self.board, found_x, found_y, tint)

    def _around(self, seen: Frame, piece: _Piece) -> Frame:
        r = self.cell * 0.8
        h, w = seen.shape[:2]
        top, bottom = max(int(piece.y - r), 0), min(int(piece.y + r) + 1, h)
        left, right = max(int(piece.x - r), 0), min(int(piece.x + r) + 1, w)
        return seen[top:bottom, left:right]

    # -- what nobody put there -------------------------------------------------------------------------------
    def _explain(self, seen: Frame, blobs: list[Blob], tint: npt.NDArray[np.float32]) -> None:
        """Say of each changed region whether it is a lost piece, a copy of one, or a changed scene."""
        known, self._known = self._known, []
        for blob in blobs:
            lost = [p for p in self.pieces if p.presence < PRESENT]
            reach = max(blob.extent / 2, 0.4 * self.cell)
            found = False
            for piece in lost:
                sight = self._sight(seen, piece.finder, blob.x, blob.y, reach, tint)
                if sight.presence >= PRESENT and sight.likeness >= LIKE:
                    self._settle(piece, sight, seen)
                    found = True
                    break
            if found:
                continue
            before = [
                k for k in known if max(abs(k[0] - blob.x), abs(k[1] - blob.y)) < 0.3 * self.cell and not lost
            ]
            name = (
                before[0][2]
                if before and len(self._broken) % 4
                else self._looks_like(seen, blob, reach, tint)
            )
            self._known.append((blob.x, blob.y, name))
            x, y = self.board.lattice.cells((blob.x, blob.y))
            self._new_spots.append(Spot(0, name, float(x), float(y), blob.area))

    def _looks_like(self, seen: Frame, blob: Blob, reach: float, tint: npt.NDArray[np.float32]) -> str:
        finders = {p.finder.piece.name: p.finder for p in self.pieces}
        for name, finder in finders.items():
            sight = self._sight(seen, finder, blob.x, blob.y, reach, tint)
            free = all(max(abs(p.x - sight.x), abs(p.y - sight.y)) > 0.4 * self.cell or p.presence < PRESENT
                       for p in self.pieces)  # fmt: skip
            if free and sight.presence >= 0.3 and sight.likeness >= ALIKE:
                return name
        return ""

    # -- result ----------------------------------------------------------------------------------------------
    def positions(self) -> npt.NDArray[np.float32]:
        """Where the pieces are now, in the clip's pixels (N, 2)."""
        left, top = self._crop[1].start, self._crop[0].start
        pixels = np.array([[p.x, p.y] for p in self.pieces], np.float32).reshape(-1, 2)
        return np.asarray(pixels * self._reduce + np.array([left, top], np.float32), np.float32)

    def track(self, fps: float) -> Track:
        """What was seen in all frames so far."""
        return Track(
            names=tuple(piece.name for piece in self.board.pieces),
            fps=fps,
            clip_size=self.clip_size,
            view=self.view,
            places_TN2=np.stack(self._places),
            presence_TN=np.array(self._presence, np.float32),
            camera_T2=np.array(self._camera, np.float32),
            spots=tuple(self._spots),
            broken_T=np.array(self._broken, np.bool_),
            start_gap=self.start_gap,
            contrast_N=self.contrast,
        )


def follow(
    board: Board,
    places_N2: npt.NDArray[np.float32],
    reference: Frame,
    frames: Iterable[Frame],
    fps: float,
    *,
    time_limit: float = 10.0,
    watch: Watch | None = None,
) -> Track:
    """Read a whole clip.

    Args:
        board: the layers of the instance.
        places_N2: where the pieces stand at the start, in cells.
        reference: the given first frame.
        frames: the clip's frames, HWC RGB uint8, any size; read once, in order.
        fps: frames per second.
        time_limit: CPU-seconds that this may take.
        watch: called with (frame number, frame, positions in its pixels), for metrics that need the pixels
            too.

    Raises:
        TimeLimitError: the limit was reached.
        UnreadableClipError: there is no frame.
    """
    deadline = time.process_time() + time_limit
    follower: Follower | None = None
    for t, frame in enumerate(frames):
        if follower is None:
            follower = Follower(board, places_N2, reference, frame)
        follower.step(frame)
        if watch is not None:
            watch(t, frame, follower.positions())
        if t % CLOCK == 0 and time.process_time() > deadline:
            raise TimeLimitError(
                f"reading took over {time_limit:g} CPU-seconds (at frame {t}): raise time_limit"
            )
    if follower is None:
        raise UnreadableClipError("the clip has no frames")
    return follower.track(fps)


def _working_area(view: View, reference: Frame, first: Frame, cell: float) -> tuple[tuple[slice, slice], int]:
    """The part of the clip that shows the scene, and by which whole number it is reduced for reading."""
    h, w = reference.shape[:2]
    x0, y0 = max(round(view.offset[0]), 0), max(round(view.offset[1]), 0)
    x1 = min(round(view.offset[0] + w * view.scale[0]), first.shape[1])
    y1 = min(round(view.offset[1] + h * view.scale[1]), first.shape[0])
    cell_px = cell * min(view.scale)
    reduce = max(1, min(max(x1 - x0, y1 - y0) // 240, int(cell_px / 10)))
    x1, y1 = x0 + (x1 - x0) // reduce * reduce, y0 + (y1 - y0) // reduce * reduce
    return (slice(y0, y1), slice(x0, x1)), reduce
