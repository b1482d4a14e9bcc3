"""VR-Bench's states of irregular mazes (its code calls the game pathfinder).

The roads are in `metadata`: `segments` are Bezier curves by their control points in pixels of the image,
`road_width` pixels wide; `start_point` and `end_point` are ends of them, `solution_path` the ends that one
solution passes and `solution_segments` the numbers of its curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from genreason.formats import vrstate
from genreason.formats.vrstate import Level, Size, item, number
from genreason.puzzles.irregular_maze import PUZZLE, RoadMap, names, road_map
from genreason.puzzles.roads import RoadState
from genreason.puzzles.touching import Bend, Point, joined
from genreason.puzzles.voronoi import GRAIN
from genreason.render.lattice import Lattice
from genreason.types import Instance, Json, UserError

TYPE = "pathfinder"
SAME = 0.15  # road widths up to which an entity is where the metadata have it: it stands on a whole pixel


def parse(record: Json, size: Size) -> Level:
    """Read a state, checking that roads, entities and image agree.

    Roads that run together in the picture are joined there, which the list of segments does not always say.

    Args:
        record: the state file.
        size: of the image that belongs to it.

    Raises:
        UserError: something is missing, unknown or contradicts something else; says what.
    """
    vrstate.check(record, size)
    width = number(record, "metadata", "road_width")
    if not 2 <= width <= min(size) / 2:
        raise UserError(
            f"metadata.road_width of the state is {width:g} pixels in an image of {size[0]}x{size[1]}"
        )
    lattice, extent = _lattice(record, size, width)
    curves = _curves(record, lattice)
    nodes = sorted({curve[k] for curve in curves for k in (0, -1)})
    bends: list[Bend] = []
    for controls in curves:
        a, b = nodes.index(controls[0]), nodes.index(controls[-1])
        if a == b:
            raise UserError("a segment of the state ends where it begins")
        inner = tuple(controls[1:-1])
        bends.append((a, b, inner) if a < b else (b, a, inner[::-1]))
    start, goal = (_node(record, name, nodes, lattice) for name in ("player", "goal"))
    if start == goal:
        raise UserError("the state contradicts itself: player and goal are at the same place")
    nodes, bends = joined(
        nodes, bends
    )  # new nodes come last: the others keep the names that VR-Bench gives them
    state = RoadState(RoadMap(names(len(nodes), start, goal), nodes, bends, extent), start, goal)
    if PUZZLE.solve(state) is None:
        raise UserError("no road of the state leads from the player to the goal")
    encoded, end = PUZZLE.encode(state)
    return Level(puzzle=PUZZLE.name, state=encoded, goal=end, size=size, scene={"grid": lattice.to_json()})


def state_json(instance: Instance) -> Json:
    """The state file of an irregular maze."""
    start = PUZZLE.decode(instance.state, instance.goal)
    lattice = Lattice.from_json(instance.scene["grid"])
    found = road_map(start)
    solved = PUZZLE.solve(start)
    moves = instance.scene.get("solution", solved.moves if solved else ())
    path = [start.agent, *(found.names.index(move) for move in moves)]
    roads = {frozenset(bend[:2]): k for k, bend in enumerate(found.bends)}

    def pixels(points: Sequence[Point]) -> list[list[float]]:
        return [[float(v) for v in point] for point in lattice.pixels(points)]

    player, goal = pixels([found.nodes[start.agent], found.nodes[start.goal]])
    metadata = {
        "segments": [pixels([found.nodes[a], *inner, found.nodes[b]]) for a, b, inner in found.bends],
        "start_point": player,
        "end_point": goal,
        "solution_segments": [roads[frozenset(pair)] for pair in pairwise(path)],
        "solution_path": pixels([found.nodes[node] for node in path]),
        "road_width": lattice.cell_w,
        "lattice": lattice.to_json(),
    }
    entities = [vrstate.entity_json(x, y, lattice.cell_w, lattice.cell_h) for x, y in (player, goal)]
    return vrstate.state_json(TYPE, instance.size, lattice.cell_w, entities[0], entities[1], metadata)


def _lattice(record: Json, size: Size, width: float) -> tuple[Lattice, Point]:
    """The grid of road widths in the image's pixels, and the map's extent in cells."""
    own = item(record, "metadata").get("lattice")
    if isinstance(own, dict):
        try:
            lattice = Lattice.from_json(own)
        except KeyError as error:
            raise UserError(f"metadata.lattice of the state lacks {error}") from error
        return lattice, (float(lattice.cols), float(lattice.rows))
    extent = (size[0] / width, size[1] / width)
    return Lattice(
        cols=int(extent[0]), rows=int(extent[1]), x0=0.0, y0=0.0, cell_w=width, cell_h=width
    ), extent


def _curves(record: Json, lattice: Lattice) -> list[list[Point]]:
    """The control points of each road in cells."""
    segments = item(record, "metadata", "segments")
    if not isinstance(segments, list) or not segments:
        raise UserError("metadata.segments of the state is no list of roads")
    return [_points(segment, f"metadata.segments[{k}]", lattice) for k, segment in enumerate(segments)]


def _points(value: Any, where: str, lattice: Lattice) -> list[Point]:
    try:
        points = np.array(value, np.float64)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
        raise UserError(f"{where} of the state is no list of two or more points [x, y]")
    corner, cell = np.array([lattice.x0, lattice.y0]), np.array([lattice.cell_w, lattice.cell_h])
    cells = np.rint(((points - corner) / cell - 0.5) * GRAIN) / GRAIN
    return [(float(x), float(y)) for x, y in cells]


def _node(record: Json, name: str, nodes: list[Point], lattice: Lattice) -> int:
    """The node at which an entity is; `start_point` and `end_point` must agree with it."""
    place = lattice.cells(vrstate.centre(record, name))
    field = {"player": "start_point", "goal": "end_point"}[name]
    told = item(record, "metadata").get(field)
    if told is not None:
        ((x, y),) = _points([told, told], f"metadata.{field}", lattice)[:1]
        if np.hypot(*(place - (x, y))) > SAME:
            raise UserError(f"the state contradicts itself: {name} is not at metadata.{field}")
    away = np.hypot(*(np.array(nodes) - place).T)
    if away.min() > SAME:
        raise UserError(f"the state contradicts itself: {name} is at no end of a segment")
    return int(away.argmin())
