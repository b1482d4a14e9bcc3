"""Block stacking: coloured blocks in columns are to be arranged as a picture beside them shows.

One block at a time goes from the top of a column to the top of another. The measure of `solve` is moves.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.stacks import StackPuzzle, StackState
from genreason.render.cells import BRIGHT, BRIGHT_STYLES, CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import GenreasonError, Json, Solution, UserError

COLUMNS = 3
COLS = 2 * COLUMNS + 1  # those in which blocks are moved, a gap, and the goal
Columns = tuple[tuple[str, ...], ...]
_TRIES = 200
_GOALS = 40  # goals that are tried for one start


class BlockStackingParams(Params):
    """What a level is.

    Attributes:
        blocks: how many there are.
        height: how many fit into a column.
        moves: least and most moves of a shortest solution.
    """

    blocks: int = Field(4, ge=2, le=len(BRIGHT))
    height: int = Field(3, ge=2, le=5)
    moves: tuple[int, int] = (3, 5)


@dataclass(frozen=True, slots=True)
class BlockState(StackState):
    """Blocks in three columns, an empty one, and the goal in three more, under an empty row."""


class BlockStacking(StackPuzzle[BlockState]):
    """The family."""

    name: ClassVar[str] = "block_stacking"
    params: ClassVar[type[Params]] = BlockStackingParams
    margins: ClassVar[tuple[float, float, float, float]] = (0.2, 0.2, 0.2, 0.3)

    def sample(
        self, rng: np.random.Generator, params: BlockStackingParams, accept: Accept | None = None
    ) -> BlockState:
        """Blocks at random in the columns, and a goal as far away as the level asks for.

        Raises:
            GenreasonError: no arrangement was that far from any of 200 starts.
            UserError: the columns do not hold the blocks with room to move.
        """
        least, most = params.moves
        if not 1 <= least <= most:
            raise UserError(f"block_stacking: moves {least} to {most}: give 1 or more, the smaller first")
        if params.blocks > 2 * params.height:
            held = f"columns of {params.height} hold {params.blocks} blocks with no room to move"
            raise UserError(f"block_stacking: {held}: give more height or fewer blocks")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            names = [list(BRIGHT)[k] for k in rng.choice(len(BRIGHT), params.blocks, replace=False)]
            piles: list[list[str]] = [[] for _ in range(COLUMNS)]
            for name in names:
                free = [pile for pile in piles if len(pile) < params.height]
                free[int(rng.integers(len(free)))].append(name)
            start = tuple(map(tuple, piles))
            known = _ways(start, params.height, None, most)
            goals = [goal for goal, (count, _, _) in known.items() if count >= least]
            if not goals:
                continue
            misfits = 0
            for k in rng.permutation(len(goals))[:_GOALS].tolist():
                state = BlockState(_cells(start, goals[k], params.height), COLS)
                if accept is None or accept(state):
                    return state
        given = f"{params.blocks} blocks in columns of {params.height}"
        raise GenreasonError(f"no {given} take {least} to {most} moves: change moves")

    def solve(self, state: BlockState) -> Solution[str] | None:
        """A shortest solution, or None where there is none (blocks that float are not moved)."""
        height = len(state.cells) // COLS - 1
        columns = tuple(self.column(state, c) for c in range(COLS))
        start, goal = columns[:COLUMNS], columns[COLUMNS + 1 :]
        if sorted(sum(start, ())) != sorted(sum(goal, ())) or _cells(start, goal, height) != state.cells:
            return None
        known = _ways(start, height, goal, None)
        moves: list[str] = []
        while goal != start:
            _, before, move = known[goal]
            moves.append(move)
            goal = before
        return Solution(tuple(moves[::-1]))

    def columns(self, state: BlockState) -> int:
        """The first three."""
        return COLUMNS

    def refusal(self, state: BlockState, thing: str, column: int) -> str:
        """A block may stand on any other."""
        return ""

    def done(self, state: BlockState) -> bool:
        """Whether the blocks stand as the goal shows."""
        rows = [state.cells[i : i + COLS] for i in range(0, len(state.cells), COLS)]
        return all(row[:COLUMNS] == row[COLUMNS + 1 :] and not row[COLUMNS] for row in rows)

    def encode(self, state: BlockState) -> tuple[Json, Json]:
        """`{"cells": rows of the columns}` and `{"cells": rows of the goal}`, the first row empty."""
        whole = np.array(state.cells).reshape(-1, COLS)
        parts = (whole[:, :COLUMNS], whole[:, COLUMNS + 1 :])
        first, second = (rows_json(tuple(part.ravel().tolist()), COLUMNS) for part in parts)
        return {"cells": first}, {"cells": second}

    def decode(self, state: Json, goal: Json) -> BlockState:
        """The inverse of `encode`."""
        now, cols = rows_cells(state, "cells", BRIGHT, "block_stacking")
        then, wide = rows_cells(goal, "cells", BRIGHT, "block_stacking goal")
        if cols != COLUMNS or wide != COLUMNS or len(now) != len(then) or any(now[:COLUMNS] + then[:COLUMNS]):
            raise UserError("block_stacking: give state and goal as rows of three cells, the first row empty")
        rows = range(0, len(now), COLUMNS)
        return BlockState(sum(((*now[i : i + COLUMNS], "", *then[i : i + COLUMNS]) for i in rows), ()), COLS)

    def canonical(self, state: BlockState) -> bytes:
        """Up to the order of the columns."""
        columns = [",".join(state.cells[c::COLS]) for c in range(COLS)]
        pairs = sorted(zip(columns[:COLUMNS], columns[COLUMNS + 1 :], strict=True))
        return ";".join(itertools.chain(*pairs)).encode()

    def plan(self, state: BlockState, move: str) -> str:
        """Which block goes where, and whether that is its place."""
        source, target = self.ends(state, move)
        block, below = self.column(state, source)[-1], self.column(state, target)
        where = f"onto the {below[-1]} block in column {target + 1}" if below else f"into column {target + 1}"
        goal = self.column(state, COLUMNS + 1 + target)
        fits = goal[: len(below) + 1] == (*below, block)
        why = "where the goal has it" if fits else "out of the way"
        return f"The {block} block is on top of column {source + 1}. Carry it {where}, {why}."

    def words(self, state: BlockState) -> dict[str, str]:
        """The number of blocks."""
        return {"n": str(sum(len(self.column(state, c)) for c in range(COLUMNS)))}

    def open(self, state: BlockState) -> frozenset[int]:
        """The row above the columns, and the gap before the goal."""
        return super().open(state) | frozenset(range(COLUMNS, len(state.cells), COLS))

    def at(self, state: BlockState, cell: int) -> str:
        """Column and height, of the blocks or of the goal."""
        column, height = cell % COLS, len(state.cells) // COLS - cell // COLS
        if column > COLUMNS:
            return f"the goal's column {column - COLUMNS}, place {height} from below"
        return f"column {column + 1}, place {height} from below"

    def symbols(self, state: BlockState) -> tuple[str, ...]:
        """All blocks, also those that this puzzle lacks."""
        return tuple(BRIGHT)

    def styles(self) -> tuple[str, ...]:
        """Those on which the blocks' colours stand out."""
        return BRIGHT_STYLES

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A coloured block."""
        return Sign(mark=shape("rounded", BRIGHT[symbol], 0.9))

    def labels(self, state: BlockState) -> tuple[tuple[float, float, str, float], ...]:
        """What is the goal."""
        return ((COLUMNS + 1 + (COLUMNS - 1) / 2, 0.0, "GOAL", 0.46),)


def _cells(start: Columns, goal: Columns, height: int) -> Cells:
    """Columns and goal, row by row from above."""
    columns = [*start, (), *goal]
    rows = range(height, -1, -1)
    return tuple(column[r] if r < len(column) else "" for r in rows for column in columns)


def _ways(
    start: Columns, height: int, goal: Columns | None, most: int | None
) -> dict[Columns, tuple[int, Columns, str]]:
    """For arrangements that can be reached: in how many moves, from which one, and by which move.

    Up to `most` moves, or until the goal is found.
    """
    found, border = {start: (0, start, "")}, [start]
    for far in itertools.count(1):
        after = []
        for columns in border:
            for a, b in itertools.permutations(range(COLUMNS), 2):
                if not columns[a] or len(columns[b]) >= height:
                    continue
                piles = list(columns)
                piles[a], piles[b] = columns[a][:-1], (*columns[b], columns[a][-1])
                other = tuple(piles)
                if other not in found:
                    found[other] = far, columns, f"{a + 1}>{b + 1}"
                    after.append(other)
        if not after or goal in found or far == most:
            return found
        border = after
    raise AssertionError("there is an end to arrangements of blocks")


PUZZLE = BlockStacking()
