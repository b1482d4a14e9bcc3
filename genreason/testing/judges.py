"""What must hold of a judge and of its verdicts."""

from __future__ import annotations

import copy
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from genreason import seeds, video
from genreason.generate.controls import CONTROLS, shop
from genreason.generate.oracle import solution_clip
from genreason.testing.hold import hold
from genreason.types import Clip, Frame, GenreasonError, Instance, Judge, Verdict

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
            hold(
                list(judge.judge(instance, [], 0)) == [],
                f"{instance.sample_id}: no clips must give no verdicts",
            )
            _check_verdicts(judge, instance, exact)
            _check_files(judge, instance, Path(folder))
            hold(instance.to_json() == record, f"{instance.sample_id}: the judge changed the instance")


def _check_verdicts(judge: Judge, instance: Instance, exact: bool) -> None:
    where = instance.sample_id
    clips = {"oracle": solution_clip(instance)}
    for name in FLOORS:
        made = CONTROLS[name].make(shop(instance, name))
        if made is not None:
            clips[name] = made
    verdicts = _judged(judge, instance, list(clips.values()), where)
    for (name, clip), verdict in zip(clips.items(), verdicts, strict=True):
        check_verdict(verdict, f"{where}, {name}")
        if exact:
            wanted = "pass" if name == "oracle" else "fail"
            hold(
                verdict.status == wanted,
                f"{where}: the {name} clip must {wanted}, got {verdict.status} ({verdict.reason})",
            )
        alone = _judged(judge, instance, [clip], where)[0]
        hold(
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
    hold(
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
    }
    for (name, _), verdict in zip(
        bad.items(), _judged(judge, instance, list(bad.values()), where), strict=True
    ):
        check_verdict(verdict, f"{where}, clip {name}")
        hold(verdict.status == "unscored", f"{where}: a clip {name} must be unscored, got {verdict.status}")
    odd = {
        "one frame": [first],
        "a part of the picture": [np.ascontiguousarray(first[:17, :23])] * 3,
        "one pixel": [first[:1, :1]] * 3,
        "a thread of pixels": [np.ascontiguousarray(first[:, :1])] * 3,
        "noise": _noise(instance.size),
    }
    for name, frames in odd.items():
        verdict = _judged(judge, instance, [Clip(render=_repeat(frames), fps=24.0)], where)[0]
        check_verdict(verdict, f"{where}, {name}")
        hold(verdict.status != "pass", f"{where}: a clip of {name} passes")


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
    hold(len(verdicts) == len(clips), f"{where}: {len(clips)} clips gave {len(verdicts)} verdicts")
    return verdicts


def check_verdict(verdict: Verdict, where: str = "verdict") -> None:
    """Check that a verdict is well formed: see `check_judge`.

    Raises:
        AssertionError: says what does not hold.
    """
    hold(verdict.status in ("pass", "fail", "unscored"), f"{where}: status {verdict.status!r}")
    hold(
        (verdict.score is None) == (verdict.status == "unscored"),
        f"{where}: score {verdict.score} with {verdict.status}",
    )
    hold(verdict.score is None or 0 <= verdict.score <= 1, f"{where}: score {verdict.score} is not in [0, 1]")
    hold(verdict.status == "pass" or verdict.reason.strip(), f"{where}: {verdict.status} without a reason")
    for name, value in verdict.checks.items():
        hold(0 <= value <= 1, f"{where}: check {name} is {value}")
    for name, value in verdict.metrics.items():
        hold(math.isfinite(value), f"{where}: metric {name} is {value}")
    times = [violation.seconds for violation in verdict.violations]
    hold(times == sorted(times), f"{where}: violations are not in order of time")
    try:
        json.dumps(verdict.to_json(), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{where}: not plain JSON ({error})") from None
