"""Test-time preference optimisation: spend several clips on a puzzle, and hand in one.

Methods by name; docs/tpo.md says what each does.
"""

from __future__ import annotations

from pathlib import Path

from genreason.cards import Strict, parse
from genreason.tpo.critics import Critic, NoCritic
from genreason.tpo.refine import Refine, RefineOptions
from genreason.tpo.rules import RulesCritic
from genreason.tpo.sampling import BestOfN, OraclePick, SamplingOptions
from genreason.tpo.story import Method
from genreason.tpo.videotpo import VideoTpo, VideoTpoOptions
from genreason.types import Json, unknown

METHODS: dict[str, tuple[type[Strict], type]] = {
    "best-of-n": (SamplingOptions, BestOfN),
    "oracle-pick": (SamplingOptions, OraclePick),
    "videotpo": (VideoTpoOptions, VideoTpo),
    "refine": (RefineOptions, Refine),
}


def method(name: str, options: Json) -> Method:
    """The method of that name with these options.

    Raises:
        UserError: there is no such method, or an option is wrong.
    """
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    settings, kind = METHODS[name]
    found: Method = kind(parse(settings, options, f"method {name}"))
    return found


def critic(name: str, options: Json, asker: Method, root: Path) -> Critic:
    """The critic of that name, for this method.

    Args:
        name: "rules", or the name or path of a critic's card.
        options: over the card's.
        asker: the method that consults it; one that consults nobody gets nobody.
        root: the run folder, for its ledger.

    Raises:
        UserError: there is none of that name, or an option is wrong.
    """
    if not asker.critic:
        return NoCritic()
    if name == "rules":
        if options:
            raise unknown("option of critic rules", min(options), ())
        return RulesCritic(asker.tells)
    from genreason.tpo import asking

    return asking.load(name, options, root / "ledgers" / "critic.jsonl", asker.tells)
