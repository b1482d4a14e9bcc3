"""Which covered cells of minesweeper hold mines: by proof, and by the steps that a person takes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

CLOSED = -1
Clues = tuple[int, ...]
"""Of each cell, row by row: how many mines are around it, or CLOSED where it is covered."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a covered cell, and the cells of the numbers that tell it (one, or two compared)."""

    cell: int
    mine: bool
    by: tuple[int, ...]


@functools.cache
def around(size: int) -> tuple[tuple[int, ...], ...]:
    """For each cell of a square board the up to eight others around it."""
    return tuple(
        tuple(
            y * size + x
            for y in range(max(r - 1, 0), min(r + 2, size))
            for x in range(max(c - 1, 0), min(c + 2, size))
            if (y, x) != (r, c)
        )
        for r, c in itertools.product(range(size), repeat=2)
    )


def _counts(cell: int, mines: int, size: int) -> Iterator[list[int]]:
    """Clauses: so many of the cells around one hold mines. Variables are cells, counted from 1."""
    near = [k + 1 for k in around(size)[cell]]
    for some in itertools.combinations(near, mines + 1):
        yield [-k for k in some]
    for some in itertools.combinations(near, len(near) - mines + 1):
        yield list(some)


@functools.lru_cache(maxsize=1024)
def mines_of(clues: Clues, size: int) -> frozenset[int] | None:
    """The covered cells that hold mines; None where the numbers leave no way or more than one."""
    from pysat.solvers import Solver

    clauses = [[-k - 1] for k, clue in enumerate(clues) if clue != CLOSED]
    for k, clue in enumerate(clues):
        if clue != CLOSED:
            clauses += _counts(k, clue, size)
    with Solver("g4", bootstrap_with=clauses) as solver:
        if not solver.solve():
            return None
        true = {v for v in solver.get_model() if v > 0}
        solver.add_clause([-v if v in true else v for v in range(1, size * size + 1)])
        return None if solver.solve() else frozenset(v - 1 for v in true)


def opened(mines: frozenset[int], size: int, wanted: int, order: list[int]) -> Clues | None:
    """A board on which so many cells without mines are covered, tried in this order, and one way is left.

    None where that many cannot be.
    """
    from pysat.solvers import Solver

    count = size * size
    near = around(size)
    whole = [sum(k in mines for k in near[c]) for c in range(count)]
    with Solver("g4", bootstrap_with=[[-v - 1 if v in mines else v + 1 for v in range(count)]]) as solver:
        for c in set(range(count)) - mines:  # each number counts where its own variable is assumed
            for clause in _counts(c, whole[c], size):
                solver.add_clause([-(count + c + 1), *clause])
        known = set(range(count)) - mines

        def other() -> bool:
            told = [v for c in sorted(known) for v in (-(c + 1), count + c + 1)]
            return bool(solver.solve(assumptions=told))

        if other():
            return None  # (mines that no number touches)
        for c in order:
            if count - len(known) - len(mines) == wanted:
                break
            if c in known:
                known.discard(c)
                if other():
                    known.add(c)
    if count - len(known) - len(mines) != wanted:
        return None
    return tuple(whole[c] if c in known else CLOSED for c in range(count))


@functools.lru_cache(maxsize=1024)
def deduced(clues: Clues, size: int, compare: bool) -> tuple[Found, ...]:
    """What follows step by step: from one number at a time; with `compare`, where needed, from two."""
    known: dict[int, bool] = {}
    out: list[Found] = []
    told = [c for c, clue in enumerate(clues) if clue > CLOSED]
    near = around(size)
    while True:
        rest: dict[int, tuple[frozenset[int], int]] = {}  # of numbers: cells not known, mines among them
        for c in told:
            closed = [k for k in near[c] if clues[k] == CLOSED]
            open_ = frozenset(k for k in closed if k not in known)
            if open_:
                rest[c] = open_, clues[c] - sum(known.get(k, False) for k in closed)
        new = [Found(k, bool(need), (c,)) for c, (cells, need) in rest.items()
               if need in (0, len(cells)) for k in sorted(cells)]  # fmt: skip
        if not new and compare:
            new = _compared(rest)
        if not new:
            return tuple(out)
        for found in new:
            if found.cell not in known:
                known[found.cell] = found.mine
                out.append(found)


def _compared(rest: dict[int, tuple[frozenset[int], int]]) -> list[Found]:
    """What two numbers tell together: all mines that one has more lie beside it alone."""
    for (a, (ours, need)), (b, (theirs, less)) in itertools.permutations(rest.items(), 2):
        if ours & theirs and ours != theirs and need - less == len(ours - theirs):
            mines = [Found(k, True, (a, b)) for k in sorted(ours - theirs)]
            return mines + [Found(k, False, (a, b)) for k in sorted(theirs - ours)]
    return []
