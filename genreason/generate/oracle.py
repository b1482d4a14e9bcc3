"""The generator that knows the solution: the pipeline's own test, and the source of ground truths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.puzzles import base
from genreason.render.motion import Motion, animate
from genreason.types import Clip, GenreasonError, Instance, Request

Stops = list[npt.NDArray[np.float32]]


def solution(instance: Instance) -> tuple[Any, ...]:
    """The moves of a solution: those stored with the instance, or found anew.

    Raises:
        GenreasonError: the puzzle has no solution.
    """
    puzzle = base.load(instance.scene["puzzle"])
    if "solution" in instance.scene:
        return tuple(instance.scene["solution"])
    found = puzzle.solve(puzzle.start(instance))
    if found is None:
        raise GenreasonError(f"{instance.sample_id} has no solution")
    return found.moves


def stops(puzzle: base.Puzzle[Any, Any], state: Any, moves: Sequence[Any]) -> Stops:
    """Where the pieces are before, on the way of, and after the moves."""
    out = [puzzle.places(state)]
    for move in moves:
        out += puzzle.way(state, move)
        state = puzzle.step(state, move)
    return out


def solution_clip(instance: Instance) -> Clip:
    """The clip of a solution, with the instance's own movement; drawn when it is read."""
    puzzle = base.load(instance.scene["puzzle"])
    start = puzzle.start(instance)
    script = animate(stops(puzzle, start, solution(instance)), Motion(**instance.scene["motion"]))
    return script.clip(puzzle.board(instance), instance.fps)


class Oracle:
    """Answers every request with a solution."""

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """One solution clip a request; `seed` changes nothing."""
        return [solution_clip(request.instance) for request in requests]
