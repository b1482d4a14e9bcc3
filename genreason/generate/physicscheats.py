"""Cheats on scenes of physics: clips that a judge must fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from genreason.generate import edits
from genreason.generate.physicshop import PhysicsShop
from genreason.generate.recipes import Recipes
from genreason.laws import Course
from genreason.puzzles.physics import Film
from genreason.render.rigs import SIDE, TEXTS, Bar, Column, Disc, Part, Rig, Still, disc, draw_still
from genreason.types import Clip, Frame

RECIPES: Recipes[PhysicsShop] = Recipes()
SEEN = 40  # difference (0-255) that a person sees
TALL = 1.6  # height (units) of a column that is plainly there
SAGS = 1.2  # units that a way must leave the straight line for that to be another way
WRONG = {
    "wrong_gravity": "another gravity than the picture's.",
    "through_ground": "on through the ground.",
    "wrong_rebound": "other speeds after an impact.",
    "passes_through": "through each other.",
    "energy_gained": "more energy than there was.",
    "energy_lost": "less energy than there must be.",
    "volume_changed": "more water than there was.",
    "volume_lost": "less water than there was.",
    "wrong_side": "to the wrong side.",
    "unequal_times": "equal ways in unequal times.",
}
"""Courses that families say are wrong, all of them against the law."""


def _wrong(name: str) -> Callable[[PhysicsShop], Clip | None]:
    def make(w: PhysicsShop) -> Clip | None:
        course = w.puzzle.wrong(w.start).get(name)
        return None if course is None else w.clip(w.film(course))

    return make


for _name in WRONG:
    RECIPES[_name] = (_wrong(_name), "rules.legal")


# -- the movement --------------------------------------------------------------------------------------------
@RECIPES.control("rules.goal")
def truncated(w: PhysicsShop) -> Clip:
    """The clip ends on the way."""
    return w.clip(w.film(share=0.55))


@RECIPES.control("rules.goal")
def touch_and_leave(w: PhysicsShop) -> Clip | None:
    """The end is reached, then all goes back half the way; None where that is what comes next."""
    if w.course.times_K[-1] > w.course.end:
        return None
    there = w.film(length="any").places_TN2
    back = there[::-1][w.motion.hold_end : len(there) // 2]
    return w.clip(Film(np.concatenate([there, back, np.repeat(back[-1:], 6, axis=0)])))


@RECIPES.control("objects.continuous")
def teleport(w: PhysicsShop) -> Clip | None:
    """From one frame to the next far ahead."""
    places = w.film(length="any").places_TN2
    a, b = w.motion.hold_start, len(places) - w.motion.hold_end
    i, j = a + (b - a) // 4, b - (b - a) // 4
    if np.linalg.norm(places[j] - places[i], axis=-1).max() < 2.5:
        return None
    return w.clip(Film(np.concatenate([places[: i + 1], places[j:]])))


@RECIPES.control("objects.continuous")
def cut(w: PhysicsShop) -> Clip:
    """The first picture, then at once the answer."""
    first, last = w.truth.places_TN2[:1], w.truth.places_TN2[-1:]
    return w.clip(Film(np.concatenate([np.repeat(first, 12, axis=0), np.repeat(last, 12, axis=0)])))


@RECIPES.control("rules.legal")
def constant_speed(w: PhysicsShop) -> Clip | None:
    """The right way at constant speed, where it should not be."""
    if w.puzzle.even is None or not w.puzzle.timed:
        return None
    return w.clip(w.film(_evenly(w.course)))


@RECIPES.control("rules.legal")
def straight_line(w: PhysicsShop) -> Clip | None:
    """Straight from the start to the end."""
    times, places = w.course.times_K, w.course.at(np.minimum(w.course.times_K, w.course.end))
    share = np.clip(times / w.course.end, 0, 1)[:, None, None]
    straight = places[0] + (places[-1] - places[0]) * share
    line = places[0] + (places[-1] - places[0]) * np.linspace(0, 1, 60)[:, None, None]
    off = np.linalg.norm(places[:, None] - line[None], axis=-1).max(axis=-1).min(axis=1)
    if off.max() < SAGS:
        return None
    return w.clip(w.film(Course(times, straight, w.course.end)))


@RECIPES.control("rules.legal")
def hang(w: PhysicsShop) -> Clip | None:
    """On the way all stands still for a while, then goes on."""
    if not w.puzzle.timed:
        return None
    script = w.film(length="any")
    a, b = w.motion.hold_start, len(script) - w.motion.hold_end
    t = int(a + (b - a) * w.rng.uniform(0.35, 0.65))
    return w.clip(script.taken([*range(t), *([t] * max((b - a) // 2, 8)), *range(t, len(script))]))


def _evenly(course: Course) -> Course:
    return replace(course, places_KN2=course.at(course.times_K, 1.0))


# -- the parts -----------------------------------------------------------------------------------------------
@RECIPES.control("objects.present")
def vanish(w: PhysicsShop) -> Clip:
    """A part is gone from half way on."""
    opacity = w.opacity
    t = len(opacity) // 2
    opacity[t:, _seen(w, t, t + 1)] = 0
    return w.clip(replace(w.truth, opacity_TN=opacity))


@RECIPES.control("objects.present")
def object_lost(w: PhysicsShop) -> Clip:
    """A part is gone for half a second on the way."""
    opacity = w.opacity
    t = int(w.rng.integers(4, max(len(opacity) - 16, 5)))
    opacity[t : t + 12, _seen(w, t, t + 12)] = 0
    return w.clip(replace(w.truth, opacity_TN=opacity))


@RECIPES.control("objects.present")
def grown(w: PhysicsShop) -> Clip | None:
    """A disc is larger from half way on."""
    discs = [i for i, part in enumerate(w.board.parts) if isinstance(part, Disc)]
    if not discs:
        return None
    i = discs[int(w.rng.integers(len(discs)))]
    part = w.board.parts[i]
    assert isinstance(part, Disc)
    return _switched(w, w.board.with_part(i, replace(part, radius=1.45 * part.radius)))


@RECIPES.control("objects.present")
def recoloured(w: PhysicsShop) -> Clip:
    """A part has another colour from half way on."""
    t = len(w.film(hold_end=16)) // 2
    i = _seen(w, t, t + 1)
    part: Part = replace(w.board.parts[i], role="mark")
    return _switched(w, w.board.with_part(i, part))


@RECIPES.control("objects.present")
def relabelled(w: PhysicsShop) -> Clip | None:
    """Another number is written on a part from half way on."""
    spots = [i for i, part in enumerate(w.board.parts) if part.written((0.0, 0.0))]
    if not spots:
        return None
    i = spots[int(w.rng.integers(len(spots)))]
    return _switched(w, w.board.with_part(i, _relabelled(w, w.board.parts[i])))


def _relabelled(w: PhysicsShop, part: Part) -> Part:
    """A part with another number on it."""
    if isinstance(part, Bar):
        k = int(w.rng.integers(len(part.loads)))
        loads = [*part.loads]
        loads[k] = replace(loads[k], label=_other(w, loads[k].label))
        return replace(part, loads=tuple(loads))
    assert isinstance(part, Disc)
    return replace(part, label=_other(w, part.label))


def _other(w: PhysicsShop, label: str) -> str:
    return str(w.rng.choice([text for text in TEXTS if text != label]))


def _seen(w: PhysicsShop, first: int, last: int) -> int:
    """A part that is there in these frames of the truth: no column that has run out, or nearly so."""
    places = w.truth.places_TN2[min(first, len(w.truth) - 1) : last]
    whole = [
        i
        for i, part in enumerate(w.board.parts)
        if not isinstance(part, Column) or part.bottom - places[:, i, 1].max() >= TALL
    ]
    return whole[int(w.rng.integers(len(whole)))]


@RECIPES.control("objects.unique")
def clone(w: PhysicsShop) -> Clip | None:
    """A copy of a disc stays where it was."""
    discs = [i for i, part in enumerate(w.board.parts) if isinstance(part, Disc)]
    truth = w.film(hold_end=16).places_TN2
    discs = [i for i in discs if np.linalg.norm(truth[-1, i] - truth[0, i]) > 2]
    if not discs:
        return None
    i = discs[int(w.rng.integers(len(discs)))]
    copy = np.repeat(truth[:1, i : i + 1], len(truth), axis=0)
    rig = replace(w.board, parts=(*w.board.parts, w.board.parts[i]))
    return w.clip(Film(np.concatenate([truth, copy], axis=1)), rig)


# -- the scene -----------------------------------------------------------------------------------------------
@RECIPES.control("scene.kept")
def scene_altered(w: PhysicsShop) -> Clip | None:
    """Something that stands in the scene is gone from half way on."""
    plate = _without(w)
    return None if plate is None else _switched(w, replace(w.board, plate=plate))


@RECIPES.control("scene.kept")
def scene_erased(w: PhysicsShop) -> Clip:
    """The whole scene is gone from half way on; the parts go on."""
    colour = np.array(w.board.style.sky.colour, np.uint8)
    return _switched(w, replace(w.board, plate=np.broadcast_to(255 - colour, w.board.plate.shape).copy()))


@RECIPES.control("scene.kept")
def intruder(w: PhysicsShop) -> Clip | None:
    """Something that was not there comes half way."""
    truth, radius = w.truth.places_TN2.reshape(-1, 2), 0.6
    spots = [(float(x), float(y)) for x, y in w.rng.uniform(1, SIDE - 1, (60, 2))]
    free = [s for s in spots if np.hypot(*(truth - s).T).min() > 2.5]
    if not free:
        return None
    plate = w.board.plate.copy()
    disc(plate, w.board.lattice, free[0], radius, w.board.style.mark)
    other, last = replace(w.board, plate=plate), w.truth.places_TN2[-1]
    change = np.abs(other.draw(last).astype(np.int16) - w.board.draw(last)).max(axis=-1) > SEEN
    if change.sum() < 0.5 * np.pi * radius**2 * w.board.lattice.cell_w**2:
        return None  # what moves covers it
    return _switched(w, other)


@RECIPES.control("scene.first_frame")
def altered_start(w: PhysicsShop) -> Clip | None:
    """Something that should stand in the scene is missing from the first frame on."""
    plate = _without(w)
    return None if plate is None else w.clip(w.truth, replace(w.board, plate=plate))


def _without(w: PhysicsShop) -> Frame | None:
    """The plate without one of the things in it, of those that can be seen well."""
    items = list(w.puzzle.still(w.start))
    flat = replace(w.board.style, sky=replace(w.board.style.sky, texture="flat"))
    size, lattice = w.instance.size, w.board.lattice

    def drawn(some: list[Still]) -> Frame:
        return draw_still(some, lattice, flat, size, w.rng)

    whole = drawn(items)
    for k in w.rng.permutation(len(items)).tolist():
        other = drawn(items[:k] + items[k + 1 :])
        change = np.abs(other.astype(np.int16) - whole).max(axis=-1) > SEEN
        if change.sum() > 0.35 * lattice.cell_w**2:
            plate = w.board.plate.copy()
            soft = np.abs(other.astype(np.int16) - whole).max(axis=-1) > 0
            plate[soft] = other[soft]
            return plate
    return None


def _switched(w: PhysicsShop, other: Rig) -> Clip:
    """The truth, with another scene from half way on."""
    truth = w.film(hold_end=16)
    middle = len(truth) // 2
    first, second = truth.taken(np.arange(middle)), truth.taken(np.arange(middle, len(truth)))
    return Clip(render=lambda: edits.chained(first.frames(w.board), second.frames(other)), fps=w.instance.fps)


@RECIPES.control("objects")
def crossfade(w: PhysicsShop) -> Clip:
    """The first picture fades into the answer."""
    first, last = (w.board.draw(w.truth.places_TN2[k]).astype(np.float32) for k in (0, -1))
    share = np.clip((np.arange(49) - 8) / 32, 0, 1).astype(np.float32)
    return edits.picture_clip(w, [np.rint(first * (1 - s) + last * s).astype(np.uint8) for s in share])
