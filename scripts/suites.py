"""Write the suites of benchmarks from the tasks that serve their rows: `python scripts/suites.py`.

A task that serves several rows stands under the first of them.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path

import yaml

from genreason import benchmarks

FOLDER = Path(__file__).parent.parent / "tasks" / "suites"
LEVELS = ("easy", "medium", "hard")
PER_LEVEL = {
    "tivibench": ("tivibench", 8),
    "ruler-exact": ("ruler", 4),
    "v-reasonbench": ("v-reasonbench", 4),
    "videothinkbench-vision": ("videothinkbench", 4),
}


def text(suite: str, benchmark: str, per_level: int) -> str:
    """The card: its own name and description, and about so many puzzles of a level for each row."""
    old = yaml.safe_load((FOLDER / f"{suite}.yaml").read_text(encoding="utf-8"))
    found = next(each for each in benchmarks.catalogue() if each["name"] == benchmark)
    lines, known = [f"name: {suite}", f"description: {old['description']}", "entries:"], set[str]()
    for row in found["rows"]:
        tasks = [task for task in row["tasks"] if task not in known]
        if row["tasks"]:
            also = [f"; also {task}" for task in row["tasks"] if task in known]
            lines.append(f"  # {row['title']}{''.join(also)}")
        known |= set(tasks)
        for task in tasks:
            count = ceil(per_level / len(row["tasks"]))
            lines += [f"  - {{task: {task}, level: {level}, n: {count}}}" for level in LEVELS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for suite, (benchmark, per_level) in PER_LEVEL.items():
        (FOLDER / f"{suite}.yaml").write_text(text(suite, benchmark, per_level), encoding="utf-8")
