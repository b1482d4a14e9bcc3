"""The worlds that there are."""

from __future__ import annotations

from typing import Any

from genreason.train.roomworlds import MazeWorld, TrapfieldWorld
from genreason.train.sokobanworld import SokobanWorld
from genreason.train.world import World, WorldSource

_FAMILIES: dict[str, type[World[Any]]] = {
    "maze": MazeWorld,
    "trapfield": TrapfieldWorld,
    "sokoban": SokobanWorld,
}


def world_of(source: WorldSource, token: int, frames: int = 1) -> World[Any]:
    """The world of a source; see `World`."""
    return _FAMILIES[source.task](source, token, frames)
