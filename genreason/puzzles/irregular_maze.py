"""Irregular mazes: an agent drives along bent roads from node to node to the goal.

Sampled maps are the edges of a Voronoi diagram with most of its loops (`genreason.puzzles.voronoi`). Nodes
have the names that VR-Bench's language form gives them: `start`, `goal`, and letters for all others from left
to right. A move is the name of the node at the other end of a road. The measure of `solve` is the length of
the roads.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import networkx as nx
import numpy as np
import numpy.typing as npt
from pydantic import Field

from genreason import seeds
from genreason.perceive.foreign_roads import take_apart
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.grid import item
from genreason.puzzles.roads import Network, Point, Road, RoadPuzzle, RoadState
from genreason.puzzles.voronoi import GRAIN, curve, draw_map
from genreason.render import skins
from genreason.render.board import Board, Piece, blend
from genreason.render.lattice import Lattice
from genreason.render.marks import Mark
from genreason.render.pictures import Picture
from genreason.render.plate import draw_piece
from genreason.render.streets import STYLES, RoadStyle, draw_roads
from genreason.render.styles import Paint
from genreason.types import SKINS, GenreasonError, Instance, Json, UserError, unknown

START, GOAL = "start", "goal"
Bend = tuple[int, int, tuple[Point, ...]]
"""Two nodes and the control points of the Bezier curve between them (none: a straight road)."""
LEAST_ROAD = 10  # pixels of a road's width below which compression leaves too little of the agent to be sure
PICTURE = 0.8  # width of a user's pictures of agent and goal in cells
BLACK = Paint((0, 0, 0))  # what lies beside roads of a user's texture
FINE = 0.25  # cells between the places of a road's line
WAYS = (
    "to the right", "to the lower right", "straight down", "to the lower left", "to the left",
    "to the upper left", "straight up", "to the upper right",
)  # fmt: skip
_TRIES, _PAIRS = 100, 8

Cells = Annotated[int, Field(ge=10, le=100)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class IrregularMazeParams(Params):
    """What a level of irregular mazes is.

    Attributes:
        side: side of the map in road widths ("cells").
        spacing: least distance (cells) of the seeds of the Voronoi diagram: larger gives fewer, longer roads.
        loops: share of the roads that are not needed to join all nodes which are kept.
        bend: how far at most (shares of its length) a road's control point lies off its middle.
        min_nodes: the least number of nodes on the shortest way, start and goal included.
    """

    side: Cells = 20
    spacing: float = Field(default=4.1, ge=3.0)
    loops: Share = 0.8
    bend: float = Field(default=0.04, ge=0.0, le=0.15)
    min_nodes: int = Field(default=6, ge=2)


class RoadMap(Network):
    """The network of an irregular maze.

    Attributes:
        names: of the nodes.
        bends: the roads, each once.
        extent: (width, height) of the map in cells; it begins at -0.5.
    """

    def __init__(
        self, names: Sequence[str], nodes: Sequence[Point], bends: Sequence[Bend], extent: Point
    ) -> None:
        """See the class."""
        self.names, self.bends, self.extent = tuple(names), tuple(bends), extent
        roads: list[list[Road]] = [[] for _ in nodes]
        for a, b, controls in bends:
            line = _line(nodes[a], controls, nodes[b])
            roads[a].append(Road(names[b], b, line))
            roads[b].append(Road(names[a], a, line[::-1]))
        super().__init__(nodes, [sorted(leaving, key=lambda road: str(road.move)) for leaving in roads])
        self.digest += f"{extent}"

    @property
    def lines(self) -> list[npt.NDArray[np.float64]]:
        """The places (K, 2) of each road, once."""
        return [np.array(_line(self.nodes[a], controls, self.nodes[b])) for a, b, controls in self.bends]


def _line(start: Point, controls: Sequence[Point], end: Point) -> tuple[Point, ...]:
    """Places on the Bezier curve, `FINE` apart."""
    points = np.array([start, *controls, end], np.float64)
    count = max(int(np.hypot(*np.diff(points, axis=0).T).sum() / FINE), 1)
    if not controls:
        count = 1
    return tuple((float(x), float(y)) for x, y in curve(points[0], points[1:-1], points[-1], count))


class IrregularMaze(RoadPuzzle[RoadState, str]):
    """The irregular maze family; moves are names of nodes."""

    name: ClassVar[str] = "irregular_maze"
    params: ClassVar[type[Params]] = IrregularMazeParams

    # -- sampling --------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: IrregularMazeParams, accept: Accept | None = None
    ) -> RoadState:
        """A random map with at least one loop; the goal is one of the third of nodes farthest from the start.

        Raises:
            GenreasonError: 100 maps one after the other had no way of `min_nodes` nodes.
        """
        misfits = 0
        while misfits < _TRIES:
            found = draw_map(rng, params.side, params.spacing, params.loops, params.bend)
            misfits += 1
            if found is None or len(found.edges) < len(found.nodes):
                continue
            nodes = [(float(x), float(y)) for x, y in found.nodes]
            bends = [
                (int(a), int(b), ((float(x), float(y)),))
                for (a, b), (x, y) in zip(found.edges, found.bends, strict=True)
            ]
            extent = (float(params.side), float(params.side))
            plain = RoadMap([str(i) for i in range(len(nodes))], nodes, bends, extent)
            for _ in range(_PAIRS):
                ends = _ends(plain, rng, params.min_nodes)
                if ends is None:
                    continue
                misfits = 0
                start, goal = ends
                state = RoadState(RoadMap(names(len(nodes), start, goal), nodes, bends, extent), start, goal)
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"no irregular maze of {params.side} road widths has a way of {params.min_nodes} nodes: lower "
            f"min_nodes or spacing"
        )

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: RoadState) -> tuple[Json, Json]:
        """Nodes by name, roads with their control points, the agent's node; and the goal's.

        `{"size": [width, height], "nodes": {name: [x, y]}, "roads": [[name, name, [[x, y]]]], "agent": name}`
        in cells, one of which is a road's width; and `{"goal": name}`.
        """
        found = road_map(state)
        record = {
            "size": list(found.extent),
            "nodes": {name: list(node) for name, node in zip(found.names, found.nodes, strict=True)},
            "roads": [
                [found.names[a], found.names[b], [list(point) for point in controls]]
                for a, b, controls in found.bends
            ],
            "agent": found.names[state.agent],
        }
        return record, {"goal": found.names[state.goal]}

    def decode(self, state: Json, goal: Json) -> RoadState:
        """The inverse of `encode`.

        Raises:
            UserError: a field is missing, or names no node.
        """
        fields = {name: item(state, name, self.name) for name in ("size", "nodes", "roads")}
        network = _parsed(json.dumps(fields))
        agent = _node(network, item(state, "agent", self.name), "agent")
        return RoadState(network, agent, _node(network, item(goal, "goal", self.name), "goal"))

    def canonical(self, state: RoadState) -> bytes:
        """Roads, agent and goal up to shift, rotation and reflection, in thousandths of a cell."""
        found = road_map(state)
        ends = np.array([found.nodes[state.agent], found.nodes[state.goal]])
        curves = [np.array([found.nodes[a], *controls, found.nodes[b]]) for a, b, controls in found.bends]
        points = np.rint(np.concatenate([ends, *curves]) * GRAIN).astype(np.int64)
        cuts = np.cumsum([len(ends), *map(len, curves)])[:-1]
        forms = []
        for turn in range(8):
            turned = points[:, ::-1] if turn & 4 else points
            turned = turned * (-1 if turn & 1 else 1, -1 if turn & 2 else 1)
            two, *rest = np.split(turned - turned.min(axis=0), cuts)
            roads = sorted(min(road.tolist(), road[::-1].tolist()) for road in rest)
            forms.append(repr((two.tolist(), roads)))
        return min(forms).encode()

    def plan(self, state: RoadState, move: str) -> str:
        """Where the agent is, where the goal lies, which roads lead on, and the road that is taken."""
        found = road_map(state)
        place, goal = found.nodes[state.agent], found.nodes[state.goal]
        where = f"I am at {self._called(state, state.agent)}; the goal lies {heading(place, goal)}."
        road = self._road(state, move)
        ways = [(heading(place, _onward(r)), r) for r in found.roads[state.agent]]
        taken = f"Take the road {heading(place, _onward(road))}, to {self._called(state, road.target)}."
        if len(ways) == 1:
            return f"{where} Only one road leads on. {taken}"
        roads = "; ".join(f"{way}, to {self._called(state, r.target)}" for way, r in ways)
        return f"{where} Roads: {roads}. {taken}"

    def _called(self, state: RoadState, node: int) -> str:
        """A node as a person calls it."""
        found = road_map(state)
        if found.names[node] in (START, GOAL):
            return f"the {found.names[node]}"
        kind = {1: "dead end", 2: "bend"}.get(len(found.roads[node]), "junction")
        return f"{kind} {found.names[node]}"

    # -- pictures --------------------------------------------------------------------------------------------
    def layout(self, state: RoadState, size: tuple[int, int], style: str) -> Json:
        """`Instance.scene`: the map in the middle of a picture of `size` (width, height)."""
        width, height = road_map(state).extent
        cell = min(size[0] / width, size[1] / height)
        if cell < LEAST_ROAD:
            small = f"roads {cell:.1f} pixels wide cannot be read at {size[0]} x {size[1]} pixels"
            raise UserError(f"{small}: use --size {int(np.ceil(LEAST_ROAD * max(width, height)))} or more")
        x0, y0 = (size[0] - width * cell) / 2, (size[1] - height * cell) / 2
        cols, rows = int(width), int(height)
        return {"grid": Lattice(cols=cols, rows=rows, x0=x0, y0=y0, cell_w=cell, cell_h=cell).to_json()}

    def styles(self) -> tuple[str, ...]:
        """Names of the styles."""
        return tuple(STYLES)

    def style(self, name: str) -> RoadStyle:
        """The style of that name, or with the textures in the folder that "skins:FOLDER" names.

        Raises:
            UserError: there is none.
        """
        if skins.is_skin(name):
            return _dressed(skins.load(Path(name.removeprefix(SKINS)), self.name))
        if name not in STYLES:
            raise unknown(f"style of {self.name}", name, STYLES)
        return STYLES[name]

    def style_words(self, style: str) -> dict[str, str]:
        """What a person calls the things in a picture of this style."""
        return self.style(style).words()

    def _board(self, instance: Instance) -> Board:
        state, lattice = self.start(instance), Lattice.from_json(instance.scene["grid"])
        found = road_map(state)
        if instance.foreign:
            places = self.places(state)[0], self.goals(state)[0]
            return take_apart(self.picture(instance), found.lines, lattice, *places)
        style = _dressed(skins.of(instance, self.name)) if instance.skinned else self.style(instance.style)
        rng = seeds.stream(instance.key, "surface")
        plate = draw_roads(found.lines, lattice, style, instance.size, rng)
        x, y = lattice.pixels(self.goals(state)[0])
        blend(plate, _sprite("goal", style.goal, lattice), float(x), float(y))
        return Board(plate, (_sprite("agent", style.agent, lattice),), lattice, style.words())


def _sprite(name: str, look: Mark | Picture, lattice: Lattice) -> Piece:
    """The picture of agent or goal; a user's is as wide as VR-Bench draws it."""
    return draw_piece(name, look, lattice.cell_w * (PICTURE if isinstance(look, Picture) else 1))


