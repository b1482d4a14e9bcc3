"""Text answers: how they are read, played and compared, and the run that holds them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreason import cards, run, seeds
from genreason.formats.dataset import DataSet
from genreason.generate.oracle import solution
from genreason.judge.actions import ActionsJudge
from genreason.metrics.actions import UnreadableAnswerError, match, parse, play, score, unreadable
from genreason.puzzles import base
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.maze import MazeState
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.report import aggregate, write_report
from genreason.task import Task
from genreason.types import Clip, UserError


def field(rows: int, cols: int, traps: frozenset[tuple[int, int]] = frozenset()) -> MazeState:
    """Open ground with the start in one corner and the goal in the other."""
    inner = ["#" + "".join("#" if (r, c) in traps else "." for c in range(cols)) + "#" for r in range(rows)]
    grid = ["#" * (cols + 2), *inner, "#" * (cols + 2)]
    return MAZE.decode({"grid": grid, "agent": [1, 1]}, {"goal": [rows, cols]})


def answer(moves: Sequence[Any], key: str = "path") -> str:
    return json.dumps({key: list(moves)})


def metrics(state: MazeState, moves: Sequence[str], published: bool = False) -> dict[str, float]:
    found, _ = score(MAZE, state, answer(moves), published)
    return {name.removeprefix("actions."): value for name, value in found.items()}


# -- reading -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        '{"path": ["up", "left"]}',
        '```json\n{"path": ["up", "left"]}\n```',
        'First {up}, so:\n```\n{"path": ["up", "left"]}\n```\nDone.',
        'I think {"thought": {"n": 2}} and then {"path": ["up", "left"]}, {which} is right.',
        '{"actions": ["up", "left"], "why": "short"}',
    ],
)
def test_answers_are_found_in_all_the_usual_dress(text: str) -> None:
    assert parse(text) == ("up", "left")


@pytest.mark.parametrize(
    "text", ["", "up, left", '["up"]', '{"path": "up"}', '{"path": ["up"', "{" * 5000, "null"]
)
def test_what_is_no_answer_is_none(text: str) -> None:
    with pytest.raises(UnreadableAnswerError, match="no JSON object"):
        parse(text)


def test_an_object_without_moves_does_not_hide_one_with() -> None:
    assert parse('{"steps": 3} {"path": ["down"]} {"path": ["up"]}') == ("down",)


# -- playing -------------------------------------------------------------------------------------------------
def test_play_stops_at_the_goal_and_at_the_first_illegal_move() -> None:
    state = field(2, 3)
    won = play(MAZE, state, ["right", "right", "down", "down", "nonsense"])
    assert won.won and won.moves == ("right", "right", "down") and won.stopped == ""
    wall = play(MAZE, state, ["right", "up", "right", "down"])
    assert not wall.won and wall.moves == ("right",) and wall.stopped.startswith("move 2 ('up'): wall")
    odd = play(MAZE, state, ["jump"])
    assert not odd.won and odd.moves == () and "'jump' is no move" in odd.stopped
    assert not play(MAZE, state, ["right"]).won


def test_capitals_and_blanks_are_forgiven_unless_exactness_is_asked() -> None:
    state = field(1, 2)
    assert play(MAZE, state, [" Right"]).won
    assert not play(MAZE, state, [" Right"], exact=True).won
    assert metrics(state, ["RIGHT"])["mr"] == 1.0
    assert metrics(state, ["RIGHT"], published=True)["mr"] == 0.0


# -- comparing -----------------------------------------------------------------------------------------------
def shortest_paths(state: MazeState) -> list[list[str]]:
    """All of them, one by one."""
    ring: list[tuple[list[str], MazeState]] = [([], state)]
    seen = {state}
    while ring:
        won = [moves for moves, at in ring if MAZE.done(at)]
        if won:
            return won
        after = [([*moves, move], MAZE.step(at, move)) for moves, at in ring for move in MAZE.moves(at)]
        ring = [(moves, at) for moves, at in after if at not in seen]
        seen |= {at for _, at in ring}
    return []


def by_listing(state: MazeState, moves: Sequence[str]) -> tuple[float, bool]:
    def same(path: Sequence[str]) -> int:
        found = 0
        for a, b in zip(moves, path, strict=False):
            if a != b:
                break
            found += 1
        return found

    paths = shortest_paths(state)
    return max(same(path) / len(path) for path in paths), list(moves) in paths


traps = st.frozensets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6)


@given(traps, st.lists(st.sampled_from(["up", "down", "left", "right"]), max_size=10), st.booleans())
def test_the_distance_says_what_listing_all_shortest_paths_would(
    holes: frozenset[tuple[int, int]], moves: list[str], published: bool
) -> None:
    state = field(4, 4, holes - {(0, 0), (3, 3)})
    found = match(MAZE, state, moves, published)
    if found is None:
        assert not shortest_paths(state)
        return
    assert (found.share, found.exact) == by_listing(state, moves)
    assert found.shortest == len(shortest_paths(state)[0])


def test_more_shortest_paths_than_can_be_listed() -> None:
    state = field(40, 40)  # some 10^22
    moves = ["right", "down"] * 39
    started = time.process_time()
    assert metrics(state, moves) == {"sr": 1.0, "pr": 1.0, "mr": 1.0, "step": 0.0}
    off = metrics(state, [*moves[:39], "up", *moves[39:]])
    assert off["pr"] == pytest.approx(39 / 78) and off["mr"] == 0.0
    assert time.process_time() - started < 3


def test_a_detour_costs_precision_from_there_on_and_step() -> None:
    got = metrics(field(2, 3), ["right", "left", "right", "right", "down"])
    assert got == {"sr": 1.0, "pr": pytest.approx(1 / 3), "mr": 0.0, "step": pytest.approx(2 / 3)}


def test_step_counts_what_was_made_and_vr_bench_what_was_listed() -> None:
    moves = ["right", "right", "down", "up", "up", "up"]
    assert metrics(field(2, 3), moves) == {"sr": 1.0, "pr": 1.0, "mr": 0.0, "step": 0.0}
    assert metrics(field(2, 3), moves, True) == {"sr": 1.0, "pr": 1.0, "mr": 0.0, "step": 1.0}
    assert "step" not in metrics(field(2, 3), ["right"], True)


def test_sokoban_counts_any_shortest_solution_and_vr_bench_its_own() -> None:
    state = SOKOBAN.decode(
        {"grid": ["######", "#....#", "#....#", "#....#", "######"], "boxes": [[2, 3]], "agent": [1, 1]},
        {"targets": [[2, 4]]},
    )
    ways = (
        ["down", "right", "right"],
        ["right", "down", "right", "right"],
        ["down", "right", "right", "left"],
    )
    stored = ["down", "right", "right"]
    for moves, mr in zip(ways, (1.0, 0.0, 0.0), strict=True):
        ours, _ = score(SOKOBAN, state, answer(moves, "actions"))
        theirs, _ = score(SOKOBAN, state, answer(moves, "actions"), True, stored)
        assert ours["actions.sr"] == theirs["actions.sr"] == 1.0 and ours["actions.mr"] == mr
    other = ["right", "down", "right"]
    assert score(SOKOBAN, state, answer(other))[0]["actions.mr"] == 1.0
    theirs, _ = score(SOKOBAN, state, answer(other, "actions"), True, stored)
    assert theirs["actions.mr"] == 0.0 and theirs["actions.pr"] == 0.0 and theirs["actions.sr"] == 1.0
    with pytest.raises(UnreadableAnswerError, match="'actions'"):
        score(SOKOBAN, state, answer(other, "path"), True, stored)


def test_irregular_mazes_are_answered_by_the_letters_on_the_way() -> None:
    task = Task("irregular_maze", "medium", split="any", seed=1)
    puzzle, state = task.puzzle, task.puzzle.start(task[0])
    stored = list(solution(task[0]))
    assert stored[-1] == "goal" and len(stored) > 2
    for moves in (stored[:-1], stored):
        got, played = score(puzzle, state, answer(moves))
        assert played.won and got["actions.mr"] == got["actions.pr"] == 1.0 and got["actions.step"] == 0.0
    theirs, _ = score(puzzle, state, answer(stored[:-1]), True, stored)
    assert theirs == {"actions.sr": 1.0, "actions.pr": 1.0, "actions.mr": 1.0, "actions.step": 0.0}
    got, played = score(puzzle, state, answer(stored[:-2]))
    assert not played.won and "no road goal" in played.stopped and 0 < got["actions.pr"] < 1


def test_vr_bench_takes_no_answer_with_a_strange_word_for_its_3d_maze() -> None:
    puzzle = base.load("maze3d")
    state = puzzle.sample(seeds.stream("actions", 1), puzzle.params())
    found = puzzle.solve(state)
    assert found is not None
    moves = list(found.moves)
    text = answer([*moves, "jump"])
    ours, played = score(puzzle, state, text)
    assert played.won and ours["actions.sr"] == 1.0 and ours["actions.mr"] == 0.0
    with pytest.raises(UnreadableAnswerError, match="'jump'"):
        score(puzzle, state, text, True, moves)
    theirs, _ = score(puzzle, state, answer(moves), True, moves)
    assert theirs == {"actions.sr": 1.0, "actions.pr": 1.0, "actions.mr": 1.0, "actions.step": 0.0}


def test_an_unreadable_answer_has_step_0_in_vr_bench_only() -> None:
    assert unreadable() == {"actions.sr": 0.0, "actions.pr": 0.0, "actions.mr": 0.0}
    assert unreadable(published=True) == {**unreadable(), "actions.step": 0.0}


# -- the judge and its run -----------------------------------------------------------------------------------
def test_the_judge_says_which_move_was_wrong() -> None:
    instance = Task("maze", "easy", split="any", seed=4)[0]
    moves = list(solution(instance))
    blocked = next(w for w in ("up", "down", "left", "right") if w not in MAZE.moves(MAZE.start(instance)))
    texts = [answer(moves), answer([blocked, *moves]), answer(moves[:-1]), "I do not know"]
    good, wall, short, silent = ActionsJudge().judge(instance, [Clip(meta={"text": text}) for text in texts])
    assert good.status == "pass" and good.metrics["progress"] == 1.0 and good.metrics["excess"] == 0.0
    assert wall.checks["rules.legal"] == 0.0 and wall.reason.startswith(f"move 1 ('{blocked}'): wall")
    assert wall.metrics["progress"] == 0.0 and wall.metrics["actions.pr"] == 0.0
    assert short.checks["rules.goal"] == 0.0 and short.checks["rules.legal"] == 1.0
    assert short.metrics["progress"] == pytest.approx(1 - 1 / len(moves))
    assert silent.checks == {"answer.readable": 0.0} and silent.metrics["actions.sr"] == 0.0
    assert silent.metrics["progress"] == 0.0
    (none,) = ActionsJudge().judge(instance, [Clip()])
    assert none.status == "unscored"
    with pytest.raises(UserError, match="judge actions: option publishd"):
        ActionsJudge(publishd=True)


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    card = cards.load_target("maze")
    return run.make(card, tmp_path / "data", level="easy", n=4, split="any", truth=False)


def write(path: Path, *records: Any) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records))  # no newline at the end
    return path


def test_answers_are_judged_and_reported_like_clips(data: DataSet, tmp_path: Path) -> None:
    lines = [{"sample": i.sample_id, "text": answer(solution(i)), "model": "m"} for i in data.instances[:3]]
    lines += [{"sample": lines[0]["sample"], "text": "{}"}, {"sample": "maze_0099", "text": "x"}]
    file = write(tmp_path / "my-vlm.jsonl", *lines)
    judge = cards.load(cards.JudgeCard, "actions")
    folder = run.attach_answers(data, file, tmp_path / "run")
    verdicts = run.judge(judge, folder)
    assert [v["status"] for v in verdicts].count("pass") == 3 and len(verdicts) == 8
    assert (tmp_path / "run" / "unmatched.txt").read_text() == "maze_0099\n"
    report = aggregate([tmp_path / "run"])
    (row,) = report["runs"]
    assert (row["name"], row["n"], row["scored"], row["floors_missing"]) == ("my-vlm", 8, 4, {})
    assert report["floors"]["actions"]["maze"]["still"]["mean"] == 0.0
    assert row["metrics"]["actions.sr"]["mean"] == 0.75
    page = write_report([tmp_path / "run"], tmp_path / "out").read_text()
    assert "application/octet-stream" not in page  # no answer is embedded as if it were a clip
    # Anew with one answer changed: only that one is graded again.
    lines[3]["text"] = lines[0]["text"]
    again = run.attach_answers(data, write(file, *lines), tmp_path / "run")
    assert [v["status"] for v in run.judge(judge, again)].count("pass") == 4


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"text": "x"}, "line 2 names no sample"),
        ({"sample": "maze_0000"}, "line 2 has no text"),
        ({"sample": "maze_0000", "text": "x", "k": "a"}, "line 2: k is 'a'"),
        ({"sample": "maze_0001", "text": "x", "k": 0}, "line 2: maze_0001 has an answer 0 already"),
    ],
)
def test_a_wrong_line_is_named(data: DataSet, tmp_path: Path, line: dict[str, Any], says: str) -> None:
    file = write(tmp_path / "a.jsonl", {"sample": "maze_0001", "text": "x"}, line)
    with pytest.raises(UserError, match=says):
        run.attach_answers(data, file, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_missing_or_of_other_data_is_refused(data: DataSet, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        run.attach_answers(data, tmp_path / "none.jsonl", tmp_path / "run")
    with pytest.raises(UserError, match="no answer in"):
        run.attach_answers(data, write(tmp_path / "b.jsonl", {"sample": "x", "text": ""}), tmp_path / "run")
    (tmp_path / "c.jsonl").write_text("{\n")
    with pytest.raises(UserError, match=r"c.jsonl line 1 is not JSON"):
        run.attach_answers(data, tmp_path / "c.jsonl", tmp_path / "run")
