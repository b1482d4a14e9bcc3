"""VideoTPO as published: two clips, a loss in words, a gradient in words, a new prompt.

The released code differs: it makes both clips of every round from the same two seeds, shows its model the
first and last frames alone, and ends with two clips of the last prompt without saying which counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from genreason.cards import Strict
from genreason.tpo.story import Attempt, Consult, Finished, Shoot, Story, Subject, Take
from genreason.types import Json


class VideoTpoOptions(Strict):
    """Options of videotpo.

    Attributes:
        width: candidates of a round.
        depth: updates of the prompt; None makes as many as the clips allow.
        released: as the released code does: the same seeds in every round, the last round is as wide as the
            others, and pictures go along with the gradient and the update too.
    """

    width: int = Field(default=2, ge=2)
    depth: int | None = Field(default=None, ge=1)
    released: bool = False


class VideoTpo:
    """See the module. Nothing is picked: what the last prompt makes first is handed in."""

    name = "videotpo"
    critic = True
    tells = False
    rethinks = False
    drafts = 1

    def __init__(self, options: VideoTpoOptions) -> None:
        """With these options."""
        self.options = options

    def story(self, subject: Subject) -> Story:
        """Rounds of candidates and updates, then a clip of the last prompt."""
        options, prompt = self.options, subject.instance.prompt
        last = options.width if options.released else 1
        depth = (subject.videos - last) // options.width
        depth = depth if options.depth is None else min(depth, options.depth)
        attempts: list[Attempt] = []
        for round_ in range(max(depth, 0)):
            new: list[Attempt] = yield Shoot(self._takes(prompt, round_, options.width))
            attempts += new
            if len(new) < options.width:
                return Finished(self.best(attempts), "no more clips")
            notes: Json = {"pictures": options.released}
            for role in ("loss", "gradient"):
                found: Json | None = yield Consult(role, tuple(new), prompt, dict(notes))
                notes[role] = str((found or {}).get("text", ""))
            found = yield Consult("update", tuple(new), prompt, dict(notes))
            # What cannot be read changes nothing; the released code ends there with an error.
            prompt = str((found or {}).get("prompt") or prompt)
        new = yield Shoot(self._takes(prompt, max(depth, 0), min(last, subject.videos - len(attempts))))
        attempts += new
        return Finished(self.best(attempts), f"the prompt was updated {max(depth, 0)} times")

    def _takes(self, prompt: str, round_: int, count: int) -> tuple[Take, ...]:
        first = 0 if self.options.released else round_ * self.options.width
        return tuple(Take(prompt=prompt, seed=first + i, round=round_) for i in range(count))

    def best(self, attempts: Sequence[Attempt]) -> int | None:
        """The first clip of the newest prompt: the paper picks nothing."""
        if not attempts:
            return None
        newest = max(each.take.round for each in attempts)
        return min(each.k for each in attempts if each.take.round == newest)
