"""Maze: rules, solver, how mazes are drawn, and their forms."""

from __future__ import annotations

import collections
import itertools
import re

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from genreason import seeds
from genreason.puzzles import base, carving
from genreason.puzzles.maze import PUZZLE, MazeParams, MazeState
from genreason.puzzles.tiles import FLOOR, GOAL, WALL
from genreason.types import GenreasonError, IllegalMove, UserError

SIDES = st.integers(2, 7)
STREAMS = st.integers(0, 2**32)
SYMMETRIES = [
    lambda a, k=k, flip=flip: np.rot90(a[::-1] if flip else a, k) for k in range(4) for flip in (0, 1)
]


@st.composite
def states(draw: st.DrawFn) -> MazeState:
    params = MazeParams(
        rooms=(draw(SIDES), draw(SIDES)),
        algorithm=draw(st.sampled_from([*carving.ALGORITHMS, "any"])),
        braid=draw(st.sampled_from([0.0, 0.4, 1.0])),
        min_steps=1,
    )
    return PUZZLE.sample(seeds.stream("maze test", draw(STREAMS)), params)


@st.composite
def grids(draw: st.DrawFn) -> MazeState:
    """Any walled grid, with agent and goal on any floor tile."""
    rng = seeds.stream("grid", draw(STREAMS))
    rows, cols = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    inner = rng.random((rows, cols)) < draw(st.sampled_from([0.0, 0.2, 0.4]))
    inner.ravel()[rng.integers(inner.size)] = False
    walls = np.pad(inner, 1, constant_values=True).astype(np.uint8).tobytes()
    agent, goal = rng.choice([i for i, wall in enumerate(walls) if not wall], 2).tolist()
    return MazeState(walls, cols + 2, agent, goal)


def graph(state: MazeState) -> nx.Graph:
    floor = [i for i, wall in enumerate(state.walls) if not wall]
    found = nx.Graph((i, j) for i in floor for j in (i + 1, i + state.cols) if not state.walls[j])
    found.add_nodes_from(floor)
    return found


def turned(state: MazeState, turn: object) -> MazeState:
    codes = np.frombuffer(state.walls, np.uint8).copy()
    codes[state.agent] += 2
    codes[state.goal] += 4
    codes = np.ascontiguousarray(turn(codes.reshape(-1, state.cols)))  # type: ignore[operator]
    flat = codes.ravel()
    agent, goal = (int(np.flatnonzero(flat & bit)[0]) for bit in (2, 4))
    return MazeState((flat & 1).tobytes(), codes.shape[1], agent, goal)


@given(states())
def test_solution_is_legal_and_shortest(state: MazeState) -> None:
    solution = PUZZLE.solve(state)
    assert solution is not None
    assert len(solution) == nx.shortest_path_length(graph(state), state.agent, state.goal)
    for move in solution.moves:
        assert not PUZZLE.done(state)
        assert move in PUZZLE.moves(state)
        before, state = state, PUZZLE.step(state, move)
        assert state.walls is before.walls
        assert np.abs(PUZZLE.places(state) - PUZZLE.places(before)).sum() == 1
    assert PUZZLE.done(state)


@given(grids())
def test_any_grid_is_solved_or_proved_unsolvable(state: MazeState) -> None:
    solution, way = PUZZLE.solve(state), graph(state)
    assert (solution is not None) == nx.has_path(way, state.agent, state.goal)
    if solution is not None:
        assert len(solution) == nx.shortest_path_length(way, state.agent, state.goal)


@given(states(), st.data())
def test_moves_are_exactly_what_step_allows(state: MazeState, data: st.DataObject) -> None:
    legal = set(PUZZLE.moves(state))
    for move in ("up", "down", "left", "right"):
        if move in legal:
            assert PUZZLE.plan(state, move).endswith(".")
            PUZZLE.step(state, move)
        else:
            with pytest.raises(IllegalMove, match=r"wall at row \d+, column \d+"):
                PUZZLE.step(state, move)
    with pytest.raises(IllegalMove, match="'jump' is no move"):
        PUZZLE.step(state, "jump")


