"""Arrows are followed exactly: what passes by one fails, and so does whoever obeys the wrong colour."""

from __future__ import annotations

import numpy as np
import pytest

from genreason.generate.controls import shop
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.task import Task
from genreason.types import Clip, UserError

JUDGE = RulesJudge()


def workshop(style: str = "ponds", index: int = 0) -> Workshop:
    made = shop(Task("visual_instruction", "hard", split="any", style=style, seed=20)[index], "oracle")
    assert isinstance(made, Workshop)
    return made


def reason(w: Workshop, clip: Clip) -> str:
    verdict = JUDGE.judge(w.instance, [clip])[0]
    return "" if verdict.status == "pass" else verdict.reason


def test_a_corner_that_is_cut_at_an_arrow_fails_and_the_way_itself_passes() -> None:
    w = workshop()
    assert reason(w, w.clip(w.truth)) == ""
    turns = [k for k in range(2, len(w.moves) - 1) if w.moves[k - 1] != w.moves[k]]
    k = turns[0]
    stops = [*w.stops[:k], *w.stops[k + 1 :]]
    said = reason(w, w.clip(w.animate(stops, ease="linear", frames_per_step=6)))
    assert "arrow" in said


def test_an_arrow_of_the_other_colour_must_not_be_obeyed() -> None:
    w = workshop()
    state = w.start
    on_way = [
        k for k, _ in state.ignored if (np.abs(np.stack(w.stops)[:, 0] - (k % 9, k // 9)).max(1) == 0).any()
    ]
    assert on_way
    tile, to = on_way[0], dict(state.ignored)[on_way[0]]
    k = next(i for i, stop in enumerate(w.stops) if tuple(stop[0]) == (tile % 9, tile // 9))
    aside = np.array([[to % 9, to // 9]], np.float32)
    assert "arrows lead" in reason(
        w, w.clip(w.animate([*w.stops[: k + 1], aside, w.stops[k], *w.stops[k + 1 :]]))
    )


def test_wrong_arrows_are_named() -> None:
    puzzle = Task("visual_instruction").puzzle
    record = {"grid": ["....."] * 5, "start": [0, 0], "agent": [0, 0], "arrows": [[[0, 1], [0, 3]]]}
    with pytest.raises(UserError, match="beside"):
        puzzle.decode(record, {"goal": [4, 4]})
    with pytest.raises(UserError, match="just one"):
        puzzle.decode({**record, "arrows": [[[3, 3], [3, 4]]]}, {"goal": [4, 4]})
