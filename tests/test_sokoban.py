"""Sokoban: rules, solver against plain search, and forms."""

from __future__ import annotations

import re
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from genreason import seeds
from genreason.puzzles import base, pushing, sokoban
from genreason.puzzles.sokoban import PUZZLE, SokobanParams, SokobanState
from genreason.puzzles.tiles import GOAL, WALL
from genreason.types import GenreasonError, IllegalMove, UserError

WAYS = ("up", "down", "left", "right")
SYMMETRIES = [
    lambda a, k=k, flip=flip: np.rot90(a[::-1] if flip else a, k) for k in range(4) for flip in (0, 1)
]


@st.composite
def states(draw: st.DrawFn) -> SokobanState:
    """Any small board with one to three boxes, solvable or not, from a random stream."""
    rng = seeds.stream("sokoban test", draw(st.integers(0, 2**32)))
    rows, cols = draw(st.sampled_from([(3, 3), (3, 4), (5, 3), (2, 5), (4, 4)]))
    boxes = draw(st.sampled_from([1, 1, 2, 2, 3]))
    inner = rng.random((rows, cols)) < draw(st.sampled_from([0.0, 0.1]))
    inner.ravel()[rng.permutation(rows * cols)[: boxes + 1]] = False  # room for boxes and agent
    walls = np.pad(inner, 1, constant_values=True).astype(np.uint8).tobytes()
    free = [i for i, wall in enumerate(walls) if not wall]
    places, targets = rng.permutation(free).tolist(), rng.permutation(free).tolist()
    if draw(st.booleans()):  # boxes away from the border: more of these can be solved
        places.sort(key=lambda i: sum(walls[i + delta] for delta in (1, -1, cols + 2, -cols - 2)))
        places[boxes:] = rng.permutation(places[boxes:]).tolist()
    return SokobanState(walls, cols + 2, tuple(sorted(targets[:boxes])), tuple(places[:boxes]), places[boxes])


def make(*rows: str, boxes: list[object], targets: list[object], agent: object) -> SokobanState:
    return PUZZLE.decode({"grid": list(rows), "boxes": boxes, "agent": agent}, {"targets": targets})


def plain(start: SokobanState) -> tuple[int, int] | None:
    """(moves, pushes) of the shortest solution by breadth-first search through `moves` and `step` alone."""
    best = {key(start): 0}
    layer = {key(start): start}
    depth = 0
    while layer:
        over = [best[k] for k, state in layer.items() if PUZZLE.done(state)]
        if over:
            return depth, min(over)
        depth += 1
        after: dict[object, SokobanState] = {}
        for k, state in layer.items():
            for move in PUZZLE.moves(state):
                child = PUZZLE.step(state, move)
                pushes = best[k] + (child.boxes != state.boxes)
                if key(child) not in best or (key(child) in after and pushes < best[key(child)]):
                    best[key(child)] = pushes
                    after[key(child)] = child
        layer = after
    return None


def fewest_pushes(start: SokobanState) -> int | None:
    """The least number of pushes, by search in layers of equal pushes."""
    seen, layer, pushes = {key(start)}, [start], 0
    while layer:
        for state in layer:  # walks stay in the layer, which grows while it is read
            for move in PUZZLE.moves(state):
                child = PUZZLE.step(state, move)
                if child.boxes == state.boxes and key(child) not in seen:
                    seen.add(key(child))
                    layer.append(child)
        if any(PUZZLE.done(state) for state in layer):
            return pushes
        after = []
        for state in layer:
            for move in PUZZLE.moves(state):
                child = PUZZLE.step(state, move)
                if key(child) not in seen and child.boxes != state.boxes:
                    seen.add(key(child))
                    after.append(child)
        layer, pushes = after, pushes + 1
    return None


def key(state: SokobanState) -> object:
    return frozenset(state.boxes), state.agent


def play(state: SokobanState, moves: tuple[str, ...]) -> tuple[SokobanState, int]:
    """The last state and the number of pushes; every step must be legal and move pieces by one tile."""
    pushes = 0
    for move in moves:
        assert not PUZZLE.done(state)
        assert move in PUZZLE.moves(state)
        before, state = state, PUZZLE.step(state, move)
        shift = np.abs(PUZZLE.places(state) - PUZZLE.places(before)).sum(-1)
        assert shift[-1] == 1 and shift[:-1].sum() in (0, 1)
        pushes += int(shift[:-1].sum())
    return state, pushes


@settings(max_examples=200)
@given(states())
def test_solver_agrees_with_plain_search(state: SokobanState) -> None:
    solution, best = PUZZLE.solve(state), plain(state)
    if best is None:
        assert solution is None and PUZZLE.solve_pushes(state) is None
        return
    assert solution is not None
    end, pushes = play(state, solution.moves)
    assert PUZZLE.done(end)
    assert (len(solution), pushes) == best


