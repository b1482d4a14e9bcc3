"""Mazes of cubes in space: a ball rolls over cubes and climbs ladders to the goal cube.

The rules are VR-Bench's: a walk leads over two cubes (`forward_right` -x, `forward_left` -y, `backward_left`
+x, `backward_right` +y), a ladder up or down three. In the picture the ball moves along straight lines from
cube to cube; `camera` says where they are. The measure of `solve` is their length in the picture.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field, field_validator

from genreason import seeds
from genreason.perceive.scaffold import take_apart
from genreason.puzzles import scaffold as built
from genreason.puzzles.base import Accept, Params, Places
from genreason.puzzles.roads import APART, Network, Road, RoadPuzzle, RoadState
from genreason.puzzles.scaffold import MOVES, Builder, Scaffold
from genreason.render.board import Board, Piece
from genreason.render.camera import Camera
from genreason.render.cubes import SIDES, Cube
from genreason.render.cubestyles import STYLES, CubeStyle, draw_scaffold
from genreason.render.lattice import Lattice
from genreason.render.marks import paint
from genreason.types import GenreasonError, Instance, Json, UserError, unknown

BACK = ("forward_right", "forward_left", "up")
MARGIN = 1.0  # cells around the scaffold in a picture
HEADROOM = 0.6  # cells from the middle of the ball up to which it reaches
LEAST_CELL = 10  # pixels of a cell below which compression leaves too little of the ball to be sure of it
_TRIES = 200

Size = Annotated[int, Field(ge=2, le=40)]
Count = Annotated[int, Field(ge=0, le=60)]
Range = tuple[Count, Count]


class Maze3dParams(Params):
    """What a level is; pairs are least and most.

    Attributes:
        grid: cubes in x, y and z.
        segments: walks and ladders from start to goal.
        branches: ways that lead astray.
        branch_segments: walks and ladders of a branch.
        directions: `back`: away from the viewer and up alone, as in VR-Bench; `any`: all six moves.
    """

    grid: tuple[Size, Size, Size] = (8, 8, 7)
    segments: Range = (5, 7)
    branches: Range = (3, 4)
    branch_segments: Range = (1, 2)
    directions: Literal["back", "any"] = "back"

    @field_validator("segments", "branches", "branch_segments")
    @classmethod
    def _in_order(cls, ends: tuple[int, int]) -> tuple[int, int]:
        if ends[0] > ends[1]:
            raise ValueError(f"the least, {ends[0]}, is more than the most, {ends[1]}")
        return ends

    @field_validator("segments", "branch_segments")
    @classmethod
    def _not_none(cls, ends: tuple[int, int]) -> tuple[int, int]:
        if ends[0] < 1:
            raise ValueError("there is one at least")
        return ends


@dataclass(frozen=True)
class Maze3dState(RoadState):
    """A scaffold and where the ball is.

    Attributes:
        scaffold: cubes and ladders.
        cubes: of the network's nodes, in their order.
        camera: from space to places in cells.
    """

    scaffold: Scaffold
    cubes: tuple[Cube, ...]
    camera: Camera


class Maze3d(RoadPuzzle[Maze3dState, str]):
    """The family of mazes in space; moves are the six words."""

    name: ClassVar[str] = "maze3d"
    params: ClassVar[type[Params]] = Maze3dParams

    # -- sampling --------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: Maze3dParams, accept: Accept | None = None
    ) -> Maze3dState:
        """A random scaffold: a way to the goal and branches off it; nothing hides a part that matters.

        Raises:
            GenreasonError: 200 builds one after the other got stuck before they were large enough.
        """
        misfits = 0
        while misfits < _TRIES:
            found = _build(rng, params)
            if found is None:
                misfits += 1
                continue
            misfits = 0
            builder, goal = found
            state = _state(builder.scaffold(), builder.start, goal, _camera(builder.cubes))
            if accept is None or accept(state):
                return state
        raise GenreasonError(
            f"no scaffold in a grid of {params.grid} has {params.segments[0]} segments and "
            f"{params.branches[0]} branches: lower segments or branches"
        )

    # -- forms -----------------------------------------------------------------------------------------------
    def encode(self, state: Maze3dState) -> tuple[Json, Json]:
        """`{"cubes": [[x, y, z], ...], "ladders": bases, "agent", "camera": rows}` and `{"goal": cube}`."""
        record = {
            "cubes": [list(cube) for cube in sorted(state.scaffold.cubes)],
            "ladders": [list(cube) for cube in sorted(state.scaffold.ladders)],
            "agent": list(state.cubes[state.agent]),
            "camera": [list(row) for row in state.camera.rows],
        }
        return record, {"goal": list(state.cubes[state.goal])}

    def decode(self, state: Json, goal: Json) -> Maze3dState:
        """The inverse of `encode`; the ball and its goal may be on any cube."""
        cubes, ladders = (_cubes(_item(state, name), name) for name in ("cubes", "ladders"))
        agent, end = _cube(_item(state, "agent"), "agent"), _cube(_item(goal, "goal"), "goal")
        scaffold = Scaffold(frozenset(cubes), frozenset(ladders))
        for name, cube in (("agent", agent), ("goal", end), *(("ladders", base) for base in ladders)):
            if cube not in scaffold.cubes:
                raise UserError(f"maze3d {name}: there is no cube at {list(cube)}")
        rows = _item(state, "camera")
        try:
            matrix = np.array(rows, np.float64)
        except (TypeError, ValueError):
            matrix = np.zeros(0)
        if matrix.shape != (3, 4) or not np.isfinite(matrix).all():
            raise UserError("maze3d camera: it has 3 rows of 4 numbers")
        return _state(scaffold, agent, end, Camera.of(matrix))

    def canonical(self, state: Maze3dState) -> bytes:
        """Cubes, ladders, ball and goal up to where the scaffold stands and which side is mirrored."""
        marked = [(cube, "cube") for cube in state.scaffold.cubes]
        marked += [(cube, "ladder") for cube in state.scaffold.ladders]
        marked += [(state.cubes[state.agent], "agent"), (state.cubes[state.goal], "goal")]
        x0, y0 = (min(cube[i] for cube in state.scaffold.cubes) for i in (0, 1))
        forms = []
        for swap in (False, True):
            moved = [((x - x0, y - y0, z), kind) for (x, y, z), kind in marked]
            forms.append(repr(sorted(((y, x, z) if swap else (x, y, z), kind) for (x, y, z), kind in moved)))
        return min(forms).encode()

    def plan(self, state: Maze3dState, move: str) -> str:
        """Where the goal lies from the ball, what is open, and the move."""
        here, goal = state.cubes[state.agent], state.cubes[state.goal]
        lies = [
            name.replace("_", " ")
            for name, (dx, dy, dz) in MOVES.items()
            if (goal[0] - here[0]) * dx + (goal[1] - here[1]) * dy + (goal[2] - here[2]) * dz > 0
        ]
        where = f"The goal lies {' and '.join(lies) or 'here'} from me."
        words = _action(move)
        if self.step(state, move).agent == state.goal:
            return f"{where} {words}, onto the goal."
        options = [name.replace("_", " ") for name in self.moves(state)]
        if len(options) == 1:
            return f"{where} Only {options[0]} is open. {words}."
        why = "towards the goal" if move.replace("_", " ") in lies else "away from the goal, to get around"
        return f"{where} Open: {', '.join(options)}. {words}, {why}."

    def explain(self, state: Maze3dState, places: Places) -> str:
        """Why the ball cannot have come to `places` over cubes and ladders."""
        away = self.depth(state, float(places[0, 0]), float(places[0, 1]))
        if away > 0:
            return f"the agent leaves the cubes and ladders (by {away:.1f} of a cube)"
        return "the agent changes to cubes or a ladder that its own do not lead to"

    def width(self, state: Maze3dState) -> float:
        """Cells across a row of cubes as it is seen, at a slant: less than their edges."""
        return _seen_width(state.camera, state.cubes)

    # -- pictures --------------------------------------------------------------------------------------------
    def styles(self) -> tuple[str, ...]:
        """Names of the styles."""
        return tuple(STYLES)

    def style(self, name: str) -> CubeStyle:
        """The style of that name.

        Raises:
            UserError: there is none.
        """
        if name not in STYLES:
            raise unknown(f"style of {self.name}", name, STYLES)
        return STYLES[name]

    def style_words(self, style: str) -> dict[str, str]:
        """What a person calls the things in a picture of this style."""
        return self.style(style).words()

    def layout(self, state: Maze3dState, size: tuple[int, int], style: str) -> Json:
        """`{"grid": lattice}`: cells as long as an edge of a cube, as large as the picture takes."""
        self.style(style)
        low, high = _extent(state.scaffold.cubes, state.camera)
        cols, rows = (int(np.ceil(v)) for v in high - low + 2 * MARGIN)
        lattice = Lattice.fit(cols, rows, size)
        if lattice.cell_w < LEAST_CELL:
            small = f"a scaffold {cols} x {rows} edges large cannot be read at {size[0]} x {size[1]} pixels"
            raise UserError(f"{small}: use --size {LEAST_CELL * max(cols, rows)} or more")
        return {"grid": lattice.to_json()}

    def stands(self, state: Maze3dState) -> Places:
        """The middles of the cubes' tops, away from the goal, the ball and each other."""
        taken = [*self.goals(state), *self.places(state)]
        found: list[Any] = []
        for place in state.camera.project(np.array(sorted(state.scaffold.cubes)) + (0.5, 0.5, 1.0)):
            if min(float(np.hypot(*(place - other))) for other in [*taken, *found]) >= APART:
                found.append(place.astype(np.float32))
        return np.array(found, np.float32).reshape(-1, 2)

    def openings(self, state: Maze3dState) -> Places:
        """Places off the lanes where nothing but the background is seen."""
        places = super().openings(state)
        corners = np.array([corner for side in SIDES.values() for corner in side])
        hulls = [
            cv2.convexHull(state.camera.project(corners + cube).astype(np.float32))
            for cube in state.scaffold.cubes
        ]
        free = [
            place
            for place in places
            if all(cv2.pointPolygonTest(hull, (float(place[0]), float(place[1])), True) < 0 for hull in hulls)
        ]
        return np.array(free, np.float32).reshape(-1, 2)

    def _board(self, instance: Instance) -> Board:
        state = self.start(instance)
        lattice = Lattice.from_json(instance.scene["grid"])
        # Places go to the middle of their cell, half a cell from its left and upper edge.
        (x, y), scale = lattice.pixels((0, 0)).tolist(), (lattice.cell_w, lattice.cell_h)
        camera = state.camera.moved(scale, (x, y))
        roles = dict.fromkeys(sorted(state.scaffold.cubes), "cube")
        roles[state.cubes[state.agent]], roles[state.cubes[state.goal]] = "start", "goal"
        ladders = sorted(state.scaffold.ladders)
        if instance.foreign:
            middle = camera.project(built.ball(state.cubes[state.agent]))
            plate, ball = take_apart(self.picture(instance), roles, ladders, camera, middle, lattice.cell_w)
            return Board(plate=plate, pieces=(ball,), lattice=lattice)
        style = self.style(instance.style)
        rng = seeds.stream(instance.key, "surface")
        plate = draw_scaffold(roles, ladders, camera, style, instance.size, lattice.cell_w, rng)
        ball = Piece("agent", *paint(style.agent, style.agent.scale * lattice.cell_w))
        return Board(plate, (ball,), lattice, style.words())


