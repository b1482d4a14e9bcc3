"""Controls for pieces that all move by themselves, each along a lane of its own."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genreason.generate.recipes import Recipes
from genreason.generate.workshop import Cell, Workshop
from genreason.render.board import Piece
from genreason.types import Clip

RECIPES: Recipes[Workshop] = Recipes()
CLEAR = 0.4  # cells between two pieces of which nobody takes one for a part of the other
WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1))


@RECIPES.control("rules.legal")
def straight_on(w: Workshop) -> Clip | None:
    """The last piece goes to where it ends, through all that is in its way."""
    if w.puzzle.driven or (np.stack(w.stops)[:, :-1] == w.stops[0][:-1]).all():
        return None
    stops = [w.stops[0]]
    for stop in w.stops[1:]:
        if (stop[-1] != stops[-1][-1]).any():
            stops.append(stops[0].copy())
            stops[-1][-1] = stop[-1]
    return w.clip(w.animate(stops))


@RECIPES.control("rules.legal")
def illegal_shift(w: Workshop) -> Clip | None:
    """Half way, a piece steps to where no move leads, and back; not over another, which would hide it."""
    if w.puzzle.driven:
        return None
    k = len(w.stops) // 2
    state, stand = w.states[k], w.stops[k]
    legal = {w.puzzle.places(w.puzzle.step(state, move)).tobytes() for move in w.puzzle.moves(state)}
    wrong = []
    for i in range(len(stand)):
        for way in WAYS:
            other = stand.copy()
            other[i] += way
            at = float(other[i, 0]), float(other[i, 1])
            others = [j for j in range(len(stand)) if j != i]
            if other.tobytes() not in legal and w.inside(*at) and nearest(w, i, at, others, stand[None]) >= 0:
                wrong.append(other)
    if not wrong:
        return None
    other = wrong[int(w.rng.integers(len(wrong)))]
    return w.clip(w.animate([*w.stops[: k + 1], other, *w.stops[k:]]))


def extent(piece: Piece, cell: float) -> tuple[float, float, float, float]:
    """How far (cells) a piece reaches to the left, up, right and down of where it stands."""
    (left, top, right, bottom), (x, y) = piece.ink, piece.anchor
    return (x - left) / cell, (y - top) / cell, (right - x) / cell, (bottom - y) / cell


def has_room(w: Workshop, which: int, at: Cell) -> bool:
    """Whether a copy of a piece at a cell would touch nothing as the solution goes, and stay on the floor."""
    left, top, right, bottom = extent(w.board.pieces[which], w.board.lattice.cell_w)
    inside = min(at[0] - left, at[1] - top) >= 0.5
    inside &= at[0] + right <= w.board.lattice.cols - 1.5 and at[1] + bottom <= w.board.lattice.rows - 1.5
    return inside and nearest(w, which, at, range(len(w.board.pieces))) >= CLEAR


def nearest(
    w: Workshop,
    which: int,
    at: Cell,
    others: Iterable[int],
    stops: npt.NDArray[np.float32] | None = None,
) -> float:
    """How near (cells) others come to a copy of a piece at these stops (the solution's); below 0 over it."""
    cell, stops, found = w.board.lattice.cell_w, np.stack(w.stops) if stops is None else stops, np.inf
    left, top, right, bottom = extent(w.board.pieces[which], cell)
    x0, y0, x1, y1 = at[0] - left, at[1] - top, at[0] + right, at[1] + bottom
    for i in others:
        left, top, right, bottom = extent(w.board.pieces[i], cell)
        x, y = stops[:, i, 0], stops[:, i, 1]
        across = np.maximum(x0 - x - right, x - left - x1)
        found = min(found, float(np.maximum(across, np.maximum(y0 - y - bottom, y - top - y1)).min()))
    return found


def is_overrun(w: Workshop) -> bool:
    """Whether other pieces come over where the last one stands first: a copy of it there would be hidden."""
    last = len(w.board.pieces) - 1
    x, y = (float(v) for v in w.stops[0][-1])
    return not w.puzzle.driven and nearest(w, last, (x, y), range(last)) < 0
