"""Copies of camouflaged pieces: they are found by their pixels where block means do not show them."""

import json

import cv2
import numpy as np
import pytest
from skin_fixture import disc, rough, save

from genreason import video
from genreason.generate.controls import CONTROLS
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.perceive.blocks import Blocks
from genreason.perceive.copies import Copies
from genreason.perceive.pieces import Pieces
from genreason.render.board import Board, Piece
from genreason.render.lattice import Lattice
from genreason.task import Task

SIDE, CELL = 240, 40
NO_TINT = np.zeros(3, np.float32)


def board(strength):
    """A rough gray ground with a sprite of gray spots; `strength` is how far these differ from the ground."""
    rng = np.random.default_rng(3)
    ground = rng.normal(120, 6, (SIDE, SIDE, 1)).repeat(3, axis=2).clip(0, 255).astype(np.uint8)
    spots = np.kron(np.where(rng.random((8, 8)) < 0.5, -1.0, 1.0), np.ones((4, 4)))
    rgb = (120 + strength * spots)[..., None].repeat(3, axis=2).astype(np.float32)
    lattice = Lattice(cols=6, rows=6, x0=0, y0=0, cell_w=CELL, cell_h=CELL)
    return Board(ground, (Piece("agent", rgb, np.ones((32, 32), np.float32)),), lattice)


def hunter(b):
    places = np.array([[1, 1]], np.float32)
    return Copies(b, Pieces(b, places), Blocks(b))


def frame(b, *places):
    out = b.draw([[1, 1]])
    for place in places:
        b.draw([place], out=out)
    noise = np.random.default_rng(0).normal(0, 3, out.shape)
    return (out + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("place", [(4, 4), (0, 5), (2.6, 3.3)])
def test_a_camouflaged_copy_is_found_once_it_stays(place):
    b = board(30)
    copies = hunter(b)
    seen = frame(b, place)
    assert copies and copies.look(seen, NO_TINT) == []  # a single look proves nothing
    ((name, x, y),) = copies.look(seen, NO_TINT)
    assert name == "agent"
    np.testing.assert_allclose(b.lattice.cells((x, y)), place, atol=0.05)


def test_the_piece_itself_is_no_copy():
    b = board(30)
    copies = hunter(b)
    for _ in range(3):
        assert copies.look(frame(b), NO_TINT) == []


def test_pieces_that_blocks_show_are_not_hunted_for():
    b = board(30)
    plain = Piece("agent", np.full((32, 32, 3), 250, np.float32), np.ones((32, 32), np.float32))
    assert not hunter(Board(b.plate, (plain,), b.lattice))


def test_pieces_are_hunted_for_that_hide_in_some_places_only():
    b = board(30)
    light = b.plate.copy()
    light[:100, :100] = 240  # where it stands, it is plain to see
    there = Board(light, b.pieces, b.lattice)
    copies = hunter(there)
    assert copies
    for _ in range(2):
        found = copies.look(frame(there, (3.2, 4.1)), NO_TINT)
    np.testing.assert_allclose([b.lattice.cells(spot[1:]) for spot in found], [(3.2, 4.1)], atol=0.05)
    assert not hunter(Board(np.full_like(light, 240), b.pieces, b.lattice))  # there it hides nowhere


def test_changed_ground_is_no_copy_though_it_has_the_colours_of_one():
    b = board(30)
    y, x = np.mgrid[:32, :32] - 15.5
    ball = Piece("agent", np.full((32, 32, 3), 200, np.float32), np.float32(np.hypot(x, y) < 13))
    b = Board(np.full_like(b.plate, 20), (ball,), b.lattice)
    pieces, blocks = Pieces(b, np.array([[1, 1]], np.float32)), Blocks(b)

    def named(seen):
        gap = blocks.compare(blocks.means(seen), blocks.covered(pieces.spots()))
        (blob,) = gap.blobs()
        return pieces.resembles(seen, blob, 0.5 * CELL, gap.tint)

    copied, carved = b.draw([[1, 1]]), b.draw([[1, 1]])
    b.draw([[4, 3]], out=copied)
    cx, cy = (int(v) for v in b.lattice.pixels((4, 3)))
    for half in (15, 18):
        carved[cy - half : cy + half, cx - half : cx + half] = 200
        assert named(cv2.GaussianBlur(carved, (0, 0), 0.8)) == ""
    assert named(cv2.GaussianBlur(copied, (0, 0), 0.8)) == "agent"


def ice(folder):
    """Light and dark ice, and a ball in the colours of the dark one."""
    road = cv2.add(rough((512, 512), (180, 190, 200), 70, 64, 1), rough((512, 512), (0, 0, 0), 30, 3, 2))
    save(folder / "road.png", road)
    save(folder / "start.png", disc((140, 150, 160), 0.48))
    save(folder / "end.png", disc((30, 60, 110), 0.48))
    words = {"start": "snow ball", "end": "blue hole", "road": "ice"}
    record = {"game_type": "pathfinder", "skin_id": "ice", "visual_description": words}
    (folder / "description.json").write_text(json.dumps(record))
    return folder


def test_a_clone_on_ground_of_its_colours_fails_and_the_truth_passes(tmp_path):
    style = f"skins:{ice(tmp_path / 'ice')}"
    instance = Task("irregular_maze", "easy", split="any", style=style, size=(384, 384))[0]

    def judged(clip):
        return RulesJudge().judge(instance, [video.sent(video.frames(clip), instance.fps)])[0]

    workshop = Workshop(instance, "")
    assert judged(workshop.clip(workshop.truth)).status == "pass"
    for seed in (2, 3):
        verdict = judged(CONTROLS["late_clone"].make(Workshop(instance, "late_clone", seed)))
        assert verdict.status == "fail" and verdict.checks["objects.unique"] == 0, seed
