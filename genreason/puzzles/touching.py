"""Roads that somebody else drew: what runs together in the picture is joined.

Where two bands overlap or touch, a person sees a junction, whatever the list of roads says; a network that
follows the picture needs one too.
"""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt

from genreason.puzzles.voronoi import curve

Points = npt.NDArray[np.float64]
Point = tuple[float, float]
Bend = tuple[int, int, tuple[Point, ...]]
"""Two nodes and the control points of the Bezier curve between them."""
TOUCH = 0.9  # cells between the middles of two roads up to which they run together
AROUND = 2.5  # cells along the roads from which that is no mere corner
CORNER = 8.0  # the same for two roads that meet, which run together around their node
NEAR_END = 0.4  # cells along a road up to which its end is meant
SAMPLES = 24  # points of a curve at which distances are measured
MOST = 40  # junctions added to one map


def joined(nodes: Sequence[Point], bends: Sequence[Bend]) -> tuple[list[Point], list[Bend]]:
    """The same roads with junctions where they run together without one.

    Args:
        nodes: places in cells.
        bends: the roads; each is a cell wide.
    """
    nodes, bends = list(nodes), list(bends)
    for _ in range(MOST):
        found = _closest(nodes, bends)
        if found is None:
            break
        (i, share_i), (j, share_j) = found
        later, sooner = ((i, share_i), (j, share_j)) if i > j else ((j, share_j), (i, share_i))
        a = node_at(nodes, bends, *later)  # the later road first: new roads come after it
        b = node_at(nodes, bends, *sooner)
        bends.append((min(a, b), max(a, b), ()))
    return nodes, bends


def _closest(nodes: list[Point], bends: list[Bend]) -> tuple[tuple[int, float], tuple[int, float]] | None:
    """The closest places that touch and are far apart along the roads: road, share of its parameter."""
    share = np.linspace(0, 1, SAMPLES + 1)
    lines = [curve_points(nodes, bend) for bend in bends]
    arcs = [np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))]) for line in lines]
    points, arc = np.concatenate(lines), np.concatenate(arcs)
    road = np.repeat(np.arange(len(bends)), SAMPLES + 1)
    length = np.array([a[-1] for a in arcs])
    ends = np.array([bend[:2] for bend in bends])
    gap = np.hypot(points[:, None, 0] - points[None, :, 0], points[:, None, 1] - points[None, :, 1])
    i, j = np.nonzero((gap <= TOUCH) & (road[:, None] > road[None, :]))
    if not len(i):
        return None
    around = np.full(len(i), np.inf)
    between = _between(len(nodes), bends, length)
    for a in (0, 1):
        for b in (0, 1):
            to_a = arc[i] if a == 0 else length[road[i]] - arc[i]
            to_b = arc[j] if b == 0 else length[road[j]] - arc[j]
            around = np.minimum(around, to_a + between[ends[road[i], a], ends[road[j], b]] + to_b)
    meet = (ends[road[i]][:, :, None] == ends[road[j]][:, None, :]).any(axis=(1, 2))
    far = np.flatnonzero(around > np.where(meet, CORNER, AROUND))
    if not len(far):
        return None
    best = far[int(gap[i[far], j[far]].argmin())]
    one, two = int(i[best]), int(j[best])
    at = share[np.arange(len(points)) % (SAMPLES + 1)]
    return (int(road[one]), float(at[one])), (int(road[two]), float(at[two]))


def curve_points(nodes: list[Point], bend: Bend) -> Points:
    """`SAMPLES` + 1 places (.., 2) on a road, evenly in its parameter."""
    a, b, controls = bend
    return curve(np.array(nodes[a]), np.array(controls).reshape(-1, 2), np.array(nodes[b]), SAMPLES)


def _between(count: int, bends: list[Bend], length: Points) -> Points:
    """Length of the shortest way between each two nodes."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(count))
    for (a, b, _), cells in zip(bends, length.tolist(), strict=True):
        if not graph.has_edge(a, b) or cells < graph.edges[a, b]["length"]:
            graph.add_edge(a, b, length=cells)
    out = np.full((count, count), np.inf)
    for a, ways in nx.all_pairs_dijkstra_path_length(graph, cutoff=CORNER, weight="length"):
        for b, cells in ways.items():
            out[a, b] = cells
    return out


def node_at(nodes: list[Point], bends: list[Bend], road: int, share: float) -> int:
    """The node at a place of a road: one of its ends if they are near, else a new one that parts it.

    Args:
        nodes: places in cells; a new node is added to them.
        bends: the roads; the second part of one that is parted is added to them.
        road: which road.
        share: where on it, of its curve's parameter.
    """
    a, b, controls = bends[road]
    line = curve_points(nodes, bends[road])
    arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    along = float(np.interp(share, np.linspace(0, 1, len(arc)), arc))
    if min(along, arc[-1] - along) <= NEAR_END:
        return a if along <= arc[-1] / 2 else b
    first, second = _split([nodes[a], *controls, nodes[b]], share)
    nodes.append(first[-1])
    new = len(nodes) - 1
    bends[road] = (a, new, tuple(first[1:-1]))
    bends.append((b, new, tuple(reversed(second[1:-1]))))
    return new


def _split(points: list[Point], share: float) -> tuple[list[Point], list[Point]]:
    """The control points of a Bezier curve's two parts (de Casteljau)."""
    first, second, row = [points[0]], [points[-1]], points
    while len(row) > 1:
        row = [
            (p[0] * (1 - share) + q[0] * share, p[1] * (1 - share) + q[1] * share)
            for p, q in zip(row, row[1:], strict=False)
        ]
        first.append(row[0])
        second.append(row[-1])
    return first, second[::-1]
