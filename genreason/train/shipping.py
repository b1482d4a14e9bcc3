"""From a run's folder to weights that ship: the averaged model in half precision, with a model card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import ValidationError
from safetensors.torch import load_file

from genreason.formats import files
from genreason.generate.models import INDEX
from genreason.model.pipeline import TV2TVPipeline
from genreason.report.aggregate import aggregate
from genreason.task import Task
from genreason.train import checkpoint, tv2tv
from genreason.train.tv2tv_config import Tv2tvConfig
from genreason.types import Json, UserError

LOG, RECIPE, CARD, README = "log.jsonl", "recipe.json", "tv2tv.yaml", "README.md"
_COLUMNS = ("loss_text", "loss", "validation/loss_text", "validation/loss")
_ABOUT = """A TV2TV model, trained from nothing: it says a plan, then where it is and which way it goes,
and after each sentence it draws the next frame.
"""
_LIMITS = """## Limits

It knows only the worlds above, drawn in the styles of this project, seen straight from above; for other
pictures its clips mean nothing. The walls of test puzzles were held out (of Sokobans, which have few, whole
puzzles), turned and mirrored too.
"""
_ROWS = 12  # of the training log that the model card shows


@dataclass(frozen=True, slots=True)
class Stage:
    """One training run on the way to the weights.

    Attributes:
        config: its recipe.
        step: of the checkpoint that was taken.
        lines: its log up to there.
    """

    config: Json
    step: int
    lines: list[Json]

    @property
    def hours(self) -> float:
        """Of training, without validation and starting."""
        return float(sum(each["seconds_per_step"] * count for each, count in self._counted())) / 3600

    @property
    def tokens(self) -> float:
        """That the model saw."""
        rates = (
            (each.get("tokens_per_second", 0) * each["seconds_per_step"], n) for each, n in self._counted()
        )
        return float(sum(rate * count for rate, count in rates))

    def _counted(self) -> list[tuple[Json, int]]:
        """Lines on training, with the steps that each is about."""
        timed = [line for line in self.lines if "seconds_per_step" in line]
        before = [0, *(line["step"] for line in timed)]
        return [(line, line["step"] - start) for line, start in zip(timed, before, strict=False)]


def ship(
    run: Path, folder: Path, dtype: str = "float16", judged: Sequence[Path] = (), after: Path | None = None
) -> Path:
    """Write the averaged weights of a run's newest checkpoint as a pipeline with model card, recipe and log.

    Args:
        run: a training run of kind "tv2tv", finished or not.
        folder: where to; what is there of an earlier call is replaced.
        dtype: that the weights are stored in; they are run in float32.
        judged: run folders with verdicts on clips of this model, for the model card.
        after: the training run whose weights this one went on from; None takes it from the run's config,
            which knows it where they were RUN/model.

    Raises:
        UserError: the folder is no such run, or has no checkpoint yet.
    """
    stages = _stages(run, after)
    step, saved = _newest(run)
    settings = _settings(run)
    pipe = _skeleton(run, settings)
    kind = "average" if settings.train.average is not None else "trainable"
    weights = load_file(saved / f"{kind}.safetensors")
    known = pipe.transformer.state_dict()
    if unknown := sorted(weights.keys() - known.keys()):
        raise UserError(f"{saved}: weights {unknown[0]} are of another model than {run / 'config.json'}")
    pipe.transformer.load_state_dict({**known, **weights})
    pipe.transformer.to(getattr(torch, dtype))
    pipe.save_pretrained(folder)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)  # as the other files; others must be able to install them
    for path in folder.rglob("*.json"):
        _without_origin(path)
    card = tv2tv.card(settings, ".")
    files.write_text(folder / CARD, yaml.safe_dump(card, sort_keys=False))
    files.write_json(folder / RECIPE, {"schema": 1, "stages": [each.config for each in stages]})
    rows = [{"stage": i, **line} for i, each in enumerate(stages, start=1) for line in each.lines]
    files.keep_lines(folder / LOG, rows)
    count = sum(p.numel() for p in pipe.transformer.parameters())
    text = _model_card(folder.resolve().name, stages, count, dtype, judged)
    files.write_text(folder / README, text)
    return folder


def _without_origin(path: Path) -> None:
    """Take out where the parts were loaded from: a folder of the machine that trained them."""
    record = json.loads(path.read_text(encoding="utf-8"))
    if record.pop("_name_or_path", None) is not None:
        files.write_json(path, record)


def _settings(run: Path) -> Tv2tvConfig:
    record = files.read_json(run / "config.json", "give the folder of a training run")["config"]
    try:
        return Tv2tvConfig.model_validate_json(json.dumps(record))  # keys that are numbers are text in JSON
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{run / 'config.json'}: {where}: {first['msg']}") from None


def _stages(run: Path, after: Path | None = None) -> list[Stage]:
    """The run, after those that it went on from, as far as their folders are known."""
    record = files.read_json(run / "config.json", "give the folder of a training run")["config"]
    if record.get("kind") != "tv2tv":
        raise UserError(f"{run} is a run of kind {record.get('kind')}: only tv2tv models ship so")
    step, _ = _newest(run)
    lines = [line for line in files.read_lines(run / LOG) if line["step"] <= step]
    start = record.get("start")
    before = after or (Path(start).parent if start else None)
    earlier: list[Stage] = []
    if before is not None and (before / "config.json").is_file():
        earlier = _stages(before)
    elif start and (Path(start) / RECIPE).is_file():
        earlier = _shipped(Path(start))
    if start:
        record = {**record, "start": "the weights of the stage before"}
    return [*earlier, Stage(record, step, lines)]


def _shipped(folder: Path) -> list[Stage]:
    """The stages of weights that were shipped."""
    lines = list(files.read_lines(folder / LOG))
    told = files.read_json(folder / RECIPE, "ship the weights anew")["stages"]
    stages = []
    for number, record in enumerate(told, start=1):
        own = [{k: v for k, v in line.items() if k != "stage"} for line in lines if line["stage"] == number]
        stages.append(Stage(record, max(line["step"] for line in own), own))
    return stages


def _newest(run: Path) -> tuple[int, Path]:
    saved = checkpoint.found(run / "checkpoints")
    if not saved:
        raise UserError(f"{run / 'checkpoints'} holds no checkpoint yet: train on, then ship")
    return saved[-1]


def _skeleton(run: Path, settings: Tv2tvConfig) -> TV2TVPipeline:
    """The pipeline that the weights go into."""
    if not (run / "model" / INDEX).is_file():
        return tv2tv.pipeline(settings)
    made: TV2TVPipeline = TV2TVPipeline.from_pretrained(run / "model")
    return made


def _model_card(name: str, stages: Sequence[Stage], count: int, dtype: str, judged: Sequence[Path]) -> str:
    last = stages[-1]
    worlds = "; ".join(sorted({str(_shown(world)) for each in stages for world in each.config["worlds"]}))
    hours, tokens = (sum(getattr(each, n) for each in stages) for n in ("hours", "tokens"))
    out = [
        f"# {name}\n",
        _ABOUT,
        f"- {count / 1e6:.2f} million parameters (a tower for words and one for frames), stored in {dtype},\n"
        "  run in float32",
        f"- learnt from: {worlds}",
        f"- seed {last.config['seed']}; {' + '.join(str(each.step) for each in stages)} steps, "
        f"{tokens / 1e6:.1f} million tokens, {hours:.2f} hours of training\n  in all (without validation)",
        f"- files: `{RECIPE}` (exact configs, in order), `{LOG}` (training log), `{CARD}` (generator card)\n",
        "```\n" + _command(name, last.config["worlds"][0]) + "\n```\n",
        *_results(judged),
        *(_stage(i, each) for i, each in enumerate(stages, start=1)),
        _LIMITS,
    ]
    return "\n".join(out)


_NAMED = {"maze": ("mazes", "rooms"), "trapfield": ("trap fields", "tiles"), "sokoban": ("Sokobans", "tiles")}


def _command(name: str, world: Json) -> str:
    card = Task(world.get("task", "maze")).card
    sizes = {level: card.params(level) for level in card.levels}
    fits = [n for n, given in sizes.items() if world["rooms"] in (given.get("rooms"), given.get("size"))]
    level = f" --level {fits[0]}" if fits else ""
    return f"genreason run {card.name}{level} --n 500 --split test --generator {name} --judge rules --out R"


def _shown(world: Json) -> str:
    family, part = _NAMED[world.get("task", "maze")]
    size = f"{world['rooms']}x{world['rooms']} {part}"
    return f"{family} of {size} ({', '.join(world['styles']) or 'all styles'})"


def _results(judged: Sequence[Path]) -> list[str]:
    if not judged:
        return []
    rows = ["| task | level | n | success | interval (95 %) |", "|---|---|---|---|---|"]
    for run in aggregate(list(judged))["runs"]:
        for task, levels in _levels(run).items():
            for level, found in levels.items():
                rows.append(
                    f"| {task} | {level} | {found['n']} | {found['mean']:.3f} | "
                    f"{found['low']:.3f} - {found['high']:.3f} |"
                )
    return ["## Measured\n", "Strict success by the rules judge.\n", "\n".join(rows) + "\n"]


def _levels(run: Json) -> dict[str, dict[str, Any]]:
    """Figures of a run by task and level."""
    tasks = list(run["by"]["task"])
    name = tasks[0] if len(tasks) == 1 else "all"
    return {name: run["by"]["level"]}


def _stage(number: int, stage: Stage) -> str:
    record = {k: v for k, v in stage.config.items() if k != "wandb"}
    text = yaml.safe_dump(record, sort_keys=False, width=110, default_flow_style=None)
    lines = [line for line in stage.lines if any(name in line for name in _COLUMNS)]
    success = sorted({n for line in lines for n in line if n.startswith("validation/success")})
    merged: dict[int, Json] = {}
    for line in lines:
        merged.setdefault(line["step"], {}).update(line)
    steps = sorted(merged)
    validated = [step for step in steps if "validation/loss" in merged[step]]
    stride = max(len(steps) // _ROWS, 1)
    shown = sorted({*steps[stride - 1 :: stride], *validated, *steps[-1:]})
    columns = [*_COLUMNS, *success]
    table = ["| step | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for step in shown:
        cells = (merged[step].get(name) for name in columns)
        table.append(f"| {step} | " + " | ".join("" if c is None else f"{c:.4g}" for c in cells) + " |")
    rows = "\n".join(table)
    took = f"{stage.step} steps, {stage.hours:.2f} hours"
    return f"## Stage {number}: {took}\n\n```yaml\n{text}```\n\n{rows}\n"
