"""Tables of scripts/tv2tv_layouts.sh: `python scripts/tv2tv_layout_tables.py OUT/NAME`.

Prints Markdown; docs/experiments/words.md has what it prints. Shares are in percent with 95 % intervals,
bootstrapped over puzzles (each is answered by the models of all seeds).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

from genreason.metrics import told
from genreason.metrics.stats import bootstrap_mean
from genreason.run.folder import RunFolder
from genreason.types import Json

ARMS = {
    "tv2tv": "TV2TV: a plan, then each step before its frame",
    "think2v": "Think2V: the same words, all before the first frame",
    "t2v": "T2V: frames alone",
    "moves": "TV2TV without the plan: each step before its frame",
    "few-100": "100 puzzles",
    "few-1000": "1,000 puzzles",
    "few-10000": "10,000 puzzles",
}
SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Answer:
    """A clip.

    Attributes:
        sample: its puzzle.
        style: how that is drawn.
        passed: whether the judge passes it.
        arrives: whether its agent goes to the goal, however the clip looks.
        sound: whether its words lead to the goal; None where there are none.
        obeys: share of the frames that show what was said; None where nothing was said or shown.
    """

    sample: str
    style: str
    passed: bool
    arrives: bool
    sound: bool | None
    obeys: float | None


def answers(out: Path, name: str, seeds: Iterable[int] = SEEDS) -> list[Answer]:
    """Of the runs of these seeds; `name` is an arm, or an arm and what was varied ("t2v.steps-4")."""
    return [each for seed in seeds if (root := _run(out, name, seed)) for each in _answers(RunFolder(root))]


def _run(out: Path, name: str, seed: int) -> Path | None:
    """The judged run of a seed, where there is one."""
    arm, _, rest = name.partition(".")
    root = out / "judged" / f"{arm}-{seed}{'.' * bool(rest)}{rest}"
    return root if (root / "verdicts" / "rules.jsonl").is_file() else None


def _answers(run: RunFolder) -> Iterable[Answer]:
    verdicts = {verdict["sample"]: verdict for verdict in run.verdicts("rules")}
    for instance in run.instances():
        verdict = verdicts[instance.sample_id]
        record = json.loads(run.clip_path(instance, 0).with_suffix(".json").read_text(encoding="utf-8"))
        said = told.said(record["meta"]["text"])
        track = verdict["evidence"].get("track", {}).get("agent", ())
        shown = told.shown(instance, track)
        pairs = list(zip(said, shown, strict=False))
        yield Answer(
            instance.sample_id, instance.style, verdict["status"] == "pass", told.arrives(instance, track),
            told.leads(instance, said) if said else None,
            sum(a == b for a, b in pairs) / len(pairs) if pairs else None,
        )  # fmt: skip


def share(values: Sequence[float], clusters: Sequence[str], name: str) -> str:
    """A mean in percent with its interval."""
    if not values:
        return "-"
    found = bootstrap_mean(values, clusters, name=name)
    return f"{100 * found.mean:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def of(found: Sequence[Answer], field: str, name: str) -> str:
    """One field of the answers as a share."""
    pairs = [(float(value), each.sample) for each in found if (value := getattr(each, field)) is not None]
    return share([value for value, _ in pairs], [sample for _, sample in pairs], name)


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def head(*cells: str) -> list[str]:
    return [row(*cells), row(*["---"] * len(cells))]


def arms(out: Path, what: str = "") -> list[str]:
    """Success, plans and agreement by arm, with what each seed gave and what a run cost.

    `what` they were asked, where that was varied ("large").
    """
    lines = head(
        "told as", "success", "of each seed", "words lead to the goal", "frames as said",
        "figure goes to the goal", "tokens", "s a step",
    )  # fmt: skip
    for arm, title in ARMS.items():
        name = _named(arm, what)
        found = answers(out, name)
        if not found:
            continue
        single = [each for seed in SEEDS if (each := answers(out, name, [seed]))]
        each = ", ".join(f"{100 * sum(a.passed for a in one) / len(one):.0f}" for one in single)
        tokens, seconds = _cost(out, arm)
        success, *rest = (of(found, field, arm) for field in ("passed", "sound", "obeys", "arrives"))
        lines.append(row(title, success, each, *rest, f"{tokens / 1e6:.1f} M", f"{seconds:.2f}"))
    return lines


def _cost(out: Path, arm: str) -> tuple[float, float]:
    """Tokens of a run, and its median seconds a step where the machine did least else, from the logs."""
    tokens, seconds = [], []
    for path in (out / f"{arm}-{seed}" / "log.jsonl" for seed in SEEDS):
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()
        found = [line for line in lines if "tokens_per_second" in line]
        if found:
            steps = [line["seconds_per_step"] for line in found]
            a_step = median(
                each["tokens_per_second"] * spent for each, spent in zip(found, steps, strict=True)
            )
            tokens.append(a_step * found[-1]["step"])
            seconds.append(median(steps))
    return max(tokens), min(seconds)


def _named(arm: str, what: str) -> str:
    return f"{arm}.{what}" if what else arm


def pairs(out: Path, what: str = "") -> list[str]:
    """Differences in success of each two arms on the same puzzles, in points, by the seeds that both have."""
    lines = head("first less second", "seeds", "points")
    for first, second in combinations(ARMS, 2):
        names = [_named(arm, what) for arm in (first, second)]
        common = [seed for seed in SEEDS if all(_run(out, name, seed) for name in names)]
        if common:
            a, b = (_means(answers(out, name, common)) for name in names)
            both = sorted(a.keys() & b.keys())
            differences = share([a[sample] - b[sample] for sample in both], both, first + second)
            lines.append(row(f"{first} - {second}", ", ".join(map(str, common)), differences))
    return lines


def _means(found: Sequence[Answer]) -> dict[str, float]:
    sums: dict[str, list[bool]] = {}
    for each in found:
        sums.setdefault(each.sample, []).append(each.passed)
    return {sample: sum(passed) / len(passed) for sample, passed in sums.items()}


def varied(out: Path, arm: str, names: dict[str, str]) -> list[str]:
    """Success of an arm under other conditions, by the models of those seeds that were asked under all."""
    runs = {name: _named(arm, name) for name in names}
    common = [seed for seed in SEEDS if all(_run(out, run, seed) for run in runs.values())]
    lines = head(f"{arm} (seeds: {', '.join(map(str, common))})", "success", "frames as said")
    for name, title in names.items():
        found = answers(out, runs[name], common)
        if found:
            lines.append(row(title, of(found, "passed", name), of(found, "obeys", name)))
    return lines


def styles(out: Path) -> list[str]:
    """Success by style of the puzzle; two were learnt."""
    found = answers(out, "tv2tv.styles")
    lines = head("style", "success", "frames as said")
    for style in sorted({each.style for each in found}, key=lambda s: (s not in ("classic", "paper"), s)):
        those = [each for each in found if each.style == style]
        learnt = " (learnt)" if style in ("classic", "paper") else ""
        lines.append(row(style + learnt, of(those, "passed", style), of(those, "obeys", style)))
    return lines


def injected(out: Path) -> list[str]:
    """How often words that were put in were obeyed."""
    lines = head("told as", "words put in", "obeyed", "reaches the goal after all")
    for arm, where in (("tv2tv", "midway"), ("think2v", "midway"), ("think2v", "plan")):
        found: list[Json] = []
        for seed in SEEDS:
            path = out / "judged" / f"{arm}-{seed}.{where}.jsonl"
            if path.is_file():
                found += map(json.loads, path.read_text(encoding="utf-8").splitlines())
        if found:
            samples = [line["sample"] for line in found]
            cells = [
                share([float(line[key]) for line in found], samples, arm + where)
                for key in ("obeyed", "success")
            ]
            title = "before its frame" if where == "midway" else "into what is said first"
            lines.append(row(arm, f"{title} ({len(found)})", *cells))
    return lines


def growth(out: Path) -> list[str]:
    """Success on puzzles of `val` while a run goes on: the mean over seeds."""
    points: dict[str, dict[int, list[float]]] = {}
    for arm in ARMS:
        for seed in SEEDS:
            path = out / f"{arm}-{seed}" / "log.jsonl"
            for line in map(
                json.loads, path.read_text(encoding="utf-8").splitlines() if path.is_file() else ()
            ):
                for value in (line[key] for key in line if key.startswith("validation/success/")):
                    points.setdefault(arm, {}).setdefault(line["step"], []).append(value)
    steps = sorted({step for found in points.values() for step in found})
    lines = head("success in % at step", *(f"{step:,}" for step in steps))
    for arm, found in points.items():
        cells = (
            f"{100 * sum(found[step]) / len(found[step]):.0f}" if step in found else "-" for step in steps
        )
        lines.append(row(arm, *cells))
    return lines


def rooms(out: Path) -> list[list[str]]:
    """Of 4x4 rooms."""
    steps = {"steps-1": "1 Euler step", "": "2 Euler steps", "steps-4": "4", "steps-8": "8"}
    sizes = {"easy": "3x3 rooms (never learnt)", "": "4x4 rooms", "medium": "5x5 rooms (never learnt)"}
    return [
        arms(out), pairs(out), growth(out), injected(out),
        varied(out, "tv2tv", steps), varied(out, "t2v", steps), varied(out, "tv2tv", sizes), styles(out),
    ]  # fmt: skip


def sizes(out: Path) -> list[list[str]]:
    """Of models of several sizes."""
    levels = {"small": "4x4", "medium": "5x5", "large": "6x6"}
    return [
        part
        for level, side in levels.items()
        for part in ([f"{side} rooms", "", *arms(out, level)], pairs(out, level))
    ]


def sokoban(out: Path) -> list[list[str]]:
    """Of Sokobans."""
    return [arms(out), pairs(out), growth(out), injected(out)]


def samples(out: Path) -> list[list[str]]:
    """Of models that learnt from few puzzles."""
    return [arms(out), growth(out)]


def guidance(out: Path) -> list[list[str]]:
    """Of a model that is led by its words."""
    return [varied(out, "guided", {f"scale-{scale}": scale for scale in ("1", "1.5", "2", "3", "5")})]


TABLES = {each.__name__: each for each in (rooms, sizes, sokoban, samples, guidance)}


def main() -> None:
    out = Path(sys.argv[1])
    print("\n\n".join("\n".join(lines) for lines in TABLES[out.resolve().name](out) if len(lines) > 2))


if __name__ == "__main__":
    main()
