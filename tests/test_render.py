"""What is drawn stands where the state says, can be told apart, is named rightly, and can be read back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreason.generate.oracle import solution_clip
from genreason.perceive.locate import Finder, contrast
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.tiles import FLOOR, GOAL, LEAST_CELL, MOST_BOARDS, WALL, TilePuzzle
from genreason.puzzles.trapfield import PUZZLE as TRAPFIELD
from genreason.render.board import Board, Piece, blend
from genreason.render.lattice import Lattice
from genreason.render.marks import Colour, Mark, paint
from genreason.render.plate import draw_piece
from genreason.render.styles import KINDS, STYLES, Paint, Style, colour_name
from genreason.task import Task
from genreason.testing import instance_of
from genreason.types import Clip, Frame, Instance, UserError

MARGIN = 60.0  # root mean square difference (0-255) by which whatever matters stands out
TINY_MARGIN = 30.0  # where a cell has fewer than 12 pixels and outlines melt into what they surround
FAMILIES: dict[str, TilePuzzle] = {"maze": MAZE, "sokoban": SOKOBAN, "trapfield": TRAPFIELD}
LOOKS = [(family, style) for family, puzzle in FAMILIES.items() for style in puzzle.styles()]
LINED = [name for name, style in STYLES.items() if style.lines]
SIZES = [(256, 256), (97, 131), (203, 120)]


def sample(family: str, style: str, level: str = "small", size: tuple[int, int] = (128, 128)) -> Instance:
    return Task(family, level=level, split="any", style=style, size=size)[1]


def frames(clip: Clip) -> Iterator[Frame]:
    assert clip.render is not None
    return clip.render()


def marks(look: Style, kinds: tuple[str, ...] = KINDS) -> dict[str, Mark]:
    """What stands on the floor or moves over it."""
    shown = {kind: look.look(kind) for kind in kinds if look.shows(kind)}
    return {kind: mark for kind, mark in shown.items() if isinstance(mark, Mark)}


def paints(look: Style) -> dict[str, Paint]:
    """What fills tiles."""
    shown = {kind: look.look(kind) for kind in KINDS if look.shows(kind)}
    return {kind: paint for kind, paint in shown.items() if isinstance(paint, Paint)}


def board_of(instance: Instance) -> Board:
    return FAMILIES[instance.scene["puzzle"]].board(instance)


def tiles_of(instance: Instance) -> npt.NDArray[np.uint8]:
    puzzle = FAMILIES[instance.scene["puzzle"]]
    return puzzle.tiles(puzzle.start(instance))


def least_side(family: str, style: str, level: str) -> int:
    """The smallest square picture (pixels) that such a board may be drawn in."""
    cell = LEAST_CELL * 2 // 3 if STYLES[style].lines else LEAST_CELL
    return cell * max(tiles_of(sample(family, style, level, (400, 400))).shape)


def look_at(board: Board, cell: tuple[int, int], half: float = 0.12) -> npt.NDArray[np.float64]:
    """Mean colour around a cell's centre."""
    x, y = board.lattice.pixels(cell)
    reach = max(half * board.lattice.cell_w, 0.5)
    rows, cols = (slice(int(v - reach), max(int(np.ceil(v + reach)), int(v - reach) + 1)) for v in (y, x))
    return board.plate[rows, cols].reshape(-1, 3).mean(axis=0)


def apart(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max())


# -- the grid ------------------------------------------------------------------------------------------------
sides = st.integers(3, 64)
pixels = st.integers(32, 700)


@given(sides, sides, pixels, pixels, st.floats(-2, 66), st.floats(-2, 66))
def test_pixels_and_cells_are_inverse(cols: int, rows: int, w: int, h: int, x: float, y: float) -> None:
    lattice = Lattice.fit(cols, rows, (w, h))
    assert lattice.cells(lattice.pixels((x, y))) == pytest.approx((x, y), abs=2e-3)
    assert Lattice.from_json(lattice.to_json()) == lattice


@given(sides, sides, pixels, pixels)
def test_a_fitted_grid_fills_the_picture_in_one_direction_and_is_centred(
    cols: int, rows: int, w: int, h: int
) -> None:
    lattice = Lattice.fit(cols, rows, (w, h))
    assert lattice.x0 >= -1e-9 and lattice.y0 >= -1e-9
    assert min(lattice.x0, lattice.y0) == pytest.approx(0, abs=1e-9)
    middle = lattice.pixels(((cols - 1) / 2, (rows - 1) / 2))
    assert middle == pytest.approx((w / 2, h / 2), abs=1e-3)
    for edges, length in zip(lattice.edges(), (w, h), strict=True):
        assert (np.diff(edges) >= 0).all() and edges[0] >= 0 and edges[-1] <= length