def _build(rng: np.random.Generator, params: Maze3dParams) -> tuple[Builder, Cube] | None:
    """A scaffold with its goal, or None where it got stuck."""
    moves = BACK if params.directions == "back" else tuple(MOVES)
    width, depth, _ = params.grid
    builder = Builder(params.grid, (width - 1, depth - 1, 0))
    trail = _grow(rng, builder, builder.start, moves, _between(rng, params.segments))
    if len(trail) < params.segments[0]:
        return None
    wanted = _between(rng, params.branches)
    roots = [builder.start, *trail[:-1]]
    made = 0
    for i in rng.permutation(len(roots)).tolist():
        if made < wanted:
            made += bool(_grow(rng, builder, roots[i], moves, _between(rng, params.branch_segments)))
    return (builder, trail[-1]) if made >= params.branches[0] else None


def _between(rng: np.random.Generator, ends: Range) -> int:
    return int(rng.integers(ends[0], ends[1] + 1))


def _grow(
    rng: np.random.Generator, builder: Builder, cube: Cube, moves: tuple[str, ...], count: int
) -> list[Cube]:
    """Add up to `count` walks and ladders one after the other; the cubes that they lead to."""
    found: list[Cube] = []
    for _ in range(count):
        order = rng.permutation(len(moves)).tolist()
        ends = (builder.extend(found[-1] if found else cube, moves[i]) for i in order)
        end = next((end for end in ends if end is not None), None)
        if end is None:
            break
        found.append(end)
    return found


