"""Match three: two neighbouring gems change places so that a line arises, and lines vanish.

A line is three or more gems of one kind side by side in a row or a column. A legal swap makes a line of the
kind that is asked for next, as long as it must be; then all lines vanish, and their cells stay empty (nothing
falls). Any such swaps in the order asked for are a solution. The measure of `solve` is swaps and vanishings.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, rows_cells, rows_json
from genreason.render.cells import BRIGHT, BRIGHT_STYLES, CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

GEMS = ("red disc", "yellow star", "cyan hexagon", "purple square", "pink heart", "lime triangle")
VANISH = "vanish"
NUMBERS = {3: "three", 4: "four", 5: "five"}
_TRIES = 600
Asked = tuple[tuple[str, int], ...]
"""Of the lines that swaps must make one after the other: kind and least length."""


class Match3Params(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        kinds: of gems.
        lines: least length of the line that each swap must make.
        ways: the most swaps that may do for the first.
    """

    size: int = Field(6, ge=5, le=8)
    kinds: int = Field(5, ge=3, le=len(GEMS))
    lines: tuple[int, ...] = Field((3,), min_length=1, max_length=3)
    ways: int = Field(3, ge=1)


@dataclass(frozen=True, slots=True)
class Match3State:
    """A board, row by row.

    Attributes:
        cells: the gems now.
        first: the gems at the start.
        cols: number of columns.
        asked: the lines to be made.
        made: how many of them have vanished.
    """

    cells: Cells
    first: Cells
    cols: int
    asked: Asked
    made: int = 0


