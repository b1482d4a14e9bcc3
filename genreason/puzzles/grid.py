"""What puzzles on a grid of tiles share: the four ways, grids and cells as JSON, symmetries.

A grid is row-major bytes, 1 what bars the way (a wall, a trap) and 0 floor; a tile is one number,
`row * cols + col`. Rows and columns count from 0 at the top left. Where walls close the border, a neighbour
of a floor tile is always inside the grid.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.types import IllegalMove, Json, UserError

WAYS = ("up", "down", "left", "right")
MAX_SIDE = 255
_TO_TEXT = bytes.maketrans(b"\x00\x01", b".#")
_TO_BITS = bytes.maketrans(b".#", b"\x00\x01")


@functools.cache
def offsets(cols: int) -> dict[str, int]:
    """What each way adds to a tile's number."""
    return {"up": -cols, "down": cols, "left": -1, "right": 1}


def offset(way: str, cols: int) -> int:
    """What one way adds to a tile's number.

    Raises:
        IllegalMove: there is no such way.
    """
    found = offsets(cols).get(way)
    if found is None:
        raise IllegalMove(f"{way!r} is no move: there is {', '.join(WAYS)}")
    return found


@functools.cache
def names(cols: int) -> dict[int, str]:
    """The inverse of `offsets`."""
    return {delta: way for way, delta in offsets(cols).items()}


def cell(tile: int, cols: int) -> list[int]:
    """The tile as [row, column]."""
    return [tile // cols, tile % cols]


def at(tile: int, cols: int) -> str:
    """The tile in words."""
    return f"row {tile // cols}, column {tile % cols}"


def distance(a: int, b: int, cols: int) -> int:
    """Manhattan distance of two tiles."""
    return abs(a // cols - b // cols) + abs(a % cols - b % cols)


def heading(start: int, end: int, cols: int) -> str:
    """Where `end` lies as seen from `start`, in words: "2 down and 3 right"."""
    down, right = end // cols - start // cols, end % cols - start % cols
    parts = [
        f"{abs(count)} {more if count > 0 else less}"
        for count, more, less in ((down, "down", "up"), (right, "right", "left"))
        if count
    ]
    return " and ".join(parts) or "here"


def text(walls: bytes, cols: int) -> list[str]:
    """The grid as rows of "#" (wall, trap) and "." (floor)."""
    flat = walls.translate(_TO_TEXT).decode()
    return [flat[i : i + cols] for i in range(0, len(flat), cols)]


def item(record: Json, name: str, family: str) -> Any:
    """One field of a state's or goal's JSON.

    Raises:
        UserError: it is not there.
    """
    if not isinstance(record, dict) or name not in record:
        raise UserError(f"{family} state lacks the field {name!r}")
    return record[name]


def parse(rows: Any, family: str, *, closed: bool = True, barrier: str = "wall") -> tuple[bytes, int]:
    """The inverse of `text`: (walls, cols).

    Args:
        rows: what `text` gives.
        family: named in errors.
        closed: whether the border must be all walls.
        barrier: what "#" is, for errors.

    Raises:
        UserError: not a rectangle of "#" and ".", 3 to 255 a side, with a closed border if asked for.
    """
    if not isinstance(rows, list | tuple) or not rows or not all(isinstance(row, str) for row in rows):
        raise UserError(f"{family} grid: must be a list of rows of '#' and '.'")
    cols = len(rows[0])
    if any(len(row) != cols for row in rows):
        raise UserError(f"{family} grid: rows differ in length")
    if not (3 <= len(rows) <= MAX_SIDE and 3 <= cols <= MAX_SIDE):
        raise UserError(f"{family} grid: {len(rows)} rows, {cols} columns; must be 3 to {MAX_SIDE} each")
    flat = "".join(rows)
    odd = set(flat) - {"#", "."}
    if odd:
        known = f"only '#' ({barrier}) and '.' (floor) may stand there"
        raise UserError(f"{family} grid: has {min(odd)!r}; {known}")
    if closed and (set(rows[0] + rows[-1]) != {"#"} or any(row[0] != "#" or row[-1] != "#" for row in rows)):
        raise UserError(f"{family} grid: the border must be all walls")
    return flat.encode().translate(_TO_BITS), cols


def tile(value: Any, walls: bytes, cols: int, what: str, *, barrier: str = "wall") -> int:
    """The number of the floor tile [row, column].

    Raises:
        UserError: no such tile, or a wall (a `barrier`) is there; `what` names the field.
    """
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(type(v) is int for v in value)
    if not pair or not (0 <= value[0] < len(walls) // cols and 0 <= value[1] < cols):
        raise UserError(f"{what}: {value!r} is no [row, column] of the grid")
    number: int = value[0] * cols + value[1]
    if walls[number]:
        raise UserError(f"{what}: stands in the {barrier} at {at(number, cols)}")
    return number


def flood(walls: bytes | bytearray, cols: int, start: int, end: int = -1) -> tuple[list[int], list[int]]:
    """Breadth first over a closed grid from `start` until `end` is reached.

    Returns the tiles by distance, and for each tile of the grid the one from which it was reached: 0, which
    is border, means "not reached"; the start was reached from itself.
    """
    shut = bytearray(walls)
    came = [0] * len(walls)
    came[start] = start
    shut[start] = 1
    reached = [start]
    push = reached.append
    for p in reached:  # grows while it is read
        if p == end:
            break
        for q in (p - cols, p + 1, p + cols, p - 1):
            if not shut[q]:
                shut[q] = 1
                came[q] = p
                push(q)
    return reached, came


def trail(came: list[int], start: int, end: int) -> list[int]:
    """What each step from `start` to `end` adds to the tile's number, from what `flood` found."""
    deltas = []
    while end != start:
        deltas.append(end - came[end])
        end = came[end]
    deltas.reverse()
    return deltas


def symmetries(rows: int, cols: int) -> Iterator[tuple[tuple[int, int], Callable[[int], int]]]:
    """The eight rotations and reflections: rows and columns of the image, and where a tile goes there."""
    for turned, below, aside in product((False, True), repeat=3):
        sides = (cols, rows) if turned else (rows, cols)
        yield sides, functools.partial(_moved, cols, sides, turned, below, aside)


def _moved(cols: int, sides: tuple[int, int], turned: bool, below: bool, aside: bool, tile: int) -> int:
    r, c = divmod(tile, cols)
    r, c = (c, r) if turned else (r, c)
    return (sides[0] - 1 - r if below else r) * sides[1] + (sides[1] - 1 - c if aside else c)


def canonical(codes: npt.NDArray[np.uint8]) -> bytes:
    """A form of (rows, cols) codes that is equal exactly for grids that are rotations or reflections."""
    if codes.shape[0] > codes.shape[1]:
        codes = codes.T
    forms = [codes, codes[::-1], codes[:, ::-1], codes[::-1, ::-1]]
    if codes.shape[0] == codes.shape[1]:
        forms += [form.T for form in forms]
    return bytes(codes.shape) + min(form.tobytes() for form in forms)
