"""What asking cost: tokens, money and seconds, call by call, and the budget that they must stay within."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from genreason.judge.messages import BudgetError, Usage
from genreason.judge.settings import BUDGETS, Limits, Price
from genreason.types import Json

MILLION = 1e6


@dataclass(slots=True)
class Spent:
    """Sums over calls. `seconds` is the time that calls took, added up; waiting for a place is left out."""

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    money: float = 0.0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input + self.output


def money(usage: Usage, price: Price) -> float:
    """What these tokens cost."""
    fresh = max(usage.input - usage.cached, 0)
    return (fresh * price.input + usage.cached * price.cached + usage.output * price.output) / MILLION


class Ledger:
    """The sums of a run and judge, kept in a JSON Lines file that survives a kill.

    Attributes:
        spent: what was spent so far, earlier calls of the same run included.
    """

    def __init__(self, price: Price, limits: Limits, path: Path | None = None) -> None:
        """Go on with the ledger in the file, where there is one."""
        self.price, self.limits, self.path = price, limits, path
        self.spent = Spent()
        self._promised = Spent()
        self._lock = threading.Lock()
        for line in _lines(path):
            self._add(Usage(line["input"], line["cached"], line["output"]), line["seconds"])

    @contextlib.contextmanager
    def promise(self, usage: Usage) -> Iterator[None]:
        """Hold the most that a call can take while it is made.

        Raises:
            BudgetError: it could exceed the budget; it is not made.
        """
        cost = money(usage, self.price)
        with self._lock:
            self._check(usage, cost)
            self._promised.calls += 1
            self._promised.input += usage.total
            self._promised.money += cost
        try:
            yield
        finally:
            with self._lock:
                self._promised.calls -= 1
                self._promised.input -= usage.total
                self._promised.money -= cost

    def _check(self, usage: Usage, cost: float) -> None:
        after = {
            "money": self.spent.money + self._promised.money + cost,
            "tokens": self.spent.tokens + self._promised.input + usage.total,
            "calls": self.spent.calls + self._promised.calls + 1,
            "seconds": self.spent.seconds,
        }
        for name in BUDGETS:
            limit = getattr(self.limits, name)
            if limit is not None and after[name] > limit + 1e-12:
                raise BudgetError(
                    f"the budget of {limit:g} {name} does not allow another call (spent: {self.describe()}): "
                    f"what was answered was kept; raise it with -o limits.{name}=..."
                )

    def record(self, usage: Usage, seconds: float, what: str) -> float:
        """Note a call that was made: an "answer", a "repair" or a "failure".

        Returns:
            Its cost.
        """
        line = {"schema": 1, "time": round(time.time(), 3), "what": what, "seconds": round(seconds, 4)}
        line |= asdict_usage(usage)
        with self._lock:
            self._add(usage, seconds)
            if self.path is not None:
                _append(self.path, line)
        return money(usage, self.price)

    def _add(self, usage: Usage, seconds: float) -> None:
        self.spent.calls += 1
        self.spent.input += usage.input
        self.spent.cached += usage.cached
        self.spent.output += usage.output
        self.spent.money += money(usage, self.price)
        self.spent.seconds += seconds

    def describe(self) -> str:
        """The sums in a few words."""
        return describe(self.to_json())

    def to_json(self) -> Json:
        """The sums."""
        found = asdict(self.spent)
        return {**found, "tokens": self.spent.tokens, "money": round(found["money"], 6)}


def describe(sums: Json) -> str:
    """Sums of a ledger in a few words."""
    text = f"{sums['calls']:,} calls, {sums['tokens']:,} tokens, {sums['seconds']:,.1f} s"
    return f"{text}, money {sums['money']:,.4f}" if sums["money"] else text


def asdict_usage(usage: Usage) -> Json:
    """Usage as JSON."""
    return {"input": usage.input, "cached": usage.cached, "output": usage.output}


def read(path: Path, price: Price) -> Json:
    """The sums of a ledger file."""
    return Ledger(price, Limits(), path).to_json()


def _lines(path: Path | None) -> Iterator[Json]:
    if path is None or not path.is_file():
        return
    with path.open("rb") as stream:
        for raw in stream:
            if raw.endswith(b"\n"):
                yield json.loads(raw)


def _append(path: Path, line: Json) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, (json.dumps(line, sort_keys=True) + "\n").encode())
    finally:
        os.close(handle)
