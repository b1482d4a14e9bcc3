"""What all judges that ask a model share: answers to questions about a clip, votes, and unscored failures."""

from __future__ import annotations

import copy
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from genreason.formats.dataset import read_picture
from genreason.judge import questions as asking
from genreason.judge.asking import Ask, Asker
from genreason.judge.frames import Footage, Picture, encode
from genreason.judge.messages import Part, UnansweredError
from genreason.judge.questions import CANNOT_TELL, Question
from genreason.judge.replies import ChecklistForm
from genreason.judge.settings import AskSettings, FramePlan
from genreason.puzzles import base
from genreason.types import Clip, Instance, Json, UnreadableClipError, Verdict, Violation, unscored

SYSTEM = (
    "You examine clips that video models made. You are shown frames of one clip in order of time, each "
    "with its "
    "number and time, and asked questions about what is visible in them. Be strict: look at every frame, "
    "and at the last one with care. Do not guess what the clip was meant to show."
)
_PICTURES = 64  # first frames that are kept encoded


@dataclass(slots=True)
class Answers:
    """Answers to questions about a clip.

    Attributes:
        given: by question: {"answer", "frames" (numbers as shown), "seconds", "why", "p", "votes"}.
        failed: questions without an answer, and why.
        shown: what was looked at (of the first call).
        notes: what a reader must know (fewer frames than planned).
        raw: replies as they came.
    """

    given: dict[str, Json] = field(default_factory=dict)
    failed: dict[str, UnansweredError] = field(default_factory=dict)
    shown: list[Json] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)

    def evidence(self, questions: Sequence[Question]) -> Json:
        """What is kept of it beside a verdict."""
        first = self.shown[0] if self.shown else {}
        answered = [question for question in questions if question.id in self.given]
        values = {
            question.id: question.value(self.given[question.id]["answer"])
            for question in answered
            if self.given[question.id]["answer"] != CANNOT_TELL
        }
        return {
            "questions": {question.id: question.text for question in questions},
            "kinds": {question.id: question.kind for question in questions},
            "values": values,
            "answers": self.given,
            "looked_at": first,
            "notes": self.notes,
            "raw": [*self.raw, *(error.raw for error in self.failed.values() if error.raw)],
            **({"retry": True} if self.failed else {}),
        }


