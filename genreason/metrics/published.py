"""What benchmarks that are judged by models publish, from verdicts on single clips.

Every function has a compatible mode, which computes figures as the benchmark's authors do, and a fixed one.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from genreason.metrics.stats import pass_at_k, wilson
from genreason.types import Json

RULER_METRICS = ("Instruction Following", "Visual Consistency", "Visual Fidelity", "Rule Coherence")
_WITHOUT_INSTRUCTION = "vision"  # RULER's category that has no questions of instruction following


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict as these figures need it.

    Attributes:
        sample, k: which clip.
        status: "pass", "fail" or "unscored".
        metrics: figures of the verdict.
        facets: what the benchmark calls the instance: "category", "dimension", "level", "type", "domain".
    """

    sample: str
    k: int
    status: str
    metrics: Mapping[str, float]
    facets: Mapping[str, str]


def ruler_macro(rows: Iterable[tuple[str, Mapping[str, float]]], compatible: bool) -> Json:
    """RULER's table: metric by category (0 to 100), metric means over categories, and the mean of those.

    Args:
        rows: for every instance its category and its metrics (0 to 1; the mean of its labels, Good 1, Medium
            0.5, Poor 0).
        compatible: a metric that an instance has no question for counts as 0 in its category, as in the
            released code; else it is left out.

    Returns:
        {"categories": {category: {metric: value}}, "metrics": {metric: value}, "average"}.
    """
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for category, metrics in rows:
        for name in RULER_METRICS:
            if name == RULER_METRICS[0] and _WITHOUT_INSTRUCTION in category.lower():
                continue
            if name in metrics:
                found[category][name].append(metrics[name])
            elif compatible:
                found[category][name].append(0.0)
    table = {
        category: {name: 100 * statistics.fmean(values) for name, values in metrics.items()}
        for category, metrics in sorted(found.items())
    }
    means = {
        name: statistics.fmean(row[name] for row in table.values() if name in row)
        for name in RULER_METRICS
        if any(name in row for row in table.values())
    }
    average = statistics.fmean(means.values()) if means else None
    return {"categories": table, "metrics": means, "average": average}


def ruler(rows: Sequence[Judged], compatible: bool) -> Json:
    """RULER's table from verdicts, and the share of clips whose rule coherence is Good throughout."""
    names = {f"ruler.{name.lower().replace(' ', '_')}": name for name in RULER_METRICS}
    scored = [row for row in rows if row.status != "unscored"]
    table = ruler_macro(
        (
            (row.facets.get("category", "game"), {names[m]: v for m, v in row.metrics.items() if m in names})
            for row in scored
        ),
        compatible,
    )
    passed = sum(row.status == "pass" for row in scored)
    return {**table, "rule_coherence_pass": _share(passed, len(scored)), "n": len(scored)}


def tivibench(rows: Sequence[Judged], compatible: bool) -> Json:
    """Shares of samples solved: overall (a micro average), by dimension and by level, pass@1 and pass@5.

    Compatible: pass@1 is over the first clip of every sample, pass@5 is any of the first five, and what could
    not be scored is not solved. Fixed: over scored clips, unbiased, with intervals.
    """
    clips: dict[str, list[Judged]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.sample, row.k)):
        clips[row.sample].append(row)
    groups: dict[str, list[str]] = {"overall": list(clips)}
    for sample, found in clips.items():
        for facet in ("dimension", "level"):
            if facet in found[0].facets:
                groups.setdefault(found[0].facets[facet], []).append(sample)
    figures = _any_of if compatible else _unbiased
    return {name: figures([clips[sample] for sample in samples]) for name, samples in groups.items()}


def _any_of(clips: Sequence[Sequence[Judged]]) -> Json:
    n = len(clips)
    first = sum(found[0].status == "pass" for found in clips)
    out: Json = {"n": n, "pass@1": percent(first, n), "solved": first}
    if any(len(found) >= 5 for found in clips):
        best = sum(any(row.status == "pass" for row in found[:5]) for found in clips)
        out |= {"pass@5": percent(best, n), "solved@5": best}
    return out


