"""Boards of cells whose content changes: how the ground looks, and what is put into cells.

A sign is what a symbol looks like: a mark (a disc, a tile), a text, or a text on a mark. Styles are data, and
one list serves all puzzles of this kind: each takes from a style what it needs.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.board import Piece, blend
from genreason.render.glyphs import FONTS, glyphs
from genreason.render.lattice import Lattice
from genreason.render.marks import Colour, Layer, Mark, paint
from genreason.render.styles import NAMED, Paint, colour_name
from genreason.render.textures import surface
from genreason.types import Frame

RING = 0.378  # cells from the middle of a cell to the inner edge of a ring in it
RING_LINE = 0.072  # cells that it is thick
SHADED = 60  # levels (0-255) by which lines across the middles of cells are darker or lighter
Tints = dict[int, Colour]
"""Grounds of cells that differ from the others', by cell (row-major)."""

PLAIN = (
    "red", "green", "blue", "yellow", "orange", "purple", "pink", "cyan", "white", "black", "brown", "lime",
)  # fmt: skip
"""Names of colours that people tell apart."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What a symbol looks like.

    Attributes:
        mark: a shape under the text, or None; its scale is in widths of a cell.
        text: what is written, or "".
        ink: the text's colour.
        font: name of the text's font.
        scale: height of the text in heights of a cell.
        any_ink: whether the text may be written in another colour that stands out as much.
        any_font: whether it may be written in another hand.
        ring: colour of a ring around it, or None; what it is around must keep clear of it (`RING`).
    """

    mark: Mark | None = None
    text: str = ""
    ink: Colour = (20, 20, 24)
    font: str = "plain"
    scale: float = 0.6
    any_ink: bool = True
    any_font: bool = True
    ring: Colour | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStyle:
    """One way to draw a board of cells.

    Attributes:
        ground: of the cells.
        margin: of what is around the board; labels are written on it.
        line: between cells.
        bold: how many times thicker the lines between blocks are.
        given: ink of what stands there from the first, and of labels.
        written: ink of what is put there.
        first: colour of the first kind of pieces.
        second: colour of the second kind.
        tile: colour of tiles that texts stand on; `written` is not used there but `face`.
        face: ink of texts on tiles.
        shade: ground of cells that are marked out (closed, dark squares).
        font: name of the font.
    """

    name: str
    ground: Paint
    margin: Paint
    line: Colour
    given: Colour
    written: Colour
    first: Colour
    second: Colour
    tile: Colour
    face: Colour
    shade: Colour
    font: str = "plain"
    bold: float = 2.5

    def words(self) -> dict[str, str]:
        """What a person calls the colours in the picture."""
        names = ("line", "given", "written", "first", "second", "tile", "face", "shade")
        words = {name: colour_name(getattr(self, name)) for name in names}
        return {**words, "ground": self.ground.word or colour_name(self.ground.colour)}


def _styles() -> dict[str, CellStyle]:
    listed = [
        CellStyle(
            name="print", ground=Paint((252, 252, 252)), margin=Paint((252, 252, 252)), line=(40, 40, 44),
            given=(15, 15, 18), written=(35, 95, 225), first=(222, 30, 38), second=(35, 95, 225),
            tile=(35, 95, 225), face=(250, 250, 250), shade=(196, 200, 206),
        ),
        CellStyle(
            name="notebook", ground=Paint((250, 246, 226), "speckle", 6, "cream paper"),
            margin=Paint((250, 246, 226), "speckle", 6), line=(120, 150, 190), given=(15, 15, 18),
            written=(222, 30, 38), first=(30, 150, 50), second=(125, 50, 180), tile=(140, 85, 40),
            face=(252, 246, 226), shade=(214, 200, 160), font="hand",
        ),
        CellStyle(
            name="chalk", ground=Paint((34, 64, 52), "photo", 12, "a green chalkboard"),
            margin=Paint((34, 64, 52), "photo", 12), line=(150, 180, 165), given=(250, 250, 250),
            written=(250, 210, 40), first=(250, 210, 40), second=(245, 110, 170), tile=(232, 216, 184),
            face=(30, 40, 40), shade=(70, 112, 96), font="narrow",
        ),
        CellStyle(
            name="night", ground=Paint((24, 28, 52)), margin=Paint((14, 16, 32)), line=(96, 104, 160),
            given=(236, 238, 250), written=(60, 225, 165), first=(245, 130, 25), second=(30, 200, 220),
            tile=(250, 210, 40), face=(30, 24, 10), shade=(60, 66, 110), font="bold",
        ),
        CellStyle(
            name="wood", ground=Paint((206, 160, 100), "wood", 12, "light wood"),
            margin=Paint((120, 76, 44), "wood", 12), line=(96, 60, 32), given=(40, 24, 14),
            written=(150, 20, 30), first=(15, 15, 18), second=(250, 250, 250), tile=(110, 62, 30),
            face=(252, 236, 200), shade=(190, 140, 90), font="serif",
        ),
        CellStyle(
            name="blueprint", ground=Paint((28, 58, 128), "speckle", 8, "blue paper"),
            margin=Paint((28, 58, 128), "speckle", 8), line=(150, 176, 226), given=(250, 250, 250),
            written=(250, 210, 40), first=(250, 210, 40), second=(245, 110, 170), tile=(250, 250, 250),
            face=(28, 58, 128), shade=(66, 102, 178), font="digital",
        ),
    ]  # fmt: skip
    return {style.name: style for style in listed}


