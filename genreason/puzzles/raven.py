"""Progressive matrices: in each row, each attribute follows one rule; the rows share the rules.

The rule language of an attribute is `_filled`: it stays the same in a row, changes by equal steps along its
order (size, number), takes the same three values in another order in each row, or (number) the third is the
sum or the difference of the others. All rules that fit what is shown give the same missing values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations, product
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles import attributes
from genreason.puzzles.answers import AnswerPuzzle, AnswerState
from genreason.puzzles.attributes import COLOURS, NUMBERS, SHAPES, SIZES, Thing, named, things
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells
from genreason.render.cells import CellStyle, Sign
from genreason.types import GenreasonError, UserError

Values = tuple[int, ...]
"""Nine values of an attribute, row by row, as places in its order; -1 where not known."""
Rule = Literal["same", "steps", "three", "sum"]
_TRIES = 400
_ORDERS: dict[str, tuple[str | int, ...]] = {
    "shape": SHAPES, "colour": COLOURS, "size": SIZES, "number": NUMBERS,
}  # fmt: skip
_RANKED = ("size", "number")
_THINGS = things(SHAPES, COLOURS, SIZES)
_DOTS = things(("disc",), COLOURS, numbers=NUMBERS)
_WORDS = {
    "same": "is the same all along each row",
    "steps": "changes by the same step along each row",
    "three": "takes the same three values in every row, in another order",
    "sum": "in the third column is the sum or the difference of those in the first and the second",
}


class RavenParams(Params):
    """What a level is.

    Attributes:
        rules: of which those of the attributes are drawn: "same" in a row, "steps", "three" values in another
            order, "sum" (of numbers).
        changing: least attributes that do not stay the same in a row.
        dots: whether things may be numbers of dots instead of shapes of three sizes.
        holes: empty cells; the first row is always full.
    """

    rules: tuple[Rule, ...] = ("same", "steps", "three")
    changing: int = Field(1, ge=1, le=3)
    dots: bool = False
    holes: int = Field(1, ge=1, le=2)


class Raven(AnswerPuzzle):
    """The family."""

    name: ClassVar[str] = "raven"
    params: ClassVar[type[Params]] = RavenParams

    def sample(
        self, rng: np.random.Generator, params: RavenParams, accept: Accept | None = None
    ) -> AnswerState:
        """A matrix by rules drawn by lot, whose holes can be filled in one way only.

        Raises:
            GenreasonError: none in 400 matrices could.
        """
        if set(params.rules) <= {"same", "sum"} and not (params.dots and "sum" in params.rules):
            raise UserError(f"raven: rules {', '.join(params.rules)}: give 'steps' or 'three', too")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            dots = params.dots and bool(rng.integers(2))
            kinds = ("number", "colour") if dots else ("shape", "colour", "size")
            drawn = {kind: _drawn(rng, kind, params.rules) for kind in kinds}
            if sum(rule != "same" for rule, _ in drawn.values()) < min(params.changing, len(kinds)):
                continue
            full = _cells({kind: values for kind, (_, values) in drawn.items()})
            holes = _holes(params.holes, rng)
            cells = tuple("" if k in holes else symbol for k, symbol in enumerate(full))
            if answer_of(cells, kinds) == full:
                misfits = 0
                rule = ", ".join(f"{kind} {name}" for kind, (name, _) in drawn.items())
                state = AnswerState(cells, 3, full, rule)
                if accept is None or accept(state):
                    return state
        raise GenreasonError(f"no matrix with {params.holes} holes has one answer: change holes or rules")

    def because(self, state: AnswerState, cell: int) -> str:
        """What each attribute does."""
        pairs = [part.split() for part in state.rule.split(", ") if len(part.split()) == 2]
        said = [f"The {kind} {_WORDS.get(name, name)}." for kind, name in pairs]
        return " ".join(said) or "The rows follow the same rules."

    def inventory(self) -> tuple[str, ...]:
        """Things of three sizes, and one to four dots."""
        return (*_THINGS, *(s for s in _DOTS if s not in _THINGS))

    def symbols(self, state: AnswerState) -> tuple[str, ...]:
        """Things, or dots."""
        return _DOTS if state.rule.startswith("number") else _THINGS

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A thing, or several dots, which take as much room as a large thing."""
        return attributes.sign(symbol, style, 1.4 if named(symbol).number > 1 else 1.0)


