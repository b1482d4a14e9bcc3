"""Any OpenAI-compatible endpoint: OpenAI, vLLM, SGLang, `transformers serve`, llama.cpp and others."""

from __future__ import annotations

import email.utils
import importlib.util
import os
import re
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genreason.judge.frames import Picture
from genreason.judge.messages import (
    Backend,
    BusyError,
    ContextError,
    Message,
    RefusedError,
    Reply,
    Token,
    UnansweredError,
    Usage,
)
from genreason.judge.settings import BackendCard
from genreason.types import GenreasonError, Json, UserError

if TYPE_CHECKING:
    import openai

_CONTEXT = re.compile(
    r"context.{0,20}length|maximum context|context window|too many tokens|prompt is too long|"
    r"exceeds? (?:the )?(?:max|available|model)|max_model_len|input is too long",
    re.IGNORECASE,
)
_VISION = re.compile(
    r"(?:does not|doesn't|not|cannot|no) (?:support|accept|take|allow|a)?[^.]{0,40}"
    r"(?:image|vision|visual|multimodal|multi-modal)"
    r"|(?:image|vision|multimodal)[^.]{0,40}(?:not supported|unsupported|not allowed|only supported by)",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"response_format|json_schema|json_object|structured output|guided", re.IGNORECASE)
_WEAKER = {"json_schema": "json_object", "json_object": "none"}
_LONGEST = 300  # characters of an endpoint's error that are repeated
_LARGEST_WAIT = 600.0  # seconds; an endpoint that asks for more is asked again after these


def load(card: BackendCard, judge: str, pictures: bool = True) -> Backend:
    """The backend of a card; `pictures`: it will be shown some.

    Raises:
        UserError: it cannot be used here: no key, a package is missing, no such model folder.
    """
    if card.kind == "local":
        from genreason.judge.local import LocalBackend

        return LocalBackend(card, judge, pictures)
    return OpenAIBackend(card, judge)