CELL_STYLES = _styles()
BRIGHT: dict[str, Colour] = {
    name: NAMED[name] for name in ("red", "yellow", "cyan", "purple", "pink", "lime")
}
"""Colours of things that are told by colour: far from each other, and from the grounds of `BRIGHT_STYLES`."""
BRIGHT_STYLES = tuple(name for name in CELL_STYLES if name not in ("wood", "blueprint"))
"""Styles on whose ground all of `BRIGHT` stand out (on blueprint, purple is as pink that is half faded)."""


@functools.lru_cache(maxsize=64)
def palette(style: CellStyle, count: int, apart: tuple[Colour, ...] = ()) -> tuple[Colour, ...]:
    """So many colours that differ from each other, the style's ground and others as much as possible."""
    found: list[Colour] = []
    known = [style.ground.colour, style.line, *apart]
    rest = [NAMED[name] for name in PLAIN]
    while len(found) < count:
        best = max(rest, key=lambda colour: min(_away(colour, other) for other in known))
        rest.remove(best)
        found.append(best)
        known.append(best)
    return tuple(found)


def _away(a: Colour, b: Colour) -> float:
    return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5)


@functools.lru_cache(maxsize=1024)
def sign_piece(name: str, sign: Sign, cell_w: float, cell_h: float) -> Piece:
    """The sign drawn for cells of this size in pixels."""
    parts: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = []
    if sign.mark is not None:
        parts.append(paint(sign.mark, sign.mark.scale * cell_w))
    if sign.text:
        alpha = glyphs(sign.text, FONTS[sign.font], sign.scale * cell_h)
        widest = 0.86 * cell_w  # a text of several glyphs may be too wide for its cell
        if alpha.shape[1] > widest:
            size = max(round(widest), 3), max(round(alpha.shape[0] * widest / alpha.shape[1]), 3)
            alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
        parts.append((np.broadcast_to(np.array(sign.ink, np.float32), (*alpha.shape, 3)), alpha))
    if sign.ring is not None:
        parts.append(paint(_ring(sign.ring), 2 * (RING + RING_LINE) * cell_w))
    whole = parts[0]
    for part in parts[1:]:
        whole = _together(whole, part)
    return Piece(name, np.ascontiguousarray(whole[0]), whole[1])


def _ring(colour: Colour) -> Mark:
    hole = RING / (RING + RING_LINE)
    return Mark("ring", colour, (Layer("disc", colour), Layer("disc", None, w=hole, h=hole)))


