"""Sokoban: an agent pushes boxes onto targets, one at a time, and can never pull.

A move is one step of the agent, a walk or a push. The measure of `solve` is moves; `solve_pushes` makes
pushes least.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from genreason.puzzles import grid, pushing
from genreason.puzzles.base import Accept, Params, Places
from genreason.puzzles.tiles import GOAL, TilePuzzle, Tiles
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

_BOX_CODE, _TARGET_CODE, _AGENT_CODE = 2, 4, 8
MAX_BOXES = 8
LIMIT = 40_000
"""How many nodes `solve` expands before it gives up with an error (about 5 s and 300 MB)."""
SOON = 4_000  # and `solve_quickly`: as many as suffice for the boards that are sampled
_KEPT = 256  # solutions that are remembered

Boxes = Annotated[int, Field(ge=1, le=4)]


class SokobanParams(Params):
    """What a level of Sokoban is.

    Attributes:
        size: tiles a side, border included.
        boxes: number of boxes and of targets, or (least, most), each number as likely.
        wall_share: probability that an inner tile is a wall.
        min_moves: the least length of the shortest solution in moves.
        min_pushes: the least sum of push distances from boxes to targets.
        limit: how many nodes the solver may expand before a candidate is dropped.
        tries: how many candidates may be dropped by the solver; before it, so many one after the other.
    """

    size: Annotated[int, Field(ge=4, le=32)] = 8
    boxes: Boxes | tuple[Boxes, Boxes] = 1
    wall_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.1
    min_moves: Annotated[int, Field(ge=1)] = 2
    min_pushes: Annotated[int, Field(ge=1)] = 1
    limit: Annotated[int, Field(ge=1, le=LIMIT)] = 4_000
    tries: Annotated[int, Field(ge=1)] = 500

    @model_validator(mode="after")
    def _ordered(self) -> SokobanParams:
        if isinstance(self.boxes, tuple) and self.boxes[0] > self.boxes[1]:
            raise ValueError(f"boxes: {list(self.boxes)} must be (least, most)")
        return self


@dataclass(frozen=True, slots=True)
class SokobanState:
    """A board, its boxes and the agent.

    Attributes:
        walls: row-major tiles, 1 wall and 0 floor; shared by all states of one board.
        cols: number of columns.
        targets: tiles of the targets, ascending; shared too.
        boxes: tiles of the boxes; a box keeps its place in the tuple wherever it is pushed.
        agent: tile of the agent.
    """

    walls: bytes
    cols: int
    targets: tuple[int, ...]
    boxes: tuple[int, ...]
    agent: int


class Sokoban(TilePuzzle[SokobanState, str]):
    """The Sokoban family; moves are the words "up", "down", "left", "right"."""

    name: ClassVar[str] = "sokoban"
    params: ClassVar[type[Params]] = SokobanParams
    movers: ClassVar[tuple[str, ...]] = ("box", "agent")

    def sample(
        self, rng: np.random.Generator, params: SokobanParams, accept: Accept | None = None
    ) -> SokobanState:
        """A random board that the solver solves, with boxes only where they can be pushed to some target.

        `accept` is asked before the solver runs, so that it solves only boards of the wanted split.

        Raises:
            GenreasonError: no candidate passed within the tries.
        """
        least, most = params.boxes if isinstance(params.boxes, tuple) else (params.boxes, params.boxes)
        # drawn once, as candidates with few boxes are kept more often
        boxes = int(rng.integers(least, most + 1))
        misfits = unsolved = 0
        while max(misfits, unsolved) < params.tries:
            state = _candidate(rng, params, boxes)
            if state is None or _ground(state).bound(pushing.bits(state.boxes)) < params.min_pushes:
                misfits += 1
                continue
            misfits = 0
            if accept is not None and not accept(state):
                continue
            try:
                moves = _solve(state, "moves", params.limit)
            except pushing.LimitError:
                moves = None
            if moves is not None and len(moves) >= params.min_moves:
                return state
            unsolved += 1
        size = f"{params.size}x{params.size} with {boxes} boxes and wall_share {params.wall_share}"
        tight = f"min_moves {params.min_moves}, min_pushes {params.min_pushes}, limit {params.limit}"
        raise GenreasonError(f"no Sokoban of {size} has {tight} in {params.tries} tries: lower one of these")

    def solve(self, state: SokobanState) -> Solution[str] | None:
        """A solution with the fewest moves (among these, the fewest pushes); None proves that there is none.

        Raises:
            GenreasonError: the search was given up before either was known.
        """
        moves = _solve(state, "moves", LIMIT)
        return None if moves is None else Solution(moves)

    def solve_quickly(self, state: SokobanState) -> Solution[str] | None:
        """As `solve`, given up within half a second."""
        moves = _solve(state, "moves", SOON)
        return None if moves is None else Solution(moves)

    def solve_pushes(self, state: SokobanState) -> Solution[str] | None:
        """A solution with the fewest pushes (among these, the fewest moves); otherwise as `solve`."""
        moves = _solve(state, "pushes", LIMIT)
        return None if moves is None else Solution(moves)

    def moves(self, state: SokobanState) -> Iterable[str]:
        """The ways in which the agent can walk or push."""
        ways = grid.offsets(state.cols).items()
        return tuple(way for way, delta in ways if not _obstacle(state, state.agent + delta, delta))

    def step(self, state: SokobanState, move: str) -> SokobanState:
        """One tile on, pushing the box that stands there.

        Raises:
            IllegalMove: a wall is in the way, or the box cannot be pushed.
        """
        delta = grid.offset(move, state.cols)
        target = state.agent + delta
        reason = _obstacle(state, target, delta)
        if reason:
            raise IllegalMove(reason)
        boxes = state.boxes
        if target in boxes:
            boxes = tuple(target + delta if box == target else box for box in boxes)
        return SokobanState(state.walls, state.cols, state.targets, boxes, target)

    def done(self, state: SokobanState) -> bool:
        """Whether every box is on a target."""
        return tuple(sorted(state.boxes)) == state.targets

    def encode(self, state: SokobanState) -> tuple[Json, Json]:
        """`{"grid": rows, "boxes": [[row, col], ...], "agent": [row, col]}`, `{"targets": [...]}`."""
        cols = state.cols
        boxes = [grid.cell(box, cols) for box in state.boxes]
        record = {"grid": grid.text(state.walls, cols), "boxes": boxes, "agent": grid.cell(state.agent, cols)}
        return record, {"targets": [grid.cell(target, cols) for target in state.targets]}

    def decode(self, state: Json, goal: Json) -> SokobanState:
        """The inverse of `encode`; a box may stand on a target, and so may the agent."""
        walls, cols = grid.parse(grid.item(state, "grid", "sokoban"), "sokoban")
        agent = grid.tile(grid.item(state, "agent", "sokoban"), walls, cols, "sokoban agent")
        boxes = _places(grid.item(state, "boxes", "sokoban"), walls, cols, "sokoban boxes")
        targets = _places(grid.item(goal, "targets", "sokoban"), walls, cols, "sokoban targets")
        if len(boxes) != len(targets):
            raise UserError(f"sokoban targets: {len(targets)} for {len(boxes)} boxes; must be as many")
        if agent in boxes:
            raise UserError(f"sokoban agent: stands on the box at {grid.at(agent, cols)}")
        return SokobanState(walls, cols, tuple(sorted(targets)), boxes, agent)

    def canonical(self, state: SokobanState) -> bytes:
        """Walls, boxes, targets and agent up to rotation and reflection; boxes are alike."""
        codes = np.frombuffer(bytearray(state.walls), np.uint8)
        codes[list(state.boxes)] += _BOX_CODE
        codes[list(state.targets)] += _TARGET_CODE
        codes[state.agent] += _AGENT_CODE
        return grid.canonical(codes.reshape(-1, state.cols))

    def plan(self, state: SokobanState, move: str) -> str:
        """Where the agent is, which box is not home, and the walk or push."""
        cols = state.cols
        delta = grid.offset(move, cols)
        target = state.agent + delta
        where = f"I am at {grid.at(state.agent, cols)}."
        if target not in state.boxes:
            todo = [box for box in state.boxes if box not in state.targets]
            if not todo:
                return f"{where} All boxes are home. Walk {move}."
            return f"{where} {_errand(state, todo)} Walk {move}."
        end = target + delta
        if end in state.targets:
            return f"{where} Push the box at {grid.at(target, cols)} {move}, onto the target."
        leaving = ", off its target" if target in state.targets else ""
        return f"{where} Push the box at {grid.at(target, cols)} {move} to {grid.at(end, cols)}{leaving}."

    def tiles(self, state: SokobanState) -> Tiles:
        """(rows, cols) of WALL, FLOOR and a GOAL for each target."""
        codes = np.frombuffer(bytearray(state.walls), np.uint8)  # 1 and 0 are WALL and FLOOR
        codes[list(state.targets)] = GOAL
        return codes.reshape(-1, state.cols)

    def pieces(self, state: SokobanState) -> tuple[str, ...]:
        """The boxes, then the agent."""
        return ("box",) * len(state.boxes) + ("agent",)

    def places(self, state: SokobanState) -> Places:
        """(boxes + 1, 2): column and row of each box, then of the agent."""
        cols = state.cols
        return np.array([(at % cols, at // cols) for at in (*state.boxes, state.agent)], np.float32)

    def arranged(self, state: SokobanState, places: Places) -> SokobanState:
        """The state with boxes and agent at these cells (legal or not)."""
        *boxes, agent = (int(y) * state.cols + int(x) for x, y in places)
        return replace(state, boxes=tuple(boxes), agent=agent)


def _places(value: object, walls: bytes, cols: int, what: str) -> tuple[int, ...]:
    """Tiles of a list of [row, column], all different."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_BOXES:
        raise UserError(f"{what}: must be a list of 1 to {MAX_BOXES} [row, column]")
    places = tuple(grid.tile(each, walls, cols, what) for each in value)
    if len(set(places)) != len(places):
        raise UserError(f"{what}: two are at the same place")
    return places


