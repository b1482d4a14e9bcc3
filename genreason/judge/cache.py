"""Answers that were paid for are kept: a SQLite file, by the content of what was asked."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genreason.types import GenreasonError, Json, UserError

CACHE_VARIABLE = "GENREASON_CACHE"
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, created REAL NOT NULL, judge TEXT NOT NULL,
    model TEXT NOT NULL, tokens INTEGER NOT NULL, money REAL NOT NULL, answer TEXT NOT NULL
) WITHOUT ROWID
"""


def default_path() -> Path:
    """The user's cache: $GENREASON_CACHE, else answers.sqlite in genreason's folder of the user's caches."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "genreason" / "answers.sqlite"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the cache holds of one judge and model."""

    judge: str
    model: str
    answers: int
    tokens: int
    money: float
    last: float


class Cache:
    """Answers by key; several threads and processes may use the same file.

    Only answers come in: a refusal, an empty or an invalid reply must be asked again.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the file, or make it.

        Raises:
            UserError: it is no cache, or cannot be written.
        """
        self.path = path or default_path()
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level=None)
            # A killed process loses nothing that was stored: the log is read when the file is next opened.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_TABLE)
        except (sqlite3.Error, OSError) as error:
            raise UserError(
                f"{self.path} cannot be used as cache of answers ({error}): delete it, or set "
                f"{CACHE_VARIABLE}"
            ) from None

    def get(self, key: str) -> Json | None:
        """The answer to a question, or None."""
        with self._lock:
            row = self._db.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        answer: Json = json.loads(row[0])
        return answer

    def put(
        self, key: str, answer: Json, judge: str, model: str, tokens: int = 0, money: float = 0.0
    ) -> None:
        """Keep an answer; when this returns, no kill can lose it.

        Raises:
            GenreasonError: the disk is full.
        """
        text = json.dumps(answer, sort_keys=True, ensure_ascii=False)
        try:
            with self._lock:
                self._db.execute(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (key, time.time(), judge, model, tokens, money, text),
                )
        except sqlite3.Error as error:
            raise GenreasonError(f"{self.path}: an answer could not be kept ({error})") from error

    def shelves(self) -> list[Shelf]:
        """What is held, by judge and model."""
        with self._lock:
            rows = self._db.execute(
                "SELECT judge, model, COUNT(*), SUM(tokens), SUM(money), MAX(created) FROM answers"
                " GROUP BY judge, model ORDER BY judge, model"
            ).fetchall()
        return [Shelf(*row) for row in rows]

    def prune(self, days: float | None = None, judge: str | None = None, model: str | None = None) -> int:
        """Delete answers older than so many days, of a judge, of a model; all conditions must hold.

        Returns:
            The number of answers deleted.
        """
        where, values = "1 = 1", list[object]()
        for clause, value in (("judge = ?", judge), ("model = ?", model)):
            if value is not None:
                where, values = f"{where} AND {clause}", [*values, value]
        if days is not None:
            where, values = f"{where} AND created < ?", [*values, time.time() - 86400 * days]
        with self._lock:
            count = self._db.execute(f"DELETE FROM answers WHERE {where}", values).rowcount
            self._db.execute("VACUUM")
        return int(count)

    def keys(self) -> Iterator[str]:
        """All keys."""
        with self._lock:
            rows = self._db.execute("SELECT key FROM answers ORDER BY key").fetchall()
        return (row[0] for row in rows)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
