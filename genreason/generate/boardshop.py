"""What the controls of boards of cells are made from: one puzzle with its rules, layers and solution."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from genreason.generate.workshop import Shop
from genreason.puzzles import base
from genreason.puzzles.boards import BoardPuzzle, Cells, Stage
from genreason.render.motion import Script, timeline
from genreason.types import Frame, GenreasonError


class BoardShop(Shop):
    """The shop of a puzzle whose cells change."""

    @functools.cached_property
    def puzzle(self) -> BoardPuzzle[Any, Any]:
        """The rules."""
        found = base.load(self.instance.scene["puzzle"])
        if not isinstance(found, BoardPuzzle):
            raise GenreasonError(f"{found.name} is no board of cells")
        return found

    @functools.cached_property
    def stages(self) -> list[Stage]:
        """The steps of the solution."""
        return self.puzzle.stages(self.start, self.moves)

    @functools.cached_property
    def cells(self) -> list[Cells]:
        """What stands in the cells before the solution and after each of its steps, K + 1 of them."""
        return [self.puzzle.cells(state) for state in self.states]

    @property
    def symbols(self) -> tuple[str, ...]:
        """What may stand in cells."""
        return self.puzzle.symbols(self.start)

    def film(self, stages: Sequence[Stage], cells: Cells | None = None, **changes: Any) -> Script:
        """A script through these stages, with the truth's movement or a changed one."""
        return self.puzzle.film(self.instance, stages, replace(self.motion, **changes), cells)

    def frame(self, cells: Cells) -> Frame:
        """The picture with these contents."""
        return self.puzzle.pictured(self.instance, cells)

    def truth_frame(self, k: int) -> int:
        """The last frame of the truth in which only k steps are done."""
        return int(np.searchsorted(timeline(len(self.moves), self.motion), k, side="right")) - 1

    def changed(self, k: int) -> list[int]:
        """The cells that the step from state k to the next changes."""
        return [c for c, (a, b) in enumerate(zip(self.cells[k], self.cells[k + 1], strict=True)) if a != b]

    def kept(self) -> list[int]:
        """Cells that hold the same from the first to the last state."""
        return [c for c in range(len(self.cells[0])) if len({cells[c] for cells in self.cells}) == 1]

    def overlaid(self, stages: Sequence[Stage], cell: int, symbol: str, first: int) -> list[Stage]:
        """The stages with another content of a cell from stage `first` on."""
        return [
            replace(stage, cells=put(stage.cells, cell, symbol)) if k >= first else stage
            for k, stage in enumerate(stages)
        ]

    def legal_now(self, state: Any, cell: int, symbol: str) -> bool:
        """Whether a legal move may put this into the cell (perhaps with other changes)."""
        return any(
            self.puzzle.changes(state, move).get(cell) == symbol
            for move in self.puzzle.likely(state, {cell: symbol})
        )


def put(cells: Cells, cell: int, symbol: str) -> Cells:
    """The cells with another content of one."""
    return (*cells[:cell], symbol, *cells[cell + 1 :])
