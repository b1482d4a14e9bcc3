"""Recolour: named things of a scene get another colour, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from genreason.puzzles import attributes
from genreason.puzzles.scenes import Chain, ChangingScene, SceneState, listed

NEAR = 110.0  # distance of colours (0-255, Euclidean) below which one might be taken for another on its way


class Recolor(ChangingScene):
    """The family."""

    name: ClassVar[str] = "recolor"

    def chain(self, rng: np.random.Generator, name: str, taken: set[str]) -> Chain | None:
        """Another colour; on the way there it passes no colour of a thing of the same shape."""
        thing = attributes.named(name)
        others = [attributes.named(other) for other in taken]
        colours = [c for c in attributes.COLOURS if c != thing.colour]
        for colour in rng.permutation(np.array(colours)).tolist():
            between = [
                other.colour
                for other in others
                if other.shape == thing.shape and _passed(thing.colour, colour, other.colour)
            ]
            if not between and str(replace(thing, colour=colour)) not in taken:
                return name, str(replace(thing, colour=colour))
        return None

    def request(self, state: SceneState) -> str:
        """The {thing} turns {colour}."""
        return listed([f"the {chain[0]} turns {attributes.named(chain[-1]).colour}" for chain in state.asked])


def _passed(start: str, end: str, other: str) -> bool:
    """Whether a colour lies near the way from one to another, on light or dark grounds."""
    if other in (start, end):
        return other == end
    for palette in (attributes.ON_LIGHT, attributes.ON_DARK):
        a, b, c = (np.array(palette[name], float) for name in (start, end, other))
        share = np.clip((c - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        if np.linalg.norm(a + share * (b - a) - c) < NEAR:
            return True
    return False


PUZZLE = Recolor()
