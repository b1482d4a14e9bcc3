"""A language or vision-language model as critic."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from genreason import cards, seeds
from genreason.cards import Card, Strict, prompt_fields
from genreason.executor import run_map
from genreason.judge.asking import Ask, Asker
from genreason.judge.frames import Footage
from genreason.judge.messages import BudgetError, Reply, UnansweredError
from genreason.judge.replies import InvalidReplyError, find_json
from genreason.judge.settings import AskSettings, BackendCard, FramePlan, Limits
from genreason.tpo import lock, rules
from genreason.tpo.critics import Pair
from genreason.tpo.story import Attempt, Consult
from genreason.types import Clip, Instance, Json, UnreadableClipError, unknown

ROLES: dict[str, set[str]] = {
    "critique": {"prompt", "task", "evidence"},
    "loss": {"prompt", "task", "evidence"},
    "gradient": {"prompt", "task", "evidence", "loss"},
    "update": {"prompt", "task", "loss", "gradient"},
}
"""Roles, and the fields that their texts may have."""
_IMPROVED = re.compile(r"<IMPROVED_VARIABLE>(.*?)</IMPROVED_VARIABLE>", re.DOTALL | re.IGNORECASE)
_NEAR = 0.3  # seconds between two claims that may be the same
_LONGEST = 4000  # characters of a text answer


class Role(Strict):
    """What a model is told in one of its roles: who it is, and the request with `{fields}`."""

    system: str = ""
    ask: str = Field(min_length=1)


class CriticCard(Card):
    """A model that methods consult.

    Attributes:
        backend: who is asked, as on judges' cards.
        frames: which frames of a clip are shown, and how.
        limits: how hard the endpoint is driven, and what it may cost in a run.
        pictures: whether it is shown frames; a model of words alone gets the scorer's evidence only.
        cache: file of the kept answers; None is the user's.
        roles: texts by role.
    """

    folder: ClassVar[str] = "judges/critics"
    noun: ClassVar[str] = "critic"

    backend: BackendCard
    frames: FramePlan = FramePlan()
    limits: Limits = Limits()
    pictures: bool = True
    cache: str | None = None
    roles: dict[Literal["critique", "loss", "gradient", "update"], Role]

    @model_validator(mode="after")
    def _fields_are_known(self) -> CriticCard:
        for name, role in self.roles.items():
            for field in prompt_fields(role.ask):
                if field not in ROLES[name]:
                    raise ValueError(
                        f"roles.{name}.ask: no field {{{field}}}: there is {sorted(ROLES[name])}"
                    )
        return self


class _Claim(BaseModel):
    model_config = ConfigDict(extra="ignore")

    clip: int
    seconds: float
    what: str
    rule: str = ""


class _Critique(BaseModel):
    model_config = ConfigDict(extra="ignore")

    observations: list[_Claim]
    violated: list[str] = []
    keep: list[str] = []
    change: list[str] = []


@dataclass(frozen=True, slots=True)
class CritiqueForm:
    """A critique as JSON; clips are called by their places, 1 and 2."""

    clips: int

    @property
    def identity(self) -> str:
        """Version of the form."""
        return f"critique/1/{self.clips}"

    @property
    def schema(self) -> Json | None:
        """One object of lists."""
        texts = {"type": "array", "items": {"type": "string"}}
        claim = {
            "type": "object",
            "properties": {
                "clip": {"type": "integer"}, "seconds": {"type": "number"}, "what": {"type": "string"},
                "rule": {"type": "string"},
            },
            "required": ["clip", "seconds", "what", "rule"],
            "additionalProperties": False,
        }  # fmt: skip
        properties = {
            "observations": {"type": "array", "items": claim}, "violated": texts, "keep": texts,
            "change": texts,
        }  # fmt: skip
        return {"type": "object", "properties": properties, "required": list(properties),
                "additionalProperties": False}  # fmt: skip

    def instructions(self, frames: int) -> str:
        """The JSON that is wanted."""
        which = "1" if self.clips == 1 else f"1 to {self.clips}"
        return (
            'Reply with JSON only: {"observations": [{"clip": number of the clip (' + which + '), '
            '"seconds": when, "what": what is wrong there, "rule": the rule that it breaks}, ...], '
            '"violated": [rules that were broken], "keep": [what is right and must stay], '
            '"change": [one sentence each: what the prompt should say so that this does not happen again, '
            "without saying how the puzzle is solved]}."
        )  # fmt: skip

    def read(self, reply: Reply, frames: int) -> Json:
        """The critique.

        Raises:
            InvalidReplyError: it is not in this form.
        """
        try:
            found = _Critique.model_validate(find_json(reply.text))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InvalidReplyError(f"{where}: {first['msg']}") from None
        except RecursionError:
            raise InvalidReplyError("it is nested too deeply") from None
        for claim in found.observations:
            if not 1 <= claim.clip <= self.clips:
                raise InvalidReplyError(f"there is no clip {claim.clip}")
            if not 0 <= claim.seconds < 1e6:
                raise InvalidReplyError(f"{claim.seconds} is no time in a clip")
        return found.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class TextForm:
    """Any text; with `tagged`, the part between the tags of an improved prompt."""

    tagged: bool = False

    @property
    def identity(self) -> str:
        """Version of the form."""
        return f"text/1/{self.tagged}"

    schema: ClassVar[Json | None] = None

    def instructions(self, frames: int) -> str:
        """The role's text says all."""
        return ""

    def read(self, reply: Reply, frames: int) -> Json:
        """The text.

        Raises:
            InvalidReplyError: the tags are missing, or there is nothing between them.
        """
        text = reply.text
        if self.tagged:
            found = _IMPROVED.search(text)
            if found is None or not found[1].strip():
                raise InvalidReplyError(
                    "there is no prompt between <IMPROVED_VARIABLE> and </IMPROVED_VARIABLE>"
                )
            text = found[1]
        return {"text": text.strip()[:_LONGEST]}


