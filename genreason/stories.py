"""Tell every cell's own story: what it held, and when that changed; and what followed from all of them.

A sign counts when it stays; a sign that is still being written (its ink only grows) does not yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.perceive.cells import BETWEEN, EMPTY, CellTrack, Codes

LEAST = 2  # frames in a row from which something counts as seen
MOMENT = 0.3  # seconds for which a cell may show nothing clear and then what it did before
GROWN = 1.08  # how much more ink (times) makes a sign another one that was written on
KEPT = 0.85  # share of the ink that stays meanwhile
OFF = 0.18  # share of the way from one look to another that a look may be off it for a fade between them
Looks = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Frames (to before `end`) in which a cell showed nothing clear, and then what it did before."""

    start: int
    end: int
    cell: int

    def meets(self, other: Gap) -> bool:
        """Whether both last at the same time for a while."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Story:
    """What cells held.

    Attributes:
        code_TC: codes as in `CellTrack`, but BETWEEN where nothing counts.
        raw_TC: codes as they were read.
        disturbed: where a cell showed nothing clear for long, and then what it did before, in order.
        away: where what stood in a cell was gone for long, and then back, in order.
        brief: frames that are a moment.
        faint_TC: where a sign stood in its place and was half there, or None.
    """

    code_TC: Codes
    raw_TC: Codes
    disturbed: tuple[Gap, ...]
    brief: int
    faint_TC: npt.NDArray[np.bool_] | None = None
    away: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What was broken first: frame, checks, words, cell."""

    t: int
    checks: tuple[str, ...]
    what: str
    cell: int


@dataclass(frozen=True, slots=True)
class Changes:
    """How far the clip could be followed.

    Attributes:
        moves: legal moves that were made until the end or the first fault.
        end: the state after them.
        fault: the first fault, or None.
        spans: frames in which each move began to show, and was done.
        between: cells that what is carried passes over, by move.
    """

    moves: tuple[Any, ...]
    end: Any
    fault: Fault | None
    spans: tuple[tuple[int, int], ...] = ()
    between: tuple[frozenset[int], ...] = ()

    def passes(self, gap: Gap, empty: bool) -> bool:
        """Whether something that is carried passes over a cell, which is `empty` or not, meanwhile."""
        return any(
            begun < gap.end and gap.start <= done and (empty or gap.cell in cells)
            for (begun, done), cells in zip(self.spans, self.between, strict=True)
        )


def told(
    track: CellTrack,
    rest: float = 0.0,
    written: bool = True,
    least: int = LEAST,
    below: Mapping[int, int] | None = None,
    carried: bool = False,
) -> Story:
    """What each cell held in each frame, flicker and unfinished signs left out.

    Args:
        track: what was seen.
        rest: seconds from which something counts as seen.
        written: whether signs may be seen while they are being written.
        least: frames in a row from which something counts as seen, however short that is.
        below: of signs that stand on others, the codes of these: what is left where the first are gone.
        carried: whether things are carried: what rests for a moment is whole, and others may pass over it.
    """
    codes = track.code_TC.copy()
    for t in np.flatnonzero(track.broken_T):
        codes[t] = codes[t - 1] if t else codes[t]
    disturbed: list[Gap] = []
    away: list[Gap] = []
    most, least = round(MOMENT * track.fps), max(round(rest * track.fps), least)
    for c in np.flatnonzero((codes != codes[:1]).any(axis=0)):
        runs = _runs(codes[:, c], least)
        if written:
            runs = _grown(runs, track, int(c), most if carried else len(codes))
        if track.look_TCV is not None:
            runs = _settled(runs, track.look_TCV[:, c].astype(np.float32), most)
        line = np.full(len(codes), BETWEEN, np.int16)
        last: tuple[int, int, int] | None = None
        for start, end, code in runs:
            line[start:end] = code
            if last is not None and last[2] == code:
                gap = slice(last[1], start)
                empty = (codes[gap, c] == EMPTY) & ~_flicker(codes[:, c], code)[gap]
                if start - last[1] > most and empty.any():  # it left, and came back soon
                    line[gap][empty] = EMPTY
                else:
                    line[gap] = code
                    if start - last[1] > most:
                        disturbed.append(Gap(last[1], start, int(c)))
            last = start, end, code
        codes[:, c] = line
        for (_, begun, code), (_, _, gone), (end, _, again) in zip(runs, runs[1:], runs[2:], strict=False):
            if code == again >= 0 and gone == (below or {}).get(code, EMPTY) and end - begun > most:
                away.append(Gap(begun, end, int(c)))
    return Story(codes, track.code_TC, tuple(sorted(disturbed)), most, track.faint_TC, tuple(sorted(away)))


def _runs(line: Codes, least: int) -> list[tuple[int, int, int]]:
    """Where a cell held one thing (start, end, code), long enough to count."""
    cuts = np.flatnonzero(np.diff(line)) + 1
    edges = [0, *cuts.tolist(), len(line)]
    return [
        (a, b, int(line[a]))
        for a, b in zip(edges, edges[1:], strict=False)
        if line[a] >= EMPTY and (b - a >= least or a == 0 or b == len(line))
    ]


def _flicker(line: Codes, code: int) -> npt.NDArray[np.bool_]:
    """Where a cell shows something else for one frame, right after and before the same."""
    own = line == code
    out = np.zeros(len(line), np.bool_)
    out[1:-1] = own[:-2] & ~own[1:-1] & own[2:]
    return out


def _settled(runs: list[tuple[int, int, int]], look_TV: Looks, most: int) -> list[tuple[int, int, int]]:
    """The runs without short ones in which the cell only fades from what was before to what comes after.

    Half of one thing over half of another may look like a third.
    """
    out: list[tuple[int, int, int]] = []
    for k, (start, end, code) in enumerate(runs):
        if out and k + 1 < len(runs) and end - start <= most and code not in (out[-1][2], runs[k + 1][2]):
            before, after = look_TV[out[-1][1] - 1], look_TV[runs[k + 1][0]]
            way, seen = after - before, look_TV[start:end] - before
            off = seen - np.outer(seen @ way / max(float(way @ way), 1.0), way)
            if float((off**2).sum(axis=1).max()) < OFF * OFF * float(way @ way):
                continue
        out.append((start, end, code))
    return out


def _grown(
    runs: list[tuple[int, int, int]], track: CellTrack, cell: int, longest: int
) -> list[tuple[int, int, int]]:
    """The runs without signs that were still being written: all their ink stayed, and more came."""
    out: list[tuple[int, int, int]] = []
    for run in runs:
        while (
            len(out) > 1 and out[-1][2] >= 0 and run[2] >= 0 and out[-1][2] != run[2] and out[-2][2] == EMPTY
        ):
            begun, start = out[-1][0], run[0]
            if out[-1][1] - begun > longest:
                break
            kept = track.kept_TC[begun + 1 : start + 1, cell]
            if kept.size and kept.min() < KEPT:
                break
            if track.area_TC[start, cell] < GROWN * track.area_TC[begun, cell]:
                break
            out.pop()
        out.append(run)
    return out
