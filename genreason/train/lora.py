"""Low-rank adapters on a denoiser: put on, and saved in diffusers' own format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from genreason import seeds
from genreason.generate import lora
from genreason.types import UserError


class LoraSettings(BaseModel):
    """Size and place of the adapters.

    Attributes:
        rank: of the matrices.
        alpha: scale times rank; None takes the rank.
        targets: endings of the layers' names; None takes the family's.
        start: a LoRA to go on from (file or folder).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(32, ge=1)
    alpha: int | None = Field(None, ge=1)
    targets: tuple[str, ...] | None = None
    start: str | None = None


def attach(pipe: Any, part: str, settings: LoraSettings, targets: Sequence[str], seed: int) -> Any:
    """Freeze a denoiser and put trainable float32 adapters on it.

    Returns:
        The denoiser.

    Raises:
        UserError: a target is no layer of it, or the LoRA to start from does not fit.
    """
    import peft

    model = getattr(pipe, part)
    model.requires_grad_(False)
    names = [name for name, _ in model.named_modules()]
    wanted = list(settings.targets or targets)
    for target in wanted:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            raise UserError(f"lora.targets: {type(model).__name__} has no layer {target}")
    config = peft.LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha or settings.rank, target_modules=wanted,
        init_lora_weights=True,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(seeds.digest("lora", seed, part, size=7)))
        model.add_adapter(config, adapter_name=lora.ADAPTER)
    if settings.start is not None:
        _start_from(pipe, part, settings.start)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


def _start_from(pipe: Any, part: str, start: str) -> None:
    from safetensors.torch import load_file

    found = lora.files(start)
    if part not in found:
        raise UserError(f"lora.start {start} has no weights for {part}")
    lora.check(pipe, part, found[part], peft=True)
    ours = {plain_name(n): p for n, p in getattr(pipe, part).named_parameters() if p.requires_grad}
    theirs = {n.removeprefix("transformer."): t for n, t in load_file(found[part]).items()}
    if ours.keys() != theirs.keys():
        odd = min(ours.keys() ^ theirs.keys()).rpartition(".lora_")[0]
        raise UserError(
            f"lora.start {start} has other layers than asked for ({odd}): set lora.targets to its own"
        )
    rank = {p.shape[0] for n, p in ours.items() if ".lora_A." in n}
    started = {t.shape[0] for n, t in theirs.items() if ".lora_A." in n}
    if rank != started:
        raise UserError(f"lora.start {start} has rank {max(started)}, not {max(rank)}: set lora.rank to it")
    for name, parameter in ours.items():
        parameter.data.copy_(theirs[name])


def plain_name(name: str) -> str:
    """A weight's name without the adapter's."""
    return name.replace(f".{lora.ADAPTER}.", ".")


def save(pipeline: Any, model: Any, part: str, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Write adapters so that `pipe.load_lora_weights(folder)` takes them.

    Those of A14B's second expert go to a file of their own, for `load_into_transformer_2=True`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    layers = {plain_name(name): tensor for name, tensor in weights.items() if ".lora_" in name}
    pipeline.save_lora_weights(
        folder,
        transformer_lora_layers=layers,
        weight_name=lora.WEIGHTS if part == "transformer" else lora.WEIGHTS_2,
        transformer_lora_adapter_metadata=model.peft_config[lora.ADAPTER].to_dict(),
    )
