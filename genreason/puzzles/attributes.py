"""Things that differ in shape, colour, size, filling and number: their names, and the signs that show them.

A thing's name is its symbol on boards ("small red hollow disc", "3 blue stars"), and what a person calls it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from genreason.render.cells import CELL_STYLES, CellStyle, Sign
from genreason.render.marks import Colour, Layer, Mark
from genreason.types import UserError

SHAPES = ("disc", "square", "triangle", "diamond", "star", "cross", "heart")
COLOURS = ("red", "yellow", "green", "blue", "purple")
SIZES = ("small", "medium", "large")
FILLS = ("solid", "hollow")
NUMBERS = (1, 2, 3, 4)
STYLES = ("print", "notebook", "chalk", "night", "blueprint")
"""Styles of boards on whose ground all colours stand out."""

ON_LIGHT: dict[str, Colour] = {
    "red": (222, 30, 38), "yellow": (240, 185, 0), "green": (20, 140, 60), "blue": (30, 80, 225),
    "purple": (150, 40, 190),
}  # fmt: skip
ON_DARK: dict[str, Colour] = {
    "red": (235, 50, 50), "yellow": (250, 225, 50), "green": (60, 205, 80), "blue": (60, 130, 255),
    "purple": (200, 80, 235),
}  # fmt: skip
_SCALES = {"small": 0.38, "medium": 0.54, "large": 0.76}
_SPOTS: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((0.0, 0.0),),
    2: ((-0.52, 0.0), (0.52, 0.0)),
    3: ((0.0, -0.5), (-0.52, 0.5), (0.52, 0.5)),
    4: ((-0.52, -0.52), (0.52, -0.52), (-0.52, 0.52), (0.52, 0.52)),
}
_EACH = 0.44  # half the width of one of several, of half the width of all
_HOLE = 0.56  # width of the hole of hollow things, of their own
_LOW = {"triangle": 1 / 3, "heart": -0.12}  # y of the middle of what is not symmetric


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing, or several that look the same, in one cell."""

    shape: str = "disc"
    colour: str = "red"
    size: str = "medium"
    fill: str = "solid"
    number: int = 1

    def __str__(self) -> str:
        """Its name; a medium size and a solid filling are not said."""
        words = [
            str(self.number) if self.number > 1 else "",
            "" if self.size == "medium" else self.size,
            self.colour,
            "" if self.fill == "solid" else self.fill,
            self.shape if self.number == 1 else plural(self.shape),
        ]
        return " ".join(word for word in words if word)


def plural(shape: str) -> str:
    """The name of several things of a shape."""
    return f"{shape}es" if shape == "cross" else f"{shape}s"


@functools.cache
def _all() -> dict[str, Thing]:
    found = (Thing(*values) for values in product(SHAPES, COLOURS, SIZES, FILLS, NUMBERS))
    return {str(thing): thing for thing in found}


def named(name: str, where: str = "attributes") -> Thing:
    """The thing of that name.

    Raises:
        UserError: there is none; `where` says who asks.
    """
    if name not in _all():
        raise UserError(f"{where}: {name!r} is no thing: write it like 'small red hollow disc' or '3 stars'")
    return _all()[name]


def things(
    shapes: Iterable[str] = ("disc",),
    colours: Iterable[str] = ("red",),
    sizes: Iterable[str] = ("medium",),
    fills: Iterable[str] = ("solid",),
    numbers: Iterable[int] = (1,),
) -> tuple[str, ...]:
    """Names of all things with these attributes."""
    return tuple(str(Thing(*values)) for values in product(shapes, colours, sizes, fills, numbers))


def palette(style: CellStyle) -> dict[str, Colour]:
    """The colours on the ground of a style."""
    return ON_LIGHT if sum(style.ground.colour) > 380 else ON_DARK


def styles() -> tuple[str, ...]:
    """The styles whose grounds suit."""
    return tuple(name for name in CELL_STYLES if name in STYLES)


def sign(name: str, style: CellStyle, scale: float = 1.0) -> Sign:
    """What a thing looks like; `scale` makes it smaller or larger than usual."""
    thing = named(name)
    return Sign(mark=mark(thing, palette(style)[thing.colour], scale))


def mark(thing: Thing, colour: Colour, scale: float = 1.0) -> Mark:
    """The picture of a thing in a colour."""
    layers: list[Layer] = []
    each = 1.0 if thing.number == 1 else _EACH
    for x, y in _SPOTS[thing.number]:
        layers.append(Layer(thing.shape, colour, x=x, y=y, w=each, h=each))
        if thing.fill == "hollow":
            low = y + _LOW.get(thing.shape, 0.0) * each * (1 - _HOLE)
            layers.append(Layer(thing.shape, None, x=x, y=low, w=_HOLE * each, h=_HOLE * each))
    noun = thing.shape if thing.number == 1 else plural(thing.shape)
    return Mark(noun, colour, tuple(layers), _SCALES[thing.size] * scale)
