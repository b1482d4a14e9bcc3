"""Small pictures drawn by code: discs, squares, stars, crates, characters; smooth at any size."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Colour = tuple[int, int, int]
Coverage = npt.NDArray[np.bool_]
Grid = npt.NDArray[np.float32]
OVERSAMPLING = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """One shape of a mark: centre (x, y) and half extents (w, h) in the square [-1, 1].

    Without a colour it is a hole through the layers below it.
    """

    shape: str
    colour: Colour | None
    x: float = 0.0
    y: float = 0.0
    w: float = 1.0
    h: float = 1.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A picture made of layers.

    Attributes:
        noun: what a person calls it ("disc", "robot").
        colour: the colour a person names it by.
        layers: shapes from back to front.
        scale: width as a share of the unit it stands in (a cell, or a room where walls are lines).
        turn: by how many degrees it is turned, clockwise about its middle.
    """

    noun: str
    colour: Colour
    layers: tuple[Layer, ...]
    scale: float = 0.6
    turn: float = 0.0


def _flame(x: Grid, y: Grid) -> Coverage:
    """Round below, pointed above, the point a little aside."""
    below = np.sqrt(np.maximum(1 - ((y - 0.3) / 0.7) ** 2, 0))
    above = np.clip((y + 1) / 1.3, 0, 1) ** 1.3
    aside = 0.22 * np.minimum(y - 0.3, 0)
    return np.asarray(
        (np.abs(y) <= 1) & (np.abs(x - aside) <= 0.8 * np.where(y > 0.3, below, above)), np.bool_
    )


def _star(x: Grid, y: Grid) -> Coverage:
    radius = np.hypot(x, y)
    angle = np.arctan2(x, -y)
    sector = np.abs((angle / (2 * np.pi / 5) + 0.5) % 1.0 - 0.5) * 2
    return np.asarray(radius <= 1.0 - 0.58 * sector, np.bool_)


_HORSE = (
    (-0.62, 0.72), (-0.5, 0.3), (-0.1, -0.02), (-0.2, -0.14), (-0.56, 0.12), (-0.8, -0.02), (-0.74, -0.24),
    (-0.4, -0.62), (-0.28, -0.98), (-0.02, -0.68), (0.34, -0.56), (0.62, -0.1), (0.66, 0.72),
)  # fmt: skip


def _horse(x: Grid, y: Grid) -> Coverage:
    """A horse's head that looks to the left: inside where an odd number of edges lies to the right."""
    inside = np.zeros(x.shape, np.bool_)
    for (x0, y0), (x1, y1) in zip(_HORSE, _HORSE[1:] + _HORSE[:1], strict=True):
        across = (y0 > y) != (y1 > y)
        inside ^= across & (x < (x1 - x0) * (y - y0) / ((y1 - y0) or 1.0) + x0)
    return inside


def _moon(edge: float) -> Callable[[Grid, Grid], Coverage]:
    """A lit part of a disc: right of an ellipse's half, which bulges to the right (1) or to the left (-1)."""

    def lit(x: Grid, y: Grid) -> Coverage:
        across = np.sqrt(np.maximum(1 - y * y, 0))
        return np.asarray((np.abs(x) <= across) & (x >= edge * across), np.bool_)

    return lit


def _turned(look: Callable[[Grid, Grid], Coverage]) -> Callable[[Grid, Grid], Coverage]:
    """The shape with left and right changed."""
    return lambda x, y: look(np.asarray(-x, np.float32), y)


_MOONS = {"crescent": _moon(0.45), "quarter": _moon(0.0), "gibbous": _moon(-0.45)}

