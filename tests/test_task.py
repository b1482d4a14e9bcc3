"""A task is a pure function of its index, its splits share nothing, and styles change looks alone."""

from __future__ import annotations

import itertools
import json
import sys
from typing import Any

import pytest

from genreason import cards, seeds, task
from genreason.cards import SuiteCard, TaskCard
from genreason.executor import run_map
from genreason.task import Mixture, Task, split_of, views
from genreason.types import Instance, UserError

TASKS = sorted(cards.paths(TaskCard))


@pytest.mark.parametrize("name", TASKS)
def test_any_sample_can_be_made_alone_and_anywhere(name: str) -> None:
    indices = [5, 0, 3, 1]
    records = [Task(name)[i].to_json() for i in indices]
    again = Task(name)
    assert [again[i].to_json() for i in reversed(indices)] == records[::-1]
    elsewhere = run_map(again.instance, indices, workers=2)  # another interpreter with another hash seed
    assert [instance.to_json() for instance in elsewhere] == records


@pytest.mark.parametrize("name", TASKS)
def test_every_level_makes_puzzles_that_can_be_solved(name: str) -> None:
    for level in cards.load(TaskCard, name).levels:
        made = Task(name, level)
        for instance in made[:2]:
            solution = made.puzzle.solve(made.puzzle.start(instance))
            assert solution is not None and len(solution) > 0
            assert instance.level == level and instance.task == name and "{" not in instance.prompt


@pytest.mark.parametrize("name", TASKS)
def test_neighbours_in_every_axis_share_nothing(name: str) -> None:
    base = Task(name, "medium")
    others = [Task(name, "medium", seed=1), Task(name, "medium", split="val"), Task(name, "hard"), base[40:]]
    prints = {instance.fingerprint for instance in base[:40]}
    assert len(prints) >= 12
    for other in others:
        if (
            len(prints) == 40 or other is others[1]
        ):  # where puzzles are few, they come again, but in their split
            assert prints.isdisjoint(instance.fingerprint for instance in other[:40])
        assert {i.key for i in base[:40]}.isdisjoint(i.key for i in other[:40])


@pytest.mark.parametrize("name", TASKS)
def test_splits_share_no_puzzle_even_where_there_are_few(name: str) -> None:
    found = {split: {i.fingerprint for i in Task(name, "easy", split)[:40]} for split in task.SHARES}
    for a, b in itertools.combinations(found.values(), 2):
        assert a.isdisjoint(b)
    for split, prints in found.items():
        assert {split_of(each) for each in prints} == {split}


def test_split_shares_are_as_promised() -> None:
    counts = dict.fromkeys(task.SHARES, 0)
    for i in range(10_000):
        counts[split_of(f"{i * 429497 % 2**32:08x}")] += 1
    assert counts["train"] == pytest.approx(8000, abs=50) and counts["val"] == pytest.approx(1000, abs=50)
    assert split_of("ffffffff") == "test" and split_of("00000000") == "train"


@pytest.mark.parametrize("name", TASKS)
def test_style_changes_looks_alone(name: str) -> None:
    styles = Task(name).puzzle.styles()
    mixed = Task(name)[:30]
    assert len({instance.style for instance in mixed}) >= 4
    for instance, i in zip(mixed, range(6), strict=False):
        fixed = Task(name, style=styles[0])[i]
        assert (fixed.state, fixed.goal, fixed.fingerprint) == (
            instance.state,
            instance.goal,
            instance.fingerprint,
        )
        same = Task(name, style=instance.style)[i]
        assert same == instance
        if fixed.style != instance.style:
            assert fixed.key != instance.key


def test_key_tells_apart_whatever_changes_the_sample() -> None:
    one = Task("maze")[0]
    others = [
        Task("maze", size=(128, 128))[0],
        Task("maze", fps=12)[0],
        Task("maze", split="any")[0],
        Task("maze", "easy")[0],
        Task("maze", seed=7)[0],
        Task("maze")[1],
    ]
    assert len({one.key, *(other.key for other in others)}) == 7


def test_prompts_name_what_the_picture_shows() -> None:
    for instance in Task("maze")[:8]:
        words = Task("maze").puzzle.style_words(instance.style)
        assert words["agent"] in instance.prompt and words["goal"] in instance.prompt
    assert len({i.prompt for i in Task("maze", style="classic")[:20]}) == len(
        cards.load(TaskCard, "maze").prompts
    )


@pytest.mark.parametrize("name", ["maze", "sokoban", "trapfield"])
def test_a_prompt_can_be_chosen_and_changes_nothing_else(name: str) -> None:
    card = cards.load(TaskCard, name)
    for i, mixed in enumerate(Task(name)[:6]):
        assert "prompt" not in mixed.scene
        same = [v for v in card.variants if Task(name, prompt=v)[i].prompt == mixed.prompt]
        assert len(same) == 1 and same[0].isdigit()
    chosen = [Task(name, prompt=variant)[4] for variant in card.variants]
    assert [instance.scene["prompt"] for instance in chosen] == list(card.variants)
    assert len({i.prompt for i in chosen}) == len({i.key for i in chosen}) == len(chosen) >= 4
    assert len({(i.fingerprint, i.style, str(i.state)) for i in chosen}) == 1
    assert Task(name)[4].key not in {i.key for i in chosen}


