"""Pieces made of squares are carried from a tray into a hole that they fill exactly.

No piece is turned or laid over another. Any way to fill the hole is a solution. The measure of `solve` is
pieces.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, Place, rows_cells, rows_json
from genreason.render.cells import CellStyle, Sign, Tints, palette
from genreason.render.marks import Colour, shape
from genreason.types import GenreasonError, IllegalMove, Instance, Json, Solution, UserError

PIECES = "ABCDEF"
Form = tuple[tuple[int, int], ...]
"""Rows and columns of a piece's squares, the topmost and leftmost at 0, in order."""
WIDEST = 3  # squares across and down
_TRIES = 400


class ShapeFittingParams(Params):
    """What a level is.

    Attributes:
        hole: rows and columns that the hole lies in.
        cut: cells that are missing from it at its edge.
        pieces: that fill it.
        given: of them, that lie in their places at the start.
    """

    hole: tuple[int, int] = (4, 4)
    cut: int = Field(0, ge=0)
    pieces: int = Field(4, ge=2, le=len(PIECES))
    given: int = Field(1, ge=0)


@dataclass(frozen=True, slots=True)
class ShapeFittingState:
    """What lies in each cell, row by row, and which cells are the hole."""

    cells: Cells
    cols: int
    hole: tuple[int, ...]


