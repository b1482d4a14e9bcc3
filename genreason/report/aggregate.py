"""Verdicts to figures: `report.json` (every field is described in docs/report.md)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from genreason import benchmarks
from genreason.metrics import vrbench
from genreason.metrics.stats import (
    CONFIDENCE,
    Interval,
    bootstrap_mean,
    mcnemar,
    pass_at_k,
    wilson,
    wilson_clustered,
)
from genreason.report import judged, methods
from genreason.report.load import JudgedRun, Row, load_runs
from genreason.types import SCHEMA, Json

FLOORS = ("still", "noise")
_DENSE = 16  # up to so many clips, the scaling curve has a point at every k, beyond at powers of 2
_TOP = 12  # most frequent violations and reasons that a report lists
_HEADER = ("command", "created", "seed", "samples", "data", "data_hash", "device", "versions", "cards")


def aggregate(runs: Sequence[Path]) -> Json:
    """Everything a report says about some run folders, as JSON.

    Raises:
        UserError: a folder is not a run, was not judged, or cannot be read.
    """
    return summarise(load_runs(runs))


def summarise(runs: Sequence[JudgedRun]) -> Json:
    """`aggregate` for runs that were read already."""
    floors = _floors(runs)
    return {
        "schema": SCHEMA,
        "confidence": CONFIDENCE,
        "runs": [_run(run, floors.get(run.judge, {})) for run in runs],
        "floors": floors,
        "gate": _gate(runs),
        "comparisons": _comparisons(runs),
        "disagreements": judged.disagreements(runs),
        "methods": methods.describe(runs),
    }


def _run(run: JudgedRun, floors: Json) -> Json:
    tasks = sorted({record["task"] for record in run.instances.values()})
    whole = _group(run.rows)
    own_floor = run.generator in FLOORS
    # On others' tasks a still clip cannot be told from a right one by anybody but the judge: no floors there.
    ours = {r["task"] for r in run.instances.values() if (r.get("scene") or {}).get("puzzle") is not None}
    known = [t for t in tasks if t in ours or not judged.asks(run)]
    missing = {t: [f for f in FLOORS if f not in floors.get(t, {})] for t in known}
    return {
        "name": run.name,
        "generator": run.generator,
        "judge": run.judge,
        "asked": judged.describe(run),
        "expect": run.expect,
        "expected": _expected(run.expect, whole),
        "n": whole["n"],
        "scored": whole["scored"],
        "coverage": whole["coverage"],
        "success": {name: whole[name] for name in ("mean", "low", "high")},
        "solved": whole["solved"],
        "floors_missing": {} if own_floor else {task: names for task, names in missing.items() if names},
        "pass_at_k": _pass_at_k(run.rows),
        "scaling": _scaling(run.rows),
        "checks": _checks(run.rows),
        "metrics": _metrics(run),
        "vrbench": _vrbench(run),
        "violations": _violations(run.rows),
        "unscored": _counted(row.reason or "no reason given" for row in run.rows if not row.scored),
        "by": _by(run),
        "header": {name: run.manifest[name] for name in _HEADER if name in run.manifest},
    }


def _expected(expect: str | None, whole: Json) -> bool | None:
    """Whether a generator that must pass (or fail) every clip did; None where nothing is expected."""
    if expect is None or whole["mean"] is None:
        return None
    return bool(whole["mean"] == (1.0 if expect == "pass" else 0.0))


def _group(rows: Sequence[Row]) -> Json:
    scored = [row for row in rows if row.scored]
    passes = [float(row.status == "pass") for row in scored]
    solved = [row.metrics["solved"] for row in scored if "solved" in row.metrics]
    interval = wilson_clustered(passes, [row.sample for row in scored]) if scored else None
    return {
        "n": len(rows),
        "scored": len(scored),
        "coverage": _rounded(len(scored) / len(rows)) if rows else None,
        **_fields(interval),
        "solved": _rounded(sum(solved) / len(solved)) if solved else None,
    }


def _by(run: JudgedRun) -> Json:
    def split(name: Callable[[Json], str | Sequence[str]]) -> Json:
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in run.rows:
            found = name(run.instances[row.sample])
            for key in [found] if isinstance(found, str) else dict.fromkeys(found):
                if key:
                    groups[key].append(row)
        return {key: _group(groups[key]) for key in sorted(groups)}

    served = benchmarks.serving()
    return {
        "task": split(lambda r: str(r["task"])),
        "level": split(lambda r: str(r["level"])),
        "style": split(lambda r: str(r["style"])),
        "prompt": split(lambda r: str(r["scene"].get("prompt", ""))),  # where prompts were asked for by name
        "task/level": split(lambda r: f"{r['task']}/{r['level']}"),
        "benchmark": split(lambda r: [row for row, _ in served.get(r["task"], ())]),
        "dimension": split(lambda r: [group for _, group in served.get(r["task"], ())]),
    }


def _pass_at_k(rows: Sequence[Row]) -> Json:
    """For k = 1, 2, 4, ... and the largest: mean over the samples that have at least k scored clips."""
    clips = _passes(rows)
    largest = max((len(found) for found in clips.values()), default=0)
    ks = sorted({1 << i for i in range(largest.bit_length())} | {largest} - {0})
    result: Json = {}
    for k in ks:
        chances = [pass_at_k(len(found), sum(found), k) for found in clips.values() if len(found) >= k]
        result[str(k)] = {**_fields(_share(chances)), "n": len(chances)}
    return result


def _scaling(rows: Sequence[Row]) -> Json | None:
    """Success against the number of clips that are drawn, over the same samples at every point of the curve.

    It ends at the largest number of scored clips that at least half of the samples have. None where that is
    one: there is no curve.
    """
    clips = _passes(rows)
    counts = sorted((len(found) for found in clips.values()), reverse=True)
    most = counts[(len(counts) - 1) // 2] if counts else 0
    if most < 2:
        return None
    kept = {sample: found for sample, found in clips.items() if len(found) >= most}
    ks = sorted({k for k in range(1, most + 1) if k <= _DENSE or k & (k - 1) == 0} | {most})
    chances = {k: [pass_at_k(len(found), sum(found), k) for found in kept.values()] for k in ks}
    gains = [last - first for first, last in zip(chances[1], chances[most], strict=True)]
    return {
        "n": len(kept),
        "points": [{"k": k, **_fields(_share(chances[k]))} for k in ks],
        "gain": _fields(bootstrap_mean(gains, list(kept), name="scaling")),
    }


def _passes(rows: Sequence[Row]) -> dict[str, list[bool]]:
    """Of each sample that has scored clips, which of them pass."""
    clips: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row.scored:
            clips[row.sample].append(row.status == "pass")
    return clips


def _share(chances: Sequence[float]) -> Interval:
    """Mean of chances, one a sample; one in [0, 1] varies no more than a coin: Wilson is conservative."""
    return wilson(sum(chances), len(chances))


def _vrbench(run: JudgedRun) -> Json:
    """VR-Bench's aggregates of its metrics by task; none where the judge did not measure them."""
    tasks: dict[str, list[tuple[str, dict[str, float]]]] = defaultdict(list)
    for row in run.rows:
        if row.scored:
            record = run.instances[row.sample]
            tasks[str(record["task"])].append((str(record["level"]), row.metrics))
    found = {task: vrbench.summary(rows) for task, rows in sorted(tasks.items())}
    return {
        task: {level: {name: _rounded(v) for name, v in means.items()} for level, means in levels.items()}
        for task, levels in found.items()
        if levels
    }


