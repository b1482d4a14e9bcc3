"""Read a board of cells through a clip: what stands in each cell, and whether all else is kept.

One sequential pass. Every cell is brought to one small size and read anew only when its pixels change. A cell
that shows no sign clearly says so: between two contents, unsure between two signs, or something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import CHANGED, WEIGHT, Blocks, Gap, largest
from genreason.perceive.cellread import CellReader, same_ink, slack_of
from genreason.perceive.celltrack import CellScene, CellTrack, Codes
from genreason.perceive.codes import ALIEN, BETWEEN, EMPTY, FAINT, UNSURE
from genreason.perceive.fit import fit_board
from genreason.perceive.follow import BROKEN, LEARNT, LEARNT_AREA, SAME, read_through
from genreason.perceive.steady import Steady
from genreason.perceive.track import Spot
from genreason.types import Frame, UnreadableClipError

__all__ = [
    "ALIEN", "BETWEEN", "EMPTY", "UNSURE", "CellFollower", "CellScene", "CellTrack", "Codes", "follow_cells",
]  # fmt: skip
SIDES = (24, 40)  # least and most pixels of a cell's side (of its area's root) in which it is read
STIRRED = 1.0  # mean difference (0-255) of a cell from when it was read last that has it read again,
UNCLEAR = 0.4  # and where nothing clear was read
MOST_FRESH = 10  # cells that may change at once before it may be a movement of the camera
LATE = 6  # frames before the end in which what has just come back need not have come to rest
SETTLE = 20  # frames before and after a change in which a cell may look a little otherwise already or still
FINE = 0.6  # of a cell, what counts as one for the size of blocks
SMALL = 8  # pixels a side of the looks of cells that are kept
LARGEST = 1.2  # square cells of a spot that lies in one cell
ON_LINE = 0.1  # cells from the line between two cells within which a spot's middle belongs to both
STRIP = 0.25  # square cells of a spot that may belong to what is in the next cell
BESIDE = 0.3  # cells by which what moves may reach over the edge of a cell that it comes into or leaves
REACH = 0.54  # cells from the middle of a cell that belong to it,
WITHIN = 0.42  # and in which signs stand
INNER = 0.35  # cells from the middle of a cell that change, too, where something comes over a large thing
AROUND = 0.25  # cells that a square of a large thing on its way may be seen beside its cell,
ASIDE = 0.08  # and share of a cell by which it is out of its place there
WORD = 8  # bytes that are compared at once
Spans = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class CellFollower:
    """Reads one clip. Feed it frames in order (`step`), then ask for the `track`."""

    def __init__(self, scene: CellScene, first: Frame) -> None:
        """Fit the board to the clip's frame 0 (any size).

        Raises:
            UnreadableClipError: the clip is too small to be read.
        """
        self.scene, self.clip_size = scene, (first.shape[1], first.shape[0])
        shown = replace(scene.board, plate=scene.picture, pieces=())
        self.fit = fit_board(shown, [], scene.picture, first)
        fitted, own = self.fit.board.lattice, scene.board.lattice
        scale = fitted.cell_w / own.cell_w, fitted.cell_h / own.cell_h
        offset = fitted.x0 - own.x0 * scale[0], fitted.y0 - own.y0 * scale[1]
        h, w = self.fit.board.plate.shape[:2]
        empty = replace(scene.board, pieces=()).fitted(scale, offset, (w, h)).plate
        # Smaller blocks than for pieces: what is beside a cell that changes is looked at, too.
        fine = replace(fitted, cell_w=fitted.cell_w * FINE, cell_h=fitted.cell_h * FINE)
        self.blocks = Blocks(replace(self.fit.board, lattice=fine))
        self._between = scene.once and scene.ruled  # lines between cells tell of the camera
        self.steady = Steady(self.fit.board, self.blocks, empty if self._between or scene.lined else None)
        side = float(np.sqrt(fitted.cell_w * fitted.cell_h))
        zoom = float(np.clip(round(side / 4) * 4, *SIDES) / np.sqrt(own.cell_w * own.cell_h))
        self.cell = round(own.cell_w * zoom), round(own.cell_h * zoom)
        self._rows, self._cols = own.rows, own.cols
        self._looked = np.isin(np.arange(own.rows * own.cols), scene.cells)
        (self._down, self._across), self._pixels = self._spans(REACH), self._touched()
        self._wide = self._spans(REACH + scene.overhang)
        self._part = (FINE / (1 + scene.overhang)) ** 2  # of `blocks` cells, in cells (or in larger signs)
        down, across = self._spans(WITHIN + self.blocks.k / 2 / self.blocks.cell * FINE)
        self._within = np.asarray(np.outer(down.any(axis=0), across.any(axis=0)), np.bool_)
        self._empty = self._cut(empty).astype(np.float32)
        self._slack = [slack_of(cell) for cell in self._empty]
        grounds = np.median(self._empty[list(scene.cells)].reshape(-1, 3), axis=0).astype(np.float32)
        self.reader = CellReader(scene.signs, self.cell, grounds, scene.once)
        small, nothing = self.fit.prepare(first), np.zeros(self.blocks.base.shape[:2], np.bool_)
        held = self._covered(np.flatnonzero(scene.start >= 0))
        gap = self.blocks.difference(small, self.fit.board.plate, held)
        self.start_gap = float((gap.size > CHANGED).mean())
        self.start_change = max((blob.area for blob in gap.blobs()), default=0.0) * self._part
        if self.start_gap < LEARNT and self.start_change < LEARNT_AREA:
            self.blocks.learn(self.blocks.means(small), nothing)
        self._known = self._cut(self.fit.board.plate)  # each cell as it was when it was read last
        self._codes = scene.start.copy()
        self._masks: list[npt.NDArray[np.bool_] | None] = [None] * len(self._codes)
        # How each cell differed from an empty one when it was told last, and what it was.
        self._told = self._known.astype(np.float32) - self._empty
        self._as = scene.start.copy()
        self._faint = np.zeros(len(self._codes), np.bool_)
        self._inner, self._over = self._spans(INNER), np.zeros(len(self._codes), np.bool_)
        self._aside = np.zeros(len(self._codes), np.bool_)  # where a square is a little out of its place
        self._faints: list[npt.NDArray[np.bool_]] = []
        self._last: Frame | None = None
        self._seen: Frame | None = None  # the picture of which cells were read last
        self._now: list[Spot] = []
        self._passed = np.zeros(self.blocks.base.shape[:2], np.bool_)  # where something ever was
        self._frames: list[tuple[Codes, npt.NDArray[np.float32], npt.NDArray[np.float32]]] = []
        self._looks: list[npt.NDArray[np.uint8]] = []
        self._camera: list[tuple[float, float]] = []
        self._broken: list[bool] = []
        self._spots: list[Spot] = []

    def _spans(self, reach: float) -> Spans:
        """Which rows of blocks have their middle in a row of cells (R, rows), and which columns (C, cols)."""
        lattice, k = self.fit.board.lattice, self.blocks.k
        sides = (lattice.y0, lattice.cell_h, self._rows), (lattice.x0, lattice.cell_w, self._cols)
        found = []
        for length, (start, cell, count) in zip(self.blocks.base.shape[:2], sides, strict=True):
            middle = ((np.arange(length) + 0.5) * k - start) / cell - 0.5
            found.append((np.abs(middle - np.arange(count)[:, None]) <= reach).astype(np.float32))
        return found[0], found[1]

    def _cut(self, picture: Frame) -> Frame:
        """The cells of a picture, each at one size: (C, h, w, 3)."""
        h, w = self.cell[1], self.cell[0]
        whole = self._warped(picture, 0, 0, self._rows, self._cols)
        parts = whole.reshape(self._rows, h, self._cols, w, 3).transpose(0, 2, 1, 3, 4)
        return np.asarray(parts.reshape(-1, h, w, 3), np.uint8)

    def _warped(self, picture: Frame, row: int, col: int, rows: int = 1, cols: int = 1) -> Frame:
        """Neighbouring cells, each at one size, as one picture."""
        lattice, (w, h) = self.fit.board.lattice, self.cell
        sx, sy = lattice.cell_w / w, lattice.cell_h / h
        x0, y0 = lattice.x0 + col * lattice.cell_w, lattice.y0 + row * lattice.cell_h
        way = np.array([[sx, 0, x0 + 0.5 * sx - 0.5], [0, sy, y0 + 0.5 * sy - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size, edge = (cols * w, rows * h), cv2.BORDER_REPLICATE
        return np.asarray(cv2.warpAffine(picture, way, size, flags=flags, borderMode=edge), np.uint8)

    def _touched(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The rows of pixels from which rows of cells are read (R, h), and the words of bytes (C, words)."""
        lattice, (h, w) = self.fit.board.lattice, self.blocks.shape
        byte = np.arange(-(-3 * w // WORD)) * WORD
        sides = (
            (np.arange(h), np.arange(h), lattice.y0, lattice.cell_h, self._rows),
            (byte // 3, (byte + WORD - 1) // 3, lattice.x0, lattice.cell_w, self._cols),
        )
        found = []
        for first, last, start, cell, count in sides:
            edge = start + cell * np.arange(count)[:, None]
            found.append(((last >= edge - 2) & (first <= edge + cell + 1)).astype(np.float32))
        return found[0], found[1]

    def _stirred(self, seen: Frame) -> npt.NDArray[np.int_]:
        """The cells of which a pixel is not what it was in the frame before."""
        last, self._seen = self._seen, seen
        if last is None:
            return np.flatnonzero(self._looked)
        gap = cv2.absdiff(seen, last).reshape(len(seen), -1)
        if gap.shape[1] % WORD:
            gap = np.pad(gap, ((0, 0), (0, -gap.shape[1] % WORD)))
        down, across = self._pixels
        cells = down @ (gap.view(np.uint64) != 0).astype(np.float32) @ across.T
        return np.flatnonzero((cells.ravel() > 0.5) & self._looked)

    # -- one frame -------------------------------------------------------------------------------------------
    def step(self, frame: Frame) -> None:
        """Read the next frame."""
        if (frame.shape[1], frame.shape[0]) != self.clip_size:
            raise UnreadableClipError("the clip changes its size midway")
        small = self.fit.prepare(frame)
        t = len(self._broken)
        if self._last is not None and cv2.norm(small, self._last, cv2.NORM_INF) <= SAME:
            self._faints.append(self._faint)
            codes, area, _ = self._frames[-1]
            self._frames.append((codes, area, np.ones_like(area)))
            self._looks += self._looks[-1:]
            self._camera.append(self._camera[-1])
            self._broken.append(self._broken[-1])
            self._spots += [replace(spot, t=t) for spot in self._now]
            return
        self._last = small
        seen, _, gap = self.steady.stabilise(small, self._apart(small), t)
        before = self._codes
        self._read(seen, gap.tint)
        other = self._codes != self.scene.start
        there, read = self._covered(np.flatnonzero(other)), other & self._legible()
        self._passed |= there
        told = there if (read == other).all() else self._covered(np.flatnonzero(read))
        broken = bool(gap.apart_from(told, self._passed).changed.mean() > BROKEN)
        self._now = []
        if not broken:
            hidden = there | self._beside(before) | self.blocks.outside(self.steady.warp)
            if self.scene.large:
                off = self._covered(np.flatnonzero((self._aside | self._over) & (self._codes >= 0)))
                hidden |= self.blocks.around(off, AROUND * self.fit.board.lattice.cell_h)
            apart = gap.apart_from(hidden, self._passed)
            if self.scene.once:  # neighbours may change together: each is looked at alone
                apart = self._spots_of_cells(apart, t)
            for blob in apart.blobs():
                x, y = self.fit.board.lattice.cells((blob.x, blob.y))
                self._now.append(Spot(t, "", float(x), float(y), blob.area * self._part))
        self._spots += self._now
        self._camera.append(self.steady.moved())
        self._broken.append(broken)

    def _apart(self, small: Frame) -> npt.NDArray[np.bool_]:
        """The blocks that tell nothing of the camera: cells that are not, or that cease to be, as given."""
        if self._between:  # all may change at once; what is between them stays
            return self._within
        differ = np.flatnonzero(self._codes != self.scene.start)
        covered = self._covered(differ)
        _, _, gap = self.steady.look(small, covered)
        fresh = np.flatnonzero(self._changed(gap, (self._down, self._across)))
        self._over = self._changed(gap, self._inner) if self.scene.large else self._over
        # (When most of the cells that were as given change at once, the camera may have moved.)
        most = MOST_FRESH if self.scene.stir is None else self.scene.stir
        if len(fresh) <= min(most, (len(self._codes) - len(differ)) // 2):
            covered |= self._covered(fresh)
        return covered | self._within if self.scene.lined else covered

    def _changed(self, gap: Gap, spans: Spans) -> npt.NDArray[np.bool_]:
        """Cells in whose blocks one is changed."""
        down, across = spans
        counts = (down @ gap.changed.astype(np.float32) @ across.T).ravel()
        return np.asarray((counts > 0.5) & self._looked, np.bool_)

    def _legible(self) -> npt.NDArray[np.bool_]:
        """Cells that show what a board shows. Where most are between two contents, the board is gone."""
        between = self._codes == BETWEEN
        gone = not self.scene.once and between.sum() > self._looked.sum() / 2
        found = (self._codes != ALIEN) & (self._codes != UNSURE) & ~(between & gone)
        return np.asarray(found, np.bool_)

    def _beside(self, before: Codes) -> npt.NDArray[np.bool_]:
        """Blocks in and beside cells that something comes into or leaves: it may reach over their edges."""
        moving = (self._codes != self.scene.start) & ((self._codes < EMPTY) | (self._codes != before))
        reach = max(round((BESIDE + self.scene.overhang) * self.blocks.cell / FINE / self.blocks.k), 1)
        wide = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        return cv2.dilate(self._covered(np.flatnonzero(moving)).astype(np.uint8), wide) > 0

    def _spots_of_cells(self, gap: Gap, t: int) -> Gap:
        """Note the changes in each cell for itself; what is changed between cells is left."""
        counts = self._down @ np.where(gap.changed, gap.size, 0).astype(np.float32) @ self._across.T
        for k in np.flatnonzero(counts.ravel() >= WEIGHT).tolist():
            row, col = divmod(k, self._cols)
            blocks = self._down[row] @ gap.changed.astype(np.float32) @ self._across[col]
            area = float(blocks) * gap.block**2 / gap.cell_area * FINE * FINE
            self._now.append(Spot(t, "", float(col), float(row), min(area, LARGEST)))
        return replace(gap, changed=gap.changed & ~self._covered(np.arange(self._rows * self._cols)))

    def _covered(self, cells: npt.NDArray[np.int_]) -> npt.NDArray[np.bool_]:
        """The blocks that lie in these cells, or that signs in them reach."""
        if not len(cells):
            return np.zeros(self.blocks.base.shape[:2], np.bool_)
        marked = np.zeros((self._rows, self._cols), np.float32)
        marked.flat[cells] = 1
        return np.asarray(self._wide[0].T @ marked @ self._wide[1] > 0.5, np.bool_)

    def _read(self, seen: Frame, tint: npt.NDArray[np.float32]) -> None:
        """Read the cells that changed since they were read last."""
        codes, faint = self._codes.copy(), self._faint.copy()
        area = np.zeros(len(codes), np.float32) if not self._frames else self._frames[-1][1].copy()
        kept = np.ones(len(codes), np.float32)
        for k in self._stirred(seen).tolist():
            cell = self._warped(seen, *divmod(k, self._cols))
            limit = UNCLEAR if codes[k] < EMPTY or self.scene.looks else STIRRED
            if cv2.norm(cell, self._known[k], cv2.NORM_L1) <= limit * cell.size:
                continue
            self._known[k], look = cell, cell - tint
            gap = look - self._empty[k]
            if self._alike(gap, k):
                codes[k], faint[k] = self._as[k], False
                continue
            empty = self._bare(look, k)
            read, ink = self.reader.read(look, empty)
            code = self.reader.around(read, self._as[k], gap, self._told[k])
            faint[k] = code == FAINT
            code = BETWEEN if code == FAINT else code
            if code == read >= 0:  # what is known by how it looked before is not told anew
                self._as[k], self._told[k] = code, gap
            before = self._masks[k]
            if before is not None and before.any():
                kept[k] = 0.0 if ink is None else float((before & ink.mask).sum() / before.sum())
            self._masks[k] = None if ink is None else ink.mask
            self._aside[k] = ink is not None and self.reader.aside(code, ink) > ASIDE
            codes[k], area[k] = code, 0.0 if ink is None else ink.area
        self._codes, self._faint = codes, faint
        self._faints.append(faint)
        self._frames.append((codes, area, kept))
        if self.scene.looks:
            size = SMALL, SMALL
            looks = [cv2.resize(cell, size, interpolation=cv2.INTER_AREA).ravel() for cell in self._known]
            self._looks.append(np.stack(looks).astype(np.uint8))

    def _bare(self, look: npt.NDArray[np.float32], cell: int) -> npt.NDArray[np.float32]:
        """The empty cell; at the edges of lines as it looks now, where that hardly differs."""
        empty, slack = self._empty[cell], self._slack[cell]
        if slack is None:
            return np.asarray(empty, np.float32)
        near = largest(np.abs(look - empty)) < slack
        return np.asarray(np.where(near[..., None], look, empty), np.float32)

    def _alike(self, gap: npt.NDArray[np.float32], cell: int) -> bool:
        """Whether a cell looks as it did when it was told last: what was given need not be read."""
        w, h = self.cell
        told, own = self._told[cell], self._as[cell]
        if self.scene.looks and own != self.scene.start[cell]:
            return False  # it may have been told while something else was still fading
        if own < 0 or self.reader.rings or not same_ink(gap, told, (w // 10, h // 10)):
            return False
        # Of tiles, the text alone must be alike, too.
        sign = self.scene.signs[own]
        return sign.mark is None or not sign.text or same_ink(gap, told, (w // 5, h // 5), True)

    def track(self, fps: float) -> CellTrack:
        """What was seen in all frames so far."""
        codes, area, kept = zip(*self._frames, strict=True)
        code_TC = np.stack(codes)
        return CellTrack(
            fps=fps, clip_size=self.clip_size, view=self.fit.view, code_TC=code_TC,
            area_TC=np.stack(area), kept_TC=np.stack(kept), camera_T2=np.array(self._camera, np.float32),
            spots=self._unexplained(code_TC), broken_T=np.array(self._broken, np.bool_),
            start_gap=self.start_gap, start_change=self.start_change, faint_TC=np.array(self._faints),
            look_TCV=np.stack(self._looks) if self._looks else None,
        )  # fmt: skip

    def _unexplained(self, code_TC: Codes) -> tuple[Spot, ...]:
        """The spots without those where a sign was turning into the one that was read right after."""
        frames: dict[int, set[int]] = {}
        for spot in self._spots:
            for cell in self._cells_of(spot):
                frames.setdefault(cell, set()).add(spot.t)
        begun: set[tuple[int, int]] = set()
        start = self.scene.start
        for cell, seen in frames.items():
            own = self._told_by(cell)
            for t in np.flatnonzero((code_TC[1:, own] != code_TC[:-1, own]).any(axis=1)).tolist():
                if own != [cell]:
                    begun |= {(near, cell) for near in seen if abs(near - t) <= SETTLE}
                # (What comes back to where it was is told before it has come to rest; which it does.)
                rest = next(k for k in range(t + 1, len(code_TC) + 1) if k not in seen)
                back = code_TC[t + 1, cell] == start[cell] and (rest < len(code_TC) or rest - t <= LATE)
                begun |= {(later, cell) for later in range(t + 1, min(rest, t + 2 * SETTLE) if back else t)}
                while t in seen:
                    begun.add((t, cell))
                    t -= 1
        if self.scene.once:  # what fades with others is seen to do so before and after it is told
            begun |= self._settling(code_TC)
        told = [any((spot.t, cell) in begun for cell in self._cells_of(spot)) for spot in self._spots]
        return tuple(spot for spot, known in zip(self._spots, told, strict=True) if not known)

    def _told_by(self, cell: int) -> list[int]:
        """The cells whose changes explain what changes in this one: itself, or those that reach into it."""
        if cell < 0 or self._looked[cell] or not self.scene.overhang:
            return [cell] if cell >= 0 else []
        row, col = divmod(np.flatnonzero(self._looked), self._cols)
        near = (abs(row - cell // self._cols) <= 1) & (abs(col - cell % self._cols) <= 1)
        return [int(k) for k in np.flatnonzero(self._looked)[near]]

    def _settling(self, code_TC: Codes) -> set[tuple[int, int]]:
        """Of spots: frame and cell, if it is about to change or just has; beside it where they are small."""
        turned = np.zeros(code_TC.shape, np.uint8)
        turned[:-1] = code_TC[1:] != code_TC[:-1]
        near = cv2.dilate(turned, np.ones((2 * SETTLE + 1, 1), np.uint8))
        wide = [cv2.dilate(line.reshape(self._rows, -1), np.ones((3, 3), np.uint8)).ravel() for line in near]
        places = [(spot.t, self._cell_of(spot), spot.area) for spot in self._spots]
        return {(t, c) for t, c, size in places if c >= 0 and (wide[t] if size <= STRIP else near[t])[c]}

    def _cells_of(self, spot: Spot) -> list[int]:
        """The cells of which a spot may be part: two or more where it lies on the line between them."""
        if spot.area > LARGEST:
            return []
        rows, cols = np.abs(spot.y - np.arange(self._rows)), np.abs(spot.x - np.arange(self._cols))
        near = np.maximum(rows[:, None], cols) < 0.5 + ON_LINE
        return np.flatnonzero(near).tolist()

    def _cell_of(self, spot: Spot) -> int:
        """The cell in which a spot lies, if it is no larger than one; else -1."""
        row, col = round(spot.y), round(spot.x)
        inside = 0 <= row < self._rows and 0 <= col < self._cols and spot.area <= LARGEST
        return row * self._cols + col if inside else -1


def follow_cells(
    scene: CellScene, frames: Iterable[Frame], fps: float, *, time_limit: float = 10.0
) -> CellTrack:
    """Read a whole clip.

    Args:
        scene: what is to be read.
        frames: the clip's frames, HWC RGB uint8, any size; read once, in order.
        fps: frames per second.
        time_limit: CPU-seconds that this may take.

    Raises:
        TimeLimitError: the limit was reached.
        UnreadableClipError: there is no frame, or frames are too small or change their size.
    """
    return read_through(lambda first: CellFollower(scene, first), frames, time_limit).track(fps)
