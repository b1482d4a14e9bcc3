"""What is asked of a clip: questions from a benchmark file, the instance, or the task's card.

Questions about puzzles of ours are the same for every family: a goal, a process and a preservation question,
in the words of the task's card, and a trap whose true answer, computed from the state, is no.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from genreason import cards, seeds
from genreason.cards import Strict, TaskCard
from genreason.judge.frames import Crop
from genreason.puzzles import base
from genreason.types import Instance, UserError

Kind = Literal["goal", "process", "preservation", "instruction", "consistency", "fidelity", "trap"]
SCALES: dict[str, tuple[str, ...]] = {
    "yes/no": ("yes", "no"),
    "correct/incorrect": ("correct", "incorrect"),
    "good/medium/poor": ("Good", "Medium", "Poor"),
    "0-4": ("4", "3", "2", "1", "0"),
    "0-5": ("5", "4", "3", "2", "1", "0"),
}
"""Answers of each scale, best first; their values fall evenly from 1 to 0."""
CANNOT_TELL = "cannot_tell"
PUZZLE_KINDS: tuple[Kind, ...] = ("goal", "process", "preservation")
CHECKS: dict[str, tuple[str, ...]] = {
    "goal": ("rules.goal",),
    "process": ("rules.legal", "objects.continuous"),
    "preservation": ("objects.present", "objects.unique", "scene.", "camera."),
}
"""Which checks of the rules judge decide the true answer to a puzzle's question of each kind."""
TEXTS: dict[str, str] = {
    "goal": "At the end of the clip, does the {agent} stand on the {goal}?",
    "process": "Does the {agent} stay on the {floor} from the first frame to the last, never passing "
    "through the {wall} and never jumping from one place to another?",
    "preservation": "Do the {wall}, the {floor} and the {goal} stay exactly as in the first frame, with "
    "nothing vanishing, nothing appearing, no second {agent}, and a camera that stands still?",
    "trap": "In the first frame, is the {agent} in the {side} half of the picture?",
}
PUZZLES = threading.RLock()
"""Held while a puzzle is drawn or a program judges: the boards that puzzles keep are for one thread alone."""
_WORDS = {"agent": "player", "goal": "goal", "floor": "floor", "wall": "walls", "box": "box"}


