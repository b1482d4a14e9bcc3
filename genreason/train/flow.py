"""Flow matching: which noise levels are trained, the noisy input, and losses by noise level.

Conventions: x_t = (1 - sigma) x_0 + sigma noise, sigma in [0, 1], and the target velocity is noise - x_0
(Lipman et al. 2023, arXiv:2210.02747; shift and logit-normal sampling: Esser et al. 2024, arXiv:2403.03206).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from genreason import seeds

BINS = 5


class Levels(BaseModel):
    """How noise levels are drawn.

    Attributes:
        how: "uniform", "logit_normal" (middle levels more often), or "family": as the model was trained.
        mean: of the logit normal.
        std: of the logit normal.
        shift: moves levels towards noise, as the model's scheduler does; None takes the family's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    how: Literal["family", "uniform", "logit_normal"] = "family"
    mean: float = 0.0
    std: float = Field(1.0, gt=0)
    shift: float | None = Field(None, gt=0)


def shifted(sigma: Tensor, shift: float) -> Tensor:
    """Move levels towards noise (shift > 1), as FlowMatchEulerDiscreteScheduler does."""
    return shift * sigma / (1 + (shift - 1) * sigma)


def draw(
    levels: Levels, how: str, shift: float, generator: torch.Generator, low: float, high: float
) -> Tensor:
    """One noise level in [low, high].

    Args:
        levels: what was asked for.
        how: of the family, where nothing else was asked for.
        shift: of the family, where nothing else was asked for.
        generator: on the CPU.
        low: least level (of an expert).
        high: greatest level.
    """
    how = how if levels.how == "family" else levels.how
    shift = shift if levels.shift is None else levels.shift
    while True:
        if how == "logit_normal":
            raw = torch.sigmoid(levels.mean + levels.std * torch.randn((), generator=generator))
        else:
            raw = torch.rand((), generator=generator)
        sigma = shifted(raw, shift)
        # An expert's levels are those of the whole model that fall to it: drawn again until one does.
        if low <= float(sigma) <= high:
            return sigma


def left_out(share: float, generators: Sequence[torch.Generator]) -> list[bool]:
    """Whether each sample goes without its prompt, by its own generator."""
    return [bool(torch.rand((), generator=generator) < share) for generator in generators]


def mixed(x0: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """The noisy input; `sigma` (B,) for `x0` (B, ...)."""
    level = spread(sigma, x0)
    return (1 - level) * x0 + level * noise


def spread(values: Tensor, like: Tensor) -> Tensor:
    """(B,) as (B, 1, ...) with as many axes as `like`."""
    return values.to(like.device, like.dtype).view(-1, *[1] * (like.ndim - 1))


def noise_of(shape: Sequence[int], *parts: seeds.Part) -> Tensor:
    """Gaussian noise on the CPU that depends on the parts alone."""
    return torch.randn(tuple(shape), generator=generator(*parts))


def generator(*parts: seeds.Part) -> torch.Generator:
    """A torch generator on the CPU for the tuple."""
    return torch.Generator("cpu").manual_seed(int.from_bytes(seeds.digest(*parts, size=7)))


class Meter:
    """Sums of losses by noise level, until they are read."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sums = torch.zeros(BINS, 2, dtype=torch.float64)
        self._figures: dict[str, Tensor] = {}
        self._tokens = 0

    def add(self, sigmas: Sequence[float], losses: Sequence[float]) -> None:
        """Note the losses of samples."""
        for sigma, loss in zip(sigmas, losses, strict=True):
            place = min(int(sigma * BINS), BINS - 1)
            self._sums[place, 0] += loss
            self._sums[place, 1] += 1

    def note(self, figures: Mapping[str, float], tokens: int = 0) -> None:
        """Note other figures of a micro batch; all processes note the same ones."""
        for name, value in figures.items():
            have = self._figures.setdefault(name, torch.zeros(2, dtype=torch.float64))
            have += torch.tensor([value, 1.0], dtype=torch.float64)
        self._tokens += tokens

    def read(self, accelerator: Any) -> dict[str, float]:
        """Means since the last reading: "loss" over all, "loss_sigma_0.2-0.4" by level, other figures.

        Those of all processes: each must call it. "tokens" is the number of tokens, where they are counted.
        Without a loss at any level there is no "loss".
        """
        names = sorted(self._figures)
        rest = torch.tensor([[float(self._tokens), 0.0]], dtype=torch.float64)
        local = torch.cat([self._sums, rest, *(self._figures[name][None] for name in names)])
        whole = accelerator.reduce(local.to(accelerator.device, torch.float32)).cpu()
        sums, tokens = whole[:BINS], float(whole[BINS, 0])
        total, count = (float(v) for v in sums.sum(0))
        found = {"loss": total / count} if count else {}
        found |= {name: float(value / n) for name, (value, n) in zip(names, whole[BINS + 1 :], strict=True)}
        if tokens:
            found["tokens"] = tokens
        self._figures, self._tokens = {}, 0
        for i, (loss, n) in enumerate(sums.tolist()):
            if n:
                found[f"loss_sigma_{i / BINS:.1f}-{(i + 1) / BINS:.1f}"] = loss / n
        self._sums.zero_()
        return found
