"""Rush hour: cars stand in lanes and move along them only, until one car can drive out of the exit.

Any car may move at any time, one after the other, as far as its lane is free; only one of them may leave. The
measure of `solve` is steps, each one car by one tile.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params, Places
from genreason.puzzles.tiles import FLOOR, GOAL, WALL, TilePuzzle, Tiles
from genreason.puzzles.traffic import LIMIT, Lanes, fleet
from genreason.render.board import Piece
from genreason.render.marks import Colour, Mark, car
from genreason.render.plate import long_piece
from genreason.render.styles import Paint, Style, colour_name, standing_out
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

_TRIES = 200
_POSITIONS = 40  # positions of one fleet that are offered: each is another puzzle
MOST_CARS = 11
_INKS = (
    "blue",
    "yellow",
    "green",
    "orange",
    "purple",
    "pink",
    "cyan",
    "brown",
    "lime",
    "white",
    "black",
    "gray",
)
_OUT: Colour = (222, 30, 38)
_DARK: Colour = (30, 28, 34)


class RushHourParams(Params):
    """What a level is.

    Attributes:
        size: tiles a side, without the border.
        cars: least and most cars, the one that leaves included.
        steps: least and most steps of a shortest solution.
        trucks: share of the cars that are three tiles long, and not two.
        limit: positions of one fleet beyond which it is dropped.
    """

    size: Annotated[int, Field(ge=4, le=8)] = 6
    cars: tuple[int, int] = (6, 8)
    steps: tuple[int, int] = (8, 14)
    trucks: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
    limit: Annotated[int, Field(ge=100, le=LIMIT)] = 2500

    @model_validator(mode="after")
    def _possible(self) -> RushHourParams:
        (few, many), (least, most) = self.cars, self.steps
        if not 2 <= few <= many <= MOST_CARS:
            raise ValueError(f"cars {few} to {many}: give 2 to {MOST_CARS}, the smaller first")
        if not 2 <= least <= most:
            raise ValueError(f"steps {least} to {most}: give 2 or more, the smaller first")
        if 3 * many > self.size * self.size:
            raise ValueError(f"size {self.size} has no room for {many} cars: raise size")
        return self


@dataclass(frozen=True, slots=True)
class RushHourState:
    """Cars in their lanes.

    Attributes:
        walls: row-major tiles, 1 wall and 0 floor; the exit is a gap in the border. Shared by all states.
        cols: number of columns.
        exit: tile of the exit.
        cars: length of each car, and what its next tile adds to the tile (1 or `cols`); the last one leaves.
        at: the first tile of each car.
    """

    walls: bytes
    cols: int
    exit: int
    cars: tuple[tuple[int, int], ...]
    at: tuple[int, ...]

    @property
    def lanes(self) -> Lanes:
        """The cars without where they are."""
        return Lanes(self.walls, self.cols, self.exit, self.cars)


class RushHour(TilePuzzle[RushHourState, str]):
    """The family; moves are like "3 left": the number of a car and a way."""

    name: ClassVar[str] = "rush_hour"
    params: ClassVar[type[Params]] = RushHourParams
    movers: ClassVar[tuple[str, ...]] = ()
    driven: ClassVar[bool] = False

    def sample(
        self, rng: np.random.Generator, params: RushHourParams, accept: Accept | None = None
    ) -> RushHourState:
        """A random fleet, at a random position that is as far from the end as the level asks for.

        Raises:
            GenreasonError: 200 fleets one after the other had no such position.
        """
        (few, many), (least, most), side = params.cars, params.steps, params.size + 2
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            drawn = fleet(rng, params.size, int(rng.integers(few, many + 1)), params.trucks)
            far = None if drawn is None else drawn[0].distances(drawn[1], params.limit)
            if drawn is None or far is None:
                continue
            fit = [at for at, steps in far.items() if least <= steps <= most]
            for k in rng.permutation(len(fit))[:_POSITIONS]:
                misfits, lanes = 0, drawn[0]
                state = RushHourState(lanes.walls, side, lanes.exit, lanes.cars, fit[int(k)])
                if accept is None or accept(state):
                    return state
        cars = f"{few} to {many} cars on {params.size} x {params.size} tiles"
        raise GenreasonError(f"no fleet of {cars} needs {least} to {most} steps: lower steps or raise limit")

    def solve(self, state: RushHourState) -> Solution[str] | None:
        """A shortest solution in steps, or None where there is none.

        Raises:
            GenreasonError: the cars can stand in too many ways.
        """
        far = state.lanes.distances(state.at, LIMIT)
        if far is None:
            raise GenreasonError(f"rush_hour: the cars can stand in more than {LIMIT} ways: give up")
        if state.at not in far:
            return None
        moves: list[str] = []
        while far[state.at]:
            # The car that moved last goes on where that is as short.
            ways = sorted(self.moves(state), key=lambda move: not moves or move != moves[-1])
            after = ((move, self.step(state, move)) for move in ways)
            move, state = next(found for found in after if far[found[1].at] < far[state.at])
            moves.append(move)
        return Solution(tuple(moves))

    def moves(self, state: RushHourState) -> Iterable[str]:
        """Every car along its lane, where that is free."""
        names = grid.names(state.cols)
        return tuple(f"{car} {names[delta]}" for car, delta in state.lanes.free(state.at))

    def step(self, state: RushHourState, move: str) -> RushHourState:
        """One car by one tile.

        Raises:
            IllegalMove: that is not along its lane, or the next tile is not free.
        """
        number, _, way = move.partition(" ")
        if not number.isdecimal() or int(number) >= len(state.cars):
            raise IllegalMove(f"{move!r} is no move: give the number of a car and a way")
        car, delta = int(number), grid.offset(way, state.cols)
        length, along = state.cars[car]
        if abs(delta) != along:
            raise IllegalMove(f"{_called(state, car)} moves {way}, across its lane")
        tile = state.at[car] + (delta if delta < 0 else length * along)
        if (car, delta) not in state.lanes.free(state.at):
            raise IllegalMove(f"{_called(state, car)} moves {way}: {grid.at(tile, state.cols)} is not free")
        return replace(state, at=(*state.at[:car], state.at[car] + delta, *state.at[car + 1 :]))

    def done(self, state: RushHourState) -> bool:
        """Whether the car that leaves is in the exit."""
        return state.exit in _tiles(state, len(state.cars) - 1)

    def explain(self, state: RushHourState, places: Places) -> str:
        """Why no legal move leads from the state to cars at `places`, in a person's words."""
        gap = places - self.places(state)
        car = int(np.abs(gap).max(axis=1).argmax())
        dx, dy = gap[car]
        way = ("left", "right")[int(dx > 0)] if abs(dx) >= abs(dy) else ("up", "down")[int(dy > 0)]
        try:
            self.step(state, f"{car} {way}")
        except IllegalMove as reason:
            return str(reason)
        if (np.abs(gap).max(axis=1) > 0.3).sum() > 1:
            return f"{_called(state, car)} moves while another one is under way"
        far = max(abs(dx), abs(dy))
        return f"{_called(state, car)} is {far:.1f} cells from where legal moves could bring it"

    def openings(self, state: RushHourState) -> Places:
        """Border tiles at the ends of lanes."""
        tiles = self.tiles(state)
        floor = np.pad(tiles == FLOOR, 1)
        beside = floor[:-2, 1:-1] | floor[2:, 1:-1] | floor[1:-1, :-2] | floor[1:-1, 2:]
        return np.argwhere(beside & (tiles == WALL))[:, ::-1].astype(np.float32)

    def stands(self, state: RushHourState) -> Places:
        """Floor tiles without a car."""
        full = {tile for car in range(len(state.cars)) for tile in _tiles(state, car)}
        free = [k for k, wall in enumerate(state.walls) if not wall and k not in full and k != state.exit]
        return np.array([(k % state.cols, k // state.cols) for k in free], np.float32).reshape(-1, 2)

    def encode(self, state: RushHourState) -> tuple[Json, Json]:
        """`{"grid", "cars": [tiles of each car, ...]}`, the one that leaves last, and `{"goal": exit}`."""
        cars = [
            [grid.cell(tile, state.cols) for tile in _tiles(state, car)] for car in range(len(state.cars))
        ]
        return {"grid": grid.text(state.walls, state.cols), "cars": cars}, {
            "goal": grid.cell(state.exit, state.cols)
        }

    def decode(self, state: Json, goal: Json) -> RushHourState:
        """The inverse of `encode`, with the exit in any side."""
        where = self.name
        walls, cols = grid.parse(grid.item(state, "grid", where), where, closed=False)
        end = grid.tile(grid.item(goal, "goal", where), walls, cols, f"{where} goal")
        rows = len(walls) // cols
        edge = {k for k in range(len(walls)) if k // cols in (0, rows - 1) or k % cols in (0, cols - 1)}
        if end not in edge or any(not walls[k] for k in edge - {end}):
            raise UserError(f"{where} grid: the border must be all walls but for the goal, which is the exit")
        cars = [
            _read_car(car, walls, cols) for car in _listed(grid.item(state, "cars", where), f"{where} cars")
        ]
        if not 1 <= len(cars) <= MOST_CARS:
            raise UserError(f"{where} cars: {len(cars)}; give 1 to {MOST_CARS}")
        full = [tile for first, length, along in cars for tile in range(first, first + length * along, along)]
        if len(set(full)) < len(full) or (end in full and end not in full[-cars[-1][1] :]):
            raise UserError(f"{where} cars: two share a tile, or another one than the last is in the exit")
        shapes, at = tuple((length, along) for _, length, along in cars), tuple(first for first, _, _ in cars)
        return RushHourState(walls, cols, end, shapes, at)

    def canonical(self, state: RushHourState) -> bytes:
        """Everything up to rotation, reflection, and which of the other cars is which."""
        forms = []
        walls = [tile for tile, wall in enumerate(state.walls) if wall]
        for sides, moved in grid.symmetries(len(state.walls) // state.cols, state.cols):
            *others, own = (sorted(map(moved, _tiles(state, car))) for car in range(len(state.cars)))
            forms.append((sides, moved(state.exit), own, sorted(others), sorted(map(moved, walls))))
        return repr(min(forms)).encode()

    def plan(self, state: RushHourState, move: str) -> str:
        """What stands before the car that leaves, and the move."""
        car, way = int(move.partition(" ")[0]), move.partition(" ")[2]
        own = len(state.cars) - 1
        if car == own:
            where = "into the exit" if self.done(self.step(state, move)) else "in its lane"
            return f"Drive the car that leaves {way}, {where}."
        barring = [k for k in range(own) if set(_tiles(state, k)) & set(_onward(state))]
        todo = (
            f"{len(barring)} cars bar the way to the exit."
            if len(barring) != 1
            else "One car bars the way to the exit."
        )
        why = "which bars it" if car in barring else "to make room"
        return f"{todo} Move {_called(state, car)} {way}, {why}."

    def style_words(self, style: str) -> dict[str, str]:
        """With the colour of the car that leaves."""
        return {**super().style_words(style), "agent": f"{colour_name(_inks(self.style(style))[0])} car"}

    def tiles(self, state: RushHourState) -> Tiles:
        """(rows, cols) of WALL, FLOOR and the exit as GOAL."""
        codes = np.frombuffer(bytearray(state.walls), np.uint8)  # 1 and 0 are WALL and FLOOR
        codes[state.exit] = GOAL
        return codes.reshape(-1, state.cols)

    def pieces(self, state: RushHourState) -> tuple[str, ...]:
        """The cars: number of the colour, length and direction."""
        numbers = [*range(1, len(state.cars)), 0]
        ways = {1: "across"}
        return tuple(
            f"{k} {length} {ways.get(along, 'upright')}"
            for k, (length, along) in zip(numbers, state.cars, strict=True)
        )

    def places(self, state: RushHourState) -> Places:
        """(cars, 2): column and row of the first tile of each."""
        return np.array([(tile % state.cols, tile // state.cols) for tile in state.at], np.float32)

    def arranged(self, state: RushHourState, places: Places) -> RushHourState:
        """The state with the cars at these tiles (legal or not)."""
        return replace(state, at=tuple(int(y) * state.cols + int(x) for x, y in places))

    def piece(self, kind: str, style: Style, unit: float) -> Piece:
        """A car in its colour."""
        number, length, way = kind.split()
        ink = _inks(style)[int(number)]
        upright, cells = way == "upright", int(length)
        return long_piece(
            f"{colour_name(ink)} car", car(ink, _DARK, cells, upright), cells, unit, upright=upright
        )


def _tiles(state: RushHourState, car: int) -> range:
    """The tiles of a car."""
    (length, along), first = state.cars[car], state.at[car]
    return range(first, first + length * along, along)


def _onward(state: RushHourState) -> range:
    """The tiles from the car that leaves to the exit."""
    tiles = _tiles(state, len(state.cars) - 1)
    if state.exit > tiles[-1]:
        return range(tiles[-1] + tiles.step, state.exit + 1, tiles.step)
    return range(state.exit, tiles[0], tiles.step)


def _called(state: RushHourState, car: int) -> str:
    """A car in words."""
    return f"the car at {grid.at(state.at[car], state.cols)}"


def _listed(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise UserError(f"{what}: must be a list")
    return list(value)


def _read_car(value: Any, walls: bytes, cols: int) -> tuple[int, int, int]:
    """First tile, length and direction of a car, from its tiles in any order."""
    what = "rush_hour cars"
    tiles = sorted(grid.tile(each, walls, cols, what) for each in _listed(value, what))
    along = tiles[1] - tiles[0] if len(tiles) > 1 else 0
    straight = along in (1, cols) and tiles == list(range(tiles[0], tiles[0] + len(tiles) * along, along))
    if not 2 <= len(tiles) <= 3 or not straight or (along == 1 and tiles[0] // cols != tiles[-1] // cols):
        raise UserError(f"{what}: a car must be 2 or 3 tiles in a row, given are {value!r}")
    return tiles[0], len(tiles), along


@functools.lru_cache(maxsize=64)
def _inks(style: Style) -> list[Colour]:
    """Colours of the cars: red leaves, the others stand out from all else, and from each other."""
    looks = (style.floor, style.wall, style.goal)
    taken = [look.colour for look in looks if isinstance(look, Paint | Mark)]
    return [_OUT, *standing_out([*taken, _OUT], _INKS, MOST_CARS - 1)]


PUZZLE = RushHour()
