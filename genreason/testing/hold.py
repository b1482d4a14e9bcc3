"""The one way in which a contract check fails."""

from __future__ import annotations


def hold(condition: object, what: str) -> None:
    """Raise the line unless it holds (`assert` would vanish under `python -O`)."""
    if not condition:
        raise AssertionError(what)
