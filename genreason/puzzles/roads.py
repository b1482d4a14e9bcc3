"""Puzzles on roads: an agent moves along lines in the picture, from node to node.

The roads may be curved, of any direction, and cross in the picture without meeting. Places are in cells: one
cell is the width of a road unless a family says otherwise; half of it to each side of its line is its lane.
"""

from __future__ import annotations

import functools
import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import networkx as nx
import numpy as np
import numpy.typing as npt

from genreason.perceive.read import read_places
from genreason.perceive.track import Track
from genreason.puzzles.base import PiecePuzzle, Places, Reading
from genreason.render.board import Board
from genreason.replay import Replay, Tolerances
from genreason.roam import Samples, roam
from genreason.types import Frame, IllegalMove, Instance, Solution

Point = tuple[float, float]
"""x, y in cells."""
NOWHERE = -1
HALF = 0.5  # cells from a node up to which the agent counts as there, and widths of a road to each side
APART = 1.5  # cells between two places that controls choose
MOST_BOARDS = 4
_BOARDS: dict[tuple[object, ...], Board] = {}


@dataclass(frozen=True, slots=True)
class Road:
    """A way out of a node.

    Attributes:
        move: its name in solutions (a string or a number).
        target: the node that it leads to.
        line: its places from node to node, both included.
    """

    move: Any
    target: int
    line: tuple[Point, ...]

    @property
    def length(self) -> float:
        """Cells along the line."""
        return float(np.hypot(*np.diff(np.array(self.line), axis=0).T).sum())


class Network:
    """Nodes and the roads between them; unchanging, equal where nodes and roads are.

    Attributes:
        nodes: places of the nodes.
        roads: for each node the roads that leave it. Each road is there from both of its ends.
        digest: hash of all of it.
    """

    def __init__(self, nodes: Sequence[Point], roads: Sequence[Sequence[Road]]) -> None:
        """See the class."""
        self.nodes = tuple(nodes)
        self.roads = tuple(tuple(leaving) for leaving in roads)
        self.digest = hashlib.blake2b(repr((self.nodes, self.roads)).encode(), digest_size=16).hexdigest()

    def __eq__(self, other: object) -> bool:
        """Whether nodes and roads are the same."""
        return isinstance(other, Network) and self.digest == other.digest

    def __hash__(self) -> int:
        """Of the digest."""
        return hash(self.digest)

    def road(self, node: int, move: Any) -> Road | None:
        """The road of that name out of a node."""
        return next((road for road in self.roads[node] if road.move == move), None)

    @functools.cached_property
    def graph(self) -> nx.Graph[int]:
        """Nodes and roads, with the roads' `length`; of several between two nodes the shortest."""
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(self.nodes)))
        for node, leaving in enumerate(self.roads):
            for road in leaving:
                known = graph.get_edge_data(node, road.target)
                if known is None or road.length < known["length"]:
                    graph.add_edge(node, road.target, length=road.length)
        return graph

    @functools.cached_property
    def samples(self) -> Samples:
        """Points close together along all roads."""
        lines = [
            (node, road.target, np.array(road.line))
            for node, leaving in enumerate(self.roads)
            for road in leaving
            if node < road.target
        ]
        return Samples(np.array(self.nodes), lines)


@dataclass(frozen=True)
class RoadState:
    """A network, and where the agent and its goal are.

    Attributes:
        network: shared by all states of one puzzle.
        agent: the node that the agent is at, or `NOWHERE` between nodes.
        goal: the node that it has to go to.
    """

    network: Network
    agent: int
    goal: int


S = TypeVar("S", bound=RoadState)
M = TypeVar("M")


