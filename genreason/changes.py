"""Follow what cells show from state to state by legal moves.

The changes that the stories of all cells tell are explained by legal moves, one after the other. The puzzle's
own rules decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genreason.perceive.cells import BETWEEN, EMPTY
from genreason.stories import Changes, Fault, Story

if TYPE_CHECKING:
    from genreason.puzzles.boards import BoardPuzzle

TWICE = 6  # frames in a row in which something may be in its old and its new cell
UNCLEAR = 4  # cells apart from a move's that are between two contents in a frame that tells nothing of fading
FADED = 3  # frames in which something that is carried may be half there in its place
APART = 6  # frames by which a part of a large thing may leave or come later than the rest
FLEETING = 2  # frames that something may be seen in a cell which it passes at half a cell a frame
NEAR = 2.0  # cells from its new place at which what is carried must have been in the frame before
AT_ONCE = 0.5  # share of the shorter of two changes that may go on during the other


def follow_changes(puzzle: BoardPuzzle[Any, Any], state: Any, story: Story) -> Changes:
    """Explain the cells' changes by legal moves, one after the other.

    A move is made when all cells that it changes show what it makes of them. Until then some of them may, and
    what is carried may be seen on its way.
    """
    walk, code_TC = _Walk(puzzle, state, story), story.code_TC
    for t in range(len(code_TC)):
        if t and (code_TC[t] == code_TC[t - 1]).all():
            continue
        fault = walk.cloned(t) or walk.frame(t)
        if fault is not None:
            return walk.changes(fault)
    return walk.changes(walk.cloned(len(code_TC)) or walk.unfinished(len(code_TC) - 1))


class _Walk:
    """One clip's way through the states."""

    def __init__(self, puzzle: BoardPuzzle[Any, Any], state: Any, story: Story) -> None:
        self.puzzle, self.state = puzzle, state
        self.faint_TC = story.faint_TC
        self.code_TC, self.raw_TC, self.brief = story.code_TC, story.raw_TC, story.brief
        self.symbols = puzzle.symbols(state)
        self.moves: list[Any] = []
        self.twice: tuple[int, int, str] | None = None  # since when something is in two cells, and which
        self.spans: list[tuple[int, int]] = []  # when each move began to show, and when it was done
        self.between: list[frozenset[int]] = []  # cells that each move passes over

    def changes(self, fault: Fault | None) -> Changes:
        """What was found."""
        return Changes(tuple(self.moves), self.state, fault, tuple(self.spans), tuple(self.between))

    def _seen(self, t: int) -> dict[int, str]:
        """Cells that do not hold what the state says."""
        codes, own = self.code_TC[t], self.puzzle.codes(self.state)
        return {
            int(c): self.symbols[codes[c]] if codes[c] >= 0 else ""
            for c in np.flatnonzero((codes != own) & (codes >= EMPTY))
        }

    def frame(self, t: int) -> Fault | None:
        """Make the moves that this frame shows; what is wrong with it, if anything."""
        while seen := self._seen(t):
            made, under_way = self._chosen(t, seen)
            if made is None and not under_way:
                seen = self._lasting(t, seen)
                made, under_way = self._chosen(t, seen) if seen else (None, True)
            if made is None and not under_way and self._passing(t, seen):
                return None
            if made is None or self._passes_on(made, t):
                under_way |= made is not None
                return self._watch(t, seen) if under_way else self._fault(t, seen)
            self.twice = None
            fault = self._make(made, t, len(seen) > len(self.puzzle.changes(self.state, made)))
            if fault is not None:
                return fault
        self.twice = None  # everything is where it should be
        return None

    def _chosen(self, t: int, seen: Mapping[int, str]) -> tuple[Any, bool]:
        """A move that is done in this frame, or None; whether one is under way."""
        made, under_way = None, False
        for move in self.puzzle.likely(self.state, seen):
            after = self.puzzle.changes(self.state, move)
            if all(seen.get(c) == s or self._left(t, c, s) for c, s in after.items()):
                made = move
                if set(seen) <= set(after):  # (what a move leaves may still be fading, and is not seen)
                    break
            elif self._on_the_way(move, after, seen):
                under_way = True
        return made, under_way

    def _lasting(self, t: int, seen: Mapping[int, str]) -> dict[int, str]:
        """What is seen without what lasts a moment while a thing is carried: parts of it look like others."""
        own, soon = self.puzzle.codes(self.state), self.code_TC[t : t + self.brief + 1]
        if not self.puzzle.carried or not ((soon == BETWEEN) | ((own >= 0) & (soon < 0))).any():
            return dict(seen)
        brief = (soon == own).any(axis=0) | ((soon[0] >= 0) & (soon != soon[0]).any(axis=0))
        held, going = self.puzzle.cells(self.state), self.puzzle.going(self.state)
        # (Two things that are seen in each other's cell are there.)
        both = {c for c, s in seen.items() for d in seen if held[c] and seen[d] == held[c] != held[d] == s}
        return {c: s for c, s in seen.items() if not brief[c] or s in going or c in both}

    def _passes_on(self, move: Any, t: int) -> bool:
        """Whether what a move carries goes on at once, on the way of another move from the same cell."""
        after = self.puzzle.changes(self.state, move)
        left, come = {c for c, s in after.items() if not s}, [c for c, s in after.items() if s]
        if not self.puzzle.carried or not left or len(come) != 1:
            return False
        cell = come[0]
        goes = np.flatnonzero(self.code_TC[t:, cell] != self.code_TC[t, cell])
        if not len(goes):
            return False
        own = self.puzzle.codes(self.state)
        for other in self.puzzle.likely(self.state, {cell: after[cell]}):
            then = self.puzzle.changes(self.state, other)
            way = self.puzzle.passed(self.state, other)
            if cell in then or cell not in way or left != {c for c, s in then.items() if not s}:
                continue
            codes = {c: self.symbols.index(s) if s else EMPTY for c, s in then.items()}
            late = self.code_TC[t + int(goes[0]) :, list(codes)] == list(codes.values())
            ends = np.flatnonzero(late.all(axis=1))
            rest = [c for c in range(len(own)) if c not in way and c not in then]
            if len(ends):
                seen = self.code_TC[t : t + int(goes[0] + ends[0]) + 1, rest]
                if ((seen == own[rest]) | (seen == BETWEEN)).all():
                    return True
        return False

    def _passing(self, t: int, seen: Mapping[int, str]) -> bool:
        """Whether a large thing that has just come to its place still covers a little of what it passed."""
        lately = self.puzzle.large and bool(self.between) and t - self.spans[-1][1] < TWICE
        return lately and all(s and c in self.between[-1] for c, s in seen.items())

    def _left(self, t: int, cell: int, symbol: str) -> bool:
        """Whether a cell that is to be empty may be: where things are carried the next may be coming in.

        Where many cells change at once, some fade more slowly.
        """
        may = self.puzzle.carried or self.puzzle.once
        return may and not symbol and bool(self.code_TC[t, cell] == BETWEEN)

    def _watch(self, t: int, seen: Mapping[int, str]) -> Fault | None:
        """Note since when something is in its new place and still in its old one."""
        come = [c for c, s in seen.items() if s and not self._bared(c, s)]
        stays = bool(come) and len(come) == len(seen) and self._stays(t, come[0], seen[come[0]])
        if not self.puzzle.carried or not (stays or (self.puzzle.large and self._copied(t, seen))):
            self.twice = None
        elif self.twice is None:
            self.twice = t, come[0], seen[come[0]]
        return None

    def _stays(self, t: int, cell: int, symbol: str) -> bool:
        """Whether what came into a cell is still wherever a move would have taken it from."""
        held, own, codes = self.puzzle.cells(self.state), self.puzzle.codes(self.state), self.code_TC[t]
        found = False
        for move in self.puzzle.likely(self.state, {cell: symbol}):
            after = self.puzzle.changes(self.state, move)
            gone = [c for c, s in after.items() if self._bared(c, s)]
            left = [c for c in gone if held[c] == symbol or len(gone) == 1]  # (it may be turned on its way)
            if left and (after.get(cell) == symbol or cell in self.puzzle.passed(self.state, move)):
                if any(codes[c] != own[c] for c in left):
                    return False
                found = True
        return found

    def _copied(self, t: int, seen: Mapping[int, str]) -> bool:
        """Whether all of a large thing has come, and some of it is still where it was, too."""
        own, codes = self.puzzle.codes(self.state), self.code_TC[t]
        for move in self.puzzle.likely(self.state, seen):
            after = self.puzzle.changes(self.state, move)
            new, old = [c for c, s in after.items() if s], [c for c, s in after.items() if not s]
            if new and all(seen.get(c) == after[c] for c in new) and (codes[old] == own[old]).any():
                return True
        return False

    def cloned(self, t: int) -> Fault | None:
        """What has been in two places for too long in frame t, if anything."""
        if self.twice is None or t - self.twice[0] < TWICE:
            return None
        since, cell, symbol = self.twice
        if symbol not in self.puzzle.cells(self.state) and len(self.puzzle.layers(symbol)) == 1:
            return None
        what = f"there is one {self.puzzle.called(symbol)} too many, in {self._named(cell)}"
        return Fault(since, ("rules.legal", "objects.unique"), what, cell)

    def unfinished(self, t: int) -> Fault | None:
        """What has not come to its place in the last frame, if anything."""
        seen, own = self._seen(t), self.puzzle.codes(self.state)
        more = [c for c, s in seen.items() if self.puzzle.once or (s and not self._bared(c, s))]
        cell = next(iter(more), None)
        if cell is None:
            return self._gone(t, seen)
        if not self.puzzle.once:
            what = f"the {self.puzzle.called(seen[cell])} stays in {self._named(cell)}, where no move ends"
            return Fault(t, ("rules.legal",), what, cell)
        line = {c: self.code_TC[np.flatnonzero(self.code_TC[:t, c] == own[c])[-1:] + 1, c] for c in seen}
        sudden = sum(self.code_TC[t, c] in after for c, after in line.items()) > 1
        what = f"{self._named(cell)} and other cells change as in no move"
        return Fault(t, ("rules.legal", *(["objects.continuous"] if sudden else [])), what, cell)

    def _gone(self, t: int, seen: Mapping[int, str]) -> Fault | None:
        """What is missing in the last frame, where nothing is on its way."""
        if not seen or not self.puzzle.carried or (self.raw_TC[t] < EMPTY).any():
            return None
        cell = next(iter(seen))
        held = self.puzzle.layers(self.puzzle.cells(self.state)[cell])[-1]
        what = f"the {self.puzzle.called(held)} in {self._named(cell)} is gone at the end"
        return Fault(t, ("objects.present",), what, cell)

    def _on_the_way(self, move: Any, after: Mapping[int, str], seen: Mapping[int, str]) -> bool:
        """Whether all that is seen belongs to a move that is not done."""
        if all(after.get(c) == s for c, s in seen.items()):
            return True
        if not self.puzzle.carried:
            return False
        held, top = self.puzzle.cells(self.state), self.puzzle.layers
        shown = [held[c] if self._bared(c, s) else s for c, s in after.items()]
        between, own = self.puzzle.passed(self.state, move) - set(after), {top(s)[-1] for s in shown if s}
        if self.puzzle.large:  # squares over each other may look like those of any other, but not like none
            return all(
                after.get(c) == s or (c in between and s != "" and (s in own or held[c] != ""))
                for c, s in seen.items()
            )
        return all(after.get(c) == s or (s and c in between and s in own) for c, s in seen.items())

    def _make(self, move: Any, t: int, more: bool) -> Fault | None:
        """Make a move; what is wrong with how it was made. `more`: other cells have changed, too."""
        own, after = self.puzzle.codes(self.state), self.puzzle.changes(self.state, move)
        # What is carried begins to show where it leaves; its new cell may not have been empty for long.
        left = [c for c, s in after.items() if self._bared(c, s)] if self.puzzle.carried else []
        held = [np.flatnonzero(self.code_TC[:t, c] == own[c]) for c in left or after]
        begun = min((int(h[-1]) for h in held if len(h)), default=t - 1)
        span, cell = (begun, t), next(iter(after))
        carried = any(len(self.puzzle.path(self.state, move, target)) > 1 for target in after)
        # (What is beside a cell may reach into it for some frames before its own change begins.)
        still = (self.raw_TC[:t, [*after]] == own[[*after]]).all(axis=1) & (not self.puzzle.carried)
        since = max(begun, int(np.flatnonzero(still).max(initial=-1)))
        for other in self.spans:
            both = min(t, other[1]) - max(since, other[0])
            if both > AT_ONCE * min(t - since, other[1] - other[0]):
                sudden = span[1] - span[0] <= 1 and other[1] - other[0] <= 1
                checks = ("rules.legal", "objects.continuous") if sudden else ("rules.legal",)
                return Fault(t, checks, f"{self._named(cell)} changes at the same time as another cell", cell)
        fresh = [*left, *(c for c, s in after.items() if s and own[c] == EMPTY)]
        if carried and self.faint_TC is not None and fresh:
            # (In frames in which much else is unclear, too, a cell says nothing.)
            rest = [c for c in range(len(own)) if c not in after]
            calm = (self.raw_TC[begun + 1 : t + 1, rest] == BETWEEN).sum(axis=1) < UNCLEAR
            faded = self.faint_TC[begun + 1 : t + 1, fresh][calm].sum(axis=0)
            more |= bool(faded.any())
            if faded.max(initial=0) >= FADED:
                what = f"what comes into {self._named(cell)} fades in and out and is not carried"
                return Fault(t, ("rules.legal", "objects.continuous"), what, cell)
        sudden = span[1] - span[0] <= 1 and not self._arrives(move, after, begun)
        sudden |= carried and self._from_afar(move, after, left, begun, t)
        if carried and sudden and not self._hurries(move, after, left, begun):
            symbol = after[next(c for c, s in after.items() if s and c not in left)]
            more |= int((self.raw_TC[t] < EMPTY).sum()) >= UNCLEAR  # the whole board fades
            what = f"the {self.puzzle.called(symbol)} jumps to its new place in one frame"
            return Fault(t, ("objects.continuous", *(("rules.legal",) if more else ())), what, cell)
        if self.puzzle.large and min(self._spreads(after, t)) >= APART:
            symbol = next(s for s in after.values() if s)
            what = f"the {self.puzzle.called(symbol)} does not come with the others"
            return Fault(t, ("rules.legal", "objects.continuous"), what, cell)
        between = sorted(self.puzzle.passed(self.state, move) - set(after)) if carried else []
        if self.puzzle.large:  # (it passes over its own place)
            between = [c for c in between if self.symbols[own[c]] not in after.values() or own[c] < 0]
        since = self.spans[-1][1] if self.spans else 0
        seen_in = self.puzzle.crossed(self.state, move) if carried else set()
        crossed = [c for c in between if c in seen_in]
        if crossed and (self.raw_TC[since : t + 1, crossed] == own[crossed]).all():
            what = f"{self._named(cell)} is filled by nothing that came there"
            return Fault(t, ("rules.legal", "objects.continuous"), what, cell)
        self.spans.append(span)
        beside = _beside(between, self.puzzle.shape(self.state)) if self.puzzle.overhang else []
        large = after if carried and self.puzzle.large else ()
        self.between.append(frozenset([*between, *beside, *large]))
        self.moves.append(move)
        self.state = self.puzzle.step(self.state, move)
        return None

    def _from_afar(
        self, move: Any, after: Mapping[int, str], left: Sequence[int], begun: int, t: int
    ) -> bool:
        """Whether what comes into a cell was seen far from it, and nowhere nearer, in the frame before."""
        own, raw = self.puzzle.codes(self.state), self.raw_TC
        come = [c for c, s in after.items() if s and c not in left]
        there = [(raw[begun + 1 : t + 1, c] == self.symbols.index(after[c])) for c in come]
        first = min((begun + 1 + int(np.argmax(seen)) for seen in there if seen.any()), default=t)
        moving = np.flatnonzero((raw[first - 1] != own) & (raw[first - 1] != EMPTY))
        if not come or not len(moving):
            return False  # it is where no cells are
        places = np.array([self.puzzle.place(self.state, int(c)) for c in moving])
        paths = [np.reshape(self.puzzle.path(self.state, move, c), (-1, 2)) for c in come]
        way = max(float(np.abs(np.diff(path, axis=0)).max(axis=-1).sum()) for path in paths)
        near = min(np.abs(places - self.puzzle.place(self.state, c)).max(axis=1).min() for c in come)
        return bool(near > max(NEAR, way / (first - begun) + 1))

    def _hurries(self, move: Any, after: Mapping[int, str], left: Sequence[int], t: int) -> bool:
        """Whether what goes on to the next cell had come into the one before as fast."""
        steps = self.puzzle.going(self.state) & {s for s in after.values() if s}
        if not self.spans or not steps or self.puzzle.passed(self.state, move) - set(after):
            return False
        (begun, done), own = self.spans[-1], self.puzzle.codes(self.state)
        fast = done - begun <= 2 * FLEETING and t - done < FLEETING
        return fast and any(self.raw_TC[max(t - FLEETING, 0), c] != own[c] for c in left)

    def _arrives(self, move: Any, after: Mapping[int, str], t: int) -> bool:
        """Whether what comes into a cell was next to it, on its way, in the frame before."""
        own, cols = self.puzzle.codes(self.state), self.puzzle.shape(self.state)[1]
        way = self.puzzle.passed(self.state, move) - set(after)
        for cell, symbol in ((c, s) for c, s in after.items() if s):
            near = [c for c in way if max(abs(c // cols - cell // cols), abs(c % cols - cell % cols)) <= 1]
            seen = {int(code) for code in self.raw_TC[t, near] if t >= 0} - set(own[near].tolist())
            if seen & {BETWEEN, self.symbols.index(symbol)}:
                return True
        return False

    def _spreads(self, after: Mapping[int, str], t: int) -> tuple[int, int]:
        """Frames between the first and the last part of a large thing that leaves, and that comes."""
        own, since = self.puzzle.codes(self.state), self.spans[-1][1] if self.spans else 0
        left, come = [], []
        for c, s in after.items():
            held = self.raw_TC[since : t + 1, c] == (self.symbols.index(s) if s else own[c])
            steady = held[:-1] | held[1:]  # (a blink is none)
            if s:
                come.append(int(np.flatnonzero(~steady)[-1]) if not steady.all() else 0)
            else:
                left.append(int(np.flatnonzero(~steady)[0]) if not steady.all() else len(steady))
        return max(left) - min(left), max(come) - min(come)

    def _bared(self, cell: int, symbol: str) -> bool:
        """Whether what stood in a cell, or on something else there, is gone where it shows this."""
        held, parts = self.puzzle.cells(self.state)[cell], self.puzzle.layers
        return bool(held) and parts(held)[:-1] == (parts(symbol) if symbol else ())

    def _named(self, cell: int) -> str:
        return self.puzzle.at(self.state, cell)

    def _fault(self, t: int, seen: Mapping[int, str]) -> Fault:
        """What no legal move explains."""
        held = self.puzzle.cells(self.state)
        gone = left = [c for c, s in seen.items() if not s or self._bared(c, s)]
        come = entered = [c for c, s in seen.items() if s and c not in gone]
        shown = list(held)
        for c, s in seen.items():
            shown[c] = s
        more = [c for c in come if shown.count(seen[c]) > held.count(seen[c])]
        if self.puzzle.carried and more and not gone:
            cell = more[0]
            what = f"there is one {self.puzzle.called(seen[cell])} too many, in {self._named(cell)}"
            return Fault(t, ("rules.legal", "objects.unique"), what, cell)
        odd = [c for c, s in seen.items() if not self._explained(c, s)]
        if odd and len(odd) < len(seen):  # a move explains the rest
            come, gone = [c for c in come if c in odd], [c for c in gone if c in odd]
        cell = (come or gone)[0]
        many = self.puzzle.once or self.puzzle.large
        among = seen if many else entered  # where many cells may change, any of them shows a jump
        fresh = [c for c in among if t and self.code_TC[t - 1, c] != self.code_TC[t, c]]
        if len(fresh) > 1:
            what = f"{len(fresh)} cells change at once"
            if many:
                what += f", and {self.puzzle.explain(self.state, cell, seen[cell])}"
            return Fault(t, ("rules.legal", "objects.continuous"), what, cell)
        before, now = self.code_TC[max(t - 1, 0)], self.code_TC[t]
        if self.puzzle.carried and any(before[c] == now[cell] >= 0 for c in left) and before[cell] == EMPTY:
            what = f"the {self.puzzle.called(seen[cell])} jumps into {self._named(cell)}, where no move ends"
            return Fault(t, ("rules.legal", "objects.continuous"), what, cell)
        checks = ("rules.legal", "objects.present") if gone and not come else ("rules.legal",)
        if self.puzzle.gradual and fresh and before[cell] == self.puzzle.codes(self.state)[cell]:
            what = f"{self.puzzle.explain(self.state, cell, seen[cell])}, and from one frame to the next"
            return Fault(t, (*checks, "objects.continuous"), what, cell)
        return Fault(t, checks, self.puzzle.explain(self.state, cell, seen[cell]), cell)

    def _explained(self, cell: int, symbol: str) -> bool:
        """Whether a legal move may make a cell show this, were it the only one."""
        one = {cell: symbol}
        return any(
            self._on_the_way(move, self.puzzle.changes(self.state, move), one)
            for move in self.puzzle.likely(self.state, one)
        )


def _beside(cells: Iterable[int], shape: tuple[int, int]) -> list[int]:
    """Cells that share an edge with these."""
    rows, cols = shape
    around = [(c // cols + dy, c % cols + dx) for c in cells for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    return [y * cols + x for y, x in around if 0 <= y < rows and 0 <= x < cols]
