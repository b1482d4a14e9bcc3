"""The figures of a calibration: errors with intervals, agreement with the rules judge, tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genreason.formats.dataset import write_file
from genreason.judge.cache import default_path
from genreason.judge.calibration import FLOORS, VERDICT, Case, Said
from genreason.judge.questions import PUZZLE_KINDS
from genreason.metrics.agreement import bootstrap, cohen_kappa
from genreason.metrics.stats import Interval, wilson_clustered
from genreason.types import SCHEMA, Json

ALL = "all tasks"
KINDS = (VERDICT, *PUZZLE_KINDS, "trap")


@dataclass(frozen=True, slots=True)
class Pair:
    """One answer beside its truth; `accepts` is None where the judge cannot tell, or gave no answer."""

    cluster: str
    good: bool
    accepts: bool | None
    failed: bool


def figures(found: Sequence[Case], answers: Mapping[str, Mapping[int, Said]]) -> list[Json]:
    """Error rates by task, kind of question and way of asking.

    A row: {"task", "kind", "plan", "n", "good", "bad", "false_accept", "false_reject", "cannot_tell",
    "unanswered", "kappa"}; rates are over the answers given, with intervals that take puzzles as clusters.
    """
    tests = ("swapped", "repeat", "blind", "shuffled")
    plans = [name for name in answers if name not in tests]
    tasks = sorted({case.instance.task for case in found})
    rows = []
    for plan in plans:
        for task in ([ALL] if len(tasks) > 1 else []) + tasks:
            for kind in KINDS:
                pairs = [
                    pair(found[i], said, kind)
                    for i, said in answers[plan].items()
                    if task in (ALL, found[i].instance.task) and _known(found[i], said, kind)
                ]
                if any(p.accepts is not None for p in pairs) or (kind == VERDICT and pairs):
                    rows.append(
                        {"task": task, "kind": kind, "plan": plan, **rates(pairs, f"{plan}/{task}/{kind}")}
                    )
    return rows


def _known(case: Case, said: Said, kind: str) -> bool:
    """Whether the truth is known, and the judge was asked."""
    return kind == VERDICT or (kind in case.truth and (kind in said.values or said.failed))


def pair(case: Case, said: Said, kind: str) -> Pair:
    """A case and what was said of it, for one kind of question (or the verdict as a whole)."""
    cluster = f"{case.instance.task}/{case.instance.key}"
    if kind == VERDICT:
        accepts = None if said.status == "unscored" else said.status == "pass"
        return Pair(cluster, case.good, accepts, said.failed and said.status == "unscored")
    value = said.values.get(kind)
    accepts = None if value is None else value >= 1
    if kind == "trap":  # its right answer is no, so that being right about it is not accepting it
        accepts = None if accepts is None else not accepts
    return Pair(cluster, case.truth[kind] == "yes", accepts, kind not in said.values)


def rates(pairs: Sequence[Pair], name: str) -> Json:
    """Error rates of answers, with intervals."""
    told = [p for p in pairs if p.accepts is not None]
    bad = [p for p in told if not p.good]
    good = [p for p in told if p.good]

    def kappa(picks: Iterable[int]) -> float | None:
        chosen = [told[i] for i in picks]
        return cohen_kappa([p.good for p in chosen], [p.accepts for p in chosen])

    return {
        "n": len(pairs),
        "good": len(good),
        "bad": len(bad),
        "false_accept": share([bool(p.accepts) for p in bad], [p.cluster for p in bad]),
        "false_reject": share([not p.accepts for p in good], [p.cluster for p in good]),
        "cannot_tell": share([p.accepts is None and not p.failed for p in pairs], [p.cluster for p in pairs]),
        "unanswered": share([p.failed for p in pairs], [p.cluster for p in pairs]),
        "kappa": fields(bootstrap(told, kappa, f"kappa/{name}", 300)),
    }


def share(values: Sequence[bool], clusters: Sequence[str]) -> Json:
    """A share with its interval; nulls where there is nothing to count."""
    return fields(wilson_clustered([float(v) for v in values], clusters) if values else None)


def fields(interval: Interval | None) -> Json:
    """An interval as JSON."""
    if interval is None:
        return {"mean": None, "low": None, "high": None}
    return {name: round(float(value), 5) for name, value in interval._asdict().items()}


def tested(found: Sequence[Case], answers: Mapping[str, Mapping[int, Said]]) -> Json:
    """Tests of the judge on some cases; each has `n` (answers compared) and a share with its interval.

    position: answers that follow the option listed first, less those that follow the last (0 is unbiased).
    consistency: answers that are the same when the question is asked again.
    blind: right answers without any frame, and `seeing`, right ones of the same questions with frames.
    shuffled: answers about the process of good clips that change when the frames are mixed (a judge that uses
        time changes them, one that does not keeps them).
    """
    out: Json = {}
    swaps = _both(found, answers, "swapped")
    if swaps:
        # Listed as (good answer, other): saying "good" here and "other" when swapped follows the first.
        out["position"] = _mean(
            [(c, float(a and not b) - float(b and not a)) for c, a, b in ((p[0], p[2], p[3]) for p in swaps)],
            "position",
        )
    again = _both(found, answers, "repeat")
    if again:
        out["consistency"] = _counted([(p[0], p[2] == p[3]) for p in again])
    out |= _blind(found, answers)
    mixed = [p for p in _both(found, answers, "shuffled") if p[1] == "process" and p[4]]
    if mixed:
        out["shuffled"] = _counted([(p[0], p[2] != p[3]) for p in mixed])
    return out


def _both(
    found: Sequence[Case], answers: Mapping[str, Mapping[int, Said]], test: str
) -> list[tuple[str, str, bool, bool, bool]]:
    """(cluster, kind, answer, answer in the test, truth) where both were given."""
    out: list[tuple[str, str, bool, bool, bool]] = []
    for i, said in answers.get(test, {}).items():
        for kind in (kind for kind in PUZZLE_KINDS if kind in found[i].truth):
            first, second = pair(found[i], answers["card"][i], kind), pair(found[i], said, kind)
            if first.accepts is not None and second.accepts is not None:
                out.append((first.cluster, kind, first.accepts, second.accepts, first.good))
    return out


def _blind(found: Sequence[Case], answers: Mapping[str, Mapping[int, Said]]) -> Json:
    """Right answers without frames beside those with frames; what it cannot tell blind is no right answer."""
    blind, seeing = [], []
    for i, said in answers.get("blind", {}).items():
        for kind in (kind for kind in PUZZLE_KINDS if kind in found[i].truth):
            without, with_ = pair(found[i], said, kind), pair(found[i], answers["card"][i], kind)
            if not without.failed and not with_.failed:
                blind.append((without.cluster, without.accepts == without.good))
                seeing.append((with_.cluster, with_.accepts == with_.good))
    if not blind:
        return {}
    return {"blind": {**_counted(blind), "seeing": _counted(seeing)}}


def _counted(pairs: Sequence[tuple[str, bool]]) -> Json:
    return {"n": len(pairs), **share([value for _, value in pairs], [cluster for cluster, _ in pairs])}


def _mean(pairs: Sequence[tuple[str, float]], name: str) -> Json:
    def mean(picks: Sequence[int]) -> float | None:
        return sum(pairs[i][1] for i in picks) / len(picks) if picks else None

    return {"n": len(pairs), **fields(bootstrap(pairs, mean, name))}


def floors(found: Sequence[Case], answers: Mapping[int, Said]) -> Json:
    """What a still picture and noise get from the judge: {floor: {task: {"mean", "n"}}}."""
    out: Json = {}
    for name in FLOORS:
        for task in sorted({case.instance.task for case in found}):
            statuses = [
                answers[i].status
                for i, case in enumerate(found)
                if case.control == name and case.instance.task == task and answers[i].status != "unscored"
            ]
            if statuses:
                mean = sum(status == "pass" for status in statuses) / len(statuses)
                out.setdefault(name, {})[task] = {"mean": mean, "n": len(statuses)}
    return out


def summary(found: Sequence[Case], answers: Mapping[str, Mapping[int, Said]], header: Json) -> Json:
    """Everything that a calibration says, for calibration.json."""
    return {
        "schema": SCHEMA,
        **header,
        "cases": len(found),
        "good": sum(case.good for case in found),
        "controls": sorted({case.control for case in found}),
        "tasks": sorted({case.instance.task for case in found}),
        "figures": figures(found, answers),
        "tests": tested(found, answers),
        "floors": floors(found, answers["card"]),
    }


# -- where calibrations are kept -----------------------------------------------------------------------------
def kept_path(judge: str, identity: str) -> Path:
    """Where the calibration of a judge with exactly these options is kept, beside the cache of answers."""
    return default_path().parent / "calibrations" / f"{judge}-{identity[:16]}.json"


def keep(record: Json, out: Path) -> Path:
    """Write OUT/calibration.json, and keep it for the runs that this judge grades from now on."""
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    write_file(out / "calibration.json", text)
    write_file(kept_path(record["judge"], record["identity"]), text)
    return out / "calibration.json"


def kept(judge: str, identity: str) -> Json | None:
    """The calibration of a judge with exactly these options, where there is one."""
    path = kept_path(judge, identity)
    if not os.access(path, os.R_OK):
        return None
    record: Json = json.loads(path.read_text(encoding="utf-8"))
    return record
