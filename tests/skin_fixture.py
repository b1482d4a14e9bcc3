"""Skins drawn by code, in VR-Bench's layout: plain, with rough textures, of glass, as large as their cell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Texture = npt.NDArray[np.uint8]
"""(h, w, 3 or 4): RGB or RGBA."""
GAMES = {
    "maze": ("wall", "target"),
    "sokoban": ("wall", "target"),
    "trapfield": ("trap", "goal"),
}
"""Names of the textures that bar the way and that show the goal."""


def rough(
    size: tuple[int, int], colour: tuple[int, int, int], strength: float, grain: int, seed: int = 0
) -> Texture:
    """A rough surface (h, w)."""
    h, w = size
    noise = np.random.default_rng(seed).random((h // grain + 2, w // grain + 2)).astype(np.float32)
    smooth = cv2.resize(noise, (w, h), interpolation=cv2.INTER_LINEAR)[..., None]
    return np.clip(np.array(colour) + (smooth - 0.5) * 2 * strength, 0, 255).astype(np.uint8)


def disc(colour: tuple[int, int, int], radius: float, opacity: float = 1.0, n: int = 64) -> Texture:
    """A disc, `radius` in shares of its tile."""
    y, x = np.mgrid[:n, :n] / n - 0.5 + 0.5 / n
    alpha = np.clip((radius - np.hypot(x, y)) * n + 0.5, 0, 1) * opacity
    rgb = np.broadcast_to(np.array(colour, float), (n, n, 3))
    return np.dstack([rgb, alpha * 255]).astype(np.uint8)


def flat(colour: tuple[int, int, int], opacity: float = 1.0, size: tuple[int, int] = (64, 64)) -> Texture:
    """A tile of one colour."""
    return np.full((*size, 4), (*colour, round(255 * opacity)), np.uint8)


def figure() -> Texture:
    """Somebody dark and thin, twice as high as wide."""
    out = np.zeros((120, 60, 4), np.uint8)
    cv2.ellipse(out, (30, 78), (13, 38), 0, 0, 360, (44, 84, 130, 255), -1, cv2.LINE_AA)
    cv2.circle(out, (30, 24), 13, (180, 130, 100, 255), -1, cv2.LINE_AA)
    return out


def marked(texture: Texture, *boxes: tuple[int, int, int, int], colour: tuple[int, int, int]) -> Texture:
    """The texture with rectangles (left, top, right, bottom) of a colour."""
    out = texture.copy()
    for left, top, right, bottom in boxes:
        out[top:bottom, left:right, :3] = colour
    return out


def _plain() -> dict[str, Texture]:
    return {
        "floor": flat((240, 240, 240)), "bar": flat((120, 150, 190)), "player": disc((220, 30, 30), 0.35),
        "end": flat((20, 140, 40), size=(48, 48)), "box": flat((250, 210, 40)),
    }  # fmt: skip


def _rough() -> dict[str, Texture]:
    crate = marked(rough((80, 80), (150, 90, 40), 20, 4), (0, 0, 80, 8), (0, 72, 80, 80), colour=(70, 40, 10))
    return {
        "floor": rough((128, 128), (190, 150, 100), 30, 3), "bar": rough((100, 100), (80, 80, 86), 50, 9),
        "player": figure(), "end": disc((250, 230, 60), 0.42, n=90),
        "box": marked(crate, (0, 36, 80, 44), colour=(70, 40, 10)),
    }  # fmt: skip


def _glass() -> dict[str, Texture]:
    return {
        "floor": rough((96, 96), (60, 70, 90), 24, 5), "bar": rough((64, 64), (200, 190, 170), 40, 2),
        "player": disc((120, 255, 255), 0.48, 0.55), "end": disc((255, 80, 200), 0.46, 0.6),
        "box": flat((255, 240, 120), 0.6),
    }  # fmt: skip


def _full() -> dict[str, Texture]:
    eyes = ((14, 20, 22, 30), (42, 20, 50, 30), (16, 44, 48, 50))
    return {
        "floor": marked(rough((200, 200), (150, 170, 120), 40, 12), (0, 0, 200, 4), colour=(90, 110, 70)),
        "bar": rough((50, 70), (110, 50, 40), 40, 4),
        "player": marked(rough((64, 64), (240, 130, 20), 14, 8), *eyes, colour=(20, 20, 20)),
        "end": marked(rough((64, 64), (40, 90, 220), 10, 30), (16, 16, 48, 48), colour=(240, 240, 250)),
        "box": marked(rough((64, 64), (160, 60, 170), 16, 6), (30, 4, 34, 60), colour=(20, 20, 20)),
    }  # fmt: skip


SKINS: dict[str, Callable[[], dict[str, Texture]]] = {
    "plain": _plain, "rough": _rough, "glass": _glass, "full": _full,
}  # fmt: skip
WORDS = {"player": "small player", "goal": "far goal", "floor": "the ground", "box": "heavy box"}


def save(path: Path, texture: Texture) -> None:
    """Write a texture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = cv2.COLOR_RGBA2BGRA if texture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    assert cv2.imwrite(str(path), cv2.cvtColor(texture, code))


def write_skin(folder: Path, game: str, skin: str = "plain") -> Path:
    """Write one skin of a game; returns its folder."""
    bar, end = GAMES[game]
    names = {"bar": bar, "end": end, "floor": "floor", "player": "player"}
    if game == "sokoban":
        names["box"] = "box"
    for kind, texture in SKINS[skin]().items():
        if kind in names:
            ending = ".jpg" if (skin, kind) == ("full", "floor") else ".png"
            save(folder / f"{names[kind]}{ending}", texture)
    words = {**WORDS, bar: f"grim {bar}s"}
    record = {"game_type": game, "skin_id": folder.name, "visual_description": words}
    (folder / "description.json").write_text(json.dumps(record))
    return folder


def write_skins(root: Path) -> Path:
    """Write all skins of all games as `root/<game>/<skin>`."""
    for game in GAMES:
        for skin in SKINS:
            write_skin(root / game / skin, game, skin)
    return root
