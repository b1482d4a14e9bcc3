"""Recount: things of one kind are added or taken away until there are as many as asked for.

Any empty place may be filled, and any thing of the kind taken. The measure of `solve` is things.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

import numpy as np

from genreason.puzzles import attributes
from genreason.puzzles.scenes import Scene, SceneParams, SceneState, is_thing, placed, scattered
from genreason.types import IllegalMove, Instance, Json, Solution, UserError


class Recount(Scene):
    """The family; `asked` is one chain: the kind, and how many there must be in the end."""

    name: ClassVar[str] = "recount"

    def candidate(self, rng: np.random.Generator, params: SceneParams) -> SceneState | None:
        """Some things of one kind among others."""
        n, free = params.changes, params.size**2 - params.things
        add = bool(rng.integers(2))
        present = int(rng.integers(1, 4)) + (0 if add else n)
        names = scattered(rng, params.things)
        if present + 1 > params.things or (add and n > free):
            return None
        names = [names[0]] * present + names[1 : params.things - present + 1]
        cells = placed(rng, names, params.size)
        return SceneState(cells, cells, params.size, ((names[0], str(present + (n if add else -n))),))

    def decode(self, state: Json, goal: Json) -> SceneState:
        """The inverse of `encode`; what is asked is a kind and a number."""
        found = super().decode(state, goal)
        if len(found.asked) != 1 or len(found.asked[0]) != 2 or not found.asked[0][1].isdigit():
            raise UserError("recount: asked: give one kind and how many there must be")
        return found

    def known(self, name: str) -> bool:
        """Whether it is an attribute's thing."""
        return is_thing(name)

    def becoming(self, state: SceneState) -> set[str]:
        """The kind."""
        return {state.asked[0][0]}

    def request(self, state: SceneState) -> str:
        """There are to be so many of the kind."""
        name, count = state.asked[0][0], int(state.asked[0][1])
        thing, more = attributes.named(name), count - state.first.count(name)
        kind = f"{thing.colour} {thing.shape if abs(more) == 1 else attributes.plural(thing.shape)}"
        if more > 0:
            return (
                f"{more} more {kind} of the same size {'appears' if more == 1 else 'appear'} in empty places"
            )
        return f"{-more} {kind} {'disappears' if more == -1 else 'disappear'}"

    def solve(self, state: SceneState) -> Solution[str] | None:
        """Places in reading order."""
        moves: list[str] = []
        while not self.done(state):
            options = list(self.moves(state))
            if not options:
                return None
            moves.append(options[0])
            state = self.step(state, options[0])
        return Solution(tuple(moves))

    def moves(self, state: SceneState) -> Iterable[str]:
        """Every place that one may come to, or go from."""
        name, count = state.asked[0][0], int(state.asked[0][1])
        more = count - state.cells.count(name)
        wanted, sign = ("", "+") if more > 0 else (name, "-")
        places = [k for k, held in enumerate(state.cells) if held == wanted] if more else []
        return tuple(f"{sign}{k // state.cols + 1},{k % state.cols + 1}" for k in places)

    def changes(self, state: SceneState, move: str) -> dict[int, str]:
        """The one place."""
        row, col = (int(word) - 1 for word in move[1:].split(","))
        return {row * state.cols + col: state.asked[0][0] if move[0] == "+" else ""}

    def step(self, state: SceneState, move: str) -> SceneState:
        """Add or take one.

        Raises:
            IllegalMove: that is not asked, or not there.
        """
        if move not in self.moves(state):
            raise IllegalMove(f"{move!r}: no {state.asked[0][0]} is to come or go there")
        ((cell, name),) = self.changes(state, move).items()
        return replace(state, cells=(*state.cells[:cell], name, *state.cells[cell + 1 :]))

    def done(self, state: SceneState) -> bool:
        """Whether there are as many as asked for, and all others as they were."""
        name, count = state.asked[0][0], int(state.asked[0][1])
        more = count - state.first.count(name)
        kept = all(
            now == then or (now, then) == ((name, "") if more > 0 else ("", name))
            for now, then in zip(state.cells, state.first, strict=True)
        )
        return kept and state.cells.count(name) == count

    def plan(self, state: SceneState, move: str) -> str:
        """How many there are, how many are asked for, and the next one."""
        name, count = state.asked[0]
        (cell,) = self.changes(state, move)
        now = f"There are {state.cells.count(name)} of {count}: {name}."
        return f"{now} {'Add' if move[0] == '+' else 'Take'} one in {self.at(state, cell)}."

    def trap(self, instance: Instance) -> str:
        """A question about the first frame whose true answer is no."""
        state = self.start(instance)
        name = state.asked[0][0]
        count = state.first.count(name)
        return f"In the first frame, are there {count + 1} things that one would call a {name}?"


PUZZLE = Recount()