def _state(scaffold: Scaffold, agent: Cube, goal: Cube, camera: Camera) -> Maze3dState:
    cubes = sorted({*scaffold.reached(agent), goal})
    number = {cube: i for i, cube in enumerate(cubes)}
    nodes = [(float(x), float(y)) for x, y in camera.project(built.ball(cubes)).round(6)]
    roads: list[list[Road]] = [[] for _ in cubes]
    for a, move, b in built.ways(scaffold, cubes):
        if b in number:
            roads[number[a]].append(Road(move, number[b], (nodes[number[a]], nodes[number[b]])))
    return Maze3dState(Network(nodes, roads), number[agent], number[goal], scaffold, tuple(cubes), camera)


def _extent(cubes: Iterable[Cube], camera: Camera) -> tuple[Any, Any]:
    """The lowest and the highest place (cells) that cubes, or the ball on them, take."""
    corners = np.array([corner for side in SIDES.values() for corner in side])
    found = sorted(cubes)
    places = camera.project(np.array(found)[:, None] + corners[None]).reshape(-1, 2)
    tops = camera.project(built.ball(found)) - (0, HEADROOM)
    places = np.concatenate([places, tops])
    return places.min(axis=0), places.max(axis=0)


def _camera(cubes: Iterable[Cube]) -> Camera:
    """Our camera, with the scaffold in the middle of its picture."""
    low, high = _extent(cubes, built.CAMERA)
    spare = np.ceil(high - low + 2 * MARGIN) - (high - low)
    x, y = (float(v) for v in spare / 2 - 0.5 - low)
    return built.CAMERA.moved((1, 1), (x, y))


