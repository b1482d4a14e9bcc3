"""Trap fields: rules, solver, how boards are drawn by lot, and their forms."""

from __future__ import annotations

import itertools
import re

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genreason import cards, seeds, testing, video
from genreason.cards import TaskCard
from genreason.generate.controls import CONTROLS
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.puzzles import base
from genreason.puzzles.tiles import FLOOR, GOAL, WALL
from genreason.puzzles.trapfield import PUZZLE, TrapfieldParams, TrapfieldState
from genreason.task import Task
from genreason.types import Clip, GenreasonError, IllegalMove, UserError, Verdict

STREAMS = st.integers(0, 2**32)
WAYS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
CARD = cards.load(TaskCard, "trapfield")


@st.composite
def states(draw: st.DrawFn) -> TrapfieldState:
    """Any board, with agent and goal on any tile without a trap."""
    rng = seeds.stream("trapfield test", draw(STREAMS))
    rows, cols = draw(st.integers(3, 9)), draw(st.integers(3, 9))
    traps = rng.random(rows * cols) < draw(st.sampled_from([0.0, 0.3, 0.6]))
    agent, goal = rng.choice(rows * cols, 2, replace=False).tolist()
    traps[[agent, goal]] = False
    return TrapfieldState(traps.astype(np.uint8).tobytes(), cols, agent, goal)


