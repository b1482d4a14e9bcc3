"""Follow a track along roads: is there a walk on the network that passes where the agent was seen?

All places of the network at which the agent can be are carried from frame to frame: those near where it was
seen that can be reached along the roads from those of the frame before. When none is left, the agent has
left the road, or changed to one that is not joined to its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Line = tuple[int, int, Points]
"""Two nodes and the places (K, 2) of the road between them, in cells."""
SPACING = 0.125  # cells between two samples
LANE = 1.0  # width of a lane in cells
HURRY = 1.5  # how much longer (times) than the straight way between two frames the way along roads may be
SLACK = 0.5  # and by how much more (cells)
RESTS = 0.01  # movement (cells) that is none


class Samples:
    """Points close together along all roads of a network, and which of them are neighbours.

    Attributes:
        points: (P, 2) in cells; the nodes come first.
        ends: (P, 2) the nodes at both ends of the point's road; a node twice for the node itself.
        arc: (P, 2) how far (cells along the road) the point is from both.
        links: (2, L) pairs of neighbours.
    """

    def __init__(self, nodes: Points, lines: Sequence[Line]) -> None:
        """`nodes`: (N, 2) places in cells."""
        points, ends = [nodes], [np.repeat(np.arange(len(nodes)), 2).reshape(-1, 2)]
        arcs = [np.zeros((len(nodes), 2))]
        links: list[npt.NDArray[np.int64]] = []
        spans: list[tuple[int, int, npt.NDArray[np.int64]]] = []
        count = len(nodes)
        for a, b, line in lines:
            arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
            share = np.linspace(0, 1, max(round(float(arc[-1]) / SPACING), 1) + 1)[1:-1]
            inner = np.stack([np.interp(share * arc[-1], arc, line[:, k]) for k in (0, 1)], -1)
            chain = np.concatenate([[a], count + np.arange(len(inner)), [b]])
            points.append(inner)
            ends.append(np.tile([a, b], (len(inner), 1)))
            arcs.append(np.stack([share, 1 - share], -1) * arc[-1])
            links.append(np.stack([chain[:-1], chain[1:]]))
            spans.append((a, b, chain))
            count += len(inner)
        self.points = np.concatenate(points)
        self.ends = np.concatenate(ends)
        self.arc = np.concatenate(arcs)
        self.links = np.concatenate([*links, *self._joints(spans)], axis=1)

    def _joints(self, spans: list[tuple[int, int, npt.NDArray[np.int64]]]) -> list[npt.NDArray[np.int64]]:
        """Links across the common ground of two roads that meet in a node: there corners may be cut."""
        found = []
        for i, (a, b, chain) in enumerate(spans):
            for c, d, other in spans[:i]:
                for node in {a, b} & {c, d}:
                    one, two = (s if s[0] == node else s[::-1] for s in (chain, other))
                    length = min(len(one), len(two))
                    gap = np.hypot(*(self.points[one[:length]] - self.points[two[:length]]).T)
                    far = np.flatnonzero(gap > LANE)
                    reach = int(far[0]) if len(far) else length
                    found.append(np.stack([one[:reach], two[:reach]]))
        return found

    def spread(self, at: npt.NDArray[np.bool_], steps: int) -> npt.NDArray[np.bool_]:
        """The samples (P,) that are at most so many links from those given."""
        out = at.copy()
        a, b = self.links
        for _ in range(steps):
            grown = out.copy()
            grown[a[out[b]]] = True
            grown[b[out[a]]] = True
            if np.array_equal(grown, out):
                break
            out = grown
        return out


@dataclass(frozen=True, slots=True)
class Walk:
    """What `roam` found.

    Attributes:
        trail: the samples nearest to the agent, one after the other.
        broken_at: the frame from which the track cannot be followed, or None.
    """

    trail: tuple[int, ...]
    broken_at: int | None


def roam(
    samples: Samples,
    start: int,
    places_T2: npt.NDArray[np.float32],
    readable_T: npt.NDArray[np.bool_],
    reach: float,
) -> Walk:
    """Follow a track along the roads.

    Args:
        samples: of the network.
        start: the node at which the agent is at first.
        places_T2: where it was seen, in cells.
        readable_T: frames in which anything can be read.
        reach: how far (cells) a place may be from the middle of a road.
    """
    at = np.zeros(len(samples.points), np.bool_)
    at[start] = True
    trail, last = [start], samples.points[start]
    for t in np.flatnonzero(readable_T):
        place = places_T2[t].astype(np.float64)
        moved = float(np.hypot(*(place - last)))
        if t > 0 and moved < RESTS:
            continue
        near = np.hypot(*(samples.points - place).T)
        after = samples.spread(at, int(np.ceil((HURRY * moved + SLACK) / SPACING))) & (near <= reach)
        if not after.any():
            return Walk(tuple(trail), int(t))
        at, last = after, place
        nearest = int(np.where(at, near, np.inf).argmin())
        if nearest != trail[-1]:
            trail.append(nearest)
    return Walk(tuple(trail), None)
