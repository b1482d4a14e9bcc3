"""Robot navigation: a robot crosses rooms with obstacles, fetches keys, and opens doors of their colours.

A key is taken by driving over it, and vanishes then; a closed door vanishes when the robot that has its key
drives into it. A key may open several doors. The measure of `solve` is steps, each one tile.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params, Places
from genreason.puzzles.rooms import rooms_with_doors
from genreason.puzzles.tiles import GOAL, TilePuzzle, Tiles
from genreason.render.board import Piece
from genreason.render.marks import Colour, Mark, door, key
from genreason.render.plate import draw_piece
from genreason.render.styles import Paint, Style, colour_name, standing_out
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

_TRIES = 1000
MOST_KEYS = 3
_INKS = ("red", "blue", "yellow", "purple", "orange", "cyan", "green", "pink", "lime", "brown")
_DARK: Colour = (30, 28, 34)
_KEY_NEAR, _DOOR_NEAR = 0.95, 1.3  # cells from which a key may be taken, or a door opened
_KEY_GOES, _DOOR_GOES = 0.4, 0.75  # at which they vanish in clips of ours
_AGENT_CODE, _GOAL_CODE = 2, 4


class RobotNavigationParams(Params):
    """What a level is.

    Attributes:
        size: tiles a side, border included.
        keys: keys, each of another colour, or (least, most).
        doors: doors beyond one for each key.
        obstacles: share of the tiles in the rooms that may hold an obstacle.
        min_steps: the least length of a shortest way, which needs every key.
    """

    size: Annotated[int, Field(ge=5, le=20)] = 9
    keys: int | tuple[int, int] = (1, 2)
    doors: Annotated[int, Field(ge=0, le=4)] = 0
    obstacles: Annotated[float, Field(ge=0.0, le=0.5)] = 0.15
    min_steps: Annotated[int, Field(ge=2)] = 4

    @property
    def span(self) -> tuple[int, int]:
        """Least and most keys."""
        return self.keys if isinstance(self.keys, tuple) else (self.keys, self.keys)

    @model_validator(mode="after")
    def _possible(self) -> RobotNavigationParams:
        least, most = self.span
        if not 0 <= least <= most <= MOST_KEYS:
            raise ValueError(f"keys {least} to {most}: give 0 to {MOST_KEYS}, the smaller first")
        if self.doors and not least:
            raise ValueError(f"doors: {self.doors} more doors, but there may be no key: raise keys")
        if 2 * (most + self.doors) > self.size - 3:
            raise ValueError(f"size {self.size} has no room for {most + self.doors} doors: raise size")
        return self


@dataclass(frozen=True, slots=True)
class RobotNavigationState:
    """Rooms, keys and doors, and where the robot is.

    Attributes:
        walls: row-major tiles, 1 obstacle or wall and 0 floor; shared by all states of one puzzle.
        cols: number of columns.
        goal: tile of the goal.
        keys: tile of each key, one of a colour; shared.
        doors: tile and key (its number) of each door, ascending; shared.
        taken: keys that the robot has.
        opened: doors that are open (places in `doors`).
        agent: tile of the robot.
    """

    walls: bytes
    cols: int
    goal: int
    keys: tuple[int, ...]
    doors: tuple[tuple[int, int], ...]
    taken: frozenset[int]
    opened: frozenset[int]
    agent: int


class RobotNavigation(TilePuzzle[RobotNavigationState, str]):
    """The family; moves are the words "up", "down", "left", "right"."""

    name: ClassVar[str] = "robot_navigation"
    params: ClassVar[type[Params]] = RobotNavigationParams

    def sample(
        self, rng: np.random.Generator, params: RobotNavigationParams, accept: Accept | None = None
    ) -> RobotNavigationState:
        """Random rooms whose shortest way needs every key.

        Raises:
            GenreasonError: 1000 rooms one after the other had no such way.
        """
        least, most = params.span
        count = int(rng.integers(least, most + 1))
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            state = _candidate(rng, params, count)
            way = None if state is None else self.solve(state)
            if state is None or way is None or len(way) < params.min_steps:
                continue
            end = functools.reduce(self.step, way.moves, state)
            if len(end.taken) < count or len({state.doors[i][1] for i in end.opened}) < count:
                continue
            misfits = 0
            if accept is None or accept(state):
                return state
        raise GenreasonError(
            f"no rooms of {params.size} x {params.size} with {count} keys, {params.doors} more doors and "
            f"obstacles {params.obstacles} need {params.min_steps} steps: lower min_steps or obstacles"
        )

    def solve(self, state: RobotNavigationState) -> Solution[str] | None:
        """A shortest way to the goal in steps, or None where there is none."""
        locks = {tile: k for i, (tile, k) in enumerate(state.doors) if i not in state.opened}
        found = {tile: 1 << k for k, tile in enumerate(state.keys)}
        start = (state.agent, sum(1 << k for k in state.taken))
        came: dict[tuple[int, int], tuple[tuple[int, int], str] | None] = {start: None}
        reached = [start]
        ways = grid.offsets(state.cols).items()
        for at in reached:  # grows while it is read
            if at[0] == state.goal:
                moves, back = [], came[at]
                while back is not None:
                    moves.append(back[1])
                    back = came[back[0]]
                return Solution(tuple(moves[::-1]))
            for way, delta in ways:
                tile = at[0] + delta
                if state.walls[tile] or (tile in locks and not at[1] >> locks[tile] & 1):
                    continue
                after = (tile, at[1] | found.get(tile, 0))
                if after not in came:
                    came[after] = (at, way)
                    reached.append(after)
        return None

    def moves(self, state: RobotNavigationState) -> Iterable[str]:
        """The ways that nothing bars."""
        return tuple(way for way in grid.WAYS if not _obstacle(state, way))

    def step(self, state: RobotNavigationState, move: str) -> RobotNavigationState:
        """One tile on; takes the key and opens the door that is there.

        Raises:
            IllegalMove: an obstacle is there, or a door whose key the robot has not.
        """
        target = state.agent + grid.offset(move, state.cols)
        reason = _obstacle(state, move)
        if reason:
            raise IllegalMove(reason)
        taken = state.taken | {k for k, tile in enumerate(state.keys) if tile == target}
        opened = state.opened | {i for i, (tile, _) in enumerate(state.doors) if tile == target}
        return replace(state, agent=target, taken=taken, opened=opened)

    def done(self, state: RobotNavigationState) -> bool:
        """Whether the robot is on the goal."""
        return state.agent == state.goal

    def encode(self, state: RobotNavigationState) -> tuple[Json, Json]:
        """`{"grid", "agent", "keys": [tile, ...], "doors": [tiles of each key's doors], "taken", "open"}`.

        Fields of what there is not are left out. The goal is `{"goal"}`; tiles are [row, column].
        """
        cols = state.cols
        doors = [
            [grid.cell(tile, cols) for tile, own in state.doors if own == k] for k in range(len(state.keys))
        ]
        fields: Json = {
            "keys": [grid.cell(tile, cols) for tile in state.keys],
            "doors": doors,
            "taken": [grid.cell(state.keys[k], cols) for k in sorted(state.taken)],
            "open": [grid.cell(state.doors[i][0], cols) for i in sorted(state.opened)],
        }
        record = {"grid": grid.text(state.walls, cols), "agent": grid.cell(state.agent, cols)}
        return {**record, **{k: v for k, v in fields.items() if v}}, {"goal": grid.cell(state.goal, cols)}

    def decode(self, state: Json, goal: Json) -> RobotNavigationState:
        """The inverse of `encode`; every key must have a door, and nothing may share a tile with another."""
        where = self.name
        walls, cols = grid.parse(grid.item(state, "grid", where), where)
        agent = grid.tile(grid.item(state, "agent", where), walls, cols, f"{where} agent")
        end = grid.tile(grid.item(goal, "goal", where), walls, cols, f"{where} goal")
        keys, taken, opened = (
            _tiles(state.get(k, []), walls, cols, f"{where} {k}") for k in ("keys", "taken", "open")
        )
        rows = state.get("doors", [])
        if not isinstance(rows, list | tuple) or len(rows) != len(keys) or not all(rows):
            raise UserError(
                f"{where} doors: must be a list of at least one door for each of {len(keys)} keys"
            )
        doors = sorted(
            (tile, k) for k, row in enumerate(rows) for tile in _tiles(row, walls, cols, f"{where} doors")
        )
        places = [*keys, *(tile for tile, _ in doors), end]
        if len(set(places)) < len(places):
            raise UserError(f"{where}: keys, doors and the goal must all be on different tiles")
        at = {tile: i for i, (tile, _) in enumerate(doors)}
        if not set(taken) <= set(keys) or not set(opened) <= set(at):
            raise UserError(f"{where}: what is taken must be one of keys, what is open one of doors")
        held, gone = frozenset(keys.index(tile) for tile in taken), frozenset(at[tile] for tile in opened)
        return RobotNavigationState(walls, cols, end, keys, tuple(doors), held, gone, agent)

    def canonical(self, state: RobotNavigationState) -> bytes:
        """Everything up to rotation, reflection and which key has which colour."""
        plain = np.frombuffer(bytearray(state.walls), np.uint8)
        plain[state.agent] += _AGENT_CODE
        plain[state.goal] += _GOAL_CODE
        forms = []
        for order in itertools.permutations(range(len(state.keys))):
            codes = plain.copy()
            for k, tile in enumerate(state.keys):
                codes[tile] += 8 + 8 * order[k] + 32 * (k in state.taken)
            for i, (tile, k) in enumerate(state.doors):
                codes[tile] += 72 + 8 * order[k] + 32 * (i in state.opened)
            forms.append(grid.canonical(codes.reshape(-1, state.cols)))
        return min(forms)

    def plan(self, state: RobotNavigationState, move: str) -> str:
        """Where the robot is, what it has, what it wants next, and the move."""
        cols = state.cols
        target = state.agent + grid.offset(move, cols)
        has = f" I have {len(state.taken)} of {len(state.keys)} keys." if state.keys else ""
        heading = grid.heading(state.agent, state.goal, cols)
        where = f"I am at {grid.at(state.agent, cols)}; the goal is {heading}.{has}"
        if target == state.goal:
            return f"{where} Go {move}, onto the goal."
        if target in state.keys and state.keys.index(target) not in state.taken:
            return f"{where} Go {move}, onto the key, and take it."
        if any(tile == target and i not in state.opened for i, (tile, _) in enumerate(state.doors)):
            return f"{where} Go {move}, through the door, whose key I have."
        return f"{where} Go {move}."

    def tiles(self, state: RobotNavigationState) -> Tiles:
        """(rows, cols) of WALL, FLOOR and one GOAL."""
        codes = np.frombuffer(bytearray(state.walls), np.uint8)  # 1 and 0 are WALL and FLOOR
        codes[state.goal] = GOAL
        return codes.reshape(-1, state.cols)

    def pieces(self, state: RobotNavigationState) -> tuple[str, ...]:
        """Keys and doors with their colours' numbers, then the agent."""
        keys = (f"key {k}" for k in range(len(state.keys)))
        return (*keys, *(f"door {k}" for _, k in state.doors), "agent")

    def places(self, state: RobotNavigationState) -> Places:
        """(keys + doors + 1, 2): columns and rows, of keys that were taken and open doors too."""
        tiles = (*state.keys, *(tile for tile, _ in state.doors), state.agent)
        return np.array([(tile % state.cols, tile // state.cols) for tile in tiles], np.float32)

    def arranged(self, state: RobotNavigationState, places: Places) -> RobotNavigationState:
        """The state with the robot at this cell (legal or not)."""
        return replace(state, agent=int(places[-1, 1]) * state.cols + int(places[-1, 0]))

    def gone(self, state: RobotNavigationState) -> tuple[bool, ...]:
        """Keys that were taken and doors that are open."""
        keys = (k in state.taken for k in range(len(state.keys)))
        return (*keys, *(i in state.opened for i in range(len(state.doors))), False)

    def without(self, state: RobotNavigationState, gone: Sequence[bool]) -> RobotNavigationState:
        """The state in which these keys are taken and these doors open, and what is under the robot."""
        under = (*state.keys, *(tile for tile, _ in state.doors))
        is_gone = [which or tile == state.agent for which, tile in zip(gone, under, strict=False)]
        keys, doors = is_gone[: len(state.keys)], is_gone[len(state.keys) :]
        taken, opened = (frozenset(np.flatnonzero(part).tolist()) for part in (keys, doors))
        return replace(state, taken=taken, opened=opened)

    def reach(self, state: RobotNavigationState) -> tuple[float, ...]:
        """From how near each may be taken."""
        return (*(_KEY_NEAR for _ in state.keys), *(_DOOR_NEAR for _ in state.doors), 0.0)

    def there(self, state: RobotNavigationState, places_TN2: Places) -> npt.NDArray[np.float32]:
        """Keys until the robot is on them; doors until the robot that has their key comes to them."""
        near_TN = np.abs(places_TN2 - places_TN2[:, -1:]).max(axis=-1)
        out = np.ones(near_TN.shape, np.float32)
        count = len(state.keys)
        for k in range(count):
            taken = np.logical_or.accumulate(near_TN[:, k] < _KEY_GOES)
            out[taken | (k in state.taken), k] = 0
        for i, (_, k) in enumerate(state.doors):
            opens = (near_TN[:, count + i] < _DOOR_GOES) & (out[:, k] == 0)
            out[np.logical_or.accumulate(opens) | (i in state.opened), count + i] = 0
        return out

    def piece(self, kind: str, style: Style, unit: float) -> Piece:
        """Keys and doors in colours that stand out in the style."""
        what, _, number = kind.partition(" ")
        if not number:
            return super().piece(kind, style, unit)
        ink = _inks(style)[int(number)]
        look = (key if what == "key" else door)(ink, _DARK)
        return replace(draw_piece(f"{colour_name(ink)} {what}", look, unit), fixed=True)


def _obstacle(state: RobotNavigationState, way: str) -> str:
    """Why the robot cannot go that way, or nothing."""
    target = state.agent + grid.offset(way, state.cols)
    if state.walls[target]:
        return f"obstacle at {grid.at(target, state.cols)}"
    for i, (tile, k) in enumerate(state.doors):
        if tile == target and i not in state.opened and k not in state.taken:
            return f"the door at {grid.at(target, state.cols)} is closed, and its key was not taken"
    return ""


def _tiles(value: Any, walls: bytes, cols: int, what: str) -> tuple[int, ...]:
    """Tiles of a list of [row, column]."""
    if not isinstance(value, list | tuple):
        raise UserError(f"{what}: must be a list of [row, column]")
    return tuple(grid.tile(each, walls, cols, what) for each in value)


def _candidate(
    rng: np.random.Generator, params: RobotNavigationParams, count: int
) -> RobotNavigationState | None:
    """Rooms with things at random places, or None where they found no room."""
    found = rooms_with_doors(rng, params.size, count + params.doors if count else 0, params.obstacles)
    if found is None:
        return None
    walls, doorways = found
    colours = [*range(count), *(int(rng.integers(count)) for _ in range(params.doors if count else 0))]
    doors = sorted(zip(doorways, (colours[i] for i in rng.permutation(len(colours))), strict=True))
    free = [tile for tile in rng.permutation(len(walls)).tolist() if not walls[tile] and tile not in doorways]
    if len(free) < count + 2:
        return None
    keys, (agent, goal) = tuple(free[:count]), free[count : count + 2]
    none: frozenset[int] = frozenset()
    return RobotNavigationState(bytes(walls), params.size, goal, keys, tuple(doors), none, none, agent)


@functools.lru_cache(maxsize=64)
def _inks(style: Style) -> list[Colour]:
    """Colours of the keys: those that stand out best from all else in the style, and from each other."""
    looks = (style.floor, style.wall, style.agent, style.goal)
    return standing_out([look.colour for look in looks if isinstance(look, Paint | Mark)], _INKS, MOST_KEYS)


PUZZLE = RobotNavigation()
