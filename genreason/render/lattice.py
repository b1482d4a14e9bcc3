"""The grid of a board in pixels, and the way between pixels and cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genreason.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """Rows and columns of cells in a picture.

    Cell (column x, row y) has its centre at pixel `(x0 + (x + 0.5) * cell, y0 + (y + 0.5) * cell)`. Cells are
    square and as wide in pixels as `cell` says; drawing may give them other outlines (walls as lines), the
    way between pixels and cells stays this one.

    Attributes:
        cols: number of columns.
        rows: number of rows.
        x0: left edge of column 0 in pixels.
        y0: top edge of row 0 in pixels.
        cell_w: width of a cell in pixels.
        cell_h: height of a cell in pixels.
    """

    cols: int
    rows: int
    x0: float
    y0: float
    cell_w: float
    cell_h: float

    @classmethod
    def fit(cls, cols: int, rows: int, size: tuple[int, int], margin: float = 0.0) -> Lattice:
        """Square cells, as large as fit in the picture (w, h), centred; `margin` cells on each side."""
        cell = min(size[0] / (cols + 2 * margin), size[1] / (rows + 2 * margin))
        x0, y0 = (size[0] - cols * cell) / 2, (size[1] - rows * cell) / 2
        return cls(cols=cols, rows=rows, x0=x0, y0=y0, cell_w=cell, cell_h=cell)

    def pixels(self, places: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Cells (..., 2) as x, y to pixels; whole numbers go to cell centres."""
        p = np.asarray(places, np.float32)
        scale = np.array([self.cell_w, self.cell_h], np.float32)
        return np.asarray(
            (p + np.float32(0.5)) * scale + np.array([self.x0, self.y0], np.float32), np.float32
        )

    def cells(self, pixels: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The inverse of `pixels`."""
        p = np.asarray(pixels, np.float32)
        scale = np.array([self.cell_w, self.cell_h], np.float32)
        return np.asarray(
            (p - np.array([self.x0, self.y0], np.float32)) / scale - np.float32(0.5), np.float32
        )

    def edges(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Pixel columns (cols + 1) and rows (rows + 1) at which cells begin, rounded: no gaps."""
        xs = np.rint(self.x0 + np.arange(self.cols + 1) * self.cell_w).astype(np.int32)
        ys = np.rint(self.y0 + np.arange(self.rows + 1) * self.cell_h).astype(np.int32)
        return xs, ys

    def scaled(self, sx: float, sy: float) -> Lattice:
        """The same grid in a picture that is `sx` times as wide and `sy` times as high."""
        return Lattice(
            cols=self.cols,
            rows=self.rows,
            x0=self.x0 * sx,
            y0=self.y0 * sy,
            cell_w=self.cell_w * sx,
            cell_h=self.cell_h * sy,
        )

    def to_json(self) -> Json:
        """Serialisable form."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, record: Json) -> Lattice:
        """The inverse of `to_json`."""
        return cls(**{name: record[name] for name in cls.__slots__})
