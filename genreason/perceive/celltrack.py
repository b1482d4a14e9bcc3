"""What is to be read of a board of cells, and what was read of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genreason.perceive.track import Spot
from genreason.perceive.view import View
from genreason.render.board import Board
from genreason.render.cells import Sign
from genreason.types import Frame

Codes = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellScene:
    """What is to be read.

    Attributes:
        board: the empty board.
        picture: the first frame, HWC RGB uint8.
        signs: what may stand in cells; codes are their places.
        start: (C,) codes of the cells in the first frame, row-major.
        cells: of them, those that are read.
        once: whether many cells may change at once.
        stir: how many may begin to change before it may be a movement of the camera; None for the usual.
        lined: whether the lines alone tell of the camera: what stands in cells may look like its neighbours,
            or come to stand elsewhere, most of it at last.
        ruled: whether there are lines between cells.
        looks: whether the track is to keep how cells looked (and small changes count, too).
        large: whether what is carried covers many cells.
        overhang: cells by which signs reach over the edges of their cells, into others that are not read.
    """

    board: Board
    picture: Frame
    signs: tuple[Sign, ...]
    start: Codes
    cells: tuple[int, ...]
    once: bool
    stir: int | None = None
    lined: bool = False
    ruled: bool = True
    looks: bool = False
    large: bool = False
    overhang: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CellTrack:
    """Everything that the judge takes from a clip's pixels.

    Attributes:
        fps: frames per second.
        clip_size: (width, height) of the clip.
        view: how the clip shows the first frame.
        code_TC: what stands in each cell: the place of a sign, or EMPTY, BETWEEN, UNSURE, ALIEN.
        area_TC: inked share of the cell.
        kept_TC: share of the ink of the frame before that is still ink.
        faint_TC: whether a sign stood in its place and was half there; None where that was not looked at.
        camera_T2: as in `Track`.
        spots: changes of the still scene.
        broken_T: frames in which hardly anything of the scene is left.
        start_gap: share of the first frame that differs from the given one.
        start_change: largest region of the first frame (square cells) that differs from the given one.
        look_TCV: (T, C, V) how each cell looked, small, as numbers from 0 to 255; None where it was not kept.
    """

    fps: float
    clip_size: tuple[int, int]
    view: View
    code_TC: Codes
    area_TC: npt.NDArray[np.float32]
    kept_TC: npt.NDArray[np.float32]
    camera_T2: npt.NDArray[np.float32]
    spots: tuple[Spot, ...]
    broken_T: npt.NDArray[np.bool_]
    start_gap: float
    start_change: float
    faint_TC: npt.NDArray[np.bool_] | None = None
    look_TCV: npt.NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.code_TC)