class ModelCritic:
    """Consults a model; what it says is read strictly, and what cannot be used counts as silence."""

    def __init__(self, card: CriticCard, journal: Path, tells: bool = False) -> None:
        """Get ready to ask; `tells`: what tells the solution is let through.

        Raises:
            UserError: no key, no cache, or the backend cannot be used.
        """
        self.card, self.tells = card, tells
        settings = AskSettings(backend=card.backend, frames=card.frames, limits=card.limits, cache=card.cache)
        self.asker = Asker(card.name, settings, journal, card.pictures)

    @property
    def identity(self) -> Json:
        """See `Critic`."""
        record = self.card.model_dump(mode="json", exclude={"limits", "cache", "description"})
        return {"name": self.card.name, "model": self.card.backend.model, "hash": seeds.key(record)}

    def ready(self) -> None:
        """Find out whether the backend can be used.

        Raises:
            UserError: it cannot.
        """
        self.asker.ready()

    def answer(self, pairs: Sequence[Pair]) -> list[Json]:
        """See `Critic`; many at a time."""
        threads = max(1, min(len(pairs), self.card.limits.concurrency))
        return list(
            run_map(self._one, pairs, workers=threads, backend="threads" if threads > 1 else "serial")
        )

    def _one(self, pair: Pair) -> Json:
        instance, consult = pair
        start = time.monotonic()
        calls: list[Json] = []
        try:
            found = self._critique(instance, consult, calls) if consult.role == "critique" else (
                self._text(instance, consult, calls)
            )  # fmt: skip
        except (UnansweredError, UnreadableClipError, BudgetError) as error:
            found = None
            calls.append({"failed": str(error), "raw": getattr(error, "raw", "")})
        tokens = sum(int(call.get("tokens", 0)) for call in calls)
        return {
            "answer": found,
            "seconds": round(time.monotonic() - start, 4),
            "tokens": tokens,
            "calls": calls,
        }

    def _text(self, instance: Instance, consult: Consult, calls: list[Json]) -> Json:
        """One of the roles of VideoTPO: text in, text out. What it leaks is noted, not taken out."""
        shown = consult.attempts if consult.role == "loss" or consult.notes.get("pictures") else ()
        said = str(self._asked(instance, consult, shown, TextForm(consult.role == "update"), calls)["text"])
        if consult.role != "update":
            return {"text": said}
        return {"prompt": said, "leaks": lock.prescribes(instance, lock.advice_of(instance.prompt, said))}

    def _critique(self, instance: Instance, consult: Consult, calls: list[Json]) -> Json | None:
        """Asked in both orders; only what both say stays, and of that only what tells nothing."""
        orders = [consult.attempts]
        if len(consult.attempts) > 1:
            orders.append(tuple(reversed(consult.attempts)))
        said: list[Json] = []
        for order in orders:
            try:
                found = self._asked(instance, consult, order, CritiqueForm(len(order)), calls)
            except UnansweredError as error:
                calls.append({"failed": error.reason, "raw": error.raw})
                continue
            said.append({**found, "observations": [
                {**each, "clip": order[each["clip"] - 1].k} for each in found["observations"]
            ]})  # fmt: skip
        if len(said) < len(orders):
            return None
        return self._clean(instance, agreed(said[0], said[1]) if len(said) > 1 else said[0])

    def _clean(self, instance: Instance, found: Json) -> Json:
        if self.tells:
            return found
        kept, dropped = lock.clean(instance, found["change"])
        seen = []
        for each in found["observations"]:
            why = lock.describes(instance, each["what"])
            if why:
                dropped.append(why)
            else:
                seen.append(each)
        keep = [line for line in found["keep"] if not lock.describes(instance, line)]
        return {**found, "observations": seen, "keep": keep, "change": kept, "dropped": dropped}

    def _asked(
        self, instance: Instance, consult: Consult, shown: Sequence[Attempt], form: Any, calls: list[Json]
    ) -> Json:
        """One call, noted in `calls`."""
        role = self.card.roles.get(consult.role)  # type: ignore[call-overload]
        if role is None:
            raise UnansweredError(f"the card {self.card.name} has no role {consult.role}")
        order = shown or consult.attempts
        fields = {
            "prompt": consult.prompt, "task": instance.prompt, "evidence": evidence(order),
            "loss": str(consult.notes.get("loss", "")), "gradient": str(consult.notes.get("gradient", "")),
        }  # fmt: skip
        text = role.ask.format_map({name: fields[name] for name in ROLES[consult.role]})
        pictures = self.card.pictures and bool(shown)
        footages = tuple(
            (f"Clip {n}:", Footage.of(Clip(path=attempt.path), self.card.frames))
            for n, attempt in enumerate(shown if pictures else (), start=1)
        )
        found = self.asker.ask(Ask(role.system, (text,), footages, form))
        calls.append({
            "system": role.system, "asked": text, "shown": [a.k for a in shown] if pictures else [],
            "raw": found["raw"], "tokens": found.get("tokens", 0), "cached": found["cached"],
        })  # fmt: skip
        answers: Json = found["answers"]
        return answers


