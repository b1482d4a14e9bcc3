"""Replay what was perceived on the rules of the puzzle, and say what holds and what was broken first.

The verifier sees a start state, the rules and a track. It never sees a solution: any legal way to the goal
passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from genreason.perceive.track import Track
from genreason.puzzles.base import Puzzle
from genreason.types import Verdict, Violation, unscored

CHECKS = (
    "scene.first_frame",
    "camera.still",
    "objects.continuous",
    "objects.present",
    "objects.unique",
    "scene.kept",
    "rules.legal",
    "rules.goal",
)
"""All checks; of several that break in the same frame, the one named first is likelier the cause."""
Bools = npt.NDArray[np.bool_]
ToPixels = Callable[[npt.ArrayLike], npt.NDArray[np.float32]]
Where = tuple[float, ...] | None


class Tolerances(BaseModel):
    """How exact a clip must be; the figures that people use when they look at clips.

    Attributes:
        lane: how far (cells) a centre may leave its lane: corner rounding.
        jump: steps that a piece may take from one frame to the next.
        leap: cells from frame to frame that are a teleport, where the clip's own pace is three times slower.
        step: cells that are a teleport when there is rest before and after.
        missing_frames: frames in a row in which a piece may be unseen.
        extra_frames: frames in a row in which something extra may be seen.
        change_area: changed part of the still scene (square cells) that counts as a change.
        change_frames: frames in a row after which it does.
        camera: movement of the camera, in shares of the picture's width or height.
        start: share of the first frame that may differ from the given one.
        contrast: least difference (0-255) between a piece and its background that can be read.
        present: opacity from which a piece counts as there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lane: float = Field(0.25, ge=0, le=0.45)
    jump: int = Field(3, ge=1, le=6)
    leap: float = Field(1.6, gt=0)
    step: float = Field(0.75, gt=0)
    missing_frames: int = Field(2, ge=0)
    extra_frames: int = Field(2, ge=0)
    change_area: float = Field(0.12, gt=0)
    change_frames: int = Field(3, ge=0)
    camera: float = Field(0.02, gt=0)
    start: float = Field(0.03, gt=0)
    contrast: float = Field(12.0, ge=0)
    present: float = Field(0.5, gt=0)


@dataclass(frozen=True, slots=True)
class Replay:
    """How far the track could be followed on the rules: moves made until the end or the first violation.

    Attributes:
        moves: those made, as the puzzle names them.
        end: the state after them.
        broken_at: frame of the first violation, or None.
        what: the violation in words.
        piece: which piece was farthest off then.
    """

    moves: tuple[Any, ...]
    end: Any
    broken_at: int | None
    what: str
    piece: int


def replay(puzzle: Puzzle[Any, Any], state: Any, track: Track, rules: Tolerances) -> Replay:
    """Follow the track from state to state by legal moves.

    In every frame each piece must be within `0.5 + lane` cells (in x and in y) of where some state has it
    that is reached from the last one by at most `jump` legal moves.
    """
    far = 0.5 + rules.lane
    moves: tuple[Any, ...] = ()
    stand = puzzle.places(state)
    for t, places in enumerate(track.places_TN2):
        if track.broken_T[t]:
            continue
        gap = float(np.abs(places - stand).max())
        if gap <= 0.4:
            continue
        best, best_gap, made = state, gap - 0.1, ()
        for way, reached in _reachable(puzzle, state, 1 if gap <= far else rules.jump):
            new_gap = float(np.abs(places - puzzle.places(reached)).max())
            if new_gap < best_gap - 1e-6:
                best, best_gap, made = reached, new_gap, way
        if made:
            state, stand, moves, gap = best, puzzle.places(best), moves + made, best_gap
        if gap > far:
            off = np.abs(places - stand).max(axis=1)
            return Replay(moves, state, t, puzzle.explain(state, places), int(off.argmax()))
    return Replay(moves, state, None, "", 0)


