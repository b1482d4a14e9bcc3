"""Judges that ask for grades on scales: what MME-CoF and VR-Bench's VLM-score have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from pydantic import Field

from genreason.judge.asked import Answers, AskingJudge
from genreason.judge.asking import Ask
from genreason.judge.questions import CANNOT_TELL, Question
from genreason.judge.settings import AskSettings
from genreason.types import Clip, Instance, Verdict, Violation, unscored


class GradedSettings(AskSettings):
    """Options of judges that grade.

    Attributes:
        pass_at: share of the best grade from which a clip counts as passed (ours: published are means only).
    """

    pass_at: float = Field(default=0.75, gt=0, le=1)


class GradedJudge(AskingJudge):
    """Grades criteria; the score is their mean, and `deciding` criteria say whether a clip passes."""

    options = GradedSettings
    settings: GradedSettings
    prefix = ""

    @property
    def plain(self) -> bool:
        """Compatible mode cites no frames."""
        return self.settings.mode == "compatible"

    @abstractmethod
    def best(self) -> float:
        """What the best grade of a criterion counts in the metrics."""

    @abstractmethod
    def criteria(self, instance: Instance) -> tuple[Question, ...]:
        """What is graded; none where nothing can be."""

    @abstractmethod
    def deciding(self, criteria: Sequence[Question]) -> tuple[Question, ...]:
        """The criteria whose mean decides whether a clip passes."""

    def one(self, instance: Instance, clip: Clip, seed: int) -> Verdict:
        """The grades as metrics; pass where the deciding ones reach `pass_at`."""
        criteria = self.criteria(instance)
        if not criteria:
            return unscored(f"{self.name} has nothing to ask about {instance.task}")
        return self.graded(criteria, self.answers(instance, self.footage(clip), criteria, seed))

    def asks(self, instance: Instance, clip: Clip, seed: int) -> list[Ask]:
        """The calls of the first vote."""
        return self.checklist(instance, self.footage(clip), self.criteria(instance), seed)

    def graded(self, criteria: Sequence[Question], answers: Answers) -> Verdict:
        """The verdict on answers to these criteria."""
        values = {
            question.id: question.value(answers.given[question.id]["answer"])
            for question in criteria
            if question.id in answers.given and answers.given[question.id]["answer"] != CANNOT_TELL
        }
        evidence = answers.evidence(criteria)
        deciding = self.deciding(criteria)
        missing = [question.id for question in deciding if question.id not in values]
        if missing:
            failed = [error.reason for error in answers.failed.values()]
            reason = failed[0] if failed else f"the judge cannot tell: {', '.join(missing)}"
            return Verdict(status="unscored", score=None, reason=reason, evidence=evidence)
        reached = sum(values[question.id] for question in deciding) / len(deciding)
        passed = reached >= self.settings.pass_at
        violations = [] if passed else self._lowest(deciding, values, answers)
        return Verdict(
            status="pass" if passed else "fail",
            score=sum(values.values()) / len(values),
            metrics={f"{self.prefix}.{name}": self.best() * value for name, value in values.items()},
            violations=tuple(violations),
            reason=f"{100 * reached:.0f} % of the best grade ({100 * self.settings.pass_at:.0f} % pass)",
            evidence=evidence,
        )

    def _lowest(
        self, deciding: Sequence[Question], values: dict[str, float], answers: Answers
    ) -> list[Violation]:
        worst = min(deciding, key=lambda question: values[question.id])
        given = answers.given[worst.id]
        why = f": {given['why']}" if given["why"] else ""
        seconds = min(given["seconds"], default=0.0)
        return [
            Violation(seconds, f"{self.prefix}.{worst.id}", f"{worst.id} is graded {given['answer']}{why}")
        ]
