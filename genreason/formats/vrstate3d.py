"""VR-Bench's state files, schema 1.0, of its mazes of cubes.

`metadata` has the grid's size, the cubes, where start and goal are, and the ladders; `entities` the boxes in
pixels of the ball at the start and at the goal. The pictures are matplotlib's: a camera 20 degrees above the
ground at 45 degrees, with its default perspective.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genreason.formats import vrstate
from genreason.formats.vrstate import Level, Size, item
from genreason.generate.oracle import solution
from genreason.puzzles.scaffold import MOVES, RISE, ball
from genreason.render.camera import Camera
from genreason.render.cubes import Cube
from genreason.render.lattice import Lattice
from genreason.types import Instance, Json, UserError

GAME = "maze3d"
ELEVATION, AZIMUTH, DISTANCE = 20.0, 45.0, 10.0
BOX = 1.8294640721620434 * 25 / 24  # length of the box that matplotlib fits the grid into
VIEW = (-0.095, 0.09)  # what of the projection plane the figure shows, both ways
FIGURE, CUT, DRAWN = 800.0, 30.0, 740.0  # pixels of the figure, cut off on each side, and of what is left
NEAR = 2.5  # pixels (of `DRAWN`) by which boxes may be off the figure that matplotlib draws by default
OFF = 4.0  # and off what can be fitted to them
MOST_ZOOM = 1.15  # times that a figure may be larger or smaller: the next grid would be 1.25 times as large
CELL = 0.75  # of a cube's edge: walks one cube apart, as flat as they are seen, are 1.5 cells apart


def parse(record: Json, size: Size) -> Level:
    """Read a state, checking that cubes, entities and image agree.

    Args:
        record: the state file.
        size: of the image that belongs to it.

    Raises:
        UserError: something is missing, unknown or contradicts something else; says what.
    """
    vrstate.check(record, size)
    metadata = item(record, "metadata")
    cubes = {_cube(value, "cubes") for value in _list(metadata, "cubes")}
    start, goal = (_cube(item(metadata, name), name) for name in ("start_pos", "goal_pos"))
    bases = sorted(_base(entry, cubes) for entry in _list(metadata, "ladders"))
    for name, cube in (("start_pos", start), ("goal_pos", goal)):
        if cube not in cubes:
            raise UserError(f"the state contradicts itself: there is no cube at {name} {list(cube)}")
    boxes = np.array([_middle(record, name) for name in ("player", "goal")])
    camera, lattice = _own(metadata) or _matplotlib(metadata, size, boxes, (start, goal))
    drawn = lattice.pixels(camera.project(ball([start, goal])))
    off = float(np.abs(drawn - boxes).max()) * DRAWN / max(size)
    if off > OFF:
        raise UserError(
            f"the state contradicts itself: boxes of player and goal are {off:.0f} px off their cubes"
        )
    state = {
        "cubes": [list(cube) for cube in sorted(cubes)],
        "ladders": [list(base) for base in bases],
        "agent": list(start),
        "camera": [list(row) for row in camera.rows],
    }
    scene = {"grid": lattice.to_json()}
    return Level(puzzle=GAME, state=state, goal={"goal": list(goal)}, size=size, scene=scene)


def state_json(instance: Instance) -> Json:
    """The state file of a maze of ours; what VR-Bench has no field for is under `metadata` too."""
    state, goal = instance.state, instance.goal["goal"]
    lattice = Lattice.from_json(instance.scene["grid"])
    camera = Camera.of(np.array(state["camera"]))
    places = lattice.pixels(camera.project(ball([state["agent"], goal])))
    player, end = (vrstate.entity_json(float(x), float(y), lattice.cell_w, lattice.cell_h) for x, y in places)
    metadata = {
        "grid_size": [max(cube[i] for cube in state["cubes"]) + 1 for i in range(3)],
        "cubes": state["cubes"],
        "start_pos": state["agent"],
        "goal_pos": goal,
        "ladders": [{"base_pos": base, "direction": "+x", "height": RISE} for base in state["ladders"]],
        "path": _path(state["agent"], solution(instance)),
        "camera": state["camera"],
        "lattice": lattice.to_json(),
    }
    return vrstate.state_json(GAME, instance.size, lattice.cell_w, player, end, metadata)


def figure_camera(grid: tuple[int, int, int], size: tuple[float, float]) -> Camera:
    """Where VR-Bench's matplotlib draws points of a grid in a picture of `size` (w, h) pixels."""
    extent = np.array(grid, np.float64)
    box = extent / extent.max()
    box *= BOX / np.linalg.norm(box)
    tilt, turn = math.radians(ELEVATION), math.radians(AZIMUTH)
    way = np.array([math.cos(tilt) * math.cos(turn), math.cos(tilt) * math.sin(turn), math.sin(tilt)])
    right = np.cross([0.0, 0.0, 1.0], way)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(way, right), -way])  # rightwards, upwards, away from the viewer
    eye = 0.5 * box + DISTANCE * way
    seen = np.column_stack([axes * (box / extent), -axes @ eye])
    unit = FIGURE / (VIEW[1] - VIEW[0])
    figure = np.array(
        [[unit, 0, -VIEW[0] * unit - CUT], [0, -unit, FIGURE + VIEW[0] * unit - CUT], [0, 0, 1]]
    )
    fit = np.diag([size[0] / DRAWN, size[1] / DRAWN, 1.0])
    return Camera.of(fit @ figure @ seen / DISTANCE)


