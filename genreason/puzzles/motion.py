"""Motion: a named thing of a scene goes the way that the request tells, step by step, and all else stays.

What is asked for is the way, not only its end: every field of it is to be come to, in this order. A step
leads to the next field, or on through fields in a straight line that it leaves too soon to be seen in their
middles. Nothing else is legal: neither going back nor another way to the same end. No way ends where it
begins. The measure of `solve` is fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from genreason.puzzles.base import Accept, Params
from genreason.puzzles.boards import Cells, Place
from genreason.puzzles.scenes import Scene, SceneParams, SceneState, is_thing, scattered
from genreason.puzzles.ways import KINDS, around, in_words, middle_by_lot, move_between, way_by_lot, way_of
from genreason.types import GenreasonError, IllegalMove, Json, Solution, UserError

TRIES = 40  # ways of one kind that are tried before another is


class MotionParams(SceneParams):
    """What a level is.

    Attributes:
        steps: least and most fields that the thing goes.
        kinds: of ways.
    """

    steps: tuple[int, int] = (4, 6)
    kinds: tuple[str, ...] = KINDS
    changes: int = Field(1, ge=1, le=1)

    @model_validator(mode="after")
    def _possible(self) -> MotionParams:
        if not 2 <= self.steps[0] <= self.steps[1] <= 30:
            raise ValueError(f"steps {self.steps}: give least and most, from 2 to 30")
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise ValueError(f"kinds {self.kinds}: give some of {', '.join(KINDS)}")
        return self


@dataclass(frozen=True, slots=True)
class MotionState(SceneState):
    """A scene, and how far the thing has come; `asked` is the thing, then what tells its way.

    Attributes:
        at: fields of the way that lie behind it.
    """

    at: int = 0


class Motion(Scene):
    """The family; moves are a direction and a number of fields."""

    name: ClassVar[str] = "motion"
    params: ClassVar[type[Params]] = MotionParams
    carried: ClassVar[bool] = True
    solid: ClassVar[bool] = True
    gradual: ClassVar[bool] = False
    stir: ClassVar[int | None] = 1

    # -- scenes ----------------------------------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, params: MotionParams, accept: Accept | None = None
    ) -> MotionState:
        """A scene in which a way is free.

        Raises:
            GenreasonError: there is no way of these kinds that is so long.
        """
        try:
            state = super().sample(rng, params, accept)
        except UserError:  # that too few are of the split is said already
            raise
        except GenreasonError as error:
            least, most = params.steps
            kinds = ", ".join(params.kinds)
            raise GenreasonError(f"{error}; or change steps ({least} to {most}) or kinds ({kinds})") from None
        assert isinstance(state, MotionState)
        return state

    def candidate(self, rng: np.random.Generator, params: MotionParams) -> MotionState | None:
        """A way of a kind by lot, and things beside it."""
        names, size = scattered(rng, params.things), params.size
        kind = str(rng.choice(params.kinds))
        for _ in range(TRIES):
            start = int(rng.integers(size * size))
            told = way_by_lot(rng, kind, names[1], params.steps, size)
            middle = middle_by_lot(rng, start, size) if kind == "round" else -1
            way = way_of(told, start, size, size, middle)
            if way is None or way[-1] == start or not params.steps[0] < len(way) <= params.steps[1] + 1:
                continue
            taken = {*way, *(around(middle, size) if kind == "round" else ())}
            free = [k for k in range(size * size) if k not in taken]
            rest = [*names[2:]] if kind == "round" else [*names[1:]]
            if len(rest) > len(free):
                continue
            cells = [""] * (size * size)
            for cell, name in zip(rng.permutation(free).tolist(), rest, strict=False):
                cells[cell] = name
            cells[start] = names[0]
            if kind == "round":
                cells[middle] = names[1]
            return MotionState(tuple(cells), tuple(cells), size, ((names[0],), told))
        return None

    def encode(self, state: SceneState) -> tuple[Json, Json]:
        """As for all scenes, with `at`."""
        record, goal = super().encode(state)
        return {**record, "at": _far(state)}, goal

    def decode(self, state: Json, goal: Json) -> MotionState:
        """The inverse of `encode`."""
        base, at = super().decode(state, goal), state.get("at", 0)
        if len(base.asked) != 2 or base.first.count(base.asked[0][0]) != 1:
            raise UserError("motion: asked: give [thing], and what tells its way")
        way = _of(base)
        if any(base.first[k] for k in way if k != way[0]):
            raise UserError("motion: asked: the way leads over another thing")
        if not isinstance(at, int) or not 0 <= at < len(way):
            raise UserError(f"motion: at: give how many of the way's {len(way) - 1} fields are done")
        return MotionState(base.cells, base.first, base.cols, base.asked, at)

    def canonical(self, state: SceneState) -> bytes:
        """The scene, the request, and how far it is done."""
        return super().canonical(state) + repr(_far(state)).encode()

    def known(self, name: str) -> bool:
        """Whether it is an attribute's thing."""
        return is_thing(name)

    def becoming(self, state: SceneState) -> set[str]:
        """Nothing becomes anything else."""
        return set()

    def arranged(self, state: SceneState, cells: Cells) -> MotionState:
        """The state with these things; the way is done as far as a picture can show."""
        here = [i for i, k in enumerate(_of(state)) if cells[k] == state.asked[0][0]]
        return MotionState(cells, state.first, state.cols, state.asked, here[-1] if here else 0)

    # -- rules -----------------------------------------------------------------------------------------------
    def solve(self, state: SceneState) -> Solution[str] | None:
        """What is left of the way, field by field; None where the thing is not on it."""
        way, at = _of(state), _far(state)
        if state.cells[way[at]] != state.asked[0][0]:
            return None
        return Solution(
            tuple(move_between(a, b, state.cols) for a, b in zip(way[at:], way[at + 1 :], strict=False))
        )

    def moves(self, state: SceneState) -> Iterable[str]:
        """On along the way, as far as it is straight."""
        return tuple(self._ends(state))

    def _ends(self, state: SceneState) -> dict[str, tuple[int, int]]:
        """Where moves lead: the cell, and how far the way is done then."""
        way, at = _of(state), _far(state)
        if state.cells[way[at]] != state.asked[0][0]:
            return {}
        found: dict[str, tuple[int, int]] = {}
        for k in range(at + 1, len(way)):
            if way[k] - way[k - 1] != way[at + 1] - way[at]:
                break
            found[move_between(way[at], way[k], state.cols)] = way[k], k
        return found

    def likely(self, state: SceneState, seen: Mapping[int, str]) -> Iterable[str]:
        """To where the thing is seen; all, where it is only seen to have left."""
        ends, thing = self._ends(state), state.asked[0][0]
        come = [k for k, held in seen.items() if held == thing]
        return tuple(move for move, (cell, _) in ends.items() if cell in come or not come)

    def changes(self, state: SceneState, move: str) -> dict[int, str]:
        """The field that the thing leaves, and the one that it comes to."""
        return {_of(state)[_far(state)]: "", self._ends(state)[move][0]: state.asked[0][0]}

    def going(self, state: SceneState) -> frozenset[str]:
        """The thing that goes."""
        return frozenset(state.asked[0])

    def path(self, state: SceneState, move: str, target: int) -> tuple[Place, ...]:
        """Straight."""
        return self.place(state, _of(state)[_far(state)]), self.place(state, target)

    def step(self, state: SceneState, move: str) -> MotionState:
        """Go on along the way.

        Raises:
            IllegalMove: that is not how the way goes on.
        """
        ends = self._ends(state)
        if move not in ends:
            raise IllegalMove(f"the way does not go {move} from here, but {' or '.join(ends) or 'nowhere'}")
        cells = list(state.cells)
        for cell, held in self.changes(state, move).items():
            cells[cell] = held
        return MotionState(tuple(cells), state.first, state.cols, state.asked, ends[move][1])

    def done(self, state: SceneState) -> bool:
        """Whether the thing has gone all of its way, and all others stand as they did."""
        way, thing = _of(state), state.asked[0][0]
        now, then = (["" if h == thing else h for h in cells] for cells in (state.cells, state.first))
        alone = state.cells.count(thing) == 1 and state.cells[way[-1]] == thing
        return _far(state) == len(way) - 1 and alone and now == then

    # -- words -----------------------------------------------------------------------------------------------
    def request(self, state: SceneState) -> str:
        """The {thing} goes ..."""
        return f"the {state.asked[0][0]} {in_words(state.asked[1])}"

    def explain(self, state: SceneState, cell: int, symbol: str) -> str:
        """Where the way goes on."""
        if symbol != state.asked[0][0]:
            return super().explain(state, cell, symbol)
        way, at = _of(state), _far(state)
        on = f"goes on to {self.at(state, way[at + 1])}" if at + 1 < len(way) else "ends where it was"
        return f"the {symbol} comes to {self.at(state, cell)}, but the way {on}"

    def plan(self, state: SceneState, move: str) -> str:
        """How far it has come, and where it goes."""
        way, at = _of(state), _far(state)
        cell, then = self._ends(state)[move]
        done = f"{at} of the {len(way) - 1} fields of its way are done"
        last = ", where its way ends" if then == len(way) - 1 else ""
        thing = state.asked[0][0]
        here = self.at(state, way[at])
        return (
            f"The {thing} is in {here}; {done}. Move it {move.split()[0]}, to {self.at(state, cell)}{last}."
        )


def _far(state: SceneState) -> int:
    return state.at if isinstance(state, MotionState) else 0


def _of(state: SceneState) -> tuple[int, ...]:
    """The way's cells, from the first frame's on.

    Raises:
        UserError: it leaves the board, or what it goes round is not beside the thing.
    """
    (thing,), told = state.asked[0][:1], state.asked[1]
    middle = state.first.index(told[2]) if told[0] == "round" and told[2:] and told[2] in state.first else -1
    try:
        start, rows = state.first.index(thing), len(state.first) // state.cols
        way = way_of(told, start, rows, state.cols, middle)
    except (ValueError, KeyError, IndexError):
        way = None
    if way is None:
        raise UserError(f"motion: asked: {list(told)} tells no way of the {thing} on this board")
    return way


PUZZLE = Motion()
