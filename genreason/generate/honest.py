"""Honest variants of a solution's movement: clips that a judge must pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from genreason.generate.recipes import Recipes
from genreason.generate.workshop import Workshop
from genreason.render.board import Piece
from genreason.render.motion import Script
from genreason.types import Clip, Frame

RECIPES: Recipes[Workshop] = Recipes()


@RECIPES.control()
def other_solution(w: Workshop) -> Clip | None:
    """Another legal way: some random legal moves first, then solved from there."""
    return _astray(w, 0, int(w.rng.integers(2, 6)))


@RECIPES.control()
def detour(w: Workshop) -> Clip | None:
    """Half way, a few steps astray, then on to the goal from there."""
    return _astray(w, len(w.moves) // 2, 3)


def _astray(w: Workshop, after: int, steps: int) -> Clip | None:
    """The solution with some random legal moves after so many of its own, solved from where they lead."""
    moves = list(w.moves[:after])
    state = w.states[after]
    for _ in range(steps):
        options = list(w.puzzle.moves(state))
        moves.append(options[int(w.rng.integers(len(options)))])
        state = w.puzzle.step(state, moves[-1])
    rest = w.puzzle.solve(state)
    return None if rest is None else w.clip(w.animate(w.way(w.start, [*moves, *rest.moves])))


@RECIPES.control()
def slow(w: Workshop) -> Clip:
    """Half the speed."""
    return w.clip(w.animate(w.stops, frames_per_step=2 * w.motion.frames_per_step))


@RECIPES.control()
def linear(w: Workshop) -> Clip:
    """Constant speed, no pause at either end: the piece arrives on the last frame."""
    return w.clip(w.animate(w.stops, ease="linear", hold_start=1, hold_end=0, length="any"))


@RECIPES.control()
def pause(w: Workshop) -> Clip:
    """A rest of half a second on the way."""
    places, t = w.truth.places_TN2, int(w.rng.integers(1, len(w.truth)))
    return w.clip(Script(np.concatenate([places[:t], np.repeat(places[t : t + 1], 12, axis=0), places[t:]])))


@RECIPES.control()
def jitter(w: Workshop) -> Clip:
    """Moving pieces tremble by up to 2 pixels (of 256)."""
    reach = 2 * w.instance.size[0] / 256 / np.array([w.board.lattice.cell_w, w.board.lattice.cell_h])
    places = w.truth.places_TN2.copy()
    moving = np.abs(np.diff(places, axis=0, prepend=places[:1])).max(axis=2, keepdims=True) > 0
    places += (w.rng.uniform(-1, 1, places.shape) * np.minimum(reach, 0.24) * moving).astype(np.float32)
    return w.clip(Script(places))


@RECIPES.control()
def rounded(w: Workshop) -> Clip:
    """Corners are rounded: every place is the mean over one step's time."""
    width = w.motion.frames_per_step
    linear = w.animate(w.stops, ease="linear").places_TN2
    padded = np.concatenate([np.repeat(linear[:1], width, 0), linear, np.repeat(linear[-1:], width, 0)])
    kernel = np.ones(width) / width
    smooth = np.apply_along_axis(lambda line: np.convolve(line, kernel, "same"), 0, padded)[width:-width]
    return w.clip(Script(smooth.astype(np.float32)))


@RECIPES.control()
def blink(w: Workshop) -> Clip:
    """A piece is missing in a single frame."""
    length, n = w.truth.places_TN2.shape[:2]
    opacity = np.ones((length, n), np.float32)
    opacity[int(w.rng.integers(1, length - 1)), int(w.rng.integers(n))] = 0
    return w.clip(Script(w.truth.places_TN2, opacity))


@RECIPES.control()
def animated(w: Workshop) -> Clip:
    """The pieces are sprites that bob and gleam while they stand and walk."""
    pieces = tuple(_gleaming(piece, w.rng.uniform(0.03, 0.06)) for piece in w.board.pieces)
    looks = (w.board, replace(w.board, pieces=pieces))
    places, opacity = w.truth.places_TN2, w.truth.opacity_TN

    def frames() -> Iterator[Frame]:
        for t, place in enumerate(places):
            yield looks[t // 4 % 2].draw(place, None if opacity is None else opacity[t])

    return Clip(render=frames, fps=w.instance.fps)


def _gleaming(piece: Piece, rise: float) -> Piece:
    """The piece a little higher in its cell, and a little lighter."""
    x, y = piece.anchor
    return replace(piece, rgb=piece.rgb * np.float32(0.9) + 25, anchor=(x, y + rise * piece.alpha.shape[0]))
