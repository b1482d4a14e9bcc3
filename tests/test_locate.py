"""A piece is found to a fraction of a pixel, and how much of it is there is known."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from genreason.perceive.locate import Finder, contrast
from genreason.perceive.pieces import FAR, RECOLOURED, SPILL, SURE
from genreason.puzzles import base
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.tiles import GOAL, WALL
from genreason.puzzles.trapfield import PUZZLE as TRAPFIELD
from genreason.render.board import Board, Piece
from genreason.render.lattice import Lattice
from genreason.task import Task
from genreason.types import Instance

LOOKS = [(p.name, style) for p in (MAZE, SOKOBAN, TRAPFIELD) for style in p.styles()]
ON_FLOOR, ON_GOAL = 0.25, 0.5  # pixels; the goal's edge pulls, as it is another background on one side
PLAIN = np.zeros(3, np.float32)


def instance_in(family: str, style: str, size: int = 160) -> Instance:
    return Task(family, level="small", split="any", style=style, size=(size, size))[1]


def lanes(instance: Instance, board: Board) -> list[tuple[npt.NDArray[np.float32], bool]]:
    """Places of all pieces with the agent between two free cells, and whether the goal is under it."""
    puzzle = base.load(instance.scene["puzzle"])
    state = puzzle.start(instance)
    tiles, rest = puzzle.tiles(state), puzzle.places(state)
    rng, out = np.random.default_rng(5), []
    for row, col in np.argwhere(tiles != WALL):
        for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1)):
            if not (0 <= row + dy < tiles.shape[0] and 0 <= col + dx < tiles.shape[1]):
                continue
            if tiles[row + dy, col + dx] == WALL:
                continue
            share = rng.uniform(0, 0.5)
            places = rest.copy()
            places[-1] = col + dx * share, row + dy * share
            if len(places) > 1 and np.abs(places[:-1] - places[-1]).max(axis=1).min() < 1:
                continue
            out.append((places, GOAL in (tiles[row, col], tiles[row + dy, col + dx])))
    return out


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_piece_is_found_anywhere_on_its_way(family: str, style: str) -> None:
    instance = instance_in(family, style)
    board, rng = base.load(family).board(instance), np.random.default_rng(1)
    finder, radius = Finder(board.pieces[-1]), 0.7 * board.lattice.cell_w
    seen = {True: 0, False: 0}
    standing = [1.0] * (len(board.pieces) - 1)
    for places, on_goal in lanes(instance, board)[:: 3 if family == "maze" else 1]:
        frame = board.draw(places)
        x, y = map(float, board.lattice.pixels(places[-1]))
        guess = rng.uniform(-0.4, 0.4, 2) * board.lattice.cell_w
        found_x, found_y, cost = finder.match(frame, x + guess[0], y + guess[1], radius)
        assert max(abs(found_x - x), abs(found_y - y)) < (ON_GOAL if on_goal else ON_FLOOR)
        assert cost < 0.2 * finder.match(board.draw(places, [*standing, 0.0]), x, y, 1)[2]  # nobody is there
        sight = finder.look(frame, board, found_x, found_y, PLAIN)
        assert sight.presence == pytest.approx(1, abs=0.08) and sight.likeness > 0.98
        seen[on_goal] += 1
    assert seen[False] > 5


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_bad_guess_is_known_as_one_and_a_wide_search_finds_the_piece(family: str, style: str) -> None:
    instance = instance_in(family, style)
    puzzle = base.load(family)
    board, places = puzzle.board(instance), puzzle.places(puzzle.start(instance))
    finder, cell = Finder(board.pieces[-1]), board.lattice.cell_w
    frame = board.draw(places)
    x, y = map(float, board.lattice.pixels(places[-1]))
    for dx, dy in ((1.5, 0.0), (0.0, -1.2), (1.0, 1.0)):
        narrow = finder.match(frame, x + dx * cell, y + dy * cell, 0.35 * cell)
        sight = finder.look(frame, board, narrow[0], narrow[1], PLAIN)
        found = max(abs(narrow[0] - x), abs(narrow[1] - y)) < 0.25 * cell
        assert found or sight.quality < SURE
        wide = finder.match(frame, x + dx * cell, y + dy * cell, FAR * cell)
        assert max(abs(wide[0] - x), abs(wide[1] - y)) < ON_GOAL


@pytest.mark.parametrize(("family", "style"), LOOKS)
@pytest.mark.parametrize("opacity", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_presence_is_opacity(family: str, style: str, opacity: float) -> None:
    instance = instance_in(family, style)
    board = base.load(family).board(instance)
    for places, _ in lanes(instance, board)[:12:3]:
        strength = np.ones(len(places))
        strength[-1] = opacity
        frame = board.draw(places, strength)
        x, y = map(float, board.lattice.pixels(places[-1]))
        sight = Finder(board.pieces[-1]).look(frame, board, x, y, PLAIN)
        assert sight.presence == pytest.approx(opacity, abs=0.05)
        assert opacity == 0 or sight.likeness > 0.97


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_an_empty_place_shows_nothing(family: str, style: str) -> None:
    instance = instance_in(family, style)
    board = base.load(family).board(instance)
    rng = np.random.default_rng(2)
    grain = rng.normal(0, 3, board.plate.shape)
    frame = np.clip(board.plate + grain, 0, 255).astype(np.uint8)
    for places, _ in lanes(instance, board)[::5]:
        x, y = map(float, board.lattice.pixels(places[-1]))
        assert abs(Finder(board.pieces[-1]).look(frame, board, x, y, PLAIN).presence) < 0.1


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_blur_tint_and_compression_move_nothing(family: str, style: str) -> None:
    instance = instance_in(family, style)
    board = base.load(family).board(instance)
    finder, tint = Finder(board.pieces[-1]), np.array([8, -6, 5], np.float32)
    for places, on_goal in lanes(instance, board)[1:10:4]:
        clean = board.draw(places)
        x, y = map(float, board.lattice.pixels(places[-1]))
        tinted = np.clip(clean + tint, 0, 255).astype(np.uint8)
        blurred = np.asarray(cv2.GaussianBlur(clean, (0, 0), 0.8), np.uint8)
        _, packed = cv2.imencode(".jpg", clean, [cv2.IMWRITE_JPEG_QUALITY, 60])
        coded = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        for frame, shift in ((tinted, tint), (blurred, PLAIN), (coded, PLAIN)):
            found_x, found_y, _ = finder.match(frame, x + 2, y - 3, 0.7 * board.lattice.cell_w)
            assert max(abs(found_x - x), abs(found_y - y)) < (0.7 if on_goal else 0.4)
            sight = finder.look(frame, board, found_x, found_y, shift)
            assert sight.presence > 0.8 and sight.likeness > 0.9


def test_the_cost_is_the_mean_squared_difference() -> None:
    instance = instance_in("maze", "classic")
    board = MAZE.board(instance)
    piece = board.pieces[-1]
    finder = Finder(piece)
    w, h = finder.size
    frame = np.full((h, w, 3), 77, np.uint8)
    frame[:] = np.rint(finder.template)
    assert finder.match(frame, *finder.anchor, 0)[2] == pytest.approx(0, abs=0.3)  # rounded to whole colours
    assert finder.costs(frame + np.uint8(0)).shape == (1, 1)
    off = np.clip(np.rint(finder.template), 0, 245).astype(np.float32) + 10
    away = finder.match(np.asarray(off, np.uint8), *finder.anchor, 0)[2]
    wanted = (((off - finder.template) * finder.mask) ** 2).sum() / (finder.mask**2).sum()
    assert away == pytest.approx(wanted, rel=0.01)


def test_all_places_of_the_picture_are_searched_by_costs() -> None:
    instance = instance_in("sokoban", "classic")
    board, places = SOKOBAN.board(instance), SOKOBAN.places(SOKOBAN.start(instance))
    finder = Finder(board.pieces[-1])
    cost = finder.costs(board.draw(places))
    row, col = np.unravel_index(int(cost.argmin()), cost.shape)
    at = (col + finder.anchor[0], row + finder.anchor[1])
    assert at == pytest.approx(board.lattice.pixels(places[-1]), abs=1.0)


def test_places_out_of_sight_have_nothing() -> None:
    instance = instance_in("maze", "classic")
    board = MAZE.board(instance)
    finder = Finder(board.pieces[-1])
    assert finder.look(board.plate, board, -500.0, 10.0, PLAIN).quality == 0
    assert contrast(board, finder, -500.0, 10.0) == 0
    x, y, _ = finder.match(board.plate, -500.0, 10.0, 6.0)  # beyond the edge the edge is repeated
    assert np.isfinite([x, y]).all()


@pytest.mark.parametrize("style", SOKOBAN.styles())
def test_agent_and_box_are_told_apart(style: str) -> None:
    instance = instance_in("sokoban", style)
    board, places = SOKOBAN.board(instance), SOKOBAN.places(SOKOBAN.start(instance))
    frame = board.draw(places)
    finders = [Finder(piece) for piece in board.pieces]
    for i, own in enumerate(finders):
        x, y = map(float, board.lattice.pixels(places[i]))
        assert own.look(frame, board, x, y, PLAIN).quality > 0.95
        for other in (finder for finder in finders if finder is not own):
            found_x, found_y, _ = other.match(frame, x, y, 0.4 * board.lattice.cell_w)
            assert other.look(frame, board, found_x, found_y, PLAIN).quality < 0.85


# -- pieces of glass, copies and other colours ---------------------------------------------------------------
def glass(opacity: float) -> tuple[Board, npt.NDArray[np.float32]]:
    """A clear piece on dark ground beside ground of its own colour, and where it stands."""
    plate = np.full((96, 160, 3), (60, 70, 90), np.uint8)
    plate[:, 80:] = (235, 225, 130)
    lattice = Lattice(cols=5, rows=3, x0=0, y0=0, cell_w=32, cell_h=32)
    colour = np.broadcast_to(np.array((255, 240, 120), np.float32), (24, 24, 3)).copy()
    piece = Piece("box", colour, np.full((24, 24), opacity, np.float32))
    return Board(plate=plate, pieces=(piece,), lattice=lattice), np.array([[1.3, 1.0]], np.float32)


@pytest.mark.parametrize("opacity", [0.3, 0.5, 0.7, 0.9])
def test_a_piece_of_glass_is_found_beside_what_has_its_colour(opacity: float) -> None:
    board, places = glass(opacity)
    frame = board.draw(places)
    finder, (x, y) = Finder(board.pieces[0], board.plate), map(float, board.lattice.pixels(places[0]))
    found_x, found_y, cost = finder.match(frame, x + 9, y - 4, 20)
    assert (found_x, found_y) == pytest.approx((x, y), abs=0.3)
    sight = finder.look(frame, board, found_x, found_y, PLAIN)
    assert sight.presence == pytest.approx(1, abs=0.05) and sight.likeness > 0.95
    assert finder.look(board.plate, board, x, y, PLAIN).presence == pytest.approx(0, abs=0.02)
    row, col = np.unravel_index(int(finder.costs(frame).argmin()), finder.costs(frame).shape)
    assert (col + finder.anchor[0], row + finder.anchor[1]) == pytest.approx((x, y), abs=1)


def test_the_cost_of_glass_is_the_squared_difference_from_what_is_seen_there() -> None:
    board, places = glass(0.6)
    frame = board.draw(places)
    finder, (x, y) = Finder(board.pieces[0], board.plate), board.lattice.pixels(places[0])
    left, top = round(float(x - finder.anchor[0])), round(float(y - finder.anchor[1]))
    for dx in (0, 5, 30):
        cut = np.s_[top : top + 24, left + dx : left + dx + 24]
        drawn = board.plate[cut] * 0.4 + finder.template * 0.6
        wanted = ((frame[cut] - drawn) ** 2).sum() / finder.weight
        assert finder.costs(frame)[top, left + dx] == pytest.approx(wanted, rel=1e-3, abs=1)


@pytest.mark.parametrize("style", ["crosses", "flames", "dungeon", "classic"])
def test_a_copy_does_not_spill_and_what_a_trap_uncovers_does(style: str) -> None:
    family = "trapfield" if style in TRAPFIELD.styles() else "maze"
    instance = instance_in(family, style)
    board, puzzle = base.load(family).board(instance), base.load(family)
    finder, state = Finder(board.pieces[-1], board.plate), puzzle.start(instance)
    lattice = board.lattice
    for place in puzzle.stands(state)[:6]:
        x, y = map(float, lattice.pixels(place))
        frame = np.asarray(cv2.GaussianBlur(board.draw([place]), (0, 0), 0.7), np.uint8)
        assert finder.spill(frame, board, x, y, PLAIN) < 0.5 * SPILL
    floor = tuple(map(float, lattice.pixels(puzzle.stands(state)[0])))
    for place in puzzle.openings(state)[:6] if family == "trapfield" else ():
        x, y = map(float, lattice.pixels(place))
        half = lattice.cell_w / 2
        (a, b), (c, d) = ((round(v - half), round(v - half) + int(2 * half)) for v in (y, x))
        frame = board.plate.copy()
        e, f = (round(v - half) for v in floor[::-1])
        frame[a:b, c:d] = board.plate[e : e + b - a, f : f + d - c]
        assert finder.spill(frame, board, x, y, PLAIN) > SPILL


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_piece_of_another_colour_is_off_and_one_that_gleams_is_not(family: str, style: str) -> None:
    instance = instance_in(family, style)
    board = base.load(family).board(instance)
    piece, (places, _) = board.pieces[-1], lanes(instance, board)[0]
    finder, (x, y) = Finder(piece), map(float, board.lattice.pixels(places[-1]))

    def off(rgb: npt.NDArray[np.float32]) -> float:
        frame = dataclasses.replace(board, pieces=(*board.pieces[:-1], dataclasses.replace(piece, rgb=rgb)))
        _, packed = cv2.imencode(".jpg", frame.draw(places)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 70])
        seen = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB), np.uint8)
        return finder.off_colour(seen, board, x, y, PLAIN)

    assert off(piece.rgb) < 0.5 * RECOLOURED
    assert off(np.clip(piece.rgb * np.float32(0.9) + 25, 0, 255)) < RECOLOURED
    assert off(piece.rgb * np.float32(0.4)) > RECOLOURED