def _matplotlib(metadata: Json, size: Size, boxes: Any, cubes: tuple[Cube, Cube]) -> tuple[Camera, Lattice]:
    """The camera of a picture that VR-Bench drew, to cells, and the cells.

    Figures of other margins or zoom than matplotlib's by default are fitted to where the two boxes are.
    """
    grid = _cube(item(metadata, "grid_size"), "grid_size")
    if min(grid) < 1:
        raise UserError(f"grid_size of the state is {list(grid)}")
    camera = figure_camera(grid, size)
    places = camera.project(ball(cubes))
    if float(np.abs(places - boxes).max()) * DRAWN / max(size) > NEAR:
        apart, wanted = (float(np.hypot(*(ends[1] - ends[0]))) for ends in (places, boxes))
        scale = wanted / apart if apart > 0 else 0.0
        if not 1 / MOST_ZOOM < scale < MOST_ZOOM:
            raise UserError("the state contradicts itself: boxes of player and goal do not fit grid_size")
        shift = boxes.mean(axis=0) - scale * places.mean(axis=0)
        camera = camera.moved((scale, scale), (float(shift[0]), float(shift[1])))
    return camera_in_cells(camera, grid, size)


def camera_in_cells(camera: Camera, grid: Cube, size: Size) -> tuple[Camera, Lattice]:
    """A camera to pixels of a picture as one to cells, and the cells."""
    corners = camera.project(np.array(grid) / 2 + np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)]))
    cell = CELL * float(np.hypot(*(corners[1:] - corners[0]).T).mean())
    cols, rows = math.ceil(size[0] / cell), math.ceil(size[1] / cell)
    lattice = Lattice(cols=cols, rows=rows, x0=0.0, y0=0.0, cell_w=cell, cell_h=cell)
    return camera.moved((1 / cell, 1 / cell), (-0.5, -0.5)), lattice


def _own(metadata: Json) -> tuple[Camera, Lattice] | None:
    """The camera and lattice that `state_json` wrote."""
    if "camera" not in metadata or "lattice" not in metadata:
        return None
    try:
        matrix = np.array(metadata["camera"], np.float64).reshape(3, 4)
        return Camera.of(matrix), Lattice.from_json(metadata["lattice"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"metadata.camera or metadata.lattice of the state cannot be read ({error})"
        ) from error


def _middle(record: Json, name: str) -> tuple[float, float]:
    """The middle of an entity's box, to half a pixel where the box says it."""
    x, y = vrstate.centre(record, name)
    box = item(record, "entities", name, "bbox")
    if all(isinstance(box.get(key), int) for key in ("x", "y", "width", "height")):
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    return x, y


def _path(start: list[int], moves: tuple[str, ...]) -> list[Json]:
    found, here = [], start
    for move in moves:
        end = [a + b for a, b in zip(here, MOVES[move], strict=True)]
        found.append({"start": here, "end": end, "type": "ladder" if move in ("up", "down") else "walk"})
        here = end
    return found


def _base(entry: Any, cubes: set[Cube]) -> Cube:
    """The cube on which a ladder begins."""
    base = _cube(item(entry, "base_pos"), "ladders.base_pos")
    height = item(entry, "height")
    if height != RISE:
        raise UserError(f"a ladder of the state is {height!r} high, {RISE} is known")
    if base not in cubes or (base[0], base[1], base[2] + RISE) not in cubes:
        raise UserError(f"the state contradicts itself: the ladder at {list(base)} joins no two cubes")
    return base


def _list(metadata: Json, name: str) -> list[Any]:
    value = item(metadata, name)
    if not isinstance(value, list):
        raise UserError(f"metadata.{name} of the state is no list")
    return value


def _cube(value: Any, name: str) -> Cube:
    if not isinstance(value, list) or len(value) != 3 or not all(type(v) is int for v in value):
        raise UserError(f"metadata.{name} of the state holds {value!r}, no cube [x, y, z]")
    return value[0], value[1], value[2]
