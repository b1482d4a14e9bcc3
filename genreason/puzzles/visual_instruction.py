"""Visual instructions: arrows on the floor say where the agent must go, and it follows exactly these.

The agent begins beside its first arrow. It goes straight on until it comes to an arrow that counts, and on as
that one points, to the goal. Arrows of another colour mean nothing, wherever they lie. There is one legal
move at a time, so that the way is the only solution.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from genreason.perceive.track import Track
from genreason.puzzles import grid
from genreason.puzzles.base import Accept, Params, Places
from genreason.puzzles.tiles import FLOOR, GOAL, TilePuzzle, Tiles
from genreason.render.board import Board, blend
from genreason.render.lattice import Lattice
from genreason.render.marks import Colour, arrow
from genreason.render.plate import draw_piece
from genreason.render.styles import NAMED, Style, colour_name, standing_out
from genreason.replay import Replay, Tolerances
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

_TRIES = 500
_INKS = ("black", "white", "red", "blue", "yellow", "purple", "orange", "cyan", "green")
VISITED = 0.45  # cells from the middle of an arrow within which the agent must come to have followed it
PACE = 0.7  # cells from frame to frame up to which that can be told

Arrows = tuple[tuple[int, int], ...]
"""Tiles with an arrow, and the tile beside each to which it points; ascending."""


class VisualInstructionParams(Params):
    """What a level is.

    Attributes:
        size: tiles a side.
        arrows: least and most arrows that the agent follows.
        decoys: arrows that count, but do not lie on the way.
        ignored: arrows of the other colour; as many as find room lie on the way.
    """

    size: Annotated[int, Field(ge=5, le=12)] = 7
    arrows: tuple[int, int] = (3, 5)
    decoys: Annotated[int, Field(ge=0)] = 0
    ignored: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _possible(self) -> VisualInstructionParams:
        least, most = self.arrows
        if not 1 <= least <= most <= 2 * self.size:
            raise ValueError(f"arrows {least} to {most}: give 1 to twice the size, the smaller first")
        if self.decoys + self.ignored > self.size * self.size // 4:
            raise ValueError("decoys and ignored: together a quarter of the tiles at most")
        return self


@dataclass(frozen=True, slots=True)
class VisualInstructionState:
    """A floor with arrows, and where the agent is.

    Attributes:
        rows: number of rows.
        cols: number of columns.
        start: tile from which the agent begins.
        goal: tile of the goal.
        arrows: those that count; one lies beside the start.
        ignored: those of the other colour.
        agent: tile of the agent.
    """

    rows: int
    cols: int
    start: int
    goal: int
    arrows: Arrows
    ignored: Arrows
    agent: int


class VisualInstruction(TilePuzzle[VisualInstructionState, str]):
    """The family; moves are the words "up", "down", "left", "right"."""

    name: ClassVar[str] = "visual_instruction"
    params: ClassVar[type[Params]] = VisualInstructionParams
    kinds: ClassVar[tuple[str, ...]] = ("floor", "trap", "goal")  # there is no trap, but open boards' styles
    walled: ClassVar[bool] = False

    def sample(
        self, rng: np.random.Generator, params: VisualInstructionParams, accept: Accept | None = None
    ) -> VisualInstructionState:
        """A random way with an arrow at its first tile and at every turn.

        Raises:
            GenreasonError: 500 ways one after the other did not fit on the board.
        """
        misfits = 0
        while misfits < _TRIES:
            misfits += 1
            state = _candidate(rng, params)
            if state is None:
                continue
            misfits = 0
            if accept is None or accept(state):
                return state
        raise GenreasonError(
            f"no way with {params.arrows[0]} to {params.arrows[1]} arrows, {params.decoys} decoys and "
            f"{params.ignored} ignored ones fits on {params.size} x {params.size} tiles: raise size"
        )

    def solve(self, state: VisualInstructionState) -> Solution[str] | None:
        """The rest of the way, or None where the agent has left it or it does not lead to the goal."""
        way = _way(state)
        if state.agent not in way or way[-1] != state.goal:
            return None
        rest = way[way.index(state.agent) :]
        names = grid.names(state.cols)
        return Solution(tuple(names[b - a] for a, b in zip(rest, rest[1:], strict=False)))

    def moves(self, state: VisualInstructionState) -> Iterable[str]:
        """The way on, if there is one."""
        way = _way(state)
        if state.agent not in way[:-1]:
            return ()
        return (grid.names(state.cols)[way[way.index(state.agent) + 1] - state.agent],)

    def step(self, state: VisualInstructionState, move: str) -> VisualInstructionState:
        """One tile on.

        Raises:
            IllegalMove: that is not where the arrows lead.
        """
        delta = grid.offset(move, state.cols)
        onward = tuple(self.moves(state))
        if move not in onward:
            where = grid.at(state.agent, state.cols)
            raise IllegalMove(f"from {where} the arrows lead {onward[0] if onward else 'nowhere'}")
        return replace(state, agent=state.agent + delta)

    def done(self, state: VisualInstructionState) -> bool:
        """Whether the agent is on the goal."""
        return state.agent == state.goal

    def trace(self, state: VisualInstructionState, track: Track, rules: Tolerances) -> Replay:
        """As for all pieces; and the agent must have come to every arrow that it followed."""
        found = super().trace(state, track, rules)
        way, counted = _way(state), dict(state.arrows)
        passed = way[way.index(state.agent) :][: len(found.moves)]  # the tile it is on now may be ahead of it
        places = track.places_TN2[: found.broken_at, -1]
        for tile in passed[1:]:
            if tile not in counted:
                continue
            centre = np.array([tile % state.cols, tile // state.cols], np.float32)
            t = _missed(places, centre)
            if t is not None and (found.broken_at is None or t < found.broken_at):
                what = f"the agent passes by the arrow at {grid.at(tile, state.cols)}"
                return replace(found, broken_at=t, what=what, piece=0)
        return found

    def depth(self, state: VisualInstructionState, x: float, y: float) -> float:
        """How far (cells) a point lies outside the way's tiles: nowhere else may the agent be."""
        way = np.array([(tile % state.cols, tile // state.cols) for tile in _way(state)])
        return float(np.abs(way - np.array([x, y])).max(axis=1).min()) - 0.5

    def stands(self, state: VisualInstructionState) -> Places:
        """Floor tiles without arrow and agent."""
        signed = {tile for tile, _ in (*state.arrows, *state.ignored)}
        free = [k for k in range(state.rows * state.cols) if k not in signed | {state.agent, state.goal}]
        return np.array([(k % state.cols, k // state.cols) for k in free], np.float32).reshape(-1, 2)

    def openings(self, state: VisualInstructionState) -> Places:
        """Arrows: without one, the way would be another."""
        return np.array([(k % state.cols, k // state.cols) for k, _ in state.arrows], np.float32)

    def encode(self, state: VisualInstructionState) -> tuple[Json, Json]:
        """`{"grid", "start", "agent", "arrows": [[tile, to], ...], "ignored"}` and `{"goal"}`."""
        cols = state.cols
        record: Json = {
            "grid": ["." * cols] * state.rows,
            "start": grid.cell(state.start, cols),
            "agent": grid.cell(state.agent, cols),
            "arrows": _pairs(state.arrows, cols),
        }
        if state.ignored:
            record["ignored"] = _pairs(state.ignored, cols)
        return record, {"goal": grid.cell(state.goal, cols)}

    def decode(self, state: Json, goal: Json) -> VisualInstructionState:
        """The inverse of `encode`; one arrow that counts must lie beside the start."""
        where = self.name
        floor, cols = grid.parse(grid.item(state, "grid", where), where, closed=False)
        start, agent = (
            grid.tile(grid.item(state, k, where), floor, cols, f"{where} {k}") for k in ("start", "agent")
        )
        end = grid.tile(grid.item(goal, "goal", where), floor, cols, f"{where} goal")
        arrows, ignored = (
            _read_arrows(state.get(k, []), floor, cols, f"{where} {k}") for k in ("arrows", "ignored")
        )
        if len([tile for tile, _ in arrows if grid.distance(tile, start, cols) == 1]) != 1:
            raise UserError(f"{where} arrows: just one must lie beside the start")
        if set(dict(arrows)) & set(dict(ignored)):
            raise UserError(f"{where} ignored: there is another arrow in the same place")
        return VisualInstructionState(len(floor) // cols, cols, start, end, arrows, ignored, agent)

    def canonical(self, state: VisualInstructionState) -> bytes:
        """Everything up to rotation and reflection."""
        forms = []
        for sides, moved in grid.symmetries(state.rows, state.cols):
            spots = [moved(tile) for tile in (state.start, state.agent, state.goal)]
            arrows = [sorted((moved(a), moved(b)) for a, b in part) for part in (state.arrows, state.ignored)]
            forms.append((sides, spots, arrows))
        return repr(min(forms)).encode()

    def plan(self, state: VisualInstructionState, move: str) -> str:
        """Where the agent is, what lies there, and the move."""
        where = f"I am at {grid.at(state.agent, state.cols)}"
        if state.agent == state.start:
            return f"{where}; the arrow beside me lies {move} of here. Go {move}, onto it."
        if state.agent in dict(state.arrows):
            return f"{where}, on an arrow that points {move}. Go {move}."
        other = "an arrow of the other colour" if state.agent in dict(state.ignored) else "no arrow"
        return f"{where}; there is {other} here. Go straight on, {move}."

    def style_words(self, style: str) -> dict[str, str]:
        """With the colours of the arrows."""
        inks = _inks(self.style(style))
        return {**super().style_words(style), "ink": colour_name(inks[0]), "other": colour_name(inks[1])}

    def tiles(self, state: VisualInstructionState) -> Tiles:
        """(rows, cols) of FLOOR and one GOAL."""
        codes = np.full(state.rows * state.cols, FLOOR, np.uint8)
        codes[state.goal] = GOAL
        return codes.reshape(state.rows, state.cols)

    def pieces(self, state: VisualInstructionState) -> tuple[str, ...]:
        """The agent alone."""
        return ("agent",)

    def places(self, state: VisualInstructionState) -> Places:
        """(1, 2): the agent's column and row."""
        return np.array([[state.agent % state.cols, state.agent // state.cols]], np.float32)

    def arranged(self, state: VisualInstructionState, places: Places) -> VisualInstructionState:
        """The state with the agent at this cell (legal or not)."""
        return replace(state, agent=int(places[0, 1]) * state.cols + int(places[0, 0]))

    def scene(
        self,
        state: VisualInstructionState,
        style: Style,
        grid: Json,
        size: tuple[int, int],
        rng: np.random.Generator,
    ) -> Board:
        """The board with arrows on its floor."""
        board, lattice = super().scene(state, style, grid, size, rng), Lattice.from_json(grid)
        ways = {-state.cols: "up", state.cols: "down", -1: "left", 1: "right"}
        for signs, ink in zip((state.arrows, state.ignored), _inks(style), strict=True):
            for tile, to in signs:
                piece = draw_piece("arrow", arrow(ways[to - tile], ink), lattice.cell_w)
                x, y = lattice.pixels((tile % state.cols, tile // state.cols))
                blend(board.plate, piece, float(x), float(y))
        return board


@functools.lru_cache(maxsize=256)
def _followed(rows: int, cols: int, start: int, goal: int, arrows: Arrows) -> tuple[int, ...]:
    """The tiles of the way, as far as it leads without coming to a tile again."""
    points = dict(arrows)
    first = next(tile for tile in points if grid.distance(tile, start, cols) == 1)
    way, delta = [start], first - start
    while way[-1] != goal:
        delta = points[way[-1]] - way[-1] if way[-1] in points else delta
        to = way[-1] + delta
        if to in way or not 0 <= to < rows * cols or grid.distance(way[-1], to, cols) != 1:
            break
        way.append(to)
    return tuple(way)


def _way(state: VisualInstructionState) -> tuple[int, ...]:
    return _followed(state.rows, state.cols, state.start, state.goal, state.arrows)


def _missed(places_T2: Places, centre: Places) -> int | None:
    """When the agent was nearest to a place that it never came to, or None where it did or went too fast."""
    if len(places_T2) < 2:
        return None
    a, b = places_T2[:-1], places_T2[1:]
    shares = np.linspace(0, 1, 9, dtype=np.float32)[:, None, None]
    away = np.abs(a + shares * (b - a) - centre).max(axis=-1).min(axis=0)
    t = int(away.argmin())
    slow = float(np.abs(b - a)[max(t - 1, 0) : t + 2].max()) <= PACE
    return t if slow and away[t] > VISITED else None


def _candidate(rng: np.random.Generator, params: VisualInstructionParams) -> VisualInstructionState | None:
    """A way that turns at every arrow, and arrows that have nothing to do with it."""
    n = params.size
    count = int(rng.integers(params.arrows[0], params.arrows[1] + 1))
    start, deltas = int(rng.integers(n * n)), [-n, n, -1, 1]
    delta = deltas[int(rng.integers(4))]
    way, turns = [start], []
    for k in range(count + 1):
        for _ in range(1 if k == 0 else int(rng.integers(1 if n < 6 else 2, max(n // 2, 3) + 1))):
            to = way[-1] + delta
            if to in way or not 0 <= to < n * n or grid.distance(way[-1], to, n) != 1:
                return None
            way.append(to)
        if k < count:
            turns.append(way[-1])
            side = [d for d in deltas if abs(d) != abs(delta)]
            delta = side[int(rng.integers(2))] if k or rng.integers(2) else delta
    points = [(tile, way[way.index(tile) + 1]) for tile in turns]
    near = {tile for tile in range(n * n) if grid.distance(tile, start, n) <= 1}
    if near & set(turns[1:]) or way[-1] in near:
        return None
    free = [k for k in range(n * n) if k not in near | set(way)]
    plain = [k for k in way[1:-1] if k not in near | set(turns)]
    decoys = rng.permutation(free)[: params.decoys].tolist()
    rest = [k for k in free if k not in decoys]
    on_way = rng.permutation(plain)[: params.ignored].tolist()
    ignored = [*on_way, *rng.permutation(rest)[: params.ignored - len(on_way)].tolist()]
    if len(decoys) < params.decoys or len(ignored) < params.ignored:
        return None
    signs = []
    for tiles in (decoys, ignored):
        pairs = []
        for tile in tiles:
            inside = [tile + d for d in deltas if 0 <= tile + d < n * n]
            inside = [to for to in inside if grid.distance(tile, to, n) == 1]
            if tile in on_way:  # it must say something else than the way does
                inside.remove(way[way.index(tile) + 1])
            pairs.append((tile, inside[int(rng.integers(len(inside)))]))
        signs.append(pairs)
    counted = tuple(sorted([*points, *signs[0]]))
    return VisualInstructionState(n, n, start, way[-1], counted, tuple(sorted(signs[1])), start)


def _pairs(arrows: Arrows, cols: int) -> list[list[list[int]]]:
    return [[grid.cell(tile, cols), grid.cell(to, cols)] for tile, to in arrows]


def _read_arrows(value: Any, floor: bytes, cols: int, what: str) -> Arrows:
    """Arrows of a list of [tile, tile beside it], each [row, column]."""
    if not isinstance(value, list | tuple) or not all(
        isinstance(v, list | tuple) and len(v) == 2 for v in value
    ):
        raise UserError(f"{what}: must be a list of [[row, column], [row, column]]")
    arrows = [(grid.tile(a, floor, cols, what), grid.tile(b, floor, cols, what)) for a, b in value]
    if any(grid.distance(a, b, cols) != 1 for a, b in arrows) or len(dict(arrows)) < len(arrows):
        raise UserError(f"{what}: an arrow must point to a tile beside it, and two cannot share a tile")
    return tuple(sorted(arrows))


@functools.lru_cache(maxsize=64)
def _inks(style: Style) -> tuple[Colour, Colour]:
    """Colours of the arrows that count and of the others: those that stand out best."""
    looks = [style.floor, style.agent, style.goal]
    taken = [look.colour for look in looks if hasattr(look, "colour")]
    found = standing_out(taken or [NAMED["gray"]], _INKS, 2)
    return found[0], found[1]


PUZZLE = VisualInstruction()
