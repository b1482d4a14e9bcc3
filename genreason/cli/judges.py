"""Commands for judges that ask a model: calibrate, compare, cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genreason.cli import console
from genreason.types import Json, UserError

if TYPE_CHECKING:
    from rich.table import Table

cache = typer.Typer(help="The answers of models that are kept.", no_args_is_help=True)


def calibrate(
    judge_: Annotated[str, typer.Argument(metavar="JUDGE", help="Name of a judge card, or its path.")],
    out: Annotated[Path, typer.Option(help="Folder for clips and figures.")] = Path("genreason-calibration"),
    task: Annotated[
        list[str] | None, typer.Option(help="Tasks to take clips from (may be repeated); maze and sokoban.")
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="Puzzles of each task, the styles in turn.")] = 5,
    level: console.Level = None,
    control: Annotated[
        list[str] | None, typer.Option(help="Only these controls (may be repeated; oracle is the solver).")
    ] = None,
    plan: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE,...", help="Another frame plan to try (uniform=4,changes=0)."),
    ] = None,
    tests: Annotated[int, typer.Option(min=0, help="Clips for the tests of bias, time and blindness.")] = 30,
    options: console.Options = None,
    as_json: console.AsJson = False,
) -> None:
    """Find out how often a judge is wrong, on clips whose truth is known."""
    from genreason import cards
    from genreason.run import calibrating

    card, changed = cards.load(cards.JudgeCard, judge_), console.parse_options(options)
    plans = {text: console.parse_options(text.split(",")) for text in plan or ()}
    with console.stage() as progress:
        found = calibrating.calibrate(
            card, out, task or ["maze", "sokoban"], n, options=changed, level=level, controls=control,
            plans=plans, tests=tests, progress=progress,
        )  # fmt: skip
    end = f"figures: {out / 'calibration.json'}; runs that this judge grades from now on show them"
    console.emit(found, as_json, _figures(found), *_tests(found["tests"]), end)


def compare(
    judge_: Annotated[str, typer.Argument(metavar="JUDGE", help="A judge of kind pairwise.")],
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Runs on the same data.")],
    out: Annotated[Path, typer.Option(help="Folder for comparison.json.")] = Path("genreason-comparison"),
    seed: console.Seed = 0,
    options: console.Options = None,
    as_json: console.AsJson = False,
) -> None:
    """Rank runs by comparing their clips in pairs."""
    from rich.table import Table

    from genreason import cards
    from genreason.run import comparing

    card, changed = cards.load(cards.JudgeCard, judge_), console.parse_options(options)
    with console.stage() as progress:
        found = comparing.compare(card, runs, out, options=changed, seed=seed, progress=progress)
    shown = Table("run", "strength (log)", "95 % interval")
    for name, row in sorted(found["strengths"].items(), key=lambda item: -item[1]["mean"]):
        shown.add_row(name, f"{row['mean']:+.2f}", f"{row['low']:+.2f} to {row['high']:+.2f}")
    end = f"{found['matches']} comparisons, {found['ties']} ties; in {out / 'comparison.json'}"
    console.emit(found, as_json, shown, end)


@cache.command("ls")
def cache_ls(as_json: console.AsJson = False) -> None:
    """List what is kept, by judge and model."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from rich.table import Table

    from genreason.judge.cache import Cache

    found = Cache()
    shelves = found.shelves()
    shown = Table("judge", "model", "answers", "tokens", "money", "last")
    for each in shelves:
        day = datetime.fromtimestamp(each.last, UTC).strftime("%Y-%m-%d")
        shown.add_row(
            each.judge, each.model, f"{each.answers:,}", f"{each.tokens:,}", f"{each.money:.4f}", day
        )
    size = found.path.stat().st_size
    record = {"path": str(found.path), "bytes": size, "shelves": [asdict(each) for each in shelves]}
    console.emit(record, as_json, shown, f"{found.path}: {size / 1e6:.1f} MB")


@cache.command("prune")
def cache_prune(
    days: Annotated[float | None, typer.Option(min=0, help="Only answers older than so many days.")] = None,
    judge_: Annotated[str | None, typer.Option("--judge", help="Only this judge's.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Delete kept answers; the next run asks for them again."""
    from genreason.judge.cache import Cache

    if days is None and judge_ is None and model is None and not everything:
        raise UserError("cache prune: say which answers: --days, --judge, --model or --all")
    count = Cache().prune(days, judge_, model)
    console.emit({"deleted": count}, as_json, f"{count} answers deleted")


def tiny_vlm(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to.")], as_json: console.AsJson = False
) -> None:
    """Save a tiny vision-language model with random weights, for `transformers serve`."""
    from genreason.testing.tiny_vlm import tiny_vlm as build

    made = build(folder)
    serve = f"transformers serve {made} --device cpu --port 8000"
    console.emit(
        {"model": str(made), "serve": serve}, as_json, f"tiny model in {made}; serve it with: {serve}"
    )


def _figures(found: Json) -> Table:
    from rich.table import Table

    shown = Table(
        "task", "kind", "plan", "false accept", "false reject", "cannot tell", "kappa", title=found["judge"]
    )
    for row in found["figures"]:
        shown.add_row(
            row["task"], row["kind"], row["plan"], _rate(row["false_accept"], row["bad"]),
            _rate(row["false_reject"], row["good"]), _rate(row["cannot_tell"], row["n"]),
            _plain(row["kappa"]),
        )  # fmt: skip
    return shown


def _rate(share: Json, n: int) -> str:
    if share["mean"] is None:
        return "-"
    return f"{100 * share['mean']:.0f} % ({100 * share['low']:.0f}-{100 * share['high']:.0f}) of {n}"


def _plain(share: Json) -> str:
    return (
        "-" if share["mean"] is None else f"{share['mean']:.2f} ({share['low']:.2f} to {share['high']:.2f})"
    )


def _tests(tests: dict[str, Any]) -> list[str]:
    names = {
        "position": "follows the answer listed first",
        "consistency": "says the same when asked again",
        "blind": "right without frames",
        "shuffled": "changes its mind about the process when frames are mixed",
    }
    lines = []
    for name, text in names.items():
        if name in tests:
            lines.append(f"{text}: {_rate(tests[name], tests[name]['n'])}")
    return lines


def dry_run(card: Any, root: Path, options: Json, seed: int, as_json: bool) -> None:
    """Say what judging a run would cost."""
    from genreason.run import calibrating

    found = calibrating.estimate(card, root, options, seed)
    tokens = found["tokens"]
    console.emit(
        found, as_json,
        f"{found['clips']} clips: {found['calls']} calls ({found['cached']} more are answered by the "
        "cache), at most "
        f"{tokens['input']:,} tokens in and {tokens['output']:,} out, money {found['money']:.4f}, about "
        f"{found['seconds']:.0f} s",
    )  # fmt: skip
