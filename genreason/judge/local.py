"""A vision-language model of transformers in this process, or a language model where no picture is shown."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genreason.judge.frames import Picture
from genreason.judge.messages import BusyError, ContextError, Message, Reply, Token, Usage
from genreason.judge.settings import BackendCard
from genreason.types import Json, UserError

_TOP = 5


class LocalBackend:
    """`AutoModelForImageTextToText` with its processor, or `AutoModelForCausalLM`; one call at a time."""

    def __init__(self, card: BackendCard, judge: str, pictures: bool = True) -> None:
        """Load the model.

        Args:
            card: its `model` is a folder, a hub name, or a GGUF file of a language model.
            judge: whom errors name.
            pictures: it is shown pictures; without them, a model of words alone will do.

        Raises:
            UserError: transformers is not installed, there is no such model, or it takes no pictures.
        """
        try:
            import torch
            import transformers
        except ModuleNotFoundError as error:
            raise UserError(
                f'judge {judge}: a local model needs {error.name}: pip install "genreason[model]"'
            ) from None
        self.card, self._torch, self._lock = card, torch, threading.Lock()
        read = _read_pictures if pictures else _read_words
        try:
            self._processor, model = read(transformers, card.model)
            self._model = model.to(card.device).eval()
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            said = " ".join(str(error).split())[:300]
            where = "no such folder, or " if not Path(card.model).exists() else ""
            raise UserError(f"judge {judge}: the model {card.model} cannot be used ({where}{said})") from None
        self._plain = not hasattr(self._processor, "image_processor")

    def complete(self, messages: Sequence[Message], schema: Json | None, sample: int) -> Reply:
        """One reply; see `Backend`. A schema is asked for in words only."""
        with self._lock:
            return self._complete(messages, sample)

    def _complete(self, messages: Sequence[Message], sample: int) -> Reply:
        torch = self._torch
        inputs = self._processor.apply_chat_template(
            [_message(message, self._plain) for message in messages],
            add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
        ).to(self.card.device)  # fmt: skip
        length = int(inputs["input_ids"].shape[1])
        room = self._context()
        if room is not None and length + self.card.max_tokens > room:
            raise ContextError(
                f"{length} tokens and {self.card.max_tokens} of a reply do not fit into {room}"
            )
        sampling: dict[str, Any] = {"do_sample": False}
        if self.card.temperature:
            sampling = {"do_sample": True, "temperature": self.card.temperature}
            torch.manual_seed(sample)
        with torch.inference_mode():
            try:
                out = self._model.generate(
                    **inputs, **sampling, max_new_tokens=self.card.max_tokens,
                    return_dict_in_generate=True, output_logits=self.card.logprobs,
                )  # fmt: skip
            except torch.OutOfMemoryError as error:
                raise ContextError(str(error).splitlines()[0]) from None
            except RuntimeError as error:
                raise BusyError(f"the model failed: {str(error).splitlines()[0]}") from None
        new = out.sequences[0, length:]
        text = self._processor.decode(new, skip_special_tokens=True)
        finish = "length" if len(new) >= self.card.max_tokens else "stop"
        tokens = self._tokens(new, out.logits) if self.card.logprobs else ()
        return Reply(text, finish, Usage(length, 0, len(new)), tokens)

    def _context(self) -> int | None:
        config = self._model.config
        text = getattr(config, "text_config", config)
        found = getattr(text, "max_position_embeddings", None)
        return int(found) if found else None

    def _tokens(self, new: Any, logits: Any) -> tuple[Token, ...]:
        found = []
        for token, row in zip(new, logits, strict=True):
            top = self._torch.log_softmax(row[0].float(), dim=-1).topk(_TOP)
            names = [self._processor.decode([i]) for i in top.indices]
            found.append(
                Token(self._processor.decode([token]), dict(zip(names, top.values.tolist(), strict=True)))
            )
        return tuple(found)


def _read_pictures(transformers: Any, name: str) -> tuple[Any, Any]:
    """Processor and model that take pictures."""
    processor = transformers.AutoProcessor.from_pretrained(name)
    if not hasattr(processor, "image_processor"):  # without one, the tokenizer comes back instead
        raise ValueError("it takes no pictures")
    return processor, transformers.AutoModelForImageTextToText.from_pretrained(name)


def _read_words(transformers: Any, name: str) -> tuple[Any, Any]:
    """Tokenizer and language model; of a model that takes pictures, too."""
    place: dict[str, Any] = {"pretrained_model_name_or_path": name}
    if name.endswith(".gguf"):
        path = Path(name)
        place = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    tokenizer = transformers.AutoTokenizer.from_pretrained(**place)
    if tokenizer.chat_template is None:
        raise ValueError("it has no chat template: it was not trained to answer")
    config = transformers.AutoConfig.from_pretrained(**place)
    if type(config) in transformers.MODEL_FOR_CAUSAL_LM_MAPPING:
        return tokenizer, transformers.AutoModelForCausalLM.from_pretrained(**place)
    return tokenizer, transformers.AutoModelForImageTextToText.from_pretrained(**place)


def _message(message: Message, plain: bool) -> Json:
    """As chat templates take it; those of language models take one text."""
    from PIL import Image

    if plain:
        return {"role": message.role, "content": "\n".join(str(part) for part in message.parts)}
    content: list[Json] = []
    for part in message.parts:
        if isinstance(part, Picture):
            content.append({"type": "image", "image": Image.open(io.BytesIO(part.data)).convert("RGB")})
        else:
            content.append({"type": "text", "text": part})
    return {"role": message.role, "content": content}
