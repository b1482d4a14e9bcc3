"""How far a judge can be trusted: it is asked about clips whose truth is known, and its errors are counted.

Clips come from the solver and from every control, over tasks and styles, encoded as a model's clips are. The
truth of a clip is that of its control; the true answers to single questions come from the checks of the rules
judge, and clips on which that judge is not right about the control are left out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genreason import cards, seeds, video
from genreason.cards import TaskCard
from genreason.executor import run_map
from genreason.generate.controls import CONTROLS, shop
from genreason.generate.oracle import solution_clip
from genreason.judge import questions as asking
from genreason.judge.asked import AskingJudge
from genreason.judge.rules import RulesJudge
from genreason.task import Task
from genreason.types import Clip, Instance, Json, Judge, UserError, Verdict

TRUTH = "oracle"
SEED = 77  # of the puzzles: others than the trust gate's
FLOORS = ("still", "noise")
VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Case:
    """A clip with known truth.

    Attributes:
        instance: the puzzle.
        control: who made the clip.
        clip: the clip.
        good: whether it must pass.
        truth: true answers ("yes" or "no") by kind of question; kinds that are not sure are left out.
    """

    instance: Instance
    control: str
    clip: Clip
    good: bool
    truth: dict[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """What a judge said of a case: its status, and by kind of question the value of the answer.

    A value is 1 where the answer is that of a good clip, less where it is not, None for "cannot tell"; kinds
    that got no answer are left out.
    """

    status: str
    values: dict[str, float | None]
    failed: bool


def cases(
    tasks: Sequence[str], n: int, folder: Path, *, level: str | None = None,
    controls: Sequence[str] | None = None, seed: int = SEED, size: tuple[int, int] | None = None,
) -> Iterator[Case | None]:  # fmt: skip
    """Make clips with known truth; None stands for one that the rules judge is not right about.

    Args:
        tasks: names of task cards.
        n: puzzles of each, the styles in turn.
        folder: where the clips are written; those that are there are used again.
        level: of the tasks; their default where not given.
        controls: names of controls (and "oracle"); all where not given.
        seed: of the puzzles.
        size: (width, height) of the clips; the level's where not given.

    Raises:
        UserError: no such task, level or control.
    """
    names = list(controls or [TRUTH, *CONTROLS])
    for name in names:
        if name != TRUTH and name not in CONTROLS:
            raise UserError(f"there is no control {name!r}: genreason check --json lists them")
    rules = RulesJudge()
    for task_name in tasks:
        card = cards.load(TaskCard, task_name)
        styles = Task(card, level).puzzle.styles()
        for index in range(n):
            style = styles[index % len(styles)]
            instance = Task(card, level, "any", style, seed, size)[index]
            for name in names:
                case = _case(instance, name, folder, rules)
                if case is not None:
                    yield case if case.truth else None


def _case(instance: Instance, control: str, folder: Path, rules: RulesJudge) -> Case | None:
    """The case of one control, without truth where the rules judge is wrong; None where it does not apply."""
    path = folder / f"{instance.sample_id}-{instance.key[:8]}" / f"{control}.mp4"
    if not path.is_file():
        made = (
            solution_clip(instance) if control == TRUTH else CONTROLS[control].make(shop(instance, control))
        )
        if made is None:
            return None
        video.write(path, video.frames(made), made.fps)
    clip = Clip(path=path)
    good = control == TRUTH or CONTROLS[control].honest
    verdict = rules.judge(instance, [clip])[0]
    right = verdict.status == ("pass" if good else "fail")
    breaks = "" if good else CONTROLS[control].breaks
    truth = asking.truths(verdict.checks, breaks) if right else {}
    return Case(instance, control, clip, good, truth)


def said(verdict: Verdict) -> Said:
    """A verdict as calibration counts it: the worst value of each kind of question."""
    kinds: Json = verdict.evidence.get("kinds", {})
    values: Json = verdict.evidence.get("values", {})
    found: dict[str, float | None] = {}
    for question in verdict.evidence.get("answers", {}):
        kind = kinds.get(question)
        if kind is None:
            continue
        value = values.get(question)
        old = found.get(kind, 1.0)
        found[kind] = None if value is None or old is None else min(old, value)
    return Said(verdict.status, found, bool(verdict.evidence.get("retry")))


@dataclass(frozen=True, slots=True)
class Variant:
    """A way of asking: a name, and the judge that asks so."""

    name: str
    judge: Judge


def variants(judge: Judge, plans: dict[str, Json]) -> tuple[list[Variant], list[Variant]]:
    """Ways of asking about every case (the judge's own plan and others), and those that test the judge.

    Args:
        judge: the judge.
        plans: changes of the frame plan by name.
    """
    main = [Variant("card", judge)]
    if not isinstance(judge, AskingJudge):
        return main, []
    base = judge.changed(sample_offset=0)
    if "trap" in type(judge.settings).model_fields:
        base = base.changed(trap=True)
    main = [Variant("card", base)]
    main += [Variant(name, base.changed(plan_changes=dict(changes))) for name, changes in plans.items()]
    tests = [
        Variant("swapped", base.changed(swapped=not base.settings.swapped)),
        Variant("repeat", base.changed(sample_offset=1000)),
        Variant("blind", base.changed(plan_changes={"order": "none"})),
        Variant("shuffled", base.changed(plan_changes={"order": "shuffled"})),
    ]
    return main, tests


def ask(
    judge: Judge,
    found: Sequence[Case],
    plans: dict[str, Json],
    tests: int,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, dict[int, Said]]:
    """Put every case to the judge.

    Args:
        judge: the judge.
        found: the cases.
        plans: other frame plans to ask with, too.
        tests: number of cases that the tests of the judge use.
        progress: called with (done, total).

    Returns:
        What was said, by way of asking and number of the case.
    """
    main, extra = variants(judge, plans)
    picked = [int(i) for i in seeds.stream("calibration", len(found)).permutation(len(found))[:tests]]
    work = [(variant, i) for variant in main for i in range(len(found))]
    work += [(variant, i) for variant in extra for i in sorted(picked)]
    out: dict[str, dict[int, Said]] = {variant.name: {} for variant in (*main, *extra)}
    threads = int(getattr(judge, "threads", 1))
    backend = "threads" if threads > 1 else "serial"
    results = run_map(functools.partial(_asked, found), work, workers=threads, backend=backend)
    for done, ((variant, i), answer) in enumerate(zip(work, results, strict=True), start=1):
        out[variant.name][i] = answer
        if progress is not None:
            progress(done, len(work))
    return out


def _asked(found: Sequence[Case], item: tuple[Variant, int]) -> Said:
    variant, i = item
    case = found[i]
    return said(variant.judge.judge(case.instance, [case.clip], 0)[0])
