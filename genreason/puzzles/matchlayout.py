"""Equations laid of matchsticks: where the sticks lie, and which of them are digits and true equations.

Each digit is a block of 3 x 5 cells with a slot in the middle of each of its strokes; a sign is one cell.
Sets of slots are whole numbers: bit k is the k-th slot.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from genreason.puzzles.films import Cells

Digits = tuple[int, int, int]
"""How many digits each of the three numbers has."""
LYING, UPRIGHT, PLUS, EQUALS = "lying", "upright", "plus", "equals"
ROWS = 7  # five of the digits, and a lane above and below them
STROKES = ((1, 1), (2, 0), (2, 2), (3, 1), (4, 0), (4, 2), (5, 1))
"""Row and column of each stroke: top, upper left and right, middle, lower left and right, bottom."""
NAMES = ("top", "upper left", "upper right", "middle", "lower left", "lower right", "bottom")
_DRAWN = ("012456", "25", "02346", "02356", "1235", "01356", "013456", "025", "0123456", "012356")
SHAPES = tuple(sum(1 << int(stroke) for stroke in strokes) for strokes in _DRAWN)
"""The strokes of the digits 0 to 9."""
MIDDLE = 3  # the row of signs and of middle strokes


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a stick: its cell, how a stick lies there, its digit (-1 for the sign) and stroke."""

    cell: int
    way: str
    digit: int
    stroke: int


@dataclass(frozen=True)
class Layout:
    """The board of an equation whose numbers have so many digits."""

    digits: Digits

    @property
    def count(self) -> int:
        """Digits of all numbers."""
        return sum(self.digits)

    @functools.cached_property
    def left(self) -> tuple[tuple[int, ...], int, int]:
        """The first column of each digit; the columns of the sign and of the equals sign."""
        found: list[int] = []
        signs: list[int] = []
        at = 0
        for k, count in enumerate(self.digits):
            for _ in range(count):
                found.append(at)
                at += 4
            if k < 2:
                signs.append(at)
                at += 2
        return tuple(found), signs[0], signs[1]

    @functools.cached_property
    def cols(self) -> int:
        """Columns of cells."""
        return self.left[0][-1] + 3

    @functools.cached_property
    def sign(self) -> int:
        """The cell of plus or minus."""
        return MIDDLE * self.cols + self.left[1]

    @functools.cached_property
    def equals(self) -> int:
        """The cell of the equals sign."""
        return MIDDLE * self.cols + self.left[2]

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Seven of each digit, and that of the upright stick of a plus."""
        found = [
            Slot(row * self.cols + left + col, LYING if col == 1 else UPRIGHT, k, stroke)
            for k, left in enumerate(self.left[0])
            for stroke, (row, col) in enumerate(STROKES)
        ]
        return (*found, Slot(self.sign, UPRIGHT, -1, 0))

    @functools.cached_property
    def at(self) -> dict[int, Slot]:
        """Slots by their cells."""
        return {slot.cell: slot for slot in self.slots}

    @functools.cached_property
    def ends(self) -> frozenset[int]:
        """Cells into which the ends of sticks reach: corners of digits, and around signs."""
        corners = [r * self.cols + c + dc for c in self.left[0] for r in (1, 3, 5) for dc in (0, 2)]
        beside = [cell + dc for cell in (self.sign, self.equals) for dc in (-1, 1)]
        return frozenset([*corners, *beside, self.sign - self.cols, self.sign + self.cols])

    @functools.cached_property
    def gaps(self) -> tuple[int, ...]:
        """Columns between digits and signs, from top to bottom free of sticks."""
        columns = {c for left in self.left[0] for c in range(left, left + 3)} | set(self.left[1:])
        return tuple(c for c in range(self.cols) if c not in columns)

    def way(self, source: int, target: int) -> tuple[tuple[float, float], ...]:
        """The places that a stick passes from cell to cell: along a lane above or below the equation."""
        (y0, x0), (y1, x1) = divmod(source, self.cols), divmod(target, self.cols)
        if x0 == x1 and abs(y1 - y0) == 2:
            return (float(x0), float(y0)), (float(x1), float(y1))
        first = _lane(y0) or _lane(y1) or 1
        last = _lane(y1) or first
        lanes = {1: ROWS - 1.0, -1: 0.0}
        path = [(float(x0), float(y0)), (float(x0), lanes[first])]
        if first != last:
            gap = float(min(self.gaps, key=lambda c: (abs(c - x0) + abs(c - x1), c)))
            path += [(gap, lanes[first]), (gap, lanes[last])]
        path += [(float(x1), lanes[last]), (float(x1), float(y1))]
        return tuple(path)

    # -- equations -------------------------------------------------------------------------------------------
    def mask(self, text: str, plus: bool) -> int:
        """The slots of an equation whose digits, one after the other, are these (" " for none)."""
        digits = sum(SHAPES[int(d)] << 7 * k for k, d in enumerate(text) if d != " ")
        return digits | int(plus) << 7 * self.count

    def numbers(self, text: str) -> tuple[int, ...]:
        """The three numbers of such a text."""
        at, found = 0, []
        for count in self.digits:
            found.append(int(text[at : at + count]))
            at += count
        return tuple(found)

    @functools.cached_property
    def true(self) -> frozenset[int]:
        """All true equations."""
        return frozenset(self._true())

    def _true(self) -> Iterator[int]:
        first, second, third = (_written(count) for count in self.digits)
        for a, texts in first.items():
            for b, others in second.items():
                for plus, c in ((True, a + b), (False, a - b)):
                    for text in texts:
                        for other in others:
                            for result in third.get(c, ()):
                                yield self.mask(text + other + result, plus)


def _lane(row: int) -> int:
    """Whether a slot in this row is reached from below (1), from above (-1), or both (0)."""
    return (row > MIDDLE) - (row < MIDDLE)


@functools.cache
def _written(count: int) -> dict[int, tuple[str, ...]]:
    """How numbers are written in so many places: none begins with 0; in two, one may be empty."""
    found: dict[int, tuple[str, ...]] = {}
    for number in range(10**count):
        text = str(number)
        if len(text) == count:
            found[number] = (text,)
        elif count == 2:
            found[number] = (f" {text}", f"{text} ")
    return found


@functools.cache
def layout(digits: Digits) -> Layout:
    """The board for numbers of so many digits."""
    return Layout(digits)


@functools.lru_cache(maxsize=4096)
def goals(digits: Digits, mask: int, sticks: int) -> tuple[int, ...]:
    """The true equations that differ from this one by exactly so many sticks that were moved."""
    known = layout(digits).true
    near = [t for t in known if (t & ~mask).bit_count() == sticks == (mask & ~t).bit_count()]
    return tuple(sorted(near))


@dataclass(frozen=True, slots=True)
class MatchState:
    """Sticks on the board.

    Attributes:
        cells: what lies in each cell.
        given: what lay there at first.
        digits: of the three numbers.
        sticks: how many are to be moved.
        away: the sticks that lie elsewhere than at first: (cell, cell at first), in order.
    """

    cells: Cells
    given: Cells
    digits: Digits
    sticks: int
    away: tuple[tuple[int, int], ...] = ()

    @property
    def layout(self) -> Layout:
        """Where the slots are."""
        return layout(self.digits)

    def taken(self, cell: int) -> bool:
        """Whether a stick lies in the slot of this cell."""
        return self.cells[cell] == (PLUS if cell == self.layout.sign else self.layout.at[cell].way)


def look(state: MatchState, cell: int, taken: bool) -> str:
    """What a slot's cell holds with a stick, or without."""
    if cell == state.layout.sign:
        return PLUS if taken else LYING
    return state.layout.at[cell].way if taken else ""


