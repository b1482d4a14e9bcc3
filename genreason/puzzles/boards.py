"""Puzzles on boards of cells whose content changes: symbols are put, taken away, changed, or carried.

A family says what stands in the cells of a state and what symbols look like; drawing, motion, reading and
judging come from here. See docs/add-a-puzzle.md.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from genreason import seeds
from genreason.perceive.cells import BETWEEN, EMPTY, CellFollower, CellScene, Codes
from genreason.puzzles.base import M, Puzzle, Reading, S
from genreason.puzzles.films import Cells, Items, Place, Stage
from genreason.render.board import Board
from genreason.render.cells import (
    CELL_STYLES,
    CellStyle,
    Ground,
    Sign,
    Stroke,
    Tints,
    draw_ground,
    sign_piece,
)
from genreason.render.lattice import Lattice
from genreason.render.motion import Motion, Script
from genreason.types import Frame, GenreasonError, Instance, Json, UserError, unknown

__all__ = ["BoardPuzzle", "Cells", "Place", "Stage", "rows_cells", "rows_json", "under"]
LEAST_CELL = 18  # pixels of a cell below which compression leaves too little of a glyph
MOST_BOARDS = 4
_BOARDS: dict[tuple[object, ...], Board] = {}


class BoardPuzzle(Puzzle[S, M]):
    """A puzzle on a board of cells.

    A family gives rules, forms, `shape`, `cells`, `symbols`, `sign`, and `arranged`.

    Attributes:
        carried: whether a symbol that leaves a cell and comes into another is carried there.
        solid: whether what is carried may not pass over what stands on the board.
        once: whether a move may change many cells at once (else it changes two at most).
        large: whether what is carried covers many cells, each of which shows its symbol.
        rest: seconds for which a sign must be seen in a cell to count as being there.
        stir: cells that may begin to change at once before it may be the camera's work; None for the usual.
        lined: whether the lines alone tell of the camera (see `CellScene`).
        together: share of the shorter of two gradual changes that may go on during the other.
        gradual: whether a change from one frame to the next is a fault, though nothing is carried.
        margins: room around the board in cells: left, top, right, bottom.
        ruled: whether there are lines between cells.
        flat: width of a cell in heights of a cell.
        least_cell: pixels a side that a cell must have to be read.
        overhang: cells by which symbols reach over the edges of their cells, into others that are not `held`.
    """

    carried: ClassVar[bool] = False
    solid: ClassVar[bool] = False
    once: ClassVar[bool] = False
    large: ClassVar[bool] = False
    rest: ClassVar[float] = 0.0
    stir: ClassVar[int | None] = None
    lined: ClassVar[bool] = False
    gradual: ClassVar[bool] = False
    together: ClassVar[float] = 0.5
    margins: ClassVar[tuple[float, float, float, float]] = (0.25, 0.25, 0.25, 0.25)
    ruled: ClassVar[bool] = True
    flat: ClassVar[float] = 1.0
    least_cell: ClassVar[int] = LEAST_CELL
    overhang: ClassVar[float] = 0.0

    # -- what a family says ----------------------------------------------------------------------------------
    @abstractmethod
    def shape(self, state: S) -> tuple[int, int]:
        """Rows and columns of cells."""

    @abstractmethod
    def cells(self, state: S) -> Cells:
        """What stands in each cell."""

    @abstractmethod
    def symbols(self, state: S) -> tuple[str, ...]:
        """Everything that may stand in a cell of this puzzle, in an order that does not change."""

    @abstractmethod
    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """What a symbol looks like: as it stood there in the first frame, or as it was put there."""

    @abstractmethod
    def arranged(self, state: S, cells: Cells) -> S:
        """The state with these contents, legal or not: what a picture shows."""

    def blocks(self, state: S) -> tuple[int, int]:
        """Rows and columns of cells between bold lines; (0, 0) for none."""
        return (0, 0)

    def tints(self, state: S, style: CellStyle) -> Tints:
        """Cells whose ground has another colour."""
        return {}

    def open(self, state: S) -> frozenset[int]:
        """Cells that are no part of the board (a symbol may pass there)."""
        return frozenset()

    def held(self, state: S) -> tuple[int, ...]:
        """Cells in which something may come to stand; what comes anywhere else is a change of the scene."""
        rows, cols = self.shape(state)
        return tuple(range(rows * cols))

    def labels(self, state: S) -> tuple[tuple[float, float, str, float], ...]:
        """Texts around the board: x, y in cells, text, height in cells."""
        return ()

    def strokes(self, state: S, style: CellStyle) -> tuple[Stroke, ...]:
        """Lines that are drawn on the ground."""
        return ()

    def room(self, state: S) -> tuple[float, float, float, float]:
        """Room around the board in cells: left, top, right, bottom."""
        return self.margins

    def path(self, state: S, move: M, target: int) -> Sequence[Place]:
        """Where a carried symbol passes on its way into a cell, first where it comes from.

        By default straight from the cell that it leaves; () where it just appears.
        """
        if not self.carried:
            return ()
        before, after = self.cells(state), self.cells(self.step(state, move))
        left = [k for k, (a, b) in enumerate(zip(before, after, strict=True)) if a == after[target] != b]
        return (self.place(state, left[0]), self.place(state, target)) if left else ()

    def going(self, state: S) -> frozenset[str]:
        """Symbols of which every step counts, however brief: the goal is more than the last picture."""
        return frozenset()

    def over(self, below: str, above: str) -> bool:
        """Whether a symbol is drawn over the one that stood there, which stays as it is below it."""
        return False

    def through(self, before: str, after: str) -> tuple[str, ...]:
        """What is seen, one after the other, where a symbol turns into another; () where it fades into it.

        What is carried turns on its way.
        """
        return ()

    def layers(self, symbol: str) -> tuple[str, ...]:
        """The symbols that it is made of, the last on top: what is carried from or onto the others."""
        return (symbol,)

    def extras(self, state: S) -> tuple[str, ...]:
        """Signs that are only seen on the way from one symbol to another."""
        return ()

    def changes(self, state: S, move: M) -> dict[int, str]:
        """The cells that a legal move changes, and what stands there then."""
        before, after = self.cells(state), self.cells(self.step(state, move))
        return {k: b for k, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}

    def likely(self, state: S, seen: Mapping[int, str]) -> Iterable[M]:
        """Legal moves that may explain such changes (all of them, where a family knows no better)."""
        return self.moves(state)

    def left(self, state: S) -> float | None:
        """Moves to the goal, or None where that is not known; for the metric `progress`."""
        try:
            found = self.solve_quickly(state)
        except GenreasonError:
            return None
        return None if found is None else float(len(found))

    def explain(self, state: S, cell: int, symbol: str) -> str:
        """Why no legal move makes a cell hold this ("" for nothing), in a person's words."""
        held = self.cells(state)[cell]
        if not symbol:
            return f"the {self.called(held)} in {self.at(state, cell)} vanishes"
        what = f"{self.called(symbol)} comes into {self.at(state, cell)}"
        if held:
            what = f"the {self.called(held)} in {self.at(state, cell)} becomes {self.called(symbol)}"
        return f"{what}, which no move does"

    def called(self, symbol: str) -> str:
        """What a person calls a symbol."""
        return symbol

    # -- places ----------------------------------------------------------------------------------------------
    def place(self, state: S, cell: int) -> Place:
        """Column and row of a cell."""
        cols = self.shape(state)[1]
        return float(cell % cols), float(cell // cols)

    def at(self, state: S, cell: int) -> str:
        """A cell in words."""
        row, col = divmod(cell, self.shape(state)[1])
        return f"row {row + 1}, column {col + 1}"

    def passed(self, state: S, move: M) -> set[int]:
        """Cells that a carried symbol passes over on a move."""
        paths = (self.path(state, move, target) for target in self.changes(state, move))
        return set[int]().union(*(under(tuple(path), self.shape(state)) for path in paths))

    def crossed(self, state: S, move: M) -> set[int]:
        """Cells in some of which what a move carries must be seen on its way; none where it need not be."""
        return self.passed(state, move) - set(self.changes(state, move))

    # -- pictures --------------------------------------------------------------------------------------------
    def styles(self) -> tuple[str, ...]:
        """Names of the styles that the family can be drawn in."""
        return tuple(CELL_STYLES)

    def style(self, name: str) -> CellStyle:
        """The style of that name.

        Raises:
            UserError: the family cannot be drawn so.
        """
        if name not in self.styles():
            raise unknown(f"style of {self.name}", name, self.styles())
        return CELL_STYLES[name]

    def style_words(self, style: str) -> dict[str, str]:
        """What a person calls the colours in a picture of this style."""
        return self.style(style).words()

    def layout(self, state: S, size: tuple[int, int], style: str) -> Json:
        """`Instance.scene`: the grid's geometry in pixels for a picture of `size` (width, height).

        Raises:
            UserError: cells would be too small to be read.
        """
        rows, cols = self.shape(state)
        left, top, right, bottom = self.room(state)
        wide, high = (cols + left + right) * self.flat, rows + top + bottom
        cell = min(size[0] / wide, size[1] / high)
        if cell < self.least_cell:
            small = f"a board of {cols} x {rows} cells cannot be read at {size[0]} x {size[1]} pixels"
            raise UserError(f"{small}: use --size {int(np.ceil(self.least_cell * max(wide, high)))} or more")
        x0 = (size[0] - wide * cell) / 2 + left * cell * self.flat
        y0 = (size[1] - high * cell) / 2 + top * cell
        grid = Lattice(cols=cols, rows=rows, x0=x0, y0=y0, cell_w=cell * self.flat, cell_h=cell)
        return {"grid": grid.to_json()}

    def ground(self, state: S, style: CellStyle, lattice: Lattice) -> Ground:
        """The still side of the board."""
        return Ground(
            lattice=lattice, blocks=self.blocks(state), tints=self.tints(state, style), open=self.open(state),
            labels=self.labels(state), ruled=self.ruled, strokes=self.strokes(state, style),
        )  # fmt: skip

    def board(self, instance: Instance) -> Board:
        """The empty board, and every symbol as a piece: as it is put there, then as it is given."""
        key = (instance.key, instance.style, instance.size)
        if key not in _BOARDS:
            while len(_BOARDS) >= MOST_BOARDS:
                del _BOARDS[next(iter(_BOARDS))]
            _BOARDS[key] = self._board(instance)
        return _BOARDS[key]

    def _board(self, instance: Instance) -> Board:
        state, style = self.start(instance), self.style(instance.style)
        lattice = Lattice.from_json(instance.scene["grid"])
        rng = seeds.stream(instance.key, "surface")
        plate = draw_ground(self.ground(state, style, lattice), style, instance.size, rng)
        pieces = tuple(
            sign_piece(symbol, self.sign(symbol, style, given), lattice.cell_w, lattice.cell_h)
            for given in (False, True)
            for symbol in (*self.symbols(state), *self.extras(state))
        )
        return Board(plate, pieces, lattice, style.words())

    def shown(self, instance: Instance, state: S) -> Frame:
        """The picture of a state of the instance, HWC RGB uint8."""
        return self.pictured(instance, self.cells(state))

    def pictured(self, instance: Instance, cells: Cells) -> Frame:
        """The picture of cells with these contents."""
        begun = self.film(instance, [], Motion(hold_start=1, hold_end=0, length="any"), cells)
        return next(begun.frames(self.board(instance)))

    def script(self, instance: Instance, moves: Sequence[M], motion: Motion) -> Script:
        """The clip of these moves from the instance's start."""
        return self.film(instance, self.stages(self.start(instance), moves), motion)

    def stages(self, state: S, moves: Sequence[M]) -> list[Stage]:
        """The steps of a clip of these legal moves."""
        out = []
        for move in moves:
            paths = {target: self.path(state, move, target) for target in self.changes(state, move)}
            state = self.step(state, move)
            out.append(Stage(self.cells(state), {k: path for k, path in paths.items() if path}))
        return out

    def film(
        self, instance: Instance, stages: Sequence[Stage], motion: Motion, cells: Cells | None = None
    ) -> Script:
        """A clip that goes from stage to stage, legal or not, from the start (or from other contents)."""
        start = self.start(instance)
        given = self.cells(start)
        symbols = (*self.symbols(start), *self.extras(start))
        items = Items(symbols, given, self.shape(start)[1], self.over, self.through, self.layers)
        items.begin(given if cells is None else cells)
        for stage in stages:
            items.go(stage)
        return items.script(motion)

    def trap(self, instance: Instance) -> str:
        """A question about the first frame whose true answer is no."""
        state = self.start(instance)
        cells = self.cells(state)
        empty = [k for k, symbol in enumerate(cells) if not symbol and k not in self.open(state)]
        full = [k for k, symbol in enumerate(cells) if symbol]
        rng = seeds.stream(instance.key, "trap")
        if full and (not empty or rng.integers(2)):
            cell = full[int(rng.integers(len(full)))]
            return f"In the first frame, is the cell in {self.at(state, cell)} empty?"
        cell = empty[int(rng.integers(len(empty)))]
        return f"In the first frame, does anything stand in the cell in {self.at(state, cell)}?"

    # -- reading ---------------------------------------------------------------------------------------------
    def codes(self, state: S) -> Codes:
        """The places of the cells' symbols in `symbols`."""
        known = {symbol: i for i, symbol in enumerate(self.symbols(state))}
        return np.array([known[c] if c else EMPTY for c in self.cells(state)], np.int16)

    def scene(self, instance: Instance) -> CellScene:
        """What is to be read of a clip."""
        state, style = self.start(instance), self.style(instance.style)
        return CellScene(
            board=self.board(instance), picture=self.picture(instance),
            signs=tuple(self.sign(symbol, style, False) for symbol in self.symbols(state)),
            start=self.codes(state), cells=self.held(state), once=self.once,
            stir=self.stir, lined=self.lined, ruled=self.ruled, looks=self.gradual, large=self.large,
            overhang=self.overhang,
        )  # fmt: skip

    def read(self, frame: Frame, instance: Instance) -> Reading[S]:
        """The state that a frame (HWC RGB uint8, any size) shows; what cannot be told counts as empty."""
        follower, start = CellFollower(self.scene(instance), frame), self.start(instance)
        follower.step(frame)
        codes = follower.track(instance.fps).code_TC[0]
        symbols = self.symbols(start)
        state = self.arranged(start, tuple(symbols[c] if c >= 0 else "" for c in codes))
        return Reading(state, float((codes > BETWEEN).mean()))


@functools.lru_cache(maxsize=4096)
def under(path: tuple[Place, ...], shape: tuple[int, int]) -> frozenset[int]:
    """Cells that something on this path passes over."""
    (rows, cols), found = shape, set[int]()
    for a, b in zip(path, path[1:], strict=False):
        count = max(int(4 * max(abs(b[0] - a[0]), abs(b[1] - a[1]))), 1)
        for s in np.linspace(0, 1, count + 1):
            x, y = a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1])
            for r in {int(np.floor(y)), int(np.ceil(y))}:
                found |= {
                    r * cols + c
                    for c in {int(np.floor(x)), int(np.ceil(x))}
                    if 0 <= r < rows and 0 <= c < cols
                }
    return frozenset(found)


def rows_json(cells: Cells, cols: int) -> list[list[str]]:
    """Cells as rows for JSON."""
    return [list(cells[i : i + cols]) for i in range(0, len(cells), cols)]


def rows_cells(record: Json, key: str, symbols: Iterable[str], where: str) -> tuple[Cells, int]:
    """The inverse of `rows_json`: the cells under a key, and the number of columns.

    Raises:
        UserError: they are missing, of unequal length, or hold something else than these symbols.
    """
    rows, known = record.get(key), {"", *symbols}
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise UserError(f"{where}: {key}: give rows of cells, each a list")
    if len({len(row) for row in rows}) > 1:
        raise UserError(f"{where}: {key}: rows have different lengths")
    cells = tuple(cell for row in rows for cell in row)
    odd = next((cell for cell in cells if cell not in known), None)
    if odd is not None:
        raise unknown(f"symbol in {where}: {key}:", str(odd), known - {""})
    return cells, len(rows[0])
