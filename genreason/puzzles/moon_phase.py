"""Phases of the moon: rows of pictures, in each row so many phases apart; the missing ones follow.

As seen from the north, the moon grows from the right: new, crescent, half, nearly full, full, and back again
with the left side lit. A legal move puts the next phase into the first empty cell
of a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, rows_cells, rows_json
from genreason.puzzles.placing import PlacingPuzzle
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import shape
from genreason.types import Json, Solution, UserError

PHASES = (
    "new moon", "waxing crescent", "first quarter", "waxing gibbous", "full moon", "waning gibbous",
    "last quarter", "waning crescent",
)  # fmt: skip


class MoonPhaseParams(Params):
    """What a level is.

    Attributes:
        rows: how many rows.
        length: cells in a row.
        missing: of them, at the end, least and most that are empty.
        steps: by how many phases each cell may be later than the one before.
    """

    rows: int = Field(3, ge=2, le=4)
    length: int = Field(6, ge=4, le=8)
    missing: tuple[int, int] = (1, 3)
    steps: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class MoonPhaseState:
    """The phases by name, row by row, "" where they are missing."""

    cells: Cells
    cols: int


class MoonPhase(PlacingPuzzle[MoonPhaseState]):
    """The family."""

    name: ClassVar[str] = "moon_phase"
    params: ClassVar[type[Params]] = MoonPhaseParams

    def sample(
        self, rng: np.random.Generator, params: MoonPhaseParams, accept: Accept | None = None
    ) -> MoonPhaseState:
        """Rows that begin with any phase.

        Raises:
            UserError: fewer than three phases would be shown, or a step is not 1 to 3.
        """
        least, most = params.missing
        if not 1 <= least <= most <= params.length - 3:
            raise UserError(f"moon_phase: {least} to {most} missing of {params.length}: show three or more")
        if not params.steps or not all(1 <= step <= 3 for step in params.steps):
            raise UserError("moon_phase: steps: give one or more from 1 to 3")
        while True:
            cells: list[str] = []
            for _ in range(params.rows):
                step = params.steps[int(rng.integers(len(params.steps)))]
                first, missing = int(rng.integers(len(PHASES))), int(rng.integers(least, most + 1))
                row = [PHASES[(first + k * step) % len(PHASES)] for k in range(params.length)]
                cells += [*row[: params.length - missing], *("",) * missing]
            state = MoonPhaseState(tuple(cells), params.length)
            if accept is None or accept(state):
                return state

    def solve(self, state: MoonPhaseState) -> Solution[str] | None:
        """The missing phases from left to right, or None where the row follows no rule."""
        moves = []
        while not self.done(state):
            found = list(self.moves(state))
            if not found:
                return None
            moves.append(found[0])
            state = self.step(state, found[0])
        return Solution(tuple(moves))

    def row(self, state: MoonPhaseState, row: int) -> Cells:
        """One row."""
        return state.cells[row * state.cols : (row + 1) * state.cols]

    def due(self, state: MoonPhaseState, row: int) -> tuple[int, str]:
        """The first empty cell of a row, and the phase that belongs there."""
        known = [PHASES.index(phase) for phase in self.row(state, row) if phase]
        step = known[1] - known[0]
        return row * state.cols + len(known), PHASES[(known[-1] + step) % len(PHASES)]

    def refusal(self, state: MoonPhaseState, cell: int, symbol: str) -> str:
        """Only the next phase, and only after the last one."""
        first, phase = self.due(state, cell // state.cols)
        if cell != first:
            return "an earlier cell of the row is still empty"
        return "" if symbol == phase else f"after what stands there the {phase} follows, not the {symbol}"

    def placed(self, state: MoonPhaseState, cell: int, symbol: str) -> MoonPhaseState:
        """The state with the phase in the cell."""
        return replace(state, cells=(*state.cells[:cell], symbol, *state.cells[cell + 1 :]))

    def done(self, state: MoonPhaseState) -> bool:
        """Whether all rows are full, and in each of them the phases equally far apart."""
        if "" in state.cells:
            return False
        for k in range(len(state.cells) // state.cols):
            row = [PHASES.index(phase) for phase in self.row(state, k)]
            if len({(b - a) % len(PHASES) for a, b in zip(row, row[1:], strict=False)}) > 1:
                return False
        return True

    def encode(self, state: MoonPhaseState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{}`."""
        return {"cells": rows_json(state.cells, state.cols)}, {}

    def decode(self, state: Json, goal: Json) -> MoonPhaseState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", PHASES, "moon_phase")
        for k in range(0, len(cells), cols):
            shown = [bool(phase) for phase in cells[k : k + cols]]
            if sum(shown) < 2 or not all(shown[: sum(shown)]):
                raise UserError("moon_phase: give rows with two phases or more first, then the empty cells")
        return MoonPhaseState(cells, cols)

    def canonical(self, state: MoonPhaseState) -> bytes:
        """The rows in any order."""
        rows = [",".join(self.row(state, k)) for k in range(len(state.cells) // state.cols)]
        return ";".join(sorted(rows)).encode()

    def plan(self, state: MoonPhaseState, move: str) -> str:
        """What has been seen, and what follows."""
        cell, phase = self.parsed(state, move)
        seen = [name for name in self.row(state, cell // state.cols) if name]
        step = (PHASES.index(seen[1]) - PHASES.index(seen[0])) % len(PHASES)
        by = "the next phase" if step == 1 else f"{step} phases on"
        where = f"Row {cell // state.cols + 1} ends with the {seen[-1]}; each moon in it is {by}."
        return f"{where} The {phase} comes into {self.at(state, cell)}."

    def words(self, state: MoonPhaseState) -> dict[str, str]:
        """How many are missing."""
        return {"missing": str(state.cells.count(""))}

    def shape(self, state: MoonPhaseState) -> tuple[int, int]:
        """Rows and columns."""
        return len(state.cells) // state.cols, state.cols

    def blocks(self, state: MoonPhaseState) -> tuple[int, int]:
        """Bold lines between the rows."""
        return 1, 0

    def cells(self, state: MoonPhaseState) -> Cells:
        """The phases."""
        return state.cells

    def symbols(self, state: MoonPhaseState) -> tuple[str, ...]:
        """All phases."""
        return PHASES

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """The lit part; a thin ring where nothing is lit."""
        return Sign(mark=shape(symbol.replace(" ", "_"), style.first, 0.8))

    def arranged(self, state: MoonPhaseState, cells: Cells) -> MoonPhaseState:
        """The state with these phases."""
        return replace(state, cells=cells)


PUZZLE = MoonPhase()
