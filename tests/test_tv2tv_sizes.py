"""Larger recipes: they build, and go forward and backward on torch's meta device or at tiny sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from genreason.model import layout as layouts  # noqa: E402
from genreason.model import loading, words  # noqa: E402
from genreason.model.layout import Chunk, Text  # noqa: E402
from genreason.model.transformer import TV2TVTransformer  # noqa: E402
from genreason.train import config, tv2tv  # noqa: E402
from genreason.train.world import vocabulary  # noqa: E402
from genreason.types import UserError  # noqa: E402

torch.set_num_threads(1)
RECIPES = Path(__file__).parents[1] / "scripts/recipes"
LLAMA_3B = {
    "vocab_size": 128259, "hidden_size": 3072, "num_layers": 28, "num_heads": 24, "num_kv_heads": 8,
    "head_dim": 128, "intermediate_size": 8192, "axes": "joint", "rope_sections": [32, 16, 16],
    "qk_norm": False, "tie_embeddings": True, "latent_channels": 16,
}  # fmt: skip


def on_meta(sizes):
    """A model, and a sample forward and backward, without memory."""
    with torch.device("meta"):
        made = TV2TVTransformer(**sizes).train()
    row = [Text((1, 2)), Chunk(0, 4, 4, False), Text((3,)), Text((4, 5)), Chunk(1, 4, 4), Text((3, 6))]
    placed = layouts.place(row, made.config.axes).to("meta")
    side = 4 * made.config.patch_size
    latents = torch.zeros(1, 2, made.config.latent_channels, side, side, device="meta")
    out = made(
        torch.zeros(1, 7, dtype=torch.int64, device="meta"), placed, clean=latents, noisy=latents[:, 1:],
        sigmas=torch.zeros(1, 1, device="meta"), reference=latents[:, :1],
    )  # fmt: skip
    (out.prediction.square().mean() + out.text_logits.square().mean()).backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in made.parameters())
    return sum(p.numel() for p in made.parameters()) / 1e6


def test_small_on_the_meta_device():
    recipe = yaml.safe_load((RECIPES / "tv2tv-small.yaml").read_text())
    tokens = len(words.tokenizer(vocabulary()))
    millions = on_meta({"vocab_size": tokens, "latent_channels": 3 * recipe["token"] ** 2, **recipe["model"]})
    assert 150 < millions < 250


def test_3b_on_the_meta_device():
    recipe = yaml.safe_load((RECIPES / "tv2tv-3b.yaml").read_text())
    assert 5500 < on_meta({**LLAMA_3B, **recipe["model"]}) < 6500


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A Llama with the scaled rotary embedding of 3.2, and a Wan autoencoder, both tiny."""
    root = tmp_path_factory.mktemp("parts")
    torch.manual_seed(0)
    tokenizer = words.tokenizer(vocabulary())
    scaled = {
        "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64, "rope_theta": 500000.0,
    }  # fmt: skip
    sizes = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=48, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=3, num_key_value_heads=1, tie_word_embeddings=True, rope_parameters=scaled,
    )  # fmt: skip
    transformers.LlamaForCausalLM(sizes).save_pretrained(root / "llm")
    tokenizer.save_pretrained(root / "llm")
    diffusers.AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.0] * 16,
        latents_std=[1.0] * 16,
    ).save_pretrained(root / "vae")  # fmt: skip
    return root


def changes(parts, **more):
    worlds = [{"rooms": 3, "held_out": 0, "styles": ["slate"]}]
    return {
        "llm": str(parts / "llm"), "vae": str(parts / "vae"), "worlds": worlds, "tokens": 100,
        "most_steps": 3, "model.unet_channels": 8, "train.steps": 1, "train.accumulate": 1,
        "validation": {"clips": 1, "levels": [0.5]}, **more,
    }  # fmt: skip


@pytest.mark.parametrize("frozen", [False, True])
def test_3b_trains_at_tiny_sizes(parts, tmp_path, frozen):
    """From a Llama and a Wan autoencoder: a step, then words and frames by what was saved."""
    settings = config.read(RECIPES / "tv2tv-3b.yaml", changes(parts, freeze_text=frozen))
    start = tv2tv.pipeline(settings).transformer.state_dict()
    made = tv2tv.train(settings, tmp_path / "run", quiet=True)
    pipe = loading.read(made)
    moved = {n for n, t in pipe.transformer.state_dict().items() if not torch.equal(t, start[n])}
    assert any(".video." in name for name in moved)
    assert any(".text." in name for name in moved) != frozen
    first = torch.randint(0, 255, (48, 48, 3), dtype=torch.uint8).numpy()
    found = pipe("go", [first], max_chunks=2, max_words=2, interventions={1: "go up", 2: "go down"})
    assert found.frames[0].shape == (1 + 2 * 4, 48, 48, 3)


def test_parts_that_do_not_fit(parts, tmp_path):
    path = RECIPES / "tv2tv-3b.yaml"
    with pytest.raises(UserError, match="token: 12 px, but codec and patches make tokens of 16 px"):
        tv2tv.pipeline(config.read(path, changes(parts, token=12)))
    with pytest.raises(UserError, match="no video autoencoder at"):
        tv2tv.pipeline(config.read(path, changes(parts, vae=str(tmp_path))))
    with pytest.raises(UserError, match="no tokenizer at|no language model at"):
        tv2tv.pipeline(config.read(path, changes(parts, llm=str(tmp_path))))
