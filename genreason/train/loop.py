"""The training loop that all models share.

A model is trained by giving `fit` a `Trainable`. Everything that is random in a step is drawn from the seed
and the step, so that a run that was killed and resumed equals one that was not, to the bit on a CPU.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from genreason.train import checkpoint
from genreason.train.average import Average
from genreason.train.flow import Meter
from genreason.train.record import Record
from genreason.types import GenreasonError


class Settings(BaseModel):
    """How long and how.

    Attributes:
        steps: optimiser steps.
        batch: samples of a micro batch in one process.
        accumulate: micro batches of a step.
        lr: learning rate.
        warmup: steps in which it grows from 0.
        schedule: afterwards.
        betas: of AdamW.
        weight_decay: of AdamW.
        clip: largest norm of the gradient, once a step.
        optimizer: "adamw8bit" needs bitsandbytes and a GPU.
        average: decay of the moving average; None keeps none.
        checkpointing: recompute activations instead of keeping them.
        log_every: steps between lines of the log.
        save_every: steps between checkpoints; a killed run loses at most so many.
        keep: checkpoints that are kept.
        validate_every: steps between validations; 0 validates at the end only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(ge=1)
    batch: int = Field(1, ge=1)
    accumulate: int = Field(1, ge=1)
    lr: float = Field(1e-4, gt=0)
    warmup: int = Field(0, ge=0)
    schedule: Literal["constant", "cosine"] = "constant"
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(0.01, ge=0)
    clip: float = Field(1.0, gt=0)
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    average: float | None = Field(0.999, ge=0, lt=1)
    checkpointing: bool = True
    log_every: int = Field(10, ge=1)
    save_every: int = Field(100, ge=1)
    keep: int = Field(2, ge=1)
    validate_every: int = Field(0, ge=0)


@dataclass(frozen=True, slots=True)
class Losses:
    """Of a micro batch: what is minimised (a mean over samples), and each sample's level and loss.

    Attributes:
        total: what is minimised.
        sigmas: noise levels.
        each: loss at each of them.
        figures: other figures for the log, by name.
        tokens: how many the model saw; 0 where nobody counts them.
    """

    total: Tensor
    sigmas: Tensor
    each: Tensor
    figures: Mapping[str, Tensor] = field(default_factory=dict)
    tokens: int = 0


class Trainable(Protocol):
    """What `fit` trains.

    Attributes:
        model: with the parameters that are trained.
        product: name of the folder that the trained weights go to.
    """

    model: nn.Module
    product: str

    def losses(self, model: nn.Module, turn: int) -> Losses:
        """Of the micro batch number `turn` (from 0); `model` may be wrapped."""
        ...

    def samples(self, turn: int, rank: int) -> int:
        """How many samples that micro batch has in the process `rank`."""
        ...

    def validate(self, step: int, record: Record) -> Mapping[str, float]:
        """Figures on what is not trained on; the averages are in place."""
        ...

    def export(self, weights: Mapping[str, Tensor], folder: Path) -> None:
        """Write the trained weights for use."""
        ...


def fit(
    trainable: Trainable, settings: Settings, out: Path, record_: Record, accelerator: Any, seed: int
) -> Path:
    """Train from the newest checkpoint in OUT/checkpoints, or from the start, to the last step.

    Returns:
        The folder of the exported weights (the averages where they are kept).

    Raises:
        GenreasonError: the loss is no number; the last checkpoint is from before.
        UserError: a checkpoint of another model.
    """
    inner = trainable.model
    optimizer = _optimizer([p for p in inner.parameters() if p.requires_grad], settings)
    model, optimizer = accelerator.prepare(inner, optimizer)
    parameters = {n: p for n, p in inner.named_parameters() if p.requires_grad}
    average = Average(parameters, settings.average) if settings.average is not None else None
    step = 0
    saved = checkpoint.found(out / "checkpoints")
    if saved:
        step, shadow, _ = checkpoint.load(saved[-1][1], model, _bare(optimizer))
        if average is not None:
            average.shadow = {n: checkpoint.placed(shadow[n], p) for n, p in parameters.items()}
    meter, clock = Meter(), _Clock(step)
    while step < settings.steps:
        grad = _step(trainable, settings, model, optimizer, accelerator, meter, step)
        step += 1
        if average is not None:
            average.update(parameters, step)
        last = step == settings.steps
        if step % settings.log_every == 0 or last:
            values = {**meter.read(accelerator), "grad_norm": grad, "lr": rate(settings, step - 1)}
            values |= clock.read(step, values.pop("tokens", 0))
            if not all(map(math.isfinite, values.values())):
                raise GenreasonError(_no_number(step, out))
            if accelerator.is_main_process:
                record_.write(step, values)
        if step % settings.save_every == 0 or last:
            _save(out, step, model, optimizer, average, settings, accelerator, seed)
        if last or (settings.validate_every and step % settings.validate_every == 0):
            with _averaged(average, parameters):
                values = dict(trainable.validate(step, record_))
            if values and accelerator.is_main_process:
                record_.write(step, values)
            clock = _Clock(step)
    with _averaged(average, parameters):
        weights, _ = checkpoint.gather(model, _bare(optimizer))
    if accelerator.is_main_process:
        trainable.export(weights, out / trainable.product)
    accelerator.wait_for_everyone()
    return out / trainable.product


