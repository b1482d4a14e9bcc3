"""Cars keep to their lanes, move one after the other, and any legal way out passes."""

from __future__ import annotations

import functools
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from genreason import testing
from genreason.generate.controls import CONTROLS
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.rush_hour import PUZZLE, RushHourParams, RushHourState
from genreason.render.board import Piece
from genreason.render.motion import Script
from genreason.task import Task
from genreason.types import Clip, GenreasonError, IllegalMove, UserError, Verdict

JUDGE = RulesJudge()
GRID = ["########", "#......#", "#......#", "#.......", "#......#", "#......#", "#......#", "########"]
# A truck bars the way and can only go down; a car below it must make room; one more stands by.
RECORD = {
    "grid": GRID,
    "cars": [[[1, 4], [2, 4], [3, 4]], [[4, 4], [4, 5]], [[1, 1], [2, 1]], [[3, 1], [3, 2]]],
}
GOAL = {"goal": [3, 7]}
TRUCK = 0


@functools.cache
def workshop() -> Workshop:
    state = PUZZLE.decode(RECORD, GOAL)
    instance = testing.instance_of(
        PUZZLE, state, style="slate", size=(192, 192), motion={"frames_per_step": 4, "hold_start": 2}
    )
    return Workshop(instance, "test")


def judged(clip: Clip) -> Verdict:
    return JUDGE.judge(workshop().instance, [clip])[0]


def drive(*moves: str) -> Script:
    """Cars go these ways ("0 left"), whatever is in their way; "0 left, 1 down" at the same time."""
    w, ways = workshop(), {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
    stops = [w.stops[0]]
    for move in moves:
        stops.append(stops[-1].copy())
        for part in move.split(", "):
            car, way = part.split()
            stops[-1][int(car)] += ways[way]
    return w.animate(stops)


OUT = ("3 right",) * 5
WAY = ("1 right", "0 down", "0 down", "0 down", *OUT)


def test_the_shortest_way_and_any_other_pass() -> None:
    w = workshop()
    assert len(w.moves) == len(WAY) and w.states[-1] == functools.reduce(PUZZLE.step, WAY, w.start)
    assert judged(w.clip(w.truth)).status == "pass"
    longer = ("3 right", "2 down", "1 right", *["1 left"] * 3, *["0 down"] * 3, *OUT[1:])
    verdict = judged(w.clip(drive(*longer)))
    assert verdict.status == "pass", verdict.reason


@pytest.mark.parametrize(("moves", "words"), [
    (OUT, "not free"),  # through the truck
    (("1 left", *["0 down"] * 3, *OUT), "not free"),  # the truck through the other car
    (("2 right", "2 left", *WAY), "across its lane"),
    (("3 down", "3 up", *WAY), "across its lane"),
    (("0 up", "0 down", *WAY), "not free"),  # into the wall
    (("1 right, 3 right", *WAY[1:-1]), "while another"),
])  # fmt: skip
def test_what_no_move_does_is_named(moves: tuple[str, ...], words: str) -> None:
    verdict = judged(workshop().clip(drive(*moves)))
    assert verdict.status == "fail" and verdict.checks["rules.legal"] == 0
    assert words in verdict.reason, verdict.reason


def test_a_car_that_grows_shorter_fails_though_it_stands_still() -> None:
    w = workshop()
    pieces = list(w.board.pieces)
    truck = pieces[TRUCK]
    alpha = truck.alpha.copy()
    alpha[len(alpha) * 2 // 3 :] = 0
    pieces[TRUCK] = Piece(truck.name, truck.rgb, alpha, truck.anchor)
    before, after = w.truth.taken(np.arange(4)), w.truth.taken(np.arange(4, len(w.truth)))
    frames = [*before.frames(w.board), *after.frames(replace(w.board, pieces=tuple(pieces)))]
    verdict = judged(Clip(render=lambda: iter(frames), fps=w.instance.fps))
    assert verdict.status == "fail" and verdict.checks["objects.present"] == 0


@pytest.mark.parametrize("name", ["straight_on", "illegal_shift", "late_clone", "other_solution"])
def test_controls_do_what_they_say(name: str) -> None:
    recipe = CONTROLS[name]
    clip = recipe.make(Workshop(workshop().instance, name))
    assert clip is not None
    verdict = judged(clip)
    assert (verdict.status == "pass") == recipe.honest, verdict.reason
    assert recipe.honest or verdict.checks[recipe.breaks] == 0


def test_the_solution_is_a_shortest_one_and_levels_keep_their_steps() -> None:
    for level, (least, most) in {"easy": (4, 8), "medium": (9, 15)}.items():
        for instance in Task("rush_hour", level, split="any", seed=4)[:4]:
            start: RushHourState = PUZZLE.decode(instance.state, instance.goal)
            ways, todo, known = nx.Graph(), [start], {start}
            while todo:
                at = todo.pop()
                for move in PUZZLE.moves(at):
                    after = PUZZLE.step(at, move)
                    ways.add_edge(at, after)
                    if after not in known:
                        known.add(after)
                        todo.append(after)
            far = nx.single_source_shortest_path_length(ways, start)
            steps = min(far[at] for at in far if PUZZLE.done(at))
            assert len(instance.scene["solution"]) == steps and least <= steps <= most


def test_pictures_are_read() -> None:
    w = workshop()
    for state in w.states:
        assert PUZZLE.read(PUZZLE.shown(w.instance, state), w.instance).state == state


def test_wrong_input_is_refused() -> None:
    cars = RECORD["cars"]
    for wrong, words in (
        ([*cars, [[3, 2], [3, 3]]], "share a tile"),
        ([[[1, 4], [2, 5]], *cars[1:]], "in a row"),
        ([*cars, [[5, 1]]], "in a row"),
        ([[[3, 7], [3, 6]], *cars], "exit"),
        ([], "give 1"),
    ):
        with pytest.raises(UserError, match=words):
            PUZZLE.decode({"grid": GRID, "cars": wrong}, GOAL)
    with pytest.raises(UserError, match="border"):
        PUZZLE.decode({**RECORD, "grid": [*GRID[:4], "#.......", *GRID[5:]]}, GOAL)
    for bad in ({"cars": (1, 3)}, {"cars": (6, 4)}, {"steps": (9, 3)}, {"size": 4, "cars": (4, 8)}):
        with pytest.raises(ValueError, match="cars|steps|size"):
            RushHourParams(**bad)
    with pytest.raises(GenreasonError, match="steps"):
        PUZZLE.sample(np.random.default_rng(0), RushHourParams(cars=(2, 2), steps=(60, 80)))
    state = PUZZLE.decode(RECORD, GOAL)
    for move, words in (("9 left", "no move"), ("0 left", "across"), ("0 up", "not free")):
        with pytest.raises(IllegalMove, match=words):
            PUZZLE.step(state, move)
