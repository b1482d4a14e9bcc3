"""What an attack on the verifier once got past it: cheats that it must catch, honest clips that must pass."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from genreason import seeds, testing
from genreason.generate.controls import CONTROLS
from genreason.generate.workshop import Cell, Stops, Workshop
from genreason.judge.rules import RulesJudge
from genreason.perceive.follow import follow
from genreason.puzzles.sokoban import PUZZLE as SOKOBAN
from genreason.puzzles.sokoban import SokobanParams
from genreason.render.board import Board, Piece
from genreason.render.motion import Script
from genreason.task import Task
from genreason.types import Clip, Frame, Verdict

JUDGE = RulesJudge()
SCENES = ["maze dungeon", "maze classic", "maze paper", "maze sand", "sokoban classic", "sokoban bricks"]
LINED = ["maze paper", "maze blueprint", "maze sand"]


@functools.cache
def shop(scene: str, index: int = 0) -> Workshop:
    task, style = scene.split()
    return Workshop(Task(task, "small", "any", style, size=(128, 128))[index], "red team")


@functools.cache
def pushing(style: str) -> Workshop:
    """A board on which a box is pushed by two steps or more in one direction, with free cells around."""
    params = SokobanParams(size=8, boxes=1, wall_share=0.05, min_moves=6)
    for i in range(50):
        state = SOKOBAN.sample(seeds.stream("red team", i), params)
        w = Workshop(testing.instance_of(SOKOBAN, state, style=style), "red team")
        if push(w) is not None:
            return w
    raise AssertionError("no board has such a push")


def push(w: Workshop) -> tuple[int, int] | None:
    """First and last stop of the first straight push that is two steps long or longer."""
    steps = np.diff(np.stack(w.stops), axis=0)
    for k in range(len(steps) - 1):
        m = k
        while m < len(steps) and steps[m, 0].any() and (steps[m] == steps[k]).all():
            m += 1
        if m - k >= 2:
            return k, m
    return None


def judged(w: Workshop, clip: Clip) -> Verdict:
    return JUDGE.judge(w.instance, [clip])[0]


def broken(w: Workshop, clip: Clip) -> set[str]:
    verdict = judged(w, clip)
    assert verdict.status in ("pass", "fail"), verdict.reason
    return {name for name, value in verdict.checks.items() if value == 0}


def pictures(w: Workshop, draw: Callable[[], Iterator[Frame]]) -> Clip:
    return Clip(render=draw, fps=w.instance.fps)


def free_cells(w: Workshop) -> list[Cell]:
    """Floor far from where anything goes; rooms only where walls are lines."""
    near = np.concatenate(w.stops)
    cells = [c for c in w.floor_cells() if np.abs(near - np.array(c)).max(axis=1).min() > 1]
    return [c for c in cells if not w.lined or (c[0] % 2 and c[1] % 2)]


def with_plate(w: Workshop, plate: Frame) -> Board:
    return replace(w.board, plate=plate)


@pytest.mark.parametrize("scene", SCENES)
def test_the_honest_twin_of_all_these_cheats_passes(scene: str) -> None:
    w = shop(scene)
    verdict = judged(w, changed_half_way(w, lambda piece: piece))
    assert verdict.status == "pass", verdict.reason


# -- another scene from the start ----------------------------------------------------------------------------
def carved(w: Workshop) -> Frame | None:
    walls, floor = w.wall_cells(), w.floor_cells()
    return w.pasted(w.board.plate, floor[0], walls[len(walls) // 2]) if walls else None


def goal_moved(w: Workshop) -> Frame | None:
    half, free, goal = (0.95 if w.lined else 0.5), free_cells(w), w.goal_cells()[0]
    if len(free) < 2:
        return None
    bare = w.pasted(w.board.plate, free[0], goal, half)
    return w.pasted(bare, goal, free[-1], half)


def second_goal(w: Workshop) -> Frame | None:
    free = free_cells(w)
    return w.pasted(w.board.plate, w.goal_cells()[0], free[-1], 0.95 if w.lined else 0.5) if free else None


ALTERED = {"carved": carved, "goal moved": goal_moved, "second goal": second_goal}


def with_occasion(scene: str, alter: Callable[[Workshop], Frame | None]) -> tuple[Workshop, Frame]:
    for i in range(12):
        plate = alter(shop(scene, i))
        if plate is not None:
            return shop(scene, i), plate
    raise AssertionError(f"no {scene} offers an occasion")


@pytest.mark.parametrize("what", ALTERED)
@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_that_is_altered_from_the_start_is_another_first_frame(scene: str, what: str) -> None:
    w, plate = with_occasion(scene, ALTERED[what])
    verdict = judged(w, w.clip(w.truth, with_plate(w, plate)))
    assert verdict.status == "fail" and verdict.violations[0].check == "scene.first_frame"


# -- pushes from afar ----------------------------------------------------------------------------------------
def afar(w: Workshop, gap: float) -> Stops:
    """The solution with the box led `gap` cells ahead of the one that pushes it."""
    found = push(w)
    assert found is not None
    k, m = found
    way = w.stops[k + 1][-1] - w.stops[k][-1]
    ahead = [stop.copy() for stop in w.stops[k:m]]
    for stop in ahead:
        stop[0] += gap * way
    late = w.stops[m].copy()
    late[-1] -= gap * way
    return [*w.stops[: k + 1], *ahead, late, *w.stops[m:]]


@pytest.mark.parametrize("gap", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("style", ["classic", "garden"])
def test_a_box_that_moves_without_contact_is_illegal(style: str, gap: float) -> None:
    w = pushing(style)
    assert "rules.legal" in broken(w, w.clip(w.animate(afar(w, gap), frames_per_step=6, ease="linear")))


@pytest.mark.parametrize("style", ["classic", "garden"])
def test_a_box_that_leads_by_a_little_passes(style: str) -> None:
    w = pushing(style)
    places = w.animate(afar(w, 0.15), frames_per_step=6, ease="linear")
    assert judged(w, w.clip(places)).status == "pass"


@pytest.mark.parametrize("style", ["classic", "garden", "photo"])
@pytest.mark.parametrize("per_step", [1, 2])
def test_an_honest_push_at_a_cell_a_frame_passes(style: str, per_step: int) -> None:
    for w in (pushing(style), shop(f"sokoban {style}")):
        clip = w.clip(w.animate(w.stops, frames_per_step=per_step, ease="linear"))
        assert judged(w, clip).status == "pass", judged(w, clip).reason


# -- flicker -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scene", SCENES)
def test_a_clone_in_two_of_three_frames_is_one_too_many(scene: str) -> None:
    w = next(shop(scene, i) for i in range(12) if free_cells(shop(scene, i)))
    length, n = w.truth.places_TN2.shape[:2]
    copy = np.broadcast_to(np.array(free_cells(w)[0], np.float32), (length, 1, 2))
    opacity = np.ones((length, n + 1), np.float32)
    opacity[:, 0] = np.arange(length) % 3 > 0
    places = np.concatenate([copy, w.truth.places_TN2], axis=1)
    script = Script(places, opacity, cast=(n - 1, *range(n)))
    assert "objects.unique" in broken(w, w.clip(script))


@pytest.mark.parametrize("scene", SCENES)
def test_a_wall_that_is_gone_in_two_of_three_frames_is_missed(scene: str) -> None:
    w, plate = with_occasion(scene, carved)
    other = with_plate(w, plate)

    def frames() -> Iterator[Frame]:
        both = zip(w.truth.frames(w.board), w.truth.frames(other), strict=True)
        return (b if t % 3 else a for t, (a, b) in enumerate(both))

    assert "scene.kept" in broken(w, pictures(w, frames))


# -- pieces that turn into others ----------------------------------------------------------------------------
def recoloured(piece: Piece, rgb: npt.NDArray[np.float32]) -> Piece:
    return Piece(piece.name, np.clip(rgb, 0, 255).astype(np.float32), piece.alpha, piece.anchor)


def dimmed(piece: Piece) -> Piece:
    return recoloured(piece, piece.rgb * np.float32(0.5))


def another_colour(piece: Piece) -> Piece:
    return recoloured(piece, np.roll(piece.rgb, 1, axis=-1))


def enlarged(piece: Piece, scale: float = 1.7) -> Piece:
    rgba = np.dstack([piece.rgb * piece.alpha[..., None], piece.alpha])
    large = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    alpha = np.ascontiguousarray(large[..., 3], np.float32)
    rgb = np.asarray(large[..., :3] / np.maximum(alpha[..., None], 1e-3), np.float32)
    h, w = piece.alpha.shape
    anchor = (piece.anchor[0] * alpha.shape[1] / w, piece.anchor[1] * alpha.shape[0] / h)
    return Piece(piece.name, rgb, alpha, anchor)


def changed_half_way(w: Workshop, change: Callable[[Piece], Piece]) -> Clip:
    """The truth with the agent drawn in another way in its second half."""
    other = replace(w.board, pieces=(*w.board.pieces[:-1], change(w.board.pieces[-1])))
    half, places = len(w.truth) // 2, w.truth.places_TN2

    def frames() -> Iterator[Frame]:
        yield from Script(places[:half]).frames(w.board)
        yield from Script(places[half:]).frames(other)

    return pictures(w, frames)


@pytest.mark.parametrize("change", [dimmed, another_colour, enlarged])
@pytest.mark.parametrize("scene", SCENES)
def test_an_agent_that_looks_otherwise_from_half_way_on_is_caught(
    scene: str, change: Callable[[Piece], Piece]
) -> None:
    w = shop(scene)
    assert broken(w, changed_half_way(w, change)) & {"objects.present", "scene.kept"}


# -- where walls are lines -----------------------------------------------------------------------------------
def ending_short(w: Workshop, rooms: float) -> Clip:
    """A clip that ends so far (rooms) from the goal's centre on the way to it, without a rest."""
    places = w.animate(w.stops, frames_per_step=10, ease="linear", hold_end=0, length="any").places_TN2
    far = np.abs(places[:, -1] - w.stops[-1][-1]).max(axis=1) / w.board.unit
    return w.clip(Script(places[: np.flatnonzero(far >= rooms - 1e-3)[-1] + 1]))


