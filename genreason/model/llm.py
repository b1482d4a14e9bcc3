"""A TV2TV model from a language model: its text tower is the language model, its video tower a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genreason.model import words
from genreason.model.transformer import TV2TVTransformer
from genreason.types import UserError

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
_OUTER = {"model.embed_tokens": "embed_tokens", "model.norm": "text_norm", "lm_head": "lm_head"}


def from_pretrained_llm(
    source: Any, tokenizer: Any = None, *, prediction_type: str = "velocity", **video: Any
) -> TV2TVTransformer:
    """Build a transformer around a language model of Hugging Face (Llama, Mistral, Qwen 2 or 3).

    On text alone its logits are the source's. The marks of frames are new words, which begin as the mean of
    all words; the head of the video tower begins at zero.

    Args:
        source: a causal language model, or the folder or hub name of one.
        tokenizer: its tokenizer; the marks of frames are added to it. None: the words are numbered as they
            were, and the marks come last.
        prediction_type: "velocity" or "sample".
        video: more of the config: latent_channels, patch_size, patch_io, max_side, ...

    Raises:
        UserError: a model of another family, or one that cannot be read.
    """
    llm = source if isinstance(source, nn.Module) else _read(source)
    config: Any = llm.config
    if config.model_type not in FAMILIES:
        raise UserError(
            f"a language model of the family {config.model_type}: only {', '.join(FAMILIES)} are known here"
        )
    count = _with_marks(tokenizer, config.vocab_size)
    rotary: Any = llm.get_submodule("model.rotary_emb")
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    side = head_dim // 8
    state = llm.state_dict()
    made = TV2TVTransformer(
        vocab_size=count,
        hidden_size=config.hidden_size,
        num_layers=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        num_kv_heads=config.num_key_value_heads,
        head_dim=head_dim,
        intermediate_size=config.intermediate_size,
        axes="joint",
        rope_sections=(head_dim // 2 - 2 * side, side, side),
        rope_frequencies=rotary.inv_freq.double().tolist(),
        rope_scale=float(getattr(rotary, "attention_scaling", 1.0)),
        qk_norm="model.layers.0.self_attn.q_norm.weight" in state,
        qkv_bias="model.layers.0.self_attn.q_proj.bias" in state,
        tie_embeddings=bool(config.tie_word_embeddings),
        rms_eps=config.rms_norm_eps,
        prediction_type=prediction_type,
        **video,
    )
    with torch.no_grad():
        for name, value in _renamed(state):
            if name == "lm_head.weight" and config.tie_word_embeddings:
                continue
            _put(made.get_parameter(name), value)
    found: TV2TVTransformer = made.to(next(llm.parameters()).dtype)
    return found


def read_tokenizer(source: str | Path) -> Any:
    """The tokenizer of a language model, with a word for padding.

    Raises:
        UserError: there is none.
    """
    from transformers import AutoTokenizer

    try:
        found: Any = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise UserError(f"no tokenizer at {source}: {' '.join(str(error).split())[:200]}") from error
    if found.pad_token_id is None:
        found.pad_token = found.eos_token
    return found


def freeze_text(model: TV2TVTransformer) -> None:
    """Train the video side alone (as LMFusion does)."""
    for name, parameter in model.named_parameters():
        if ".text." in name or name.startswith(("embed_tokens", "text_norm", "lm_head")):
            parameter.requires_grad_(False)


def _read(source: str | Path) -> nn.Module:
    from transformers import AutoModelForCausalLM

    try:
        found: nn.Module = AutoModelForCausalLM.from_pretrained(source)
    except (OSError, ValueError) as error:
        text = " ".join(str(error).split())[:200]
        raise UserError(f"no language model at {source}: {text}") from error
    return found


def _with_marks(tokenizer: Any, count: int) -> int:
    """Add the marks of frames to the tokenizer; how many words there are with them."""
    marks = [words.BOF, words.EOF, words.NULL]
    if tokenizer is None:
        return count + len(marks)
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    return max(count, len(tokenizer))


def _renamed(state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The language model's weights under our names: once for text, once more for video."""
    for name, value in state.items():
        outer, _, leaf = name.rpartition(".")
        if outer in _OUTER:
            yield f"{_OUTER[outer]}.{leaf}", value
            if outer == "model.norm":
                yield f"video_norm.{leaf}", value
        elif name.startswith("model.layers."):
            number, _, rest = name.removeprefix("model.layers.").partition(".")
            for tower in ("text", "video"):
                yield f"blocks.{number}.{tower}.{rest.removeprefix('self_attn.')}", value


def _put(parameter: Tensor, value: Tensor) -> None:
    """Copy a weight; rows that are new are the mean of the others."""
    known = value.shape[0]
    parameter[:known] = value.to(parameter.dtype)
    if parameter.shape[0] > known:
        parameter[known:] = value.float().mean(0).to(parameter.dtype)
