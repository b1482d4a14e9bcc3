"""Find the roads in a picture that somebody else drew: where they run, how wide they are, what is on them.

Nothing is known but that there are roads of one width on a plain ground, and two things that stand on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.perceive.thinning import Way, thinned, ways
from genreason.types import Frame, UserError

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
APART = 40.0  # difference (0-255) from the ground that is a road's or what stands on it
EDGE = 0.02  # width of the rim (share of the picture) that shows the ground
FINE = 11.0  # pixels of a road's width at which it is thinned
LEAST = 6.0  # pixels of a road's width that can be read
FULL = 0.6  # share of the picture that roads may cover
HOLE = 1.2  # area (square widths) of a hole in the roads that is a dark thing on them
SPUR = 0.75  # widths of a dead end that is an unevenness of the edge
CLOSE = 0.6  # widths between two nodes that are one
BEND = 0.14  # widths that a road may be off its curve
ICON = 0.3  # widths around its middle in which a thing is compared with the road
BETWEEN = 1.2  # widths between two things
MOST_THINGS = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """A road: its two nodes, and the control points between them of a Bezier curve in pixels."""

    ends: tuple[int, int]
    controls: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that stands on a road.

    Attributes:
        x: its middle in pixels.
        y: the same, downwards.
        colour: its mean colour, RGB, 0-255.
        odd: how far it is from what the roads look like, in deviations.
    """

    x: float
    y: float
    colour: tuple[float, float, float]
    odd: float


@dataclass(frozen=True)
class Roads:
    """What was found.

    Attributes:
        width: of the roads in pixels.
        nodes: (N, 2) x and y in pixels.
        curves: the roads.
        things: what may stand on them, what stands out most first; some are no more than spots of the road.
    """

    width: float
    nodes: Points
    curves: tuple[Curve, ...]
    things: tuple[Thing, ...]


def find_roads(picture: Frame) -> Roads:
    """The roads of a picture (HWC RGB uint8).

    Raises:
        UserError: there are none.
    """
    mask = _band(picture)
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    ridge = (depth >= cv2.dilate(depth, np.ones((3, 3)))) & (depth > 1.5)
    width = 2 * float(np.median(depth[ridge])) if ridge.any() else 0.0
    if width < LEAST:
        raise UserError(f"no roads are seen in the picture: what could be some is {width:.0f} pixels wide")
    scale = min(FINE / width, 1.0)
    size = max(round(mask.shape[1] * scale), 1), max(round(mask.shape[0] * scale), 1)
    small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 127
    zoom = np.array([mask.shape[1] / size[0], mask.shape[0] / size[1]])
    nodes, found = ways(thinned(small))
    nodes, found = (nodes + 0.5) * zoom, [Way(way.ends, (way.points + 0.5) * zoom) for way in found]
    nodes, found = _tidied(nodes, found, width)
    if not found:
        raise UserError("no roads are seen in the picture")
    places, curves = _fitted(nodes, found, width)
    return Roads(width, places, curves, _things(picture, mask, found, width))


def _band(picture: Frame) -> Mask:
    """The pixels of the roads and of what stands on them."""
    h, w = picture.shape[:2]
    rim = max(round(EDGE * min(h, w)), 1)
    around = np.ones((h, w), np.bool_)
    around[rim:-rim, rim:-rim] = False
    ground = np.median(picture[around], axis=0)
    differs = (np.abs(picture - ground).max(axis=-1) > APART).astype(np.uint8)
    opened = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, label, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    if count < 2:
        raise UserError("no roads are seen in the picture: all of it has one colour")
    mask = label == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    if mask.mean() > FULL:
        raise UserError("no roads are seen in the picture: its ground has no plain colour")
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    hole = HOLE * (2 * float(depth.max())) ** 2
    count, label, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    for k in range(1, count):
        if stats[k, cv2.CC_STAT_AREA] < hole:
            mask[label == k] = True
    return np.asarray(mask, np.bool_)


