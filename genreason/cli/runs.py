"""Commands for runs: generate, judge, report, run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genreason.cli import console, judges
from genreason.types import Json, UserError

if TYPE_CHECKING:
    from rich.table import Table

Samples = Annotated[int, typer.Option(min=1, help="Clips per instance.")]


def generate(
    generator: Annotated[
        str,
        typer.Argument(metavar="GENERATOR", help="Name of a generator card, its path, or a model's folder."),
    ],
    data: Annotated[Path, typer.Option(help="The data set.")],
    out: Annotated[Path, typer.Option(help="The run folder.")],
    samples: Samples = 1,
    seed: console.Seed = 0,
    options: console.Options = None,
    profile: console.ProfileName = "preview",
    workers: console.Workers = 1,
    as_json: console.AsJson = False,
) -> None:
    """Let a generator answer a data set."""
    from genreason import generate as generators
    from genreason import run
    from genreason.formats.dataset import DataSet

    card, changed = generators.find(generator), console.parse_options(options)
    with console.stage() as progress:
        found = DataSet.open(data)
        made = run.generate(
            card,
            found,
            out,
            options=changed,
            samples=samples,
            seed=seed,
            profile=console.parse_profile(profile),
            workers=workers,
            progress=progress,
        )
    count = made.samples * len(found)
    console.emit({"run": str(out), "clips": count}, as_json, f"{count} clips in {out}")


def judge(
    judge_: Annotated[str, typer.Argument(metavar="JUDGE", help="Name of a judge card, or its path.")],
    run_: Annotated[Path | None, typer.Option("--run", help="A run whose clips are graded.")] = None,
    data: Annotated[Path | None, typer.Option(help="A data set, with --clips and --out.")] = None,
    clips: Annotated[
        str | None, typer.Option(metavar="DIR|ground-truth", help="Clips that answer the data.")
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Text answers to the data, for the judge actions."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder for --data with --clips or --answers.")
    ] = None,
    seed: console.Seed = 0,
    options: console.Options = None,
    floors: Annotated[bool, typer.Option("--floors/--no-floors", help="What still and noise score.")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what asking a model would cost at most.")
    ] = False,
    workers: console.Workers = 1,
    as_json: console.AsJson = False,
) -> None:
    """Grade the clips of a run, or of a folder."""
    from genreason import cards, run
    from genreason.formats.dataset import DataSet

    if run_ is not None and (data, clips, answers, out) != (None, None, None, None):
        raise UserError("judge takes either --run, or --data with --clips (or --answers) and --out")
    card, changed = cards.load(cards.JudgeCard, judge_), console.parse_options(options)
    if dry_run:
        if run_ is None:
            raise UserError("judge --dry-run takes --run RUN")
        judges.dry_run(card, run_, changed, seed, as_json)
        return
    with console.stage() as progress:
        if run_ is not None:
            folder = run.RunFolder(run_)
        elif data is not None and clips is not None and answers is None and out is not None:
            folder = run.attach(DataSet.open(data), clips, out)
        elif data is not None and answers is not None and clips is None and out is not None:
            if card.kind != "actions":
                raise UserError(f"judge {card.name} looks at clips: text answers are for the judge actions")
            folder = run.attach_answers(DataSet.open(data), answers, out)
        else:
            raise UserError(
                "judge takes either --run RUN, or --data DATA with --out RUN and "
                "either --clips DIR|ground-truth or --answers FILE.jsonl"
            )
        run.judge(card, folder, options=changed, seed=seed, workers=workers, progress=progress)
        if floors and answers is None and folder.data_root.is_dir():
            asked = DataSet.open(folder.data_root)
            run.add_context(folder, asked, card, options=changed, workers=workers, progress=progress)
    summary([folder.root], as_json)
    stray = folder.root / "unmatched.txt"
    if stray.is_file():
        names = stray.read_text(encoding="utf-8").splitlines()
        more = f" and {len(names) - 5} more, see {stray}" if len(names) > 5 else ""
        typer.echo(f"matched no sample: {', '.join(names[:5])}{more}", err=True)


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Judged runs.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report; the run itself, or genreason-report for several."),
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Write report.json and report.html over runs."""
    from genreason.report.html import write_report

    with console.stage():
        page = write_report(runs, out or (runs[0] if len(runs) == 1 else Path("genreason-report")))
    summary(runs, as_json, page)


