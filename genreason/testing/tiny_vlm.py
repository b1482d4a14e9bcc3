"""A vision-language model with random weights, to test the whole path to a server without one worth asking.

It sees pictures and writes nonsense: every clip it judges is unscored, because no reply of its is valid.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genreason.types import UserError

_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: "
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% else %}"
    "{{ part['text'] }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
_SIDE, _PATCH = 28, 14  # pixels of a picture, and of a patch of it: four tokens a picture
_SPECIALS = ("<pad>", "<s>", "</s>", "<unk>", "<image>")


def tiny_vlm(folder: Path) -> Path:
    """Save a tiny LLaVA with its processor, as transformers does (some 300 KB).

    Args:
        folder: where to; made where it does not exist.

    Returns:
        The folder.

    Raises:
        UserError: transformers is not installed.
    """
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise UserError(f'a tiny model needs {error.name}: pip install "genreason[model]"') from None
    loose: Any = transformers  # its lazy names have no types
    tokenizer = _tokenizer(loose)
    torch.manual_seed(0)
    vision = loose.CLIPVisionConfig(
        hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4, image_size=_SIDE,
        patch_size=_PATCH, projection_dim=32,
    )  # fmt: skip
    text = loose.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=37, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=16384,
        pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    config = loose.LlavaConfig(
        vision_config=vision, text_config=text, image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(_SIDE // _PATCH) ** 2, vision_feature_layer=-1,
    )  # fmt: skip
    size = {"height": _SIDE, "width": _SIDE}
    images = loose.CLIPImageProcessor(size={"shortest_edge": _SIDE}, crop_size=size)
    processor = loose.LlavaProcessor(
        image_processor=images, tokenizer=tokenizer, patch_size=_PATCH, chat_template=_TEMPLATE,
        vision_feature_select_strategy="default", num_additional_image_tokens=1,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    loose.LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _tokenizer(loose: Any) -> Any:
    """Bytes as tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*_SPECIALS, *alphabet])}
    plain = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    return loose.PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=["<image>"],
    )  # fmt: skip
