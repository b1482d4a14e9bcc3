"""Boards of cells: what is drawn is read, solutions pass, and cheats break the check that they name."""

from __future__ import annotations

import numpy as np
import pytest

from genreason import cards, check
from genreason.bench.reading import CELL
from genreason.bench.reading import told as told_once
from genreason.cards import TaskCard
from genreason.generate.controls import CONTROLS, shop
from genreason.generate.oracle import solution_clip
from genreason.judge.questions import puzzle_questions
from genreason.judge.rules import RulesJudge
from genreason.perceive.cellread import CellReader
from genreason.perceive.cells import ALIEN, BETWEEN, EMPTY, UNSURE, CellTrack, follow_cells
from genreason.perceive.view import View
from genreason.puzzles.boards import BoardPuzzle
from genreason.puzzles.sudoku import SudokuState
from genreason.render.cells import Sign
from genreason.stories import LEAST, told
from genreason.task import Task
from genreason.types import IllegalMove, Instance, UserError, Verdict

JUDGE = RulesJudge()
TASKS = [name for name in sorted(cards.paths(TaskCard)) if isinstance(Task(name).puzzle, BoardPuzzle)]
LEVELS = [(name, level) for name in TASKS for level in cards.load(TaskCard, name).levels]


def one(name: str, level: str | None = None, style: str | None = None, index: int = 0) -> Instance:
    return Task(name, level, split="any", style=style, seed=20)[index]


def judged(instance: Instance, control: str) -> Verdict | None:
    clip = CONTROLS[control].make(shop(instance, control))
    return None if clip is None else JUDGE.judge(instance, [clip])[0]


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_solutions_pass_and_the_first_frame_alone_does_not(name: str, level: str) -> None:
    instance = one(name, level)
    verdict = JUDGE.judge(instance, [solution_clip(instance)])[0]
    assert verdict.status == "pass", verdict.reason
    assert set(verdict.checks.values()) == {1.0} and verdict.metrics["progress"] == 1
    still = judged(instance, "still")
    assert still is not None and still.status == "fail" and still.metrics["outcome"] == 0


@pytest.mark.parametrize("name", TASKS)
def test_the_answer_without_its_way_reaches_the_outcome_but_not_the_process(name: str) -> None:
    level = list(cards.load(TaskCard, name).levels)[-1]
    verdict = judged(one(name, level), "cut")
    assert verdict is not None and verdict.status == "fail"
    assert verdict.metrics["outcome"] == 1 and verdict.metrics["process"] == 0


@pytest.mark.parametrize("name", TASKS)
def test_what_is_drawn_is_read_in_every_style(name: str) -> None:
    for style in Task(name).puzzle.styles():
        instance = one(name, style=style)
        puzzle = Task(name).puzzle
        state = puzzle.start(instance)
        for move in instance.scene["solution"]:
            state = puzzle.step(state, move)
        assert puzzle.read(puzzle.shown(instance, state), instance).state == state, style


@pytest.mark.parametrize("control", [
    "illegal_mark", "given_changed", "vanish", "two_at_once", "half_drawn", "wrong_end", "dissolve", "popped",
    "written_on", "handwritten", "pause", "recode35", "shake",
])  # fmt: skip
def test_controls_do_what_they_say(control: str) -> None:
    verdict = judged(one("sudoku", "easy", "print"), control)
    assert verdict is not None
    recipe = CONTROLS[control]
    assert verdict.status == ("pass" if recipe.honest else "fail"), verdict.reason
    assert recipe.honest or any(v == 0 for c, v in verdict.checks.items() if c.startswith(recipe.breaks))


@pytest.mark.parametrize("control", ["teleport", "clone", "linear", "cut"])
def test_carried_tiles_are_followed(control: str) -> None:
    verdict = judged(one("sliding_puzzle", "easy", "print"), control)
    assert verdict is not None
    assert verdict.status == ("pass" if CONTROLS[control].honest else "fail"), verdict.reason


@pytest.mark.parametrize("control", ["slow", "jitter", "dissolve", "clone", "two_at_once"])
def test_men_pass_over_squares_on_which_a_move_might_end(control: str) -> None:
    verdict = judged(one("chess_mate", "hard", "print"), control)
    assert verdict is not None
    assert verdict.status == ("pass" if CONTROLS[control].honest else "fail"), verdict.reason


