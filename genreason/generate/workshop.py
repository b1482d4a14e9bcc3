"""What the controls are made from: one puzzle with its rules, layers, solution and random stream."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genreason import seeds
from genreason.generate import oracle
from genreason.puzzles import base
from genreason.render.board import Board
from genreason.render.motion import Motion, Script, animate
from genreason.types import Clip, Frame, Instance

Stops = list[npt.NDArray[np.float32]]
Cell = tuple[float, float]
"""x (column) and y (row) in cells."""


@dataclass(frozen=True)
class Shop:
    """One instance, ready to be solved, cheated on or filmed differently.

    `name` and `seed` choose the random stream.
    """

    instance: Instance
    name: str
    seed: int = 0

    @functools.cached_property
    def rng(self) -> np.random.Generator:
        """The control's own random stream."""
        return seeds.stream(self.instance.key, "control", self.name, self.seed)

    @functools.cached_property
    def puzzle(self) -> base.Puzzle[Any, Any]:
        """The rules."""
        return base.load(self.instance.scene["puzzle"])

    @functools.cached_property
    def board(self) -> Board:
        """The layers."""
        return self.puzzle.board(self.instance)

    @functools.cached_property
    def start(self) -> Any:
        """The start state."""
        return self.puzzle.start(self.instance)

    @functools.cached_property
    def moves(self) -> tuple[Any, ...]:
        """A solution."""
        return oracle.solution(self.instance)

    @functools.cached_property
    def states(self) -> list[Any]:
        """The states of the solution, K + 1 of them."""
        out = [self.start]
        for move in self.moves:
            out.append(self.puzzle.step(out[-1], move))
        return out

    @property
    def motion(self) -> Motion:
        """The movement of the ground truth."""
        return Motion(**self.instance.scene["motion"])

    @functools.cached_property
    def truth(self) -> Script:
        """The script of the ground truth."""
        return self.puzzle.script(self.instance, self.moves, self.motion)

    def clip(self, script: Script, board: Board | None = None) -> Clip:
        """The script as a clip."""
        return script.clip(board or self.board, self.instance.fps)

    def cell_box(self, cell: Cell, half: float = 0.5) -> tuple[slice, slice]:
        """The pixels within `half` cells of a cell's centre."""
        lattice = self.board.lattice
        left, top = np.maximum(np.rint(lattice.pixels((cell[0] - half, cell[1] - half))).astype(int), 0)
        right, bottom = np.maximum(np.rint(lattice.pixels((cell[0] + half, cell[1] + half))).astype(int), 0)
        return slice(int(top), int(bottom)), slice(int(left), int(right))


class Workshop(Shop):
    """The shop of a puzzle in which pieces move."""

    @functools.cached_property
    def puzzle(self) -> base.PiecePuzzle[Any, Any]:
        """The rules."""
        return base.load_pieces(self.instance.scene["puzzle"])

    @functools.cached_property
    def stops(self) -> Stops:
        """Where the pieces are in these states, and on the way from one to the next."""
        return self.way(self.start, self.moves)

    def way(self, state: Any, moves: Sequence[Any]) -> Stops:
        """Where the pieces pass on these moves from a state."""
        return self.puzzle.stops(state, moves)

    def clip(self, script: Script, board: Board | None = None) -> Clip:
        """The script as a clip, without the pieces that are taken in it."""
        return super().clip(self.dressed(script), board)

    def dressed(self, script: Script) -> Script:
        """The script with the pieces that are taken in it no longer to be seen."""
        return self.puzzle.dressed(self.start, script)

    def animate(self, stops: Stops, **changes: Any) -> Script:
        """A script through these places, with the truth's movement or a changed one."""
        return animate(stops, replace(self.motion, **changes))

    def frame(self, stop: npt.NDArray[np.float32]) -> Frame:
        """The picture with the pieces at these places."""
        return self.board.draw(stop)

    @property
    def lined(self) -> bool:
        """Whether walls are drawn as lines between rooms, two cells wide each."""
        return self.board.unit == 2

    # -- places on the board ---------------------------------------------------------------------------------
    def floor_cells(self) -> list[Cell]:
        """Places like any other on which a piece may be, and none is at the start."""
        return [(float(x), float(y)) for x, y in self.puzzle.stands(self.start)]

    def depth(self, x: float, y: float) -> float:
        """How far (cells) a point lies from everywhere that pieces may be; negative inside."""
        return self.puzzle.depth(self.start, x, y)

    def inside(self, x: float, y: float) -> bool:
        """Whether a piece at a point is whole in the picture, with a cell to spare."""
        lattice = self.board.lattice
        return 1 <= x <= lattice.cols - 2 and 1 <= y <= lattice.rows - 2

    def chords(self, least: int, most: int) -> list[tuple[int, int, float]]:
        """Short cuts off the lane: pairs (i, j) of stops, and how deep their straight line leaves it.

        They are `least` to `most` steps apart, only the last piece moves between them, and the straight line
        leaves the lane by 0.45 cells or more.
        """
        out = []
        places = np.stack(self.stops)
        for i in range(len(places)):
            for j in range(i + least, min(i + most, len(places) - 1) + 1):
                if (places[i : j + 1, :-1] != places[i, :-1]).any():
                    break
                a, b = places[i, -1], places[j, -1]
                if np.abs(b - a).max() < 1:
                    continue
                line = a + np.linspace(0, 1, 8 * (j - i))[:, None] * (b - a)
                depth = max(self.depth(float(x), float(y)) for x, y in line)
                if depth >= 0.45:
                    out.append((i, j, depth))
        return out

    def straightened(self, i: int, j: int) -> Stops:
        """The solution with the last piece on a straight line from stop i to stop j."""
        stops = [stop.copy() for stop in self.stops]
        for k in range(i + 1, j):
            share = (k - i) / (j - i)
            stops[k][-1] = (1 - share) * self.stops[i][-1] + share * self.stops[j][-1]
        return stops

    # -- parts of the picture --------------------------------------------------------------------------------
    def pasted(self, plate: Frame, source: Cell, target: Cell, half: float = 0.5) -> Frame:
        """A copy of the plate with the look of one cell put over another."""
        out = plate.copy()
        a, b = self.board.plate[self.cell_box(source, half)], out[self.cell_box(target, half)]
        rows = np.arange(b.shape[0]) * a.shape[0] // max(b.shape[0], 1)
        cols = np.arange(b.shape[1]) * a.shape[1] // max(b.shape[1], 1)
        b[:] = a[rows][:, cols]
        return out

    def wall_cells(self) -> list[Cell]:
        """Places that would open a way if they looked like floor."""
        return [(float(x), float(y)) for x, y in self.puzzle.openings(self.start)]

    def goal_cells(self) -> list[Cell]:
        """Where the goals are."""
        return [(float(x), float(y)) for x, y in self.puzzle.goals(self.start)]
