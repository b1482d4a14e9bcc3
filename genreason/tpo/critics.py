"""Who is consulted between clips: a program that reads verdicts, or a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from genreason.tpo.story import Consult
from genreason.types import Instance, Json

Pair = tuple[Instance, Consult]


class Critic(Protocol):
    """Answers consultations.

    Attributes:
        identity: what its answers depend on, for the manifest.
    """

    @property
    def identity(self) -> Json:
        """See the class."""
        ...

    def answer(self, pairs: Sequence[Pair]) -> list[Json]:
        """For each: {"answer": JSON or None, "seconds", "tokens", and what was asked and said}."""
        ...


class NoCritic:
    """For methods that consult nobody."""

    identity: Json = {}

    def answer(self, pairs: Sequence[Pair]) -> list[Json]:
        """Nobody asks it."""
        assert not pairs
        return []
