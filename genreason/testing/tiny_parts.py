"""What tiny pipelines of several families share: tokenizers, text and vision encoders, Wan's autoencoder."""

from __future__ import annotations

import importlib
from typing import Any

LOG_VARIANCE = -6.0  # of latents, where the pipeline draws them: small beside their means, as in real ones
WIDTH = 32  # of the text encoders


def tokenizer(length: int) -> Any:
    """A byte-level tokenizer, one token a byte: any text can be read."""
    tokenizers = importlib.import_module("tokenizers")
    special = ["<pad>", "</s>", "<unk>"]
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*special, *letters])}
    core = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = tokenizers.decoders.ByteLevel()
    core.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", vocabulary["</s>"])]
    )
    fast = importlib.import_module("transformers").PreTrainedTokenizerFast
    return fast(
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=length
    )


def text(kind: str, length: int) -> tuple[Any, Any]:
    """A tokenizer and an encoder of the kind "T5" or "UMT5"."""
    words = tokenizer(length)
    return words, t5(kind, len(words))


def t5(kind: str, vocabulary: int) -> Any:
    """An encoder of the kind "T5" or "UMT5" over so many tokens."""
    transformers = importlib.import_module("transformers")
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=vocabulary, d_model=WIDTH, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
        relative_attention_num_buckets=8,
    )  # fmt: skip
    return getattr(transformers, f"{kind}EncoderModel")(config).eval()


def vision() -> tuple[Any, Any]:
    """CLIP's view of a picture, 4 wide, and the processor before it."""
    transformers = importlib.import_module("transformers")
    config = transformers.CLIPVisionConfig(
        hidden_size=4, projection_dim=4, num_hidden_layers=2, num_attention_heads=2, image_size=32,
        intermediate_size=16, patch_size=1,
    )  # fmt: skip
    return transformers.CLIPVisionModel(config).eval(), transformers.CLIPImageProcessorPil(
        crop_size=32, size=32
    )


def wan_vae(diffusers: Any) -> Any:
    """Wan 2.1's autoencoder: 8 times smaller in space, 4 in time, 16 channels."""
    return diffusers.AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1] * 4, num_res_blocks=1, temperal_downsample=[False, True, True]
    )
