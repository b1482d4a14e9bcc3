"""Minesweeper: put a flag on every mine.

The numbers of opened cells tell how many of the cells around them hold mines; where the mines are follows
from them alone, which a SAT solver proves. A legal move puts a flag on a mine. The measure of `solve` is
flags.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason import seeds
from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.minelogic import CLOSED, Clues, Found, deduced, mines_of, opened
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign, Tints
from genreason.render.marks import Colour, flag
from genreason.render.styles import colour_name
from genreason.types import GenreasonError, Instance, Json, Solution, UserError

FLAG, COVER = "flag", "#"
NUMBERS = tuple("12345678")
COVERS: dict[str, Colour] = {
    "print": (176, 182, 192), "notebook": (198, 192, 170), "chalk": (84, 132, 112),
    "night": (74, 80, 136), "wood": (158, 104, 62), "blueprint": (78, 116, 196),
}  # fmt: skip
"""Ground of covered cells in each style."""
FLAGS: dict[str, Colour] = {
    "print": (222, 30, 38), "notebook": (125, 50, 180), "chalk": (250, 210, 40),
    "night": (245, 130, 25), "wood": (250, 250, 250), "blueprint": (250, 210, 40),
}  # fmt: skip
"""Colour of flags in each style."""
_TRIES = 400


class MinesweeperParams(Params):
    """What a level is.

    Attributes:
        size: cells a side.
        mines: least and most mines.
        safe: least and most covered cells without a mine.
        compare: whether two numbers must be compared somewhere; else one number at a time is enough.
    """

    size: int = Field(6, ge=4, le=9)
    mines: tuple[int, int] = (6, 8)
    safe: tuple[int, int] = (5, 8)
    compare: bool = False


@dataclass(frozen=True, slots=True)
class MinesweeperState:
    """A board.

    Attributes:
        cells: numbers and flags, row by row; "" for opened cells without a mine around, and covered ones.
        clues: what is known of each cell: mines around it, or CLOSED where it is covered.
        size: cells a side.
    """

    cells: Cells
    clues: Clues
    size: int


class Minesweeper(PlacingPuzzle[MinesweeperState]):
    """The family."""

    name: ClassVar[str] = "minesweeper"
    params: ClassVar[type[Params]] = MinesweeperParams

    def sample(
        self, rng: np.random.Generator, params: MinesweeperParams, accept: Accept | None = None
    ) -> MinesweeperState:
        """Mines by lot; cells are covered while the numbers of the others still tell where the mines are.

        Raises:
            GenreasonError: none of 400 boards fits.
        """
        n, (least, most), (fewest, dearest) = params.size, params.mines, params.safe
        if not 1 <= least <= most <= n * n // 3:
            raise UserError(
                f"minesweeper: mines {least} to {most}: give 1 to {n * n // 3}, the smaller first"
            )
        if not 0 <= fewest <= dearest <= n * n // 3:
            raise UserError(
                f"minesweeper: safe {fewest} to {dearest}: give 0 to {n * n // 3}, the smaller first"
            )
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            mines = frozenset(rng.permutation(n * n)[: int(rng.integers(least, most + 1))].tolist())
            wanted = int(rng.integers(fewest, dearest + 1))
            clues = opened(mines, n, wanted, rng.permutation(n * n).tolist())
            if clues is None:
                continue
            simple = deduced(clues, n, compare=False)
            whole = len(simple) == clues.count(CLOSED)
            if whole != params.compare:
                misfits, state = 0, MinesweeperState(_shown(clues), clues, n)
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"no minesweeper of {n} x {n} with {least} to {most} mines and {fewest} to {dearest} safe cells "
            "came up: lower safe or change mines"
        )

    def solve(self, state: MinesweeperState) -> Solution[str] | None:
        """In the order in which the mines can be found; None where the numbers leave more than one way."""
        mines = mines_of(state.clues, state.size)
        if mines is None or any(held == FLAG and k not in mines for k, held in enumerate(state.cells)):
            return None
        order = [step.cell for step in deduced(state.clues, state.size, compare=True)]
        order = [k for k in (*order, *sorted(mines - set(order))) if k in mines and state.cells[k] != FLAG]
        return Solution(tuple(self.move(state, k, FLAG) for k in order))

    def refusal(self, state: MinesweeperState, cell: int, symbol: str) -> str:
        """Only mines get flags."""
        if symbol != FLAG:
            return "only flags are put"
        if state.clues[cell] != CLOSED:
            return "the cell is open"
        mines = mines_of(state.clues, state.size)
        return (
            "" if mines is not None and cell in mines else "the numbers around it say that no mine is there"
        )

    def placed(self, state: MinesweeperState, cell: int, symbol: str) -> MinesweeperState:
        """The state with the flag in the cell."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def done(self, state: MinesweeperState) -> bool:
        """Whether flags stand on all mines and nowhere else, and the numbers are as they were."""
        mines = mines_of(state.clues, state.size)
        if mines is None:
            return False
        return all(
            held == (FLAG if k in mines else given)
            for k, (held, given) in enumerate(zip(state.cells, _shown(state.clues), strict=True))
        )

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: MinesweeperState) -> tuple[Json, Json]:
        """`{"cells": rows}` with "#" for covered cells, and `{}`."""
        cells = tuple(
            held or (COVER if clue == CLOSED else "")
            for held, clue in zip(state.cells, state.clues, strict=True)
        )
        return {"cells": rows_json(cells, state.size)}, {}

    def decode(self, state: Json, goal: Json) -> MinesweeperState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (*NUMBERS, COVER, FLAG), "minesweeper")
        if len(cells) != cols * cols:
            raise UserError("minesweeper: give as many rows as columns")
        clues = tuple(CLOSED if cell in (COVER, FLAG) else int(cell or 0) for cell in cells)
        return MinesweeperState(tuple("" if cell == COVER else cell for cell in cells), clues, cols)

    def canonical(self, state: MinesweeperState) -> bytes:
        """Up to rotation and reflection."""
        codes = [
            10 if held == FLAG else clue + 1 for held, clue in zip(state.cells, state.clues, strict=True)
        ]
        return grid.canonical(np.array(codes, np.uint8).reshape(state.size, state.size))

    def plan(self, state: MinesweeperState, move: str) -> str:
        """Which number tells that a mine is there."""
        cell, _ = self.parsed(state, move)
        steps = deduced(state.clues, state.size, compare=True)
        why = next((step for step in steps if step.cell == cell), Found(cell, True, ()))
        told = [f"the {state.clues[k]} in {self.at(state, k)}" for k in why.by]
        if len(told) == 1:
            said = f"As many cells are left around {told[0]} as it still needs mines."
        elif told:
            said = f"Compare {told[0]} with {told[1]}: the cells beside one of them alone must be mines."
        else:
            said = "Without a mine there the numbers could not all be right."
        return f"{said} Put a flag in {self.at(state, cell)}."

    def words(self, state: MinesweeperState) -> dict[str, str]:
        """How many mines there are."""
        mines = mines_of(state.clues, state.size) or ()
        return {"n": str(len(mines)), "covered": str(state.clues.count(CLOSED))}

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: MinesweeperState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.size, state.size

    def cells(self, state: MinesweeperState) -> Cells:
        """Numbers and flags."""
        return state.cells

    def symbols(self, state: MinesweeperState) -> tuple[str, ...]:
        """The flag, and all numbers."""
        return (FLAG, *NUMBERS)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A flag of one colour, which looks the same on any ground, or a number."""
        if symbol == FLAG:
            return Sign(mark=flag(FLAGS[style.name], FLAGS[style.name]))
        return Sign(text=symbol, ink=style.given, font=style.font)

    def style_words(self, style: str) -> dict[str, str]:
        """The colours of flags and covers, too."""
        words = {"flag": colour_name(FLAGS[style]), "cover": colour_name(COVERS[style])}
        return {**super().style_words(style), **words}

    def arranged(self, state: MinesweeperState, cells: Cells) -> MinesweeperState:
        """The state with these numbers and flags."""
        return replace(state, cells=cells)

    def tints(self, state: MinesweeperState, style: CellStyle) -> Tints:
        """Covered cells."""
        return {k: COVERS[style.name] for k, clue in enumerate(state.clues) if clue == CLOSED}

    def trap(self, instance: Instance) -> str:
        """A question about a number whose true answer is no."""
        state, rng = self.start(instance), seeds.stream(instance.key, "trap")
        told = [k for k, clue in enumerate(state.clues) if clue > 0]
        if not told:
            return "In the first frame, is there a number in any cell?"
        cell = told[int(rng.integers(len(told)))]
        wrong = [number for number in NUMBERS[:4] if number != state.cells[cell]]
        return f"In the first frame, is the number in {self.at(state, cell)} a {wrong[int(rng.integers(3))]}?"


def _shown(clues: Clues) -> Cells:
    """What stands in the cells at the start."""
    return tuple(str(clue) if clue > 0 else "" for clue in clues)


PUZZLE = Minesweeper()
