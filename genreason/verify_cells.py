"""The verdict on a clip of a board of cells: explain its changes by the rules; what was broken first."""

from __future__ import annotations

from typing import Any

import numpy as np

from genreason.changes import Changes, Fault, follow_changes, told
from genreason.perceive.cells import ALIEN, BETWEEN, EMPTY, UNSURE, CellTrack
from genreason.puzzles.boards import BoardPuzzle
from genreason.replay import Tolerances
from genreason.types import Verdict, unscored
from genreason.verify import CHECKS, Notes, ToPixels, check_scene, sentence

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
    if len(track) < 2:
        return unscored("the clip has one frame: nothing happens in it")
    note = Notes(track, to_pixels)
    first = track.code_TC[0]
    other = ((first != puzzle.codes(state)) & (first >= EMPTY)).any()
    if other or track.start_gap > rules.start or track.start_change >= rules.start_area:
        note.add(0, "scene.first_frame", "the clip does not start from the given frame", None)
    check_scene(note, track, rules)
    story = told(track)
    trace = follow_changes(puzzle, state, story)
    faults = [] if trace.fault is None else [trace.fault]
    for gap in story.disturbed:
        empty = story.code_TC[gap.start - 1, gap.cell] == EMPTY
        if not trace.passes(gap, puzzle.carried and bool(empty)):
            what = f"{puzzle.at(state, gap.cell)} does not look as it did for a while"
            faults.append(Fault(gap.start, ("objects.present",), what, gap.cell))
            break
    unsure = _check_end(note, puzzle, state, track, faults)
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
        reason=sentence(found[0]) if found else f"reaches the goal by {len(trace.moves)} legal moves",
    )


def _check_end(
    note: Notes, puzzle: BoardPuzzle[Any, Any], state: Any, track: CellTrack, faults: list[Fault]
) -> list[int]:
    """Note whether the goal holds in the last frame; the cells of which that cannot be told."""
    end, symbols = len(track) - 1, puzzle.symbols(state)
    if track.broken_T[end]:
        note.add(end, "rules.goal", "nothing can be read in the last frame", None)
        return []
    codes = track.code_TC[end]
    for cell in np.flatnonzero((codes == BETWEEN) | (codes == ALIEN)):
        how = "unfinished" if codes[cell] == BETWEEN else "no sign"
        what = f"what stands in {puzzle.at(state, int(cell))} at the end is {how}"
        faults.append(Fault(end, ("objects.present",), what, int(cell)))
        note.add(end, "rules.goal", what, puzzle.place(state, int(cell)))
        return []
    cells = tuple(symbols[code] if code > EMPTY else "" for code in codes)
    if not puzzle.done(puzzle.arranged(state, cells)):
        note.add(end, "rules.goal", "the goal is not reached at the end", None)
    return [int(cell) for cell in np.flatnonzero(codes == UNSURE)]


def _progress(puzzle: BoardPuzzle[Any, Any], state: Any, trace: Changes, passed: bool) -> dict[str, float]:
    """Share of the moves to the goal that were made by legal moves."""
    if passed:
        return {"progress": 1.0}
    whole, left = puzzle.left(state), puzzle.left(trace.end)
    if not whole:
        return {}
    return {"progress": 0.0 if left is None else float(np.clip(1 - left / whole, 0, 1))}