# -- the pieces ----------------------------------------------------------------------------------------------
def white(piece: Piece) -> Piece:
    return Piece(piece.name, np.full_like(piece.rgb, 255), piece.alpha, piece.anchor)


@pytest.mark.parametrize("style", STYLES)
def test_a_piece_stands_within_a_tenth_of_a_pixel_of_its_place(style: str) -> None:
    look = STYLES[style]
    rng = np.random.default_rng(0)
    lattice = Lattice(cols=9, rows=9, x0=1.5, y0=2.25, cell_w=13.7, cell_h=13.7)
    for mark, width in zip(marks(look, ("agent", "box")).values(), (9.3, 11.0), strict=False):
        piece = white(Piece("agent", *paint(mark, width)))
        board = Board(plate=np.zeros((130, 130, 3), np.uint8), pieces=(piece,), lattice=lattice)
        ys, xs = np.mgrid[: piece.alpha.shape[0], : piece.alpha.shape[1]] + 0.5
        own = np.array([(piece.alpha * axis).sum() for axis in (xs, ys)]) / piece.alpha.sum() - piece.anchor
        gy, gx = np.mgrid[:130, :130] + 0.5
        for place in rng.uniform(1, 7, (12, 2)):
            ink = board.draw([place])[..., 0] / 255.0
            centroid = np.array([(ink * gx).sum(), (ink * gy).sum()]) / ink.sum()
            assert centroid - own == pytest.approx(lattice.pixels(place), abs=0.1)
            assert ink.sum() == pytest.approx(piece.alpha.sum(), rel=0.01)


def test_opacity_fades_from_the_plate_to_the_piece() -> None:
    instance = sample("maze", "classic")
    board, places = board_of(instance), MAZE.places(MAZE.start(instance))
    none, half, whole = (board.draw(places, [o]).astype(int) for o in (0.0, 0.5, 1.0))
    assert np.array_equal(none, board.plate)
    assert np.abs(half - (none + whole) / 2).max() <= 1
    assert np.array_equal(whole, board.draw(places))


def test_a_piece_may_leave_the_picture() -> None:
    piece = Piece("agent", *paint(STYLES["classic"].agent, 9.0))
    for x, y in ((-20.0, 5.0), (5.0, 90.0), (0.0, 0.0), (40.3, 39.9)):
        frame = np.zeros((40, 40, 3), np.uint8)
        blend(frame, piece, x, y)
        inside = -6 < x < 46 and -6 < y < 46
        assert frame.any() == inside


