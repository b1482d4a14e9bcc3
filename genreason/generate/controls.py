"""Clips with known truth: cheats that a judge must fail and honest variants that it must pass.

Each cheat names the check that it must break, so that a verifier cannot be right for the wrong reason. A
control answers None where an instance offers no occasion for it (a corner cut needs a corner).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genreason.generate import edits
from genreason.generate.workshop import Workshop
from genreason.puzzles.tiles import WALL
from genreason.render.board import Board
from genreason.render.motion import Motion, Script, animate
from genreason.types import Clip, Request, unknown

Make = Callable[[Workshop], Clip | None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A control: how its clip is made, and for cheats which check (or group of checks) must fail."""

    name: str
    make: Make
    breaks: str = ""

    @property
    def honest(self) -> bool:
        """Whether its clips must pass."""
        return not self.breaks


CONTROLS: dict[str, Recipe] = {
    name: Recipe(name, make, breaks) for name, (make, breaks) in edits.RECIPES.items()
}  # filled further below


class Control:
    """A generator that answers with one control's clips.

    Raises:
        UserError: there is no such control.
    """

    def __init__(self, name: str) -> None:
        """`name`: one of `CONTROLS`."""
        if name not in CONTROLS:
            raise unknown("control", name, CONTROLS)
        self.recipe = CONTROLS[name]

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """One clip a request.

        Where an instance offers no occasion for a cheat, the answer is the still picture (and `meta` says
        so); for an honest variant it is the plain solution.
        """
        out = []
        for request in requests:
            workshop = Workshop(request.instance, self.recipe.name, seed)
            clip = self.recipe.make(workshop)
            if clip is None:
                stand_in = "truth" if self.recipe.honest else "still"
                plain = workshop.clip(workshop.truth) if self.recipe.honest else edits.still(workshop)
                clip = replace(
                    plain, meta={**plain.meta, "inapplicable": self.recipe.name, "instead": stand_in}
                )
            out.append(clip)
        return out


def control(breaks: str = "") -> Callable[[Make], Make]:
    """Register a control under its function's name; `breaks` is the check that its clips must fail."""

    def register(make: Make) -> Make:
        name = make.__name__.strip("_")
        CONTROLS[name] = Recipe(name, make, breaks)
        return make

    return register


# -- honest variants of the movement -------------------------------------------------------------------------
@control()
def other_solution(w: Workshop) -> Clip | None:
    """Another legal way: some random legal moves first, then solved from there."""
    state, walk = w.start, [w.start]
    for _ in range(int(w.rng.integers(2, 6))):
        options = list(w.puzzle.moves(state))
        state = w.puzzle.step(state, options[int(w.rng.integers(len(options)))])
        walk.append(state)
    return _solved_from(w, walk)


@control()
def detour(w: Workshop) -> Clip | None:
    """Half way, a few steps astray, then on to the goal from there."""
    middle = len(w.states) // 2
    walk, state = list(w.states[: middle + 1]), w.states[middle]
    for _ in range(3):
        options = list(w.puzzle.moves(state))
        state = w.puzzle.step(state, options[int(w.rng.integers(len(options)))])
        walk.append(state)
    return _solved_from(w, walk)


def _solved_from(w: Workshop, walk: list[object]) -> Clip | None:
    rest = w.puzzle.solve(walk[-1])
    if rest is None:
        return None
    states = list(walk)
    for move in rest.moves:
        states.append(w.puzzle.step(states[-1], move))
    return w.clip(w.animate([w.puzzle.places(state) for state in states]))


@control()
def slow(w: Workshop) -> Clip:
    """Half the speed."""
    return w.clip(w.animate(w.stops, frames_per_step=2 * w.motion.frames_per_step))


@control()
def linear(w: Workshop) -> Clip:
    """Constant speed, no pause at either end: the piece arrives on the last frame."""
    return w.clip(w.animate(w.stops, ease="linear", hold_start=1, hold_end=0, length="any"))