SHAPES: dict[str, Callable[[Grid, Grid], Coverage]] = {
    "disc": lambda x, y: x * x + y * y <= 1,
    "square": lambda x, y: np.maximum(np.abs(x), np.abs(y)) <= 1,
    "rounded": lambda x, y: (
        (np.maximum(np.abs(x) - 0.6, 0) ** 2 + np.maximum(np.abs(y) - 0.6, 0) ** 2) <= 0.16
    ),
    "diamond": lambda x, y: np.abs(x) + np.abs(y) <= 1,
    "ring": lambda x, y: (x * x + y * y <= 1) & (x * x + y * y >= 0.3),
    "triangle": lambda x, y: (y <= 1) & (np.abs(x) * 2 <= y + 1),
    "cross": lambda x, y: (
        (np.minimum(np.abs(x), np.abs(y)) <= 0.32) & (np.maximum(np.abs(x), np.abs(y)) <= 1)
    ),
    "star": _star,
    "saltire": lambda x, y: (np.abs(np.abs(x) - np.abs(y)) <= 0.36) & (np.maximum(np.abs(x), np.abs(y)) <= 1),
    "heart": lambda x, y: (
        ((np.abs(x) - 0.5) ** 2 + (y + 0.45) ** 2 <= 0.25)
        | ((y > -0.45) & (np.abs(x) * 1.45 <= 1 - y)) & (np.abs(x) <= 1)
    ),
    "hexagon": lambda x, y: (np.abs(x) <= 0.87) & (np.abs(y) + np.abs(x) * 0.577 <= 1),
    "burst": lambda x, y: (
        (x * x + y * y <= 0.5) | ((x * x + y * y <= 1) & (np.cos(8 * np.arctan2(y, x)) >= 0.6))
    ),
    "flame": _flame,
    "frame": lambda x, y: (
        (np.maximum(np.abs(x), np.abs(y)) <= 1) & (np.maximum(np.abs(x), np.abs(y)) >= 0.62)
    ),
    "horse": _horse,
    "ghost": lambda x, y: (
        ((x * x + (y + 0.1) ** 2 <= 0.81) & (y <= -0.1))
        | ((np.abs(x) <= 0.9) & (y > -0.1) & (y <= 0.95 - 0.3 * np.abs((x * 1.6) % 1.0 - 0.5)))
    ),
}
SHAPES |= {
    "new_moon": lambda x, y: (x * x + y * y <= 1) & (x * x + y * y >= 0.72),
    "full_moon": SHAPES["disc"],
    "waxing_crescent": _MOONS["crescent"],
    "first_quarter": _MOONS["quarter"],
    "waxing_gibbous": _MOONS["gibbous"],
    "waning_gibbous": _turned(_MOONS["gibbous"]),
    "last_quarter": _turned(_MOONS["quarter"]),
    "waning_crescent": _turned(_MOONS["crescent"]),
}
NOUNS = {"rounded": "rounded square"}


def _pie(slices: int) -> Callable[[Grid, Grid], Coverage]:
    """So many sixths of a disc, a little apart, clockwise from above."""

    def left(x: Grid, y: Grid) -> Coverage:
        turn = (np.arctan2(x, -y) / (2 * np.pi) % 1) * 6
        apart = np.hypot(x, y) * np.sin(np.abs((turn + 0.5) % 1 - 0.5) * np.pi / 3)
        return np.asarray((x * x + y * y <= 1) & (turn < slices) & (apart >= 0.07), np.bool_)

    return left


SHAPES |= {f"pie {k}": _pie(k) for k in range(1, 7)}


def _arrow(x: Grid, y: Grid) -> Coverage:
    """A shaft and a head that point to the right."""
    head = (x >= 0) & (np.abs(y) <= 0.9 * (1 - x))
    return np.asarray((head & (x <= 1)) | ((x >= -1) & (x <= 0.1) & (np.abs(y) <= 0.3)), np.bool_)


ARROWS = {"right": (1, 0), "down": (0, 1), "left": (-1, 0), "up": (0, -1)}
"""Where arrows point: x and y."""
for _way, (_dx, _dy) in ARROWS.items():
    SHAPES[f"arrow {_way}"] = functools.partial(
        lambda x, y, dx, dy: _arrow(
            np.asarray(x * dx + y * dy, np.float32), np.asarray(y * dx - x * dy, np.float32)
        ),
        dx=_dx,
        dy=_dy,
    )


def shape(name: str, colour: Colour, scale: float = 0.6, *, edge: Colour | None = None) -> Mark:
    """A mark of one shape, with an outline in `edge` where given."""
    layers: tuple[Layer, ...] = (Layer(name, colour),)
    if edge is not None:
        layers = (Layer(name, edge), Layer(name, colour, w=0.78, h=0.78))
    return Mark(NOUNS.get(name, name), colour, layers, scale)


def arrow(way: str, colour: Colour, scale: float = 0.62) -> Mark:
    """An arrow that points right, down, left or up."""
    return Mark("arrow", colour, (Layer(f"arrow {way}", colour),), scale)


