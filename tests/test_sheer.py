"""Pieces of a foreign picture that the ground shines through, and what they look like over a goal."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skin_fixture import disc, flat, rough, save

from genreason.formats import dataset
from genreason.generate.oracle import solution_clip
from genreason.judge.rules import RulesJudge
from genreason.puzzles import base
from genreason.render.board import Piece
from genreason.task import Task
from genreason.types import Clip, Frame, Instance, Verdict
from genreason.video import encode, frames, read

FLOORS = {"plain": flat((230, 225, 215)), "textured": rough((96, 96), (120, 130, 150), 40, 5)}
GREEN, RED, BLUE = (30, 170, 60), (220, 40, 40), (40, 60, 230)


@functools.cache
def level(folder: Path, floor: str, opacity: float) -> tuple[Instance, list[Frame]]:
    """A trap field of which only picture and state are known, and its solution."""
    skin = folder / f"{floor}{opacity}"
    textures = {
        "floor": FLOORS[floor], "trap": flat((90, 20, 20)), "goal": flat(GREEN),
        "player": disc(RED, 0.4, opacity),
    }  # fmt: skip
    for name, texture in textures.items():
        save(skin / f"{name}.png", texture)
    words = {name: name for name in textures}
    record = {"game_type": "trapfield", "skin_id": skin.name, "visual_description": words}
    (skin / "description.json").write_text(json.dumps(record))
    ours = Task("trapfield", "easy", split="any", style=f"skins:{skin}", size=(240, 240))[3]
    seen = list(read(encode(frames(solution_clip(ours)), ours.fps)))
    dataset.write_png(skin / "first_frame.png", seen[0])
    scene = {**ours.scene, "foreign": True}
    foreign = dataclasses.replace(
        ours, key=f"{skin}", style="vrbench:x", skin=None, scene=scene, first_frame=skin / "first_frame.png"
    )
    return foreign, seen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sheer")


def judged(instance: Instance, seen: list[Frame]) -> Verdict:
    data = encode(iter(seen), instance.fps)
    return RulesJudge().judge(instance, [Clip(render=lambda: read(data), fps=instance.fps)])[0]


def agent(instance: Instance) -> Piece:
    (piece,) = base.load("trapfield").board(instance).pieces
    return piece


@pytest.mark.parametrize("opacity", [1.0, 0.7, 0.5, 0.35])
@pytest.mark.parametrize("floor", FLOORS)
def test_a_piece_over_the_goal_may_be_mixed_with_it(folder: Path, floor: str, opacity: float) -> None:
    assert judged(*level(folder, floor, opacity)).status == "pass"


def test_how_opaque_a_piece_is_shows_on_a_textured_floor(folder: Path) -> None:
    for opacity in (1.0, 0.5):
        piece = agent(level(folder, "textured", opacity)[0])
        assert piece.alpha.max() == pytest.approx(opacity, abs=0.08) and piece.sheer is None
    for opacity in (1.0, 0.5):  # and not on a plain one: either may be
        piece = agent(level(folder, "plain", opacity)[0])
        assert piece.alpha.max() == 1 and piece.sheer is not None
        assert np.median(piece.sheer.alpha[piece.alpha == 1]) < opacity


def recoloured(instance: Instance, seen: list[Frame], first: int) -> list[Frame]:
    """The disc is blue from a frame on."""
    out = []
    for t, frame in enumerate(seen):
        pixels = frame.astype(int)
        is_red = (pixels[..., 0] - pixels[..., 1:].max(axis=-1) > 25) & (pixels[..., 0] > 130)
        new = frame.copy()
        if t >= first:
            new[is_red] = BLUE
        out.append(new)
    return out


@pytest.mark.parametrize("floor", FLOORS)
def test_another_colour_is_not_taken_for_the_goals(folder: Path, floor: str) -> None:
    instance, seen = level(folder, floor, 1.0)
    assert judged(instance, seen).status == "pass"
    for first in (len(seen) // 2, len(seen) - 8):  # on the floor, and over the goal
        verdict = judged(instance, recoloured(instance, seen, first))
        assert verdict.status == "fail" and verdict.checks["objects.present"] == 0, first


def test_an_agent_that_fades_away_on_the_floor_is_gone(folder: Path) -> None:
    instance, seen = level(folder, "plain", 1.0)
    puzzle = base.load("trapfield")
    empty = puzzle.board(instance).plate
    middle = len(seen) // 2
    faded = [
        frame if t < middle else np.asarray(cv2.addWeighted(frame, 0.25, empty, 0.75, 0), np.uint8)
        for t, frame in enumerate(seen)
    ]
    assert judged(instance, faded).status == "fail"