def graph(state: TrapfieldState) -> nx.Graph:
    found = nx.grid_2d_graph(len(state.traps) // state.cols, state.cols)
    found.remove_nodes_from([divmod(i, state.cols) for i, trap in enumerate(state.traps) if trap])
    return found


def ends(state: TrapfieldState) -> tuple[tuple[int, int], tuple[int, int]]:
    return divmod(state.agent, state.cols), divmod(state.goal, state.cols)


def distance(state: TrapfieldState) -> int:
    (r, c), (row, col) = ends(state)
    return abs(r - row) + abs(c - col)


@given(states())
def test_any_board_is_solved_by_a_shortest_way_or_proved_unsolvable(start: TrapfieldState) -> None:
    solution, ways = PUZZLE.solve(start), graph(start)
    assert (solution is not None) == nx.has_path(ways, *ends(start))
    if solution is None:
        return
    assert len(solution) == nx.shortest_path_length(ways, *ends(start))
    state = start
    for move in solution.moves:
        assert not PUZZLE.done(state) and move in PUZZLE.moves(state)
        before, state = state, PUZZLE.step(state, move)
        assert state.traps is start.traps
        assert np.abs(PUZZLE.places(state) - PUZZLE.places(before)).sum() == 1
    assert PUZZLE.done(state)


@given(states())
def test_moves_are_the_tiles_beside_without_a_trap_on_the_board(state: TrapfieldState) -> None:
    ways, (row, col) = graph(state), ends(state)[0]
    for move, (down, right) in WAYS.items():
        target = row + down, col + right
        assert (move in PUZZLE.moves(state)) == (target in ways)
        if target in ways:
            assert ends(PUZZLE.step(state, move))[0] == target
            assert PUZZLE.plan(state, move).endswith(".")
        else:
            on_board = 0 <= target[0] < len(state.traps) // state.cols and 0 <= target[1] < state.cols
            why = f"trap at row {target[0]}, column {target[1]}" if on_board else "the board ends there"
            with pytest.raises(IllegalMove, match=why):
                PUZZLE.step(state, move)
    with pytest.raises(IllegalMove, match="'jump' is no move"):
        PUZZLE.step(state, "jump")


@given(states())
def test_json_round_trip(state: TrapfieldState) -> None:
    record, goal = PUZZLE.encode(state)
    again = PUZZLE.decode(record, goal)
    assert again == state and hash(again) == hash(state)
    assert record["grid"][goal["goal"][0]][goal["goal"][1]] == "."


@given(states())
def test_canonical_is_the_same_exactly_for_symmetries(state: TrapfieldState) -> None:
    codes = np.frombuffer(state.traps, np.uint8).copy()
    codes[state.agent], codes[state.goal] = 2, 4
    board = codes.reshape(-1, state.cols)
    for k in range(8):
        turned = np.ascontiguousarray(np.rot90(board[::-1] if k > 3 else board, k % 4))
        flat = turned.ravel()
        agent, goal = (int(np.flatnonzero(flat == code)[0]) for code in (2, 4))
        image = TrapfieldState((flat & 1).tobytes(), turned.shape[1], agent, goal)
        assert PUZZLE.canonical(image) == PUZZLE.canonical(state)
    swapped = TrapfieldState(state.traps, state.cols, state.goal, state.agent)
    images = [np.rot90(board[::-1] if k > 3 else board, k % 4) for k in range(8)]
    other = np.where(board == 2, 4, np.where(board == 4, 2, board))
    same = any(image.shape == other.shape and (image == other).all() for image in images)
    assert (PUZZLE.canonical(swapped) == PUZZLE.canonical(state)) == same


# -- sampling ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_vr_benchs_levels_have_its_size_density_and_distance(level: str) -> None:
    task = Task("trapfield", level, split="any")
    side, density = {"easy": (5, 0.2), "medium": (7, 0.3), "hard": (11, 0.35)}[level]
    assert (task.params.size, task.params.density) == (side, density)
    tied = 0
    for i in range(60):
        state = PUZZLE.sample(seeds.stream("levels", level, i), task.params)
        steps = distance(state)
        assert state.cols == side and len(state.traps) == side**2
        assert len(PUZZLE.solve(state) or ()) == steps >= 2
        assert sum(state.traps) == int(density * (side**2 - steps - 1))
        ways = nx.all_shortest_paths(graph(state), *ends(state))
        tied += len(list(itertools.islice(ways, 2))) > 1
    assert tied >= 54


def test_the_way_that_is_kept_free_may_be_any_shortest_one() -> None:
    """Where all other tiles are traps, the one way there is turns anywhere, and as often down as right."""
    params = TrapfieldParams(size=5, density=0.6)
    first, turns = [], []
    for i in range(300):
        state = PUZZLE.sample(seeds.stream("ways", i), params)
        solution = PUZZLE.solve(state)
        assert solution is not None
        first.append(solution.moves[0])
        turns.append(sum(a != b for a, b in zip(solution.moves, solution.moves[1:], strict=False)))
    assert set(first) == set(WAYS) and min(first.count(way) for way in WAYS) > 45
    assert max(turns) >= 4 and np.mean(np.array(turns) > 1) > 0.3


def test_a_detour_is_enforced() -> None:
    params = TrapfieldParams(size=9, density=0.4, detour=4, min_steps=14)
    for i in range(20):
        state = PUZZLE.sample(seeds.stream("detour", i), params)
        steps = len(PUZZLE.solve(state) or ())
        assert steps >= max(14, distance(state) + 4)
        assert sum(state.traps) == int(0.4 * (81 - 2))


def test_sampling_is_deterministic_and_boards_may_be_oblong() -> None:
    params = TrapfieldParams(size=(4, 9), density=0.3)
    first, again = ([PUZZLE.sample(seeds.stream("d", i), params) for i in range(30)] for _ in range(2))
    assert first == again and len(set(first)) == 30
    assert all(state.cols == 9 and len(state.traps) == 36 for state in first)


def test_impossible_parameters_say_so() -> None:
    with pytest.raises(GenreasonError, match="min_steps 50 and detour 0 at density 0.3: lower one"):
        PUZZLE.sample(seeds.stream("x"), TrapfieldParams(size=5, min_steps=50))
    with pytest.raises(ValidationError, match="densitty"):
        TrapfieldParams(densitty=0.1)  # type: ignore[call-arg]


def test_refusals_are_no_failed_tries() -> None:
    left = iter([False] * 800 + [True])
    PUZZLE.sample(seeds.stream("often"), TrapfieldParams(size=5), lambda _: next(left))
    assert next(left, None) is None


# -- forms ---------------------------------------------------------------------------------------------------
RECORD = {"grid": ["..#", "#..", "..#"], "agent": [0, 0]}


def test_tiles_pieces_and_openings() -> None:
    state = PUZZLE.decode(RECORD, {"goal": [2, 1]})
    tiles = PUZZLE.tiles(state)
    assert tiles.shape == (3, 3) and tiles[2, 1] == GOAL
    assert (tiles == WALL).sum() == 3 and (tiles == FLOOR).sum() == 5
    assert PUZZLE.pieces(state) == ("agent",) and PUZZLE.places(state).tolist() == [[0, 0]]
    assert [*PUZZLE.moves(state)] == ["right"]
    assert {tuple(place) for place in PUZZLE.openings(state).tolist()} == {(2, 0), (0, 1), (2, 2)}
    assert "Traps: down." in PUZZLE.plan(state, "right")
    assert PUZZLE.depth(state, 0, -1) == 0.5 and PUZZLE.depth(state, 1, 1) == -0.5


@pytest.mark.parametrize(
    ("places", "words"),
    [((0, 1), "the agent goes into the trap at row 1, column 0"), ((-1, 0), "the agent leaves the board")],
)
def test_what_went_wrong_is_said(places: tuple[int, int], words: str) -> None:
    state = PUZZLE.decode(RECORD, {"goal": [2, 1]})
    assert PUZZLE.explain(state, np.array([places], np.float32)) == words


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": None}, "trapfield grid: must be a list of rows"),
        ({"grid": ["..", ".."]}, "must be 3 to 255"),
        ({"grid": ["...", "..", "..."]}, "rows differ in length"),
        ({"grid": ["...", ".x.", "..."]}, "has 'x'; only '#' (trap) and '.' (floor)"),
        ({"agent": [1, 0]}, "trapfield agent: stands in the trap at row 1, column 0"),
        ({"agent": [3, 0]}, "trapfield agent: [3, 0] is no [row, column]"),
    ],
)
def test_bad_json_names_the_field(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        PUZZLE.decode({**RECORD, **change}, {"goal": [2, 1]})
    with pytest.raises(UserError, match="lacks the field 'goal'"):
        PUZZLE.decode(RECORD, {})


def test_loads_by_name_and_has_styles_of_its_own() -> None:
    assert base.load("trapfield") is PUZZLE
    assert len(PUZZLE.styles()) >= 6 and not {*PUZZLE.styles()} & {*base.load("maze").styles()}
    assert all(level in CARD.levels for level in ("easy", "small", "medium", "hard", "expert"))
    with pytest.raises(UserError, match="unknown style of trapfield"):
        PUZZLE.style("bricks")


# -- judged --------------------------------------------------------------------------------------------------
def verdict(shop: Workshop, clip: Clip) -> Verdict:
    (found,) = RulesJudge().judge(shop.instance, [video.sent(video.frames(clip), 24)])
    return found


@pytest.mark.parametrize("size", [(256, 256), (256, 320)])
@pytest.mark.parametrize("style", ["crosses", "lava", "neon"])
def test_a_step_off_the_board_fails_and_a_walk_along_its_edge_does_not(
    style: str, size: tuple[int, int]
) -> None:
    traps = ["....#", ".....", "..#..", ".....", "#...."]
    state = PUZZLE.decode({"grid": traps, "agent": [4, 1]}, {"goal": [0, 3]})
    motion = {"frames_per_step": 4, "hold_start": 2, "hold_end": 2}
    shop = Workshop(testing.instance_of(PUZZLE, state, style=style, size=size, motion=motion), "edge")
    edge = [(1, 4), (2, 4), (3, 4), (4, 4), (4, 3), (4, 2), (4, 1), (3, 1), (3, 0)]
    along = [np.array([place], np.float32) for place in edge]
    assert verdict(shop, shop.clip(shop.animate(along))).status == "pass"
    for off, at in (((2, 5), 1), ((5, 3), 4)):
        outside = np.array([off], np.float32)
        found = verdict(shop, shop.clip(shop.animate([*along[: at + 1], outside, *along[at:]])))
        assert found.status == "fail"
        assert found.checks["rules.legal"] == 0 or found.checks["objects.present"] == 0


@pytest.mark.parametrize("style", PUZZLE.styles())
def test_controls_are_told_apart(style: str) -> None:
    instance = Task("trapfield", "easy", split="any", style=style)[7]
    for name in ("rounded", "recode35", "through_wall", "illegal_step", "scene_altered", "recoloured"):
        recipe, shop = CONTROLS[name], Workshop(instance, name)
        clip = recipe.make(shop)
        if clip is None:
            continue
        found = verdict(shop, clip)
        assert found.status == ("pass" if recipe.honest else "fail"), (name, found.reason)
        assert recipe.honest or found.checks[recipe.breaks] == 0, (name, found.reason)
