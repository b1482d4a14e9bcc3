"""The trust gate: every task proves that its verifier passes what must pass and fails what must fail.

Clips go the way that a model's clips go: they are encoded, decoded and judged. A cheat counts as caught only
when the check breaks that it was made to break.
"""

from __future__ import annotations

import contextlib
import functools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genreason import cards, video
from genreason import judge as judges
from genreason.cards import JudgeCard, TaskCard
from genreason.executor import run_map
from genreason.formats.dataset import write_file
from genreason.generate.controls import CONTROLS, shop
from genreason.run import files
from genreason.task import Task
from genreason.types import SCHEMA, Clip, Instance, Json, Verdict

if TYPE_CHECKING:
    from rich.console import Group

    from genreason.run.folder import Progress

GATE_FILE = "gate.json"  # beside the judges' cards: figures of the last full run, shown in reports
LEAST = 20  # instances a level in the full gate, the styles in turn
TIMES = 2  # how often the quick gate makes each control, at other levels or in other styles
TRUTH = "oracle"
SEED = 20
COUNTS = ("clips", "false_accepts", "false_rejects", "wrong_checks", "unscored")


@dataclass(frozen=True)
class Item:
    """One instance and the controls to try on it."""

    task: str
    level: str
    style: str
    index: int
    controls: tuple[str, ...]


def run(
    names: Sequence[str],
    full: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    judge: str = "rules",
    journal: Path | None = None,
    instances: int = LEAST,
) -> Json:
    """Check tasks, at every level and in every style.

    Args:
        names: names of task cards.
        full: every control on `instances` of a level; else every control twice, spread over an instance for
            each level and style.
        workers: processes.
        progress: called with (stage, done, total).
        judge: name of the judge's card.
        instances: of each level in the full gate; from 20 on, at least one in every style.
        journal: a file that keeps what was found, instance by instance; a later call goes on from there.

    Returns:
        {"schema", "full", "judge", "seconds", "totals": {clips, false_accepts, false_rejects, wrong_checks,
        unscored}, "tasks": {name: {version, full, instances, seconds, the same counts, "by": {"level",
        "style", "control"}, "failures"}}}.
        `wrong_checks` are cheats that failed, but not by the check they were made to break.
    """
    items = (item for name in names for item in _items(name, full, instances))
    work = sorted(items, key=lambda item: item.index)
    records = _kept(journal, work)
    known = {_place(record) for record in records}
    work = [item for item in work if (item.task, item.level, item.style, item.index) not in known]
    total, done = len(records) + sum(len(item.controls) for item in work), len(records)
    for found in run_map(functools.partial(_try, judge=judge), work, workers=workers):
        records += found
        if journal is not None:
            files.append(journal, {"records": found})
        done += len(found)
        if progress is not None:
            progress("check", done, max(total, done))
    tasks: Json = {}
    for name in names:
        own = [record for record in records if record["task"] == name]
        seconds = round(sum(record["seconds"] for record in own), 1)
        how = {"full": full, "instances": instances if full else 1, "seconds": seconds}
        tasks[name] = {"version": cards.load(TaskCard, name).version, **how, **_summary(own)}
    return _whole(tasks, judge)


def _whole(tasks: Json, judge: str) -> Json:
    totals = {count: sum(task[count] for task in tasks.values()) for count in COUNTS}
    full = all(task["full"] for task in tasks.values())
    seconds = round(sum(task["seconds"] for task in tasks.values()), 1)
    return {
        "schema": SCHEMA,
        "full": full,
        "judge": judge,
        "seconds": seconds,
        "totals": totals,
        "tasks": tasks,
    }


def save(found: Json, path: Path) -> None:
    """Write figures; those that the file has of other tasks, by the same judge, stay."""
    tasks = found["tasks"]
    if path.is_file():
        old = json.loads(path.read_text(encoding="utf-8"))
        tasks = {**old["tasks"], **tasks} if old["judge"] == found["judge"] else tasks
    write_file(path, json.dumps(_whole(tasks, found["judge"]), indent=1, sort_keys=True) + "\n")


def _place(record: Json) -> tuple[str, str, str, int]:
    return record["task"], record["level"], record["style"], record["index"]


def _kept(journal: Path | None, work: Sequence[Item]) -> list[Json]:
    """What an earlier call found for these items; a line that was cut off is left out."""
    if journal is None or not journal.is_file():
        return []
    wanted = {(item.task, item.level, item.style, item.index) for item in work}
    kept = []
    for line in journal.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            kept += [record for record in json.loads(line)["records"] if _place(record) in wanted]
    return kept


def clean(found: Json) -> bool:
    """Whether the gate found nothing wrong."""
    return not any(found["totals"][count] for count in COUNTS[1:])


