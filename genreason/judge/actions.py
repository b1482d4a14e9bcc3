"""The judge of answers in words: plays the listed moves on the rules of the puzzle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from genreason.judge.settings import parse
from genreason.metrics import actions
from genreason.metrics.progress import progress_metrics
from genreason.puzzles import base
from genreason.types import Clip, Instance, UserError, Verdict, Violation, unscored

CHECKS = ("answer.readable", "rules.legal", "rules.goal")
SHOWN = 2000  # characters of an answer that are kept as evidence


class Settings(BaseModel):
    """Options of the judge's card: whether VR-Bench's metrics are computed with its code's quirks."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    published: bool = False


class ActionsJudge:
    """Judges what was said of a puzzle: the `text` that came with a clip, or instead of one.

    Raises:
        UserError: an option is unknown or of another kind.
    """

    def __init__(self, **options: Any) -> None:
        """`options`: see `Settings`."""
        self.settings = parse(Settings, options, "actions")

    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        """One verdict an answer; where there is none, it is unscored."""
        if instance.scene.get("puzzle") is None:
            return [unscored(f"{instance.task} is no puzzle of ours: its rules are not known")] * len(clips)
        return [self._one(instance, text(clip)) for clip in clips]

    def _one(self, instance: Instance, answer: str | None) -> Verdict:
        if answer is None:
            return unscored("there is no text answer")
        puzzle = base.load(instance.scene["puzzle"])
        start, published = puzzle.start(instance), self.settings.published
        evidence = {"text": answer[:SHOWN]}
        try:
            found, played = actions.score(puzzle, start, answer, published, instance.scene.get("solution"))
        except actions.UnreadableAnswerError as error:
            violation = Violation(0.0, "answer.readable", f"the answer {error}")
            ours = progress_metrics(puzzle, start, (), passed=False)
            return Verdict(
                status="fail",
                score=0.0,
                checks={"answer.readable": 0.0},
                metrics={"solved": 0.0, "moves": 0.0, **ours, **actions.unreadable(published)},
                violations=(violation,),
                reason=violation.what,
                evidence=evidence,
            )
        broken = "" if played.won else "rules.legal" if played.stopped else "rules.goal"
        what = played.stopped or f"the goal is not reached by {len(played.moves)} moves"
        ours = progress_metrics(puzzle, start, played.moves, played.won)
        return Verdict(
            status="pass" if played.won else "fail",
            score=float(played.won),
            checks={name: float(played.won or name == CHECKS[0] or name != broken) for name in CHECKS},
            metrics={"solved": float(played.won), "moves": float(len(played.moves)), **ours, **found},
            violations=(Violation(0.0, broken, what),) if broken else (),
            reason=what if broken else f"reaches the goal by {len(played.moves)} legal moves",
            evidence=evidence,
        )


def text(clip: Clip) -> str | None:
    """What came with a clip in words: its own `meta`, or the record beside its file."""
    record: object = clip.meta
    if "text" not in clip.meta and clip.path is not None:
        record = _record(clip.path.with_suffix(".json"))
    found = record.get("text") if isinstance(record, dict) else None
    return found if isinstance(found, str) else None


def _record(path: Path) -> object:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}): generate it again") from error
