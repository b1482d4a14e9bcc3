"""VR-Bench's kind of cubes, drawn once more: pictures, states and clips for tests that need foreign ones."""

import math

import cv2
import numpy as np

from genreason.formats.vrstate3d import figure_camera
from genreason.puzzles.scaffold import ball
from genreason.render.cubes import SIDES, cube_parts, fill, fixed

SIDE, FINER = 740, 2
PLAIN = {
    "cube": (136, 136, 136), "start": (68, 68, 255), "goal": (255, 68, 68),
    "ball": (255, 215, 0), "rim": (255, 140, 0),
}  # fmt: skip
DARK = {
    "cube": (44, 62, 80), "start": (128, 0, 32), "goal": (0, 200, 120),
    "ball": (155, 8, 207), "rim": (192, 24, 128),
}  # fmt: skip
PALE = {
    "cube": (230, 230, 250), "start": (0, 206, 209), "goal": (255, 105, 180),
    "ball": (255, 69, 0), "rim": (255, 255, 255),
}  # fmt: skip
# A level as VR-Bench's sampler makes them: two heights, a branch to the side, two ladders.
LEVEL = {
    "grid_size": [6, 6, 5],
    "start_pos": [5, 5, 0],
    "goal_pos": [1, 3, 3],
    "cubes": [
        [5, 5, 0], [4, 5, 0], [3, 5, 0], [5, 4, 0], [5, 3, 0], [5, 2, 0], [5, 1, 0], [5, 3, 3], [4, 3, 3],
        [3, 3, 3], [2, 3, 3], [1, 3, 3], [3, 5, 3],
    ],
    "ladders": [[5, 3, 0], [3, 5, 0]],
    "moves": ["forward_left", "up", "forward_right", "forward_right"],
}  # fmt: skip
RADIUS = math.sqrt(1200) * 8 / 6 / 2 * 100 / 72
"""Pixels of the ball's radius in a grid of 6 x 6, without its rim."""


def scene(level=LEVEL, skin=PLAIN, *, without=(), ladders=None, recoloured=None):
    """The picture without the ball, HWC RGB uint8; some cubes left out, or in another role."""
    camera = figure_camera(tuple(level["grid_size"]), (SIDE * FINER, SIDE * FINER))
    canvas = np.full((SIDE * FINER, SIDE * FINER, 3), 255, np.uint8)
    x, y = (size - 0.5 for size in level["grid_size"][:2])
    ground = camera.project([(-0.5, -0.5, 0), (x, -0.5, 0), (x, y, 0), (-0.5, y, 0)])
    cv2.fillConvexPoly(canvas, fixed(ground), (238, 238, 238), cv2.LINE_AA, 4)
    roles = {tuple(cube): "cube" for cube in level["cubes"] if tuple(cube) not in without}
    roles |= {tuple(level["start_pos"]): "start", tuple(level["goal_pos"]): "goal"}
    roles |= recoloured or {}
    for part in sorted(cube_parts(roles, camera, SIDES), key=lambda part: part.order):
        fill(canvas, part.corners, skin[part.kind], 0.85)
        cv2.polylines(canvas, [fixed(part.corners)], True, (20, 20, 20), 2, cv2.LINE_8, 4)
    for base in level["ladders"] if ladders is None else ladders:
        for low, high in _ladder(base):
            cv2.polylines(canvas, [fixed(camera.project([low, high]))], False, (0, 0, 0), 8, cv2.LINE_AA, 4)
    return np.asarray(cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _ladder(base):
    x, y, z = base[0] + 0.5, base[1], base[2] + 0.5
    rails = [((x, v, z), (x, v, z + 3)) for v in (y, y + 0.2)]
    return rails + [((x, y, h), (x, y + 0.2, h)) for h in np.linspace(z, z + 3, 6)]


def place(cube, level=LEVEL):
    """Where in the picture the ball is on a cube (which may be between cubes)."""
    return figure_camera(tuple(level["grid_size"]), (SIDE, SIDE)).project(ball(cube))


def with_ball(picture, at, skin=PLAIN, radius=RADIUS):
    """A copy with the ball's middle at (x, y) pixels."""
    out = picture.copy()
    for r, colour in ((radius + 1.4, skin["rim"]), (radius - 1.4, skin["ball"])):
        centre = tuple(int(round((v - 0.5) * 16)) for v in at)
        cv2.circle(out, centre, round(r * 16), colour, -1, cv2.LINE_AA, 4)
    return out


def state(level=LEVEL):
    """VR-Bench's state of a level."""

    def entity(cube):
        x, y = place(cube, level)
        left, top, size = math.ceil(x - RADIUS), math.ceil(y - RADIUS), 2 * int(RADIUS)
        box = {"x": left, "y": top, "width": size, "height": size}
        box |= {"center_x": left + size // 2, "center_y": top + size // 2}
        return {"pixel_pos": {"x": box["center_x"], "y": box["center_y"]}, "bbox": box}

    metadata = {name: level[name] for name in ("grid_size", "cubes", "start_pos", "goal_pos")}
    metadata["ladders"] = [{"base_pos": base, "direction": "+x", "height": 3} for base in level["ladders"]]
    return {
        "version": "1.0",
        "game_type": "maze3d",
        "entities": {"player": entity(level["start_pos"]), "goal": entity(level["goal_pos"]), "boxes": []},
        "render": {"cell_size": 63, "image_width": SIDE, "image_height": SIDE},
        "metadata": metadata,
    }
