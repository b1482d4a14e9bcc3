"""V-ReasonBench (arXiv 2511.16668): the model only reads the last frame, a program compares what it read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from genreason.judge.asked import AskingJudge
from genreason.judge.asking import Ask
from genreason.judge.messages import Part, Reply
from genreason.judge.questions import PUZZLES
from genreason.judge.replies import InvalidReplyError, find_json
from genreason.judge.settings import FramePlan
from genreason.puzzles import base
from genreason.puzzles.tiles import TilePuzzle
from genreason.types import Clip, Instance, Json, Verdict, Violation, unscored

Table = list[list[str]]
_SYSTEM = "You read pictures. Say exactly what is visible, not what would be right; do not solve anything."
_LAST = {
    "first": False,
    "last": True,
    "settled": False,
    "uniform": 0,
    "changes": 0,
    "every": None,
    "stamp": False,
}


@dataclass(frozen=True, slots=True)
class ReadingForm:
    """A table of what stands in each cell, or row and column of each piece.

    Attributes:
        rows, cols: of the table or board.
        pieces: kinds of pieces with what they look like; none to read the whole table.
    """

    rows: int
    cols: int
    pieces: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> str:
        """Version of the form with what is read."""
        return json.dumps(["reading", 1, self.rows, self.cols, self.pieces])

    @property
    def schema(self) -> Json | None:
        """A table of texts, or lists of pairs."""
        cell: Json = {"type": "integer"} if self.pieces else {"type": "string"}
        rows: Json = {"type": "array", "items": {"type": "array", "items": cell}}
        names = [name for name, _ in self.pieces] or ["table"]
        return {
            "type": "object", "properties": dict.fromkeys(names, rows), "required": names,
            "additionalProperties": False,
        }  # fmt: skip

    def instructions(self, frames: int) -> str:
        """What is to be read."""
        if not self.pieces:
            return (
                f"The picture holds a table of {self.rows} rows and {self.cols} columns. Copy it. Reply "
                "with JSON "
                'only: {"table": a list of rows from top to bottom, each a list of what stands in its '
                'cells from left to right, as text, "" for an empty cell}.'
            )
        kinds = ", ".join(f'"{name}" (the {look})' for name, look in self.pieces)
        return (
            f"The picture is a board of {self.rows} rows and {self.cols} columns, counted from 1 at the "
            "top left. "
            f"Where does each of these stand: {kinds}? Reply with JSON only: for each name a list of "
            "[row, column], one for each such piece that is visible."
        )

    def read(self, reply: Reply, frames: int) -> Json:
        """The table, or the places."""
        record = find_json(reply.text)
        if not isinstance(record, dict):
            raise InvalidReplyError("it is no JSON object")
        if not self.pieces:
            return {"table": self._table(record.get("table"))}
        return {name: self._places(name, record.get(name)) for name, _ in self.pieces}

    def _table(self, found: Any) -> Table:
        good = isinstance(found, list) and all(isinstance(row, list) for row in found)
        if not good or len(found) != self.rows or any(len(row) != self.cols for row in found):
            raise InvalidReplyError(f'"table" must have {self.rows} rows of {self.cols} cells')
        return [["" if cell is None else str(cell).strip() for cell in row] for row in found]

    def _places(self, name: str, found: Any) -> list[list[int]]:
        if not isinstance(found, list):
            raise InvalidReplyError(f"{name!r} must be a list of [row, column]")
        for place in found:
            whole = isinstance(place, list) and len(place) == 2 and all(isinstance(v, int) for v in place)
            if not whole or not (1 <= place[0] <= self.rows and 1 <= place[1] <= self.cols):
                raise InvalidReplyError(f"{name!r}: {place} is no [row, column] of the board")
        return [[int(v) for v in place] for place in found]


class VReasonBenchJudge(AskingJudge):
    """Reads the last frame and compares: with an expected table, or with the goal of a puzzle of ours."""

    system = _SYSTEM

    def plan(self) -> FramePlan:
        """The last frame; smaller and as JPEG in compatible mode."""
        plan = self.settings.frames.model_copy(update={**_LAST, "most": 1, "shrink": []})
        if self.settings.mode == "compatible":
            plan = plan.model_copy(update={"format": "jpeg", "side_min": None, "side_max": 360})
        return plan

    def context(self, instance: Instance, plan: FramePlan) -> tuple[Part, ...]:
        """Nothing: a reader must not know what would be right."""
        return ()

    def form(self, instance: Instance) -> ReadingForm | None:
        """What is read of an instance; None where nothing can be compared."""
        expected = instance.state.get("expected")
        if expected:
            return ReadingForm(len(expected), len(expected[0]))
        if instance.scene.get("puzzle") is None:
            return None
        puzzle = base.load(instance.scene["puzzle"])
        if not isinstance(puzzle, TilePuzzle):  # roads have no rows and columns that could be read
            return None
        with PUZZLES:
            board = puzzle.board(instance)
        words = {} if instance.foreign else puzzle.style_words(instance.style)
        kinds = dict.fromkeys(piece.name for piece in board.pieces)
        looks = tuple((kind, words.get(kind, kind).removeprefix("a ")) for kind in kinds)
        unit = board.unit
        return ReadingForm(board.lattice.rows // unit, board.lattice.cols // unit, looks)

    def asks(self, instance: Instance, clip: Clip, seed: int) -> list[Ask]:
        """The one call."""
        form = self.form(instance)
        return (
            []
            if form is None
            else [Ask(self.system, (), (("", self.footage(clip)),), form, None, self.sample_offset)]
        )

    def one(self, instance: Instance, clip: Clip, seed: int) -> Verdict:
        """Pass where what was read is what must be."""
        asks = self.asks(instance, clip, seed)
        if not asks:
            return unscored(f"there is nothing to read and compare on {instance.task}")
        found = self.asker.ask(asks[0])
        read = found["answers"]
        wrong = _compared(instance, read["table"]) if "table" in read else self._placed(instance, read)
        last = found["shown"][0]["seconds"][-1]
        evidence = {"read": read, "looked_at": found["shown"][0], "raw": [found["raw"]], "notes": []}
        return Verdict(
            status="fail" if wrong else "pass",
            score=0.0 if wrong else 1.0,
            checks={"reading.goal": 0.0 if wrong else 1.0},
            violations=(Violation(last, "reading.goal", wrong),) if wrong else (),
            reason=wrong or "the last frame shows what it must",
            evidence=evidence,
        )

    def _placed(self, instance: Instance, read: Json) -> str:
        """What is wrong with pieces at these places; "" where the goal holds."""
        puzzle = base.load(instance.scene["puzzle"])
        assert isinstance(puzzle, TilePuzzle), "only pieces on tiles are read so (see form)"
        with PUZZLES:
            board = puzzle.board(instance)
        left = {name: [list(place) for place in places] for name, places in read.items()}
        cells = []
        for piece in board.pieces:
            if not left[piece.name]:
                return f"the {piece.name} is not seen in the last frame"
            row, column = left[piece.name].pop(0)
            cells.append([board.unit * (v - 1) + board.unit // 2 for v in (column, row)])
        extra = next((name for name, places in left.items() if places), None)
        if extra is not None:
            return f"there is one {extra} too many in the last frame"
        state = puzzle.arranged(puzzle.start(instance), np.array(cells, np.float32))
        return "" if puzzle.done(state) else f"the goal does not hold with {json.dumps(read)}"


def _compared(instance: Instance, table: Table) -> str:
    """What is wrong with a table; "" where the givens are kept and the rest is as expected."""
    expected, givens = instance.state["expected"], instance.state.get("givens", [])
    for r, row in enumerate(expected):
        for c, cell in enumerate(row):
            given = str(givens[r][c]).strip() if givens else ""
            if given and table[r][c] != given:
                return f"row {r + 1}, column {c + 1}: the given {given!r} has become {table[r][c]!r}"
            if table[r][c] != str(cell).strip():
                return f"row {r + 1}, column {c + 1}: {table[r][c]!r} is not {cell!r}"
    return ""
