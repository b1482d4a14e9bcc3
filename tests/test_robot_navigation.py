"""Keys and doors vanish when the robot comes to them, for whom they should, and never otherwise."""

from __future__ import annotations

import functools

import networkx as nx
import numpy as np
import pytest

from genreason import cards, testing
from genreason.cards import TaskCard
from genreason.check import Item, _try
from genreason.generate.controls import CONTROLS
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.robot_navigation import PUZZLE, RobotNavigationParams, RobotNavigationState
from genreason.render.motion import Script
from genreason.task import Task
from genreason.types import Clip, GenreasonError, IllegalMove, UserError, Verdict

JUDGE = RulesJudge()
# Two keys beside the robot; the first key's door is before the goal, the second one's leads nowhere.
GRID = [
    "#########",
    "#.......#",
    "#.......#",
    "####.####",
    "#.......#",
    "#.......#",
    "#######.#",
    "#.......#",
    "#########",
]
RECORD = {
    "grid": GRID, "agent": [1, 1], "keys": [[1, 7], [2, 1]], "doors": [[[3, 4]], [[6, 7]]],
}  # fmt: skip
GOAL = {"goal": [5, 1]}


@functools.cache
def workshop() -> Workshop:
    state = PUZZLE.decode(RECORD, GOAL)
    motion = {"frames_per_step": 4}
    instance = testing.instance_of(PUZZLE, state, style="slate", size=(192, 192), motion=motion)
    return Workshop(instance, "test")


def judged(clip: Clip) -> Verdict:
    return JUDGE.judge(workshop().instance, [clip])[0]


