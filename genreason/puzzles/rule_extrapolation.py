"""Rule extrapolation: small coloured grids and what becomes of them; the same must become of a new grid.

The rule language is `_rules`: turns, reflections, shifts, falling, exchanging colours, and two of them one
after the other. Every rule that fits the examples gives the same answer. The measure of `solve` is cells.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import permutations
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from genreason.puzzles.answers import AnswerPuzzle, AnswerState
from genreason.puzzles.attributes import COLOURS, SHAPES, things
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells
from genreason.types import GenreasonError, UserError

Grid = npt.NDArray[np.int8]
"""Colours by their places, counted from 1; 0 for none."""
Kind = Literal["turn", "reflect", "shift", "fall", "exchange"]
_TRIES = 400
_SQUARES = things(("square",), COLOURS)
_INVENTORY = (*_SQUARES, *things(tuple(s for s in SHAPES if s != "square"), COLOURS))
_WORDS = {
    "turn 1": "is turned to the left by a quarter", "turn 2": "is turned by half a turn",
    "turn 3": "is turned to the right by a quarter", "reflect 0": "is reflected top to bottom",
    "reflect 1": "is reflected left to right", "shift up": "moves up by one row",
    "shift down": "moves down by one row", "shift left": "moves left by one column",
    "shift right": "moves right by one column", "fall up": "falls upwards", "fall down": "falls down",
    "fall left": "falls to the left", "fall right": "falls to the right",
}  # fmt: skip


class RuleParams(Params):
    """What a level is.

    Attributes:
        kinds: of rules: "turn", "reflect", "shift" by a cell (what leaves the grid is lost), "fall" to a
            side, "exchange" two colours.
        steps: rules that are applied one after the other.
        size: cells a side of each grid.
        examples: grids that are shown with what becomes of them.
        filled: least and most coloured cells of a grid.
        colours: different colours.
    """

    kinds: tuple[Kind, ...] = ("turn", "reflect", "exchange")
    steps: int = Field(1, ge=1, le=2)
    size: int = Field(3, ge=3, le=4)
    examples: int = Field(1, ge=1, le=2)
    filled: tuple[int, int] = (3, 4)
    colours: int = Field(3, ge=2, le=4)


class RuleExtrapolation(AnswerPuzzle):
    """The family: below one another, a grid, an arrow, and what becomes of it."""

    name: ClassVar[str] = "rule_extrapolation"
    params: ClassVar[type[Params]] = RuleParams
    scale: ClassVar[float] = 1.4
    alike: ClassVar[bool] = True

    def sample(
        self, rng: np.random.Generator, params: RuleParams, accept: Accept | None = None
    ) -> AnswerState:
        """A rule drawn by lot, examples of it, and a grid for which they leave no doubt.

        Raises:
            GenreasonError: none in 400 was clear.
        """
        least, most = params.filled
        if not 2 <= least <= most <= params.size**2 - 2 or not params.kinds:
            raise UserError(f"rule_extrapolation: filled {least} to {most}: give 2 to {params.size**2 - 2}")
        misfits, options = 0, [r for r in _rules(params.steps) if _kinds(r) <= set(params.kinds)]
        options = [rule for rule in options if len(rule) == params.steps]
        while misfits < _TRIES:
            misfits += 1
            rule = options[int(rng.integers(len(options)))]
            palette = rng.permutation(len(COLOURS))[: params.colours] + 1
            before = [_grid(rng, params, palette) for _ in range(params.examples + 1)]
            after = [_applied(rule, grid) for grid in before]
            plain = any((a == b).all() or not 1 < (b > 0).sum() for a, b in zip(before, after, strict=True))
            pairs = list(zip(before, after, strict=True))
            if plain or not _clear(pairs, params.steps, palette):
                continue
            full, cols = _board(pairs)
            misfits, hole = 0, len(full) - params.size * cols
            cells = tuple(
                "" if k >= hole and k % cols > params.size else symbol for k, symbol in enumerate(full)
            )
            state = AnswerState(cells, cols, full, " + ".join(rule))
            if accept is None or accept(state):
                return state
        raise GenreasonError(
            f"no rule of {params.steps} steps was clear from {params.examples} examples: change filled"
        )

    def because(self, state: AnswerState, cell: int) -> str:
        """The rule."""
        said = [_WORDS.get(step) or _exchange(step) for step in state.rule.split(" + ")]
        return f"In the examples the picture {' and then '.join(said)}."

    def inventory(self) -> tuple[str, ...]:
        """Squares, and other things that must not be taken for them."""
        return _INVENTORY

    def words(self, state: AnswerState) -> dict[str, str]:
        """How many grids are shown whole."""
        count = len(state.cells) // state.cols // _side(state)
        return {"shown": "the first grid" if count == 2 else f"each of the first {count - 1} grids"}

    def open(self, state: AnswerState) -> frozenset[int]:
        """What lies between grids."""
        n, rows = _side(state), len(state.cells) // state.cols
        return frozenset(
            r * state.cols + c for r in range(rows) for c in range(state.cols) if c == n or r % (n + 1) == n
        )

    def labels(self, state: AnswerState) -> tuple[tuple[float, float, str, float], ...]:
        """The arrows."""
        n, rows = _side(state), len(state.cells) // state.cols
        return tuple((float(n), r + (n - 1) / 2, ">", 0.6) for r in range(0, rows, n + 1))


def _side(state: AnswerState) -> int:
    return (state.cols - 1) // 2


def _exchange(step: str) -> str:
    first, second = (COLOURS[int(word) - 1] for word in step.split()[1:])
    return f"exchanges {first} and {second}"


def _kinds(rule: tuple[str, ...]) -> set[str]:
    return {step.split()[0] for step in rule}


@functools.cache
def _rules(steps: int) -> tuple[tuple[str, ...], ...]:
    """All rules of the language with so many steps at most."""
    single = [*_WORDS, *(f"exchange {a} {b}" for a in range(1, 6) for b in range(a + 1, 6))]
    one = tuple((step,) for step in single)
    if steps == 1:
        return one
    pairs = permutations(single, 2)
    return (*one, *((a, b) for a, b in pairs if a.split()[0] != b.split()[0]))


def _applied(rule: tuple[str, ...], grid: Grid) -> Grid:
    for step in rule:
        grid = _step(step)(grid)
    return grid


@functools.cache
def _step(step: str) -> Callable[[Grid], Grid]:
    kind, *rest = step.split()
    if kind == "turn":
        return lambda grid: np.rot90(grid, int(rest[0]))
    if kind == "reflect":
        return lambda grid: np.flip(grid, int(rest[0]))
    if kind == "exchange":
        table = np.arange(len(COLOURS) + 1, dtype=np.int8)
        a, b = int(rest[0]), int(rest[1])
        table[[a, b]] = table[[b, a]]
        return lambda grid: table[grid]
    turns = {"down": 0, "right": 1, "up": 2, "left": 3}[rest[0]]  # so that the side is below
    below = _fallen if kind == "fall" else _shifted
    return lambda grid: np.rot90(below(np.rot90(grid, -turns)), turns)


def _fallen(grid: Grid) -> Grid:
    out = np.zeros_like(grid)
    for c in range(grid.shape[1]):
        held = grid[:, c][grid[:, c] > 0]
        out[len(grid) - len(held) :, c] = held
    return out


def _shifted(grid: Grid) -> Grid:
    out = np.zeros_like(grid)
    out[1:] = grid[:-1]
    return out


def _grid(rng: np.random.Generator, params: RuleParams, palette: npt.NDArray[np.int64]) -> Grid:
    """Some coloured cells, most colours among them."""
    n, count = params.size, int(rng.integers(params.filled[0], params.filled[1] + 1))
    grid = np.zeros(n * n, np.int8)
    spots = rng.permutation(n * n)[:count]
    grid[spots] = rng.permutation(np.resize(palette, count))
    return grid.reshape(n, n)


def _clear(pairs: list[tuple[Grid, Grid]], steps: int, palette: npt.NDArray[np.int64]) -> bool:
    """Whether all rules that fit the examples give the last grid's answer."""
    *shown, (asked, answer) = pairs
    used = {f"exchange {a} {b}" for a in palette for b in palette}
    for rule in _rules(steps):
        known = all(step in used or not step.startswith("exchange") for step in rule)
        if known and all((_applied(rule, a) == b).all() for a, b in shown):
            if (_applied(rule, asked) != answer).any():
                return False
    return True


def _board(pairs: list[tuple[Grid, Grid]]) -> tuple[Cells, int]:
    """All grids with their answers, one pair below the other, and the number of columns."""
    n = len(pairs[0][0])
    rows = []
    for i, (before, after) in enumerate(pairs):
        gap = np.zeros((n, 1), np.int8)
        rows += [np.zeros((1, 2 * n + 1), np.int8)] if i else []
        rows.append(np.concatenate([before, gap, after], axis=1))
    codes = np.concatenate(rows)
    return tuple(_SQUARES[v - 1] if v else "" for v in codes.ravel().tolist()), 2 * n + 1


PUZZLE = RuleExtrapolation()
