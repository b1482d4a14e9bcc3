"""Dot to dot: lines are drawn from number to number, in order, until the figure is whole.

Dots that follow each other lie in one row or column, with free cells in between. A line grows cell by cell
from the lower number to the next one (in closed figures at last from the highest to the lowest), and no line
crosses another or passes over a dot. The measure of `solve` is cells.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import Layer, Mark
from genreason.types import GenreasonError, Json, Solution, UserError

ACROSS, DOWN = "-", "|"
"""Symbols of cells through which a line runs."""
LINES = {ACROSS: (1.0, 0.2), DOWN: (0.2, 1.0)}
"""Their width and height in cells."""
SEAMLESS = 1.1  # cells that a bar is long, so that the next one joins it
MOST = 99  # the highest number that a dot may have
_TRIES, _STEPS = 200, 400
Route = tuple[tuple[int, str], ...]
"""Cells and what a line makes of them, in the order in which they are drawn."""


class DotToDotParams(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        dots: how many there are.
        closed: whether the figure comes back to its first dot.
        drawn: lines that are there at the start.
        gap: the most by which a number may be higher than the one before.
    """

    size: int = Field(7, ge=5, le=10)
    dots: int = Field(6, ge=3, le=14)
    closed: bool = True
    drawn: int = Field(0, ge=0)
    gap: int = Field(1, ge=1, le=7)


@dataclass(frozen=True, slots=True)
class DotToDotState:
    """A board, row by row, what it must become, and whether the figure is closed."""

    cells: Cells
    goal: Cells
    cols: int
    closed: bool


