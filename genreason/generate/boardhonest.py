"""Honest variants of clips of boards of cells: what a judge must pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from genreason.generate.boardshop import BoardShop
from genreason.generate.recipes import Recipes
from genreason.render.board import Board, Piece, blend
from genreason.render.cells import sign_piece
from genreason.types import Clip, Frame

RECIPES: Recipes[BoardShop] = Recipes()
HANDS = ("plain", "bold", "italic", "hand", "press")


@RECIPES.control()
def other_solution(w: BoardShop) -> Clip | None:
    """Another legal way: the same moves in another order, or some random ones first."""
    state, moves = w.start, []
    if w.puzzle.carried:
        for _ in range(3):
            options = list(w.puzzle.moves(state))
            if not options:
                return None
            moves.append(options[int(w.rng.integers(len(options)))])
            state = w.puzzle.step(state, moves[-1])
        rest = w.puzzle.solve(state)
        if rest is None:
            return None
        moves += rest.moves
    else:
        left = list(w.moves)
        while left:
            legal = [move for move in left if move in set(w.puzzle.moves(state))]
            if not legal:
                return None
            moves.append(legal[int(w.rng.integers(len(legal)))])
            left.remove(moves[-1])
            state = w.puzzle.step(state, moves[-1])
        if not w.puzzle.done(state) or tuple(moves) == w.moves:
            return None
    return w.clip(w.film(w.puzzle.stages(w.start, moves)))


@RECIPES.control()
def slow(w: BoardShop) -> Clip:
    """Half the speed."""
    return w.clip(w.film(w.stages, frames_per_step=2 * w.motion.frames_per_step))


@RECIPES.control()
def linear(w: BoardShop) -> Clip:
    """Constant speed, no pause at either end: the last change ends on the last frame."""
    return w.clip(w.film(w.stages, ease="linear", hold_start=1, hold_end=0, length="any"))


@RECIPES.control()
def pause(w: BoardShop) -> Clip:
    """A rest of a fifth of a second on the way."""
    t = int(w.rng.integers(1, len(w.truth)))
    return w.clip(w.truth.taken([*range(t), *([t] * 5), *range(t, len(w.truth))]))


@RECIPES.control()
def popped(w: BoardShop) -> Clip | None:
    """Every symbol is there at once when it comes; a moment passes before the next."""
    if w.puzzle.carried or w.puzzle.gradual:
        return None
    steps = [w.motion.hold_start + k * w.motion.frames_per_step for k in range(len(w.moves) + 1)]
    script = w.film(w.stages, frames_per_step=1, ease="linear", hold_start=1, hold_end=0, length="any")
    picks = np.searchsorted(steps, np.arange(steps[-1] + 6), side="right").clip(0, len(script) - 1)
    return w.clip(script.taken(picks))


@RECIPES.control()
def jitter(w: BoardShop) -> Clip:
    """What is on its way trembles by up to 2 pixels (of 256)."""
    reach = 2 * w.instance.size[0] / 256 / np.array([w.board.lattice.cell_w, w.board.lattice.cell_h])
    places = w.truth.places_TN2.copy()
    moving = np.abs(np.diff(places, axis=0, prepend=places[:1])).max(axis=2, keepdims=True) > 0
    if w.truth.opacity_TN is not None:
        faint = w.truth.opacity_TN[..., None]
        moving |= (faint > 0) & (faint < 1)
    places += (w.rng.uniform(-1, 1, places.shape) * np.minimum(reach, 0.1) * moving).astype(np.float32)
    return w.clip(replace(w.truth, places_TN2=places))


@RECIPES.control()
def blink(w: BoardShop) -> Clip | None:
    """Something is missing in a single frame."""
    length, n = w.truth.places_TN2.shape[:2]
    if n == 0:
        return None
    opacity = np.ones((length, n), np.float32) if w.truth.opacity_TN is None else w.truth.opacity_TN.copy()
    opacity[int(w.rng.integers(1, length - 1)), int(w.rng.integers(n))] = 0
    return w.clip(replace(w.truth, opacity_TN=opacity))


@RECIPES.control()
def handwritten(w: BoardShop) -> Clip | None:
    """What is put there is drawn otherwise: in another hand, moved by some pixels, larger or smaller."""
    style = w.puzzle.style(w.instance.style)
    pieces = list(w.board.pieces)
    for i, symbol in enumerate(w.symbols):
        sign = w.puzzle.sign(symbol, style, False)
        if sign.mark is not None or not (sign.any_font and sign.any_ink):
            return None
        hand = HANDS[int(w.rng.integers(len(HANDS)))]
        other = replace(sign, font=hand, scale=sign.scale * float(w.rng.uniform(0.85, 1.15)))
        piece = sign_piece(symbol, other, w.board.lattice.cell_w, w.board.lattice.cell_h)
        x, y = piece.anchor
        off = w.rng.uniform(-0.06, 0.06, 2) * w.board.lattice.cell_w
        pieces[i] = replace(piece, anchor=(x + float(off[0]), y + float(off[1])))
    return w.clip(w.truth, replace(w.board, pieces=tuple(pieces)))


@RECIPES.control()
def written_on(w: BoardShop) -> Clip | None:
    """Symbols are written from top to bottom, not faded in."""
    opacity = w.truth.opacity_TN
    # Half of one thing over half of another is like neither, and may be like a third.
    replaced = any(
        a and b and a != b for c in zip(*w.cells, strict=True) for a, b in zip(c, c[1:], strict=False)
    )
    if w.puzzle.carried or opacity is None or replaced:
        return None
    cast = w.truth.cast or tuple(range(opacity.shape[1]))
    pieces, script = [w.board.pieces[i] for i in cast], w.truth

    def frames() -> Iterator[Frame]:
        for t in range(len(script)):
            yield _partly(w.board, pieces, script.places_TN2[t], opacity[t])

    return Clip(render=frames, fps=w.instance.fps)


def _partly(
    board: Board,
    pieces: list[Piece],
    places: np.typing.NDArray[np.float32],
    shares: np.typing.NDArray[np.float32],
) -> Frame:
    """The picture with only the upper part of what is not whole."""
    frame, pixels = board.plate.copy(), board.lattice.pixels(places)
    for piece, (x, y), share in zip(pieces, pixels, shares, strict=True):
        if share >= 1:
            blend(frame, piece, float(x), float(y))
        elif share > 0:
            top, bottom = piece.ink[1], piece.ink[3]
            cut = piece.alpha.copy()
            cut[round(top + float(share) * (bottom - top)) :] = 0
            blend(frame, Piece(piece.name, piece.rgb, cut, piece.anchor), float(x), float(y))
    return frame