def key(colour: Colour, dark: Colour, scale: float = 0.88) -> Mark:
    """A key: a ring, a shaft and two teeth, with a dark edge."""
    parts = (
        ("square", 0.36, 0.0, 0.6, 0.15),
        ("square", 0.46, 0.3, 0.11, 0.28),
        ("square", 0.82, 0.3, 0.11, 0.28),
    )
    rim = 0.1
    layers = (
        *(Layer(shape, dark, x, y, w + rim, h + rim) for shape, x, y, w, h in parts),
        Layer("disc", dark, x=-0.46, w=0.54, h=0.54),
        *(Layer(shape, colour, x, y, w, h) for shape, x, y, w, h in parts),
        Layer("disc", colour, x=-0.46, w=0.44, h=0.44),
        Layer("disc", dark, x=-0.46, w=0.2, h=0.2),
    )
    return Mark("key", colour, layers, scale)


def door(colour: Colour, dark: Colour, scale: float = 0.96) -> Mark:
    """A door with a frame and a keyhole."""
    layers = (
        Layer("square", dark),
        Layer("square", colour, w=0.84, h=0.84),
        Layer("disc", dark, y=-0.16, w=0.22, h=0.22),
        Layer("square", dark, y=0.18, w=0.1, h=0.32),
    )
    return Mark("door", colour, layers, scale)


def car(colour: Colour, dark: Colour, length: int, upright: bool) -> Mark:
    """A car from above, with a window at both ends; `length` in cells, of which it is one wide."""
    long = length - 0.1
    parts = (
        ("rounded", dark, 0.0, 1.0, 0.8 / long),
        ("rounded", colour, 0.0, 1 - 0.1 / long, 0.7 / long),
        ("square", dark, 1 - 0.62 / long, 0.13 / long, 0.48 / long),
        ("square", dark, 0.62 / long - 1, 0.13 / long, 0.48 / long),
    )
    layers = tuple(
        Layer(shape, ink, 0.0, at, h, w) if upright else Layer(shape, ink, at, 0.0, w, h)
        for shape, ink, at, w, h in parts
    )
    return Mark("car", colour, layers, long)


def crate(colour: Colour, dark: Colour, scale: float = 0.84) -> Mark:
    """A wooden box: a frame and two boards."""
    layers = (
        Layer("square", dark),
        Layer("square", colour, w=0.8, h=0.8),
        Layer("square", dark, w=0.8, h=0.08, y=-0.28),
        Layer("square", dark, w=0.8, h=0.08, y=0.28),
        Layer("square", dark, w=0.09, h=0.8),
    )
    return Mark("crate", colour, layers, scale)


def robot(colour: Colour, dark: Colour, scale: float = 0.72) -> Mark:
    """A robot's head with an antenna and two eyes."""
    layers = (
        Layer("square", dark, w=0.08, h=0.3, y=-0.72),
        Layer("disc", colour, w=0.17, h=0.17, y=-0.86),
        Layer("rounded", dark, w=0.92, h=0.74, y=0.24),
        Layer("rounded", colour, w=0.8, h=0.62, y=0.24),
        Layer("disc", (250, 250, 250), x=-0.36, y=0.1, w=0.22, h=0.22),
        Layer("disc", (250, 250, 250), x=0.36, y=0.1, w=0.22, h=0.22),
        Layer("disc", (20, 20, 24), x=-0.36, y=0.1, w=0.1, h=0.1),
        Layer("disc", (20, 20, 24), x=0.36, y=0.1, w=0.1, h=0.1),
        Layer("square", dark, y=0.56, w=0.42, h=0.09),
    )
    return Mark("robot", colour, layers, scale)


def ghost(colour: Colour, scale: float = 0.72) -> Mark:
    """A ghost with two eyes."""
    layers = (
        Layer("ghost", colour),
        Layer("disc", (255, 255, 255), x=-0.34, y=-0.2, w=0.24, h=0.28),
        Layer("disc", (255, 255, 255), x=0.34, y=-0.2, w=0.24, h=0.28),
        Layer("disc", (25, 25, 60), x=-0.26, y=-0.16, w=0.12, h=0.14),
        Layer("disc", (25, 25, 60), x=0.42, y=-0.16, w=0.12, h=0.14),
    )
    return Mark("ghost", colour, layers, scale)


def flag(colour: Colour, pole: Colour, scale: float = 0.78) -> Mark:
    """A flag on a pole."""
    layers = (
        Layer("square", pole, x=-0.62, w=0.1, h=1.0),
        Layer("square", colour, x=0.12, y=-0.5, w=0.68, h=0.44),
        Layer("square", pole, x=-0.3, y=0.94, w=0.5, h=0.08),
    )
    return Mark("flag", colour, layers, scale)


