"""Clips of boards of cells: what fades, comes, goes and is carried from one step to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from genreason.render.motion import Motion, Script, timeline

Cells = tuple[str, ...]
"""The symbol in each cell, row by row; "" for none."""
Place = tuple[float, float]
"""x (column) and y (row) in cells."""
TURNS = (1 / 3, 2 / 3)
"""Shares of its way between which a thing that is carried turns into what it is in the end."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands in the cells after a step of a clip, and how it came.

    Attributes:
        cells: the symbols.
        paths: for cells into which a symbol is carried, the places it passes, first where it comes from (a
            cell that it leaves, or a place outside of the board); others fade in and out where they are.
    """

    cells: Cells
    paths: Mapping[int, Sequence[Place]] = field(default_factory=dict)


class Items:
    """The things of a clip, and where and how plainly each is seen after every step."""

    def __init__(
        self,
        symbols: tuple[str, ...],
        given: Cells,
        cols: int,
        over: Callable[[str, str], bool],
        through: Callable[[str, str], Sequence[str]],
        layers: Callable[[str], Sequence[str]],
    ) -> None:
        """Begin with an empty board.

        Args:
            symbols: all there are.
            given: what stands in the first frame, which may look otherwise than what is put there.
            cols: columns of the board.
            over: whether a symbol (the second) is drawn over another (the first), which stays below it.
            through: what is seen, one after the other, where a symbol turns into another.
            layers: what a symbol is made of, the last on top, which alone can be carried off.
        """
        self.symbols, self.given, self.cols, self.over = symbols, given, cols, over
        self.through, self.layers = through, layers
        # In a step: which thing is seen from which share of it to which.
        self.seen: dict[int, list[tuple[int, float, float]]] = {}
        self.at: dict[int, int] = {}  # the thing in each cell
        self.below: dict[int, list[int]] = {}  # and those that lie under it, as parts of what stands there
        self.cells: Cells = ("",) * len(given)
        self.cast: list[int] = []
        self.born: list[tuple[Place, float]] = []
        self.entering: dict[int, int] = {}  # things that come from outside, and in which step
        self.steps: list[dict[int, tuple[Sequence[Place], float]]] = []  # by thing: its path, how plain then

    def _new(self, symbol: str, given: bool, place: Place, opacity: float) -> int:
        self.cast.append(self.symbols.index(symbol) + (len(self.symbols) if given else 0))
        self.born.append((place, opacity))
        return len(self.cast) - 1

    def _place(self, cell: int) -> Place:
        return float(cell % self.cols), float(cell // self.cols)

    def begin(self, cells: Cells) -> None:
        """Start with these contents."""
        for k, symbol in enumerate(cells):
            if symbol:
                given = self.given[k] == symbol
                *self.below[k], self.at[k] = (
                    self._new(name, given, self._place(k), 1.0) for name in self.layers(symbol)
                )
        self.cells = cells

    def go(self, stage: Stage) -> None:
        """Take the next step."""
        changed = [k for k, (a, b) in enumerate(zip(self.cells, stage.cells, strict=True)) if a != b]
        step: dict[int, tuple[Sequence[Place], float]] = {}
        before, below, used = dict(self.at), dict(self.below), set()
        for k in changed:
            self.at.pop(k, None)
        for k in changed:
            symbol, path = stage.cells[k], stage.paths.get(k, ())
            if not symbol:
                continue
            if path:
                source = next((c for c in before if self._place(c) == path[0]), None)
                thing = self._new(symbol, False, path[0], 1.0) if source is None else before[source]
                if source is None:
                    self.entering[thing] = len(self.steps)
                used.add(thing)
                carried = self._turned(thing, self.layers(symbol)[-1])
                step |= {part: (path, 1.0) for part in carried}
                thing = carried[-1]
                if k in before and self.over(self.cells[k], symbol) and len(self.layers(symbol)) > 1:
                    self.below[k] = [before[k]]
            elif self.below.get(k) and tuple(self.layers(self.cells[k])[:-1]) == tuple(self.layers(symbol)):
                *self.below[k], thing = self.below[k]  # what lay on it is gone
            else:
                thing = self._new(symbol, self.given[k] == symbol, self._place(k), 0.0)
                between = self.through(self.cells[k], symbol) if self.cells[k] else ()
                if between and all(name in self.symbols for name in between):
                    things = [self._new(name, False, self._place(k), 0.0) for name in between]
                    self._turn([before[k], *things, thing], (0.0, 1.0))
                    used.add(before[k])
                else:
                    step[thing] = ((self._place(k),), 1.0)
            self.at[k] = thing
        for k in changed:
            if k not in before or self.over(self.cells[k], stage.cells[k]):
                continue
            rest = () if self.at.get(k) in below.get(k, ()) else self.below.pop(k, ())
            for thing in (before[k], *rest):
                if thing not in used:
                    step[thing] = ((self._place(k),), 0.0)
        self.steps.append(step)
        self.cells = stage.cells

    def _turned(self, thing: int, symbol: str) -> list[int]:
        """A thing that is carried, and what it looks like, one after the other, until it is this symbol."""
        own = self.symbols[self.cast[thing] % len(self.symbols)]
        between = self.through(own, symbol) if own != symbol else ()
        if not between:
            return [thing]
        place = self.born[thing][0]
        things = [thing, *(self._new(name, False, place, 0.0) for name in (*between, symbol))]
        self._turn(things, TURNS)
        return things

    def _turn(self, things: Sequence[int], span: tuple[float, float]) -> None:
        """Between these shares of this step one thing is seen after the other, without a pause."""
        begin, length = span[0], span[1] - span[0]
        shares = (np.arange(len(things) - 1) + 0.5) / (len(things) - 1)
        edges = [-np.inf, *(begin + length * shares), np.inf]
        shown = zip(things, edges, edges[1:], strict=False)
        self.seen.setdefault(len(self.steps), []).extend(shown)

    def script(self, motion: Motion) -> Script:
        """The steps as a clip; what stands still is drawn first."""
        position = timeline(len(self.steps), motion)
        length, count = len(position), len(self.cast)
        places = np.zeros((length, count, 2), np.float32)
        opacity = np.ones((length, count), np.float32)
        for i, (place, plain) in enumerate(self.born):
            places[:, i], opacity[:, i] = place, plain
        for k, step in enumerate(self.steps):
            after = position > k
            share = np.clip(position[after] - k, 0, 1)
            if motion.ease == "smooth":
                share = 0.5 * share + 0.5 * share * share * (3 - 2 * share)
            for i, (path, plain) in step.items():
                points = np.array(path, np.float64)
                arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
                for axis in (0, 1):
                    places[after, i, axis] = np.interp(share * arc[-1], arc, points[:, axis])
                first = opacity[after, i][0] if after.any() else 1.0
                opacity[after, i] = first + share * (plain - first)
            for i, begin, end in self.seen.get(k, ()):
                opacity[after, i] = (share >= begin) & (share < end)
        for i, k in self.entering.items():
            opacity[position <= k, i] = 0
        still = [
            bool((places[:, i] == places[0, i]).all() and (opacity[:, i] == 1).all()) for i in range(count)
        ]
        last = {i: k for k, step in enumerate(self.steps) for i in step}  # what moves later is on top
        order = sorted(range(count), key=lambda i: (not still[i], last.get(i, -1)))
        return Script(places[:, order], opacity[:, order], cast=tuple(self.cast[i] for i in order))
