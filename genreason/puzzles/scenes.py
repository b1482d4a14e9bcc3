"""Scenes of several things of which some are to be changed as a request says, and nothing else.

A thing's name is its symbol ("red square"). `Scene` has the forms and pictures; in a `ChangingScene` named
things change step by step into others, where they are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from genreason import seeds
from genreason.puzzles import attributes
from genreason.puzzles.attributes import Thing
from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import BoardPuzzle, Cells, rows_cells, rows_json
from genreason.render.cells import CellStyle, Sign
from genreason.types import GenreasonError, IllegalMove, Instance, Json, Solution, UserError

TRIES = 300
SHAPES = ("disc", "square", "triangle", "star", "cross", "heart")
Chain = tuple[str, ...]
"""What a thing is called at first, on its way, and in the end."""


class SceneParams(Params):
    """What a level is.

    Attributes:
        size: rows and columns of places.
        things: how many there are.
        changes: how many of them are to be changed.
    """

    size: int = Field(4, ge=3, le=6)
    things: int = Field(5, ge=3)
    changes: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _room(self) -> SceneParams:
        if not self.changes <= self.things <= self.size**2 - self.size:
            raise ValueError(
                f"things {self.things}: give from `changes` ({self.changes}) to {self.size**2 - self.size}, "
                f"so that places of the {self.size} x {self.size} stay free"
            )
        return self


@dataclass(frozen=True, slots=True)
class SceneState:
    """A scene and what is asked.

    Attributes:
        cells: the things now.
        first: the things at the start.
        cols: number of columns.
        asked: what is to be done, as the family has it.
    """

    cells: Cells
    first: Cells
    cols: int
    asked: tuple[Chain, ...]


class Scene(BoardPuzzle[SceneState, str]):
    """A family says what is asked (`candidate`), how it is said (`request`), and the moves."""

    gradual: ClassVar[bool] = True
    stir: ClassVar[int | None] = (
        2  # one after the other; where all three things of a scene stir, the camera does
    )
    params: ClassVar[type[Params]] = SceneParams

    @abstractmethod
    def candidate(self, rng: np.random.Generator, params: Any) -> SceneState | None:
        """A random scene with a request, or None where it did not come out."""

    @abstractmethod
    def request(self, state: SceneState) -> str:
        """What is asked, as a clause or several."""

    @abstractmethod
    def known(self, name: str) -> bool:
        """Whether a thing of the family is called so."""

    def sample(self, rng: np.random.Generator, params: Any, accept: Accept | None = None) -> SceneState:
        """A scene.

        Raises:
            GenreasonError: 300 candidates one after the other did not come out.
        """
        misfits = 0
        while misfits < TRIES:
            misfits += 1
            state = self.candidate(rng, params)
            if state is None:
                continue
            misfits = 0
            if accept is None or accept(state):
                return state
        wanted = f"{params.things} things on {params.size} x {params.size} places"
        raise GenreasonError(f"no scene of {self.name} has {wanted}: lower things, or raise size")

    def likely(self, state: SceneState, seen: Mapping[int, str]) -> Iterable[str]:
        """Moves that make a cell what it is seen to be."""
        made = [(move, self.changes(state, move)) for move in self.moves(state)]
        return [m for m, after in made if any(seen.get(c) == s for c, s in after.items())]

    def encode(self, state: SceneState) -> tuple[Json, Json]:
        """`{"cells": rows, "first": rows}` and `{"asked": lists of names}`."""
        record = {"cells": rows_json(state.cells, state.cols), "first": rows_json(state.first, state.cols)}
        return record, {"asked": [list(chain) for chain in state.asked]}

    def decode(self, state: Json, goal: Json) -> SceneState:
        """The inverse of `encode`."""
        asked = goal.get("asked")
        if not isinstance(asked, list) or not all(isinstance(chain, list) and chain for chain in asked):
            raise UserError(f"{self.name}: asked: give lists of names")
        found = [rows_cells(state, key, self._names(state.get(key)), self.name) for key in ("cells", "first")]
        if len(found[0][0]) != len(found[1][0]) or found[0][1] != found[1][1]:
            raise UserError(f"{self.name}: cells and first must have the same rows and columns")
        return SceneState(found[0][0], found[1][0], found[0][1], tuple(tuple(map(str, c)) for c in asked))

    def _names(self, rows: Any) -> list[str]:
        """The names in rows that are names of things."""
        flat = [name for row in rows or () if isinstance(row, list) for name in row]
        return [name for name in flat if isinstance(name, str) and name and self.known(name)]

    def canonical(self, state: SceneState) -> bytes:
        """The scene and the request: left is not right."""
        return repr((state.cols, state.cells, state.first, state.asked)).encode()

    def words(self, state: SceneState) -> dict[str, str]:
        """The request."""
        return {"request": self.request(state)}

    def shape(self, state: SceneState) -> tuple[int, int]:
        """Rows and columns of places."""
        return len(state.cells) // state.cols, state.cols

    def cells(self, state: SceneState) -> Cells:
        """The things."""
        return state.cells

    def symbols(self, state: SceneState) -> tuple[str, ...]:
        """All things of the scene, as they are and as they may become."""
        return tuple(sorted({name for name in state.first if name} | self.becoming(state)))

    def becoming(self, state: SceneState) -> set[str]:
        """Names that things may come to have."""
        return {name for chain in state.asked for name in chain}

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A shape in a colour."""
        return attributes.sign(symbol, style)

    def styles(self) -> tuple[str, ...]:
        """Those in which all colours stand out."""
        return attributes.styles()

    def arranged(self, state: SceneState, cells: Cells) -> SceneState:
        """The state with these things."""
        return replace(state, cells=cells)

    def trap(self, instance: Instance) -> str:
        """A question about the first frame whose true answer is no."""
        state = self.start(instance)
        rng = seeds.stream(instance.key, "trap")
        looks = [(s, c) for s in attributes.SHAPES for c in attributes.COLOURS]
        absent = [
            (s, c) for s, c in looks if not any(s in name and c in name for name in state.first if name)
        ]
        shape, colour = absent[int(rng.integers(len(absent)))]
        return f"In the first frame, is there a {colour} {shape}?"

    def done(self, state: SceneState) -> bool:
        """Whether all is as asked, and everything else as it was."""
        return state.cells == self.wanted(state)

    def wanted(self, state: SceneState) -> Cells:
        """The scene as it must be in the end."""
        raise NotImplementedError


