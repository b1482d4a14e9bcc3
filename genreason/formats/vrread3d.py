"""Read a maze of cubes from a picture of VR-Bench's alone.

VR-Bench draws every grid with the same camera, begins at the nearest cube, and outlines cubes in black. So
the picture is asked, move by move from the start on, whether the cubes and the ladder are there that a move
needs (`genreason.perceive.cubesight`); the surest goes first, as what stands in front explains what is
behind. What stays unclear is drawn, and compared with the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from genreason.formats.vrstate import Level
from genreason.formats.vrstate3d import DRAWN, GAME, camera_in_cells, figure_camera
from genreason.perceive.cubesight import Sight
from genreason.perceive.scaffold import misfit
from genreason.puzzles.scaffold import MOVES, Scaffold, ball, middle, shifted
from genreason.render.cubes import Cube
from genreason.types import Frame, UserError

HINTS = ("grid",)
GRIDS: dict[str, Cube] = {"easy": (6, 6, 5), "medium": (8, 8, 7), "hard": (10, 10, 9)}
LARGEST = 40  # cubes a side of a grid
FIRST = 0.6  # how surely the start cube must be there
SURE = 0.55  # how surely others must be
FAINT = 0.3  # how surely that is tried
HIDDEN = 0.5  # how surely what nothing is seen of is there
MOST = 60  # moves that are looked for
ROUNDS = 6  # of what is tried
SAME, BETTER = 0.004, 0.01  # differences of the mean misfit (0-255) that are none, and that are one


def level(picture: Frame, hints: Mapping[str, Any], clips: Sequence[Iterable[Frame]] = ()) -> Level:
    """The puzzle of a picture.

    Args:
        picture: HWC RGB uint8, the whole of VR-Bench's picture in any size.
        hints: `grid`: easy, medium, hard, or the cubes in x, y and z ("8,8,7").
        clips: not looked at.

    Raises:
        UserError: no cubes are seen as VR-Bench draws them; says which hint would tell.
    """
    side = round(DRAWN)
    method = cv2.INTER_AREA if min(picture.shape[:2]) > side else cv2.INTER_CUBIC
    square = np.asarray(cv2.resize(picture, (side, side), interpolation=method), np.uint8)
    grids = [_grid(hints["grid"])] if "grid" in hints else list(GRIDS.values())
    found = []
    for grid in grids:
        camera, start = figure_camera(grid, (DRAWN, DRAWN)), (grid[0] - 1, grid[1] - 1, 0)
        sight = Sight(square, camera, grid, camera.project(ball(start)))
        found.append((sight.cube(start) or 0.0, grid, start, sight))
    sure, grid, start, sight = max(found, key=lambda entry: entry[0])
    if sure < FIRST:
        known = ", ".join(GRIDS)
        raise UserError(
            f"no start cube is seen as VR-Bench draws it: say -o {GAME}.grid=x,y,z or one of {known}"
        )
    _explore(sight, grid, start)
    _weigh(sight, grid, start)
    goal = sight.odd_one(start)
    if goal is None:
        raise UserError("no goal cube of another colour is seen")
    size = picture.shape[1], picture.shape[0]
    camera, lattice = camera_in_cells(figure_camera(grid, size), grid, size)
    state = {
        "cubes": [list(cube) for cube in sorted(sight.cubes)],
        "ladders": [list(cube) for cube in sorted(sight.ladders)],
        "agent": list(start),
        "camera": [list(row) for row in camera.rows],
    }
    scene = {"grid": lattice.to_json()}
    return Level(puzzle=GAME, state=state, goal={"goal": list(goal)}, size=size, scene=scene)


def _explore(sight: Sight, grid: Cube, start: Cube) -> None:
    """Add what is seen to `sight`, from the start cube on, the surest move first."""
    sight.cubes.add(start)
    nodes = [start]
    for _ in range(MOST):
        sure, node, move = max(_options(sight, grid, nodes), default=(0.0, start, ""))
        if sure < SURE:
            return
        end = _add(sight, node, move)
        if end not in nodes:
            nodes.append(end)


def _add(sight: Sight, node: Cube, move: str) -> Cube:
    """Take what a move needs for seen; where it leads."""
    end = shifted(node, MOVES[move])
    if move in ("up", "down"):
        sight.ladders.add(min(node, end))
    else:
        sight.cubes.add(middle(node, end))
    sight.cubes.add(end)
    return end


def _options(
    sight: Sight, grid: Cube, nodes: Sequence[Cube], least: float = SURE
) -> Iterator[tuple[float, Cube, str]]:
    """Moves that are not there yet: how surely all that they need is seen, from where, and which.

    What is hidden counts as seen by half.
    """
    for node in nodes:
        for move, by in MOVES.items():
            end = shifted(node, by)
            if not all(0 <= value < limit for value, limit in zip(end, grid, strict=True)):
                continue
            if move in ("up", "down"):
                base = min(node, end)
                sure = 0.0 if base in sight.ladders else sight.ladder(base)
                between: set[Cube] = set()
            else:
                half = middle(node, end)
                between = {half}
                there = 0.0 if half in sight.cubes else sight.cube(half, {*sight.cubes, end})
                sure = HIDDEN if there is None else there
            if sure < least:
                continue
            if end not in sight.cubes:
                there = sight.cube(end, sight.cubes | between)
                sure = min(sure, HIDDEN if there is None else there)
            if sure >= least:
                yield sure, node, move


def _weigh(sight: Sight, grid: Cube, start: Cube) -> None:
    """Try what was not clear: whether the picture would look more like it is with it, or as much without it.

    Little is seen of cubes that others hide, and a ladder may be two others that stand in one line.
    """
    least = _misfit(sight, start)
    for base in sorted(sight.ladders):
        fewer = replace(sight, ladders=sight.ladders - {base})
        whole = len(Scaffold(frozenset(fewer.cubes), frozenset(fewer.ladders)).reached(start))
        if whole == len(Scaffold(frozenset(sight.cubes), frozenset(sight.ladders)).reached(start)):
            found = _misfit(fewer, start)
            if found < least + SAME:
                sight.ladders.discard(base)
                least = found
    for _ in range(ROUNDS):
        nodes = Scaffold(frozenset(sight.cubes), frozenset(sight.ladders)).reached(start)
        tries = []
        for _, node, move in _options(sight, grid, nodes, FAINT):
            more = replace(sight, cubes=set(sight.cubes), ladders=set(sight.ladders))
            _add(more, node, move)
            tries.append((_misfit(more, start), node, move))
        found, node, move = min(tries, default=(least, start, ""))
        if found > least - BETTER:
            return
        _add(sight, node, move)
        least = found


def _misfit(sight: Sight, start: Cube) -> float:
    roles = dict.fromkeys(sorted(sight.cubes), "cube")
    goal = sight.odd_one(start)
    if goal is not None:
        roles[goal] = "goal"
    roles[start] = "start"
    empty = sight.empty > 0
    return misfit(sight.picture, roles, sorted(sight.ladders), sight.camera, sight.ball, sight.edge, empty)


def _grid(hint: Any) -> Cube:
    """The grid that a hint means."""
    if isinstance(hint, str) and hint in GRIDS:
        return GRIDS[hint]
    try:
        x, y, z = (int(part) for part in (hint.split(",") if isinstance(hint, str) else hint))
    except (OverflowError, TypeError, ValueError):
        raise UserError(f"-o {GAME}.grid={hint}: is neither x,y,z nor one of {', '.join(GRIDS)}") from None
    if not all(2 <= side <= LARGEST for side in (x, y, z)):
        raise UserError(f"-o {GAME}.grid={hint}: a grid has 2 to {LARGEST} cubes a side")
    return x, y, z
