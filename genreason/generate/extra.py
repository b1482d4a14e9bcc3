"""What only the extra "model" brings: torch, diffusers and their company, with one clear line without it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genreason.types import UserError

if TYPE_CHECKING:
    import torch

PACKAGES = (
    "torch", "diffusers", "transformers", "accelerate", "peft", "safetensors", "ftfy",
    "sentencepiece", "google.protobuf",  # tokenizers of T5 that come without a tokenizer.json
)  # fmt: skip
DTYPES = ("float32", "bfloat16", "float16")


def need() -> None:
    """Make sure that models can be loaded; their progress bars and hints stay silent from here on.

    Raises:
        UserError: a package is missing; says how to install it.
    """
    missing = [name for name in PACKAGES if not _installed(name)]
    if missing:
        raise UserError(
            f"models need {', '.join(missing)}: pip install -c constraints.txt -e '.[model]' "
            "(or pip install 'genreason[model]')"
        )
    for name, call in (("transformers", "logging"), ("diffusers", "logging")):
        log: Any = getattr(importlib.import_module(f"{name}.utils"), call)
        log.set_verbosity_error()
        log.disable_progress_bar()


def need_besides(packages: Sequence[str], where: str) -> None:
    """Make sure that packages are there which only one pipeline needs.

    Raises:
        UserError: one is missing; says how to install it.
    """
    missing = [name for name in packages if not _installed(name)]
    if missing:
        raise UserError(f"{where} needs {', '.join(missing)}: pip install {' '.join(missing)}")


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the package above it is missing
        return False


def dtype(name: str) -> torch.dtype:
    """The torch dtype of that name."""
    import torch

    found: torch.dtype = getattr(torch, name)
    return found


def device(name: str) -> torch.device:
    """The device of that name; "auto" takes a GPU where there is one.

    Raises:
        UserError: torch does not know it, or it is not there.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        found = torch.device(name)
    except RuntimeError:
        raise UserError(f"device {name!r}: give auto, cpu, cuda or cuda:0") from None
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"device {name}: this machine has {torch.cuda.device_count()} GPUs that torch can use"
        )
    return found
