"""How the controls are written down: clips with known truth, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from genreason.generate.boardshop import BoardShop
from genreason.generate.physicshop import PhysicsShop
from genreason.generate.workshop import Shop, Workshop
from genreason.types import Clip

W = TypeVar("W", bound=Shop)
Make = Callable[[W], Clip | None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A control: how its clip is made, and for cheats which check (or group of checks) must fail.

    Attributes:
        name: of the control.
        pieces: makes the clip where pieces move; None where it has no meaning there.
        breaks: the check; "" for honest variants.
        boards: makes the clip where the content of cells changes.
        physics: makes the clip of a scene of physics.
    """

    name: str
    pieces: Make[Workshop] | None
    breaks: str = ""
    boards: Make[BoardShop] | None = None
    physics: Make[PhysicsShop] | None = None

    @property
    def honest(self) -> bool:
        """Whether its clips must pass."""
        return not self.breaks

    def make(self, w: Shop) -> Clip | None:
        """The clip, or None where the instance offers no occasion for it."""
        if isinstance(w, Workshop):
            return None if self.pieces is None else self.pieces(w)
        if isinstance(w, BoardShop):
            return None if self.boards is None else self.boards(w)
        if isinstance(w, PhysicsShop):
            return None if self.physics is None else self.physics(w)
        return None


class Recipes(dict[str, tuple[Make[W], str]], Generic[W]):
    """Makers of one kind of scene and what their clips must break, by name."""

    def control(self, breaks: str = "") -> Callable[[Make[W]], Make[W]]:
        """Register a control under its function's name; `breaks` is the check that its clips must fail."""

        def register(make: Make[W]) -> Make[W]:
            self[make.__name__] = (make, breaks)
            return make

        return register


def joined(
    pieces: Sequence[Mapping[str, tuple[Make[Workshop], str]]],
    boards: Sequence[Mapping[str, tuple[Make[BoardShop], str]]],
    physics: Sequence[Mapping[str, tuple[Make[PhysicsShop], str]]],
) -> dict[str, Recipe]:
    """The recipes of all kinds of scenes; what has the same name must break the same check."""
    first = {name: made for part in pieces for name, made in part.items()}
    second = {name: made for part in boards for name, made in part.items()}
    third = {name: made for part in physics for name, made in part.items()}
    out = {}
    for name in dict.fromkeys([*first, *second, *third]):
        breaks = {kind[name][1] for kind in (first, second, third) if name in kind}
        assert len(breaks) == 1, f"{name}: {' and '.join(sorted(breaks))}"
        out[name] = Recipe(
            name,
            first[name][0] if name in first else None,
            breaks.pop(),
            second[name][0] if name in second else None,
            third[name][0] if name in third else None,
        )
    return out
