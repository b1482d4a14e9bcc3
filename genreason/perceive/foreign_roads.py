"""Take a picture of roads that somebody else drew apart into the still plate and the agent on it.

Known are only the picture, where the roads are, and where agent and goal stand. What lies under the agent is
found elsewhere on the roads: the place whose surroundings continue those of the agent best (the very same
place of a texture that repeats itself, if it does).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.board import Board, Piece
from genreason.render.lattice import Lattice
from genreason.render.streets import Line, road_mask
from genreason.types import Frame, UserError

Point = npt.NDArray[np.float32]
Map = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Colours = npt.NDArray[np.float32]
"""HWC RGB, 0-255."""
ICON = 0.42  # half the side (cells) of an agent or a goal
BLEED = 3  # pixels around it into which compression spreads its colours
RING = 0.3  # cells around it that must continue
WHOLE = 0.98  # share of a pixel that is road so that its colour is the road's
COVERS = 0.25  # share of what is missing that a place must offer
REST = 0.02  # share of it that may be left to be smeared over
AS_GOOD = 1.5  # times the least error up to which a place is as good as the best
PASSES = 2
SOURCES = 8  # places from which the ground under the agent is put together
FLAT = 6.0  # spread of colours (0-255) up to which a road has one colour
MIN_INK = 0.02  # share of a square cell that must differ from the road for an agent to be there
NOISES = 3.0  # times what is not known of the road from which a difference is the agent's
LEAST_SURE, MOST_SURE = 14.0, 40.0  # and between which differences (0-255) that is
EXACT = 4.0  # what compression alone leaves of it
DOUBT = 1.5  # times it by which the road may be another there
UNSURE = 6.0  # what is not known of the road (0-255) from which parts of the agent may look just like it
CORE = 100  # pixels of an agent from which it can be told whether the road shows through
TEXTURE = 3.0  # strength (0-255) of the road's texture for it
SHOWS = 0.2  # share of the texture that shows from which it does
SHOWS_ALIKE = 0.5  # correlation with the texture that is then needed
HALFWAY = 0.4  # share of the difference in the agent's middle that its edge has then
GAPS = 10  # part of the agent's size that gaps in its outline may be wide
CLEAR = 60.0  # contrast (0-255) from which it shows how the agent's edge mixes with the ground
SEEN = 0.2  # share of the surroundings that must be road in both places
MISFIT = 0.1  # share of what is beside the roads that may look otherwise
DARK = 0.35  # share of the roads that may have its colour: textures may be as dark
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
_SQUARE = np.ones((3, 3), np.uint8)


def take_apart(picture: Frame, lines: Sequence[Line], lattice: Lattice, agent: Point, goal: Point) -> Board:
    """The layers of a foreign first frame.

    Args:
        picture: HWC RGB uint8.
        lines: middles of the roads in cells; they are a cell wide.
        lattice: cells to pixels.
        agent: where the agent stands, in cells.
        goal: where the goal is; it belongs to the plate.

    Raises:
        UserError: the picture does not show these roads, or no agent.
    """
    size = (picture.shape[1], picture.shape[0])
    cover = road_mask(lines, lattice, size)
    void = _void(picture, lines, lattice, cover)
    hole = _square(lattice, agent, size, ICON + BLEED / lattice.cell_w)
    off_limits = _square(lattice, goal, size, ICON + BLEED / lattice.cell_w)
    # Edges are not where they should be to the pixel.
    inner = cv2.erode((cover >= WHOLE).astype(np.uint8), _SQUARE, iterations=2) > 0
    for _ in range(PASSES):  # the second time it is known better what the agent covers
        road, noise = _continued(picture, inner & ~off_limits, hole, lattice)
        plate, share = picture.copy(), cover[hole][:, None]
        plate[hole] = np.clip(road[hole] * share + void * (1 - share) + 0.5, 0, 255).astype(np.uint8)
        piece = _agent(picture, plate, cover, hole, lattice, agent, noise)
        area = _box(hole, 0)
        hidden = cv2.dilate(
            (piece.alpha > 0).astype(np.uint8), np.ones((2 * BLEED + 1, 2 * BLEED + 1), np.uint8)
        )
        hole[area] &= hidden > 0
        plate[~hole] = picture[~hole]
        if noise <= EXACT:
            break
    doubt = None if noise <= EXACT else np.where(hole, round(DOUBT * noise), 0).astype(np.uint8)
    return Board(plate=plate, pieces=(piece,), lattice=lattice, doubt=doubt)


def _void(picture: Frame, lines: Sequence[Line], lattice: Lattice, cover: Map) -> Colours:
    """The colour beside the roads."""
    beside = (
        road_mask(lines, lattice, (picture.shape[1], picture.shape[0]), 1.0 + 4 * BLEED / lattice.cell_w) == 0
    )
    if not beside.any():
        raise UserError("the roads of the state leave nothing of the picture free")
    void = np.asarray(np.median(picture[beside], axis=0), np.float32)
    differs = np.abs(picture - void).max(axis=-1) > FLAT * 4
    outside, inside = float(differs[beside].mean()), float((~differs[cover >= WHOLE]).mean())
    if outside > MISFIT or inside > DARK:
        alike = f"{100 * inside:.0f} % of them look like what is beside them"
        other = f"{100 * outside:.0f} % of what is beside them does not"
        raise UserError(f"the picture does not show the roads of the state: {alike}, {other}")
    return void


def _square(lattice: Lattice, place: Point, size: tuple[int, int], half: float) -> Mask:
    """The pixels within `half` cells of a place."""
    (left, top), (right, bottom) = (lattice.pixels(place + np.float32(side * half)) for side in (-1, 1))
    out = np.zeros((size[1], size[0]), np.bool_)
    out[
        max(round(float(top)), 0) : round(float(bottom)), max(round(float(left)), 0) : round(float(right))
    ] = True
    return out


def _box(mask: Mask, pad: int) -> tuple[slice, slice]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(int(rows[0]) - pad, 0), int(rows[-1]) + 1 + pad),
        slice(max(int(cols[0]) - pad, 0), int(cols[-1]) + 1 + pad),
    )


def _continued(picture: Frame, road: Mask, hole: Mask, lattice: Lattice) -> tuple[Colours, float]:
    """The picture with the road going on in the hole, and how far off (0-255) that may be.

    Only the hole is changed; `road` are the whole pixels of the road.
    """
    known = road & ~hole
    area = _box(hole, max(round(RING * lattice.cell_w), 4))
    ring, missing = known[area], hole[area].copy()
    out = picture.astype(np.float32)
    if not ring.any():
        raise UserError("the agent covers all of the road around it: what lies under it cannot be known")
    middle = np.median(picture[area][ring], axis=0).astype(np.float32)
    if float(np.abs(picture[area][ring] - middle).mean()) <= FLAT:
        out[hole] = middle
        return out, 0.0
    error = _errors(out, known, area, ring)
    patch, noise, whole = out[area].copy(), 0.0, float(missing.sum())
    for _ in range(SOURCES):
        offers = _correlated(known.astype(np.float32), missing.astype(np.float32))
        usable = np.where(offers >= COVERS * missing.sum(), error, np.inf)
        least = float(usable.min())
        if missing.sum() < REST * whole or not np.isfinite(least):
            break
        good = np.where(usable <= AS_GOOD * least + 1, offers, -1)
        j, i = np.unravel_index(int(good.argmax()), good.shape)
        source = slice(j, j + ring.shape[0]), slice(i, i + ring.shape[1])
        common, taken = ring & known[source], missing & known[source]
        colours = out[source] + _drift(out[area] - out[source], common)
        noise += float(np.abs(colours - out[area])[common].mean()) * float(taken.sum()) / whole
        patch[taken] = colours[taken]
        missing &= ~taken
    if missing.any():
        unknown = missing | ~(ring | hole[area])
        rest = cv2.inpaint(
            np.clip(patch, 0, 255).astype(np.uint8), unknown.astype(np.uint8), 5, cv2.INPAINT_TELEA
        )
        patch[missing] = rest[missing]
    out[area] = patch
    return out, noise


def _correlated(image: Map, window: Map) -> Map:
    """Sum of the products at every place of the window in the image."""
    return np.asarray(cv2.matchTemplate(image, window, cv2.TM_CCORR), np.float32)


def _errors(picture: Colours, known: Mask, area: tuple[slice, slice], ring: Mask) -> Map:
    """For every place of the window: the mean squared difference of what is known there and at the ring."""
    w, m = ring.astype(np.float32), known.astype(np.float32)
    centred = picture - picture[known].mean(axis=0)  # smaller numbers, smaller rounding errors
    here = centred[area]
    count = _correlated(m, w)
    total = _correlated(m, w * (here * here).sum(axis=-1))
    total += _correlated(m * (centred * centred).sum(axis=-1), w)
    for channel in range(3):
        total -= 2 * _correlated(m * centred[..., channel], w * here[..., channel])
    seen = count >= SEEN * w.sum()
    return np.asarray(np.where(seen, np.maximum(total, 0) / np.maximum(count, 1), np.inf), np.float32)


def _drift(difference: Colours, ring: Mask) -> Colours:
    """What differs between two surroundings, spread smoothly into the middle."""
    sigma = max(difference.shape[0] / 4, 1.0)
    weight = ring.astype(np.float32)
    spread = cv2.GaussianBlur(difference * weight[..., None], (0, 0), sigma)
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.asarray(spread / np.maximum(total, 1e-4)[..., None], np.float32)


def _agent(
    picture: Frame, plate: Frame, cover: Map, hole: Mask, lattice: Lattice, place: Point, noise: float
) -> Piece:
    """The agent: what differs from the road under it, which is known up to `noise`."""
    area = _box(hole, 0)
    patch, under = picture[area].astype(np.float32), plate[area].astype(np.float32)
    x, y = (float(v) for v in lattice.pixels(place))
    anchor, size = (x - area[1].start, y - area[0].start), (picture.shape[1], picture.shape[0])
    differs = _difference(patch, under, cover[area]) * _square(lattice, place, size, ICON)[area]
    whole = _outline(np.asarray(differs, np.float32), anchor, noise)
    if float(whole.sum()) < MIN_INK * lattice.cell_w * lattice.cell_h:
        raise UserError(f"no agent stands out from the road at {x:.0f}, {y:.0f} in the picture")
    rgb, alpha = _matte(patch, under, whole)
    through = transparency(patch, under, whole) if noise <= EXACT else 0.0
    if through:
        rgb = np.asarray(np.clip((rgb - through * under) / (1 - through), 0, 255), np.float32)
        alpha = alpha * np.float32(1 - through)
    return Piece("agent", rgb, alpha, anchor)


def transparency(patch: Colours, under: Colours, whole: npt.NDArray[np.uint8]) -> float:
    """How much of the road's texture shows through the agent, a share; 0 where that cannot be told."""
    core = cv2.erode(whole, _SQUARE, iterations=3).astype(np.float32)
    if core.sum() < CORE:
        return 0.0
    sigma = float(np.sqrt(core.sum())) / 4
    weight = np.maximum(cv2.GaussianBlur(core, (0, 0), sigma), 1e-3)[..., None]

    def fine(colours: Colours) -> Colours:
        """What is finer than the agent, inside of it."""
        smooth = cv2.GaussianBlur(colours * core[..., None], (0, 0), sigma) / weight
        return np.asarray((colours - smooth) * core[..., None], np.float32)

    seen, there = fine(patch), fine(under)
    energy = float((there * there).sum())
    if energy < TEXTURE**2 * 3 * float(core.sum()):
        return 0.0
    share = float((seen * there).sum()) / energy
    likeness = float((seen * there).sum()) / max(float(np.sqrt(energy * (seen * seen).sum())), 1e-6)
    return share if SHOWS <= share <= 0.9 and likeness >= SHOWS_ALIKE else 0.0