def _dressed(skin: skins.Skin) -> RoadStyle:
    """The style that a user's textures are."""
    looks = skin.looks
    return RoadStyle(
        name=skin.style, road=looks["road"], ground=BLACK, agent=looks["agent"], goal=looks["goal"]
    )


def road_map(state: RoadState) -> RoadMap:
    """The network of a state of this family."""
    assert isinstance(state.network, RoadMap)
    return state.network


def heading(start: Point, end: Point) -> str:
    """The direction from one place to another in words: "to the upper left"."""
    angle = np.arctan2(end[1] - start[1], end[0] - start[0])
    return WAYS[round(float(angle) / (np.pi / 4)) % 8]


def names(count: int, start: int, goal: int) -> list[str]:
    """Names of nodes in their order: start, goal, and A, B, ..., Z, AA, AB, ... for all others."""
    letters = (f"{chr(64 + k // 26) if k >= 26 else ''}{chr(65 + k % 26)}" for k in range(count))
    return [START if i == start else GOAL if i == goal else next(letters) for i in range(count)]


def _onward(road: Road) -> Point:
    """The place about a cell along a road: where it leaves to."""
    return road.line[min(round(1 / FINE), len(road.line) - 1)]


def _ends(found: RoadMap, rng: np.random.Generator, least: int) -> tuple[int, int] | None:
    """A start, and a goal among the third of nodes that are farthest from it, `least` nodes away or more."""
    pick, far = rng.random(2).tolist()
    start = int(pick * len(found.nodes))
    ways = nx.single_source_dijkstra_path(found.graph, start, weight="length")
    distant = list(ways)[-max(1, len(ways) // 3) :]
    goals = [node for node in distant if len(ways[node]) >= least]
    return (start, goals[int(far * len(goals))]) if goals else None


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> RoadMap:
    """The network of the JSON text of its fields."""
    record = json.loads(text)
    places, family = record["nodes"], "irregular_maze"
    if not isinstance(places, dict) or not places:
        raise UserError(f"{family} nodes: must be a mapping of names to [x, y]")
    found = {name: _point(place, f"{family} node {name}") for name, place in places.items()}
    called = sorted(found, key=lambda name: (found[name], name))  # JSON's order means nothing
    nodes = [found[name] for name in called]
    bends: list[Bend] = []
    for road in record["roads"]:
        if not isinstance(road, list) or len(road) != 3 or not isinstance(road[2], list):
            raise UserError(f"{family} roads: {road!r} is not [name, name, [[x, y], ...]]")
        for name in road[:2]:
            if name not in places:
                raise UserError(f"{family} roads: {name!r} is no node")
        controls = tuple(_point(point, f"{family} road {road[0]}-{road[1]}") for point in road[2])
        a, b = called.index(road[0]), called.index(road[1])
        bends.append((a, b, controls) if a < b else (b, a, controls[::-1]))
    return RoadMap(called, nodes, bends, _point(record["size"], f"{family} size"))


def _point(value: Any, what: str) -> Point:
    pair = isinstance(value, list | tuple) and len(value) == 2
    if not pair or not all(type(v) in (int, float) and np.isfinite(v) for v in value):
        raise UserError(f"{what}: {value!r} is not [x, y]")
    return float(value[0]), float(value[1])


def _node(network: RoadMap, name: Any, what: str) -> int:
    if name not in network.names:
        raise UserError(f"irregular_maze {what}: {name!r} is no node")
    return network.names.index(name)


PUZZLE = IrregularMaze()
