"""Shortest ways to push boxes onto targets: A* over pushes.

A node is the set of boxes and the agent's tile right after a push; an edge is a walk to behind a box and one
push. Sets of tiles are the bits of an integer, so that one shift moves a whole set.

The bound is a sum of two. Pushes: the cheapest matching of boxes to targets by push distance on the empty
board; a push changes it by one at most. Steps walked: the vector (agent - sum of all boxes) is the same
after a push and changes by one with a step walked, and at the end it must be (a tile beside a target - sum
of all targets); the distance to there must be walked. Both are consistent, and so is their sum.

Three things prove a node hopeless: a box where it can never reach a target even alone (dead tile), no
matching, and boxes and walls that hold each other fast with a box off its target.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from genreason.types import GenreasonError

Measure = Literal["moves", "pushes"]
_SHIFT = 16  # bits of a node's number that hold the agent's tile
_MASK = (1 << _SHIFT) - 1
_FIRST = 1 << 20  # weight of the measure over the other one, which breaks ties
_ROW = 1 << 16  # weight of rows over columns in sums of places
_NEVER = 1 << 30
Push = tuple[int, int, int]
"""Steps walked before it, the box's tile, what the push adds to it."""


class LimitError(GenreasonError):
    """The search was given up before it was known whether there is a solution."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What never changes on a board, as sets of tiles (bits).

    Attributes:
        cols: number of columns.
        wall: the walls.
        floor: the other tiles.
        targets: where boxes must go.
        live: tiles from which a box that is alone can be pushed to some target.
        far: for each tile that is live, the number of pushes from it to each target.
        joins: for the first, second, ... box: (targets taken before, target, targets taken after).
        ends: where the vector (agent - sum of boxes) may be at the end, as (down, right).
    """

    cols: int
    wall: int
    floor: int
    targets: int
    live: int
    far: dict[int, tuple[int, ...]]
    joins: tuple[tuple[tuple[int, int, int], ...], ...]
    ends: tuple[tuple[int, int], ...]

    def bound(self, boxes: int) -> int:
        """A number of pushes that is never more than what these boxes need; -1 where there is no way."""
        return -1 if boxes & ~self.live or self._stuck(boxes) else self._matching(boxes)

    def walk(self, vector: int) -> int:
        """A number of steps never more than what must be walked, from the vector (agent - sum of boxes)."""
        down = (vector + _ROW // 2) // _ROW
        right = vector - down * _ROW
        return min(abs(down - y) + abs(right - x) for y, x in self.ends)

    def vector(self, boxes: int, agent: int) -> int:
        """The agent's place minus the sum of the boxes' places, as rows * _ROW + columns."""
        return self.place(agent) - sum(self.place(box) for box in tiles(boxes))

    def place(self, tile: int) -> int:
        """A tile as row * _ROW + column: these numbers can be added without one row running into the next."""
        return tile // self.cols * _ROW + tile % self.cols

    def _stuck(self, boxes: int) -> bool:
        """Whether boxes that hold each other fast include one off its target."""
        cols, dead = self.cols, self.floor & ~self.live
        across = (dead << 1) & (dead >> 1)
        down = (dead << cols) & (dead >> cols)
        held, before = boxes, 0
        while held != before:  # the largest set in which each is held by walls, dead tiles and the others
            before = held
            solid = self.wall | held
            held &= (solid << 1 | solid >> 1 | across) & (solid << cols | solid >> cols | down)
        return bool(held & ~self.targets)

    def _matching(self, boxes: int) -> int:
        """The least sum of pushes over all matchings of boxes to targets; -1 where there is none."""
        best = [_NEVER] * (1 << len(self.joins))
        best[0] = 0
        for box, joins in zip(tiles(boxes), self.joins, strict=True):
            far = self.far[box]
            for before, target, after in joins:
                total = best[before] + far[target]
                if total < best[after]:
                    best[after] = total
        return best[-1] if best[-1] < _NEVER else -1


def bits(numbers: Sequence[int]) -> int:
    """The set of these tiles."""
    return sum(1 << number for number in set(numbers))


def tiles(mask: int) -> list[int]:
    """The members of a set, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


@functools.lru_cache(maxsize=32)
def ground(walls: bytes, cols: int, targets: tuple[int, ...]) -> Ground:
    """What can be said of a board before its boxes are known."""
    pulls = [_pulls(walls, cols, target) for target in targets]
    floor = bits([tile for tile, code in enumerate(walls) if not code])
    reach = set().union(*pulls)
    down, right = sum(t // cols for t in targets), sum(t % cols for t in targets)
    beside = {t + delta for t in targets for delta in (-cols, 1, cols, -1) if not walls[t + delta]} or {0}
    subsets = sorted(range(1 << len(targets)), key=int.bit_count)
    joins = tuple(
        tuple(
            (before, i, before | 1 << i)
            for before in subsets
            if before.bit_count() == box
            for i in range(len(targets))
            if not before >> i & 1
        )
        for box in range(len(targets))
    )
    return Ground(
        cols=cols,
        wall=(1 << len(walls)) - 1 & ~floor,
        floor=floor,
        targets=bits(targets),
        live=bits(list(reach)),
        far={tile: tuple(pull.get(tile, _NEVER) for pull in pulls) for tile in reach},
        joins=joins,
        ends=tuple(sorted((tile // cols - down, tile % cols - right) for tile in beside)),
    )


def _pulls(walls: bytes, cols: int, target: int) -> dict[int, int]:
    """Tiles from which a box that is alone can be pushed to the target, with the number of pushes."""
    far = {target: 0}
    reached = [target]
    for box in reached:  # grows while it is read
        for delta in (-cols, 1, cols, -1):
            before = box - delta
            # behind the box there must be room for the agent; a floor tile's neighbours are inside the border
            if before not in far and not walls[before] and not walls[before - delta]:
                far[before] = far[box] + 1
                reached.append(before)
    return far


def pushes(board: Ground, boxes: int, agent: int) -> list[Push]:
    """The pushes that do not make a dead box, nearest first, each with the length of the walk before it."""
    cols, free = board.cols, board.floor & ~boxes
    room = free & board.live
    spots = (  # where the agent must stand for a push in each way
        (1, (boxes & room >> 1) >> 1 & free),
        (-1, (boxes & room << 1) << 1 & free),
        (cols, (boxes & room >> cols) >> cols & free),
        (-cols, (boxes & room << cols) << cols & free),
    )
    wanted = spots[0][1] | spots[1][1] | spots[2][1] | spots[3][1]
    found: list[Push] = []
    front = 1 << agent
    walked = 0
    while front:
        if front & wanted:
            for delta, spot in spots:
                hits = front & spot
                while hits:
                    low = hits & -hits
                    found.append((walked, low.bit_length() - 1 + delta, delta))
                    hits ^= low
            wanted &= ~front
        if not wanted:
            break
        free &= ~front
        front = (front << 1 | front >> 1 | front << cols | front >> cols) & free
        walked += 1
    return found


def search(board: Ground, boxes: int, agent: int, measure: Measure, limit: int) -> list[Push] | None:
    """The pushes of a shortest solution, or None, which is proof that there is none.

    Args:
        board: the ground.
        boxes: tiles of the boxes, as many as targets.
        agent: tile of the agent.
        measure: what to make least: "moves" (then pushes) or "pushes" (then moves).
        limit: how many nodes may be expanded.

    Raises:
        LimitError: the limit was reached.
    """
    walk, push = (_FIRST, _FIRST + 1) if measure == "moves" else (1, _FIRST + 1)
    bounds: dict[int, int] = {boxes: board.bound(boxes)}
    walks: dict[int, int] = {}
    start = boxes << _SHIFT | agent
    cost = {start: 0}
    came: dict[int, tuple[int, Push]] = {}
    heap = [(0, bounds[boxes], 0, start, board.vector(boxes, agent))] if bounds[boxes] >= 0 else []
    closed: set[int] = set()
    while heap:
        _, _, paid, node, vector = heapq.heappop(heap)
        if node in closed:
            continue
        boxes, agent = node >> _SHIFT, node & _MASK
        if boxes == board.targets:
            return _unwind(came, node)
        if len(closed) >= limit:
            raise LimitError(f"no solution was found within {limit} nodes: fewer boxes, or a smaller board")
        closed.add(node)
        base = vector - board.place(agent)
        for found in pushes(board, boxes, agent):
            walked, box, delta = found
            child_boxes = boxes ^ (1 << box) ^ (1 << box + delta)
            child = child_boxes << _SHIFT | box
            total = paid + walked * walk + push
            if total >= cost.get(child, total + 1):
                continue
            left = bounds.get(child_boxes)
            if left is None:
                left = bounds[child_boxes] = board.bound(child_boxes)
            if left < 0:
                continue
            cost[child] = total
            came[child] = (node, found)
            moved = base + board.place(box - delta)  # walking moves the vector, pushing does not
            rest = walks.get(moved)
            if rest is None:
                rest = walks[moved] = board.walk(moved)
            heapq.heappush(heap, (total + left * push + rest * walk, left, total, child, moved))
    return None


def _unwind(came: dict[int, tuple[int, Push]], node: int) -> list[Push]:
    found = []
    while node in came:
        node, push = came[node]
        found.append(push)
    found.reverse()
    return found
