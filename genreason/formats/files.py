"""Files that survive being killed half way, and full disks."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from genreason.formats import dataset
from genreason.types import GenreasonError, Json, UserError

FULL = (errno.ENOSPC, errno.EDQUOT)


def line(record: Json) -> str:
    """The record as one line of JSON Lines: sorted keys, no NaN."""
    return json.dumps(record, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write the file so that it appears whole or not at all."""
    dataset.write_file(path, text)


def write_json(path: Path, record: Json) -> None:
    """Write a JSON document whole or not at all."""
    write_text(path, json.dumps(record, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def append(path: Path, record: Json) -> None:
    """Add one line in a single write, so that readers and a later call see all of it or none.

    Raises:
        OSError: it could not be written (full disk); the file is then as it was before.
    """
    data = line(record).encode()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        before = os.fstat(handle).st_size
        if os.write(handle, data) < len(data):
            os.ftruncate(handle, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(handle)


def read_json(path: Path, mend: str) -> Json:
    """A JSON document.

    Raises:
        UserError: it is missing or no JSON object; the line ends with the mend.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: {mend}") from None
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}): {mend}") from None
    if not isinstance(record, dict):
        raise UserError(f"{path} holds no JSON object: {mend}")
    return record


def read_lines(path: Path) -> Iterator[Json]:
    """Records of a JSON Lines file; a last line that was cut off by a kill is left out.

    Raises:
        UserError: another line is no JSON.
    """
    if not path.is_file():
        return
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            if not raw.endswith(b"\n"):
                return
            try:
                yield json.loads(raw)
            except ValueError as error:
                raise UserError(
                    f"{path} line {number} is not JSON ({error}): delete that line and go on"
                ) from None


def keep_lines(path: Path, records: Iterable[Json]) -> None:
    """Replace a JSON Lines file by these records, where it differs from them."""
    text = "".join(line(record) for record in records)
    if path.is_file() and path.read_bytes() == text.encode():
        return
    write_text(path, text)


def clear_parts(root: Path, pattern: str) -> None:
    """Delete what a killed call left half written in the folders that match."""
    for part in root.glob(f"{pattern}/.*.part"):
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn a full disk into one clear line.

    Raises:
        GenreasonError: the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise GenreasonError(
            f"the disk of {path} is full: what is finished was kept; free some space and run it again"
        ) from error
