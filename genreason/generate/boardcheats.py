"""Cheats on boards of cells: clips that a judge must fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genreason.generate import edits
from genreason.generate.boardshop import BoardShop, put
from genreason.generate.recipes import Recipes
from genreason.puzzles.boards import Stage
from genreason.render.board import Board
from genreason.render.motion import Script
from genreason.types import Clip, Frame

RECIPES: Recipes[BoardShop] = Recipes()
FAR = 4.5  # cells that are no step of what is carried
GHOST = 0.35  # opacity of what is only half there
SEEN = 40  # difference (0-255) that a person sees


# -- the answer, but not its way -----------------------------------------------------------------------------
@RECIPES.control("rules.goal")
def truncated(w: BoardShop) -> Clip | None:
    """The clip ends on the way."""
    stop = len(w.stages) * 6 // 10
    return w.clip(w.film(w.stages[:stop])) if 0 < stop < len(w.stages) else None


@RECIPES.control("objects.continuous")
def cut(w: BoardShop) -> Clip | None:
    """The first picture, then at once the answer; None where one change may come at once."""
    if len(w.moves) < 2 and not (w.puzzle.carried or w.puzzle.gradual):
        return None
    first, last = w.frame(w.cells[0]), w.frame(w.cells[-1])
    return edits.picture_clip(w, [first] * 12 + [last] * 12)


@RECIPES.control("rules.legal")
def dissolve(w: BoardShop) -> Clip | None:
    """The first picture dissolves into the answer."""
    if len(w.moves) < 2 and not w.puzzle.carried:
        return None
    first, last = (w.frame(w.cells[k]).astype(np.float32) for k in (0, -1))
    share = np.clip((np.arange(49) - 8) / 32, 0, 1).astype(np.float32)
    return edits.picture_clip(w, [np.rint(first * (1 - s) + last * s).astype(np.uint8) for s in share])


@RECIPES.control("rules.legal")
def swapped_content(w: BoardShop) -> Clip | None:
    """Begins as given, then shows another board: this one mirrored (on its own ground)."""
    flip = edits.FLIPS[int(w.rng.integers(2))]
    first, last = w.frame(w.cells[0]), w.frame(w.cells[-1])[flip]
    rows, cols = w.puzzle.shape(w.start)
    before, after = (np.array(cells).reshape(rows, cols) for cells in (w.cells[0], w.cells[-1]))
    if not edits.alike(w.board.plate, flip):
        last = w.frame(tuple(after[flip].ravel().tolist()))
    if (after[flip] != before).sum() < 2 + w.puzzle.carried:  # one move explains it
        return None
    return edits.picture_clip(w, [first] * 8 + [np.ascontiguousarray(last)] * 16)


@RECIPES.control("rules.goal")
def touch_and_leave(w: BoardShop) -> Clip | None:
    """The goal holds, then the last change is taken back."""
    back = {c: w.cells[-2][c] for c in w.changed(len(w.moves) - 1)}
    cells = w.cells[-1]
    for cell, symbol in back.items():
        cells = put(cells, cell, symbol)
    paths = {
        path_to: tuple(reversed(path))
        for path in w.stages[-1].paths.values()
        for path_to in [next((c for c in back if w.puzzle.place(w.start, c) == tuple(path[0])), -1)]
        if path_to >= 0
    }
    return w.clip(w.film([*w.stages, Stage(cells, paths)]))


# -- illegal changes -----------------------------------------------------------------------------------------
@RECIPES.control("rules.legal")
def illegal_mark(w: BoardShop) -> Clip | None:
    """Half way something comes into an empty cell that no rule lets come there."""
    k = len(w.moves) // 2
    state, cells = w.states[k], w.cells[k]
    open_ = w.puzzle.open(w.start)
    spots = [
        (c, s)
        for c in range(len(cells))
        if not cells[c] and c not in open_
        for s in w.symbols
        if not w.legal_now(state, c, s)
    ]
    if not spots:
        return None
    cell, symbol = spots[int(w.rng.integers(len(spots)))]
    wrong = [Stage(put(cells, cell, symbol)), *w.overlaid(w.stages[k:], cell, symbol, 0)]
    return w.clip(w.film([*w.stages[:k], *_plain(wrong, w.puzzle.carried)]))


@RECIPES.control("rules.legal")
def given_changed(w: BoardShop) -> Clip | None:
    """Half way something that stands there becomes something else."""
    k = len(w.moves) // 2
    spots = [
        (c, s)
        for c in w.kept()
        if w.cells[0][c]
        for s in w.symbols
        if s != w.cells[0][c] and not w.legal_now(w.states[k], c, s)
    ]
    if not spots:
        return None
    cell, symbol = spots[int(w.rng.integers(len(spots)))]
    stages = [*w.stages[:k], replace(Stage(w.cells[k]), cells=put(w.cells[k], cell, symbol))]
    return w.clip(w.film([*stages, *w.overlaid(w.stages[k:], cell, symbol, 0)]))


@RECIPES.control("objects.present")
def vanish(w: BoardShop) -> Clip | None:
    """Something fades away half way, for good."""
    k = len(w.moves) // 2
    spots = [c for c in w.kept() if w.cells[0][c] and not w.legal_now(w.states[k], c, "")]
    if not spots:
        return None
    cell = spots[int(w.rng.integers(len(spots)))]
    gone = Stage(put(w.cells[k], cell, ""))
    return w.clip(w.film([*w.stages[:k], gone, *w.overlaid(w.stages[k:], cell, "", 0)]))


@RECIPES.control("objects.present")
def object_lost(w: BoardShop) -> Clip | None:
    """Something is gone for half a second on the way."""
    length, n = w.truth.places_TN2.shape[:2]
    if n == 0:
        return None
    opacity = np.ones((length, n), np.float32) if w.truth.opacity_TN is None else w.truth.opacity_TN.copy()
    # (What something is drawn over would be hidden in part of that time.)
    # (What a legal move takes away would be taken away illegally, and not lost.)
    taken = {
        c for move in w.puzzle.moves(w.start) for c, s in w.puzzle.changes(w.start, move).items() if not s
    }
    kept = [w.puzzle.place(w.start, c) for c in w.kept() if w.puzzle.carried or c not in taken]
    whole = [i for i in range(n) if (opacity[:, i] == 1).all() and tuple(w.truth.places_TN2[0, i]) in kept]
    still = [i for i in whole if (w.truth.places_TN2[:, i] == w.truth.places_TN2[0, i]).all()]
    if not still or length < 24:
        return None
    t = int(w.rng.integers(4, length - 16))
    during = w.truth.places_TN2[t : t + 12]  # (nor is what something passes over lost in sight)
    near = (np.abs(during[:, :, None] - during[:, None]).max(axis=-1) < 1).any(axis=0).sum(axis=0)
    still = [i for i in still if near[i] == 1]
    if not still:
        return None
    opacity[t : t + 12, still[int(w.rng.integers(len(still)))]] = 0
    return w.clip(replace(w.truth, opacity_TN=opacity))


@RECIPES.control("rules.legal")
def two_at_once(w: BoardShop) -> Clip | None:
    """Two moves are made at the same time."""
    if w.puzzle.once or len(w.moves) < 2:
        return None
    k = int(w.rng.integers(len(w.moves) - 1))
    ends = {w.puzzle.place(w.start, c) for c in w.stages[k].paths}
    if any(tuple(path[0]) in ends for path in w.stages[k + 1].paths.values()):
        return None  # a thing that goes on from where it came to cannot go both ways at once
    both = Stage(w.cells[k + 2], {**w.stages[k].paths, **w.stages[k + 1].paths})
    if len([c for c in range(len(w.cells[k])) if w.cells[k][c] != w.cells[k + 2][c]]) < 2:
        return None
    return w.clip(w.film([*w.stages[:k], both, *w.stages[k + 2 :]]))


@RECIPES.control("rules.legal")
def in_parts(w: BoardShop) -> Clip | None:
    """Of cells that must change together, some change after the others."""
    parts = [k for k in range(len(w.moves)) if len(w.changed(k)) > 1]
    if not w.puzzle.once or not parts:
        return None
    k = parts[int(w.rng.integers(len(parts)))]
    cells, changed = w.cells[k], w.changed(k)
    for cell in w.rng.permutation(changed)[: len(changed) // 2].tolist():
        cells = put(cells, cell, w.cells[k + 1][cell])
    return w.clip(w.film([*w.stages[:k], Stage(cells), *w.stages[k:]]))


@RECIPES.control("rules.legal")
def out_of_order(w: BoardShop) -> Clip | None:
    """Two moves are made in the wrong order, where order matters."""
    if w.puzzle.carried or w.puzzle.once:
        return None
    for k in w.rng.permutation(len(w.moves) - 1).tolist():
        later = {c: w.cells[k + 2][c] for c in w.changed(k + 1)}
        if set(later) & set(w.changed(k)):
            continue
        if all(not w.legal_now(w.states[k], c, s) for c, s in later.items()):
            cells = w.cells[k]
            for cell, symbol in later.items():
                cells = put(cells, cell, symbol)
            return w.clip(w.film([*w.stages[:k], Stage(cells), Stage(w.cells[k + 2]), *w.stages[k + 2 :]]))
    return None


@RECIPES.control("rules.goal")
def wrong_end(w: BoardShop) -> Clip | None:
    """The last change makes something else of its cell than it must be."""
    cells, changed = w.cells[-1], [c for c in w.changed(len(w.moves) - 1) if w.cells[-1][c]]
    for cell in changed:
        for symbol in w.rng.permutation(np.array([*w.symbols, ""])).tolist():
            other = put(cells, cell, symbol)
            if symbol != cells[cell] and not w.puzzle.done(w.puzzle.arranged(w.start, other)):
                return w.clip(w.film([*w.stages[:-1], Stage(other)]))
    return None


# -- half of it ----------------------------------------------------------------------------------------------
@RECIPES.control("rules.goal")
def half_drawn(w: BoardShop) -> Clip | None:
    """What is put there last stays a ghost."""
    if w.puzzle.carried or not any(w.cells[-1][c] for c in w.changed(len(w.moves) - 1)):
        return None
    opacity, k = w.truth.opacity_TN, len(w.moves)
    if opacity is None:
        return None
    late = opacity[w.truth_frame(k - 1)] == 0
    dim = np.where(late & (opacity > GHOST), np.float32(GHOST), opacity)
    return w.clip(replace(w.truth, opacity_TN=dim)) if late.any() else None


@RECIPES.control("objects.continuous")
def teleport(w: BoardShop) -> Clip | None:
    """Something that is carried is in its new place from one frame to the next."""
    moved = [k for k, stage in enumerate(w.stages) if stage.paths]
    if not w.puzzle.carried or not moved:
        return None
    k = moved[int(w.rng.integers(len(moved)))]
    a, b = w.film(w.stages[:k], length="any"), w.film(w.stages[k + 1 :], w.cells[k + 1], length="any")
    return edits.picture_clip(w, [*a.frames(w.board), *b.frames(w.board)])


@RECIPES.control("objects.continuous")
def jumps_ahead(w: BoardShop) -> Clip | None:
    """Something is carried a little on its way, and is in its new place in the next frame."""
    moved = [k for k, stage in enumerate(w.stages) if stage.paths]
    if not w.puzzle.carried or w.puzzle.large:
        return None
    for k in w.rng.permutation(moved).tolist():
        before = len(w.film(w.stages[:k], length="any", hold_end=1))
        script = w.film(w.stages[: k + 1], length="any", hold_end=1)
        places = script.places_TN2[before:]
        gone, left = (np.abs(places - end).max(axis=(1, 2)) for end in (places[0], places[-1]))
        frames = np.flatnonzero((gone >= 1) & (left >= FAR))
        if len(frames):
            a = script.taken(np.arange(before + int(frames[-1]) + 1))
            b = w.film(w.stages[k + 1 :], w.cells[k + 1], length="any")
            return edits.picture_clip(w, [*a.frames(w.board), *b.frames(w.board)])
    return None


@RECIPES.control("objects.unique")
def clone(w: BoardShop) -> Clip | None:
    """What is carried leaves a copy behind."""
    moved = [k for k, stage in enumerate(w.stages) if stage.paths]
    if not w.puzzle.carried or not moved:
        return None
    k = moved[0]
    left = [c for c in w.changed(k) if w.cells[k][c] and not w.cells[k + 1][c]]
    if not left:
        return None
    copy = w.cells[k][left[0]]
    script = w.film(w.stages[: k + 1], hold_end=12)
    x, y = w.puzzle.place(w.start, left[0])
    places = np.concatenate([np.full((len(script), 1, 2), (x, y), np.float32), script.places_TN2], axis=1)
    opacity = np.ones(places.shape[:2], np.float32)
    if script.opacity_TN is not None:
        opacity[:, 1:] = script.opacity_TN
    cast = (w.symbols.index(copy) + len(w.board.pieces) // 2, *(script.cast or ()))
    return w.clip(Script(places, opacity, cast=cast))


# -- the scene -----------------------------------------------------------------------------------------------
@RECIPES.control("scene.kept")
def scene_altered(w: BoardShop) -> Clip | None:
    """A part of the board's outline is wiped out half way."""
    plate = _wiped(w)
    return None if plate is None else _switched(w, replace(w.board, plate=plate))


