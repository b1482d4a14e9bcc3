"""The families that can be trained, by pipeline class."""

from __future__ import annotations

from genreason.generate.models import ModelOptions
from genreason.train.cogvideox import CogVideoXSpec
from genreason.train.ltx import LtxSpec
from genreason.train.spec import ModelSpec
from genreason.train.wan import WanSpec
from genreason.types import UserError

SPECS: dict[str, type[ModelSpec]] = {spec.pipeline: spec for spec in (WanSpec, LtxSpec, CogVideoXSpec)}


def spec_for(options: ModelOptions, name: str) -> ModelSpec:
    """The spec of a model; `name` is its card's.

    Raises:
        UserError: its family cannot be trained here.
    """
    if options.pipeline not in SPECS:
        raise UserError(
            f"generator {name}: {options.pipeline} cannot be fine-tuned here (there is {', '.join(SPECS)}): "
            "export the data for another trainer with `genreason export diffsynth|finetrainers|musubi`"
        )
    return SPECS[options.pipeline](options, name)
