"""LoRAs in diffusers' own format: found, checked against the model, loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genreason.types import UserError

WEIGHTS = "pytorch_lora_weights.safetensors"
WEIGHTS_2 = "pytorch_lora_weights_2.safetensors"  # of the low-noise expert of Wan 2.2 A14B
ADAPTER = "genreason"


def files(path: str | Path) -> dict[str, Path]:
    """The weight files by the name of the transformer that they are for.

    Raises:
        UserError: there are none.
    """
    place = Path(path)
    if place.is_file():
        return {"transformer": place}
    names = {"transformer": WEIGHTS, "transformer_2": WEIGHTS_2}
    found = {part: place / name for part, name in names.items() if (place / name).is_file()}
    if not found:
        raise UserError(f"{place}: no LoRA here ({WEIGHTS}); give the file or the folder that holds it")
    return found


def must_exist(path: str | Path) -> None:
    """Refuse a LoRA that is not there.

    Raises:
        UserError: it is not.
    """
    files(path)


def load(pipe: Any, path: str | Path, scale: float = 1.0) -> None:
    """Load a LoRA into a pipeline.

    Raises:
        UserError: it is for another family: a layer is missing in the model, or has another size.
    """
    names = []
    for part, file in files(path).items():
        check(pipe, part, file)
        name = f"{ADAPTER}_{part}"
        more = {"load_into_transformer_2": True} if part == "transformer_2" else {}
        pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name, **more)
        names.append(name)
    for part, name in zip(files(path), names, strict=True):
        getattr(pipe, part).set_adapters([name], weights=[scale])


def check(pipe: Any, part: str, file: Path, peft: bool = False) -> None:
    """Compare the LoRA's layers with the model's; `peft` where the model has adapters on it already.

    Raises:
        UserError: as `load`.
    """
    from safetensors import SafetensorError, safe_open

    model = getattr(pipe, part, None)
    if model is None:
        raise UserError(f"{file} is for {part}, which {type(pipe).__name__} does not have")
    modules = dict(model.named_modules())
    try:
        with safe_open(file, "pt") as weights:
            keys = [key for key in weights.keys() if key.endswith(("lora_A.weight", "lora_B.weight"))]
            shapes = {key: weights.get_slice(key).get_shape() for key in keys}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file}: no safetensors file ({error})") from None
    if not shapes:
        return  # of another program: diffusers converts those that it knows
    for key, shape in shapes.items():
        name, _, half = key.removeprefix("transformer.").rpartition(".lora_")
        layer = modules.get(name)
        if layer is None:
            raise UserError(f"{file}: a LoRA of another family: {type(model).__name__} has no layer {name}")
        if peft and hasattr(layer, "base_layer"):
            layer = layer.base_layer
        inner, outer = layer.weight.shape[1], layer.weight.shape[0]
        if shape[1 if half[0] == "A" else 0] != (inner if half[0] == "A" else outer):
            raise UserError(
                f"{file}: a LoRA of another model: its layer {name} is {list(shape)}, "
                f"the model's {outer}x{inner}"
            )
