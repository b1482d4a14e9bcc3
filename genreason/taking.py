"""Pieces that the last one takes (keys, doors that it opens): when each may vanish, and when it must.

The rules decide whether a piece is taken; the pixels say when it went. It may go while the one that takes it
comes near, must have gone soon after, and nobody can tell while it is covered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.perceive.track import Track
from genreason.puzzles.base import PiecePuzzle
from genreason.replay import Replay, Tolerances

COVERED = 0.85  # cells within which the last piece may cover a piece
TAKEN = 0.45  # within which it must come for a piece to be taken for certain
AROUND = 0.75  # within which what changes may be the piece that goes
Bools = npt.NDArray[np.bool_]


def allowed(
    puzzle: PiecePuzzle[Any, Any], state: Any, track: Track, trace: Replay, rules: Tolerances
) -> tuple[Track, list[tuple[int, int]]]:
    """What is left to explain of a track where pieces may be taken.

    Args:
        puzzle: the rules.
        state: the start state.
        track: what was seen.
        trace: how it follows the rules.
        rules: tolerances of the judge's card.

    Returns:
        The track as if every piece that was rightly taken were still there; and the pieces that should have
        gone, but did not: (frame, number of the piece).
    """
    reach = puzzle.reach(state)
    if not any(reach):
        return track, []
    presence, odd = track.presence_TN.copy(), track.oddness_TN.copy()
    taken, near_TN = _taken(puzzle, state, trace), _nearest(track)
    spots, left = list(track.spots), []
    for i in np.flatnonzero(reach):
        near = near_TN[:, i]
        free, late = _times(near, taken.get(int(i)), reach[i], rules)
        lies = late & (presence[:, i] >= rules.present) & (near >= COVERED) & ~track.broken_T
        runs = np.flatnonzero(
            np.convolve(lies, np.ones(rules.missing_frames + 1), "valid") > rules.missing_frames
        )
        left += [(int(t), int(i)) for t in runs[:1]]
        excused = free | (late & ~lies)
        presence[excused, i], odd[excused, i] = 1.0, 0.0
        odd[free & (near < 1), -1] = 0.0  # what takes it is drawn over it, or it over that
        x, y = track.places_TN2[0, i]
        spots = [s for s in spots if not free[s.t] or max(abs(s.x - x), abs(s.y - y)) > AROUND]
    return replace(track, presence_TN=presence, oddness_TN=odd, spots=tuple(spots)), left


def _taken(puzzle: PiecePuzzle[Any, Any], state: Any, trace: Replay) -> dict[int, int]:
    """In which frame each of the pieces that were taken was."""
    found = {i: 0 for i, gone in enumerate(puzzle.gone(state)) if gone}
    for move, t in zip(trace.moves, trace.frames, strict=True):
        state = puzzle.step(state, move)
        for i, gone in enumerate(puzzle.gone(state)):
            if gone:
                found.setdefault(i, t)
    return found


def _nearest(track: Track) -> npt.NDArray[np.float32]:
    """How near (cells, in x or y, whichever is more) the last piece comes to each since the frame before."""
    walker, places = track.places_TN2[:, -1], track.places_TN2[0]
    before = np.concatenate([walker[:1], walker[:-1]])
    shares = np.linspace(0, 1, 7, dtype=np.float32)[:, None, None, None]
    ways = before[:, None] + shares * (walker - before)[:, None]  # (shares, T, 1, 2)
    return np.asarray(np.abs(ways - places).max(axis=-1).min(axis=0), np.float32)


def _times(
    near: npt.NDArray[np.float32], taken: int | None, reach: float, rules: Tolerances
) -> tuple[Bools, Bools]:
    """In which frames (T,) a piece may be gone or not, and in which it must be gone.

    Args:
        near: how near the last piece is.
        taken: when the rules have it taken, or None.
        reach: from how near it may be taken.
        rules: tolerances of the judge's card.
    """
    free, late = near < COVERED, np.zeros(len(near), np.bool_)
    if taken is None:
        return free, late
    begin = taken
    while begin > 0 and near[begin - 1] < reach:
        begin -= 1
    touched = np.flatnonzero(near[begin:] < TAKEN)
    end = begin + int(touched[0]) + rules.fading_frames if len(touched) else len(near)
    free[begin:end] = True
    late[end:] = True
    free[end:] = False
    return free, late
