"""What a report says of test-time methods: success at equal cost, paired, and one puzzle's story."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from genreason.formats import files
from genreason.metrics.stats import Interval, bootstrap_mean, mcnemar, pass_at_k, wilson_clustered
from genreason.report import judged as judging
from genreason.report.load import JudgedRun
from genreason.types import Clip, Json, UnreadableClipError

_TICKS = 16  # points of a curve over seconds
_SAMPLING = ("best-of-n", "oracle-pick")


@dataclass(frozen=True, slots=True)
class Told:
    """One story: the puzzle, what was handed in after each clip, and what had been spent by then.

    Attributes:
        key, seed: of the puzzle and of the run: what two methods are paired by.
        passes: whether each clip truly passes; None where nobody can say.
        best: number of the clip that would be handed in after each.
        clock: seconds spent when each clip was there.
        tokens: of the critic.
        events: lines of the journal.
    """

    key: str
    seed: int
    sample: str
    folder: Path
    passes: tuple[bool | None, ...]
    best: tuple[int, ...]
    clock: tuple[float, ...]
    seconds: float
    tokens: int
    events: tuple[Json, ...]

    @property
    def scored(self) -> bool:
        """Whether it is known of every clip that was ever handed in if it passes."""
        return all(self.passes[k] is not None for k in self.best)

    def after_clips(self, count: int) -> float:
        """Whether it would have been solved with so many clips, 0 or 1."""
        return self._at(min(count, len(self.best)))

    def after_seconds(self, seconds: float) -> float:
        """Whether it would have been solved in that time."""
        return self._at(sum(each <= seconds for each in self.clock))

    def _at(self, count: int) -> float:
        return float(bool(self.passes[self.best[count - 1]])) if count else 0.0


def describe(runs: Sequence[JudgedRun]) -> Json | None:
    """Figures of all methods among the runs; None where there is none.

    Runs of the same method that differ in their seed alone are one; a puzzle's clips of all seeds are a
    cluster.
    """
    groups = _groups(runs)
    if not groups:
        return None
    told = {label: found for label, (_, found) in groups.items()}
    longest = [story.seconds for found in told.values() for story in found if story.clock]
    ticks = np.linspace(0, float(np.quantile(longest, 0.95)) if longest else 0.0, _TICKS + 1)[1:].tolist()
    return {
        "methods": [_figures(label, spec, told[label], ticks) for label, (spec, _) in groups.items()],
        "pairs": [pair for a, b in combinations(groups, 2) if (pair := _pair(a, b, groups))["n"]],
    }


def _groups(runs: Sequence[JudgedRun]) -> dict[str, tuple[Json, list[Told]]]:
    """Stories by label."""
    specs: dict[str, Json] = {}
    stories: dict[str, list[Told]] = defaultdict(list)
    known: set[Path] = set()
    for run in runs:
        spec = run.manifest.get("tpo")
        if not spec or run.path.resolve() in known:
            continue
        known.add(run.path.resolve())
        whole = {**spec, "generator": run.manifest["generator"]}
        name = json.dumps(
            {k: v for k, v in whole.items() if k not in ("videos", "seconds", "tokens")}, sort_keys=True
        )
        specs[name] = whole
        stories[name] += _stories(run)
    labels = _labels(specs)
    return {labels[name]: (specs[name], stories[name]) for name in specs if stories[name]}


def _labels(specs: dict[str, Json]) -> dict[str, str]:
    """A short name of each: the method, and what tells it from the others."""
    names = {spec["generator"]["name"] for spec in specs.values()}
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for spec in specs.values():
        for key, value in spec["generator"]["options"].items():
            values[key][_text(value)] += 1
    usual = {key: counted.most_common(1)[0][0] for key, counted in values.items()}
    out: dict[str, str] = {}
    for name, spec in specs.items():
        told = {key: _text(value) for key, value in spec["generator"]["options"].items()}
        told = {key: value for key, value in told.items() if value != usual[key]}
        told |= {key: _text(value) for key, value in spec["settings"].items()}
        parts = [spec["method"], *(f"{key}={value}" for key, value in sorted(told.items()))]
        if spec["critic"] and spec["critic"].get("name") != "rules":
            parts.append(f"critic {spec['critic'].get('name')}")
        if spec["scorer"]["name"] != "rules":
            parts.append(f"scorer {spec['scorer']['name']}")
        if any(spec["noise"].values()):
            parts.append(
                f"scorer errs {100 * spec['noise']['accept']:g} % / {100 * spec['noise']['reject']:g} %"
            )
        if len(names) > 1:
            parts.append(spec["generator"]["name"])
        label = ", ".join(parts)
        out[name] = label if label not in out.values() else f"{label} ({len(out) + 1})"
    return out


def _text(value: Any) -> str:
    """An option as it is written on the command line."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _stories(run: JudgedRun) -> list[Told]:
    found = []
    for path in sorted((run.path / "tpo").glob("*/summary.json")):
        summary = json.loads(path.read_text(encoding="utf-8"))
        events = tuple(files.read_lines(path.parent / "story.jsonl"))
        passes: list[bool | None] = []
        clock: list[float] = []
        now = 0.0
        for event in events:
            if event["event"] == "consult":
                now += event["seconds"]
            elif event["event"] == "clip" and len(passes) < summary["clips"]:
                now += event["making"] + event["judging"]
                status = event["truth"]["status"]
                passes.append(None if status == "unscored" else status == "pass")
                clock.append(now)
        seed = int(run.manifest.get("seed") or 0)
        found.append(
            Told(summary["key"], seed, summary["sample"], path.parent, tuple(passes), tuple(summary["best"]),
                 tuple(clock), summary["seconds"], summary["tokens"], events)
        )  # fmt: skip
    return found