class Match3(BoardPuzzle[Match3State, str]):
    """The family; moves are "row,column right" or "row,column down" (where a gem goes), and "vanish"."""

    name: ClassVar[str] = "match3"
    params: ClassVar[type[Params]] = Match3Params
    carried: ClassVar[bool] = True
    once: ClassVar[bool] = True
    gradual: ClassVar[bool] = True

    # -- rules -----------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: Match3Params, accept: Accept | None = None
    ) -> Match3State:
        """Gems by lot without a line, and lines that swaps can make.

        Raises:
            GenreasonError: in 600 boards such lines could not be made, or in too many ways.
        """
        odd = next((n for n in params.lines if n not in NUMBERS), None)
        if odd is not None:
            raise UserError(f"match3: lines: {odd}: a swap makes a line of 3 to 5 gems")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            cells = _filled(rng, params.size, params.kinds)
            state = Match3State(cells, cells, params.size, ())
            for count in params.lines:
                after = self._asked(rng, state, count)
                if after is None:
                    break
                state = after
            if len(state.asked) < len(params.lines):
                continue
            state = replace(state, cells=cells, made=0)
            if len(list(self.moves(state))) <= params.ways:
                misfits = 0
                if accept is None or accept(state):
                    return state
        board = f"{params.size} cells a side with {params.kinds} kinds"
        raise GenreasonError(
            f"no board of {board} has lines {params.lines}: shorten lines, or change kinds or ways"
        )

    def _asked(self, rng: np.random.Generator, state: Match3State, count: int) -> Match3State | None:
        """The state after a swap by lot that makes such a line, which is asked for; None where none does."""
        swaps = []
        known = {kind for kind, _ in state.asked}
        for a, b in _pairs(len(state.cells), state.cols):
            made = _made(state.cells, state.cols, a, b)
            swaps += [(a, b, kind) for kind, n in made if n == count and kind not in known]
        if not swaps:
            return None
        a, b, kind = swaps[int(rng.integers(len(swaps)))]
        cells = _without(_swapped(state.cells, a, b), state.cols)
        return replace(state, cells=cells, asked=(*state.asked, (kind, count)), made=state.made + 1)

    def solve(self, state: Match3State) -> Solution[str] | None:
        """A swap and a vanishing for each line that is left, or None where no swaps make them."""
        if self._finished(state):
            return Solution(()) if self.done(state) else None
        for move in self.moves(state):
            rest = self.solve(self.step(state, move))
            if rest is not None:
                return Solution((move, *rest.moves))
        return None

    def moves(self, state: Match3State) -> Iterable[str]:
        """Vanishing where there are lines, else every swap that makes the line asked for."""
        if _lines(state.cells, state.cols):
            return (VANISH,)
        pairs = _pairs(len(state.cells), state.cols)
        return tuple(_move(a, b, state.cols) for a, b in pairs if not self._refusal(state, a, b))

    def _finished(self, state: Match3State) -> bool:
        return state.made >= len(state.asked)

    def _refusal(self, state: Match3State, a: int, b: int) -> str:
        """Why two neighbours may not be swapped, or ""."""
        if not (state.cells[a] and state.cells[b]):
            return "a gem changes places with a gem only"
        if _lines(state.cells, state.cols):
            return "the lines that were made vanish first"
        if self._finished(state):
            return "all lines that were asked for are made"
        made = _made(state.cells, state.cols, a, b)
        kind, count = state.asked[state.made]
        if any(held == kind and n >= count for held, n in made):
            return ""
        wanted = f"no line of {NUMBERS[count]} {kind}s"
        return f"the swap makes {wanted}" if made else "the swap makes no line"

    def step(self, state: Match3State, move: str) -> Match3State:
        """Swap two gems, or let lines vanish.

        Raises:
            IllegalMove: there is no such move, no line to vanish, or the swap makes none that is asked for.
        """
        if move == VANISH:
            if not _lines(state.cells, state.cols):
                raise IllegalMove("there is no line that could vanish")
            return replace(state, cells=_without(state.cells, state.cols), made=state.made + 1)
        a, b = _parsed(move, len(state.cells), state.cols)
        reason = self._refusal(state, a, b)
        if reason:
            raise IllegalMove(reason)
        return replace(state, cells=_swapped(state.cells, a, b))

    def likely(self, state: Match3State, seen: Mapping[int, str]) -> Iterable[str]:
        """Vanishing where there are lines, else swaps that put a gem where it is seen."""
        if _lines(state.cells, state.cols):
            return (VANISH,)
        pairs = {
            (min(cell, k), max(cell, k))
            for cell, symbol in seen.items()
            for k in _near(cell, len(state.cells), state.cols)
            if symbol and state.cells[k] == symbol
        }
        return [_move(a, b, state.cols) for a, b in sorted(pairs) if not self._refusal(state, a, b)]

    def done(self, state: Match3State) -> bool:
        """Whether the board is one that such swaps lead to."""
        return _boards(self, state.first, state.cols, state.asked).get(state.cells) == len(state.asked)

    def explain(self, state: Match3State, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this ("" for nothing)."""
        near = [k for k in _near(cell, len(state.cells), state.cols) if state.cells[k] == symbol != ""]
        if near:
            where = f"the {symbol} in {self.at(state, near[0])} goes to {self.at(state, cell)}"
            return f"{where}: {self._refusal(state, cell, near[0]) or 'nothing changes places with it'}"
        return super().explain(state, cell, symbol)

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: Match3State) -> tuple[Json, Json]:
        """`{"cells": rows, "first": rows}` and `{"asked": pairs of a kind and a length}`."""
        rows = {"cells": rows_json(state.cells, state.cols), "first": rows_json(state.first, state.cols)}
        return rows, {"asked": [list(pair) for pair in state.asked]}

    def decode(self, state: Json, goal: Json) -> Match3State:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", GEMS, self.name)
        first, wide = rows_cells(state, "first", GEMS, self.name) if "first" in state else (cells, cols)
        if len(cells) != cols * cols or wide != cols or len(first) != len(cells):
            raise UserError("match3: give square boards of one size")
        if "" in first or _lines(first, cols):
            raise UserError("match3: first: fill every cell, without a line of three")
        asked = goal.get("asked")
        asked = asked if isinstance(asked, list) else []
        pairs = [tuple(pair) for pair in asked if isinstance(pair, list) and len(pair) == 2]
        fit = all(kind in GEMS and count in NUMBERS for kind, count in pairs)
        if not fit or not 0 < len(pairs) == len(asked):
            raise UserError("match3: asked: give pairs of a kind and a length of 3 to 5")
        start = Match3State(first, first, cols, tuple((kind, count) for kind, count in pairs))
        return self.arranged(start, cells)

    def canonical(self, state: Match3State) -> bytes:
        """Up to rotation and reflection."""
        boards = [
            np.array([GEMS.index(held) + 1 if held else 0 for held in cells], np.uint8).reshape(
                -1, state.cols
            )
            for cells in (state.cells, state.first)
        ]
        both = np.asarray(boards[0] * 16 + boards[1], np.uint8)
        return grid.canonical(both) + repr(state.asked).encode()

    def plan(self, state: Match3State, move: str) -> str:
        """Which gems are swapped and what that makes, or which vanish."""
        if move == VANISH:
            gone = _lines(state.cells, state.cols)
            kinds = [kind for kind in GEMS if any(state.cells[k] == kind for k in gone)]
            return " ".join(
                f"The line of {sum(state.cells[k] == s for k in gone)} {s}s vanishes." for s in kinds
            )
        a, b = _parsed(move, len(state.cells), state.cols)
        kind, count = state.asked[state.made]
        who = f"the {state.cells[a]} in {self.at(state, a)} and the {state.cells[b]} in {self.at(state, b)}"
        return f"A line of {NUMBERS[count]} {kind}s is needed. Swap {who}."

    def words(self, state: Match3State) -> dict[str, str]:
        """What must be made, and how many swaps that takes."""
        lines = [f"a line of {NUMBERS[count]} or more {kind}s" for kind, count in state.asked]
        swaps = {1: "One swap", 2: "Two swaps", 3: "Three swaps"}[len(lines)]
        return {"swaps": swaps, "lines": ", then ".join(lines)}

    # -- pictures --------------------------------------------------------------------------------------------
    def styles(self) -> tuple[str, ...]:
        """Those on whose ground all gems stand out."""
        return BRIGHT_STYLES

    def shape(self, state: Match3State) -> tuple[int, int]:
        """As many rows as columns."""
        return state.cols, state.cols

    def cells(self, state: Match3State) -> Cells:
        """The gems."""
        return state.cells

    def symbols(self, state: Match3State) -> tuple[str, ...]:
        """The kinds that are there at the start."""
        return tuple(kind for kind in GEMS if kind in state.first)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A shape in its colour."""
        colour, form = symbol.split()
        return Sign(mark=shape(form, BRIGHT[colour], 0.66))

    def arranged(self, state: Match3State, cells: Cells) -> Match3State:
        """The state with these gems; where they stand as on the way, so many lines have vanished."""
        made = _boards(self, state.first, state.cols, state.asked).get(cells, 0)
        return replace(state, cells=cells, made=made)


def _move(a: int, b: int, cols: int) -> str:
    """The swap of a cell with the one to its right or below it."""
    return f"{a // cols + 1},{a % cols + 1} {'right' if b == a + 1 else 'down'}"


def _parsed(move: str, count: int, cols: int) -> tuple[int, int]:
    """The two cells of a swap.

    Raises:
        IllegalMove: it is none on this board.
    """
    try:
        place, way = move.split()
        row, col = (int(word) - 1 for word in place.split(","))
        down, right = {"right": (0, 1), "down": (1, 0)}[way]
    except (ValueError, KeyError):
        raise IllegalMove(
            f"{move!r} is no move: write row,column right, row,column down, or {VANISH}"
        ) from None
    if not (0 <= row < count // cols - down and 0 <= col < cols - right):
        raise IllegalMove(f"{move!r} lies off the board")
    return row * cols + col, (row + down) * cols + col + right


def _near(cell: int, count: int, cols: int) -> list[int]:
    """The neighbours of a cell."""
    row, col = divmod(cell, cols)
    beside = [cell - 1] * (col > 0) + [cell + 1] * (col < cols - 1)
    return beside + [cell - cols] * (row > 0) + [cell + cols] * (row < count // cols - 1)


@functools.lru_cache(maxsize=16)
def _pairs(count: int, cols: int) -> tuple[tuple[int, int], ...]:
    """All pairs of neighbours, the smaller first."""
    return tuple((k, n) for k in range(count) for n in sorted(_near(k, count, cols)) if n > k)


def _runs(cells: Cells, cols: int, cell: int) -> Iterator[list[int]]:
    """The gems of one kind side by side with the one in a cell: in its row, and in its column."""
    row, col = divmod(cell, cols)
    for step, before, after in ((1, col, cols - 1 - col), (cols, row, len(cells) // cols - 1 - row)):
        run = [cell]
        for way, room in ((-step, before), (step, after)):
            k = cell
            for _ in range(room):
                k += way
                if cells[k] != cells[cell]:
                    break
                run.append(k)
        yield run


@functools.lru_cache(maxsize=256)
def _lines(cells: Cells, cols: int) -> frozenset[int]:
    """The cells of all lines."""
    found = (run for k, held in enumerate(cells) if held for run in _runs(cells, cols, k))
    return frozenset(k for run in found if len(run) >= 3 for k in run)


def _swapped(cells: Cells, a: int, b: int) -> Cells:
    held = list(cells)
    held[a], held[b] = held[b], held[a]
    return tuple(held)


def _without(cells: Cells, cols: int) -> Cells:
    """The board when its lines have vanished."""
    gone = _lines(cells, cols)
    return tuple("" if k in gone else held for k, held in enumerate(cells))


def _made(cells: Cells, cols: int, a: int, b: int) -> list[tuple[str, int]]:
    """The kinds and lengths of the lines that a swap makes."""
    if not cells[a] or not cells[b] or cells[a] == cells[b]:
        return []
    after = _swapped(cells, a, b)
    return [(after[k], len(run)) for k in (a, b) for run in _runs(after, cols, k) if len(run) >= 3]


@functools.lru_cache(maxsize=64)
def _boards(puzzle: Match3, first: Cells, cols: int, asked: Asked) -> dict[Cells, int]:
    """All boards to which legal moves lead, and how many lines have vanished there."""
    front = {Match3State(first, first, cols, asked)}
    found = {first: 0}
    for _ in range(2 * len(asked)):
        front = {puzzle.step(state, move) for state in front for move in puzzle.moves(state)}
        found = {**{state.cells: state.made for state in front}, **found}
    return found


def _filled(rng: np.random.Generator, size: int, kinds: int) -> Cells:
    """Gems by lot, none the third of its kind in a row or column."""
    ranks = rng.permutation(len(GEMS))[:kinds].tolist()
    draws = rng.random((size * size, kinds)).argsort(axis=1).tolist()
    cells: list[str] = []
    for k, order in enumerate(draws):
        row, col = divmod(k, size)
        left = cells[k - 1] if col > 1 and cells[k - 1] == cells[k - 2] else ""
        above = cells[k - size] if row > 1 and cells[k - size] == cells[k - 2 * size] else ""
        cells.append(next(GEMS[ranks[i]] for i in order if GEMS[ranks[i]] not in (left, above)))
    return tuple(cells)


PUZZLE = Match3()
