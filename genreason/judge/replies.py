"""How a model must answer a checklist, and how its reply is read: strictly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from genreason.judge.messages import Reply, Token
from genreason.judge.questions import CANNOT_TELL, Question
from genreason.types import Json

_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)


class InvalidReplyError(Exception):
    """A reply that is not in the form that was asked for: says what is wrong, for the model to mend."""


class Form(Protocol):
    """The form of an answer.

    Attributes:
        identity: changes whenever the form does; part of every cache key.
        schema: JSON schema that is sent along where the backend takes one.
    """

    @property
    def identity(self) -> str:
        """See the class."""
        ...

    @property
    def schema(self) -> Json | None:
        """See the class."""
        ...

    def instructions(self, frames: int) -> str:
        """The end of the request: what to answer, and how, when so many frames are shown."""
        ...

    def read(self, reply: Reply, frames: int) -> Json:
        """What was answered.

        Raises:
            InvalidReplyError: it is not in this form.
        """
        ...


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    answer: str
    frames: list[int] = []
    why: str = ""


class _Answers(BaseModel):
    model_config = ConfigDict(extra="ignore")

    answers: list[_Answer]


def find_json(text: str) -> Any:
    """The JSON value in a reply: the whole of it, in a code fence, or the outermost braces.

    Raises:
        InvalidReplyError: there is none.
    """
    text = _THINKING.sub("", text).strip()
    fenced = re.search(r"```(?:json)?\s*(.*?)```", text, re.DOTALL)
    if fenced:
        text = fenced[1].strip()
    for start, end in (("{", "}"), ("[", "]")):
        inner = text[text.find(start) : text.rfind(end) + 1] if start in text else ""
        for candidate in (text, inner):
            if candidate:
                try:
                    return json.loads(candidate)
                except ValueError:
                    continue
    raise InvalidReplyError("it holds no valid JSON")


@dataclass(frozen=True, slots=True)
class ChecklistForm:
    """Labels for questions, each with the frames that show it.

    Attributes:
        questions: in the order in which they are asked.
        swapped: list the answers in reverse.
        plain: as published protocols ask: no frames are cited, and there is no "cannot tell".
    """

    questions: tuple[Question, ...]
    swapped: bool = False
    plain: bool = False

    @property
    def identity(self) -> str:
        """Version of the form with its questions."""
        asked = [[q.id, q.text, q.scale, list(q.labels)] for q in self.questions]
        return json.dumps(["checklist", 1, self.swapped, self.plain, asked])

    def _labels(self, question: Question) -> list[str]:
        labels = list(reversed(question.labels)) if self.swapped else list(question.labels)
        return labels if self.plain else [*labels, CANNOT_TELL]

    @property
    def schema(self) -> Json | None:
        """One object with the list of answers."""
        labels = sorted({label for question in self.questions for label in self._labels(question)})
        properties: Json = {
            "id": {"type": "string", "enum": [question.id for question in self.questions]},
            "why": {"type": "string"},
            "frames": {"type": "array", "items": {"type": "integer"}},
            "answer": {"type": "string", "enum": labels},
        }
        if self.plain:
            del properties["frames"]
        item = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        return {
            "type": "object",
            "properties": {"answers": {"type": "array", "items": item}},
            "required": ["answers"],
            "additionalProperties": False,
        }

    def instructions(self, frames: int) -> str:
        """The questions, and the JSON that answers them."""
        lines = ["Questions:"]
        for question in self.questions:
            lines.append(
                f"[{question.id}] {question.text} (answer one of: {', '.join(self._labels(question))})"
            )
        if self.plain:
            form = '{"answers": [{"id": the question\'s id, "why": a few words, "answer": one of them}, ...]}'
            return "\n".join([*lines, "", f"Answer every question by itself. Reply with JSON only: {form}."])
        cite = f"the numbers (1 to {frames}) of the frames that show it" if frames else "an empty list"
        lines += [
            "",
            "Answer every question by itself, from what is visible alone. Where the frames do not show it, "
            f"answer {CANNOT_TELL}.",
            'Reply with JSON only: {"answers": [{"id": the question\'s id, "why": a few words, "frames": '
            f'{cite}, "answer": one of its answers}}, ...]}} with one entry for each question.',
        ]
        return "\n".join(lines)

    def read(self, reply: Reply, frames: int) -> Json:
        """Answers by question: {"answer", "frames", "why", "p"} (probabilities, where there are any)."""
        record = find_json(reply.text)
        try:
            parsed = _Answers.model_validate(record if isinstance(record, dict) else {"answers": record})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InvalidReplyError(f"{where}: {first['msg']}") from None
        given: dict[str, Json] = {}
        known = {question.id: question for question in self.questions}
        for each in parsed.answers:
            if each.id not in known:
                raise InvalidReplyError(f"there is no question {each.id!r}")
            if each.id in given:
                raise InvalidReplyError(f"question {each.id!r} is answered twice")
            given[each.id] = self._checked(known[each.id], each, frames)
        missing = [name for name in known if name not in given]
        if missing:
            raise InvalidReplyError(f"question {missing[0]!r} is not answered")
        for name, probabilities in answer_probabilities(reply, self.questions).items():
            given[name]["p"] = probabilities
        return given

    def _checked(self, question: Question, each: _Answer, frames: int) -> Json:
        labels = {label.lower(): label for label in self._labels(question)}
        label = labels.get(each.answer.strip().lower())
        if label is None:
            options = ", ".join(labels.values())
            raise InvalidReplyError(f"question {question.id!r}: {each.answer!r} is none of: {options}")
        if self.plain:
            return {"answer": label, "frames": [], "why": each.why[:500]}
        if any(not 1 <= number <= frames for number in each.frames):
            raise InvalidReplyError(f"question {question.id!r}: frames are numbered from 1 to {frames}")
        if frames and not each.frames and label != CANNOT_TELL:
            raise InvalidReplyError(f"question {question.id!r}: no frame is cited")
        return {"answer": label, "frames": sorted(set(each.frames)), "why": each.why[:500]}


def answer_probabilities(reply: Reply, questions: Sequence[Question]) -> dict[str, Json]:
    """Probabilities of each question's labels, at the token with which its answer begins.

    Only where log-probabilities came along and the token lies where the reply's text says.
    """
    text = "".join(token.text for token in reply.tokens)
    found: dict[str, Json] = {}
    for question in questions:
        pattern = rf'"id"\s*:\s*"{re.escape(question.id)}"[^}}]*?"answer"\s*:\s*"'
        match = re.search(pattern, text)
        token = _at(reply.tokens, match.end()) if match else None
        if token is not None:
            shares = label_shares(token.top, question.labels)
            if shares:
                found[question.id] = shares
    return found


def _at(tokens: Sequence[Token], offset: int) -> Token | None:
    end = 0
    for token in tokens:
        end += len(token.text)
        if end > offset:
            return token
    return None


def label_shares(top: Mapping[str, float], labels: Sequence[str]) -> Json:
    """Probabilities (0 to 1, together 1) of labels from the log-probabilities of first tokens."""
    mass = dict.fromkeys(labels, 0.0)
    for text, logprob in top.items():
        stem = text.strip(' "\n').lower()
        fits = [label for label in labels if stem and label.lower().startswith(stem)]
        if len(fits) == 1:
            mass[fits[0]] += math.exp(logprob)
    total = sum(mass.values())
    return {label: round(value / total, 5) for label, value in mass.items()} if total > 0 else {}