def _figures(label: str, spec: Json, stories: Sequence[Told], ticks: Sequence[float]) -> Json:
    scored = [story for story in stories if story.scored]
    videos = int(spec["videos"])
    return {
        "label": label,
        "method": spec["method"],
        "tells": bool(spec["tells"]),
        "videos": videos,
        "n": len(stories),
        "scored": len(scored),
        "puzzles": len({story.key for story in stories}),
        "seeds": len({story.seed for story in stories}),
        "success": _share(scored, lambda story: story.after_clips(videos), label),
        "first": _share(scored, lambda story: story.after_clips(1), label),
        "cost": {
            "clips": _mean(len(story.passes) for story in stories),
            "seconds": _mean(story.seconds for story in stories),
            "cpu": _mean(sum(e.get("cpu", 0.0) for e in story.events) for story in stories),
            "tokens": _mean(story.tokens for story in stories),
        },
        "clips": [
            {"x": n, **_share(scored, partial(Told.after_clips, count=n), f"{label}/{n}")}
            for n in range(1, videos + 1)
        ],
        "seconds": [
            {"x": round(t, 3), **_share(scored, partial(Told.after_seconds, seconds=t), f"{label}/{t}")}
            for t in ticks
        ],
        "pass_at_k": _pass_at_k(spec, scored),
        "rethinking": _rethinking(stories),
        "leaks": _leaks(stories),
    }


def _pass_at_k(spec: Json, stories: Sequence[Told]) -> Json:
    """Unbiased estimates, of methods that draw all their clips from the same prompt and never stop early."""
    if spec["method"] not in _SAMPLING or spec["settings"].get("stop"):
        return {}
    clips = [(story, [p for p in story.passes if p is not None]) for story in stories]
    most = max((len(passes) for _, passes in clips), default=0)
    out: Json = {}
    for k in sorted({1 << i for i in range(most.bit_length())} | {most} - {0}):
        having = [(story, passes) for story, passes in clips if len(passes) >= k]
        chances = [pass_at_k(len(passes), sum(passes), k) for _, passes in having]
        keys = [story.key for story, _ in having]
        out[str(k)] = {**_fields(_interval(chances, keys, f"pass@{k}")), "n": len(having)}
    return out


def _rethinking(stories: Sequence[Told]) -> Json | None:
    """What a clip costs that goes on from the middle of another, against a fresh one of the same puzzle."""
    ratios: list[float] = []
    keys: list[str] = []
    for story in stories:
        making: dict[bool, list[float]] = {True: [], False: []}
        for event in story.events:
            take = event["take"] if event["event"] == "clip" else {}
            if take and (take["base"] is None or take["chunk"] > 1):  # what keeps nothing saves nothing
                making[take["base"] is not None].append(event["making"])
        if making[True] and making[False]:
            ratios.append(float(np.mean(making[True]) / np.mean(making[False])))
            keys.append(story.key)
    if not ratios:
        return None
    return {**_fields(bootstrap_mean(ratios, keys, name="rethinking")), "n": len(ratios)}


def _leaks(stories: Sequence[Told]) -> Json | None:
    """Stories in which a revised prompt or a critique told part of the solution."""
    flags = [
        any((event.get("answer") or {}).get("leaks") for event in story.events if event["event"] == "consult")
        for story in stories
        if any(event["event"] == "consult" for event in story.events)
    ]
    return {"n": len(flags), "stories": sum(flags)} if flags else None