def run(
    target: Annotated[
        str, typer.Argument(metavar="TASK|SUITE", help="Name of a task or suite, or a card's path.")
    ],
    generator: Annotated[
        str, typer.Option(help="Name of a generator card, its path, or a folder with a diffusers pipeline.")
    ],
    out: Annotated[Path, typer.Option(help="The run folder.")],
    judge_: Annotated[str, typer.Option("--judge", help="Name of a judge card, or its path.")] = "rules",
    level: console.Level = None,
    n: console.Count = None,
    split: console.SplitName = None,
    seed: console.Seed = 0,
    style: console.StyleName = None,
    size: console.Size = None,
    prompt: console.PromptName = None,
    samples: Samples = 1,
    options: console.Options = None,
    workers: console.Workers = 1,
    as_json: console.AsJson = False,
) -> None:
    """Make, generate, judge and report in one; -o judge.KEY=VALUE is an option of the judge."""
    from genreason import cards
    from genreason import generate as generators
    from genreason import run as stages
    from genreason.report.html import write_report

    card = cards.load_target(target)
    answers, grader = generators.find(generator), cards.load(cards.JudgeCard, judge_)
    changed, pixels = console.parse_options(options), console.parse_size(size)
    grading = {
        key.removeprefix("judge."): changed.pop(key) for key in list(changed) if key.startswith("judge.")
    }
    with console.stage() as progress:
        made = stages.run(
            card,
            answers,
            grader,
            out,
            generator_options=changed,
            judge_options=grading,
            level=level,
            n=n,
            split=split,
            style=style,
            seed=seed,
            size=pixels,
            prompt=prompt,
            samples=samples,
            workers=workers,
            progress=progress,
        )
        page = write_report([made.root], made.root)
    summary([made.root], as_json, page)


def summary(roots: Sequence[Path], as_json: bool, page: Path | None = None) -> None:
    """What came out, and where the report is."""
    from genreason.report.aggregate import aggregate

    found = aggregate(roots)
    record: Json = {"runs": found["runs"], "floors": found["floors"]}
    if page is not None:
        record["report"] = str(page)
    end = f"report: {page}" if page is not None else f"next: genreason report {' '.join(map(str, roots))}"
    console.emit(record, as_json, table(found), *_without_score(found), end)


def _without_score(report: Json) -> list[str]:
    """A line for each run with unscored clips: how many, and the commonest reason."""
    lines = []
    for run in report["runs"]:
        if run["unscored"]:
            most = max(run["unscored"], key=lambda each: int(each["n"]))
            lines.append(f"{run['name']}: {run['n'] - run['scored']} unscored; most often: {most['reason']}")
    return lines


def table(report: Json) -> Table:
    """Runs by task: success with its interval and floors, what was unscored, the commonest reason to fail."""
    from rich.table import Table

    shown = Table("run", "task", "clips", "success", "95 % interval", "floors", "unscored", "first violation")
    for run in report["runs"]:
        for task, group in run["by"]["task"].items():
            first = max(run["checks"].items(), key=_first, default=(None, {"first": 0}))
            floors = report["floors"].get(run["judge"], {}).get(task, {})
            shown.add_row(
                run["name"],
                task,
                str(group["n"]),
                _percent(group["mean"]),
                f"{_percent(group['low'])} - {_percent(group['high'])}" if group["scored"] else "",
                ", ".join(f"{name} {_percent(floor['mean'])}" for name, floor in floors.items())
                or "not measured",
                str(group["n"] - group["scored"]),
                first[0] if first[1]["first"] else "",
            )
    return shown


def _first(check: tuple[Any, Json]) -> int:
    return int(check[1]["first"])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
