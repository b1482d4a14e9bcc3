"""Honest variants of clips of scenes of physics: what a judge must pass.

There is no `pause`: what rests on its way follows no law.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genreason.generate.physicshop import PhysicsShop
from genreason.generate.recipes import Recipes
from genreason.types import Clip

RECIPES: Recipes[PhysicsShop] = Recipes()


@RECIPES.control()
def slow(w: PhysicsShop) -> Clip:
    """Half the speed."""
    return w.clip(w.film(frames_per_step=2 * w.motion.frames_per_step))


@RECIPES.control()
def fast(w: PhysicsShop) -> Clip:
    """One and a half times the speed."""
    return w.clip(w.film(frames_per_step=max(2 * w.motion.frames_per_step // 3, 1)))


@RECIPES.control()
def linear(w: PhysicsShop) -> Clip:
    """No rest at either end: the movement ends on the last frame."""
    return w.clip(w.film(hold_start=1, hold_end=0, length="any"))


@RECIPES.control()
def rests(w: PhysicsShop) -> Clip:
    """A second's rest before the movement, and one after it."""
    return w.clip(w.film(hold_start=24, hold_end=24))


@RECIPES.control()
def tuned(w: PhysicsShop) -> Clip:
    """The law's parameters are off, within the tolerance, and the movement is a little too even."""
    law = w.puzzle.law(w.start)
    values = {name: 1 + float(w.rng.uniform(-0.6, 0.6)) * most for name, most in law.free.items()}
    course = w.puzzle.course(w.start, values)
    if law.even is not None:
        even = float(w.rng.uniform(0, 0.3)) * law.even
        course = replace(course, places_KN2=course.at(course.times_K, even))
    return w.clip(w.film(course))


@RECIPES.control()
def jitter(w: PhysicsShop) -> Clip:
    """What moves trembles by up to 2 pixels (of 256)."""
    reach = 2 * w.instance.size[0] / 256 / np.array([w.board.lattice.cell_w, w.board.lattice.cell_h])
    places = w.truth.places_TN2.copy()
    moving = np.abs(np.diff(places, axis=0, prepend=places[:1])).max(axis=2, keepdims=True) > 0
    places += (w.rng.uniform(-1, 1, places.shape) * reach * moving).astype(np.float32)
    return w.clip(replace(w.truth, places_TN2=places))


@RECIPES.control()
def blink(w: PhysicsShop) -> Clip:
    """A part is missing in a single frame."""
    opacity = w.opacity
    opacity[int(w.rng.integers(1, len(opacity) - 1)), int(w.rng.integers(opacity.shape[1]))] = 0
    return w.clip(replace(w.truth, opacity_TN=opacity))
