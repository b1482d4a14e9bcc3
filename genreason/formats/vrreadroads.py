"""Read an irregular maze from its picture alone, with a person's hints where it must.

Roads, and what stands on them, are found without knowing the art (`genreason.perceive.roadfind`). Player and
goal are told apart by hints, or by which of them leaves its place first in clips.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from genreason.formats.vrstate import Level
from genreason.perceive.roadfind import Roads, Thing, find_roads
from genreason.puzzles.irregular_maze import PUZZLE, RoadMap, names
from genreason.puzzles.roads import RoadState
from genreason.puzzles.touching import SAMPLES, Bend, Point, curve_points, node_at
from genreason.puzzles.voronoi import GRAIN
from genreason.render.lattice import Lattice
from genreason.types import Frame, UserError

GAME = PUZZLE.name
HINTS = ("player", "goal")
CLEARER = 1.3  # times as odd as the next spot of the roads that player and goal must be
AT = 1.0  # road widths up to which a hint's place means a thing
HALF = 3  # half the side (pixels) of a thing's middle that is watched
OTHER = 25.0  # difference of its mean colour (0-255) from which the thing is gone
GONE = 3  # frames after which it has left
COLOURS = {
    "red": (220, 40, 40), "green": (40, 200, 50), "blue": (50, 90, 200), "yellow": (250, 225, 80),
    "orange": (240, 150, 50), "purple": (140, 70, 190), "pink": (255, 130, 150), "brown": (140, 95, 60),
    "cyan": (90, 210, 220), "black": (20, 20, 20), "gray": (125, 125, 125), "white": (245, 245, 245),
}  # fmt: skip
Hints = Mapping[str, Any]
"""What a person says of player and goal: a colour, or "x,y" in pixels of the picture."""


def level(picture: Frame, hints: Hints, clips: Sequence[Iterable[Frame]] = ()) -> Level:
    """The puzzle of a picture.

    Args:
        picture: HWC RGB uint8.
        hints: see `Hints`.
        clips: frames (HWC RGB uint8 of the picture's size) of clips that begin with the picture, if there
            are any; the first that tells player and goal apart counts.

    Raises:
        UserError: there are no roads, or it is not seen which thing is which; says which hint would tell.
    """
    found = find_roads(picture)
    player, goal = _named(found, picture, hints, clips)
    size = picture.shape[1], picture.shape[0]
    width = found.width
    lattice = Lattice(
        cols=int(size[0] / width), rows=int(size[1] / width), x0=0.0, y0=0.0, cell_w=width, cell_h=width
    )

    def cells(points: Any) -> list[Point]:
        return [
            (float(x), float(y)) for x, y in np.rint(lattice.cells(points).astype(np.float64) * GRAIN) / GRAIN
        ]

    nodes = cells(found.nodes)
    bends: list[Bend] = [(*curve.ends, tuple(cells(curve.controls))) for curve in found.curves]
    start, end = (_node(nodes, bends, cells([(thing.x, thing.y)])[0]) for thing in (player, goal))
    if start == end:
        raise UserError(f"player and goal are seen at the same place: say -o {GAME}.player=x,y and .goal=x,y")
    order = sorted(range(len(nodes)), key=lambda i: nodes[i])
    number = {old: new for new, old in enumerate(order)}
    bends = [
        (number[a], number[b], inner) if number[a] < number[b] else (number[b], number[a], inner[::-1])
        for a, b, inner in bends
    ]
    start, end = number[start], number[end]
    extent = (size[0] / width, size[1] / width)
    network = RoadMap(names(len(order), start, end), [nodes[i] for i in order], bends, extent)
    state = RoadState(network, start, end)
    if PUZZLE.solve(state) is None:
        raise UserError("no road leads from the player to the goal in the picture")
    encoded, goal_json = PUZZLE.encode(state)
    return Level(puzzle=GAME, state=encoded, goal=goal_json, size=size, scene={"grid": lattice.to_json()})


def _node(nodes: list[Point], bends: list[Bend], place: Point) -> int:
    """The node at which a thing stands: on the nearest road, moved to where it is."""
    best, least = (0, 0.0), np.inf
    for k, bend in enumerate(bends):
        away = np.hypot(*(curve_points(nodes, bend) - place).T)
        if float(away.min()) < least:
            best, least = (k, float(away.argmin()) / SAMPLES), float(away.min())
    node = node_at(nodes, bends, *best)
    nodes[node] = place
    return node


def _named(
    found: Roads, picture: Frame, hints: Hints, clips: Sequence[Iterable[Frame]]
) -> tuple[Thing, Thing]:
    """Player and goal."""
    told = {name: _hinted(found, name, hints[name]) for name in HINTS if name in hints}
    rest = [thing for thing in found.things if thing not in told.values()]
    missing = [name for name in HINTS if name not in told]
    options = " or ".join(_words(thing) for thing in found.things[:2])
    if len(rest) < len(missing):
        raise UserError(
            f"player and goal are not seen in the picture: say -o {GAME}.player=x,y and .goal=x,y"
        )
    if len(missing) < len(rest) and missing and rest[len(missing) - 1].odd < CLEARER * rest[len(missing)].odd:
        raise UserError(
            f"the {missing[-1]} hardly stands out from the road: say -o {GAME}.{missing[-1]}=x,y in pixels"
        )
    if len(missing) == 2:
        pair = rest[:2]
        first = next((k for frames in clips if (k := _leaver(pair, picture, frames)) is not None), None)
        if first is None:
            raise UserError(f"it is not seen which is the player: say -o {GAME}.player={options}")
        told = {"player": pair[first], "goal": pair[1 - first]}
    elif missing:
        told[missing[0]] = rest[0]
    return told["player"], told["goal"]


def _hinted(found: Roads, name: str, hint: Any) -> Thing:
    """The thing that a hint means, or at the place that it names."""
    if str(hint) in COLOURS:
        fits = [thing for thing in found.things[:2] if _colour(thing) == hint]
        if len(fits) != 1:
            seen = " and ".join(_words(thing) for thing in found.things[:2])
            raise UserError(f"-o {GAME}.{name}={hint}: not one such thing is seen; there is {seen}")
        return fits[0]
    try:
        x, y = (float(part) for part in (hint.split(",") if isinstance(hint, str) else hint))
    except (TypeError, ValueError):
        raise UserError(f"-o {GAME}.{name}={hint}: is neither a colour nor x,y in pixels") from None
    near = [t for t in found.things if np.hypot(t.x - x, t.y - y) <= AT * found.width]
    return min(near, key=lambda t: float(np.hypot(t.x - x, t.y - y)), default=Thing(x, y, (0, 0, 0), 0.0))


def _colour(thing: Thing) -> str:
    return min(COLOURS, key=lambda name: float(np.abs(np.subtract(COLOURS[name], thing.colour)).sum()))


def _words(thing: Thing) -> str:
    return f"{thing.x:.0f},{thing.y:.0f} ({_colour(thing)})"


def _leaver(pair: Sequence[Thing], picture: Frame, frames: Iterable[Frame]) -> int | None:
    """Which of two things leaves its place first in a clip, if it is seen."""
    boxes = [
        np.s_[max(int(t.y) - HALF, 0) : int(t.y) + HALF + 1, max(int(t.x) - HALF, 0) : int(t.x) + HALF + 1]
        for t in pair
    ]
    looks = [picture[box].reshape(-1, 3).mean(axis=0) for box in boxes]
    gone = [0, 0]
    for frame in frames:
        if frame.shape != picture.shape:
            frame = np.asarray(
                cv2.resize(frame, picture.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8
            )
        for k, box in enumerate(boxes):
            off = float(np.abs(frame[box].reshape(-1, 3).mean(axis=0) - looks[k]).max())
            gone[k] = gone[k] + 1 if off > OTHER else 0
        if max(gone) >= GONE:
            return None if min(gone) > 0 else gone.index(max(gone))
    return None
