"""How far a clip or an answer got, and how straight: our figures beside the strict verdict.

All are measured on the moves that were made before the first violation, along shortest solutions. With
`d(s)` for the distance that is left to travel from a state by a shortest solution:

- progress: 1 - d(end) / d(start), the share of the puzzle that was solved; 1 exactly for what passes. It is 0
  where the end is no nearer to the goal than the start, or the goal cannot be reached any more.
- excess: distance travelled / d(start) - 1; only for what passes.
- decisiveness: (d(start) - d(end)) / distance travelled, never below 0: how much of the movement led to the
  goal. 1 for what went straight as far as it went, whether it arrived or not; little for what wandered. It is
  not defined where nothing moved.

Only whole moves count: a step to the next tile, a road to its end. Distances are in cells, as far as the
piece goes that moves farthest: a tile is 1, a road as long as it is, a walk counts in Sokoban as a push does.
A figure is left out where its distance is not known: no solution exists at the start, or the search was given
up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from genreason.perceive.track import Track
from genreason.puzzles.base import PiecePuzzle, Puzzle
from genreason.replay import Replay, Tolerances
from genreason.types import GenreasonError, Violation


def travelled(puzzle: Puzzle[Any, Any], state: Any, moves: Sequence[Any]) -> float:
    """Cells along the way of the moves: of each stretch, how far the piece goes that goes farthest.

    Where nothing goes anywhere (cells that change), every move counts 1.

    Raises:
        IllegalMove: a move is not legal.
    """
    if not isinstance(puzzle, PiecePuzzle):
        return float(len(moves))
    total, here = 0.0, puzzle.places(state)
    for move in moves:
        for stop in puzzle.way(state, move):
            total += float(np.hypot(*(stop - here).T).max())
            here = stop
        state = puzzle.step(state, move)
    return total


def distance(puzzle: Puzzle[Any, Any], state: Any) -> float | None:
    """Cells to travel to the goal by a shortest solution.

    Returns:
        Infinity where no way leads there, None where the search was given up.
    """
    if puzzle.done(state):
        return 0.0
    try:
        found = puzzle.solve_quickly(state)
    except GenreasonError:
        return None
    return math.inf if found is None else travelled(puzzle, state, found.moves)


def progress_metrics(
    puzzle: Puzzle[Any, Any], start: Any, moves: Sequence[Any], passed: bool
) -> dict[str, float]:
    """Progress, excess and decisiveness.

    Args:
        puzzle: the rules.
        start: the start state.
        moves: legal moves, those made before the first violation.
        passed: the strict verdict. What passes has arrived, even where its last half cell is no move; for
            what does not, the move onto the goal does not count, as it did not last or was not clean.

    Returns:
        Those that are defined, under the names `progress`, `excess`, `decisiveness`.
    """
    whole = distance(puzzle, start)
    if whole is None or not 0 < whole < math.inf:
        return {}
    states = [start]
    for move in moves:
        states.append(puzzle.step(states[-1], move))
    while not passed and puzzle.done(states[-1]):
        states.pop()
    end, moves = states[-1], moves[: len(states) - 1]
    left, gone = distance(puzzle, end), travelled(puzzle, start, moves)
    if left is None:
        return {"progress": 1.0} if passed else {}
    if passed:
        gone, left = gone + (left if left < math.inf else 0.0), 0.0
    out = {"progress": min(max(1.0 - left / whole, 0.0), 1.0)}
    if gone > 0:
        out["decisiveness"] = min(max((whole - left) / gone, 0.0), 1.0)
    if passed:
        out["excess"] = max(gone / whole - 1.0, 0.0)
    return out


def clip_metrics(
    puzzle: PiecePuzzle[Any, Any],
    start: Any,
    track: Track,
    rules: Tolerances,
    trace: Replay,
    found: Sequence[Violation],
) -> dict[str, float]:
    """`progress_metrics` of a clip.

    Args:
        puzzle: the rules.
        start: the start state.
        track: what was seen.
        rules: the tolerances by which it was followed.
        trace: how far that went.
        found: all violations, of whatever check, in order of time.
    """
    moves = trace.moves
    if found and found[0].check != "rules.goal":  # followed anew: what the breaking frame adds was not seen
        first = round(found[0].seconds * track.fps)
        moves = puzzle.trace(start, track.until(first), rules).moves if first else ()
    return progress_metrics(puzzle, start, moves, passed=not found)
