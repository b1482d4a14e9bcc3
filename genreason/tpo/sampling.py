"""Draw and pick: best-of-n, and the bound that no picking can pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from genreason.cards import Strict
from genreason.tpo.story import SIDES, Attempt, Finished, Shoot, Story, Subject, Take, highest


class SamplingOptions(Strict):
    """Options of best-of-n and oracle-pick.

    Attributes:
        stop: end as soon as the scorer lets a clip pass. Without it all clips are made, which pass@k and the
            scaling curve need.
        width: clips that are asked for at once.
        views: look at the puzzle from another side for every clip, where the generator can.
    """

    stop: bool = False
    width: int = Field(default=1, ge=1)
    views: bool = False


class BestOfN:
    """Fresh seeds of the same prompt; the scorer picks."""

    name = "best-of-n"
    critic = False
    tells = False
    drafts = 1

    def __init__(self, options: SamplingOptions) -> None:
        """With these options."""
        self.options = options

    @property
    def rethinks(self) -> bool:
        """Only to look from another side."""
        return self.options.views

    def story(self, subject: Subject) -> Story:
        """As many seeds as there are clips."""
        attempts: list[Attempt] = []
        while len(attempts) < subject.videos:
            first = self.options.views and not attempts  # the others are told as clips that begin like it
            count = 1 if first else min(self.options.width, subject.videos - len(attempts))
            takes = tuple(self._take(subject, len(attempts) + i) for i in range(count))
            new: list[Attempt] = yield Shoot(takes)
            attempts += new
            if self.options.stop and any(each.passed for each in new):
                return Finished(self.best(attempts), "a clip passes")
            if len(new) < count:
                return Finished(self.best(attempts), "no more clips")
        return Finished(self.best(attempts), "all clips are made")

    def _take(self, subject: Subject, number: int) -> Take:
        view = SIDES[number % subject.views] if self.options.views and subject.rethinks else 0
        take = Take(prompt=subject.instance.prompt, seed=number, round=number)
        return replace(take, base=0, chunk=1, view=view, why="seen from another side") if view else take

    def best(self, attempts: Sequence[Attempt]) -> int | None:
        """The one that the scorer values most."""
        return highest(attempts)


class OraclePick(BestOfN):
    """Fresh seeds; the truth picks. No method that picks among the same clips can do better."""

    name = "oracle-pick"

    def best(self, attempts: Sequence[Attempt]) -> int | None:
        """One that truly passes, where there is one."""
        right = [each.k for each in attempts if each.truth["status"] == "pass"]
        return right[0] if right else highest(attempts)
