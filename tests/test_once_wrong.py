"""Clips of the full gate that were judged wrongly once, one for each cause."""

from __future__ import annotations

import pytest

from genreason import check, video
from genreason.judge.rules import RulesJudge
from genreason.task import Task

JUDGE = RulesJudge()


@pytest.mark.parametrize(
    ("task", "level", "style", "index", "control"),
    [
        # Colours that lag behind brightness in a frame of few bits.
        ("chess_mate", "medium", "notebook", 2, "shake"),
        # A camera that trembles over like pegs does not jump from peg to peg.
        ("hanoi", "hard", "print", 2, "shake"),
        # A large disc on its way hides that lines are where the camera puts them.
        ("hanoi", "hard", "print", 3, "shake"),
        # Another board is no camera that moved by a cell.
        ("visual_instruction", "easy", "lava", 3, "swapped_instance"),
        # One empty frame, then something passes over the cell.
        ("shape_fitting", "medium", "notebook", 2, "blink"),
        # A tile leaves its cell for a frame.
        ("sliding_puzzle", "medium", "chalk", 3, "other_solution"),
        ("life", "medium", "chalk", 3, "written_on"),
        # What is left in the lane over a board stays to the end.
        ("block_stacking", "easy", "print", 4, "scene_altered"),
        # Carried a little on its way, then there at once.
        ("matchsticks", "medium", "print", 0, "jumps_ahead"),
        # A stick rests beside another one.
        ("matchsticks", "medium", "chalk", 3, "pause"),
        # What glides on passes a field in two frames.
        ("motion", "hard", "night", 3, "other_solution"),
        # Everything fades, and one thing is there first.
        ("bin_sorting", "hard", "chalk", 4, "dissolve"),
        # A large square is as much a square as a small one.
        ("resize", "easy", "print", 9, "oracle"),
    ],
)
def test_a_clip_that_was_judged_wrongly_is_not_any_more(
    task: str, level: str, style: str, index: int, control: str
) -> None:
    instance = Task(task, level, split="any", style=style, seed=check.SEED)[index]
    clip = check.make(instance, control)
    assert clip is not None
    verdict = JUDGE.judge(instance, [video.sent(video.frames(clip), video.fps(clip))])[0]
    assert not check.fault(control, verdict), verdict.reason
