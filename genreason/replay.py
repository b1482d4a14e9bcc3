"""Follow a track from state to state by legal moves.

The puzzle's own rules decide. Nothing here knows what the pieces are, only that all
move by themselves, or the last one does and moves the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from genreason.perceive.track import Track

if TYPE_CHECKING:
    from genreason.puzzles.base import PiecePuzzle, Places

Way = tuple[Any, ...]
STIRRED = 0.3  # cells from its tile at which a piece counts as under way


class Tolerances(BaseModel):
    """How exact a clip must be; the figures that people use when they look at clips.

    Attributes:
        lane: how far (cells) a centre may leave its lane: corner rounding.
        jump: steps that a piece may take from one frame to the next.
        leap: cells from frame to frame that are a teleport, where the clip's own pace is three times slower.
        step: cells that are a teleport at five times the clip's pace, or out of rest into rest.
        missing_frames: frames in a row in which a piece may be unseen.
        extra_frames: frames in a row in which something extra may be seen.
        change_area: changed part of the still scene (square cells) that counts as a change.
        change_frames: frames in a row after which it does.
        camera: movement of the camera, in shares of the picture's width or height.
        start: share of the first frame that may differ from the given one.
        start_area: largest changed region (square cells) of the first frame.
        odd_area: part (square cells) of a piece that may look unlike it.
        together: how much (cells) two pieces that move together may part.
        contrast: least difference (0-255) between a piece and its background that can be read.
        present: opacity from which a piece counts as there.
        fading_frames: frames in which a piece that was taken may still be seen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lane: float = Field(0.25, ge=0, le=0.45)
    jump: int = Field(3, ge=1, le=6)
    leap: float = Field(1.6, gt=0)
    step: float = Field(0.75, gt=0)
    missing_frames: int = Field(2, ge=0)
    extra_frames: int = Field(2, ge=0)
    change_area: float = Field(0.1, gt=0)
    change_frames: int = Field(3, ge=0)
    camera: float = Field(0.02, gt=0)
    start: float = Field(0.03, gt=0)
    start_area: float = Field(0.1, gt=0)
    odd_area: float = Field(0.1, gt=0)
    together: float = Field(0.45, gt=0)
    contrast: float = Field(12.0, ge=0)
    present: float = Field(0.5, gt=0)
    fading_frames: int = Field(8, ge=0)


@dataclass(frozen=True, slots=True)
class Replay:
    """How far the track could be followed on the rules: moves made until the end or the first violation.

    Attributes:
        moves: those made, as the puzzle names them.
        end: the state after them.
        broken_at: frame of the first violation, or None.
        what: the violation in words.
        piece: which piece was farthest off then.
        frames: in which frame each of the moves was made out.
    """

    moves: tuple[Any, ...]
    end: Any
    broken_at: int | None
    what: str
    piece: int
    frames: tuple[int, ...] = ()


def replay(puzzle: PiecePuzzle[Any, Any], state: Any, track: Track, rules: Tolerances) -> Replay:
    """Follow the track from state to state by legal moves.

    In every frame each piece must be within `0.5 + lane` cells (in x and in y) of where some state has it
    that is reached from the last one by at most `jump` legal moves; and a piece that is moved by another one
    must stay with it.
    """
    far, before, apart = 0.5 + rules.lane, state, 0
    moves: tuple[Any, ...] = ()
    frames: tuple[int, ...] = ()
    stand = puzzle.places(state)
    for t, places in enumerate(track.places_TN2):
        if track.broken_T[t]:
            continue
        gap = float(np.abs(places - stand).max())
        if gap <= STIRRED:
            apart = 0
            continue
        best, best_gap, made, parent = state, gap - 0.1, (), before
        for way, came, reached in _reachable(puzzle, state, 1 if gap <= far else rules.jump):
            new_gap = float(np.abs(places - puzzle.places(reached)).max())
            if new_gap < best_gap - 1e-6:
                best, best_gap, made, parent = reached, new_gap, way, came
        if made:
            state, before, moves, gap = best, parent, moves + made, best_gap
            frames += (t,) * len(made)
            stand = puzzle.places(state)
        apart = apart + 1 if puzzle.driven and _parted(puzzle, before, state, places, rules.together) else 0
        if gap > far or apart > 1:
            off = np.abs(places - stand).max(axis=1)
            if gap <= far:
                off[-1] = 0
            return Replay(moves, state, t, puzzle.explain(state, places), int(off.argmax()), frames)
    return Replay(moves, state, None, "", 0, frames)


def _parted(puzzle: PiecePuzzle[Any, Any], before: Any, state: Any, places: Places, most: float) -> bool:
    """Whether a piece is under way without the one that must move it.

    The way is the last move or one of the next.
    """
    stand = puzzle.places(state)
    moving = np.abs(places - stand)[:-1].max(axis=1) > STIRRED if len(stand) > 1 else np.zeros(0, np.bool_)
    if not moving.any():
        return False
    ways = [puzzle.places(puzzle.step(state, move)) - stand for move in puzzle.moves(state)]
    ways.append(puzzle.places(before) - stand)
    for way in ways:
        if (np.abs(way[:-1]).max(axis=1)[moving] > 0).all():
            length = np.maximum((way * way).sum(axis=1), 1e-6)
            share = ((places - stand) * way).sum(axis=1) / length
            on = np.abs(way).max(axis=1) > 0
            if np.ptp(share[on] * np.sqrt(length[on])) <= most:
                return False
    return True


def _reachable(puzzle: PiecePuzzle[Any, Any], state: Any, depth: int) -> Iterable[tuple[Way, Any, Any]]:
    """States that at most `depth` legal moves lead to, nearest first: moves, state before, state.

    No piece turns back on the way: that cannot happen between two frames.
    """
    seen, stand = {state}, puzzle.places(state)
    ring: list[tuple[tuple[Any, ...], Any]] = [((), state)]
    for d in range(1, depth + 1):
        following = []
        for way, at in ring:
            for move in puzzle.moves(at):
                after = puzzle.step(at, move)
                if after not in seen and np.abs(puzzle.places(after) - stand).sum(axis=1).max() >= d:
                    seen.add(after)
                    following.append(((*way, move), after))
                    yield (*way, move), at, after
        ring = following
