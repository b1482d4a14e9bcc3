"""Who grades: judges by the kind that their card names. Their code is loaded when one is asked for."""

from __future__ import annotations

from collections.abc import Callable

from genreason.cards import JudgeCard
from genreason.types import Json, Judge, unknown


def _rules(card: JudgeCard, options: Json) -> Judge:
    from genreason.judge.rules import RulesJudge

    return RulesJudge(**options)


KINDS: dict[str, Callable[[JudgeCard, Json], Judge]] = {"rules": _rules}


def load(card: JudgeCard, options: Json) -> Judge:
    """The judge of a card, with these options (the card's, with the caller's over them).

    Raises:
        UserError: there is no such kind, or an option is wrong.
    """
    if card.kind not in KINDS:
        raise unknown(f"kind of judge {card.name}:", card.kind, KINDS)
    return KINDS[card.kind](card, options)
