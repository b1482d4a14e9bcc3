"""Controls for pieces that the last one takes (keys, doors that it opens): when they vanish, and for whom."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from genreason.generate.recipes import Recipes
from genreason.generate.workshop import Stops, Workshop
from genreason.render.motion import Script
from genreason.types import Clip, IllegalMove

RECIPES: Recipes[Workshop] = Recipes()
FAR = 2.5  # cells off which nothing can be taken
REACHED = 0.75  # cells at which something was
FADES = 6  # frames in which a piece may fade away
STAYS = 12  # frames in which one that stays can be seen


@RECIPES.control("objects.present")
def taken_afar(w: Workshop) -> Clip | None:
    """Something vanishes while the one that should take it is still on its way."""
    there, near = w.truth.opacity_TN, _near(w.truth)
    if there is None:
        return None
    for i in w.rng.permutation(_taken(w)):
        before = np.flatnonzero((near[:, i] > FAR) & (np.arange(len(near)) < np.argmin(there[:, i])))
        if len(before):
            opacity = there.copy()
            opacity[before[-1] :, i] = 0
            return w.clip(Script(w.truth.places_TN2, opacity))
    return None


@RECIPES.control("rules.legal")
def left_lying(w: Workshop) -> Clip | None:
    """Something stays where it is though it is taken."""
    there, near = w.truth.opacity_TN, _near(w.truth)
    if there is None:
        return None
    for i in w.rng.permutation(_taken(w)):
        opacity = there.copy()
        opacity[:, i] = 1
        if ((near[:, i] > 1) & (there[:, i] == 0)).sum() >= STAYS:
            return Script(w.truth.places_TN2, opacity).clip(w.board, w.instance.fps)
    return None


@RECIPES.control("rules.legal")
def through_door(w: Workshop) -> Clip | None:
    """Through something that is closed, as if nothing was there."""
    stops = _barred(w)
    return None if stops is None else w.clip(w.animate(stops))


@RECIPES.control("rules.legal")
def without_key(w: Workshop) -> Clip | None:
    """Something that is closed opens for one who has not what opens it."""
    stops = _barred(w)
    if stops is None:
        return None
    script = w.animate(stops)
    opacity = (~np.logical_or.accumulate(_near(script) < REACHED)).astype(np.float32)
    opacity[:, -1] = 1
    return Script(script.places_TN2, opacity).clip(w.board, w.instance.fps)


@RECIPES.control()
def fading(w: Workshop) -> Clip | None:
    """What is taken fades away within a quarter of a second."""
    there = w.truth.opacity_TN
    if there is None:
        return None
    opacity = there.copy()
    for i in _taken(w):
        since = np.arange(len(opacity)) - int(np.argmin(there[:, i]))
        opacity[:, i] = np.clip(1 - since / FADES, 0, 1)
    return Script(w.truth.places_TN2, opacity).clip(w.board, w.instance.fps)


def _taken(w: Workshop) -> list[int]:
    """The pieces that the solution takes."""
    gone = zip(w.puzzle.gone(w.start), w.puzzle.gone(w.states[-1]), strict=True)
    return [i for i, (before, after) in enumerate(gone) if after and not before]


def _near(script: Script) -> npt.NDArray[np.float32]:
    """How near (cells, in x or y, whichever is more) the last piece is to each, (T, N)."""
    places = script.places_TN2
    return np.asarray(np.abs(places - places[:, -1:]).max(axis=-1), np.float32)


def _barred(w: Workshop) -> Stops | None:
    """A way to the goal that goes through what is closed, where there is one."""
    for i in w.rng.permutation(len(w.stops[0])):
        gone = list(w.puzzle.gone(w.start))
        gone[i] = True
        other = w.puzzle.without(w.start, gone)
        found = w.puzzle.solve(other)
        if other == w.start or found is None:
            continue
        try:
            functools.reduce(w.puzzle.step, found.moves, w.start)
        except IllegalMove:
            return w.puzzle.stops(other, found.moves)
    return None
