"""What a puzzle family is: state, rules, solver, drawing and reading, in one file each.

A puzzle is pure and stateless. Its states are immutable and hashable; the parts of a state that never change
(walls) are shared between states. The rules (`moves`, `step`, `done`) are the only authority on what is
legal: solver, controls and verifier all go through them.
"""

from __future__ import annotations

import functools
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import Any, ClassVar, Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from genreason.perceive.track import Track
from genreason.render.board import Board
from genreason.render.motion import Motion, Script, animate
from genreason.replay import Replay, Tolerances, replay
from genreason.types import Frame, Instance, Json, Solution, UserError, unknown

S = TypeVar("S", bound=Hashable)
M = TypeVar("M")
Accept = Callable[[Any], bool]
"""Whether a candidate state is wanted; it raises where it has refused too many."""
Places = npt.NDArray[np.float32]
"""Where the movable pieces stand: (N, 2), x (column) and y (row) in cells, whole at cell centres."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[S]):
    """What was read from a frame: the state, and how surely (0 to 1, of the least sure piece)."""

    state: S
    confidence: float


class Params(BaseModel):
    """Base of a puzzle's parameters (the values of a level); unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Puzzle(ABC, Generic[S, M]):
    """One family of puzzles: rules, forms and pictures.

    Type variables: S the state, M the move (a string or a number: solutions are kept as JSON). The goal is
    part of the state's shared, unchanging side where the family needs one for the solver; `goal` is its JSON.
    How a clip shows moves, and how it is read, is up to the kind of scene: pieces that move (`PiecePuzzle`),
    cells whose content changes (`boards.BoardPuzzle`).
    """

    name: ClassVar[str]
    params: ClassVar[type[Params]]

    # -- rules -----------------------------------------------------------------------------------------------
    @abstractmethod
    def sample(self, rng: np.random.Generator, params: Any, accept: Accept | None = None) -> S:
        """A random start state that has a solution.

        Args:
            rng: the instance's stream; nothing else may decide what comes out.
            params: the level's.
            accept: asked once of each candidate, before the costly part (the proof that it has a solution),
                so that a small split costs hardly more than all puzzles; only what it takes is returned. A
                refusal is no failed try: that there is an end to them is up to `accept`, which raises then.

        Raises:
            GenreasonError: no instance was found within the tries; says which parameter was too tight.
        """

    @abstractmethod
    def solve(self, state: S) -> Solution[M] | None:
        """An optimal solution (see the family's docstring for the measure), or None where there is none."""

    def solve_quickly(self, state: S) -> Solution[M] | None:
        """As `solve`, but given up sooner: for figures that a verdict can do without.

        Raises:
            GenreasonError: it was given up before it was known whether there is a solution.
        """
        return self.solve(state)

    @abstractmethod
    def moves(self, state: S) -> Iterable[M]:
        """The legal moves."""

    @abstractmethod
    def step(self, state: S, move: M) -> S:
        """The state after the move.

        Raises:
            IllegalMove: the rules forbid it; the message says why in a person's words.
        """

    @abstractmethod
    def done(self, state: S) -> bool:
        """Whether the goal holds."""

    # -- forms -----------------------------------------------------------------------------------------------
    @abstractmethod
    def encode(self, state: S) -> tuple[Json, Json]:
        """The state and its goal as JSON (`Instance.state`, `Instance.goal`)."""

    @abstractmethod
    def decode(self, state: Json, goal: Json) -> S:
        """The inverse of `encode`.

        Raises:
            UserError: the JSON is no state of this family; names the field.
        """

    @abstractmethod
    def canonical(self, state: S) -> bytes:
        """A form that is equal exactly for states that are the same up to the family's symmetries."""

    @abstractmethod
    def plan(self, state: S, move: M) -> str:
        """The move in words: interleaved text for training."""

    def words(self, state: S) -> dict[str, str]:
        """Extra `{fields}` for the card's prompts (style words are added by the task)."""
        return {}

    # -- pictures --------------------------------------------------------------------------------------------
    @abstractmethod
    def board(self, instance: Instance) -> Board:
        """The scene as layers: the still picture and what moves."""

    def picture(self, instance: Instance) -> Frame:
        """The first frame: as somebody else drew it, or drawn here."""
        return read_picture(instance) if instance.foreign else self.shown(instance, self.start(instance))

    @abstractmethod
    def shown(self, instance: Instance, state: S) -> Frame:
        """The picture of a state of the instance, HWC RGB uint8."""

    @abstractmethod
    def script(self, instance: Instance, moves: Sequence[M], motion: Motion) -> Script:
        """The clip of these moves from the instance's start, in layers of `board`."""

    @abstractmethod
    def read(self, frame: Frame, instance: Instance) -> Reading[S]:
        """The inverse of drawing: the state that a frame (HWC RGB uint8, any size) of the instance shows."""

    @abstractmethod
    def layout(self, state: S, size: tuple[int, int], style: str) -> Json:
        """`Instance.scene`: the grid's geometry in pixels for a picture of `size` (width, height)."""

    @abstractmethod
    def styles(self) -> tuple[str, ...]:
        """Names of the styles that the family can be drawn in."""

    @abstractmethod
    def style_words(self, style: str) -> dict[str, str]:
        """What a person calls the things in a picture of this style, for prompts."""

    def start(self, instance: Instance) -> S:
        """The instance's start state."""
        return self.decode(instance.state, instance.goal)

    def trap(self, instance: Instance) -> str:
        """A question about the first frame whose true answer is no; "" where the card's text is asked."""
        return ""


