"""The checklist judge: atomic questions with the task, answers with frames as evidence, all must be right."""

from __future__ import annotations

from genreason.judge import questions as asking
from genreason.judge.asked import AskingJudge, verdict
from genreason.judge.asking import Ask
from genreason.types import Clip, Instance, Verdict, unscored


class ChecklistJudge(AskingJudge):
    """Asks the questions of a benchmark file, of the instance, or of the task's card."""

    def one(self, instance: Instance, clip: Clip, seed: int) -> Verdict:
        """Pass where every question is answered as it must be."""
        asked = asking.of(instance, self.known, self.settings.trap)
        if not asked:
            return unscored(
                f"there are no questions about {instance.task}: give some with -o file=QUESTIONS.jsonl"
            )
        return verdict(asked, self.answers(instance, self.footage(clip), asked, seed))

    def asks(self, instance: Instance, clip: Clip, seed: int) -> list[Ask]:
        """The calls of the first vote."""
        asked = asking.of(instance, self.known, self.settings.trap)
        return self.checklist(instance, self.footage(clip), asked, seed) if asked else []
