"""What the card of a judge that asks a model may say: backend, frames, limits, how it asks."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from genreason import seeds
from genreason.cards import Strict
from genreason.types import Json, UserError

T = TypeVar("T", bound=BaseModel)


class Price(Strict):
    """Money for a million tokens, in the currency of the budget; 0 where nothing is paid."""

    input: float = Field(default=0.0, ge=0)
    cached: float = Field(default=0.0, ge=0)
    output: float = Field(default=0.0, ge=0)


class BackendCard(Strict):
    """Who is asked.

    Attributes:
        kind: "openai" for any OpenAI-compatible endpoint, "local" for a transformers model in this process.
        model: its name at the endpoint, or a folder or hub name for "local".
        base_url: of the endpoint, with its version ("http://localhost:8000/v1").
        key_env: name of the environment variable that holds the key; a server on this machine needs none.
        temperature: None leaves it to the server (reasoning models take none).
        max_tokens: most tokens of a reply.
        token_limit: which parameter says so: newer OpenAI models ask for "max_completion_tokens".
        structured: how JSON is asked for: "json_schema", "json_object" or "none" (in words only).
        logprobs: ask for log-probabilities of the answers where the backend gives them.
        image_tokens: tokens of one picture, for estimates before a call; 0 counts 28 x 28 pixels as one.
        timeout: seconds for a call.
        device: for "local".
        price: of its tokens.
    """

    kind: Literal["openai", "local"] = "openai"
    model: str = Field(min_length=1)
    base_url: str | None = "https://api.openai.com/v1"
    key_env: str | None = "OPENAI_API_KEY"
    temperature: float | None = Field(default=0.0, ge=0)
    max_tokens: int = Field(default=1500, ge=1)
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    logprobs: bool = False
    image_tokens: int = Field(default=0, ge=0)
    timeout: float = Field(default=120.0, gt=0)
    device: str = "cpu"
    price: Price = Price()

    @field_validator("key_env")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            # It may be the key itself: it must not stand in the error.
            raise ValueError("it is the name of an environment variable, such as OPENAI_API_KEY, never a key")
        return name

    @field_validator("base_url")
    @classmethod
    def _holds_no_secret(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it is no http or https address, such as http://localhost:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("it holds a user, key or query: keys come from the environment only (key_env)")
        return url.rstrip("/")

    @property
    def on_this_machine(self) -> bool:
        """Whether the endpoint is a server of this machine, which needs no key."""
        host = urlsplit(self.base_url or "").hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


class FramePlan(Strict):
    """Which frames of a clip are shown, and how.

    Attributes:
        first, last: the ends.
        settled: the first frame of the rest that the clip ends in.
        uniform: so many frames, evenly spread, both ends included; 0 for none.
        changes: so many frames in which most changes.
        every: seconds between frames, counted from the first; None for none.
        order: "time"; "shuffled" mixes them and says nothing of it (does the judge use time?); "none" shows
            no frames at all (does it look?). The last two are tests of a judge.
        most: most frames of all together.
        shrink: where the model's context is too small, these are tried instead of `most`, in order.
        side_max: longest side in pixels; larger frames are made smaller. None keeps them.
        side_min: shortest side in pixels; smaller ones are enlarged. None keeps them.
        format: "png" keeps synthetic art intact, "jpeg" is smaller for photographs.
        quality: of JPEG.
        stamp: write number and time below each frame.
    """

    first: bool = True
    last: bool = True
    settled: bool = False
    uniform: int = Field(default=8, ge=0)
    changes: int = Field(default=0, ge=0)
    every: float | None = Field(default=None, gt=0)
    order: Literal["time", "shuffled", "none"] = "time"
    most: int = Field(default=24, ge=1)
    shrink: list[int] = [12, 6]
    side_max: int | None = Field(default=768, ge=16)
    side_min: int | None = Field(default=None, ge=16)
    format: Literal["png", "jpeg"] = "png"
    quality: int = Field(default=90, ge=1, le=100)
    stamp: bool = True

    @model_validator(mode="after")
    def _shows_something(self) -> FramePlan:
        if not (self.first or self.last or self.settled or self.uniform or self.changes or self.every):
            raise ValueError("the frame plan shows nothing: set first, last, uniform or every")
        if any(a <= b for a, b in zip([self.most, *self.shrink], self.shrink, strict=False)):
            raise ValueError(f"shrink must go down from most ({self.most})")
        if self.shrink and min(self.shrink) < 1:
            raise ValueError("shrink must not go below one frame")
        return self


class Limits(Strict):
    """How hard an endpoint is driven, and what it may cost (None: no limit).

    Attributes:
        concurrency: most calls at the same time; fewer after a 429.
        attempts: how often a call is tried when the endpoint is busy or fails.
        wait: seconds before the second attempt; doubles from there on, up to a minute.
        repairs: how often a model may mend an invalid reply.
        money, tokens, calls, seconds: hard budget of one run and judge; what is being asked when it ends is
            counted before it is sent, so that it is never exceeded.
    """

    concurrency: int = Field(default=8, ge=1, le=256)
    attempts: int = Field(default=6, ge=1)
    wait: float = Field(default=1.0, ge=0)
    repairs: int = Field(default=2, ge=0, le=2)
    money: float | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    calls: int | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _allows_something(self) -> Limits:
        for name in BUDGETS:
            if getattr(self, name) == 0:
                raise ValueError(f"{name} is 0: nothing can be asked (--dry-run says what it would cost)")
        return self


BUDGETS = ("money", "tokens", "calls", "seconds")


class AskSettings(Strict):
    """Options of every judge that asks a model.

    Attributes:
        mode: "fixed", or "compatible" with the published protocol, its defects included.
        group: most questions in one call.
        votes: 1 asks once; more asks twice, and where they differ up to so many times; the majority counts.
        swapped: list the answers that may be given in reverse order.
        trap: add a question about a puzzle of ours whose true answer is no; it never counts for a verdict.
        confident: probability below which an answer counts as "cannot tell" (0: never; needs logprobs).
        file: a benchmark file that has the questions, for runs whose instances have none.
        rubric: version of the questions and instructions; part of every cache key.
        cache: the cache file; None is the user's (see `genreason cache ls`).
    """

    backend: BackendCard
    frames: FramePlan = FramePlan()
    limits: Limits = Limits()
    mode: Literal["compatible", "fixed"] = "fixed"
    group: int = Field(default=4, ge=1)
    votes: int = Field(default=1, ge=1)
    swapped: bool = False
    trap: bool = False
    confident: float = Field(default=0.0, ge=0, lt=1)
    file: str | None = None
    rubric: str = "1"
    cache: str | None = None

    @property
    def identity(self) -> str:
        """Hash of what answers depend on: the same for other limits, prices and cache files."""
        record = self.model_dump(mode="json", exclude={"limits", "cache", "file"})
        for name in ("price", "timeout", "key_env", "device", "image_tokens"):
            record["backend"].pop(name)
        return seeds.key("judge", record)


def parse(model: type[T], options: Json, judge: str) -> T:
    """Validate a judge's options.

    Raises:
        UserError: one line with the option; values are left out, since one could be a key.
    """
    try:
        return model.model_validate(options)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
        name = ".".join(str(part) for part in first["loc"])
        text = _plain(first["type"], first["msg"])
        raise UserError(f"judge {judge}: {'option ' + name + ': ' if name else ''}{text}") from None


def _plain(kind: str, message: Any) -> str:
    if kind == "extra_forbidden":
        return "there is no such option"
    if kind == "missing":
        return "it is missing on the card"
    text = str(message).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
