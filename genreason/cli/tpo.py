"""The command for test-time optimisation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreason.cli import console, runs
from genreason.types import Json, UserError

_PARTS = ("method", "scorer", "critic")


def tpo(
    method: Annotated[
        str, typer.Argument(metavar="METHOD", help="best-of-n, oracle-pick, videotpo or refine.")
    ],
    generator: Annotated[
        str,
        typer.Argument(metavar="GENERATOR", help="Name of a generator card, its path, or a model's folder."),
    ],
    data: Annotated[Path, typer.Option(help="The data set.")],
    out: Annotated[Path, typer.Option(help="The run folder; the same command goes on with it.")],
    videos: Annotated[int, typer.Option(min=1, help="Most clips of a puzzle.")] = 8,
    scorer: Annotated[
        str, typer.Option(help="The judge that the method sees: its card's name or path.")
    ] = "rules",
    critic: Annotated[str, typer.Option(help="Who is consulted: rules, or the card of a model.")] = "rules",
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="P|ACCEPT,REJECT", help="Let the scorer err at this rate, for what a method can bear."
        ),
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="Most seconds for a puzzle.")] = None,
    tokens: Annotated[int | None, typer.Option(min=0, help="Most tokens of the critic for a puzzle.")] = None,
    seed: console.Seed = 0,
    options: console.Options = None,
    floors: Annotated[bool, typer.Option("--floors/--no-floors", help="What still and noise score.")] = True,
    workers: console.Workers = 1,
    as_json: console.AsJson = False,
) -> None:
    """Spend several clips on each puzzle and hand in one.

    -o KEY=VALUE is an option of the generator; method.KEY, scorer.KEY and critic.KEY are those of the others.
    """
    from genreason import cards, run
    from genreason import generate as generators
    from genreason import tpo as methods
    from genreason.formats.dataset import DataSet
    from genreason.tpo.scoring import parse_noise

    parts = _split(console.parse_options(options))
    card = generators.find(generator)
    judge = cards.load(cards.JudgeCard, scorer)
    judge = judge.model_copy(update={"options": cards.with_options(judge, parts["scorer"])})
    try:
        errs = parse_noise(noise)
    except ValueError:
        raise UserError(
            f"--noise {noise}: write a rate below 1, or two (wrong let pass, right refused)"
        ) from None
    found = methods.method(method, parts["method"])
    asked = methods.critic(critic, parts["critic"], found, out)
    with console.stage() as progress:
        puzzles = DataSet.open(data)
        made = run.optimise(
            found, card, puzzles, out,
            budget=run.Budget(videos=videos, seconds=seconds, tokens=tokens), scorer=judge, critic=asked,
            settings=parts["method"], options=parts["generator"], noise=errs, seed=seed, workers=workers,
            progress=progress,
        )  # fmt: skip
        if floors:
            run.add_context(
                made, puzzles, cards.load(cards.JudgeCard, "rules"), workers=workers, progress=progress
            )
    runs.summary([out], as_json)


def _split(options: Json) -> dict[str, Json]:
    """Options by whose they are."""
    found: dict[str, Json] = {name: {} for name in ("generator", *_PARTS)}
    for key, value in options.items():
        whose, dot, rest = key.partition(".")
        if dot and whose in _PARTS:
            found[whose][rest] = value
        else:
            found["generator"][key] = value
    return found
