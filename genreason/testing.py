"""Contract checks for people who add a puzzle, a generator or a judge.

Each check raises `AssertionError` with one line that says what does not hold, and for which sample. They are
plain functions: call them from a test of any framework.

    from genreason import testing
    from genreason.puzzles.maze import PUZZLE, MazeParams

    def test_maze() -> None:
        testing.check_puzzle(PUZZLE, MazeParams(rooms=4), n=20)
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from genreason import seeds, video
from genreason.generate.controls import CONTROLS
from genreason.generate.oracle import solution_clip
from genreason.generate.workshop import Workshop
from genreason.puzzles.base import Params, Puzzle
from genreason.render.motion import Motion
from genreason.task import fingerprint
from genreason.types import (
    Clip,
    Frame,
    Generator,
    GenreasonError,
    IllegalMove,
    Instance,
    Json,
    Judge,
    Request,
    Verdict,
)

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
        style: one of the puzzle's styles; the first by default.
        size: (width, height) of the first frame in pixels.
        fps: frames per second of its solution clip.
        motion: settings of `genreason.render.motion.Motion`; `MOTION` by default.
        index: number of the sample.

    Raises:
        UserError: the style does not exist, or the picture is too small for the board.
    """
    style = puzzle.styles()[0] if style is None else style
    record, goal = puzzle.encode(state)
    settings = Motion(**(MOTION if motion is None else motion))
    scene = {"puzzle": puzzle.name, "motion": vars(settings) | {}, **puzzle.layout(state, size, style)}
    return Instance(
        key=seeds.key("testing", puzzle.name, record, goal, style, list(size)), task=puzzle.name, version=1,
        level="testing", split="any", seed=0, index=index, style=style, state=record, goal=goal,
        prompt=f"Solve this {puzzle.name}.", fingerprint=fingerprint(puzzle, state), size=size, fps=fps,
        scene=scene,
    )  # fmt: skip


def _hold(condition: object, what: str) -> None:
    """Raise the line unless it holds (`assert` would vanish under `python -O`)."""
    if not condition:
        raise AssertionError(what)


