"""Tokenizers for small models: a list of words, and bytes for everything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
BOF, EOF, NULL = "<frame>", "</frame>", "<null>"
"""Begin and end of a frame chunk, and what stands for words that are left out (for guidance)."""


def tokenizer(words: Sequence[str]) -> Any:
    """A tokenizer that has these words as tokens; any other text is told in bytes."""
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581"]
    pieces += [f"\u2581{word}" for word in words] + ["\n"]
    # Longer pieces win: a word is one token wherever there is one for it.
    scores = [(piece, 0.0 if i == 0 else -1.0 if i > 257 else -10.0) for i, piece in enumerate(pieces)]
    inner = tokenizers.Tokenizer(models.Unigram(scores, unk_id=0, byte_fallback=True))
    inner.normalizer = normalizers.NFC()
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    make: Any = PreTrainedTokenizerFast
    found = make(tokenizer_object=inner, **SPECIAL)
    found.add_special_tokens({"additional_special_tokens": [BOF, EOF, NULL]})
    return found


def ids(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Token ids of a text, without marks of its beginning and end."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def marks(tokenizer: Any) -> dict[str, int]:
    """Ids of the marks: "bos", "eos", "pad", "bof", "eof", "null"; bos is None where there is none."""
    names = {"bof": BOF, "eof": EOF, "null": NULL}
    found = {key: tokenizer.convert_tokens_to_ids(name) for key, name in names.items()}
    return {
        **found, "bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "pad": tokenizer.pad_token_id,
    }  # fmt: skip
