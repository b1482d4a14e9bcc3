"""Patterns with empty cells: mirror images, half turns, repetitions, and numbers that change step by step.

The rule language is `rules`: every rule that fits what is shown gives the same symbol wherever it gives any.
The measure of `solve` is cells.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import product
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles.answers import AnswerPuzzle, AnswerState
from genreason.puzzles.attributes import COLOURS, NUMBERS, SHAPES, Thing, things
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells
from genreason.types import GenreasonError, UserError

Kind = Literal["mirror", "turn", "repeat", "slant", "steps"]
_TRIES = 300
_TILED = things(SHAPES, COLOURS)
_COUNTED = things(("disc",), COLOURS, numbers=NUMBERS)
_WORDS = {
    "mirror": "The left half is the mirror image of the right half.",
    "flip": "The upper half is the mirror image of the lower half.",
    "turn": "The pattern looks the same when it is turned by half a turn.",
}


class PatternParams(Params):
    """What a level is.

    Attributes:
        kinds: what rules are drawn from: "mirror" images, half "turn"s, patches that "repeat", rows that
            repeat moved sideways ("slant"), numbers of dots that change in "steps".
        rows: of cells.
        cols: of cells.
        looks: different things in a pattern.
        holes: least and most empty cells.
    """

    kinds: tuple[Kind, ...] = ("mirror", "repeat")
    rows: int = Field(4, ge=3, le=7)
    cols: int = Field(4, ge=3, le=7)
    looks: int = Field(3, ge=2, le=6)
    holes: tuple[int, int] = (3, 4)


class PatternCompletion(AnswerPuzzle):
    """The family."""

    name: ClassVar[str] = "pattern_completion"
    params: ClassVar[type[Params]] = PatternParams
    scale: ClassVar[float] = 1.4
    alike: ClassVar[bool] = True

    def sample(
        self, rng: np.random.Generator, params: PatternParams, accept: Accept | None = None
    ) -> AnswerState:
        """A pattern by a rule drawn by lot, with holes that it fills in one way only.

        Raises:
            GenreasonError: none in 300 patterns could be told from what its holes left.
        """
        least, most = params.holes
        if not 1 <= least <= most <= params.rows * params.cols // 3:
            third = f"1 to a third of {params.rows * params.cols} cells, the smaller first"
            raise UserError(f"pattern_completion: holes {least} to {most}: give {third}")
        if not params.kinds or ("steps" in params.kinds and params.cols > len(NUMBERS)):
            raise UserError("pattern_completion: kinds: give one at least, and steps for 3 or 4 columns only")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            kind = params.kinds[int(rng.integers(len(params.kinds)))]
            made = _pattern(rng, kind, params)
            if made is None:
                continue
            rule, full = made
            holes = rng.permutation(len(full))[: int(rng.integers(least, most + 1))].tolist()
            cells = tuple("" if k in holes else symbol for k, symbol in enumerate(full))
            if answer_of(cells, params.cols) == full:
                misfits = 0
                state = AnswerState(cells, params.cols, full, rule)
                if accept is None or accept(state):
                    return state
        size = f"{params.rows} x {params.cols} cells with {least} to {most} holes"
        raise GenreasonError(f"no pattern of {size} has one answer: change holes or kinds")

    def because(self, state: AnswerState, cell: int) -> str:
        """The rule, and a cell that must look the same."""
        rows = len(state.cells) // state.cols
        if state.rule == "steps":
            return "The number of dots changes by equal steps along the rows, and each row has one colour."
        classes = rules(rows, state.cols)[state.rule]
        alike = [k for k, c in enumerate(classes) if c == classes[cell] and k != cell and state.cells[k]]
        like = f" This cell is like the one in {self.at(state, alike[0])}." if alike else ""
        return f"{_WORDS.get(state.rule) or _repeating(state.rule)}{like}"

    def inventory(self) -> tuple[str, ...]:
        """Things, and one to four dots."""
        return (*_TILED, *(s for s in _COUNTED if s not in _TILED))

    def symbols(self, state: AnswerState) -> tuple[str, ...]:
        """Things, or numbers of dots, in all colours."""
        return _COUNTED if set(state.answer) <= set(_COUNTED) and state.rule == "steps" else _TILED


def _repeating(rule: str) -> str:
    kind, down, across = rule.split()
    if kind == "repeat":
        return f"A patch of {down} x {across} cells repeats."
    return f"Each row repeats every {down} cells and is moved by {across} against the one above."


@functools.cache
def rules(rows: int, cols: int) -> dict[str, tuple[int, ...]]:
    """All rules that say which cells look alike: for each cell, the number of its class."""
    grid = [divmod(k, cols) for k in range(rows * cols)]
    found = {
        "mirror": [r * cols + min(c, cols - 1 - c) for r, c in grid],
        "flip": [min(r, rows - 1 - r) * cols + c for r, c in grid],
        "turn": [min(k, rows * cols - 1 - k) for k in range(rows * cols)],
    }
    for p, q in product(range(1, rows // 2 + 1), range(1, cols // 2 + 1)):
        found[f"repeat {p} {q}"] = [(r % p) * cols + c % q for r, c in grid]
    for n in range(2, cols):
        for shift in range(1, n):
            found[f"slant {n} {shift}"] = [(c - shift * r) % n for r, c in grid]
    return {rule: tuple(classes) for rule, classes in found.items()}


def answer_of(cells: Cells, cols: int) -> Cells | None:
    """The one way to fill the empty cells, or None where rules disagree or none fills them."""
    rows, given = len(cells) // cols, {k for k, symbol in enumerate(cells) if symbol}
    found: set[Cells] = set()
    for classes in rules(rows, cols).values():
        held: dict[int, str] = {}
        if all(held.setdefault(classes[k], cells[k]) == cells[k] for k in given):
            found.add(tuple(cells[k] or held.get(classes[k], "") for k in range(len(cells))))
    found |= _stepped(cells, cols)
    whole = [filled for filled in found if all(filled)]
    if len(whole) != 1:
        return None
    agreed = all(a in ("", b) for filled in found for a, b in zip(filled, whole[0], strict=True))
    return whole[0] if agreed else None


def _stepped(cells: Cells, cols: int) -> set[Cells]:
    """All ways to fill the cells by steps of numbers, each row in one colour."""
    if any(symbol and symbol not in _COUNTED for symbol in cells):
        return set()
    of = {str(Thing("disc", c, number=n)): (n, c) for c in COLOURS for n in NUMBERS}
    seen = {k: of[symbol] for k, symbol in enumerate(cells) if symbol}
    rows = len(cells) // cols
    colours = [{seen[k][1] for k in seen if k // cols == r} for r in range(rows)]
    if any(len(row) != 1 for row in colours):
        return set()
    found = set()
    for first, across, down in product(range(-8, 13), (-1, 0, 1), (-1, 0, 1)):
        numbers = [first + across * (k % cols) + down * (k // cols) for k in range(len(cells))]
        if all(numbers[k] == n for k, (n, _) in seen.items()) and set(numbers) <= set(NUMBERS):
            found.add(_dots(numbers, [min(colours[k // cols]) for k in range(len(cells))]))
    return found


def _dots(numbers: Sequence[int], colours: Sequence[str]) -> Cells:
    pairs = zip(numbers, colours, strict=True)
    return tuple(str(Thing("disc", colour, number=n)) for n, colour in pairs)


def _pattern(rng: np.random.Generator, kind: Kind, params: PatternParams) -> tuple[str, Cells] | None:
    """A rule of a kind and a pattern by it; None where they came out too plain."""
    rows, cols = params.rows, params.cols
    if kind == "steps":
        colours = rng.permutation(COLOURS)[:rows].tolist()
        colours = [colours[r % len(colours)] for r in range(rows)]
        step, first = (1, 1) if rng.integers(2) else (-1, cols)
        numbers = [first + step * c for _ in range(rows) for c in range(cols)]
        return "steps", _dots(numbers, [colours[k // cols] for k in range(rows * cols)])
    prefix = ("mirror", "flip") if kind == "mirror" else (kind,)
    options = [rule for rule in rules(rows, cols) if rule.startswith(prefix) and rule != "repeat 1 1"]
    rule = options[int(rng.integers(len(options)))]
    classes = rules(rows, cols)[rule]
    looks = rng.permutation(_TILED)[: params.looks].tolist()
    drawn = {c: looks[int(rng.integers(len(looks)))] for c in sorted(set(classes))}
    full = tuple(drawn[c] for c in classes)
    return (rule, full) if len(set(full)) >= min(params.looks, len(drawn)) else None


PUZZLE = PatternCompletion()
