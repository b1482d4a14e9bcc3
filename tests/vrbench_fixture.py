"""Levels in VR-Bench's form, drawn by code: states, pictures, clips and tables."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import cv2
import numpy as np

from genreason import video
from genreason.formats import dataset
from genreason.types import Frame, Json

CELL = 16
GRIDS = {
    "maze": [[1, 1, 1, 1, 1], [1, 2, 0, 0, 1], [1, 1, 1, 0, 1], [1, 3, 0, 0, 1], [1, 1, 1, 1, 1]],
    "trapfield": [[2, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 3]],
    "sokoban": [
        [1, 1, 1, 1, 1, 1], [1, 6, 0, 0, 0, 1], [1, 0, 2, 4, 0, 1], [1, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1],
    ],
}  # fmt: skip
"""As VR-Bench codes them; the player of the Sokoban stands on a target, and a box on another."""
PLACES = {
    "maze": ((1, 1), (3, 1), ()),
    "trapfield": ((0, 0), (3, 4), ()),
    "sokoban": ((1, 1), (1, 1), ((2, 2), (2, 3))),
}
"""(row, column) of player, goal and boxes."""
PLAIN = {"floor": (250, 250, 250), "wall": (120, 150, 200), "goal": (20, 140, 40), "player": (220, 30, 30)}
BOX = (250, 210, 40)


def entity(row: int, col: int) -> Json:
    """An entity that fills a cell."""
    x, y = col * CELL + CELL // 2, row * CELL + CELL // 2
    box = {"x": col * CELL, "y": row * CELL, "width": CELL, "height": CELL, "center_x": x, "center_y": y}
    return {"pixel_pos": {"x": x, "y": y}, "bbox": box, "grid_pos": {"row": row, "col": col}}


def state(game: str) -> Json:
    """A state of a game on a grid."""
    grid, (player, goal, boxes) = GRIDS[game], PLACES[game]
    return {
        "version": "1.0",
        "game_type": game,
        "entities": {
            "player": entity(*player),
            "goal": entity(*goal),
            "boxes": [entity(*box) for box in boxes],
        },
        "render": {"cell_size": CELL, "image_width": len(grid[0]) * CELL, "image_height": len(grid) * CELL},
        "metadata": {},
        "grid": {"data": copy.deepcopy(grid), "height": len(grid), "width": len(grid[0])},
    }


def picture(game: str, cell: int = CELL) -> Frame:
    """What the state of the game shows, with lines around the tiles."""
    grid, (player, _, boxes) = GRIDS[game], PLACES[game]
    goals = (3, 4, 6) if game == "sokoban" else (3,)
    out = np.zeros((len(grid) * cell, len(grid[0]) * cell, 3), np.uint8)
    for r, row in enumerate(grid):
        for c, code in enumerate(row):
            tile = out[r * cell : (r + 1) * cell, c * cell : (c + 1) * cell]
            tile[:] = PLAIN["goal" if code in goals else "wall" if code == 1 else "floor"]
            tile[0], tile[:, 0] = (90, 90, 90), (90, 90, 90)
    for r, c in boxes:
        out[r * cell + 3 : (r + 1) * cell - 2, c * cell + 3 : (c + 1) * cell - 2] = BOX
    r, c = player
    cv2.circle(
        out, (c * cell + cell // 2, r * cell + cell // 2), cell * 3 // 8, PLAIN["player"], -1, cv2.LINE_AA
    )
    return out


def noisy(frame: Frame, strength: float) -> Frame:
    """The picture with noise of this deviation."""
    noise = np.random.default_rng(0).normal(0, strength, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def level(
    root: Path,
    record: Json,
    place: str,
    stem: str,
    clips: tuple[str, ...] = ("",),
    shown: Frame | None = None,
) -> None:
    """Write one level; clips are still pictures of 2, 3, ... frames."""
    bucket = root / place
    (bucket / "states").mkdir(parents=True, exist_ok=True)
    (bucket / "states" / f"{stem}.json").write_text(json.dumps(record, indent=2))
    frame = picture(record["game_type"]) if shown is None else shown
    dataset.write_png(bucket / "images" / f"{stem}.png", frame)
    for number, suffix in enumerate(clips):
        video.write(bucket / "videos" / f"{stem}{suffix}.mp4", [frame] * (number + 2), 24)


def table(path: Path, rows: list[str], columns: str = "video,prompt,input_image") -> None:
    """Write a metadata.csv."""
    path.write_text("\n".join([columns, *rows, ""]))
