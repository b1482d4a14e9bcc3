"""Drawing mazes: random spanning trees of a grid of rooms.

Rooms are the tiles on odd rows and columns, so that r rooms are 2 r + 1 tiles; the tile in between two rooms
is opened where the tree joins them. Random numbers are drawn in bulk, and the walks run over flat arrays.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

Algorithm = Literal["backtracker", "wilson", "prim"]
ALGORITHMS: tuple[Algorithm, ...] = ("backtracker", "wilson", "prim")


@dataclass(frozen=True, slots=True)
class Closed:
    """A maze of closed rooms.

    Attributes:
        walls: tiles, 0 in rooms and 1 elsewhere.
        fresh: tiles, 1 in rooms, with one row of zeros more: two tiles off any room there is a room or a 0.
        rooms: tiles of the rooms.
        steps: what a step to the next room adds to the tile, for each of the four ways.
    """

    walls: bytes
    fresh: bytes
    rooms: tuple[int, ...]
    steps: tuple[int, int, int, int]


@functools.lru_cache(maxsize=64)
def closed(rows: int, cols: int) -> Closed:
    """The closed rooms that a maze of this size starts from."""
    width = 2 * cols + 1
    rooms = tuple(y * width + x for y in range(1, 2 * rows, 2) for x in range(1, 2 * cols, 2))
    walls, fresh = bytearray(b"\x01" * (width * (2 * rows + 1))), bytearray(width * (2 * rows + 2))
    for p in rooms:
        walls[p], fresh[p] = 0, 1
    return Closed(bytes(walls), bytes(fresh), rooms, (-2, 2, -2 * width, 2 * width))


def carve(rng: np.random.Generator, rows: int, cols: int, algorithm: Algorithm) -> bytearray:
    """Walls (row-major tiles, 1 wall and 0 floor) of a perfect maze of rows x cols rooms."""
    space = closed(rows, cols)
    walls = bytearray(space.walls)
    _CARVERS[algorithm](rng, space, walls)
    return walls


def _backtracker(rng: np.random.Generator, space: Closed, walls: bytearray) -> None:
    """Depth first: go on to a random unvisited neighbour, turn back where there is none."""
    fresh = bytearray(space.fresh)
    a, b, c, d = space.steps
    # 12 is divisible by each number of neighbours to choose from, so the remainder is uniform
    draws = rng.integers(0, 12, len(space.rooms) - 1, np.uint8).tolist()
    p = space.rooms[int(rng.random() * len(space.rooms))]
    fresh[p] = 0
    trail = [p]
    for draw in draws:
        while not (ahead := [q for q in (p + a, p + b, p + c, p + d) if fresh[q]]):
            trail.pop()
            p = trail[-1]
        q = ahead[draw % len(ahead)]
        fresh[q] = 0
        walls[(p + q) >> 1] = 0
        trail.append(q)
        p = q


def _wilson(rng: np.random.Generator, space: Closed, walls: bytearray) -> None:
    """Loop-erased random walks (Wilson 1996): every spanning tree is equally likely."""
    fresh = bytearray(space.fresh)
    room = space.fresh
    count = len(space.rooms)
    fresh[space.rooms[int(rng.random() * count)]] = 0
    ways = np.array(space.steps)

    def chunks() -> Iterator[list[int]]:
        while True:
            yield ways[rng.integers(0, 4, 4 * count, np.uint8)].tolist()

    draws = itertools.chain.from_iterable(chunks())
    out = [0] * len(walls)  # the way by which the walk last left a room: following it erases the loops
    for start in space.rooms:
        if not fresh[start]:
            continue
        p = start
        for way in draws:
            q = p + way
            if not room[q]:
                continue
            out[p] = way
            p = q
            if not fresh[p]:
                break
        p = start
        while fresh[p]:
            fresh[p] = 0
            q = p + out[p]
            walls[(p + q) >> 1] = 0
            p = q


def _prim(rng: np.random.Generator, space: Closed, walls: bytearray) -> None:
    """Grow from a room by a random one of the edges that lead out of the tree."""
    fresh = bytearray(space.fresh)
    a, b, c, d = space.steps
    draws = iter(rng.random(2 * len(space.rooms) + 1).tolist())  # an edge enters the list once at most
    p = space.rooms[int(next(draws) * len(space.rooms))]
    fresh[p] = 0
    edges = [(p, q) for q in (p + a, p + b, p + c, p + d) if fresh[q]]
    while edges:
        i = int(next(draws) * len(edges))
        p, q = edges[i]
        edges[i] = edges[-1]
        edges.pop()
        if fresh[q]:
            fresh[q] = 0
            walls[(p + q) >> 1] = 0
            edges += [(q, r) for r in (q + a, q + b, q + c, q + d) if fresh[r]]


_CARVERS: dict[Algorithm, Callable[[np.random.Generator, Closed, bytearray], None]] = {
    "backtracker": _backtracker,
    "wilson": _wilson,
    "prim": _prim,
}


def open_dead_ends(rng: np.random.Generator, walls: bytearray, rows: int, cols: int, share: float) -> None:
    """Open one more wall, in place, of a random `share` of the rooms that have one opening."""
    space = closed(rows, cols)
    ways = space.steps
    ends = [p for p in space.rooms if sum(walls[p + way // 2] for way in ways) == 3]
    order, draws = rng.permutation(len(ends)).tolist(), rng.random(len(ends)).tolist()
    for i in order[: round(share * len(ends))]:
        p = ends[i]
        shut = [way for way in ways if walls[p + way // 2] and space.fresh[p + way]]
        beside = sum(space.fresh[p + way] for way in ways)
        if len(shut) == beside - 1:  # else it was opened from the other side meanwhile
            walls[p + shut[int(draws[i] * len(shut))] // 2] = 0
