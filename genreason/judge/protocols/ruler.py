"""RULER-Bench (arXiv 2512.02622): a checklist in four metrics, each question Good, Medium or Poor."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genreason.formats.dataset import FINAL, read_picture
from genreason.judge import questions as asking
from genreason.judge.asked import Answers, AskingJudge
from genreason.judge.asking import Ask
from genreason.judge.frames import Picture, encode
from genreason.judge.messages import Part, Reply
from genreason.judge.questions import CANNOT_TELL, Question
from genreason.judge.replies import InvalidReplyError
from genreason.judge.settings import AskSettings, FramePlan
from genreason.types import Clip, Instance, Json, Verdict, Violation, unscored

LABELS = asking.SCALES["good/medium/poor"]
METRIC_OF = {
    "goal": "Rule Coherence",
    "process": "Rule Coherence",
    "preservation": "Visual Consistency",
    "instruction": "Instruction Following",
    "consistency": "Visual Consistency",
    "fidelity": "Visual Fidelity",
}
"""The metric of questions about puzzles of ours, which name none."""
_SYSTEM = (
    "You are an expert on the quality of generated videos. Judge each question by itself with Good, Medium "
    "or Poor; where what a question presumes is not in the video, answer Poor."
)
_MORE = (
    Question(
        "instruction", "Does the clip carry out what the prompt asks for, and nothing else?", "instruction"
    ),
    Question("fidelity", "Are all frames sharp and free of artefacts and deformation?", "fidelity"),
)
_PUBLISHED = FramePlan(
    first=True, last=False, settled=False, uniform=0, changes=0, every=0.5, most=10_000, shrink=[],
    side_max=512, side_min=None, format="jpeg", quality=90, stamp=False,
)  # fmt: skip
_WHOLE = _PUBLISHED.model_copy(update={"side_max": None})  # compatible: given pictures are sent as they are


@dataclass(frozen=True, slots=True)
class PublishedForm:
    """A think block and an answer block with the labels in order, as the published judge asks for."""

    questions: tuple[Question, ...]

    @property
    def identity(self) -> str:
        """Version of the form with its questions."""
        return json.dumps(["ruler", 1, [[question.id, question.text] for question in self.questions]])

    @property
    def schema(self) -> Json | None:
        """None: the reply is no JSON."""
        return None

    def instructions(self, frames: int) -> str:
        """The numbered questions."""
        lines = [f"{i}. {question.text}" for i, question in enumerate(self.questions, 1)]
        return "\n".join(
            [
                *lines,
                "",
                "Reply with <think>what was to be done, what the video shows, and one or two sentences on "
                "each question</think> and then <answer>a JSON list of "
                f"{len(self.questions)} labels, Good, Medium or Poor, in the order of the "
                "questions</answer>.",
            ]
        )

    def read(self, reply: Reply, frames: int) -> Json:
        """Labels by question, from the answer block alone."""
        match = re.search(r"<answer>(.*?)</answer>", reply.text, re.DOTALL)
        if match is None:
            raise InvalidReplyError("it has no <answer> block")
        try:
            labels = json.loads(match[1])
        except ValueError:
            raise InvalidReplyError("the <answer> block is no JSON list") from None
        if not isinstance(labels, list) or len(labels) != len(self.questions) or set(labels) - set(LABELS):
            raise InvalidReplyError(f"the <answer> block must be a list of {len(self.questions)} labels")
        return {
            question.id: {"answer": label, "frames": [], "why": ""}
            for question, label in zip(self.questions, labels, strict=True)
        }


class RulerJudge(AskingJudge):
    """Compatible: one call as published. Fixed: the same questions with the end of the clip and citations."""

    system = _SYSTEM

    def __init__(self, name: str, settings: AskSettings, journal: Path | None = None) -> None:
        """As all that ask; the published judge has nothing mended."""
        if settings.mode == "compatible":
            limits = settings.limits.model_copy(update={"repairs": 0})
            settings = settings.model_copy(update={"limits": limits})
        super().__init__(name, settings, journal)

    @property
    def compatible(self) -> bool:
        """Whether the published protocol is kept."""
        return self.settings.mode == "compatible"

    def plan(self) -> FramePlan:
        """The published plan, or the card's."""
        return _PUBLISHED if self.compatible else self.settings.frames

    def questions(self, instance: Instance) -> tuple[Question, ...]:
        """The instance's checklist; for puzzles of ours, theirs."""
        asked = list(asking.of(instance, self.known))
        if asked and instance.scene.get("puzzle") is not None and "questions" not in instance.state:
            asked += _MORE
        return tuple(
            Question(q.id, q.text, q.kind, None, "good/medium/poor", q.crop, q.metric or METRIC_OF[q.kind])
            for q in asked
        )

    def context(self, instance: Instance, plan: FramePlan) -> tuple[Part, ...]:
        """Input picture, prompt, expected last frame and explanation, in the published order."""
        size = _WHOLE if self.compatible else plan
        first = self.first_frame(instance, size)
        parts: list[Part] = [] if first is None else ["Input image:", first]
        parts.append(f"Prompt: {instance.prompt}")
        expected = self._expected(instance, size)
        if expected is not None:
            parts += ["The expected last frame, or the expected way:", expected]
        explanation = instance.state.get("implicit_explanation")
        return tuple([*parts, f"What is expected: {explanation}"] if explanation else parts)

    def _expected(self, instance: Instance, plan: FramePlan) -> Picture | None:
        if instance.first_frame is None or not instance.state.get("gt_image"):
            return None
        path = instance.first_frame.with_name(FINAL)
        return encode(read_picture(path), plan) if path.is_file() else None

    def asks(self, instance: Instance, clip: Clip, seed: int) -> list[Ask]:
        """All questions in one call (compatible), or in groups."""
        questions, footage = self.questions(instance), self.footage(clip)
        if not questions:
            return []
        if not self.compatible:
            return self.checklist(instance, footage, questions, seed)
        before = self.context(instance, footage.plan)
        return [
            Ask(
                self.system,
                before,
                (("Video frames:", footage),),
                PublishedForm(questions),
                None,
                self.sample_offset,
            )
        ]

    def one(self, instance: Instance, clip: Clip, seed: int) -> Verdict:
        """The four metrics; pass where every question of rule coherence is Good."""
        questions = self.questions(instance)
        if not questions:
            return unscored(
                f"there is no checklist for {instance.task}: import it, or add -o file=QUESTIONS.jsonl"
            )
        if self.compatible:
            found = self.asker.ask(self.asks(instance, clip, seed)[0])
            given = {name: {**each, "seconds": []} for name, each in found["answers"].items()}
            answers = Answers(given, {}, found["shown"], [], [found["raw"]])
        else:
            answers = self.answers(instance, self.footage(clip), questions, seed)
        return _verdict(questions, answers)


