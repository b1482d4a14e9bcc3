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
