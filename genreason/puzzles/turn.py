"""Turn: named things of a scene are rotated by the angle that the request says, and nothing else changes.

Things turn about their middles, in the direction that is asked for; all that is on the way is seen. There
are eight directions, and a thing has that to which it is nearest: this is the tolerance. The measure of
`solve` is steps of 45 degrees.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from genreason.puzzles import attributes
from genreason.puzzles.base import Params
from genreason.puzzles.scenes import Chain, ChangingScene, SceneParams, SceneState, listed, placed
from genreason.render.cells import CellStyle, Sign
from genreason.render.marks import Layer, Mark
from genreason.types import Json, UserError

STEP = 45  # degrees
FINE = 6  # pictures of a step
DRAWN = {
    "arrow": (Layer("arrow up", (0, 0, 0), w=0.94, h=0.94),),
    "triangle": (Layer("triangle", (0, 0, 0), w=0.58, h=0.8),),
    "flag": (
        Layer("square", (0, 0, 0), x=-0.45, w=0.12, h=0.86),
        Layer("square", (0, 0, 0), x=0.1, y=-0.42, w=0.55, h=0.44),
    ),
    "pan": (
        Layer("disc", (0, 0, 0), y=-0.42, w=0.52, h=0.52),
        Layer("square", (0, 0, 0), y=0.46, w=0.13, h=0.5),
    ),
}
"""Shapes that no turn makes look like themselves (a heart would, nearly, by a third), within a circle."""
SCALE = 0.66


class TurnParams(SceneParams):
    """What a level is.

    Attributes:
        changes: how many of them are to be turned.
        steps: least and most steps of 45 degrees by which a thing is turned.
    """

    steps: tuple[int, int] = (2, 4)
    changes: int = Field(1, ge=1, le=3)

    @model_validator(mode="after")
    def _steps(self) -> TurnParams:
        most = self.changes + len(DRAWN) * (len(attributes.COLOURS) - self.changes)
        if self.things > most:
            raise ValueError(f"things {self.things}: with changes {self.changes} there are at most {most}")
        if not 2 <= self.steps[0] <= self.steps[1] <= 7:
            raise ValueError(f"steps {self.steps}: give least and most, from 2 to 7 (of 45 degrees each)")
        return self


class Turn(ChangingScene):
    """The family; names end in the angle, clockwise from upright: "red arrow at 45"."""

    name: ClassVar[str] = "turn"
    params: ClassVar[type[Params]] = TurnParams
    stride: ClassVar[int] = 1
    together: ClassVar[float] = 0.2  # steps are told in their middles, so that their ends are known less well

    def candidate(self, rng: np.random.Generator, params: Any) -> SceneState:
        """Things by lot, turned by lot; the first are to be turned on."""
        names = self.scatter(rng, params)
        angles = STEP * rng.integers(360 // STEP, size=len(names))
        chains: list[Chain] = []
        for name, angle in zip(names[: params.changes], angles.tolist(), strict=False):
            way = int(rng.choice((-1, 1)))
            count = int(rng.integers(params.steps[0], params.steps[1] + 1))
            chains.append(tuple(_called(name, angle + way * STEP * k) for k in range(count + 1)))
        cells = placed(rng, [_called(n, a) for n, a in zip(names, angles.tolist(), strict=True)], params.size)
        return SceneState(cells, cells, params.size, tuple(chains))

    def scatter(self, rng: np.random.Generator, params: SceneParams) -> list[str]:
        """Things by lot; none has the colour of one that is turned, which on its way may look like it."""
        colours, shapes = rng.permutation(np.array(attributes.COLOURS)).tolist(), np.array(list(DRAWN))
        own, rest = colours[: params.changes], colours[params.changes :]
        others = [f"{colour} {shape}" for colour in rest for shape in DRAWN]
        picks: list[str] = rng.permutation(np.array(others))[: params.things - len(own)].tolist()
        return [f"{colour} {rng.choice(shapes)}" for colour in own] + picks

    def chain(self, rng: np.random.Generator, name: str, taken: set[str]) -> Chain | None:
        """A half turn; `candidate` has others."""
        thing, angle = _told(name)
        return tuple(_called(thing, angle + STEP * k) for k in range(180 // STEP + 1))

    def decode(self, state: Json, goal: Json) -> SceneState:
        """The inverse of `encode`."""
        found = super().decode(state, goal)
        for chain in found.asked:
            if chain[0] not in found.first or not all(self.known(name) for name in chain):
                raise UserError("turn: asked: give lists of names of one thing, the first as it stands there")
            _turned(chain)
        return found

    def known(self, name: str) -> bool:
        """Whether it is a thing at an angle."""
        try:
            thing, angle = _told(name)
        except ValueError:
            return False
        colour, _, shape = thing.partition(" ")
        return colour in attributes.COLOURS and shape in DRAWN and 0 <= angle < 360

    def becoming(self, state: SceneState) -> set[str]:
        """What is to be turned, in every direction: a turn the other way is one, too."""
        things = {_told(chain[0])[0] for chain in state.asked}
        return {_called(thing, angle) for thing in things for angle in range(0, 360, STEP)}

    def through(self, before: str, after: str) -> tuple[str, ...]:
        """The angles between neighbouring directions."""
        (thing, start), (other, end) = _told(before), _told(after)
        by = (end - start + 180) % 360 - 180
        if thing != other or abs(by) != STEP:
            return ()
        return tuple(_called(thing, start + by * k / FINE) for k in range(1, FINE))

    def extras(self, state: SceneState) -> tuple[str, ...]:
        """All angles on the way."""
        pairs = [pair for chain in state.asked for pair in zip(chain, chain[1:], strict=False)]
        return tuple(dict.fromkeys(name for a, b in pairs for name in self.through(a, b)))

    def sign(self, symbol: str, style: CellStyle, given: bool) -> Sign:
        """A shape in a colour, turned."""
        thing, angle = _told(symbol)
        name, _, shape = thing.partition(" ")
        colour = attributes.palette(style)[name]
        layers = tuple(Layer(p.shape, colour, p.x, p.y, p.w, p.h) for p in DRAWN[shape])
        return Sign(mark=Mark(shape, colour, layers, SCALE, angle))

    def called(self, symbol: str) -> str:
        """A thing, and how it is turned."""
        thing, angle = _told(symbol)
        return f"{thing} (turned by {angle:g} degrees)"

    def request(self, state: SceneState) -> str:
        """The {thing} turns ... by ... degrees."""
        clauses = []
        for chain in state.asked:
            way = "clockwise" if _turned(chain) > 0 else "counter-clockwise"
            clauses.append(f"the {_told(chain[0])[0]} turns {way} by {STEP * (len(chain) - 1)} degrees")
        return listed(clauses)

    def plan(self, state: SceneState, move: str) -> str:
        """How far a thing is still to be turned."""
        (chain,) = (chain for chain in state.asked if move.split(" > ")[0] in chain)
        left = STEP * (len(chain) - 1 - self._at(state, chain)[1])
        way = "clockwise" if _turned(chain) > 0 else "counter-clockwise"
        return f"The {_told(chain[0])[0]} has {left} degrees to go. Turn it {way} by {STEP} degrees."


def _called(thing: str, angle: float) -> str:
    """A thing at an angle, clockwise from upright."""
    return f"{thing} at {angle % 360:g}"


def _told(name: str) -> tuple[str, float]:
    """The inverse of `_called`."""
    thing, _, angle = name.rpartition(" at ")
    return thing, float(angle)


def _turned(chain: Chain) -> int:
    """The way in which a chain turns its thing: 1 for clockwise, -1 for the other.

    Raises:
        UserError: it does not go on by steps of 45 degrees.
    """
    told = [_told(name) for name in chain]
    steps = {(b - a) % 360 for (_, a), (_, b) in zip(told, told[1:], strict=False)}
    if len({thing for thing, _ in told}) > 1 or len(chain) > 8 or steps not in ({STEP}, {360.0 - STEP}):
        raise UserError(f"turn: asked: {chain[0]}: give its angles, {STEP} degrees apart, one way")
    return 1 if steps == {STEP} else -1


PUZZLE = Turn()