def _verdict(questions: Sequence[Question], answers: Answers) -> Verdict:
    evidence = answers.evidence(questions)
    values = {
        question.id: question.value(answers.given[question.id]["answer"])
        for question in questions
        if question.id in answers.given and answers.given[question.id]["answer"] != CANNOT_TELL
    }
    if len(values) < len(questions):
        failed = [error.reason for error in answers.failed.values()]
        missing = [question.id for question in questions if question.id not in values]
        reason = failed[0] if failed else f"the judge cannot tell: {', '.join(missing)}"
        return Verdict(status="unscored", score=None, reason=reason, evidence=evidence)
    by_metric: dict[str, list[float]] = {}
    for question in questions:
        by_metric.setdefault(question.metric, []).append(values[question.id])
    metrics = {f"ruler.{slug(name)}": sum(found) / len(found) for name, found in by_metric.items()}
    rules = [question for question in questions if question.metric == "Rule Coherence"] or list(questions)
    poor = [question for question in rules if values[question.id] < 1]
    violations = []
    for question in poor:
        given = answers.given[question.id]
        why = f": {given['why']}" if given["why"] else ""
        what = f"{question.text} {given['answer']}{why}"
        violations.append(
            Violation(min(given["seconds"], default=0.0), f"ruler.{slug(question.metric)}", what)
        )
    violations.sort(key=lambda each: each.seconds)
    return Verdict(
        status="fail" if poor else "pass",
        score=sum(values.values()) / len(values),
        checks={f"ruler.{question.id}": values[question.id] for question in questions},
        metrics=metrics,
        violations=tuple(violations),
        reason=violations[0].what if violations else "every question of rule coherence is answered with Good",
        evidence=evidence,
    )


def slug(metric: str) -> str:
    """A metric's name as figures carry it."""
    return metric.lower().replace(" ", "_")
