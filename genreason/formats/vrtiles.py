"""VR-Bench's states of its games on a grid: maze, trapfield and sokoban.

Codes: maze and trapfield 0 floor, 1 wall or trap, 2 player, 3 goal; sokoban 0 floor, 1 wall, 2 box, 3 target,
4 box on target, 5 player, 6 player on target (or as its `metadata.symbols` says).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from genreason.formats import vrstate
from genreason.formats.vrstate import Level, Size, item, number
from genreason.render.lattice import Lattice
from genreason.types import Instance, Json, UserError

PLAIN = {"empty": 0, "wall": 1, "player": 2, "goal": 3}
SOKOBAN = {
    "empty": 0,
    "wall": 1,
    "box": 2,
    "target": 3,
    "box_on_target": 4,
    "player": 5,
    "player_on_target": 6,
}
Cell = tuple[int, int]
"""(row, column)."""


def parse(record: Json, size: Size) -> Level:
    """Read a state, checking that grid, entities and image agree.

    Args:
        record: the state file.
        size: of the image that belongs to it.

    Raises:
        UserError: something is missing, unknown or contradicts something else; says what.
    """
    vrstate.check(record, size)
    game = item(record, "game_type")
    symbols = _symbols(record, game)
    rows = _grid(record, symbols)
    lattice = _lattice(record, size, (len(rows), len(rows[0])))
    cells = {name: _cells(rows, code) for name, code in symbols.items()}
    grid = ["".join("#" if code == symbols["wall"] else "." for code in row) for row in rows]
    agent = _one("player", cells["player"] + cells.get("player_on_target", []))
    _agrees(record, "player", [agent], lattice)
    state: Json = {"grid": grid, "agent": list(agent)}
    end: Json
    if game == "sokoban":
        boxes = sorted(cells["box"] + cells["box_on_target"])
        targets = sorted(cells["target"] + cells["box_on_target"] + cells["player_on_target"])
        _agrees(record, "goal", targets, lattice)
        _agrees_all(record, boxes, lattice)
        state["boxes"] = [list(box) for box in boxes]
        end = {"targets": [list(target) for target in targets]}
    else:
        goal = _one("goal", cells["goal"])
        _agrees(record, "goal", [goal], lattice)
        end = {"goal": list(goal)}
    return Level(puzzle=game, state=state, goal=end, size=size, scene={"grid": lattice.to_json()})


def state_json(instance: Instance) -> Json:
    """The state file of a maze, trapfield or sokoban.

    The grid in the image's pixels is told under `metadata.lattice` too, as it need not begin at 0, 0 nor have
    cells of a whole number of pixels.
    """
    game, state, goal = str(instance.scene["puzzle"]), instance.state, instance.goal
    lattice = Lattice.from_json(instance.scene["grid"])
    codes = np.array([[int(tile == "#") for tile in row] for row in state["grid"]])
    agent: Sequence[int] = state["agent"]
    boxes: list[list[int]] = state.get("boxes", [])
    goals: list[list[int]] = goal["targets"] if game == "sokoban" else [goal["goal"]]
    metadata: Json = {"lattice": lattice.to_json()}
    if game == "sokoban":
        for target in goals:
            codes[tuple(target)] = SOKOBAN["target"]
        for box in boxes:
            codes[tuple(box)] = SOKOBAN["box_on_target" if box in goals else "box"]
        codes[tuple(agent)] = SOKOBAN["player_on_target" if list(agent) in goals else "player"]
        metadata["symbols"] = SOKOBAN
    else:
        codes[tuple(goals[0])] = PLAIN["goal"]
        codes[tuple(agent)] = PLAIN["player"]
    entities = [_entity(cell, lattice) for cell in (agent, goals[0], *boxes)]
    record = vrstate.state_json(
        game, instance.size, lattice.cell_w, entities[0], entities[1], metadata, entities[2:]
    )
    grid = {"data": codes.tolist(), "height": codes.shape[0], "width": codes.shape[1]}
    return {**record, "grid": grid}


def _symbols(record: Json, game: str) -> dict[str, int]:
    symbols = dict(SOKOBAN if game == "sokoban" else PLAIN)
    own = record.get("metadata", {}).get("symbols")
    if isinstance(own, dict):
        symbols.update({name: own[name] for name in symbols if name in own})
    return symbols


def _grid(record: Json, symbols: dict[str, int]) -> list[list[int]]:
    rows = item(record, "grid", "data")
    known = list(symbols.values())  # a list: foreign codes may be anything, hashable or not
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise UserError("grid.data of the state is no table of codes")
    if len({len(row) for row in rows}) > 1:
        raise UserError("rows of grid.data of the state are not of one length")
    strange = sorted({str(code) for row in rows for code in row if code not in known})
    if strange:
        raise UserError(f"grid.data of the state holds the unknown code {strange[0]}")
    found = (len(rows), len(rows[0]))
    said = (number(record, "grid", "height"), number(record, "grid", "width"))
    if said != found:
        raise UserError(f"grid.data of the state is {found[0]}x{found[1]}, grid says {said[0]}x{said[1]}")
    return rows


def _lattice(record: Json, size: Size, shape: Cell) -> Lattice:
    rows, cols = shape
    if (own := vrstate.own_lattice(record)) is not None:
        if (own.rows, own.cols) != shape:
            raise UserError("metadata.lattice of the state is not of the grid's size")
        return own
    cell = number(record, "render", "cell_size")
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
    col, row = (round(float(v)) for v in lattice.cells(vrstate.middle(entity)))
    place = entity.get("grid_pos")
    if isinstance(place, dict):
        told = (place.get("row", place.get("y")), place.get("col", place.get("x")))
        if told != (row, col):
            raise UserError(f"the state contradicts itself: {name} is at {told} and its bbox at {(row, col)}")
    return row, col


def _agrees(record: Json, name: str, cells: list[Cell], lattice: Lattice) -> None:
    found = _where(item(record, "entities", name), name, lattice)
    if found not in cells:
        raise UserError(f"the state contradicts itself: {name} is at {found}, in the grid at {cells}")


def _agrees_all(record: Json, boxes: list[Cell], lattice: Lattice) -> None:
    listed = item(record, "entities", "boxes")
    if not isinstance(listed, list):
        raise UserError("entities.boxes of the state is no list")
    found = sorted(_where(entity, "box", lattice) for entity in listed)
    if found != boxes:
        raise UserError(f"the state contradicts itself: boxes are at {found}, in the grid at {boxes}")


def _entity(cell: Sequence[int], lattice: Lattice) -> Json:
    row, col = cell
    x, y = (float(v) for v in lattice.pixels((col, row)))
    record = vrstate.entity_json(x, y, lattice.cell_w, lattice.cell_h)
    return {**record, "grid_pos": {"row": row, "col": col}}
