"""The config of a fine-tuning run, and how a run folder keeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from genreason import cards
from genreason import generate as generators
from genreason.cards import Strict
from genreason.formats import files
from genreason.generate import models
from genreason.generate.models import ModelOptions
from genreason.train.clips import Source
from genreason.train.flow import Levels
from genreason.train.loop import Settings
from genreason.train.lora import LoraSettings
from genreason.train.record import Wandb
from genreason.train.tv2tv_config import Tv2tvConfig
from genreason.types import Json, UserError, unknown

# What may change between a run and the run that goes on from it.
FREE = ("steps", "log_every", "save_every", "keep", "validate_every")


class Validation(Strict):
    """What is looked at that is not trained on.

    Attributes:
        data: puzzles; give another split than is trained on.
        levels: noise levels at which the loss of every clip is taken, with noise that is always the same.
        clips: how many of them the model answers; 0 leaves generation and judge out.
        judge: the judge card that grades the answers.
        options: of the generator's card, for these answers.
    """

    data: list[Source] = []
    levels: list[float] = [0.1, 0.3, 0.5, 0.7, 0.9]
    clips: int = Field(4, ge=0)
    judge: str = "rules"
    options: dict[str, Any] = {}


class SftConfig(Strict):
    """Fine-tuning of an image-to-video model with LoRA.

    Attributes:
        kind: what is trained.
        generator: the model's generator card, or a folder with its pipeline.
        options: over the card's (size, frames, dtype, device).
        data: what is trained on.
        lengths: frames of the clips that are trained; a clip takes the next that holds it. None: the card's.
        fps: brings all clips to one frame rate first.
        cache: folder of the encoded clips; None takes OUT/cache.
        cache_dtype: of what is kept there.
        text_dropout: share of samples whose prompt is left out, so that guidance goes on working.
        experts: denoisers to train, one after the other; None: all that the model has.
        lora: size and place.
        levels: which noise levels.
        train: how long and how.
        validation: what is looked at.
        wandb: where it is shown.
        seed: of everything that is drawn.
    """

    kind: Literal["i2v-lora"] = "i2v-lora"
    generator: str
    options: dict[str, Any] = {}
    data: list[Source] = Field(min_length=1)
    lengths: list[int] | None = None
    fps: float | None = None
    cache: str | None = None
    cache_dtype: Literal["float32", "bfloat16"] = "float32"
    text_dropout: float = Field(0.0, ge=0, lt=1)
    experts: list[str] | None = None
    lora: LoraSettings = LoraSettings()
    levels: Levels = Levels()
    train: Settings
    validation: Validation = Validation()
    wandb: Wandb = Wandb()
    seed: int = 0


KINDS: dict[str, type[SftConfig] | type[Tv2tvConfig]] = {"i2v-lora": SftConfig, "tv2tv": Tv2tvConfig}


def read(path: Path, changes: Json) -> SftConfig | Tv2tvConfig:
    """Read a config with changes ("train.steps": 100) over it; its `kind` says what is trained.

    Raises:
        UserError: it cannot be read, or a key or value is wrong.
    """
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: no valid YAML: {error}") from None
    if not isinstance(record, dict):
        raise UserError(f"{path}: a config is a mapping of keys to values")
    for name, value in changes.items():
        *above, last = name.split(".")
        place = record
        for part in above:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise UserError(f"-o {name}: {part} holds no keys")
        place[last] = value
    kind = record.get("kind", "i2v-lora")
    if kind not in KINDS:
        raise unknown(f"kind in {path}:", str(kind), KINDS)
    return cards.parse(KINDS[kind], record, str(path))


def model_options(config: SftConfig) -> tuple[str, ModelOptions]:
    """Name and options of the model that is trained.

    Raises:
        UserError: no such card, an option that it lacks, or lengths that are not legal.
    """
    card = generators.find(config.generator)
    if card.kind != "diffusers":
        raise UserError(
            f"generator {card.name} is of kind {card.kind}: only diffusers models can be fine-tuned"
        )
    options = models.parse(cards.with_options(card, config.options), card.name)
    for length in lengths(config, options):
        options.limits.check(f"generator {card.name}: lengths", options.width, options.height, length)
    return card.name, options


def lengths(config: SftConfig, options: ModelOptions) -> Sequence[int]:
    """Frames of the clips that are trained."""
    return config.lengths or [options.frames]


def keep(config: SftConfig | Tv2tvConfig, out: Path) -> None:
    """Write OUT/config.json, or make sure that the run there is the same.

    Raises:
        UserError: the folder holds another run; names the first difference.
    """
    path, now = out / "config.json", config.model_dump(mode="json")
    if path.is_file():
        before = _filled(config, files.read_json(path, "give another --out")["config"])
        old, new = _fixed(before), _fixed(now)
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                raise UserError(
                    f"{out} is a run with {name} {old.get(name)}, not {new.get(name)}: give another --out"
                )
    elif out.is_dir() and any(not p.name.startswith(".") for p in out.iterdir()):
        raise UserError(f"{out} is not empty and holds no training run: give another --out")
    files.write_json(path, {"schema": 1, "config": now})


def _filled(like: SftConfig | Tv2tvConfig, record: Json) -> Json:
    """An older record with today's keys, where it still reads."""
    try:
        return type(like).model_validate_json(json.dumps(record)).model_dump(mode="json")
    except ValidationError:
        return record


def _fixed(config: Json) -> Json:
    train = {f"train.{k}": v for k, v in config["train"].items() if k not in FREE}
    rest = {k: v for k, v in config.items() if k not in ("train", "wandb")}
    return {**rest, **train}
