"""Groups of stones on a board of go, their free points, and what so many stones can capture."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

FIRST, SECOND = "X", "O"
"""Stones of the player who captures, and of the other one."""
DENSITY = 0.62  # share of crossings that get a stone
ALIKE = 0.5  # how often a stone is of the colour of a neighbour that is there
Cells = tuple[str, ...]


@functools.cache
def near(size: int) -> tuple[tuple[int, ...], ...]:
    """For each crossing of a square board those beside it along lines."""
    return tuple(
        tuple(
            y * size + x
            for y, x in ((r - 1, c), (r, c - 1), (r, c + 1), (r + 1, c))
            if 0 <= y < size and 0 <= x < size
        )
        for r, c in itertools.product(range(size), repeat=2)
    )


def group(cells: Cells, size: int, cell: int) -> tuple[frozenset[int], frozenset[int]]:
    """The stones that are connected with the one in a cell, and their free points."""
    beside, colour = near(size), cells[cell]
    stones, free, todo = {cell}, set(), [cell]
    while todo:
        for k in beside[todo.pop()]:
            if not cells[k]:
                free.add(k)
            elif cells[k] == colour and k not in stones:
                stones.add(k)
                todo.append(k)
    return frozenset(stones), frozenset(free)


@functools.lru_cache(maxsize=4096)
def groups(cells: Cells, size: int, colour: str) -> tuple[tuple[frozenset[int], frozenset[int]], ...]:
    """All groups of a colour: stones and free points of each."""
    found: list[tuple[frozenset[int], frozenset[int]]] = []
    known: set[int] = set()
    for k, stone in enumerate(cells):
        if stone == colour and k not in known:
            found.append(group(cells, size, k))
            known |= found[-1][0]
    return tuple(found)


def dead(cells: Cells, size: int) -> frozenset[int]:
    """Stones of the second player that have no free point."""
    return frozenset().union(*(stones for stones, free in groups(cells, size, SECOND) if not free))


def put(cells: Cells, cell: int) -> Cells:
    """The board with another stone of the first player; what it captures is still there."""
    return (*cells[:cell], FIRST, *cells[cell + 1 :])


@dataclass(frozen=True, slots=True)
class Way:
    """Crossings in an order in which stones may be put there, and how many they capture in all."""

    points: tuple[int, ...]
    captured: int


def _played(cells: Cells, size: int, points: tuple[int, ...]) -> bool:
    """Whether stones may be put there in this order, what they capture taken away each time."""
    for point in points:
        cells = put(cells, point)
        gone = dead(cells, size)
        if not gone and not group(cells, size, point)[1]:
            return False
        cells = tuple("" if k in gone else stone for k, stone in enumerate(cells))
    return True


def _choices(cells: Cells, size: int, turns: int) -> dict[frozenset[int], int]:
    """Sets of at most so many crossings that are all free points of some groups, and how many they capture.

    (What one stone captures gives no other group a free point: groups of one player do not touch.)
    """
    reach = [(stones, free) for stones, free in groups(cells, size, SECOND) if len(free) <= turns]
    found = {}
    for count in range(1, turns + 1):
        for some in itertools.combinations({free for _, free in reach}, count):
            points: frozenset[int] = frozenset().union(*some)
            if len(points) <= turns:
                found[points] = sum(len(stones) for stones, free in reach if free <= points)
    return found


def ways(cells: Cells, size: int, turns: int, wanted: int) -> Iterator[Way]:
    """Ways to capture so many stones or more, the fewest stones first."""
    choices = _choices(cells, size, turns).items()
    for points, captured in sorted(choices, key=lambda item: (len(item[0]), sorted(item[0]))):
        if captured >= wanted:
            for order in itertools.permutations(sorted(points)):
                if _played(cells, size, order):
                    yield Way(order, captured)
                    break


def within(cells: Cells, size: int, turns: int) -> int:
    """How many groups of the second player so many stones could capture, each for itself."""
    return sum(len(free) <= turns for _, free in groups(cells, size, SECOND))


def most_captured(cells: Cells, size: int, turns: int) -> int | None:
    """How many stones can be captured; None where not exactly one choice of `turns` crossings does that."""
    choices = _choices(cells, size, turns)
    open_ = {
        points for points in choices if any(_played(cells, size, o) for o in itertools.permutations(points))
    }
    if not open_ or any(len(points) < turns for points in choices.keys() - open_):
        return None  # (another stone beside might make possible what is not)
    best = max(choices[points] for points in open_)
    top = [points for points in open_ if choices[points] == best]
    return best if len(top) == 1 and len(top[0]) == turns else None


def scattered(rng: np.random.Generator, size: int) -> Cells | None:
    """Stones by lot, neighbours often of one colour; None where a group has no free point."""
    cells, beside = [""] * (size * size), near(size)
    for k in rng.permutation(size * size).tolist():
        if rng.random() < DENSITY:
            held = [cells[j] for j in beside[k] if cells[j]]
            same = held and rng.random() < ALIKE
            cells[k] = held[int(rng.integers(len(held)))] if same else (FIRST, SECOND)[int(rng.integers(2))]
    board = tuple(cells)
    stuck = any(not free for colour in (FIRST, SECOND) for _, free in groups(board, size, colour))
    return None if stuck else board
