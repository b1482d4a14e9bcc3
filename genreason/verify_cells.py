"""The verdict on a clip of a board of cells: explain its changes by the rules; what was broken first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genreason.changes import UNCLEAR, follow_changes
from genreason.perceive.cells import ALIEN, BETWEEN, EMPTY, UNSURE, CellTrack, Codes
from genreason.puzzles.boards import BoardPuzzle
from genreason.replay import Tolerances
from genreason.stories import LEAST, Changes, Fault, Story, told
from genreason.types import Verdict, unscored
from genreason.verify import CHECKS, Notes, ToPixels, check_scene, reached, sentence

AROUND = 0.5  # seconds around a change in which it is looked at how gradual it was
SUDDEN = 0.7  # share of it in one frame from which it is sudden
UNDER_WAY = 0.15  # share of it that is done when it has begun, and that is left when it is over
IN_TURN = 0.12  # seconds that cells which change together may be as before and changed at the same time
MIXED = 0.07  # share of a change that its middle must differ from a mixture of before and after, if carried
TREMBLES = 4  # frames before the end that tell, under a trembling camera, what a cell holds
OVER = 0.08  # seconds for which something that is not to be passed over may not be seen
PROCESS = ("rules.legal", "objects.")


def verify_cells(
    puzzle: BoardPuzzle[Any, Any], state: Any, track: CellTrack, rules: Tolerances, to_pixels: ToPixels
) -> Verdict:
    """The verdict on what was seen in the cells.

    Args:
        puzzle: the rules.
        state: the start state.
        track: what was seen.
        rules: tolerances of the judge's card.
        to_pixels: cells (..., 2) to pixels of the instance's first frame, to say where a violation is.
    """
    note = Notes(track, to_pixels)
    first = track.code_TC[0]
    other = ((first != puzzle.codes(state)) & (first >= EMPTY)).any()
    if other or track.start_gap > rules.start or track.start_change >= rules.start_area:
        note.add(0, "scene.first_frame", "the clip does not start from the given frame", None)
    check_scene(note, track, rules)
    least = 1 if puzzle.going(state) else LEAST
    story = told(track, puzzle.rest, not puzzle.large, least, _below(puzzle, state), puzzle.carried)
    trace = follow_changes(puzzle, state, story)
    faults = [] if trace.fault is None else [trace.fault]
    for gap in story.disturbed:
        empty = puzzle.carried and bool(story.code_TC[gap.start - 1, gap.cell] == EMPTY)
        # (What left its place and came back may have been there meanwhile.)
        if not trace.passes(gap, empty) and not (empty and any(gap.meets(each) for each in story.away)):
            what = f"{puzzle.at(state, gap.cell)} does not look as it did for a while"
            faults.append(Fault(gap.start, ("objects.present",), what, gap.cell))
            break
    if puzzle.carried:
        faults += _away(puzzle, state, story, trace)
    if puzzle.gradual:
        faults += _gradual(puzzle, state, track, trace)
        faults += _faded(puzzle, state, track, trace)
    if puzzle.solid:
        faults += _passed_over(puzzle, track, story, trace)
    if puzzle.once:
        faults += _in_turn(puzzle, state, track, trace)
    faults += _at_once(puzzle, track)
    unsure = _check_end(note, puzzle, state, track, faults, trace)
    for fault in faults:
        for check in fault.checks:
            note.add(fault.t, check, fault.what, puzzle.place(state, fault.cell))
    found = note.sorted()
    if unsure and all(violation.check == "rules.goal" for violation in found):
        return unscored(f"what stands in {puzzle.at(state, unsure[0])} at the end cannot be told")
    checks = {name: 0.0 if name in note.found else 1.0 for name in CHECKS}
    process = all(value for name, value in checks.items() if name.startswith(PROCESS))
    return Verdict(
        status="fail" if found else "pass",
        score=0.0 if found else 1.0,
        checks=checks,
        metrics={
            "solved": float(process and checks["rules.goal"]),
            "outcome": checks["rules.goal"],
            "process": float(process),
            "moves": float(len(trace.moves)),
            **_progress(puzzle, state, trace, not found),
        },
        violations=found,
        reason=sentence(found[0]) if found else reached(len(trace.moves)),
    )


def _at_once(puzzle: BoardPuzzle[Any, Any], track: CellTrack) -> list[Fault]:
    """Cells that turn into what cannot be told to the end, while others change: nothing was carried there."""
    codes = track.code_TC
    strange = (codes == UNSURE) | (codes == ALIEN)
    for cell in np.flatnonzero(strange[-1]).tolist() if puzzle.carried else ():
        t = int((~strange[:, cell]).nonzero()[0].max(initial=-1)) + 1
        if not t or codes[t - 1, cell] < EMPTY:
            continue
        fresh = (codes[t - 1] >= EMPTY) & (codes[t] != BETWEEN) & (codes[t] != codes[t - 1])
        if fresh.sum() > 1:
            what = f"{fresh.sum()} cells change at once"
            return [Fault(t, ("rules.legal", "objects.continuous"), what, cell)]
    return []


def _below(puzzle: BoardPuzzle[Any, Any], state: Any) -> dict[int, int]:
    """Of symbols that stand on others, by their codes, what is left when the topmost is gone."""
    parts = [puzzle.layers(symbol) for symbol in puzzle.symbols(state)]
    return {i: parts.index(a[:-1]) for i, a in enumerate(parts) if a[:-1] in parts}


def _away(puzzle: BoardPuzzle[Any, Any], state: Any, story: Story, trace: Changes) -> list[Fault]:
    """The first thing that was gone for a while without being moved, or seen anywhere else."""
    moved = []  # of each move: cells that change, cells that it passes, frames
    held = [(0, puzzle.codes(state))]  # since when what stands where
    for move, passed, span in zip(trace.moves, trace.between, trace.spans, strict=True):
        moved.append((set(puzzle.changes(state, move)), passed, span))
        state = puzzle.step(state, move)
        held.append((span[1], puzzle.codes(state)))
    for gap in story.away:
        then = [(own, passed) for own, passed, (a, b) in moved if a < gap.end and gap.start <= b]
        before = next(codes for since, codes in reversed(held) if since < gap.start)
        thing = story.code_TC[gap.start - 1, gap.cell]
        if before[gap.cell] != thing or any(gap.cell in own for own, _ in then):
            continue
        symbols = puzzle.symbols(state)
        top = symbols.index(puzzle.layers(symbols[thing])[-1])
        new = (story.raw_TC[gap.start : gap.end] == top) & (before != top)
        new[:, sorted({c for own, passed in then for c in own | passed})] = False
        if not new.any():
            what = f"what stands in {puzzle.at(state, gap.cell)} is gone for a while"
            return [Fault(gap.start, ("objects.present",), what, gap.cell)]
    return []


def _gradual(puzzle: BoardPuzzle[Any, Any], state: Any, track: CellTrack, trace: Changes) -> list[Fault]:
    """The first change that was made from one frame to the next, or together with another one."""
    # Of each change: move, cell, last frame before it, first one after it, whether a thing is carried there.
    ways: list[tuple[int, int, int, int, bool]] = []
    for k, (move, span) in enumerate(zip(trace.moves, trace.spans, strict=True)):
        for cell in puzzle.changes(state, move):
            ways.append((k, cell, *span, len(puzzle.path(state, move, cell)) > 1))
        state = puzzle.step(state, move)
    spans: list[tuple[int, int, int, int]] = []
    for i, (k, cell, begun, end, carried) in enumerate(ways):
        # (It rests half way between two changes of a cell: near them it has begun, or is not over yet.)
        past = [(way[3] + begun) // 2 for way in ways[:i] if way[1] == cell]
        to_come = [(way[2] + end + 1) // 2 for way in ways[i + 1 :] if way[1] == cell]
        since = max([begun - round(AROUND * track.fps), 0, *past])
        until = min([end + round(AROUND * track.fps), *to_come])
        begun = max(begun, 0)
        done = _progress_of(track, cell, min(since, begun), max(until, end))
        if len(done) < 2 or carried:  # it is so from the first frame on; or it is no change of a look
            continue
        if float(np.diff(done).max()) > SUDDEN:
            what = f"what stands in {puzzle.at(state, cell)} changes from one frame to the next"
            return [Fault(end, ("objects.continuous",), what, cell)]
        t = min(since, begun) + np.flatnonzero((done > UNDER_WAY) & (done < 1 - UNDER_WAY))
        first, last = (int(t[0]) - 1, int(t[-1]) + 1) if len(t) else (begun, end)
        for other_move, other, a, b in spans:
            both = min(last, b) - max(first, a)
            if other_move == k and both <= 0:
                what = f"{puzzle.at(state, cell)} and others change one after the other, not together"
                return [Fault(max(first, a), ("rules.legal",), what, cell)]
            if other_move != k and other != cell and both > puzzle.together * min(last - first, b - a):
                what = f"{puzzle.at(state, cell)} changes at the same time as another cell"
                return [Fault(first, ("rules.legal",), what, cell)]
        spans.append((k, cell, first, last))
    return []


def _faded(puzzle: BoardPuzzle[Any, Any], state: Any, track: CellTrack, trace: Changes) -> list[Fault]:
    """The first cell in which a thing only faded into another one that was to be carried there."""
    assert track.look_TCV is not None, "gradual boards keep their looks"
    for move, (begun, end) in zip(trace.moves, trace.spans, strict=True):
        before, after = puzzle.cells(state), puzzle.changes(state, move)
        for cell in (c for c, s in after.items() if before[c] and len(puzzle.path(state, move, c)) > 1):
            looks = track.look_TCV[max(begun, 0) : end + 1, cell].astype(np.float32)
            way = looks[-1] - looks[0]
            whole = max(float(way @ way), 1.0)
            off = looks - looks[0] - np.outer((looks - looks[0]) @ way / whole, way)
            if float((off * off).sum(axis=1).max()) < MIXED * whole:
                what = f"what stands in {puzzle.at(state, cell)} fades into another thing and is not carried"
                return [Fault(end, ("rules.legal", "objects.continuous"), what, cell)]
        state = puzzle.step(state, move)
    return []


def _passed_over(
    puzzle: BoardPuzzle[Any, Any], track: CellTrack, story: Story, trace: Changes
) -> list[Fault]:
    """The first thing that could not be seen while another one was on its way."""
    least = max(round(OVER * track.fps), 2)
    for begun, end in trace.spans:
        seen, own = track.code_TC[begun : end + 1], story.code_TC[begun]
        kept = (own > EMPTY) & (story.code_TC[end] == own)
        calm = (seen == BETWEEN).sum(axis=1) < UNCLEAR
        hidden = ((seen != own) & kept & calm[:, None]).sum(axis=0)
        if hidden.max(initial=0) >= least:
            cell = int(hidden.argmax())
            what = f"something passes over what stands in {puzzle.at(trace.end, cell)}"
            return [Fault(end, ("rules.legal",), what, cell)]
    return []


def _in_turn(puzzle: BoardPuzzle[Any, Any], state: Any, track: CellTrack, trace: Changes) -> list[Fault]:
    """The first move of which some cells had changed long before others began to."""
    for move, (begun, end) in zip(trace.moves, trace.spans, strict=True):
        before, cells = puzzle.codes(state), list(puzzle.changes(state, move))
        state = puzzle.step(state, move)
        seen, after = track.code_TC[begun : end + 1, cells], puzzle.codes(state)[cells]
        both = (seen == after).any(axis=1) & (seen == before[cells]).any(axis=1)
        if both.sum() > IN_TURN * track.fps:
            late = cells[int((seen == before[cells]).sum(axis=0).argmax())]
            what = f"{puzzle.at(state, late)} changes only after others that must change with it"
            return [Fault(end, ("rules.legal",), what, late)]
    return []


def _progress_of(track: CellTrack, cell: int, since: int, until: int) -> npt.NDArray[np.float32]:
    """How far (0 to 1) a cell is, in each of these frames, from its look in the first to that in the last."""
    assert track.look_TCV is not None, "gradual boards keep their looks"
    looks = track.look_TCV[since : until + 1, cell].astype(np.float32)
    way = looks[-1] - looks[0]
    done = (looks - looks[0]) @ way / max(float(way @ way), 1.0)
    wide = np.pad(done, 1, mode="edge")
    return np.asarray(np.median([wide[:-2], done, wide[2:]], axis=0), np.float32)  # a blink is no step


def _check_end(
    note: Notes,
    puzzle: BoardPuzzle[Any, Any],
    state: Any,
    track: CellTrack,
    faults: list[Fault],
    trace: Changes,
) -> list[int]:
    """Note whether the goal holds in the last frame; the cells of which that cannot be told."""
    end, symbols = len(track) - 1, puzzle.symbols(state)
    if track.broken_T[end]:
        note.add(end, "rules.goal", "nothing can be read in the last frame", None)
        return []
    codes = _last_seen(track)
    for cell in np.flatnonzero((codes == BETWEEN) | (codes == ALIEN)):
        how = "unfinished" if codes[cell] == BETWEEN else "no sign"
        what = f"what stands in {puzzle.at(state, int(cell))} at the end is {how}"
        faults.append(Fault(end, ("objects.present",), what, int(cell)))
        note.add(end, "rules.goal", what, puzzle.place(state, int(cell)))
        return []
    cells = tuple(symbols[code] if code > EMPTY else "" for code in codes)
    if not puzzle.done(puzzle.arranged(state, cells)):
        note.add(end, "rules.goal", "the goal is not reached at the end", None)
    elif puzzle.going(state) and trace.fault is None and not puzzle.done(trace.end):
        note.add(end, "rules.goal", "the end is reached, but not all of the way was gone", None)
    return [int(cell) for cell in np.flatnonzero(codes == UNSURE)]


def _last_seen(track: CellTrack) -> Codes:
    """What cells hold in the last frame; under a trembling camera, what was clear in one right before it."""
    codes: Codes = track.code_TC[-1].copy()
    if not track.camera_T2[-TREMBLES:].any():
        return codes
    for cell in np.flatnonzero(codes == BETWEEN):
        clear = {int(code) for code in track.code_TC[-TREMBLES:, cell] if code >= EMPTY}
        if len(clear) == 1:
            codes[cell] = clear.pop()
    return codes


def _progress(puzzle: BoardPuzzle[Any, Any], state: Any, trace: Changes, passed: bool) -> dict[str, float]:
    """Share of the moves to the goal that were made by legal moves."""
    if passed:
        return {"progress": 1.0}
    whole, left = puzzle.left(state), puzzle.left(trace.end)
    if not whole:
        return {}
    return {"progress": 0.0 if left is None else float(np.clip(1 - left / whole, 0, 1))}
