"""How a small model is told what went wrong: in its own words, before it thinks again.

It said "at b2 go up", and a judge saw that go wrong; it is told "at b2 not up", and says on: "go right".
"""

from __future__ import annotations

from collections.abc import Sequence

_GO, _NOT = " go ", " not "


def noted(said: Sequence[str]) -> str:
    """What a model is told that said one thing after another at the same place; "" where it named no way."""
    head = next((text.rpartition(_GO)[0].split(_NOT)[0] for text in said if _GO in text), None)
    return "" if head is None else "".join([head, *(_NOT + way for way in ways(said))])


def ways(said: Sequence[str]) -> list[str]:
    """The ways that went wrong."""
    found = list[str]()
    for head, go, way in (text.rpartition(_GO) for text in said):
        if go:
            found += [each for each in (*head.split(_NOT)[1:], way) if each not in found]
    return found
