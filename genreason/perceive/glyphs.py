"""Tell what is put into a cell: by the shape of its ink (moved, scaled, thicker, blurred) and its colour.

What differs from the empty cell is its ink. Ink is cut out, brought to one size (its proportions kept) and
compared with the same of every sign that may stand there, drawn in all fonts and several weights. The two
best signs must differ by a margin; otherwise nothing is said.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.board import Piece
from genreason.render.cells import Sign, sign_piece
from genreason.render.glyphs import FONTS, HANDS, glyphs

SIDE = 20  # pixels a side of the picture that inks are compared in
BODY = 16  # of them, the longer side of the ink
FLOOR = 30.0  # difference (0-255) from the empty cell that is ink
LEAST_INK = 0.012  # share of the cell that must be inked for anything to be there
WEIGHTS = (0.7, 1.0, 1.45, 1.9)  # times the font's own weight
BLURS = (0.5, 1.1)  # pixels, of a cell that is 24 wide
ASKEW = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))  # pixels by which marks may be off the raster
EDGE = 0.09  # share of the cell at each side that is not looked at: lines between cells
LIKE = 0.80  # least likeness of what is taken for a sign
MARGIN = 0.09  # by which a text must be more like it than like any other (docs/glyphs.md: what others cost)
MARK_MARGIN = 0.06  # the same of marks, which are drawn in one way,
MARK_ASTRAY = 0.015  # and by which another one may look more like it at first sight
OFF_COLOUR = 45.0  # distance of colours (0-255, Euclidean) that costs nothing
COLOUR_COST = 1 / 120
OFF_SIZE = 0.06  # by which the logarithm of a mark's size may be off at no cost,
SIZE_COST = 1.0  # where there is another one that differs in its size alone
FAINT_COST = 0.3  # of what is seen through wholly
OTHER_GROUND = 24.0  # from a bank's ground (0-255) from which a cell's is another one
RANK = 128  # dimensions in which inks are compared: all but a thousandth of what drawings of signs hold
RIDGE = 0.02  # of the spread of drawings of one sign that is added in every direction
Picture = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ink:
    """What differs from an empty cell.

    Attributes:
        vector: (SIDE * SIDE,) its shape at one size; mean 0, length 1.
        strength: how much it differs (0-255).
        box: left, top, right, bottom in shares of the cell.
        colour: (3,) its mean colour.
        area: inked share of the cell.
        mask: (h, w) where it is.
    """

    vector: Picture
    strength: float
    box: tuple[float, float, float, float]
    colour: npt.NDArray[np.float32]
    area: float
    mask: npt.NDArray[np.bool_]


def ink_of(gap_HWC: Picture, seen_HWC: Picture, floor: float = FLOOR, edge: float = EDGE) -> Ink | None:
    """The ink of a cell, or None where there is none.

    Args:
        gap_HWC: how the cell differs from an empty one.
        seen_HWC: the cell itself.
        floor: difference that is ink.
        edge: share of the cell at each side that is not looked at.
    """
    r, g, b = cv2.split(np.abs(gap_HWC))
    size = np.maximum(np.maximum(r, g), b)
    h, w = size.shape
    top, left = round(h * edge), round(w * edge)
    inner = np.zeros_like(size)
    inner[top : h - top, left : w - left] = size[top : h - top, left : w - left]
    mask = inner > floor
    area = float(mask.mean())
    if area < LEAST_INK:
        return None
    inked = inner[mask]
    strong = np.partition(inked, int(0.7 * (len(inked) - 1)))[int(0.7 * (len(inked) - 1)) :]
    strength = float(strong.mean())
    weight = np.minimum(inner / strength, 1)
    body = weight > 0.4
    rows, cols = np.flatnonzero(body.any(axis=1)), np.flatnonzero(body.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1
    core = weight > 0.75
    colour = seen_HWC[core].mean(axis=0)
    return Ink(
        _normal(weight[y0:y1, x0:x1]), strength, (x0 / w, y0 / h, x1 / w, y1 / h),
        np.asarray(colour, np.float32), area, mask,
    )  # fmt: skip


def _normal(cut: Picture) -> Picture:
    """The ink at one size, its proportions kept: (SIDE * SIDE,), mean 0, length 1."""
    h, w = cut.shape
    scale = BODY / max(h, w)
    size = max(round(w * scale), 1), max(round(h * scale), 1)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(cut), size, interpolation=method)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    whole = np.zeros((SIDE, SIDE), np.float32)
    whole[top : top + size[1], left : left + size[0]] = small
    flat = cv2.GaussianBlur(whole, (0, 0), 0.9).ravel()
    flat -= flat.mean()
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-6), np.float32)


@dataclass(frozen=True, slots=True)
class Guess:
    """What an ink looks like: the best sign, its likeness, and by how much it is better than the next.

    `least` is the margin that it must have.
    """

    best: int
    likeness: float
    margin: float
    least: float

    @property
    def sure(self) -> bool:
        """Whether it can be told."""
        return self.likeness >= LIKE and self.margin >= self.least


@functools.lru_cache(maxsize=64)
def bank_of(signs: tuple[Sign, ...], cell: tuple[int, int], ground: tuple[int, int, int]) -> Bank:
    """The bank of these signs; the last few are kept."""
    return Bank(signs, cell, np.array(ground, np.float32))


def roughly(colour: Picture) -> tuple[int, int, int]:
    """A colour to the nearest 8 levels: grounds that hardly differ share a bank."""
    r, g, b = (int(round(float(v) / 8) * 8) for v in colour)
    return r, g, b


class Bank:
    """The shapes and colours of several signs.

    Attributes:
        boxes: (K, 4) left, top, right, bottom of each sign in shares of the cell, as it is drawn.
        strengths: (K,) how much each differs from the ground (0-255).
        colours: (K, 3) mean colour of each.
    """

    def __init__(self, signs: Sequence[Sign], cell: tuple[int, int], ground: Picture) -> None:
        """Draw them.

        Args:
            signs: what may stand in a cell, one or more.
            cell: (width, height) of the pictures of cells.
            ground: (3,) mean colour of what they stand on.
        """
        self.signs, self._ground = tuple(signs), ground
        own = [_inked(sign_piece("", sign, *cell), cell, ground) for sign in signs]
        self.boxes = np.array([ink.box for ink in own], np.float32)
        self.strengths = np.array([ink.strength for ink in own], np.float32)
        self.colours = np.stack([ink.colour for ink in own])
        self._exact = np.array([sign.mark is not None or not sign.any_ink for sign in signs])
        marks = [replace(sign.mark, scale=1.0) if sign.mark else None for sign in signs]
        self._sized = np.array([mark is not None and marks.count(mark) > 1 for mark in marks])
        # Signs that differ in size alone share a number.
        self._shapes = np.array(
            [
                marks.index(m) if sized else i
                for i, (m, sized) in enumerate(zip(marks, self._sized, strict=True))
            ]
        )
        self._sizes = _size(self.boxes)
        rows = [_vectors(sign, cell, tuple(map(float, ground))) for sign in signs]
        self._starts = np.cumsum([0, *(len(row) for row in rows)])[:-1]
        self._basis = _basis(np.concatenate(rows))
        flat = [row @ self._basis for row in rows]
        self._rows = np.concatenate(flat)
        self._middle, self._lens, self._beyond = _lens(flat)
        self._seen = self._through(self._rows, np.linalg.norm(np.concatenate(rows), axis=1))

    def _through(self, flat: Picture, lengths: Picture) -> Picture:
        """Inks as they look through the lens, of length 1; what is beyond the basis is like no sign."""
        beyond = np.maximum(lengths**2 - (flat**2).sum(axis=-1), 0) * self._beyond**2
        view = (flat - self._middle) @ self._lens
        return np.asarray(view / np.sqrt((view**2).sum(axis=-1) + beyond + 1e-12)[:, None], np.float32)

    def guess(self, ink: Ink, here: Picture | None = None) -> Guess:
        """Which sign the ink looks like.

        What is seen through has a paler colour: as what it is told first, but only taken for that when it is
        plain.

        Args:
            ink: of the cell.
            here: (3,) mean colour of the ground it stands on; of use where that is not the bank's.
        """
        ground, strengths = self._ground, self.strengths
        if here is not None and np.abs(here - ground).max() > OTHER_GROUND:
            away = [np.abs(self.colours - colour).max(axis=1) for colour in (here, ground)]
            ground, strengths = here, strengths * away[0] / np.maximum(away[1], 1)
        plain = np.clip(ink.strength / np.maximum(strengths, 1), 0, 1)
        paler = ground + plain[:, None] * (self.colours - ground)
        cost, pale = (self._colour_cost(colours, ink) for colours in (self.colours, paler))
        pale = pale + np.where(self._exact, (1 - plain) * FAINT_COST, 0)
        if self._sized.any():
            off = np.abs(np.log(_size(np.array([ink.box]))[0] / self._sizes))
            wrong = np.where(self._sized, np.maximum(off - OFF_SIZE, 0) * SIZE_COST, 0)
            cost, pale = cost + wrong, pale + wrong
        flat = ink.vector @ self._basis
        alike = np.maximum.reduceat(self._rows @ flat, self._starts)
        through = self._through(flat[None], np.ones(1, np.float32))[0]
        value = np.maximum.reduceat(self._seen @ through, self._starts) - pale
        # A shape is told from other shapes; its size is told by its size alone.
        own = self._shapes == self._shapes[int(value.argmax())]
        best = int(np.where(own, pale, np.inf).argmin())
        margin = float(value[own].max() - value[~own].max()) if not own.all() else 1.0
        sizes = np.sort(pale[own])
        margin = min([margin, *(sizes[1:2] - sizes[0]).tolist()])
        least, astray = (MARGIN, 0.0) if self.signs[best].mark is None else (MARK_MARGIN, MARK_ASTRAY)
        agreed = (alike - pale)[own].max() >= (alike - pale).max() - astray
        return Guess(best, float(alike[best] - cost[best]), margin if agreed else 0.0, least)

    def _colour_cost(self, colours: npt.NDArray[np.float32], ink: Ink) -> npt.NDArray[np.float64]:
        away = np.linalg.norm(colours - ink.colour, axis=1)
        return np.where(self._exact, np.maximum(away - OFF_COLOUR, 0) * COLOUR_COST, 0)


def _size(boxes: Picture) -> Picture:
    """The longer side of each box (K, 4): (K,)."""
    return np.asarray(np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]))


def _basis(rows: Picture) -> Picture:
    """(SIDE * SIDE, K): the directions in which these inks differ most, K up to `RANK`."""
    _, axes = np.linalg.eigh((rows.T @ rows).astype(np.float64))
    return np.ascontiguousarray(axes[:, : -RANK - 1 : -1], np.float32)


def _lens(rows: Sequence[Picture]) -> tuple[Picture, Picture, float]:
    """The middle of all signs, and a view in which what differs between drawings of one sign counts little.

    (The whitening of linear discriminant analysis, regularised.) The last value is how much the view enlarges
    what no drawing has.
    """
    middle = np.concatenate(rows).mean(axis=0)
    within = np.concatenate([row - row.mean(axis=0) for row in rows])
    spread = within.T @ within / len(within)
    ridge = RIDGE * max(float(np.trace(spread)), 1e-3)
    spread += np.eye(len(spread), dtype=np.float32) * ridge
    values, axes = np.linalg.eigh(spread.astype(np.float64))
    lens = (axes / np.sqrt(values)) @ axes.T
    return np.asarray(middle, np.float32), np.asarray(lens, np.float32), float(1 / np.sqrt(ridge))


def _inked(
    piece: Piece,
    cell: tuple[int, int],
    ground: Picture,
    blur: float = 0.5,
    off: tuple[float, float] = (0.0, 0.0),
) -> Ink:
    """The ink of a piece in the middle of an empty cell, or so many pixels off it."""
    w, h = cell
    gap = np.zeros((h, w, 3), np.float32)
    ph, pw = piece.alpha.shape
    top, left = (h - ph) // 2, (w - pw) // 2
    part = piece.alpha[..., None] * (piece.rgb - ground)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + ph, h), min(left + pw, w)
    gap[y0:y1, x0:x1] = part[y0 - top : y1 - top, x0 - left : x1 - left]
    if any(off):
        way = np.array([[1, 0, off[0]], [0, 1, off[1]]], np.float32)
        gap = np.asarray(cv2.warpAffine(gap, way, cell), np.float32)
    gap = np.asarray(cv2.GaussianBlur(gap, (0, 0), blur * min(cell) / 24), np.float32)
    found = ink_of(gap, gap + ground, floor=8.0, edge=0.0)
    if found is None:
        raise ValueError("a sign that does not differ from its ground cannot be read")
    return found


@functools.lru_cache(maxsize=4096)
def _vectors(sign: Sign, cell: tuple[int, int], ground: tuple[float, ...]) -> Picture:
    """(V, SIDE * SIDE): the sign as it may be drawn."""
    look = np.array(ground, np.float32)
    offs = ASKEW if sign.mark is not None and not sign.text else ASKEW[:1]
    piece = sign_piece("", sign, *cell)
    found = [_inked(piece, cell, look, blur, off).vector for blur in BLURS for off in offs]
    if sign.mark is None and sign.any_font:
        found += [row for font in (*FONTS, *HANDS) for row in _written(sign.text, font)]
    return np.stack(found)


@functools.lru_cache(maxsize=4096)
def _written(text: str, name: str) -> tuple[Picture, ...]:
    """A text in a font, in all weights and blurs."""
    font, found = (FONTS | HANDS)[name], []
    for factor in WEIGHTS:
        heavy = type(font)(font.drawing, font.width, font.weight * factor, font.slant, font.serif)
        alpha = np.pad(glyphs(text, heavy, 16.0), 4)
        for blur in BLURS:
            soft = np.asarray(cv2.GaussianBlur(alpha, (0, 0), blur * 16 / 14), np.float32)
            weight = np.minimum(soft / max(float(np.quantile(soft[soft > 0.15], 0.85)), 1e-6), 1)
            body = weight > 0.4
            rows, cols = np.flatnonzero(body.any(axis=1)), np.flatnonzero(body.any(axis=0))
            found.append(_normal(weight[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]))
    return tuple(found)
