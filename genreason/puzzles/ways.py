"""Ways over the fields of a board: to and fro, along edges, round things, in zigzags and steps."""

from __future__ import annotations

import functools

import numpy as np

DIRECTIONS = {"right": (0, 1), "left": (0, -1), "up": (-1, 0), "down": (1, 0)}
BACK = {"right": "left", "left": "right", "up": "down", "down": "up"}
SENSES = ("clockwise", "counter-clockwise")
COUNTED = ("no", "first", "second", "third", "fourth", "fifth", "sixth")
ROUNDS = {1: "half a round", 3: "one and a half rounds", 5: "two and a half rounds"}
KINDS = ("across", "edge", "round", "zigzag", "stairs", "legs")
Told = tuple[str, ...]
"""A kind of way, and what it needs to be known by."""
Box = tuple[int, int, int, int]
"""First row and column, last row and column."""


@functools.lru_cache(maxsize=4096)
def way_of(told: Told, start: int, rows: int, cols: int, middle: int) -> tuple[int, ...] | None:
    """The cells of a way; None where it leaves the board."""
    row, col = divmod(start, cols)
    kind, args = told[0], told[1:]
    box = (0, 0, rows - 1, cols - 1)
    if kind == "across":
        steps = _across(args[0], int(args[1]), row, col, box)
    elif kind == "edge":
        steps = _along(args[0], row, col, box, corners=int(args[1]))
    elif kind == "round":
        y, x = divmod(middle, cols)
        inside = middle >= 0 and 0 < y < rows - 1 and 0 < x < cols - 1
        steps = _along(args[0], row, col, (y - 1, x - 1, y + 1, x + 1), fields=4 * int(args[2]))
        steps = steps if inside else []
    elif kind == "zigzag":
        steps = _zigzag(args[0], args[1], row, col, box)
    elif kind == "stairs":
        steps = [args[0], args[1]] * int(args[2])
    else:
        steps = [leg.split()[1] for leg in args for _ in range(int(leg.split()[0]))]
    way = [start]
    for step in steps:
        row, col = row + DIRECTIONS[step][0], col + DIRECTIONS[step][1]
        if not (0 <= row < rows and 0 <= col < cols):
            return None
        way.append(row * cols + col)
    return tuple(way) if len(way) > 1 else None


def _to_edge(step: str, row: int, col: int, box: Box) -> int:
    """Fields to the edge in a direction."""
    return {"up": row - box[0], "left": col - box[1], "down": box[2] - row, "right": box[3] - col}[step]


def _across(step: str, runs: int, row: int, col: int, box: Box) -> list[str]:
    """To an edge, to the opposite one, and so on."""
    steps = [step] * _to_edge(step, row, col, box)
    for k in range(1, runs):
        side = (BACK[step], step)[k % 2 == 0]
        steps += [side] * (_to_edge(step, row, col, box) + _to_edge(BACK[step], row, col, box))
    return steps if _to_edge(step, row, col, box) else []


def _along(sense: str, row: int, col: int, box: Box, corners: int = 0, fields: int = 0) -> list[str]:
    """Along the edge of a box, for so many fields or past so many corners; [] from a field within it."""
    steps: list[str] = []
    top, left, bottom, right = box
    if row not in (top, bottom) and col not in (left, right):
        return steps
    while corners or len(steps) < fields:
        if sense == "clockwise":
            step = "right" if row == top and col < right else "down" if col == right and row < bottom else ""
            step = step or ("left" if row == bottom and col > left else "up")
        else:
            step = "left" if row == top and col > left else "down" if col == left and row < bottom else ""
            step = step or ("right" if row == bottom and col < right else "up")
        row, col = row + DIRECTIONS[step][0], col + DIRECTIONS[step][1]
        steps.append(step)
        corners -= bool(corners) and row in (top, bottom) and col in (left, right)
    return steps


def _zigzag(step: str, side: str, row: int, col: int, box: Box) -> list[str]:
    """On and aside in turn, to one side and then to the other."""
    far = _to_edge(step, row, col, box)
    sides = [(side, BACK[side])[k % 2] for k in range(far - 1)]
    return [each for other in sides for each in (step, other)] + [step] if far > 1 else []


def way_by_lot(rng: np.random.Generator, kind: str, other: str, steps: tuple[int, int], size: int) -> Told:
    """What tells a way of a kind."""
    step, sense = str(rng.choice(list(DIRECTIONS))), SENSES[int(rng.integers(2))]
    side = str(rng.choice([way for way in DIRECTIONS if way not in (step, BACK[step])]))
    if kind == "across":
        return kind, step, str(rng.integers(2, 5))
    if kind == "edge":
        return kind, sense, str(rng.integers(2, 7))
    if kind == "round":
        return kind, sense, other, str(rng.choice(list(ROUNDS)))
    if kind == "zigzag":
        return kind, step, side
    if kind == "stairs":
        return kind, step, side, str(rng.integers(2, 6))
    legs, left = [], int(rng.integers(steps[0], steps[1] + 1))
    while left:
        count = min(int(rng.integers(1, size)), left)
        legs.append(f"{count} {step}")
        left -= count
        step, side = side, str(rng.choice([step, BACK[step]]))
    return kind, *legs


def middle_by_lot(rng: np.random.Generator, start: int, size: int) -> int:
    """A cell by lot beside the start."""
    row, col = divmod(start, size)
    return (row + int(rng.integers(-1, 2))) * size + col + int(rng.integers(-1, 2))


def around(middle: int, size: int) -> list[int]:
    """A cell that is not at the edge, and those around it."""
    return [middle + r * size + c for r in (-1, 0, 1) for c in (-1, 0, 1)]


def move_between(start: int, end: int, cols: int) -> str:
    """A direction and a number of fields."""
    (a, b), (r, c) = divmod(start, cols), divmod(end, cols)
    far = abs(r - a) + abs(c - b)
    return (
        f"{next(n for n, way in DIRECTIONS.items() if (r - a, c - b) == (way[0] * far, way[1] * far))} {far}"
    )


def in_words(told: Told) -> str:
    """The way in words."""
    kind, args = told[0], told[1:]
    if kind == "across":
        step, runs = args[0], int(args[1])
        sides = [(step, BACK[step])[k % 2] for k in range(1, runs)]
        then = "".join(f", then {side} to the opposite edge" for side in sides)
        return f"goes to and fro in a straight line: first {step} to the edge of the board{then}"
    if kind == "edge":
        which = COUNTED[int(args[1])]
        return f"goes {args[0]} along the edge of the board and stops in the {which} corner that it comes to"
    if kind == "round":
        much = ROUNDS[int(args[2])]
        return f"goes {args[0]} round the {args[1]}, over the fields next to it, for {much}"
    if kind == "zigzag":
        turns = f"one field {args[0]}, one {args[1]}, one {args[0]}, one {BACK[args[1]]}, and so on in turn"
        side = {"up": "top", "down": "bottom"}.get(args[0], args[0])
        return f"goes in a zigzag to the {side} edge of the board, where it stops: {turns}"
    if kind == "stairs":
        return f"goes as if on stairs: {args[2]} times one field {args[0]} and then one field {args[1]}"
    legs = [leg.split() for leg in args]
    return "goes " + ", then ".join(f"{n} field{'s' * (n != '1')} {way}" for n, way in legs)