def _obstacle(state: SokobanState, target: int, delta: int) -> str:
    """Why the agent cannot go to `target`, or nothing."""
    if state.walls[target]:
        return f"wall at {grid.at(target, state.cols)}"
    if target in state.boxes:
        behind = target + delta
        what = "a wall" if state.walls[behind] else "another box" if behind in state.boxes else ""
        if what:
            box, place = grid.at(target, state.cols), grid.at(behind, state.cols)
            return f"the box at {box} is blocked by {what} at {place}"
    return ""


def _errand(state: SokobanState, todo: list[int]) -> str:
    """The box off its target that is nearest to the agent, and where the nearest free target lies."""
    cols = state.cols
    box = min(todo, key=lambda tile: (grid.distance(state.agent, tile, cols), tile))
    free = [target for target in state.targets if target not in state.boxes]
    target = min(free, key=lambda tile: (grid.distance(box, tile, cols), tile))
    heading = grid.heading(box, target, cols)
    return f"The box at {grid.at(box, cols)} is not home; a free target is {heading} of it."


def _ground(state: SokobanState) -> pushing.Ground:
    return pushing.ground(state.walls, state.cols, state.targets)


def _candidate(rng: np.random.Generator, params: SokobanParams, count: int) -> SokobanState | None:
    """A board on which each box stands where it can be pushed to some target, if there is room for that."""
    side = params.size
    inner = (rng.random((side - 2, side - 2)) < params.wall_share).astype(np.uint8)
    walls = np.pad(inner, 1, constant_values=1).tobytes()
    order = [tile for tile in rng.permutation(side * side).tolist() if not walls[tile]]
    targets = tuple(sorted(order[:count]))
    live = pushing.ground(walls, side, targets).live
    boxes = tuple(tile for tile in order[count:] if live >> tile & 1)[:count]
    rest = [tile for tile in order[count:] if tile not in boxes]
    if len(boxes) < count or not rest:
        return None
    return SokobanState(walls, side, targets, boxes, rest[int(rng.integers(len(rest)))])


