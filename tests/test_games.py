"""Xiangqi, go and minesweeper: their rules, and clips that break one of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from genreason.generate.boardshop import BoardShop, put
from genreason.generate.controls import shop
from genreason.judge.rules import RulesJudge
from genreason.puzzles import gogroups, minelogic, xiangqi
from genreason.puzzles.boards import Stage
from genreason.puzzles.go_capture import PUZZLE as GO
from genreason.puzzles.go_capture import GoState
from genreason.puzzles.minesweeper import PUZZLE as MINES
from genreason.puzzles.xiangqi_mate import _scattered
from genreason.task import Task
from genreason.types import IllegalMove, Verdict

JUDGE = RulesJudge()


def position(*pieces: str) -> list[str]:
    """A board of xiangqi with pieces as "K94": letter, row, column, counted from 0."""
    cells = [""] * 90
    for kind, row, col in pieces:
        cells[int(row) * 9 + int(col)] = kind
    return cells


def test_a_general_is_attacked_where_a_piece_could_take_it_or_generals_face_each_other() -> None:
    rng, seen = np.random.default_rng(3), set()
    for _ in range(300):
        cells = _scattered(rng, int(rng.integers(4, 20)))
        assert cells is not None
        for own, other in ((xiangqi.FIRST, xiangqi.SECOND), (xiangqi.SECOND, xiangqi.FIRST)):
            king, rival = cells.index(own[0]), cells.index(other[0])
            top, low = sorted((king, rival))
            facing = king % 9 == rival % 9 and not any(cells[k] for k in range(top + 9, low, 9))
            taken = any(target == king for _, target in xiangqi.reached(cells, other))
            assert xiangqi.checked(cells, own) == (taken or facing)
            seen.add(taken or facing)
    assert seen == {True, False}


def test_horses_elephants_and_cannons_go_as_they_must() -> None:
    horse = position("H54", "P44", "K93", "k05")
    ends = {target for source, target in xiangqi.reached(horse, xiangqi.FIRST) if source == 5 * 9 + 4}
    assert 3 * 9 + 3 not in ends and 3 * 9 + 5 not in ends and 7 * 9 + 3 in ends and len(ends) == 6
    elephant = position("E52", "K93", "k05")
    assert {t for s, t in xiangqi.reached(elephant, xiangqi.FIRST) if s == 5 * 9 + 2} == {63, 67}
    cannon = position("C90", "P60", "r20", "h10", "K94", "k05")
    ends = {target for source, target in xiangqi.reached(cannon, xiangqi.FIRST) if source == 81}
    assert 2 * 9 in ends and 6 * 9 not in ends and 1 * 9 not in ends and 3 * 9 not in ends


def test_two_chariots_mate() -> None:
    cells = position("R18", "R27", "K93", "k04")
    assert (2 * 9 + 7, 0 * 9 + 7) in xiangqi.mates(cells)
    assert not xiangqi.mated(cells, xiangqi.SECOND)


def test_numbers_of_minesweeper_leave_one_way() -> None:
    for seed in range(5):
        state = MINES.sample(np.random.default_rng(seed), MINES.params(size=4, mines=(3, 4), safe=(2, 4)))
        closed = [k for k, clue in enumerate(state.clues) if clue == minelogic.CLOSED]
        near = minelogic.around(4)
        fits = [
            set(some)
            for count in range(len(closed) + 1)
            for some in itertools.combinations(closed, count)
            if all(clue in (minelogic.CLOSED, len(set(near[k]) & set(some)))
                   for k, clue in enumerate(state.clues))
        ]  # fmt: skip
        assert fits == [minelogic.mines_of(state.clues, 4)]


def go(text: str, turns: int = 1, rest: int = 0) -> GoState:
    cells = tuple(c.replace(".", "") for c in text.replace(" ", ""))
    return GoState(cells, round(len(cells) ** 0.5), rest, turns)


def test_stones_are_put_and_taken_by_the_rules_of_go() -> None:
    state = go("OX.. XX.. .... ....")
    with pytest.raises(IllegalMove, match="free point"):
        GO.step(go(".O.. O... .... ...."), "1,1")
    with pytest.raises(IllegalMove, match="not captured"):
        GO.step(go("OO.. X... .... ...."), "take 1,1")
    assert gogroups.dead(state.cells, 4) == {0}
    with pytest.raises(IllegalMove, match="taken away first"):
        GO.step(state, "3,3")
    assert GO.done(GO.step(state, "take 1,1"))
    eye = go(".OX. OOX. XXX. ....")  # what captures may be put where it has no free point
    assert GO.done(GO.step(GO.step(eye, "1,1"), "take 1,2 2,1 2,2"))
    with pytest.raises(IllegalMove, match="together"):
        GO.step(GO.step(eye, "1,1"), "take 1,2")


def judged(w: BoardShop, stages: list[Stage]) -> Verdict:
    return JUDGE.judge(w.instance, [w.clip(w.film(stages))])[0]


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_what_go_captures_vanishes_after_the_stone_is_put_all_of_it_and_nothing_else(level: str) -> None:
    w = shop(Task("go_capture", level, split="any", style="print", seed=20)[2], "test")
    assert isinstance(w, BoardShop)
    before, stone, after = w.cells[-3:]
    gone = [k for k, (a, b) in enumerate(zip(stone, after, strict=True)) if a != b]
    first = before
    for k in gone:
        first = put(first, k, "")
    own = next(k for k, held in enumerate(before) if held == gogroups.FIRST)
    for stages in (
        [Stage(first), Stage(after)],
        [Stage(after)],
        [Stage(stone), Stage(put(after, gone[0], gogroups.SECOND))],
        [Stage(stone), Stage(put(after, own, ""))],
    ):
        verdict = judged(w, [*w.stages[:-2], *stages])
        assert verdict.status == "fail" and (verdict.checks["rules.legal"] == 0 or len(gone) == 1)
    assert judged(w, w.stages).status == "pass"