class DotToDot(PlacingPuzzle[DotToDotState]):
    """The family."""

    name: ClassVar[str] = "dot_to_dot"
    params: ClassVar[type[Params]] = DotToDotParams
    ruled: ClassVar[bool] = False
    stir: ClassVar[int | None] = 2  # few dots stand there: where more of them change, the camera moved

    # -- rules -----------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: DotToDotParams, accept: Accept | None = None
    ) -> DotToDotState:
        """A walk by lot that turns at every dot, where there is room.

        Raises:
            GenreasonError: 200 walks one after the other found no room.
        """
        n, count = params.size, params.dots
        if params.drawn >= count - 1 + params.closed:
            raise UserError(f"dot_to_dot: {params.drawn} lines are drawn of {count} dots: leave one at least")
        if params.closed and count < 4:
            raise UserError(f"dot_to_dot: no closed figure has {count} dots: give 4 at least")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            dots = _walk(rng, n, count, params.closed)
            if not dots:
                continue
            misfits = 0
            numbers = np.cumsum(rng.integers(1, params.gap + 1, count)).tolist()
            held = dict(zip(dots, map(str, numbers), strict=True))
            bare = tuple(held.get(k, "") for k in range(n * n))
            lines = _lines(dots, n, params.closed)
            cells = _with(bare, itertools.chain(*lines[: params.drawn]))
            state = DotToDotState(cells, _with(bare, itertools.chain(*lines)), n, params.closed)
            if accept is None or accept(state):
                return state
        raise GenreasonError(f"no figure of {count} dots fits on {n} cells a side: raise size or lower dots")

    def solve(self, state: DotToDotState) -> Solution[str] | None:
        """The lines that are missing, in order; None where something stands in their way."""
        if any(held not in ("", goal) for held, goal in zip(state.cells, state.goal, strict=True)):
            return None
        return Solution(tuple(self.move(state, *step) for step in _missing(state)))

    def refusal(self, state: DotToDotState, cell: int, symbol: str) -> str:
        """Each line has its turn, and grows from its lower number."""
        if symbol not in LINES:
            return "no dot may be added"
        due = next(_missing(state), None)
        if due == (cell, symbol):
            return ""
        if not state.goal[cell]:
            return "no line between a dot and the next one runs there"
        return "the line there runs the other way" if state.goal[cell] != symbol else "it is not its turn"

    def placed(self, state: DotToDotState, cell: int, symbol: str) -> DotToDotState:
        """The state with the line in the cell."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def done(self, state: DotToDotState) -> bool:
        """Whether all lines are drawn, and nothing else."""
        return state.cells == state.goal

    def explain(self, state: DotToDotState, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this ("" for nothing)."""
        if symbol in LINES and not state.cells[cell]:
            return f"a line is drawn in {self.at(state, cell)}: {self.refusal(state, cell, symbol)}"
        return super().explain(state, cell, symbol)

    def called(self, symbol: str) -> str:
        """Lines, and dots by their numbers."""
        return "line" if symbol in LINES else f"dot {symbol}"

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: DotToDotState) -> tuple[Json, Json]:
        """`{"cells": rows, "closed"}` and `{}`."""
        return {"cells": rows_json(state.cells, state.cols), "closed": state.closed}, {}

    def decode(self, state: Json, goal: Json) -> DotToDotState:
        """The inverse of `encode`; there are lines in the cells between dots only."""
        known = (*LINES, *map(str, range(1, MOST + 1)))
        cells, n = rows_cells(state, "cells", known, self.name)
        if len(cells) != n * n:
            raise UserError("dot_to_dot: give as many rows as columns")
        closed, dots = bool(state.get("closed")), _dots(cells)
        numbers = [cells[k] for k in dots]
        if len(set(numbers)) < len(numbers) or len(numbers) < 2:
            raise UserError("dot_to_dot: cells: give two dots at least, each with a number of its own")
        lines = _lines(dots, n, closed)
        if not all(lines):
            raise UserError(
                "dot_to_dot: cells: a dot and the next one must be two or more cells apart in a line"
            )
        run, bare = list(itertools.chain(*lines)), tuple("" if held in LINES else held for held in cells)
        whole = _with(bare, run)
        crossing = len({k for k, _ in run}) < len(run) or any(bare[k] for k, _ in run)
        if crossing or any(held not in ("", full) for held, full in zip(cells, whole, strict=True)):
            raise UserError("dot_to_dot: cells: a line crosses another one or a dot, or joins no two dots")
        return DotToDotState(cells, whole, n, closed)

    def canonical(self, state: DotToDotState) -> bytes:
        """Up to rotation and reflection; of the numbers, their order counts."""
        ranks = {k: i for i, k in enumerate(_dots(state.goal))}
        drawn = [k for k, held in enumerate(state.cells) if held in LINES]
        forms = []
        for _, moved in grid.symmetries(state.cols, state.cols):
            forms.append((sorted((moved(k), i) for k, i in ranks.items()), sorted(map(moved, drawn))))
        return repr((state.cols, state.closed, min(forms))).encode()

    def plan(self, state: DotToDotState, move: str) -> str:
        """Which line is drawn, and whether it is whole then."""
        cell, _ = self.parsed(state, move)
        dots = _dots(state.goal)
        lines = _lines(dots, state.cols, state.closed)
        i = next(i for i, line in enumerate(lines) if cell in [k for k, _ in line])
        a, b = (state.goal[dots[k % len(dots)]] for k in (i, i + 1))
        text = f"The line from dot {a} goes on to {self.at(state, cell)}."
        return f"{text} It reaches dot {b}." if cell == lines[i][-1][0] else f"{text} Its end is dot {b}."

    def words(self, state: DotToDotState) -> dict[str, str]:
        """How many dots, the first and last one, how the figure ends, and what is there."""
        dots = _dots(state.goal)
        low, high = (state.goal[dots[i]] for i in (0, -1))
        last = (
            f"The last line leads from {high} back to {low}." if state.closed else f"The last dot is {high}."
        )
        due = next(_missing(state), None)
        begun = due is not None and due[0] != _route(state.goal, state.cols, state.closed)[0][0]
        there = "Some of the lines are there already. " if begun else ""
        return {"n": str(len(dots)), "low": low, "high": high, "rules": there + last}

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: DotToDotState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.cols, state.cols

    def cells(self, state: DotToDotState) -> Cells:
        """Dots and lines."""
        return state.cells

    def symbols(self, state: DotToDotState) -> tuple[str, ...]:
        """The lines, and the dots' numbers."""
        return (*LINES, *(state.goal[k] for k in _dots(state.goal)))

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A bar through the cell, or a number on a disc."""
        if symbol in LINES:
            wide, high = LINES[symbol]
            return Sign(
                mark=Mark("line", style.written, (Layer("square", style.written, w=wide, h=high),), 1.0)
            )
        disc = Mark("dot", style.given, (Layer("disc", style.given),), 0.94)
        return Sign(mark=disc, text=symbol, ink=style.ground.colour, scale=0.5, any_font=False)

    def arranged(self, state: DotToDotState, cells: Cells) -> DotToDotState:
        """The state with these contents."""
        return replace(state, cells=cells)


def _dots(cells: Cells) -> list[int]:
    """The cells of the dots, the lowest number first."""
    return sorted(
        (k for k, held in enumerate(cells) if held and held not in LINES), key=lambda k: int(cells[k])
    )


def _line(a: int, b: int, cols: int) -> list[tuple[int, str]]:
    """The cells between two dots from a to b; none where they are in no line, or next to each other."""
    (r, c), (y, x) = divmod(a, cols), divmod(b, cols)
    if r == y:
        return [(r * cols + k, ACROSS) for k in (range(c + 1, x) if c < x else range(c - 1, x, -1))]
    if c == x:
        return [(k * cols + c, DOWN) for k in (range(r + 1, y) if r < y else range(r - 1, y, -1))]
    return []


def _lines(dots: Sequence[int], cols: int, closed: bool) -> list[list[tuple[int, str]]]:
    """The lines from each dot to the next one."""
    ends = [*dots, dots[0]] if closed else dots
    return [_line(a, b, cols) for a, b in itertools.pairwise(ends)]


@functools.lru_cache(maxsize=64)
def _route(goal: Cells, cols: int, closed: bool) -> Route:
    """All cells of lines, in order."""
    return tuple(itertools.chain(*_lines(_dots(goal), cols, closed)))


def _missing(state: DotToDotState) -> Iterator[tuple[int, str]]:
    """Of the lines, the cells that are empty, in order."""
    return (step for step in _route(state.goal, state.cols, state.closed) if not state.cells[step[0]])


def _with(cells: Cells, lines: Iterator[tuple[int, str]] | Sequence[tuple[int, str]]) -> Cells:
    """The cells with these lines."""
    held = dict(lines)
    return tuple(held.get(k, symbol) for k, symbol in enumerate(cells))


def _walk(rng: np.random.Generator, size: int, count: int, closed: bool) -> list[int]:
    """So many dots, each in a line with the one before, no two side by side; [] where no room was found."""
    steps = 0
    longest = max(size // 2 + 1, 3)

    def on(dots: list[int], taken: set[int]) -> list[int]:
        nonlocal steps
        steps += 1
        if len(dots) == count:
            back = [k for k, _ in _line(dots[-1], dots[0], size)]
            return dots if not closed or (back and not taken & set(back)) else []
        r, c = divmod(dots[-1], size)
        way = _line(dots[-2], dots[-1], size)[0][1] if len(dots) > 1 else ""
        ends = [r * size + x for x in range(size) if 2 <= abs(x - c) <= longest and way != ACROSS]
        ends += [y * size + c for y in range(size) if 2 <= abs(y - r) <= longest and way != DOWN]
        for end in rng.permutation(ends).tolist():
            if any(grid.distance(end, dot, size) < 2 for dot in dots):
                continue
            new = {end, *(k for k, _ in _line(dots[-1], end, size))}
            if steps < _STEPS and not new & taken:
                found = on([*dots, end], taken | new)
                if found:
                    return found
        return []

    first = int(rng.integers(size * size))
    return on([first], {first})


PUZZLE = DotToDot()