@given(st.one_of(states(), grids()))
def test_json_round_trip(state: MazeState) -> None:
    record, goal = PUZZLE.encode(state)
    again = PUZZLE.decode(record, goal)
    assert again == state and hash(again) == hash(state)
    assert record["grid"][record["agent"][0]][record["agent"][1]] == "."


@given(st.one_of(states(), grids()))
def test_canonical_is_the_same_for_symmetries(state: MazeState) -> None:
    forms = {PUZZLE.canonical(turned(state, turn)) for turn in SYMMETRIES}
    assert forms == {PUZZLE.canonical(state)}


def test_canonical_tells_others_apart() -> None:
    """On all mazes of 2x2 rooms: as many forms as classes of states under the 8 symmetries."""
    rng, found = seeds.stream("2x2"), set()
    while len(found) < 4:
        found.add(bytes(carving.carve(rng, 2, 2, "wilson")))
    rooms = carving.closed(2, 2).rooms
    everything = [MazeState(walls, 5, a, g) for walls in found for a, g in itertools.product(rooms, rooms)]
    classes = {frozenset(turned(state, turn) for turn in SYMMETRIES) for state in everything}
    forms = {PUZZLE.canonical(state) for state in everything}
    assert len(forms) == len(classes) == 8


@pytest.mark.parametrize("algorithm", carving.ALGORITHMS)
@pytest.mark.parametrize("rooms", [(2, 2), (5, 9), (8, 8)])
def test_mazes_are_spanning_trees(algorithm: carving.Algorithm, rooms: tuple[int, int]) -> None:
    rng = seeds.stream("tree", algorithm)
    for _ in range(20):
        walls = carving.carve(rng, *rooms, algorithm)
        state = MazeState(bytes(walls), 2 * rooms[1] + 1, 0, 0)
        grid = np.frombuffer(walls, np.uint8).reshape(2 * rooms[0] + 1, 2 * rooms[1] + 1)
        assert grid[0].all() and grid[-1].all() and grid[:, 0].all() and grid[:, -1].all()
        assert not grid[1::2, 1::2].any() and grid[::2, ::2].all()
        assert nx.is_tree(graph(state))


@pytest.mark.parametrize("rooms", [(2, 3), (3, 3)])
def test_wilson_is_uniform(rooms: tuple[int, int]) -> None:
    rng, trees = seeds.stream("uniform"), 15 if rooms == (2, 3) else 192
    counts = collections.Counter(bytes(carving.carve(rng, *rooms, "wilson")) for _ in range(40 * trees))
    assert len(counts) == trees
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


def test_backtracker_is_not_uniform() -> None:
    """The chi-square above has the power to tell."""
    rng = seeds.stream("uniform")
    counts = collections.Counter(bytes(carving.carve(rng, 3, 3, "backtracker")) for _ in range(40 * 192))
    assert stats.chisquare([*counts.values(), *[0] * (192 - len(counts))]).pvalue < 1e-6


@given(STREAMS, SIDES, SIDES, st.sampled_from([0.0, 0.5, 1.0]))
def test_braiding_opens_the_share_of_dead_ends(stream: int, rows: int, cols: int, share: float) -> None:
    rng = seeds.stream("braid", stream)
    walls = carving.carve(rng, rows, cols, "backtracker")
    before = bytes(walls)
    carving.open_dead_ends(rng, walls, rows, cols, share)
    opened = sum(a != b for a, b in zip(before, walls, strict=True))
    ends = dead_ends(before, 2 * cols + 1)
    assert ends * share / 2 - 1 <= opened <= ends * share + 1
    assert all(a >= b for a, b in zip(before, walls, strict=True))
    assert dead_ends(bytes(walls), 2 * cols + 1) <= ends - round(share * ends)


def dead_ends(walls: bytes, cols: int) -> int:
    return sum(degree == 1 for _, degree in graph(MazeState(walls, cols, 0, 0)).degree())


