"""Read a single frame: where every piece of a board stands, anywhere in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genreason.perceive.blocks import Blocks
from genreason.perceive.locate import Finder
from genreason.perceive.view import find_view
from genreason.render.board import Board
from genreason.types import Frame

APART = 0.6  # cells between two pieces of one kind


@dataclass(frozen=True, slots=True)
class Places:
    """Where the pieces of a board are.

    Attributes:
        places_N2: x and y in cells, in the order of `Board.pieces`; alike pieces come in reading order.
        quality_N: how surely each is there, 0 to 1.
    """

    places_N2: npt.NDArray[np.float32]
    quality_N: npt.NDArray[np.float32]


def read_places(
    board: Board,
    reference: Frame,
    frame: Frame,
    stands_K2: npt.NDArray[np.float32],
    starts_N2: npt.NDArray[np.float32],
) -> Places:
    """Find every piece in a frame of any size.

    Args:
        board: the layers of the instance.
        reference: the given first frame; shows how the clip was resized.
        frame: HWC RGB uint8.
        stands_K2: the places (x, y in cells) at which a piece can be.
        starts_N2: where those are that stay at their places.
    """
    view = find_view(reference, frame)
    fitted = board.fitted(view.scale, view.offset, (frame.shape[1], frame.shape[0]))
    blocks = Blocks(fitted)
    tint = blocks.compare(blocks.means(frame), blocks.covered([])).tint
    places = np.zeros((len(board.pieces), 2), np.float32)
    quality = np.zeros(len(board.pieces), np.float32)
    for name in sorted({piece.name for piece in fitted.pieces}):
        rows = [i for i, piece in enumerate(fitted.pieces) if piece.name == name]
        if fitted.pieces[rows[0]].fixed:
            finder = Finder(fitted.pieces[rows[0]], fitted.plate)
            for i in rows:
                home = fitted.lattice.pixels(starts_N2[i])
                x, y, _ = finder.match(frame, float(home[0]), float(home[1]), 2)
                places[i], quality[i] = starts_N2[i], finder.look(frame, fitted, x, y, tint).quality
            continue
        found = _best(Finder(fitted.pieces[rows[0]], fitted.plate), fitted, frame, tint, stands_K2, len(rows))
        found.sort(key=lambda spot: (round(spot[1]), round(spot[0])))
        for i, (x, y, sure) in zip(rows, found, strict=False):
            places[i], quality[i] = (x, y), sure
    return Places(places, quality)


def _best(
    finder: Finder,
    board: Board,
    frame: Frame,
    tint: npt.NDArray[np.float32],
    stands_K2: npt.NDArray[np.float32],
    count: int,
) -> list[tuple[float, float, float]]:
    """The `count` places (x, y in cells) at which the piece is most surely, with the quality."""
    cost = finder.costs(frame)
    reach = int(APART * min(board.lattice.cell_w, board.lattice.cell_h))
    allowed = np.full(cost.shape, np.inf, np.float32)
    for x, y in board.lattice.pixels(stands_K2) - np.array(finder.anchor, np.float32):
        allowed[max(int(y) - reach, 0) : int(y) + reach + 1, max(int(x) - reach, 0) : int(x) + reach + 1] = 0
    cost += allowed
    spots: list[tuple[float, float, float]] = []
    while len(spots) < 8 * count:
        j, i = np.unravel_index(int(cost.argmin()), cost.shape)
        if not np.isfinite(cost[j, i]):
            break
        x, y, _ = finder.match(frame, i + finder.anchor[0], j + finder.anchor[1], 2)
        sight = finder.look(frame, board, x, y, tint)
        cell = board.lattice.cells((x, y))
        spots.append((float(cell[0]), float(cell[1]), sight.quality))
        cost[max(j - reach, 0) : j + reach + 1, max(i - reach, 0) : i + reach + 1] = np.inf
    return sorted(spots, key=lambda spot: -spot[2])[:count]
