"""Any swaps that make the lines asked for pass; everything that the game does not do fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from genreason.generate.boardshop import BoardShop, put
from genreason.generate.controls import shop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.boards import Cells, Stage
from genreason.puzzles.match3 import VANISH, Match3State
from genreason.render.motion import Script
from genreason.task import Task
from genreason.types import IllegalMove, UserError, Verdict

JUDGE = RulesJudge()
PUZZLE = Task("match3").puzzle
STYLES = PUZZLE.styles()


def boardshop(index: int = 0, level: str = "hard", style: str = "print") -> BoardShop:
    made = shop(Task("match3", level, split="any", style=style, seed=20)[index], "oracle")
    assert isinstance(made, BoardShop)
    return made


def judged(w: BoardShop, stages: Sequence[Stage]) -> Verdict:
    return JUDGE.judge(w.instance, [w.clip(w.film(stages))])[0]


def swap(w: BoardShop, cells: Cells, a: int, b: int) -> Stage:
    """Two gems go straight to each other's cell, legal or not."""
    after = put(put(cells, a, cells[b]), b, cells[a])
    places = [w.puzzle.place(w.start, k) for k in (a, b)]
    return Stage(after, {a: [places[1], places[0]], b: [places[0], places[1]]})


def gone(cells: Cells, which: Sequence[int]) -> Stage:
    return Stage(tuple("" if k in which else held for k, held in enumerate(cells)))


def quiet(state: Match3State) -> list[tuple[int, int]]:
    """Neighbours whose swap makes no line."""
    n = state.cols
    found = []
    for k in range(len(state.cells) - n):
        move = f"{k // n + 1},{k % n + 1} down"
        try:
            PUZZLE.step(state, move)
        except IllegalMove as err:
            if "no line" in str(err) and state.cells[k] and state.cells[k + n] not in ("", state.cells[k]):
                found.append((k, k + n))
    return found


@pytest.mark.parametrize("style", STYLES)
def test_all_swaps_that_do_pass(style: str) -> None:
    tried = 0
    for index in range(12):
        w = boardshop(index, "easy", style)
        for move in PUZZLE.moves(w.start):
            if move != w.moves[0] and tried < 2:
                tried += 1
                verdict = judged(w, PUZZLE.stages(w.start, [move, VANISH]))
                assert verdict.status == "pass", verdict.reason
    assert tried == 2


@pytest.mark.parametrize("steps", [5, 24])
def test_fast_and_slow_swaps_pass(steps: int) -> None:
    w = boardshop(2)
    verdict = JUDGE.judge(w.instance, [w.clip(w.film(w.stages, frames_per_step=steps))])[0]
    assert verdict.status == "pass", verdict.reason


@pytest.mark.parametrize("index", range(4))
def test_what_the_game_does_not_do_fails(index: int) -> None:
    w = boardshop(index, style=STYLES[index])
    s, n, start = w.stages, w.start.cols, w.cells[0]
    line, other = w.changed(1), next(k for k in w.kept() if not w.legal_now(w.states[1], k, ""))
    a, b = quiet(w.start)[0]
    far = next((k, m) for k in w.kept() for m in w.kept() if m > k + 2 * n and start[k] != start[m])
    kinds = [symbol for symbol in w.symbols if symbol != start[other]]
    back = swap(w, s[0].cells, *w.changed(0))
    clips: Mapping[str, Sequence[Stage]] = {
        "gems fade into each other": [Stage(s[0].cells), *s[1:]],
        "the line does not vanish": [s[0]],
        "a line vanishes before a swap": [gone(start, [k for k in line if k not in w.changed(0)])],
        "a swap that makes no line": [swap(w, start, a, b), swap(w, swap(w, start, a, b).cells, a, b), *s],
        "only a swap that makes no line": [swap(w, start, a, b)],
        "a swap is taken back": [s[0], back, *s],
        "gems far apart are swapped": [swap(w, start, *far)],
        "two of the line vanish": [s[0], gone(s[0].cells, line[:2])],
        "another one vanishes with the line": [s[0], gone(s[0].cells, [*line, other])],
        "another one vanishes later": [*s, gone(s[-1].cells, [other])],
        "a gem becomes another": [*s, Stage(put(s[-1].cells, other, kinds[0]))],
        "a gem comes where the line was": [*s, Stage(put(s[-1].cells, line[0], kinds[0]))],
        "the next swap comes before the line vanishes": [s[0], *skipped(w)],
        "only the first line is made": s[:2],
        "lines in the wrong order": in_turn(w),
    }
    for name, stages in clips.items():
        if not stages:
            continue
        verdict = judged(w, stages)
        assert verdict.status == "fail", name
        if "only" not in name and "does not vanish" not in name and "two of" not in name:
            assert verdict.checks["rules.legal"] == 0 or verdict.checks["objects.present"] == 0, name