@given(states())
def test_push_optimal(state: SokobanState) -> None:
    solution, best = PUZZLE.solve_pushes(state), fewest_pushes(state)
    assert (solution is None) == (best is None)
    if solution is not None:
        end, pushes = play(state, solution.moves)
        assert PUZZLE.done(end) and pushes == best


def test_pushes_and_moves_can_disagree() -> None:
    """The option is no alias: on some boards the fewest pushes take more moves."""
    params = SokobanParams(size=8, wall_share=0.2)
    sampled = [PUZZLE.sample(seeds.stream("differ", i), params) for i in range(100)]
    pairs = [(PUZZLE.solve(state), PUZZLE.solve_pushes(state)) for state in sampled]
    assert all(a and b and len(a) <= len(b) for a, b in pairs)
    assert any(a and b and len(a) < len(b) for a, b in pairs)


@pytest.mark.parametrize(
    ("size", "boxes", "min_moves"), [(5, 1, 3), (6, 1, 5), (8, 1, 8), (12, 1, 15), (8, 2, 10), (7, (1, 3), 8)]
)
def test_samples_are_solvable_and_not_trivial(
    size: int, boxes: int | tuple[int, int], min_moves: int
) -> None:
    params = SokobanParams(size=size, boxes=boxes, min_moves=min_moves, min_pushes=2, limit=3000)
    first, again = ([PUZZLE.sample(seeds.stream("s", i), params) for i in range(10)] for _ in range(2))
    assert first == again and len(set(first)) > 5
    for state in first:
        solution = PUZZLE.solve(state)
        assert solution is not None and len(solution) >= min_moves
        end, pushes = play(state, solution.moves)
        assert PUZZLE.done(end) and pushes >= 2
        assert len(state.walls) == size * size and not set(state.boxes) & set(state.targets)


@given(states())
def test_moves_are_exactly_what_step_allows(state: SokobanState) -> None:
    legal = set(PUZZLE.moves(state))
    for move in WAYS:
        if move in legal:
            PUZZLE.step(state, move)
            assert PUZZLE.plan(state, move).endswith(".")
        else:
            with pytest.raises(IllegalMove, match="wall at|is blocked by"):
                PUZZLE.step(state, move)


def test_illegal_moves_say_why() -> None:
    state = make(
        "######", "#....#", "#....#", "######", boxes=[(1, 2), (1, 3)], targets=[(2, 2), (2, 3)], agent=(1, 1)
    )
    with pytest.raises(IllegalMove, match="wall at row 0, column 1"):
        PUZZLE.step(state, "up")
    with pytest.raises(
        IllegalMove, match="box at row 1, column 2 is blocked by another box at row 1, column 3"
    ):
        PUZZLE.step(state, "right")
    state = make("#####", "#...#", "#####", boxes=[(1, 2)], targets=[(1, 3)], agent=(1, 3))
    with pytest.raises(IllegalMove, match="'pull' is no move"):
        PUZZLE.step(state, "pull")
    state = make("####", "#..#", "####", boxes=[(1, 2)], targets=[(1, 1)], agent=(1, 1))
    with pytest.raises(IllegalMove, match="box at row 1, column 2 is blocked by a wall at row 1, column 3"):
        PUZZLE.step(state, "right")


def test_boxes_keep_their_identity() -> None:
    state = make(
        "#####", "#...#", "#...#", "#####", boxes=[(2, 2), (1, 2)], targets=[(1, 3), (2, 3)], agent=(1, 1)
    )
    state = PUZZLE.step(state, "right")
    assert PUZZLE.places(state).tolist() == [[2, 2], [3, 1], [2, 1]]
    assert PUZZLE.pieces(state) == ("box", "box", "agent")
    assert not PUZZLE.done(state)
    for move in ("left", "down", "right"):
        state = PUZZLE.step(state, move)
    assert PUZZLE.done(state) and PUZZLE.places(state).dtype == np.float32


@given(states())
def test_json_round_trip(state: SokobanState) -> None:
    record, goal = PUZZLE.encode(state)
    again = PUZZLE.decode(record, goal)
    assert again == state and hash(again) == hash(state)


@given(states())
def test_canonical_is_the_same_for_symmetries(state: SokobanState) -> None:
    codes = np.frombuffer(state.walls, np.uint8).copy()
    for bit, places in ((2, state.boxes), (4, state.targets), (8, [state.agent])):
        codes[list(places)] += bit
    forms = set()
    for turn in SYMMETRIES:
        turned = np.ascontiguousarray(turn(codes.reshape(-1, state.cols)))
        boxes, targets, agents = (tuple(np.flatnonzero(turned & bit).tolist()) for bit in (2, 4, 8))
        turned_walls = (turned & 1).tobytes()
        forms.add(
            PUZZLE.canonical(SokobanState(turned_walls, turned.shape[1], targets, boxes[::-1], agents[0]))
        )
    assert forms == {PUZZLE.canonical(state)}