def _pair(a: str, b: str, groups: dict[str, tuple[Json, list[Told]]]) -> Json:
    """Two methods on the same puzzles and seeds: the second less the first, at equal clips and seconds."""
    (spec_a, told_a), (spec_b, told_b) = groups[a], groups[b]
    first, second = ({(s.key, s.seed): s for s in told if s.scored} for told in (told_a, told_b))
    shared = sorted(first.keys() & second.keys())
    both = [(first[place], second[place]) for place in shared]
    videos = min(int(spec_a["videos"]), int(spec_b["videos"]))
    ends = [[story.seconds for story in side] for side in zip(*both, strict=True)] if both else []
    seconds = round(min((float(np.quantile(side, 0.9)) for side in ends), default=0.0), 3)
    return {
        "a": a, "b": b, "n": len(both), "puzzles": len({key for key, _ in shared}),
        "clips": {
            "x": videos, **_difference(both, lambda story: story.after_clips(videos), f"{a}/{b}/clips"),
        },
        "seconds": {
            "x": seconds, **_difference(both, lambda story: story.after_seconds(seconds), f"{a}/{b}/seconds"),
        },
    }  # fmt: skip


def _difference(both: Sequence[tuple[Told, Told]], solved: Callable[[Told], float], name: str) -> Json:
    """Mean paired difference by bootstrap over puzzles; McNemar's test on each puzzle's first seed."""
    if not both:
        return {"mean": None, "low": None, "high": None, "only_a": 0, "only_b": 0, "p": None}
    gains = [solved(y) - solved(x) for x, y in both]
    found = bootstrap_mean(gains, [x.key for x, _ in both], name=name)
    once = {x.key: (solved(x), solved(y)) for x, y in reversed(both)}.values()
    only_a, only_b = sum(x > y for x, y in once), sum(y > x for x, y in once)
    return {**_fields(found), "only_a": only_a, "only_b": only_b, "p": round(mcnemar(only_a, only_b), 5)}


def _share(stories: Sequence[Told], solved: Callable[[Told], float], name: str) -> Json:
    if not stories:
        return {"mean": None, "low": None, "high": None}
    return _fields(_interval([solved(story) for story in stories], [story.key for story in stories], name))


def _interval(values: Sequence[float], keys: Sequence[str], name: str) -> Interval:
    """By bootstrap over puzzles; Wilson's where all agree, as resampling the same gives no interval."""
    if len(set(values)) == 1:
        return wilson_clustered(values, keys)
    return bootstrap_mean(values, keys, name=name)


def _mean(values: Any) -> float | None:
    found = list(values)
    return round(float(np.mean(found)), 4) if found else None


def _fields(interval: Interval) -> Json:
    return {name: round(float(value), 5) for name, value in interval._asdict().items()}


# -- one story -----------------------------------------------------------------------------------------------
def story(runs: Sequence[JudgedRun]) -> Json | None:
    """One puzzle round by round, for people: one that began wrong and ended right, where there is one."""
    groups = _groups(runs)
    ranked = [
        (_interest(told), label, told)
        for label, (_, stories) in groups.items()
        for told in stories
        if told.passes
    ]
    if not ranked:
        return None
    _, label, told = max(ranked, key=lambda each: each[0])
    return {
        "label": label, "sample": told.sample, "chosen": told.best[-1],
        "steps": [_step(told, event) for event in told.events if event["event"] in ("clip", "consult")],
    }  # fmt: skip


def _interest(told: Told) -> tuple[bool, bool, int, str]:
    """What makes a story worth telling: it turns out well, somebody is consulted, and it is not long."""
    turned = told.passes[0] is False and told.passes[told.best[-1]] is True
    consulted = any(event["event"] == "consult" for event in told.events)
    return turned, consulted, -abs(len(told.passes) - 4), told.sample


def _step(told: Told, event: Json) -> Json:
    if event["event"] == "consult":
        return {
            "kind": "consult", "role": event["role"], "attempts": event["attempts"],
            "answer": _lines(event["answer"]),
        }  # fmt: skip
    try:
        picture = judging.sheet(Clip(path=told.folder / f"{event['k']}.mp4"))
    except UnreadableClipError:
        picture = None
    take, seen = event["take"], event["seen"]
    return {
        "kind": "clip", "k": event["k"], "round": take["round"], "take": take, "status": seen["status"],
        "reason": seen["reason"], "truth": event["truth"]["status"], "value": event["value"],
        "text": event["text"], "sheet": picture, "best": told.best[event["k"]] == event["k"],
        "seconds": event["making"],
    }  # fmt: skip


def _lines(answer: Json | None) -> list[tuple[str, str]]:
    """A critic's answer as lines: what, and the text."""
    if answer is None:
        return [("", "nothing that could be used")]
    out: list[tuple[str, str]] = []
    for name, value in answer.items():
        if isinstance(value, list):
            out += [(name, item if isinstance(item, str) else _seen(item)) for item in value]
        elif value not in (None, "", False, {}):
            out.append((name, value if isinstance(value, str) else json.dumps(value)))
    return out


def _seen(item: Any) -> str:
    """An observation in words; anything else as it is."""
    if isinstance(item, dict) and {"clip", "seconds", "what"} <= set(item):
        rule = f" ({item['rule']})" if item.get("rule") else ""
        return f"clip {item['clip']} at {float(item['seconds']):.2f} s: {item['what']}{rule}"
    return json.dumps(item)