def _together(
    below: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    above: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """A picture over the middle of another."""
    (rgb, alpha), (ink, cover) = below, above
    h, w = (max(alpha.shape[k], cover.shape[k]) for k in (0, 1))

    def wide(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        top, left = (h - picture.shape[0]) // 2, (w - picture.shape[1]) // 2
        rest = h - picture.shape[0] - top, w - picture.shape[1] - left
        edge = cv2.BORDER_CONSTANT
        return np.asarray(cv2.copyMakeBorder(picture, top, rest[0], left, rest[1], edge), np.float32)

    rgb, alpha, ink, cover = wide(rgb), wide(alpha), wide(np.ascontiguousarray(ink)), wide(cover)
    whole = cover + alpha * (1 - cover)
    mixed = ink * cover[..., None] + rgb * (alpha * (1 - cover))[..., None]
    rgb = np.asarray(mixed / np.maximum(whole, 1e-6)[..., None], np.float32)
    return rgb, np.asarray(whole, np.float32)


def ruling(ground: Colour) -> Colour:
    """A colour for lines across the middles of cells: of the ground's hue, as thin lines lose their own."""
    off = -SHADED if sum(ground) > 3 * 90 else SHADED
    r, g, b = (min(max(value + off, 0), 255) for value in ground)
    return r, g, b


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line on the ground: from (x, y) to (x, y) in cells, so many cells wide."""

    start: tuple[float, float]
    end: tuple[float, float]
    width: float
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The still side of a board of cells.

    Attributes:
        lattice: the cells in pixels.
        blocks: (rows, columns) of cells between two bold lines, or (0, 0) for none.
        tints: grounds of cells that differ from the others'.
        open: cells that are no part of the board: neither ground nor lines.
        labels: (x, y in cells, text, height in cells) written on the picture.
        ruled: whether there are lines between cells.
        strokes: lines drawn on the ground, the last on top.
    """

    lattice: Lattice
    blocks: tuple[int, int] = (0, 0)
    tints: Tints
    open: frozenset[int] = frozenset()
    labels: tuple[tuple[float, float, str, float], ...] = ()
    ruled: bool = True
    strokes: tuple[Stroke, ...] = ()


def draw_ground(ground: Ground, style: CellStyle, size: tuple[int, int], rng: np.random.Generator) -> Frame:
    """The empty board in a picture of `size` (width, height)."""
    w, h = size
    lattice = ground.lattice
    cell = min(lattice.cell_w, lattice.cell_h)
    plate: npt.NDArray[np.float32] = np.broadcast_to(
        _surface(rng, size, style.margin, cell), (h, w, 3)
    ).copy()
    cells = np.broadcast_to(_surface(rng, size, style.ground, cell), (h, w, 3))
    xs, ys = lattice.edges()
    inside = [k for k in range(lattice.rows * lattice.cols) if k not in ground.open]
    for k in inside:
        r, c = divmod(k, lattice.cols)
        box = np.s_[max(ys[r], 0) : max(ys[r + 1], 0), max(xs[c], 0) : max(xs[c + 1], 0)]
        plate[box] = cells[box]
        if k in ground.tints:
            plate[box] += np.array(ground.tints[k], np.float32) - np.array(style.ground.colour, np.float32)
    frame: Frame = np.clip(plate + np.float32(0.5), 0, 255).astype(np.uint8)
    if ground.ruled:
        _rule(frame, ground, style, inside)
    for stroke in ground.strokes:
        _stroke(frame, lattice, stroke)
    for x, y, text, height in ground.labels:
        label = sign_piece("", Sign(text=text, ink=style.given, scale=height), 4 * cell, cell)
        px, py = lattice.pixels((x, y))
        blend(frame, label, float(px), float(py))
    return frame


def _stroke(frame: Frame, lattice: Lattice, stroke: Stroke) -> None:
    """Draw a line with square ends, its edges between pixels."""
    ends = lattice.pixels([stroke.start, stroke.end]).astype(np.float64)
    along = (ends[1] - ends[0]) / max(float(np.hypot(*(ends[1] - ends[0]))), 1e-6)
    half = np.array([-along[1], along[0]]) * stroke.width * min(lattice.cell_w, lattice.cell_h) / 2
    corners = np.array([ends[0] - half, ends[1] - half, ends[1] + half, ends[0] + half]) - 0.5
    cv2.fillConvexPoly(frame, np.rint(corners * 16).astype(np.int32), stroke.colour, cv2.LINE_AA, 4)


def _surface(
    rng: np.random.Generator, size: tuple[int, int], look: Paint, cell: float
) -> npt.NDArray[np.float32]:
    return surface(rng, size, look.colour, look.texture, look.strength, cell)


def _rule(frame: Frame, ground: Ground, style: CellStyle, inside: list[int]) -> None:
    """Lines around the cells, and bold ones between blocks and around the board."""
    lattice = ground.lattice
    xs, ys = lattice.edges()
    thin = max(round(min(lattice.cell_w, lattice.cell_h) * 0.035), 1)
    down, across = ground.blocks
    known = set(inside)

    def draw(box: tuple[int, int, int, int], bold: bool) -> None:
        thick = max(round(thin * style.bold), thin + 1) if bold else thin
        x0, y0, x1, y1 = box
        a, b = thick // 2, thick - thick // 2
        frame[max(y0 - a, 0) : y1 + b, max(x0 - a, 0) : x1 + b] = style.line

    for bold in (False, True):
        for k in inside:
            r, c = divmod(k, lattice.cols)
            x0, y0, x1, y1 = int(xs[c]), int(ys[r]), int(xs[c + 1]), int(ys[r + 1])
            sides = (
                ((x0, y0, x1, y0), k - lattice.cols if r else -1, down and r % down == 0),
                ((x0, y1, x1, y1), k + lattice.cols, down and (r + 1) % down == 0),
                ((x0, y0, x0, y1), k - 1 if c else -1, across and c % across == 0),
                ((x1, y0, x1, y1), k + 1 if c + 1 < lattice.cols else -1, across and (c + 1) % across == 0),
            )
            for box, other, block in sides:
                if bool(block or other not in known) == bold:
                    draw(box, bold)
