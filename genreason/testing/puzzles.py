"""What must hold of a puzzle family, and instances without a card."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from genreason import seeds
from genreason.puzzles.base import Params, PiecePuzzle, Puzzle
from genreason.render import skins
from genreason.render.motion import Motion
from genreason.task import fingerprint
from genreason.testing.hold import hold
from genreason.types import IllegalMove, Instance, Json

Symmetries = Callable[[Any], Iterable[Any]]
MOTION: Json = {"frames_per_step": 2, "ease": "smooth", "hold_start": 2, "hold_end": 2, "length": "4k+1"}
"""A movement for test clips: short, but whole."""


def instance_of(
    puzzle: Puzzle[Any, Any], state: Any, *, style: str | None = None, size: tuple[int, int] = (128, 128),
    fps: float = 24.0, motion: Json | None = None, index: int = 0,
) -> Instance:  # fmt: skip
    """An instance of a state, without a card.

    Args:
        puzzle: the family.
        state: the start state.
        style: one of the puzzle's styles, or "skins:FOLDER" of one skin; the first style by default.
        size: (width, height) of the first frame in pixels.
        fps: frames per second of its solution clip.
        motion: settings of `genreason.render.motion.Motion`; `MOTION` by default.
        index: number of the sample.

    Raises:
        UserError: the style does not exist, or the picture is too small for the board.
    """
    look = puzzle.styles()[0] if style is None else style
    style, skin = skins.recorded(look, puzzle.name)
    record, goal = puzzle.encode(state)
    settings = Motion(**(MOTION if motion is None else motion))
    scene = {"puzzle": puzzle.name, "motion": vars(settings) | {}, **puzzle.layout(state, size, look)}
    return Instance(
        key=seeds.key("testing", puzzle.name, record, goal, style, list(size)), task=puzzle.name, version=1,
        level="testing", split="any", seed=0, index=index, style=style, state=record, goal=goal,
        prompt=f"Solve this {puzzle.name}.", fingerprint=fingerprint(puzzle, state), size=size, fps=fps,
        scene=scene, skin=skin,
    )  # fmt: skip


def check_puzzle(
    puzzle: Puzzle[Any, Any], params: Params, n: int = 10, *, size: tuple[int, int] = (256, 256),
    symmetries: Symmetries | None = None,
) -> None:  # fmt: skip
    """Check the contract of `genreason.puzzles.base.Puzzle` on `n` sampled states.

    What must hold: the same stream gives the same state; states are hashable and immutable in use; `decode`
    undoes `encode`, through JSON text; `solve` gives legal moves that end in a `done` state, and an optimal
    solution never meets the same position twice (up to symmetry); `step` raises `IllegalMove` for every move
    that `moves` does not list and for no other; `canonical` is stable and blind to symmetries; `plan` and
    `explain` are text; `places` fits the board's pieces and lies on its grid, `arranged` undoes it; every
    style draws a picture of the asked size, the same each time.

    Args:
        puzzle: the family.
        params: a level.
        n: how many states to sample.
        size: of the pictures, in pixels; large enough for the level.
        symmetries: gives the states that are the same as a state up to the family's symmetries; without it
            that part is not checked.

    Raises:
        AssertionError: says what does not hold.
    """
    styles = itertools.cycle(puzzle.styles())
    for i in range(n):
        where = f"{puzzle.name}, sample {i}"
        state = puzzle.sample(seeds.stream("testing", i), params)
        hold(
            state == puzzle.sample(seeds.stream("testing", i), params),
            f"{where}: sample is not a function of rng",
        )
        path = _check_rules(puzzle, state, where)
        for at in (path[0], path[len(path) // 2], path[-1]):
            _check_forms(puzzle, at, where, symmetries)
        _check_pictures(puzzle, path, next(styles), size, where)


def _check_rules(puzzle: Puzzle[Any, Any], state: Any, where: str) -> list[Any]:
    """The states of a solution, each step checked."""
    before = hash(state), puzzle.canonical(state)
    solution = puzzle.solve(state)
    if solution is None:
        raise AssertionError(f"{where}: sample gave a state that solve cannot solve")
    hold(len(solution) > 0 and not puzzle.done(state), f"{where}: is solved at the start")
    path, known = [state], list(dict.fromkeys([*solution.moves, *puzzle.moves(state)]))
    for k, move in enumerate(solution.moves):
        at = path[-1]
        legal = list(puzzle.moves(at))
        hold(move in legal, f"{where}: move {k} of the solution ({move!r}) is not in moves()")
        for other in [*legal, *(m for m in known if m not in legal)]:
            _check_step(puzzle, at, other, other in legal, f"{where}, step {k}")
        words = puzzle.plan(at, move)
        hold(isinstance(words, str) and words.strip(), f"{where}, step {k}: plan is {words!r}, not text")
        path.append(puzzle.step(at, move))
    hold(puzzle.done(path[-1]), f"{where}: the solution's last state is not done")
    if solution.optimal:
        forms = [puzzle.canonical(at) for at in path]
        hold(len(set(forms)) == len(forms), f"{where}: an optimal solution passes the same position twice")
    hold((hash(state), puzzle.canonical(state)) == before, f"{where}: the state was changed by its own rules")
    return path


def _check_step(puzzle: Puzzle[Any, Any], state: Any, move: Any, legal: bool, where: str) -> None:
    try:
        after = puzzle.step(state, move)
    except IllegalMove as reason:
        hold(not legal, f"{where}: moves() lists {move!r}, but step refuses it ({reason})")
        hold(str(reason).strip(), f"{where}: step refuses {move!r} without saying why")
    else:
        hold(legal, f"{where}: step takes {move!r}, which moves() does not list")
        hold(after == puzzle.step(state, move), f"{where}: step({move!r}) gives different states")


def _check_forms(puzzle: Puzzle[Any, Any], state: Any, where: str, symmetries: Symmetries | None) -> None:
    record, goal = puzzle.encode(state)
    try:
        back = puzzle.decode(*json.loads(json.dumps([record, goal])))
    except TypeError as error:
        raise AssertionError(f"{where}: encode gives what JSON cannot hold ({error})") from None
    hold(back == state, f"{where}: decode(encode(state)) is another state")
    form = puzzle.canonical(state)
    hold(isinstance(form, bytes) and form == puzzle.canonical(back), f"{where}: canonical is not stable")
    for image in symmetries(state) if symmetries else ():
        hold(puzzle.canonical(image) == form, f"{where}: canonical tells a symmetric state from the state")


def _check_pictures(
    puzzle: Puzzle[Any, Any], path: Sequence[Any], style: str, size: tuple[int, int], where: str
) -> None:
    where = f"{where}, style {style}"
    instance = instance_of(puzzle, path[0], style=style, size=size)
    again = Instance.from_json(json.loads(json.dumps(instance.to_json())))
    hold(again == instance, f"{where}: the instance does not come back from JSON (layout must be plain JSON)")
    picture = puzzle.picture(instance)
    if isinstance(puzzle, PiecePuzzle):
        _check_places(puzzle, instance, path, where)
    hold(picture.shape == (size[1], size[0], 3), f"{where}: the picture is {picture.shape}, asked was {size}")
    hold(picture.dtype == np.uint8, f"{where}: the picture is {picture.dtype}, not uint8")
    hold(np.array_equal(picture, puzzle.picture(instance)), f"{where}: the picture differs from time to time")
    end = puzzle.shown(instance, path[-1])
    hold((end != picture).any(), f"{where}: the solved picture is the first one")
    words = puzzle.style_words(style)
    hold(words and all(isinstance(v, str) and v for v in words.values()), f"{where}: style_words has gaps")


def _check_places(puzzle: PiecePuzzle[Any, Any], instance: Instance, path: Sequence[Any], where: str) -> None:
    board = puzzle.board(instance)
    for state in path:
        places = puzzle.places(state)
        hold(
            places.shape == (len(board.pieces), 2),
            f"{where}: places is {places.shape} for {len(board.pieces)} pieces",
        )
        grid = np.array([board.lattice.cols, board.lattice.rows])
        inside = np.isfinite(places).all() and (places >= 0).all() and (places <= grid - 1).all()
        hold(inside, f"{where}: a place lies off the grid: {places.tolist()}")
        hold(
            puzzle.without(puzzle.arranged(path[0], places), puzzle.gone(state)) == state,
            f"{where}: arranged(places(state)) is another state",
        )
    hold(isinstance(puzzle.explain(path[0], puzzle.places(path[-1])), str), f"{where}: explain gives no text")
