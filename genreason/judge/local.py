"""A vision-language model of transformers in this process."""

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
    """`AutoModelForImageTextToText` with its processor; one call at a time."""

    def __init__(self, card: BackendCard, judge: str) -> None:
        """Load the model.

        Raises:
            UserError: transformers is not installed, there is no such model, or it takes no pictures.
        """
        try:
            import torch
            from transformers import AutoModelForImageTextToText, AutoProcessor
        except ModuleNotFoundError as error:
            raise UserError(
                f'judge {judge}: a local model needs {error.name}: pip install "genreason[model]"'
            ) from None
        self.card, self._torch, self._lock = card, torch, threading.Lock()
        try:
            loader: Any = AutoProcessor
            self._processor: Any = loader.from_pretrained(card.model)
            if not hasattr(
                self._processor, "image_processor"
            ):  # without one, the tokenizer comes back instead
                raise ValueError("it takes no pictures")
            model: Any = AutoModelForImageTextToText.from_pretrained(card.model)
            self._model = model.to(card.device).eval()
        except (OSError, ValueError, RuntimeError) as error:
            said = " ".join(str(error).split())[:300]
            where = "no such folder, or " if not Path(card.model).exists() else ""
            raise UserError(f"judge {judge}: the model {card.model} cannot be used ({where}{said})") from None

    def complete(self, messages: Sequence[Message], schema: Json | None, sample: int) -> Reply:
        """One reply; see `Backend`. A schema is asked for in words only."""
        with self._lock:
            return self._complete(messages, sample)

    def _complete(self, messages: Sequence[Message], sample: int) -> Reply:
        torch = self._torch
        inputs = self._processor.apply_chat_template(
            [_message(message) for message in messages],
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


def _message(message: Message) -> Json:
    from PIL import Image

    content: list[Json] = []
    for part in message.parts:
        if isinstance(part, Picture):
            content.append({"type": "image", "image": Image.open(io.BytesIO(part.data)).convert("RGB")})
        else:
            content.append({"type": "text", "text": part})
    return {"role": message.role, "content": content}
