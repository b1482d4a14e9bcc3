"""Random road maps: the edges between the cells of scattered seeds (a Voronoi diagram), gently bent.

Roads that do not meet keep `CLEAR` cells apart (a cell is a road's width), and those that meet part quickly,
so that no short cut between two roads can be taken for driving on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Edges = npt.NDArray[np.int64]
CLEAR = 1.7  # cells between the middles of two roads below which they are too close to be told apart
DETOUR = 4.0  # cells along the roads up to which they may be closer: around a corner
MARGIN = 1.5  # cells between the middle of a road and the edge of the picture
FENCE = 2.0  # how far (cells) the four outermost seeds lie outside of the picture's corners
LONGEST = 2.0  # times `spacing`: longer edges belong to the open outer cells and are left out
DARTS = 60  # candidates for each seed that fits
STEP = 0.25  # cells between the points at which the distance of roads is measured
GRAIN = 1000  # places are whole numbers of this part of a cell


@dataclass(frozen=True, slots=True)
class RoadMap:
    """Nodes and bent roads between them, connected.

    Attributes:
        nodes: (N, 2) x and y in cells; the picture begins at -0.5.
        edges: (E, 2) the two nodes of each road, the lower number first.
        bends: (E, 2) the middle control point of its quadratic Bezier curve.
    """

    nodes: Points
    edges: Edges
    bends: Points


def draw_map(
    rng: np.random.Generator, side: int, spacing: float, loops: float, bend: float
) -> RoadMap | None:
    """A random map, or None where none of this draw keeps its roads apart.

    Args:
        rng: decides everything.
        side: side of the picture in cells.
        spacing: least distance of two seeds in cells; larger gives fewer and longer roads.
        loops: share of the roads beyond those that join all nodes which are kept; 0 gives a tree.
        bend: how far at most a road's control point lies off its middle, as a share of its length.
    """
    found = _ridges(_scatter(rng, side, spacing), side, LONGEST * spacing)
    if found is None:
        return None
    nodes, edges = _main_part(*_merged(*found))
    if len(edges) < 3:
        return None
    nodes = _rounded(nodes)
    edges = rng.permutation(edges)
    tree = _tree(len(nodes), edges)
    keep = tree | (rng.random(len(edges)) < loops)
    along = nodes[edges[:, 1]] - nodes[edges[:, 0]]
    off = rng.uniform(-bend, bend, (len(edges), 1)) * along[:, ::-1] * (-1, 1)
    bends = _rounded((nodes[edges[:, 0]] + nodes[edges[:, 1]]) / 2 + off)
    return _clear(RoadMap(nodes, edges[keep], bends[keep]))


def curve(start: Points, controls: Points, end: Points, count: int) -> Points:
    """`count` + 1 points (.., 2) of the Bezier curve with these control points, evenly in its parameter."""
    share = np.linspace(0, 1, count + 1)[:, None, None]
    points = np.concatenate([start[None], controls, end[None]])[None]
    while points.shape[1] > 1:  # de Casteljau
        points = points[:, :-1] * (1 - share) + points[:, 1:] * share
    return np.asarray(points[:, 0], np.float64)


def _rounded(points: Points) -> Points:
    return np.asarray(np.rint(points * GRAIN) / GRAIN, np.float64)


def _scatter(rng: np.random.Generator, side: int, spacing: float) -> Points:
    """Seeds at least `spacing` apart, as many of a hail of darts as fit one after the other."""
    darts = rng.random((int(DARTS * (side / spacing) ** 2), 2)) * side - 0.5
    alive = np.ones(len(darts), np.bool_)
    seeds = []
    while alive.any():
        seed = darts[int(alive.argmax())]
        seeds.append(seed)
        alive &= ((darts - seed) ** 2).sum(axis=1) >= spacing**2
    return np.array(seeds)


def _ridges(seeds: Points, side: int, longest: float) -> tuple[Points, Edges] | None:
    """Corners and edges of the seeds' Voronoi cells inside the picture."""
    from scipy.spatial import Voronoi  # half a second to load, and of no use to who reads or judges

    low, high = -0.5 - FENCE, side - 0.5 + FENCE
    fence = [(low, low), (high, low), (high, high), (low, high)]
    diagram = Voronoi(np.concatenate([seeds, fence]))
    nodes = diagram.vertices
    inside = np.abs(nodes - (side / 2 - 0.5)).max(axis=1) <= side / 2 - MARGIN
    ends = np.array(diagram.ridge_vertices)
    ends = ends[(ends >= 0).all(axis=1)]
    ends = ends[inside[ends].all(axis=1)]
    ends = ends[np.hypot(*(nodes[ends[:, 0]] - nodes[ends[:, 1]]).T) <= longest]
    return (nodes, ends) if len(ends) else None


