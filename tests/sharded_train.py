"""`genreason train` with the model cut up by FSDP2 on CPUs (accelerate's own wrapper takes GPUs only)."""

from __future__ import annotations

import sys

import accelerate
import torch
from torch.distributed import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from genreason.cli import main

_OPTIONS = ("lr", "betas", "eps", "weight_decay", "fused")


def prepare(self, model, optimizer):
    """As accelerate does under `fsdp_version: 2`: layer by layer, then what is left."""
    mesh = init_device_mesh("cpu", (self.num_processes,))
    names = type(model)._no_split_modules
    kind = torch.bfloat16 if self.mixed_precision == "bf16" else torch.float32
    policy = MixedPrecisionPolicy(param_dtype=kind, reduce_dtype=kind, output_dtype=kind)
    for layer in [each for each in model.modules() if type(each).__name__ in names]:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)
    assert all(isinstance(p, DTensor) for p in model.parameters())
    trained = [p for p in model.parameters() if p.requires_grad]
    return model, type(optimizer)(trained, **{name: optimizer.defaults[name] for name in _OPTIONS})


if __name__ == "__main__":
    torch.set_num_threads(1)
    accelerate.Accelerator.prepare = prepare
    main(["train", "sft", *sys.argv[1:]])
