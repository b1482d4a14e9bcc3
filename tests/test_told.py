"""What a model says against what it shows."""

from __future__ import annotations

import numpy as np
import pytest

from genreason import judge as judges
from genreason import seeds
from genreason.cards import JudgeCard, load
from genreason.generate.worldsize import grown, shrunk
from genreason.metrics import told
from genreason.puzzles import base
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.task import Task
from genreason.train.roomworlds import MazeWorld
from genreason.train.world import WorldSource
from genreason.train.worlds import world_of
from genreason.types import Clip

TASK = Task("maze", "small", "test", "classic")


def rooms_of(instance):
    """The solution's steps from room to room, and the agent's places in pixels."""
    ways, state = [], MAZE.start(instance)
    places = [MAZE.places(state)[0]]
    moves = MAZE.solve(state).moves
    for one, two in zip(moves[::2], moves[1::2], strict=True):
        assert one == two
        state = MAZE.step(MAZE.step(state, one), two)
        ways.append(one)
        places.append(MAZE.places(state)[0])
    grid = instance.scene["grid"]
    return ways, [(x * grid["cell_w"], y * grid["cell_h"]) for x, y in places]


def test_words_are_read_in_order_wherever_they_stand():
    before_each = ["2x2 goal b1 : a1> b1* . at a2 go up", "at a1 not down go right", "at b1 done"]
    all_first = ["2x2 goal b1 : . at a2 go up at a1 go right at b1 done", "", ""]
    assert told.said(before_each) == told.said(all_first) == ["up", "right"]


@pytest.mark.parametrize("index", range(3))
def test_a_way_that_leads_to_the_goal(index):
    ways, _ = rooms_of(TASK[index])
    assert told.leads(TASK[index], ways)
    assert not told.leads(TASK[index], ways[:-1])
    assert not told.leads(
        TASK[index], [*ways, {"up": "down", "down": "up", "left": "right", "right": "left"}[ways[-1]]]
    )
    assert not told.leads(TASK[index], ["up"] * 9)


def test_what_is_shown_is_a_step_to_the_next_room_or_none():
    ways, places = rooms_of(TASK[0])
    rng = seeds.stream("shown")
    shaken = [tuple(np.add(place, rng.uniform(-8, 8, 2))) for place in places]  # a room is 57 px
    assert told.shown(TASK[0], shaken) == ways
    assert told.shown(TASK[0], [places[0], places[0]]) == [None]
    assert told.shown(TASK[0], [places[0], places[2]]) == [None]
    assert told.shown(TASK[0], [places[0], None, places[1]]) == [None, None]
    assert told.shown(TASK[0], ()) == []


@pytest.mark.parametrize("task", ["trapfield", "sokoban"])
def test_a_tile_is_a_room_where_there_are_no_walls_between(task):
    instance = Task(task, "small", "test")[2]
    puzzle = base.load(instance.scene["puzzle"])
    state, grid = puzzle.start(instance), instance.scene["grid"]
    ways = list(puzzle.solve(state).moves)
    places = [puzzle.places(state)[-1]]
    for way in ways:
        state = puzzle.step(state, way)
        places.append(puzzle.places(state)[-1])
    pixels = [(x * grid["cell_w"], y * grid["cell_h"]) for x, y in places]
    assert told.shown(instance, pixels) == ways
    assert told.leads(instance, ways) and not told.leads(instance, ways[:-1])
    assert told.arrives(instance, pixels) and told.arrives(instance, [*pixels, pixels[-1], None])
    assert not told.arrives(instance, pixels[:-1]) and not told.arrives(instance, [*pixels[:-2], pixels[-1]])
    assert not told.arrives(instance, [*pixels[:1], None, *pixels[2:]]) and not told.arrives(instance, ())


@pytest.mark.parametrize(("task", "rooms"), [("maze", 4), ("trapfield", 5), ("sokoban", 6)])
def test_few_puzzles_are_told_again_and_again(task, rooms):
    few = world_of(WorldSource(task=task, rooms=rooms, puzzles=3, pixels={112: 1.0}), 12)
    plans = set()
    for rng in (seeds.stream("few", seed) for seed in range(12)):
        plans |= {few.puzzle(rng).plan, few.clip(rng, 2, astray=False).plan}
    most = 6 if task == "sokoban" else 3  # the plan of a Sokoban depends on where the box is, too
    assert 2 <= len(plans) <= most


def test_the_judges_track_shows_what_was_told():
    card = load(JudgeCard, "rules")
    world = MazeWorld(WorldSource(rooms=4, held_out=0, styles=["classic"], pixels={256: 1.0}), 12)
    instance = TASK[1]
    state, board = MAZE.start(instance), MAZE.board(instance)
    sample = world.told(seeds.stream("told"), state)
    ways, _ = rooms_of(instance)
    assert told.said(sample.steps) == ways
    frames = [board.draw(MAZE.places(state))]
    for way in ways:
        state = MAZE.step(MAZE.step(state, way), way)
        frames.append(board.draw(MAZE.places(state)))
    small = [grown(shrunk(frame, world.grid, 12), instance.size) for frame in frames]
    (verdict,) = judges.load(card, card.options).judge(
        instance, [Clip(render=lambda: iter(small), fps=8.0)], 0
    )
    assert told.shown(instance, verdict.evidence["track"]["agent"]) == ways


def test_a_world_may_have_no_plan():
    world = MazeWorld(WorldSource(rooms=4, held_out=0, styles=["classic"], plan="none"), 12)
    sample = world.clip(seeds.stream("bare"), 3, astray=False)
    assert sample.plan == "" and len(told.said(sample.steps)) == 3
