"""A clip is read in one pass: what moves is followed, what must stand still is watched, whatever the clip."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from genreason import video
from genreason.generate import oracle
from genreason.generate.workshop import Workshop
from genreason.perceive.blocks import Blob, Blocks
from genreason.perceive.follow import LARGE, TimeLimitError, follow
from genreason.perceive.pieces import Pieces
from genreason.perceive.steady import REST, Patience
from genreason.perceive.track import Track
from genreason.puzzles import base
from genreason.puzzles.maze import PUZZLE as MAZE
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.trapfield import PUZZLE as TRAPFIELD
from genreason.task import Task
from genreason.types import Frame, Instance, UnreadableClipError

LOOKS = [(p.name, style) for p in (MAZE, SOKOBAN, TRAPFIELD) for style in p.styles()]
LEVELS = [
    ("maze", "easy"), ("maze", "medium"), ("maze", "hard"), ("sokoban", "small"), ("sokoban", "hard"),
    ("trapfield", "easy"), ("trapfield", "hard"),
]  # fmt: skip
EVERY = [(family, level, style) for family, level in LEVELS for style in base.load(family).styles()]


@functools.cache
def shop(family: str, style: str, level: str = "small", size: int = 160) -> Workshop:
    return Workshop(Task(family, level=level, split="any", style=style, size=(size, size))[3], "test")


def read(w: Workshop, frames: Iterable[Frame], **options: float) -> Track:
    reference = w.puzzle.picture(w.instance)
    return follow(w.board, w.puzzle.places(w.start), reference, frames, 24.0, **options)


def truth(w: Workshop) -> list[Frame]:
    return list(w.truth.frames(w.board))


def recoded(frames: Iterable[Frame], crf: float) -> list[Frame]:
    return list(video.read(video.encode(frames, 24, crf=crf)))


# -- blocks --------------------------------------------------------------------------------------------------
def changed(blocks: Blocks, frame: Frame) -> npt.NDArray[np.bool_]:
    return blocks.compare(blocks.means(frame), np.zeros(blocks.base.shape[:2], np.bool_)).changed


@pytest.mark.parametrize(("family", "level", "style"), EVERY)
def test_files_and_cameras_do_not_change_the_scene(family: str, level: str, style: str) -> None:
    plate = shop(family, style, level, 256).board.plate
    blocks = Blocks(shop(family, style, level, 256).board)
    coded = recoded([plate] * 2, 35)[-1]
    blurred = np.asarray(cv2.GaussianBlur(plate, (0, 0), 0.8), np.uint8)
    tinted = np.clip(plate + np.array([8.0, -8, 6]), 0, 255).astype(np.uint8)
    assert not changed(blocks, plate).any()
    for what, frame in (("coded", coded), ("blurred", blurred), ("tinted", tinted)):
        gap = blocks.compare(blocks.means(frame), np.zeros(blocks.base.shape[:2], np.bool_))
        assert not gap.blobs(), what
        assert gap.changed.mean() < 0.01, what


@pytest.mark.parametrize(("family", "level", "style"), EVERY)
def test_a_wall_that_is_gone_is_seen_where_it_was(family: str, level: str, style: str) -> None:
    w = shop(family, style, level, 256)
    walls, floor = w.wall_cells(), w.floor_cells()
    if w.lined:
        floor = [cell for cell in floor if cell[0] % 2 and cell[1] % 2]
    if not walls or not floor:
        pytest.skip("this board has no inner wall")
    blocks = Blocks(w.board)
    for wall in walls[:: max(len(walls) // 3, 1)]:
        blobs = blocks.compare(
            blocks.means(w.pasted(w.board.plate, floor[0], wall)), np.zeros(blocks.base.shape[:2], np.bool_)
        ).blobs()
        assert blobs and blobs[0].area > 0.25
        at = w.board.lattice.cells((blobs[0].x, blobs[0].y))
        assert np.abs(at - wall).max() < 0.5


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_blocks_under_the_pieces_are_left_out(family: str, style: str) -> None:
    w = shop(family, style)
    blocks = Blocks(w.board)
    pixels = w.board.lattice.pixels(w.stops[0])
    covered = blocks.covered(
        [(p, float(x), float(y)) for p, (x, y) in zip(w.board.pieces, pixels, strict=True)]
    )
    drawn = blocks.means(w.frame(w.stops[0]))
    assert blocks.compare(drawn, ~covered & covered).changed.any()
    assert not blocks.compare(drawn, covered).changed.any()
    assert covered.mean() < 0.5


def test_blocks_that_a_moved_camera_does_not_show_are_known() -> None:
    blocks = Blocks(shop("maze", "classic").board)
    assert not blocks.outside(np.zeros(5)).any()
    right = blocks.outside(np.array([0.0, 0.0, 20.0, 0.0, 0.0]))
    left = blocks.outside(np.array([0.0, 0.0, -20.0, 0.0, 0.0]))
    inner = blocks.outside(np.array([16.0, 16.0, 0.0, 0.0, 0.0]))
    assert right.any() and left.any() and not (right & left).any()
    assert inner[0].all() and inner[-1].all() and inner[:, 0].all() and not inner[5:-5, 5:-5].any()


# -- following -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_pieces_are_followed_to_a_twentieth_of_a_cell(family: str, style: str) -> None:
    w = shop(family, style)
    track = read(w, recoded(w.truth.frames(w.board), 23))
    assert track.names == w.puzzle.pieces(w.start) and len(track) == len(w.truth)
    error = np.abs(track.places_TN2 - w.truth.places_TN2).max(axis=(1, 2))
    assert np.quantile(error, 0.9) < 0.05 and error.max() < 0.12
    assert (track.presence_TN > 0.8).all() and not track.broken_T.any()
    assert not track.spots and track.camera_T2.max() < 0.01 and track.start_gap < 0.01
    assert min(track.contrast_N) > 60


@pytest.mark.parametrize("family", ["maze", "sokoban"])
@pytest.mark.parametrize("size", [(97, 131), (320, 320), (512, 300), (700, 700)])
def test_a_clip_of_another_size_gives_the_same_places(family: str, size: tuple[int, int]) -> None:
    w = shop(family, "slate")
    method = cv2.INTER_AREA if min(size) < 160 else cv2.INTER_LINEAR
    frames = [np.asarray(cv2.resize(frame, size, interpolation=method), np.uint8) for frame in truth(w)[::3]]
    track = read(w, frames)
    assert track.clip_size == size and track.view.kind == "resized"
    assert np.abs(track.places_TN2 - w.truth.places_TN2[::3]).max() < 0.12
    assert (track.presence_TN > 0.7).all() and not track.spots


def test_positions_are_given_in_the_clips_own_pixels() -> None:
    w = shop("maze", "night")
    frames = [
        cv2.copyMakeBorder(
            cv2.resize(frame, (640, 640)), 0, 0, 100, 100, cv2.BORDER_CONSTANT, value=[0, 0, 0]
        )
        for frame in truth(w)[:9]
    ]
    seen: list[tuple[int, tuple[int, ...], npt.NDArray[np.float32]]] = []
    follow(
        w.board, w.stops[0], w.puzzle.picture(w.instance), frames, 24.0,
        watch=lambda t, frame, pixels: seen.append((t, frame.shape, pixels())),
    )  # fmt: skip
    assert [t for t, _, _ in seen] == list(range(9)) and seen[0][1] == (640, 840, 3)
    wanted = w.board.lattice.pixels(w.truth.places_TN2[8]) * 4 + np.array([100, 0])
    assert seen[8][2] == pytest.approx(wanted, abs=4)


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_lost_piece_and_its_return_are_seen(family: str, style: str) -> None:
    w = shop(family, style)
    places = np.repeat(w.stops[0][None], 16, axis=0)
    opacity = np.ones(places.shape[:2], np.float32)
    opacity[5:10, 0] = 0
    track = read(w, dataclasses.replace(w.truth, places_TN2=places, opacity_TN=opacity).frames(w.board))
    assert (track.presence_TN[:, 0] >= 0.5).tolist() == [True] * 5 + [False] * 5 + [True] * 6
    assert (track.presence_TN[:, 1:] >= 0.5).all()


@pytest.mark.parametrize(("family", "style"), LOOKS)
def test_a_copy_is_named_and_a_stain_is_not(family: str, style: str) -> None:
    w = shop(family, style)
    near = np.concatenate(w.stops)
    free = [c for c in w.floor_cells() if np.abs(near - np.array(c)).max(axis=1).min() > 1]
    if w.lined:
        free = [c for c in free if c[0] % 2 and c[1] % 2]
    if not free:
        pytest.skip("no free cell on this board")
    n = len(w.stops[0])
    both = np.concatenate([[free[0]], w.stops[0]]).astype(np.float32)
    script = dataclasses.replace(
        w.truth, places_TN2=np.stack([both] * 8),
        opacity_TN=np.array([[t > 2] + [1] * n for t in range(8)], np.float32), cast=(n - 1, *range(n)),
    )  # fmt: skip
    copies = read(w, script.frames(w.board)).spots
    assert {spot.name for spot in copies} == {"agent"} and {spot.t for spot in copies} == set(range(3, 8))
    assert np.abs(np.array([(s.x, s.y) for s in copies]) - free[0]).max() < 0.5
    stained = w.frame(w.stops[0])
    rows, cols = w.cell_box(free[0], 0.45)
    bar = slice((rows.start + rows.stop) // 2 - 2, (rows.start + rows.stop) // 2 + 3)
    stained[bar, cols] = np.where(w.board.plate[bar, cols].mean(axis=(0, 1)) > 128, 0, 255)
    stains = read(w, [w.frame(w.stops[0])] * 3 + [stained] * 5).spots
    assert {spot.name for spot in stains} == {""} and {spot.t for spot in stains} == set(range(3, 8))


def test_nothing_left_is_broken_and_nothing_is_made_up() -> None:
    w = shop("maze", "dungeon")
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (160, 160, 3), np.uint8) for _ in range(4)]
    track = read(w, [w.frame(w.stops[0]), *noise])
    assert track.broken_T.tolist() == [False, True, True, True, True]
    assert np.abs(track.places_TN2 - w.stops[0]).max() < 0.05


@pytest.mark.parametrize("style", ["classic", "garden", "sand", "photo"])
def test_a_camera_is_measured_and_seen_through(style: str) -> None:
    w = shop("maze", style)
    frames, last = truth(w), len(w.truth) - 1
    panned = [
        cv2.warpAffine(
            frame, np.array([[1, 0, 8 * t / last], [0, 1, 0.0]]), (160, 160), borderMode=cv2.BORDER_REPLICATE
        )
        for t, frame in enumerate(frames)
    ]
    track = read(w, panned)
    assert track.camera_T2[-1, 0] == pytest.approx(0.05, abs=0.006) and track.camera_T2[:, 1].max() < 0.006
    assert np.abs(track.places_TN2 - w.truth.places_TN2).max() < 0.2


# -- limits --------------------------------------------------------------------------------------------------
def test_memory_does_not_grow_with_the_clip() -> None:
    w = shop("maze", "classic", "easy", 96)
    frames = truth(w)

    def endless() -> Iterator[Frame]:
        for t in itertools.count():  # never the same twice, so that no frame is taken for a repetition
            frame = frames[t % len(frames)].copy()
            frame[:4, :4] = (t * 37) % 120
            yield frame

    def peak(count: int) -> int:
        tracemalloc.start()
        assert len(read(w, itertools.islice(endless(), count), time_limit=60.0)) == count
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    read(w, frames[:2])
    short, long = peak(50), peak(1000)
    assert long - short < 1000 * 1500  # what is kept of a frame is a few numbers; the frame has 27,648 bytes


def test_a_search_that_keeps_failing_is_made_ever_less_often() -> None:
    patience = Patience(1)
    searched = []
    for t in range(400):
        if patience.due():
            searched.append(t)
            patience.failed()
    waits = np.diff(searched)
    assert list(waits[:5]) == [2, 3, 5, 9, 17] and waits.max() == REST + 1
    patience.failed()
    patience.hurry()
    assert [patience.due() for _ in range(2)] == [False, True]
    patience.reset()
    assert patience.due()


def test_a_scene_that_is_another_one_is_not_searched_from_edge_to_edge_in_every_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = Task("maze", "hard", split="any", style="blueprint", size=(256, 256))
    w, other = (Workshop(task[i], "test") for i in (0, 1))
    searches = 0
    resembles = Pieces.resembles

    def counted(self: Pieces, seen: Frame, blob: Blob, *args: Any) -> str:
        nonlocal searches
        searches += blob.extent > LARGE * self.cell
        return resembles(self, seen, blob, *args)

    monkeypatch.setattr(Pieces, "resembles", counted)
    script = other.truth
    track = read(w, list(script.frames(other.board)))
    changed = {spot.t for spot in track.spots if not spot.name and spot.area > 1}
    assert len(changed) > 0.9 * len(script)  # what was seen is told of every frame in between
    assert 0 < searches < len(script) / 4


def test_the_time_limit_holds_for_a_clip_without_end() -> None:
    w = shop("maze", "photo")
    rng = np.random.default_rng(0)

    def noise() -> Iterator[Frame]:
        while True:
            yield rng.integers(0, 256, (160, 160, 3), np.uint8)

    with pytest.raises(TimeLimitError, match="raise time_limit"):
        read(w, noise(), time_limit=0.3)


def test_a_size_that_changes_midway_cannot_be_read() -> None:
    w = shop("maze", "classic")
    frames = truth(w)
    with pytest.raises(UnreadableClipError, match="size"):
        read(w, [frames[0], frames[1][:80]])
    with pytest.raises(UnreadableClipError, match="no frames"):
        read(w, [])


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 400), (16, 16), (40, 33), (1, 12), (1, 150), (150, 1)])
@pytest.mark.parametrize("fill", [lambda s: np.zeros(s, np.uint8), lambda s: np.full(s, 255, np.uint8)])
def test_any_picture_can_be_read_without_an_accident(
    size: tuple[int, int], fill: Callable[[tuple[int, ...]], Frame]
) -> None:
    w = shop("sokoban", "marble")
    try:
        track = read(w, [fill((size[1], size[0], 3))] * 3)
    except UnreadableClipError:
        return
    assert len(track) == 3 and np.isfinite(track.places_TN2).all()


def test_a_whole_solution_of_many_pieces_is_followed() -> None:
    instance: Instance = Task("sokoban", level="expert", split="any", style="bricks", size=(256, 256))[0]
    w = Workshop(instance, "test")
    track = read(w, video.frames(oracle.solution_clip(instance)))
    assert np.abs(track.places_TN2 - w.truth.places_TN2).max() < 0.1
