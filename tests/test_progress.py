"""Progress, excess and decisiveness: by hand on small puzzles, and on clips whose truth is known."""

from __future__ import annotations

import functools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreason import check, video
from genreason.judge.rules import RulesJudge
from genreason.metrics.progress import distance, progress_metrics, travelled
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.task import Task
from genreason.types import Instance, Verdict

RING = MAZE.decode(
    {"grid": ["#######", "#.....#", "#.###.#", "#.....#", "#######"], "agent": [1, 1]}, {"goal": [3, 5]}
)
PUSH = SOKOBAN.decode(
    {"grid": ["#######", "#.....#", "#.....#", "#######"], "boxes": [[1, 3]], "agent": [1, 1]},
    {"targets": [[1, 5]]},
)


def test_a_shortest_solution_is_straight() -> None:
    for puzzle, state, moves in (
        (MAZE, RING, ["down", "down", "right", "right", "right", "right"]),
        (SOKOBAN, PUSH, ["right"] * 3),
    ):
        got = progress_metrics(puzzle, state, moves, passed=True)
        assert got == {"progress": 1.0, "excess": 0.0, "decisiveness": 1.0}


def test_the_share_is_of_what_was_left_and_not_of_what_was_done() -> None:
    # Six steps to go. One step, and the goal is five away: a sixth. There, back and on: the same place.
    assert progress_metrics(MAZE, RING, ["down"], False) == {
        "progress": pytest.approx(1 / 6),
        "decisiveness": 1,
    }
    got = progress_metrics(MAZE, RING, ["down", "up", "right"], False)
    assert got == {"progress": pytest.approx(1 / 6), "decisiveness": pytest.approx(1 / 3)}
    assert progress_metrics(MAZE, RING, ["down", "up"], False) == {"progress": 0.0, "decisiveness": 0.0}
    assert progress_metrics(MAZE, RING, [], False) == {"progress": 0.0}


def test_a_way_round_is_excess() -> None:
    moves = ["down", "up", "right", "right", "right", "right", "down", "down"]
    got = progress_metrics(MAZE, RING, moves, True)
    assert got == {"progress": 1.0, "excess": pytest.approx(1 / 3), "decisiveness": pytest.approx(6 / 8)}


def test_what_fails_is_never_whole() -> None:
    # The goal was touched by legal moves, but the clip failed: the last of them does not count.
    moves = ["down", "down", "right", "right", "right", "right"]
    got = progress_metrics(MAZE, RING, moves, False)
    assert got == {"progress": pytest.approx(5 / 6), "decisiveness": 1.0}


def test_what_passes_is_whole_even_if_its_last_half_cell_is_no_move() -> None:
    moves = ["down", "down", "right", "right", "right"]
    got = progress_metrics(MAZE, RING, moves, True)
    assert got == {"progress": 1.0, "excess": 0.0, "decisiveness": 1.0}


def test_a_box_that_cannot_come_home_any_more_is_no_progress() -> None:
    # The agent walks round the box and pushes it into the corner from which nothing leads.
    lost = ["down", "right", "right", "right", "right", "up", "left", "left", "left"]
    state = PUSH
    for move in lost:
        state = SOKOBAN.step(state, move)
    assert distance(SOKOBAN, state) == math.inf
    assert progress_metrics(SOKOBAN, PUSH, lost, False) == {"progress": 0.0, "decisiveness": 0.0}


def test_nothing_is_said_where_there_is_no_solution_or_nothing_to_do() -> None:
    walled = MAZE.decode({"grid": ["#####", "#.#.#", "#####"], "agent": [1, 1]}, {"goal": [1, 3]})
    assert progress_metrics(MAZE, walled, [], False) == {}
    done = MAZE.decode({"grid": ["#####", "#...#", "#####"], "agent": [1, 1]}, {"goal": [1, 1]})
    assert progress_metrics(MAZE, done, ["right"], False) == {}


