"""Which of two clips answers better: both orders, ties kept, strengths by Bradley and Terry."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from genreason.judge.asked import AskingJudge
from genreason.judge.asking import Ask
from genreason.judge.messages import Reply, UnansweredError
from genreason.judge.replies import InvalidReplyError, find_json
from genreason.metrics.agreement import bootstrap, bradley_terry
from genreason.types import Clip, Instance, Json, UnreadableClipError, Verdict

_SYSTEM = (
    "You compare two clips that video models made for the same request. What counts is whether the request "
    "is carried "
    "out, by allowed steps, with the rest of the scene as it was; looks count only where both do equally "
    "well."
)
FIRST, SECOND, TIE = "first", "second", "tie"


@dataclass(frozen=True, slots=True)
class ChoiceForm:
    """The better one of two, or a tie."""

    @property
    def identity(self) -> str:
        """Version of the form."""
        return json.dumps(["choice", 1])

    @property
    def schema(self) -> Json | None:
        """One of three."""
        better: Json = {"type": "string", "enum": [FIRST, SECOND, TIE]}
        properties: Json = {"why": {"type": "string"}, "better": better}
        return {
            "type": "object", "properties": properties, "required": list(properties),
            "additionalProperties": False,
        }  # fmt: skip

    def instructions(self, frames: int) -> str:
        """Which is better?"""
        return (
            'Which clip answers the request better? Reply with JSON only: {"why": a few words, "better": '
            '"first", "second" or "tie"}.'
        )

    def read(self, reply: Reply, frames: int) -> Json:
        """{"better", "why"}."""
        record = find_json(reply.text)
        better = str(record.get("better", "")).lower() if isinstance(record, dict) else ""
        if better not in (FIRST, SECOND, TIE):
            raise InvalidReplyError('"better" must be "first", "second" or "tie"')
        return {"better": better, "why": str(record.get("why", ""))[:500]}


class PairwiseJudge(AskingJudge):
    """Compares two clips; among several clips of one run, the share of comparisons that each wins."""

    system = _SYSTEM
    reads_questions = False

    def compared(self, instance: Instance, a: Clip, b: Clip) -> Json:
        """Ask in both orders (compatible: in one).

        Returns:
            {"winner": "a", "b" or "tie", "consistent": whether both orders agree, "said": [...], "why"}.

        Raises:
            UnansweredError: the model gave no answer.
            UnreadableClipError: a clip cannot be read.
        """
        said, why = [], ""
        for ask, turned in zip(self.pair(instance, a, b), (False, True), strict=False):
            found = self.asker.ask(ask)["answers"]
            winner = {FIRST: "b" if turned else "a", SECOND: "a" if turned else "b", TIE: TIE}[
                found["better"]
            ]
            said.append(winner)
            why = why or found["why"]
        consistent = len(set(said)) == 1
        return {"winner": said[0] if consistent else TIE, "consistent": consistent, "said": said, "why": why}

    def pair(self, instance: Instance, a: Clip, b: Clip) -> list[Ask]:
        """The calls that compare two clips."""
        first, second = self.footage(a), self.footage(b)
        before = self.context(instance, first.plan)
        orders = [(first, second), (second, first)][: 1 if self.settings.mode == "compatible" else 2]
        return [
            Ask(
                self.system,
                before,
                (("Frames of the first clip:", x), ("Frames of the second clip:", y)),
                ChoiceForm(),
            )
            for x, y in orders
        ]

    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        """Every clip against every other of the instance; a clip that wins at least half of it passes."""
        points: list[list[float]] = [[] for _ in clips]
        notes: list[list[Json]] = [[] for _ in clips]
        failed: list[str] = []
        for i, j in combinations(range(len(clips)), 2):
            try:
                found = self.compared(instance, clips[i], clips[j])
            except (UnansweredError, UnreadableClipError) as error:
                failed.append(str(error))
                continue
            share = {"a": 1.0, "b": 0.0, TIE: 0.5}[found["winner"]]
            points[i].append(share)
            points[j].append(1 - share)
            for own, other in ((i, j), (j, i)):
                notes[own].append({"against": other, **found})
        return [self._verdict(found, note, failed) for found, note in zip(points, notes, strict=True)]

    def _verdict(self, points: Sequence[float], notes: list[Json], failed: Sequence[str]) -> Verdict:
        if not points:
            reason = failed[0] if failed else (
                "there is only one clip of this sample: genreason compare compares runs"
            )  # fmt: skip
            retry = {"retry": True} if failed else {}
            return Verdict(status="unscored", score=None, reason=reason, evidence=dict(retry))
        share = sum(points) / len(points)
        return Verdict(
            status="pass" if share >= 0.5 else "fail",
            score=share,
            metrics={"pairwise.won": share},
            reason=f"wins {100 * share:.0f} % of {len(points)} comparisons with other clips of the sample",
            evidence={"comparisons": notes},
        )

    def one(self, instance: Instance, clip: Clip, seed: int) -> Verdict:
        """A clip alone cannot be compared."""
        return self.judge(instance, [clip], seed)[0]

    def asks(self, instance: Instance, clip: Clip, seed: int) -> list[Ask]:
        """None: a clip alone cannot be compared."""
        return []


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome of one comparison: names of both, the winner's or "tie"."""

    a: str
    b: str
    winner: str
    consistent: bool
    said: tuple[str, ...]


def standings(matches: Sequence[Match], name: str = "pairwise") -> Json:
    """Strengths with intervals, and how the judge behaved.

    Returns:
        {"strengths": {player: {"mean", "low", "high"}}, "matches", "ties", "consistent": share of comparisons
        in which both orders agree, "first": share of single answers that name the clip shown first}.
    """
    players = sorted({player for match in matches for player in (match.a, match.b)})

    strengths = {}
    for player in players:
        found = bootstrap(matches, functools.partial(_strength, matches, player), f"{name}/{player}", 200)
        if found is not None:
            strengths[player] = {"mean": found.mean, "low": found.low, "high": found.high}
    twice = [match for match in matches if len(match.said) == 2]
    # The first order shows a first, the second shows b first.
    firsts = [
        said == shown for m in matches for said, shown in zip(m.said, "ab", strict=False) if said != TIE
    ]
    return {
        "strengths": strengths,
        "matches": len(matches),
        "ties": sum(match.winner == TIE for match in matches),
        "consistent": sum(match.consistent for match in twice) / len(twice) if twice else None,
        "first": sum(firsts) / len(firsts) if firsts else None,
    }


def _strength(matches: Sequence[Match], player: str, picks: Sequence[int]) -> float | None:
    """A player's strength in some of the matches."""
    wins: dict[tuple[str, str], float] = {}
    for i in picks:
        match = matches[i]
        for winner, loser in ((match.a, match.b), (match.b, match.a)):
            own = 0.5 if match.winner == TIE else float(match.winner == winner)
            wins[winner, loser] = wins.get((winner, loser), 0.0) + own
    return bradley_terry(wins).get(player)


def named(found: Json, a: str, b: str) -> Match:
    """A comparison's outcome with the players' names."""
    winner = {"a": a, "b": b, TIE: TIE}[found["winner"]]
    return Match(a, b, winner, found["consistent"], tuple(found["said"]))
