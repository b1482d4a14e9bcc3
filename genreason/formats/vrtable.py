"""VR-Bench's metadata.csv: rows of `video,prompt,input_image`, with paths relative to the table's folder."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from genreason.formats import dataset
from genreason.types import Json

NAME = "metadata.csv"
COLUMNS = ("video", "prompt", "input_image")
FILES = ("video", "input_image")
ABOVE = 6  # folders above a level's in which a table is looked for


class Tables:
    """The tables beside and above the levels of one import, each read once."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        """`warn` is told of a table that cannot be read."""
        self.warn = warn
        self._read: dict[Path, dict[Path, list[Json]]] = {}

    def rows(self, bucket: Path, files: Sequence[Path]) -> Json:
        """What the nearest table that knows one of a level's files says of it.

        Args:
            bucket: the level's folder.
            files: its image and its clips, in it.

        Returns:
            `{"up": folders from the level's to the table's, "rows": [{"line": number, "row": {..}}]}`, or
            nothing.
        """
        bucket = bucket.resolve()
        for up, folder in enumerate((bucket, *bucket.parents)[:ABOVE]):
            table = self._table(folder)
            paths = [bucket / file.parent.name / file.name for file in files]
            found = {row["line"]: row for path in paths for row in table.get(path, [])}
            if found:
                return {"up": up, "rows": [found[line] for line in sorted(found)]}
        return {}

    def _table(self, folder: Path) -> dict[Path, list[Json]]:
        if folder not in self._read:
            self._read[folder] = self._load(folder)
        return self._read[folder]

    def _load(self, folder: Path) -> dict[Path, list[Json]]:
        found: dict[Path, list[Json]] = defaultdict(list)
        path = folder / NAME
        if not path.is_file():
            return found
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows = list(csv.DictReader(file))
        except (OSError, ValueError, csv.Error) as error:
            self.warn(f"{path}: cannot be read, prompts are ours ({error})")
            return found
        for line, row in enumerate(rows):
            record = {"line": line, "row": {k: v for k, v in row.items() if k and isinstance(v, str)}}
            for name in FILES:
                if row.get(name):
                    found[folder / str(row[name])].append(record)
        return found


def prompt(table: Json) -> str | None:
    """The prompt that a level's rows give."""
    return next((row["row"]["prompt"] for row in table.get("rows", []) if row["row"].get("prompt")), None)


class Writer:
    """Collects rows and writes each table: rows that were imported in their old order, then new ones."""

    def __init__(self, out: Path) -> None:
        """`out` is the root of what is exported."""
        self.out = out
        self._tables: dict[PurePosixPath, list[tuple[float, dict[str, str]]]] = defaultdict(list)

    def add(self, row: dict[str, str]) -> None:
        """A row of a level that no table knew, with paths relative to the root."""
        self._tables[PurePosixPath()].append((float("inf"), row))

    def keep(self, place: Sequence[str], table: Json) -> None:
        """The rows of a level that was imported, with the folders that lead to it."""
        outside = max(table["up"] - len(place), 0)  # the table was above the root of what was imported
        folder = PurePosixPath(*place[: max(len(place) - table["up"], 0)])
        for record in table["rows"]:
            row = dict(record["row"])
            for name in FILES:
                if outside and row.get(name):
                    row[name] = PurePosixPath(*PurePosixPath(row[name]).parts[outside:]).as_posix()
            self._tables[folder].append((record["line"], row))

    def write(self) -> None:
        """Write all tables.

        Raises:
            GenreasonError: a file cannot be written.
        """
        for folder, rows in self._tables.items():
            columns = list(dict.fromkeys([*COLUMNS, *(name for _, row in rows for name in row)]))
            text = io.StringIO()
            table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
            table.writeheader()
            table.writerows(row for _, row in sorted(rows, key=lambda item: item[0]))
            dataset.write_file(self.out / folder / NAME, text.getvalue())
