"""VR-Bench's VLM-score (paper only, no code was released): rule compliance from 0 to 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genreason.judge import questions as asking
from genreason.judge.asked import Answers
from genreason.judge.protocols.graded import GradedJudge
from genreason.judge.questions import Question
from genreason.types import Instance, Verdict

_WHOLE = (
    "How far does the clip follow the rules of the task, from its first frame to its last? 5: completely, "
    "0: not at all."
)
_MORE = {
    "start": "Does the clip begin with the given picture?",
    "motion": "Do all things move smoothly, without jumping from one place to another?",
}


class VlmScoreJudge(GradedJudge):
    """One grade (compatible), or the sum of five yes/no questions (fixed)."""

    prefix = "vr_bench"

    def best(self) -> float:
        """The one grade counts 5, each of five questions counts 1."""
        return 5.0 if self.settings.mode == "compatible" else 1.0

    def criteria(self, instance: Instance) -> tuple[Question, ...]:
        """The grade, or the five questions of a puzzle of ours."""
        if self.settings.mode == "compatible":
            return (Question("vlm_score", _WHOLE, "process", None, "0-5", None, "vlm_score"),)
        if instance.scene.get("puzzle") is None:
            return ()
        more = tuple(Question(name, text, "process") for name, text in _MORE.items())
        return asking.puzzle_questions(instance, trap=False) + more

    def deciding(self, criteria: Sequence[Question]) -> tuple[Question, ...]:
        """All of them."""
        return tuple(criteria)

    def graded(self, criteria: Sequence[Question], answers: Answers) -> Verdict:
        """As for all graders; in fixed mode `vr_bench.vlm_score` is the sum of the five."""
        verdict = super().graded(criteria, answers)
        if self.settings.mode == "compatible" or verdict.status == "unscored":
            return verdict
        total = {"vr_bench.vlm_score": sum(verdict.metrics.values())}
        return replace(verdict, metrics={**verdict.metrics, **total})
