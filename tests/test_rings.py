"""Rings around things are found whatever the thing is, however they are drawn; parts and blots are none."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from genreason import seeds, video
from genreason.perceive.cellread import CellReader
from genreason.perceive.codes import BETWEEN
from genreason.puzzles.odd_one_out import PUZZLE, OddState
from genreason.puzzles.ringing import RINGED, THINGS
from genreason.render.board import blend
from genreason.render.cells import CELL_STYLES, CellStyle, sign_piece
from genreason.render.marks import Colour
from genreason.types import Frame

CELL = 40
STATE = OddState(THINGS[:9], 3, False)
SYMBOLS = PUZZLE.symbols(STATE)


def reader(style: CellStyle) -> CellReader:
    signs = [PUZZLE.sign(symbol, style, False) for symbol in SYMBOLS]
    return CellReader(signs, (CELL, CELL), np.array(style.ground.colour, np.float32))


def told(picture: Frame, style: CellStyle) -> list[str | int]:
    ground = np.array(style.ground.colour, np.float32)
    empty, out = np.broadcast_to(ground, (CELL, CELL, 3)), []
    look = reader(style)
    for x in range(0, picture.shape[1], CELL):
        code = look.read(np.asarray(picture[:CELL, x : x + CELL], np.float32), empty)[0]
        out.append(SYMBOLS[code] if code >= 0 else code)
    return out


def row(names: list[str], style: CellStyle) -> Frame:
    picture = np.zeros((CELL, CELL * len(names), 3), np.uint8)
    picture[:] = style.ground.colour
    for k, name in enumerate(names):
        piece = sign_piece(name, PUZZLE.sign(name, style, False), CELL, CELL)
        blend(picture, piece, (k + 0.5) * CELL, CELL / 2)
    return picture


def circle(
    picture: Frame,
    k: int,
    colour: Colour,
    radius: float,
    thick: float,
    off: tuple[float, float],
    to: int = 360,
) -> None:
    """Draw a ring (or a part of it) at a large scale, then over the cell."""
    big = cv2.resize(np.ascontiguousarray(picture[:, k * CELL : (k + 1) * CELL]), None, fx=8, fy=8)
    middle = int((0.5 + off[0]) * CELL * 8), int((0.5 + off[1]) * CELL * 8)
    axes = int(radius * CELL * 8), int(radius * CELL * 8)
    cv2.ellipse(big, middle, axes, 0, 0, to, colour, max(int(thick * CELL * 8), 1))
    picture[:, k * CELL : (k + 1) * CELL] = cv2.resize(big, (CELL, CELL), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("name", PUZZLE.styles())
def test_rings_by_another_hand_are_found_and_what_is_in_them_is_told(name: str) -> None:
    style, rng = CELL_STYLES[name], seeds.stream("rings", name)
    names = [THINGS[i] for i in rng.permutation(len(THINGS))[:12]]
    picture = row(names, style)
    for k in range(0, 12, 2):
        off = rng.uniform(-0.04, 0.04, 2)
        circle(picture, k, style.written, rng.uniform(0.37, 0.43), rng.uniform(0.05, 0.1), (off[0], off[1]))
    picture = list(video.read(video.encode([picture] * 3, 16.0, crf=30)))[-1]
    seen = told(picture, style)
    wanted = [RINGED + name if k % 2 == 0 else name for k, name in enumerate(names)]
    assert all(a == b or isinstance(a, int) for a, b in zip(seen, wanted, strict=True)), seen
    assert sum(a == b for a, b in zip(seen, wanted, strict=True)) >= 11, (seen, wanted)


@pytest.mark.parametrize("name", ["print", "night"])
def test_a_part_or_a_shade_of_a_ring_and_a_blot_are_no_ring(name: str) -> None:
    style = CELL_STYLES[name]
    thing = "red disc"
    picture = row([thing] * 4, style)
    circle(picture, 0, style.written, 0.41, 0.07, (0, 0), to=250)
    ghost = sign_piece("", PUZZLE.sign(RINGED + thing, style, False), CELL, CELL)
    blend(picture, replace(ghost, alpha=ghost.alpha * np.float32(0.35)), 1.5 * CELL, CELL / 2)
    cv2.circle(picture, (int(2.5 * CELL), CELL // 2), int(0.44 * CELL), style.written, -1)
    seen = told(picture, style)
    assert seen[:3] == [BETWEEN] * 3 and seen[3] == thing


@pytest.mark.parametrize("name", ["print", "chalk"])
def test_things_of_another_look_in_a_ring_are_told(name: str) -> None:
    style = CELL_STYLES[name]
    names = [RINGED + thing for thing in THINGS]
    assert told(row(names, style), style) == names
