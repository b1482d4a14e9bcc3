"""Commands for puzzles and data sets: tasks, make, import, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreason.cli import console
from genreason.types import Json, unknown


def tasks(
    name: Annotated[
        str | None, typer.Argument(help="Show this task alone, with its levels and prompts.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the tasks: levels, styles, and the benchmarks they serve."""
    from rich.table import Table

    from genreason import benchmarks, cards
    from genreason.puzzles import base

    names = list(cards.paths(cards.TaskCard)) if name is None else [name]
    found = [cards.load(cards.TaskCard, each) for each in names]
    known = benchmarks.load_all()
    rows: list[Json] = [
        {
            "name": card.name,
            "version": card.version,
            "title": card.title,
            "description": card.description,
            "levels": list(card.levels),
            "default_level": card.default_level,
            "styles": list(base.load(card.puzzle).styles()),
            "benchmarks": card.benchmarks,
            "groups": {row: found.group for row, found in benchmarks.rows_of(card, known)},
            "verification": card.verification,
        }
        for card in found
    ]
    record: Json = {"tasks": rows}
    if name is None:
        table = Table("task", "levels", "styles", "benchmarks", "verification")
        for row in rows:
            levels, served = ", ".join(row["levels"]), ", ".join(row["benchmarks"])
            table.add_row(
                f"{row['name']}@{row['version']}",
                levels,
                str(len(row["styles"])),
                served,
                row["verification"],
            )
        suites = [cards.load(cards.SuiteCard, suite) for suite in cards.paths(cards.SuiteCard)]
        record["suites"] = [
            {"name": s.name, "description": s.description, "n": sum(e.n for e in s.entries)} for s in suites
        ]
        record["benchmarks"] = benchmarks.catalogue()
        lines = [
            f"suites/{s.name}: {s.description} ({sum(e.n for e in s.entries)} instances)" for s in suites
        ]
        for each in record["benchmarks"]:
            count = sum(bool(row["tasks"]) for row in each["rows"])
            lines.append(f"{each['title']}: {count} of {len(each['rows'])} rows")
        console.emit(record, as_json, table, *lines)
        return
    card = found[0]
    rows[0] |= {"prompts": card.variants, "params": card.levels}
    table = Table("level", "parameters")
    for level, params in card.levels.items():
        table.add_row(level, ", ".join(f"{key} {value}" for key, value in params.items()))
    lines = [f"{key}: {', '.join(rows[0][key])}" for key in ("styles", "benchmarks")]
    lines += [f"prompt {name}: {prompt}" for name, prompt in card.variants.items()]
    title = f"{card.title} ({card.name}@{card.version}, {card.verification}): {card.description}"
    console.emit(record, as_json, title, table, *lines)


def make(
    target: Annotated[
        str, typer.Argument(metavar="TASK|SUITE", help="Name of a task or suite, or a card's path.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    level: console.Level = None,
    n: console.Count = None,
    split: console.SplitName = None,
    seed: console.Seed = 0,
    style: console.StyleName = None,
    size: console.Size = None,
    prompt: console.PromptName = None,
    fps: Annotated[float, typer.Option(help="Frames per second.")] = 24.0,
    profile: console.ProfileName = "preview",
    truth: Annotated[
        bool, typer.Option("--truth/--no-truth", help="Whether to write solution clips.")
    ] = True,
    workers: console.Workers = 1,
    as_json: console.AsJson = False,
) -> None:
    """Make puzzles with pictures, prompts and solution clips."""
    from genreason import cards, run

    card = cards.load_target(target)
    pixels = console.parse_size(size)
    with console.stage() as progress:
        made = run.make(
            card,
            out,
            level=level,
            n=n,
            split=split,
            style=style,
            seed=seed,
            size=pixels,
            fps=fps,
            prompt=prompt,
            profile=console.parse_profile(profile),
            truth=truth,
            workers=workers,
            progress=progress,
        )
    different = made.manifest.get("different_puzzles")
    record = {"data": str(out), "samples": len(made), "different_puzzles": different, "hash": made.hash}
    console.emit(record, as_json, f"{len(made)} samples ({different} different puzzles) in {out}")


def import_(
    format_: Annotated[
        str,
        typer.Argument(metavar="FORMAT", help="vrbench, vrbench-clips, vmevalkit, ruler, tivibench, viper."),
    ],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The foreign data.")],
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    options: Annotated[
        list[str] | None,
        typer.Option(
            "-o", metavar="GAME.HINT=VALUE", help="What pictures show, for vrbench-clips: maze.player=red."
        ),
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Read somebody else's data set."""
    from genreason import formats

    if format_ not in formats.IMPORTERS:
        raise unknown("import format", format_, formats.IMPORTERS)
    hints = console.parse_options(options)
    with console.stage():
        made = formats.IMPORTERS[format_](source, out, hints)
    record = {"data": str(out), "samples": len(made), "hash": made.hash}
    console.emit(record, as_json, f"{len(made)} samples in {out}")


def export(
    format_: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="vrbench or vmevalkit (benchmarks); diffsynth, finetrainers or musubi (trainers: clips, "
            "prompts and their own config).",
        ),
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The data set.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    as_json: console.AsJson = False,
) -> None:
    """Write a data set in somebody else's layout, for their evaluation or their training."""
    from genreason import formats
    from genreason.formats.dataset import DataSet

    if format_ not in formats.EXPORTERS:
        raise unknown("export format", format_, formats.EXPORTERS)
    with console.stage():
        count = formats.EXPORTERS[format_](DataSet.open(data), out)
    console.emit({"out": str(out), "samples": count}, as_json, f"{count} samples in {out}")
