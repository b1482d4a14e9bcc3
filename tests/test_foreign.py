"""A first frame that somebody else drew is taken apart into what stands still and what moves."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from genreason.generate.oracle import solution_clip
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.perceive.foreign import take_apart
from genreason.puzzles import base
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.trapfield import PUZZLE as TRAPFIELD
from genreason.render.lattice import Lattice
from genreason.task import Task
from genreason.types import Frame, Instance, UserError

# Walls as lines are not drawn on the grid's cells: what a foreign puzzle on a grid never is.
FAMILIES = (MAZE, SOKOBAN, TRAPFIELD)
LOOKS = [(p.name, style) for p in FAMILIES for style in p.styles() if not p.style(style).lines]


def drawn(family: str, style: str, size: int = 192) -> Instance:
    return Task(family, level="small", split="any", style=style, size=(size, size))[2]


def foreign(instance: Instance, folder: Path) -> Instance:
    """The same puzzle, of which only the picture, the state and the grid are known."""
    picture = base.load(instance.scene["puzzle"]).picture(instance)
    path = folder / "first_frame.png"
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return dataclasses.replace(
        instance, key="foreign " + instance.key, style="vrbench:x", first_frame=path,
        scene={**instance.scene, "foreign": True},
    )  # fmt: skip


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_what_is_taken_apart_gives_the_picture_when_put_together(
    family: str, style: str, tmp_path: Path
) -> None:
    puzzle, instance = base.load(family), drawn(family, style)
    whole = puzzle.picture(instance)
    other = foreign(instance, tmp_path)
    board, own = puzzle.board(other), puzzle.board(instance)
    places = puzzle.places(puzzle.start(instance))
    assert np.array_equal(puzzle.picture(other), whole)
    assert np.abs(board.draw(places).astype(int) - whole).mean() < 1.0
    assert (
        np.abs(board.plate.astype(int) - own.plate).mean() < 2.5
    )  # textures differ a little where pieces stood
    assert [piece.name for piece in board.pieces] == [piece.name for piece in own.pieces]


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_moved_pieces_look_as_if_they_were_drawn_there(family: str, style: str, tmp_path: Path) -> None:
    puzzle, instance = base.load(family), drawn(family, style)
    w = Workshop(instance, "test")
    board = puzzle.board(foreign(instance, tmp_path))
    for stop in w.stops[1:6]:
        gap = np.abs(board.draw(stop).astype(int) - w.board.draw(stop))
        assert gap.mean() < 3.0


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_solution_in_foreign_art_is_judged_right(family: str, style: str, tmp_path: Path) -> None:
    instance = drawn(family, style)
    other = foreign(instance, tmp_path)
    judge = RulesJudge()
    (right,) = judge.judge(other, [solution_clip(instance)])
    assert right.status == "pass", right.reason
    w = Workshop(instance, "test")
    (wrong,) = judge.judge(other, [w.clip(w.animate([w.stops[0], w.stops[-1]], frames_per_step=24))])
    assert wrong.status == "fail" or len(w.stops) == 2


def plain(cells: dict[tuple[int, int], tuple[int, int, int]]) -> tuple[Frame, np.ndarray, Lattice]:
    """A white 5 x 4 board of 20-pixel cells with a gray border and squares of these colours."""
    tiles = np.ones((4, 5), np.uint8)
    tiles[1:-1, 1:-1] = 0
    picture = np.full((80, 100, 3), 250, np.uint8)
    picture[np.kron(tiles, np.ones((20, 20), np.uint8)) == 1] = 90
    for (x, y), colour in cells.items():
        picture[y * 20 + 4 : y * 20 + 16, x * 20 + 4 : x * 20 + 16] = colour
    return picture, tiles, Lattice(cols=5, rows=4, x0=0, y0=0, cell_w=20, cell_h=20)


def test_a_piece_is_cut_out_at_its_outline_and_the_floor_is_filled_in() -> None:
    picture, tiles, lattice = plain({(1, 1): (220, 30, 30), (3, 2): (30, 60, 220)})
    board = take_apart(picture, tiles, lattice, ("box", "agent"), np.array([[3, 2], [1, 1]], np.float32))
    for piece, colour in zip(board.pieces, ((30, 60, 220), (220, 30, 30)), strict=True):
        sure = piece.alpha > 0.5
        assert sure.sum() == pytest.approx(144, abs=2) and piece.anchor == (10.0, 10.0)
        assert (piece.rgb[sure] == colour).all()
    assert (board.plate[20:60, 20:80] == 250).all()
    assert np.array_equal(board.draw([[3, 2], [1, 1]]), picture)


def test_a_piece_that_hides_is_named_with_its_place() -> None:
    picture, tiles, lattice = plain({(1, 1): (246, 250, 250)})
    with pytest.raises(UserError, match="agent at column 1, row 1"):
        take_apart(picture, tiles, lattice, ("agent",), np.array([[1, 1]], np.float32))


def test_a_board_without_free_floor_cannot_be_taken_apart() -> None:
    picture, tiles, lattice = plain({(1, 1): (220, 30, 30)})
    tiles[1:-1, 1:-1] = 1
    tiles[1, 1] = 0
    with pytest.raises(UserError, match="no free floor"):
        take_apart(picture, tiles, lattice, ("agent",), np.array([[1, 1]], np.float32))


def test_a_picture_that_is_not_there_is_named(tmp_path: Path) -> None:
    other = dataclasses.replace(foreign(drawn("maze", "classic"), tmp_path), first_frame=tmp_path / "no.png")
    with pytest.raises(UserError, match="import the data again"):
        MAZE.picture(other)
    with pytest.raises(UserError, match="import the data again"):
        MAZE.picture(dataclasses.replace(other, first_frame=None))


def test_the_same_puzzle_by_another_hand_has_another_board(tmp_path: Path) -> None:
    instance = drawn("sokoban", "photo")
    other = foreign(instance, tmp_path)
    assert SOKOBAN.board(instance) is not SOKOBAN.board(other)
    assert SOKOBAN.board(instance) is SOKOBAN.board(instance)
