"""States of mazes of cubes, as VR-Bench writes them: read, fitted, refused, and ours come back."""

import copy
import json

import cubes_fixture as fixture
import numpy as np
import pytest

from genreason import testing
from genreason.formats.vrstate3d import figure_camera, parse, state_json
from genreason.puzzles.maze3d import PUZZLE
from genreason.puzzles.scaffold import ball
from genreason.render.lattice import Lattice
from genreason.types import UserError


# -- the camera and states -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("grid", "cube", "pixel"),
    [  # measured in matplotlib's own pictures
        ((6, 6, 5), (5, 5, 0), (380.81, 562.30)),
        ((6, 6, 5), (1, 1, 3), (380.81, 158.31)),
        ((8, 8, 7), (3, 3, 6), (380.81, 117.86)),
        ((10, 10, 9), (5, 7, 6), (452.76, 259.85)),
    ],
)
def test_points_lie_where_matplotlib_draws_them(grid, cube, pixel):
    assert np.abs(figure_camera(grid, (740, 740)).project(ball(cube)) - pixel).max() < 0.05
    half = figure_camera(grid, (370, 185)).project(ball(cube))
    assert np.abs(half - np.array(pixel) * (0.5, 0.25)).max() < 0.05


def test_a_state_is_read():
    found = parse(fixture.state(), (740, 740))
    state = PUZZLE.decode(found.state, found.goal)
    assert PUZZLE.solve(state).moves == tuple(fixture.LEVEL["moves"])
    lattice = Lattice.from_json(found.scene["grid"])
    for cube, node in zip(state.cubes, state.network.nodes, strict=True):
        assert np.abs(lattice.pixels(node) - fixture.place(cube)).max() < 0.05


@pytest.mark.parametrize(("scale", "shift"), [(1.08, (-30, 12)), (0.93, (25, 25))])
def test_figures_of_other_margins_are_fitted(scale, shift):
    record = fixture.state()
    for name in ("player", "goal"):
        box = record["entities"][name]["bbox"]
        for axis, side, by in (("x", "width", shift[0]), ("y", "height", shift[1])):
            middle = (box[axis] + box[side] / 2) * scale + by
            box[axis] = round(middle - box[side] / 2)
            box[f"center_{axis}"] = int(middle)
    found = parse(record, (740, 740))
    state, lattice = (
        PUZZLE.decode(found.state, found.goal),
        Lattice.from_json(found.scene["grid"]),
    )
    for cube, node in zip(state.cubes, state.network.nodes, strict=True):
        assert np.abs(lattice.pixels(node) - (fixture.place(cube) * scale + shift)).max() < 3


def broken(change):
    record = copy.deepcopy(fixture.state())
    change(record)
    return record


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.update(version="2.0"), "'2.0' is unknown"),
        (lambda r: r["render"].update(image_width=700), "contradicts its image"),
        (lambda r: r["metadata"].pop("cubes"), "lacks cubes"),
        (lambda r: r["metadata"].update(cubes=[[1, 2]]), "no cube"),
        (lambda r: r["metadata"].update(ladders={}), "no list"),
        (lambda r: r["metadata"]["ladders"][0].update(height=2), "2 high"),
        (
            lambda r: r["metadata"]["ladders"][0].update(base_pos=[5, 1, 0]),
            "joins no two cubes",
        ),
        (lambda r: r["metadata"].update(start_pos=[1, 1, 0]), "no cube at start_pos"),
        (
            lambda r: r["metadata"].update(goal_pos=[3, 3, 3]),
            "off their cubes|do not fit",
        ),
        (
            lambda r: r["metadata"].update(grid_size=[10, 10, 9]),
            "off their cubes|do not fit",
        ),
        (lambda r: r["metadata"].update(grid_size=[0, 6, 5]), "grid_size"),
        (lambda r: r["metadata"].update(camera=[1], lattice={}), "cannot be read"),
        (lambda r: r["entities"].pop("goal"), "lacks entities.goal"),
    ],
)
def test_what_is_wrong_with_a_state_is_named(change, words):
    with pytest.raises(UserError, match=words):
        parse(broken(change), (740, 740))


def test_our_state_comes_back():
    ours = testing.instance_of(
        PUZZLE,
        PUZZLE.sample(np.random.default_rng(3), PUZZLE.params()),
        size=(320, 256),
    )
    record = json.loads(json.dumps(state_json(ours)))
    found = parse(record, (320, 256))
    assert (found.state, found.goal) == (ours.state, ours.goal)
    assert found.scene["grid"] == ours.scene["grid"]
    ends = [part["end"] for part in record["metadata"]["path"]]
    assert ends[-1] == ours.goal["goal"] and record["metadata"]["start_pos"] == ours.state["agent"]
