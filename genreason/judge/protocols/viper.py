"""VIPER (arXiv 2512.24952): is the process right, and is the outcome; both must be (POC@r)."""

from __future__ import annotations

from genreason.formats.dataset import FINAL, read_picture
from genreason.judge import questions as asking
from genreason.judge.asked import AskingJudge, verdict
from genreason.judge.asking import Ask
from genreason.judge.frames import encode
from genreason.judge.messages import Part
from genreason.judge.questions import Question
from genreason.judge.settings import FramePlan
from genreason.types import Clip, Instance, Verdict

_TEXTS = {
    "process_consistency": "Does every step between the first and the last frame keep to the task and its "
    "constraints? One violation, even if it is undone later, is incorrect.",
    "outcome_consistency": "Does the last frame show the result that the task asks for?",
}


class ViperJudge(AskingJudge):
    """Asks for process and outcome with the constraints and reference frames that an instance has."""

    @property
    def plain(self) -> bool:
        """Compatible mode cites no frames and has no "cannot tell"."""
        return self.settings.mode == "compatible"

    def questions(self) -> tuple[Question, ...]:
        """Process and outcome."""
        return (
            Question(
                "process_consistency",
                _TEXTS["process_consistency"],
                "process",
                "correct",
                "correct/incorrect",
            ),
            Question(
                "outcome_consistency", _TEXTS["outcome_consistency"], "goal", "correct", "correct/incorrect"
            ),
        )

    def context(self, instance: Instance, plan: FramePlan) -> tuple[Part, ...]:
        """Prompt, first frame, constraints and reference frames."""
        parts = list(super().context(instance, plan))
        constraints = list(instance.state.get("constraints", ()))
        if not constraints and instance.scene.get("puzzle") is not None:
            constraints = [
                f"For a right clip the answer is yes: {question.text}"
                for question in asking.puzzle_questions(instance, trap=False)
            ]
        if constraints:
            parts.append("Constraints:\n" + "\n".join(f"- {each}" for each in constraints))
        parts += [str(each) for each in instance.state.get("reference_texts", ())]
        reference = None if instance.first_frame is None else instance.first_frame.with_name(FINAL)
        if reference is not None and reference.is_file() and instance.scene.get("puzzle") is None:
            parts += ["A reference for the last frame:", encode(read_picture(reference), plan)]
        return tuple(parts)

    def one(self, instance: Instance, clip: Clip, seed: int) -> Verdict:
        """Pass where both are correct."""
        asked = self.questions()
        return verdict(asked, self.answers(instance, self.footage(clip), asked, seed))

    def asks(self, instance: Instance, clip: Clip, seed: int) -> list[Ask]:
        """The call of the first vote."""
        return self.checklist(instance, self.footage(clip), self.questions(), seed)
