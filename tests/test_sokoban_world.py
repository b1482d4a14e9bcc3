"""Sokobans as a small model is told them: what is said is true, and leads to the target."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from genreason import seeds
from genreason.generate.corrections import ARROWS
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.task import Task, fingerprint, split_of
from genreason.train.sokobanworld import SokobanWorld, pushes
from genreason.train.world import WorldSource
from genreason.types import UserError

WAYS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


def world(**source: object) -> SokobanWorld:
    given = {"task": "sokoban", "rooms": 6, "styles": ["classic"], "pixels": {112: 1.0}, **source}
    return SokobanWorld(WorldSource.model_validate(given), 12)


def place(room: str) -> tuple[int, int]:
    return int(room[1:]) - 1, ord(room[0]) - 97


def test_words_and_frames_are_those_of_a_solution() -> None:
    made, rng = world(), seeds.stream("told sokobans")
    for _ in range(25):
        state = made._sampled(rng)
        told = made.told(rng, state)
        plan = {word[:2]: word[2:] for word in told.plan.split(" : ")[1].split()[:-1]}
        assert len(plan) == 16 and list(plan.values()).count("*") == 1
        for said, before, after in zip(told.steps, told.frames, told.frames[1:], strict=False):
            label, _, here, _, way = said.split()
            assert divmod(state.agent, 6) == place(here) and divmod(state.boxes[0], 6) == place(label[:2])
            assert plan[label[:2]] == label[2:]
            old, state = state, SOKOBAN.step(state, way)
            if old.boxes != state.boxes:
                assert ARROWS[way] == label[2:]
            moved = {old.agent, state.agent} | (
                {old.boxes[0], state.boxes[0]} - {*old.boxes} & {*state.boxes}
            )
            changed = (np.abs(before.astype(int) - after).max(-1) > 60).reshape(6, 12, 6, 12).any((1, 3))
            assert {6 * int(r) + int(c) for r, c in np.argwhere(changed)} == moved
        assert SOKOBAN.done(state) and told.end == f"{told.plan.split()[2]}* done"


def test_no_way_takes_fewer_pushes() -> None:
    made, rng = world(), seeds.stream("pushes")
    for _ in range(60):
        state = made._sampled(rng)
        known = pushes(state.walls, state.cols, state.targets[0])
        best = SOKOBAN.solve_pushes(state)
        assert best is not None
        walk, needed = made._walk(rng, state, 99, None), 0
        for before, after in zip(walk.stops, walk.stops[1:], strict=False):
            needed += before.boxes != after.boxes
        replayed, fewest = state, 0
        for move in best.moves:
            following = SOKOBAN.step(replayed, move)
            fewest, replayed = fewest + (following.boxes != replayed.boxes), following
        assert needed == fewest == known.left[state.boxes[0], state.agent]


def test_clips_have_their_length_and_one_step_astray() -> None:
    made, rng = world(), seeds.stream("clips")
    for steps in (1, 4, 9):
        for astray in (False, True):
            told = made.clip(rng, steps, astray)
            assert len(told.steps) == steps == len(told.frames) - 1
            assert told.learnt.count(False) <= astray
    with pytest.raises(UserError, match="sokobans of 6x6 have no solutions of 80 steps: lower most_steps"):
        made.clip(rng, 80, False)
    with pytest.raises(UserError, match="sokobans have no corrections"):
        made.corrected(rng, 3)


def test_puzzles_of_other_splits_are_never_trained_on() -> None:
    made, rng = world(), seeds.stream("unseen")
    assert {split_of(fingerprint(SOKOBAN, made._sampled(rng))) for _ in range(60)} == {"train"}
    seen = SOKOBAN.start(Task("sokoban", "small", "test")[0])
    assert not made._unseen(seen) and world(held_out=0)._unseen(seen)


def test_a_board_needs_room() -> None:
    with pytest.raises(ValueError, match="sokobans have 5 a side or more: raise rooms"):
        world(rooms=4)