def _reachable(puzzle: Puzzle[Any, Any], state: Any, depth: int) -> Iterable[tuple[tuple[Any, ...], Any]]:
    """States that at most `depth` legal moves lead to, nearest first, each with these moves."""
    seen = {state}
    ring: list[tuple[tuple[Any, ...], Any]] = [((), state)]
    for _ in range(depth):
        following = []
        for way, at in ring:
            for move in puzzle.moves(at):
                after = puzzle.step(at, move)
                if after not in seen:
                    seen.add(after)
                    following.append(((*way, move), after))
                    yield following[-1]
        ring = following


def verify(
    puzzle: Puzzle[Any, Any], state: Any, track: Track, rules: Tolerances, to_pixels: ToPixels
) -> Verdict:
    """The verdict on a track.

    Args:
        puzzle: the rules.
        state: the start state.
        track: what was seen.
        rules: tolerances of the judge's card.
        to_pixels: cells (..., 2) to pixels of the instance's first frame, to say where a violation is.
    """
    if len(track) < 2:
        return unscored("the clip has one frame: nothing happens in it")
    if min(track.contrast_N, default=255.0) < rules.contrast:
        name = track.names[int(np.argmin(track.contrast_N))]
        return unscored(f"the {name} hardly differs from its background: its place cannot be read")
    start = puzzle.places(state)
    at_start = _starts_right(track, start, rules)
    if track.start_gap == 0 and (track.presence_TN[0] < rules.present).any():
        return unscored("the scene is intact, but the pieces could not be found in the first frame")
    note = _Notes(track, to_pixels)
    if not at_start or track.start_gap > rules.start:
        note.add(0, "scene.first_frame", "the clip does not start from the given frame", None)
    _check_objects(note, track, rules)
    _check_scene(note, track, rules)
    trace = replay(puzzle, state, track, rules)
    if trace.broken_at is not None:
        place = tuple(track.places_TN2[trace.broken_at, trace.piece])
        note.add(trace.broken_at, "rules.legal", trace.what, place)
    _check_goal(note, puzzle, state, track, rules)
    found = note.sorted()
    checks = {name: 0.0 if name in note.found else 1.0 for name in CHECKS}
    solved = all(value for name, value in checks.items() if name.startswith(("rules.", "objects.")))
    return Verdict(
        status="fail" if found else "pass",
        score=0.0 if found else 1.0,
        checks=checks,
        metrics={"solved": float(solved), "moves": float(len(trace.moves))},
        violations=found,
        reason=_sentence(found[0]) if found else f"reaches the goal by {len(trace.moves)} legal moves",
    )


def _sentence(violation: Violation) -> str:
    return f"at {violation.seconds:.2f} s: {violation.what}"


def _starts_right(track: Track, start: npt.NDArray[np.float32], rules: Tolerances) -> bool:
    near = bool(np.abs(track.places_TN2[0] - start).max() <= 0.5)
    return near and bool((track.presence_TN[0] >= rules.present).all())


class _Notes:
    """Collects the first violation of each check."""

    def __init__(self, track: Track, to_pixels: ToPixels) -> None:
        self.track, self.to_pixels = track, to_pixels
        self.found: dict[str, Violation] = {}

    def add(self, t: int | None, check: str, what: str, cell: Where) -> None:
        """Note a violation in frame `t` (None: there is none), unless the check was broken before."""
        if t is None:
            return
        where = None if cell is None else self.to_pixels(cell)
        spot = None if where is None else (float(where[0]), float(where[1]))
        seconds = t / self.track.fps
        if check not in self.found or seconds < self.found[check].seconds:
            self.found[check] = Violation(seconds, check, what, spot)

    def sorted(self) -> tuple[Violation, ...]:
        """The violations in order of time."""
        return tuple(sorted(self.found.values(), key=lambda v: (v.seconds, CHECKS.index(v.check))))


