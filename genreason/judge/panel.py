"""Several judges on the same clip: a majority, what they agree on, and where they do not."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from genreason import cards
from genreason import judge as registry
from genreason.cards import JudgeCard, Strict
from genreason.judge.questions import PUZZLES
from genreason.types import Clip, Instance, Json, Judge, UserError, Verdict


class PanelSettings(Strict):
    """Options of a panel: its members by the name of their card, each with options over the card's."""

    members: dict[str, dict[str, Any]] = Field(min_length=2)


class Panel:
    """Passes and fails by majority; where members are split evenly, the clip is unscored."""

    options = PanelSettings

    def __init__(self, name: str, settings: PanelSettings, journal: Path | None = None) -> None:
        """Load the members.

        Raises:
            UserError: there is no such judge, or one cannot be used.
        """
        self.name = name
        self.members = members(name, settings.members, journal)

    @property
    def threads(self) -> int:
        """As many as the busiest member can use."""
        return most_threads(self.members)

    def ready(self) -> None:
        """Find out whether all members can be used."""
        for judge in self.members.values():
            registry.make_ready(judge)

    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        """One verdict a clip."""
        by_member = {name: judged(judge, instance, clips, seed) for name, judge in self.members.items()}
        return [
            joined({name: verdicts[i] for name, verdicts in by_member.items()}) for i in range(len(clips))
        ]


def members(owner: str, wanted: dict[str, dict[str, Any]], journal: Path | None) -> dict[str, Judge]:
    """Judges by the name of their card.

    Raises:
        UserError: there is no such judge, an option is wrong, or a judge would contain itself.
    """
    found: dict[str, Judge] = {}
    for name, changes in wanted.items():
        card = cards.load(JudgeCard, name)
        if card.kind in ("panel", "auto"):
            raise UserError(
                f"judge {owner}: {name} is a {card.kind} itself: name judges that look for themselves"
            )
        own = None if journal is None else journal.with_name(f"{journal.stem}.{name}.jsonl")
        found[name] = registry.load(card, cards.with_options(card, changes), own)
    return found


def judged(judge: Judge, instance: Instance, clips: Sequence[Clip], seed: int) -> list[Verdict]:
    """Verdicts of one judge among others; programs take turns, since threads would only share one core."""
    with contextlib.nullcontext() if hasattr(judge, "threads") else PUZZLES:
        return judge.judge(instance, clips, seed)


def most_threads(judges: dict[str, Judge]) -> int:
    """Threads that the busiest of the judges can use; at least 1."""
    return max([1, *(getattr(judge, "threads", 1) for judge in judges.values())])


def joined(verdicts: dict[str, Verdict]) -> Verdict:
    """The majority's verdict, with what each member said in the evidence."""
    cast = Counter(verdict.status for verdict in verdicts.values() if verdict.status != "unscored")
    said: Json = {
        name: {
            "status": verdict.status,
            "reason": verdict.reason,
            "answers": {
                question: given["answer"] for question, given in verdict.evidence.get("answers", {}).items()
            },
        }
        for name, verdict in verdicts.items()
    }
    retry = {"retry": True} if any(v.evidence.get("retry") for v in verdicts.values()) else {}
    evidence: Json = {"members": said, **retry}
    ranked = cast.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        silent = next((v.reason for v in verdicts.values() if v.status == "unscored"), "")
        reason = "the panel is split: " + ", ".join(f"{name} {v.status}" for name, v in verdicts.items())
        return Verdict(status="unscored", score=None, reason=reason if ranked else silent, evidence=evidence)
    winner = ranked[0][0]
    chosen = next(verdict for verdict in verdicts.values() if verdict.status == winner)
    names = {name for verdict in verdicts.values() for name in verdict.checks}
    checks = {}
    for name in sorted(names):
        values = [v.checks[name] for v in verdicts.values() if name in v.checks]
        checks[name] = (
            float(sum(values) * 2 > len(values)) if set(values) <= {0.0, 1.0} else sum(values) / len(values)
        )
    scores = [verdict.score for verdict in verdicts.values() if verdict.score is not None]
    return Verdict(
        status=winner,
        score=sum(scores) / len(scores),
        checks=checks,
        metrics={"panel.agreement": ranked[0][1] / len(verdicts)},
        violations=chosen.violations,
        reason=chosen.reason,
        evidence=evidence,
    )
