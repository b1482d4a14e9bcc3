"""How pieces move between states: the script of a clip, before any pixel is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genreason.render.board import Board
from genreason.types import Clip, Frame

Length = int | Literal["4k+1", "any"]


@dataclass(frozen=True, kw_only=True)
class Motion:
    """The settings of a clip's movement.

    Attributes:
        frames_per_step: frames from one state to the next.
        ease: "smooth" (slow in and out at each stop and turn) or "linear".
        hold_start: frames that show the first state before anything moves (at least 1).
        hold_end: frames that show the last state.
        length: "4k+1" (video VAEs ask for it; the end is held longer), "any", or an exact number of frames,
            into which the steps are fitted.
    """

    frames_per_step: int = 4
    ease: str = "smooth"
    hold_start: int = 4
    hold_end: int = 8
    length: Length = "4k+1"


@dataclass(frozen=True)
class Script:
    """Where every piece is in every frame.

    Attributes:
        places_TN2: (frames, pieces, 2) float32, x and y in cells.
        opacity_TN: (frames, pieces) float32 in [0, 1], or None for 1.
        edit: a last touch on each drawn frame (index, frame) -> frame, or None.
        cast: which of the board's pieces each of the N is (a piece may appear twice), or None for all in
            order.
    """

    places_TN2: npt.NDArray[np.float32]
    opacity_TN: npt.NDArray[np.float32] | None = None
    edit: Callable[[int, Frame], Frame] | None = None
    cast: tuple[int, ...] | None = None

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.places_TN2)

    def frames(self, board: Board) -> Iterator[Frame]:
        """Draw the frames one by one; a frame that equals its predecessor is not drawn again."""
        if self.cast is not None:
            board = replace(board, pieces=tuple(board.pieces[i] for i in self.cast))
        still = self._still()
        if still:
            under = replace(board, pieces=board.pieces[:still]).draw(self.places_TN2[0, :still])
            board = replace(board, plate=under, pieces=board.pieces[still:])
            part = Script(
                self.places_TN2[:, still:],
                None if self.opacity_TN is None else self.opacity_TN[:, still:],
                self.edit,
            )
            yield from part.frames(board)
            return
        last: tuple[bytes, bytes] | None = None
        frame = board.plate
        for t, places in enumerate(self.places_TN2):
            opacity = None if self.opacity_TN is None else self.opacity_TN[t]
            now = (places.tobytes(), b"" if opacity is None else opacity.tobytes())
            if now != last:
                frame, last = board.draw(places, opacity), now
            yield frame if self.edit is None else self.edit(t, frame)

    def _still(self) -> int:
        """How many of the pieces, from the first on, are there and stand still throughout."""
        here = (self.places_TN2 == self.places_TN2[:1]).all(axis=(0, 2))
        if self.opacity_TN is not None:
            here &= (self.opacity_TN == 1).all(axis=0)
        return int(np.argmin(here)) if not here.all() else max(len(here) - 1, 0)

    def taken(self, frames: npt.ArrayLike) -> Script:
        """The script with these of its frames."""
        picks = np.asarray(frames)
        opacity = None if self.opacity_TN is None else self.opacity_TN[picks]
        return replace(self, places_TN2=self.places_TN2[picks], opacity_TN=opacity)

    def clip(self, board: Board, fps: float, **meta: Any) -> Clip:
        """The script as a clip that draws itself when read."""
        return Clip(render=lambda: self.frames(board), fps=fps, meta=meta)


def timeline(steps: int, motion: Motion) -> npt.NDArray[np.float64]:
    """For every frame of a clip of so many steps, how many of them are done (with fractions)."""
    start, end = max(motion.hold_start, 1), motion.hold_end
    if isinstance(motion.length, int):
        moving = max(motion.length - start - end, min(steps, motion.length - 1))
        start = max(min(start, motion.length - moving), 1)
        end = max(motion.length - start - moving, 0)
    else:
        moving = steps * motion.frames_per_step
        if motion.length == "4k+1":
            end += (1 - start - moving - end) % 4
    return np.concatenate(
        [np.zeros(start), np.arange(1, moving + 1) * (steps / max(moving, 1)), np.full(end, steps)]
    )


def animate(stops: Sequence[npt.NDArray[np.float32]], motion: Motion) -> Script:
    """A script that goes from state to state: `stops` are places (N, 2), K + 1 of them for K steps."""
    keys = np.stack(stops).astype(np.float32)
    return Script(interpolate(keys, timeline(len(keys) - 1, motion), motion.ease))


def interpolate(
    keys_KN2: npt.NDArray[np.float32], position_T: npt.NDArray[np.float64], ease: str = "linear"
) -> npt.NDArray[np.float32]:
    """Places at fractional steps `position_T` (0 is the first key); (T, N, 2)."""
    last = len(keys_KN2) - 1
    before = np.clip(np.floor(position_T).astype(int), 0, max(last - 1, 0))
    share = np.clip(position_T - before, 0, 1)
    if ease == "smooth" and last > 0:
        share = np.where(_turns(keys_KN2)[before], _smooth(share), share)
    weight = share[:, None, None].astype(np.float32)
    after = np.minimum(before + 1, last)
    return np.asarray(keys_KN2[before] * (1 - weight) + keys_KN2[after] * weight, np.float32)


def _turns(keys_KN2: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """For each step, whether it begins or ends at a stop or a turn, so that easing it looks natural."""
    steps = np.diff(keys_KN2, axis=0)
    same = np.all(steps[1:] == steps[:-1], axis=(1, 2))
    return np.asarray(np.concatenate([[True], ~same]) | np.concatenate([~same, [True]]), np.bool_)


def _smooth(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Half way between linear and a smoothstep: movement swings at corners, but does not stop there."""
    return 0.5 * share + 0.5 * share * share * (3 - 2 * share)
