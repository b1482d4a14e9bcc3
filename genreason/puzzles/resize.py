"""Resize: named things of a scene grow or shrink, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from genreason.puzzles import attributes
from genreason.puzzles.scenes import Chain, ChangingScene, SceneParams, SceneState, listed, scattered


class Resize(ChangingScene):
    """The family; a thing may pass the medium size on its way."""

    name: ClassVar[str] = "resize"

    def scatter(self, rng: np.random.Generator, params: SceneParams) -> list[str]:
        """Things of all sizes; those that are to be changed are small or large."""
        names = scattered(rng, params.things)
        sizes = [str(rng.choice(("small", "large"))) for _ in names[: params.changes]]
        sizes += [str(rng.choice(attributes.SIZES)) for _ in names[params.changes :]]
        return [str(replace(attributes.named(n), size=s)) for n, s in zip(names, sizes, strict=True)]

    def chain(self, rng: np.random.Generator, name: str, taken: set[str]) -> Chain | None:
        """Through the medium size to the other end."""
        thing = attributes.named(name)
        end = "large" if thing.size == "small" else "small"
        return name, str(replace(thing, size="medium")), str(replace(thing, size=end))

    def request(self, state: SceneState) -> str:
        """The {thing} grows (or shrinks) until it is as large as ..."""
        clauses = []
        for chain in state.asked:
            start, end = attributes.named(chain[0]), attributes.named(chain[-1])
            plain = str(replace(start, size="medium"))
            way = "grows to twice its size" if end.size == "large" else "shrinks to half its size"
            clauses.append(f"the {start.size} {plain} {way}")
        return listed(clauses)


PUZZLE = Resize()
