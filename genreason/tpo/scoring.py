"""Verdicts as numbers, and a scorer that errs on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import Field

from genreason import seeds
from genreason.cards import Strict
from genreason.types import Clip, Instance, Json, Judge, Verdict, Violation

_KEPT = 6  # violations that stand in a journal
_FAIL = 0.9  # of the scale is for clips that fail
_AWAY, _BACK = 0.75, 0.35  # cells from a place that count as having left it, and as being there again


class Noise(Strict):
    """How often a scorer errs on purpose: shares of wrong clips let pass, and of right clips refused."""

    accept: float = Field(default=0.0, ge=0, lt=1)
    reject: float = Field(default=0.0, ge=0, lt=1)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.accept > 0 or self.reject > 0


class NoisyJudge:
    """A judge whose verdicts are turned round at given rates, for what a method can bear.

    Whether a clip's verdict is turned depends on the puzzle, the clip's number and the seed alone.
    """

    def __init__(self, inner: Judge, noise: Noise, seed: int) -> None:
        """Turn verdicts of `inner`."""
        self.inner, self.noise, self.seed = inner, noise, seed

    def turned(self, instance: Instance, k: int, verdict: Verdict) -> Verdict:
        """The verdict on clip number `k`, or its opposite."""
        if verdict.status == "unscored":
            return verdict
        rng = seeds.stream("noise", self.seed, instance.key, k)
        draw, when = float(rng.random()), float(rng.random())
        if verdict.status == "fail" and draw < self.noise.accept:
            checks = dict.fromkeys(verdict.checks, 1.0)
            return replace(verdict, status="pass", score=1.0, checks=checks, violations=(), reason="passes")
        if verdict.status == "pass" and draw < self.noise.reject:
            return replace(verdict, status="fail", score=0.0, **self._made_up(verdict, when))
        return verdict

    def _made_up(self, verdict: Verdict, when: float) -> dict[str, Any]:
        """A violation at any time, as a judge that errs would claim it."""
        frames, fps = verdict.evidence.get("frames", 0), verdict.evidence.get("fps", 1.0)
        check = next((name for name in verdict.checks if name.endswith("legal")), "rules.goal")
        what = Violation(round(when * max(frames - 1, 0)) / fps, check, "a move is not allowed")
        return {
            "checks": {**verdict.checks, check: 0.0}, "violations": (what,), "reason": what.what,
        }  # fmt: skip


def grade(judge: Judge, instance: Instance, clip: Clip, seed: int) -> Verdict:
    """The verdict on one clip."""
    (verdict,) = judge.judge(instance, [clip], seed)
    return verdict


def kept(verdict: Verdict) -> Json:
    """What stands of a verdict in a journal."""
    record = verdict.to_json()
    evidence = record.pop("evidence")
    return {
        **record,
        "violations": record["violations"][:_KEPT],
        "fps": evidence.get("fps"),
        "frames": evidence.get("frames"),
        "revisit": revisit(evidence),
        **({"retry": True} if evidence.get("retry") else {}),
    }


def revisit(evidence: Json) -> float | None:
    """Seconds at which what moves is first back where it had been before; None where it never is.

    Walking in circles breaks no rule; it is what can be seen of a clip that never gets to its goal.
    """
    tracks = [track for track in (evidence.get("track") or {}).values() if track]
    if not tracks or not evidence.get("fps"):
        return None
    points = np.array([[np.nan, np.nan] if p is None else p for p in tracks[-1]], np.float64)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    moving = steps[np.nan_to_num(steps) > 1.0]
    if not len(moving):
        return None
    cell = float(np.median(moving))
    for t in range(2, len(points)):
        gaps = np.linalg.norm(points[:t] - points[t], axis=1) / cell
        near = np.flatnonzero(np.nan_to_num(gaps, nan=np.inf) < _BACK)
        if len(near) and np.nanmax(gaps[near[0] :], initial=0.0) > _AWAY:
            return round(t / float(evidence["fps"]), 3)
    return None


def value(seen: Json) -> float:
    """A kept verdict as one number: 1 for a pass, below 0.9 for the rest, 0 for what could not be scored.

    A clip that fails is worth the mean of what was seen of it: the share of checks that hold, and how much of
    it went by before the first violation. How near it came to the goal does not count: to know that is to
    know the solution.
    """
    if seen["status"] == "unscored":
        return 0.0
    if seen["status"] == "pass":
        return 1.0
    parts: list[float] = []
    if seen["checks"]:
        parts.append(sum(seen["checks"].values()) / len(seen["checks"]))
    elif seen["score"] is not None:
        parts.append(seen["score"])
    if seen["violations"] and seen["fps"] and (seen["frames"] or 0) > 1:
        last = (seen["frames"] - 1) / seen["fps"]
        parts.append(min(seen["violations"][0]["seconds"] / last, 1.0))
    return round(_FAIL * sum(parts) / len(parts), 5) if parts else 0.0


def parse_noise(text: str | None) -> Noise:
    """Read "0.1", or "0.1,0.05": wrong clips let pass, right clips refused.

    Raises:
        ValueError: it is neither.
    """
    if text is None:
        return Noise()
    parts: Sequence[float] = [float(part) for part in text.split(",")]
    if len(parts) > 2 or not all(0 <= part < 1 for part in parts):
        raise ValueError(text)
    return Noise(accept=parts[0], reject=parts[-1])
