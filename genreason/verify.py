"""Replay what was perceived on the rules of the puzzle, and say what holds and what was broken first.

The verifier sees a start state, the rules and a track. It never sees a solution: any legal way to the goal
passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from genreason.metrics.progress import clip_metrics
from genreason.perceive.track import Spot, Track
from genreason.puzzles.base import PiecePuzzle
from genreason.replay import Tolerances
from genreason.taking import allowed
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


def verify(
    puzzle: PiecePuzzle[Any, Any], state: Any, track: Track, rules: Tolerances, to_pixels: ToPixels
) -> Verdict:
    """The verdict on a track.

    Args:
        puzzle: the rules.
        state: the start state.
        track: what was seen.
        rules: tolerances of the judge's card.
        to_pixels: cells (..., 2) to pixels of the instance's first frame, to say where a violation is.
    """
    if min(track.contrast_N, default=255.0) < rules.contrast:
        name = track.names[int(np.argmin(track.contrast_N))]
        return unscored(f"the {name} hardly differs from its background: its place cannot be read")
    start = puzzle.places(state)
    at_start = starts_right(track, start, rules)
    if track.start_gap == 0 and (track.presence_TN[0] < rules.present).any():
        return unscored("the scene is intact, but the pieces could not be found in the first frame")
    note = Notes(track, to_pixels)
    if not at_start or track.start_gap > rules.start or track.start_change >= rules.start_area:
        note.add(0, "scene.first_frame", "the clip does not start from the given frame", None)
    trace = puzzle.trace(state, track, rules)
    track, left = allowed(puzzle, state, track, trace, rules)
    for t, i in left:
        what = f"the {track.names[i]} is still there after the {track.names[-1]} has come to it"
        note.add(t, "rules.legal", what, tuple(track.places_TN2[t, i]))
    check_objects(note, track, rules)
    check_scene(note, track, rules)
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
        metrics={
            "solved": float(solved),
            "moves": float(len(trace.moves)),
            **clip_metrics(puzzle, state, track, rules, trace, found),
        },
        violations=found,
        reason=sentence(found[0]) if found else reached(len(trace.moves)),
    )


def sentence(violation: Violation) -> str:
    """When and what, in one sentence."""
    return f"at {violation.seconds:.2f} s: {violation.what}"


def reached(moves: int) -> str:
    """Why a clip passes, in one sentence."""
    return f"reaches the goal by {moves} legal move{'s' * (moves != 1)}"


def starts_right(track: Track, start: npt.NDArray[np.float32], rules: Tolerances) -> bool:
    """Whether all pieces are where they start (N, 2) in the first frame."""
    near = bool(np.abs(track.places_TN2[0] - start).max() <= 0.5)
    return near and bool((track.presence_TN[0] >= rules.present).all())


class Watched(Protocol):
    """What the checks of scene and camera need of a track of any kind."""

    @property
    def fps(self) -> float:
        """Frames per second."""
        ...

    @property
    def spots(self) -> tuple[Spot, ...]:
        """What should not be there."""
        ...

    @property
    def broken_T(self) -> Bools:
        """Frames in which hardly anything of the scene is left."""
        ...

    @property
    def camera_T2(self) -> npt.NDArray[np.float32]:
        """How far the camera has moved."""
        ...

    def __len__(self) -> int:
        """Number of frames."""
        ...


class Notes:
    """Collects the first violation of each check."""

    def __init__(self, track: Watched, to_pixels: ToPixels) -> None:
        """`to_pixels`: cells (..., 2) to pixels of the instance's first frame."""
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


def first_run(broken_T: Bools, run: int = 1) -> int | None:
    """Where the first run of at least `run` broken frames begins, or a shorter one that lasts to the end.

    Flicker counts as a run: more than half of `4 * run` frames.
    """
    if not broken_T.any():
        return None
    padded = np.concatenate([[False], broken_T, [False]]).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    long = (ends - starts >= run) | (ends == len(broken_T))
    found = [int(starts[int(np.argmax(long))])] if long.any() else []
    if run > 1 and len(broken_T) >= 4 * run:
        often = np.convolve(broken_T, np.ones(4 * run), "valid") > 2 * run
        if often.any():
            window = int(np.argmax(often))
            found.append(window + int(np.argmax(broken_T[window:])))
    return min(found, default=None)


