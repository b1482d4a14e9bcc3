"""Draw and pick: best-of-n, and the bound that no picking can pass."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from genreason.cards import Strict
from genreason.tpo.story import Attempt, Finished, Shoot, Story, Subject, Take, highest


class SamplingOptions(Strict):
    """Options of best-of-n and oracle-pick.

    Attributes:
        stop: end as soon as the scorer lets a clip pass. Without it all clips are made, which pass@k and the
            scaling curve need.
        width: clips that are asked for at once.
    """

    stop: bool = False
    width: int = Field(default=1, ge=1)


class BestOfN:
    """Fresh seeds of the same prompt; the scorer picks."""

    name = "best-of-n"
    critic = False
    tells = False
    rethinks = False
    drafts = 1

    def __init__(self, options: SamplingOptions) -> None:
        """With these options."""
        self.options = options

    def story(self, subject: Subject) -> Story:
        """As many seeds as there are clips."""
        attempts: list[Attempt] = []
        while len(attempts) < subject.videos:
            count = min(self.options.width, subject.videos - len(attempts))
            takes = tuple(
                Take(prompt=subject.instance.prompt, seed=len(attempts) + i, round=len(attempts) + i)
                for i in range(count)
            )
            new: list[Attempt] = yield Shoot(takes)
            attempts += new
            if self.options.stop and any(each.passed for each in new):
                return Finished(self.best(attempts), "a clip passes")
            if len(new) < count:
                return Finished(self.best(attempts), "no more clips")
        return Finished(self.best(attempts), "all clips are made")

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