@pytest.mark.parametrize("scene", [*LINED, "maze classic"])
def test_the_goal_is_reached_within_half_a_room(scene: str) -> None:
    w = shop(scene)
    assert w.lined == (w.board.unit == 2)
    verdict = judged(w, ending_short(w, 0.3))
    assert verdict.status == "pass", verdict.reason
    assert broken(w, ending_short(w, 0.6)) == {"rules.goal"}


# -- the camera ----------------------------------------------------------------------------------------------
def zoomed(w: Workshop, most: float) -> Clip:
    """The truth, with the camera going in slowly."""
    last, (width, height) = len(w.truth) - 1, w.instance.size

    def frames() -> Iterator[Frame]:
        for t, frame in enumerate(w.truth.frames(w.board)):
            zoom = 1 + (most - 1) * t / last
            fit = np.array(
                [[zoom, 0, (1 - zoom) * (width - 1) / 2], [0, zoom, (1 - zoom) * (height - 1) / 2]]
            )
            moved = cv2.warpAffine(frame, fit, (width, height), borderMode=cv2.BORDER_REPLICATE)
            yield np.asarray(moved, np.uint8)

    return pictures(w, frames)


@pytest.mark.parametrize("scene", SCENES)
def test_a_slow_zoom_is_a_camera_that_moves(scene: str) -> None:
    w = shop(scene)
    assert "camera.still" in broken(w, zoomed(w, 1.06))


