"""Take a picture that somebody else drew apart into the still plate and the pieces that move.

Known are only the picture and the state: where walls, floor and pieces are on the grid. The floor under a
piece is that of the other floor cells; what differs from it is the piece.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.foreign_roads import transparency
from genreason.render.board import Board, Piece
from genreason.render.lattice import Lattice
from genreason.types import Frame, UserError

Patch = npt.NDArray[np.float32]
MOST_PATCHES = 64  # floor cells that are looked at
RIM = 0.1  # share of a cell that lines around it may take
FINE = 36  # pixels of a cell from which compression leaves it its texture
ROUGH = 6.0  # deviation (0-255) of a floor's colours from which it has one
SHEER = 0.65  # share of the floor that may shine through a piece on a floor that does not tell
SHEER_LEAST = 0.1  # share below which a piece counts as opaque
STRAY = 8  # how far (0-255) compression may move colours beyond those that there are
MIN_INK = 0.02  # share of a cell that must differ from the floor for a piece to be there


def take_apart(
    picture: Frame,
    tiles: npt.NDArray[np.uint8],
    lattice: Lattice,
    names: Sequence[str],
    places_N2: npt.NDArray[np.float32],
) -> Board:
    """The layers of a foreign first frame.

    Args:
        picture: HWC RGB uint8.
        tiles: (rows, cols), 0 floor, anything else is a wall or goal.
        lattice: the grid in the picture's pixels.
        names: kinds of the pieces ("box", "agent").
        places_N2: where they stand, x and y in whole cells.

    Raises:
        UserError: a piece cannot be told from the floor it stands on.
    """
    cells = [(int(x), int(y)) for x, y in np.rint(places_N2)]
    plain = [(int(c), int(r)) for r, c in np.argwhere(tiles == 0) if (int(c), int(r)) not in cells]
    plate = picture.copy()
    pieces: list[Piece] = []
    for name, cell in zip(names, cells, strict=True):
        (x0, y0, x1, y1), kind = _box(lattice, cell), tiles[cell[1], cell[0]]
        alike = [(int(c), int(r)) for r, c in np.argwhere(tiles == kind) if (int(c), int(r)) not in cells]
        floor, noise = _typical(picture, lattice, alike or plain, (x1 - x0, y1 - y0))
        patch = picture[max(y0, 0) : y1, max(x0, 0) : x1].astype(np.float32)
        if patch.shape[:2] != (y1 - y0, x1 - x0):
            raise UserError(f"{name} at column {cell[0]}, row {cell[1]} is cut off by the picture's edge")
        alpha = _matte(patch, floor, noise)
        if float((alpha > 0.5).mean()) < MIN_INK:
            raise UserError(
                f"{name} at column {cell[0]}, row {cell[1]} does not stand out from the floor in the picture"
            )
        centre = lattice.pixels(cell)
        pieces.append(_piece(name, patch, floor, alpha, (float(centre[0]) - x0, float(centre[1]) - y0)))
        plate[y0:y1, x0:x1] = np.clip(floor + 0.5, 0, 255).astype(np.uint8)
    return Board(plate=plate, pieces=tuple(pieces), lattice=lattice)


def _box(lattice: Lattice, cell: tuple[int, int]) -> tuple[int, int, int, int]:
    xs, ys = lattice.edges()
    return int(xs[cell[0]]), int(ys[cell[1]]), int(xs[cell[0] + 1]), int(ys[cell[1] + 1])


def _typical(
    picture: Frame, lattice: Lattice, cells: Sequence[tuple[int, int]], size: tuple[int, int]
) -> tuple[Patch, float]:
    """The median look of these cells, and how far (0-255) their worst hundredth strays from it."""
    stack: list[Frame] = []
    for x0, y0, x1, y1 in (_box(lattice, cell) for cell in cells):
        patch = picture[max(y0, 0) : y1, max(x0, 0) : x1]
        if patch.shape[:2] != (y1 - y0, x1 - x0) or len(stack) == MOST_PATCHES:
            continue  # cut off by the picture's edge
        fits = (x1 - x0, y1 - y0) == size
        stack.append(
            patch if fits else np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)
        )
    if not stack:
        raise UserError("no free floor cell in the picture: what lies under the pieces cannot be known")
    patches = np.stack(stack).astype(np.float32)
    middle = np.median(patches, axis=0).astype(np.float32)
    return middle, float(np.percentile(np.abs(patches - middle).max(axis=-1), 99))


def _piece(
    name: str, patch: Patch, floor: Patch, alpha: npt.NDArray[np.float32], anchor: tuple[float, float]
) -> Piece:
    """A piece with this outline: opaque, or the floor shines through it, as far as that can be told."""
    h, w = alpha.shape
    y, x = max(round(RIM * h), 1), max(round(RIM * w), 1)
    inside = np.zeros((h, w), np.uint8)  # without the edges of the cell: there may be lines over everything
    inside[y:-y, x:-x] = alpha[y:-y, x:-x] > 0.5
    if through := transparency(patch, floor, inside):
        return _seen_through(name, patch, floor, alpha, anchor, np.full_like(alpha, through))
    middle = floor[y:-y, x:-x]
    if min(middle.shape[:2]) >= FINE and float((middle - middle.mean(axis=(0, 1))).std()) >= ROUGH:
        return Piece(name, patch, alpha, anchor)  # its texture would show
    # Colours that are seen must be mixtures of the floor's with some that there are (0-255).
    dark = (patch + STRAY) / np.maximum(floor, 1)
    light = (255 + STRAY - patch) / np.maximum(255 - floor, 1)
    most = np.clip(np.minimum(dark, light).min(axis=-1), 0, SHEER)
    if float(np.median(most[alpha > 0.5])) < SHEER_LEAST:
        return Piece(name, patch, alpha, anchor)
    sheer = _seen_through(name, patch, floor, alpha, anchor, np.asarray(most, np.float32))
    return Piece(name, patch, alpha, anchor, sheer)


def _seen_through(
    name: str,
    patch: Patch,
    floor: Patch,
    alpha: npt.NDArray[np.float32],
    anchor: tuple[float, float],
    through: npt.NDArray[np.float32],
) -> Piece:
    """The piece if `through` (h, w) of the floor, a share, shines through it."""
    share = through[..., None]
    rgb = np.clip((patch - share * floor) / (1 - share), 0, 255)
    return Piece(name, np.asarray(rgb, np.float32), alpha * (1 - through), anchor)


def _matte(patch: Patch, floor: Patch, noise: float) -> npt.NDArray[np.float32]:
    """Opacity of the piece in its cell: where it differs more than floors do, holes filled."""
    differs = np.abs(patch - floor).max(axis=-1)
    low = max(14.0, min(noise, 60.0) * 1.1)
    sure = (differs > low + 12).astype(np.uint8)
    contours, _ = cv2.findContours(sure, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = np.zeros_like(sure)
    least = 0.01 * sure.size
    cv2.drawContours(whole, [c for c in contours if cv2.contourArea(c) >= least], -1, 1, cv2.FILLED)
    soft = np.clip((differs - low) / 24.0, 0, 1)
    edge = cv2.dilate(whole, np.ones((3, 3), np.uint8)).astype(np.bool_) & (whole == 0)
    return np.asarray(np.where(whole > 0, 1.0, np.where(edge, soft, 0.0)), np.float32)
