"""Lines between dots count in their order and direction, however they are drawn; all else fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from genreason.generate.boardshop import BoardShop, put
from genreason.generate.controls import shop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.boards import Stage
from genreason.puzzles.dot_to_dot import ACROSS, DOWN
from genreason.render.board import Piece, blend
from genreason.task import Task
from genreason.types import Clip, Frame, UserError, Verdict

JUDGE = RulesJudge()
PUZZLE = Task("dot_to_dot").puzzle
STYLES = PUZZLE.styles()
Steps = list[tuple[int, str]]


def boardshop(index: int = 0, level: str = "hard", style: str = "print") -> BoardShop:
    made = shop(Task("dot_to_dot", level, split="any", style=style, seed=20)[index], "oracle")
    assert isinstance(made, BoardShop)
    return made


def steps_of(w: BoardShop) -> Steps:
    return [(w.changed(k)[0], w.cells[-1][w.changed(k)[0]]) for k in range(len(w.moves))]


def drawn(w: BoardShop, steps: Sequence[tuple[int, str]]) -> Verdict:
    """The verdict on a clip in which these cells change, one after the other."""
    cells, stages = w.cells[0], []
    for cell, symbol in steps:
        cells = put(cells, cell, symbol)
        stages.append(Stage(cells))
    return JUDGE.judge(w.instance, [w.clip(w.film(stages))])[0]


def lines(w: BoardShop) -> list[Steps]:
    """The solution, line by line."""
    found: list[Steps] = []
    ended = True
    for k, step in enumerate(steps_of(w)):
        text = PUZZLE.plan(w.states[k], w.moves[k])
        if ended:
            found.append([])
        found[-1].append(step)
        ended = "reaches" in text
    return found


def without(steps: Steps, *others: Steps) -> Steps:
    return [step for step in steps if not any(step in other for other in others)]


@pytest.mark.parametrize("style", STYLES)
def test_a_line_may_grow_as_from_a_pen(style: str) -> None:
    w = boardshop(1, style=style)
    steps, parts = steps_of(w), lines(w)
    cells = [w.puzzle.place(w.start, k) for k, _ in steps]
    ways = []
    for step in steps:  # as its line runs
        line = next(part for part in parts if step in part)
        sign = 1 if line[0] <= line[-1] else -1
        ways.append((sign, 0) if step[1] == ACROSS else (0, sign))
    pieces = [w.board.pieces[w.symbols.index(s)] for _, s in steps]
    first = w.frame(w.cells[0])

    def frames() -> Iterator[Frame]:
        yield from [first] * 4
        for t in range(1, 4 * len(pieces) + 8):
            frame = first.copy()
            for k, piece in enumerate(pieces):
                share = float(np.clip(t / 4 - k, 0, 1))
                if share:
                    part = grown(piece, ways[k], share)
                    x, y = w.board.lattice.pixels(cells[k])
                    blend(frame, part, float(x), float(y))
            yield frame

    verdict = JUDGE.judge(w.instance, [Clip(render=frames, fps=w.instance.fps)])[0]
    assert verdict.status == "pass", verdict.reason


def grown(piece: Piece, way: tuple[int, int], share: float) -> Piece:
    """The first share of a line's piece."""
    x0, y0, x1, y1 = piece.ink
    alpha = np.zeros_like(piece.alpha)
    wide, high = round((x1 - x0) * share), round((y1 - y0) * share)
    boxes: dict[tuple[int, int], tuple[slice, ...]] = {
        (1, 0): np.s_[:, : x0 + wide], (-1, 0): np.s_[:, x1 - wide :],
        (0, 1): np.s_[: y0 + high, :], (0, -1): np.s_[y1 - high :, :],
    }  # fmt: skip
    alpha[boxes[way]] = piece.alpha[boxes[way]]
    return replace(piece, alpha=alpha)


def test_slow_lines_pass() -> None:
    w = boardshop(2, "easy")
    verdict = JUDGE.judge(w.instance, [w.clip(w.film(w.stages, frames_per_step=20))])[0]
    assert verdict.status == "pass", verdict.reason


@pytest.mark.parametrize("index", range(3))
def test_every_rule_is_needed(index: int) -> None:
    w = boardshop(index)
    steps, parts = steps_of(w), lines(w)
    a, b = parts[0], parts[1]
    long = next((part for part in parts if len(part) > 1), None)
    other = a[0][0], DOWN if a[0][1] == ACROSS else ACROSS
    clips = {
        "two lines in the wrong order": [*b, *a, *without(steps, a, b)],
        "a line is left out": without(steps, b),
        "the last line is left out": without(steps, parts[-1]),
        "all lines in reverse": steps[::-1],
        "a line is taken away again": [*steps, (a[0][0], "")],
        "a given line is taken away": [(given(w), ""), *steps],
        "a line ran the other way for a while": [other, other, *steps],
        "a line where none runs": [*a, stray(w), *without(steps, a)],
        "a line where none runs, at last": [*steps, stray(w)],
        "a dot turns into a line": [*steps, (dot(w), ACROSS)],
        "a dot changes its number": [*steps, (dot(w), number(w))],
        "a dot vanishes": [*steps, (dot(w), "")],
    }
    if long is not None:
        at = steps.index(long[0])
        clips["a line from its higher number"] = [*steps[:at], *long[::-1], *steps[at + len(long) :]]
        clips["a line with a gap"] = without(steps, [long[0]])
    for name, wrong in clips.items():
        verdict = drawn(w, wrong)
        assert verdict.status == "fail", name
        if "left out" not in name or "last" not in name:
            assert verdict.checks["rules.legal"] == 0 or verdict.checks["objects.present"] == 0, name


def given(w: BoardShop) -> int:
    return next(k for k, symbol in enumerate(w.cells[0]) if symbol in (ACROSS, DOWN))


def dot(w: BoardShop) -> int:
    return next(k for k, symbol in enumerate(w.cells[0]) if symbol not in ("", ACROSS, DOWN))


def number(w: BoardShop) -> str:
    return next(s for s in w.symbols if s not in (ACROSS, DOWN, w.cells[0][dot(w)]))


def stray(w: BoardShop) -> tuple[int, str]:
    return next(k for k, symbol in enumerate(w.cells[-1]) if not symbol), ACROSS


def test_bad_drawings_are_named() -> None:
    rows = [["1", "", "2"], ["", "", ""], ["", "", "3"]]
    state = PUZZLE.decode({"cells": rows, "closed": False}, {})
    assert [PUZZLE.plan(state, "1,2=-")] == [
        "The line from dot 1 goes on to row 1, column 2. It reaches dot 2."
    ]
    found = PUZZLE.solve(state)
    assert found is not None and found.moves == ("1,2=-", "2,3=|")
    for bad, why in (
        ([["1", "2", ""], *rows[1:]], "in a line"),
        ([["1", "", "1"], *rows[1:]], "of its own"),
        ([rows[0], ["-", "", ""], rows[2]], "joins no two dots"),
    ):
        with pytest.raises(UserError, match=why):
            PUZZLE.decode({"cells": bad, "closed": False}, {})
    with pytest.raises(UserError, match="in a line"):
        PUZZLE.decode({"cells": rows, "closed": True}, {})