def _difference(patch: Colours, under: Colours, cover: Map) -> Map:
    """How much the picture differs (0-255) from the ground; a road's edge may lie a pixel off."""
    differs = np.abs(patch - under).max(axis=-1)
    beyond = np.maximum(patch - cv2.dilate(under, _SQUARE), cv2.erode(under, _SQUARE) - patch).max(axis=-1)
    edge = cv2.dilate(((cover > 0) & (cover < 1)).astype(np.uint8), _SQUARE) > 0
    return np.asarray(np.where(edge, np.maximum(beyond, 0), differs), np.float32)


def _outline(differs: Map, middle: tuple[float, float], noise: float) -> npt.NDArray[np.uint8]:
    """1 where the agent is: what differs around the middle, holes filled.

    Where the road under it is not known well, some of it may look just like that: its convex hull is taken.
    """
    h, w = differs.shape
    pad = max(h, w) // GAPS
    disc, small = (
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1)) for r in (pad, pad // 2)
    )
    least = float(np.clip(NOISES * noise, LEAST_SURE, MOST_SURE))
    if noise > UNSURE:
        x, y, r = round(middle[0]), round(middle[1]), max(h, w) // 5
        least = max(least, HALFWAY * float(np.median(differs[max(y - r, 0) : y + r, max(x - r, 0) : x + r])))
    sure = cv2.morphologyEx(
        (differs > least).astype(np.uint8), cv2.MORPH_OPEN, small if noise > UNSURE else _CROSS
    )
    # With room around it: else what is near the edge would be closed towards it.
    wide = cv2.copyMakeBorder(sure, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    sure = np.asarray(cv2.morphologyEx(wide, cv2.MORPH_CLOSE, disc), np.uint8)[pad : pad + h, pad : pad + w]
    contours, _ = cv2.findContours(sure, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    near = max(h, w) / 4  # half of the agent's own half width
    parts = [c for c in contours if cv2.pointPolygonTest(c, middle, True) >= -near]
    parts = [c for c in parts if cv2.contourArea(c) >= 0.01 * h * w]
    whole = np.zeros_like(sure)
    if parts and noise > UNSURE:
        cv2.fillConvexPoly(whole, cv2.convexHull(np.concatenate(parts)), 1)
    else:
        cv2.drawContours(whole, parts, -1, 1, cv2.FILLED)
    return whole


def _matte(patch: Colours, under: Colours, whole: npt.NDArray[np.uint8]) -> tuple[Colours, Map]:
    """Colours and opacity of an agent with this outline."""
    # The outline mixes the agent with the ground: it has the colours of what is further inside.
    core = cv2.erode(whole, _SQUARE, iterations=2)
    if not core.any():
        return patch, whole.astype(np.float32)
    rim = (cv2.dilate(whole, _SQUARE) > 0) & (core == 0)
    _, label = cv2.distanceTransformWithLabels(1 - core, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.zeros((int(label.max()) + 1, 3), np.float32)
    nearest[label[core > 0]] = patch[core > 0]
    rgb = np.where(rim[..., None], nearest[label], patch)
    differs, contrast = np.abs(patch - under).max(axis=-1), np.abs(rgb - under).max(axis=-1)
    smooth = cv2.GaussianBlur(whole.astype(np.float32), (0, 0), 0.7)
    mixed = np.where(contrast > CLEAR, np.clip(differs / np.maximum(contrast, 1), 0, 1), smooth)
    alpha = np.where(core > 0, np.float32(1), mixed * rim)
    return np.asarray(rgb, np.float32), np.asarray(alpha, np.float32)