def _length(points: Points) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _tidied(nodes: Points, found: list[Way], width: float) -> tuple[Points, list[Way]]:
    """Without the spurs that thinning leaves, and with nodes that are close together as one."""
    degree = np.bincount([end for way in found for end in way.ends], minlength=len(nodes))
    found = [
        way for way in found
        if _length(way.points) >= SPUR * width or min(degree[end] for end in way.ends) > 1
    ]  # fmt: skip
    merged = np.arange(len(nodes))
    for way in sorted(found, key=lambda way: _length(way.points)):
        a, b = (int(merged[end]) for end in way.ends)
        if a != b and _length(way.points) < CLOSE * width:
            nodes = nodes.copy()
            nodes[a] = (nodes[a] + nodes[b]) / 2
            merged[merged == b] = a
    out = []
    for way in found:
        ends = int(merged[way.ends[0]]), int(merged[way.ends[1]])
        if ends[0] == ends[1] and _length(way.points) < 2 * width:
            continue
        points = np.concatenate([nodes[[ends[0]]], way.points[1:-1], nodes[[ends[1]]]])
        out.append(Way(ends, points))
    return _without_passed(nodes, out)


def _without_passed(nodes: Points, found: list[Way]) -> tuple[Points, list[Way]]:
    """Nodes at which two ways meet and no third (their spur is gone) are no nodes."""
    while True:
        degree = np.bincount([end for way in found for end in way.ends], minlength=len(nodes))
        passed = next(
            (
                pair for node in np.flatnonzero(degree == 2)
                if len(pair := [way for way in found if node in way.ends]) == 2
            ),
            None,
        )  # fmt: skip
        if passed is None:
            return nodes, found
        a, b = passed
        node = next(iter(set(a.ends) & set(b.ends)))
        one = a.points if a.ends[1] == node else a.points[::-1]
        two = b.points if b.ends[0] == node else b.points[::-1]
        ends = (a.ends[0] if a.ends[1] == node else a.ends[1], b.ends[1] if b.ends[0] == node else b.ends[0])
        found = [way for way in found if way is not a and way is not b]
        found.append(Way(ends, np.concatenate([one, two[1:]])))


def _fitted(nodes: Points, found: list[Way], width: float) -> tuple[Points, tuple[Curve, ...]]:
    """The ways as curves, with new nodes where they bend sharply."""
    places = [tuple(map(float, node)) for node in nodes]
    curves: list[Curve] = []

    def fit(ends: tuple[int, int], points: Points, twice: bool) -> None:
        control = _control(points)
        line = _quadratic(points[0], control, points[-1], 24)
        off = np.hypot(*(points[:, None] - line[None]).transpose(2, 0, 1)).min(axis=1)
        if (float(off.max()) <= BEND * width or len(points) < 6) and not twice:
            curves.append(Curve(ends, ((float(control[0]), float(control[1])),)))
            return
        chord = points[-1] - points[0]
        span = max(float(np.hypot(*chord)), 1e-6)
        off = points - points[0]
        aside = np.abs(chord[0] * off[:, 1] - chord[1] * off[:, 0]) / span
        away = aside if span > width else np.hypot(*off.T)
        k = int(np.clip(away.argmax(), 2, len(points) - 3))
        places.append((float(points[k, 0]), float(points[k, 1])))
        new = len(places) - 1
        fit((ends[0], new), points[: k + 1], False)
        fit((new, ends[1]), points[k:], False)

    known: set[frozenset[int]] = set()
    for way in found:
        # Two roads between the same nodes, or from a node to itself, could not be told apart by their ends.
        twice = way.ends[0] == way.ends[1] or frozenset(way.ends) in known
        known.add(frozenset(way.ends))
        fit(way.ends, _smooth(way.points, width), twice)
    used = sorted({end for curve in curves for end in curve.ends})
    number = {end: k for k, end in enumerate(used)}
    moved = tuple(Curve((number[c.ends[0]], number[c.ends[1]]), c.controls) for c in curves)
    return np.array([places[end] for end in used], np.float64), moved


