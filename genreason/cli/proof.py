"""Commands that prove the tool itself: check, bench, demo."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Annotated

import typer

from genreason.cli import console, runs


def check(
    tasks: Annotated[
        list[str] | None, typer.Argument(metavar="[TASK]...", help="All tasks where not given.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Every control on many instances a level.")] = False,
    instances: Annotated[int, typer.Option(min=1, help="Of each level, with --full.")] = 20,
    save: Annotated[
        Path | None,
        typer.Option(help="Write the figures as JSON, too; other tasks' figures in the file stay."),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Keep what was found in this file; a later call goes on from there.")
    ] = None,
    workers: console.Workers = 1,
    as_json: console.AsJson = False,
) -> None:
    """The trust gate: what must pass passes, what must fail fails, for every task, level and style."""
    from genreason import cards

    names = tasks or list(cards.paths(cards.TaskCard))
    for name in names:
        cards.load(cards.TaskCard, name)
    from genreason import check as gate  # it loads everything: a misspelt task is told before

    with console.stage() as progress:
        found = gate.run(names, full, workers, progress, journal=journal, instances=instances)
    console.emit(found, as_json, gate.table(found))
    if save is not None:
        gate.save(found, save)
    if not gate.clean(found):
        raise typer.Exit(1)


def bench(
    area: Annotated[str | None, typer.Argument(help="One area of it; all where not given.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Measure this machine: puzzles, clips and verdicts per CPU-second, peak memory."""
    from genreason import bench as measure

    with console.stage() as progress:
        found = measure.run(area, progress)
    console.emit(found, as_json, measure.table(found))


def demo(
    out: Annotated[Path, typer.Option(help="Folder for data, runs and report.")] = Path("genreason-demo"),
    workers: console.Workers = 1,
    as_json: console.AsJson = False,
) -> None:
    """The whole of it in a minute: puzzles, answers right and wrong, verdicts, one report."""
    from genreason import watching
    from genreason.demo import run_demo
    from genreason.report.aggregate import aggregate

    if (own := watching.model()) is not None:
        watching.watch(own, out / "unseen", functools.partial(typer.echo, err=True), sys.stderr.isatty())
    with console.stage() as progress:
        roots, page = run_demo(out, workers=workers, progress=progress)
    found = aggregate(roots)
    end = [
        f"report: {page}",
        "Open it in a browser: every clip plays beside the solution, with what broke drawn on it.",
    ]
    console.emit({**found, "report": str(page)}, as_json, runs.table(found), *end)