def evidence(attempts: Sequence[Attempt]) -> str:
    """What the scorer saw, in words; clips are called by their places."""
    lines = []
    for number, attempt in enumerate(attempts, start=1):
        told = [f"at {each['seconds']:.2f} s {each['what']}" for each in rules.observations(attempt)]
        held = "nothing is wrong" if attempt.passed else attempt.seen["reason"] or "it fails"
        lines.append(f"Clip {number}: {'; '.join(told) or held}.")
    return "\n".join(lines)


def agreed(one: Json, other: Json) -> Json:
    """What two critiques of the same clips, shown in either order, both say.

    Claims agree where they are about the same clip at about the same time; sentences, where they share half
    of their words or more.
    """
    seen = [
        each
        for each in one["observations"]
        if any(each["clip"] == b["clip"] and abs(each["seconds"] - b["seconds"]) <= _NEAR
               for b in other["observations"])
    ]  # fmt: skip
    lists = {
        name: [line for line in one[name] if any(_alike(line, b) for b in other[name])]
        for name in ("violated", "keep", "change")
    }
    return {"observations": seen, **lists}


def _alike(one: str, other: str) -> bool:
    a, b = (set(re.findall(r"\w+", text.lower())) for text in (one, other))
    return bool(a and b) and len(a & b) >= 0.5 * min(len(a), len(b))


def load(name: str, options: Json, journal: Path, tells: bool) -> ModelCritic:
    """The critic of a card, with options of the command line over the card's ("backend.model").

    Raises:
        UserError: there is none of that name, or the card or an option is wrong.
    """
    card = cards.load(CriticCard, name)
    record = json.loads(card.model_dump_json())
    for key, value in options.items():
        *path, last = key.split(".")
        place: Any = record
        for part in path:
            place = place.get(part) if isinstance(place, dict) else None
        if not isinstance(place, dict) or last not in place:
            raise unknown(f"option of critic {name}", key, cards.option_names(record))
        place[last] = value
    found = ModelCritic(cards.parse(CriticCard, record, f"critic {name}"), journal, tells)
    found.ready()
    return found