def test_all_prompts_ask_for_every_puzzle_with_each() -> None:
    every, one = Task("maze", "easy", prompt="all"), Task("maze", "easy", prompt="vr-bench")
    count = len(cards.load(TaskCard, "maze").variants)
    assert every.repeats == count and one.repeats == 1
    for number in range(3):
        group = list(every[number * count : (number + 1) * count])
        assert [i.scene["prompt"] for i in group] == ["1", "2", "3", "vr-bench"]
        assert {(i.fingerprint, i.style) for i in group} == {(one[number].fingerprint, one[number].style)}
        assert group[-1].prompt == one[number].prompt and group[-1].key == one[number].key
        assert [i.index for i in group] == list(range(number * count, (number + 1) * count))
    (view,) = views(cards.load(TaskCard, "maze"), n=5, prompt="all")
    assert len(view) == 5 * count
    with pytest.raises(UserError, match="unknown prompt of maze 'vrbench': did you mean 'vr-bench'"):
        Task("maze", prompt="vrbench")


def test_a_prompt_keeps_its_paragraphs() -> None:
    prompt = Task("trapfield", prompt="vr-bench", style="crosses")[0].prompt
    assert "\n\nMaze:\nThe ways are white floor; the traps are the red crosses.\n" in prompt
    assert "  " not in prompt and prompt == prompt.strip()


def test_instances_come_back_from_json() -> None:
    instance = Task("sokoban", "small", split="test")[2]
    assert Instance.from_json(instance.to_json()) == instance
    assert instance.scene["puzzle"] == "sokoban" and instance.scene["motion"]["frames_per_step"] == 4


def test_slices_are_views() -> None:
    whole = Task("maze", "easy")
    view = whole[2:8:2]
    assert len(view) == 3
    assert [instance.index for instance in view] == [2, 4, 6]
    assert view[-1] == whole[6]
    assert [i.index for i in view[1:]] == [4, 6]
    assert [i.index for i in itertools.islice(whole[3:], 2)] == [3, 4]
    assert [i.index for i in itertools.islice(whole, 2)] == [0, 1]
    assert len(whole[3:]) == sys.maxsize - 3
    for wrong in (lambda: whole[-1], lambda: whole[-3:], lambda: whole[::-1], lambda: view[3]):
        with pytest.raises(IndexError):
            wrong()


def test_a_mixture_is_a_function_of_its_index() -> None:
    mixed = Mixture([Task("maze", "easy"), Task("sokoban", "small")], weights=[3, 1], seed=5)
    names = [instance.task for instance in mixed[:60]]
    assert 8 <= names.count("sokoban") <= 24
    assert mixed[17] == mixed[10:20][7]
    assert [i.index for i in mixed[:5]] == [0, 1, 2, 3, 4]
    assert names != [i.task for i in Mixture(mixed.sources, [3, 1], seed=6)[:60]]
    for wrong in ([1.0], [0.0, 0.0], [-1.0, 2.0]):
        with pytest.raises(UserError, match="mixture"):
            Mixture(mixed.sources, wrong)


def test_suites_number_their_samples_once() -> None:
    found = views(cards.load(SuiteCard, "spine"), n=2)
    names = [instance.sample_id for view in found for instance in view]
    assert len(set(names)) == len(names) == 2 * len(cards.load(SuiteCard, "spine").entries)
    assert {name.split("_")[0] for name in names} == {"maze", "sokoban"}
    hard = views(cards.load(SuiteCard, "spine"), level="hard", style="classic")
    expected = [(name, "hard", "classic") for name in ("maze", "sokoban")]
    assert [(v[0].task, v[0].level, v[0].style) for v in hard] == expected
    suite = cards.load(SuiteCard, "spine")
    repeated = views(suite, n=2, level="hard", prompt="all")
    assert [len(view) for view in repeated] == [
        2 * len(cards.load(TaskCard, n).variants) for n, _, _ in expected
    ]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Task("mase"), "unknown task 'mase': did you mean 'maze'"),
        (lambda: Task("maze", "heard"), "unknown level of maze 'heard': did you mean 'hard'"),
        (lambda: Task("maze", split="tests"), "unknown split 'tests': did you mean 'test'"),
        (lambda: Task("maze", style="clasic"), "unknown style of maze 'clasic': did you mean 'classic'"),
        (lambda: Task("maze", size=(8, 8)), "size 8x8"),
        (lambda: Task("maze", fps=0), "fps 0"),
        (lambda: views(cards.load(SuiteCard, "spine"), level="heard"), "did you mean 'hard'"),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest_name(make: object, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("name", TASKS)
def test_instances_carry_a_shortest_solution(name: str) -> None:
    for level in cards.load(TaskCard, name).levels:
        made = Task(name, level, split="test")
        instance = Instance.from_json(json.loads(json.dumps(made[1].to_json())))
        state = made.puzzle.start(instance)
        best = made.puzzle.solve(state)
        assert best is not None and len(best) == len(instance.scene["solution"])
        for move in instance.scene["solution"]:
            state = made.puzzle.step(state, move)
        assert made.puzzle.done(state)


@pytest.mark.parametrize("name", TASKS)
def test_puzzles_return_only_what_was_accepted(name: str) -> None:
    for level in cards.load(TaskCard, name).levels:
        made = Task(name, level)
        asked: list[Any] = []

        def every_third(state: Any, asked: list[Any] = asked) -> bool:
            asked.append(state)
            return len(asked) % 3 == 0

        state = made.puzzle.sample(seeds.stream("accept", level), made.params, every_third)
        assert state == asked[-1] and len(asked) % 3 == 0


def test_a_split_without_puzzles_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "split_of", lambda _: "train")
    for name in TASKS:
        with pytest.raises(UserError, match="level easy has too few different puzzles for the split 'val'"):
            Task(name, "easy", split="val")[0]
