"""How the controls are written down: clips with known truth, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genreason.generate.workshop import Workshop
from genreason.types import Clip

Make = Callable[[Workshop], Clip | None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A control: how its clip is made, and for cheats which check (or group of checks) must fail."""

    name: str
    make: Make
    breaks: str = ""

    @property
    def honest(self) -> bool:
        """Whether its clips must pass."""
        return not self.breaks


class Recipes(dict[str, Recipe]):
    """Controls by name."""

    def control(self, breaks: str = "") -> Callable[[Make], Make]:
        """Register a control under its function's name; `breaks` is the check that its clips must fail."""

        def register(make: Make) -> Make:
            name = make.__name__
            self[name] = Recipe(name, make, breaks)
            return make

        return register
