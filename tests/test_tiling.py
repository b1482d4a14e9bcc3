"""The grid of a picture is found without knowing its art, and what is not on it is seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from vrbench_fixture import GRIDS, noisy, picture

from genreason.formats import vrread
from genreason.perceive.colours import colour_word
from genreason.perceive.tiling import find_tiling, odd_tile
from genreason.render.lattice import Lattice
from genreason.task import Task
from genreason.types import Frame, UserError

GROUND = {"maze": 4, "trapfield": 4}


def wanted(sizes: list[int]) -> bool:
    return sizes[1] > 1 and sizes[2:] == [1, 1]


def crop(frame: Frame, width: int, height: int) -> Frame:
    """Resized to fill a picture of this size, its longer sides cut off."""
    scale = max(width / frame.shape[1], height / frame.shape[0])
    size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    whole = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    return whole[y : y + height, x : x + width]


def pad(frame: Frame, width: int, height: int) -> Frame:
    """Resized to fit into a picture of this size, in bars."""
    scale = min(width / frame.shape[1], height / frame.shape[0])
    size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    out = np.zeros((height, width, 3), np.uint8)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    out[y : y + size[1], x : x + size[0]] = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
    return out


VIEWS = {
    "as it is": lambda f: f,
    "large": lambda f: crop(f, 480, 480),
    "stretched": lambda f: np.asarray(cv2.resize(f, (260, 200)), np.uint8),
    "cut off": lambda f: crop(f, 272, 280),
    "cut off below": lambda f: crop(f, 320, 308),
    "in bars": lambda f: pad(f, 400, 220),
    "rough": lambda f: noisy(f, 12),
    "soft": lambda f: np.asarray(cv2.GaussianBlur(f, (0, 0), 1.2), np.uint8),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("style", ["classic", "dungeon"])
def test_a_grid_is_found_in_any_view(view: str, style: str) -> None:
    instance = Task("maze", "easy", split="any", style=style, size=(196, 196))[1]
    puzzle = Task("maze").puzzle
    seen = np.ascontiguousarray(VIEWS[view](puzzle.picture(instance)))
    found = find_tiling(seen, 4, wanted)
    assert found is not None and found.kinds.shape == (7, 7)
    walls = np.array([[tile == "#" for tile in row] for row in instance.state["grid"]])
    assert len(np.unique(found.kinds[walls])) == 1  # one kind, which nothing else is of
    assert not np.isin(found.kinds[~walls], found.kinds[walls]).any()
    if view == "cut off":  # 280 pixels of board, of which 4 are cut off on each side
        assert (found.lattice.x0, found.lattice.y0) == (-4, 0) and found.lattice.cell_w == 40
    if view == "stretched":
        assert found.lattice.cell_w == pytest.approx(260 / 7) and found.lattice.cell_h == pytest.approx(
            200 / 7
        )


def test_no_grid_is_found_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    for frame in (
        np.full((120, 120, 3), 200, np.uint8),
        rng.integers(0, 255, (120, 120, 3), np.uint8),
        np.asarray(cv2.GaussianBlur(rng.integers(0, 255, (160, 160, 3), np.uint8), (0, 0), 6), np.uint8),
    ):
        assert find_tiling(frame, 4, wanted) is None


def test_a_number_of_columns_that_is_known_is_kept() -> None:
    instance = Task("maze", "easy", split="any", style="classic", size=(196, 196))[1]
    frame = Task("maze").puzzle.picture(instance)
    assert find_tiling(frame, 4, wanted, cols=7, rows=7) is not None
    assert find_tiling(frame, 4, wanted, cols=9, rows=9) is None


def codes(game: str) -> np.ndarray:
    """Floor, wall and goal as puzzles code them, -1 under pieces."""
    table = {0: 0, 1: 1, 2: -1, 3: 2} if game != "sokoban" else {0: 0, 1: 1, 2: -1, 3: 2, 4: -1, 5: -1, 6: -1}
    return np.array([[table[code] for code in row] for row in GRIDS[game]])


@pytest.mark.parametrize("game", GRIDS)
def test_tiles_are_compared_with_what_they_should_be(game: str) -> None:
    grid = codes(game)
    lattice = Lattice.fit(grid.shape[1], grid.shape[0], (grid.shape[1] * 16, grid.shape[0] * 16))
    for frame in (picture(game), noisy(picture(game), 25)):
        assert odd_tile(frame, lattice, grid) is None
    for code, other in ((0, 1), (1, 0)):
        row, col = np.argwhere(grid == code)[-1]
        wrong = grid.copy()
        wrong[row, col] = other
        assert odd_tile(picture(game), lattice, wrong) == (row, col, code)


def test_things_are_told_apart_by_hints_alone_where_the_picture_does_not_say() -> None:
    frame = picture("trapfield", 40)
    # The goal fills its tile and the player does not.
    plain = vrread.level("trapfield", frame, {})
    assert plain.state["agent"] == [0, 0] and plain.goal == {"goal": [3, 4]}
    cv2.rectangle(frame, (160, 120), (199, 159), (250, 250, 250), -1)
    cv2.circle(frame, (180, 140), 15, (40, 60, 230), -1)
    size = {"rows": 4, "cols": 5}
    with pytest.raises(UserError, match=r"say -o trapfield.player=0,0 \(red\) or 3,4 \(blue\)"):
        vrread.level("trapfield", frame, size)
    for hint in ({"player": "red"}, {"goal": "blue"}, {"player": "0,0"}, {"goal": [3, 4]}):
        assert vrread.level("trapfield", frame, {**size, **hint}) == plain
    turned = vrread.level("trapfield", frame, {**size, "player": "blue"})
    assert turned.state["agent"] == [3, 4] and turned.goal == {"goal": [0, 0]}


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        ({"player": "purple"}, "not one such thing is seen; there is"),
        ({"player": "1,2"}, "not one such thing"),
        ({"player": "bluish"}, "neither row,column nor a colour"),
        ({"rows": "many"}, "must be a number"),
        ({"rows": 9, "cols": 9}, "check these"),
    ],
)
def test_hints_that_do_not_fit_are_named(hint: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        vrread.level("maze", picture("maze", 30), hint)


def test_what_leaves_its_tile_is_the_player() -> None:
    """Two discs: the clip says which of them moves; where both do, nothing is said."""
    frame = picture("trapfield", 32)
    cv2.rectangle(frame, (128, 96), (159, 127), (250, 250, 250), -1)
    cv2.circle(frame, (144, 112), 12, (40, 60, 230), -1)
    free = frame[0:32, 32:64].copy()
    red_gone, both_gone = frame.copy(), frame.copy()
    red_gone[0:32, 0:32] = free
    both_gone[0:32, 0:32] = both_gone[96:128, 128:160] = free
    size = {"rows": 4, "cols": 5}
    assert vrread.level("trapfield", frame, size, [[frame, red_gone, red_gone]]).state["agent"] == [0, 0]
    for clips in ([[frame] * 3], [[frame, both_gone, both_gone]], []):
        with pytest.raises(UserError, match="it is not seen which"):
            vrread.level("trapfield", frame, size, clips)


def test_words_for_colours() -> None:
    said = {
        "red": (255, 0, 0), "green": (0, 128, 0), "blue": (46, 134, 248), "yellow": (253, 230, 83),
        "pink": (255, 118, 118), "brown": (139, 90, 43), "orange": (255, 150, 20), "gray": (115, 115, 115),
        "black": (20, 20, 20), "white": (250, 250, 250), "purple": (128, 0, 128), "cyan": (0, 220, 255),
    }  # fmt: skip
    assert {name: colour_word(rgb) for name, rgb in said.items()} == {name: name for name in said}