def percent(solved: int, n: int) -> float:
    """A share in percent with two decimals, as benchmarks print it: 108 of 595 is 18.15."""
    return round(100 * solved / n, 2) if n else 0.0


def _unbiased(clips: Sequence[Sequence[Judged]]) -> Json:
    counted = [
        (sum(row.status == "pass" for row in found), sum(row.status != "unscored" for row in found))
        for found in clips
    ]
    out: Json = {"n": len(clips)}
    for k in (1, 5):
        chances = [pass_at_k(n, passes, k) for passes, n in counted if n >= k]
        if chances:
            interval = wilson(sum(chances), len(chances))
            out[f"pass@{k}"] = {
                "mean": interval.mean, "low": interval.low, "high": interval.high, "n": len(chances),
            }  # fmt: skip
    return out


def mme_cof(rows: Sequence[Judged], compatible: bool) -> Json:
    """Mean and deviation of the five criteria (0 to 4) and of their mean, over prompts and samples."""
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        own = {
            name.removeprefix("mme_cof."): value
            for name, value in row.metrics.items()
            if name.startswith("mme_cof.")
        }
        for name, value in own.items():
            values[name].append(value)
        if own:
            values["overall"].append(statistics.fmean(own.values()))
    return {
        name: {
            "mean": statistics.fmean(found),
            "deviation": statistics.stdev(found) if len(found) > 1 else 0.0,
            "n": len(found),
        }
        for name, found in sorted(values.items())
    }


def viper(rows: Sequence[Judged], compatible: bool) -> Json:
    """POC: share of clips with process and outcome both correct, each alone, and right ends by wrong ways."""
    names = ("checklist.process_consistency", "checklist.outcome_consistency")
    scored = [row for row in rows if row.status != "unscored" and all(name in row.metrics for name in names)]
    process = [row.metrics[names[0]] >= 1 for row in scored]
    outcome = [row.metrics[names[1]] >= 1 for row in scored]
    n = len(scored)
    return {
        "POC": _share(sum(p and o for p, o in zip(process, outcome, strict=True)), n),
        "process": _share(sum(process), n),
        "outcome": _share(sum(outcome), n),
        "right end, wrong way": _share(sum(o and not p for p, o in zip(process, outcome, strict=True)), n),
        "n": n,
    }


def v_reasonbench(rows: Sequence[Judged], compatible: bool) -> Json:
    """pass@5 by task. Compatible: unscored is failed, and with fewer than five clips k is their number."""
    clips: dict[str, dict[str, list[Judged]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        clips[row.facets.get("task", "all")][row.sample].append(row)
    out: Json = {}
    for task, samples in sorted(clips.items()):
        chances = []
        for found in samples.values():
            counted = found if compatible else [row for row in found if row.status != "unscored"]
            k = min(5, len(counted)) if compatible else 5
            if k and len(counted) >= k:
                chances.append(pass_at_k(len(counted), sum(row.status == "pass" for row in counted), k))
        mean = round(100 * statistics.fmean(chances), 2) if chances else None
        out[task] = {"pass@5": mean, "n": len(chances)}
    return out


def vlm_score(rows: Sequence[Judged], compatible: bool) -> Json:
    """Mean VLM-score (0 to 5)."""
    values = [row.metrics["vr_bench.vlm_score"] for row in rows if "vr_bench.vlm_score" in row.metrics]
    return {"vlm_score": statistics.fmean(values) if values else None, "n": len(values)}


def _share(part: int, n: int) -> Json:
    if not n:
        return {"mean": None, "low": None, "high": None}
    interval = wilson(part, n)
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


FIGURES: dict[str, Callable[[Sequence[Judged], bool], Json]] = {
    "ruler": ruler,
    "tivibench": tivibench,
    "mme-cof": mme_cof,
    "viper": viper,
    "v-reasonbench": v_reasonbench,
    "vr-bench-vlm-score": vlm_score,
}
"""Published figures by kind of judge: `(rows, compatible)`."""
