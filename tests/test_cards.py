"""Cards are read strictly, found in order, and those that ship are right."""

from __future__ import annotations

from pathlib import Path

import pytest

from genreason import benchmarks, cards, judge
from genreason.cards import BenchmarkCard, GeneratorCard, JudgeCard, SuiteCard, TaskCard
from genreason.generate.controls import CONTROLS
from genreason.puzzles import base
from genreason.replay import Tolerances
from genreason.task import Task
from genreason.types import UserError

KINDS = [TaskCard, SuiteCard, BenchmarkCard, GeneratorCard, JudgeCard]
MAZE = """name: mine
version: 1
title: Mine
description: A maze of mine.
puzzle: maze
verification: exact
default_level: a
levels:
  a: {rooms: 3}
prompts: ["Bring the {agent} to the {goal}."]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tasks").mkdir()
    monkeypatch.setenv(cards.PATH_VARIABLE, str(tmp_path))
    return tmp_path


def write(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / "tasks" / f"{name}.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_every_card_reads(kind: type[cards.Card]) -> None:
    for name in cards.paths(kind):
        assert cards.load(kind, name).name == name


@pytest.mark.parametrize("name", cards.paths(TaskCard))
def test_every_level_is_valid_and_every_prompt_can_be_filled(name: str) -> None:
    card = cards.load(TaskCard, name)
    words = set(base.load(card.puzzle).style_words(base.load(card.puzzle).styles()[0]))
    for level in card.levels:
        task = Task(card, level)
        words |= set(task.puzzle.words(task.puzzle.start(task[0])))
    for prompt in card.variants.values():
        assert set(cards.prompt_fields(prompt)) <= words


@pytest.mark.parametrize("name", cards.paths(SuiteCard))
def test_suites_name_tasks_and_levels_that_exist(name: str) -> None:
    for entry in cards.load(SuiteCard, name).entries:
        task = Task(entry.task, entry.level, split=entry.split, style=entry.style)
        assert (task.card.name, task.level, task.split) == (entry.task, entry.level, entry.split)


def test_cards_and_controls_agree() -> None:
    found = {name: cards.load(GeneratorCard, name) for name in cards.paths(GeneratorCard)}
    controls = {name: card.expect for name, card in found.items() if card.kind == "control"}
    assert controls == {name: "pass" if recipe.honest else "fail" for name, recipe in CONTROLS.items()}


def test_the_rules_card_names_every_tolerance_with_its_value() -> None:
    card = cards.load(JudgeCard, "rules")
    assert card.options["tolerances"] == Tolerances().model_dump()
    judge.load(card, card.options)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("title:", "titel:"), "unknown key 'titel': did you mean 'title'?"),
        (("version: 1", 'version: "1"'), "version: input should be a valid integer"),
        (("default_level: a", "default_level: b"), "default_level"),
        (("description: A maze of mine.\n", ""), "lacks the key 'description'"),
        (("levels:\n", "levels: [\n"), "mine.yaml:"),
        (("title: Mine", "title: Mine\ntitle: Yours"), "the key 'title' stands twice"),
        (("prompts:", "motion: {frames_per_stop: 3}\nprompts:"), "did you mean 'frames_per_step'?"),
        (("verification: exact", "verification: exactly"), "verification: input should be 'exact'"),
        (("{agent}", "{agent.colour}"), "prompt field {agent.colour}"),
        (("{agent}", "{agent"), "prompts"),
        (("prompts:", "named_prompts: {short: Go to the goal.}\nprompts:"), "named_prompts"),
        (("prompts:", "named_prompts: {in-short: 'Go to {goal.at}.'}\nprompts:"), "field {goal.at}"),
        (("name: mine", "name: yours"), "name is 'yours', but the file's is 'mine'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder: Path, change: tuple[str, str], said: str) -> None:
    path = write(folder, MAZE.replace(*change))
    with pytest.raises(UserError) as caught:
        cards.load(TaskCard, "mine")
    message = str(caught.value)
    assert said in message and str(path) in message and "\n" not in message


def test_wrong_parameter_of_a_level_names_the_nearest(folder: Path) -> None:
    write(folder, MAZE.replace("rooms", "roms"))
    with pytest.raises(UserError, match=r"task mine: level a: unknown key 'roms': did you mean 'rooms'\?"):
        Task("mine")


def test_unknown_prompt_field_names_the_nearest(folder: Path) -> None:
    write(folder, MAZE.replace("{goal}", "{gaol}"))
    with pytest.raises(UserError, match="did you mean 'goal'"):
        Task("mine")[0]


def test_folders_of_the_path_come_first(folder: Path) -> None:
    shipped = cards.load(TaskCard, "maze")
    write(folder, MAZE.replace("mine", "maze"), "maze")
    assert cards.load(TaskCard, "maze").title == "Mine" != shipped.title
    assert "sokoban" in cards.paths(TaskCard)


def test_a_card_may_be_given_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MAZE)
    card = cards.load_target(str(path))
    assert isinstance(card, TaskCard) and card.name == "mine"
    suite = tmp_path / "some.yaml"
    suite.write_text("name: some\ndescription: Some.\nentries: [{task: maze, n: 1}]\n")
    assert isinstance(cards.load_target(str(suite)), SuiteCard)
    with pytest.raises(UserError, match="there is no card"):
        cards.load_target(str(tmp_path / "none.yaml"))


def test_suites_have_two_names() -> None:
    assert cards.load_target("spine") == cards.load_target("suites/spine")
    with pytest.raises(UserError, match="did you mean 'suites/spine'"):
        cards.load_target("suites/spin")
    with pytest.raises(UserError, match="did you mean 'sokoban'"):
        cards.load_target("sokobam")


def test_missing_folder_of_the_path_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cards.PATH_VARIABLE, "/nowhere/at/all")
    with pytest.raises(UserError, match="GENREASON_PATH names /nowhere/at/all"):
        cards.paths(TaskCard)


def test_no_cards_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cards, "roots", lambda: [tmp_path])
    with pytest.raises(UserError, match="no task cards found"):
        cards.paths(TaskCard)


def test_hash_is_of_what_a_card_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MAZE)
    first = cards.read(TaskCard, path).hash
    path.write_text("# a comment\n" + MAZE)
    assert cards.read(TaskCard, path).hash == first
    path.write_text(MAZE.replace("rooms: 3", "rooms: 4"))
    assert cards.read(TaskCard, path).hash != first


def test_options_must_be_on_the_card() -> None:
    card = GeneratorCard(
        name="x", description="X.", kind="oracle", options={"steps": 4, "size": {"w": 1, "h": 2}}
    )
    assert cards.with_options(card, {"steps": 8}) == {"steps": 8, "size": {"w": 1, "h": 2}}
    assert cards.with_options(card, {"size.w": 5})["size"] == {"w": 5, "h": 2}
    with pytest.raises(UserError, match="did you mean 'steps'"):
        cards.with_options(card, {"step": 8})
    with pytest.raises(UserError, match="'size.x'"):
        cards.with_options(card, {"size.x": 5})


def test_a_level_may_move_otherwise() -> None:
    card = cards.load(TaskCard, "maze")
    assert card.motion_of("expert").frames_per_step == 2
    assert card.motion_of("easy") == card.motion
    assert "motion" not in card.params("expert")


def test_tasks_serve_rows_that_exist_and_rows_name_judges_that_exist() -> None:
    judges = cards.paths(JudgeCard)
    for benchmark in benchmarks.catalogue():
        for row in benchmark["rows"]:
            assert row["judge"] is None or row["judge"] in judges
            assert row["judge"] is None or not row["tasks"], "what a program verifies needs no checklist"


def test_a_row_that_does_not_exist_is_named(folder: Path) -> None:
    path = write(folder, MAZE + "benchmarks: [tivibench/maze_solvin]\n")
    with pytest.raises(
        UserError, match="task mine: benchmarks: .*tivibench/maze_solvin.*tivibench/maze_solving"
    ):
        benchmarks.check(cards.read(TaskCard, path), benchmarks.load_all())
    other = cards.read(TaskCard, write(folder, MAZE + "benchmarks: [mine/of_my_own]\n"))
    benchmarks.check(other, benchmarks.load_all())
    assert list(benchmarks.rows_of(other, benchmarks.load_all())) == []


SUITES = {
    "tivibench": "tivibench", "ruler-exact": "ruler", "v-reasonbench": "v-reasonbench",
    "videothinkbench-vision": "videothinkbench",
}  # fmt: skip


@pytest.mark.parametrize("suite", SUITES)
def test_a_benchmarks_suite_asks_every_task_that_serves_it_at_every_level(suite: str) -> None:
    found = next(each for each in benchmarks.catalogue() if each["name"] == SUITES[suite])
    serving = {task for row in found["rows"] for task in row["tasks"]}
    asked = {(entry.task, entry.level) for entry in cards.load(SuiteCard, suite).entries}
    assert asked == {(task, level) for task in serving for level in ("easy", "medium", "hard")}
