"""Which pictures and clips go into the page itself, and which are linked."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
}


@dataclass(slots=True)
class Library:
    """The media of one page; a file that several samples or runs share is held once.

    Attributes:
        folder: where the page will lie; links are relative to it.
        budget: bytes of page that media may still take.
        linked: number of samples' clips that did not fit.
    """

    folder: Path
    budget: int
    linked: int = 0
    _index: dict[Path, int] = field(default_factory=dict)
    _files: list[Path] = field(default_factory=list)
    _embedded: set[int] = field(default_factory=set)

    def add(self, file: Path | None) -> int | None:
        """Number of a file on the page; None for what does not exist, or is text (an answer, not a clip)."""
        if file is None or file.suffix == ".json" or not file.is_file():
            return None
        path = file.resolve()
        if path not in self._index:
            self._index[path] = len(self._files)
            self._files.append(path)
        return self._index[path]

    def embed(self, numbers: list[int | None], extra: int = 0) -> bool:
        """Take files and `extra` bytes that go along into the page, all or none; says whether they fitted."""
        new = {n for n in numbers if n is not None and n not in self._embedded}
        cost = extra + sum(_encoded_size(self._files[n]) for n in new)
        if cost > self.budget:
            return False
        self.budget -= cost
        self._embedded |= new
        return True

    def table(self) -> list[dict[str, str]]:
        """What the page needs to know of each file: its type, and the link where it is not embedded."""
        rows = []
        for number, path in enumerate(self._files):
            row = {"type": TYPES.get(path.suffix.lower(), "application/octet-stream")}
            if number not in self._embedded:
                row["href"] = quote(Path(os.path.relpath(path, self.folder.resolve())).as_posix())
            rows.append(row)
        return rows

    def contents(self) -> Iterator[tuple[int, str]]:
        """Number and base64 text of each embedded file, one in memory at a time."""
        for number in sorted(self._embedded):
            yield number, base64.b64encode(self._files[number].read_bytes()).decode("ascii")


def _encoded_size(path: Path) -> int:
    return (path.stat().st_size + 2) // 3 * 4