def laid(digits: Digits, mask: int) -> Cells:
    """The board of an equation."""
    places = layout(digits)
    cells = [""] * (ROWS * places.cols)
    cells[places.sign], cells[places.equals] = LYING, EQUALS
    for k, slot in enumerate(places.slots):
        if mask >> k & 1:
            cells[slot.cell] = PLUS if slot.cell == places.sign else slot.way
    return tuple(cells)


def mask_of(state: MatchState, cells: Cells) -> int:
    """The slots in which sticks lie."""
    shown = replace(state, cells=cells)
    return sum(1 << k for k, slot in enumerate(state.layout.slots) if shown.taken(slot.cell))


def slots_of(state: MatchState, mask: int) -> set[int]:
    """The cells of these slots."""
    return {slot.cell for k, slot in enumerate(state.layout.slots) if mask >> k & 1}


def moved(state: MatchState, source: int, target: int) -> tuple[tuple[int, int], ...]:
    """The sticks that are away after a move."""
    away = dict(state.away)
    home = away.pop(source, source)
    return tuple(sorted({**away, target: home}.items())) if home != target else tuple(sorted(away.items()))


def text_of(state: MatchState) -> str:
    """What the sticks say; "?" for what is no digit."""
    mask, found = mask_of(state, state.cells), []
    for k in range(state.layout.count):
        shape = mask >> 7 * k & 127
        found.append(str(SHAPES.index(shape)) if shape in SHAPES else "" if not shape else "?")
    a, b, _ = state.digits
    sign = "+" if mask >> 7 * state.layout.count & 1 else "-"
    return f"{''.join(found[:a])} {sign} {''.join(found[a : a + b])} = {''.join(found[a + b :])}"


def count_of(sticks: int) -> str:
    """Sticks in words."""
    return f"{('one', 'two', 'three')[sticks - 1]} matchstick{'s' if sticks > 1 else ''}"
