"""The pieces of a board while a clip is read: where each is, and whether it looks as it should."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import Blob, Blocks, Means
from genreason.perceive.locate import Finder, Sight, contrast
from genreason.render.board import Board, Piece
from genreason.types import Frame

PRESENT = 0.5  # opacity from which a piece counts as there
LIKE = 0.6  # correlation with its look from which something counts as a piece that is followed
ALIKE = 0.85  # and from which something new counts as a copy of it
SPILL = 0.25  # share of the change that may lie around a copy: more, and the scene has changed there
FAINT = 0.3  # opacity from which it does
AHEAD = 0.12  # how far (cells) off its last step's way a piece is looked for first
CERTAIN = 0.9  # quality of a sight there that settles it
NEAR = 0.45  # and around its last place, when it was not found there
FAR = 2.2  # and when it was not found there
SURE = 0.75  # quality of a sight from which no better one is looked for
CLEARLY = 0.3  # by which a sight farther off must be better: a piece's twin may stand there
CLEAR = 0.9  # distance (cells) from which a piece does not overlap another
RECOLOURED = 48.0  # difference of colour (0-255) from which it is another thing; sprites may gleam by 25
LONG = 1.5  # extent (cells) from which a piece is long
PASSED = 0.1  # quality by which a piece that stays must surpass one that seems to be there, too
DOUBLE = 0.45  # distance (cells) below which two pieces claim the same place
Tint = npt.NDArray[np.float32]
Spots = list[tuple[Piece, float, float]]


@dataclass
class Tracked:
    """A piece while it is followed.

    Attributes:
        x: place of its anchor in pixels.
        y: the same, downwards.
        presence: its opacity.
        odd: how much of it (square cells) looks unlike it.
        beside: how much close to it does.
        patch: what was around it when it was last found.
        rests: whether nothing has changed there since.
        step: how far (x, y in pixels) it last moved from one frame to the next.
    """

    finder: Finder
    x: float
    y: float
    presence: float = 1.0
    odd: float = 0.0
    beside: float = 0.0
    patch: Frame | None = None
    rests: bool = False
    step: tuple[float, float] = (0.0, 0.0)


def is_seen(sight: Sight) -> bool:
    """Whether the piece is there."""
    return sight.presence >= PRESENT and sight.likeness >= LIKE


class Pieces:
    """All pieces of a board that was fitted to the frames."""

    def __init__(self, board: Board, places_N2: npt.NDArray[np.float32]) -> None:
        """`places_N2`: where the pieces stand at the start, in cells."""
        self.board = board
        self.cell = float(np.sqrt(board.lattice.cell_w * board.lattice.cell_h))
        starts = board.lattice.pixels(places_N2)
        self.all = [
            Tracked(Finder(piece, board.plate), float(x), float(y))
            for piece, (x, y) in zip(board.pieces, starts, strict=True)
        ]
        self.contrast = tuple(contrast(board, p.finder, p.x, p.y) for p in self.all)

    def pixels(self) -> npt.NDArray[np.float32]:
        """Where the pieces are, (N, 2)."""
        return np.array([[p.x, p.y] for p in self.all], np.float32).reshape(-1, 2)

    def spots(self) -> Spots:
        """The pieces that are there, and where."""
        return [(p.finder.piece, p.x, p.y) for p in self.all if p.presence >= PRESENT]

    def follow(self, seen: Frame, tint: Tint) -> None:
        """Find every piece in the next frame, near its last place first."""
        last = [(p.x, p.y) for p in self.all]
        for piece in self.all:
            piece.rests = self._rests(seen, piece)
            if piece.rests:
                piece.step = (0.0, 0.0)
                continue
            if piece.finder.piece.fixed:
                self._settle(piece, self._at_home(seen, piece, tint), seen)
                continue
            sight = self._ahead(seen, piece, tint)
            # What is long looks much like itself where it is a little farther on.
            long = max(piece.finder.size) / self.cell
            long = long if long > LONG else 1.0
            if sight.quality < 1 - (1 - CERTAIN) / long:
                sight = self._sight(seen, piece.finder, piece.x, piece.y, NEAR * long * self.cell, tint)
            if sight.quality < SURE:
                wider = self._sight(seen, piece.finder, piece.x, piece.y, FAR * self.cell, tint)
                if not is_seen(sight) or wider.quality > sight.quality + CLEARLY:
                    sight = max(sight, wider, key=lambda s: s.quality)
            self._settle(piece, sight, seen)
        self._part_doubles(seen, tint, last)

    def _ahead(self, seen: Frame, piece: Tracked, tint: Tint) -> Sight:
        """Look between the piece's last place and where another such step would lead it."""
        (x, y), margin = piece.step, AHEAD * self.cell
        radius = max(abs(x), abs(y)) / 2 + margin
        return self._sight(seen, piece.finder, piece.x + x / 2, piece.y + y / 2, radius, tint)

    def _at_home(self, seen: Frame, piece: Tracked, tint: Tint) -> Sight:
        """Look for a piece that stays at its place."""
        sight = piece.finder.look(seen, self.board, piece.x, piece.y, tint)
        if FAINT <= sight.presence and sight.quality < CERTAIN:
            sight = self._ahead(seen, piece, tint)
        return replace(sight, x=piece.x, y=piece.y)

    def claim(self, seen: Frame, blob: Blob, reach: float, tint: Tint) -> bool:
        """Whether a changed region is a piece that was lost; it is then followed from there."""
        for piece in self.all:
            if piece.presence < PRESENT and not piece.finder.piece.fixed:
                sight = self._sight(seen, piece.finder, blob.x, blob.y, reach, tint)
                if is_seen(sight):
                    self._settle(piece, sight, seen)
                    return True
        return False

    def resembles(self, seen: Frame, blob: Blob, reach: float, tint: Tint) -> str:
        """The kind of piece of which a changed region is a copy, or ""."""
        finders = {p.finder.piece.name: p.finder for p in self.all}
        for name, finder in finders.items():
            sight = self._sight(seen, finder, blob.x, blob.y, reach, tint)
            free = all(
                max(abs(p.x - sight.x), abs(p.y - sight.y)) > 0.4 * self.cell
                for p in self.all
                if p.presence >= PRESENT
            )
            alike = free and sight.presence >= FAINT and sight.likeness >= ALIKE
            if alike and finder.spill(seen, self.board, sight.x, sight.y, tint) <= SPILL:
                return name
        return ""

    def compare_looks(
        self, seen: Frame, blocks: Blocks, means: Means, tint: Tint
    ) -> list[tuple[float, float, float]]:
        """Compare every piece with its own picture where it was found; sets `odd`.

        Returns:
            What beside a piece does not look as it should: x and y in pixels, and the area in square cells.
        """
        spots = self.spots()
        for p in self.all:
            if p.presence < PRESENT:
                p.odd = p.beside = 0.0
            elif not p.rests:
                others = [
                    (q.finder.piece, q.x, q.y) for q in self.all if q is not p and q.presence >= PRESENT
                ]
                p.odd, p.beside = self._unlike(p, others, blocks, means, tint, spots)
                p.odd = max(p.odd, self._recoloured(p, others, seen, tint))
        return [(p.x, p.y, p.beside) for p in self.all if p.beside]

    def _unlike(
        self, piece: Tracked, others: Spots, blocks: Blocks, means: Means, tint: Tint, spots: Spots
    ) -> tuple[float, float]:
        """How much (square cells) of a piece, and of what is beside it, does not look as it should."""
        own = (piece.finder.piece, piece.x, piece.y)
        unit = blocks.k**2 / blocks.cell_area
        rows, cols = blocks.span(*own)
        odd = blocks.unlike(means, rows, cols, tint, spots) & ~blocks.covered(others, 0.0)[rows, cols]
        body = blocks.covered([own], 0.0)[rows, cols]
        return float((odd & body).sum()) * unit, float((odd & ~body).sum()) * unit

    def _recoloured(self, piece: Tracked, others: Spots, seen: Frame, tint: Tint) -> float:
        """How much (square cells) of a piece has another colour: all of it, or nothing.

        What is small or thin has too small a part in its blocks' colours for `_unlike` to see this.
        """
        if any(max(abs(x - piece.x), abs(y - piece.y)) < CLEAR * self.cell for _, x, y in others):
            return 0.0
        if piece.finder.off_colour(seen, self.board, piece.x, piece.y, tint) < RECOLOURED:
            return 0.0
        left, top, right, bottom = piece.finder.piece.ink
        return (right - left) * (bottom - top) / self.cell**2

    def _rests(self, seen: Frame, piece: Tracked) -> bool:
        """Whether nothing has changed around the piece since it was last found."""
        if piece.presence < PRESENT or piece.patch is None:
            return False
        patch = self._around(seen, piece)
        if piece.patch.shape != patch.shape or cv2.norm(patch, piece.patch, cv2.NORM_L1) > 1.2 * patch.size:
            return False
        return bool(cv2.norm(patch, piece.patch, cv2.NORM_INF) <= 40)

    def _settle(self, piece: Tracked, sight: Sight, seen: Frame) -> None:
        if is_seen(sight):
            piece.step = sight.x - piece.x, sight.y - piece.y
            piece.x, piece.y, piece.presence = sight.x, sight.y, sight.presence
            piece.patch = self._around(seen, piece).copy()
        else:
            piece.presence, piece.patch = min(max(sight.presence, 0.0), PRESENT - 0.01), None
            piece.step = (0.0, 0.0)

    def _part_doubles(self, seen: Frame, tint: Tint, last: list[tuple[float, float]]) -> None:
        """Where two pieces claim the same place, only one has it.

        Of alike pieces it is the one that came from nearer, of others the one that looks more like it.
        """
        for i, a in enumerate(self.all):
            for j, b in enumerate(self.all[:i]):
                apart = max(abs(a.x - b.x), abs(a.y - b.y)) >= DOUBLE * self.cell
                if apart or a.presence < PRESENT or b.presence < PRESENT:
                    continue
                if a.finder.piece.name != b.finder.piece.name:
                    rank = [self._claim(seen, p, tint) for p in (a, b)]
                else:
                    rank = [-float(np.hypot(last[k][0] - p.x, last[k][1] - p.y)) for k, p in ((i, a), (j, b))]
                k, loser = (i, a) if rank[0] <= rank[1] else (j, b)
                loser.presence, loser.patch = 0.0, None
                loser.x, loser.y = last[k]

    def _claim(self, seen: Frame, piece: Tracked, tint: Tint) -> float:
        """How surely a piece has its place; what stays at its place may be covered by what passes."""
        quality = piece.finder.look(seen, self.board, piece.x, piece.y, tint).quality
        return quality - PASSED if piece.finder.piece.fixed else quality

    def _sight(self, seen: Frame, finder: Finder, x: float, y: float, radius: float, tint: Tint) -> Sight:
        found_x, found_y, _ = finder.match(seen, x, y, radius)
        sight = finder.look(seen, self.board, found_x, found_y, tint)
        if finder.sheer is None or sight.quality >= SURE:
            return sight
        found_x, found_y, _ = finder.sheer.match(seen, x, y, radius)
        other = finder.look(seen, self.board, found_x, found_y, tint)
        return max(sight, other, key=lambda s: s.quality)

    def _around(self, seen: Frame, piece: Tracked) -> Frame:
        r, (x, y) = self.cell * 0.8, piece.finder.piece.anchor
        h, w = seen.shape[:2]
        ink = piece.finder.piece.ink  # what is longer than a cell is looked at as a whole
        top, bottom = max(int(piece.y - max(r, y - ink[1])), 0), min(int(piece.y + max(r, ink[3] - y)) + 1, h)
        left, right = max(int(piece.x - max(r, x - ink[0])), 0), min(int(piece.x + max(r, ink[2] - x)) + 1, w)
        return seen[top:bottom, left:right]
