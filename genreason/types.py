"""The nouns that everything else speaks in: instance, solution, clip, verdict.

Frozen dataclasses over numpy and the standard library only, so that a verifier, a trainer and a report can
share them without loading anything heavy.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Json = dict[str, Any]
Frame = npt.NDArray[np.uint8]
"""One picture: HWC, RGB, 0-255."""
M = TypeVar("M")
Status = Literal["pass", "fail", "unscored"]
SCHEMA = 1
SKINS = "skins:"
"""What the style of an instance begins with whose textures come from a user's folder."""


class GenreasonError(Exception):
    """Something failed for a reason the user can read: one line saying what, where and the mend."""


class UserError(GenreasonError):
    """Bad input (unknown name, missing file, wrong option): exit status 2."""


class UnreadableClipError(GenreasonError):
    """A clip that cannot be decoded: missing, truncated, empty, not a video. The sample becomes unscored."""


class IllegalMove(ValueError):
    """Raised by `Puzzle.step`: the rules forbid the move; the message says why."""


def unknown(what: str, name: str, options: Iterable[str]) -> UserError:
    """The error for a name that does not exist, with the nearest one that does."""
    names = sorted(options)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    mend = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(names) or 'none'}"
    return UserError(f"unknown {what} {name!r}: {mend}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One puzzle, self-contained: a verifier needs nothing else.

    Attributes:
        key: blake2b of (task@version, level, params, style, split, seed, index); the identity of the
            instance.
        style: how it is drawn; the rules never depend on it.
        state: the start state, as the puzzle encodes it.
        goal: what must hold at the end, as the puzzle encodes it.
        fingerprint: hash of (state, goal) up to symmetry; decides the split, so that splits are disjoint.
        size: (width, height) of the first frame in pixels.
        fps: frames per second of the solution clip.
        scene: where things stand in pixels (grid geometry) and how the clip moves.
        first_frame: the picture itself, where the scene was drawn by somebody else; None where `style` draws
            it. Kept beside the data (first_frame.png), not in the JSON.
        skin: folder of the textures, where `style` is a user's skin; kept beside the data (skins/) likewise.
    """

    key: str
    task: str
    version: int
    level: str
    split: str
    seed: int
    index: int
    style: str
    state: Json
    goal: Json
    prompt: str
    fingerprint: str
    size: tuple[int, int]
    fps: float
    scene: Json
    first_frame: Path | None = field(default=None, compare=False)
    skin: Path | None = field(default=None, compare=False)

    @property
    def sample_id(self) -> str:
        """Name of the sample in data sets, runs and clip folders."""
        return f"{self.task}_{self.index:04d}"

    @property
    def foreign(self) -> bool:
        """Whether the scene was drawn by somebody else's code."""
        return bool(self.scene.get("foreign", False))

    @property
    def skinned(self) -> bool:
        """Whether it is drawn with a user's textures."""
        return self.style.startswith(SKINS) and not self.foreign

    def to_json(self) -> Json:
        """The serialisable form (all fields but the paths)."""
        record = {name: getattr(self, name) for name in self.__slots__ if name not in _PATHS}
        return {"schema": SCHEMA, **record, "size": list(self.size)}

    @classmethod
    def from_json(cls, record: Json, first_frame: Path | None = None, skin: Path | None = None) -> Instance:
        """Read the form that `to_json` wrote.

        Args:
            record: the JSON.
            first_frame: where its picture is, for a scene that somebody else drew.
            skin: where its textures are, for a user's skin.

        Raises:
            UserError: a field is missing or the schema is newer than this version reads.
        """
        if record.get("schema", SCHEMA) != SCHEMA:
            raise UserError(
                f"instance has schema {record['schema']}, this version reads {SCHEMA}: update genreason"
            )
        names = [name for name in cls.__slots__ if name not in _PATHS]
        missing = [name for name in names if name not in record]
        if missing:
            raise UserError(
                f"instance lacks the field {missing[0]!r}: was it written by genreason make or import?"
            )
        values = {name: record[name] for name in names}
        width, height = values.pop("size")
        foreign = bool(record["scene"].get("foreign", False))
        found = cls(**values, size=(int(width), int(height)), first_frame=first_frame if foreign else None)
        return replace(found, skin=skin) if found.skinned else found


_PATHS = ("first_frame", "skin")


@dataclass(frozen=True, slots=True)
class Solution(Generic[M]):
    """Moves that lead from the start to the goal, and what is known of them."""

    moves: tuple[M, ...]
    optimal: bool = True

    def __len__(self) -> int:
        """Number of moves."""
        return len(self.moves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A video, on disk or still to be rendered; frames are only ever streamed.

    Attributes:
        path: an encoded file, or None.
        render: yields the frames (HWC RGB uint8) anew at each call, where there is no file.
        fps: frames per second; for a file, 0 means "as the file says".
        meta: what the generator says of it (text, seconds, cost, seed).
    """

    path: Path | None = None
    render: Callable[[], Iterator[Frame]] | None = None
    fps: float = 0.0
    meta: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Violation:
    """The first time that a check was broken: seconds, check, what happened, and where.

    `where` is in pixels of the instance's first frame, or None.
    """

    seconds: float
    check: str
    what: str
    where: tuple[float, float] | None = None

    def to_json(self) -> Json:
        """Serialisable form."""
        where = None if self.where is None else [round(float(v), 1) for v in self.where]
        return {
            "seconds": round(float(self.seconds), 3),
            "check": self.check,
            "what": self.what,
            "where": where,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge says of one clip.

    `unscored` is for what the judge could not do; it is never counted as pass or fail. Checks are named
    `group.check` with the groups rules, objects, scene and camera; 1.0 holds, 0.0 is broken.
    """

    status: Status
    score: float | None
    checks: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    reason: str = ""
    evidence: Json = field(default_factory=dict)

    def to_json(self) -> Json:
        """Serialisable form, without the sample's identity (`run` adds it)."""
        return {
            "status": self.status,
            "score": self.score,
            "checks": {k: round(float(v), 4) for k, v in self.checks.items()},
            "metrics": {k: round(float(v), 5) for k, v in self.metrics.items()},
            "violations": [v.to_json() for v in self.violations],
            "reason": self.reason,
            "evidence": self.evidence,
        }


def unscored(reason: str) -> Verdict:
    """The verdict for what could not be judged."""
    return Verdict(status="unscored", score=None, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a generator is given: the puzzle, its first frame (HWC RGB uint8) and the prompt.

    A model uses `first_frame` and `prompt`; oracle and controls read the instance too.
    """

    instance: Instance
    first_frame: Frame
    prompt: str


class Generator(Protocol):
    """Answers requests with clips, one each, in order."""

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """One clip a request; `seed` tells samples of the same request apart."""
        ...


class Judge(Protocol):
    """Grades clips of one instance."""

    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int) -> list[Verdict]:
        """One verdict a clip, in order."""
        ...