def test_what_is_gone_while_something_else_is_carried_is_missed() -> None:
    """The queen passes; the pawn that is away meanwhile is not on her way."""
    instance = Task("chess_mate", "hard", split="any", style="print", seed=check.SEED)[0]
    verdict = judged(instance, "object_lost")
    assert verdict is not None and not verdict.checks["objects.present"], verdict.reason


def test_what_might_move_and_is_gone_while_something_else_is_carried_is_missed() -> None:
    """It could go away by a move of its own, but none is made: it is back when the other one has come."""
    instance = Task("xiangqi_mate", "easy", split="any", style="print", seed=check.SEED)[0]
    verdict = judged(instance, "object_lost")
    assert verdict is not None and not verdict.checks["objects.present"], verdict.reason


def test_a_changed_edge_beside_a_large_thing_is_seen() -> None:
    """What a large thing may cover beside its cells while it moves is looked at when it has come."""
    instance = Task("shape_fitting", "easy", split="any", style="notebook", seed=check.SEED)[1]
    verdict = judged(instance, "scene_altered")
    assert verdict is not None and not verdict.checks["scene.kept"], verdict.reason


@pytest.mark.parametrize("control", ["other_fps", "teleport"])
def test_a_disc_falls_as_fast_as_it_is_seen_to(control: str) -> None:
    """At half the frames it comes from the cell above into its place from one frame to the next."""
    instance = Task("connect_four", "easy", split="any", style="notebook", seed=check.SEED)[1]
    verdict = judged(instance, control)
    assert verdict is not None
    assert verdict.status == ("pass" if CONTROLS[control].honest else "fail"), verdict.reason


@pytest.mark.parametrize(
    ("place", "control"),
    [
        # Half of a small disc over half of a large one looks like a star.
        (("resize", "hard", "blueprint", 0), "slow"),
        # A thing that turns on at once is not at rest when its next turn is told.
        (("turn", "hard", "print", 1), "other_solution"),
    ],
)
def test_gradual_changes_are_told_from_rest_to_rest(place: tuple[str, str, str, int], control: str) -> None:
    name, level, style, index = place
    instance = Task(name, level, split="any", style=style, seed=check.SEED)[index]
    verdict = judged(instance, control)
    assert verdict is not None and verdict.status == "pass", verdict.reason


@pytest.mark.parametrize("control", ["jitter", "resized", "given_changed"])
def test_what_is_ringed_stays_what_it_was(control: str) -> None:
    """A ring that touches the corners of a square makes it look like a star; another thing is another one."""
    instance = Task("odd_one_out", "hard", split="any", style="blueprint", seed=check.SEED)[0]
    verdict = judged(instance, control)
    assert verdict is None or verdict.status == ("pass" if CONTROLS[control].honest else "fail"), verdict


@pytest.mark.parametrize(
    ("name", "level", "style", "index"),
    [("bin_sorting", "easy", "notebook", 1), ("bin_sorting", "hard", "notebook", 1)]
    + [("sorting", "hard", "wood", 0)],
)
def test_a_picture_may_tremble(name: str, level: str, style: str, index: int) -> None:
    instance = Task(name, level, split="any", style=style, seed=check.SEED)[index]
    verdict = judged(instance, "shake")
    assert verdict is not None and verdict.status == "pass", verdict.reason


def test_what_must_vanish_together_does_not_vanish_one_by_one() -> None:
    instance = Task("go_capture", "medium", split="any", style="chalk", seed=check.SEED)[0]
    verdict = judged(instance, "in_parts")
    assert verdict is not None and not verdict.checks["rules.legal"], verdict.reason


def test_a_step_to_the_next_square_must_be_seen() -> None:
    near = [one("chess_mate", "easy", index=i) for i in range(30)]
    steps = [(i, i.scene["solution"][0]) for i in near]
    instance = next(i for i, m in steps if max(abs(ord(m[0]) - ord(m[2])), abs(int(m[1]) - int(m[3]))) == 1)
    assert JUDGE.judge(instance, [solution_clip(instance)])[0].status == "pass"
    faded = judged(instance, "dissolve")
    assert faded is not None and faded.metrics["outcome"] == 1 and faded.checks["rules.legal"] == 0


@pytest.mark.parametrize("name", TASKS)
def test_questions_are_asked_in_the_words_of_the_card(name: str) -> None:
    asked = puzzle_questions(one(name))
    assert [question.kind for question in asked] == ["goal", "process", "preservation", "trap"]
    assert not any("{" in question.text or "player" in question.text[:4] for question in asked)


