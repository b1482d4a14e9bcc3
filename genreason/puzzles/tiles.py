"""The drawing side of puzzles that are played on a board of tiles."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt

from genreason import seeds
from genreason.perceive.foreign import take_apart
from genreason.perceive.pieces import PRESENT
from genreason.perceive.read import read_places
from genreason.puzzles.base import M, PiecePuzzle, Places, Reading, S
from genreason.render import skins
from genreason.render.board import Board, Piece
from genreason.render.lattice import Lattice
from genreason.render.plate import draw_piece, draw_plate
from genreason.render.styles import STYLES, Style
from genreason.types import SKINS, Frame, IllegalMove, Instance, Json, UserError, unknown

FLOOR, WALL, GOAL = 0, 1, 2
"""Codes of tiles: where pieces may be, what bars the way (a wall, a trap), where something has to go."""
Tiles = npt.NDArray[np.uint8]
MOST_BOARDS = 4
LEAST_CELL = 10  # pixels of a cell below which compression leaves too little of a piece to be sure of it
_BOARDS: dict[tuple[object, ...], Board] = {}


class TilePuzzle(PiecePuzzle[S, M]):
    """A puzzle on a board of floor, walls and goals, over which pieces move from tile to tile.

    A family gives `tiles` and `pieces`; scenes, styles and reading come from here.

    Attributes:
        kinds: what styles call the tiles, by their codes.
        movers: what styles call the pieces.
        lines: whether walls may also be drawn as lines (rooms at odd rows and columns).
        walled: whether there are walls all around the board.
    """

    kinds: ClassVar[tuple[str, ...]] = ("floor", "wall", "goal")
    movers: ClassVar[tuple[str, ...]] = ("agent",)
    lines: ClassVar[bool] = False
    walled: ClassVar[bool] = True

    @abstractmethod
    def tiles(self, state: S) -> Tiles:
        """The part of the state that stands still: (rows, cols) of FLOOR, WALL, GOAL."""

    @abstractmethod
    def pieces(self, state: S) -> tuple[str, ...]:
        """Kinds of the pieces in the order of `places` ("box", ..., "agent"): later ones are drawn on top."""

    def styles(self) -> tuple[str, ...]:
        """Names of the styles that the family can be drawn in."""
        return tuple(name for name, style in STYLES.items() if self._fits(style))

    def _fits(self, style: Style) -> bool:
        shown = all(style.shows(kind) for kind in (*self.kinds, *self.movers))
        return shown and (self.lines or not style.lines)

    def style(self, name: str) -> Style:
        """The style of that name, or with the textures in the folder that "skins:FOLDER" names.

        Raises:
            UserError: the family cannot be drawn so.
        """
        if skins.is_skin(name):
            return _dressed(skins.load(Path(name.removeprefix(SKINS)), self.name))
        if name not in self.styles():
            raise unknown(f"style of {self.name}", name, self.styles())
        return STYLES[name]

    def style_words(self, style: str) -> dict[str, str]:
        """What a person calls the things in a picture of this style."""
        return self.style(style).words()

    def layout(self, state: S, size: tuple[int, int], style: str) -> Json:
        """`Instance.scene`: the grid's geometry in pixels for a picture of `size` (width, height)."""
        rows, cols = self.tiles(state).shape
        least = LEAST_CELL if not self.style(style).lines else LEAST_CELL * 2 // 3  # a room is two cells wide
        if min(size[0] / cols, size[1] / rows) < least:
            small = f"a board of {cols} x {rows} tiles cannot be read at {size[0]} x {size[1]} pixels"
            raise UserError(f"{small}: use --size {least * max(rows, cols)} or more")
        if not self.style(style).lines:
            return {"grid": Lattice.fit(cols, rows, size).to_json()}
        pitch = min(size[0] / (cols - 0.7), size[1] / (rows - 0.7))
        x0, y0 = (size[0] - cols * pitch) / 2, (size[1] - rows * pitch) / 2
        return {"grid": Lattice(cols=cols, rows=rows, x0=x0, y0=y0, cell_w=pitch, cell_h=pitch).to_json()}

    def explain(self, state: S, places: Places) -> str:
        """Why no legal move leads from the state to pieces at `places`, in a person's words.

        The last piece is the one that moves by itself; its moves are "up", "down", "left" and "right".
        """
        gap = places - self.places(state)
        i = int(np.abs(gap).max(axis=1).argmax())
        name, (dx, dy) = self.pieces(state)[i], gap[i]
        across = abs(dx) >= abs(dy)
        way = ("left", "right")[int(dx > 0)] if across else ("up", "down")[int(dy > 0)]
        col, row = (int(v) for v in np.rint(places[i]))
        tiles = self.tiles(state)
        if not (0 <= row < tiles.shape[0] and 0 <= col < tiles.shape[1]):
            return f"the {name} leaves the board"
        if tiles[row, col] == WALL:
            return f"the {name} goes into the {self.kinds[WALL]} at row {row}, column {col}"
        along = float(gap[-1] @ ((np.sign(dx), 0) if across else (0, np.sign(dy))))
        if i < len(gap) - 1 and along < 0.3:  # the one that could push it does not come along
            return f"the {name} moves {way} without a push"
        try:
            self.step(state, cast(M, way))
        except IllegalMove as reason:
            return f"the {self.pieces(state)[-1]} goes {way}: {reason}"
        return f"the {name} is {max(abs(dx), abs(dy)):.1f} cells from where legal moves could bring it"

    def settled(self, state: S, places: Places, unit: int = 1) -> S:
        """The state with each piece in the nearest cell; where a room is two cells wide, in its middle."""
        if unit == 1:
            return self.arranged(state, np.rint(places))
        return self.arranged(state, np.asarray(unit * np.floor(places / unit) + unit // 2, np.float32))

    def goals(self, state: S) -> Places:
        """The goals' cells."""
        return _cells(self.tiles(state) == GOAL)

    def stands(self, state: S) -> Places:
        """Floor cells without a piece."""
        plain = self.tiles(state) == FLOOR
        for x, y in self.places(state).astype(int):
            plain[y, x] = False
        return _cells(plain)

    def openings(self, state: S) -> Places:
        """Inner walls with floor on two opposite sides."""
        tiles = self.tiles(state)
        floor = tiles == FLOOR
        between = np.zeros(tiles.shape, np.bool_)
        between[1:-1, 1:-1] = (floor[1:-1, :-2] & floor[1:-1, 2:]) | (floor[:-2, 1:-1] & floor[2:, 1:-1])
        return _cells(between & (tiles == WALL))

    def depth(self, state: S, x: float, y: float) -> float:
        """How far (cells) a point lies outside the tiles that are not wall."""
        free = _cells(self.tiles(state) != WALL)
        return float(np.abs(free - np.array([x, y])).max(axis=1).min()) - 0.5

    def read(self, frame: Frame, instance: Instance) -> Reading[S]:
        """The state that a frame (HWC RGB uint8, any size) shows; pieces count for the nearest tile."""
        start = self.start(instance)
        stands = _cells(self.tiles(start) != WALL)
        board = self.board(instance)
        found = read_places(board, self.picture(instance), frame, stands, self.places(start))
        there = found.quality_N >= PRESENT
        gone = [piece.fixed and not here for piece, here in zip(board.pieces, there, strict=True)]
        state = self.without(self.arranged(start, np.rint(found.places_N2)), gone)
        return Reading(state, float(np.where(gone, 1 - found.quality_N, found.quality_N).min()))

    def board(self, instance: Instance) -> Board:
        """The scene as layers: the still picture and the pieces that move.

        A scene that somebody else drew is taken apart from its first frame. The last few boards are kept.
        """
        key = (instance.key, instance.style, instance.size, str(instance.first_frame))
        if key not in _BOARDS:
            while len(_BOARDS) >= MOST_BOARDS:
                del _BOARDS[next(iter(_BOARDS))]
            _BOARDS[key] = self._board(instance)
        return _BOARDS[key]

    def _board(self, instance: Instance) -> Board:
        state = self.start(instance)
        if instance.foreign:
            lattice = Lattice.from_json(instance.scene["grid"])
            names, places = self.pieces(state), self.places(state)
            return take_apart(self.picture(instance), self.tiles(state), lattice, names, places)
        style = _dressed(skins.of(instance, self.name)) if instance.skinned else self.style(instance.style)
        rng = seeds.stream(instance.key, "surface")
        return self.scene(state, style, instance.scene["grid"], instance.size, rng)

    def piece(self, kind: str, style: Style, unit: float) -> Piece:
        """A piece for cells of `unit` pixels."""
        return draw_piece(kind, style.sprite(kind), unit)

    def scene(
        self, state: S, style: Style, grid: Json, size: tuple[int, int], rng: np.random.Generator
    ) -> Board:
        """A state as layers.

        Args:
            state: what is drawn.
            style: how.
            grid: where, as `layout` has it.
            size: (width, height) of the picture.
            rng: for surfaces.
        """
        lattice = Lattice.from_json(grid)
        plate = draw_plate(self.tiles(state), lattice, style, self.kinds, size, rng, walled=self.walled)
        unit = 2 if style.lines else 1
        pieces = tuple(self.piece(kind, style, unit * lattice.cell_w) for kind in self.pieces(state))
        return Board(plate, pieces, lattice, style.words(), unit)


def _dressed(skin: skins.Skin) -> Style:
    """The style that a user's textures are."""
    looks = skin.looks
    floor, agent, goal = looks["floor"], looks["agent"], looks["goal"]
    return Style(
        name=skin.style, floor=floor, agent=agent, goal=goal, box=looks.get("box"), wall=looks.get("wall"),
        trap=looks.get("trap"),
    )  # fmt: skip


def _cells(chosen: npt.NDArray[np.bool_]) -> Places:
    """(K, 2): columns and rows of the tiles that are chosen, in reading order."""
    return np.argwhere(chosen)[:, ::-1].astype(np.float32)