@control()
def pause(w: Workshop) -> Clip:
    """A rest of half a second on the way."""
    places, t = w.truth.places_TN2, int(w.rng.integers(1, len(w.truth)))
    return w.clip(Script(np.concatenate([places[:t], np.repeat(places[t : t + 1], 12, axis=0), places[t:]])))


@control()
def jitter(w: Workshop) -> Clip:
    """Moving pieces tremble by up to 2 pixels (of 256)."""
    reach = 2 * w.instance.size[0] / 256 / np.array([w.board.lattice.cell_w, w.board.lattice.cell_h])
    places = w.truth.places_TN2.copy()
    moving = np.abs(np.diff(places, axis=0, prepend=places[:1])).max(axis=2, keepdims=True) > 0
    places += (w.rng.uniform(-1, 1, places.shape) * np.minimum(reach, 0.24) * moving).astype(np.float32)
    return w.clip(Script(places))


@control()
def rounded(w: Workshop) -> Clip:
    """Corners are rounded: every place is the mean over one step's time."""
    width = w.motion.frames_per_step
    linear = w.animate(w.stops, ease="linear").places_TN2
    padded = np.concatenate([np.repeat(linear[:1], width, 0), linear, np.repeat(linear[-1:], width, 0)])
    kernel = np.ones(width) / width
    smooth = np.apply_along_axis(lambda line: np.convolve(line, kernel, "same"), 0, padded)[width:-width]
    return w.clip(Script(smooth.astype(np.float32)))


# -- cheats in the movement ----------------------------------------------------------------------------------
@control("rules.goal")
def truncated(w: Workshop) -> Clip | None:
    """The clip ends on the way."""
    stop = max(len(w.stops) * 6 // 10, 1)
    if stop >= len(w.stops) - 1:
        return None
    return w.clip(w.animate(w.stops[: stop + 1]))


@control("rules.goal")
def touch_and_leave(w: Workshop) -> Clip | None:
    """The goal is reached, then left by legal moves."""
    end = w.states[-1]
    ring, before = [end], {end: (None, None)}
    for _ in range(8):
        following = []
        for state in ring:
            for move in w.puzzle.moves(state):
                after = w.puzzle.step(state, move)
                if after not in before:
                    before[after] = (state, move)
                    following.append(after)
                    away = np.abs(w.puzzle.places(after) - w.stops[-1]).max()
                    if not w.puzzle.done(after) and away >= w.board.unit:
                        path = [after]
                        while path[-1] != end:
                            path.append(before[path[-1]][0])
                        tail = [w.puzzle.places(s) for s in reversed(path[:-1])]
                        return w.clip(w.animate([*w.stops, *tail]))
        ring = following
    return None


@control("objects.continuous")
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


@control("objects.continuous")
def cut(w: Workshop) -> Clip:
    """The first picture, then at once the answer."""
    return w.clip(_joined(w.animate([w.stops[0]], hold_start=12), w.animate([w.stops[-1]], hold_start=12)))


@control("rules.legal")
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


@control("rules.legal")
def corner_cut(w: Workshop) -> Clip | None:
    """Around a corner the straight way, half a cell deep through the wall."""
    chords = sorted((j - i, i, j) for i, j, _ in w.chords(2, 6))
    if not chords:
        return None
    shortest = [chord for chord in chords if chord[0] == chords[0][0]]
    _, i, j = shortest[int(w.rng.integers(len(shortest)))]
    return w.clip(w.animate(w.straightened(i, j), ease="linear"))


@control("rules.legal")
def illegal_step(w: Workshop) -> Clip | None:
    """One step into a wall and back, then on as if nothing had been."""
    k = int(w.rng.integers(len(w.stops)))
    for i in [*range(k, len(w.stops)), *range(k)]:
        x, y = map(int, w.stops[i][-1])
        sides = [(dx, dy) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)) if w.depth(x + dx, y + dy) >= 0.45]
        inner = [
            (dx, dy)
            for dx, dy in sides
            if 0 < x + dx < w.tiles.shape[1] - 1 and 0 < y + dy < w.tiles.shape[0] - 1
        ]
        if inner:
            dx, dy = inner[int(w.rng.integers(len(inner)))]
            wrong = w.stops[i].copy()
            wrong[-1] += (dx, dy)
            return w.clip(w.animate([*w.stops[: i + 1], wrong, *w.stops[i:]]))
    return None


