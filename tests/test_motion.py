"""Motion: the way that is told passes at any pace; every other way to the same end fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from genreason import cards, seeds, video
from genreason import judge as judges
from genreason.cards import JudgeCard
from genreason.puzzles.boards import Stage
from genreason.puzzles.motion import PUZZLE, MotionParams, MotionState
from genreason.puzzles.ways import in_words, way_of
from genreason.render.motion import Motion
from genreason.task import Task
from genreason.types import GenreasonError, IllegalMove, UserError, Verdict

THING = "red disc"
CELLS = (
    THING, "", "", "", "red star",
    "", "blue disc", "", "", "",
    "", "", "", "", "",
    "", "", "", "", "green cross",
    "", "", "", "", "",
)  # fmt: skip
ROUND = ("round", "clockwise", "blue disc", "1")  # 0 1 2 7 12
LEGS = ("legs", "2 down", "2 right", "2 up", "1 right")  # 0 5 10 11 12 7 2 3
ACROSS = ("across", "down", "3")  # 0 5 10 15 20 15 10 5 0 5 10 15 20
STAIRS = ("stairs", "down", "right", "0")


def judged(told: tuple[str, ...], *ways: Sequence[float], thing: str = THING, pace: int = 8) -> Verdict:
    """The verdict on a clip in which a thing glides over these cells, stopping at the end of each list."""
    base = Task("motion", "medium", split="any", style="print", seed=1)[0]
    state, goal = PUZZLE.encode(MotionState(CELLS, CELLS, 5, ((THING,), told)))
    instance = replace(base, state=state, goal=goal)
    stages, cells = [], CELLS
    for way in ways:
        points = [(k % 5, k // 5) for k in way]
        held = {int(way[0]): "", int(way[-1]): thing}
        cells = tuple(held.get(k, symbol) for k, symbol in enumerate(cells))
        stages.append(Stage(cells, {int(way[-1]): points}))
    motion = Motion(frames_per_step=pace, hold_start=4, hold_end=8, ease="linear")
    script, board = PUZZLE.film(instance, stages, motion), PUZZLE.board(instance)
    card = cards.load(JudgeCard, "rules")
    judge = judges.load(card, cards.with_options(card, {}))
    return judge.judge(instance, [video.sent(script.frames(board), instance.fps)], seed=0)[0]


def pairs(way: Sequence[int]) -> list[list[int]]:
    """A way field by field."""
    return [list(step) for step in zip(way, way[1:], strict=False)]


LEGS_WAY = (0, 5, 10, 11, 12, 7, 2, 3)
ACROSS_WAY = (0, 5, 10, 15, 20, 15, 10, 5, 0, 5, 10, 15, 20)


@pytest.mark.parametrize("told, ways", [
    (ROUND, pairs((0, 1, 2, 7, 12))), (LEGS, pairs(LEGS_WAY)), (ACROSS, pairs(ACROSS_WAY)),
    (LEGS, [[0, 10], [10, 12], [12, 2], [2, 3]]),  # each leg as fast as one step
    (LEGS, [[0, 5], [5, 5], *pairs(LEGS_WAY[1:])]),  # with a rest
])  # fmt: skip
def test_the_way_passes_at_any_pace(told: tuple[str, ...], ways: list[list[int]]) -> None:
    for pace in (8, 3):
        verdict = judged(told, *ways, pace=pace)
        assert verdict.status == "pass", (pace, verdict.reason)


@pytest.mark.parametrize("told, ways, check", [
    (ROUND, pairs((0, 5, 10, 11, 12)), "rules.legal"),  # the other way round
    (ROUND, pairs((0, 1, 2, 7, 12, 11, 10, 5, 0, 1, 2, 7, 12)), "rules.legal"),  # a round too many
    (ROUND, pairs((0, 1, 2, 7)), "rules.goal"),  # too short
    (ROUND, [[0, 1], [1, 7], [7, 12]], "rules.legal"),  # a corner is cut
    (LEGS, pairs((0, 1, 2, 3)), "rules.legal"),  # straight to the end
    (LEGS, pairs((0, 5, 10, 5, 10, 11, 12, 7, 2, 3)), "rules.legal"),  # back once
    (LEGS, pairs((0, 5, 0, 5, 10, 11, 12, 7, 2, 3)), "rules.legal"),  # back to where it was
    (LEGS, pairs((0, 5, 10, 15, 16, 11, 12, 7, 2, 3)), "rules.legal"),  # a field too far
    (LEGS, pairs((0, 5, 10, 11, 12, 13, 8, 3)), "rules.legal"),  # another way to the same end
    (LEGS, pairs((0, 5, 10, 11, 12, 7, 2, 3, 8)), "rules.legal"),  # on from the end
    (LEGS, pairs((*LEGS_WAY, 8, 3)), "rules.legal"),  # on from the end, and back
    (ACROSS, pairs(ACROSS_WAY[:5]), "rules.goal"),  # once, not three times
    (ACROSS, pairs((0, 5, 10, 15, 10, 5, 0, 5, 10, 15, 20)), "rules.legal"),  # back before the edge
])  # fmt: skip
def test_other_ways_fail(told: tuple[str, ...], ways: list[list[int]], check: str) -> None:
    verdict = judged(told, *ways)
    assert verdict.status == "fail" and not verdict.checks[check], verdict.reason


def test_another_thing_may_not_go_instead() -> None:
    verdict = judged(LEGS, [4, 3], thing="red star")
    assert verdict.status == "fail" and not verdict.checks["rules.legal"]


def test_ways_are_what_their_words_say() -> None:
    assert way_of(("edge", "clockwise", "2"), 1, 5, 5, -1) == (1, 2, 3, 4, 9, 14, 19, 24)
    assert way_of(("edge", "counter-clockwise", "2"), 1, 5, 5, -1) == (1, 0, 5, 10, 15, 20)
    assert way_of(("zigzag", "right", "up"), 5, 5, 5, -1) == (5, 6, 1, 2, 7, 8, 3, 4)
    assert way_of(("stairs", "down", "left", "2"), 2, 5, 5, -1) == (2, 7, 6, 11, 10)
    assert way_of(ROUND, 0, 5, 5, 6) == (0, 1, 2, 7, 12)
    assert way_of(("legs", "3 up"), 5, 5, 5, -1) is None and way_of(ROUND, 0, 5, 5, 5) is None
    assert in_words(LEGS) == "goes 2 fields down, then 2 fields right, then 2 fields up, then 1 field right"


def test_sampled_ways_are_free_and_as_long_as_asked() -> None:
    for index in range(20):
        state = PUZZLE.sample(seeds.stream("motion", index), MotionParams(size=5, things=6, steps=(6, 9)))
        assert isinstance(state, MotionState) and sum(map(bool, state.cells)) == 6
        solution = PUZZLE.solve(state)
        assert solution is not None and 6 <= len(solution) <= 9
        with pytest.raises(IllegalMove, match="does not go"):
            PUZZLE.step(state, "right 9")


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="kinds"):
        MotionParams(kinds=("spiral",))
    with pytest.raises(GenreasonError, match="steps"):
        PUZZLE.sample(
            np.random.default_rng(0), MotionParams(size=4, things=4, steps=(9, 9), kinds=("round",))
        )
    state, goal = PUZZLE.encode(MotionState(CELLS, CELLS, 5, ((THING,), LEGS)))
    for told, said in ((("legs", "4 right"), "over another"), (("legs", "x"), "no way"), (STAIRS, "no way")):
        with pytest.raises(UserError, match=said):
            PUZZLE.decode(state, {"asked": [[THING], list(told)]})
    with pytest.raises(UserError, match="at: give"):
        PUZZLE.decode({**state, "at": 8}, goal)