# -- traps: several of them are spoken of together, so their nouns are plural --------------------------------
def crosses(ground: Colour, ink: Colour, scale: float = 0.94) -> Mark:
    """A coloured tile that is crossed out."""
    layers = (Layer("square", ground), Layer("saltire", ink, w=0.62, h=0.62))
    return Mark("crosses", ground, layers, scale)


def spikes(colour: Colour, ground: Colour, scale: float = 0.94) -> Mark:
    """Two rows of spikes on a plate."""
    rows = [
        Layer("triangle", colour, x=x, y=y, w=0.26, h=0.4)
        for y, xs in ((-0.42, (-0.56, 0.0, 0.56)), (0.46, (-0.56, 0.0, 0.56)))
        for x in xs
    ]
    return Mark("spikes", colour, (Layer("square", ground), *rows), scale)


def pits(colour: Colour, rim: Colour, scale: float = 0.9) -> Mark:
    """A hole with a rim that is wider below."""
    return Mark("holes", colour, (Layer("disc", rim), Layer("disc", colour, y=-0.06, w=0.88, h=0.86)), scale)


def fires(colour: Colour, core: Colour, ground: Colour, scale: float = 0.94) -> Mark:
    """A fire on a scorched tile."""
    layers = (
        Layer("rounded", ground),
        Layer("flame", colour, w=1.06, h=0.94),
        Layer("flame", core, y=0.36, w=0.46, h=0.46),
    )
    return Mark("flames", colour, layers, scale)


def mines(colour: Colour, light: Colour, scale: float = 0.92) -> Mark:
    """A ball with horns."""
    layers = (Layer("burst", colour), Layer("disc", light, x=-0.22, y=-0.26, w=0.2, h=0.16))
    return Mark("mines", colour, layers, scale)


def frames(colour: Colour, scale: float = 0.78) -> Mark:
    """The outline of a tile."""
    return Mark("frames", colour, (Layer("frame", colour),), scale)


def signs(colour: Colour, ink: Colour, scale: float = 0.94) -> Mark:
    """A warning sign: a triangle with an exclamation mark."""
    layers = (
        Layer("triangle", ink),
        Layer("triangle", colour, y=0.08, w=0.78, h=0.76),
        Layer("square", ink, y=0.16, w=0.12, h=0.3),
        Layer("disc", ink, y=0.64, w=0.13, h=0.13),
    )
    return Mark("warning signs", colour, layers, scale)


@functools.lru_cache(maxsize=256)
def paint(mark: Mark, width: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The mark drawn `width` pixels wide, in the middle of an odd square.

    Returns:
        rgb (n, n, 3) float32 0-255, not multiplied by alpha, and alpha (n, n) float32 in [0, 1].
    """
    n = int(np.ceil(width)) // 2 * 2 + 3
    axis = (np.arange(n * OVERSAMPLING, dtype=np.float32) + np.float32(0.5)) / OVERSAMPLING - np.float32(
        n / 2
    )
    x, y = np.meshgrid(axis * np.float32(2 / width), axis * np.float32(2 / width))
    if mark.turn:
        c, s = np.float32(np.cos(np.radians(mark.turn))), np.float32(np.sin(np.radians(mark.turn)))
        x, y = x * c + y * s, y * c - x * s
    rgb = np.zeros((*x.shape, 3), np.float32)
    rgb[:] = mark.colour
    covered = np.zeros(x.shape, np.bool_)
    for layer in mark.layers:
        u, v = (
            (x - np.float32(layer.x)) / np.float32(layer.w),
            (y - np.float32(layer.y)) / np.float32(layer.h),
        )
        inside = SHAPES[layer.shape](np.asarray(u, np.float32), np.asarray(v, np.float32))
        if layer.colour is None:
            covered &= ~inside
            continue
        rgb[inside] = layer.colour
        covered |= inside
    alpha_hi = covered.astype(np.float32)
    alpha = cv2.resize(alpha_hi, (n, n), interpolation=cv2.INTER_AREA)
    mean = cv2.resize(rgb * alpha_hi[..., None], (n, n), interpolation=cv2.INTER_AREA)
    rgb_lo = np.where(alpha[..., None] > 0, mean / np.maximum(alpha[..., None], 1e-6), np.float32(0))
    return np.asarray(rgb_lo, np.float32), np.asarray(alpha, np.float32)