@functools.lru_cache(maxsize=16)
def _seen_width(camera: Camera, cubes: tuple[Cube, ...]) -> float:
    """How wide (in the camera's places) a row in the middle of these cubes is, the narrower way."""
    corner, *ends = camera.project(np.mean(cubes, axis=0) + [(0, 0, 1), (1, 0, 1), (0, 1, 1)])
    (ax, ay), (bx, by) = (end - corner for end in ends)
    return float(abs(ax * by - ay * bx) / max(np.hypot(ax, ay), np.hypot(bx, by)))


def _action(move: str) -> str:
    """A move as a sentence's beginning."""
    if move in ("up", "down"):
        return f"Climb the ladder {move}"
    return f"Go {move.replace('_', ' ')} over two cubes"


def _item(record: Json, name: str) -> Any:
    if not isinstance(record, dict) or name not in record:
        raise UserError(f"maze3d: the state lacks {name!r}")
    return record[name]


def _cube(value: Any, name: str) -> Cube:
    if not isinstance(value, list | tuple) or len(value) != 3 or not all(type(v) is int for v in value):
        raise UserError(f"maze3d {name}: {value!r} is no cube [x, y, z]")
    return value[0], value[1], value[2]


def _cubes(value: Any, name: str) -> list[Cube]:
    if not isinstance(value, list):
        raise UserError(f"maze3d {name}: it is a list of cubes [x, y, z]")
    return [_cube(entry, name) for entry in value]


PUZZLE = Maze3d()
