"""Cheats in the movement of the pieces: clips that a judge must fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from genreason.generate import edits
from genreason.generate.recipes import Recipes
from genreason.generate.scenery import switched
from genreason.generate.sliding import extent, has_room, is_overrun
from genreason.generate.workshop import Workshop
from genreason.render.motion import Script
from genreason.types import Clip

RECIPES: Recipes[Workshop] = Recipes()


@RECIPES.control("rules.goal")
def truncated(w: Workshop) -> Clip | None:
    """The clip ends on the way."""
    stop = max(len(w.stops) * 6 // 10, 1)
    if stop >= len(w.stops) - 1:
        return None
    return w.clip(w.animate(w.stops[: stop + 1]))


@RECIPES.control("rules.goal")
def touch_and_leave(w: Workshop) -> Clip | None:
    """The goal is reached, then left by legal moves."""
    end = w.states[-1]
    ways: dict[Any, tuple[Any, ...]] = {end: ()}
    ring = [end]
    for _ in range(8):
        following = []
        for state in ring:
            for move in w.puzzle.moves(state):
                after = w.puzzle.step(state, move)
                if after in ways:
                    continue
                ways[after] = (*ways[state], move)
                following.append(after)
                away = np.abs(w.puzzle.places(after) - w.stops[-1]).max()
                if not w.puzzle.done(after) and away >= w.board.unit:
                    return w.clip(w.animate([*w.stops, *w.way(end, ways[after])[1:]]))
        ring = following
    return None


@RECIPES.control("objects.continuous")
def teleport(w: Workshop) -> Clip | None:
    """A piece vanishes on the way and stands, one frame later, far ahead on it."""
    n = len(w.stops)
    pairs = [
        (i, j)
        for i in range(n)
        for j in range(i + 1, n)
        if np.abs(w.stops[j] - w.stops[i]).max() >= 3 and (i > 0 or j < n - 1)
    ]
    if not pairs:
        return None
    i, j = pairs[int(w.rng.integers(len(pairs)))]
    return w.clip(_joined(w.animate(w.stops[: i + 1], length="any"), w.animate(w.stops[j:], hold_start=1)))


@RECIPES.control("objects.continuous")
def cut(w: Workshop) -> Clip:
    """The first picture, then at once the answer."""
    return w.clip(_joined(w.animate([w.stops[0]], hold_start=12), w.animate([w.stops[-1]], hold_start=12)))


@RECIPES.control("rules.legal")
def through_wall(w: Workshop) -> Clip | None:
    """Straight through walls at an unhurried pace."""
    chords = [(i, j) for i, j, _ in w.chords(3, 400)]
    if not chords:
        return None
    i, j = chords[int(w.rng.integers(len(chords)))]
    a, b = w.stops[i], w.stops[j]
    count = max(int(np.ceil(np.hypot(*(b[-1] - a[-1])))), 1)
    line = [a + (b - a) * np.float32(k / count) for k in range(1, count)]
    return w.clip(w.animate([*w.stops[: i + 1], *line, *w.stops[j:]]))


@RECIPES.control("rules.legal")
def corner_cut(w: Workshop) -> Clip | None:
    """Around a corner the straight way, half a cell deep through the wall."""
    chords = sorted((j - i, i, j) for i, j, _ in w.chords(2, 6))
    if not chords:
        return None
    shortest = [chord for chord in chords if chord[0] == chords[0][0]]
    _, i, j = shortest[int(w.rng.integers(len(shortest)))]
    return w.clip(w.animate(w.straightened(i, j), ease="linear"))


@RECIPES.control("rules.legal")
def illegal_step(w: Workshop) -> Clip | None:
    """One step into a wall and back, then on as if nothing had been."""
    k = int(w.rng.integers(len(w.stops)))
    for i in [*range(k, len(w.stops)), *range(k)]:
        x, y = (float(v) for v in w.stops[i][-1])
        sides = [(dx, dy) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)) if w.depth(x + dx, y + dy) >= 0.45]
        inner = [(dx, dy) for dx, dy in sides if w.inside(x + dx, y + dy)]
        if inner:
            dx, dy = inner[int(w.rng.integers(len(inner)))]
            wrong = w.stops[i].copy()
            wrong[-1] += (dx, dy)
            return w.clip(w.animate([*w.stops[: i + 1], wrong, *w.stops[i:]]))
    return None


@RECIPES.control("objects.unique")
def clone(w: Workshop) -> Clip | None:
    """A copy of the player stays where it was."""
    if is_overrun(w):
        return None
    n = w.truth.places_TN2.shape[1]
    copy = np.repeat(w.stops[0][None, -1:], len(w.truth), axis=0)
    places = np.concatenate([copy, w.truth.places_TN2], axis=1)
    return w.clip(Script(places, cast=(n - 1, *range(n))))


@RECIPES.control("objects.unique")
def late_clone(w: Workshop) -> Clip | None:
    """A second player (or box) appears on free floor half way."""
    used = np.concatenate(w.stops)
    free = [cell for cell in w.floor_cells() if np.abs(used - np.array(cell)).max(axis=1).min() > 1.4]
    if w.lined:
        free = [(x, y) for x, y in free if x % 2 and y % 2]
    n, length = w.truth.places_TN2.shape[1], len(w.truth)
    which = None
    if any(max(extent(piece, w.board.lattice.cell_w)) > 1 for piece in w.board.pieces):
        which = int(w.rng.integers(n))
        free = [cell for cell in w.floor_cells() if has_room(w, which, cell)]
    if not free:
        return None
    spot = free[int(w.rng.integers(len(free)))]
    copy = np.broadcast_to(np.array(spot, np.float32), (length, 1, 2))
    opacity = np.ones((length, n + 1), np.float32)
    opacity[: length // 2, 0] = 0
    places = np.concatenate([copy, w.truth.places_TN2], axis=1)
    which = int(w.rng.integers(n)) if which is None else which
    return w.clip(Script(places, opacity, cast=(which, *range(n))))


@RECIPES.control("objects.unique")
def flicker(w: Workshop) -> Clip | None:
    """A copy of the player stays where it was, in two of three frames."""
    if is_overrun(w):
        return None
    n, length = w.truth.places_TN2.shape[1], len(w.truth)
    copy = np.repeat(w.stops[0][None, -1:], length, axis=0)
    opacity = np.ones((length, n + 1), np.float32)
    opacity[::3, 0] = 0
    places = np.concatenate([copy, w.truth.places_TN2], axis=1)
    return w.clip(Script(places, opacity, cast=(n - 1, *range(n))))


@RECIPES.control("objects.present")
def recoloured(w: Workshop) -> Clip:
    """The player turns half as bright half way: something else walks on."""
    own = w.board.pieces[-1]
    pieces = (*w.board.pieces[:-1], replace(own, rgb=own.rgb * np.float32(0.4)))
    return switched(w, replace(w.board, pieces=pieces))


@RECIPES.control("objects.present")
def object_lost(w: Workshop) -> Clip:
    """A piece is gone for a third of a second on the way."""
    length, n = w.truth.places_TN2.shape[:2]
    opacity = np.ones((length, n), np.float32)
    t = length // 2
    which = int(w.rng.integers(n))
    if w.truth.opacity_TN is not None and not w.truth.opacity_TN[t : t + 12, which].all():
        which = n - 1  # another one is taken about then
    opacity[t : t + 8, which] = 0
    return w.clip(Script(w.truth.places_TN2, opacity))


@RECIPES.control("objects")
def crossfade(w: Workshop) -> Clip | None:
    """The first picture dissolves into the answer."""
    if np.abs(w.stops[-1] - w.stops[0]).max() < 2:
        return None
    first, last = (w.puzzle.shown(w.instance, w.states[k]).astype(np.float32) for k in (0, -1))
    share = np.clip((np.arange(49) - 8) / 32, 0, 1).astype(np.float32)
    return edits.picture_clip(w, [np.rint(first * (1 - s) + last * s).astype(np.uint8) for s in share])


@RECIPES.control("rules.legal")
def pull(w: Workshop) -> Clip | None:
    """A box follows the player backwards once, and is pushed again."""
    if not w.puzzle.driven:
        return None
    pushes = [k for k in range(len(w.stops) - 1) if (w.stops[k + 1][:-1] != w.stops[k][:-1]).any()]
    if not pushes:
        return None
    k = pushes[int(w.rng.integers(len(pushes)))]
    return w.clip(w.animate([*w.stops[: k + 2], w.stops[k], *w.stops[k + 1 :]]))


@RECIPES.control("rules.legal")
def remote_push(w: Workshop) -> Clip | None:
    """A box is pushed by a player who stands a cell away from it."""
    for k in range(len(w.stops) - 1 if w.puzzle.driven else 0):
        step = w.stops[k + 1] - w.stops[k]
        x, y = (float(v) for v in w.stops[k][-1] - step[-1])
        if (step[:-1] != 0).any() and w.depth(x, y) < 0:
            stops = [stop.copy() for stop in w.stops]
            before, after = w.stops[k].copy(), w.stops[k + 1].copy()
            before[-1] -= step[-1]
            after[-1] -= step[-1]
            return w.clip(w.animate([*stops[: k + 1], before, after, *stops[k + 1 :]]))
    return None


@RECIPES.control("rules.legal")
def self_move(w: Workshop) -> Clip | None:
    """Boxes slide to their places by themselves; nobody pushes."""
    if w.stops[0].shape[0] < 2:
        return None
    stops = [stop.copy() for stop in w.stops]
    for stop in stops:
        stop[-1] = w.stops[0][-1]
    kept = [stops[0], *(b for a, b in zip(stops, stops[1:], strict=False) if (a != b).any())]
    if len(kept) < 2 or not w.puzzle.driven:  # nothing is ever pushed
        return None
    return w.clip(w.animate(kept))


def _joined(a: Script, b: Script) -> Script:
    return Script(np.concatenate([a.places_TN2, b.places_TN2]))
