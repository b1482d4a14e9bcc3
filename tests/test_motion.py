"""Clips have the length that was asked for, and pieces go from state to state on the straight way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreason.render.board import Board, Piece
from genreason.render.lattice import Lattice
from genreason.render.marks import paint
from genreason.render.motion import Motion, Script, animate, interpolate
from genreason.render.styles import STYLES
from genreason.types import Frame

Stops = list[npt.NDArray[np.float32]]


@st.composite
def walks(draw: st.DrawFn) -> Stops:
    """Places of one or two pieces that go one cell at a time; at each step at least one of them moves."""
    pieces = draw(st.integers(1, 2))
    ways = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    stops = [np.array([[5, 5], [9, 9]][:pieces], np.float32)]
    for way in draw(st.lists(st.sampled_from(ways), max_size=12)):
        moves = np.zeros((pieces, 2), np.float32)
        moves[-1] = way
        if pieces == 2 and draw(st.booleans()):
            moves[0] = way
        stops.append(stops[-1] + moves)
    return stops


motions = st.builds(
    Motion,
    frames_per_step=st.integers(1, 6),
    ease=st.sampled_from(["smooth", "linear"]),
    hold_start=st.integers(0, 6),
    hold_end=st.integers(0, 9),
    length=st.sampled_from(["4k+1", "any"]),
)
exact = st.builds(
    Motion,
    ease=st.sampled_from(["smooth", "linear"]),
    hold_start=st.integers(0, 6),
    hold_end=st.integers(0, 9),
    length=st.integers(1, 90),
)


def on_segments(places_TN2: npt.NDArray[np.float32], stops: Stops) -> npt.NDArray[np.float64]:
    """How many steps of the walk are done in each frame; fails where a frame lies on no step."""
    keys = np.stack(stops).astype(np.float64)
    done, at = [], 0.0
    for places in places_TN2.astype(np.float64):
        found = None
        for k in range(min(int(max(at - 1e-4, 0)), max(len(keys) - 2, 0)), max(len(keys) - 1, 1)):
            a, b = keys[k], keys[min(k + 1, len(keys) - 1)]
            way = (b - a).ravel()
            share = float(np.dot((places - a).ravel(), way) / max(np.dot(way, way), 1e-12))
            near = np.abs(a + min(max(share, 0.0), 1.0) * (b - a) - places).max() < 1e-4
            if near and -1e-4 <= share <= 1 + 1e-4 and k + share >= at - 1e-4:
                found = k + share
                break
        assert found is not None, f"{places} lies on no step after {at}"
        at = max(found, at)
        done.append(at)
    return np.array(done)


@given(walks(), motions)
def test_lengths_and_holds(stops: Stops, motion: Motion) -> None:
    script = animate(stops, motion)
    least = max(motion.hold_start, 1) + (len(stops) - 1) * motion.frames_per_step + motion.hold_end
    if motion.length == "any":
        assert len(script) == least
    else:
        assert len(script) % 4 == 1 and least <= len(script) < least + 4
    places = script.places_TN2
    assert (places[: max(motion.hold_start, 1)] == stops[0]).all()
    assert (places[len(places) - motion.hold_end - 1 :] == stops[-1]).all()


@given(walks(), exact)
def test_exact_lengths_begin_and_end_on_states(stops: Stops, motion: Motion) -> None:
    script = animate(stops, motion)
    assert len(script) == motion.length
    assert (script.places_TN2[0] == stops[0]).all()
    if len(script) > 1:
        assert (script.places_TN2[-1] == stops[-1]).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 11, 12])
def test_fewer_frames_than_steps_still_arrive(frames: int) -> None:
    stops = [np.array([[k, 0]], np.float32) for k in range(12)]
    places = animate(stops, Motion(length=frames)).places_TN2[:, 0]
    assert len(places) == frames and (np.diff(places[:, 0]) > 0).all()
    assert frames == 1 or places[-1, 0] == 11


@given(walks(), st.one_of(motions, exact))
def test_movement_never_leaves_the_way_and_never_goes_back(stops: Stops, motion: Motion) -> None:
    done = on_segments(animate(stops, motion).places_TN2, stops)
    assert (np.diff(done) >= -1e-4).all()


@given(walks(), motions)
def test_every_state_is_shown_as_it_is(stops: Stops, motion: Motion) -> None:
    places = animate(stops, motion).places_TN2
    for k, stop in enumerate(stops):
        frame = max(motion.hold_start, 1) - 1 + k * motion.frames_per_step
        assert np.abs(places[frame] - stop).max() < 1e-5


def test_linear_is_even_and_smooth_swings_at_turns_without_stopping() -> None:
    stops = [np.array([p], np.float32) for p in ((0, 0), (1, 0), (2, 0), (3, 0), (3, 1))]
    position = np.linspace(0, 4, 41)
    even = np.abs(np.diff(interpolate(np.stack(stops), position, "linear")[:, 0], axis=0)).sum(axis=1)
    assert even == pytest.approx(np.full(40, 0.1), abs=1e-4)
    pace = np.abs(np.diff(interpolate(np.stack(stops), position, "smooth")[:, 0], axis=0)).sum(axis=1)
    assert pace[10:20] == pytest.approx(np.full(10, 0.1), abs=1e-4)  # straight on: even
    assert pace[0] < 0.08 and pace[-1] < 0.08 and pace[29] < 0.08 and pace[30] < 0.08
    assert pace.min() > 0.03
    assert pace[:10] == pytest.approx(pace[9::-1], abs=1e-4)  # as slow at its end as at its beginning


def test_an_unknown_state_in_between_is_never_invented_for_a_puzzle_without_steps() -> None:
    still = animate([np.array([[2, 3]], np.float32)], Motion(hold_start=2, hold_end=3))
    assert len(still) == 5 and (still.places_TN2 == [[2, 3]]).all()
    assert len(animate([np.array([[2, 3]], np.float32)], Motion(length=17))) == 17


# -- drawing -------------------------------------------------------------------------------------------------
def small_board() -> Board:
    look = STYLES["classic"]
    pieces = tuple(
        Piece(name, *paint(mark, 7.0)) for name, mark in (("box", look.box), ("agent", look.agent))
    )
    plate = np.full((60, 80, 3), 240, np.uint8)
    return Board(plate, pieces, Lattice(cols=8, rows=6, x0=0, y0=0, cell_w=10, cell_h=10))


def test_frames_are_the_board_drawn_at_each_place() -> None:
    board = small_board()
    places = np.array([[[1, 1], [2, 2]]] * 2 + [[[1, 1], [2.5, 2]]], np.float32)
    opacity = np.array([[1, 1], [1, 0.5], [0, 1]], np.float32)
    drawn = list(Script(places, opacity).frames(board))
    for t in range(3):
        assert np.array_equal(drawn[t], board.draw(places[t], opacity[t]))


def test_a_cast_shows_a_piece_twice_and_an_edit_touches_every_frame() -> None:
    board = small_board()
    places = np.array([[[4, 4], [1, 1], [2, 2]]] * 3, np.float32)

    def mark(t: int, frame: Frame) -> Frame:
        out = frame.copy()
        out[0, 0] = t
        return out

    frames = list(Script(places, edit=mark, cast=(1, 0, 1)).frames(board))
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 1, 2]
    assert np.array_equal(frames[0][40:50, 40:50], frames[0][20:30, 20:30])


def test_a_clip_draws_itself_anew_each_time() -> None:
    board = small_board()
    clip = animate([np.array([[1, 1], [k, 2]], np.float32) for k in range(3)], Motion()).clip(
        board, 12.0, seed=3
    )
    assert clip.render is not None and clip.fps == 12.0 and clip.meta == {"seed": 3}
    first, again = list(clip.render()), list(clip.render())
    assert len(first) % 4 == 1
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
