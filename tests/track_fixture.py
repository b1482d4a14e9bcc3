"""Tracks that nobody had to look at: what a clip would have shown, written down as places in cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.perceive.track import Track
from genreason.perceive.view import View
from genreason.puzzles.base import Puzzle
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.maze import MazeState
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.sokoban import SokobanState
from genreason.render.motion import Motion, animate
from genreason.replay import Tolerances
from genreason.types import Verdict
from genreason.verify import CHECKS, verify

Path = list[tuple[float, float]]
Places = npt.NDArray[np.float32]

# x 0 1 2 3 4 5 6      the goal is at (5, 5)
MAZE_GRID = [
    "#######",
    "#.....#",
    "#.###.#",
    "#.#.#.#",
    "#.###.#",
    "#.....#",
    "#######",
]  # fmt: skip
LEGAL: Path = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (5, 2), (5, 3), (5, 4), (5, 5)]
ROOM = ["#######", "#.....#", "#.....#", "#.....#", "#.....#", "#######"]


def maze(
    rows: list[str] = MAZE_GRID, agent: tuple[int, int] = (1, 1), goal: tuple[int, int] = (5, 5)
) -> MazeState:
    state = MAZE.decode({"grid": rows, "agent": [agent[1], agent[0]]}, {"goal": [goal[1], goal[0]]})
    return state


def sokoban(
    boxes: list[tuple[int, int]], targets: list[tuple[int, int]], agent: tuple[int, int]
) -> SokobanState:
    record = {"grid": ROOM, "boxes": [[y, x] for x, y in boxes], "agent": [agent[1], agent[0]]}
    return SOKOBAN.decode(record, {"targets": [[y, x] for x, y in targets]})


def track(places: Places, names: tuple[str, ...] = ("agent",), **changes: Any) -> Track:
    length, n = places.shape[:2]
    values: dict[str, Any] = {
        "names": names,
        "fps": 10.0,
        "clip_size": (70, 70),
        "view": View((1.0, 1.0), (0.0, 0.0), "same", 0.0),
        "places_TN2": places.astype(np.float32),
        "presence_TN": np.ones((length, n), np.float32),
        "camera_T2": np.zeros((length, 2), np.float32),
        "spots": (),
        "broken_T": np.zeros(length, np.bool_),
        "start_gap": 0.0,
        "start_change": 0.0,
        "oddness_TN": np.zeros((length, n), np.float32),
        "contrast_N": (100.0,) * n,
        **changes,
    }
    return Track(**values)


def along(*paths: Path, ease: str = "smooth", per_step: int = 4, start: int = 3, end: int = 3) -> Places:
    """Places (T, N, 2): each path is one piece's; all have as many points."""
    stops = [np.array(points, np.float32) for points in zip(*paths, strict=True)]
    motion = Motion(ease=ease, frames_per_step=per_step, hold_start=start, hold_end=end, length="any")
    return animate(stops, motion).places_TN2


def judged(seen: Track, state: Any = None, puzzle: Puzzle[Any, Any] = MAZE, **rules: Any) -> Verdict:
    state = maze() if state is None else state
    return verify(
        puzzle, state, seen, Tolerances(**rules), lambda cells: np.asarray(cells, np.float32) * 10 + 5
    )


def broken(verdict: Verdict) -> set[str]:
    assert set(verdict.checks) == set(CHECKS)
    zero = {name for name, value in verdict.checks.items() if value == 0}
    assert {violation.check for violation in verdict.violations} == zero
    assert (verdict.status == "pass") == (not verdict.violations) == (verdict.score == 1.0)
    return zero


def detour(cell: tuple[float, float]) -> Places:
    """The legal way with one cell more, and back."""
    return along([*LEGAL[:3], cell, *LEGAL[2:]])
