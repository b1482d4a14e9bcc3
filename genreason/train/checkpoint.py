"""Checkpoints of a training run: whole or not at all, safetensors and JSON, nothing else.

    DIR/step-000100/  trainable.safetensors  average.safetensors  optimizer.safetensors  state.json

`state.json` comes last inside a folder that is then renamed to its place. There is no state of random numbers
to keep: every draw is made from the seed and the step.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.distributed.tensor import DTensor, distribute_tensor

from genreason.types import GenreasonError, Json, UserError

_NAME = re.compile(r"step-(\d{6,})")
TRAINABLE, AVERAGE, OPTIMIZER, STATE = (
    "trainable.safetensors", "average.safetensors", "optimizer.safetensors", "state.json",
)  # fmt: skip
# Whole tensors, also where FSDP has cut them up; frozen weights stay where they came from. With cpu_offload
# the first process alone would have them, and all need them to go on.
_WHOLE = StateDictOptions(full_state_dict=True, ignore_frozen_params=True)
_BACK = StateDictOptions(full_state_dict=True, broadcast_from_rank0=False, strict=False)


def found(folder: Path) -> list[tuple[int, Path]]:
    """Finished checkpoints by step, oldest first."""
    steps = [(int(m[1]), p) for p in folder.glob("step-*") if (m := _NAME.fullmatch(p.name))]
    return sorted((step, path) for step, path in steps if (path / STATE).is_file())


def gather(model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], Json]:
    """Trained tensors by name and the optimiser's state; every process must call it."""
    weights, state = get_state_dict(model, optimizer, options=_WHOLE)
    return {name: plain(t) for name, t in weights.items() if isinstance(t, Tensor)}, state


def save(
    folder: Path,
    step: int,
    weights: Mapping[str, Tensor],
    optimizer: Json,
    average: Mapping[str, Tensor],
    record: Json,
    keep: int,
) -> Path:
    """Write a checkpoint, and delete all but the newest `keep`.

    Raises:
        GenreasonError: the disk is full, or there is no permission.
    """
    place, part = folder / f"step-{step:06d}", folder / f".step-{step:06d}.part"
    tensors, numbers = _flat(optimizer)
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        save_file(dict(weights), part / TRAINABLE)
        save_file(dict(average), part / AVERAGE)
        save_file(tensors, part / OPTIMIZER)
        text = json.dumps({"schema": 1, "step": step, "optimizer": numbers, **record}, sort_keys=True)
        (part / STATE).write_text(text, encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        part.rename(place)
        for _, old in found(folder)[:-keep]:
            shutil.rmtree(old)
    except OSError as error:
        raise GenreasonError(f"cannot write {place}: {error.strerror}") from error
    return place


def load(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, dict[str, Tensor], Json]:
    """Put a checkpoint into model and optimiser.

    Returns:
        Its step, the averages, and what else was kept.

    Raises:
        UserError: it is of another model, or damaged.
    """
    try:
        record = json.loads((path / STATE).read_text(encoding="utf-8"))
        weights = load_file(path / TRAINABLE)
        average, state = load_file(path / AVERAGE), load_file(path / OPTIMIZER)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: the checkpoint cannot be read ({error}): delete it to go on from the one before"
        ) from error
    current, now = gather(model, optimizer)
    if {n: t.shape for n, t in current.items()} != {n: t.shape for n, t in weights.items()}:
        raise UserError(f"{path}: a checkpoint of another model or LoRA: give another --out")
    set_state_dict(
        model,
        optimizer,
        model_state_dict=dict[str, Any](weights),
        optim_state_dict=_nested(state, record.pop("optimizer"), now),
        options=_BACK,
    )
    return int(record["step"]), average, record


def plain(tensor: Tensor) -> Tensor:
    """A whole tensor on the CPU; every process must call it, as FSDP cuts tensors up."""
    if isinstance(tensor, DTensor):
        tensor = tensor.full_tensor()
    return tensor.detach().cpu().clone().contiguous()


def placed(whole: Tensor, like: Tensor) -> Tensor:
    """A whole tensor where and as `like` is, float32."""
    values = whole.to(like.device, torch.float32)
    if isinstance(like, DTensor):
        return distribute_tensor(values, like.device_mesh, like.placements)
    return values


def _flat(state: Json) -> tuple[dict[str, Tensor], Json]:
    """The optimiser's tensors as "name|key", and its numbers."""
    tensors: dict[str, Tensor] = {}
    numbers: Json = {}
    for name, values in state["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{name}|{key}"] = plain(value)
            else:
                numbers[f"{name}|{key}"] = value
    return tensors, numbers


def _nested(tensors: Mapping[str, Tensor], numbers: Json, now: Json) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for flat, value in {**tensors, **numbers}.items():
        name, _, key = flat.rpartition("|")
        state.setdefault(name, {})[key] = value
    return {"state": state, "param_groups": now["param_groups"]}