def seen(*lines: str) -> CellTrack:
    """A track from one line of codes a cell: digits, "." empty, "~" between; ink grows by a tenth a frame."""
    codes = np.array(
        [[EMPTY if c == "." else BETWEEN if c == "~" else int(c) for c in line] for line in lines]
    )
    length = codes.shape[1]
    area = np.broadcast_to(0.1 + 0.02 * np.arange(length, dtype=np.float32)[:, None], (length, len(lines)))
    return CellTrack(
        fps=24.0, clip_size=(64, 64), view=View((1, 1), (0, 0), "same", 0.0),
        code_TC=codes.T.astype(np.int16), area_TC=area, kept_TC=np.ones_like(area),
        camera_T2=np.zeros((length, 2), np.float32), spots=(), broken_T=np.zeros(length, np.bool_),
        start_gap=0.0, start_change=0.0,
    )  # fmt: skip


def test_flicker_is_left_out_and_a_sign_that_is_still_written_does_not_count() -> None:
    story = told(seen("....~~5555", "33333.3333", "..~111~888"))
    assert story.code_TC[:, 0].tolist() == [EMPTY] * 4 + [BETWEEN] * 2 + [5] * 4
    assert set(story.code_TC[:, 1].tolist()) == {3} and LEAST > 1
    assert story.code_TC[:, 2].tolist() == [EMPTY] * 2 + [BETWEEN] * 5 + [8] * 3


def test_sudokus_have_one_solution() -> None:
    puzzle = Task("sudoku").puzzle
    for index in range(3):
        state = puzzle.start(one("sudoku", "medium", index=index))
        full = puzzle.solve(state)
        assert full is not None and state.cells.count("") == len(full)
        for move in puzzle.moves(state):
            other = puzzle.solve(puzzle.step(state, move))
            assert (other is not None) == (move in full.moves)


def test_wrong_boards_and_moves_are_named() -> None:
    puzzle = Task("sudoku").puzzle
    with pytest.raises(UserError, match="4 x 4"):
        puzzle.decode({"cells": [["1", ""]]}, {})
    with pytest.raises(UserError, match="symbol"):
        puzzle.decode({"cells": [["Z"]]}, {})
    state = SudokuState(("1", *[""] * 15), 4)
    with pytest.raises(IllegalMove, match="row, column or block"):
        puzzle.step(state, "1,2=1")


def test_a_clip_of_another_size_is_read() -> None:
    instance = one("n_queens", "easy", "night")
    puzzle = Task("n_queens").puzzle
    assert isinstance(puzzle, BoardPuzzle)
    clip = CONTROLS["resized"].make(shop(instance, "resized"))
    assert clip is not None and clip.render is not None
    track = follow_cells(puzzle.scene(instance), clip.render(), clip.fps)
    assert track.view.kind == "resized" and (track.code_TC[-1] >= EMPTY).all()


def test_what_is_written_otherwise_is_read_or_refused_but_not_mistaken() -> None:
    for texts in ("123456789", "XO", "ABCDEFGH"):
        reader = CellReader(
            tuple(Sign(text=text) for text in texts), (CELL, CELL), np.full(3, 245, np.float32)
        )
        codes = [
            (k, told_once(reader, text, font, i))
            for font in ("plain", "hand", "digital", "simplex", "complex")
            for k, text in enumerate(texts)
            for i in range(2)
        ]
        assert not [code for k, code in codes if code not in (k, BETWEEN, EMPTY, UNSURE, ALIEN)]
        assert np.mean([code == k for k, code in codes]) >= 0.7


@pytest.mark.parametrize(
    ("task", "level", "style", "control"),
    [
        ("sorting", "hard", "print", "other_solution"),  # a tile is put down for a single frame and goes back
        ("sliding_puzzle", "medium", "night", "shake"),  # the last frame is blurred at the edge of a tile
        ("recount", "medium", "night", "object_lost"),  # things that may be taken away are not lost
    ],
)
def test_what_went_wrong_once_does_not_again(task: str, level: str, style: str, control: str) -> None:
    for index in (0, 1):
        records = check._try(check.Item(task, level, style, index, (control,)), "rules")
        assert [each["reason"] for each in records] in ([""], [])
