"""Shape fitting: pieces move as a whole, in any order, and stay where they were laid."""

from __future__ import annotations

import pytest

from genreason.generate.controls import shop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.boards import Stage
from genreason.puzzles.shape_fitting import PUZZLE, ShapeFittingParams, ShapeFittingState
from genreason.seeds import stream
from genreason.task import Task
from genreason.types import IllegalMove, UserError, Verdict

WORKS = shop(Task("shape_fitting", "easy", style="night")[0], "oracle")


def judged(stages: list[Stage]) -> Verdict:
    """The verdict on a clip of these steps."""
    return RulesJudge().judge(WORKS.instance, [WORKS.clip(WORKS.film(stages))], seed=0)[0]


def test_any_order_is_right() -> None:
    """Pieces may come in another order than the solver's."""
    stages = PUZZLE.stages(WORKS.start, list(reversed(WORKS.moves)))
    assert judged(stages).status == "pass"


def test_a_piece_does_not_break() -> None:
    """A square that stays behind and follows later breaks its piece."""
    last, before = WORKS.stages[-1], WORKS.cells[-2]
    cell = next(iter(last.paths))
    home = next(k for k in range(len(before)) if PUZZLE.place(WORKS.start, k) == tuple(last.paths[cell][0]))
    cells = list(last.cells)
    cells[cell], cells[home] = "", last.cells[cell]
    rest = {k: path for k, path in last.paths.items() if k != cell}
    broken = [Stage(tuple(cells), rest), Stage(last.cells, {cell: last.paths[cell]})]
    verdict = judged([*WORKS.stages[:-1], *broken])
    assert verdict.status == "fail" and not verdict.checks["rules.legal"]
    assert "does not come with the others" in verdict.reason


def test_what_lies_in_the_hole_stays() -> None:
    """Neither given pieces nor those that were laid are moved."""
    state = ShapeFittingState(
        ("A", "A", "A", "", "", "", "", "", "", "", "B", "B", "B", "", ""), 5, (0, 1, 2, 3, 4, 5)
    )
    assert {move[0] for move in PUZZLE.moves(state)} <= {"B"}
    with pytest.raises(IllegalMove, match="already lies in the hole"):
        PUZZLE.step(state, "A=1,2")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"hole": (2, 7)}, "2 to 6 rows"), ({"pieces": 2, "hole": (4, 4)}, "3 to 5 squares")],
)
def test_wrong_parameters_are_refused(wrong: dict[str, object], said: str) -> None:
    """Levels that cannot be are refused before any work."""
    with pytest.raises(UserError, match=said):
        PUZZLE.sample(stream("shape_fitting"), ShapeFittingParams(**wrong))