class AskingJudge(ABC):
    """A judge that asks a model about each clip; safe for many threads."""

    def __init__(self, name: str, settings: AskSettings, journal: Path | None = None) -> None:
        """Get ready to ask.

        Raises:
            UserError: the backend cannot be used, or the file of questions cannot be read.
        """
        self.name, self.settings = name, settings
        self.known = asking.read_file(settings.file, name) if settings.file and self.reads_questions else {}
        self.asker = Asker(name, settings, journal)
        self.plan_changes: dict[str, object] = {}
        self.sample_offset = 0
        self._pictures: dict[tuple[str, str], Picture] = {}
        self._lock = threading.Lock()

    plan_changes: dict[str, object]  # over the frame plan, for tests of the judge
    sample_offset: int  # of the number of the vote, to ask the same once more

    options: type[AskSettings] = AskSettings  # of the judge's card
    system = SYSTEM
    reads_questions = True  # whether the option `file` is a file of questions of ours

    @property
    def plain(self) -> bool:
        """Whether answers cite no frames, as published protocols ask."""
        return False

    @property
    def threads(self) -> int:
        """Clips that are worked on at once: some wait for a place while others get their frames ready."""
        return self.settings.limits.concurrency + min(4, self.settings.limits.concurrency)

    def ready(self) -> None:
        """Find out whether the backend can be used.

        Raises:
            UserError: it cannot.
        """
        self.asker.ready()

    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        """One verdict a clip; what cannot be read or answered is unscored with the reason."""
        return [self._safely(instance, clip, seed) for clip in clips]

    def _safely(self, instance: Instance, clip: Clip, seed: int) -> Verdict:
        try:
            return self.one(instance, clip, seed)
        except UnreadableClipError as error:
            return unscored(str(error))
        except UnansweredError as error:
            return failure(error)

    @abstractmethod
    def one(self, instance: Instance, clip: Clip, seed: int) -> Verdict:
        """The verdict on one clip.

        Raises:
            UnreadableClipError: it cannot be read.
            UnansweredError: the model gave no answer.
        """

    @abstractmethod
    def asks(self, instance: Instance, clip: Clip, seed: int) -> list[Ask]:
        """The calls that `one` begins with: for the dry run."""

    # -- parts of requests -----------------------------------------------------------------------------------
    def first_frame(self, instance: Instance, plan: FramePlan) -> Picture | None:
        """The picture that the clip had to begin with, where there is one."""
        if instance.scene.get("blank") or (
            instance.scene.get("puzzle") is None and instance.first_frame is None
        ):
            return None
        key = instance.key, plan.model_dump_json()
        with self._lock:
            found = self._pictures.get(key)
        if found is None:
            if instance.scene.get("puzzle") is None:
                assert instance.first_frame is not None
                frame = read_picture(instance.first_frame)
            else:
                with asking.PUZZLES:
                    frame = base.load(instance.scene["puzzle"]).picture(instance)
            found = encode(frame, plan)
            with self._lock:
                while len(self._pictures) >= _PICTURES:
                    del self._pictures[next(iter(self._pictures))]
                self._pictures[key] = found
        return found

    def context(self, instance: Instance, plan: FramePlan) -> tuple[Part, ...]:
        """What the clip's maker was given: prompt and first frame."""
        parts: list[Part] = [f"The video model was asked: {instance.prompt}"]
        first = self.first_frame(instance, plan)
        if first is not None:
            parts += ["This is the picture that the clip had to begin with:", first]
        return tuple(parts)

    # -- questions -------------------------------------------------------------------------------------------
    def checklist(
        self, instance: Instance, footage: Footage, questions: Sequence[Question], seed: int, sample: int = 0,
        swapped: bool | None = None,
    ) -> list[Ask]:  # fmt: skip
        """The calls that ask these questions once, in groups in an order drawn by seed."""
        turned = self.settings.swapped if swapped is None else swapped
        blind = footage.plan.order == "none"
        heading = "" if blind else "Frames of the clip:"
        # The order of questions depends on the vote, so that a second vote is not the first one over again.
        groups = asking.grouped(questions, self.settings.group, instance.key, seed, sample)
        before = (instance.prompt,) if blind else self.context(instance, footage.plan)
        return [
            Ask(
                self.system, before, ((heading, footage),), ChecklistForm(group, turned, self.plain),
                group[0].crop, sample + self.sample_offset,
            )
            for group in groups
        ]  # fmt: skip

    def answers(
        self, instance: Instance, footage: Footage, questions: Sequence[Question], seed: int, sample: int = 0,
        swapped: bool | None = None,
    ) -> Answers:  # fmt: skip
        """Ask these questions, each once or, where votes are asked for, until most agree."""
        votes: list[Answers] = []
        open_ = list(questions)
        for vote in range(self.settings.votes):
            votes.append(self._asked(instance, footage, open_, seed, sample + vote, swapped))
            if vote >= 1:
                open_ = [question for question in questions if _split(question, votes)]
            if not open_:
                break
        return _joined(questions, votes)

    def _asked(
        self, instance: Instance, footage: Footage, questions: Sequence[Question], seed: int, sample: int,
        swapped: bool | None,
    ) -> Answers:  # fmt: skip
        out = Answers()
        for ask in self.checklist(instance, footage, questions, seed, sample, swapped):
            assert isinstance(ask.form, ChecklistForm)
            try:
                found = self.asker.ask(ask)
            except UnansweredError as error:
                out.failed |= {question.id: error for question in ask.form.questions}
                continue
            seconds = found["shown"][0]["seconds"] if found["shown"] else []
            for name, answer in found["answers"].items():
                out.given[name] = self._sure(
                    {**answer, "seconds": [seconds[i - 1] for i in answer["frames"]]}
                )
            out.shown = out.shown or found["shown"]
            out.raw.append(found["raw"])
            if found["note"] and found["note"] not in out.notes:
                out.notes.append(found["note"])
        return out

    def _sure(self, answer: Json) -> Json:
        """The answer, or "cannot tell" where the model's own probability of it is too low."""
        share = answer.get("p", {}).get(answer["answer"])
        if share is not None and share < self.settings.confident:
            return {**answer, "answer": CANNOT_TELL, "unsure": answer["answer"]}
        return answer

    def plan(self) -> FramePlan:
        """The frame plan of the card, or of the protocol."""
        return self.settings.frames

    def footage(self, clip: Clip) -> Footage:
        """The clip under the judge's frame plan.

        Raises:
            UnreadableClipError: it cannot be read.
        """
        return Footage.of(clip, self.plan().model_copy(update=self.plan_changes))

    def changed(self, **changes: object) -> Self:
        """The same judge with other settings (`swapped`), attributes, or changes of its frame plan.

        It shares cache, limits and ledger with this one.
        """
        other = copy.copy(self)
        for name, value in changes.items():
            if name in type(self.settings).model_fields:
                other.settings = other.settings.model_copy(update={name: value})
            else:
                setattr(other, name, value)
        return other


