"""Follow the pieces of a board through a clip, and watch everything that must not change.

One sequential pass. The picture is compared twice: coarsely everywhere (`blocks`), and finely where the
pieces are (`pieces`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import CHANGED, Blob, Blocks
from genreason.perceive.copies import Copies
from genreason.perceive.fit import fit_board
from genreason.perceive.pieces import PRESENT, Pieces
from genreason.perceive.steady import Patience, Steady
from genreason.perceive.track import Spot, Track
from genreason.render.board import Board
from genreason.types import Frame, GenreasonError, UnreadableClipError

BROKEN = 0.35  # share of changed blocks from which nothing is left to read
LEARNT = 0.03  # share of changed blocks up to which frame 0 is taken for the scene's own colours
LEARNT_AREA = 0.1  # and up to which changed region (square cells)
SAME = 6  # largest difference (0-255) of two frames that count as the same
HUNT = 4  # frames after which copies that blocks do not show are looked for again
LARGE = 4.0  # extent (cells) of a changed region from which it is no piece, though one may be in it
Watch = Callable[[int, Frame, Callable[[], npt.NDArray[np.float32]]], None]


class TimeLimitError(GenreasonError):
    """Reading a clip took longer than the judge's card allows."""


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

        Raises:
            UnreadableClipError: the clip is too small to be read.
        """
        self.clip_size = (first.shape[1], first.shape[0])
        self.fit = fit_board(board, [(float(x), float(y)) for x, y in places_N2], reference, first)
        self.board = self.fit.board
        self.blocks = Blocks(self.board)
        self.pieces = Pieces(self.board, places_N2)
        self.copies = Copies(self.board, self.pieces, self.blocks)
        small, covered = self.fit.prepare(first), self.blocks.covered(self.pieces.spots())
        gap = self.blocks.difference(small, self.board.draw(places_N2), covered)
        self.start_gap = float((gap.size > CHANGED).mean())
        self.start_change = max((blob.area for blob in gap.blobs()), default=0.0)
        if self.start_gap < LEARNT and self.start_change < LEARNT_AREA:
            self.blocks.learn(self.blocks.means(small), covered)
        self._last: Frame | None = None
        self.steady, self._large_search = Steady(self.board, self.blocks), Patience(1)
        self._known: list[tuple[float, float, str]] = []
        self._new_spots: list[Spot] = []
        self._passed = np.zeros(self.blocks.base.shape[:2], np.bool_)
        self._places: list[npt.NDArray[np.float32]] = []
        self._presence: list[list[float]] = []
        self._odd: list[list[float]] = []
        self._camera: list[tuple[float, float]] = []
        self._spots: list[Spot] = []
        self._broken: list[bool] = []

    # -- one frame -------------------------------------------------------------------------------------------
    def step(self, frame: Frame) -> None:
        """Read the next frame."""
        if (frame.shape[1], frame.shape[0]) != self.clip_size:
            raise UnreadableClipError("the clip changes its size midway")
        small = self.fit.prepare(frame)
        if self._last is not None and cv2.norm(small, self._last, cv2.NORM_INF) <= SAME:
            self._repeat()
            return
        self._last = small
        seen, means, gap = self.steady.stabilise(small, self._covered(), len(self._broken))
        broken = bool(gap.changed.mean() > BROKEN)
        self._new_spots = []
        if not broken:
            self.pieces.follow(seen, gap.tint)
            covered = self._covered()
            self._passed |= covered
            gap = gap.apart_from(covered | self.blocks.outside(self.steady.warp), self._passed)
            self._explain(seen, gap.blobs(), gap.tint)
            self._add_copies(seen, gap.tint)
            for x, y, area in self.pieces.compare_looks(seen, self.blocks, means, gap.tint):
                self._add_spot("", x, y, area)
        self._note(broken)

    def _note(self, broken: bool) -> None:
        t = len(self._broken)
        self._places.append(self.board.lattice.cells(self.pieces.pixels()))
        self._presence.append([p.presence for p in self.pieces.all])
        self._odd.append([p.odd for p in self.pieces.all])
        self._camera.append(self.steady.moved())
        self._spots += [Spot(t, s.name, s.x, s.y, s.area) for s in self._new_spots]
        self._broken.append(broken)

    def _repeat(self) -> None:
        """The frame equals the last one that was read: so does all that was seen in it."""
        t = len(self._broken)
        self._places.append(self._places[-1])
        self._presence.append(self._presence[-1])
        self._odd.append(self._odd[-1])
        self._camera.append(self._camera[-1])
        self._broken.append(self._broken[-1])
        self._spots += [Spot(t, s.name, s.x, s.y, s.area) for s in self._new_spots]

    def _covered(self) -> npt.NDArray[np.bool_]:
        """The blocks that pieces stand on."""
        return self.blocks.covered(self.pieces.spots())

    # -- what nobody put there -------------------------------------------------------------------------------
    def _explain(self, seen: Frame, blobs: list[Blob], tint: npt.NDArray[np.float32]) -> None:
        """Say of each changed region whether it is a lost piece, a copy of one, or a changed scene."""
        known, self._known = self._known, []
        large = [blob.extent > LARGE * self.pieces.cell for blob in blobs]
        if not any(large):
            self._large_search.reset()
        # Of a scene that has changed as a whole, every frame would be searched from edge to edge.
        due = any(large) and self._large_search.due()
        searched = found = False
        for blob, is_large in zip(blobs, large, strict=True):
            reach = max(blob.extent / 2, 0.4 * self.pieces.cell)
            lost = any(p.presence < PRESENT for p in self.pieces.all)
            may = due or not is_large
            if may and lost and self.pieces.claim(seen, blob, reach, tint):
                found |= is_large
                continue
            near = [k for k in known if max(abs(k[0] - blob.x), abs(k[1] - blob.y)) < 0.3 * self.pieces.cell]
            name = near[0][2] if near else ""
            if may and (not near or lost or len(self._broken) % 4 == 0):
                name = self.pieces.resembles(seen, blob, reach, tint)
                searched |= is_large
            found |= is_large and bool(name)
            self._known.append((blob.x, blob.y, name))
            self._add_spot(name, blob.x, blob.y, blob.area)
        if found:
            self._large_search.reset()
        elif searched:
            self._large_search.failed()

    def _add_copies(self, seen: Frame, tint: npt.NDArray[np.float32]) -> None:
        """Note the copies that blocks do not show."""
        if not self.copies:
            return
        due = len(self._broken) % HUNT == 0
        for name, x, y in self.copies.look(seen, tint) if due else self.copies.known:
            self._add_spot(name, x, y, 1.0)

    def _add_spot(self, name: str, x: float, y: float, area: float) -> None:
        cell = self.board.lattice.cells((x, y))
        self._new_spots.append(Spot(0, name, float(cell[0]), float(cell[1]), area))

    # -- result ----------------------------------------------------------------------------------------------
    def positions(self) -> npt.NDArray[np.float32]:
        """Where the pieces are now, in the clip's pixels (N, 2)."""
        return self.fit.in_clip(self.pieces.pixels())

    def track(self, fps: float) -> Track:
        """What was seen in all frames so far."""
        return Track(
            names=tuple(piece.name for piece in self.board.pieces),
            unit=self.board.unit,
            fps=fps,
            clip_size=self.clip_size,
            view=self.fit.view,
            places_TN2=np.stack(self._places),
            presence_TN=np.array(self._presence, np.float32),
            camera_T2=np.array(self._camera, np.float32),
            spots=tuple(self._spots),
            broken_T=np.array(self._broken, np.bool_),
            start_gap=self.start_gap,
            start_change=self.start_change,
            oddness_TN=np.array(self._odd, np.float32),
            contrast_N=self.pieces.contrast,
        )


