"""Keep the camera still: find how each frame is moved against the still scene, and undo it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import MUCH, Blocks, Gap, Means
from genreason.perceive.fit import SHIFTED
from genreason.perceive.view import STILL, Gray, Registrar, Warp, gray, undo
from genreason.render.board import Board
from genreason.types import Frame

RECHECK = 4  # frames after which a movement of the camera is looked for again: before a change counts
OTHERWISE = 1.3  # factor of the changed share from which the scene differs in another way than before
REST = 64  # frames that a search which keeps failing is left out at most
DRIFTED = 1.15  # error at edges, against frame 0's, from which the camera may have moved a little
HIDDEN = 0.4  # share of the scene that a moving camera may leave out of the picture
FAR = 0.15  # share of it out of the picture from which lines must agree, too
UNEVEN = 0.04  # share by which a camera's zoom may differ across and down
LEFT = 0.7  # share of the error that a wide search leaves which a closer one may still come to
EXPLAINED = 0.6  # share of what has changed that may be left when a movement explains it
PLAINLY = 0.5  # share of it that is left when a large one was found
BETTER = 0.7  # share of the old error that is left when a small movement of the camera was found


class Patience:
    """When to search again for what was not found: ever later, while nothing else happens."""

    def __init__(self, least: int) -> None:
        """`least`: frames to leave out after the first failure."""
        self._least, self._next, self._left = least, least, 0

    def due(self) -> bool:
        """Whether to search in this frame; asked once a frame."""
        self._left -= 1
        return self._left < 0

    def failed(self) -> None:
        """The search found nothing."""
        self._left, self._next = self._next, min(2 * self._next, REST)

    def hurry(self) -> None:
        """Wait no longer than after the first failure."""
        self._left = min(self._left, self._least)

    def reset(self) -> None:
        """Search in the next frame."""
        self._left, self._next = 0, self._least


class Steady:
    """The camera of one clip.

    Attributes:
        warp: how the last frame is moved against frame 0 (see `view`).
    """

    def __init__(self, board: Board, blocks: Blocks, kept: Frame | None = None) -> None:
        """`board` as it was fitted to the frames, and its plate as `blocks`.

        Where much of the plate may change at once, `kept` is a picture of what does not (else the plate).
        """
        self.board, self.blocks = board, blocks
        self._kept, self._always = board.plate if kept is None else kept, kept is not None
        self.warp: Warp = STILL
        self._search, self._wait_gap = Patience(RECHECK), 0.0
        self._registrar: Registrar | None = None
        self._least_error: float | None = None
        self._compared: tuple[Frame, Means] | None = None  # the last frame with the camera still
        self._gap: tuple[Means, Gap] | None = None  # how it differs from the scene

    def moved(self) -> tuple[float, float]:
        """How far the farthest corner is from frame 0, in shares of the picture's width and height."""
        h, w = self.blocks.shape
        zx, zy, dx, dy, turn = (float(part) for part in np.abs(self.warp))
        turn /= max(w, h)
        return (zx + dx) / w + turn, (zy + dy) / h + turn

    def look(self, small: Frame, covered: npt.NDArray[np.bool_]) -> tuple[Frame, Means, Gap]:
        """As `stabilise`, with the camera where it was in the frame before."""
        return self._undone(small, self.warp, covered)

    def stabilise(self, small: Frame, covered: npt.NDArray[np.bool_], t: int) -> tuple[Frame, Means, Gap]:
        """Undo what the camera did since frame 0, if anything.

        Args:
            small: the next frame, as `Fit.prepare` gives it.
            covered: blocks that need not look like the still scene.
            t: its number.

        Returns:
            The frame as it would look with the camera still, its block means and changes.
        """
        best = self._undone(small, self.warp, covered)
        changed = float(best[2].changed.mean())
        if changed <= SHIFTED:
            # A camera that moved may move on; and where little is compared, blocks hardly show that it does.
            watch = self.warp.any() or t % RECHECK == 0 or self._always
            return self._refined(small, best, covered) if watch else best
        if changed >= self._wait_gap * OTHERWISE + SHIFTED:
            self._search.reset()
        elif changed <= self._wait_gap / OTHERWISE - SHIFTED:
            self._search.hurry()
        if not self._search.due():
            return best
        found, least, found_warp = best, changed, self.warp
        luminance, watcher = gray(small), self._watcher()
        starts = ((self.warp, False), (STILL, False), (None, False), (self.warp, True), (STILL, True))
        for start, search in starts:
            if start is STILL and not search and not self.warp.any():
                continue
            start = watcher.shift(luminance) if start is None else start
            warp, _ = watcher.estimate(luminance, start, search=search)
            hidden = self.blocks.outside(warp)
            if self._uneven(warp) or hidden.mean() > HIDDEN:
                continue  # no camera does so; so little would be left to compare that anything would fit
            moved = self._undone(small, warp, covered)
            share = float(moved[2].changed.mean() / (1 - hidden.mean()))
            if share < least and self._agrees(luminance, warp, hidden):
                found, least, found_warp = moved, share, warp
            if least <= SHIFTED:
                break
        # (Where much else moves, lines tell more than the share that is left.)
        clear = least < changed and self._fits(luminance, found_warp, PLAINLY)
        if least > changed * EXPLAINED and not clear:  # no camera did it: the scene itself has changed
            self._search.failed()
            self._wait_gap = changed
            return best
        self._search.reset()
        self.warp = found_warp
        self._least_error = LEFT * watcher.error(luminance, found_warp, self._aside(covered), self.blocks.k)
        return found

    def _aside(self, covered: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_] | None:
        """The blocks whose edges are left out; what is always kept has none on those that are covered."""
        return None if self._always else covered

    def _uneven(self, warp: Warp) -> bool:
        """Whether a picture is stretched in one direction, as no camera does."""
        h, w = self.blocks.shape
        return bool(abs(warp[0] / (w / 2) - warp[1] / (h / 2)) > UNEVEN)

    def _agrees(self, luminance: Gray, warp: Warp, hidden: npt.NDArray[np.bool_]) -> bool:
        """Whether lines are where a movement of the camera puts them.

        Asked where blocks compare little: anyway, or as much of the scene would be out of the picture.
        """
        far = bool(hidden.mean() > FAR)
        if not self._always and not far:
            return True
        return self._fits(luminance, warp, PLAINLY if far else BETTER)

    def _fits(self, luminance: Gray, warp: Warp, share: float) -> bool:
        """Whether less than this share of the error at lines is left."""
        watcher = self._watcher()
        return watcher.error(luminance, warp) < share * watcher.error(luminance, self.warp)

    def _refined(
        self, small: Frame, best: tuple[Frame, Means, Gap], covered: npt.NDArray[np.bool_]
    ) -> tuple[Frame, Means, Gap]:
        """Look for a slow movement of the camera, which few large blocks can hide."""
        luminance, watcher = gray(small), self._watcher()
        aside = self._aside(covered)
        present = watcher.error(luminance, self.warp, aside, self.blocks.k)
        if self._least_error is None:
            self._least_error = present
        if present <= DRIFTED * self._least_error + 1.0:
            return best
        # (What trembles is never far from where it was at first.)
        starts = [self.warp, watcher.shift(luminance), *([STILL] if self.warp.any() else [])]
        found = [watcher.estimate(luminance, start, search=False)[0] for start in starts]
        warps = [STILL if self._uneven(warp) else warp for warp in found]
        errors = [watcher.error(luminance, warp, aside, self.blocks.k) for warp in warps]
        error, i = min(zip(errors, range(len(errors)), strict=True))
        if error < BETTER * present:
            moved = self._undone(small, warps[i], covered)
            if moved[2].changed.mean() <= SHIFTED:  # else it fits the edges, but not the scene
                self.warp, self._least_error = warps[i], error
                return moved
        self._least_error = present  # no movement explains it: look again when it has grown
        return best

    def _watcher(self) -> Registrar:
        if self._registrar is None:
            self._registrar = Registrar(self._kept)
        return self._registrar

    def _undone(self, small: Frame, warp: Warp, covered: npt.NDArray[np.bool_]) -> tuple[Frame, Means, Gap]:
        seen = undo(small, warp)
        if self._compared is None or warp.any():
            means = self.blocks.means(seen)
        else:
            means = self.blocks.means_after(seen, *self._compared)
        self._compared = None if warp.any() else (seen, means)
        # What is covered matters to a tint alone, and little where it is little: then both looks share a gap.
        much = bool(covered.mean() > 1 - MUCH)
        if much or self._gap is None or self._gap[0] is not means:
            self._gap = means, self.blocks.compare(means, covered & much, bool(warp.any()))
        gap, hidden = self._gap[1], covered | self.blocks.outside(warp) if warp.any() else covered
        return seen, means, replace(gap, changed=gap.changed & ~hidden)
