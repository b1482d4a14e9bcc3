"""The generator that knows the solution: the pipeline's own test, and the source of ground truths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genreason.puzzles import base
from genreason.render.motion import Motion
from genreason.types import Clip, Frame, GenreasonError, Instance, Request


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


def solution_clip(instance: Instance) -> Clip:
    """The clip of a solution, with the instance's own movement; drawn when it is read."""
    puzzle = base.load(instance.scene["puzzle"])
    script = puzzle.script(instance, solution(instance), Motion(**instance.scene["motion"]))
    return script.clip(puzzle.board(instance), instance.fps)


def solved_picture(instance: Instance) -> Frame:
    """The last frame of a solution, HWC RGB uint8."""
    puzzle = base.load(instance.scene["puzzle"])
    state = puzzle.start(instance)
    for move in solution(instance):
        state = puzzle.step(state, move)
    return puzzle.shown(instance, state)


class Oracle:
    """Answers every request with a solution."""

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """One solution clip a request; `seed` changes nothing."""
        return [solution_clip(request.instance) for request in requests]
