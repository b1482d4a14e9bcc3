"""Drawing rooms that are joined by doorways: a square that walls divide again and again."""

from __future__ import annotations

import numpy as np

Room = tuple[int, int, int, int]
"""First and last row, first and last column, of the tiles inside."""
LEAST = 2  # tiles a side of a room, its obstacles included


def rooms_with_doors(
    rng: np.random.Generator, side: int, doors: int, obstacles: float
) -> tuple[bytes, tuple[int, ...]] | None:
    """A closed square with so many dividing walls, each with one doorway.

    Args:
        rng: the instance's stream.
        side: tiles a side, border included.
        doors: number of dividing walls.
        obstacles: share of the tiles in the rooms that are obstacles.

    Returns:
        Row-major tiles, 1 for walls and obstacles and 0 for floor, and the tiles of the doorways; None where
        the walls found no room.
    """
    walls = np.pad(np.zeros((side - 2, side - 2), np.uint8), 1, constant_values=1)
    rooms: list[Room] = [(1, side - 2, 1, side - 2)]
    doorways: set[tuple[int, int]] = set()
    for _ in range(doors):
        wide = [room for room in rooms if max(_sides(room)) > 2 * LEAST]
        if not wide:
            return None
        areas = np.array([np.prod(_sides(room)) for room in wide], np.float64)
        room = wide[int(rng.choice(len(wide), p=areas / areas.sum()))]
        cut = _divided(rng, room, walls, doorways)
        if cut is None:
            return None
        rooms.remove(room)
        rooms += cut
    inside = walls == 0
    blocked = inside & (rng.random(walls.shape) < obstacles)
    for row, col in doorways:
        blocked[row - 1 : row + 2, col - 1 : col + 2] = False  # a doorway is no dead end
    walls[blocked] = 1
    return walls.tobytes(), tuple(sorted(row * side + col for row, col in doorways))


def _sides(room: Room) -> tuple[int, int]:
    """Rows and columns of a room."""
    return room[1] - room[0] + 1, room[3] - room[2] + 1


def _divided(
    rng: np.random.Generator, room: Room, walls: np.ndarray, doorways: set[tuple[int, int]]
) -> list[Room] | None:
    """The two parts of a room, with a wall and a doorway between them; None where the wall met a doorway."""
    top, bottom, left, right = room
    rows, cols = _sides(room)
    across = rows > cols or (rows == cols and bool(rng.integers(2)))  # a wall from left to right
    first, last = (top, bottom) if across else (left, right)
    at = int(rng.integers(first + LEAST, last - LEAST + 1))
    ends = {(at, left - 1), (at, right + 1)} if across else {(top - 1, at), (bottom + 1, at)}
    if ends & doorways:
        return None
    gap = int(rng.integers(left, right + 1)) if across else int(rng.integers(top, bottom + 1))
    if across:
        walls[at, left : right + 1] = 1
        parts = [(top, at - 1, left, right), (at + 1, bottom, left, right)]
    else:
        walls[top : bottom + 1, at] = 1
        parts = [(top, bottom, left, at - 1), (top, bottom, at + 1, right)]
    doorway = (at, gap) if across else (gap, at)
    walls[doorway] = 0
    doorways.add(doorway)
    return parts
