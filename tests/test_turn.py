"""Turn: the angle and the direction that are asked for pass; others, fades and turns of other things fail."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from genreason import cards, seeds, video
from genreason import judge as judges
from genreason.cards import JudgeCard
from genreason.perceive.cells import CellReader
from genreason.puzzles.boards import Stage
from genreason.puzzles.scenes import SceneState
from genreason.puzzles.turn import DRAWN, PUZZLE
from genreason.render.board import blend
from genreason.render.cells import CELL_STYLES, sign_piece
from genreason.render.motion import Motion
from genreason.task import Task
from genreason.types import Frame, Instance, UserError, Verdict

MOTION = Motion(frames_per_step=8, hold_start=4, hold_end=8, ease="linear", length="any")
CELLS = ("red arrow at 0", "", "blue flag at 90", "", "", "", "", "green arrow at 45", "")
ASKED = tuple(f"red arrow at {angle}" for angle in (0, 45, 90))
STATE = SceneState(CELLS, CELLS, 3, (ASKED,))


def instance() -> Instance:
    base = Task("turn", "easy", split="any", style="print", seed=1)[0]
    state, goal = PUZZLE.encode(STATE)
    return replace(base, state=state, goal=goal)


def turned(angles: list[int]) -> list[Frame]:
    """Frames in which the arrow turns through these angles."""
    stages, cells = [], CELLS
    for angle in angles:
        cells = (f"red arrow at {angle}", *cells[1:])
        stages.append(Stage(cells))
    script = PUZZLE.film(instance(), stages, MOTION)
    return list(script.frames(PUZZLE.board(instance())))


def judged(frames: list[Frame]) -> Verdict:
    card = cards.load(JudgeCard, "rules")
    judge = judges.load(card, cards.with_options(card, {}))
    return judge.judge(instance(), [video.sent(frames, 24.0)], seed=0)[0]


def test_the_angle_that_is_asked_for_passes() -> None:
    verdict = judged(turned([45, 90]))
    assert verdict.status == "pass", verdict.reason


@pytest.mark.parametrize("angles, check", [
    ([45], "rules.goal"),
    ([45, 90, 135], "rules.goal"),
    ([45, 90, 135, 90], "rules.legal"),
    ([315, 0, 45, 90], "rules.legal"),
    ([315, 270, 225, 180, 135, 90], "rules.legal"),
])  # fmt: skip
def test_other_angles_and_directions_fail(angles: list[int], check: str) -> None:
    verdict = judged(turned(angles))
    assert verdict.status == "fail"
    assert verdict.checks[check] == 0, verdict.reason


def test_what_fades_into_the_answer_fails() -> None:
    frames = turned([45, 90])
    first, last = frames[0].astype(np.float32), frames[-1].astype(np.float32)
    faded = [np.rint(first + (last - first) * s).astype(np.uint8) for s in np.linspace(0, 1, 24)]
    verdict = judged([*[frames[0]] * 4, *faded, *[frames[-1]] * 8])
    assert verdict.checks["rules.legal"] == 0, verdict.reason


def test_another_thing_that_turns_too_fails() -> None:
    frames, board = turned([45, 90]), PUZZLE.board(instance())
    x, y = board.lattice.pixels([(1.0, 2.0)])[0]
    half = int(board.lattice.cell_w * 0.45)
    box = np.s_[int(y) - half : int(y) + half, int(x) - half : int(x) + half]
    for t, frame in enumerate(frames):
        frame[box] = np.rot90(frame[box], -1) if t > len(frames) // 2 else frame[box]
    verdict = judged(frames)
    assert verdict.status == "fail"


def test_one_thing_is_seen_in_every_frame_of_a_turn() -> None:
    found = PUZZLE.solve(STATE)
    assert found is not None
    script = PUZZLE.script(instance(), found.moves, MOTION)
    assert script.opacity_TN is not None
    assert (script.opacity_TN.sum(axis=1) == 3).all()


@pytest.mark.parametrize("shape", DRAWN)
def test_angles_in_between_look_like_no_other_direction(shape: str) -> None:
    style, side, rng = CELL_STYLES["print"], 40, seeds.stream("turn", shape)
    names = [f"blue {shape} at {angle}" for angle in range(0, 360, 45)]
    ground = np.array(style.ground.colour, np.float32)
    reader = CellReader([PUZZLE.sign(name, style, False) for name in names], (side, side), ground)
    empty = np.broadcast_to(ground, (side, side, 3)).astype(np.float32)
    for angle in np.arange(0, 360, 7.5):
        picture = np.empty((46, 46, 3), np.uint8)
        picture[:] = style.ground.colour
        piece = sign_piece("", PUZZLE.sign(f"blue {shape} at {angle:g}", style, False), 46, 46)
        x, y = 23 + rng.uniform(-1.5, 1.5, 2)
        blend(picture, piece, float(x), float(y))
        seen = cv2.resize(cv2.GaussianBlur(picture, (0, 0), 0.7), (side, side), interpolation=cv2.INTER_AREA)
        code, _ = reader.read(np.asarray(seen, np.float32), empty)
        if code >= 0:
            assert abs((45 * code - angle + 180) % 360 - 180) <= 30, (angle, names[code])
        assert code >= 0 or angle % 45


def test_requests_that_are_no_turn_are_refused() -> None:
    state, _ = PUZZLE.encode(STATE)
    for chain in (["red arrow at 0", "red arrow at 90"], ["red arrow at 45", "red arrow at 90"]):
        with pytest.raises(UserError, match="asked"):
            PUZZLE.decode(state, {"asked": [chain]})