class RoadPuzzle(PiecePuzzle[S, M]):
    """A puzzle on roads. A family gives sampling, forms, words and `_board`."""

    # -- rules -----------------------------------------------------------------------------------------------
    def solve(self, state: S) -> Solution[M] | None:
        """A shortest way to the goal by length of the roads, or None where none leads there."""
        try:
            nodes = nx.dijkstra_path(state.network.graph, state.agent, state.goal, weight="length")
        except (nx.NetworkXNoPath, nx.NodeNotFound):
            return None
        return Solution(tuple(_shortest(state.network, a, b).move for a, b in _pairs(nodes)))

    def moves(self, state: S) -> Iterable[M]:
        """The roads that leave the agent's node."""
        return () if state.agent == NOWHERE else tuple(r.move for r in state.network.roads[state.agent])

    def step(self, state: S, move: M) -> S:
        """Along a road to its other end.

        Raises:
            IllegalMove: no road of that name leaves the node.
        """
        return replace(state, agent=self._road(state, move).target)

    def done(self, state: S) -> bool:
        """Whether the agent is at the goal."""
        return state.agent == state.goal

    def _road(self, state: S, move: M) -> Road:
        road = None if state.agent == NOWHERE else state.network.road(state.agent, move)
        if road is None:
            raise IllegalMove(f"no road {move} leaves from there")
        return road

    # -- places ----------------------------------------------------------------------------------------------
    def places(self, state: S) -> Places:
        """(1, 2): where the agent's node is."""
        return np.array([state.network.nodes[state.agent]], np.float32)

    def way(self, state: S, move: M) -> list[Places]:
        """Places along the road, about a cell apart."""
        line = np.array(self._road(state, move).line)
        arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        stops = np.linspace(0, arc[-1], max(round(float(arc[-1])), 1) + 1)[1:]
        points = np.stack([np.interp(stops, arc, line[:, k]) for k in (0, 1)], -1).astype(np.float32)
        return [point[None] for point in points]

    def arranged(self, state: S, places: Places) -> S:
        """The state with the agent at the node there."""
        off = np.abs(np.array(state.network.nodes) - places[0]).max(axis=1)
        return replace(state, agent=int(off.argmin()) if off.min() <= HALF else NOWHERE)

    def settled(self, state: S, places: Places, unit: int = 1) -> S:
        """The state with the agent at the node that is within half a cell, or between nodes.

        Of several it is the goal: somebody else's nodes may lie close together.
        """
        if np.abs(places[0] - self.goals(state)[0]).max() <= HALF:
            return replace(state, agent=state.goal)
        return self.arranged(state, places)

    def trace(self, state: S, track: Track, rules: Tolerances) -> Replay:
        """Follow a track along the roads."""
        reach = (HALF + rules.lane) * self.width(state)
        found = roam(state.network.samples, state.agent, track.places_TN2[:, 0], ~track.broken_T, reach)
        nodes = _passed(state.network, found.trail)
        moves = tuple(_shortest(state.network, a, b).move for a, b in _pairs(nodes))
        what = "" if found.broken_at is None else self.explain(state, track.places_TN2[found.broken_at])
        return Replay(moves, replace(state, agent=nodes[-1]), found.broken_at, what, 0)

    def explain(self, state: S, places: Places) -> str:
        """Why the agent cannot have come to `places` along the roads."""
        away = self.depth(state, float(places[0, 0]), float(places[0, 1]))
        if away > 0:
            return f"the agent leaves the road (by {away:.1f} of its width)"
        return "the agent changes to a road that is not joined to its own there"

    def goals(self, state: S) -> Places:
        """(1, 2): the goal's place."""
        return np.array([state.network.nodes[state.goal]], np.float32)

    def stands(self, state: S) -> Places:
        """Places on the roads, away from the goal, the agent and each other."""
        taken = [*self.goals(state), *self.places(state)]
        found: list[npt.NDArray[np.float32]] = []
        for point in state.network.samples.points:
            if min(float(np.hypot(*(point - other))) for other in [*taken, *found]) >= APART:
                found.append(point.astype(np.float32))
        return np.array(found, np.float32).reshape(-1, 2)

    def openings(self, state: S) -> Places:
        """Places half a cell and more off every lane, in the network's extent."""
        points = state.network.samples.points
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        cells = np.stack(np.meshgrid(np.arange(x0, x1, 0.5), np.arange(y0, y1, 0.5)), -1).reshape(-1, 2)
        near = np.array([self.depth(state, float(x), float(y)) for x, y in cells])
        return cells[(near >= 0.5) & (near < 1.2)].astype(np.float32).reshape(-1, 2)

    def depth(self, state: S, x: float, y: float) -> float:
        """How far (cells) a point lies off every lane; negative on one."""
        off = np.hypot(*(state.network.samples.points - (x, y)).T).min()
        return float(off) - HALF * self.width(state)

    def width(self, state: S) -> float:
        """Cells across a road as it is seen."""
        return 1.0

    # -- pictures --------------------------------------------------------------------------------------------
    @abstractmethod
    def _board(self, instance: Instance) -> Board:
        """The layers of an instance: the roads, and the agent as the only piece."""

    def board(self, instance: Instance) -> Board:
        """The scene as layers; the last few boards are kept."""
        key = (instance.key, instance.style, instance.size, str(instance.first_frame))
        if key not in _BOARDS:
            while len(_BOARDS) >= MOST_BOARDS:
                del _BOARDS[next(iter(_BOARDS))]
            _BOARDS[key] = self._board(instance)
        return _BOARDS[key]

    def read(self, frame: Frame, instance: Instance) -> Reading[S]:
        """The state that a frame (HWC RGB uint8, any size) shows."""
        start = self.start(instance)
        points = start.network.samples.points
        board, stands = self.board(instance), points.astype(np.float32)
        found = read_places(board, self.picture(instance), frame, stands, self.places(start))
        return Reading(self.settled(start, found.places_N2), float(found.quality_N.min()))


def _pairs(nodes: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(nodes, nodes[1:], strict=False))


def _passed(network: Network, trail: Sequence[int]) -> list[int]:
    """The nodes that a walk over these samples passes within half a cell, and those that lie between them."""
    nodes = [trail[0]]
    for sample in trail:
        near = int(network.samples.arc[sample].argmin())
        node = int(network.samples.ends[sample, near])
        if network.samples.arc[sample, near] <= HALF and node != nodes[-1]:
            nodes += nx.dijkstra_path(network.graph, nodes[-1], node, weight="length")[1:]
    return nodes


def _shortest(network: Network, a: int, b: int) -> Road:
    """The shortest road from one node to a neighbour."""
    return min((road for road in network.roads[a] if road.target == b), key=lambda road: road.length)
