"""VR-Bench's state files, schema 1.0, of its games on a grid: check and read them, and write them.

Codes of the grids: maze 0 floor, 1 wall, 2 player, 3 goal; sokoban 0 floor, 1 wall, 2 box, 3 target, 4 box on
target, 5 player, 6 player on target (or as its `metadata.symbols` says). Places are in pixels of the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genreason.render.lattice import Lattice
from genreason.types import Json, UserError

VERSION = "1.0"
MAZE = {"empty": 0, "wall": 1, "player": 2, "goal": 3}
SOKOBAN = {
    "empty": 0,
    "wall": 1,
    "box": 2,
    "target": 3,
    "box_on_target": 4,
    "player": 5,
    "player_on_target": 6,
}
GAMES = {"maze": MAZE, "sokoban": SOKOBAN}
Cell = tuple[int, int]
"""(row, column)."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """What a state file says, in this project's terms.

    Attributes:
        puzzle: the family.
        state: the family's JSON of the start.
        goal: the family's JSON of the goal.
        lattice: the grid in the image's pixels.
        size: (width, height) of the image.
    """

    puzzle: str
    state: Json
    goal: Json
    lattice: Lattice
    size: tuple[int, int]


def parse(record: Json, size: tuple[int, int]) -> Level:
    """Read a state, checking that grid, entities and image agree.

    Args:
        record: the state file.
        size: (width, height) of the image that belongs to it.

    Raises:
        UserError: something is missing, unknown or contradicts something else; says what.
    """
    version, game = record.get("version"), _item(record, "game_type")
    if version != VERSION:
        raise UserError(f"state version {version!r} is unknown, {VERSION!r} is read here")
    metadata = record.get("metadata", {})
    if not isinstance(metadata, dict):
        raise UserError("metadata of the state is no object")
    symbols = dict(GAMES[game])
    if game == "sokoban" and isinstance(own := metadata.get("symbols"), dict):
        symbols.update({name: own[name] for name in symbols if name in own})
    rows = _grid(record, symbols)
    lattice = _lattice(record, size, (len(rows), len(rows[0])))
    cells = {name: _cells(rows, code) for name, code in symbols.items()}
    grid = ["".join("#" if code == symbols["wall"] else "." for code in row) for row in rows]
    players = cells["player"] + cells.get("player_on_target", [])
    agent = _one("player", players)
    _agrees(record, "player", [agent], lattice)
    state: Json = {"grid": grid, "agent": list(agent)}
    end: Json
    if game == "maze":
        goal = _one("goal", cells["goal"])
        _agrees(record, "goal", [goal], lattice)
        end = {"goal": list(goal)}
    else:
        boxes = sorted(cells["box"] + cells["box_on_target"])
        targets = sorted(cells["target"] + cells["box_on_target"] + cells["player_on_target"])
        _agrees(record, "goal", targets, lattice)
        _agrees_all(record, boxes, lattice)
        state["boxes"] = [list(box) for box in boxes]
        end = {"targets": [list(target) for target in targets]}
    return Level(puzzle=game, state=state, goal=end, lattice=lattice, size=size)


def state_json(game: str, state: Json, goal: Json, lattice: Lattice, size: tuple[int, int]) -> Json:
    """The state file of a maze or sokoban of ours.

    Args:
        game: the family.
        state: its JSON of the start.
        goal: its JSON of the goal.
        lattice: the grid in the image's pixels; told under `metadata.lattice` too, as it need not begin at 0,
            0 nor have cells of a whole number of pixels.
        size: (width, height) of the image.
    """
    codes = np.array([[int(tile == "#") for tile in row] for row in state["grid"]])
    agent: Sequence[int] = state["agent"]
    boxes: list[list[int]] = state.get("boxes", [])
    goals: list[list[int]] = goal["targets"] if game == "sokoban" else [goal["goal"]]
    if game == "maze":
        codes[tuple(goals[0])] = MAZE["goal"]
        codes[tuple(agent)] = MAZE["player"]
    else:
        for target in goals:
            codes[tuple(target)] = SOKOBAN["target"]
        for box in boxes:
            codes[tuple(box)] = SOKOBAN["box_on_target" if box in goals else "box"]
        codes[tuple(agent)] = SOKOBAN["player_on_target" if list(agent) in goals else "player"]
    metadata: Json = {"lattice": lattice.to_json()}
    if game == "sokoban":
        metadata["symbols"] = SOKOBAN
    return {
        "version": VERSION,
        "game_type": game,
        "entities": {
            "player": _entity(agent, lattice),
            "goal": _entity(goals[0], lattice),
            "boxes": [_entity(box, lattice) for box in boxes],
        },
        "render": {"cell_size": round(lattice.cell_w), "image_width": size[0], "image_height": size[1]},
        "metadata": metadata,
        "grid": {"data": codes.tolist(), "height": codes.shape[0], "width": codes.shape[1]},
    }


def _item(record: Any, *names: str) -> Any:
    """A field of nested objects.

    Raises:
        UserError: it is not there.
    """
    for depth, name in enumerate(names):
        if not isinstance(record, dict) or name not in record:
            raise UserError(f"the state lacks {'.'.join(names[: depth + 1])}")
        record = record[name]
    return record


def _number(record: Any, *names: str) -> float:
    value = _item(record, *names)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{'.'.join(names)} of the state is {value!r}, not a number")
    return value


def _grid(record: Json, symbols: dict[str, int]) -> list[list[int]]:
    rows = _item(record, "grid", "data")
    known = list(symbols.values())  # a list: foreign codes may be anything, hashable or not
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise UserError("grid.data of the state is no table of codes")
    if len({len(row) for row in rows}) > 1:
        raise UserError("rows of grid.data of the state are not of one length")
    strange = sorted({str(code) for row in rows for code in row if code not in known})
    if strange:
        raise UserError(f"grid.data of the state holds the unknown code {strange[0]}")
    found = (len(rows), len(rows[0]))
    said = (_number(record, "grid", "height"), _number(record, "grid", "width"))
    if said != found:
        raise UserError(f"grid.data of the state is {found[0]}x{found[1]}, grid says {said[0]}x{said[1]}")
    return rows


def _lattice(record: Json, size: tuple[int, int], shape: tuple[int, int]) -> Lattice:
    said = (_number(record, "render", "image_width"), _number(record, "render", "image_height"))
    if said != size:
        raise UserError(f"the image is {size[0]}x{size[1]}, the state says {said[0]}x{said[1]}")
    own = record.get("metadata", {}).get("lattice")
    rows, cols = shape
    if isinstance(own, dict):
        try:
            lattice = Lattice.from_json(own)
        except KeyError as error:
            raise UserError(f"metadata.lattice of the state lacks {error}") from error
        if (lattice.rows, lattice.cols) != shape:
            raise UserError("metadata.lattice of the state is not of the grid's size")
        return lattice
    cell = _number(record, "render", "cell_size")
    if (cols * cell, rows * cell) != size:
        board = f"{cols}x{rows} cells of {cell} px"
        raise UserError(f"the state contradicts its image: {board} do not fill {size[0]}x{size[1]}")
    return Lattice(cols=cols, rows=rows, x0=0, y0=0, cell_w=cell, cell_h=cell)


def _cells(rows: list[list[int]], code: int) -> list[Cell]:
    return [(r, c) for r, row in enumerate(rows) for c, found in enumerate(row) if found == code]


def _one(what: str, cells: list[Cell]) -> Cell:
    if len(cells) != 1:
        raise UserError(f"grid.data of the state has {len(cells)} cells with the {what}, not 1")
    return cells[0]


def _where(entity: Any, name: str, lattice: Lattice) -> Cell:
    """The cell of an entity, by its box in pixels; its grid_pos must agree."""
    x, y = _number(entity, "bbox", "center_x"), _number(entity, "bbox", "center_y")
    col, row = (round(float(v)) for v in lattice.cells((x, y)))
    place = entity.get("grid_pos")
    if isinstance(place, dict):
        told = (place.get("row", place.get("y")), place.get("col", place.get("x")))
        if told != (row, col):
            raise UserError(f"the state contradicts itself: {name} is at {told} and its bbox at {(row, col)}")
    return row, col


def _agrees(record: Json, name: str, cells: list[Cell], lattice: Lattice) -> None:
    found = _where(_item(record, "entities", name), name, lattice)
    if found not in cells:
        raise UserError(f"the state contradicts itself: {name} is at {found}, in the grid at {cells}")


def _agrees_all(record: Json, boxes: list[Cell], lattice: Lattice) -> None:
    listed = _item(record, "entities", "boxes")
    if not isinstance(listed, list):
        raise UserError("entities.boxes of the state is no list")
    found = sorted(_where(entity, "box", lattice) for entity in listed)
    if found != boxes:
        raise UserError(f"the state contradicts itself: boxes are at {found}, in the grid at {boxes}")


def _entity(cell: Sequence[int], lattice: Lattice) -> Json:
    row, col = cell
    x, y = (float(v) for v in lattice.pixels((col, row)))
    left, top = round(x - lattice.cell_w / 2), round(y - lattice.cell_h / 2)
    width, height = round(lattice.cell_w), round(lattice.cell_h)
    centre_x, centre_y = int(x), int(y)
    return {
        "pixel_pos": {"x": centre_x, "y": centre_y},
        "bbox": {
            "x": left,
            "y": top,
            "width": width,
            "height": height,
            "center_x": centre_x,
            "center_y": centre_y,
        },
        "grid_pos": {"row": row, "col": col},
    }
