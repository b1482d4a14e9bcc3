"""The verdict on a clip of a scene of physics: fit what moved to the law; what was broken first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.laws import Course, Fit, fit
from genreason.perceive.track import Track
from genreason.puzzles.physics import PhysicsPuzzle
from genreason.replay import Tolerances
from genreason.types import Verdict
from genreason.verify import (
    CHECKS,
    Notes,
    ToPixels,
    check_objects,
    check_scene,
    first_run,
    sentence,
    starts_right,
)

SLACK = 0.4  # units off the law for some frames in a row that are a fault
RUN = 3
STIRS = 0.5  # units that anything must move for there to be a movement
FEWEST = 5  # frames of a movement that are enough to know its law by
BACK = 0.5  # units that what only has a way may go back on it
NEAR = 0.5  # units off its end, with the tolerance's share of the way, at which a movement has arrived
PROCESS = ("rules.legal", "objects.")


def verify_physics(
    puzzle: PhysicsPuzzle[Any], state: Any, track: Track, rules: Tolerances, to_pixels: ToPixels
) -> Verdict:
    """The verdict on what was seen of the parts.

    Args:
        puzzle: the law.
        state: the start state.
        track: what was seen.
        rules: tolerances of the judge's card.
        to_pixels: units (..., 2) to pixels of the instance's first frame, to say where a violation is.
    """
    note = Notes(track, to_pixels)
    at_start = starts_right(track, puzzle.places(state), rules)
    if not at_start or track.start_gap > rules.start or track.start_change >= rules.start_area:
        note.add(0, "scene.first_frame", "the clip does not start from the given frame", None)
    check_objects(note, track, rules)
    check_scene(note, track, rules)
    known = (track.presence_TN >= rules.present).all(axis=1) & ~track.broken_T
    moved, fitted = 0.0, None
    if known.sum() > 1:
        seen = track.places_TN2[known]
        moved = float(np.linalg.norm(seen - seen[0], axis=-1).max())
    if moved >= STIRS:
        fitted = _check_law(note, puzzle, state, track, known)
    time = None if fitted is None else float(fitted.times_T[-1])
    _check_goal(note, puzzle, state, track, known, time)
    found = note.sorted()
    checks = {name: 0.0 if name in note.found else 1.0 for name in CHECKS}
    process = all(value for name, value in checks.items() if name.startswith(PROCESS))
    return Verdict(
        status="fail" if found else "pass",
        score=0.0 if found else 1.0,
        checks=checks,
        metrics={
            "solved": float(process and checks["rules.goal"]),
            "outcome": checks["rules.goal"],
            "process": float(process),
            "progress": 1.0 if not found else _progress(puzzle, state, track),
            **{f"law.{name}": value for name, value in (fitted.values if fitted else {}).items()},
        },
        violations=found,
        reason=sentence(found[0]) if found else "everything moves as the law says, to the end",
    )


def _check_law(
    note: Notes, puzzle: PhysicsPuzzle[Any], state: Any, track: Track, known: npt.NDArray[np.bool_]
) -> Fit | None:
    """Note where the movement leaves the law; the law as it fits, where it was fitted."""
    law, course, places = puzzle.law(state), puzzle.nominal(state), track.places_TN2
    if not puzzle.timed:
        _check_way(note, puzzle, course, track, known)
        return None
    steps = np.linalg.norm(np.diff(places, axis=0), axis=-1).max(axis=-1)
    if int((steps > 0.02).sum()) < FEWEST:
        t = int(np.argmax(steps)) + 1
        note.add(t, "rules.legal", "the movement is too sudden to follow the law", _farthest(track, t))
        return None
    found = fit(law, places, known)
    leaves = first_run(np.nan_to_num(found.gap_T) > SLACK, RUN)
    if leaves is not None:
        note.add(leaves, "rules.legal", puzzle.lawless, _farthest(track, leaves))
    limits = {**law.free, **({} if law.even is None else {"even": law.even})}
    for name, limit in limits.items():
        off = found.values[name] - (0 if name == "even" else 1)
        if abs(off) > limit:
            t = _leaves(course, found, track, known)
            pace = f"the movement is too {'even' if off > 0 else 'uneven'}"
            what = pace if name == "even" else puzzle.measured(name, found.values[name])
            note.add(t, "rules.legal", what, _farthest(track, t))
    return found


def _leaves(course: Course, found: Fit, track: Track, known: npt.NDArray[np.bool_]) -> int:
    """The first frame in which the parts are plainly not where the law has them, or the last one."""
    gap = np.linalg.norm(course.at(found.times_T) - track.places_TN2, axis=-1).max(axis=-1)
    off = np.flatnonzero((gap > SLACK) & known)
    return int(off[0]) if len(off) else len(track) - 1


def _check_way(
    note: Notes, puzzle: PhysicsPuzzle[Any], course: Course, track: Track, known: npt.NDArray[np.bool_]
) -> None:
    """Note where the parts leave their way, or go back on it."""
    fine = course.along(np.linspace(0, course.length, 200))
    off = np.linalg.norm(track.places_TN2[:, None] - fine[None], axis=-1).max(axis=-1)
    gap, way = off.min(axis=1), off.argmin(axis=1) * course.length / 199
    t = first_run((gap > SLACK) & known, RUN)
    if t is not None:
        note.add(t, "rules.legal", puzzle.lawless, _farthest(track, t))
    most = np.maximum.accumulate(np.where(known, way, 0.0))
    t = first_run((most - way > BACK) & known, RUN)
    if t is not None:
        note.add(t, "rules.legal", "the movement goes back", _farthest(track, t))


def _check_goal(
    note: Notes,
    puzzle: PhysicsPuzzle[Any],
    state: Any,
    track: Track,
    known: npt.NDArray[np.bool_],
    time: float | None,
) -> None:
    end = len(track) - 1
    if track.broken_T[end] or not known[end]:
        what = "nothing can be read in the last frame" if track.broken_T[end] else "a part is gone at the end"
        note.add(end, "rules.goal", what, None)
    elif not puzzle.arrived(state, track.places_TN2[end].astype(np.float64), time, NEAR):
        note.add(end, "rules.goal", "the movement has not come to its end", _farthest(track, end))


def _farthest(track: Track, t: int) -> tuple[float, ...]:
    """Where the part is that is farthest from its start."""
    away = np.linalg.norm(track.places_TN2[t] - track.places_TN2[0], axis=-1)
    return tuple(float(v) for v in track.places_TN2[t, int(np.argmax(away))])


def _progress(puzzle: PhysicsPuzzle[Any], state: Any, track: Track) -> float:
    """Share of the way that the last frame has reached."""
    course = puzzle.nominal(state)
    share = np.linspace(0, 1, 200)
    off = np.linalg.norm(course.along(share * course.length) - track.places_TN2[-1], axis=-1).max(axis=-1)
    return float(share[int(np.argmin(off))])
