"""What a method asks for, and what it is told: the nouns of test-time optimisation.

A method is a generator function. For one puzzle it yields steps (clips to be made, or a question to its
critic), is sent what came of them, and returns which clip to hand in. It draws nothing and reads no clock, so
that a story is told again from its journal, to go on where a run was killed.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from genreason.types import Instance, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A clip to be made.

    Attributes:
        prompt: what the generator is told.
        seed: number of the noise; takes of a puzzle with the same number get the same noise.
        round: of the method, for reports.
        base: number of the attempt whose beginning is kept; None begins anew.
        chunk: with `base`, the first chunk (frames are counted from 1, 0 is given) that is made anew.
        said: with `base`, words that are said before that chunk instead of the model's own.
        banned: with `base`, what may not be said from that chunk on.
        view: with `base`, the side that the puzzle is seen from (of a mid-way clip: that of its base).
        why: one line for people.
    """

    prompt: str
    seed: int
    round: int = 0
    base: int | None = None
    chunk: int = 0
    said: str | None = None
    banned: tuple[str, ...] = ()
    view: int = 0
    why: str = ""

    def to_json(self) -> Json:
        """As it stands in the journal."""
        return {**asdict(self), "banned": list(self.banned)}

    @classmethod
    def from_json(cls, record: Json) -> Take:
        """The inverse of `to_json`."""
        return cls(**{**record, "banned": tuple(record["banned"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A clip that was made.

    Attributes:
        k: its number among the puzzle's.
        take: what was asked for.
        path: the file.
        seen: what the scorer says: {"status", "score", "reason", "violations", "checks", "metrics", "fps",
            "frames", "revisit"}.
        truth: what is true as far as a program can say (the same where the scorer is that program).
        value: the scorer's verdict as one number, 1 for a pass.
        text: what the model said before each chunk, where it says something.
        chunks: how many it made of it, where it says something.
        memory: by which a generator remembers it.
        making, judging: seconds that it took to make (its share of a batch) and to grade.
        cpu: processor seconds of making, its share of a batch.
    """

    k: int
    take: Take
    path: Path
    seen: Json
    truth: Json
    value: float
    text: tuple[str, ...] = ()
    chunks: int = 0
    memory: str = ""
    making: float = 0.0
    judging: float = 0.0
    cpu: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the scorer lets it pass."""
        return bool(self.seen["status"] == "pass")

    @property
    def seconds(self) -> float:
        """What it cost."""
        return self.making + self.judging


@dataclass(frozen=True, slots=True)
class Shoot:
    """Make these clips; the answer is a list of as many attempts (fewer where no more can be made)."""

    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask the critic; the answer is a JSON object, or None where it has nothing that can be used.

    Attributes:
        role: which of its roles.
        attempts: the clips that it is shown, in this order.
        prompt: the prompt as it is.
        notes: what it said before, for roles that go on from there.
    """

    role: str
    attempts: tuple[Attempt, ...]
    prompt: str
    notes: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """Which attempt is handed in (None: none was made), and why the story ends."""

    chosen: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The puzzle that a story is about.

    Attributes:
        instance: the puzzle.
        videos: most clips.
        rethinks: whether the generator can go on from the middle of a clip.
        views: sides that it can look at a puzzle from.
    """

    instance: Instance
    videos: int
    rethinks: bool = False
    views: int = 1


Step = Shoot | Consult
Story = Generator[Step, Any, Finished]
SIDES = (0, 4, 6, 2, 1, 5, 3, 7)
"""Views in turn: mirrored first, as what has a top and a bottom keeps them longest."""


class Method(Protocol):
    """A way to spend clips on one puzzle.

    Attributes:
        name: on the command line.
        critic: whether it asks one.
    """

    name: str
    critic: bool

    @property
    def rethinks(self) -> bool:
        """Whether it goes on from the middle of clips, where a generator can."""
        ...

    @property
    def drafts(self) -> int:
        """Most plans that a generator that thinks in words says before it acts."""
        ...

    @property
    def tells(self) -> bool:
        """Whether it may tell the model the solution."""
        ...

    def story(self, subject: Subject) -> Story:
        """The method on one puzzle."""
        ...

    def best(self, attempts: Sequence[Attempt]) -> int | None:
        """Which of the attempts so far would be handed in now."""
        ...


def highest(attempts: Sequence[Attempt]) -> int | None:
    """The attempt with the highest value, the first of equals."""
    return max(attempts, key=lambda each: (each.value, -each.k)).k if attempts else None
