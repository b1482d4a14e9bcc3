"""Options of models on this machine, and the card for a folder that holds one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genreason import cards
from genreason.cards import GeneratorCard
from genreason.formats.dataset import read_json
from genreason.generate import extra
from genreason.generate.fitting import Limits, Mode
from genreason.types import Json, UserError

INDEX = "model_index.json"


class ModelOptions(BaseModel):
    """Options of a card of kind "diffusers".

    Attributes:
        model: repository on the Hugging Face hub, or a folder.
        revision: of the repository.
        pipeline: the class in diffusers.
        width: in pixels; with `height` and `fit` it decides the clip's size.
        height: in pixels.
        fit: how a first frame of another size is brought there (`genreason.generate.fitting`).
        frames: of a clip.
        fps: frames per second that the model draws.
        steps: of denoising.
        guidance: classifier-free guidance scale.
        guidance_2: of the second expert, where there is one; None takes `guidance`.
        negative_prompt: what guidance leads away from.
        dtype: of the weights.
        vae_dtype: of the video autoencoder; None takes `dtype`.
        device: "auto", "cpu", "cuda", "cuda:1".
        offload: "model" keeps one part of the pipeline on the GPU at a time, "layers" one layer.
        tiling: decode the video in tiles.
        lora: folder or file of a LoRA in diffusers' format.
        lora_scale: its weight.
        scheduler: values that replace those of the pipeline's scheduler.
        call: more arguments of the pipeline's call.
        limits: legal sizes and lengths.
        needs: packages that the pipeline needs besides those of the extra "model".
        parts: what the pipeline has (true) and lacks (false); tells models of one class apart where a
            folder is given instead of a card.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str
    revision: str | None = None
    pipeline: str
    width: int
    height: int
    fit: Mode = "area"
    frames: int
    fps: float = Field(gt=0)
    steps: int = Field(ge=1)
    guidance: float
    guidance_2: float | None = None
    negative_prompt: str = ""
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    vae_dtype: Literal["float32", "bfloat16", "float16"] | None = None
    device: str = "auto"
    offload: Literal["none", "model", "layers"] = "none"
    tiling: bool = False
    lora: str | None = None
    lora_scale: float = 1.0
    scheduler: dict[str, Any] = {}
    call: dict[str, Any] = {}
    limits: Limits = Limits()
    needs: list[str] = []
    parts: dict[str, bool] = {}


def parse(options: Json, name: str) -> ModelOptions:
    """Check the options of a card.

    Raises:
        UserError: one is wrong, or the size or length is not legal; says which is.
    """
    try:
        found = ModelOptions(**options)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"generator {name}: option {where}: {first['msg']}") from None
    found.limits.check(f"generator {name}", found.width, found.height, found.frames)
    return found


def card(name: str) -> GeneratorCard:
    """The generator card of a folder that holds a pipeline.

    A folder may hold a card of its own (one YAML file); else the card that ships for its pipeline's class is
    taken, with the folder as model.

    Raises:
        UserError: the folder holds no pipeline that is known.
    """
    folder = Path(name)
    if not (folder / INDEX).is_file():
        raise UserError(
            f"{folder}: no {INDEX}, so no diffusers pipeline; for a folder of clips take "
            f"--generator folder -o path={folder}"
        )
    own = sorted(folder.glob("*.yaml"))
    found = cards.read(GeneratorCard, own[0]) if len(own) == 1 else _shipped(folder)
    stem = re.sub(r"[^a-z0-9_.+-]+", "-", folder.resolve().name.lower()).strip("-._+") or "model"
    options = {**found.options, "model": str(folder.resolve())}
    if "revision" in options:
        options["revision"] = None
    return found.model_copy(update={"name": stem if not own else found.name, "options": options})


def _shipped(folder: Path) -> GeneratorCard:
    wanted = read_json(folder / INDEX)
    if wanted.get(
        "expand_timesteps"
    ):  # Wan's TI2V is published as a text-to-video pipeline that takes images
        wanted["_class_name"] = "WanImageToVideoPipeline"
    known = [cards.load(GeneratorCard, name) for name in cards.paths(GeneratorCard)]
    same = [c for c in known if c.kind == "diffusers" and c.options["pipeline"] == wanted.get("_class_name")]
    if not same:
        classes = sorted({c.options["pipeline"] for c in known if c.kind == "diffusers"})
        raise UserError(
            f"{folder}: no card is for the pipeline {wanted.get('_class_name')} (there is "
            f"{', '.join(classes)}): put a card (YAML) into the folder"
        )
    return max(same, key=lambda card: _likeness(wanted, card.options.get("parts", {})))


def _likeness(index: Json, parts: Json) -> float:
    there = {key for key, value in index.items() if value and value != [None, None]}
    same = sum(1 for name, wanted in parts.items() if (name in there) == wanted)
    return same / max(len(parts), 1)


def fetch_command(model: str, revision: str | None) -> str:
    """What downloads the weights."""
    return f"hf download {model}" + (f" --revision {revision}" if revision else "")


def class_of(pipeline: str, name: str) -> Any:
    """The pipeline class in diffusers.

    Raises:
        UserError: the extra is missing, or this diffusers has no such class.
    """
    extra.need()
    import diffusers

    found = getattr(diffusers, pipeline, None)
    if found is None or not hasattr(found, "from_pretrained"):
        raise UserError(
            f"generator {name}: diffusers {diffusers.__version__} has no pipeline {pipeline}: "
            "is it spelt so, or does it need a newer diffusers?"
        )
    return found
