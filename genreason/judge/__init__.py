"""Who grades: judges by the kind that their card names. Their code is loaded when one is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from genreason import seeds
from genreason.cards import JudgeCard
from genreason.types import Json, Judge, UserError, unknown


def _rules(card: JudgeCard, options: Json, journal: Path | None) -> Judge:
    from genreason.judge.rules import RulesJudge

    return RulesJudge(**options)


def _actions(card: JudgeCard, options: Json, journal: Path | None) -> Judge:
    from genreason.judge.actions import ActionsJudge

    return ActionsJudge(**options)


def _asking(module: str, name: str) -> Callable[[JudgeCard, Json, Path | None], Judge]:
    def load(card: JudgeCard, options: Json, journal: Path | None) -> Judge:
        from genreason.judge import settings

        try:
            found = getattr(importlib.import_module(f"genreason.judge.{module}"), name)
        except ModuleNotFoundError as error:
            if error.name != "tenacity":
                raise
            raise UserError(f'judge {card.name} needs tenacity: pip install "genreason[judge]"') from None
        judge: Judge = found(card.name, settings.parse(found.options, options, card.name), journal)
        return judge

    return load


KINDS: dict[str, Callable[[JudgeCard, Json, Path | None], Judge]] = {
    "rules": _rules,
    "actions": _actions,
    "checklist": _asking("checklist", "ChecklistJudge"),
    "ruler": _asking("protocols.ruler", "RulerJudge"),
    "tivibench": _asking("protocols.tivibench", "TiviBenchJudge"),
    "mme-cof": _asking("protocols.mme_cof", "MmeCofJudge"),
    "viper": _asking("protocols.viper", "ViperJudge"),
    "v-reasonbench": _asking("protocols.v_reasonbench", "VReasonBenchJudge"),
    "vr-bench-vlm-score": _asking("protocols.vlm_score", "VlmScoreJudge"),
    "pairwise": _asking("protocols.pairwise", "PairwiseJudge"),
    "panel": _asking("panel", "Panel"),
    "auto": _asking("router", "Router"),
}
PROGRAMS = ("rules", "actions")
"""Kinds of judges that ask no model."""


def load(card: JudgeCard, options: Json, journal: Path | None = None) -> Judge:
    """The judge of a card, with these options (the card's, with the caller's over them).

    Args:
        card: the card.
        options: the options.
        journal: where a judge that costs something keeps its ledger; None keeps none.

    Raises:
        UserError: there is no such kind, or an option is wrong.
    """
    if card.kind not in KINDS:
        raise unknown(f"kind of judge {card.name}:", card.kind, KINDS)
    return KINDS[card.kind](card, options, journal)


def identity(card: JudgeCard, judge: Judge, options: Json) -> str:
    """What a judge's answers depend on: not what they may cost, nor where they are kept."""
    own = getattr(getattr(judge, "settings", None), "identity", None)
    return seeds.key(card.kind, options if own is None else own)


def make_ready(judge: Judge) -> None:
    """Find out whether a judge that asks a model can do so (a key is set, packages are there).

    Raises:
        UserError: it cannot.
    """
    ready = getattr(judge, "ready", None)
    if ready is not None:
        ready()
