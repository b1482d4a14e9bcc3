"""Pictures of the stages of processes: a glass that fills, a candle that burns down, a wall that is built.

Every stage shows what the one before it shows and a little more, or a little less: which of two pictures is
the earlier one follows from the process's name alone. What is drawn inside a shape is a hole in it, so that
stages differ in their outlines, and no colour is used that is weak on a style's ground.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from genreason.render.marks import Colour, Layer, Mark

SCALE = 0.74  # of a picture, in widths of a cell
Colours = Mapping[str, Colour]
"""By name: "ink", "red", "yellow", "green"."""


def _box(left: float, top: float, right: float, bottom: float, colour: Colour | None) -> Layer:
    x, y = (left + right) / 2, (top + bottom) / 2
    return Layer("square", colour, x=x, y=y, w=(right - left) / 2, h=(bottom - top) / 2)


def _glass(k: int, c: Colours) -> list[Layer]:
    """Fuller and fuller."""
    walls = [_box(-0.78, -0.95, -0.62, 0.95, c["ink"]), _box(0.62, -0.95, 0.78, 0.95, c["ink"])]
    drink = [_box(-0.62, 0.79 - 0.39 * k, 0.62, 0.79, c["red"])] if k else []
    return [*drink, *walls, _box(-0.78, 0.79, 0.78, 0.95, c["ink"])]


def _candle(k: int, c: Colours) -> list[Layer]:
    """Shorter and shorter, in a lantern."""
    top = -0.3 + 0.33 * k
    flame = Layer("flame", c["yellow"], y=top - 0.27, w=0.34, h=0.28)
    frame = [_box(x - 0.06, -0.9, x + 0.06, 0.8, c["ink"]) for x in (-0.66, 0.66)]
    frame.append(_box(-0.72, -0.98, 0.72, -0.84, c["ink"]))
    return [*frame, _box(-0.46, top, 0.46, 0.78, c["red"]), flame, _box(-0.9, 0.78, 0.9, 0.95, c["ink"])]


def _plant(k: int, c: Colours) -> list[Layer]:
    """Higher and higher, beside a stick; leaves, a bud and a flower come."""
    layers = [_box(0.72, -0.95, 0.82, 0.95, c["ink"]), _box(-0.7, 0.5, 0.46, 0.95, c["red"])]
    if k:
        layers.append(_box(-0.2, (0.5, 0.2, -0.3, -0.5, -0.5)[k], -0.04, 0.6, c["green"]))
    for y in (0.28, -0.1)[: min(k, 2)]:
        layers += [Layer("disc", c["green"], x=x, y=y, w=0.32, h=0.16) for x in (-0.46, 0.22)]
    if k >= 3:
        size = 0.24 if k == 3 else 0.5
        layers.append(Layer("disc" if k == 3 else "burst", c["yellow"], x=-0.12, y=-0.48, w=size, h=size))
    return layers


def _battery(k: int, c: Colours) -> list[Layer]:
    """Fuller and fuller."""
    case = [_box(-0.95, -0.72, 0.8, 0.72, c["ink"]), _box(-0.81, -0.58, 0.66, 0.58, None)]
    bar = [_box(-0.81, -0.58, -0.81 + 0.49 * k, 0.58, c["green"])] if k else []
    return [*case, *bar, _box(0.8, -0.3, 0.97, 0.3, c["ink"])]


def _sun(k: int, c: Colours) -> list[Layer]:
    """Higher and higher above the land."""
    disc = [Layer("disc", c["yellow"], y=0.9 - 0.5 * k, w=0.4, h=0.4)] if k else []
    return [*disc, _box(-1, 0.44, 1, 0.95, c["green"])]


def _house(k: int, c: Colours) -> list[Layer]:
    """A floor, then walls, a roof, a door, and a window."""
    parts = [
        _box(-0.95, 0.8, 0.95, 0.95, c["ink"]),
        _box(-0.76, -0.16, 0.76, 0.8, c["yellow"]),
        Layer("triangle", c["red"], y=-0.56, w=0.95, h=0.4),
        _box(-0.52, 0.16, -0.06, 0.8, None),
        _box(0.14, 0.1, 0.6, 0.5, None),
    ]
    return parts[: k + 1]


def _wall(k: int, c: Colours) -> list[Layer]:
    """More and more bricks, two side by side."""
    bricks = [(-0.9 + 0.92 * (i % 2), 0.24 - 0.58 * (i // 2)) for i in range(k + 1)]
    layers = [_box(x, y, x + 0.88, y + 0.54, c["red"]) for x, y in bricks]
    return [*layers, _box(-0.98, 0.8, 0.98, 0.95, c["ink"])]


def _tree(k: int, c: Colours) -> list[Layer]:
    """Fewer and fewer bunches of leaves."""
    spots = ((0.34, -0.6), (-0.6, 0.0), (-0.34, -0.6), (0.6, 0.0))
    leaves = [Layer("disc", c["green"], x=x, y=y, w=0.36, h=0.36) for x, y in spots[k:]]
    branches = [_box(-0.6, 0.1, 0.6, 0.22, c["ink"]), _box(-0.08, -0.5, 0.08, 0.95, c["ink"])]
    branches += [_box(x - 0.07, -0.15, x + 0.07, 0.2, c["ink"]) for x in (-0.53, 0.53)]
    return [*branches, *leaves, _box(-0.6, 0.81, 0.6, 0.95, c["ink"])]


def _pie(k: int, c: Colours) -> list[Layer]:
    """Fewer and fewer slices, on a plate."""
    plate = [Layer("disc", c["ink"], w=0.98, h=0.98), Layer("disc", None, w=0.88, h=0.88)]
    return [*plate, Layer(f"pie {6 - k}", c["red"], w=0.76, h=0.76)]


_DRAWN: dict[str, tuple[int, str, Callable[[int, Colours], list[Layer]]]] = {
    "glass": (5, "red", _glass),
    "candle": (4, "red", _candle),
    "plant": (5, "green", _plant),
    "battery": (4, "green", _battery),
    "sun": (4, "yellow", _sun),
    "house": (5, "red", _house),
    "wall": (5, "red", _wall),
    "tree": (5, "green", _tree),
    "pie": (6, "red", _pie),
}
STAGES = {name: count for name, (count, _, _) in _DRAWN.items()}
"""How many stages there are of each process."""


def stage(name: str, k: int, colours: Colours) -> Mark:
    """The picture of stage k (from 0) of a process."""
    return _stage(name, k, tuple(sorted(colours.items())))


@functools.lru_cache(maxsize=256)
def _stage(name: str, k: int, colours: tuple[tuple[str, Colour], ...]) -> Mark:
    _, colour, drawn = _DRAWN[name]
    known = dict(colours)
    return Mark(name, known[colour], tuple(drawn(k, known)), SCALE)
