"""Clips with known truth: cheats that a judge must fail and honest variants that it must pass.

Each cheat names the check that it must break, so that a verifier cannot be right for the wrong reason. A
control answers None where an instance offers no occasion for it (a corner cut needs a corner).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genreason.generate import (
    boardcheats,
    boardhonest,
    cheats,
    edits,
    honest,
    physicscheats,
    physicshonest,
    scenery,
    sliding,
    takings,
)
from genreason.generate.boardshop import BoardShop
from genreason.generate.physicshop import PhysicsShop
from genreason.generate.recipes import joined
from genreason.generate.workshop import Shop, Workshop
from genreason.puzzles import base
from genreason.puzzles.boards import BoardPuzzle
from genreason.puzzles.physics import PhysicsPuzzle
from genreason.types import Clip, Instance, Request, unknown

CONTROLS = joined(
    [edits.PIECES, honest.RECIPES, cheats.RECIPES, scenery.RECIPES, sliding.RECIPES, takings.RECIPES],
    [edits.ANY, boardhonest.RECIPES, boardcheats.RECIPES],
    [edits.ANY, physicshonest.RECIPES, physicscheats.RECIPES],
)
"""All controls, whatever scene they are for."""


def shop(instance: Instance, name: str, seed: int = 0) -> Shop:
    """What a control's clip of the instance is made from."""
    puzzle = base.load(instance.scene["puzzle"])
    if isinstance(puzzle, PhysicsPuzzle):
        return PhysicsShop(instance, name, seed)
    return (BoardShop if isinstance(puzzle, BoardPuzzle) else Workshop)(instance, name, seed)


class Control:
    """A generator that answers with one control's clips.

    Raises:
        UserError: there is no such control.
    """

    def __init__(self, name: str) -> None:
        """`name`: one of `CONTROLS`."""
        if name not in CONTROLS:
            raise unknown("control", name, CONTROLS)
        self.recipe = CONTROLS[name]

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """One clip a request.

        Where an instance offers no occasion for a cheat, the answer is the still picture (and `meta` says
        so); for an honest variant it is the plain solution.
        """
        out = []
        for request in requests:
            workshop = shop(request.instance, self.recipe.name, seed)
            clip = self.recipe.make(workshop)
            if clip is None:
                stand_in = "truth" if self.recipe.honest else "still"
                plain = workshop.clip(workshop.truth) if self.recipe.honest else edits.still(workshop)
                clip = replace(
                    plain, meta={**plain.meta, "inapplicable": self.recipe.name, "instead": stand_in}
                )
            out.append(clip)
        return out