@pytest.mark.parametrize("scale", [0.5, 0.7, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("style", ["classic", "dungeon", "photo"])
def test_a_fitted_board_draws_what_resizing_the_picture_gives(style: str, scale: float) -> None:
    instance = sample("sokoban", style, size=(192, 192))
    board, places = board_of(instance), SOKOBAN.places(SOKOBAN.start(instance)) + np.float32(0.3)
    size = (round(192 * scale), round(192 * scale))
    true = size[0] / 192
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    wanted = cv2.resize(board.draw(places), size, interpolation=method).astype(float)
    fitted = board.fitted((true, true), (0.0, 0.0), size)
    gap = np.abs(fitted.draw(places) - wanted)
    assert gap.mean() < 1.0 and np.percentile(gap, 99) < 25
    framed = board.fitted((true, true), (9.0, 4.0), (size[0] + 18, size[1] + 8)).draw(places)
    assert np.abs(framed[4:-4, 9:-9] - wanted).mean() < 1.0


# -- the scene -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_walls_and_floor_are_where_the_tiles_say(family: str, style: str, size: tuple[int, int]) -> None:
    instance = sample(family, style, size=size)
    board, tiles, look = board_of(instance), tiles_of(instance), STYLES[style]
    assert board.plate.shape == (size[1], size[0], 3) and board.plate.dtype == np.uint8
    for (row, col), tile in np.ndenumerate(tiles):
        if tile == GOAL or (look.lines and row % 2 == 0 and col % 2 == 0):
            continue
        bar = look.look(FAMILIES[family].kinds[WALL])
        if isinstance(bar, Mark):
            piece = draw_piece("trap", bar, board.lattice.cell_w)
            bare = dataclasses.replace(board, plate=np.full_like(board.plate, look.floor.colour))
            sight = Finder(piece).look(board.plate, bare, *map(float, board.lattice.pixels((col, row))), 0)
            assert (sight.presence > 0.7) == (tile == WALL), (row, col)
            continue
        seen = look_at(board, (col, row))
        if look.grid:
            seen = np.maximum(seen, look_at(board, (col, row), 0.02))
        to_wall, to_floor = (np.abs(seen - p.colour).sum() for p in (bar, look.floor))
        assert (to_wall < to_floor) == (tile == WALL), (row, col)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("style", LINED)
def test_rooms_between_lines_are_centred_on_their_places(style: str, size: tuple[int, int]) -> None:
    instance = sample("maze", style, size=size)
    board, tiles, look = board_of(instance), tiles_of(instance), STYLES[style]
    is_wall = np.abs(board.plate - np.array(look.wall.colour, float)).sum(axis=2) < np.abs(
        board.plate - np.array(look.floor.colour, float)
    ).sum(axis=2)
    measured = 0
    for row, col in np.argwhere(tiles != WALL):
        if tiles[row, col] == GOAL or row % 2 == 0 or col % 2 == 0:
            continue
        x, y = board.lattice.pixels((col, row))
        for line, at, walled in (
            (is_wall[int(y)], x, tiles[row, [col - 1, col + 1]]),
            (is_wall[:, int(x)], y, tiles[[row - 1, row + 1], col]),
        ):
            if (walled == WALL).all():
                hits = np.flatnonzero(line)
                before, after = hits[hits < at].max() + 1, hits[hits > at].min()
                assert (before + after) / 2 == pytest.approx(at, abs=1.0)
                assert after - before == pytest.approx(1.7 * board.lattice.cell_w, abs=2.0)
                measured += 1
    assert measured > 5


@pytest.mark.parametrize(("family", "style"), LOOKS)
@pytest.mark.parametrize(("level", "size"), [("small", 256), ("hard", 0), ("small", 0)])
def test_everything_that_matters_stands_out_everywhere(
    family: str, style: str, level: str, size: int
) -> None:
    side = size or least_side(family, style, level)
    instance = sample(family, style, level, (side, side))
    board, tiles, look = board_of(instance), tiles_of(instance), STYLES[style]
    unit = board.lattice.cell_w * (2 if look.lines else 1)
    still = {
        kind: Finder(draw_piece(kind, mark, unit)) for kind, mark in marks(look, ("goal", "trap")).items()
    }
    pieces = {piece.name: Finder(piece) for piece in board.pieces}
    margin = MARGIN if unit >= 12 else TINY_MARGIN
    for row, col in np.argwhere(tiles != WALL):
        x, y = map(float, board.lattice.pixels((col, row)))
        for name, finder in pieces.items():
            assert contrast(board, finder, x, y) > margin, (name, row, col)
        for name, finder in still.items() if tiles[row, col] == FLOOR else ():
            assert contrast(board, finder, x, y) > margin, (name, row, col)
    bar = look.look(FAMILIES[family].kinds[WALL])
    if isinstance(bar, Paint):
        assert np.linalg.norm(np.subtract(bar.colour, look.floor.colour)) > MARGIN
    for name, finder in pieces.items():  # a piece that steps where none may be is seen there too
        for row, col in np.argwhere(tiles == WALL) if family == "trapfield" else ():
            x, y = map(float, board.lattice.pixels((col, row)))
            assert contrast(board, finder, x, y) > 0.8 * margin, (name, row, col)


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_pieces_and_goals_look_different_from_one_another(family: str, style: str) -> None:
    look = STYLES[style]
    drawn = {}
    for name, mark in marks(look, (*used(family), "trap")).items():
        rgb, alpha = paint(mark, 24.0)
        drawn[name] = (rgb * alpha[..., None] + np.float32(128) * (1 - alpha[..., None]))[1:-1, 1:-1]
    names = sorted(drawn)
    for i, a in enumerate(names):
        for b in names[:i]:
            assert np.sqrt(((drawn[a] - drawn[b]) ** 2).mean()) > 40, (a, b)


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_plate_is_a_function_of_the_instance(family: str, style: str) -> None:
    instance = sample(family, style)
    first = board_of(instance).plate.copy()
    for other in Task(family, level="small", split="any", size=(128, 128))[10 : 10 + MOST_BOARDS]:
        board_of(other)  # the boards that are kept are pushed out
    assert np.array_equal(board_of(instance).plate, first)
    renamed = dataclasses.replace(instance, key="another")
    textured = any(paint.texture != "flat" for paint in paints(STYLES[style]).values())
    assert np.array_equal(board_of(renamed).plate, first) == (not textured)


@pytest.mark.parametrize(("style", "side"), [("classic", 150), ("paper", 90)])
def test_a_frame_too_small_to_read_is_refused_with_the_size_to_take(style: str, side: int) -> None:
    assert least_side("maze", style, "hard") == side
    state = MAZE.start(sample("maze", style, "hard", (side, side)))
    for size in ((side - 1, 256), (256, side - 1), (64, 64)):
        with pytest.raises(UserError, match=f"--size {side} or more"):
            MAZE.layout(state, size, style)
    assert MAZE.layout(state, (side, side), style)


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_the_solution_starts_with_the_first_frame(family: str, style: str) -> None:
    instance = sample(family, style)
    assert np.array_equal(next(frames(solution_clip(instance))), FAMILIES[family].picture(instance))


# -- words ---------------------------------------------------------------------------------------------------
NOUNS = {
    "disc", "square", "ring", "star", "diamond", "triangle", "cross", "robot", "ghost", "flag", "crate",
    "box", "block", "tiles", "lines", "floor",
    "crosses", "spikes", "holes", "mines", "flames", "signs", "frames",
}  # fmt: skip


def used(family: str) -> tuple[str, ...]:
    return ("agent", "goal", "box") if family == "sokoban" else ("agent", "goal")


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_words_are_nouns_that_differ(family: str, style: str) -> None:
    words, bar = FAMILIES[family].style_words(style), FAMILIES[family].kinds[WALL]
    assert words == board_of(sample(family, style)).words
    mine = [words[name] for name in used(family)]
    assert len({*mine, words["floor"], words[bar]}) == len(mine) + 2
    if bar in marks(STYLES[style]):
        mine.append(words[bar])
    for phrase in mine:
        assert phrase.split()[-1] in NOUNS, phrase


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_words_name_a_colour_that_covers_a_quarter_of_the_mark(family: str, style: str) -> None:
    look, words = STYLES[style], FAMILIES[family].style_words(style)
    for name, mark in marks(look, (*used(family), "trap")).items():
        rgb, alpha = paint(mark, 40.0)
        seen = rgb[alpha > 0.99]
        share = (np.abs(seen - np.array(mark.colour)).max(axis=1) < 2).mean()
        assert share > 0.25 and words[name].startswith(colour_name(mark.colour) + " "), name


@pytest.mark.parametrize("style", STYLES)
def test_nothing_colourful_is_called_black_white_or_gray(style: str) -> None:
    look = STYLES[style]
    shown: list[tuple[str, Colour]] = [
        (what.word or colour_name(what.colour), what.colour) for what in paints(look).values()
    ] + [(colour_name(mark.colour), mark.colour) for mark in marks(look).values()]
    for word, colour in shown:
        if word.split()[0] in ("black", "white", "gray"):
            assert max(colour) - min(colour) < 45, (word, colour)


# -- and back ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_drawn_state_is_read_back(family: str, style: str) -> None:
    puzzle = FAMILIES[family]
    for level, size in (("small", (128, 128)), ("small", (97, 131)), ("hard", (256, 256))):
        instance = sample(family, style, level, size)
        board, rng = puzzle.board(instance), np.random.default_rng(3)
        state = puzzle.start(instance)
        for _ in range(4):
            reading = puzzle.read(board.draw(puzzle.places(state)), instance)
            assert puzzle.canonical(reading.state) == puzzle.canonical(state)
            assert reading.state == state or family == "sokoban"  # boxes are alike: which is which is free
            assert 0.8 < reading.confidence <= 1.0
            for _ in range(5):
                options = list(puzzle.moves(state))
                state = puzzle.step(state, options[int(rng.integers(len(options)))])


def test_the_goal_is_read_back_too() -> None:
    instance = sample("maze", "night")
    state = MAZE.start(instance)
    for way in (solution.moves for solution in [MAZE.solve(state)] if solution):
        for move in way:
            state = MAZE.step(state, move)
    reading = MAZE.read(MAZE.board(instance).draw(MAZE.places(state)), instance)
    assert MAZE.done(reading.state)


def test_an_instance_can_be_made_from_a_state_alone() -> None:
    state = SOKOBAN.start(sample("sokoban", "classic"))
    instance = instance_of(SOKOBAN, state, style="bricks", size=(160, 120))
    assert SOKOBAN.start(instance) == state
    assert SOKOBAN.picture(instance).shape == (120, 160, 3)
