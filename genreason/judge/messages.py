"""What is sent to a model and what comes back, whatever the backend; and how asking can fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from genreason.judge.frames import Picture
from genreason.types import GenreasonError, Json

Part = str | Picture


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: text and pictures in order."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a call took: of the request, of those read from the provider's cache, of the reply."""

    input: int = 0
    cached: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        """Tokens in and out."""
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a reply with the log-probabilities of the likeliest ones at its place."""

    text: str
    top: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said: text, why it ended, what it took; tokens where log-probabilities were asked for."""

    text: str
    finish: str = "stop"
    usage: Usage = Usage()
    tokens: Sequence[Token] = field(default=())


class Backend(Protocol):
    """Who answers a conversation."""

    def complete(self, messages: Sequence[Message], schema: Json | None, sample: int) -> Reply:
        """One reply; `schema` is the JSON that is wanted, `sample` tells repeated questions apart.

        Raises:
            BusyError: try again later.
            ContextError: it is too long.
            RefusedError: the model will not answer.
            UnansweredError: this call cannot be answered; others may.
            GenreasonError: no call can be answered (wrong key, no such model): stop.
        """
        ...


class BusyError(Exception):
    """The endpoint is busy or broken for now.

    Attributes:
        retry_after: seconds that it asks for, or None.
        throttled: whether it said that there are too many requests.
        unreachable: whether nothing answered at all.
    """

    def __init__(
        self,
        text: str,
        *,
        retry_after: float | None = None,
        throttled: bool = False,
        unreachable: bool = False,
    ) -> None:
        """`text`: one line for people."""
        super().__init__(text)
        self.retry_after, self.throttled, self.unreachable = retry_after, throttled, unreachable


class ContextError(Exception):
    """The request does not fit into the model's context."""


class UnansweredError(Exception):
    """A question has no answer: the reason, and the raw reply where there was one."""

    def __init__(self, reason: str, raw: str = "") -> None:
        """`reason`: one line for people; `raw`: the reply as it came."""
        super().__init__(reason)
        self.reason, self.raw = reason, raw


class RefusedError(UnansweredError):
    """The model or its filter declined to answer."""


class BudgetError(GenreasonError):
    """The budget is used up: what was answered was kept."""


class EndpointError(GenreasonError):
    """The endpoint went away while it was used: what was answered was kept."""
