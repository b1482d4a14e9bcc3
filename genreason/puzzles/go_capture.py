"""Go: capture as many stones as a few stones of one's own can.

Stones stand on the crossings of lines. The first player puts its stones one after the other, and the second
one does not answer. A stone goes to any free crossing where its group has a free point or captures; a group
of the second player whose last free point is taken is captured, and its stones vanish before anything else
happens. The measure of `solve` is stones that are put and times that stones vanish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import gogroups, grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, rows_cells, rows_json
from genreason.puzzles.gogroups import FIRST, SECOND, dead, group, put
from genreason.render.cells import CellStyle, Sign, Stroke, Tints, ruling
from genreason.render.marks import Colour, shape
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

TAKE = "take"
PLAYERS = {FIRST: "the first player", SECOND: "the second player"}
BOARDS: dict[str, Colour] = {
    "print": (178, 178, 184), "notebook": (176, 190, 150), "chalk": (104, 146, 136),
    "night": (122, 126, 184), "wood": (206, 160, 100), "blueprint": (104, 142, 206),
}  # fmt: skip
"""Ground of the board in each style: black and white stones stand out on it."""
BLACK, WHITE = (22, 20, 22), (252, 250, 244)
LINE = 0.05  # width of a line in cells
_TRIES = 4000


class GoCaptureParams(Params):
    """What a level is.

    Attributes:
        size: lines a side.
        turns: stones that the first player puts.
        within: least and most groups of the second player that this many stones could capture, each for
            itself.
    """

    size: int = Field(7, ge=4, le=9)
    turns: int = Field(1, ge=1, le=3)
    within: tuple[int, int] = (2, 4)


@dataclass(frozen=True, slots=True)
class GoState:
    """A position.

    Attributes:
        cells: stones, row by row.
        size: lines a side.
        rest: stones of the second player that are left when the goal holds.
        turns: stones that the first player may still put; no picture shows it.
    """

    cells: Cells
    size: int
    rest: int
    turns: int = field(compare=False)


class GoCapture(BoardPuzzle[GoState, str]):
    """The family; moves are "row,column", and "take row,column row,column ..." of what is captured."""

    name: ClassVar[str] = "go_capture"
    params: ClassVar[type[Params]] = GoCaptureParams
    once: ClassVar[bool] = True
    ruled: ClassVar[bool] = False

    # -- rules -----------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: GoCaptureParams, accept: Accept | None = None
    ) -> GoState:
        """Stones by lot, so that one choice of crossings captures more than any other.

        Raises:
            GenreasonError: none of 4000 positions fits.
        """
        (least, most), n = params.within, params.size
        if not 1 <= least <= most <= 12:
            raise UserError(f"go_capture: within {least} to {most}: give 1 to 12, the smaller first")
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            cells = gogroups.scattered(rng, n)
            if cells is None or not least <= gogroups.within(cells, n, params.turns) <= most:
                continue
            best = gogroups.most_captured(cells, n, params.turns)
            if best is not None:
                misfits = 0
                state = GoState(cells, n, cells.count(SECOND) - best, params.turns)
                if accept is None or accept(state):
                    return state
        raise GenreasonError(
            f"no go_capture on {n} lines has {least} to {most} groups within {params.turns} stones: "
            "change within or turns"
        )

    def moves(self, state: GoState) -> Iterable[str]:
        """Stones that may be put; or, where some are captured, taking them away."""
        gone = dead(state.cells, state.size)
        if gone:
            return (self._taking(state, gone),)
        free = [cell for cell, held in enumerate(state.cells) if not held]
        return tuple(self._putting(state, cell) for cell in free if not self.refusal(state, cell, FIRST))

    def step(self, state: GoState, move: str) -> GoState:
        """Put a stone, or take captured ones away.

        Raises:
            IllegalMove: the rules forbid it.
        """
        kind, cells = self._parsed(state, move)
        reason = next((r for cell in cells if (r := self.refusal(state, cell, kind))), "")
        if not kind and not reason and set(cells) != dead(state.cells, state.size):
            reason = "all that is captured vanishes together"
        if reason:
            raise IllegalMove(reason)
        held = list(state.cells)
        for cell in cells:
            held[cell] = kind
        return replace(state, cells=tuple(held), turns=state.turns - bool(kind))

    def refusal(self, state: GoState, cell: int, symbol: str) -> str:
        """Why a cell may not come to hold this now ("" for nothing); "" where it may."""
        gone = dead(state.cells, state.size)
        if not symbol:
            return "" if cell in gone else "it is not captured"
        if symbol != FIRST:
            return f"only {PLAYERS[FIRST]} puts stones"
        if gone:
            return "what is captured must be taken away first"
        if state.turns <= 0:
            return "no more stones may be put"
        if state.cells[cell]:
            return f"{self.at(state, cell)} is not free"
        after = put(state.cells, cell)
        if not dead(after, state.size) and not group(after, state.size, cell)[1]:
            return "it would have no free point there and captures nothing"
        return ""

    def _putting(self, state: GoState, cell: int) -> str:
        return f"{cell // state.size + 1},{cell % state.size + 1}"

    def _taking(self, state: GoState, cells: Iterable[int]) -> str:
        return " ".join([TAKE, *(self._putting(state, cell) for cell in sorted(cells))])

    def _parsed(self, state: GoState, move: str) -> tuple[str, list[int]]:
        """What comes into cells, and the cells."""
        words = move.split(" ")
        taken = words[0] == TAKE
        try:
            places = [tuple(int(part) - 1 for part in word.split(",")) for word in words[taken:]]
            cells = [row * state.size + col for row, col in places]
        except ValueError:
            raise IllegalMove(f"{move!r} is no move: write row,column, or take row,column ...") from None
        if not cells or len(cells) > 1 > taken or len(set(cells)) < len(cells):
            raise IllegalMove(f"{move!r} is no move: put one stone, or take each captured one once")
        if not all(0 <= part < state.size for place in places for part in place):
            raise IllegalMove(f"{move!r} lies off the board")
        return "" if taken else FIRST, cells

    def changes(self, state: GoState, move: str) -> dict[int, str]:
        """The stone that comes, or the stones that go."""
        kind, cells = self._parsed(state, move)
        return dict.fromkeys(cells, kind)

    def likely(self, state: GoState, seen: Mapping[int, str]) -> Iterable[str]:
        """Stones that are seen to be put, or taking away what is captured, where some is seen to be gone."""
        gone = dead(state.cells, state.size)
        if gone:
            return [self._taking(state, gone)] if any(seen.get(cell) == "" for cell in gone) else []
        return [
            self._putting(state, cell)
            for cell, held in seen.items()
            if held == FIRST and not self.refusal(state, cell, held)
        ]

    def done(self, state: GoState) -> bool:
        """Whether as many stones are captured as can be, and taken away."""
        return state.cells.count(SECOND) <= state.rest and not dead(state.cells, state.size)

    def solve(self, state: GoState) -> Solution[str] | None:
        """The stones that capture, each followed by what vanishes; None where too few can be captured."""
        gone = dead(state.cells, state.size)
        if gone:
            move = self._taking(state, gone)
            rest = self.solve(self.step(state, move))
            return None if rest is None else Solution((move, *rest.moves))
        if self.done(state):
            return Solution(())
        wanted = state.cells.count(SECOND) - state.rest
        way = next(iter(gogroups.ways(state.cells, state.size, state.turns, wanted)), None)
        if way is None:
            return None
        move = self._putting(state, way.points[0])
        rest = self.solve(self.step(state, move))
        return None if rest is None else Solution((move, *rest.moves))

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: GoState) -> tuple[Json, Json]:
        """`{"cells": rows}` and `{"rest": stones left, "turns": stones to put}`."""
        return {"cells": rows_json(state.cells, state.size)}, {"rest": state.rest, "turns": state.turns}

    def decode(self, state: Json, goal: Json) -> GoState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", (FIRST, SECOND), "go_capture")
        rest, turns = (grid.item(goal, key, "go_capture") for key in ("rest", "turns"))
        if len(cells) != cols * cols:
            raise UserError("go_capture: give as many rows as columns")
        if rest not in range(len(cells)) or turns not in range(4):
            raise UserError("go_capture: give how many stones are left (rest), and 0 to 3 turns")
        return GoState(cells, cols, rest, turns)

    def canonical(self, state: GoState) -> bytes:
        """Up to rotation and reflection."""
        codes = np.array([" XO".index(stone or " ") for stone in state.cells], np.uint8)
        return grid.canonical(codes.reshape(state.size, state.size)) + bytes([state.turns])

    def plan(self, state: GoState, move: str) -> str:
        """Whose free points a stone takes, or what vanishes."""
        kind, cells = self._parsed(state, move)
        if not kind:
            one = len(cells) == 1
            said = "stone without a free point is" if one else "stones without a free point are"
            return f"{len(cells)} {said} taken away."
        said = f"Put a stone in {self.at(state, cells[0])}"
        gone = dead(put(state.cells, cells[0]), state.size)
        if gone:
            one = len(gone) == 1
            return f"{said}: the last free point of {len(gone)} stone{'s' * (not one)} of {PLAYERS[SECOND]}."
        return f"{said}, one of the free points of what is to be captured."

    def words(self, state: GoState) -> dict[str, str]:
        """How many stones are put, and in how many steps."""
        one = state.turns == 1
        return {
            "n": "one" if one else ("two", "three")[state.turns - 2],
            "stones": "stone" if one else "stones, one after the other,",
            "times": "the stone is" if one else "each stone is",
        }

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: GoState) -> tuple[int, int]:
        """As many rows as columns."""
        return state.size, state.size

    def cells(self, state: GoState) -> Cells:
        """The stones."""
        return state.cells

    def symbols(self, state: GoState) -> tuple[str, ...]:
        """Stones of both players."""
        return (FIRST, SECOND)

    def called(self, symbol: str) -> str:
        """Whose stone it is."""
        return f"stone of {PLAYERS[symbol]}"

    def explain(self, state: GoState, cell: int, symbol: str) -> str:
        """Why no legal move makes a crossing hold this."""
        held = state.cells[cell]
        if held and symbol or not symbol and held == FIRST:
            return super().explain(state, cell, symbol)
        what = f"{self.called(held)} in {self.at(state, cell)} vanishes" if held else ""
        what = what or f"{self.called(symbol)} comes into {self.at(state, cell)}"
        return f"a {what}: {self.refusal(state, cell, symbol)}"

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Black stones for the first player, white ones for the second."""
        return Sign(mark=shape("disc", BLACK if symbol == FIRST else WHITE, 0.76))

    def arranged(self, state: GoState, cells: Cells) -> GoState:
        """The position with these stones."""
        return replace(state, cells=cells)

    def style_words(self, style: str) -> dict[str, str]:
        """Black and white."""
        return {**super().style_words(style), "first": "black", "second": "white"}

    def tints(self, state: GoState, style: CellStyle) -> Tints:
        """One colour of the whole board."""
        return dict.fromkeys(range(state.size**2), BOARDS[style.name])

    def strokes(self, state: GoState, style: CellStyle) -> tuple[Stroke, ...]:
        """Lines through the middles of cells."""
        end, colour = state.size - 1 + LINE / 2, ruling(BOARDS[style.name])
        across = [Stroke((-LINE / 2, float(k)), (end, float(k)), LINE, colour) for k in range(state.size)]
        down = [Stroke((float(k), -LINE / 2), (float(k), end), LINE, colour) for k in range(state.size)]
        return (*across, *down)


PUZZLE = GoCapture()
