"""Cars in lanes: where they can stand, how far each position is from the end, and fleets by lot."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

LIMIT = 200_000
"""Positions of one fleet beyond which its distances are not computed."""
BARRING = 2  # cars that bar the way of the one that leaves, if there are so many others
_KEPT = 16  # fleets whose distances are remembered
At = tuple[int, ...]
"""The first tile of each car."""
_known: dict[tuple[Lanes, At], dict[At, int]] = {}


@dataclass(frozen=True, slots=True)
class Lanes:
    """A fleet without where its cars are.

    Attributes:
        walls: row-major tiles, 1 wall and 0 floor.
        cols: number of columns.
        exit: the only tile in the border that is no wall; only the last car may come there.
        cars: length of each car, and what its next tile adds to the tile.
    """

    walls: bytes
    cols: int
    exit: int
    cars: tuple[tuple[int, int], ...]

    def free(self, at: At) -> list[tuple[int, int]]:
        """The steps that cars at these places can make: car, and what it adds to the tile."""
        full = 0
        for first, mask in zip(at, _masks(self.cars), strict=True):
            full |= mask << first
        return self._steps(at, full | _shut(self.walls))

    def _steps(self, at: At, full: int) -> list[tuple[int, int]]:
        """The same, where it is known which tiles are full."""
        found, last = [], len(self.cars) - 1
        for car, ((length, along), first) in enumerate(zip(self.cars, at, strict=True)):
            for tile, delta in ((first - along, -along), (first + length * along, along)):
                # Beyond the exit there is nothing: a border row or column more would be left.
                inside = 0 <= tile < len(self.walls) and (
                    along > 1 or tile // self.cols == first // self.cols
                )
                if inside and not full >> tile & 1 and (car == last or tile != self.exit):
                    found.append((car, delta))
        return found

    def distances(self, at: At, limit: int) -> dict[At, int] | None:
        """Steps to the end from each position that can be reached, without those from which it cannot be.

        None where there are more than `limit` positions. All are the same, wherever the search begins.
        """
        for (lanes, _), far in _known.items():
            if lanes == self and at in far:
                return far
        near = self._reached(at, limit)
        if near is None:
            return None
        length, along = self.cars[-1]
        ends = [p for p in near if self.exit in (p[-1], p[-1] + (length - 1) * along)]
        far = dict.fromkeys(ends, 0)
        for p in ends:  # grows while it is read
            for q in near[p]:
                if q not in far:
                    far[q] = far[p] + 1
                    ends.append(q)
        while len(_known) >= _KEPT:
            del _known[next(iter(_known))]
        _known[self, at] = far
        return far

    def _reached(self, at: At, limit: int) -> dict[At, list[At]] | None:
        """All positions that can be reached, and the neighbours of each."""
        near: dict[At, list[At]] = {at: []}
        order, masks, shut = [at], _masks(self.cars), _shut(self.walls)
        for p in order:  # grows while it is read
            full = shut
            for first, mask in zip(p, masks, strict=True):
                full |= mask << first
            found = [(*p[:car], p[car] + delta, *p[car + 1 :]) for car, delta in self._steps(p, full)]
            near[p] = found
            for q in found:
                if q not in near:
                    near[q] = []
                    order.append(q)
            if len(order) > limit:
                return None
        return near


@functools.lru_cache(maxsize=256)
def _masks(cars: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """The tiles of each car as bits, from its first tile on."""
    return tuple(sum(1 << k * along for k in range(length)) for length, along in cars)


@functools.lru_cache(maxsize=256)
def _shut(walls: bytes) -> int:
    """The walls as bits."""
    return sum(1 << tile for tile, wall in enumerate(walls) if wall)


def fleet(rng: np.random.Generator, size: int, count: int, trucks: float) -> tuple[Lanes, At] | None:
    """Cars at random places; the last one lies in the row of the exit, which is at the right.

    The first cars bar its way, as otherwise hardly any fleet would have far to go.

    Args:
        rng: the instance's stream.
        size: tiles a side, without the border.
        count: cars, the one that leaves included.
        trucks: share of the others that are three tiles long.

    Returns:
        The lanes and where the cars stand; None where they found no room.
    """
    side = size + 2
    row = (size + 1) // 2
    walls = np.pad(np.zeros((size, size), np.uint8), 1, constant_values=1).ravel()
    exit_ = row * side + side - 1
    walls[exit_] = 0
    own = row * side + 1 + int(rng.integers(2))
    full = {own, own + 1}
    cars: list[tuple[int, int]] = []
    at: list[int] = []
    for _ in range(50 * count):
        if len(cars) == count - 1:
            break
        bars = len(cars) < min(BARRING, count - 2)
        length, upright = 2 + int(rng.random() < trucks), bars or bool(rng.integers(2))
        along = side if upright else 1
        r = 1 + int(rng.integers(size - (length - 1 if upright else 0)))
        c = 1 + int(rng.integers(size - (0 if upright else length - 1)))
        tiles = range(r * side + c, r * side + c + length * along, along)
        beside = full & set(tiles) or (not upright and r == row)
        if beside or (bars and not set(tiles) & set(range(own + 2, exit_))):
            continue
        full |= set(tiles)
        cars.append((length, along))
        at.append(tiles[0])
    if len(cars) < count - 1:
        return None
    return Lanes(walls.tobytes(), side, exit_, (*cars, (2, 1))), (*at, own)
