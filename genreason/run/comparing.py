"""Runs against each other: their clips in pairs, and a ranking."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from genreason import cards
from genreason import judge as registry
from genreason.cards import JudgeCard
from genreason.executor import run_map
from genreason.judge.messages import UnansweredError
from genreason.judge.protocols import pairwise
from genreason.judge.protocols.pairwise import PairwiseJudge
from genreason.run import files
from genreason.run.folder import Progress, RunFolder, stamp
from genreason.types import SCHEMA, Clip, Instance, Json, UnreadableClipError, UserError

Item = tuple[Instance, str, Path, str, Path]
"""A puzzle, and for both sides the name of the run and its clip."""


def compare(
    card: JudgeCard,
    roots: Sequence[Path],
    out: Path,
    *,
    options: Json | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Json:
    """Compare the first clips of runs on the puzzles that they share, every run with every other.

    Returns:
        What `pairwise.standings` says, with every comparison, as OUT/comparison.json has it.

    Raises:
        UserError: fewer than two runs, no shared puzzles, or the judge compares nothing.
    """
    judge = registry.load(card, cards.with_options(card, options or {}), out / "ledger.jsonl")
    if not isinstance(judge, PairwiseJudge):
        raise UserError(f"judge {card.name} does not compare clips: take pairwise")
    registry.make_ready(judge)
    items = _items([RunFolder(root) for root in roots])
    matches, lines, unscored = [], [], []
    results = run_map(functools.partial(_one, judge), items, workers=judge.threads, backend="threads")
    for done, ((instance, a, _, b, _), found) in enumerate(zip(items, results, strict=True), start=1):
        place = {"sample": instance.sample_id, "key": instance.key, "a": a, "b": b}
        if isinstance(found, str):
            unscored.append({**place, "reason": found})
        else:
            matches.append(pairwise.named(found, a, b))
            lines.append({**place, **found})
        if progress is not None:
            progress("compare", done, len(items))
    record = {
        "schema": SCHEMA, "judge": card.name, **pairwise.standings(matches), "unscored": unscored,
        "comparisons": lines, "spent": judge.asker.ledger.to_json(), **stamp(),
    }  # fmt: skip
    files.write_json(out / "comparison.json", record)
    return record


def _items(runs: Sequence[RunFolder]) -> list[Item]:
    names = [str(run.manifest["name"]) for run in runs]
    labels = [
        name if names.count(name) == 1 else f"{name} ({run.root.resolve().name})"
        for name, run in zip(names, runs, strict=True)
    ]
    if len(set(labels)) < 2:
        raise UserError("compare needs two different runs or more: genreason compare pairwise RUN RUN")
    clips: list[dict[str, tuple[Instance, Path]]] = []
    for run in runs:
        instances = run.instances()
        records = run.clips(instances)
        first = {i.key: (i, records[i.sample_id][0]) for i in instances}
        clips.append({key: (i, each.path) for key, (i, each) in first.items() if each.digest is not None})
    items: list[Item] = []
    for x, y in combinations(range(len(runs)), 2):
        for key in sorted(clips[x].keys() & clips[y].keys()):
            instance, a = clips[x][key]
            items.append((instance, labels[x], a, labels[y], clips[y][key][1]))
    if not items:
        raise UserError("these runs answer no puzzle that another one answers: compare runs on the same data")
    return items


def _one(judge: PairwiseJudge, item: Item) -> Json | str:
    instance, _, a, _, b = item
    try:
        return judge.compared(instance, Clip(path=a), Clip(path=b))
    except (UnansweredError, UnreadableClipError) as error:
        return str(error)
