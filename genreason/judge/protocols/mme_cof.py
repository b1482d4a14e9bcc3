"""MME-CoF (arXiv 2510.26802): five criteria from 0 to 4, several samples a prompt, mean and deviation."""

from __future__ import annotations

from collections.abc import Sequence

from genreason.judge.protocols.graded import GradedJudge
from genreason.judge.questions import Question
from genreason.types import Instance

CRITERIA = {
    "instruction_alignment": "How well does the clip do what was asked, from its reasoning steps to its "
    "result?",
    "temporal_consistency": "How smooth and continuous is the clip over time, without jumps or flicker?",
    "visual_stability": "How stable are camera, objects and scene, without deformation or drift?",
    "content_fidelity": "How faithful do objects stay to the given picture, with nothing added, lost or "
    "changed?",
    "focus_relevance": "How well does the clip stay with what matters for the task, without distraction?",
}


class MmeCofJudge(GradedJudge):
    """Grades the five criteria in one call."""

    prefix = "mme_cof"

    def best(self) -> float:
        """Grades are from 0 to 4."""
        return 4.0

    def criteria(self, instance: Instance) -> tuple[Question, ...]:
        """The five, whatever the instance."""
        return tuple(
            Question(name, f"{text} 0 is worst, 4 is best.", "instruction", None, "0-4", None, name)
            for name, text in CRITERIA.items()
        )

    def deciding(self, criteria: Sequence[Question]) -> tuple[Question, ...]:
        """Fixed: instruction alignment; compatible: all five."""
        return tuple(criteria) if self.settings.mode == "compatible" else (criteria[0],)
