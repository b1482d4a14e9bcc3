"""VR-Bench's state files, schema 1.0: what all games share. Its games: `genreason.formats.vrgames`.

A state says where things are in pixels of its image (`entities`), how large that is (`render`), and, in games
on a grid, what each cell holds (`grid`); the rest of a game is under `metadata`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from genreason.render.lattice import Lattice
from genreason.types import Json, UserError

VERSION = "1.0"
Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """What a state file says, in this project's terms.

    Attributes:
        puzzle: the family.
        state: the family's JSON of the start.
        goal: the family's JSON of the goal.
        size: of the image.
        scene: where things are in the image's pixels, as `Puzzle.layout` says it ("grid", ...).
    """

    puzzle: str
    state: Json
    goal: Json
    size: Size
    scene: Json = field(default_factory=dict)


def check(record: Json, size: Size) -> None:
    """Check what states of all games must say: the version, and the size of the image.

    Args:
        record: the state file.
        size: of the image that belongs to it.

    Raises:
        UserError: the version is not the one that is read here, or the image is of another size.
    """
    version = record.get("version")
    if version != VERSION:
        raise UserError(f"state version {version!r} is unknown, {VERSION!r} is read here")
    said = (number(record, "render", "image_width"), number(record, "render", "image_height"))
    if said != size:
        raise UserError(
            f"the state contradicts its image: it says {said[0]}x{said[1]}, the image is {size[0]}x{size[1]}"
        )
    if not isinstance(record.get("metadata", {}), dict):
        raise UserError("metadata of the state is no object")


def item(record: Any, *names: str) -> Any:
    """A field of nested objects.

    Raises:
        UserError: it is not there.
    """
    for depth, name in enumerate(names):
        if not isinstance(record, dict) or name not in record:
            raise UserError(f"the state lacks {'.'.join(names[: depth + 1])}")
        record = record[name]
    return record


def number(record: Any, *names: str) -> float:
    """A field of nested objects that must be a number.

    Raises:
        UserError: it is not there, or something else.
    """
    value = item(record, *names)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{'.'.join(names)} of the state is {value!r}, not a number")
    return value


def centre(record: Json, name: str) -> tuple[float, float]:
    """Where an entity ("player", "goal") is: the middle of its box in pixels of the image.

    Raises:
        UserError: the state does not say it, or it lies outside the image.
    """
    entity = item(record, "entities", name)
    x, y = middle(entity)
    w, h = number(record, "render", "image_width"), number(record, "render", "image_height")
    if not (0 <= x < w and 0 <= y < h):
        raise UserError(f"the state contradicts its image: {name} at ({x:g}, {y:g}) lies outside {w}x{h}")
    return x, y


def own_lattice(record: Json) -> Lattice | None:
    """The grid that an exported state tells under `metadata.lattice`, or None where there is none.

    Raises:
        UserError: it is no grid.
    """
    if not isinstance(record.get("metadata", {}).get("lattice"), dict):
        return None
    for name in Lattice.__slots__:
        number(record, "metadata", "lattice", name)
    found = Lattice.from_json(record["metadata"]["lattice"])
    if min(found.cell_w, found.cell_h, found.cols, found.rows) <= 0:
        raise UserError("metadata.lattice of the state has no cells")
    return found


def middle(entity: Any) -> tuple[float, float]:
    """The middle of an entity's box in pixels.

    Raises:
        UserError: the entity does not say it.
    """
    return number(entity, "bbox", "center_x"), number(entity, "bbox", "center_y")


def entity_json(x: float, y: float, width: float, height: float) -> Json:
    """An entity with its middle at (x, y) and a box of that size, in pixels."""
    centre_x, centre_y = int(x), int(y)
    return {
        "pixel_pos": {"x": centre_x, "y": centre_y},
        "bbox": {
            "x": round(x - width / 2),
            "y": round(y - height / 2),
            "width": round(width),
            "height": round(height),
            "center_x": centre_x,
            "center_y": centre_y,
        },
    }


def state_json(
    game_type: str, size: Size, cell_size: float, player: Json, goal: Json, metadata: Json, boxes: Any = ()
) -> Json:
    """A state without a grid.

    Args:
        game_type: VR-Bench's name of the game.
        size: of the image.
        cell_size: side of a cell, or width of a road, in pixels.
        player: an entity, as `goal` and each of `boxes`.
        goal: see `player`.
        metadata: the game's own.
        boxes: see `player`.
    """
    return {
        "version": VERSION,
        "game_type": game_type,
        "entities": {"player": player, "goal": goal, "boxes": list(boxes)},
        "render": {"cell_size": round(cell_size), "image_width": size[0], "image_height": size[1]},
        "metadata": metadata,
    }