@dataclass(frozen=True, slots=True)
class Question:
    """One atomic question.

    Attributes:
        id: its name, unique among the questions of an instance.
        text: as the model reads it.
        kind: what it is about.
        expect: the answer that is right for a good clip; None on scales, where more is better.
        scale: which answers there are.
        crop: the part of the picture that it is about.
        metric: what a benchmark calls its kind.
    """

    id: str
    text: str
    kind: Kind = "goal"
    expect: str | None = "yes"
    scale: str = "yes/no"
    crop: Crop | None = None
    metric: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The answers that may be given, without "cannot_tell"."""
        return SCALES[self.scale]

    def value(self, answer: str) -> float:
        """What an answer is worth, 0 to 1."""
        if self.expect is not None:
            return float(answer == self.expect)
        return 1 - self.labels.index(answer) / (len(self.labels) - 1)


class Written(Strict):
    """A question as instances and files write it."""

    id: str | None = None
    text: str = Field(min_length=1)
    kind: Kind = "goal"
    expect: str | None = "yes"
    scale: str = "yes/no"
    crop: list[float] | None = None
    metric: str = ""

    @field_validator("scale")
    @classmethod
    def _known(cls, scale: str) -> str:
        if scale not in SCALES:
            raise ValueError(f"there is {', '.join(SCALES)}")
        return scale

    @field_validator("crop")
    @classmethod
    def _inside(cls, crop: list[float] | None) -> list[float] | None:
        if crop is not None and not (
            len(crop) == 4 and 0 <= crop[0] < crop[2] <= 1 and 0 <= crop[1] < crop[3] <= 1
        ):
            raise ValueError("it is left, top, right, bottom in shares of the picture (0 to 1)")
        return crop

    def question(self, number: int) -> Question:
        """The question itself; numbered where it has no name."""
        crop = None if self.crop is None else (self.crop[0], self.crop[1], self.crop[2], self.crop[3])
        name = self.id or f"{self.kind}_{number}"
        expect = self.expect if self.scale in ("yes/no", "correct/incorrect") else None
        return Question(name, self.text, self.kind, expect, self.scale, crop, self.metric)


class Entry(Strict):
    """A line of a file of questions: for a sample, or for all samples of a task."""

    sample: str | None = None
    task: str | None = None
    questions: list[Written] = Field(min_length=1)


def read_file(path: str, judge: str) -> dict[str, tuple[Question, ...]]:
    """Questions by sample id or task, of a JSON Lines file.

    Raises:
        UserError: it cannot be read, or a line has an unknown field; names line and field.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"judge {judge}: the file of questions {path} cannot be read ({error})") from None
    found: dict[str, tuple[Question, ...]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UserError(f"{where}: not JSON ({error})") from None
        entry = cards.parse(Entry, record, where)
        name = entry.sample or entry.task
        if name is None:
            raise UserError(f"{where}: names neither sample nor task")
        found[name] = numbered(entry.questions)
    return found


def numbered(written: Sequence[Written]) -> tuple[Question, ...]:
    """The questions, each with a name."""
    return tuple(each.question(i) for i, each in enumerate(written, 1))


def of(
    instance: Instance, known: dict[str, tuple[Question, ...]], trap: bool = False
) -> tuple[Question, ...]:
    """The questions about an instance: from a file, its own, or those of its puzzle, if any.

    Args:
        instance: the instance.
        known: what `read_file` gave.
        trap: whether the puzzle's trap question is asked, too.

    Raises:
        UserError: the instance's own questions cannot be read.
    """
    for name in (instance.sample_id, instance.task):
        if name in known:
            return known[name]
    if "questions" in instance.state:
        where = f"{instance.sample_id}: questions"
        return numbered([cards.parse(Written, each, where) for each in instance.state["questions"]])
    if instance.scene.get("puzzle") is None:
        return ()
    return puzzle_questions(instance, trap)


def puzzle_questions(instance: Instance, trap: bool = True) -> tuple[Question, ...]:
    """Goal, process and preservation of a puzzle of ours in the words of its card, and the trap."""
    with PUZZLES:
        asked = _puzzle_questions(instance)
    return asked if trap else asked[:-1]


def _puzzle_questions(instance: Instance) -> tuple[Question, ...]:
    puzzle = base.load(instance.scene["puzzle"])
    words = dict(_WORDS)
    if not instance.foreign:
        words |= puzzle.style_words(instance.style)
    words |= puzzle.words(puzzle.start(instance))
    words = {name: word.removeprefix("a ").removeprefix("an ") for name, word in words.items()}
    texts = {**TEXTS, **_card_texts(instance.task)}
    asked: list[Question] = [
        Question(kind, " ".join(texts[kind].format_map(words).split()), kind) for kind in PUZZLE_KINDS
    ]
    text = puzzle.trap(instance)
    if not text:
        text = texts["trap"].format_map({**words, "side": _wrong_side(instance)})
    return (*asked, Question("trap", text, "trap", expect="no"))


def _card_texts(task: str) -> dict[str, str]:
    known = cards.paths(TaskCard)
    if task not in known:
        return {}
    return {str(kind): text for kind, text in cards.load(TaskCard, task).questions.items()}


def _wrong_side(instance: Instance) -> str:
    """The half of the picture in which the agent does not start, along the axis on which that is plainest."""
    puzzle = base.load_pieces(instance.scene["puzzle"])  # other puzzles have a trap of their own
    board = puzzle.board(instance)
    x, y = board.lattice.pixels(puzzle.places(puzzle.start(instance)))[-1]
    across, down = float(x) / instance.size[0] - 0.5, float(y) / instance.size[1] - 0.5
    if abs(across) >= abs(down):
        return "right" if across < 0 else "left"
    return "lower" if down < 0 else "upper"


def truths(checks: dict[str, float], breaks: str = "") -> dict[str, str]:
    """True answers to a puzzle's questions, from the checks of the rules judge on a clip of a control.

    What holds is true. What is broken is untrue where it is what the control was made to break; other checks
    can break along with it (whether the goal is reached, where there are two players) without telling what a
    person would say: those kinds are left out.

    Args:
        checks: of the rules judge.
        breaks: the check, or group of checks, that the control was made to break; "" for none.
    """
    found = {"trap": "no"}
    for kind, names in CHECKS.items():
        broken = [name for name, value in checks.items() if name.startswith(names) and value < 1]
        if not broken:
            found[kind] = "yes"
        elif breaks and any(name.startswith(breaks) for name in broken):
            found[kind] = "no"
    return found


def grouped(questions: Sequence[Question], most: int, *identity: seeds.Part) -> list[tuple[Question, ...]]:
    """The questions shuffled by the identity's stream, at most `most` in a group, one crop in each."""
    order = seeds.stream("questions", *identity).permutation(len(questions))
    by_crop: dict[Crop | None, list[Question]] = {}
    for i in order:
        by_crop.setdefault(questions[int(i)].crop, []).append(questions[int(i)])
    return [
        tuple(part[i : i + most]) for part in by_crop.values() for i in np.arange(0, len(part), most).tolist()
    ]
