"""What a model says against what it shows: the words of a clip, and the way that its agent goes.

A step of the words is "at b2 go up", and one frame shows it: the agent is a room further. Words may stand
before each frame (`tv2tv`) or all before the first (`think2v`): in both the k-th step belongs to frame k.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from genreason.puzzles import base
from genreason.types import IllegalMove, Instance

_STEP = re.compile(r"\bgo (up|down|left|right)\b")
_WAYS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
_NEAR = 0.5  # rooms: so far from the place that a step leads to, it is not that step


def said(texts: Sequence[str]) -> list[str]:
    """The ways that the words of a clip name, in order."""
    return _STEP.findall(" ".join(texts))


def stride(instance: Instance) -> int:
    """Tiles from room to room: two in mazes; trap fields and Sokobans are told tile by tile."""
    return 2 if instance.scene["puzzle"] == "maze" else 1


def shown(instance: Instance, places: Sequence[Sequence[float] | None]) -> list[str | None]:
    """The way that the agent goes from each frame to the next; None where it is no step to a room beside.

    Args:
        instance: the puzzle.
        places: of the agent in each frame, (x, y) in pixels of the first frame, as a verdict's evidence has
            them; None where it is not seen.
    """
    grid = instance.scene["grid"]
    across, down = (stride(instance) * grid[side] for side in ("cell_w", "cell_h"))
    ways: list[str | None] = []
    for old, new in itertools.pairwise(places):
        if old is None or new is None:
            ways.append(None)
        else:
            ways.append(_way((new[0] - old[0]) / across, (new[1] - old[1]) / down))
    return ways


def leads(instance: Instance, ways: Sequence[str]) -> bool:
    """Whether these steps from room to room are legal and end on the goal."""
    puzzle = base.load(instance.scene["puzzle"])
    state = puzzle.start(instance)
    try:
        for way in ways:
            for _ in range(stride(instance)):
                state = puzzle.step(state, way)
    except IllegalMove:
        return False
    return bool(puzzle.done(state))


def arrives(instance: Instance, places: Sequence[Sequence[float] | None]) -> bool:
    """Whether the agent goes to the goal, step by step and legally; how the clip looks does not count."""
    ways = shown(instance, places)
    while ways and ways[-1] is None:
        ways.pop()
    known = [way for way in ways if way is not None]
    return len(known) == len(ways) and leads(instance, known)


def _way(dx: float, dy: float) -> str | None:
    for name, (x, y) in _WAYS.items():
        if max(abs(dx - x), abs(dy - y)) < _NEAR:
            return name
    return None