def check_objects(note: Notes, track: Track, rules: Tolerances) -> None:
    """Note what becomes of the pieces: lost, changed, jumping, too many."""
    places, readable = track.places_TN2, ~track.broken_T
    seen = (track.presence_TN >= rules.present) & readable[:, None]
    moved = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    for i, name in enumerate(track.names):
        t = first_run(~seen[:, i] & readable, rules.missing_frames + 1)
        note.add(t, "objects.present", f"the {name} is gone", None if t is None else tuple(places[t, i]))
        odd = (track.oddness_TN[:, i] >= rules.odd_area) & readable & ~_changed(track, rules)
        t = first_run(odd | (~seen[:, i] & readable), rules.change_frames + 1)
        if t is not None:
            note.add(t, "objects.present", f"the {name} does not look as it did", tuple(places[t, i]))
        t = first_run(np.concatenate([[False], _leaps(moved, i, rules) & seen[1:, i]]))
        if t is not None:
            what = f"the {name} jumps {moved[t - 1, i]:.1f} cells in one frame"
            note.add(t, "objects.continuous", what, tuple(places[t, i]))
    for name in {spot.name for spot in track.spots if spot.name}:
        extra = np.zeros(len(track), np.bool_)
        extra[[spot.t for spot in track.spots if spot.name == name]] = True
        t = first_run(extra, rules.extra_frames + 1)
        note.add(t, "objects.unique", f"there is one {name} too many", _spot(track, t, name))


def _leaps(moved_TN: npt.NDArray[np.float32], i: int, rules: Tolerances) -> Bools:
    """Which frame-to-frame movements (cells) no piece can make that is seen to move.

    Too far for any pace, far against the clip's own pace, or a whole step out of rest into rest.
    """
    moved, most = moved_TN[:, i], moved_TN.max(axis=1)  # any piece's movement shows the clip's pace
    pace = most[most > 0.02]
    usual = float(np.quantile(pace, 0.75)) if len(pace) else 0.0
    rest = np.concatenate([[True, True], most < 0.08, [True, True]])
    alone = rest[:-4] & rest[1:-3] & rest[3:-1] & rest[4:]
    far = (moved > max(rules.leap, 3 * usual)) | (moved > rules.jump + 0.5)
    far |= moved >= max(rules.step, 5 * usual)
    return np.asarray(far | (alone & (moved >= rules.step)), np.bool_)


def _areas(track: Watched) -> npt.NDArray[np.float64]:
    """The changed part of the still scene (square cells) in each frame."""
    area = np.zeros(len(track))
    for spot in track.spots:
        if not spot.name:
            area[spot.t] += spot.area
    return area


def _changed(track: Watched, rules: Tolerances) -> Bools:
    """Frames in which the still scene is changed, so that nothing can be said of a piece's look."""
    return np.asarray(_areas(track) >= rules.change_area, np.bool_)


def check_scene(note: Notes, track: Watched, rules: Tolerances) -> None:
    """Note what changes in the still scene, and what the camera does."""
    area = _areas(track)
    t = first_run(_changed(track, rules), rules.change_frames + 1)
    if t is not None:
        what = f"the scene changes ({area[t : t + 3].max():.1f} cells)"
        note.add(t, "scene.kept", what, _spot(track, t, ""))
    t = first_run(track.broken_T, 2)
    note.add(t, "scene.kept", "hardly anything of the scene is left", None)
    t = first_run((track.camera_T2.max(axis=1) > rules.camera) & ~track.broken_T, 2)
    if t is not None:
        far = 100 * track.camera_T2[~track.broken_T].max()
        note.add(t, "camera.still", f"the camera moves (by {far:.0f} % of the picture)", None)


def _check_goal(
    note: Notes, puzzle: PiecePuzzle[Any, Any], state: Any, track: Track, rules: Tolerances
) -> None:
    end = len(track) - 1
    if track.broken_T[end]:
        note.add(end, "rules.goal", "nothing can be read in the last frame", None)
    elif (track.presence_TN[end] < rules.present).any():
        name = track.names[int(np.argmin(track.presence_TN[end]))]
        note.add(end, "rules.goal", f"the {name} is gone at the end", None)
    elif not puzzle.done(puzzle.settled(state, track.places_TN2[end], track.unit)):
        note.add(end, "rules.goal", "the goal is not reached at the end", tuple(track.places_TN2[end, -1]))


def _spot(track: Watched, t: int | None, name: str) -> Where:
    """Where the largest spot of that kind is in frame t."""
    spots = [spot for spot in track.spots if spot.t == t and spot.name == name]
    if not spots:
        return None
    largest = max(spots, key=lambda spot: spot.area)
    return largest.x, largest.y