def turned(w: Workshop, degrees: Callable[[float], float]) -> Clip:
    """The truth, with the camera turned by so many degrees at each share of its time."""
    last, (width, height) = len(w.truth) - 1, w.instance.size
    middle = (width - 1) / 2, (height - 1) / 2

    def frames() -> Iterator[Frame]:
        for t, frame in enumerate(w.truth.frames(w.board)):
            fit = cv2.getRotationMatrix2D(middle, degrees(t / last), 1)
            moved = cv2.warpAffine(frame, fit, (width, height), borderMode=cv2.BORDER_REPLICATE)
            yield np.asarray(moved, np.uint8)

    return pictures(w, frames)


@pytest.mark.parametrize("scene", SCENES)
def test_a_camera_that_turns_moves_and_one_that_sways_a_little_does_not(scene: str) -> None:
    w = shop(scene)
    assert "camera.still" in broken(w, turned(w, lambda share: 4 * share))
    assert "camera.still" in broken(w, turned(w, lambda share: -9 * max(share - 0.4, 0)))
    assert judged(w, turned(w, lambda share: 0.5 * np.sin(9 * share))).status == "pass"


# -- pieces that look alike ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["jitter", "recode35", "shake"])
def test_identical_neighbours_keep_their_identity(name: str) -> None:
    params = SokobanParams(size=8, boxes=3, wall_share=0.05, min_moves=8)
    state = SOKOBAN.sample(seeds.stream("test_controls", 1), params)
    instance = testing.instance_of(SOKOBAN, state, style="garden", motion={"frames_per_step": 2})
    w = Workshop(instance, name)
    assert min(np.abs(s[0] - s[1]).max() for s in w.stops) <= 1  # boxes do come to stand side by side
    clip = CONTROLS[name].make(w)
    assert clip is not None and clip.render is not None
    track = follow(w.board, w.stops[0], w.puzzle.picture(instance), clip.render(), instance.fps)
    assert np.abs(track.places_TN2 - w.truth.places_TN2).max() < 0.4
    assert judged(w, clip).status == "pass"


# -- threads -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [(1, 128), (128, 1), (1, 1), (15, 128), (128, 15)])
@pytest.mark.parametrize("scene", ["maze paper", "sokoban classic"])
def test_a_clip_as_thin_as_a_thread_is_unscored_with_the_reason(scene: str, size: tuple[int, int]) -> None:
    w = shop(scene)
    width, height = size

    def frames() -> Iterator[Frame]:
        return (np.ascontiguousarray(frame[:height, :width]) for frame in w.truth.frames(w.board))

    verdict = judged(w, pictures(w, frames))
    assert (verdict.status, verdict.score) == ("unscored", None)
    assert f"{width} x {height} pixels" in verdict.reason