def _holes(count: int, rng: np.random.Generator) -> set[int]:
    """The last cell, or one each of the second and the third row, in different columns."""
    second, third = rng.permutation(3)[:2].tolist()
    return {8} if count == 1 else {3 + second, 6 + third}


def _drawn(rng: np.random.Generator, kind: str, rules: Sequence[Rule]) -> tuple[Rule, Values]:
    """A rule for an attribute, and values by it."""
    n = len(_ORDERS[kind])
    known = [
        rule
        for rule in rules
        if not (rule == "steps" and kind not in _RANKED) and not (rule == "sum" and kind != "number")
    ]
    rule: Rule = known[int(rng.integers(len(known)))] if known else "same"
    three = rng.permutation(n)[:3]
    if rule == "same":
        rows = [[int(v)] * 3 for v in rng.permutation(three)]
    elif rule == "steps":
        step = int(rng.choice([-1, 1]))
        low = rng.integers(0, n - 2, 3)
        rows = [[int(v) + (i if step > 0 else 2 - i) for i in range(3)] for v in low]
    elif rule == "three":
        turns = rng.permutation([0, 1, 2])
        rows = [np.roll(three, int(turn)).tolist() for turn in turns]
    else:  # numbers are one more than their places
        pairs = [(a, b) for a, b in product((1, 2, 3), repeat=2) if a + b <= n]
        chosen = [pairs[int(i)] for i in rng.integers(len(pairs), size=3)]
        rows = [[a - 1, b - 1, a + b - 1] for a, b in chosen]
    return rule, tuple(v for row in rows for v in row)


def _cells(values: dict[str, Values]) -> Cells:
    """The things with these attributes."""
    names = {kind: [_ORDERS[kind][v] for v in found] for kind, found in values.items()}
    return tuple(str(Thing(**{kind: names[kind][k] for kind in names})) for k in range(9))  # type: ignore[arg-type]


def answer_of(cells: Cells, kinds: Sequence[str]) -> Cells | None:
    """The one way to fill the empty cells, or None where rules disagree."""
    found: dict[str, Values] = {}
    for kind in kinds:
        order = _ORDERS[kind]
        seen = tuple(order.index(getattr(named(s), kind)) if s else -1 for s in cells)
        ways = _filled(kind, seen)
        if len(ways) != 1:
            return None
        found[kind] = min(ways)
    return _cells(found)


def _filled(kind: str, seen: Values) -> set[Values]:
    """All ways to fill an attribute's unknown values by one rule for all rows."""
    rows, n = [seen[i : i + 3] for i in (0, 3, 6)], len(_ORDERS[kind])
    tests: list[Callable[[Values], bool]] = [lambda row: len(set(row)) == 1]
    if kind in _RANKED:
        tests += [lambda row, d=d: row[1] - row[0] == d == row[2] - row[1] for d in (-1, 1)]  # type: ignore[misc]
    if kind == "number":
        tests += [
            lambda row: row[2] + 1 == row[0] + 1 + row[1] + 1,
            lambda row: row[2] + 1 == row[0] + 1 - row[1] - 1,
        ]
    ways = {values for test in tests for values in product(*(_row(row, n, test) for row in rows))}
    whole = {tuple(v for row in rows_ for v in row) for rows_ in ways}
    full = [set(row) for row in rows if -1 not in row]
    three = full[0] if full else set()
    if len(three) == 3 and all(set(row) - {-1} <= three for row in rows):
        orders = [[p for p in permutations(sorted(three)) if _fits(p, row)] for row in rows]
        whole |= {tuple(v for row in way for v in row) for way in product(*orders) if len(set(way)) == 3}
    return whole


def _row(seen: Values, n: int, test: Callable[[Values], bool]) -> list[Values]:
    options = [[v] if v >= 0 else list(range(n)) for v in seen]
    return [row for row in product(*options) if test(row)]


def _fits(row: Values, seen: Values) -> bool:
    return all(s in (-1, v) for v, s in zip(row, seen, strict=True))


PUZZLE = Raven()