class ShapeFitting(BoardPuzzle[ShapeFittingState, str]):
    """The family; a move is "PIECE=row,column" of the piece's top left corner, counted from 1."""

    name: ClassVar[str] = "shape_fitting"
    params: ClassVar[type[Params]] = ShapeFittingParams
    carried: ClassVar[bool] = True
    large: ClassVar[bool] = True
    lined: ClassVar[bool] = True
    stir: ClassVar[int | None] = 14  # cells that a piece leaves and covers, half of it at a time
    rest: ClassVar[float] = 0.2  # squares of a piece on its way stand in cells for a moment

    # -- rules -----------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: ShapeFittingParams, accept: Accept | None = None
    ) -> ShapeFittingState:
        """A hole that is cut into pieces by lot.

        Raises:
            GenreasonError: no cut in 400 made pieces of three squares across and down at most.
        """
        rows, cols = params.hole
        area = rows * cols - params.cut
        if not (2 <= rows <= 6 and 2 <= cols <= 6 and params.cut <= (rows * cols) // 3):
            raise UserError("shape_fitting: give a hole of 2 to 6 rows and columns, a third cut off at most")
        if not 3 * params.pieces <= area <= 5 * params.pieces or params.given >= params.pieces:
            raise UserError(
                f"shape_fitting: {params.pieces} pieces, {params.given} given, for {area} cells: a piece has "
                "3 to 5 squares, and one at least is not given"
            )
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            parts = _parted(rng, _hole(rng, rows, cols, params.cut), params.pieces)
            state = None if parts is None else _laid(parts, params.given, rows, cols)
            if state is not None:
                misfits = 0
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"a hole of {area} cells was never cut into {params.pieces} pieces: change pieces"
        )

    def solve(self, state: ShapeFittingState) -> Solution[str] | None:
        """Pieces that fill the hole from the top left on, or None where they do not."""
        free = [k for k in state.hole if not state.cells[k]]
        rest = [piece for piece in self.symbols(state) if self._out(state, piece)]
        if not free:
            return Solution(()) if not rest else None
        for piece in rest:
            for move in self._fits(state, piece):
                if free[0] in self._target(state, move):
                    way = self.solve(self.step(state, move))
                    if way is not None:
                        return Solution((move, *way.moves))
        return None

    def moves(self, state: ShapeFittingState) -> Iterable[str]:
        """Every piece of the tray wherever it fits in the hole."""
        return tuple(move for piece in self.symbols(state) for move in self._fits(state, piece))

    def likely(self, state: ShapeFittingState, seen: Mapping[int, str]) -> Iterable[str]:
        """The moves of pieces that are seen elsewhere, or no more where they were."""
        named = {*seen.values(), *(state.cells[k] for k in seen)}
        return [move for piece in sorted(named - {""}) for move in self._fits(state, piece)]

    def step(self, state: ShapeFittingState, move: str) -> ShapeFittingState:
        """Lay a piece into the hole.

        Raises:
            IllegalMove: there is no such piece, or it does not fit there.
        """
        piece = move[:1]
        if not piece or piece not in state.cells:
            raise IllegalMove(f"there is no piece {piece}")
        if not self._out(state, piece):
            raise IllegalMove(f"piece {piece} already lies in the hole")
        if move not in self._fits(state, piece):
            raise IllegalMove(f"piece {piece} does not fit there")
        new = self._target(state, move)
        cells = ("" if c == piece else c for c in state.cells)
        return replace(state, cells=tuple(piece if k in new else c for k, c in enumerate(cells)))

    def done(self, state: ShapeFittingState) -> bool:
        """Whether the hole is full and nothing lies beside it."""
        return all(bool(held) == (k in state.hole) for k, held in enumerate(state.cells))

    def _out(self, state: ShapeFittingState, piece: str) -> bool:
        """Whether a piece is in the tray."""
        return state.cells.index(piece) not in state.hole if piece in state.cells else False

    def _fits(self, state: ShapeFittingState, piece: str) -> tuple[str, ...]:
        return _fits(state.cells, state.cols, state.hole, piece) if self._out(state, piece) else ()

    def _target(self, state: ShapeFittingState, move: str) -> frozenset[int]:
        """The cells that a piece lies in after a move."""
        row, col = (int(word) - 1 for word in move[2:].split(","))
        form = _form(state.cells, state.cols, move[0])
        return frozenset((row + r) * state.cols + col + c for r, c in form)

    def changes(self, state: ShapeFittingState, move: str) -> dict[int, str]:
        """Where the piece lies before and after."""
        old = {k for k, held in enumerate(state.cells) if held == move[0]}
        new = self._target(state, move)
        return {**dict.fromkeys(sorted(new - old), move[0]), **dict.fromkeys(sorted(old - new), "")}

    def path(self, state: ShapeFittingState, move: str, target: int) -> Sequence[Place]:
        """Straight, as all squares of the piece."""
        new = sorted(self._target(state, move))
        if target not in new:
            return ()
        old = [k for k, held in enumerate(state.cells) if held == move[0]]
        return self.place(state, old[new.index(target)]), self.place(state, target)

    def passed(self, state: ShapeFittingState, move: str) -> set[int]:
        """Cells that the piece passes over."""
        start = state.cells.index(move[0])
        form, end = _form(state.cells, state.cols, move[0]), min(self._target(state, move))
        return set(_swept(form, start, end, state.cols, len(state.cells)))

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: ShapeFittingState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"hole": cells}`."""
        return {"cells": rows_json(state.cells, state.cols)}, {"hole": list(state.hole)}

    def decode(self, state: Json, goal: Json) -> ShapeFittingState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", PIECES, "shape_fitting")
        hole = goal.get("hole")
        if not isinstance(hole, list) or not all(isinstance(k, int) and 0 <= k < len(cells) for k in hole):
            raise UserError("shape_fitting: goal: hole: give a list of cells, counted row by row from 0")
        return ShapeFittingState(cells, cols, tuple(hole))

    def canonical(self, state: ShapeFittingState) -> bytes:
        """The hole, what lies in it, and the forms of the other pieces."""
        inside = [(k // state.cols, k % state.cols, state.cells[k]) for k in state.hole]
        top, left = min(r for r, _, _ in inside), min(c for _, c, _ in inside)
        names: dict[str, int] = {"": 0}
        known = [(r - top, c - left, names.setdefault(s, len(names))) for r, c, s in inside]
        forms = sorted(_form(state.cells, state.cols, p) for p in self.symbols(state) if self._out(state, p))
        return repr((known, forms)).encode()

    def plan(self, state: ShapeFittingState, move: str) -> str:
        """Which piece goes where."""
        rows, cols = zip(*((k // state.cols, k % state.cols) for k in state.hole), strict=True)
        row, col = (int(word) - 1 for word in move[2:].split(","))
        count, out = state.cells.count(move[0]), len(self._fits(state, move[0]))
        what = f"Piece {self._number(state, move[0])} of the tray has {count} squares"
        ways = "one place" if out == 1 else f"{out} places"
        where = f"row {row - min(rows) + 1}, column {col - min(cols) + 1} of the hole"
        return f"{what} and fits into {ways}. Its top left corner goes to {where}."

    def _number(self, state: ShapeFittingState, piece: str) -> int:
        out = [p for p in dict.fromkeys(state.cells) if p and self._out(state, p)]
        return out.index(piece) + 1

    def words(self, state: ShapeFittingState) -> dict[str, str]:
        """How many pieces are in the tray."""
        return {"n": str(sum(self._out(state, piece) for piece in self.symbols(state)))}

    def trap(self, instance: Instance) -> str:
        """A question about the first frame whose true answer is no."""
        state = self.start(instance)
        return f"In the first frame, do {int(self.words(state)['n']) + 1} pieces lie outside of the hole?"

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: ShapeFittingState) -> tuple[int, int]:
        """Rows and columns of hole and tray together."""
        return len(state.cells) // state.cols, state.cols

    def cells(self, state: ShapeFittingState) -> Cells:
        """The pieces' squares."""
        return state.cells

    def symbols(self, state: ShapeFittingState) -> tuple[str, ...]:
        """The pieces."""
        return tuple(piece for piece in PIECES if piece in state.cells)

    def called(self, symbol: str) -> str:
        """A square of a piece."""
        return f"square of piece {symbol}"

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A square in the piece's colour."""
        colours = palette(style, len(PIECES), (style.margin.colour, _shade(style)))
        return Sign(mark=shape("square", colours[PIECES.index(symbol)], 0.8))

    def arranged(self, state: ShapeFittingState, cells: Cells) -> ShapeFittingState:
        """The state with these contents."""
        return replace(state, cells=cells)

    def tints(self, state: ShapeFittingState, style: CellStyle) -> Tints:
        """The hole is shaded."""
        return dict.fromkeys(state.hole, _shade(style))


def _shade(style: CellStyle) -> Colour:
    """The hole's colour: of the lines' hue, as thin lines in another one lose their colour in a video."""
    red, green, blue = (
        round(0.78 * a + 0.22 * b) for a, b in zip(style.ground.colour, style.line, strict=True)
    )
    return red, green, blue


@functools.lru_cache(maxsize=1024)
def _form(cells: Cells, cols: int, piece: str) -> Form:
    own = [divmod(k, cols) for k, held in enumerate(cells) if held == piece]
    return _normal(own)


def _normal(own: Iterable[tuple[int, int]]) -> Form:
    squares = sorted(own)
    top, left = min(r for r, _ in squares), min(c for _, c in squares)
    return tuple((r - top, c - left) for r, c in squares)


@functools.lru_cache(maxsize=1024)
def _fits(cells: Cells, cols: int, hole: tuple[int, ...], piece: str) -> tuple[str, ...]:
    """The moves of a piece."""
    form, free = _form(cells, cols, piece), {divmod(k, cols) for k in hole if not cells[k]}
    tops = sorted({(r - form[0][0], c - form[0][1]) for r, c in free})
    return tuple(f"{piece}={r + 1},{c + 1}" for r, c in tops if all((r + y, c + x) in free for y, x in form))


@functools.lru_cache(maxsize=4096)
def _swept(form: Form, start: int, end: int, cols: int, count: int) -> frozenset[int]:
    """Cells that a form passes over on its straight way; its first square goes from `start` to `end`."""
    (y0, x0), (y1, x1) = divmod(start, cols), divmod(end, cols)
    steps = max(4 * max(abs(y1 - y0), abs(x1 - x0)), 1)
    found = set()
    for s in np.linspace(0, 1, steps + 1).tolist():
        y, x = y0 + s * (y1 - y0), x0 + s * (x1 - x0)
        for r, c in form:
            for row in {int(np.floor(y)), int(np.ceil(y))}:
                for col in {int(np.floor(x)), int(np.ceil(x))}:
                    at = row + r - form[0][0], col + c - form[0][1]
                    if 0 <= at[1] < cols and 0 <= at[0] * cols + at[1] < count:
                        found.add(at[0] * cols + at[1])
    return frozenset(found)


# -- holes and pieces ----------------------------------------------------------------------------------------
def _hole(rng: np.random.Generator, rows: int, cols: int, cut: int) -> set[tuple[int, int]]:
    """A rectangle without some cells at its edge."""
    hole = {(r, c) for r in range(rows) for c in range(cols)}
    for _ in range(cut):
        edge = sorted((r, c) for r, c in hole if len(_beside(hole, (r, c))) == 2)
        if edge:
            hole.remove(edge[int(rng.integers(len(edge)))])
    return hole


def _beside(cells: set[tuple[int, int]], at: tuple[int, int]) -> list[tuple[int, int]]:
    r, c = at
    return [n for n in ((r - 1, c), (r, c - 1), (r, c + 1), (r + 1, c)) if n in cells]


def _parted(
    rng: np.random.Generator, hole: set[tuple[int, int]], count: int
) -> list[list[tuple[int, int]]] | None:
    """The hole as so many pieces of 3 to 5 squares, or None where the rest did not come out."""
    free, parts = set(hole), []
    for left in range(count, 0, -1):
        least, most = max(3, len(free) - 5 * (left - 1)), min(5, len(free) - 3 * (left - 1))
        if least > most:
            return None
        size = int(rng.integers(least, most + 1))
        part = [min(free, key=lambda at: (len(_beside(free, at)), at))]
        while len(part) < size:
            more = sorted({n for at in part for n in _beside(free, at)} - set(part))
            more = [n for n in more if all(max(s) < WIDEST for s in _normal([*part, n]))]
            if not more:
                return None
            part.append(more[int(rng.integers(len(more)))])
        free -= set(part)
        parts.append(part)
    return None if free else [parts[k] for k in rng.permutation(count)]


def _laid(parts: list[list[tuple[int, int]]], given: int, rows: int, cols: int) -> ShapeFittingState | None:
    """The hole between two rows of the pieces that are not given; None where one piece is there twice."""
    forms = [_normal(part) for part in parts]
    if len(set(forms[given:])) < len(forms) - given:
        return None
    out = list(range(given, len(parts)))
    bands = [out[: len(out) // 2], out[len(out) // 2 :]] if len(out) > 3 else [[], out]
    sizes = [(max(r for r, _ in form) + 1, max(c for _, c in form) + 1) for form in forms]
    widths = [sum(sizes[k][1] + 1 for k in band) - 1 for band in bands]
    heights = [max((sizes[k][0] for k in band), default=-1) for band in bands]
    wide, top = max(cols, *widths), heights[0] + 1
    below = top + rows + 1
    cells = [""] * (wide * (below + heights[1]))
    hole = [(top + r) * wide + (wide - cols) // 2 + c for part in parts for r, c in part]
    for k in range(given):
        for r, c in parts[k]:
            cells[(top + r) * wide + (wide - cols) // 2 + c] = PIECES[k]
    for band, width, y in zip(bands, widths, (0, below), strict=True):
        x = (wide - width) // 2
        for k in band:
            for r, c in forms[k]:
                cells[(y + r) * wide + x + c] = PIECES[k]
            x += sizes[k][1] + 1
    return ShapeFittingState(tuple(cells), wide, tuple(sorted(hole)))


PUZZLE = ShapeFitting()
