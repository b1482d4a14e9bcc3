"""Mazes: an agent walks from tile to tile to the goal.

Sampled mazes have rooms on odd rows and columns and are spanning trees of the rooms (perfect), or trees of
which dead ends were opened (braided, so that there is more than one way). Any walled grid with an agent and
a goal can be played and solved. The measure of `solve` is steps, each one tile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from genreason.puzzles import carving, grid
from genreason.puzzles.base import Accept, Params, Places
from genreason.puzzles.tiles import GOAL, TilePuzzle, Tiles
from genreason.types import GenreasonError, IllegalMove, Json, Solution

_AGENT_CODE, _GOAL_CODE = 2, 4
_TRIES = 200

Side = Annotated[int, Field(ge=2, le=64)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class MazeParams(Params):
    """What a level of mazes is.

    Attributes:
        rooms: rooms a side, or (rows, columns) of rooms; r rooms are 2 r + 1 tiles.
        algorithm: how the tree is drawn: `backtracker` (long corridors), `wilson` (uniform over all spanning
            trees), `prim` (many short dead ends), or `any`, one of the three for each maze.
        braid: share of dead ends that are opened in a braided maze.
        braid_share: share of mazes that are braided; the others are perfect.
        min_steps: the least number of tiles between start and goal.
    """

    rooms: Side | tuple[Side, Side] = 5
    algorithm: carving.Algorithm | Literal["any"] = "any"
    braid: Share = 0.0
    braid_share: Share = 1.0
    min_steps: int = Field(default=2, ge=1)


@dataclass(frozen=True, slots=True)
class MazeState:
    """A maze and where the agent is.

    Attributes:
        walls: row-major tiles, 1 wall and 0 floor; shared by all states of one maze.
        cols: number of columns.
        agent: tile of the agent, row * cols + column.
        goal: tile of the goal.
    """

    walls: bytes
    cols: int
    agent: int
    goal: int


class Maze(TilePuzzle[MazeState, str]):
    """The maze family; moves are the words "up", "down", "left", "right"."""

    name: ClassVar[str] = "maze"
    params: ClassVar[type[Params]] = MazeParams
    lines: ClassVar[bool] = True

    def sample(self, rng: np.random.Generator, params: MazeParams, accept: Accept | None = None) -> MazeState:
        """A random maze; the start is any room, the goal one of the third of rooms that lie farthest from it.

        Raises:
            GenreasonError: no goal was `min_steps` away in 200 mazes one after the other.
        """
        rows, cols = params.rooms if isinstance(params.rooms, tuple) else (params.rooms, params.rooms)
        misfits = 0
        while misfits < _TRIES:
            pick, braid, start, end = rng.random(4).tolist()
            algorithm = carving.ALGORITHMS[int(pick * 3)] if params.algorithm == "any" else params.algorithm
            walls = carving.carve(rng, rows, cols, algorithm)
            if params.braid and braid < params.braid_share:
                carving.open_dead_ends(rng, walls, rows, cols, params.braid)
            closed = carving.closed(rows, cols)
            agent = closed.rooms[int(start * len(closed.rooms))]
            reached, came = grid.flood(walls, 2 * cols + 1, agent)
            far = [p for p in reached if closed.fresh[p]][-max(1, rows * cols // 3) :]
            goal = far[int(end * len(far))]
            if len(grid.trail(came, agent, goal)) < params.min_steps:
                misfits += 1
                continue
            misfits = 0
            state = MazeState(bytes(walls), 2 * cols + 1, agent, goal)
            if accept is None or accept(state):
                return state
        raise GenreasonError(f"no maze of {rows}x{cols} rooms has {params.min_steps} steps: lower min_steps")

    def solve(self, state: MazeState) -> Solution[str] | None:
        """A shortest way to the goal in steps, or None where none leads there."""
        _, came = grid.flood(state.walls, state.cols, state.agent, state.goal)
        if not came[state.goal]:
            return None
        names = grid.names(state.cols)
        return Solution(tuple(names[delta] for delta in grid.trail(came, state.agent, state.goal)))

    def moves(self, state: MazeState) -> Iterable[str]:
        """The ways that no wall blocks."""
        ways = grid.offsets(state.cols).items()
        return tuple(way for way, delta in ways if not state.walls[state.agent + delta])

    def step(self, state: MazeState, move: str) -> MazeState:
        """One tile on.

        Raises:
            IllegalMove: a wall is in the way.
        """
        target = state.agent + grid.offset(move, state.cols)
        if state.walls[target]:
            raise IllegalMove(f"wall at {grid.at(target, state.cols)}")
        return MazeState(state.walls, state.cols, target, state.goal)

    def done(self, state: MazeState) -> bool:
        """Whether the agent is on the goal."""
        return state.agent == state.goal

    def encode(self, state: MazeState) -> tuple[Json, Json]:
        """`{"grid": rows of "#" and ".", "agent": [row, col]}` and `{"goal": [row, col]}`."""
        cols = state.cols
        record = {"grid": grid.text(state.walls, cols), "agent": grid.cell(state.agent, cols)}
        return record, {"goal": grid.cell(state.goal, cols)}

    def decode(self, state: Json, goal: Json) -> MazeState:
        """The inverse of `encode`, for any walled grid; agent and goal may be any floor tile."""
        walls, cols = grid.parse(grid.item(state, "grid", "maze"), "maze")
        agent = grid.tile(grid.item(state, "agent", "maze"), walls, cols, "maze agent")
        end = grid.tile(grid.item(goal, "goal", "maze"), walls, cols, "maze goal")
        return MazeState(walls, cols, agent, end)

    def canonical(self, state: MazeState) -> bytes:
        """Walls, agent and goal up to rotation and reflection."""
        codes = np.frombuffer(bytearray(state.walls), np.uint8)
        codes[state.agent] += _AGENT_CODE
        codes[state.goal] += _GOAL_CODE
        return grid.canonical(codes.reshape(-1, state.cols))

    def plan(self, state: MazeState, move: str) -> str:
        """Where the agent is, where the goal lies, what is open, and the move."""
        cols = state.cols
        ways = tuple(self.moves(state))
        target = state.agent + grid.offset(move, cols)
        goal = grid.heading(state.agent, state.goal, cols)
        where = f"I am at {grid.at(state.agent, cols)}; the goal is {goal}."
        if target == state.goal:
            return f"{where} Go {move}, onto the goal."
        if len(ways) == 1:
            return f"{where} Only {move} is open. Go {move}."
        before, after = (grid.distance(p, state.goal, cols) for p in (state.agent, target))
        why = "towards the goal" if after < before else "away from the goal, to get around the walls"
        return f"{where} Open: {', '.join(ways)}. Go {move}, {why}."

    def tiles(self, state: MazeState) -> Tiles:
        """(rows, cols) of WALL, FLOOR and one GOAL."""
        codes = np.frombuffer(bytearray(state.walls), np.uint8)  # 1 and 0 are WALL and FLOOR
        codes[state.goal] = GOAL
        return codes.reshape(-1, state.cols)

    def pieces(self, state: MazeState) -> tuple[str, ...]:
        """The agent alone."""
        return ("agent",)

    def places(self, state: MazeState) -> Places:
        """(1, 2): the agent's column and row."""
        return np.array([[state.agent % state.cols, state.agent // state.cols]], np.float32)

    def arranged(self, state: MazeState, places: Places) -> MazeState:
        """The state with the agent at these cells (legal or not)."""
        return replace(state, agent=int(places[0, 1]) * state.cols + int(places[0, 0]))


PUZZLE = Maze()