# -- puzzles -------------------------------------------------------------------------------------------------
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
        _hold(
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
    _hold(len(solution) > 0 and not puzzle.done(state), f"{where}: is solved at the start")
    path, known = [state], list(dict.fromkeys([*solution.moves, *puzzle.moves(state)]))
    for k, move in enumerate(solution.moves):
        at = path[-1]
        legal = list(puzzle.moves(at))
        _hold(move in legal, f"{where}: move {k} of the solution ({move!r}) is not in moves()")
        for other in [*legal, *(m for m in known if m not in legal)]:
            _check_step(puzzle, at, other, other in legal, f"{where}, step {k}")
        words = puzzle.plan(at, move)
        _hold(isinstance(words, str) and words.strip(), f"{where}, step {k}: plan is {words!r}, not text")
        path.append(puzzle.step(at, move))
    _hold(puzzle.done(path[-1]), f"{where}: the solution's last state is not done")
    if solution.optimal:
        forms = [puzzle.canonical(at) for at in path]
        _hold(len(set(forms)) == len(forms), f"{where}: an optimal solution passes the same position twice")
    _hold(
        (hash(state), puzzle.canonical(state)) == before, f"{where}: the state was changed by its own rules"
    )
    return path


def _check_step(puzzle: Puzzle[Any, Any], state: Any, move: Any, legal: bool, where: str) -> None:
    try:
        after = puzzle.step(state, move)
    except IllegalMove as reason:
        _hold(not legal, f"{where}: moves() lists {move!r}, but step refuses it ({reason})")
        _hold(str(reason).strip(), f"{where}: step refuses {move!r} without saying why")
    else:
        _hold(legal, f"{where}: step takes {move!r}, which moves() does not list")
        _hold(after == puzzle.step(state, move), f"{where}: step({move!r}) gives different states")


def _check_forms(puzzle: Puzzle[Any, Any], state: Any, where: str, symmetries: Symmetries | None) -> None:
    record, goal = puzzle.encode(state)
    try:
        back = puzzle.decode(*json.loads(json.dumps([record, goal])))
    except TypeError as error:
        raise AssertionError(f"{where}: encode gives what JSON cannot hold ({error})") from None
    _hold(back == state, f"{where}: decode(encode(state)) is another state")
    form = puzzle.canonical(state)
    _hold(isinstance(form, bytes) and form == puzzle.canonical(back), f"{where}: canonical is not stable")
    for image in symmetries(state) if symmetries else ():
        _hold(puzzle.canonical(image) == form, f"{where}: canonical tells a symmetric state from the state")


def _check_pictures(
    puzzle: Puzzle[Any, Any], path: Sequence[Any], style: str, size: tuple[int, int], where: str
) -> None:
    where = f"{where}, style {style}"
    instance = instance_of(puzzle, path[0], style=style, size=size)
    again = Instance.from_json(json.loads(json.dumps(instance.to_json())))
    _hold(
        again == instance, f"{where}: the instance does not come back from JSON (layout must be plain JSON)"
    )
    board = puzzle.board(instance)
    for state in path:
        places = puzzle.places(state)
        _hold(
            places.shape == (len(board.pieces), 2),
            f"{where}: places is {places.shape} for {len(board.pieces)} pieces",
        )
        grid = np.array([board.lattice.cols, board.lattice.rows])
        inside = np.isfinite(places).all() and (places >= 0).all() and (places <= grid - 1).all()
        _hold(inside, f"{where}: a place lies off the grid: {places.tolist()}")
        _hold(puzzle.arranged(path[0], places) == state, f"{where}: arranged(places(state)) is another state")
    _hold(
        isinstance(puzzle.explain(path[0], puzzle.places(path[-1])), str), f"{where}: explain gives no text"
    )
    picture = puzzle.picture(instance)
    _hold(
        picture.shape == (size[1], size[0], 3), f"{where}: the picture is {picture.shape}, asked was {size}"
    )
    _hold(picture.dtype == np.uint8, f"{where}: the picture is {picture.dtype}, not uint8")
    _hold(
        np.array_equal(picture, puzzle.picture(instance)), f"{where}: the picture differs from time to time"
    )
    end = board.draw(puzzle.places(path[-1]))
    _hold((end != picture).any(), f"{where}: the solved picture is the first one")
    words = puzzle.style_words(style)
    _hold(words and all(isinstance(v, str) and v for v in words.values()), f"{where}: style_words has gaps")


# -- generators ----------------------------------------------------------------------------------------------
def check_generator(
    generator: Generator, instances: Sequence[Instance], *, deterministic: bool = True, batches: bool = True
) -> None:
    """Check the contract of `genreason.types.Generator` on these instances (two or more).

    What must hold: one clip a request, in order, and none for none; every clip can be read twice with the
    same frames, all HWC RGB uint8 of one size, at a frame rate above 0; requests are left as they were; the
    same seed gives the same clips; a batch gives what single requests give.

    Args:
        generator: what is checked.
        instances: the puzzles that it is asked.
        deterministic: whether the same seed must give the same clips (a remote model may not).
        batches: whether a batch must give what single requests give, bit for bit.

    Raises:
        AssertionError: says what does not hold.
    """
    requests = [_request(instance) for instance in instances]
    pictures = [request.first_frame.copy() for request in requests]
    records = copy.deepcopy([instance.to_json() for instance in instances])
    _hold(list(generator.generate([], 0)) == [], "no requests must give no clips")
    clips = generator.generate(requests, 0)
    _hold(len(clips) == len(requests), f"{len(requests)} requests gave {len(clips)} clips")
    seen = [_fingerprint(clip, f"clip {i}") for i, clip in enumerate(clips)]
    for i, clip in enumerate(clips):
        _hold(
            _fingerprint(clip, f"clip {i}") == seen[i], f"clip {i} gives other frames when it is read again"
        )
    if deterministic:
        again = generator.generate(requests, 0)
        _hold([_fingerprint(c, "clip") for c in again] == seen, "the same seed gave other clips")
    if deterministic and batches:
        single = [_fingerprint(generator.generate([r], 0)[0], "clip") for r in requests]
        _hold(single == seen, "a batch gave other clips than single requests")
    unchanged = all(np.array_equal(a, r.first_frame) for a, r in zip(pictures, requests, strict=True))
    _hold(unchanged, "a request's first frame was written over")
    _hold([instance.to_json() for instance in instances] == records, "an instance was changed")


def _request(instance: Instance) -> Request:
    from genreason.puzzles import base

    picture = base.load(instance.scene["puzzle"]).picture(instance)
    return Request(instance=instance, first_frame=picture, prompt=instance.prompt)


def _fingerprint(clip: Clip, where: str) -> tuple[int, tuple[int, ...], str]:
    """Number, shape and hash of a clip's frames."""
    _hold(isinstance(clip, Clip), f"{where} is a {type(clip).__name__}, not a Clip")
    rate = video.fps(clip)
    _hold(math.isfinite(rate) and rate > 0, f"{where} has {rate} frames per second")
    shape: tuple[int, ...] = ()
    count, whole = 0, hashlib.blake2b()
    for frame in video.frames(clip):
        ok = (
            isinstance(frame, np.ndarray)
            and frame.ndim == 3
            and frame.shape[2] == 3
            and frame.dtype == np.uint8
        )
        _hold(ok, f"{where}: frame {count} is not an HWC RGB uint8 picture")
        shape = shape or frame.shape
        _hold(frame.shape == shape, f"{where}: frame {count} is {frame.shape}, the first one {shape}")
        whole.update(np.ascontiguousarray(frame).tobytes())
        count += 1
    _hold(count > 0, f"{where} has no frames")
    return count, shape, whole.hexdigest()


# -- judges --------------------------------------------------------------------------------------------------
ACCIDENTS = (
    GenreasonError, ArithmeticError, AssertionError, AttributeError, LookupError, OSError, TypeError,
    ValueError, cv2.error,
)  # fmt: skip
"""What a judge may raise over a bad clip by accident."""
FLOORS = ("still", "reversed", "cut")


def check_judge(judge: Judge, instances: Sequence[Instance], *, exact: bool = True) -> None:
    """Check the contract of `genreason.types.Judge` on these instances.

    What must hold: one verdict a clip, in order, and none for none; the clips of an instance do not
    influence each other; the same clip gets the same verdict again, from a file as from a renderer; verdicts
    are well formed (score in [0, 1], None exactly for "unscored", checks in [0, 1], a reason unless it
    passes, JSON throughout); a missing, empty, damaged or one-frame clip is unscored with the reason, and
    nothing is raised; for `exact` judges the oracle passes, and still, reversed and cut clips fail.

    Args:
        judge: what is checked.
        instances: puzzles on a board that `genreason.generate.controls` can cheat on.
        exact: whether the judge must be right about the oracle and the floors (a model as judge may err).

    Raises:
        AssertionError: says what does not hold.
    """
    with tempfile.TemporaryDirectory() as folder:
        for instance in instances:
            record = copy.deepcopy(instance.to_json())
            _hold(
                list(judge.judge(instance, [], 0)) == [],
                f"{instance.sample_id}: no clips must give no verdicts",
            )
            _check_verdicts(judge, instance, exact)
            _check_files(judge, instance, Path(folder))
            _hold(instance.to_json() == record, f"{instance.sample_id}: the judge changed the instance")


def _check_verdicts(judge: Judge, instance: Instance, exact: bool) -> None:
    where = instance.sample_id
    clips = {"oracle": solution_clip(instance)}
    for name in FLOORS:
        made = CONTROLS[name].make(Workshop(instance, name))
        if made is not None:
            clips[name] = made
    verdicts = _judged(judge, instance, list(clips.values()), where)
    for (name, clip), verdict in zip(clips.items(), verdicts, strict=True):
        check_verdict(verdict, f"{where}, {name}")
        if exact:
            wanted = "pass" if name == "oracle" else "fail"
            _hold(
                verdict.status == wanted,
                f"{where}: the {name} clip must {wanted}, got {verdict.status} ({verdict.reason})",
            )
        alone = _judged(judge, instance, [clip], where)[0]
        _hold(
            alone.to_json() == verdict.to_json(),
            f"{where}: the {name} clip is judged otherwise alone than among others",
        )


def _check_files(judge: Judge, instance: Instance, folder: Path) -> None:
    where = instance.sample_id
    exact, cut = folder / f"{where}.mp4", folder / f"{where}-cut.mp4"
    clip = solution_clip(instance)
    video.write(exact, video.frames(clip), clip.fps, "exact")
    cut.write_bytes(exact.read_bytes()[: exact.stat().st_size // 2])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("no video at all")
    from_file, rendered = _judged(judge, instance, [Clip(path=exact), clip], where)
    _hold(
        from_file.to_json() == rendered.to_json(),
        f"{where}: a clip is judged otherwise from its file than as rendered",
    )
    first = next(iter(video.frames(clip)))
    bad = {
        "missing": Clip(path=folder / "missing.mp4"),
        "empty": Clip(path=folder / "empty.mp4"),
        "damaged": Clip(path=cut),
        "not a video": Clip(path=folder / "text.mp4"),
        "neither file nor renderer": Clip(fps=24.0),
        "without frames": Clip(render=lambda: iter(()), fps=24.0),
        "one frame": Clip(render=lambda: iter([first]), fps=24.0),
    }
    for (name, _), verdict in zip(
        bad.items(), _judged(judge, instance, list(bad.values()), where), strict=True
    ):
        check_verdict(verdict, f"{where}, clip {name}")
        _hold(verdict.status == "unscored", f"{where}: a clip {name} must be unscored, got {verdict.status}")
    odd = {
        "a part of the picture": [np.ascontiguousarray(first[:17, :23])] * 3,
        "one pixel": [first[:1, :1]] * 3,
        "a thread of pixels": [np.ascontiguousarray(first[:, :1])] * 3,
        "noise": _noise(instance.size),
    }
    for name, frames in odd.items():
        verdict = _judged(judge, instance, [Clip(render=_repeat(frames), fps=24.0)], where)[0]
        check_verdict(verdict, f"{where}, {name}")
        _hold(verdict.status != "pass", f"{where}: a clip of {name} passes")


def _repeat(frames: list[Frame]) -> Callable[[], Iterator[Frame]]:
    return lambda: iter(frames)


def _noise(size: tuple[int, int]) -> list[Frame]:
    rng = seeds.stream("testing", "noise")
    return [rng.integers(0, 256, (size[1], size[0], 3), np.uint8) for _ in range(3)]


def _judged(judge: Judge, instance: Instance, clips: Sequence[Clip], where: str) -> list[Verdict]:
    try:
        verdicts = judge.judge(instance, clips, 0)
    except ACCIDENTS as error:
        raise AssertionError(f"{where}: the judge raised {type(error).__name__}: {error}") from error
    _hold(len(verdicts) == len(clips), f"{where}: {len(clips)} clips gave {len(verdicts)} verdicts")
    return verdicts


def check_verdict(verdict: Verdict, where: str = "verdict") -> None:
    """Check that a verdict is well formed: see `check_judge`.

    Raises:
        AssertionError: says what does not hold.
    """
    _hold(verdict.status in ("pass", "fail", "unscored"), f"{where}: status {verdict.status!r}")
    _hold(
        (verdict.score is None) == (verdict.status == "unscored"),
        f"{where}: score {verdict.score} with {verdict.status}",
    )
    _hold(
        verdict.score is None or 0 <= verdict.score <= 1, f"{where}: score {verdict.score} is not in [0, 1]"
    )
    _hold(verdict.status == "pass" or verdict.reason.strip(), f"{where}: {verdict.status} without a reason")
    for name, value in verdict.checks.items():
        _hold(0 <= value <= 1, f"{where}: check {name} is {value}")
    for name, value in verdict.metrics.items():
        _hold(math.isfinite(value), f"{where}: metric {name} is {value}")
    times = [violation.seconds for violation in verdict.violations]
    _hold(times == sorted(times), f"{where}: violations are not in order of time")
    try:
        json.dumps(verdict.to_json(), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{where}: not plain JSON ({error})") from None
