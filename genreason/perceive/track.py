"""What was seen in a clip: plain data between perception and the rules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from genreason.perceive.view import View


@dataclass(frozen=True, slots=True)
class Spot:
    """Something in frame `t` that should not be there.

    Attributes:
        t: frame number.
        name: the kind of piece that it looks like, or "" for a change of the still scene.
        x: place in cells.
        y: place in cells.
        area: size in cells (square).
    """

    t: int
    name: str
    x: float
    y: float
    area: float


@dataclass(frozen=True, kw_only=True)
class Track:
    """Everything that the judge takes from a clip's pixels.

    Attributes:
        names: kinds of the pieces, N of them.
        unit: cells in what a person calls a cell (2 where walls are lines and a room is two cells wide).
        fps: frames per second.
        clip_size: (width, height) of the clip.
        view: how the clip shows the first frame.
        places_TN2: x and y in cells in every frame; where a piece was not seen, where it was last.
        presence_TN: how much of each piece is there (0 to about 1).
        camera_T2: how far the camera has moved from frame 0, in shares of the picture's width and height (the
            farthest corner).
        spots: what should not be there.
        broken_T: frames in which hardly anything of the scene is left.
        start_gap: share of the first frame that differs from the given one.
        start_change: largest region of the first frame (square cells) that differs from the given one.
        oddness_TN: how much of each piece (square cells) does not look as it should.
        contrast_N: how well each piece stands out at the start (0-255).
    """

    names: tuple[str, ...]
    unit: int = 1
    fps: float
    clip_size: tuple[int, int]
    view: View
    places_TN2: npt.NDArray[np.float32]
    presence_TN: npt.NDArray[np.float32]
    camera_T2: npt.NDArray[np.float32]
    spots: tuple[Spot, ...] = field(default=())
    broken_T: npt.NDArray[np.bool_]
    start_gap: float
    start_change: float
    oddness_TN: npt.NDArray[np.float32]
    contrast_N: tuple[float, ...]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.places_TN2)

    def until(self, frame: int) -> Track:
        """What was seen before a frame."""
        return replace(
            self,
            places_TN2=self.places_TN2[:frame],
            presence_TN=self.presence_TN[:frame],
            camera_T2=self.camera_T2[:frame],
            spots=tuple(spot for spot in self.spots if spot.t < frame),
            broken_T=self.broken_T[:frame],
            oddness_TN=self.oddness_TN[:frame],
        )
