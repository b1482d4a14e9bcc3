"""Xiangqi (Chinese chess): mate in one move.

Positions are drawn at random; the first player, whose side is below, mates. Pieces are letters on discs. Any
move that mates is right. The measure of `solve` is moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from genreason.puzzles import grid, xiangqi
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, Place, rows_cells, rows_json
from genreason.puzzles.xiangqi import COLS, FIRST, ROWS, SECOND
from genreason.render.cells import CellStyle, Sign, Stroke, ruling
from genreason.render.marks import Colour, shape
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

NAMES = dict(
    zip(FIRST, ("general", "advisor", "elephant", "horse", "chariot", "cannon", "soldier"), strict=True)
)
LINE = 0.045  # width of a line in cells
PALE = 140.0  # mean of a colour (0-255) from which letters on it are dark
_DARK, _LIGHT = (20, 20, 24), (250, 250, 250)
_TRIES = 20000


class XiangqiMateParams(Params):
    """What a level is.

    Attributes:
        men: least and most pieces on the board, generals included.
        single: whether only one move may mate.
    """

    men: tuple[int, int] = (6, 9)
    single: bool = False


@dataclass(frozen=True, slots=True)
class XiangqiState:
    """A position.

    Attributes:
        cells: pieces, row by row from the second player's side.
        left: moves that are left; no picture shows it.
    """

    cells: Cells
    left: int = field(compare=False)


class XiangqiMate(BoardPuzzle[XiangqiState, str]):
    """The family; moves are "row,column-row,column", counted from 1."""

    name: ClassVar[str] = "xiangqi_mate"
    params: ClassVar[type[Params]] = XiangqiMateParams
    carried: ClassVar[bool] = True
    ruled: ClassVar[bool] = False

    # -- rules -----------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: XiangqiMateParams, accept: Accept | None = None
    ) -> XiangqiState:
        """A random position with such a mate.

        Raises:
            GenreasonError: none of 20,000 had one.
        """
        least, most = params.men
        if not 4 <= least <= most <= 24:
            raise UserError(f"xiangqi_mate: men {least} to {most}: give 4 to 24, the smaller first")
        for _ in range(_TRIES):
            cells = _scattered(rng, int(rng.integers(least, most + 1)))
            if cells is None or xiangqi.checked(cells, SECOND):
                continue
            count = len(xiangqi.mates(cells))
            if count == 1 or count and not params.single:
                state = XiangqiState(cells, 1)
                if accept is None or accept(state):
                    return state
        raise GenreasonError(f"no xiangqi_mate with {least} to {most} men in {_TRIES} tries: change men")

    def moves(self, state: XiangqiState) -> Iterable[str]:
        """What the first player may do, while a move is left."""
        if state.left <= 0:
            return ()
        return tuple(self._named(move) for move in xiangqi.legal(state.cells, FIRST))

    def step(self, state: XiangqiState, move: str) -> XiangqiState:
        """Make a move.

        Raises:
            IllegalMove: it is against the rules.
        """
        reason = self._refusal(state, self._ends(move))
        if reason:
            raise IllegalMove(reason)
        return replace(state, cells=tuple(xiangqi.after(state.cells, self._ends(move))), left=state.left - 1)

    def _named(self, move: xiangqi.Move) -> str:
        return "-".join(f"{cell // COLS + 1},{cell % COLS + 1}" for cell in move)

    def _ends(self, move: str) -> xiangqi.Move:
        """The cells that a move leaves and fills.

        Raises:
            IllegalMove: it is no move.
        """
        try:
            ends = [tuple(int(part) - 1 for part in word.split(",")) for word in move.split("-")]
            (a, b), (c, d) = ends
        except ValueError:
            raise IllegalMove(f"{move!r} is no move: write row,column-row,column") from None
        if not all(0 <= row < ROWS and 0 <= col < COLS for row, col in ((a, b), (c, d))):
            raise IllegalMove(f"{move!r} lies off the board")
        return a * COLS + b, c * COLS + d

    def _refusal(self, state: XiangqiState, move: xiangqi.Move) -> str:
        """Why a move may not be made; "" where it may."""
        source, target = move
        man = state.cells[source]
        if state.left <= 0:
            return "no more moves are left"
        if not man or man not in FIRST:
            return f"the first player has no piece in {self.at(state, source)}"
        if move not in set(xiangqi.reached(state.cells, FIRST)):
            return f"the {NAMES[man]} may not go from {self.at(state, source)} to {self.at(state, target)}"
        if xiangqi.checked(xiangqi.after(state.cells, move), FIRST):
            return f"moving the {NAMES[man]} would leave its own general attacked"
        return ""

    def likely(self, state: XiangqiState, seen: Mapping[int, str]) -> Iterable[str]:
        """Moves from or to the cells, and of pieces that are seen."""
        known = set(seen.values())
        return [
            self._named((source, target))
            for source, target in (xiangqi.legal(state.cells, FIRST) if state.left > 0 else ())
            if source in seen or target in seen or state.cells[source] in known
        ]

    def changes(self, state: XiangqiState, move: str) -> dict[int, str]:
        """The two crossings."""
        source, target = self._ends(move)
        return {source: "", target: state.cells[source]}

    def path(self, state: XiangqiState, move: str, target: int) -> Sequence[Place]:
        """Straight from crossing to crossing."""
        source, end = self._ends(move)
        return (self.place(state, source), self.place(state, end)) if target == end else ()

    def done(self, state: XiangqiState) -> bool:
        """Whether the second player is mated, and the first player's general is safe."""
        both = all(state.cells.count(king) == 1 for king in (FIRST[0], SECOND[0]))
        return both and not xiangqi.checked(state.cells, FIRST) and xiangqi.mated(state.cells, SECOND)

    def solve(self, state: XiangqiState) -> Solution[str] | None:
        """A move that mates."""
        if self.done(state):
            return Solution(())
        found = xiangqi.mates(state.cells) if state.left > 0 else ()
        return Solution((self._named(found[0]),)) if found else None

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: XiangqiState) -> tuple[Json, Json]:
        """`{"cells": rows}` from the second player's side, capitals for the first, and `{"left": moves}`."""
        return {"cells": rows_json(state.cells, COLS)}, {"left": state.left}

    def decode(self, state: Json, goal: Json) -> XiangqiState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", FIRST + SECOND, "xiangqi_mate")
        left = grid.item(goal, "left", "xiangqi_mate")
        if cols != COLS or len(cells) != ROWS * COLS:
            raise UserError("xiangqi_mate: give 10 rows of 9 cells")
        if left not in (0, 1):
            raise UserError("xiangqi_mate: give 0 or 1 moves left")
        return XiangqiState(cells, left)

    def canonical(self, state: XiangqiState) -> bytes:
        """Up to reflection from left to right."""
        known = " " + FIRST + SECOND
        codes = np.array([known.index(man or " ") for man in state.cells], np.uint8).reshape(ROWS, COLS)
        return min(codes.tobytes(), codes[:, ::-1].tobytes()) + bytes([state.left])

    def plan(self, state: XiangqiState, move: str) -> str:
        """What goes where, and what that does."""
        source, target = self._ends(move)
        man, taken = NAMES[state.cells[source]], state.cells[target]
        what = f"The {man} goes from {self.at(state, source)} to {self.at(state, target)}"
        what += f" and takes the {NAMES[taken.upper()]}" if taken else ""
        if self.done(self.step(state, move)):
            return f"{what}: the general is attacked, and nothing helps against it. Mate."
        return f"{what}, which does not mate."

    def words(self, state: XiangqiState) -> dict[str, str]:
        """Which letters mean what."""
        return {"letters": ", ".join(f"{letter} {name}" for letter, name in NAMES.items())}

    def called(self, symbol: str) -> str:
        """Whose piece it is."""
        return f"{NAMES[symbol.upper()]} of the {'first' if symbol in FIRST else 'second'} player"

    def explain(self, state: XiangqiState, cell: int, symbol: str) -> str:
        """Why no legal move makes a crossing hold this."""
        sources = [k for k, man in enumerate(state.cells) if man == symbol and k != cell]
        if not symbol or symbol not in FIRST or not sources:
            return super().explain(state, cell, symbol)
        reasons = [self._refusal(state, (source, cell)) for source in sources]
        said = f"the {self.called(symbol)} comes to {self.at(state, cell)}"
        return f"{said}: {min(reasons, key=lambda words: 'may not' in words)}"

    # -- pictures --------------------------------------------------------------------------------------------
    def shape(self, state: XiangqiState) -> tuple[int, int]:
        """Ten rows of nine."""
        return ROWS, COLS

    def cells(self, state: XiangqiState) -> Cells:
        """The pieces."""
        return state.cells

    def symbols(self, state: XiangqiState) -> tuple[str, ...]:
        """All pieces."""
        return tuple(FIRST + SECOND)

    def arranged(self, state: XiangqiState, cells: Cells) -> XiangqiState:
        """The position with these pieces."""
        return replace(state, cells=cells)

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A letter on a disc in the player's colour."""
        colour: Colour = style.first if symbol in FIRST else style.second
        ink = _DARK if np.mean(colour) > PALE else _LIGHT
        return Sign(mark=shape("disc", colour, 0.9), text=symbol.upper(), ink=ink, scale=0.56)

    def strokes(self, state: XiangqiState, style: CellStyle) -> tuple[Stroke, ...]:
        """Lines through the middles of cells, the river between them, and both palaces."""
        lines = [((0, r), (COLS - 1, r)) for r in range(ROWS)]
        for c in range(COLS):
            if c in (0, COLS - 1):
                lines.append(((c, 0), (c, ROWS - 1)))
            else:
                lines += [((c, 0), (c, 4)), ((c, 5), (c, ROWS - 1))]
        for top in (0, 7):
            lines += [((3, top), (5, top + 2)), ((5, top), (3, top + 2))]
        colour = ruling(style.ground.colour)
        return tuple(
            Stroke((float(a), float(b)), (float(c), float(d)), LINE, colour) for (a, b), (c, d) in lines
        )


