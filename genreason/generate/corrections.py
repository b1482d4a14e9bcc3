"""What a small model says of mazes, as far as a program reads it: mistakes, and plans that lead nowhere.

It said "at b2 go up", and a judge saw that go wrong; it is told "at b2 not up", and says on: "go right".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

ARROWS = {"up": "^", "down": "v", "left": "<", "right": ">"}
_STEPS = {"^": (0, -1), "v": (0, 1), "<": (-1, 0), ">": (1, 0)}
_GO, _NOT = " go ", " not "
_LAST = re.compile(r"(?:^|\. )at (\w+)(?: not \w+)* (go \w+|done)$")
_PLAN = re.compile(r"^\S+ goal (\w+) : (.*) \. at (\w+) ")


def noted(said: Sequence[str]) -> str:
    """What a model is told that said one thing after another at the same place; "" where it named no way."""
    head = _head(said)
    return "" if head is None else "".join([head, *(_NOT + way for way in ways(said))])


def ways(said: Sequence[str]) -> list[str]:
    """The ways that went wrong where the first of them was said."""
    found = list[str]()
    for head, go, way in (text.rpartition(_GO) for text in said):
        if go and head.split(_NOT)[0] == _head(said):
            found += [each for each in (*head.split(_NOT)[1:], way) if each not in found]
    return found


def _head(said: Sequence[str]) -> str | None:
    return next((text.rpartition(_GO)[0].split(_NOT)[0] for text in said if _GO in text), None)


def refuted(said: Sequence[str]) -> list[str]:
    """What is not to be said again where these sentences went wrong: each itself, and its part of a plan."""
    found = list[str]()
    for text in said:
        last = _LAST.search(text)
        if last is None:
            found.append(text)
            continue
        room, words = last[1], last[2]
        way = words.split()[-1]
        found += [f"at {room} {words}", room + ARROWS.get(way, "*")]
    return list(dict.fromkeys(found))


def leads(text: str) -> bool:
    """Whether a plan leads from where it starts to the room that it calls the goal.

    No look at the maze is taken: it may lead through walls. What names no goal is no plan, and taken so.
    """
    plan = _PLAN.match(text)
    if plan is None:
        return " goal " not in text
    goal, told, room = plan[1], plan[2], plan[3]
    labels = {word[:-1]: word[-1] for word in told.split()}
    for _ in range(len(labels)):
        if room == goal:
            return True
        if labels.get(room) not in _STEPS:
            return False
        right, down = _STEPS[labels[room]]
        room = f"{chr(ord(room[0]) + right)}{int(room[1:]) + down}"
    return room == goal
