"""The rules of xiangqi: how pieces go, what is check, and which moves mate.

The board has ten rows of nine crossings, row by row from the top; the first player's side is below. Pieces
are letters, capital for the first player: general K, advisor A, elephant E, horse H, chariot R, cannon C,
soldier P.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

ROWS, COLS = 10, 9
KINDS = "KAEHRCP"
FIRST, SECOND = KINDS, KINDS.lower()
"""The pieces of the players."""
Move = tuple[int, int]
"""From which cell to which."""
_STRAIGHT = ((-1, 0), (1, 0), (0, -1), (0, 1))
_ASLANT = ((-1, -1), (-1, 1), (1, -1), (1, 1))


def _inside(row: int, col: int) -> bool:
    return 0 <= row < ROWS and 0 <= col < COLS


def _palace(row: int, col: int, own: str) -> bool:
    return 3 <= col <= 5 and (row >= 7 if own == FIRST else 0 <= row <= 2) and row < ROWS


def _home(row: int, own: str) -> bool:
    """Whether a row is on the player's side of the river."""
    return row >= 5 if own == FIRST else row < 5


def _targets(cells: Sequence[str], cell: int, own: str) -> Iterator[int]:
    """Cells to which a piece goes, whatever stands there, its own general's safety left aside."""
    row, col = divmod(cell, COLS)
    kind = cells[cell].upper()
    if kind in "KA":
        for dr, dc in _STRAIGHT if kind == "K" else _ASLANT:
            if _palace(row + dr, col + dc, own):
                yield cell + dr * COLS + dc
    elif kind == "E":
        for dr, dc in _ASLANT:
            r, c = row + 2 * dr, col + 2 * dc
            if _inside(r, c) and _home(r, own) and not cells[cell + dr * COLS + dc]:
                yield r * COLS + c
    elif kind == "H":
        for dr, dc in _STRAIGHT:
            if _inside(row + dr, col + dc) and not cells[cell + dr * COLS + dc]:
                for side in (-1, 1):
                    r, c = row + 2 * dr + side * (dr == 0), col + 2 * dc + side * (dc == 0)
                    if _inside(r, c):
                        yield r * COLS + c
    elif kind == "P":
        ahead = -1 if own == FIRST else 1
        for dr, dc in ((ahead, 0), (0, -1), (0, 1)):
            if (dr or not _home(row, own)) and _inside(row + dr, col + dc):
                yield cell + dr * COLS + dc
    else:
        yield from _lines(cells, cell, kind)


def _lines(cells: Sequence[str], cell: int, kind: str) -> Iterator[int]:
    """Where a chariot or a cannon goes."""
    row, col = divmod(cell, COLS)
    for dr, dc in _STRAIGHT:
        r, c, jumped = row + dr, col + dc, False
        while _inside(r, c):
            k = r * COLS + c
            if not cells[k]:
                if not jumped:
                    yield k
            elif kind == "R" or jumped:
                yield k
                break
            else:
                jumped = True
            r, c = r + dr, c + dc


def reached(cells: Sequence[str], own: str) -> Iterator[Move]:
    """What a player's pieces may do, its own general's safety left aside."""
    for cell, piece in enumerate(cells):
        if piece and piece in own:
            for target in _targets(cells, cell, own):
                if cells[target] not in own or not cells[target]:
                    yield cell, target


def checked(cells: Sequence[str], own: str) -> bool:
    """Whether a player's general is attacked, or faces the other one on an open column."""
    king, other = own[0], SECOND if own == FIRST else FIRST
    if king not in cells:
        return True
    at = list(cells).index(king)
    row, col = divmod(at, COLS)
    for dr, dc in _STRAIGHT:
        r, c, seen = row + dr, col + dc, 0
        while _inside(r, c) and seen < 2:
            piece = cells[r * COLS + c]
            if piece:
                if piece == other[5] and seen == 1 or piece == other[4] and not seen:
                    return True
                if piece == other[0] and not seen and dc == 0:
                    return True
                seen += 1
            r, c = r + dr, c + dc
    for dr, dc in _ASLANT:  # a horse is stopped beside itself, towards the general
        leg = cells[at + dr * COLS + dc] if _inside(row + dr, col + dc) else "off"
        for r, c in ((row + 2 * dr, col + dc), (row + dr, col + 2 * dc)):
            if not leg and _inside(r, c) and cells[r * COLS + c] == other[3]:
                return True
    ahead = 1 if other == FIRST else -1  # from the general to a soldier that steps forward onto it
    for dr, dc in ((ahead, 0), (0, -1), (0, 1)):
        if _inside(row + dr, col + dc) and cells[at + dr * COLS + dc] == other[6]:
            return True  # (beside the general it has crossed the river)
    return False


def after(cells: Sequence[str], move: Move) -> list[str]:
    """The board after a move."""
    held = list(cells)
    held[move[1]], held[move[0]] = held[move[0]], ""
    return held


def legal(cells: Sequence[str], own: str) -> Iterator[Move]:
    """A player's legal moves."""
    return (move for move in reached(cells, own) if not checked(after(cells, move), own))


def stuck(cells: Sequence[str], own: str) -> bool:
    """Whether a player has no legal move."""
    return next(legal(cells, own), None) is None


def mated(cells: Sequence[str], own: str) -> bool:
    """Whether a player's general is attacked and nothing helps."""
    return checked(cells, own) and stuck(cells, own)


def mates(cells: Sequence[str]) -> tuple[Move, ...]:
    """The first player's moves that mate."""
    return tuple(move for move in legal(cells, FIRST) if mated(after(cells, move), SECOND))
