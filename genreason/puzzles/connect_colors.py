"""Connect the dots of each colour by paths that fill the board (numberlink).

A path grows cell by cell from either of its dots. It touches itself only where it goes on, so that coloured
cells alone say how it runs. Dots allow one solution only, as a SAT solver proves. The measure of `solve` is
cells.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign, palette
from genreason.render.marks import shape
from genreason.types import GenreasonError, Json, Solution, UserError

DOTS, PATHS = "ABCDEFG", "abcdefg"
"""Symbols of the dots of each colour, and of cells of its path."""
_TRIES = 400
_SHIFTS = 12  # for each cell, that make a cover of the board by paths a random one


class ConnectColorsParams(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        colours: pairs of dots.
    """

    size: int = Field(5, ge=4, le=7)
    colours: int = Field(4, ge=2, le=len(DOTS))


@dataclass(frozen=True, slots=True)
class ConnectColorsState:
    """A board, row by row."""

    cells: Cells
    cols: int


class ConnectColors(PlacingPuzzle[ConnectColorsState]):
    """The family."""

    name: ClassVar[str] = "connect_colors"
    params: ClassVar[type[Params]] = ConnectColorsParams

    # -- rules -----------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: ConnectColorsParams, accept: Accept | None = None
    ) -> ConnectColorsState:
        """The ends of paths drawn by lot that cover the board.

        Raises:
            GenreasonError: no cover in 400 had so many paths and was the only one between its ends.
        """
        if params.colours > params.size:
            raise UserError(
                f"connect_colors: {params.colours} colours on a board of size {params.size}: give as many "
                "as a row has cells at most"
            )
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            paths = _cover(rng, params.size, params.colours)
            if paths is None:
                continue
            cells = [""] * params.size**2
            for dot, path in zip(DOTS, paths, strict=False):
                cells[path[0]] = cells[path[-1]] = dot
            state = ConnectColorsState(tuple(cells), params.size)
            if accept is not None and not accept(state):
                misfits -= 1
                continue
            if len(_solutions(state.cells, params.size, 2)) == 1:
                return state
        raise GenreasonError(
            f"no board of size {params.size} with {params.colours} colours has one solution: change colours"
        )

    def solve(self, state: ConnectColorsState) -> Solution[str] | None:
        """Path by path, from an end that is there; None where the board cannot be filled."""
        found = _solutions(state.cells, state.cols, 1)
        moves: list[str] = []
        if not found:
            return None
        at, last, near = state, -1, _near(len(state.cells), state.cols)
        while "" in at.cells:
            options = [
                k for k, held in enumerate(at.cells) if not held and not self.refusal(at, k, found[0][k])
            ]
            if not options:
                return None
            on = [k for k in options if last in near[k] and found[0][k] == at.cells[last]]
            last = on[0] if on else min(options, key=lambda k: found[0][k])
            moves.append(self.move(state, last, found[0][last]))
            at = self.placed(at, last, found[0][last])
        return Solution(tuple(moves))

    def refusal(self, state: ConnectColorsState, cell: int, symbol: str) -> str:
        """A path goes on from its end, into one cell, and touches itself nowhere else."""
        if symbol in DOTS:
            return "no dot may be added"
        near, own = _near(len(state.cells), state.cols), (symbol, symbol.upper())

        def beside(k: int) -> list[int]:
            return [j for j in near[k] if state.cells[j] in own]

        ends = beside(cell)
        if not ends:
            return "its path does not lead there"
        if len(ends) > 2:
            return "the path touches itself"
        for end in ends:
            if len(beside(end)) > (1 if state.cells[end] == symbol else 0):
                return "the path touches itself"
        if len(ends) == 2 and _joined(state.cells, near, own, ends[0], ends[1]):
            return "the path touches itself"
        return ""

    def placed(self, state: ConnectColorsState, cell: int, symbol: str) -> ConnectColorsState:
        """The state with the cell coloured."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def done(self, state: ConnectColorsState) -> bool:
        """Whether the board is full and each colour is one path between its dots."""
        return "" not in state.cells and _is_solved(state.cells, state.cols)

    def explain(self, state: ConnectColorsState, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this ("" for nothing)."""
        held = state.cells[cell]
        if symbol and not held:
            return f"a cell is coloured in {self.at(state, cell)}: {self.refusal(state, cell, symbol)}"
        return f"the colour in {self.at(state, cell)} {'changes' if symbol else 'vanishes'}"

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: ConnectColorsState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{}`."""
        return {"cells": rows_json(state.cells, state.cols)}, {}

    def decode(self, state: Json, goal: Json) -> ConnectColorsState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (*DOTS, *PATHS), "connect_colors")
        odd = next((dot for dot in DOTS if cells.count(dot) not in (0, 2)), None)
        lone = next((p for p in PATHS if p in cells and p.upper() not in cells), None)
        if odd or lone:
            raise UserError(f"connect_colors: cells: give two dots {odd or str(lone).upper()}")
        return ConnectColorsState(cells, cols)

    def canonical(self, state: ConnectColorsState) -> bytes:
        """Up to rotation, reflection and the names of the colours."""
        codes = np.array([(DOTS + PATHS).find(c) if c else -1 for c in state.cells]).reshape(-1, state.cols)
        images = [np.rot90(board, k) for board in (codes, codes[:, ::-1]) for k in range(4)]
        return min(_renamed(image) for image in images)

    def plan(self, state: ConnectColorsState, move: str) -> str:
        """Which path goes on, and whether it reaches its other dot."""
        cell, symbol = self.parsed(state, move)
        near, after = _near(len(state.cells), state.cols), self.placed(state, cell, symbol)
        own = (symbol, symbol.upper())
        first, last = (k for k, held in enumerate(state.cells) if held == symbol.upper())
        ends = [j for j in near[cell] if state.cells[j] in own]
        text = f"The path from {self.at(state, ends[0])} goes on to {self.at(state, cell)}."
        return f"{text} Its dots are joined." if _joined(after.cells, near, own, first, last) else text

    def words(self, state: ConnectColorsState) -> dict[str, str]:
        """The number of colours."""
        return {"n": str(len(self._kinds(state)))}

    def _kinds(self, state: ConnectColorsState) -> list[str]:
        return [dot for dot in DOTS if dot in state.cells]

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: ConnectColorsState) -> tuple[int, int]:
        """Rows and columns."""
        return len(state.cells) // state.cols, state.cols

    def cells(self, state: ConnectColorsState) -> Cells:
        """Dots and coloured cells."""
        return state.cells

    def symbols(self, state: ConnectColorsState) -> tuple[str, ...]:
        """Dots and coloured cells of the colours that are there."""
        kinds = self._kinds(state)
        return (*kinds, *(kind.lower() for kind in kinds))

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Rings for dots, squares for the cells of a path."""
        colour = palette(style, len(DOTS))[DOTS.index(symbol.upper())]
        return Sign(mark=shape("ring", colour, 0.72) if symbol in DOTS else shape("square", colour, 0.76))

    def arranged(self, state: ConnectColorsState, cells: Cells) -> ConnectColorsState:
        """The state with these contents."""
        return replace(state, cells=cells)


@functools.lru_cache(maxsize=32)
def _near(count: int, cols: int) -> tuple[tuple[int, ...], ...]:
    """The neighbours of each cell."""
    rows = count // cols
    return tuple(
        tuple(
            (r + dr) * cols + c + dc
            for dr, dc in ((-1, 0), (0, 1), (1, 0), (0, -1))
            if 0 <= r + dr < rows and 0 <= c + dc < cols
        )
        for r, c in itertools.product(range(rows), range(cols))
    )


def _reach(cells: Cells, near: tuple[tuple[int, ...], ...], own: tuple[str, str], start: int) -> set[int]:
    """Cells of a colour that hang together with one of them."""
    seen, todo = {start}, [start]
    while todo:
        for k in near[todo.pop()]:
            if cells[k] in own and k not in seen:
                seen.add(k)
                todo.append(k)
    return seen


def _joined(cells: Cells, near: tuple[tuple[int, ...], ...], own: tuple[str, str], a: int, b: int) -> bool:
    return b in _reach(cells, near, own, a)


def _is_solved(cells: Cells, cols: int) -> bool:
    """Whether each colour of a full board is one path between its dots."""
    near = _near(len(cells), cols)
    for k, held in enumerate(cells):
        own = (held.lower(), held.upper())
        if sum(cells[j] in own for j in near[k]) != (1 if held in DOTS else 2):
            return False
        if held in DOTS and len(_reach(cells, near, own, k)) != cells.count(own[0]) + cells.count(own[1]):
            return False
    return all(cells.count(dot) in (0, 2) for dot in DOTS)


def _renamed(board: np.typing.NDArray[np.int_]) -> bytes:
    names: dict[int, int] = {}
    flat = [int(k) for k in board.ravel()]
    out = [0 if k < 0 else 1 + 2 * names.setdefault(k % len(DOTS), len(names)) + k // len(DOTS) for k in flat]
    return bytes([*out, board.shape[1]])


# -- covers of the board -------------------------------------------------------------------------------------
def _cover(rng: np.random.Generator, size: int, count: int) -> list[list[int]] | None:
    """So many paths that cover the board and touch themselves nowhere; None where they did not come out.

    Columns, of which ends pass from path to path at random; then paths are joined.
    """
    near = _near(size * size, size)
    paths = [list(range(c, size * size, size)) for c in range(size)]
    for _ in range(_SHIFTS * size * size):
        i, j = (int(k) for k in rng.choice(size, 2, replace=False))
        taker, giver = paths[i], paths[j]
        if rng.integers(2):
            taker.reverse()
        if rng.integers(2):
            giver.reverse()
        if len(giver) > 3 and giver[-1] in near[taker[-1]] and _touches(near, taker, giver[-1]) == 1:
            taker.append(giver.pop())
    while len(paths) > count:
        pairs = [
            (a, b, first + second)
            for a, b in itertools.combinations(range(len(paths)), 2)
            for first in (paths[a], paths[a][::-1])
            for second in (paths[b], paths[b][::-1])
            if second[0] in near[first[-1]] and sum(_touches(near, first, k) for k in second) == 1
        ]
        if not pairs:
            return None
        a, b, whole = pairs[int(rng.integers(len(pairs)))]
        paths = [path for k, path in enumerate(paths) if k not in (a, b)] + [whole]
    return [paths[k] for k in rng.permutation(len(paths))]


def _touches(near: tuple[tuple[int, ...], ...], path: list[int], cell: int) -> int:
    """How many cells of a path a cell touches."""
    return sum(k in near[cell] for k in path)


# -- proofs --------------------------------------------------------------------------------------------------
def _clauses(cells: Cells, cols: int) -> list[list[int]]:
    """Each cell one colour; a dot goes on into one cell, other cells of a path have two neighbours."""
    near, kinds = _near(len(cells), cols), [dot for dot in DOTS if dot in cells]
    n = len(kinds)
    out = []
    for k, held in enumerate(cells):
        own = [k * n + c + 1 for c in range(n)]
        out.append(own)
        out += [[-a, -b] for a, b in itertools.combinations(own, 2)]
        if held:
            out.append([own[kinds.index(held.upper())]])
        wanted = 1 if held in kinds else 2
        for c in range(n):
            beside = [j * n + c + 1 for j in near[k]]
            # All but `wanted` - 1 of them hold one more; `wanted` + 1 of them are too many.
            some = itertools.combinations(beside, len(beside) - wanted + 1)
            many = itertools.combinations(beside, wanted + 1)
            out += [[-own[c], *part] for part in some]
            out += [[-own[c], *(-v for v in part)] for part in many]
    return out


def _solutions(cells: Cells, cols: int, most: int) -> list[Cells]:
    """Up to `most` ways to fill the board."""
    from pysat.solvers import Solver

    kinds = [dot for dot in DOTS if dot in cells]
    n = len(kinds)
    found: list[Cells] = []
    with Solver("g4", bootstrap_with=_clauses(cells, cols)) as solver:
        while len(found) < most and solver.solve():
            true = [v for v in solver.get_model() if v > 0]
            colour = [kinds[(v - 1) % n].lower() for v in true]
            full = tuple(held or colour[k] for k, held in enumerate(cells))
            loop = _loop(full, cols)
            if loop:
                solver.add_clause([-true[k] for k in loop])
                continue
            found.append(full)
            solver.add_clause([-v for v in true])
    return found


def _loop(cells: Cells, cols: int) -> set[int]:
    """Cells of a colour that hang together without its dots, if there are any."""
    near, rest = _near(len(cells), cols), set(range(len(cells)))
    while rest:
        k = min(rest)
        part = _reach(cells, near, (cells[k].lower(), cells[k].upper()), k)
        if not any(cells[j] in DOTS for j in part):
            return part
        rest -= part
    return set()


PUZZLE = ConnectColors()