def _spots(man: str) -> list[int]:
    """Where a piece may stand at all."""
    kind = man.upper()
    if kind == "K":
        spots = [(r, c) for r in (7, 8, 9) for c in (3, 4, 5)]
    elif kind == "A":
        spots = [(7, 3), (7, 5), (8, 4), (9, 3), (9, 5)]
    elif kind == "E":
        spots = [(5, 2), (5, 6), (7, 0), (7, 4), (7, 8), (9, 2), (9, 6)]
    elif kind == "P":
        spots = [(r, c) for r in range(7) for c in range(COLS) if r < 5 or c % 2 == 0]
    else:
        spots = [(r, c) for r in range(ROWS) for c in range(COLS)]
    return [(r if man in FIRST else ROWS - 1 - r) * COLS + c for r, c in spots]


def _scattered(rng: np.random.Generator, count: int) -> Cells | None:
    """Pieces at random, those that attack often near the other general; None where they have no room."""
    cells = [""] * (ROWS * COLS)
    own, theirs = list("RRHHCCPPP"), list("aaeerhcppp")
    attack = min(max(2, (count - 1) // 2), len(own))
    men = [FIRST[0], SECOND[0], *(own[k] for k in rng.permutation(len(own))[:attack])]
    spare = [*"AAEE", *theirs] if count > 8 else theirs
    men += [spare[k] for k in rng.permutation(len(spare))[: max(count - len(men), 0)]]
    for man in men:
        free = [k for k in _spots(man) if not cells[k]]
        if man in FIRST[3:] and rng.random() < 0.7:
            free = [k for k in free if k // COLS < 5] or free
        if not free:
            return None
        cells[free[int(rng.integers(len(free)))]] = man
    return tuple(cells)


PUZZLE = XiangqiMate()
