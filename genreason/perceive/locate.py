"""Find a piece in a frame: where (to a fraction of a pixel) and how much of it is there."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.board import Board, Piece, Stamp, stamp
from genreason.types import Frame

OPAQUE = 0.95  # opacity from which nothing shines through a piece
LEAST_INSIDE = 12  # pixels of a piece's inside that are enough to know its colour by
SOLID = 0.4  # share of a piece's greatest opacity that its body has
AROUND = 0.12  # how far around a piece, in its size, `spill` looks
SOFT = 1.6  # pixels of blur that a clip may have
GRAY = 128.0
_NEXT = np.ones((3, 3), np.uint8)
_SUM = np.ones((1, 3), np.float32)
Match = tuple[float, float, float]
"""x, y in pixels (of the piece's anchor) and the mean squared difference per weighted value."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a piece at a place.

    Attributes:
        x: place of its anchor in pixels.
        y: the same, downwards.
        presence: how opaque it is there, 0 absent to 1 whole.
        likeness: correlation of what differs from the empty plate with how the piece would differ from it.
    """

    x: float
    y: float
    presence: float
    likeness: float

    @property
    def quality(self) -> float:
        """How surely this is the piece, 0 to 1."""
        return min(max(self.presence, 0.0), 1.0) * max(self.likeness, 0.0)


class Finder:
    """Looks for one piece of a board that was fitted to the frames."""

    def __init__(self, piece: Piece, plate: Frame | None = None) -> None:
        """Prepare the template: the piece's colours, weighted by its opacity.

        `plate` is the empty picture: with it, pieces that it shines through are found over any ground.
        """
        self.piece = piece
        self.sheer = None if piece.sheer is None else Finder(piece.sheer, plate)
        self.solid = 1 - SOLID * float(piece.alpha.max())  # what shows less of the ground is the piece's body
        left, top, right, bottom = piece.ink
        cut = (slice(top, bottom), slice(left, right))
        self.template = np.ascontiguousarray(np.clip(piece.rgb[cut], 0, 255), np.float32)
        weight = np.where(piece.alpha[cut] > 0.2, piece.alpha[cut], 0)
        self.mask = np.repeat(weight.astype(np.float32)[..., None], 3, axis=2)
        self.weight = float((weight * weight).sum()) * 3
        self.anchor = (piece.anchor[0] - left, piece.anchor[1] - top)
        self.size = (self.template.shape[1], self.template.shape[0])
        clear = plate is not None and float(np.median(weight[weight > 0])) < OPAQUE
        self._plate = plate if clear else None
        self._terms = _terms(weight.astype(np.float32), self.template) if clear else ()
        # About a middle gray little is lost where large numbers are taken from each other.
        colour = self.template - np.float32(0 if clear else GRAY)
        square = self.mask * self.mask
        # Of square * (frame - colour)^2, multiplied out: the weights of frame^2 and of the frame's channels.
        self._weights = np.dstack([square[..., :1], -2 * square * colour])
        self._own = np.float32((square * colour * colour).sum())

    def match(self, frame: Frame, x: float, y: float, radius: float) -> Match:
        """The place near (x, y) at which the frame looks most like the piece.

        The window of `radius` pixels is moved on while the best place lies at its edge.
        """
        reach = int(np.ceil(radius))
        for _ in range(3):
            found_x, found_y, cost = self._best(frame, x, y, reach)
            if max(abs(found_x - x), abs(found_y - y)) < reach - 1:
                break
            x, y = found_x, found_y
        return found_x, found_y, cost

    def _best(self, frame: Frame, x: float, y: float, reach: int) -> Match:
        left, top = round(x - self.anchor[0]) - reach, round(y - self.anchor[1]) - reach
        window = _window(frame, left, top, self.size[0] + 2 * reach, self.size[1] + 2 * reach)
        size = window.shape[1], window.shape[0]
        under = None if self._plate is None else _window(self._plate, left, top, *size)
        cost = self._cost(window, under)
        _, _, (i, j), _ = cv2.minMaxLoc(cost)
        fine_x, fine_y = _vertex(cost[j], i), _vertex(cost[:, i], j)
        return left + fine_x + self.anchor[0], top + fine_y + self.anchor[1], float(cost[j, i]) / self.weight

    def costs(self, frame: Frame) -> npt.NDArray[np.float32]:
        """Mean squared difference of the piece at every whole-pixel place of the frame."""
        return np.asarray(self._cost(frame, self._plate) / self.weight, np.float32)

    def _cost(self, frame: Frame, plate: Frame | None) -> npt.NDArray[np.float32]:
        """Sum of squared differences at every place; over the plate's ground where that shines through."""
        if plate is None:
            seen = np.asarray(frame - np.float32(GRAY), np.float32)
            layers = np.empty((*seen.shape[:2], 4), np.float32)
            layers[..., 0] = cv2.transform(cv2.multiply(seen, seen), _SUM)
            layers[..., 1:] = seen
            return np.asarray(cv2.matchTemplate(layers, self._weights, cv2.TM_CCORR) + self._own, np.float32)
        seen = frame.astype(np.float32)
        # Of (frame - rest * plate - colour)^2, multiplied out, so that each part is one correlation.
        ground = plate.astype(np.float32)
        pairs = zip((seen * seen, ground * ground, seen * ground, seen, ground), self._terms, strict=True)
        parts = [np.asarray(cv2.matchTemplate(a, b, cv2.TM_CCORR), np.float32) for a, b in pairs]
        return np.asarray(sum(parts) + self._own, np.float32)

    def look(self, frame: Frame, board: Board, x: float, y: float, tint: npt.NDArray[np.float32]) -> Sight:
        """How much of the piece is at (x, y), against the empty plate there."""
        mark = stamp(self.piece, x, y, frame.shape)
        if mark is None:
            return Sight(x, y, 0.0, 0.0)
        plate = board.plate[mark.target].astype(np.float32)
        ink = mark.colour - plate * (1 - mark.rest)
        seen = frame[mark.target] - plate
        if np.any(tint):
            seen -= tint
        body = (mark.rest < self.solid).astype(np.float32)
        seen *= body
        ink *= body
        if self.piece.sheer is not None:
            ink += _between(seen - ink, self._sheerer(mark, board.plate, x, y) * body)
        energy = float(np.vdot(ink, ink))
        if energy < 1.0:
            return Sight(x, y, 0.0, 0.0)
        product = float(np.vdot(seen, ink))
        likeness = product / max(float(np.sqrt(energy * np.vdot(seen, seen))), 1e-6)
        return Sight(x, y, product / energy, likeness)

    def off_colour(
        self, frame: Frame, board: Board, x: float, y: float, tint: npt.NDArray[np.float32]
    ) -> float:
        """How far (0-255) the piece at (x, y) is from its own colour: mean of its inside, largest channel."""
        mark = stamp(self.piece, x, y, frame.shape)
        if mark is None:
            return 0.0
        body = (mark.rest[..., 0] < self.solid).astype(np.uint8)
        inside = cv2.erode(body, _NEXT)  # edges are soft
        if cv2.countNonZero(inside) < LEAST_INSIDE:
            inside = body
        drawn = board.plate[mark.target] * mark.rest
        drawn += mark.colour
        if self.piece.sheer is not None:
            change = self._sheerer(mark, board.plate, x, y) * inside[..., None]
            drawn += _between((frame[mark.target] - drawn - tint) * inside[..., None], change)
        if not inside.any():
            return 0.0
        # Out of focus, what is around a small piece has a part in its colour.
        looks = (drawn, cv2.GaussianBlur(drawn, (0, 0), SOFT))
        gaps = [np.array(cv2.mean(frame[mark.target] - look, mask=inside)[:3]) - tint for look in looks]
        return float(min(np.abs(gap).max() for gap in gaps))

    def _sheerer(self, mark: Stamp, plate: Frame, x: float, y: float) -> npt.NDArray[np.float32]:
        """How the piece's colours at (x, y) change if what is under it shines through as much as it can."""
        sheer = None if self.piece.sheer is None else stamp(self.piece.sheer, x, y, plate.shape)
        if sheer is None:
            return np.zeros_like(mark.colour)
        return np.asarray(
            sheer.colour - mark.colour + plate[mark.target] * (sheer.rest - mark.rest), np.float32
        )

    def spill(self, frame: Frame, board: Board, x: float, y: float, tint: npt.NDArray[np.float32]) -> float:
        """How much what is close around the piece at (x, y) differs from the empty plate.

        A share of how much (mean square) the place that it covers does: near 0 where only a piece came.
        """
        mark = stamp(self.piece, x, y, frame.shape)
        if mark is None:
            return 0.0
        # What is close: not all of the piece's picture, which may have wide empty margins.
        edge, height, width = round(AROUND * max(self.size)), *frame.shape[:2]
        left, top = round(x - self.anchor[0]), round(y - self.anchor[1])
        rows = slice(max(top - edge, 0), min(top + self.size[1] + edge, height))
        cols = slice(max(left - edge, 0), min(left + self.size[0] + edge, width))
        gap = frame[rows, cols].astype(np.float32) - board.plate[rows, cols] - tint
        size = (gap * gap).sum(axis=-1)
        whole = np.zeros((height, width), np.float32)
        whole[mark.target] = 1 - mark.rest[..., 0]
        body = whole[rows, cols]
        inside, outside = size[body > 1 - self.solid], size[body < 0.02]
        return float(outside.mean() / max(inside.mean(), 1.0)) if outside.size and inside.size else 0.0


def _between(gap: npt.NDArray[np.float32], change: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The part of a change, from none to all of it, that explains a difference best."""
    energy = float(np.vdot(change, change))
    share = min(max(float(np.vdot(gap, change)) / energy, 0.0), 1.0) if energy >= 1.0 else 0.0
    return np.asarray(change * np.float32(share), np.float32)


def _terms(
    alpha: npt.NDArray[np.float32], colour: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], ...]:
    """What frame^2, plate^2, frame * plate, frame and plate are multiplied by in the squared difference."""
    a = np.repeat(alpha[..., None], 3, axis=2)
    here = (a > 0).astype(np.float32)
    rest = (1 - a) * here
    return here, rest * rest, -2 * rest, -2 * a * colour, 2 * rest * a * colour


def contrast(board: Board, finder: Finder, x: float, y: float) -> float:
    """Root mean square difference (0-255) between the piece at (x, y) and the empty plate there."""
    mark = stamp(finder.piece, x, y, board.plate.shape)
    if mark is None:
        return 0.0
    ink = mark.colour - board.plate[mark.target] * (1 - mark.rest)
    return float(np.sqrt((ink * ink).sum() / max((1 - mark.rest).sum(), 1.0)))


def _window(frame: Frame, left: int, top: int, width: int, height: int) -> Frame:
    """A part of the frame; what lies outside repeats its edge."""
    h, w = frame.shape[:2]
    if left >= 0 and top >= 0 and left + width <= w and top + height <= h:
        return frame[top : top + height, left : left + width]
    columns = np.clip(np.arange(left, left + width), 0, w - 1)
    rows = np.clip(np.arange(top, top + height), 0, h - 1)
    return np.asarray(frame[rows[:, None], columns], np.uint8)


def _vertex(line: npt.NDArray[np.float32], i: int) -> float:
    """Where the parabola through the minimum and its neighbours is lowest."""
    if i == 0 or i == len(line) - 1:
        return float(i)
    before, here, after = float(line[i - 1]), float(line[i]), float(line[i + 1])
    bend = before - 2 * here + after
    return i + (0.5 * (before - after) / bend if bend > 1e-9 else 0.0)
