"""Matchsticks: what is legal, what is true, and that sticks are moved, neither more of them nor fewer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from genreason.generate.boardshop import BoardShop
from genreason.generate.controls import shop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.boards import Stage
from genreason.puzzles.matchlayout import LYING, PLUS, MatchState, goals, laid, layout, mask_of
from genreason.puzzles.matchsticks import PUZZLE, MatchsticksParams
from genreason.task import Task
from genreason.types import IllegalMove, Instance, UserError, Verdict


def one(level: str, index: int = 0, style: str = "print") -> Instance:
    return Task("matchsticks", level, split="any", style=style, seed=20)[index]


def judged(instance: Instance, stages: Sequence[Stage]) -> Verdict:
    work = shop(instance, "oracle")
    assert isinstance(work, BoardShop)
    return RulesJudge().judge(instance, [work.clip(work.film(stages))])[0]


def equation(text: str, plus: bool, sticks: int = 1) -> MatchState:
    places = layout((1, 1, 1))
    cells = laid(places.digits, places.mask(text, plus))
    return MatchState(cells, cells, places.digits, sticks)


def test_the_equation_of_the_benchmark_has_its_solutions() -> None:
    places, state = layout((1, 1, 1)), equation("644", True)
    found = goals(places.digits, mask_of(state, state.cells), 1)
    assert set(found) == {places.mask("044", True), places.mask("844", False)}  # 0 + 4 = 4, and 8 - 4 = 4
    assert places.mask("845", False) not in places.true


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_each_solution_takes_as_many_sticks_as_asked_for(level: str) -> None:
    for index in range(20):
        state = PUZZLE.start(one(level, index))
        first = mask_of(state, state.given)
        assert first not in state.layout.true
        assert not any(goals(state.digits, first, k) for k in range(1, state.sticks))
        solution = PUZZLE.solve(state)
        assert solution is not None and len(solution.moves) == state.sticks
        for move in solution.moves:
            assert not PUZZLE.done(state)
            state = PUZZLE.step(state, move)
        assert PUZZLE.done(state) and (level == "hard" or len(goals(state.digits, first, 1)) == 1)


def test_a_stick_may_be_moved_again_but_no_second_one_instead() -> None:
    state = equation("644", True)
    a, b = [slot.cell for slot in state.layout.slots if state.taken(slot.cell)][:2]
    x, y = [slot.cell for slot in state.layout.slots if not state.taken(slot.cell)][:2]
    moved = PUZZLE.step(state, f"{a}>{x}")
    assert PUZZLE.step(PUZZLE.step(moved, f"{x}>{y}"), f"{y}>{a}") == state
    for move in (f"{b}>{y}", f"{b}>{a}", f"{a}>{y}", f"{x}>{b}"):
        with pytest.raises(IllegalMove):
            PUZZLE.step(moved, move)
    assert PUZZLE.solve(moved) is not None


def test_levels_that_cannot_be_are_refused() -> None:
    rng = np.random.default_rng(0)
    for params in (MatchsticksParams(digits=((3, 1, 1),)), MatchsticksParams(solutions=(2, 1))):
        with pytest.raises(UserError):
            PUZZLE.sample(rng, params)


def test_sticks_that_come_go_or_change_at_once_fail() -> None:
    instance = one("easy")
    work = shop(instance, "oracle")
    assert isinstance(work, BoardShop)
    state, end = PUZZLE.start(instance), work.cells[-1]
    source, target = map(int, work.moves[0].split(">"))
    changes = PUZZLE.changes(state, work.moves[0])

    def put(cell: int) -> Stage:
        cells = list(state.cells)
        cells[cell] = changes[cell]
        return Stage(tuple(cells))

    come, gone = judged(instance, [put(target)]), judged(instance, [put(source)])
    assert come.checks["objects.unique"] == 0 and come.checks["rules.goal"] == 0
    assert gone.checks["objects.present"] == 0 and gone.checks["rules.goal"] == 0
    faded = judged(instance, [put(source), Stage(end)])
    assert faded.metrics["outcome"] == 1 and faded.checks["objects.continuous"] == 0
    sign = list(state.cells)
    sign[state.layout.sign] = LYING if sign[state.layout.sign] == PLUS else PLUS
    assert judged(instance, [Stage(tuple(sign))]).metrics["process"] == 0


def test_more_sticks_than_asked_for_and_other_sticks_fail() -> None:
    instance = one("easy")
    state = PUZZLE.start(instance)
    solution = PUZZLE.solve(state)
    assert solution is not None
    source, target = map(int, solution.moves[0].split(">"))
    other = next(s.cell for s in state.layout.slots if state.taken(s.cell) and s.cell != source)
    free = next(s.cell for s in state.layout.slots if not state.taken(s.cell) and s.cell != target)
    two = MatchState(state.cells, state.given, state.digits, 2)
    swapped = judged(instance, PUZZLE.stages(two, [f"{source}>{target}", f"{other}>{source}"]))
    assert swapped.checks["rules.legal"] == 0
    back = [f"{other}>{free}", f"{free}>{other}", *solution.moves]
    assert judged(instance, PUZZLE.stages(state, back)).status == "pass"


def test_a_stick_is_carried_straight_or_along_a_lane() -> None:
    for index in range(3):
        instance = one("hard", index)
        state = PUZZLE.start(instance)
        solution = PUZZLE.solve(state)
        assert solution is not None
        stages = PUZZLE.stages(state, solution.moves)
        straight = [Stage(s.cells, {k: (path[0], path[-1]) for k, path in s.paths.items()}) for s in stages]
        for way in (stages, straight):
            verdict = judged(instance, way)
            assert verdict.status == "pass", verdict.reason