def walk(*moves: str) -> Script:
    """The robot goes these ways, whatever is in its way."""
    w, ways = workshop(), {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
    stops = [w.stops[0]]
    for move in moves:
        stops.append(stops[-1].copy())
        stops[-1][-1] += ways[move]
    return w.animate(stops)


def shown(script: Script, **opacity: tuple[int, float]) -> Clip:
    """The script with pieces that vanish when the robot is so near, whatever the rules say."""
    places, w = script.places_TN2, workshop()
    near = np.abs(places - places[:, -1:]).max(axis=-1)
    there = np.ones(near.shape, np.float32)
    for i, cells in opacity.values():
        there[np.logical_or.accumulate(near[:, i] < cells), i] = 0
    return Script(places, there).clip(w.board, w.instance.fps)


TO_KEY = ("right",) * 6
TO_GOAL = ("down", "left", "left", "left", "down", "down", "down", "left", "left", "left")
KEY, OTHER_KEY, DOOR = 0, 1, 2


def test_the_solution_takes_only_what_it_needs_and_passes() -> None:
    w = workshop()
    end = w.states[-1]
    assert end.taken == {0} and end.opened == {0} and len(w.moves) == 16
    assert judged(w.clip(w.truth)).status == "pass"
    everything = ("down", "up", *TO_KEY, *TO_GOAL)  # the other key on the way
    assert judged(w.clip(walk(*everything))).status == "pass"


def test_what_nobody_reached_must_stay() -> None:
    script = walk(*TO_KEY, *TO_GOAL)
    good = {"key": (KEY, 0.4), "door": (DOOR, 0.9)}
    assert judged(shown(script, **good)).status == "pass"
    for broken, check in (
        ({**good, "key": (KEY, 3.0)}, "objects.present"),
        ({**good, "door": (DOOR, 2.6)}, "objects.present"),
        ({**good, "other": (OTHER_KEY, 1.2)}, "objects.present"),
        ({"door": (DOOR, 0.9)}, "rules.legal"),
        ({"key": (KEY, 0.4)}, "rules.legal"),
    ):
        verdict = judged(shown(script, **broken))
        assert verdict.status == "fail" and verdict.checks[check] == 0, (broken, verdict.reason)


def test_a_door_opens_for_its_own_key_only() -> None:
    way = ("down", "right", "right", "right", "down", "down", "down", "left", "left", "left")
    verdict = judged(shown(walk(*way), key=(OTHER_KEY, 0.4), door=(DOOR, 0.9)))
    assert verdict.checks["rules.legal"] == 0 and "closed" in verdict.reason


def test_a_door_that_opens_for_one_who_only_passes_by_fails() -> None:
    aside = (*TO_KEY, *TO_GOAL[:4], "left", "left", "right", "right", *TO_GOAL[4:])
    assert judged(shown(walk(*aside), key=(KEY, 0.4), door=(DOOR, 0.9))).status == "pass"
    assert judged(shown(walk(*aside), key=(KEY, 0.4), door=(DOOR, 1.1))).status == "fail"


@pytest.mark.parametrize("name", ["taken_afar", "left_lying", "through_door", "without_key", "fading"])
def test_controls_of_what_is_taken_do_what_they_say(name: str) -> None:
    recipe = CONTROLS[name]
    clip = recipe.make(Workshop(workshop().instance, name))
    assert clip is not None
    verdict = judged(clip)
    assert (verdict.status == "pass") == recipe.honest, verdict.reason
    assert recipe.honest or verdict.checks[recipe.breaks] == 0


def test_pictures_are_read_with_what_is_gone() -> None:
    w = workshop()
    for state in w.states:
        assert PUZZLE.read(PUZZLE.shown(w.instance, state), w.instance).state == state


def test_the_way_is_a_shortest_one() -> None:
    for i in range(10):
        state = Task("robot_navigation", "hard", split="any", seed=5)
        start: RobotNavigationState = PUZZLE.decode(state[i].state, state[i].goal)
        ways = nx.DiGraph()
        todo, known = [start], {start}
        while todo:
            at = todo.pop()
            for move in PUZZLE.moves(at):
                after = PUZZLE.step(at, move)
                ways.add_edge(at, after)
                if after not in known:
                    known.add(after)
                    todo.append(after)
        far = nx.single_source_shortest_path_length(ways, start)
        found = PUZZLE.solve(start)
        assert found is not None and len(found) == min(far[at] for at in far if PUZZLE.done(at))


def test_levels_need_every_key() -> None:
    for level, keys in (("easy", (0, 1)), ("medium", (1, 2)), ("hard", (2, 2))):
        for instance in Task("robot_navigation", level, split="any", seed=8)[:8]:
            state = PUZZLE.decode(instance.state, instance.goal)
            assert keys[0] <= len(state.keys) <= keys[1]
            end = functools.reduce(PUZZLE.step, instance.scene["solution"], state)
            assert PUZZLE.done(end) and len(end.taken) == len(state.keys)


def test_wrong_input_is_refused() -> None:
    for changes, words in (
        ({"doors": [[[3, 4]]]}, "each of 2 keys"),
        ({"keys": [[1, 7], [3, 4]]}, "different tiles"),
        ({"taken": [[1, 2]]}, "one of keys"),
        ({"keys": [[0, 0], [2, 1]]}, "wall"),
    ):
        with pytest.raises(UserError, match=words):
            PUZZLE.decode({**RECORD, **changes}, GOAL)
    for wrong in ({"keys": (2, 1)}, {"keys": 0, "doors": 1}, {"size": 5, "keys": 2}):
        with pytest.raises(ValueError, match="keys|doors|size"):
            RobotNavigationParams(**wrong)
    tight = RobotNavigationParams(size=5, keys=0, min_steps=30)
    with pytest.raises(GenreasonError, match="min_steps"):
        PUZZLE.sample(np.random.default_rng(0), tight)
    with pytest.raises(IllegalMove, match="obstacle"):
        PUZZLE.step(PUZZLE.decode(RECORD, GOAL), "up")
    assert cards.load(TaskCard, "robot_navigation").levels


def test_a_key_beside_the_corner_of_a_wall_is_no_copy_of_itself() -> None:
    """Half a cell beside the key lies a corner that continues it."""
    item = Item("robot_navigation", "hard", "slate", 0, ("oracle", "clone", "late_clone"))
    assert [each["reason"] for each in _try(item, "rules")] == [""] * 3
