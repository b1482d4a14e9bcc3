"""Cheats in the still scene: walls that go, goals that come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genreason.generate import edits
from genreason.generate.recipes import Recipes
from genreason.generate.workshop import Workshop
from genreason.render.board import Board
from genreason.render.motion import Motion, animate
from genreason.types import Clip, Frame

RECIPES: Recipes[Workshop] = Recipes()
SEEN = 40  # difference (0-255) that a person sees
LEAST_CHANGE = 0.2  # part of a cell that must differ so for a wall to be gone


@RECIPES.control("scene.kept")
def scene_erased(w: Workshop) -> Clip:
    """The walls vanish and the player goes straight to where it ends."""
    ground = np.median(w.board.plate[w.cell_box(w.floor_cells()[0], 0.3)].reshape(-1, 3), axis=0)
    empty = replace(w.board, plate=np.broadcast_to(ground.astype(np.uint8), w.board.plate.shape).copy())
    moving = animate([w.stops[0], w.stops[-1]], Motion(frames_per_step=32, hold_start=1, length="any"))
    intact = w.animate([w.stops[0]], hold_start=8, hold_end=0, length="any")
    return Clip(
        render=lambda: edits.chained(intact.frames(w.board), moving.frames(empty)), fps=w.instance.fps
    )


@RECIPES.control("scene.kept")
def scene_altered(w: Workshop) -> Clip | None:
    """One wall is carved away half way."""
    plate = _carved(w)
    return None if plate is None else switched(w, replace(w.board, plate=plate))


@RECIPES.control("scene.first_frame")
def altered_start(w: Workshop) -> Clip | None:
    """One wall is missing from the first frame on."""
    plate = _carved(w)
    return None if plate is None else w.clip(w.truth, replace(w.board, plate=plate))


def _carved(w: Workshop) -> Frame | None:
    """The plate with the look of floor where a wall was, or None where there is no wall that can be seen."""
    walls, floor = w.wall_cells(), w.floor_cells()
    if not floor:
        return None
    for k in w.rng.permutation(len(walls)):
        plate = w.pasted(w.board.plate, floor[int(w.rng.integers(len(floor)))], walls[k])
        box = w.cell_box(walls[k])
        gap = np.abs(plate[box].astype(np.int16) - w.board.plate[box]).max(axis=-1)
        if (gap > SEEN).mean() > LEAST_CHANGE:
            return plate
    return None


@RECIPES.control("scene.kept")
def goal_moved(w: Workshop) -> Clip | None:
    """The goal comes to meet the player."""
    half = 0.95 if w.lined else 0.5
    stands = {(float(x), float(y)) for x, y in np.concatenate([w.stops[0], w.stops[-1]])}
    floor = [c for c in w.floor_cells() if c not in stands and (not w.lined or (c[0] % 2 and c[1] % 2))]
    goals = w.goal_cells()
    if len(floor) < 2 or not goals:
        return None
    order = w.rng.permutation(len(floor))
    plate = w.pasted(w.board.plate, floor[order[0]], goals[0], half)
    plate = w.pasted(plate, goals[0], floor[order[1]], half)
    return switched(w, replace(w.board, plate=plate))


def switched(w: Workshop, other: Board) -> Clip:
    """The truth, with another board from half way on."""
    count, middle = len(w.truth), len(w.truth) // 2
    before, after = w.truth.taken(np.arange(middle)), w.truth.taken(np.arange(middle, count))
    return Clip(render=lambda: edits.chained(before.frames(w.board), after.frames(other)), fps=w.instance.fps)
