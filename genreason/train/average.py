"""Exponential moving averages of what is trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor


class Average:
    """Averages of parameters by name; the decay grows with the steps, so that the start does not weigh.

    Attributes:
        shadow: the averages, float32.
    """

    def __init__(self, parameters: Mapping[str, Tensor], decay: float) -> None:
        """Begin with the parameters as they are."""
        self.decay = decay
        self.shadow = {name: p.detach().float().clone() for name, p in parameters.items()}

    @torch.no_grad()
    def update(self, parameters: Mapping[str, Tensor], step: int) -> None:
        """Note the parameters after a step (from 1 on)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        shadow = [self.shadow[name] for name in parameters]
        # All at once: one by one, hundreds of small tensors cost more than the arithmetic.
        torch._foreach_lerp_(shadow, [p.detach().float() for p in parameters.values()], 1 - decay)

    @contextlib.contextmanager
    @torch.no_grad()
    def swapped(self, parameters: Mapping[str, Tensor]) -> Iterator[None]:
        """Put the averages into the parameters, and the parameters back afterwards."""
        before = {name: p.detach().clone() for name, p in parameters.items()}
        for name, p in parameters.items():
            p.copy_(self.shadow[name])
        try:
            yield
        finally:
            for name, p in parameters.items():
                p.copy_(before[name])
