"""Plain scenes for physics: grounds, lines and arrows that stand still, and a few parts that move.

A scene is `SIDE` units wide and high, y downwards; the lattice's cell is one unit. Every part has one place
(x, y): the middle of a disc, the right end of a bar, the surface of a column of water. What else belongs to a
part (its thread, what lies on it, what is written on it) follows from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.board import Board, blend
from genreason.render.cells import Sign, sign_piece
from genreason.render.lattice import Lattice
from genreason.render.marks import Colour
from genreason.render.rigstyles import SCENE_STYLES, SceneStyle
from genreason.render.textures import surface
from genreason.types import Frame

SIDE = 16
SHIFT = 4  # binary digits of the fractions of pixels in which lines are drawn
TEXTS = tuple("123456789")  # what may be written on a part
MOST_TEXT = 3.0  # the widest text in its heights
Point = tuple[float, float]
Places = npt.NDArray[np.float32]


# -- what stands still ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    points: tuple[Point, ...]
    role: str = "ground"


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line from point to point, with an arrow's head at its end where asked for."""

    points: tuple[Point, ...]
    role: str = "ink"
    width: float = 0.12
    head: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle."""

    at: Point
    radius: float
    role: str = "ink"


@dataclass(frozen=True, slots=True)
class Text:
    """A text around a point, its height in units."""

    at: Point
    text: str
    height: float = 0.8
    role: str = "ink"


Still = Area | Stroke | Dot | Text


def box(left: float, top: float, right: float, bottom: float, role: str = "ground") -> Area:
    """A filled rectangle."""
    return Area(((left, top), (right, top), (right, bottom), (left, bottom)), role)


def mirrored(points: npt.NDArray[np.float64], mirror: bool) -> npt.NDArray[np.float64]:
    """Points (..., 2), or their mirror image with left and right changed."""
    return points * (-1, 1) + (SIDE, 0) if mirror else points


def draw_still(
    items: Sequence[Still], lattice: Lattice, style: SceneStyle, size: tuple[int, int],
    rng: np.random.Generator,
) -> Frame:  # fmt: skip
    """The picture of a scene without its moving parts, in a picture of `size` (width, height)."""
    w, h = size
    sky = style.sky
    colours = surface(rng, size, sky.colour, sky.texture, sky.strength, lattice.cell_w)
    frame = np.clip(np.broadcast_to(colours, (h, w, 3)) + np.float32(0.5), 0, 255).astype(np.uint8)
    for item in items:
        colour = style.colour(item.role)
        if isinstance(item, Area):
            fill(frame, lattice, item.points, colour)
        elif isinstance(item, Stroke):
            for a, b in zip(item.points, item.points[1:], strict=False):
                line(frame, lattice, a, b, item.width, colour)
            if item.head:
                _head(frame, lattice, item.points[-2], item.points[-1], item.width, colour)
        elif isinstance(item, Dot):
            disc(frame, lattice, item.at, item.radius, colour)
        else:
            write(frame, lattice, item.at, item.text, item.height, colour, style.font)
    return np.asarray(frame, np.uint8)


def _head(frame: Frame, lattice: Lattice, a: Point, b: Point, width: float, colour: Colour) -> None:
    """The head of an arrow from a to b, its tip at b."""
    way = np.array(b) - np.array(a)
    way /= max(float(np.hypot(*way)), 1e-6)
    across, back = np.array([-way[1], way[0]]), np.array(b) - 4.5 * width * way
    corners = [b, back + 2.4 * width * across, back - 2.4 * width * across]
    fill(frame, lattice, [(float(x), float(y)) for x, y in corners], colour)


def _fixed(lattice: Lattice, points: Sequence[Point]) -> npt.NDArray[np.int32]:
    """Points in fractions of pixels, as OpenCV takes them (pixel centres at whole numbers)."""
    pixels = lattice.pixels(np.array(points, np.float64)) - np.float32(0.5)
    return np.asarray(np.rint(pixels * (1 << SHIFT)), np.int32)


def fill(frame: Frame, lattice: Lattice, points: Sequence[Point], colour: Colour) -> None:
    """Fill a polygon, in place."""
    cv2.fillPoly(frame, [_fixed(lattice, points)], colour, cv2.LINE_AA, SHIFT)


def disc(frame: Frame, lattice: Lattice, at: Point, radius: float, colour: Colour) -> None:
    """Fill a circle, in place; an ellipse where cells are not square."""
    (x, y), unit = _fixed(lattice, [at])[0].tolist(), 1 << SHIFT
    axes = round(radius * lattice.cell_w * unit), round(radius * lattice.cell_h * unit)
    cv2.ellipse(frame, (x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA, SHIFT)


def line(frame: Frame, lattice: Lattice, a: Point, b: Point, width: float, colour: Colour) -> None:
    """Draw a line as a narrow polygon, in place."""
    p, q = np.array(a, np.float64), np.array(b, np.float64)
    length = float(np.hypot(*(q - p)))
    if length < 1e-6:
        return
    side = np.array([p[1] - q[1], q[0] - p[0]]) / length * width / 2
    corners = [p + side, q + side, q - side, p - side]
    fill(frame, lattice, [(float(x), float(y)) for x, y in corners], colour)


def write(
    frame: Frame, lattice: Lattice, at: Point, text: str, height: float, colour: Colour, font: str
) -> None:
    """Write a text around a point, in place."""
    sign = Sign(text=text, ink=colour, font=font, scale=height / MOST_TEXT)
    piece = sign_piece("", sign, MOST_TEXT * len(text) * lattice.cell_w, MOST_TEXT * lattice.cell_h)
    x, y = lattice.pixels(at)
    blend(frame, piece, float(x), float(y))


# -- what moves ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Writing:
    """A text on a part: around which point, in which height (units), on which colour."""

    at: Point
    text: str
    height: float
    under: str

    def draw(self, frame: Frame, lattice: Lattice, style: SceneStyle) -> None:
        """Write it, in place."""
        write(frame, lattice, self.at, self.text, self.height, style.face, "bold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that moves.

    Attributes:
        name: what it is; `role` says in which colour of the style.
    """

    noun: ClassVar[str]

    name: str
    role: str

    def draw(self, frame: Frame, lattice: Lattice, style: SceneStyle, at: Point) -> None:
        """Draw it at its place, in place."""
        raise NotImplementedError

    def written(self, at: Point) -> tuple[Writing, ...]:
        """What is written on it."""
        return ()

    @property
    def loaded(self) -> bool:
        """Whether anything belongs to it (`extras`)."""
        return False

    def extras(self, frame: Frame, lattice: Lattice, style: SceneStyle, at: Point) -> None:
        """Draw what belongs to it and has another colour, in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc(Part):
    """A disc; `label` is written on it, and a thread leads to it from the point `tether`."""

    noun: ClassVar[str] = "disc"

    radius: float
    label: str = ""
    tether: Point | None = None

    def draw(self, frame: Frame, lattice: Lattice, style: SceneStyle, at: Point) -> None:
        """The disc."""
        disc(frame, lattice, at, self.radius, style.colour(self.role))
        for writing in self.written(at):
            writing.draw(frame, lattice, style)

    def written(self, at: Point) -> tuple[Writing, ...]:
        """Its label."""
        return (Writing(at, self.label, 0.95 * self.radius, self.role),) if self.label else ()

    @property
    def loaded(self) -> bool:
        """Whether there is a thread."""
        return self.tether is not None

    def extras(self, frame: Frame, lattice: Lattice, style: SceneStyle, at: Point) -> None:
        """The thread."""
        if self.tether is not None:
            line(frame, lattice, self.tether, at, 0.12, style.ink)


@dataclass(frozen=True, slots=True)
class Load:
    """A disc on a bar: its place on it (-1 left end, 1 right end), radius, what is written on it."""

    along: float
    radius: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar(Part):
    """A bar that turns about its middle; its place is its right end.

    What lies on it are `loads`; so many `marks` below it are on each side of the middle.
    """

    noun: ClassVar[str] = "bar"

    middle: Point
    half: float
    thick: float
    loads: tuple[Load, ...] = ()
    marks: int = 0
    load_role: str = "second"

    def draw(self, frame: Frame, lattice: Lattice, style: SceneStyle, at: Point) -> None:
        """The bar."""
        way = np.array(at) - np.array(self.middle)
        left = np.array(self.middle) - way
        line(frame, lattice, (float(left[0]), float(left[1])), at, self.thick, style.colour(self.role))

    @property
    def loaded(self) -> bool:
        """Whether something lies on it."""
        return bool(self.loads)

    def extras(self, frame: Frame, lattice: Lattice, style: SceneStyle, at: Point) -> None:
        """What lies on it."""
        way, up = self._ways(at)
        for k in range(-self.marks, self.marks + 1):
            foot = np.array(self.middle) + k / (self.marks + 0.6) * way
            tip = foot - (self.thick / 2 + 0.35) * up
            line(frame, lattice, tuple(foot.tolist()), tuple(tip.tolist()), 0.14, style.ink)
        for load, writing in zip(self.loads, self.written(at), strict=True):
            disc(frame, lattice, writing.at, load.radius, style.colour(self.load_role))
            writing.draw(frame, lattice, style)

    def written(self, at: Point) -> tuple[Writing, ...]:
        """The labels of what lies on it."""
        way, up = self._ways(at)
        places = [
            np.array(self.middle) + load.along * way + (load.radius + self.thick / 2) * up
            for load in self.loads
        ]
        return tuple(
            Writing((float(x), float(y)), load.label, load.radius, self.load_role)
            for load, (x, y) in zip(self.loads, places, strict=True)
        )

    def _ways(self, at: Point) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """From the middle to the right end, and one unit up from the bar."""
        way = np.array(at) - np.array(self.middle)
        return way, np.array([way[1], -way[0]]) / max(float(np.hypot(*way)), 1e-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Part):
    """A filled upright tube (or a post); its place is the middle of its surface."""

    noun: ClassVar[str] = "column"

    left: float
    right: float
    top: float
    bottom: float

    def draw(self, frame: Frame, lattice: Lattice, style: SceneStyle, at: Point) -> None:
        """The column up to its surface."""
        if at[1] < self.bottom - 0.01:
            area = box(self.left, at[1], self.right, self.bottom, self.role)
            fill(frame, lattice, area.points, style.colour(self.role))


@dataclass(frozen=True)
class Rig(Board):
    """A scene as layers: the plate and the parts that move over it."""

    parts: tuple[Part, ...] = ()
    style: SceneStyle = SCENE_STYLES["print"]

    def draw(
        self, places: npt.ArrayLike, opacity: npt.ArrayLike | None = None, out: Frame | None = None
    ) -> Frame:
        """The picture with the parts at `places` (N, 2) in units; `opacity` (N,) fades them (default 1)."""
        frame = self.plate.copy() if out is None else out
        for i, (part, place) in enumerate(zip(self.parts, np.asarray(places).tolist(), strict=True)):
            strength = 1.0 if opacity is None else float(np.asarray(opacity)[i])
            if strength >= 1:
                self.draw_part(frame, part, place)
            elif strength > 0:
                under = frame.copy()
                self.draw_part(frame, part, place)
                cv2.addWeighted(frame, strength, under, 1 - strength, 0, dst=frame)
        return frame

    def draw_part(self, frame: Frame, part: Part, place: Sequence[float]) -> None:
        """Draw one part, in place."""
        at = (float(place[0]), float(place[1]))
        part.extras(frame, self.lattice, self.style, at)
        part.draw(frame, self.lattice, self.style, at)

    def with_part(self, index: int, part: Part) -> Rig:
        """The scene with another part in a part's stead."""
        return replace(self, parts=(*self.parts[:index], part, *self.parts[index + 1 :]))


def lattice_of(size: tuple[int, int]) -> Lattice:
    """The units of a scene in the middle of a picture of `size` (width, height): (0, 0) is its upper left."""
    cell = min(size) / SIDE
    x0, y0 = (size[0] - SIDE * cell) / 2 - cell / 2, (size[1] - SIDE * cell) / 2 - cell / 2
    return Lattice(cols=SIDE, rows=SIDE, x0=x0, y0=y0, cell_w=cell, cell_h=cell)