_solved: dict[tuple[SokobanState, pushing.Measure], tuple[str, ...] | None] = {}


def _solve(state: SokobanState, measure: pushing.Measure, limit: int) -> tuple[str, ...] | None:
    """The moves of a shortest solution; kept, because a state that was sampled is solved again when drawn."""
    key = (state, measure)
    if key not in _solved:
        found = pushing.search(_ground(state), pushing.bits(state.boxes), state.agent, measure, limit)
        if len(_solved) >= _KEPT:
            del _solved[next(iter(_solved))]
        _solved[key] = None if found is None else _in_moves(state, found)
    return _solved[key]


def _in_moves(state: SokobanState, found: list[pushing.Push]) -> tuple[str, ...]:
    """The moves that make these pushes, with the walks in between."""
    names = grid.names(state.cols)
    boxes, agent = set(state.boxes), state.agent
    moves: list[str] = []
    for _, box, delta in found:
        moves += [names[step] for step in _walk(state.walls, state.cols, boxes, agent, box - delta)]
        moves.append(names[delta])
        boxes ^= {box, box + delta}
        agent = box
    return tuple(moves)


def _walk(walls: bytes, cols: int, boxes: set[int], start: int, end: int) -> list[int]:
    """A shortest walk around the boxes: what each step adds to the tile."""
    came = {end: end}
    reached = [end]
    for tile in reached:  # grows while it is read; backwards, so that the steps come out in order
        if tile == start:
            break
        for near in (tile - cols, tile + 1, tile + cols, tile - 1):
            if not walls[near] and near not in boxes and near not in came:
                came[near] = tile
                reached.append(near)
    deltas = []
    while start != end:
        deltas.append(came[start] - start)
        start = came[start]
    return deltas


PUZZLE = Sokoban()