def test_canonical_tells_others_apart() -> None:
    """On an empty 3x3 board with one box: as many forms as classes under the 8 symmetries (Burnside)."""
    rows = ["#####", *["#...#"] * 3, "#####"]
    free = [[r, c] for r in (1, 2, 3) for c in (1, 2, 3)]
    forms = {
        PUZZLE.canonical(make(*rows, boxes=[box], targets=[target], agent=agent))
        for box in free
        for agent in free
        for target in free
        if agent != box
    }
    # of the 9 * 8 * 9 states the turns fix none, and each of the 4 mirrors fixes those on its 3 tiles
    assert len(forms) == (9 * 8 * 9 + 4 * (3 * 2 * 3)) // 8


def test_giving_up_is_an_error_and_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    state = PUZZLE.sample(seeds.stream("limit"), SokobanParams(size=10, boxes=2, min_pushes=6))
    monkeypatch.setattr(sokoban, "LIMIT", 1)
    monkeypatch.setattr(sokoban, "_solved", {})
    with pytest.raises(GenreasonError, match="within 1 nodes"):
        PUZZLE.solve(state)


def test_frozen_boxes_are_given_up_at_once() -> None:
    """Two boxes side by side at a wall can never move: no search is needed."""
    rows = ["########", *["#......#"] * 4, "########"]
    state = make(*rows, boxes=[(1, 3), (1, 4)], targets=[(1, 2), (3, 3)], agent=(4, 6))
    board = pushing.ground(state.walls, state.cols, state.targets)
    assert board.bound(pushing.bits(state.boxes)) == -1
    assert PUZZLE.solve(state) is None and plain(state) is None


def test_refused_candidates_are_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small split must not cost a proof for each puzzle of the other splits."""
    solved: list[SokobanState] = []
    accepted: list[SokobanState] = []
    solve = sokoban._solve

    def counted(state: SokobanState, measure: pushing.Measure, limit: int) -> tuple[str, ...] | None:
        solved.append(state)
        return solve(state, measure, limit)

    def accept(state: SokobanState) -> bool:
        if zlib.crc32(PUZZLE.canonical(state)) % 2:
            return False
        accepted.append(state)
        return True

    monkeypatch.setattr(sokoban, "_solve", counted)
    for i in range(5):
        PUZZLE.sample(seeds.stream("refuse", i), SokobanParams(boxes=2, min_moves=8), accept)
    assert solved == accepted


def test_refusals_are_no_failed_tries() -> None:
    left = iter([False] * 50 + [True])
    state = PUZZLE.sample(seeds.stream("often"), SokobanParams(tries=20), lambda _: next(left))
    assert next(left, None) is None and not PUZZLE.done(state)


def test_impossible_parameters_say_so() -> None:
    with pytest.raises(GenreasonError, match="min_moves 90"):
        PUZZLE.sample(seeds.stream("x"), SokobanParams(size=5, min_moves=90, tries=20))
    with pytest.raises(ValidationError, match="least, most"):
        SokobanParams(boxes=(3, 2))
    with pytest.raises(ValidationError, match="box"):
        SokobanParams(box=3)  # type: ignore[call-arg]


def test_tiles_show_targets_under_boxes() -> None:
    state = make("#####", "#...#", "#####", boxes=[(1, 2)], targets=[(1, 2)], agent=(1, 1))
    tiles = PUZZLE.tiles(state)
    assert tiles[1, 2] == GOAL and (tiles == WALL).sum() == 12
    solution = PUZZLE.solve(state)
    assert PUZZLE.done(state) and solution is not None and solution.moves == ()


def test_plan_speaks_of_pushes_and_errands() -> None:
    state = make("######", "#....#", "######", boxes=[(1, 3)], targets=[(1, 4)], agent=(1, 1))
    assert PUZZLE.plan(state, "right").endswith("a free target is 1 right of it. Walk right.")
    state = PUZZLE.step(state, "right")
    assert PUZZLE.plan(state, "right").endswith("Push the box at row 1, column 3 right, onto the target.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": []}, "sokoban boxes: must be a list of 1 to"),
        ({"boxes": [[1, 2], [1, 2]]}, "two are at the same place"),
        ({"boxes": [[1, 2], [1, 3]]}, "1 for 2 boxes"),
        ({"boxes": [[0, 2]]}, "stands in the wall at row 0, column 2"),
        ({"agent": [1, 2]}, "stands on the box at row 1, column 2"),
    ],
)
def test_bad_json_names_the_field(change: dict[str, object], message: str) -> None:
    record = {"grid": ["######", "#....#", "######"], "boxes": [[1, 2]], "agent": [1, 1]}
    with pytest.raises(UserError, match=re.escape(message)):
        PUZZLE.decode({**record, **change}, {"targets": [[1, 4]]})
    with pytest.raises(UserError, match="lacks the field 'targets'"):
        PUZZLE.decode(record, {})


def test_loads_by_name() -> None:
    assert base.load("sokoban") is PUZZLE
