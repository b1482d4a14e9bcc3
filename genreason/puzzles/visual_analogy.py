"""Analogies: the first thing becomes the second, and the others must change in the same way.

The rule language, for each attribute (shape, colour, size, filling): it stays the same, it becomes a certain
value, it grows or shrinks by one step (sizes), or becomes the other one (fillings). All rules that fit the
examples give the same answers; a change that one example shows is no staying the same in another.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles.answers import AnswerPuzzle, AnswerState
from genreason.puzzles.attributes import COLOURS, FILLS, SHAPES, SIZES, Thing, named, things
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells
from genreason.types import GenreasonError

_TRIES = 400
_USED = SHAPES[:5]
_THINGS = things(_USED, COLOURS, SIZES, FILLS)
_ORDERS = {"shape": _USED, "colour": COLOURS, "size": SIZES, "fill": FILLS}
_NOUNS = {"shape": "shape", "colour": "colour", "size": "size", "fill": "filling"}


class AnalogyParams(Params):
    """What a level is.

    Attributes:
        changing: attributes that change.
        examples: rows that are shown whole.
        asked: rows whose second thing is missing.
    """

    changing: int = Field(1, ge=1, le=4)
    examples: int = Field(1, ge=1, le=2)
    asked: int = Field(1, ge=1, le=3)


class VisualAnalogy(AnswerPuzzle):
    """The family: rows of two cells with an arrow between them."""

    name: ClassVar[str] = "visual_analogy"
    params: ClassVar[type[Params]] = AnalogyParams

    def sample(
        self, rng: np.random.Generator, params: AnalogyParams, accept: Accept | None = None
    ) -> AnswerState:
        """Examples of a change drawn by lot, and things whose change they leave no doubt about.

        Raises:
            GenreasonError: none in 400 were clear.
        """
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            chosen = rng.permutation(list(_ORDERS))[: params.changing].tolist()
            goal = {kind: _some(rng, kind) for kind in chosen}
            steps = {"size": int(rng.choice([-1, 1]))} if "size" in chosen and rng.integers(2) else {}
            rows: list[tuple[Thing, Thing]] = []
            for _ in range(params.examples + params.asked):
                first = _thing({kind: _some(rng, kind) for kind in _ORDERS})
                second = _changed(first, goal, steps)
                rows += [(first, second)] if second is not None and second != first else []
            firsts = {str(first) for first, _ in rows}
            if len(rows) < params.examples + params.asked or len(firsts) < len(rows):
                continue
            full = tuple(symbol for a, b in rows for symbol in (str(a), "", str(b)))
            cells = tuple(
                "" if k % 3 == 2 and k // 3 >= params.examples else symbol for k, symbol in enumerate(full)
            )
            if answer_of(cells) == full:
                misfits = 0
                rule = ", ".join(kind for kind in _ORDERS if kind in chosen)
                state = AnswerState(cells, 3, full, rule)
                if accept is None or accept(state):
                    return state
        many = f"{params.changing} attributes in {params.examples} examples"
        raise GenreasonError(f"no change of {many} was clear: change changing or examples")

    def because(self, state: AnswerState, cell: int) -> str:
        """What becomes of what."""
        first, second = state.cells[0], state.cells[2]
        said = " and ".join(_NOUNS.get(kind, kind) for kind in state.rule.split(", "))
        change = f"{said} change" if " and " in said else f"{said} changes"
        return f"The {first} becomes a {second}: its {change}. The {state.cells[cell - 2]} changes alike."

    def inventory(self) -> tuple[str, ...]:
        """Things that differ in four attributes."""
        return _THINGS

    def open(self, state: AnswerState) -> frozenset[int]:
        """The arrows' column is no part of the board."""
        return frozenset(range(1, len(state.cells), 3))

    def labels(self, state: AnswerState) -> tuple[tuple[float, float, str, float], ...]:
        """The arrows."""
        return tuple((1.0, float(r), ">", 0.4) for r in range(len(state.cells) // 3))


def _thing(values: dict[str, str]) -> Thing:
    return Thing(values["shape"], values["colour"], values["size"], values["fill"])


def _some(rng: np.random.Generator, kind: str) -> str:
    order = _ORDERS[kind]
    return order[int(rng.integers(len(order)))]


def _changed(first: Thing, goal: dict[str, str], steps: dict[str, int]) -> Thing | None:
    """What becomes of a thing; None where a step leads out of the order."""
    values = {kind: goal.get(kind, getattr(first, kind)) for kind in _ORDERS}
    for kind, step in steps.items():
        place = _ORDERS[kind].index(getattr(first, kind)) + step
        if not 0 <= place < len(_ORDERS[kind]):
            return None
        values[kind] = _ORDERS[kind][place]
    return _thing(values)


def answer_of(cells: Cells) -> Cells | None:
    """The one way to fill the last column by the language's rules, or None where they disagree."""
    rows = [(named(cells[k]), named(cells[k + 2]) if cells[k + 2] else None) for k in range(0, len(cells), 3)]
    shown = [(a, b) for a, b in rows if b is not None]
    out: list[str] = []
    for first, second in rows:
        values = {}
        for kind in _ORDERS:
            pairs = [(getattr(a, kind), getattr(b, kind)) for a, b in shown]
            found = _follows(kind, pairs, getattr(first, kind))
            if len(found) != 1:
                return None
            values[kind] = found.pop()
        out += [str(first), "", str(second if second is not None else _thing(values))]
    return tuple(out)


def _follows(kind: str, pairs: list[tuple[str, str]], value: str) -> set[str]:
    """What a value becomes by all rules that fit the pairs."""
    order = _ORDERS[kind]
    found: set[str] = set()
    if all(a == b for a, b in pairs):
        found.add(value)
    if len({b for _, b in pairs}) == 1 and any(a != b for a, b in pairs):
        found.add(pairs[0][1])
    if kind == "size":
        for step in (-1, 1):
            if all(order.index(b) - order.index(a) == step for a, b in pairs):
                place = order.index(value) + step
                found.add(order[place] if 0 <= place < len(order) else "out of the order")
    if kind == "fill" and all(a != b for a, b in pairs):
        found.add(next(other for other in order if other != value))
    return found


PUZZLE = VisualAnalogy()
