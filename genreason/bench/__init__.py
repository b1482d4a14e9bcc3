"""Measure this machine: puzzles, clips made and clips judged per CPU-second, memory, and how work spreads.

Figures are CPU-seconds of one thread (other load moves them less than wall time); ratios are taken within one
run. Others' figures: `genreason.bench.baselines`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from genreason.bench import alltasks, judging, machine, making, reading
from genreason.types import SCHEMA, Json, unknown

if TYPE_CHECKING:
    from rich.console import Group

    from genreason.run.folder import Progress


def _model() -> Iterator[Json]:
    from genreason.bench import modelling  # it needs torch, which the other areas do not

    yield from modelling.modelled()


AREAS: dict[str, Callable[[], Iterator[Json]]] = {
    "puzzles": making.puzzles,
    "make": making.made,
    "judge": judging.judged,
    "vrbench": judging.scored,
    "tasks": alltasks.tasks,
    "reading": reading.read,
    "memory": machine.memory,
    "workers": machine.workers,
    "model": _model,
}


def run(area: str | None = None, progress: Progress | None = None) -> Json:
    """Measure one area, or all.

    Returns:
        {"schema", "areas": {name: [row, ...]}}; a row is a flat mapping of what was measured.

    Raises:
        UserError: there is no such area.
    """
    if area is not None and area not in AREAS:
        raise unknown("area", area, AREAS)
    names = [area] if area else list(AREAS)
    found: Json = {}
    for i, name in enumerate(names):
        if progress is not None:
            progress(f"bench {name}", i, len(names))
        found[name] = list(AREAS[name]())
    if progress is not None:
        progress("bench", len(names), len(names))
    return {"schema": SCHEMA, "areas": found}


def table(found: Json) -> Group:
    """The figures as one table an area."""
    from rich.console import Group
    from rich.table import Table

    tables = []
    for name, rows in found["areas"].items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        out = Table(title=name)
        for column in columns:
            out.add_column(column.replace("_", " "), justify="left" if column == columns[0] else "right")
        for row in rows:
            out.add_row(*(str(row.get(column, "")) for column in columns))
        tables.append(out)
    return Group(*tables)