class ChangingScene(Scene):
    """Things change along chains of names; `stride` is how many names further one move may lead (0: any)."""

    stride: ClassVar[int] = 0

    @abstractmethod
    def chain(self, rng: np.random.Generator, name: str, taken: set[str]) -> Chain | None:
        """What a thing that is called so may be changed to, or None."""

    def scatter(self, rng: np.random.Generator, params: SceneParams) -> list[str]:
        """Names of the things: shapes and colours by lot, each thing once."""
        return scattered(rng, params.things)

    def known(self, name: str) -> bool:
        """Whether it is an attribute's thing."""
        return is_thing(name)

    def candidate(self, rng: np.random.Generator, params: SceneParams) -> SceneState | None:
        """Things by lot, the first of which are changed."""
        names = self.scatter(rng, params)
        chains: list[Chain] = []
        for name in names[: params.changes]:
            taken = {*names, *(other for chain in chains for other in chain)} - {name}
            chain = self.chain(rng, name, taken)
            if chain is None or set(chain) & taken:
                return None
            chains.append(chain)
        cells = placed(rng, names, params.size)
        return SceneState(cells, cells, params.size, tuple(chains))

    def _at(self, state: SceneState, chain: Chain) -> tuple[int, int]:
        """The cell of a chain's thing, and how far it has come (-1 where it is something else)."""
        cell = state.first.index(chain[0])
        held = state.cells[cell]
        return cell, chain.index(held) if held in chain else -1

    def wanted(self, state: SceneState) -> Cells:
        """Every chain at its end."""
        ends = {chain[0]: chain[-1] for chain in state.asked}
        return tuple(ends.get(name, name) for name in state.first)

    def solve(self, state: SceneState) -> Solution[str] | None:
        """Each chain in turn, by as few moves as it takes to go to its end step by step."""
        moves = []
        for chain in state.asked:
            _, at = self._at(state, chain)
            if at < 0:
                return None
            names = chain[at:] if self.stride else (chain[at], *chain[-1:]) if at < len(chain) - 1 else ()
            moves += [f"{a} > {b}" for a, b in zip(names, names[1:], strict=False)]
        return Solution(tuple(moves))

    def moves(self, state: SceneState) -> Iterable[str]:
        """Every step along a chain."""
        found = []
        for chain in state.asked:
            _, at = self._at(state, chain)
            if at >= 0:
                further = chain[at + 1 :][: self.stride or len(chain)]
                found += [f"{chain[at]} > {name}" for name in further]
        return tuple(found)

    def changes(self, state: SceneState, move: str) -> dict[int, str]:
        """The thing's cell."""
        before, after = move.split(" > ")
        return {state.first.index(c[0]): after for c in state.asked if before in c and after in c}

    def step(self, state: SceneState, move: str) -> SceneState:
        """Change a thing.

        Raises:
            IllegalMove: that is not asked.
        """
        if move not in self.moves(state):
            raise IllegalMove(f"{move!r} is not what is asked")
        ((cell, name),) = self.changes(state, move).items()
        return replace(state, cells=(*state.cells[:cell], name, *state.cells[cell + 1 :]))

    def plan(self, state: SceneState, move: str) -> str:
        """What is left to do, and what becomes what."""
        left = sum(self._at(state, chain)[1] < len(chain) - 1 for chain in state.asked)
        before, after = move.split(" > ")
        return f"{left} of the things are to be changed. Change the {before} into a {after}; keep all others."


def scattered(rng: np.random.Generator, count: int, shapes: Sequence[str] = SHAPES) -> list[str]:
    """Names of things of different looks; about half of them share shape or colour with the first."""
    looks = [(shape, colour) for shape in shapes for colour in attributes.COLOURS]
    first = looks[int(rng.integers(len(looks)))]
    like = [look for look in looks if look != first and (look[0] == first[0] or look[1] == first[1])]
    rest = [look for look in looks if look != first and look not in like]
    near = min((count - 1 + 1) // 2, len(like))
    picks = [like[i] for i in rng.permutation(len(like))[:near].tolist()]
    picks += [rest[i] for i in rng.permutation(len(rest))[: count - 1 - near].tolist()]
    return [str(Thing(shape, colour)) for shape, colour in [first, *picks]]


def placed(rng: np.random.Generator, names: Sequence[str], size: int) -> Cells:
    """The things at places by lot."""
    cells = [""] * (size * size)
    for name, cell in zip(names, rng.permutation(size * size).tolist(), strict=False):
        cells[cell] = name
    return tuple(cells)


def is_thing(name: str) -> bool:
    """Whether something of `attributes` is called so."""
    try:
        attributes.named(name)
    except UserError:
        return False
    return True


def listed(clauses: Sequence[str]) -> str:
    """Clauses in a sentence."""
    return clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