def rate(settings: Settings, step: int) -> float:
    """The learning rate of a step (from 0)."""
    if step < settings.warmup:
        return settings.lr * (step + 1) / settings.warmup
    if settings.schedule == "constant":
        return settings.lr
    done = (step - settings.warmup) / max(settings.steps - settings.warmup, 1)
    return settings.lr * 0.5 * (1 + math.cos(math.pi * done))


def _step(
    trainable: Trainable,
    settings: Settings,
    model: Any,
    optimizer: Any,
    accelerator: Any,
    meter: Meter,
    step: int,
) -> float:
    """One optimiser step; the norm of its gradient."""
    model.train()
    for group in optimizer.param_groups:
        group["lr"] = rate(settings, step)
    turns = range(step * settings.accumulate, (step + 1) * settings.accumulate)
    # A micro batch counts by its samples: leftovers must not weigh as much as whole batches. Gradients are
    # averaged over the processes.
    ranks = range(accelerator.num_processes)
    mean = sum(trainable.samples(turn, rank) for turn in turns for rank in ranks) / len(ranks)
    noted = []
    for turn in turns:
        weight = trainable.samples(turn, accelerator.process_index) / mean
        sync = contextlib.nullcontext() if turn == turns[-1] else accelerator.no_sync(model)
        with sync, accelerator.autocast():
            found = trainable.losses(model, turn)
            accelerator.backward(found.total * weight)
        noted.append(found)
    grad = accelerator.clip_grad_norm_(
        [p for group in optimizer.param_groups for p in group["params"]], settings.clip
    )
    if isinstance(grad, DTensor):  # each process has only its own part of it
        grad = grad.full_tensor()
    for found in noted:  # read only now: it waits for the device
        meter.add(found.sigmas.tolist(), found.each.detach().float().tolist())
        meter.note({name: float(value) for name, value in found.figures.items()}, found.tokens)
    if not bool(torch.isfinite(grad)):
        raise GenreasonError(_no_number(step + 1, None))
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(grad)


def _no_number(step: int, out: Path | None) -> str:
    where = f" ({out / 'checkpoints'} has the last good state)" if out else ""
    return (
        f"loss or gradient is no finite number at step {step}{where}: lower train.lr, or raise train.warmup"
    )


def _optimizer(parameters: list[nn.Parameter], settings: Settings) -> torch.optim.Optimizer:
    named: dict[str, Any] = {
        "lr": settings.lr, "betas": settings.betas, "weight_decay": settings.weight_decay,
    }  # fmt: skip
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(parameters, fused=True, **named)
    bitsandbytes: Any = importlib.import_module("bitsandbytes")
    eight: torch.optim.Optimizer = bitsandbytes.optim.AdamW8bit(parameters, **named)
    return eight


def _bare(optimizer: Any) -> torch.optim.Optimizer:
    """The optimiser that accelerate wrapped."""
    found: torch.optim.Optimizer = getattr(optimizer, "optimizer", optimizer)
    return found


def _save(
    out: Path, step: int, model: Any, optimizer: Any, average: Average | None, settings: Settings,
    accelerator: Any, seed: int,
) -> None:  # fmt: skip
    weights, state = checkpoint.gather(model, _bare(optimizer))
    shadow = {} if average is None else {n: checkpoint.plain(t) for n, t in average.shadow.items()}
    if accelerator.is_main_process:
        checkpoint.save(out / "checkpoints", step, weights, state, shadow, {"seed": seed}, settings.keep)
    accelerator.wait_for_everyone()


@contextlib.contextmanager
def _averaged(average: Average | None, parameters: Mapping[str, Tensor]) -> Iterator[None]:
    if average is None:
        yield
        return
    with average.swapped(parameters):
        yield


class _Clock:
    """Seconds a step since the last reading."""

    def __init__(self, step: int) -> None:
        self._began, self._step = time.perf_counter(), step

    def read(self, step: int, tokens: float) -> dict[str, float]:
        now = time.perf_counter()
        found = {"seconds_per_step": (now - self._began) / (step - self._step)}
        if tokens:
            found["tokens_per_second"] = tokens / (now - self._began)
        self._began, self._step = now, step
        if torch.cuda.is_available():
            found["peak_memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
        return found