def _merged(nodes: Points, edges: Edges) -> tuple[Points, Edges]:
    """Nodes with a road shorter than `CLEAR` between them become one, until there are none."""
    while True:
        length = np.hypot(*(nodes[edges[:, 0]] - nodes[edges[:, 1]]).T)
        shortest = int(length.argmin())
        if length[shortest] >= CLEAR:
            return nodes, edges
        a, b = edges[shortest]
        nodes = nodes.copy()
        nodes[a] = (nodes[a] + nodes[b]) / 2
        edges = np.sort(np.where(edges == b, a, edges), axis=1)
        edges = np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0)
        if not len(edges):
            return nodes, edges


def _main_part(nodes: Points, edges: Edges) -> tuple[Points, Edges]:
    """The largest connected part, its nodes by x and y."""
    root = _roots(len(nodes), edges)
    if not len(edges):
        return nodes[:0], edges
    roots, counts = np.unique(root[edges[:, 0]], return_counts=True)
    edges = edges[root[edges[:, 0]] == roots[counts.argmax()]]
    used = np.unique(edges)
    used = used[np.lexsort((nodes[used, 1], nodes[used, 0]))]
    number = np.zeros(len(nodes), np.int64)
    number[used] = np.arange(len(used))
    return nodes[used], np.unique(np.sort(number[edges], axis=1), axis=0)


def _roots(count: int, edges: Edges) -> npt.NDArray[np.int64]:
    """For each node the least node that it is joined to."""
    root = np.arange(count)
    while True:
        least = np.minimum(root[edges[:, 0]], root[edges[:, 1]])
        after = root.copy()
        np.minimum.at(after, edges[:, 0], least)
        np.minimum.at(after, edges[:, 1], least)
        if np.array_equal(after, root):
            return root
        root = after


def _tree(count: int, edges: Edges) -> npt.NDArray[np.bool_]:
    """The first edges that join all nodes without a loop (Kruskal)."""
    part = list(range(count))

    def find(i: int) -> int:
        while part[i] != i:
            part[i] = part[part[i]]
            i = part[i]
        return i

    chosen = np.zeros(len(edges), np.bool_)
    for k, (a, b) in enumerate(edges.tolist()):
        one, two = find(a), find(b)
        if one != two:
            part[one] = two
            chosen[k] = True
    return chosen


def _clear(found: RoadMap) -> RoadMap | None:
    """The map without the roads that come too close to others, or None where that would tear it apart."""
    while True:
        worst = _closest(found)
        if worst is None:
            return found
        for k in sorted(worst, reverse=True):  # the later ones are likelier to close a loop
            rest = np.delete(found.edges, k, axis=0)
            if not _roots(len(found.nodes), rest).any():
                found = RoadMap(found.nodes, rest, np.delete(found.bends, k, axis=0))
                break
        else:
            return None


def _closest(found: RoadMap) -> tuple[int, int] | None:
    """Two roads that come too close to each other, or None."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import shortest_path
    from scipy.spatial import cKDTree

    nodes, edges = found.nodes, found.edges
    lines = [
        curve(nodes[a], bend[None], nodes[b], 12) for (a, b), bend in zip(edges, found.bends, strict=True)
    ]
    arcs = [np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))]) for line in lines]
    length = np.array([arc[-1] for arc in arcs])
    marks = [np.linspace(0, arc[-1], max(int(arc[-1] / STEP), 1) + 1) for arc in arcs]
    points = np.concatenate([
        np.stack([np.interp(mark, arc, line[:, k]) for k in (0, 1)], -1)
        for mark, arc, line in zip(marks, arcs, lines, strict=True)
    ])  # fmt: skip
    road = np.repeat(np.arange(len(edges)), [len(mark) for mark in marks])
    at = np.concatenate(marks)
    pairs = cKDTree(points).query_pairs(CLEAR, output_type="ndarray")
    i, j = pairs[road[pairs[:, 0]] != road[pairs[:, 1]]].T
    graph = coo_array((length, (edges[:, 0], edges[:, 1])), shape=(len(nodes), len(nodes)))
    between = shortest_path(graph.tocsr(), directed=False)
    around = np.full(len(i), np.inf)
    for a in (0, 1):
        for b in (0, 1):
            to_a = at[i] if a == 0 else length[road[i]] - at[i]
            to_b = at[j] if b == 0 else length[road[j]] - at[j]
            around = np.minimum(around, to_a + between[edges[road[i], a], edges[road[j], b]] + to_b)
    bad = np.flatnonzero(around > DETOUR)
    if not len(bad):
        return None
    worst = bad[int(around[bad].argmax())]
    return int(road[i[worst]]), int(road[j[worst]])
