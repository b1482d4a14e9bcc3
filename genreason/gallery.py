"""The gallery of tasks: a page for each card, with strips of solutions, levels, checks and gate figures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from genreason import benchmarks, cards, check, video
from genreason import judge as judges
from genreason.cards import BenchmarkCard, JudgeCard, TaskCard
from genreason.generate.oracle import solution, solution_clip
from genreason.puzzles import base
from genreason.report.aggregate import FLOORS
from genreason.task import Task
from genreason.types import Frame, Instance, Json

SIDE = 160  # pixels of a picture in a strip
PICTURES = 6  # of a clip
LEVELS = ("easy", "medium", "hard")
_SEED = 5
_QUALITY = 80


def write(names: list[str], folder: Path) -> None:
    """Write NAME.md and NAME.webp of these tasks, and README.md of all.

    Raises:
        UserError: there is no task of a name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = benchmarks.load_all()
    figures = _gate()
    for name in names:
        card = cards.load(TaskCard, name)
        shown = _shown(card)
        picture = np.concatenate([_strip(instance) for instance in shown])
        cv2.imwrite(
            str(folder / f"{name}.webp"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR),
            [cv2.IMWRITE_WEBP_QUALITY, _QUALITY],
        )  # fmt: skip
        page = _page(card, shown, known, figures.get(name))
        (folder / f"{name}.md").write_text(page, encoding="utf-8")
    (folder / "README.md").write_text(_index(figures), encoding="utf-8")


def _shown(card: TaskCard) -> list[Instance]:
    """An instance of easy, medium and hard, each in another style."""
    styles = base.load(card.puzzle).styles()
    levels = [level for level in card.levels if level in LEVELS] or list(card.levels)
    return [Task(card, level, style=styles[i % len(styles)], seed=_SEED)[0] for i, level in enumerate(levels)]


def _strip(instance: Instance) -> Frame:
    """Pictures of the solution's clip, evenly in time, side by side with a white line between."""
    frames = list(video.frames(solution_clip(instance)))
    chosen = [frames[round(i * (len(frames) - 1) / (PICTURES - 1))] for i in range(PICTURES)]
    height = round(SIDE * chosen[0].shape[0] / chosen[0].shape[1])
    small = [cv2.resize(frame, (SIDE, height), interpolation=cv2.INTER_AREA) for frame in chosen]
    return np.concatenate([np.pad(s, ((0, 4), (0, 4), (0, 0)), constant_values=255) for s in small], 1)


def _gate() -> Json:
    """Figures of the gate's last run that came with the cards, by task."""
    found: Json = {}
    for root in cards.roots():
        path = root / "judges" / check.GATE_FILE
        if path.is_file():
            found = {**json.loads(path.read_text(encoding="utf-8"))["tasks"], **found}
    return found


def _page(card: TaskCard, shown: list[Instance], known: list[BenchmarkCard], gate: Json | None) -> str:
    puzzle = base.load(card.puzzle)
    rows = [f"{name} ({row.group})" for name, row in benchmarks.rows_of(card, known)]
    first = shown[0]
    state, plan = puzzle.start(first), []
    for move in solution(first):
        plan.append(puzzle.plan(state, move))
        state = puzzle.step(state, move)
    grader = judges.load(cards.load(JudgeCard, "rules"), cards.load(JudgeCard, "rules").options)
    verdict = grader.judge(first, [solution_clip(first)], seed=0)[0]
    levels = [
        f"| {level} | {', '.join(f'{key} {value}' for key, value in card.params(level).items())} |"
        for level in card.levels
    ]
    lines = [
        f"# {card.title}", "", card.description, "",
        f"`genreason make {card.name} --n 20 --out data`", "",
        f"![Solutions, {', '.join(each.level for each in shown)}]({card.name}.webp)", "",
        f"Verification: {card.verification}. Serves: {', '.join(rows) or 'no published benchmark'}.",
        f"Styles: {', '.join(puzzle.styles())}.", "",
        "| level | parameters |", "|---|---|", *levels, "",
        "## A prompt and a plan", "", f"> {first.prompt}", "",
        *[f"{i}. {text}" for i, text in enumerate(plan[:12], 1)],
        *(["", f"... {len(plan)} moves in all."] if len(plan) > 12 else []), "",
        "## What is checked", "",
        f"{', '.join(f'`{name}`' for name in verdict.checks)}.",
        f"On the solution the judge says: {verdict.reason}", "",
        "## Trust gate", "", *_figures(gate, card.version), "",
    ]  # fmt: skip
    return "\n".join(lines)


def _figures(gate: Json | None, version: int) -> list[str]:
    if gate is None or gate["version"] != version:
        return [f"`genreason check` has no shipped figures for version {version} yet."]
    floors = [
        f"{name} {by['false_accepts']} of {by['clips']}"
        for name in FLOORS
        if (by := gate["by"]["control"].get(name))
    ]
    return [
        f"{gate['clips']} clips: {gate['false_accepts']} false accepts, "
        f"{gate['false_rejects']} false rejects, {gate['wrong_checks']} caught by another check, "
        f"{gate['unscored']} unscored.",
        f"Floors (clips that pass): {', '.join(floors)}.",
    ]


def _index(figures: Json) -> str:
    lines = [
        "# Tasks", "",
        "Written by `python scripts/gallery.py` from the cards. FA, FR: the gate's false accepts, rejects.",
        "",
        "| task | verification | levels | gate clips | FA | FR |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in sorted(cards.paths(TaskCard)):
        card = cards.load(TaskCard, name)
        gate = figures.get(name)
        own = gate if gate is not None and gate["version"] == card.version else None
        counts = [str(own[key]) if own else "-" for key in ("clips", "false_accepts", "false_rejects")]
        lines.append(
            f"| [{card.title}]({name}.md) | {card.verification} | {', '.join(card.levels)} | "
            f"{' | '.join(counts)} |"
        )
    for benchmark in benchmarks.catalogue():
        lines += [
            "", f"## {benchmark['title']}", "", f"{benchmark['source']}.", "",
            "| row | group | verification | tasks |", "|---|---|---|---|",
        ]  # fmt: skip
        for row in benchmark["rows"]:
            tasks = ", ".join(f"[{name}]({name}.md)" for name in row["tasks"])
            served = tasks or (f"judge `{row['judge']}`" if row["judge"] else "-")
            lines.append(f"| {row['title']} | {row['group']} | {row['verification']} | {served} |")
    return "\n".join([*lines, ""])
