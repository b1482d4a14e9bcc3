"""Trap fields: an agent crosses an open board, around the traps, to the goal.

There are no walls, and the board ends at its edge: a step onto a trap or off the board is illegal. Mostly
there are many shortest ways. The measure of `solve` is steps, each one tile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params, Places
from genreason.puzzles.tiles import FLOOR, GOAL, WALL, TilePuzzle, Tiles
from genreason.types import GenreasonError, IllegalMove, Json, Solution

_AGENT_CODE, _GOAL_CODE = 2, 4
_TRIES = 500
_DRAWS = 100  # goals that are drawn, of which the farthest is taken

Side = Annotated[int, Field(ge=3, le=64)]


class TrapfieldParams(Params):
    """What a level of trap fields is.

    Attributes:
        size: tiles a side, or (rows, columns).
        density: share of the tiles that may hold a trap which do.
        min_steps: the least length of a shortest way.
        detour: steps that a shortest way has at least beyond the distance to the goal. With 0 a way that has
            none is kept free, so that there never is a detour (as in VR-Bench, whose reserved way has a
            single turn; ours is any shortest way, each as likely). Otherwise traps may lie anywhere.
    """

    size: Side | tuple[Side, Side] = 7
    density: float = Field(default=0.3, ge=0.0, le=0.6)
    min_steps: int = Field(default=2, ge=1)
    detour: int = Field(default=0, ge=0)


@dataclass(frozen=True, slots=True)
class TrapfieldState:
    """A board and where the agent is.

    Attributes:
        traps: row-major tiles, 1 trap and 0 floor; shared by all states of one board.
        cols: number of columns.
        agent: tile of the agent, row * cols + column.
        goal: tile of the goal.
    """

    traps: bytes
    cols: int
    agent: int
    goal: int


class Trapfield(TilePuzzle[TrapfieldState, str]):
    """The family of trap fields; moves are the words "up", "down", "left", "right"."""

    name: ClassVar[str] = "trapfield"
    params: ClassVar[type[Params]] = TrapfieldParams
    kinds: ClassVar[tuple[str, ...]] = ("floor", "trap", "goal")
    walled: ClassVar[bool] = False

    def sample(
        self, rng: np.random.Generator, params: TrapfieldParams, accept: Accept | None = None
    ) -> TrapfieldState:
        """A random board; the start is any tile, the goal the farthest of 100 random ones.

        Raises:
            GenreasonError: 500 boards one after the other had no way as long as the parameters ask for.
        """
        rows, cols = params.size if isinstance(params.size, tuple) else (params.size, params.size)
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            agent, goal = _ends(rng, rows, cols)
            steps = grid.distance(agent, goal, cols)
            if params.detour == 0 and steps < params.min_steps:
                continue
            free = _way(rng, agent, goal, cols) if params.detour == 0 else [agent, goal]
            state = TrapfieldState(_scatter(rng, rows * cols, free, params.density), cols, agent, goal)
            if params.detour:
                found = self.solve(state)
                if found is None or len(found) < max(params.min_steps, steps + params.detour):
                    continue
            misfits = 0
            if accept is None or accept(state):
                return state
        wanted = f"min_steps {params.min_steps} and detour {params.detour} at density {params.density}"
        raise GenreasonError(f"no trapfield of {rows}x{cols} tiles has {wanted}: lower one of these")

    def solve(self, state: TrapfieldState) -> Solution[str] | None:
        """A shortest way to the goal in steps, or None where none leads there."""
        wide = state.cols + 2  # with a closed border, as the search needs it
        agent, goal = (
            wide * (tile // state.cols + 1) + tile % state.cols + 1 for tile in (state.agent, state.goal)
        )
        _, came = grid.flood(closed(state), wide, agent, goal)
        if not came[goal]:
            return None
        names = grid.names(wide)
        return Solution(tuple(names[delta] for delta in grid.trail(came, agent, goal)))

    def moves(self, state: TrapfieldState) -> Iterable[str]:
        """The ways that lead to a tile without a trap."""
        return tuple(way for way in grid.WAYS if not _obstacle(state, way))

    def step(self, state: TrapfieldState, move: str) -> TrapfieldState:
        """One tile on.

        Raises:
            IllegalMove: a trap is there, or the board ends.
        """
        delta = grid.offset(move, state.cols)
        reason = _obstacle(state, move)
        if reason:
            raise IllegalMove(reason)
        return TrapfieldState(state.traps, state.cols, state.agent + delta, state.goal)

    def done(self, state: TrapfieldState) -> bool:
        """Whether the agent is on the goal."""
        return state.agent == state.goal

    def openings(self, state: TrapfieldState) -> Places:
        """Traps with floor beside them."""
        tiles = self.tiles(state)
        near = np.pad(tiles == FLOOR, 1)
        beside = near[:-2, 1:-1] | near[2:, 1:-1] | near[1:-1, :-2] | near[1:-1, 2:]
        return np.argwhere(beside & (tiles == WALL))[:, ::-1].astype(np.float32)

    def encode(self, state: TrapfieldState) -> tuple[Json, Json]:
        """`{"grid": rows of "#" (trap) and ".", "agent": [row, col]}` and `{"goal": [row, col]}`."""
        cols = state.cols
        record = {"grid": grid.text(state.traps, cols), "agent": grid.cell(state.agent, cols)}
        return record, {"goal": grid.cell(state.goal, cols)}

    def decode(self, state: Json, goal: Json) -> TrapfieldState:
        """The inverse of `encode`; agent and goal may be any tile without a trap."""
        rows = grid.item(state, "grid", "trapfield")
        traps, cols = grid.parse(rows, "trapfield", closed=False, barrier="trap")
        agent = grid.item(state, "agent", "trapfield")
        end = grid.item(goal, "goal", "trapfield")
        agent = grid.tile(agent, traps, cols, "trapfield agent", barrier="trap")
        end = grid.tile(end, traps, cols, "trapfield goal", barrier="trap")
        return TrapfieldState(traps, cols, agent, end)

    def canonical(self, state: TrapfieldState) -> bytes:
        """Traps, agent and goal up to rotation and reflection."""
        codes = np.frombuffer(bytearray(state.traps), np.uint8)
        codes[state.agent] += _AGENT_CODE
        codes[state.goal] += _GOAL_CODE
        return grid.canonical(codes.reshape(-1, state.cols))

    def plan(self, state: TrapfieldState, move: str) -> str:
        """Where the agent is, where the goal lies, where traps bar the way, and the move."""
        cols = state.cols
        target = state.agent + grid.offset(move, cols)
        heading = grid.heading(state.agent, state.goal, cols)
        where = f"I am at {grid.at(state.agent, cols)}; the goal is {heading}."
        if target == state.goal:
            return f"{where} Go {move}, onto the goal."
        traps = [way for way in grid.WAYS if _obstacle(state, way).startswith("trap")]
        barred = f" Traps: {', '.join(traps)}." if traps else ""
        before, after = (grid.distance(tile, state.goal, cols) for tile in (state.agent, target))
        why = "towards the goal" if after < before else "away from the goal, to get around the traps"
        return f"{where}{barred} Go {move}, {why}."

    def tiles(self, state: TrapfieldState) -> Tiles:
        """(rows, cols) of WALL (traps), FLOOR and one GOAL."""
        codes = np.frombuffer(bytearray(state.traps), np.uint8)  # 1 and 0 are WALL and FLOOR
        codes[state.goal] = GOAL
        return codes.reshape(-1, state.cols)

    def pieces(self, state: TrapfieldState) -> tuple[str, ...]:
        """The agent alone."""
        return ("agent",)

    def places(self, state: TrapfieldState) -> Places:
        """(1, 2): the agent's column and row."""
        return np.array([[state.agent % state.cols, state.agent // state.cols]], np.float32)

    def arranged(self, state: TrapfieldState, places: Places) -> TrapfieldState:
        """The state with the agent at these cells (legal or not)."""
        return replace(state, agent=int(places[0, 1]) * state.cols + int(places[0, 0]))


def _obstacle(state: TrapfieldState, way: str) -> str:
    """Why the agent cannot go that way, or nothing."""
    cols = state.cols
    target = state.agent + grid.offset(way, cols)
    wrapped = way in ("left", "right") and target // cols != state.agent // cols
    if wrapped or not 0 <= target < len(state.traps):
        return "the board ends there"
    return f"trap at {grid.at(target, cols)}" if state.traps[target] else ""


def closed(state: TrapfieldState) -> bytes:
    """The board with a border of traps."""
    cols = state.cols
    inner = (state.traps[i : i + cols] for i in range(0, len(state.traps), cols))
    edge = b"\1" * (cols + 2)
    return edge + b"".join(b"\1" + row + b"\1" for row in inner) + edge


def _ends(rng: np.random.Generator, rows: int, cols: int) -> tuple[int, int]:
    """Start and goal."""
    drawn = rng.integers(0, rows * cols, _DRAWS + 1)
    agent = int(drawn[0])
    far = np.abs(drawn // cols - agent // cols) + np.abs(drawn % cols - agent % cols)
    return agent, int(drawn[int(far.argmax())])


def _way(rng: np.random.Generator, agent: int, goal: int, cols: int) -> list[int]:
    """The tiles of a shortest way over the board without traps, each such way as likely."""
    down, right = goal // cols - agent // cols, goal % cols - agent % cols
    steps = [cols if down > 0 else -cols] * abs(down) + [1 if right > 0 else -1] * abs(right)
    return [agent, *(agent + np.cumsum(rng.permutation(steps))).tolist()]


def _scatter(rng: np.random.Generator, tiles: int, free: list[int], density: float) -> bytes:
    """A board in which that share of the tiles that are not kept free holds a trap."""
    traps = np.zeros(tiles, np.uint8)
    rest = np.delete(np.arange(tiles), free)
    traps[rng.permutation(rest)[: int(density * len(rest))]] = 1
    return traps.tobytes()


PUZZLE = Trapfield()
