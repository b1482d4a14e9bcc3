"""Copies of camouflaged pieces: they are found by their pixels where block means do not show them."""

import numpy as np
import pytest

from genreason.perceive.blocks import Blocks
from genreason.perceive.copies import Copies
from genreason.perceive.pieces import Pieces
from genreason.render.board import Board, Piece
from genreason.render.lattice import Lattice

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