def test_braid_share_mixes_perfect_and_braided() -> None:
    params = MazeParams(rooms=6, braid=1.0, braid_share=0.5)
    mazes = [PUZZLE.sample(seeds.stream("mix", i), params) for i in range(60)]
    assert 15 < sum(nx.is_tree(graph(maze)) for maze in mazes) < 45


@given(states())
def test_start_and_goal_are_rooms_far_apart(state: MazeState) -> None:
    way = nx.single_source_shortest_path_length(graph(state), state.agent)
    rooms = [i for i in way if i // state.cols % 2 and i % state.cols % 2]
    assert {state.agent, state.goal} <= set(rooms) and state.agent != state.goal
    nearer = sum(way[room] < way[state.goal] for room in rooms)
    farther = sum(way[room] > way[state.goal] for room in rooms)
    assert farther < max(1, len(rooms) // 3) and nearer > 0


def test_sampling_is_deterministic_and_keeps_to_the_parameters() -> None:
    params = MazeParams(rooms=5, braid=0.5, braid_share=0.5, min_steps=10)
    first, again = ([PUZZLE.sample(seeds.stream("d", i), params) for i in range(50)] for _ in range(2))
    assert first == again and len(set(first)) == 50
    assert all(len(PUZZLE.solve(state) or ()) >= 10 for state in first)


def test_impossible_parameters_say_so() -> None:
    with pytest.raises(GenreasonError, match="lower min_steps"):
        PUZZLE.sample(seeds.stream("x"), MazeParams(rooms=2, min_steps=50))


def test_refusals_are_no_failed_tries() -> None:
    left = iter([False] * 500 + [True])
    PUZZLE.sample(seeds.stream("often"), MazeParams(rooms=3), lambda _: next(left))
    with pytest.raises(ValidationError, match="room"):
        MazeParams(room=3)  # type: ignore[call-arg]


def test_tiles_and_pieces() -> None:
    record = {"grid": ["#####", "#...#", "###.#", "#####"], "agent": [1, 1]}
    state = PUZZLE.decode(record, {"goal": [2, 3]})
    tiles = PUZZLE.tiles(state)
    assert tiles.shape == (4, 5) and tiles[2, 3] == GOAL
    assert (tiles == WALL).sum() == 16 and (tiles == FLOOR).sum() == 3
    assert PUZZLE.pieces(state) == ("agent",)
    assert PUZZLE.places(state).dtype == np.float32 and PUZZLE.places(state).tolist() == [[1, 1]]
    assert [*PUZZLE.moves(state)] == ["right"]
    assert "Only right is open" in PUZZLE.plan(state, "right")
    assert "2 right" in PUZZLE.plan(state, "right")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": None}, "must be a list of rows"),
        ({"grid": ["###", "#.#"]}, "must be 3 to 255"),
        ({"grid": ["####", "#.#", "####"]}, "rows differ in length"),
        ({"grid": ["###", "#x#", "###"]}, "has 'x'"),
        ({"grid": ["###", "#..", "###"]}, "border must be all walls"),
        ({"agent": [1]}, "maze agent: [1] is no [row, column]"),
        ({"agent": [9, 9]}, "maze agent: [9, 9] is no [row, column]"),
        ({"agent": [1.0, 1.0]}, "is no [row, column]"),
        ({"agent": [0, 1]}, "stands in the wall at row 0, column 1"),
    ],
)
def test_bad_json_names_the_field(change: dict[str, object], message: str) -> None:
    record = {"grid": ["####", "#..#", "####"], "agent": [1, 1]}
    with pytest.raises(UserError, match=re.escape(message)):
        PUZZLE.decode({**record, **change}, {"goal": [1, 2]})
    with pytest.raises(UserError, match="lacks the field 'goal'"):
        PUZZLE.decode(record, {})


def test_loads_by_name() -> None:
    assert base.load("maze") is PUZZLE