def test_roads_are_as_long_as_they_are() -> None:
    task = Task("irregular_maze", "easy", split="any", seed=2)
    puzzle, state = task.puzzle, task.puzzle.start(task[0])
    found = puzzle.solve(state)
    assert found is not None
    whole = travelled(puzzle, state, found.moves)
    assert distance(puzzle, state) == pytest.approx(whole)
    left = whole - travelled(puzzle, state, found.moves[:1])
    got = progress_metrics(puzzle, state, found.moves[:1], False)
    assert got == {"progress": pytest.approx(1 - left / whole), "decisiveness": pytest.approx(1.0)}
    assert whole > len(found.moves)


@given(st.sampled_from(["maze", "trapfield", "sokoban"]), st.integers(0, 30), st.data())
def test_any_legal_walk_gives_figures_in_range(name: str, index: int, data: st.DataObject) -> None:
    task = Task(name, "easy", split="any", seed=5)
    puzzle, start = task.puzzle, task.puzzle.start(task[index])
    state, moves = start, []
    for _ in range(data.draw(st.integers(0, 12))):
        options = sorted(puzzle.moves(state))
        if not options:
            break
        moves.append(data.draw(st.sampled_from(options)))
        state = puzzle.step(state, moves[-1])
    got = progress_metrics(puzzle, start, moves, passed=False)
    assert 0 <= got["progress"] < 1 and "excess" not in got
    assert 0 <= got.get("decisiveness", 0) <= 1
    rest = puzzle.solve(state)
    if rest is not None:
        whole = progress_metrics(puzzle, start, [*moves, *rest.moves], passed=True)
        assert whole["progress"] == 1 and whole["excess"] >= 0
        assert whole["decisiveness"] == pytest.approx(1 / (1 + whole["excess"]))


# -- clips ---------------------------------------------------------------------------------------------------
@functools.cache
def instance(task: str) -> Instance:
    return Task(task, "medium", split="any", seed=3, style="classic")[1]


@functools.cache
def verdict(task: str, control: str) -> Verdict:
    clip = check.make(instance(task), control)
    assert clip is not None
    return RulesJudge().judge(instance(task), [video.sent(video.frames(clip), video.fps(clip))])[0]


@pytest.mark.parametrize("control", ["oracle", "pause", "slow", "jitter", "recode35"])
@pytest.mark.parametrize("task", ["maze", "sokoban"])
def test_how_a_solution_is_filmed_changes_nothing(task: str, control: str) -> None:
    got = verdict(task, control)
    assert got.status == "pass"
    assert [got.metrics[name] for name in ("progress", "excess", "decisiveness")] == [1.0, 0.0, 1.0]


def test_a_detour_passes_with_excess() -> None:
    got = verdict("maze", "detour")
    assert got.status == "pass" and got.metrics["progress"] == 1.0 and got.metrics["excess"] > 0
    assert got.metrics["decisiveness"] == pytest.approx(1 / (1 + got.metrics["excess"]))


@pytest.mark.parametrize(
    ("control", "least", "most"),
    [
        ("still", 0.0, 0.0),
        ("noise", 0.0, 0.0),
        ("reversed", 0.0, 0.0),
        ("cut", 0.0, 0.0),
        ("clone", 0.0, 0.0),
        ("altered_start", 0.0, 0.0),
        ("scene_erased", 0.0, 0.1),
        ("truncated", 0.5, 0.7),
        ("recoloured", 0.4, 0.6),
        ("object_lost", 0.4, 0.6),
        ("goal_moved", 0.4, 0.6),
        ("touch_and_leave", 0.8, 0.99),
        ("through_wall", 0.0, 0.99),
        ("teleport", 0.0, 0.99),
    ],
)
def test_only_what_came_before_the_first_violation_counts(control: str, least: float, most: float) -> None:
    got = verdict("maze", control)
    assert got.status == "fail" and "excess" not in got.metrics
    assert least <= got.metrics["progress"] <= most
