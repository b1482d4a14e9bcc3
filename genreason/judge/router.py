"""The program where one is exact, a model elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genreason import cards
from genreason import judge as registry
from genreason.cards import Strict, TaskCard
from genreason.judge.panel import judged, members, most_threads
from genreason.types import Clip, Instance, Judge, Verdict


class RouterSettings(Strict):
    """Options of the router.

    Attributes:
        exact: judge of tasks whose card says that verification is exact, for puzzles with rules of ours.
        otherwise: judge of all others, with options over its card's.
    """

    exact: str = "rules"
    otherwise: dict[str, dict[str, Any]]


class Router:
    """Sends every clip to the judge that can be trusted most; the evidence says which."""

    options = RouterSettings

    def __init__(self, name: str, settings: RouterSettings, journal: Path | None = None) -> None:
        """Load both judges.

        Raises:
            UserError: there is no such judge, or one cannot be used.
        """
        self.name = name
        self.exact = members(name, {settings.exact: {}}, journal)
        self.other = members(name, dict(list(settings.otherwise.items())[:1]), journal)
        self._exact_tasks: dict[str, bool] = {}

    @property
    def threads(self) -> int:
        """As many as the model can use."""
        return most_threads(self.other)

    def ready(self) -> None:
        """Nothing: whether the model is needed shows at the first clip that no program can judge."""

    def route(self, instance: Instance) -> tuple[str, Judge]:
        """The judge of an instance, with its name."""
        chosen = self.exact if self._is_exact(instance) else self.other
        return next(iter(chosen.items()))

    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        """One verdict a clip, by one of the two."""
        name, judge = self.route(instance)
        if name not in self.exact:
            registry.make_ready(judge)
        found = judged(judge, instance, clips, seed)
        return [replace(verdict, evidence={**verdict.evidence, "judged_by": name}) for verdict in found]

    def _is_exact(self, instance: Instance) -> bool:
        if instance.scene.get("puzzle") is None:
            return False
        if instance.task not in self._exact_tasks:
            known = instance.task in cards.paths(TaskCard)
            self._exact_tasks[instance.task] = (
                known and cards.load(TaskCard, instance.task).verification == "exact"
            )
        return self._exact_tasks[instance.task]