class PiecePuzzle(Puzzle[S, M]):
    """A puzzle in which pieces move over a still scene.

    Attributes:
        driven: whether only the last piece moves by itself, and moves the others.
    """

    driven: ClassVar[bool] = True

    def shown(self, instance: Instance, state: S) -> Frame:
        """The picture of a state of the instance, HWC RGB uint8."""
        return self.board(instance).draw(self.places(state), [float(not gone) for gone in self.gone(state)])

    def script(self, instance: Instance, moves: Sequence[M], motion: Motion) -> Script:
        """The pieces go where the moves lead, from the instance's start."""
        start = self.start(instance)
        return self.dressed(start, animate(self.stops(start, moves), motion))

    def stops(self, state: S, moves: Sequence[M]) -> list[Places]:
        """Where the pieces are before, on the way of, and after the moves."""
        out = [self.places(state)]
        for move in moves:
            out += self.way(state, move)
            state = self.step(state, move)
        return out

    def dressed(self, state: S, script: Script) -> Script:
        """The script from the state with the pieces that are taken on its way no longer to be seen."""
        count = len(self.places(state))
        cast = script.cast or tuple(range(count))
        own = [max(k for k, piece in enumerate(cast) if piece == i) for i in range(count)]
        there = self.there(state, script.places_TN2[:, own])
        if there is None:
            return script
        opacity = np.ones(script.places_TN2.shape[:2], np.float32)
        opacity[:, own] = there
        return replace(script, opacity_TN=opacity * (1 if script.opacity_TN is None else script.opacity_TN))

    @abstractmethod
    def places(self, state: S) -> Places:
        """Where the board's pieces stand in this state, in the order of `Board.pieces`."""

    @abstractmethod
    def arranged(self, state: S, places: Places) -> S:
        """The state with the pieces at these (whole) cells, legal or not: what a picture shows."""

    @abstractmethod
    def settled(self, state: S, places: Places, unit: int = 1) -> S:
        """The state that pieces at these places count for, each half a cell at most from where it counts.

        `unit` is `Board.unit`.
        """

    # -- pieces that the last one takes (`Piece.fixed`) ------------------------------------------------------
    def gone(self, state: S) -> tuple[bool, ...]:
        """Which of the pieces have been taken; a place where one was is still in `places`."""
        return (False,) * len(self.places(state))

    def without(self, state: S, gone: Sequence[bool]) -> S:
        """The state in which just these pieces have been taken."""
        return state

    def reach(self, state: S) -> tuple[float, ...]:
        """From how near (cells, in x and in y) each piece may be taken."""
        return (0.0,) * len(self.places(state))

    def there(self, state: S, places_TN2: Places) -> npt.NDArray[np.float32] | None:
        """How opaque each piece is (T, N) where they go so from the state; None where none is ever taken."""
        return None

    def way(self, state: S, move: M) -> list[Places]:
        """Where the pieces pass on a move, about a cell apart; the last are the places after it."""
        return [self.places(self.step(state, move))]

    def trace(self, state: S, track: Track, rules: Tolerances) -> Replay:
        """Follow a track from the state by legal moves, as far as it can be."""
        return replay(self, state, track, rules)

    @abstractmethod
    def goals(self, state: S) -> Places:
        """Where the goals are."""

    @abstractmethod
    def stands(self, state: S) -> Places:
        """Places that look like any other on which a piece may be: no goal, no piece of this state."""

    @abstractmethod
    def openings(self, state: S) -> Places:
        """Places where no piece can be, and where it would open a way if they looked like `stands`."""

    @abstractmethod
    def depth(self, state: S, x: float, y: float) -> float:
        """How far (cells) a point lies from everywhere that pieces may be; negative inside."""

    @abstractmethod
    def explain(self, state: S, places: Places) -> str:
        """Why no legal move leads from the state to pieces at `places`, in a person's words."""


def read_picture(instance: Instance) -> Frame:
    """The first frame that came with a foreign instance.

    Raises:
        UserError: there is no such picture, or it cannot be read.
    """
    path = instance.first_frame
    picture = None if path is None else cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise UserError(f"{instance.sample_id}: no readable first frame at {path}: import the data again")
    return np.asarray(picture, np.uint8)


def load_pieces(name: str) -> PiecePuzzle[Any, Any]:
    """The puzzle of that name, whose pieces move.

    Raises:
        UserError: there is none of that name, or it is of another kind.
    """
    found = load(name)
    if not isinstance(found, PiecePuzzle):
        raise UserError(f"{name} is no puzzle in which pieces move: take another task")
    return found


@functools.cache
def load(name: str) -> Puzzle[Any, Any]:
    """The puzzle of that name: ours, or a third party's entry point in the group `genreason.puzzles`.

    Raises:
        UserError: there is none of that name.
    """
    third_party = {point.name: point for point in entry_points(group="genreason.puzzles")}
    if name in third_party:
        found: Puzzle[Any, Any] = third_party[name].load()
        return found
    try:
        module = importlib.import_module(f"genreason.puzzles.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"genreason.puzzles.{name}":
            raise
        raise unknown("puzzle", name, third_party) from None
    puzzle: Puzzle[Any, Any] = module.PUZZLE
    return puzzle