@RECIPES.control("scene.kept")
def scene_erased(w: BoardShop) -> Clip:
    """The board vanishes half way; what stands on it stays."""
    colour = np.median(w.board.plate.reshape(-1, 3), axis=0).astype(np.uint8)
    return _switched(w, replace(w.board, plate=np.broadcast_to(255 - colour, w.board.plate.shape).copy()))


@RECIPES.control("scene.first_frame")
def altered_start(w: BoardShop) -> Clip | None:
    """Something is missing from the first frame on."""
    full = [c for c in w.kept() if w.cells[0][c]]
    if not full:
        return None
    cell = full[int(w.rng.integers(len(full)))]
    stages = w.overlaid(w.stages, cell, "", 0)
    return w.clip(w.film(stages, put(w.cells[0], cell, "")))


def _wiped(w: BoardShop) -> Frame | None:
    """The plate without a part of the lines along its lower or upper edge."""
    lattice, plate = w.board.lattice, w.board.plate.copy()
    above = bool(w.rng.integers(2))
    inside = 0.05 if w.puzzle.ruled else 0.0  # where no line is on the edge, nothing of cells is touched
    row = -0.75 + inside if above else lattice.rows - 0.5 - inside
    cols = max(lattice.cols // 2, 1)
    (x0, y0), (x1, y1) = lattice.pixels([(-0.5, row), (-0.5 + cols, row + 0.25)])
    box = np.s_[max(int(y0), 0) : max(int(y1), 0), max(int(x0), 0) : int(x1)]
    blank = np.median(plate[box].reshape(-1, 3), axis=0).astype(np.int16)
    other = np.clip(blank + np.where(blank > 127, -90, 90), 0, 255)
    plate[box] = other.astype(np.uint8)
    return plate if (np.abs(plate.astype(np.int16) - w.board.plate).max(axis=-1) > SEEN).any() else None


def _switched(w: BoardShop, other: Board) -> Clip:
    """The truth, with another board from half way on."""
    middle = len(w.truth) // 2
    first, second = w.truth.taken(np.arange(middle)), w.truth.taken(np.arange(middle, len(w.truth)))
    return Clip(render=lambda: edits.chained(first.frames(w.board), second.frames(other)), fps=w.instance.fps)


def _plain(stages: list[Stage], carried: bool) -> list[Stage]:
    """The stages; where things are carried, nothing comes after the illegal change."""
    return stages[:1] if carried else stages
