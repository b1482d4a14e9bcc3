"""Road maps as pictures: styles of roads, and the still picture of a network of them.

Roads are bands of one width along lines; everything else is the ground beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.lattice import Lattice
from genreason.render.marks import Colour, Mark, flag, ghost, robot, shape
from genreason.render.pictures import Picture
from genreason.render.styles import Paint, colour_name
from genreason.render.textures import surface

Line = npt.NDArray[np.float64]
"""(K, 2) places in cells."""
Canvas = npt.NDArray[np.float32]
FINE = 512  # pixels of the longer side up to which edges are drawn four times as fine as the picture
SHIFT = 4  # bits of a pixel's fraction that OpenCV is given
NATIVE = 1024  # pixels of the picture for which road textures are drawn pixel by pixel (VR-Bench's size)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadStyle:
    """One way to draw roads.

    Attributes:
        road: what the roads are made of; a picture is repeated over the whole map.
        ground: what lies beside them.
        agent: who drives.
        goal: where it has to go.
        curb: colour of the roads' edges, or None; they lie on the ground.
        curb_width: their width in cells.
    """

    name: str
    road: Paint | Picture
    ground: Paint
    agent: Mark | Picture
    goal: Mark | Picture
    curb: Colour | None = None
    curb_width: float = 0.12

    def words(self) -> dict[str, str]:
        """What a person calls the things in the picture."""
        return {
            "agent": _noun(self.agent),
            "goal": _noun(self.goal),
            "road": _surface_word(self.road, "road"),
            "ground": _surface_word(self.ground, "background"),
        }


def road_mask(lines: Sequence[Line], lattice: Lattice, size: tuple[int, int], width: float = 1.0) -> Canvas:
    """How much of each pixel the roads cover: (h, w) float32 in [0, 1].

    Args:
        lines: middles of the roads.
        lattice: cells to pixels.
        size: (width, height) of the picture.
        width: of the roads in cells.
    """
    n = 4 if max(size) <= FINE else 2
    mask = np.zeros((size[1] * n, size[0] * n), np.uint8)
    thick = max(round(width * (lattice.cell_w + lattice.cell_h) / 2 * n), 1)
    # OpenCV's pixels have their centres at whole numbers, ours at halves.
    points = [np.rint((lattice.pixels(line) * n - 0.5) * (1 << SHIFT)).astype(np.int32) for line in lines]
    cv2.polylines(mask, points, False, 255, thick, cv2.LINE_8, SHIFT)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)


def draw_roads(
    lines: Sequence[Line],
    lattice: Lattice,
    style: RoadStyle,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """The picture (HWC RGB uint8) of the roads, without agent and goal.

    Args:
        lines: middles of the roads.
        lattice: cells to pixels.
        style: how they are drawn.
        size: (width, height) of the picture.
        rng: the instance's stream for surfaces.
    """
    ground = _surface(rng, size, style.ground, lattice.cell_w)
    road = _surface(rng, size, style.road, lattice.cell_w)
    plate = np.array(np.broadcast_to(ground, (size[1], size[0], 3)), np.float32, order="C")
    if style.curb is not None:
        edge = road_mask(lines, lattice, size, 1 + 2 * style.curb_width)[..., None]
        plate += (np.array(style.curb, np.float32) - plate) * edge
    plate += (road - plate) * road_mask(lines, lattice, size)[..., None]
    return np.asarray(np.clip(plate + np.float32(0.5), 0, 255), np.uint8)


def _surface(rng: np.random.Generator, size: tuple[int, int], look: Paint | Picture, cell: float) -> Canvas:
    if isinstance(look, Paint):
        return surface(rng, size, look.colour, look.texture, look.strength, cell)
    zoom = max(size) / NATIVE
    h, w = (max(round(side * zoom), 1) for side in look.rgba.shape[:2])
    method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    tile = np.asarray(cv2.resize(look.rgba[..., :3], (w, h), interpolation=method), np.float32)
    return np.tile(tile, (-(-size[1] // h), -(-size[0] // w), 1))[: size[1], : size[0]]


def _surface_word(look: Paint | Picture, noun: str) -> str:
    if isinstance(look, Picture):
        return look.word
    return look.word or f"{colour_name(look.colour)} {noun}"


def _noun(look: Mark | Picture) -> str:
    return look.word if isinstance(look, Picture) else f"{colour_name(look.colour)} {look.noun}"


def _styles() -> dict[str, RoadStyle]:
    white, black, red = (252, 252, 252), (0, 0, 0), (226, 24, 32)
    listed = [
        RoadStyle(
            name="classic", road=Paint(white), ground=Paint(black),
            agent=shape("disc", (40, 200, 40), 0.8), goal=shape("disc", red, 0.8),
        ),
        RoadStyle(
            name="paper", road=Paint((184, 184, 178)), ground=Paint((250, 248, 242)), curb=(60, 60, 66),
            agent=shape("disc", (35, 95, 225), 0.8), goal=shape("star", (214, 40, 30), 0.84),
        ),
        RoadStyle(
            name="street", road=Paint((84, 86, 92), "speckle", 10, "gray asphalt road"),
            ground=Paint((104, 158, 76), "speckle", 26, "green grass"), curb=(206, 206, 200),
            agent=shape("rounded", (255, 205, 30), 0.76, edge=(70, 44, 0)),
            goal=flag((240, 40, 40), white, 0.84),
        ),
        RoadStyle(
            name="night", road=Paint((82, 92, 150)), ground=Paint((18, 20, 38)),
            agent=shape("disc", (250, 214, 50), 0.78), goal=shape("ring", (70, 240, 170), 0.84),
        ),
        RoadStyle(
            name="ice", road=Paint((222, 232, 242), "photo", 26, "ice"),
            ground=Paint((20, 40, 78), "photo", 14, "dark blue water"),
            agent=shape("disc", (240, 110, 20), 0.78, edge=(110, 40, 0)),
            goal=shape("disc", (30, 60, 130), 0.8, edge=(120, 170, 230)),
        ),
        RoadStyle(
            name="sand", road=Paint((230, 204, 150), "photo", 24, "sandy path"),
            ground=Paint((58, 112, 58), "photo", 34, "green bushes"),
            agent=ghost((60, 50, 190), 0.84), goal=flag((210, 20, 50), (40, 30, 30), 0.84),
        ),
        RoadStyle(
            name="photo", road=Paint((176, 180, 184), "photo", 40, "rough light ground"),
            ground=Paint((52, 60, 66), "photo", 36, "rough dark ground"),
            agent=shape("disc", (235, 30, 40), 0.8, edge=(255, 255, 255)),
            goal=shape("square", (30, 90, 235), 0.8, edge=(255, 255, 255)),
        ),
        RoadStyle(
            name="canals", road=Paint((86, 136, 178), "wood", 8, "blue water"),
            ground=Paint((218, 210, 194), "speckle", 10, "sandy land"),
            agent=shape("diamond", (252, 222, 70), 0.96), goal=shape("square", (196, 70, 64), 0.8),
        ),
        RoadStyle(
            name="circuit", road=Paint((218, 164, 84)),
            ground=Paint((16, 74, 52), "speckle", 8, "green board"),
            curb=(8, 40, 28), agent=robot((60, 220, 250), (10, 40, 80), 0.86),
            goal=shape("frame", (130, 20, 150), 0.84),
        ),
        RoadStyle(
            name="bricks", road=Paint((176, 96, 74), "brick", 22, "path of red bricks"),
            ground=Paint((196, 214, 160), "speckle", 18, "light grass"), curb=(92, 52, 40),
            agent=shape("diamond", (30, 90, 230), 0.96, edge=(240, 244, 255)),
            goal=shape("star", (255, 236, 90), 0.88, edge=(70, 40, 10)),
        ),
    ]  # fmt: skip
    return {style.name: style for style in listed}


STYLES = _styles()
