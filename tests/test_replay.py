"""A track is followed from state to state by legal moves, and stopped at the first illegal one. No pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from track_fixture import broken, detour, judged, maze, sokoban, track

from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.render.motion import Motion, animate
from genreason.replay import Tolerances, replay

ways = st.lists(st.sampled_from(["up", "down", "left", "right"]), min_size=1, max_size=25)


@given(ways, st.sampled_from([1, 2, 4]), st.sampled_from(["smooth", "linear"]))
def test_every_legal_walk_is_replayed_to_its_end(moves: list[str], per_step: int, ease: str) -> None:
    at = sokoban([(3, 2), (2, 3)], [(5, 4), (4, 4)], (1, 1))
    stops, count = [SOKOBAN.places(at)], 0
    start = at
    for move in moves:
        if move in SOKOBAN.moves(at):
            at = SOKOBAN.step(at, move)
            stops.append(SOKOBAN.places(at))
            count += 1
    places = animate(stops, Motion(frames_per_step=per_step, ease=ease, length="any")).places_TN2
    trace = replay(SOKOBAN, start, track(places, ("box", "box", "agent")), Tolerances())
    assert trace.broken_at is None and len(trace.moves) == count and trace.end == at


@given(st.lists(st.sampled_from(["up", "down", "left", "right"]), min_size=1, max_size=25))
def test_every_walk_with_a_step_through_a_wall_is_stopped(moves: list[str]) -> None:
    at, places, illegal = maze(), [np.array([[1, 1]], np.float32)], False
    for move in moves:
        if move in MAZE.moves(at):
            at = MAZE.step(at, move)
            places.append(MAZE.places(at))
        elif not illegal:
            dx, dy = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}[move]
            places += [MAZE.places(at) + np.array([dx, dy], np.float32), MAZE.places(at)]
            illegal = True
    seen = track(animate(places, Motion(length="any")).places_TN2)
    assert (replay(MAZE, maze(), seen, Tolerances()).broken_at is not None) == illegal


def test_tolerances_are_checked() -> None:
    for wrong in ({"lane": 0.6}, {"jump": 0}, {"lanes": 0.2}):
        with pytest.raises(ValidationError):
            Tolerances(**wrong)
    strict = judged(track(detour((3, 1.4))), lane=0.0)
    assert strict.status == "pass"  # 0.4 cells is still in the cell
    assert broken(judged(track(detour((3, 1.6))), lane=0.0)) == {"rules.legal"}
    assert judged(track(detour((3, 1.6))), lane=0.25).status == "pass"
