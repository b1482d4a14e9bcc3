"""What a revision may not do: change the task (spec lock), or tell the solution (no-leak), by program.

What may be said is what was seen: the clip's own moves, places and times. What may not be said is what to do
instead, in any word that could carry the solution. A text that prescribes may therefore hold no move, number,
coordinate or option at all, even of those that the task itself names; a text that describes may hold them,
unless it tells a stretch of the solution or says what should have been done.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from genreason.generate.oracle import solution
from genreason.types import GenreasonError, Instance

_RUN = 3  # moves of the solution in a row that give it away
_MOST = 2000  # characters of advice that are kept
_WORD = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[\u2190-\u2193\u2b05-\u2b07]|[<>^]")
_TIME = re.compile(
    r"\b(?:at|from|after|until|about|around|second)?\s*\d+(?:\.\d+)?\s*(?:s|sec|seconds?)\b", re.I
)
_CLIP = re.compile(
    r"\b(?:clip|video|candidate|frame|attempt)s?\s+(?:number\s+)?\d+\b|\bfirst\s+(?:frame|picture|image)\b",
    re.I,
)
_LETTERS = re.compile(r"\b[UDLRNSEW]{3,}\b|\b[UDLRNSEWudlrnsew](?:[\s,;>-]+[UDLRNSEWudlrnsew])+\b")
_PLACE = re.compile(r"\b[a-zA-Z]\d{1,2}\b|\(\s*\d+\s*,\s*\d+\s*\)|\b(?:row|column|col|cell)s?\s+\d+", re.I)
_OPTION = re.compile(r"\b(?:option|choice|answer)\s*(?:is\s*)?[:=]?\s*\(?([A-Za-z]|\d+)\b\)?", re.I)
_OUGHT = re.compile(
    r"\b(?:should|must|has to|have to|needs? to|ought|instead|rather|correct(?:ly)?|right way|solution|"
    r"answer|shortest|go|turn|move|choose|pick|take|write|put|place)\b",
    re.I,
)
_SAME: dict[str, str] = {
    "upward": "up", "upwards": "up", "north": "up", "\u2191": "up", "^": "up", "above": "up",
    "downward": "down", "downwards": "down", "south": "down", "\u2193": "down", "below": "down",
    "leftward": "left", "leftwards": "left", "west": "left", "\u2190": "left", "<": "left",
    "rightward": "right", "rightwards": "right", "east": "right", "\u2192": "right", ">": "right",
}  # fmt: skip
_WAYS = {"up": "u", "down": "d", "left": "l", "right": "r"}
_NUMBERS = (
    "two three four five six seven eight nine ten eleven twelve first second third fourth fifth "
    "sixth seventh eighth ninth tenth"
).split()


def locked(prompt: str, advice: str) -> str:
    """The task verbatim, with advice behind it."""
    advice = " ".join(advice.split())[:_MOST].strip()
    return f"{prompt}\n{advice}" if advice else prompt


def keeps(prompt: str, revised: str) -> bool:
    """Whether the task stands verbatim in a revised prompt, but for white space."""
    return " ".join(prompt.split()) in " ".join(revised.split())


def advice_of(prompt: str, revised: str) -> str:
    """What a revised prompt says beyond the task; the whole of it where the task does not stand in it."""
    whole, task = " ".join(revised.split()), " ".join(prompt.split())
    return whole.replace(task, " ").strip() if task in whole else whole


def prescribes(instance: Instance, advice: str) -> str:
    """What of a solution could be in a text that says what to do; "" where it is clean.

    Raises nothing: a puzzle whose solution is not known is held to the same words.
    """
    text = _CLIP.sub(" ", _TIME.sub(" ", advice))
    if found := _PLACE.search(text) or _LETTERS.search(text):
        return f"names a place or moves ({found[0]})"
    if found := _OPTION.search(text):
        return f"names an option ({found[0]})"
    moves = vocabulary(instance)
    for word in _WORD.findall(text):
        plain = _plain(word)
        if plain in moves or plain in _WAYS:
            return f"names a move ({word})"
        if word[0].isdigit() or plain in _NUMBERS:
            return f"names a number ({word})"
    return _stretch(instance, text)


def describes(instance: Instance, told: str) -> str:
    """What of a solution is in a text that says what was seen; "" where it is clean."""
    moves = {*vocabulary(instance), *_WAYS}
    for sentence in re.split(r"(?<=[.!?;])\s+|\n", told):
        if not _OUGHT.search(sentence):
            continue
        bare = _CLIP.sub(" ", _TIME.sub(" ", sentence))
        ought = _OUGHT.search(bare)
        tail = bare[ought.start() :] if ought else bare
        named = _WORD.findall(tail)
        if any(_plain(w) in moves or w[0].isdigit() for w in named) or _PLACE.search(tail):
            return f"says what to do ({' '.join(sentence.split())[:80]})"
    return _stretch(instance, told)


@functools.lru_cache(maxsize=256)
def _moves(key: str, holder: _Held) -> tuple[str, ...]:
    try:
        return tuple(str(move) for move in solution(holder.instance))
    except GenreasonError:
        return ()


class _Held:
    """An instance that is told apart by its key."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def __hash__(self) -> int:
        return hash(self.instance.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.instance.key == self.instance.key


def moves_of(instance: Instance) -> tuple[str, ...]:
    """The moves of a solution as text; none where it is not known."""
    if instance.scene.get("puzzle") is None:
        return ()
    return _moves(instance.key, _Held(instance))


def vocabulary(instance: Instance) -> set[str]:
    """Words that moves of the solution are told with."""
    return {
        _plain(word) for move in moves_of(instance) for word in _WORD.findall(move) if not word[0].isdigit()
    }


def _stretch(instance: Instance, text: str) -> str:
    """Whether moves of the solution stand in a row: in words, or as letters."""
    solved = [_plain(move) for move in moves_of(instance)]
    if len(solved) < 2:
        return ""
    run = min(_RUN, len(solved))
    known = set(solved)
    said = [_plain(word) for word in _WORD.findall(text)]
    said = [word for word in said if word in known]
    stretches = {tuple(solved[i : i + run]) for i in range(len(solved) - run + 1)}
    for i in range(len(said) - run + 1):
        if tuple(said[i : i + run]) in stretches:
            return f"tells moves of the solution ({' '.join(said[i : i + run])})"
    if known <= set(_WAYS):
        letters = "".join(_WAYS[move] for move in solved)
        return _lettered(letters, run, text)
    return ""


def _lettered(solved: str, run: int, text: str) -> str:
    for token in _LETTERS.findall(text):
        plain = re.sub(r"[^a-z]", "", token.lower()).translate(str.maketrans("nsew", "udrl"))
        if any(solved[i : i + run] in plain for i in range(len(solved) - run + 1)) and len(plain) >= run:
            return f"tells moves of the solution ({token})"
    return ""


def _plain(word: str) -> str:
    lower = word.lower()
    return _SAME.get(lower, lower)


def clean(instance: Instance, advice: Sequence[str]) -> tuple[list[str], list[str]]:
    """Lines of advice that tell nothing of the solution, and why the others were left out."""
    kept, dropped = [], []
    for line in advice:
        why = prescribes(instance, line)
        if why:
            dropped.append(why)
        else:
            kept.append(line)
    return kept, dropped
