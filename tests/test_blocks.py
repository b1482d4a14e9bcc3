"""Blocks: comparing a frame with the one before gives what comparing it as a whole gives."""

import numpy as np
import pytest

from genreason.perceive.blocks import Blocks
from genreason.task import Task


@pytest.mark.parametrize("side", [128, 200, 251])
def test_means_after_a_change_are_the_means_of_the_whole(side):
    task = Task("maze", "easy", split="any", style="photo", size=(side, side))
    blocks = Blocks(task.puzzle.board(task[0]))
    rng = np.random.default_rng(side)
    last = task.puzzle.picture(task[0])
    means = blocks.means(last)
    for _ in range(60):
        frame = last.copy()
        x, y = rng.integers(0, side, 2)
        w, h = rng.integers(1, 40, 2)
        part = frame[y : y + h, x : x + w]
        part[:] = rng.integers(0, 256, part.shape if rng.random() < 0.5 else (1, 1, 3), np.uint8)
        after = blocks.means_after(frame, last, means)
        np.testing.assert_array_equal(after, blocks.means(frame))
        last, means = frame, after


def test_an_unchanged_frame_has_the_same_means():
    task = Task("sokoban", "easy", split="any", size=(128, 128))
    blocks = Blocks(task.puzzle.board(task[0]))
    frame = task.puzzle.picture(task[0])
    means = blocks.means(frame)
    assert blocks.means_after(frame.copy(), frame, means) is means


def dull(frame, x, y, side, by):
    """The frame with a square that is darker by so much."""
    out = frame.copy()
    part = out[y : y + side, x : x + side]
    part[:] = np.clip(part.astype(np.int16) - by, 0, 255)
    return out


def test_a_dull_patch_is_seen_in_the_first_frame_and_less_is_texture():
    task = Task("maze3d", "easy", split="any", style="quarry", size=(256, 256))
    picture = task.puzzle.picture(task[0])
    blocks = Blocks(task.puzzle.board(task[0]))
    none = np.zeros(blocks.base.shape[:2], np.bool_)
    side = 3 * blocks.k
    patch = blocks.difference(dull(picture, 2 * blocks.k, 2 * blocks.k, side, 34), picture, none).blobs()
    assert len(patch) == 1 and patch[0].area > 0.5
    assert not blocks.difference(dull(picture, 2 * blocks.k, 2 * blocks.k, side, 20), picture, none).blobs()


def test_a_faint_stain_is_let_pass_only_where_a_piece_has_been():
    task = Task("irregular_maze", "medium", split="any", style="paper", size=(256, 256))
    blocks = Blocks(task.puzzle.board(task[0]))
    plate, none = blocks._plate, np.zeros(blocks.base.shape[:2], np.bool_)
    at, side = 8 * blocks.k, 3 * blocks.k
    for by, here, elsewhere in ((15, False, False), (31, False, True), (45, True, True)):
        gap = blocks.compare(blocks.means(dull(plate, at, at, side, by)), none)
        assert bool(gap.apart_from(none, ~none).blobs()) == here, by
        assert bool(gap.apart_from(none, none).blobs()) == elsewhere, by