def _first_run(broken_T: Bools, run: int = 1) -> int | None:
    """Where the first run of at least `run` broken frames begins, or a shorter one that lasts to the end."""
    if not broken_T.any():
        return None
    padded = np.concatenate([[False], broken_T, [False]]).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    long = (ends - starts >= run) | (ends == len(broken_T))
    return int(starts[int(np.argmax(long))]) if long.any() else None


def _check_objects(note: _Notes, track: Track, rules: Tolerances) -> None:
    places, readable = track.places_TN2, ~track.broken_T
    seen = (track.presence_TN >= rules.present) & readable[:, None]
    moved = np.abs(np.diff(places, axis=0)).max(axis=-1)
    for i, name in enumerate(track.names):
        t = _first_run(~seen[:, i] & readable, rules.missing_frames + 1)
        note.add(t, "objects.present", f"the {name} is gone", None if t is None else tuple(places[t, i]))
        t = _first_run(np.concatenate([[False], _leaps(moved[:, i], rules) & seen[1:, i]]))
        if t is not None:
            what = f"the {name} jumps {moved[t - 1, i]:.1f} cells in one frame"
            note.add(t, "objects.continuous", what, tuple(places[t, i]))
    for name in {spot.name for spot in track.spots if spot.name}:
        extra = np.zeros(len(track), np.bool_)
        extra[[spot.t for spot in track.spots if spot.name == name]] = True
        t = _first_run(extra, rules.extra_frames + 1)
        note.add(t, "objects.unique", f"there is one {name} too many", _spot(track, t, name))


def _leaps(moved: npt.NDArray[np.float32], rules: Tolerances) -> Bools:
    """Which frame-to-frame movements (cells) no piece can make that is seen to move.

    Too far for any pace, far against the clip's own pace, or a whole step out of rest into rest.
    """
    pace = moved[moved > 0.02]
    usual = float(np.quantile(pace, 0.75)) if len(pace) else 0.0
    rest = np.concatenate([[True, True], moved < 0.08, [True, True]])
    alone = rest[:-4] & rest[1:-3] & rest[3:-1] & rest[4:]
    far = (moved > max(rules.leap, 3 * usual)) | (moved > rules.jump + 0.5)
    return np.asarray(far | (alone & (moved >= rules.step)), np.bool_)


def _check_scene(note: _Notes, track: Track, rules: Tolerances) -> None:
    area = np.zeros(len(track))
    for spot in track.spots:
        if not spot.name:
            area[spot.t] += spot.area
    t = _first_run(area >= rules.change_area, rules.change_frames + 1)
    if t is not None:
        what = f"the scene changes ({area[t : t + 3].max():.1f} cells)"
        note.add(t, "scene.kept", what, _spot(track, t, ""))
    t = _first_run(track.broken_T, 2)
    note.add(t, "scene.kept", "hardly anything of the scene is left", None)
    t = _first_run((track.camera_T2.max(axis=1) > rules.camera) & ~track.broken_T, 2)
    if t is not None:
        far = 100 * track.camera_T2[~track.broken_T].max()
        note.add(t, "camera.still", f"the camera moves (by {far:.0f} % of the picture)", None)


def _check_goal(note: _Notes, puzzle: Puzzle[Any, Any], state: Any, track: Track, rules: Tolerances) -> None:
    end = len(track) - 1
    if track.broken_T[end]:
        note.add(end, "rules.goal", "nothing can be read in the last frame", None)
    elif (track.presence_TN[end] < rules.present).any():
        name = track.names[int(np.argmin(track.presence_TN[end]))]
        note.add(end, "rules.goal", f"the {name} is gone at the end", None)
    elif not puzzle.done(puzzle.arranged(state, np.rint(track.places_TN2[end]))):
        note.add(end, "rules.goal", "the goal is not reached at the end", tuple(track.places_TN2[end, -1]))


def _spot(track: Track, t: int | None, name: str) -> Where:
    """Where the largest spot of that kind is in frame t."""
    spots = [spot for spot in track.spots if spot.t == t and spot.name == name]
    if not spots:
        return None
    largest = max(spots, key=lambda spot: spot.area)
    return largest.x, largest.y