@control("objects.unique")
def clone(w: Workshop) -> Clip:
    """A copy of the player stays where it was."""
    n = w.truth.places_TN2.shape[1]
    copy = np.repeat(w.stops[0][None, -1:], len(w.truth), axis=0)
    places = np.concatenate([copy, w.truth.places_TN2], axis=1)
    return w.clip(Script(places, cast=(n - 1, *range(n))))


@control("objects.unique")
def late_clone(w: Workshop) -> Clip | None:
    """A second player (or box) appears on free floor half way."""
    used = {(round(float(x)), round(float(y))) for stop in w.stops for x, y in stop}
    near = {(x + dx, y + dy) for x, y in used for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
    free = [cell for cell in w.floor_cells() if cell not in near]
    if w.lined:
        free = [(x, y) for x, y in free if x % 2 and y % 2]
    if not free:
        return None
    spot = free[int(w.rng.integers(len(free)))]
    n, length = w.truth.places_TN2.shape[1], len(w.truth)
    copy = np.broadcast_to(np.array(spot, np.float32), (length, 1, 2))
    opacity = np.ones((length, n + 1), np.float32)
    opacity[: length // 2, 0] = 0
    places = np.concatenate([copy, w.truth.places_TN2], axis=1)
    return w.clip(Script(places, opacity, cast=(int(w.rng.integers(n)), *range(n))))


@control("objects.unique")
def flicker(w: Workshop) -> Clip:
    """A copy of the player stays where it was, in two of three frames."""
    n, length = w.truth.places_TN2.shape[1], len(w.truth)
    copy = np.repeat(w.stops[0][None, -1:], length, axis=0)
    opacity = np.ones((length, n + 1), np.float32)
    opacity[::3, 0] = 0
    places = np.concatenate([copy, w.truth.places_TN2], axis=1)
    return w.clip(Script(places, opacity, cast=(n - 1, *range(n))))


@control("objects.present")
def recoloured(w: Workshop) -> Clip:
    """The player turns half as bright half way: something else walks on."""
    own = w.board.pieces[-1]
    pieces = (*w.board.pieces[:-1], replace(own, rgb=own.rgb * np.float32(0.4)))
    return _switched(w, replace(w.board, pieces=pieces))


@control("objects.present")
def object_lost(w: Workshop) -> Clip:
    """A piece is gone for a third of a second on the way."""
    length, n = w.truth.places_TN2.shape[:2]
    opacity = np.ones((length, n), np.float32)
    t = length // 2
    opacity[t : t + 8, int(w.rng.integers(n))] = 0
    return w.clip(Script(w.truth.places_TN2, opacity))


@control("objects")
def crossfade(w: Workshop) -> Clip | None:
    """The first picture dissolves into the answer."""
    if np.abs(w.stops[-1] - w.stops[0]).max() < 2:
        return None
    first, last = w.frame(w.stops[0]).astype(np.float32), w.frame(w.stops[-1]).astype(np.float32)
    share = np.clip((np.arange(49) - 8) / 32, 0, 1).astype(np.float32)
    return edits.picture_clip(w, [np.rint(first * (1 - s) + last * s).astype(np.uint8) for s in share])


@control("rules.legal")
def pull(w: Workshop) -> Clip | None:
    """A box follows the player backwards once, and is pushed again."""
    pushes = [k for k in range(len(w.stops) - 1) if (w.stops[k + 1][:-1] != w.stops[k][:-1]).any()]
    if not pushes:
        return None
    k = pushes[int(w.rng.integers(len(pushes)))]
    return w.clip(w.animate([*w.stops[: k + 2], w.stops[k], *w.stops[k + 1 :]]))


@control("rules.legal")
def remote_push(w: Workshop) -> Clip | None:
    """A box is pushed by a player who stands a cell away from it."""
    for k in range(len(w.stops) - 1):
        step = w.stops[k + 1] - w.stops[k]
        x, y = (int(v) for v in w.stops[k][-1] - step[-1])
        if (step[:-1] != 0).any() and w.tiles[y, x] != WALL:
            stops = [stop.copy() for stop in w.stops]
            before, after = w.stops[k].copy(), w.stops[k + 1].copy()
            before[-1] -= step[-1]
            after[-1] -= step[-1]
            return w.clip(w.animate([*stops[: k + 1], before, after, *stops[k + 1 :]]))
    return None


@control("rules.legal")
def self_move(w: Workshop) -> Clip | None:
    """Boxes slide to their places by themselves; nobody pushes."""
    if w.stops[0].shape[0] < 2:
        return None
    stops = [stop.copy() for stop in w.stops]
    for stop in stops:
        stop[-1] = w.stops[0][-1]
    kept = [stops[0], *(b for a, b in zip(stops, stops[1:], strict=False) if (a != b).any())]
    return w.clip(w.animate(kept))


# -- cheats in the scene -------------------------------------------------------------------------------------
@control("scene.kept")
def scene_erased(w: Workshop) -> Clip:
    """The walls vanish and the player goes straight to where it ends."""
    ground = np.median(w.board.plate[w.cell_box(w.floor_cells()[0], 0.3)].reshape(-1, 3), axis=0)
    empty = replace(w.board, plate=np.broadcast_to(ground.astype(np.uint8), w.board.plate.shape).copy())
    moving = animate([w.stops[0], w.stops[-1]], Motion(frames_per_step=32, hold_start=1, length="any"))
    intact = w.animate([w.stops[0]], hold_start=8, hold_end=0, length="any")
    return Clip(
        render=lambda: edits.chained(intact.frames(w.board), moving.frames(empty)), fps=w.instance.fps
    )


@control("scene.kept")
def scene_altered(w: Workshop) -> Clip | None:
    """One wall is carved away half way."""
    walls, floor = w.wall_cells(), w.floor_cells()
    if not walls or not floor:
        return None
    wall = walls[int(w.rng.integers(len(walls)))]
    carved = replace(w.board, plate=w.pasted(w.board.plate, floor[int(w.rng.integers(len(floor)))], wall))
    return _switched(w, carved)


@control("scene.first_frame")
def altered_start(w: Workshop) -> Clip | None:
    """One wall is missing from the first frame on."""
    walls, floor = w.wall_cells(), w.floor_cells()
    if not walls or not floor:
        return None
    wall = walls[int(w.rng.integers(len(walls)))]
    plate = w.pasted(w.board.plate, floor[int(w.rng.integers(len(floor)))], wall)
    return w.clip(w.truth, replace(w.board, plate=plate))


@control("scene.kept")
def goal_moved(w: Workshop) -> Clip | None:
    """The goal comes to meet the player."""
    half = 0.95 if w.lined else 0.5
    stands = {(int(x), int(y)) for x, y in np.concatenate([w.stops[0], w.stops[-1]])}
    floor = [c for c in w.floor_cells() if c not in stands and (not w.lined or (c[0] % 2 and c[1] % 2))]
    goals = w.goal_cells()
    if len(floor) < 2 or not goals:
        return None
    order = w.rng.permutation(len(floor))
    plate = w.pasted(w.board.plate, floor[order[0]], goals[0], half)
    plate = w.pasted(plate, goals[0], floor[order[1]], half)
    return _switched(w, replace(w.board, plate=plate))


def _switched(w: Workshop, other: Board) -> Clip:
    """The truth, with another board from half way on."""
    middle = len(w.truth) // 2
    places = w.truth.places_TN2
    return Clip(
        render=lambda: edits.chained(
            Script(places[:middle]).frames(w.board), Script(places[middle:]).frames(other)
        ),
        fps=w.instance.fps,
    )


def _joined(a: Script, b: Script) -> Script:
    return Script(np.concatenate([a.places_TN2, b.places_TN2]))
