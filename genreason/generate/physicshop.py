"""What the controls of scenes of physics are made from: one scene with its law, layers and true course."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.generate.workshop import Shop
from genreason.laws import Course
from genreason.puzzles import base
from genreason.puzzles.physics import Film, PhysicsPuzzle, film
from genreason.render.rigs import Rig
from genreason.types import GenreasonError


class PhysicsShop(Shop):
    """The shop of a scene of physics."""

    @functools.cached_property
    def puzzle(self) -> PhysicsPuzzle[Any]:
        """The law."""
        found = base.load(self.instance.scene["puzzle"])
        if not isinstance(found, PhysicsPuzzle):
            raise GenreasonError(f"{found.name} is no scene of physics")
        return found

    @functools.cached_property
    def board(self) -> Rig:
        """The layers."""
        return self.puzzle.rig(self.instance)

    @functools.cached_property
    def course(self) -> Course:
        """The course as it must be."""
        return self.puzzle.nominal(self.start)

    def film(self, course: Course | None = None, share: float = 1.0, **changes: Any) -> Film:
        """A script of a course (by default the true one) up to a share of its time."""
        shown, stages = self.course if course is None else course, len(self.moves)
        return film(shown, replace(self.motion, **changes), (0.0, share * shown.end), stages)

    @property
    def opacity(self) -> npt.NDArray[np.float32]:
        """Of the truth's parts in every frame: 1."""
        return np.ones(self.truth.places_TN2.shape[:2], np.float32)
