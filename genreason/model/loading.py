"""Read a TV2TV pipeline from a folder, and adapters (LoRA) of its towers; what does not fit is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError, safe_open

from genreason.model import words
from genreason.model.codec import PixelCodec
from genreason.model.pipeline import TV2TVPipeline
from genreason.model.transformer import TV2TVTransformer
from genreason.types import UserError

INDEX = "model_index.json"
LORA = "pytorch_lora_weights.safetensors"
Tower = Literal["text", "video"]
_PARTS = ("q_proj", "k_proj", "v_proj", "o_proj")


def read(folder: Path) -> TV2TVPipeline:
    """The pipeline in a folder, in float32.

    Raises:
        UserError: there is none, it is of another kind, or its weights are not of its config.
    """
    if not (folder / INDEX).is_file():
        raise UserError(f"{folder} holds no {INDEX}: give the folder of a trained pipeline")
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        kind = index.get("_class_name")
        if kind != TV2TVPipeline.__name__:
            raise UserError(f"{folder} holds a {kind}, no {TV2TVPipeline.__name__}")
        _same_weights(folder / "transformer")
        pipe: TV2TVPipeline = TV2TVPipeline.from_pretrained(folder)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder}: {' '.join(str(error).split())[:200]}") from error
    config = pipe.transformer.config
    if len(pipe.tokenizer) > config.vocab_size or None in _needed(pipe.tokenizer):
        raise UserError(f"{folder}: the tokenizer is of another model: its words are not those of the config")
    if isinstance(pipe.vae, PixelCodec) and pipe.vae.channels != config.latent_channels:
        raise UserError(
            f"{folder}: tokens of {pipe.vae.token} px have {pipe.vae.channels} numbers, the transformer "
            f"takes {config.latent_channels}: codec and transformer are of different models"
        )
    pipe.transformer.float()  # however it is stored: on a CPU the halves are slower, and coarser
    return pipe


def autoencoder(name: str) -> Any:
    """The causal video autoencoder of that folder or hub name, or that of the pipeline there.

    Raises:
        UserError: there is none.
    """
    import diffusers

    own = (Path(name) / "config.json").is_file()
    try:
        return diffusers.AutoModel.from_pretrained(name, subfolder=None if own else "vae").eval()
    except (OSError, ValueError) as error:
        raise UserError(f"no video autoencoder at {name}: {' '.join(str(error).split())[:200]}") from error


def add_lora(model: TV2TVTransformer, tower: Tower, rank: int = 16) -> None:
    """Freeze the model but for a new adapter on the attention of one tower."""
    from peft import LoraConfig

    targets = rf"blocks\.\d+\.{tower}\.({'|'.join(_PARTS)})"
    model.requires_grad_(False)
    model.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=targets))


def load_lora(model: TV2TVTransformer, place: Path, tower: Tower | None = None) -> Tower:
    """Put a saved adapter (`model.save_lora_adapter`) over the model.

    Args:
        model: the transformer.
        place: the adapter's folder or file.
        tower: which it must be for; None takes either.

    Returns:
        The tower that it is for.

    Raises:
        UserError: it is for another tower, or of another model.
    """
    path = place / LORA if place.is_dir() else place
    try:
        with safe_open(path, "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: no LoRA can be read there ({' '.join(str(error).split())})") from None
    found: set[Tower] = {each for each in get_args(Tower) if any(f".{each}." in name for name in shapes)}
    if len(found) != 1:
        raise UserError(f"{path} is no LoRA of a TV2TV tower (text or video): it is of another model")
    (own,) = found
    if tower is not None and own != tower:
        raise UserError(f"{path} is a LoRA of the {own} tower, not of the {tower} tower")
    sizes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    for name, shape in shapes.items():
        stem, _, side = name.removeprefix("transformer.").partition(".lora_")
        target = sizes.get(f"{stem}.weight")
        if target is None or shape[side.startswith("A")] != target[side.startswith("A")]:
            raise UserError(f"{path} is a LoRA of a model of another size: {stem} does not fit")
    model.load_lora_adapter(str(path.parent), weight_name=path.name, prefix=_prefix(shapes))
    return own


def _prefix(names: Any) -> str | None:
    return "transformer" if all(name.startswith("transformer.") for name in names) else None


def _needed(tokenizer: Any) -> list[int | None]:
    """Marks without which nothing can be told."""
    found = words.marks(tokenizer)
    unknown = tokenizer.unk_token_id
    ids = [found[name] for name in ("bof", "eof", "null", "eos")]
    return [None if id_ == unknown else id_ for id_ in ids]


def _same_weights(folder: Path) -> None:
    """Make sure that the stored tensors are those that the config asks for."""
    with torch.device("meta"):
        made = TV2TVTransformer.from_config(TV2TVTransformer.load_config(folder))
    wanted = {name: tuple(value.shape) for name, value in made.state_dict().items()}
    stored: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            stored |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    if not stored:
        raise UserError(f"{folder} holds no weights (*.safetensors)")
    for name in sorted({*wanted, *stored}):
        if wanted.get(name) != stored.get(name):
            raise UserError(
                f"{folder}: weights of another config: {name} is {_told(stored.get(name))}, the config has "
                f"it {_told(wanted.get(name))}"
            )


def _told(shape: tuple[int, ...] | None) -> str:
    return "not there" if shape is None else "x".join(map(str, shape))