def _smooth(points: Points, width: float) -> Points:
    """Without the steps of pixels; the ends stay."""
    arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    count = max(int(arc[-1] / (width / 8)), 2)
    even = np.stack([np.interp(np.linspace(0, arc[-1], count + 1), arc, points[:, k]) for k in (0, 1)], -1)
    reach = 3
    padded = np.concatenate([2 * even[0] - even[reach:0:-1], even, 2 * even[-1] - even[-2 : -reach - 2 : -1]])
    if len(padded) < len(even) + 2 * reach:
        return even
    kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
    out = np.stack([np.convolve(padded[:, k], kernel, "valid") for k in (0, 1)], -1)
    out[0], out[-1] = even[0], even[-1]
    return np.asarray(out, np.float64)


def _control(points: Points) -> Points:
    """The control point of the quadratic Bezier curve that fits best between the first and the last point."""
    arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    t = (arc / max(float(arc[-1]), 1e-6))[:, None]
    weight = 2 * t * (1 - t)
    rest = points - points[0] * (1 - t) ** 2 - points[-1] * t**2
    total = float((weight**2).sum())
    if total < 1e-9:
        return np.asarray((points[0] + points[-1]) / 2, np.float64)
    return np.asarray((weight * rest).sum(axis=0) / total, np.float64)


def _quadratic(start: Points, control: Points, end: Points, count: int) -> Points:
    t = np.linspace(0, 1, count + 1)[:, None]
    return np.asarray(start * (1 - t) ** 2 + 2 * control * t * (1 - t) + end * t**2, np.float64)


def _things(picture: Frame, mask: Mask, found: list[Way], width: float) -> tuple[Thing, ...]:
    """The places on the roads that look unlike the rest of them."""
    points = np.unique(np.rint(np.concatenate([way.points for way in found])).astype(int), axis=0)
    points = points[:: max(len(points) // 2000, 1)]
    side = max(round(2 * ICON * width) | 1, 3)
    smooth = cv2.blur(picture, (side, side)).astype(np.float32)
    rough = cv2.blur((picture.astype(np.float32) - smooth) ** 2, (side, side)).max(axis=-1)
    h, w = mask.shape
    x, y = np.clip(points[:, 0], 0, w - 1), np.clip(points[:, 1], 0, h - 1)
    looks = np.concatenate([smooth[y, x], np.sqrt(rough[y, x])[:, None]], axis=1)
    middle = np.median(looks, axis=0)
    spread = 1.5 * np.median(np.abs(looks - middle), axis=0) + 3.0
    odd = np.sqrt((((looks - middle) / spread) ** 2).mean(axis=1))
    things: list[Thing] = []
    left = odd.copy()
    while len(things) < MOST_THINGS and left.max() > 0:
        best = int(left.argmax())
        place, colour = _centred(picture, mask, points[best].astype(np.float64), middle[:3], width)
        thing = Thing(float(place[0]), float(place[1]), colour, float(left[best]))
        things.append(thing)
        left[np.hypot(*(points - (thing.x, thing.y)).T) < BETWEEN * width] = 0
    return tuple(things)


def _centred(
    picture: Frame, mask: Mask, place: Points, road: npt.NDArray[np.float32], width: float
) -> tuple[Points, tuple[float, float, float]]:
    """Middle and colour of the thing at a place: of all that differs from the road there."""
    for _ in range(3):
        reach = round(0.7 * width)
        x0, y0 = max(round(float(place[0])) - reach, 0), max(round(float(place[1])) - reach, 0)
        part = picture[y0 : y0 + 2 * reach + 1, x0 : x0 + 2 * reach + 1].astype(np.float32)
        inside = mask[y0 : y0 + 2 * reach + 1, x0 : x0 + 2 * reach + 1]
        inside = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        weight = np.clip(np.abs(part - road).max(axis=-1) - APART / 2, 0, 60) * inside
        if not weight.any():
            break
        ys, xs = np.mgrid[: part.shape[0], : part.shape[1]]
        total = float(weight.sum())
        place = np.array([x0 + float((xs * weight).sum()) / total, y0 + float((ys * weight).sum()) / total])
    colour = (part * weight[..., None]).sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6)
    r, g, b = (float(v) for v in colour)
    return place + 0.5, (r, g, b)
