"""Take a picture of a scaffold that VR-Bench drew apart: the still picture, and the ball.

Its cubes are translucent, all sides of one colour, with black edges; ladders and the ball lie over everything
(arXiv 2511.15065, its `maze3d`). Where everything is follows from the state and the camera; the colours are
found from the picture, by least squares: each pixel is a mixture of known shares of few colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.board import Piece
from genreason.render.camera import Camera
from genreason.render.cubes import SIDES, Cube, cube_parts, fixed
from genreason.types import Frame, UserError

KINDS = ("cube", "start", "goal", "line")
_WORDS = {"cube": "cube", "start": "start cube", "goal": "goal cube"}
OPACITY = 0.85  # of sides and edges
EDGE, RAIL, RUNG = 1.0, 3.0, 2.0  # widths of lines in points, 100 pixels an inch in a picture of `DRAWN`
DRAWN = 740.0  # pixels of a picture's side
POINT = 100 / 72  # pixels of a point there
LADDER_X, LADDER_Y, LADDER_Z, LADDER_RUNGS = 0.5, (0.0, 0.2), (0.5, 3.5), 6
FINER = 3  # shares are drawn so many times as large and then reduced
AROUND = 1.0  # cells around the ball's middle within which it may cover the scene
UNLIKE = 36.0  # difference (0-255) at which a pixel is not what the state says
FOCUS = 1.5  # pixels of blur with which pictures are compared
MOST_UNLIKE = 0.12  # share of the scaffold's pixels that may be
UNLIKE_HERE = 0.5  # share of a square cell that may be
INK = 24.0  # difference (0-255) from what is behind it at which the ball is there
LEAST = 0.2  # cells of the ball's radius
TURNS, STEP, SHIFT = 48, 0.5, 1.5  # directions and pixels in which its rim is looked for
OUTERMOST = 0.75  # share of the directions in which it is not seen farther out
RIM = 2.0  # pixels around the ball that are redrawn: a faint rim may lie there
Canvas = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.float64]
Window = tuple[slice, slice]


def take_apart(
    picture: Frame,
    roles: Mapping[Cube, str],
    ladders: Iterable[Cube],
    camera: Camera,
    middle: Places,
    cell: float,
) -> tuple[Frame, Piece]:
    """The still picture and the ball of a foreign first frame.

    Args:
        picture: HWC RGB uint8.
        roles: "cube", "start" or "goal" of each cube.
        ladders: the cubes on which ladders begin.
        camera: leads to the picture's pixels.
        middle: (2,) where the middle of the ball is.
        cell: length of a cube's edge in pixels.

    Raises:
        UserError: the picture does not show these cubes, or no ball.
    """
    shares = _shares(picture.shape, roles, ladders, camera)
    window, far = _window(picture.shape, middle, AROUND * cell)
    hidden = np.zeros(picture.shape[:2], np.bool_)
    hidden[window] = far <= AROUND * cell
    model = _repainted(picture, shares, hidden)
    _compare(picture, model, (shares[-1] < 0.5) & ~hidden, roles, camera, cell)
    gap = np.abs(picture[window] - model[window]).max(axis=-1)
    centre, radius = _disc(gap, AROUND * cell, np.array([x.start for x in window[::-1]]), middle)
    if radius < LEAST * cell:
        raise UserError("the ball does not stand out from what is behind it in the picture")
    _, far = _window(picture.shape, centre, AROUND * cell, window)
    alpha = np.clip(radius + 0.5 - far, 0, 1).astype(np.float32)[..., None]
    own = (picture[window] - model[window] * (1 - alpha)) / np.maximum(alpha, 0.25)
    plate = picture.copy()
    behind = far < radius + RIM
    plate[window][behind] = np.clip(model[window][behind] + 0.5, 0, 255).astype(np.uint8)
    anchor = (float(middle[0]) - window[1].start, float(middle[1]) - window[0].start)
    return plate, Piece("agent", np.clip(own, 0, 255).astype(np.float32), alpha[..., 0], anchor)


def misfit(
    picture: Frame,
    roles: Mapping[Cube, str],
    ladders: Iterable[Cube],
    camera: Camera,
    middle: Places,
    cell: float,
    empty: Bools,
) -> float:
    """Mean difference (0-255) between a picture and what these cubes would look like; see `take_apart`.

    `empty` are the pixels that have the background's colours: others are not explained by it. Both are
    compared out of focus: how smooth lines are says nothing of the cubes.
    """
    shares = _shares(picture.shape, roles, ladders, camera)
    window, far = _window(picture.shape, middle, AROUND * cell)
    hidden = np.zeros(picture.shape[:2], np.bool_)
    hidden[window] = far <= AROUND * cell
    difference = picture - _repainted(picture, shares, hidden, empty)
    difference[hidden] = 0
    gap = np.abs(cv2.GaussianBlur(difference, (0, 0), FOCUS)).max(axis=-1)
    return float(np.minimum(gap, UNLIKE).mean())


def _compare(
    picture: Frame, model: Canvas, where: Bools, roles: Mapping[Cube, str], camera: Camera, cell: float
) -> None:
    """Check that these pixels of a picture are what its parts make of them.

    Raises:
        UserError: many are not, or most of those in one place.
    """
    unlike = (np.abs(picture - model).max(axis=-1) > UNLIKE) & where
    share = unlike.sum() / max(int(where.sum()), 1)
    side = max(round(cell), 3)
    near = cv2.blur(unlike.astype(np.float32), (side, side))
    y, x = (int(v) for v in np.unravel_index(int(near.argmax()), near.shape))
    if near[y, x] > UNLIKE_HERE and share < 2 * MOST_UNLIKE:
        # Of cubes in one line of sight the nearest one, which hides the others.
        cubes = sorted(roles, key=sum)
        away = np.hypot(*(camera.project(np.array(cubes) + 0.5) - (x, y)).T)
        cube = cubes[int(np.flatnonzero(away <= away.min() + cell / 2)[-1])]
        what = f"at {x}, {y} the picture does not show the {_WORDS[roles[cube]]} {list(cube)}"
        raise UserError(f"the state contradicts its image: {what}")
    if share > MOST_UNLIKE or not where.any():
        raise UserError("the state contradicts its image: the picture does not show these cubes")


def _window(
    shape: tuple[int, ...], middle: Places, reach: float, window: Window | None = None
) -> tuple[Window, Canvas]:
    """Rows and columns within `reach` pixels of a place, and how far each of these pixels is from it."""
    if window is None:
        x0, y0 = (max(int(value - reach) - 1, 0) for value in middle)
        x1, y1 = (min(int(value + reach) + 2, side) for value, side in zip(middle, shape[1::-1], strict=True))
        window = slice(y0, y1), slice(x0, x1)
    rows, cols = (np.arange(part.start, part.stop, dtype=np.float32) + np.float32(0.5) for part in window)
    x, y = cols - np.float32(middle[0]), rows[:, None] - np.float32(middle[1])
    return window, np.asarray(np.hypot(x, y), np.float32)


def _shares(
    shape: tuple[int, ...], roles: Mapping[Cube, str], ladders: Iterable[Cube], camera: Camera
) -> Canvas:
    """(K + 1, h, w): how much each kind of `KINDS`, and last what is behind, adds to each pixel."""
    h, w = shape[:2]
    out = np.zeros((len(KINDS) + 1, h, w), np.float32)
    out[-1] = 1
    point = POINT * w / DRAWN
    for part in sorted(cube_parts(roles, camera, SIDES), key=lambda part: part.order):
        _lay(out, KINDS.index(part.kind), part.corners, 0.0, OPACITY)
        _lay(out, KINDS.index("line"), part.corners, EDGE * point, OPACITY)
    for ladder in ladders:
        for ends, width in ladder_lines(ladder):
            _lay(out, KINDS.index("line"), camera.project(ends), width * point, 1.0)
    return out


def ladder_lines(base: Cube) -> list[tuple[npt.NDArray[np.float64], float]]:
    """The lines of a ladder in space, and how wide they are in points."""
    x, (near, far), (low, high) = LADDER_X, LADDER_Y, LADDER_Z
    lines = [([(x, y, low), (x, y, high)], RAIL) for y in (near, far)]
    lines += [([(x, near, z), (x, far, z)], RUNG) for z in np.linspace(low, high, LADDER_RUNGS).tolist()]
    return [(np.array(ends) + base, width) for ends, width in lines]


def _lay(shares: Canvas, kind: int, corners: Places, width: float, opacity: float) -> None:
    """Lay a polygon (or its outline, where `width` pixels are given; two corners are a line) over it all."""
    h, w = shares.shape[1:]
    x0, y0 = np.maximum(np.floor(corners.min(axis=0) - width).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0) + width).astype(int) + 2, (w, h))
    if x0 >= x1 or y0 >= y1:
        return
    mask = np.zeros(((y1 - y0) * FINER, (x1 - x0) * FINER), np.uint8)
    points = fixed((corners - (x0, y0)) * FINER)
    if width:
        thick = max(round(width * FINER), 1)
        cv2.polylines(mask, [points], len(points) > 2, 255, thick, cv2.LINE_8, 4)
    else:
        cv2.fillConvexPoly(mask, points, 255, cv2.LINE_8, 4)
    small = cv2.resize(mask, (int(x1 - x0), int(y1 - y0)), interpolation=cv2.INTER_AREA)
    cover = small.astype(np.float32) * np.float32(opacity / 255)
    part = shares[:, y0:y1, x0:x1]
    part *= 1 - cover
    part[kind] += cover


def _repainted(picture: Frame, shares: Canvas, hidden: Bools, empty: Bools | None = None) -> Canvas:
    """The picture as its parts make it, without what covers the `hidden` pixels.

    `empty` are the pixels that may be what is behind everything; by default all that nothing covers.
    """
    model = picture.astype(np.float32)
    # What is behind goes on under everything: each pixel has it from the nearest one that shows it.
    shown = (shares[-1] > 0.97) & ~hidden
    if empty is not None:
        shown &= empty
    _, label = cv2.distanceTransformWithLabels(
        (~shown).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    known = np.zeros((int(label.max()) + 1, 3), np.float32)
    known[label[shown]] = model[shown]
    covered = ~shown
    mixed, rest = shares[:-1][:, covered].T, shares[-1][covered]
    behind = known[label[covered]] * rest[:, None]
    used = ~hidden[covered] & (rest < 0.6)
    a, b = mixed[used], (model[covered] - behind)[used]
    colours = np.linalg.solve(a.T @ a + 1e-3 * np.eye(len(KINDS), dtype=np.float32), a.T @ b)
    model[covered] = mixed @ np.clip(colours, 0, 255).astype(np.float32) + behind
    return model


def _disc(gap: Canvas, most: float, corner: Places, middle: Places) -> tuple[Places, float]:
    """The ball's middle and radius: the outermost circle near `middle` on which the picture begins to differ.

    `gap` is how much a window with its left upper `corner` differs from what is behind the ball. The step at
    a circle is its mean over all directions, each counting little: parts of a rim may look like what is
    behind them.
    """
    soft = cv2.GaussianBlur(np.minimum(gap, 4 * INK), (0, 0), 0.7)
    turns = np.linspace(0, 2 * np.pi, TURNS, endpoint=False)
    radii = np.arange(max(most / 5, 2.0), most, STEP)
    x, y = (np.multiply.outer(radii, turn(turns)) for turn in (np.cos, np.sin))
    shift = np.arange(-SHIFT, SHIFT + 0.1, STEP)
    found: list[tuple[npt.NDArray[np.float64], Places]] = []
    for dx in shift:
        for dy in shift:
            centre = middle + (dx, dy)
            u, v = x + centre[0] - corner[0] - 0.5, y + centre[1] - corner[1] - 0.5
            on = cv2.remap(soft, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
            found.append((np.clip(on[:-4] - on[4:], 0, INK).mean(axis=1), centre))
    steps = np.stack([step for step, _ in found])
    best = steps.max(axis=0)
    if float(best.max()) < 0.25 * INK:
        return middle, 0.0
    peaks = np.flatnonzero(best >= 0.5 * best.max())
    last = peaks[-1]
    while last > 0 and best[last - 1] > best[last]:
        last -= 1
    centre = found[int(steps[:, last].argmax())][1]
    return centre, _rim(gap, centre - corner, float(radii[last + 2]))


def _rim(gap: Canvas, centre: Places, radius: float) -> float:
    """A radius that is known to some pixels, to parts of one: where the difference has fallen by half.

    `gap` is how much a window differs from what is behind the ball, `centre` is in its pixels. A rim may look
    like what is behind it in most directions.
    """
    turns = np.linspace(0, 2 * np.pi, TURNS, endpoint=False)
    off = np.arange(-2 * RIM, 2 * RIM + 0.01, STEP / 2)
    u, v = (
        at + np.multiply.outer(turn(turns), radius + off) - 0.5
        for at, turn in zip(centre, (np.cos, np.sin), strict=True)
    )
    on = cv2.remap(gap, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
    inside, outside = on[:, off < 0].max(axis=1), on[:, off >= 0].min(axis=1)
    clear = inside - outside >= 2 * INK
    if not clear.any():
        return radius
    above = on[clear] >= (0.5 * (inside + outside))[clear, None]
    last = above.shape[1] - 1 - above[:, ::-1].argmax(axis=1)
    return radius + float(np.quantile(off[last], OUTERMOST))
