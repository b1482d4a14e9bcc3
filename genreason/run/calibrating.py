"""Calibrating a judge, and what judging a run would cost."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from genreason import cards
from genreason import judge as registry
from genreason.cards import JudgeCard
from genreason.generate.controls import CONTROLS
from genreason.judge import calibration, trust
from genreason.judge import estimate as estimating
from genreason.judge.asked import AskingJudge
from genreason.judge.calibration import TRUTH
from genreason.judge.settings import FramePlan, parse
from genreason.run.folder import Progress, RunFolder, stamp
from genreason.types import Clip, Json, Judge, UserError


def calibrate(
    card: JudgeCard,
    out: Path,
    tasks: Sequence[str],
    n: int,
    *,
    options: Json | None = None,
    level: str | None = None,
    controls: Sequence[str] | None = None,
    plans: dict[str, Json] | None = None,
    tests: int = 30,
    progress: Progress | None = None,
) -> Json:
    """Ask a judge about clips with known truth, and count its errors; see `genreason.judge.calibration`.

    Answers are kept in the cache, so that a call that was stopped goes on where it was.

    Args:
        card: the judge.
        out: folder for the clips, the ledger and calibration.json.
        tasks: names of tasks.
        n: puzzles of each.
        options: over the card's.
        level: of the tasks; their default where not given.
        controls: names of controls; all where not given.
        plans: other frame plans to try, each a change of the card's, by name.
        tests: clips that the tests of position, consistency, blindness and time use.
        progress: told after each clip.

    Returns:
        The figures, as calibration.json has them.

    Raises:
        UserError: a name does not exist, or the judge cannot be used.
    """
    merged = cards.with_options(card, options or {})
    judge = registry.load(card, merged, out / "ledger.jsonl")
    for name, changes in (plans or {}).items():
        if not isinstance(judge, AskingJudge):
            raise UserError(f"judge {card.name} has no frame plan: leave out --plan {name}")
        parse(FramePlan, {**judge.settings.frames.model_dump(), **changes}, f"{card.name}: --plan {name}")
    registry.make_ready(judge)
    total = len(tasks) * n * len(controls or [TRUTH, *CONTROLS])
    found, left_out, made = [], 0, 0
    for case in calibration.cases(tasks, n, out / "clips", level=level, controls=controls):
        made += 1
        if case is None:
            left_out += 1
        else:
            found.append(case)
        if progress is not None:
            progress("clips", made, max(total, made))
    if progress is not None:
        progress("clips", made, made)
    tell = None if progress is None else functools.partial(progress, "ask")
    answers = calibration.ask(judge, found, plans or {}, tests, progress=tell)
    header = {
        "judge": card.name,
        "kind": card.kind,
        "identity": registry.identity(card, judge, merged),
        "left_out": left_out,
        "puzzles": n * len(tasks),
        **_asked(judge),
        **stamp(),
    }
    record = trust.summary(found, answers, header)
    trust.keep(record, out)
    return record


def _asked(judge: Judge) -> Json:
    if not isinstance(judge, AskingJudge):
        return {"model": None, "mode": None, "spent": None}
    settings = judge.settings
    return {"model": settings.backend.model, "mode": settings.mode, "spent": judge.asker.ledger.to_json()}


def estimate(card: JudgeCard, root: Path, options: Json, seed: int) -> Json:
    """What judging a run would cost at most; nothing is asked.

    Raises:
        UserError: there is no run, or the judge asks no model.
    """
    judge = registry.load(card, cards.with_options(card, options))
    if not isinstance(judge, AskingJudge):
        raise UserError(f"judge {card.name} asks no model by itself: --dry-run has nothing to estimate")
    run = RunFolder(root)
    instances = run.instances()
    clips = run.clips(instances)
    return estimating.dry_run(
        judge,
        (
            (instance, Clip(path=record.path))
            for instance in instances
            for record in clips[instance.sample_id]
            if record.digest is not None
        ),
        seed,
    )
