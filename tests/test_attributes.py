"""Things that differ in one attribute are told apart after compression, blur and shift."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from genreason import seeds, video
from genreason.perceive.cells import BETWEEN, CellReader
from genreason.puzzles import attributes
from genreason.puzzles.attributes import COLOURS, FILLS, NUMBERS, SHAPES, SIZES, named, sign, things
from genreason.render.board import blend
from genreason.render.cells import CELL_STYLES, sign_piece
from genreason.types import Frame, UserError

CELL, SIDE, COLS = 48, 40, 6
SETS = {
    "shape and colour": things(SHAPES, COLOURS),
    "shape and size": things(SHAPES, ("green", "purple"), SIZES),
    "shape, size and filling": things(SHAPES[:4], ("red", "blue"), ("medium", "large"), FILLS),
    "colour and number": things(("triangle",), COLOURS, ("large",), ("solid",), NUMBERS),
}


def filmed(picture: Frame) -> Frame:
    """The picture as the last frame of a clip that is compressed hard."""
    return list(video.read(video.encode([picture] * 4, 16.0, crf=35)))[-1]


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("style", attributes.styles())
def test_things_are_told_apart(kind: str, style: str) -> None:
    names, rng = SETS[kind], seeds.stream("attributes", kind, style)
    look = CELL_STYLES[style]
    ground = np.array(look.ground.colour, np.float32)
    picture = np.zeros((-(-len(names) // COLS) * CELL, COLS * CELL, 3), np.uint8)
    picture[:] = look.ground.colour
    for k, name in enumerate(names):
        x, y = (np.array([k % COLS, k // COLS]) + 0.5) * CELL + rng.uniform(-2, 2, 2)
        blend(picture, sign_piece(name, sign(name, look), CELL, CELL), float(x), float(y))
    picture = filmed(np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.7), np.uint8))
    reader = CellReader([sign(name, look) for name in names], (SIDE, SIDE), ground)
    empty = np.broadcast_to(ground, (SIDE, SIDE, 3))
    told = []
    for k in range(len(names)):
        (y, x) = divmod(k, COLS)
        cell = picture[y * CELL : (y + 1) * CELL, x * CELL : (x + 1) * CELL]
        small = cv2.resize(cell, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        told.append(reader.read(np.asarray(small, np.float32), empty)[0])
    assert [(names[k], names[code]) for k, code in enumerate(told) if code >= 0 and code != k] == []
    assert sum(code <= BETWEEN for code in told) <= 0.03 * len(names)


def test_names_say_what_a_thing_is() -> None:
    assert str(named("3 small red hollow crosses")) == "3 small red hollow crosses"
    assert named("blue star").size == "medium"
    with pytest.raises(UserError, match="'big star' is no thing"):
        named("big star")
