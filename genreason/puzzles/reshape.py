"""Reshape: named things of a scene get another shape, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from genreason.puzzles import attributes
from genreason.puzzles.scenes import SHAPES, Chain, ChangingScene, SceneState, listed


class Reshape(ChangingScene):
    """The family."""

    name: ClassVar[str] = "reshape"

    def chain(self, rng: np.random.Generator, name: str, taken: set[str]) -> Chain | None:
        """Another shape."""
        thing = attributes.named(name)
        names = [str(replace(thing, shape=shape)) for shape in SHAPES if shape != thing.shape]
        free = [other for other in names if other not in taken]
        return (name, free[int(rng.integers(len(free)))]) if free else None

    def request(self, state: SceneState) -> str:
        """The {thing} becomes a {shape}."""
        return listed(
            [f"the {chain[0]} becomes a {attributes.named(chain[-1]).shape}" for chain in state.asked]
        )


PUZZLE = Reshape()