def _items(name: str, full: bool, instances: int = LEAST) -> Iterator[Item]:
    card = cards.load(TaskCard, name)
    styles = Task(card).puzzle.styles()
    controls = (TRUTH, *CONTROLS)
    count = max(instances, len(styles)) if full and instances >= LEAST else instances if full else len(styles)
    # Levels begin with different styles, so that few instances a level see all styles, too.
    places = [
        (level, styles[(i * count + j) % len(styles)], j)
        for i, level in enumerate(card.levels)
        for j in range(count)
    ]
    parts = max(len(places) // TIMES, 1)
    for i, (level, style, j) in enumerate(places):
        chosen = controls if full else tuple(c for k, c in enumerate(controls) if (k + i) % parts == 0)
        if chosen:
            yield Item(name, level, style, j, chosen)


def _try(item: Item, judge: str) -> list[Json]:
    """Make and judge the clips of one item; controls without an occasion are left out."""
    instance = Task(item.task, item.level, split="any", style=item.style, seed=SEED)[item.index]
    card = cards.load(JudgeCard, judge)
    grader = judges.load(card, cards.with_options(card, {}))
    records = []
    for name in item.controls:
        started = time.process_time()
        clip = make(instance, name)
        if clip is None:
            continue
        verdict = grader.judge(instance, [video.sent(video.frames(clip), video.fps(clip))], seed=0)[0]
        wrong = fault(name, verdict)
        records.append(
            {
                "task": item.task,
                "level": item.level,
                "style": item.style,
                "index": item.index,
                "control": name,
                "wrong": wrong,
                "reason": f"{verdict.status}: {verdict.reason}" if wrong else "",
                "seconds": time.process_time() - started,
            }
        )
    return records


def make(instance: Instance, control: str) -> Clip | None:
    """The clip of one control (or of the oracle), or None where the instance offers no occasion for it."""
    workshop = shop(instance, control)
    return workshop.clip(workshop.truth) if control == TRUTH else CONTROLS[control].make(workshop)


def fault(control: str, verdict: Verdict) -> str:
    """What is wrong with a verdict on a control's clip: one of the counts' names, or "" if it is right."""
    breaks = "" if control == TRUTH else CONTROLS[control].breaks
    if not breaks:
        return "" if verdict.status == "pass" else "false_rejects"
    if verdict.status == "pass":
        return "false_accepts"
    if verdict.status == "unscored":
        return "unscored"
    caught = any(value == 0 for name, value in verdict.checks.items() if name.startswith(breaks))
    return "" if caught else "wrong_checks"


def _summary(records: list[Json]) -> Json:
    def counts(of: list[Json]) -> Json:
        wrong = Counter(record["wrong"] for record in of)
        return {"clips": len(of), **{name: wrong[name] for name in COUNTS[1:]}}

    by: Json = {}
    for axis in ("level", "style", "control"):
        values = sorted({record[axis] for record in records})
        by[axis] = {value: counts([r for r in records if r[axis] == value]) for value in values}
    shown = ("level", "style", "index", "control", "wrong", "reason")
    failures = [{name: record[name] for name in shown} for record in records if record["wrong"]]
    return {**counts(records), "by": by, "failures": failures}


def shipped(tasks: Sequence[str]) -> Json | None:
    """Figures of the full gate that came with the cards, for tasks whose version they were found at.

    Returns:
        {"totals", "tasks": {name: counts}}, or None where there are none for any of the tasks.
    """
    found: Json = {}
    for root in cards.roots():
        path = root / "judges" / GATE_FILE
        if path.is_file():
            found = {**json.loads(path.read_text(encoding="utf-8"))["tasks"], **found}
    known = cards.paths(TaskCard)
    kept = {
        name: {count: found[name][count] for count in COUNTS}
        for name in tasks
        if name in found and name in known and cards.load(TaskCard, name).version == found[name]["version"]
    }
    if not kept:
        return None
    return {"totals": {count: sum(task[count] for task in kept.values()) for count in COUNTS}, "tasks": kept}


def table(found: Json) -> Group:
    """The figures as a table, by task and control, and what went wrong below it."""
    from rich.console import Group
    from rich.table import Table

    out = Table(title="trust gate" + (" (full)" if found["full"] else ""))
    for column in ("task", "control", "must", *(count.replace("_", " ") for count in COUNTS)):
        out.add_column(column, justify="left" if column in ("task", "control", "must") else "right")
    lines = []
    for name, task in found["tasks"].items():
        for control, row in task["by"]["control"].items():
            must = "pass" if control == TRUTH or CONTROLS[control].honest else "fail"
            out.add_row(name, control, must, *(str(row[count]) for count in COUNTS))
        out.add_row(name, "all", "", *(str(task[count]) for count in COUNTS), style="bold", end_section=True)
        for bad in task["failures"]:
            where = f"{name} {bad['level']} {bad['style']} {bad['index']}"
            lines.append(f"{where}, {bad['control']}: {bad['wrong']}: {bad['reason']}")
    return Group(out, *lines)
