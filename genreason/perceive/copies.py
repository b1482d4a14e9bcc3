"""Look for copies of pieces that hardly differ from the ground they stand on.

Block means show most things that appear. They do not show a sprite on a ground of its own colours, though a
person sees its outline: such pieces are looked for by their pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import WEIGHT, Blocks, Standing
from genreason.perceive.locate import Finder
from genreason.perceive.pieces import SPILL, Pieces, Tint, Tracked, is_seen
from genreason.render.board import Board, Piece, blend
from genreason.types import Frame

SHOWS = 3 * WEIGHT  # change of the blocks under a piece from which they show copies of it there
SHOWS_WORST = 2 * WEIGHT  # and that from which they do where the ground is most like it
PLACES = 8  # such places that are looked at
HALVED = 16  # pixels of a piece from which frames are halved for the search
LESS = 0.4  # share of the empty ground's difference from the piece that may be left where a copy is
LEAST = 36.0  # mean square difference (0-255) of ground from the piece below which nothing can be told
MOST = 4  # copies of a kind that are looked for at a time
APART = 0.5  # cells from a piece from which something else is a copy
STAYS = 0.3  # cells within which a copy is the same from one look to the next
Found = tuple[str, float, float]
"""Kind, and x and y in pixels."""


class Copies:
    """Looks for copies of the pieces that blocks do not show."""

    def __init__(self, board: Board, pieces: Pieces, blocks: Blocks) -> None:
        """`board` and `pieces` as they were fitted to the frames, the pieces where they start."""
        self.board, self.pieces = board, pieces
        kinds: dict[str, list[Tracked]] = {}
        for piece in pieces.all:
            kinds.setdefault(piece.finder.piece.name, []).append(piece)
        self._kinds = [_Kind(board, p[0].finder) for p in kinds.values() if _hides(board, blocks, p)]
        self._last: list[Found] = []
        self._sure: list[Found] = []

    def __bool__(self) -> bool:
        """Whether there is any such piece."""
        return bool(self._kinds)

    def look(self, seen: Frame, tint: Tint) -> list[Found]:
        """The copies in a frame: only those that were there at the look before, too."""
        standing = self.pieces.spots()
        found = [(kind.name, x, y) for kind in self._kinds for x, y in kind.copies(seen, tint, standing)]
        near = STAYS * self.pieces.cell
        self._sure = [
            (name, x, y)
            for name, x, y in found
            if any(name == n and max(abs(x - u), abs(y - v)) < near for n, u, v in self._last)
        ]
        self._last = found
        return self._sure

    @property
    def known(self) -> list[Found]:
        """What the last look found."""
        return self._sure


class _Kind:
    """One kind of piece, and how much the empty ground differs from it at every place."""

    def __init__(self, board: Board, finder: Finder) -> None:
        self.name, self.finder, self.board = finder.piece.name, finder, board
        self.cell = float(np.sqrt(board.lattice.cell_w * board.lattice.cell_h))
        self.scale = 0.5 if min(finder.size) >= HALVED else 1.0
        h, w = board.plate.shape[:2]
        self.size = int(w * self.scale), int(h * self.scale)
        small = board.fitted((self.scale, self.scale), (0.0, 0.0), self.size)
        piece = next(piece for piece in small.pieces if piece.name == self.name)
        self.small = Finder(piece, small.plate)
        self.ground = self.small.costs(small.plate)

    def copies(self, seen: Frame, tint: Tint, standing: Sequence[Standing]) -> list[tuple[float, float]]:
        plain = np.clip(seen - tint, 0, 255).astype(np.uint8) if np.abs(tint).max() >= 1 else seen
        frame = plain if self.scale == 1 else cv2.resize(plain, self.size, interpolation=cv2.INTER_AREA)
        costs = self.small.costs(np.asarray(frame, np.uint8))
        left = np.asarray(costs / np.maximum(self.ground, LEAST), np.float32)
        left[self.ground < LEAST] = np.inf
        reach = max(int(APART * self.cell * self.scale), 1)
        for piece, x, y in standing:
            left_x, top_y = x * self.scale - self.small.anchor[0], y * self.scale - self.small.anchor[1]
            # What touches a piece of another kind differs from the empty ground by that piece.
            _close(left, left_x, top_y, reach if piece.name == self.name else self._touch(piece))
        found = []
        for _ in range(MOST):
            j, i = divmod(int(left.argmin()), left.shape[1])
            if left[j, i] > LESS:
                break
            x, y = ((float(v) + a) / self.scale for v, a in zip((i, j), self.small.anchor, strict=True))
            x, y, _ = self.finder.match(seen, x, y, 2 / self.scale)
            sight = self.finder.look(seen, self._under(x, y, standing), x, y, tint)
            if is_seen(sight) and self.finder.spill(seen, self.board, x, y, tint) <= SPILL:
                found.append((x, y))  # not ground that has changed farther around
            _close(left, float(i), float(j), reach)
        return found

    def _under(self, x: float, y: float, standing: Sequence[Standing]) -> Board:
        """The board that a copy at (x, y) would lie on: with the pieces of its kind that it would overlap."""
        width, height = self.finder.size
        beside = [(u, v) for piece, u, v in standing
                  if piece.name == self.name and abs(u - x) < width and abs(v - y) < height]  # fmt: skip
        if not beside:
            return self.board
        plate = self.board.plate.copy()
        for u, v in beside:
            blend(plate, self.finder.piece, u, v)
        return replace(self.board, plate=plate)

    def _touch(self, other: Piece) -> int:
        """How near (pixels of the search) the piece must be to touch another one."""
        left, top, right, bottom = other.ink
        sizes = zip((right - left, bottom - top), self.finder.size, strict=True)
        return int(max((theirs + own) / 2 for theirs, own in sizes) * self.scale) + 1


def _close(costs: npt.NDArray[np.float32], x: float, y: float, reach: int) -> None:
    """Take the places around a point out of the search."""
    i, j = round(x), round(y)
    costs[max(j - reach, 0) : max(j + reach + 1, 0), max(i - reach, 0) : max(i + reach + 1, 0)] = np.inf


def _hides(board: Board, blocks: Blocks, alike: Sequence[Tracked]) -> bool:
    """Whether blocks do not show copies of a kind of piece: where one stands, or where it hides best."""
    starts = [(p.x, p.y) for p in alike]
    finder = alike[0].finder
    return (
        min(_shown(board, blocks, finder, starts)) < SHOWS
        or min(_shown(board, blocks, finder, _hiding_places(blocks, finder.piece)), default=SHOWS)
        < SHOWS_WORST
    )


def _shown(
    board: Board, blocks: Blocks, finder: Finder, places: Sequence[tuple[float, float]]
) -> list[float]:
    """How much blocks change (sum over those that count) under pieces on the empty ground, for each place."""
    frame = board.plate.copy()
    for x, y in places:
        blend(frame, finder.piece, x, y)
    none = np.zeros(blocks.base.shape[:2], np.bool_)
    gap = blocks.compare(blocks.means(frame), none).apart_from(none, ~none)
    size = np.where(gap.changed, gap.size, 0)
    return [float(size[blocks.span(finder.piece, x, y, 0.0)].sum()) for x, y in places]


def _hiding_places(blocks: Blocks, piece: Piece) -> list[tuple[float, float]]:
    """Where (pixels) the blocks of the ground are most like those of the piece, well apart."""
    left, top, right, bottom = piece.ink
    cut = slice(top, bottom), slice(left, right)
    w, h = max(round((right - left) / blocks.k), 1), max(round((bottom - top) / blocks.k), 1)
    ground = np.ascontiguousarray(blocks.base[..., :3])
    if ground.shape[0] < h or ground.shape[1] < w:
        return []
    rgba = np.dstack([np.clip(piece.rgb[cut], 0, 255) * piece.alpha[cut][..., None], piece.alpha[cut]])
    small = np.asarray(cv2.resize(rgba, (w, h), interpolation=cv2.INTER_AREA), np.float32).reshape(h, w, 4)
    weight = np.repeat(small[..., 3:], 3, axis=2)
    colours = small[..., :3] / np.maximum(weight, np.float32(1e-3))
    costs = np.asarray(cv2.matchTemplate(ground, colours, cv2.TM_SQDIFF, mask=weight), np.float32)
    places = []
    for _ in range(PLACES):
        j, i = divmod(int(costs.argmin()), costs.shape[1])
        if not np.isfinite(costs[j, i]):
            break
        x, y = (i + w / 2) * blocks.k - (left + right) / 2, (j + h / 2) * blocks.k - (top + bottom) / 2
        places.append((x + piece.anchor[0], y + piece.anchor[1]))
        _close(costs, i, j, max(w, h) + 2)
    return places