def _split(question: Question, votes: Sequence[Answers]) -> bool:
    """Whether no answer of the question has a majority that is safe from one more vote."""
    cast = [vote.given[question.id]["answer"] for vote in votes if question.id in vote.given]
    counts = Counter(cast).most_common(2)
    if len(cast) < 2:
        return True
    return len(counts) == 2 and counts[0][1] - counts[1][1] < 2


def _joined(questions: Sequence[Question], votes: Sequence[Answers]) -> Answers:
    out = Answers()
    for vote in votes:
        out.raw += vote.raw
        out.shown = out.shown or vote.shown
        out.notes += [note for note in vote.notes if note not in out.notes]
    for question in questions:
        cast = [vote.given[question.id] for vote in votes if question.id in vote.given]
        if not cast:
            out.failed[question.id] = next(v.failed[question.id] for v in votes if question.id in v.failed)
            continue
        counts = Counter(each["answer"] for each in cast).most_common(2)
        winner = counts[0][0] if len(counts) == 1 or counts[0][1] > counts[1][1] else CANNOT_TELL
        chosen = next((each for each in cast if each["answer"] == winner), {**cast[0], "answer": winner})
        if len(cast) > 1:
            chosen = {**chosen, "votes": dict(Counter(each["answer"] for each in cast))}
        out.given[question.id] = chosen
    return out


def failure(error: UnansweredError) -> Verdict:
    """The verdict where the model gave no answer: unscored, with the raw reply, and asked again next time."""
    return Verdict(
        status="unscored", score=None, reason=error.reason, evidence={"retry": True, "raw": [error.raw]}
    )


def verdict(questions: Sequence[Question], answers: Answers) -> Verdict:
    """The strict verdict: every question must have the answer of a good clip; the trap counts for nothing."""
    asked = [question for question in questions if question.kind != "trap"]
    values: dict[str, float] = {}
    unsure: list[str] = []
    for question in asked:
        given = answers.given.get(question.id)
        if given is not None and given["answer"] != CANNOT_TELL:
            values[question.id] = question.value(given["answer"])
        elif given is not None:
            unsure.append(question.id)
    wrong = [question for question in asked if values.get(question.id, 1.0) < 1.0]
    evidence = answers.evidence(questions)
    checks = {f"checklist.{name}": value for name, value in values.items()}
    metrics = {}
    for question in questions:
        if question.kind == "trap" and question.id in answers.given:
            metrics["attention"] = float(answers.given[question.id]["answer"] == question.expect)
    broken = sorted((_violation(question, answers.given[question.id]) for question in wrong), key=_when)
    if not wrong and len(values) < len(asked):
        failed = [error.reason for name, error in answers.failed.items() if name not in unsure]
        reason = failed[0] if failed else f"the judge cannot tell: {', '.join(unsure)}"
        return Verdict(status="unscored", score=None, checks=checks, reason=reason, evidence=evidence)
    reason = broken[0].what if broken else f"all {len(asked)} questions are answered as they must be"
    return Verdict(
        status="fail" if wrong else "pass",
        score=sum(values.values()) / len(values),
        checks=checks,
        metrics=metrics,
        violations=tuple(broken),
        reason=reason,
        evidence=evidence,
    )


def _when(violation: Violation) -> float:
    return violation.seconds


def _violation(question: Question, given: Json) -> Violation:
    seconds = min(given["seconds"], default=0.0)
    why = f": {given['why']}" if given["why"] else ""
    return Violation(seconds, f"checklist.{question.id}", f"{question.text} {given['answer']}{why}")
