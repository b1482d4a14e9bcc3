"""Graphs whose nodes are coloured one after the other, each next to one that is coloured.

A node may be coloured when a solid edge joins it to a coloured one; dashed edges are closed. Where the order
is "nearest", no node may be coloured before all that are fewer edges away from the first one. The goal is
that all nodes are coloured. The measure of `solve` is nodes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import networkx as nx
import numpy as np
from pydantic import Field, model_validator

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, rows_cells, rows_json
from genreason.render.cells import CellStyle, Ground, Sign, Stroke
from genreason.render.lattice import Lattice
from genreason.render.marks import Layer, Mark
from genreason.types import GenreasonError, IllegalMove, Instance, Json, Solution, UserError

PLAIN, REACHED = "plain", "reached"
APART = 2.0  # cells between two nodes, at least
CLEAR = 0.8  # cells between an edge and any other node, at least
RADIUS = 0.42  # of a node in cells
DASH, WIDTH = 0.2, 0.09  # length of a dash and width of an edge in cells
_TRIES = 200
Edges = tuple[tuple[int, int], ...]
"""Pairs of cells, the smaller first; ascending."""


class GraphTraversalParams(Params):
    """What a level is.

    Attributes:
        size: cells a side of the field on which nodes lie.
        nodes: number of nodes.
        extra: share of the edges that are not needed to reach all nodes which are kept.
        closed: number of dashed edges.
        order: whether nodes may be coloured in any order, or nearest to the first one first.
    """

    size: int = Field(7, ge=4, le=10)
    nodes: int = Field(8, ge=3, le=16)
    extra: float = Field(0.4, ge=0, le=1)
    closed: int = Field(0, ge=0)
    order: Literal["any", "nearest"] = "any"

    @model_validator(mode="after")
    def _room(self) -> GraphTraversalParams:
        if self.nodes > self.size**2 // 4:
            raise ValueError(
                f"nodes {self.nodes}: a field of {self.size} cells a side holds {self.size**2 // 4}"
            )
        return self


@dataclass(frozen=True, slots=True)
class GraphTraversalState:
    """A graph and which nodes are coloured: PLAIN, REACHED or "" in each cell; `start` is the first one."""

    cells: Cells
    size: int
    start: int
    edges: Edges
    closed: Edges
    nearest: bool


class GraphTraversal(BoardPuzzle[GraphTraversalState, str]):
    """The family; a move is the "row,column" of the node that is coloured."""

    name: ClassVar[str] = "graph_traversal"
    params: ClassVar[type[Params]] = GraphTraversalParams
    ruled: ClassVar[bool] = False

    def sample(
        self, rng: np.random.Generator, params: GraphTraversalParams, accept: Accept | None = None
    ) -> GraphTraversalState:
        """Nodes scattered over the field, and edges between them that do not cross.

        Raises:
            GenreasonError: 200 scatterings one after the other left no room for the nodes or the edges.
        """
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            state = _candidate(rng, params)
            if state is None:
                continue
            misfits = 0
            if accept is None or accept(state):
                return state
        raise GenreasonError(
            f"no graph of {params.nodes} nodes with {params.closed} closed edges fits on a field of "
            f"{params.size} cells a side: raise size, or lower nodes or closed"
        )

    def solve(self, state: GraphTraversalState) -> Solution[str] | None:
        """The nodes in order of their distance from the first, or None where some cannot be reached."""
        moves = []
        while not self.done(state):
            options = list(self.moves(state))
            if not options:
                return None
            moves.append(min(options, key=lambda m: (_rings(state)[self._cell(state, m)], options.index(m))))
            state = self.step(state, moves[-1])
        return Solution(tuple(moves))

    def moves(self, state: GraphTraversalState) -> Iterable[str]:
        """Every node that may be coloured now."""
        return tuple(self._move(state, k) for k in range(len(state.cells)) if not self._refusal(state, k))

    def step(self, state: GraphTraversalState, move: str) -> GraphTraversalState:
        """Colour a node.

        Raises:
            IllegalMove: it is none, or its turn has not come.
        """
        cell = self._cell(state, move)
        reason = self._refusal(state, cell)
        if reason:
            raise IllegalMove(reason)
        return replace(state, cells=(*state.cells[:cell], REACHED, *state.cells[cell + 1 :]))

    def likely(self, state: GraphTraversalState, seen: Mapping[int, str]) -> Iterable[str]:
        """The nodes that are seen coloured, where that is legal."""
        come = [cell for cell, symbol in seen.items() if symbol == REACHED]
        return [self._move(state, cell) for cell in come if not self._refusal(state, cell)]

    def changes(self, state: GraphTraversalState, move: str) -> dict[int, str]:
        """The one node."""
        return {self._cell(state, move): REACHED}

    def explain(self, state: GraphTraversalState, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this ("" for nothing)."""
        if symbol == REACHED and state.cells[cell] == PLAIN:
            return f"the node in {self.at(state, cell)} is coloured: {self._refusal(state, cell)}"
        return super().explain(state, cell, symbol)

    def _refusal(self, state: GraphTraversalState, cell: int) -> str:
        """Why a cell may not be coloured now, or ""."""
        if state.cells[cell] != PLAIN:
            return "it is coloured already" if state.cells[cell] else "there is no node"
        near = _near(state.edges).get(cell, ())
        if not any(state.cells[k] == REACHED for k in near):
            barred = any(state.cells[k] == REACHED for k in _near(state.closed).get(cell, ()))
            how = "only a dashed edge joins" if barred else "no edge joins"
            return f"{how} it to a coloured one"
        rings = _rings(state)
        if state.nearest and any(
            held == PLAIN and rings.get(k, 0) < rings[cell] for k, held in enumerate(state.cells)
        ):
            return "a node that is fewer edges away from the first one is left"
        return ""

    def done(self, state: GraphTraversalState) -> bool:
        """Whether all nodes are coloured, and none has come or gone."""
        nodes = {k for edge in state.edges for k in edge}
        return all((held == REACHED) == (k in nodes) for k, held in enumerate(state.cells))

    def encode(self, state: GraphTraversalState) -> tuple[Json, Json]:
        """`{"cells": rows, "start": [r, c], "edges": pairs of [r, c], "closed", "order"}` and `{}`."""
        n = state.size
        edges, closed = (
            [[grid.cell(a, n), grid.cell(b, n)] for a, b in part] for part in (state.edges, state.closed)
        )
        order = "nearest" if state.nearest else "any"
        rest = {"start": grid.cell(state.start, n), "edges": edges, "closed": closed, "order": order}
        return {"cells": rows_json(state.cells, n), **rest}, {}

    def decode(self, state: Json, goal: Json) -> GraphTraversalState:
        """The inverse of `encode`; every edge joins two nodes, and every node has an edge."""
        cells, n = rows_cells(state, "cells", (PLAIN, REACHED), self.name)
        if len(cells) != n * n:
            raise UserError("graph_traversal: give as many rows as columns")
        floor = bytes(not held for held in cells)

        def tile(value: Any, what: str) -> int:
            return grid.tile(value, floor, n, f"graph_traversal {what}", barrier="gap")

        start = tile(grid.item(state, "start", self.name), "start")
        parts = []
        for what in ("edges", "closed"):
            pairs = state.get(what, [])
            if not isinstance(pairs, list) or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
                raise UserError(f"graph_traversal {what}: give pairs of [row, column]")
            ends = [sorted(tile(end, what) for end in pair) for pair in pairs]
            parts.append(tuple(sorted((a, b) for a, b in ends)))
        if {k for edge in parts[0] for k in edge} != {k for k, held in enumerate(cells) if held}:
            raise UserError("graph_traversal edges: every node must have one at least")
        return GraphTraversalState(cells, n, start, parts[0], parts[1], state.get("order") == "nearest")

    def canonical(self, state: GraphTraversalState) -> bytes:
        """Up to rotation and reflection."""
        forms = []
        for _, moved in grid.symmetries(state.size, state.size):
            held = sorted((moved(k), symbol) for k, symbol in enumerate(state.cells) if symbol)
            edges = [
                sorted(sorted(map(moved, edge)) for edge in part) for part in (state.edges, state.closed)
            ]
            forms.append((held, moved(state.start), edges))
        return repr((state.size, state.nearest, min(forms))).encode()

    def plan(self, state: GraphTraversalState, move: str) -> str:
        """How many are left, which may be coloured now, and which one is."""
        left, options = state.cells.count(PLAIN), list(self.moves(state))
        cell = self._cell(state, move)
        by = min(k for k in _near(state.edges)[cell] if state.cells[k] == REACHED)
        which = (
            f"Colour the node in {self.at(state, cell)}: an edge joins it to the one in {self.at(state, by)}."
        )
        return f"{left} nodes are left; {len(options)} of them may be coloured now. {which}"

    def words(self, state: GraphTraversalState) -> dict[str, str]:
        """The rules of this graph."""
        rules = []
        if state.closed:
            rules.append("Dashed lines are closed and count for nothing.")
        if state.nearest:
            rules.append(
                "Nodes nearer to the first one come first: all that are one line away from it, then all that "
                "are two lines away, and so on."
            )
        return {"n": str(len(state.cells) - state.cells.count("")), "rules": " ".join(rules)}

    def shape(self, state: GraphTraversalState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.size, state.size

    def cells(self, state: GraphTraversalState) -> Cells:
        """The nodes."""
        return state.cells

    def symbols(self, state: GraphTraversalState) -> tuple[str, ...]:
        """A node that is not coloured, and one that is."""
        return PLAIN, REACHED

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A disc with an outline."""
        fill = style.first if symbol == REACHED else style.ground.colour
        layers = (Layer("disc", style.given), Layer("disc", fill, w=0.8, h=0.8))
        return Sign(mark=Mark("node", fill, layers, 2 * RADIUS))

    def arranged(self, state: GraphTraversalState, cells: Cells) -> GraphTraversalState:
        """The state with these nodes."""
        return replace(state, cells=cells)

    def held(self, state: GraphTraversalState) -> tuple[int, ...]:
        """The nodes' places; edges may run through other cells."""
        return tuple(sorted({k for edge in state.edges for k in edge}))

    def open(self, state: GraphTraversalState) -> frozenset[int]:
        """All other cells."""
        return frozenset(range(state.size**2)) - set(self.held(state))

    def ground(self, state: GraphTraversalState, style: CellStyle, lattice: Lattice) -> Ground:
        """One field: cells without a node look like the others."""
        return replace(super().ground(state, style, lattice), open=frozenset())

    def strokes(self, state: GraphTraversalState, style: CellStyle) -> tuple[Stroke, ...]:
        """The edges, from rim to rim."""
        found = []
        for dashed, part in ((False, state.edges), (True, state.closed)):
            for a, b in part:
                p, q = (np.array(self.place(state, k)) for k in (a, b))
                rim = (q - p) / np.hypot(*(q - p)) * RADIUS
                p, q = p + rim, q - rim
                count = round(np.hypot(*(q - p)) / DASH) // 2 * 2 + 1 if dashed else 1
                points = [tuple((p + (q - p) * k / count).tolist()) for k in range(count + 1)]
                found += [Stroke(points[k], points[k + 1], WIDTH, style.given) for k in range(0, count, 2)]
        return tuple(found)

    def trap(self, instance: Instance) -> str:
        """A question about the first frame whose true answer is no."""
        return "In the first frame, are two or more of the nodes coloured?"

    def _cell(self, state: GraphTraversalState, move: str) -> int:
        try:
            row, col = (int(word) - 1 for word in move.split(","))
        except ValueError:
            raise IllegalMove(f"{move!r} is no move: write row,column") from None
        if not (0 <= row < state.size and 0 <= col < state.size):
            raise IllegalMove(f"{move!r} lies off the field")
        return row * state.size + col

    def _move(self, state: GraphTraversalState, cell: int) -> str:
        return f"{cell // state.size + 1},{cell % state.size + 1}"


@functools.lru_cache(maxsize=64)
def _near(edges: Edges) -> dict[int, tuple[int, ...]]:
    """The nodes that edges join to each."""
    graph = nx.Graph(edges)
    return {node: tuple(graph[node]) for node in graph}


@functools.lru_cache(maxsize=64)
def _distances(edges: Edges, start: int) -> dict[int, int]:
    return dict(nx.single_source_shortest_path_length(nx.Graph(edges), start))


def _rings(state: GraphTraversalState) -> dict[int, int]:
    """How many edges away from the first node each one is that can be reached."""
    return _distances(state.edges, state.start)


def _candidate(rng: np.random.Generator, params: GraphTraversalParams) -> GraphTraversalState | None:
    n = params.size
    nodes: list[int] = []
    for cell in rng.permutation(n * n).tolist():
        if all(np.hypot(cell // n - k // n, cell % n - k % n) >= APART for k in nodes):
            nodes.append(cell)
        if len(nodes) == params.nodes:
            break
    places = {k: np.array([k % n, k // n], float) for k in nodes}
    pairs = [(a, b) for a in nodes for b in nodes if a < b and _free(places, a, b)]
    length = {(a, b): float(np.hypot(*(places[b] - places[a]))) * rng.uniform(0.8, 1.3) for a, b in pairs}
    drawn: list[tuple[int, int]] = []
    for a, b in sorted(pairs, key=lambda pair: length[pair]):
        if not any(_crossing(places, (a, b), other) for other in drawn):
            drawn.append((a, b))
    whole = nx.Graph(drawn)
    if len(nodes) < params.nodes or len(whole) < params.nodes or not nx.is_connected(whole):
        return None
    order = rng.permutation(len(drawn)).tolist()
    tree: nx.Graph[int] = nx.Graph()
    for i in order:
        if (
            not tree.has_node(drawn[i][0])
            or not tree.has_node(drawn[i][1])
            or not nx.has_path(tree, *drawn[i])
        ):
            tree.add_edge(*drawn[i])
    rest = [drawn[i] for i in order if not tree.has_edge(*drawn[i])]
    kept = round(params.extra * (len(rest) - params.closed))
    if len(rest) < params.closed:
        return None
    closed, extra = rest[: params.closed], rest[params.closed :][:kept]
    start = nodes[int(rng.integers(len(nodes)))]
    cells = tuple(REACHED if k == start else PLAIN if k in places else "" for k in range(n * n))
    edges = tuple(sorted((min(e), max(e)) for e in [*tree.edges, *extra]))
    return GraphTraversalState(cells, n, start, edges, tuple(sorted(closed)), params.order == "nearest")


def _free(places: Mapping[int, Any], a: int, b: int) -> bool:
    """Whether the line between two nodes keeps clear of all others."""
    p, way = places[a], places[b] - places[a]
    for k, at in places.items():
        if k not in (a, b):
            share = np.clip(float((at - p) @ way) / float(way @ way), 0, 1)
            if np.hypot(*(p + share * way - at)) < CLEAR:
                return False
    return True


def _crossing(places: Mapping[int, Any], one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two edges without a common end cross."""
    if set(one) & set(other):
        return False
    (a, b), (c, d) = ([places[k] for k in edge] for edge in (one, other))

    def side(p: Any, q: Any, r: Any) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) <= 0 and side(c, d, a) * side(c, d, b) <= 0


PUZZLE = GraphTraversal()
