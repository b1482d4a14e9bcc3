"""Every task keeps the public contract, and the contract checks find what breaks it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from genreason import cards, seeds, testing, video
from genreason.cards import TaskCard
from genreason.generate.controls import Control
from genreason.generate.oracle import Oracle
from genreason.judge.rules import RulesJudge
from genreason.puzzles import base
from genreason.puzzles.base import Puzzle
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.maze import Maze, MazeParams, MazeState
from genreason.puzzles.tiles import TilePuzzle
from genreason.task import Task
from genreason.types import Clip, Frame, Instance, Json, Request, Verdict

SMALL = MazeParams(rooms=3)
LEVELS = [(name, level) for name in cards.paths(TaskCard) for level in cards.load(TaskCard, name).levels]


def mirrored(puzzle: Puzzle[Any, Any]) -> testing.Symmetries:
    """Reflections and quarter turns of any state whose JSON is a grid and [row, column] pairs."""

    def flip(value: Any, height: int) -> Any:
        if isinstance(value[0], int):
            return [height - 1 - value[0], value[1]]
        return [flip(each, height) for each in value]

    def turn(value: Any) -> Any:
        return value[::-1] if isinstance(value[0], int) else [turn(each) for each in value]

    def images(state: Any) -> Iterable[Any]:
        record, goal = puzzle.encode(state)
        for step in range(7):
            rows = record["grid"]
            upright = step % 2 == 0
            grid = rows[::-1] if upright else ["".join(line) for line in zip(*rows, strict=True)]
            cells = {name: value for name, value in record.items() if name != "grid"}
            cells, goal = (
                {name: flip(value, len(rows)) if upright else turn(value) for name, value in part.items()}
                for part in (cells, goal)
            )
            record = {"grid": grid, **cells}
            yield puzzle.decode(record, goal)

    return images


@pytest.mark.parametrize("name", sorted(cards.paths(TaskCard)))
def test_a_picture_for_a_clip_fails(name: str) -> None:
    """A model that shows nothing has failed; leaving such clips out of the score would reward giving up."""
    instance = Task(name, None, "test")[0]
    puzzle: Any = base.load(instance.scene["puzzle"])
    picture = puzzle.picture(instance)
    request = Request(instance=instance, first_frame=picture, prompt=instance.prompt)
    (solved,) = Oracle().generate([request], 0)
    for frame in (picture, list(video.frames(solved))[-1]):
        clip = Clip(render=functools.partial(iter, [frame]), fps=24.0)
        (verdict,) = RulesJudge().judge(instance, [clip], 0)
        assert verdict.status == "fail", (name, verdict.reason)


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_every_level_of_every_task_keeps_the_contract_of_puzzles(name: str, level: str) -> None:
    task = Task(name, level=level)
    symmetries = mirrored(task.puzzle) if isinstance(task.puzzle, TilePuzzle) else None
    testing.check_puzzle(task.puzzle, task.params, n=2, size=task.size, symmetries=symmetries)


@pytest.mark.parametrize("name", cards.paths(TaskCard))
def test_every_style_is_drawn(name: str) -> None:
    card = cards.load(TaskCard, name)
    task = Task(card, next(iter(card.levels)))
    size = (121, 143) if isinstance(task.puzzle, TilePuzzle) else (321, 343)
    testing.check_puzzle(task.puzzle, task.params, n=len(task.puzzle.styles()), size=size)


# -- the checks find what is wrong ---------------------------------------------------------------------------
class Walkthrough(Maze):
    def step(self, state: MazeState, move: str) -> MazeState:
        delta = {"up": -state.cols, "down": state.cols, "left": -1, "right": 1}[move]
        return MazeState(state.walls, state.cols, state.agent + delta, state.goal)


class Forgetful(Maze):
    def decode(self, state: Json, goal: Json) -> MazeState:
        whole = super().decode(state, goal)
        return MazeState(whole.walls, whole.cols, whole.goal, whole.goal)


class Moody(Maze):
    calls = 0

    def sample(self, rng: np.random.Generator, params: Any, *args: Any) -> MazeState:
        Moody.calls += 1
        return super().sample(seeds.stream(Moody.calls), params, *args)


class Seeing(Maze):
    def canonical(self, state: MazeState) -> bytes:
        return state.walls + bytes([state.agent, state.goal])


class Silent(Maze):
    def plan(self, state: MazeState, move: str) -> str:
        return ""


class Long(Maze):
    def solve(self, state: MazeState) -> Any:
        found = super().solve(state)
        assert found is not None
        back = {"up": "down", "down": "up", "left": "right", "right": "left"}[found.moves[0]]
        return type(found)((found.moves[0], back, *found.moves))


@pytest.mark.parametrize(("puzzle", "words"), [
    (Walkthrough(), "takes"), (Forgetful(), "decode"), (Moody(), "function of rng"), (Seeing(), "symmetric"),
    (Silent(), "plan"), (Long(), "twice"),
])  # fmt: skip
def test_a_broken_puzzle_is_found(puzzle: Maze, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        testing.check_puzzle(puzzle, SMALL, n=3, symmetries=mirrored(MAZE))


def instances() -> list[Instance]:
    return [
        testing.instance_of(MAZE, MAZE.sample(seeds.stream("contract", i), SMALL), size=(96, 96), index=i)
        for i in range(2)
    ]


class Lazy(Oracle):
    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        return super().generate(requests, seed)[:1]


class Restless(Oracle):
    calls = 0

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        Restless.calls += 1
        return [
            clip for request in requests for clip in Control("jitter").generate([request], Restless.calls)
        ]


class Vandal(Oracle):
    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        for request in requests:
            request.first_frame[0, 0] += 1
        return super().generate(requests, seed)


class Ragged(Oracle):
    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        pictures: list[Frame] = [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)]
        return [Clip(render=lambda: iter(pictures), fps=24.0) for _ in requests]


@pytest.mark.parametrize(("generator", "words"), [
    (Lazy(), "gave 1 clips"), (Restless(), "same seed"), (Vandal(), "written over"), (Ragged(), "frame 1 is"),
])  # fmt: skip
def test_a_broken_generator_is_found(generator: Oracle, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        testing.check_generator(generator, instances())
    testing.check_generator(Oracle(), instances())


class Kind(RulesJudge):
    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        return [Verdict(status="pass", score=1.0)] * len(clips)


class Frail(RulesJudge):
    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        if any(clip.path is not None and not clip.path.exists() for clip in clips):
            raise FileNotFoundError("no such clip")
        return super().judge(instance, clips, seed)


class Scoreless(RulesJudge):
    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        return [Verdict(status="fail", score=None, reason="no") for _ in clips]


@pytest.mark.parametrize(("judge", "words"), [
    (Kind(), "must fail"), (Frail(), "raised FileNotFoundError"), (Scoreless(), "score None"),
])  # fmt: skip
def test_a_broken_judge_is_found(judge: RulesJudge, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        testing.check_judge(judge, instances()[:1])
