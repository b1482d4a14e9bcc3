"""How scaffolds of cubes look, and the drawing of their still picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.camera import Camera
from genreason.render.cubes import FRONT, SIDES, Cube, cube_parts, fill, ladder_parts, line
from genreason.render.marks import Colour, Layer, Mark, ghost, robot
from genreason.render.styles import Paint, colour_name
from genreason.render.textures import surface
from genreason.types import Frame

FINER = 2  # the picture is drawn so many times as large and then reduced
SHADE = {"top": 1.0, "left": 0.74, "right": 0.52, "bottom": 0.45, "back_x": 0.52, "back_y": 0.74}
LADDER_WIDTHS = {"rail": 0.14, "rung": 0.1}  # cells
MARGIN = 1.5  # how far (cubes) the ground reaches around the cubes
Canvas = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CubeStyle:
    """One way to draw a scaffold.

    Attributes:
        background: behind everything.
        cube: colour of the cubes that are neither start nor goal, seen from above.
        start: colour of the cube on which the agent stands at first.
        goal: colour of the cube that it has to reach.
        agent: what moves.
        ladder: colour of ladders.
        edge: colour of the cubes' edges, or None where shading alone shows them.
        opacity: of the cubes.
        ground: colour of the ground, or None.
        shadow: how dark (0 to 1) the cubes' shadows on the ground are.
        grain: how strongly (levels of 255) the cubes are textured.
    """

    name: str
    background: Paint
    cube: Colour
    start: Colour
    goal: Colour
    agent: Mark
    ladder: Colour
    edge: Colour | None = None
    opacity: float = 1.0
    ground: Colour | None = None
    shadow: float = 0.0
    grain: float = 0.0

    def words(self) -> dict[str, str]:
        """What a person calls the things in the picture."""
        return {
            "agent": f"{colour_name(self.agent.colour)} {self.agent.noun}",
            "goal": f"{colour_name(self.goal)} cube",
            "start": f"{colour_name(self.start)} cube",
            "cube": f"{colour_name(self.cube)} cubes",
            "ladder": f"{colour_name(self.ladder)} ladders",
        }


def draw_scaffold(
    roles: Mapping[Cube, str],
    ladders: Iterable[Cube],
    camera: Camera,
    style: CubeStyle,
    size: tuple[int, int],
    cell: float,
    rng: np.random.Generator,
) -> Frame:
    """The still picture of a scaffold.

    Args:
        roles: "cube", "start" or "goal" of each cube.
        ladders: the cubes on which ladders begin.
        camera: leads to pixels of the picture.
        style: how it is drawn.
        size: (width, height) in pixels.
        cell: length of a cube's edge in pixels.
        rng: the instance's stream for surfaces.
    """
    w, h = size
    finer = camera.moved((FINER, FINER), (0, 0))
    base = surface(rng, size, style.background.colour, style.background.texture, style.background.strength,
                   cell)  # fmt: skip
    back = np.clip(np.broadcast_to(base, (h, w, 3)) + 0.5, 0, 255).astype(np.uint8)
    canvas = np.asarray(cv2.resize(back, (w * FINER, h * FINER), interpolation=cv2.INTER_LINEAR), np.uint8)
    _ground(canvas, roles, finer, style, cell * FINER)
    before = canvas.copy() if style.grain else canvas
    sides = FRONT if style.opacity >= 1 else tuple(SIDES)
    parts = [*cube_parts(roles, finer, sides), *ladder_parts(ladders, finer)]
    width = round(cell * FINER / 32)
    colours = {"cube": style.cube, "start": style.start, "goal": style.goal}
    for part in sorted(parts, key=lambda part: part.order):
        if part.kind == "ladder":
            line(canvas, part.corners, style.ladder, round(cell * FINER * LADDER_WIDTHS[part.side]))
            continue
        bright = SHADE[part.side]
        fill(canvas, part.corners, _times(colours[part.kind], bright), style.opacity)
        line(canvas, part.corners, style.edge or _times(colours[part.kind], bright * 0.82), width,
             closed=True)  # fmt: skip
    small = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)
    if not style.grain:
        return small
    solid = (canvas != before).any(axis=-1).astype(np.float32)
    cover = np.asarray(cv2.resize(solid, size, interpolation=cv2.INTER_AREA), np.float32)[..., None]
    grain = surface(rng, size, (0, 0, 0), "stone", style.grain, cell)
    return np.clip(small + cover * grain + 0.5, 0, 255).astype(np.uint8)


def _ground(canvas: Frame, cubes: Iterable[Cube], camera: Camera, style: CubeStyle, cell: float) -> None:
    """The ground and, on it, the shadow of everything above."""
    plan = {(x, y) for x, y, _ in cubes}
    if style.ground is not None:
        xs, ys = [x for x, _ in plan], [y for _, y in plan]
        x0, y0, x1, y1 = min(xs) - MARGIN, min(ys) - MARGIN, max(xs) + 1 + MARGIN, max(ys) + 1 + MARGIN
        fill(canvas, camera.project([(x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)]), style.ground)
    if style.shadow:
        dark = np.zeros(canvas.shape[:2], np.uint8)
        for x, y in plan:
            square = [(x, y, 0), (x + 1, y, 0), (x + 1, y + 1, 0), (x, y + 1, 0)]
            fill(dark, camera.project(square), (255, 255, 255))
        soft = cv2.GaussianBlur(dark, (0, 0), max(cell / 8, 0.5)).astype(np.float32)
        canvas[:] = canvas * (1 - style.shadow / 255 * soft[..., None]) + 0.5


def _times(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(round(value * factor), 255) for value in colour)
    return red, green, blue


def _ball(colour: Colour, edge: Colour, shine: Colour) -> Mark:
    """A shining ball."""
    layers = (
        Layer("disc", edge),
        Layer("disc", colour, w=0.86, h=0.86),
        Layer("disc", shine, x=-0.3, y=-0.34, w=0.2, h=0.2),
    )
    return Mark("ball", colour, layers, 0.86)


def _styles() -> dict[str, CubeStyle]:
    gold, red, blue = (255, 215, 0), (235, 60, 60), (60, 80, 245)
    listed = [
        CubeStyle(
            name="glass", background=Paint((255, 255, 255)), cube=(168, 168, 172), start=(68, 68, 255),
            goal=(255, 68, 68), agent=_ball(gold, (255, 140, 0), gold), ladder=(10, 10, 12),
            edge=(10, 10, 10), opacity=0.85, ground=(238, 238, 238),
        ),
        CubeStyle(
            name="studio", background=Paint((236, 240, 245)), cube=(160, 163, 170), start=blue, goal=red,
            agent=_ball((248, 158, 25), (150, 80, 0), (255, 240, 190)), ladder=(92, 56, 28),
            edge=(52, 56, 66), ground=(216, 222, 230), shadow=0.28,
        ),
        CubeStyle(
            name="night", background=Paint((18, 20, 42)), cube=(92, 104, 170), start=(240, 150, 40),
            goal=(40, 190, 80), agent=_ball((255, 235, 90), (140, 90, 0), (255, 255, 230)),
            ladder=(225, 228, 245), edge=(24, 26, 52), ground=(32, 36, 68), shadow=0.5,
        ),
        CubeStyle(
            name="quarry", background=Paint((204, 190, 164), "photo", 22, "sand"), cube=(164, 156, 146),
            start=(70, 120, 200), goal=(214, 64, 44), grain=14, ladder=(92, 54, 22),
            agent=robot((250, 220, 60), (60, 40, 0), 0.86), edge=(70, 64, 58), shadow=0.35,
        ),
        CubeStyle(
            name="meadow", background=Paint((170, 214, 244)), cube=(240, 240, 232), start=(248, 150, 40),
            goal=(222, 60, 150), agent=_ball((40, 60, 200), (10, 16, 80), (190, 200, 255)),
            ladder=(120, 70, 30), ground=(150, 200, 110), shadow=0.3,
        ),
        CubeStyle(
            name="blueprint", background=Paint((24, 58, 128), "speckle", 8, "blue paper"),
            cube=(104, 168, 244), start=(230, 190, 60), goal=(50, 190, 80),
            agent=_ball((240, 60, 70), (255, 255, 255), (255, 200, 200)), ladder=(235, 240, 250),
            edge=(225, 235, 250), ground=(16, 42, 98),
        ),
        CubeStyle(
            name="candy", background=Paint((255, 244, 230)), cube=(105, 222, 188), start=(255, 200, 90),
            goal=(240, 80, 130), agent=ghost((110, 50, 170), 0.86), ladder=(150, 84, 60),
            ground=(250, 226, 214), shadow=0.22,
        ),
        CubeStyle(
            name="bricks", background=Paint((226, 226, 220), "speckle", 8, "plaster"), cube=(186, 104, 82),
            start=(60, 110, 215), goal=(90, 170, 80), grain=18, ladder=(36, 36, 40), edge=(104, 52, 40),
            agent=_ball((252, 222, 70), (40, 30, 10), (255, 250, 220)), ground=(206, 202, 192), shadow=0.3,
        ),
    ]  # fmt: skip
    return {style.name: style for style in listed}


STYLES = _styles()
