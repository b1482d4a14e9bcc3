"""Transitive order: comparisons of two things each, from which the order of all follows.

The order is the only one that agrees with all comparisons. The measure of `solve` is things.
"""

from __future__ import annotations

from typing import ClassVar

import networkx as nx
import numpy as np
from pydantic import Field

from genreason.puzzles.answers import AnswerPuzzle, AnswerState
from genreason.puzzles.attributes import COLOURS, SHAPES, things
from genreason.puzzles.base import Accept, Params
from genreason.types import GenreasonError, UserError

_THINGS = things(SHAPES, COLOURS)
_TRIES = 200


class TransitiveParams(Params):
    """What a level is.

    Attributes:
        things: to be ordered.
        more: comparisons that are shown although the others imply them.
    """

    things: int = Field(4, ge=3, le=6)
    more: int = Field(0, ge=0, le=3)


class Transitive(AnswerPuzzle):
    """The family: comparisons in two columns, and below them a row of cells for the order."""

    name: ClassVar[str] = "transitive"
    params: ClassVar[type[Params]] = TransitiveParams
    scale: ClassVar[float] = 1.3

    def sample(
        self, rng: np.random.Generator, params: TransitiveParams, accept: Accept | None = None
    ) -> AnswerState:
        """Things in an order drawn by lot, and comparisons that fix it, in any order.

        Raises:
            GenreasonError: 200 draws gave no puzzle of the split.
        """
        n = params.things
        if params.more > (n - 1) * (n - 2) // 2:
            raise UserError(f"transitive: more {params.more}: {n} things have fewer other comparisons")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            order = _different(rng, n)
            far = [(a, b) for a in range(n) for b in range(a + 2, n)]
            shown = [(a, a + 1) for a in range(n - 1)]
            shown += [far[int(i)] for i in rng.permutation(len(far))[: params.more]]
            facts = [shown[int(i)] for i in rng.permutation(len(shown))]
            high = -(-len(facts) // 2)
            cells, cols = [[""] * _wide(n) for _ in range(high + 2)], _wide(n)
            for i, (a, b) in enumerate(facts):
                left = 0 if i < high else 4
                cells[i % high][left], cells[i % high][left + 2] = order[a], order[b]
            start = tuple(symbol for row in cells for symbol in row)
            cells[-1][:n] = order
            state = AnswerState(start, cols, tuple(symbol for row in cells for symbol in row))
            if order_of(facts, n) != list(range(n)):
                continue
            misfits = 0
            if accept is None or accept(state):
                return state
        raise GenreasonError(f"no order of {n} things was found: change things")

    def because(self, state: AnswerState, cell: int) -> str:
        """Which comparisons place a thing."""
        symbol = state.answer[cell]
        facts = [f"{a} > {b}" for a, b in comparisons(state) if symbol in (a, b)]
        return f"Comparisons of the {symbol}: {', '.join(facts)}; so {_ordinal(self._row(state), cell)}."

    def _row(self, state: AnswerState) -> int:
        """The first cell of the order."""
        return len(state.cells) - state.cols

    def inventory(self) -> tuple[str, ...]:
        """Things of all shapes and colours."""
        return _THINGS

    def words(self, state: AnswerState) -> dict[str, str]:
        """How many things there are."""
        return {"n": str(sum(bool(symbol) for symbol in state.answer[self._row(state) :]))}

    def open(self, state: AnswerState) -> frozenset[int]:
        """All but the cells of comparisons and of the order."""
        shown = {k for k, symbol in enumerate(state.answer) if symbol}
        return frozenset(range(len(state.cells))) - shown

    def labels(self, state: AnswerState) -> tuple[tuple[float, float, str, float], ...]:
        """The signs between things that are compared."""
        pairs = [k for k in range(self._row(state)) if k % state.cols in (1, 5) and state.cells[k - 1]]
        return tuple((float(k % state.cols), float(k // state.cols), ">", 0.5) for k in pairs)


def _wide(n: int) -> int:
    return max(7, n)


def _ordinal(row: int, cell: int) -> str:
    return f"it is number {cell - row + 1} in the order"


def _different(rng: np.random.Generator, n: int) -> list[str]:
    """Things of different shapes and, as far as there are enough, different colours."""
    shapes, colours = rng.permutation(len(SHAPES))[:n], np.resize(rng.permutation(len(COLOURS)), n)
    pairs = zip(shapes.tolist(), colours.tolist(), strict=True)
    return [things((SHAPES[s],), (COLOURS[c],))[0] for s, c in pairs]


def order_of(facts: list[tuple[int, int]], n: int) -> list[int] | None:
    """The one order that agrees with the comparisons, or None where there are several or none."""
    graph = nx.DiGraph(facts)
    graph.add_nodes_from(range(n))
    if not nx.is_directed_acyclic_graph(graph):
        return None
    order = list(nx.topological_sort(graph))
    return order if all(graph.has_edge(a, b) for a, b in zip(order, order[1:], strict=False)) else None


def comparisons(state: AnswerState) -> list[tuple[str, str]]:
    """The pairs that are shown, the greater first."""
    row = len(state.cells) - state.cols
    starts = [k for k in range(row) if k % state.cols in (0, 4) and state.cells[k]]
    return [(state.cells[k], state.cells[k + 2]) for k in starts]


PUZZLE = Transitive()
