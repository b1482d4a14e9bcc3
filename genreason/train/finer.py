"""The MLP behind a model's patches, fitted alone: as nothing else needs gradients, it sees pictures often.

The rest of the model is run once over clips; tokens as they come out of it, and what its pictures lack there,
are kept and gone over many times. Tokens that do not change from frame to frame are many and easy: as many
of these are kept as of those that do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from genreason.cards import Strict
from genreason.train import flow
from genreason.train.telling import Batch
from genreason.types import UserError

_CHANGED = 1e-3  # mean square of a token's change, in latents of [-1, 1]


class Looked(Protocol):
    """What is asked of `Tv2tv`."""

    model: Any

    def looked(self, turn: int) -> tuple[Batch, Any]:
        """A micro batch, and what the model makes of it."""


class Fit(Strict):
    """How.

    Attributes:
        turns: micro batches of the run that are looked at, before its first step.
        steps: of the fit.
        batch: tokens of a step.
        lr: highest; it falls to zero as a cosine.
    """

    turns: int = Field(600, ge=1)
    steps: int = Field(6000, ge=1)
    batch: int = Field(512, ge=1)
    lr: float = Field(2e-3, gt=0)


def fit(task: Looked, how: Fit, seed: int, tell: Callable[[str], None]) -> tuple[float, float]:
    """Fit the MLP of a task's model, on micro batches that its training does not see.

    Returns:
        Mean squares of what pictures lack in the kept tokens, before and in the last tenth.

    Raises:
        UserError: the model has no MLP there.
    """
    patches = task.model.patches
    if not getattr(patches, "hidden", 0):
        raise UserError("fit: the model has no MLP behind its patches: give model.patch_hidden")
    tokens, lacks = _collected(task, how)
    before = float(lacks.pow(2).mean())
    with torch.no_grad():  # what it adds already is not lacking
        lacks = lacks + _added(patches, tokens)
    parts = [*patches.finer_in.parameters(), *patches.finer_out.parameters()]
    optimizer = torch.optim.AdamW(parts, how.lr, weight_decay=0.01)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, how.steps)
    draw = flow.generator("tv2tv", "fit", seed)
    losses = []
    for _ in range(how.steps):
        chosen = torch.randint(len(tokens), (how.batch,), generator=draw).to(tokens.device)
        loss = functional.mse_loss(_added(patches, tokens[chosen]), lacks[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        falling.step()
        losses.append(float(loss.detach()))
    optimizer.zero_grad()
    last = losses[-max(how.steps // 10, 1) :]
    after = sum(last) / len(last)
    tell(f"fit of the MLP behind the patches: {len(tokens)} tokens, loss {before:.5f} -> {after:.5f}")
    return before, after


def _added(patches: Any, tokens: Tensor) -> Tensor:
    found: Tensor = patches.finer_out(functional.silu(patches.finer_in(tokens)))
    return found


@torch.no_grad()
def _collected(task: Looked, how: Fit) -> tuple[Tensor, Tensor]:
    """Tokens before the patches (N, D), and what is lacking of each (N, channels)."""
    tokens, lacks, seen = list[Tensor](), list[Tensor](), list[Tensor]()
    hook = task.model.video_norm.register_forward_hook(lambda _module, _given, out: seen.append(out))
    try:
        for turn in range(how.turns):
            seen.clear()
            batch, found = task.looked(-1 - turn)
            at = list(batch.layout.noisy)
            if not at:
                continue
            lack = batch.clean[:, at] - found.prediction
            change = batch.clean[:, at] - batch.clean[:, [i - 1 for i in at]]
            flat, moved = (t.flatten(0, 1).flatten(2).transpose(1, 2).flatten(0, 1) for t in (lack, change))
            out = seen[0][:, -(len(flat) // len(batch.clean)) :].flatten(0, 1)
            hard = moved.pow(2).mean(1) > _CHANGED
            draw = flow.generator("tv2tv", "fit", turn)
            easy = torch.rand(len(hard), generator=draw).to(hard.device) < hard.float().mean()
            tokens.append(out[hard | easy])
            lacks.append(flat[hard | easy])
    finally:
        hook.remove()
    return torch.cat(tokens), torch.cat(lacks)
