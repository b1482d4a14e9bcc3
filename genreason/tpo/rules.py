"""The critic by program: from a verdict's violations alone, textual loss and gradient, and no model asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genreason.tpo import lock
from genreason.tpo.story import Attempt, Consult
from genreason.types import Instance, Json

Pair = tuple[Instance, Consult]
_ADVICE = {
    "rules.legal": "Make no step that the rules forbid: look before each one whether it is allowed.",
    "rules.goal": "Go on until what was asked for is done, and end there.",
    "objects.present": "Keep everything that moves whole, visible and looking the same in every frame.",
    "objects.unique": "Create nothing: no object may be there twice.",
    "objects.continuous": "Let everything move smoothly, without jumps.",
    "scene.first_frame": "Begin with exactly the given picture.",
    "scene.kept": "Leave all that does not have to move exactly as it is in the given picture.",
    "camera.still": "Hold the camera still.",
}
_CIRCLES = "Do not walk in circles: where it was a dead end before, it still is."
_KEEP = {
    "rules": "The rules are kept.",
    "objects": "All objects stay whole.",
    "scene": "The scene stays as it is.",
    "camera": "The camera stands still.",
}


class RulesCritic:
    """Says in words what the scorer found."""

    identity: Json = {"name": "rules"}

    def __init__(self, tells: bool) -> None:
        """`tells`: may say the solution."""
        self.tells = tells

    def answer(self, pairs: Sequence[Pair]) -> list[Json]:
        """See `Critic`."""
        return [
            {"answer": self._one(instance, consult), "seconds": 0.0, "tokens": 0}
            for instance, consult in pairs
        ]

    def _one(self, instance: Instance, consult: Consult) -> Json:
        if consult.role == "loss":
            return {"text": loss(consult.attempts)}
        if consult.role == "gradient":
            return {"text": " ".join(changes(consult.attempts))}
        if consult.role == "update":
            advice = str(consult.notes.get("gradient", ""))
            return {"prompt": lock.locked(instance.prompt, advice)}
        found = critique(consult.attempts)
        if self.tells:
            found["solution"] = ", ".join(lock.moves_of(instance))
        return found


def critique(attempts: Sequence[Attempt]) -> Json:
    """What is seen in clips, what was broken, what was right, and what to change."""
    return {
        "observations": [each for attempt in attempts for each in observations(attempt)],
        "violated": sorted({v["check"] for attempt in attempts for v in attempt.seen["violations"]}),
        "keep": keeps(attempts),
        "change": changes(attempts),
    }


def observations(attempt: Attempt) -> list[Json]:
    """What is seen in one clip, in order of time."""
    seen = attempt.seen
    found: list[Json] = [
        {"clip": attempt.k, "seconds": v["seconds"], "what": v["what"], "rule": v["check"]}
        for v in seen["violations"]
    ]
    if seen.get("revisit") is not None:
        what = "what moves is back where it had been before"
        found.append({"clip": attempt.k, "seconds": seen["revisit"], "what": what, "rule": "circle"})
    return sorted(found, key=lambda each: float(each["seconds"]))


def keeps(attempts: Sequence[Attempt]) -> list[str]:
    """Groups of checks that held in every clip."""
    broken = {name.split(".")[0] for a in attempts for name, value in a.seen["checks"].items() if value < 1}
    seen = {name.split(".")[0] for attempt in attempts for name in attempt.seen["checks"]}
    return [text for group, text in _KEEP.items() if group in seen - broken]


def changes(attempts: Sequence[Attempt]) -> list[str]:
    """What to do about the violations, in words that tell nothing of the solution."""
    found: list[str] = []
    for attempt in attempts:
        for violation in attempt.seen["violations"]:
            found.append(advice(violation))
        if attempt.seen.get("revisit") is not None and not attempt.passed:
            found.append(_CIRCLES)
    return list(dict.fromkeys(found))


def advice(violation: Json) -> str:
    """What to do about one violation."""
    check = str(violation["check"])
    if check in _ADVICE:
        return _ADVICE[check]
    return f"Make sure of this: {str(violation['what']).split('?')[0]}." if "?" in violation["what"] else (
        "Keep to the task in every frame."
    )  # fmt: skip


def loss(attempts: Sequence[Attempt]) -> str:
    """Strengths and weaknesses of clips, and which is preferred: a loss in words."""
    lines = [_described(attempt) for attempt in attempts]
    if len(attempts) > 1:
        best = max(attempts, key=lambda each: (each.value, -each.k))
        worst = min(attempts, key=lambda each: (each.value, -each.k))
        if best.value == worst.value:
            lines.append("Neither is better than the other.")
        else:
            lines.append(f"Clip {best.k} is better than clip {worst.k}; it is preferred.")
    return "\n".join(lines)


def _described(attempt: Attempt) -> str:
    if attempt.passed:
        return f"Clip {attempt.k} does what was asked for."
    if attempt.seen["status"] == "unscored":
        return f"Clip {attempt.k} could not be judged: {attempt.seen['reason']}."
    told: list[Any] = [f"at {each['seconds']:.2f} s {each['what']}" for each in observations(attempt)]
    right = " ".join(keeps([attempt]))
    return f"Clip {attempt.k} fails: {'; '.join(told) or attempt.seen['reason']}. {right}".strip()
