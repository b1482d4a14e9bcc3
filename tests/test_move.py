"""Move: ways that are free pass, whichever they are; ways through other things and wrong places fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genreason import cards, video
from genreason import judge as judges
from genreason.cards import JudgeCard
from genreason.puzzles.boards import Stage
from genreason.puzzles.move import PUZZLE
from genreason.puzzles.scenes import SceneState
from genreason.render.motion import Motion
from genreason.task import Task
from genreason.types import Verdict

MOTION = Motion(frames_per_step=20, hold_start=4, hold_end=8)
CELLS = (
    "red disc", "", "blue star", "",
    "", "", "", "",
    "green cross", "", "", "",
    "", "", "", "yellow heart",
)  # fmt: skip
STATE = SceneState(CELLS, CELLS, 4, (("red disc",), ("right", "blue star")))


def judged(*ways: list[int], asked: tuple[tuple[str, ...], ...] = STATE.asked) -> Verdict:
    """The verdict on a clip in which the red disc glides over these cells, legal or not."""
    base = Task("move", "easy", split="any", style="print", seed=1)[0]
    state, goal = PUZZLE.encode(replace(STATE, asked=asked))
    instance = replace(base, state=state, goal=goal)
    stages, cells = [], CELLS
    for way in ways:
        held = {way[0]: "", way[-1]: "red disc"}
        cells = tuple(held.get(k, symbol) for k, symbol in enumerate(cells))
        stages.append(Stage(cells, {way[-1]: [PUZZLE.place(STATE, k) for k in way]}))
    script, board = PUZZLE.film(instance, stages, MOTION), PUZZLE.board(instance)
    card = cards.load(JudgeCard, "rules")
    judge = judges.load(card, cards.with_options(card, {}))
    return judge.judge(instance, [video.sent(script.frames(board), instance.fps)], seed=0)[0]


@pytest.mark.parametrize("ways", [
    [[0, 4, 7, 3]], [[0, 1], [1, 5, 7, 3]], [[0, 1, 13, 14], [14, 6, 7, 3]], [[0, 4], [4, 0], [0, 4, 7, 3]],
])  # fmt: skip
def test_any_free_way_passes(ways: list[list[int]]) -> None:
    verdict = judged(*ways)
    assert verdict.status == "pass", verdict.reason


@pytest.mark.parametrize("ways, check", [
    ([[0, 3]], "rules.legal"),  # through the star
    ([[0, 4, 7]], "rules.goal"),  # beside another thing's row
    ([[0, 1]], "rules.goal"),  # on the other side
    ([[0, 8, 9, 5, 7, 3]], "rules.legal"),  # through the cross, though another way is free
])  # fmt: skip
def test_wrong_ways_and_places_fail(ways: list[list[int]], check: str) -> None:
    verdict = judged(*ways)
    assert verdict.status == "fail"
    assert verdict.checks[check] == 0 or verdict.checks["objects.present"] == 0, verdict.reason