class Steps(Protocol):
    """What reads a clip frame by frame."""

    def step(self, frame: Frame) -> None:
        """Read the next frame."""
        ...


R = TypeVar("R", bound=Steps)


def read_through(
    begin: Callable[[Frame], R],
    frames: Iterable[Frame],
    time_limit: float,
    watch: Callable[[int, Frame, R], None] | None = None,
) -> R:
    """Let a reader, which `begin` makes of frame 0, read all frames.

    Args:
        begin: makes the reader; it is given frame 0 again.
        frames: HWC RGB uint8; read once, in order.
        time_limit: CPU-seconds that this may take.
        watch: called with frame number, frame and reader after each frame.

    Raises:
        TimeLimitError: the limit was reached.
        UnreadableClipError: there is no frame, or the reader refuses one.
    """
    began, spent = time.monotonic(), time.process_time()
    reader: R | None = None
    for t, frame in enumerate(frames):
        if reader is None:
            reader = begin(frame)
        reader.step(frame)
        if watch is not None:
            watch(t, frame, reader)
        # One thread works here, so that CPU time cannot pass the limit before the (cheaper) clock does.
        if time.monotonic() - began > time_limit and time.process_time() - spent > time_limit:
            raise TimeLimitError(
                f"reading took over {time_limit:g} CPU-seconds (at frame {t}): raise time_limit"
            )
    if reader is None:
        raise UnreadableClipError("the clip has no frames")
    return reader


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
        watch: called with frame number, frame, and a function that gives the pieces' positions in its pixels,
            for metrics that need the pixels.

    Raises:
        TimeLimitError: the limit was reached.
        UnreadableClipError: there is no frame, or frames are too small or change their size.
    """

    def shown(t: int, frame: Frame, follower: Follower) -> None:
        if watch is not None:
            watch(t, frame, follower.positions)

    return read_through(
        lambda first: Follower(board, places_N2, reference, first), frames, time_limit, shown
    ).track(fps)
