"""Commands for models: train, and what tests them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from genreason.cli import console
from genreason.types import unknown

testing = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Things to test with: tiny pipelines with random weights.",
)


@testing.callback()
def _testing() -> None:
    pass


@testing.command("tiny-pipeline")
def tiny_pipeline(
    family: Annotated[
        str,
        typer.Argument(
            metavar="FAMILY",
            help="wan-ti2v, wan-i2v, wan-a14b, ltx, ltx2, cogvideox, cogvideox1.5, hunyuanvideo1.5, "
            "skyreels-v2 or cosmos2.",
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to.")],
    as_json: console.AsJson = False,
) -> None:
    """Save a tiny image-to-video pipeline of a family, with random weights, as diffusers does."""
    from genreason.testing.tiny import tiny_pipeline as build

    made = build(family, folder)
    record = {"pipeline": str(made), "family": family}
    console.emit(record, as_json, f"tiny {family} pipeline in {made}; use it as --generator {made}")


train = typer.Typer(add_completion=False, no_args_is_help=True, help="Train models on puzzles.")


@train.callback()
def _train() -> None:
    pass


@train.command("sft")
def sft(
    config: Annotated[Path, typer.Option(help="The config (YAML); scripts/recipes/ has some.")],
    out: Annotated[Path, typer.Option(help="The run's folder; the same command goes on with it.")],
    options: console.Options = None,
    as_json: console.AsJson = False,
) -> None:
    """Supervised fine-tuning; -o train.steps=100 changes a value of the config."""
    from genreason.generate import extra

    extra.need()
    from genreason.train import config as configs

    settings = configs.read(config, console.parse_options(options))
    if settings.kind == "tv2tv":
        from genreason.train import tv2tv

        made = tv2tv.train(settings, out)
        told = f"pipeline in {made}; use it with --generator {made}"
        console.emit({"out": str(out), "model": str(made)}, as_json, told)
        return
    from genreason.train import sft as training

    with console.stage() as progress:
        made = training.train(settings, out, progress)
    if os.environ.get("RANK", "0") != "0":  # of several processes, one speaks
        return
    record = {"out": str(out), "lora": str(made)}
    console.emit(
        record, as_json, f"LoRA in {made}; use it with --generator {settings.generator} -o lora={made}"
    )


@train.command("ship")
def ship(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a TV2TV training run.")],
    out: Annotated[Path, typer.Option(help="Where to, for example weights/tv2tv-nano.")],
    dtype: Annotated[str, typer.Option(help="float16, bfloat16 or float32.")] = "float16",
    judged: Annotated[
        list[Path] | None, typer.Option(help="A judged run of this model, for the model card; repeatable.")
    ] = None,
    after: Annotated[
        Path | None, typer.Option(help="The run that this one went on from, where it started from a copy.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Write a run's averaged model in half precision, with a model card, recipe and training log."""
    from genreason.generate import extra

    extra.need()
    from genreason.train import shipping

    if dtype not in extra.DTYPES:
        raise unknown("dtype", dtype, extra.DTYPES)
    made = shipping.ship(run, out, dtype, judged or (), after)
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    record = {"model": str(made), "bytes": size}
    console.emit(record, as_json, f"{size / 1e6:.1f} MB in {made}; use it with --generator {made}")
