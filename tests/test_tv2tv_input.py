"""Bad input of TV2TV models: one clear line each."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from test_tv2tv_sft import MODEL, settings  # noqa: E402
from tv2tv_fixture import GRID, inputs, model, picture, pipeline  # noqa: E402

from genreason import cards  # noqa: E402
from genreason import generate as generators  # noqa: E402
from genreason.model import loading  # noqa: E402
from genreason.train import tv2tv  # noqa: E402
from genreason.types import UserError  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipe")
    pipeline().save_pretrained(folder)
    return folder


def changed(saved, tmp_path, part, **values):
    """A copy whose JSON file of a part says something else."""
    folder = shutil.copytree(saved, tmp_path / "changed")
    path = folder / part
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


def test_a_prompt_with_unknown_words_is_told_in_bytes(saved):
    pipe = loading.read(saved)
    found = pipe("solve the zebra ö 迷路", picture(), max_chunks=1, max_words=2, interventions={1: "go"})
    assert len(found.frames[0]) == 2


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 12), np.uint8),
        np.zeros((8, 12, 4), np.uint8),
        np.zeros((8, 12, 3)),
        np.zeros((0, 12, 3), np.uint8),
    ],
)
def test_images_of_another_kind(saved, image):
    with pytest.raises(UserError, match=r"^an image of [0-9x]+ \w+: give PIL images"):
        loading.read(saved)("go", [image])


def test_a_chunk_that_is_not_there_takes_no_words(saved):
    with pytest.raises(UserError, match="no chunk 0 to speak before"):
        loading.read(saved)("go", picture(), interventions={0: "up"})


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        (
            "transformer/config.json",
            {"hidden_size": 64},
            "weights of another config: blocks.0.text.input_lay",
        ),
        ("transformer/config.json", {"num_layers": 3}, "is not there, the config has it"),
        ("transformer/config.json", {"num_layers": 1}, "the config has it not there"),
        ("transformer/config.json", {"skip": "previous"}, "before.bias is not there, the config has it 32"),
        ("transformer/config.json", {"rope_sections": [1, 1, 1]}, "must sum up to 8"),
        ("model_index.json", {"_class_name": "WanPipeline"}, "holds a WanPipeline, no TV2TVPipeline"),
        ("vae/config.json", {"patch": 6}, "tokens of 6 px have 108 numbers, the transformer takes 48"),
    ],
)
def test_a_checkpoint_of_another_config(saved, tmp_path, part, values, said):
    folder = changed(saved, tmp_path, part, **values)
    card = cards.load(cards.GeneratorCard, "tv2tv-nano")
    with pytest.raises(UserError, match=said) as told:
        _ = generators.load(card, {**card.options, "model": str(folder), "grids": [list(GRID)]}).pipe
    assert str(told.value).startswith("generator tv2tv-nano: ") and "\n" not in str(told.value)


def test_weights_that_are_gone_or_cut_off(saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "gone")
    path = folder / "transformer/diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=f"^{folder}: "):
        loading.read(folder)
    path.unlink()
    with pytest.raises(UserError, match="holds no weights"):
        loading.read(folder)


def test_no_card_says_the_grids(saved):
    card = cards.load(cards.GeneratorCard, "tv2tv-nano")
    with pytest.raises(UserError, match="no card that names grids"):
        _ = generators.load(card, {**card.options, "model": str(saved)}).grids


def test_training_goes_on_from_the_same_config_alone(tmp_path):
    first = tv2tv.train(settings(train__steps=1), tmp_path / "run", quiet=True)
    again = tv2tv.pipeline(settings(start=str(first)))
    assert again.transformer.config.hidden_size == MODEL["hidden_size"]
    with pytest.raises(UserError, match="has num_layers 2, the config 4: make them equal"):
        tv2tv.pipeline(settings(start=str(first), model={**MODEL, "num_layers": 4}))
    with pytest.raises(UserError, match="has token 12, the config 8"):
        tv2tv.pipeline(settings(start=str(first), token=8))
    with pytest.raises(UserError, match="unknown model: 'layers': did you mean 'num_layers'"):
        tv2tv.pipeline(settings(start=str(first), model={"layers": 2}))


@pytest.mark.parametrize("tower", ["text", "video"])
def test_a_lora_is_for_its_tower(saved, tmp_path, tower):
    source = loading.read(saved).transformer
    loading.add_lora(source, tower, 2)
    trained = [n for n, p in source.named_parameters() if p.requires_grad]
    assert trained and all(f".{tower}." in name for name in trained)
    for name in trained:
        torch.nn.init.normal_(source.get_parameter(name), std=0.5)
    source.save_lora_adapter(tmp_path)
    other = "video" if tower == "text" else "text"
    with pytest.raises(UserError, match=f"is a LoRA of the {tower} tower, not of the {other} tower"):
        loading.load_lora(loading.read(saved).transformer, tmp_path, other)
    with pytest.raises(UserError, match="of a model of another size"):
        loading.load_lora(model(hidden_size=64).float(), tmp_path)
    back = loading.read(saved).transformer
    assert loading.load_lora(back, tmp_path, tower) == tower
    given = {
        n: t.float() if torch.is_tensor(t) and t.is_floating_point() else t for n, t in inputs(back).items()
    }
    with torch.no_grad():
        a, b = source.eval()(**given), back.eval()(**given)
    assert torch.allclose(a.text_logits, b.text_logits, atol=1e-6)
    plain = loading.read(saved).transformer.eval()
    with torch.no_grad():
        assert not torch.allclose(plain(**given).text_logits, b.text_logits, atol=1e-3)


def test_what_is_no_lora(saved, tmp_path):
    from safetensors.torch import save_file

    made = loading.read(saved).transformer
    with pytest.raises(UserError, match="no LoRA can be read there"):
        loading.load_lora(made, tmp_path)
    save_file({"transformer.blocks.0.attn1.to_q.lora_A.weight": torch.zeros(2, 4)}, tmp_path / loading.LORA)
    with pytest.raises(UserError, match="no LoRA of a TV2TV tower"):
        loading.load_lora(made, tmp_path)
