"""How a clip shows the first frame is found, and what a camera does is measured and undone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from genreason.perceive.view import STILL, Registrar, Warp, find_view, gray, undo
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.trapfield import PUZZLE as TRAPFIELD
from genreason.render.board import warp as warped
from genreason.render.styles import STYLES
from genreason.task import Task
from genreason.types import Frame

LOOKS = [(p.name, style) for p in (MAZE, SOKOBAN, TRAPFIELD) for style in p.styles()]


def picture(family: str, style: str, size: tuple[int, int] = (192, 192)) -> Frame:
    task = Task(family, level="small", split="any", style=style, size=size)
    return task.puzzle.picture(task[0])


def resized(frame: Frame, w: int, h: int) -> Frame:
    method = cv2.INTER_AREA if w < frame.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(frame, (w, h), interpolation=method), np.uint8)


def barred(frame: Frame, x: int, y: int, colour: int) -> Frame:
    return np.asarray(
        cv2.copyMakeBorder(frame, y, y, x, x, cv2.BORDER_CONSTANT, value=[colour] * 3), np.uint8
    )


# -- the view ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_the_same_picture_is_the_same(family: str, style: str) -> None:
    first = picture(family, style)
    view = find_view(first, first)
    assert (view.kind, view.scale, view.offset) == ("same", (1.0, 1.0), (0.0, 0.0))
    assert view.error < 0.5


@pytest.mark.parametrize(("family", "style"), LOOKS)
@pytest.mark.parametrize("size", [(96, 96), (288, 290), (241, 180), (384, 192)])
def test_another_size_is_a_stretch(family: str, style: str, size: tuple[int, int]) -> None:
    first = picture(family, style)
    view = find_view(first, resized(first, *size))
    assert view.kind == "resized" and view.offset == (0.0, 0.0)
    assert view.scale == pytest.approx((size[0] / 192, size[1] / 192))


@pytest.mark.parametrize(("family", "style"), LOOKS)
@pytest.mark.parametrize("bars", [(33, 0), (0, 40)])
@pytest.mark.parametrize("colour", [0, 255])
def test_bars_are_seen(family: str, style: str, bars: tuple[int, int], colour: int) -> None:
    first = picture(family, style)
    view = find_view(first, barred(resized(first, 256, 256), *bars, colour))
    assert view.kind == "letterboxed"
    assert view.scale == pytest.approx((256 / 192,) * 2, rel=0.01)
    assert view.offset == pytest.approx(bars, abs=1.5)


@pytest.mark.parametrize(("family", "style"), LOOKS)
@pytest.mark.parametrize("upright", [True, False])
def test_cut_off_sides_are_seen(family: str, style: str, upright: bool) -> None:
    first = picture(family, style)
    lined = style in ("paper", "blueprint", "sand")
    strip = 3 if lined else 12
    large = resized(first, 384, 384)
    cut = large[2 * strip : -2 * strip] if upright else large[:, 2 * strip : -2 * strip]
    view = find_view(first, np.ascontiguousarray(cut))
    assert view.offset == pytest.approx((0, -2 * strip) if upright else (-2 * strip, 0), abs=1.0) or (
        lined and view.kind == "resized"  # so thin a strip hardly matters; the registrar sees to it
    )
    assert view.scale == pytest.approx((2.0, 2.0), rel=0.04)


@pytest.mark.parametrize("style", ["classic", "photo", "sand"])
def test_a_tint_and_a_moved_piece_do_not_matter(style: str) -> None:
    instance = Task("maze", level="small", split="any", style=style, size=(192, 192))[0]
    board, start = MAZE.board(instance), MAZE.start(instance)
    moved = board.draw(MAZE.places(start) + 1)
    tinted = np.clip(resized(moved, 144, 144) + np.array([9.0, -7, 6]), 0, 255).astype(np.uint8)
    view = find_view(MAZE.picture(instance), tinted)
    assert view.kind == "resized" and view.scale == pytest.approx((0.75, 0.75))


def test_a_picture_of_one_colour_is_taken_as_it_comes() -> None:
    first = picture("maze", "classic")
    for size in ((64, 64), (64, 200), (3, 5), (1, 1)):
        view = find_view(first, np.zeros((size[1], size[0], 3), np.uint8))
        assert np.isfinite([*view.scale, *view.offset, view.error]).all() and min(view.scale) > 0


# -- the camera ----------------------------------------------------------------------------------------------
WARPS = [
    (0.0, 0.0, 3.3, -2.4, 0.0), (0.0, 0.0, -4.0, 3.6, 0.0), (4.0, 4.0, 0.0, 0.0, 0.0),
    (-3.0, -3.0, 2.0, 1.0, 0.0), (6.0, 6.0, -2.5, 3.25, 0.0), (2.0, -2.0, 1.5, 1.5, 0.0),
    (0.0, 0.0, 0.0, 0.0, 4.0), (2.0, 2.0, 1.5, -2.0, -3.0),
]  # fmt: skip


def moved_by(frame: Frame, warp: Warp) -> Frame:
    """The picture that a camera moved by `warp` sees, in the plainest way: pixel by pixel."""
    h, w = frame.shape[:2]
    half = np.array([w / 2, h / 2])
    zoom = 1 + warp[:2] / half
    turn = warp[4] / half.max()
    shift = warp[2:4] + half - zoom * half + turn * np.array([half[1], -half[0]])
    if not turn:
        return warped(frame, np.array([[zoom[0], 0, shift[0]], [0, zoom[1], shift[1]]]), (w, h))
    fit = np.array([[zoom[0], -turn, shift[0]], [turn, zoom[1], shift[1]]])
    return np.asarray(cv2.warpAffine(frame, fit, (w, h), borderMode=cv2.BORDER_REPLICATE), np.uint8)


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_zoom_and_shift_are_measured(family: str, style: str) -> None:
    task = Task(family, level="small", split="any", style=style, size=(192, 192))
    instance = task[0]
    plate, first = task.puzzle.board(instance).plate, task.puzzle.picture(instance)
    registrar = Registrar(plate)
    lined = family == "maze" and STYLES[style].lines
    for known in WARPS:
        if lined and max(abs(known[0] + known[2]), abs(known[1]) + abs(known[3])) > 6:
            continue  # thin lines catch a sudden movement of 3 % of the picture, a drift of more
        found, error = registrar.estimate(gray(moved_by(first, np.array(known))))
        assert found[2:4] == pytest.approx(known[2:4], abs=0.3), known
        assert found[4] == pytest.approx(known[4], abs=0.5), known
        assert found[:2] == pytest.approx(known[:2], abs=0.5), known  # at the picture's edge, with few edges
        assert error < 0.8 * registrar.error(gray(moved_by(first, np.array(known))), STILL)


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_slow_drift_is_followed_far(family: str, style: str) -> None:
    task = Task(family, level="small", split="any", style=style, size=(192, 192))
    registrar, first = Registrar(task.puzzle.board(task[0]).plate), task.puzzle.picture(task[0])
    found: Warp = STILL
    for share in np.linspace(0, 1, 13)[1:]:
        known = share * np.array([14.0, 14.0, 12.0, -9.0, 0.0])
        frame = gray(moved_by(first, known))
        tries = [registrar.estimate(frame, found, search=search) for search in (False, True)]
        found = min(tries, key=lambda one: one[1])[0]
        assert found == pytest.approx(known, abs=1.0)  # thin lines catch slowly


@pytest.mark.parametrize("style", ["classic", "dungeon", "paper", "blueprint", "sand"])
def test_a_known_warp_needs_no_search(style: str) -> None:
    task, known, errors = (
        Task("maze", "small", "any", style, size=(192, 192)),
        np.array([3.0, 3, 5, -4, 0]),
        [],
    )
    for instance in task[:4]:
        first = task.puzzle.picture(instance)
        registrar, frame = Registrar(first), gray(moved_by(first, known))
        for off in ((0.8, 0.8, 0.8, 0.8, 0.8), (-0.8, -0.8, -0.8, -0.8, -0.8), (0.8, -0.8, 0.8, -0.8, 0.0)):
            found, _ = registrar.estimate(frame, known + off, search=False)
            errors.append(float(np.abs(found - known).max()))
    assert np.median(errors) < 0.15 and np.quantile(errors, 0.8) < 0.3
    assert max(errors) < 1.0  # thin lines may catch a pixel off at the picture's edge


@pytest.mark.parametrize(("family", "style"), LOOKS)
@pytest.mark.parametrize("known", WARPS)
def test_undoing_brings_the_picture_back(
    family: str, style: str, known: tuple[float, float, float, float, float]
) -> None:
    first = picture(family, style)
    smooth = np.asarray(cv2.GaussianBlur(first, (0, 0), 1.0), np.uint8)
    back = undo(moved_by(smooth, np.array(known)), np.array(known))
    inner = slice(20, -20)
    gap = np.abs(back[inner, inner].astype(int) - smooth[inner, inner])
    assert gap.mean() < 6  # shifts without zoom are undone by whole pixels
    assert gap.mean() < 0.6 * np.abs(moved_by(smooth, np.array(known)).astype(int) - smooth).mean()


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_still_camera_changes_nothing(family: str, style: str) -> None:
    first = picture(family, style)
    assert undo(first, STILL) is first
    for search in (False, True):
        found, _ = Registrar(first).estimate(gray(first), search=search)
        assert np.abs(found).max() < 0.5  # a quarter of a hundredth of the picture: far below what counts


def test_noise_and_plain_pictures_give_finite_warps() -> None:
    first = picture("maze", "classic")
    rng = np.random.default_rng(0)
    for frame in (rng.integers(0, 256, first.shape, np.uint8), np.zeros_like(first)):
        warp, error = Registrar(first).estimate(gray(frame))
        assert np.isfinite(warp).all() and np.isfinite(error)
        assert undo(frame, warp).shape == frame.shape
    flat = np.full_like(first, 200)
    assert np.isfinite(Registrar(flat).estimate(gray(first))[0]).all()