def _checks(rows: Sequence[Row]) -> Json:
    """How often each check is broken, and how often it is the first one to be."""
    seen: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    first: Counter[str] = Counter()
    scored = [row for row in rows if row.scored]
    for row in scored:
        seen.update(row.checks.keys())
        broken.update(row.broken)
        if row.violations:
            first[row.violations[0]["check"]] += 1
    return {
        name: {
            "n": seen[name],
            "broken": broken[name],
            "share": _rounded(broken[name] / seen[name]) if seen[name] else None,
            "first": first[name],
        }
        for name in sorted(set(seen) | set(first))
    }


def _metrics(run: JudgedRun) -> Json:
    rows = [row for row in run.rows if row.scored]
    result: Json = {}
    for name in sorted({name for row in rows for name in row.metrics}):
        having = [row for row in rows if name in row.metrics]
        values, samples = [row.metrics[name] for row in having], [row.sample for row in having]
        result[name] = {**_fields(bootstrap_mean(values, samples, name=name)), "n": len(having)}
    return result


def _violations(rows: Sequence[Row]) -> list[Json]:
    """The most frequent first violations; texts that differ in their numbers only are counted as one."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.scored and row.violations:
            first = row.violations[0]
            groups[first["check"], re.sub(r"-?\d+(\.\d+)?", "n", first["what"])].append(first["what"])
    ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        {
            "check": check,
            "what": texts[0] if len(set(texts)) == 1 else pattern,
            "example": texts[0],
            "n": len(texts),
        }
        for (check, pattern), texts in ranked[:_TOP]
    ]


def _counted(texts: Any) -> list[Json]:
    return [{"reason": text, "n": n} for text, n in Counter(texts).most_common(_TOP)]


def _floors(runs: Sequence[JudgedRun]) -> Json:
    """Figures by judge, task and floor: measured by runs of this report, else as RUN/floors.json has them."""
    floors: Json = {}
    for run in runs:
        for name, by_task in (run.floors or {}).items():
            for task, value in by_task.items():
                figures = value if isinstance(value, dict) else {"mean": value}
                entry = {"mean": figures["mean"], "n": figures.get("n"), "from": f"{run.name}/floors.json"}
                floors.setdefault(run.judge, {}).setdefault(task, {})[name] = entry
    for run in runs:
        if run.generator in FLOORS:
            for task, group in _by(run)["task"].items():
                if group["scored"]:
                    entry = {"mean": group["mean"], "n": group["scored"], "from": run.name}
                    floors.setdefault(run.judge, {}).setdefault(task, {})[run.generator] = entry
    return floors


def _gate(runs: Sequence[JudgedRun]) -> Json | None:
    """The trust gate's figures for all tasks of these runs, or None where it was not run."""
    gates = [run.gate for run in runs if run.gate]
    if not gates:
        return None
    tasks = {name: figures for gate in gates for name, figures in gate["tasks"].items()}
    names = ("clips", "false_accepts", "false_rejects")
    if all(gate == gates[0] for gate in gates):
        return {"totals": gates[0]["totals"], "tasks": tasks}
    return {"totals": {n: sum(int(t.get(n, 0)) for t in tasks.values()) for n in names}, "tasks": tasks}


def _comparisons(runs: Sequence[JudgedRun]) -> list[Json]:
    """Paired tests between models on the puzzles that both answered (first clip each)."""
    result = []
    for a, b in combinations([run for run in runs if run.expect is None and run.generator not in FLOORS], 2):
        if a.judge != b.judge:
            continue
        first, second = _by_key(a), _by_key(b)
        shared = sorted(first.keys() & second.keys())
        if not shared:
            continue
        only_a = sum(first[key] and not second[key] for key in shared)
        only_b = sum(second[key] and not first[key] for key in shared)
        p = _rounded(mcnemar(only_a, only_b))
        pair = {"a": a.name, "b": b.name, "judge": a.judge, "n": len(shared)}
        result.append({**pair, "only_a": only_a, "only_b": only_b, "p": p})
    return result


def _by_key(run: JudgedRun) -> dict[str, bool]:
    first = [row for row in run.rows if row.scored and row.k == 0]
    return {run.instances[row.sample]["key"]: row.status == "pass" for row in first}


def _fields(interval: Interval | None) -> Json:
    if interval is None:
        return {"mean": None, "low": None, "high": None}
    return {name: _rounded(value) for name, value in interval._asdict().items()}


def _rounded(value: float) -> float:
    return round(float(value), 5)
