"""Read a puzzle on tiles from its picture alone, with a person's hints where it must.

Tiles that look alike are found without knowing the art (`genreason.perceive.tiling`). Which of them are floor
follows from the board. Player, goal and box are told apart by hints, by their outline (a player is cut out
and shows the floor around it, where goals and boxes fill their tiles), and by what leaves its tile in clips.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.formats.vrstate import Level
from genreason.perceive.colours import COLOURS, colour_word
from genreason.perceive.tiling import Kinds, Tiling, find_tiling, tile_looks
from genreason.types import Frame, Json, UserError

GROUNDS = {"maze": ("floor", "wall"), "trapfield": ("floor", "trap"), "sokoban": ("floor", "wall")}
THINGS = {"maze": ("player", "goal"), "trapfield": ("player", "goal"), "sokoban": ("player", "box", "goal")}
SIZES = ("rows", "cols")
MOST_BOXES = 4
FULL = 0.9  # share of its tile that a thing which fills it differs from the floor
DIFFERS = 24.0  # (0-255) difference from the floor that counts
LEFT = 0.1  # share of the clips' frames in which a thing that moves has left its tile
Hints = Mapping[str, Any]
"""What a person says of a picture: `rows`, `cols`, and of a thing its colour or "row,column"."""
Floats = npt.NDArray[np.float32]


def hints(game: str) -> tuple[str, ...]:
    """Names of the hints that help to read a game."""
    return (*SIZES, *GROUNDS[game], *THINGS[game])


def level(game: str, picture: Frame, told: Hints, clips: Sequence[Iterable[Frame]] = ()) -> Level:
    """The puzzle of a picture.

    Args:
        game: maze, trapfield or sokoban.
        picture: HWC RGB uint8; resized, letterboxed or with its longer sides cut off.
        told: see `Hints`.
        clips: frames (HWC RGB uint8 of the picture's size) of clips that begin with the picture, if there
            are any.

    Raises:
        UserError: no board is seen, or not which thing is which; says which hint would tell.
    """
    found = _tiling(game, picture, told)
    board = _Board(game, found.kinds, tile_looks(picture, found.lattice), told)
    floor, wall = _grounds(board)
    named = _named(board, floor, wall, [_left(board, found, frames, floor) for frames in clips])
    grid = ["".join("#" if kind == wall else "." for kind in row) for row in found.kinds]
    state: Json = {"grid": grid, "agent": board.places(named["player"])[0]}
    goals = board.places(named["goal"])
    end: Json = {"goal": goals[0]}
    if game == "sokoban":
        state["boxes"] = board.places(named["box"])
        end = {"targets": goals}
    size = picture.shape[1], picture.shape[0]
    return Level(puzzle=game, state=state, goal=end, size=size, scene={"grid": found.lattice.to_json()})


def _tiling(game: str, picture: Frame, told: Hints) -> Tiling:
    """The tiles: two kinds of ground, one player, and one goal (Sokoban: as many goals as boxes)."""

    def wanted(sizes: Sequence[int]) -> bool:
        ground, rest = sizes[:2], list(sizes[2:])
        if game != "sokoban":
            return ground[1] >= 2 and rest == [1, 1]
        return ground[1] > rest[0] == rest[1] <= MOST_BOXES and rest[2] == 1

    for name in SIZES:
        if name in told and type(told[name]) is not int:
            raise UserError(f"-o {game}.{name}={told[name]}: must be a number")
    count = len(GROUNDS[game]) + len(THINGS[game])
    found = find_tiling(picture, count, wanted, told.get("cols"), told.get("rows"))
    if found is None:
        mend = "check these" if any(name in told for name in SIZES) else "say them"
        things = ", ".join((*GROUNDS[game], *THINGS[game]))
        how = f"{mend}: -o {game}.rows=.. -o {game}.cols=.."
        raise UserError(f"no grid of tiles with {things} is seen in the picture: {how}")
    return found


@dataclass(frozen=True)
class _Board:
    """What is known of a picture while its things are named."""

    game: str
    kinds: Kinds
    looks: Floats
    told: Hints

    def places(self, kind: int) -> list[list[int]]:
        """[row, column] of the tiles of a kind."""
        return [[int(r), int(c)] for r, c in np.argwhere(self.kinds == kind)]

    def look(self, kind: int) -> Floats:
        """The typical tile of a kind."""
        return np.asarray(np.median(self.looks[self.kinds == kind], axis=0), np.float32)

    def ink(self, kind: int, floor: int) -> npt.NDArray[np.bool_]:
        """Which parts of a kind are not floor."""
        return np.asarray(np.abs(self.look(kind) - self.look(floor)).max(axis=-1) > DIFFERS, np.bool_)

    def colour(self, kind: int, floor: int | None) -> str:
        """The word for the mean colour of a kind, where it is not floor."""
        look = self.look(kind)
        ink = self.ink(kind, floor) if floor is not None else np.ones(look.shape[:2], np.bool_)
        mean = np.mean(look[ink] if ink.any() else look.reshape(-1, 3), axis=0)
        return colour_word(mean)

    def hinted(self, name: str, among: Sequence[int], floor: int | None = None) -> int | None:
        """The kind that a hint means, if there is one.

        Raises:
            UserError: it means none of them, or more than one.
        """
        if name not in self.told:
            return None
        hint = self.told[name]
        if str(hint) in COLOURS:
            fits = [kind for kind in among if self.colour(kind, floor) == hint]
        else:
            fits = [kind for kind in among if self._place(name) in self.places(kind)]
        if len(fits) != 1:
            seen = self.words(among, floor)
            raise UserError(f"-o {self.game}.{name}={hint}: not one such thing is seen; there is {seen}")
        return fits[0]

    def _place(self, name: str) -> list[int]:
        hint = self.told[name]
        try:
            row, col = (int(part) for part in (hint.split(",") if isinstance(hint, str) else hint))
        except (OverflowError, TypeError, ValueError):
            colours = ", ".join(COLOURS)
            raise UserError(
                f"-o {self.game}.{name}={hint}: is neither row,column nor a colour ({colours})"
            ) from None
        return [row, col]

    def words(self, among: Iterable[int], floor: int | None) -> str:
        """The kinds by place and colour, as hints can name them."""
        places = [(self.places(kind)[0], self.colour(kind, floor)) for kind in among]
        return " or ".join(f"{row},{col} ({colour})" for (row, col), colour in places)


def _grounds(board: _Board) -> tuple[int, int]:
    """Which kinds are floor, and wall or trap: a maze or Sokoban is closed by walls, traps are fewer."""
    sizes = np.bincount(board.kinds.ravel())
    first, second = (int(kind) for kind in np.argsort(-sizes, kind="stable")[:2])
    floor, barrier = GROUNDS[board.game]
    if (kind := board.hinted(floor, (first, second))) is not None:
        return kind, first + second - kind
    if (kind := board.hinted(barrier, (first, second))) is not None:
        return first + second - kind, kind
    if board.game == "trapfield":
        return first, second
    kinds = board.kinds
    edge = np.concatenate([kinds[0], kinds[-1], kinds[:, 0], kinds[:, -1]])
    return (first, second) if (edge == second).sum() > (edge == first).sum() else (second, first)


def _left(board: _Board, found: Tiling, frames: Iterable[Frame], floor: int) -> Floats:
    """(kinds,): in which share of a clip's frames the tiles of each kind show the floor."""
    plain = np.median(board.looks[board.kinds == floor], axis=0)
    count, total = np.zeros(board.kinds.shape), 0
    for frame in frames:
        seen = tile_looks(frame, found.lattice)
        to_floor, to_first = (np.mean(np.abs(seen - look), axis=(2, 3, 4)) for look in (plain, board.looks))
        count += to_floor < 0.5 * to_first
        total += 1
    kinds = range(int(board.kinds.max()) + 1)
    return np.array([count[board.kinds == kind].mean() / max(total, 1) for kind in kinds], np.float32)


def _named(board: _Board, floor: int, wall: int, left: Sequence[Floats]) -> dict[str, int]:
    """Which kind is the player, the goal and the box."""
    things = [int(kind) for kind in np.unique(board.kinds) if kind not in (floor, wall)]
    named: dict[str, int] = {}
    for name in THINGS[board.game]:
        kind = board.hinted(name, things, floor)
        if kind is not None:
            named[name] = kind
            things.remove(kind)
    for name in THINGS[board.game]:
        if name in named:
            continue
        open_ = [other for other in THINGS[board.game] if other not in named]
        kind = things[0] if len(things) == 1 else _told_apart(board, name, things, floor, left)
        if kind is None:
            options = board.words(things, floor)
            asked = " and which the ".join(open_)
            raise UserError(f"it is not seen which is the {asked}: say -o {board.game}.{name}={options}")
        named[name] = kind
        things.remove(kind)
    return named


def _told_apart(
    board: _Board, name: str, things: Sequence[int], floor: int, left: Sequence[Floats]
) -> int | None:
    """The kind that is the player or the box, by outline and movement; None where they do not say."""
    alone = [kind for kind in things if name != "player" or len(board.places(kind)) == 1]
    fits = set()
    cut = [kind for kind in things if board.ink(kind, floor).mean() < FULL]
    if name == "player" and len(cut) == 1:
        fits.add(cut[0])
    share = np.mean(left, axis=0) if left else np.zeros(board.kinds.max() + 1)
    first, *others = sorted(alone, key=lambda kind: -share[kind])
    if share[first] >= LEFT and all(share[other] <= 0.5 * share[first] for other in others):
        fits.add(first)
    return fits.pop() if len(fits) == 1 else None