def skipped(w: BoardShop) -> list[Stage]:
    """The second swap while the first line still stands; [] where they touch the same cells."""
    pair = w.changed(2)
    return [] if set(pair) & {*w.changed(0), *w.changed(1)} else [swap(w, w.cells[1], *pair)]


def in_turn(w: BoardShop) -> list[Stage]:
    """The second line before the first one; [] where it needs the first."""
    pair, line = w.changed(2), w.changed(3)
    if set(pair + line) & {*w.changed(0), *w.changed(1)}:
        return []
    stages = [swap(w, w.cells[0], *pair)]
    stages.append(gone(stages[-1].cells, line))
    stages.append(swap(w, stages[-1].cells, *w.changed(0)))
    return [*stages, gone(stages[-1].cells, w.changed(1))]


def test_a_gem_that_falls_fails() -> None:
    for index in range(20):
        w = boardshop(index, "easy")
        end, n = w.cells[-1], w.start.cols
        cell = next((k for k, held in enumerate(end) if not held and k >= n and end[k - n]), None)
        if cell is not None:
            fallen = put(put(end, cell, end[cell - n]), cell - n, "")
            path = [w.puzzle.place(w.start, k) for k in (cell - n, cell)]
            verdict = judged(w, [*w.stages, Stage(fallen, {cell: path})])
            assert verdict.checks["rules.legal"] == 0, verdict.reason
            return
    raise AssertionError("no gem stands above an empty cell")


def test_a_gem_that_leaves_a_copy_fails() -> None:
    w = boardshop(1)
    a, b = w.changed(0)
    one = w.film(
        [Stage(put(w.cells[0], b, w.cells[0][a]), {b: [w.puzzle.place(w.start, k) for k in (a, b)]})]
    )
    places = np.concatenate(
        [np.full((len(one), 1, 2), w.puzzle.place(w.start, a), np.float32), one.places_TN2], 1
    )
    opacity = np.ones(places.shape[:2], np.float32)
    opacity[:, 1:] = 1 if one.opacity_TN is None else one.opacity_TN
    cast = (w.symbols.index(w.cells[0][a]), *(one.cast or ()))
    verdict = JUDGE.judge(w.instance, [w.clip(Script(places, opacity, cast=cast))])[0]
    assert verdict.status == "fail" and verdict.checks["rules.legal"] == 0, verdict.reason


def test_bad_boards_and_moves_are_named() -> None:
    w = boardshop(0)
    state, goal = PUZZLE.encode(w.start)
    with pytest.raises(IllegalMove, match="no line"):
        a, _ = quiet(w.start)[0]
        PUZZLE.step(w.start, f"{a // w.start.cols + 1},{a % w.start.cols + 1} down")
    with pytest.raises(IllegalMove, match="could vanish"):
        PUZZLE.step(w.start, VANISH)
    with pytest.raises(IllegalMove, match="off the board"):
        PUZZLE.step(w.start, "1,99 right")
    with pytest.raises(UserError, match="asked"):
        PUZZLE.decode(state, {"asked": [["red disc", 2]]})
    with pytest.raises(UserError, match="without a line"):
        PUZZLE.decode({"cells": [["red disc"] * 5] * 5}, goal)
    assert PUZZLE.done(replace(w.start, cells=w.cells[-1])) and not PUZZLE.done(w.start)
