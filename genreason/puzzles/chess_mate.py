"""Chess: mate in one move, or in two whatever the other side answers.

Positions are drawn at random, the king that is to be mated at an edge of the board. python-chess knows the
rules. There is no castling, promotion or capture en passant: pawns stand too far from the last row, and moves
that a picture of the board alone does not allow are left out. The measure of `solve` is moves of both sides.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import chess
import numpy as np

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, Place, rows_cells, rows_json
from genreason.render.cells import CellStyle, Sign, Tints
from genreason.render.chessmen import chessman
from genreason.render.marks import Colour
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

SIDES = ("white", "black")
MEN = {
    f"{side} {chess.PIECE_NAMES[kind]}": chess.Piece(kind, side == "white")
    for side in SIDES
    for kind in chess.PIECE_TYPES
}
"""All men by their names, "white queen"."""
NAMES = {piece: name for name, piece in MEN.items()}
LOOKS: dict[str, tuple[Colour, Colour]] = {
    "print": ((178, 178, 184), (120, 122, 130)), "notebook": ((168, 190, 150), (112, 140, 104)),
    "chalk": ((120, 165, 160), (72, 116, 112)), "night": ((140, 144, 196), (88, 94, 152)),
    "wood": ((198, 156, 104), (146, 104, 66)), "blueprint": ((116, 154, 212), (72, 108, 174)),
}  # fmt: skip
"""Light and dark squares of each style."""
_WHITE, _BLACK = (252, 250, 244), (22, 20, 22)
_TRIES = 20000


class ChessMateParams(Params):
    """What a level is.

    Attributes:
        mate: in how many moves of the side that mates.
        men: least and most men on the board, kings included.
        single: whether only one first move may do it.
    """

    mate: Literal[1, 2] = 1
    men: tuple[int, int] = (6, 9)
    single: bool = False


@dataclass(frozen=True, slots=True)
class ChessState:
    """A position.

    Attributes:
        cells: names of men, row by row from the eighth rank.
        side: which side mates.
        left: moves of both sides that are left; no picture shows it.
    """

    cells: Cells
    side: str
    left: int = field(compare=False)

    @property
    def turn(self) -> str:
        """Whose turn it is."""
        return self.side if self.left % 2 else SIDES[1 - SIDES.index(self.side)]


class ChessMate(BoardPuzzle[ChessState, str]):
    """The family; moves are as "e2e4"."""

    name: ClassVar[str] = "chess_mate"
    params: ClassVar[type[Params]] = ChessMateParams
    carried: ClassVar[bool] = True
    margins: ClassVar[tuple[float, float, float, float]] = (0.6, 0.25, 0.25, 0.6)

    def sample(
        self, rng: np.random.Generator, params: ChessMateParams, accept: Accept | None = None
    ) -> ChessState:
        """A random position with such a mate.

        Raises:
            GenreasonError: none of 20,000 had one.
        """
        least, most = params.men
        if not 4 <= least <= most <= 20:
            raise UserError(f"chess_mate: men {least} to {most}: give 4 to 20, the smaller first")
        for _ in range(_TRIES):
            side = SIDES[int(rng.integers(2))]
            state = ChessState(
                _random(rng, side, int(rng.integers(least, most + 1))), side, 2 * params.mate - 1
            )
            if self._fits(state, params) and (accept is None or accept(state)):
                return state
        raise GenreasonError(f"no chess_mate with {least} to {most} men in {_TRIES} tries: change men")

    def _fits(self, state: ChessState, params: ChessMateParams) -> bool:
        board = _board(state.cells, state.turn)
        if not board.is_valid():
            return False
        mates = _mates(board.fen())
        if params.mate == 1:
            return bool(mates) and not (params.single and len(mates) > 1)
        if mates:
            return False
        forced = [move for move in _plain(board) if board.gives_check(move) and _forced(board, move)]
        return bool(forced) and not (params.single and len(_keys(board.fen())) > 1)

    def moves(self, state: ChessState) -> Iterable[str]:
        """What the side whose turn it is may do; the first of two moves must force the mate."""
        if state.left <= 0:
            return ()
        board = _board(state.cells, state.turn)
        if state.left == 3:
            return _keys(board.fen())
        return tuple(move.uci() for move in _plain(board))

    def step(self, state: ChessState, move: str) -> ChessState:
        """Make a move.

        Raises:
            IllegalMove: it is against the rules, or does not force the mate.
        """
        if move not in self.moves(state):
            raise IllegalMove(self._refusal(state, move))
        return replace(state, cells=self._after(state, move), left=state.left - 1)

    def _after(self, state: ChessState, move: str) -> Cells:
        source, target = self._ends(move)
        cells = list(state.cells)
        cells[target], cells[source] = cells[source], ""
        return tuple(cells)

    def _ends(self, move: str) -> tuple[int, int]:
        """The cells that a move leaves and fills.

        Raises:
            IllegalMove: it is no move.
        """
        try:
            found = chess.Move.from_uci(move)
        except ValueError:
            raise IllegalMove(f"{move!r} is no move from square to square") from None
        return chess.square_mirror(found.from_square), chess.square_mirror(found.to_square)

    def _refusal(self, state: ChessState, move: str) -> str:
        """Why a move may not be made."""
        source, target = self._ends(move)
        man = state.cells[source]
        if state.left <= 0:
            return "no more moves are left"
        if not man:
            return f"{move[:2]} is empty"
        if not man.startswith(state.turn):
            return f"it is the turn of {state.turn}, not of the {man}"
        if chess.Move.from_uci(move) not in _plain(_board(state.cells, state.turn)):
            return f"the {man} may not go from {self.at(state, source)} to {self.at(state, target)}"
        return f"{man} to {self.at(state, target)} does not force mate with the next move"

    def likely(self, state: ChessState, seen: Mapping[int, str]) -> Iterable[str]:
        """Moves from or to the cells, and of men that are seen."""
        known = set(seen.values())
        found = []
        for move in self.moves(state):
            source, target = self._ends(move)
            if source in seen or target in seen or state.cells[source] in known:
                found.append(move)
        return found

    def changes(self, state: ChessState, move: str) -> dict[int, str]:
        """The two squares."""
        source, target = self._ends(move)
        return {source: "", target: state.cells[source]}

    def path(self, state: ChessState, move: str, target: int) -> Sequence[Place]:
        """Straight from square to square."""
        source, end = self._ends(move)
        return (self.place(state, source), self.place(state, end)) if target == end else ()

    def done(self, state: ChessState) -> bool:
        """Whether the other side is mated."""
        return _board(state.cells, SIDES[1 - SIDES.index(state.side)]).is_checkmate()

    def solve(self, state: ChessState) -> Solution[str] | None:
        """The mate; of several ways one with the fewest replies."""
        if self.done(state):
            return Solution(())
        moves = list(self.moves(state))
        if state.left == 1:
            moves = [move for move in _mates(_board(state.cells, state.turn).fen())]
            return Solution((moves[0],)) if moves else None
        ways = [(move, self.step(state, move)) for move in moves]
        if state.left == 2:
            rests = [self.solve(after) for _, after in ways]
            if not rests or any(rest is None for rest in rests):
                return None
            return Solution((moves[0], *(rests[0].moves if rests[0] else ())))
        ways.sort(key=lambda way: len(tuple(self.moves(way[1]))))
        found = self.solve(ways[0][1]) if ways and state.left == 3 else None
        return None if found is None else Solution((ways[0][0], *found.moves))

    def encode(self, state: ChessState) -> tuple[Json, Json]:
        """`{"cells": rows}` from the eighth rank, and `{"side": who mates, "left": moves}`."""
        return {"cells": rows_json(state.cells, 8)}, {"side": state.side, "left": state.left}

    def decode(self, state: Json, goal: Json) -> ChessState:
        """The inverse of `encode`."""
        cells, cols = rows_cells(state, "cells", MEN, "chess_mate")
        side, left = goal.get("side"), grid.item(goal, "left", "chess_mate")
        if cols != 8 or len(cells) != 64:
            raise UserError("chess_mate: give 8 rows of 8 cells")
        if side not in SIDES or left not in range(4):
            raise UserError("chess_mate: give side white or black, and 0 to 3 moves left")
        return ChessState(cells, side, left)

    def canonical(self, state: ChessState) -> bytes:
        """Up to reflection and exchange of the colours."""
        codes = np.array([list(MEN).index(man) + 1 if man else 0 for man in state.cells]).reshape(8, 8)
        if state.side == "black":
            codes = np.where(codes > 0, (codes + 5) % 12 + 1, 0)[::-1]
        forms = (codes.astype(np.uint8), codes[:, ::-1].astype(np.uint8))
        return min(form.tobytes() for form in forms) + bytes([state.left])

    def plan(self, state: ChessState, move: str) -> str:
        """What goes where, and what that does."""
        source, target = self._ends(move)
        man, taken = state.cells[source], state.cells[target]
        what = f"The {man} goes from {move[:2]} to {move[2:]}" + (f" and takes the {taken}" if taken else "")
        after = self.step(state, move)
        if self.done(after):
            return f"{what}: check, and nothing helps against it. Mate."
        replies = len(list(self.moves(after)))
        check = "check; " if _board(after.cells, after.turn).is_check() else ""
        if after.left == 2:
            return (
                f"{what}: {check}{after.turn} has {replies} answer{'s' * (replies != 1)}, and mate follows."
            )
        return f"{what}, which does not stop the mate."

    def words(self, state: ChessState) -> dict[str, str]:
        """Who mates, and in how many moves."""
        other = SIDES[1 - SIDES.index(state.side)]
        if state.left == 1:
            return {"side": state.side, "other": other, "task": "gives mate with this one move"}
        task = f"moves so that mate with its second move cannot be stopped, {other} answers, and {state.side}"
        return {"side": state.side, "other": other, "task": f"{task} mates"}

    def at(self, state: ChessState, cell: int) -> str:
        """The square."""
        return chess.square_name(chess.square_mirror(cell))

    def explain(self, state: ChessState, cell: int, symbol: str) -> str:
        """Why no legal move makes a square hold this."""
        sources = [k for k, man in enumerate(state.cells) if man == symbol and k != cell]
        if not symbol or not sources:
            return super().explain(state, cell, symbol)
        names = [self.at(state, k) for k in (*sources, cell)]
        reasons = [self._refusal(state, name + names[-1]) for name in names[:-1]]
        return f"{symbol} comes to {names[-1]}: " + min(reasons, key=lambda words: "may not" in words)

    def cells(self, state: ChessState) -> Cells:
        """The men."""
        return state.cells

    def arranged(self, state: ChessState, cells: Cells) -> ChessState:
        """The position with these men."""
        return replace(state, cells=cells)

    def shape(self, state: ChessState) -> tuple[int, int]:
        """Eight by eight."""
        return 8, 8

    def symbols(self, state: ChessState) -> tuple[str, ...]:
        """All men."""
        return tuple(MEN)

    def tints(self, state: ChessState, style: CellStyle) -> Tints:
        """Light and dark squares in turn."""
        return {k: LOOKS[style.name][(k // 8 + k % 8) % 2] for k in range(64)}

    def labels(self, state: ChessState) -> tuple[tuple[float, float, str, float], ...]:
        """Files below, ranks to the left."""
        files = [(float(c), 7.78, "ABCDEFGH"[c], 0.32) for c in range(8)]
        return (*files, *((-0.78, float(r), str(8 - r), 0.32) for r in range(8)))

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """Chessmen in white and black."""
        side, _, man = symbol.partition(" ")
        return Sign(mark=chessman(man, _WHITE if side == "white" else _BLACK))


def _board(cells: Cells, turn: str) -> chess.Board:
    """The position for python-chess."""
    board = chess.Board(None)
    for k, man in enumerate(cells):
        if man:
            board.set_piece_at(chess.square_mirror(k), MEN[man])
    board.turn = turn == "white"
    return board


def _plain(board: chess.Board) -> list[chess.Move]:
    """Legal moves that carry one man to another square and leave all else as it is."""
    return [move for move in board.legal_moves if not move.promotion and not board.is_en_passant(move)]


@functools.lru_cache(maxsize=512)
def _mates(fen: str) -> tuple[str, ...]:
    """Moves that mate at once."""
    board = chess.Board(fen)
    return tuple(move.uci() for move in _plain(board) if board.gives_check(move) and _mated(board, move))


def _mated(board: chess.Board, move: chess.Move) -> bool:
    board.push(move)
    found = board.is_checkmate()
    board.pop()
    return found


@functools.lru_cache(maxsize=512)
def _keys(fen: str) -> tuple[str, ...]:
    """Moves after which there is an answer, and a mate upon each."""
    board = chess.Board(fen)
    return tuple(move.uci() for move in _plain(board) if _kills(board, move))


def _kills(board: chess.Board, move: chess.Move) -> bool:
    board.push(move)
    replies = list(board.legal_moves)
    found = (
        bool(replies)
        and len(replies) == len(_plain(board))
        and all(_answered(board, reply) for reply in replies)
    )
    board.pop()
    return found


def _answered(board: chess.Board, reply: chess.Move) -> bool:
    """Whether there is a mate upon a reply."""
    board.push(reply)
    found = any(board.gives_check(move) and _mated(board, move) for move in _plain(board))
    board.pop()
    return found


def _forced(board: chess.Board, move: chess.Move) -> bool:
    """Whether a move leaves one answer, and a mate upon it."""
    board.push(move)
    count = sum(1 for _, _ in zip(board.legal_moves, range(2), strict=False))
    board.pop()
    return count == 1 and _kills(board, move)


def _random(rng: np.random.Generator, side: str, count: int) -> Cells:
    """Men at random: the king that is to be mated at an edge, pawns far from where they are promoted."""
    other = SIDES[1 - SIDES.index(side)]
    cells = [""] * 64
    edge = [k for k in range(64) if k // 8 in (0, 7) or k % 8 in (0, 7)]
    cells[edge[int(rng.integers(len(edge)))]] = f"{other} king"
    own = ["queen", "rook", "rook", "bishop", "bishop", "knight", "knight", "pawn", "pawn", "pawn"]
    theirs = ["pawn", "pawn", "pawn", "pawn", "rook", "knight", "bishop", "queen"]
    attack = min(max(2, (count - 1) // 2), len(own))
    picks = [f"{side} {own[k]}" for k in rng.permutation(len(own))[:attack].tolist()]
    men = [f"{side} king", *picks]
    rest = max(count - 1 - len(men), 0)
    men += [f"{other} {theirs[k]}" for k in rng.permutation(len(theirs))[:rest].tolist()]
    for man in men:
        rows = range(8)
        if man.endswith("pawn"):  # ranks 2 to 5 as its own side counts them
            rows = range(3, 7) if man.startswith("white") else range(1, 5)
        free = [k for k, held in enumerate(cells) if not held and k // 8 in rows]
        cells[free[int(rng.integers(len(free)))]] = man
    return tuple(cells)


PUZZLE = ChessMate()
