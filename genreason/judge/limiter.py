"""How many calls are in flight: as many as the endpoint bears."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

_CUT = 0.7  # of the limit that is left after a 429
_COOLDOWN = 2.0  # seconds in which several 429s count as one episode, and in which the limit does not grow


class Limiter:
    """Lets callers in, never more than the limit; the limit falls at a 429 and grows back with success.

    Attributes:
        most: the limit that is never exceeded.
        limit: the limit now.
        lowest: the lowest it has been.
    """

    def __init__(self, most: int) -> None:
        """Begin at half of `most` (at least 1)."""
        self.most = most
        self.limit = float(max(1, (most + 1) // 2))
        self.lowest = self.limit
        self._inside = 0
        self._not_before = 0.0
        self._calm_from = 0.0
        self._condition = threading.Condition()

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a place, and hold it."""
        with self._condition:
            while True:
                pause = self._not_before - time.monotonic()
                if pause <= 0 and self._inside < int(self.limit):
                    break
                self._condition.wait(pause if pause > 0 else None)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify()

    def succeeded(self) -> None:
        """A call was answered: one place more for every so many answers as there are places."""
        with self._condition:
            if self.limit < self.most and time.monotonic() >= self._calm_from:
                self.limit = min(float(self.most), self.limit + 2 / self.limit)
                self._condition.notify()

    def failed(self, throttled: bool, retry_after: float | None) -> None:
        """A call was turned away: fewer at once (after a 429), nobody before `retry_after` seconds."""
        now = time.monotonic()
        with self._condition:
            if throttled and now >= self._calm_from:
                self.limit = max(1.0, self.limit * _CUT)
                self.lowest = min(self.lowest, self.limit)
            self._calm_from = now + _COOLDOWN
            if retry_after is not None:
                self._not_before = max(self._not_before, now + retry_after)
            self._condition.notify_all()
