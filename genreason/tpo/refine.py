"""Our method: an archive, evidence, and no mistake made twice.

Where the generator says what it does before it does it, what it said and went against the rules is not said
again: from the first violation on, with the beginning kept (`patience`), or in a clip of its own that begins
anew. Else the prompt is revised, and a revision stays only if it is better on the same noise. No clip is
thrown away: the best of all is handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import Field

from genreason.cards import Strict
from genreason.tpo import lock
from genreason.tpo.story import SIDES, Attempt, Consult, Finished, Shoot, Step, Story, Subject, Take, highest
from genreason.types import Json

_MOVES = ("rules.", "circle")  # checks that words decide; the others are the picture's


class RefineOptions(Strict):
    """Options of refine.

    Attributes:
        leak: the critic may tell the solution; reported apart, as it measures no reasoning.
        rethink: use what a generator says: keep beginnings, bar what went wrong.
        drafts: most plans that a generator says before it acts on one that leads to its goal.
        patience: how often the beginning of a clip is kept up to the same place, before it begins anew.
        pairs: clips by which a revised prompt is compared with the old one, on the same noise.
        back: how many chunks before the violation it goes at most.
        stop: end as soon as the scorer lets a clip pass.
    """

    leak: bool = False
    rethink: bool = True
    drafts: int = Field(default=6, ge=1)
    patience: int = Field(default=0, ge=0)
    pairs: int = Field(default=1, ge=1)
    back: int = Field(default=1, ge=0)
    stop: bool = True


@dataclass(slots=True)
class _State:
    """What a story remembers.

    Attributes:
        prompts: those that were accepted, the last is in use.
        tabu: advice that made nothing better.
        tries: how often each place was thought over, by what was said before it.
        fresh: next number of noise.
    """

    subject: Subject
    prompts: list[str]
    attempts: list[Attempt] = field(default_factory=list)
    tabu: set[str] = field(default_factory=set)
    tries: Counter[tuple[str, ...]] = field(default_factory=Counter)
    fresh: int = 0
    round: int = 0

    @property
    def left(self) -> int:
        """Clips that may still be made."""
        return self.subject.videos - len(self.attempts)

    def new(self, why: str) -> Take:
        """A clip from the beginning with noise of its own."""
        self.fresh += 1
        return Take(prompt=self.prompts[-1], seed=self.fresh - 1, round=self.round, why=why)


class Refine:
    """See the module."""

    name = "refine"
    critic = True

    def __init__(self, options: RefineOptions) -> None:
        """With these options."""
        self.options = options

    @property
    def tells(self) -> bool:
        """Whether it may tell the model the solution."""
        return self.options.leak

    @property
    def rethinks(self) -> bool:
        """Whether it goes on from the middle of clips."""
        return self.options.rethink

    @property
    def drafts(self) -> int:
        """Plans that are said before one is acted on."""
        return self.options.drafts if self.options.rethink else 1

    def best(self, attempts: Sequence[Attempt]) -> int | None:
        """The one that the scorer values most."""
        return highest(attempts)

    def story(self, subject: Subject) -> Story:
        """The method on one puzzle."""
        state = _State(subject, [subject.instance.prompt])
        yield from self._shoot(state, [state.new("first")])
        while state.left > 0:
            if self.options.stop and any(each.passed for each in state.attempts):
                return Finished(self.best(state.attempts), "a clip passes")
            before = len(state.attempts)
            state.round += 1
            if subject.rethinks and self.options.rethink:
                yield from self._rethink(state)
            else:
                yield from self._revise(state)
            if len(state.attempts) == before:
                return Finished(self.best(state.attempts), "no more clips")
        return Finished(self.best(state.attempts), "all clips are made")

    def _shoot(self, state: _State, takes: Sequence[Take]) -> Generator[Step, Any, list[Attempt]]:
        """Make clips, as many as may still be made."""
        chosen = tuple(takes[: state.left])
        new: list[Attempt] = (yield Shoot(chosen)) if chosen else []
        state.attempts += new
        return new

    # -- by what it says -------------------------------------------------------------------------------------
    def _rethink(self, state: _State) -> Generator[Step, Any, None]:
        """Go back in the best clip to where it went wrong first, or begin anew without its mistakes."""
        base = max(state.attempts, key=lambda each: (each.value, each.k))
        found: Json | None = yield Consult("critique", (base,), base.take.prompt)
        seen = _first(found, base)
        if seen is None or not base.text or not base.chunks:
            yield from self._shoot(state, [state.new("nothing to go back to")])
            return
        last = _chunk(base, float(seen["seconds"]), str(seen["rule"]))
        wrong = str(seen["rule"]).startswith(_MOVES)
        places = [(chunk, (str(wrong), *base.text[: chunk - 1]))
                  for chunk in range(last, max(last - self.options.back, 1) - 1, -1)]  # fmt: skip
        open_ = [each for each in places if state.tries[each[1]] < self.options.patience]
        if not open_:
            yield from self._shoot(state, [self._anew(state, base)])
            return
        chunk, place = open_[0]
        state.tries[place] += 1
        take = self._take(state, base, chunk, wrong, seen, found or {})
        yield from self._shoot(state, [take])

    def _anew(self, state: _State, base: Attempt) -> Take:
        """A clip from the beginning, seen from another side, in which nothing is said that went wrong."""
        view = SIDES[state.fresh % state.subject.views]
        banned = _refuted([each for each in state.attempts if each.take.view == view])
        if not banned and not view:
            return state.new("anew")
        why = (
            f"anew{', seen from another side' if view else ''}{', without what went wrong' if banned else ''}"
        )
        return replace(state.new(why), base=base.k, chunk=1, banned=banned, view=view)

    def _take(self, state: _State, base: Attempt, chunk: int, wrong: bool, seen: Json, found: Json) -> Take:
        """The clip that keeps the beginning of another."""
        said = base.text[chunk - 1] if chunk <= len(base.text) else ""
        why = f"at {float(seen['seconds']):.2f} s: {seen['what']}"
        words: str | None = None
        banned: tuple[str, ...] = ()
        if wrong:
            # What went wrong here comes first: a model that learns from corrections is told of it.
            banned = tuple(
                dict.fromkeys([said, *_refuted(state.attempts)] if said else _refuted(state.attempts))
            )
            words = _told(found, said, base) if self.options.leak else None
        elif said:
            words = said  # the words were right: the picture is drawn again
        return replace(
            state.new(why), prompt=base.take.prompt, base=base.k, chunk=chunk, said=words,
            banned=() if words is not None else banned, view=base.take.view,
        )  # fmt: skip

    # -- by the prompt ---------------------------------------------------------------------------------------
    def _revise(self, state: _State) -> Generator[Step, Any, None]:
        """Ask for a critique of the best and the worst, revise the prompt, and keep what is better."""
        own = [each for each in state.attempts if each.take.prompt == state.prompts[-1]]
        chosen = _contrast(own or state.attempts)
        prompt = state.prompts[-1]
        found: Json | None = yield Consult("critique", chosen, prompt)
        advice = self._advice(state, found)
        if not advice:
            yield from self._shoot(state, [state.new("no advice that is new")])
            return
        revised = lock.locked(state.subject.instance.prompt, advice)
        old = own[-self.options.pairs :]
        takes = [
            Take(prompt=revised, seed=each.take.seed, round=state.round, why="revised, on the same noise")
            for each in old
        ]
        new: list[Attempt] = yield from self._shoot(state, takes)
        pairs = [(a.value, b.value) for a, b in zip(old, new, strict=False)]
        if pairs and sum(b - a for a, b in pairs) > 0:
            state.prompts.append(revised)
            return
        state.tabu.add(advice)
        if not any(each.passed for each in new):
            yield from self._shoot(state, [state.new("no better: back to the prompt before, other noise")])

    def _advice(self, state: _State, found: Json | None) -> str:
        """What a critique says to change, without what may not be said."""
        if found is None:
            return ""
        lines = [str(line) for line in found.get("change") or () if str(line).strip()]
        if self.options.leak and found.get("solution"):
            lines.append(f"The solution is: {found['solution']}.")
        elif not self.options.leak:
            lines, _ = lock.clean(state.subject.instance, lines)
        # What was accepted before stays; what made nothing better is not tried again.
        kept = lock.advice_of(state.subject.instance.prompt, state.prompts[-1])
        fresh = [line for line in lines if line not in kept]
        while fresh:
            advice = " ".join([kept, *fresh]).strip()
            if advice not in state.tabu:
                return advice
            fresh = fresh[:-1]
        return ""


def _contrast(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """The best and the worst of the archive; one where there is no more."""
    best = max(attempts, key=lambda each: (each.value, -each.k))
    worst = min(attempts, key=lambda each: (each.value, -each.k))
    return (best,) if best.k == worst.k else (best, worst)


def _refuted(attempts: Sequence[Attempt]) -> tuple[str, ...]:
    """What was said right before rules were broken, in all clips; what only a picture broke is none of it."""
    found = list[str]()
    for each in attempts:
        seen = _first(None, each)
        if seen is None or not str(seen["rule"]).startswith("rules.") or not each.text or not each.chunks:
            continue
        chunk = _chunk(each, float(seen["seconds"]), str(seen["rule"]))
        if chunk <= len(each.text):
            found.append(each.text[chunk - 1])
    return tuple(dict.fromkeys(found))


def _first(found: Json | None, base: Attempt) -> Json | None:
    """The first thing that went wrong in a clip: as the critic says, or as the scorer saw it."""
    own = [
        each
        for each in (found or {}).get("observations") or ()
        if each.get("clip") == base.k and isinstance(each.get("seconds"), int | float)
    ]
    if own:
        first: Json = min(own, key=lambda each: float(each["seconds"]))
        return {"rule": "rules.legal", "what": "", **first}
    for violation in base.seen["violations"]:
        return {"seconds": violation["seconds"], "what": violation["what"], "rule": violation["check"]}
    return None


def _chunk(base: Attempt, seconds: float, rule: str) -> int:
    """The chunk in which a clip went wrong; the one after its last where it just ended too early."""
    frames, fps = int(base.seen["frames"] or 0), float(base.seen["fps"] or 1.0)
    per = max((frames - 1) / base.chunks, 1.0)
    frame = round(seconds * fps)
    if rule == "rules.goal" and frame >= frames - 1:
        return min(base.chunks + 1, len(base.text))
    return min(max(1 + int((frame - 1) // per), 1), base.chunks)


def _told(found: Json, said: str, base: Attempt) -> str | None:
    """The model's own sentence with the solution's next move in place of its own (leak mode)."""
    moves = [move.strip() for move in str(found.get("solution", "")).split(",") if move.strip()]
    made, words = int(base.seen["metrics"].get("moves", len(moves))), said.split()
    at = [i for i, word in enumerate(words) if word in moves]
    if made >= len(moves) or not at:
        return None
    return " ".join([*words[: at[-1]], moves[made], *words[at[-1] + 1 :]])