class OpenAIBackend:
    """An endpoint that speaks OpenAI's chat completions."""

    def __init__(self, card: BackendCard, judge: str) -> None:
        """Prepare to ask; nothing is sent yet.

        Raises:
            UserError: there is no address or no key, or the package openai is not installed.
        """
        if importlib.util.find_spec("openai") is None:
            raise UserError(f'judge {judge} needs openai: pip install "genreason[judge]"')
        if card.base_url is None:
            raise UserError(
                f"judge {judge}: backend.base_url: which endpoint? Such as http://localhost:8000/v1"
            )
        self.card, self.judge = card, judge
        self._key = os.environ.get(card.key_env, "") if card.key_env else ""
        if not self._key and not card.on_this_machine:
            name = card.key_env or "OPENAI_API_KEY"
            raise UserError(
                f"judge {judge}: {card.base_url} needs a key: set {name} in the environment, or name another "
                "variable with -o backend.key_env=NAME"
            )
        self._structured = card.structured
        self._client: openai.OpenAI | None = None
        self._lock = threading.Lock()

    def complete(self, messages: Sequence[Message], schema: Json | None, sample: int) -> Reply:
        """One reply of the endpoint; see `Backend`."""
        import openai
        from openai.types.chat import ChatCompletion

        while True:
            structured = self._structured
            try:
                # Not chat.completions.create: it checks the types of all messages, for as much CPU again.
                answer = self._connected().post(
                    "/chat/completions", cast_to=ChatCompletion, body=self._body(messages, schema, sample)
                )
                return self._reply(answer)
            except openai.APIStatusError as error:
                text = self._clean(error)
                if error.status_code in (400, 422) and structured != "none" and _FORMAT.search(text):
                    with self._lock:
                        if self._structured == structured:
                            self._structured = _WEAKER[structured]  # type: ignore[assignment]
                    continue
                raise self._failure(error, text) from None
            except openai.APITimeoutError:
                raise BusyError(f"no answer within {self.card.timeout:g} s") from None
            except openai.APIConnectionError as error:
                cause = self._clean(error.__cause__ or error)
                raise BusyError(f"the connection failed ({cause})", unreachable=True) from None
            except (openai.APIError, ValueError, TypeError, AttributeError, KeyError) as error:
                # What came back is no chat completion: cut off, or a proxy's page.
                raise BusyError(f"the reply is no chat completion ({self._clean(error)})") from None

    def _connected(self) -> openai.OpenAI:
        import openai

        with self._lock:
            if self._client is None:
                self._client = openai.OpenAI(
                    api_key=self._key or "none",
                    base_url=self.card.base_url,
                    timeout=self.card.timeout,
                    max_retries=0,  # retries, waits and their counting are ours
                )
            return self._client

    def _body(self, messages: Sequence[Message], schema: Json | None, sample: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.card.model,
            "messages": [_message(message) for message in messages],
            self.card.token_limit: self.card.max_tokens,
        }
        if self.card.temperature is not None:
            body["temperature"] = self.card.temperature
            if self.card.temperature > 0:
                body["seed"] = sample
        if self.card.logprobs:
            body |= {"logprobs": True, "top_logprobs": 5}
        if schema is not None and self._structured == "json_schema":
            wanted = {"name": "answers", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif schema is not None and self._structured == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def _reply(self, answer: Any) -> Reply:
        choice = answer.choices[0]
        text = choice.message.content or ""
        usage = _usage(answer.usage)
        if getattr(choice.message, "refusal", None):
            raise RefusedError("the model refused to answer", self._clean(choice.message.refusal))
        if choice.finish_reason == "content_filter":
            raise RefusedError("the endpoint's filter held the answer back", self._clean(text))
        tokens: tuple[Token, ...] = ()
        if choice.logprobs is not None and choice.logprobs.content:
            tokens = tuple(
                Token(each.token, {top.token: float(top.logprob) for top in each.top_logprobs or ()})
                for each in choice.logprobs.content
            )
        return Reply(self._hide(text), choice.finish_reason or "stop", usage, tokens)

    def _failure(self, error: openai.APIStatusError, text: str) -> Exception:
        """What an error status means for the judge."""
        status, where = error.status_code, self.card.base_url
        code = str(getattr(error, "code", "") or "")
        if status in (401, 403):
            name = self.card.key_env or "no variable"
            return UserError(f"judge {self.judge}: {where} refuses the key in {name} ({status}): {text}")
        # Servers of one model answer 400 to any other, and name the one that they were asked for.
        if status == 404 or (status == 400 and repr(self.card.model) in text):
            return UserError(
                f"judge {self.judge}: {where} has no model {self.card.model!r} ({status}: {text}): "
                "give another with -o backend.model=NAME"
            )
        if status == 429 and ("insufficient_quota" in (code, text) or "quota" in code):
            return GenreasonError(f"judge {self.judge}: the account at {where} is used up: {text}")
        if (
            status == 413
            or code == "context_length_exceeded"
            or (status in (400, 422) and _CONTEXT.search(text))
        ):
            return ContextError(text)
        if status in (400, 422) and _VISION.search(text):
            return UserError(
                f"judge {self.judge}: the model {self.card.model!r} takes no pictures ({text}): "
                "choose one with vision"
            )
        if status in (408, 409, 425, 429) or status >= 500:
            return BusyError(
                f"status {status}: {text}", retry_after=_retry_after(error.response.headers),
                throttled=status in (429, 503),
            )  # fmt: skip
        return UnansweredError(f"the endpoint takes no such request (status {status}): {text}")

    def _clean(self, error: object) -> str:
        """An error's text in one line, short and without the key."""
        body = getattr(error, "body", None)
        inner = body.get("error", body) if isinstance(body, dict) else None
        if isinstance(inner, dict):
            inner = inner.get("message") or inner.get("detail")
        said = inner if isinstance(inner, str) else None
        text = " ".join(str(said or getattr(error, "message", None) or error).split())
        return self._hide(text)[:_LONGEST]

    def _hide(self, text: str) -> str:
        if len(self._key) >= 4:
            text = text.replace(self._key, "[key]")
        return re.sub(r"\b(?:sk|key|Bearer)[-_ ][A-Za-z0-9*_-]{8,}", "[key]", text)


def _message(message: Message) -> Json:
    if all(isinstance(part, str) for part in message.parts):
        return {"role": message.role, "content": "\n".join(str(part) for part in message.parts)}
    content: list[Json] = []
    for part in message.parts:
        if isinstance(part, Picture):
            content.append({"type": "image_url", "image_url": {"url": part.url}})
        else:
            content.append({"type": "text", "text": part})
    return {"role": message.role, "content": content}


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    details = getattr(usage, "prompt_tokens_details", None)
    cached = int(getattr(details, "cached_tokens", None) or 0)
    return Usage(int(usage.prompt_tokens or 0), cached, int(usage.completion_tokens or 0))


def _retry_after(headers: Any) -> float | None:
    """Seconds that the endpoint asks to wait: as seconds, milliseconds, or a date."""
    text = headers.get("retry-after")
    try:
        if headers.get("retry-after-ms") is not None:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif text is None:
            return None
        else:
            seconds = float(text)
    except ValueError:
        date = email.utils.parsedate_tz(text or "")
        if date is None:
            return None
        seconds = email.utils.mktime_tz(date) - time.time()
    return min(max(seconds, 0.0), _LARGEST_WAIT)
