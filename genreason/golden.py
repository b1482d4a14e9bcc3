"""Golden files: what a task's samples are, so that they never change without a new version.

A golden file has, for some samples, the fingerprint, a hash of the whole record (state, solution, prompt,
scene), and the first frame twice: as a hash of its pixels, and as mean colours of 8 x 8 areas. Pixels are
compared exactly where they were drawn in the same way (machine, libraries, instruction sets). Elsewhere
float arithmetic may round a pixel to the next level, so there the mean colours decide, with a margin: no
hash of rounded values could, as some value always lies at the edge of rounding.
"""

from __future__ import annotations

import base64
import hashlib
import platform
from collections.abc import Iterator

import cv2
import numpy as np

from genreason import seeds
from genreason.cards import TaskCard
from genreason.task import Task
from genreason.types import Frame, Instance, Json

SCHEMA = 1
AREAS = 8
MARGIN = 2  # levels (0-255) by which the mean colour of an area may differ
STYLES = 4  # how many more styles, spread over the family's, the default level is drawn in


def record(card: TaskCard, n: int = 2) -> Json:
    """The task's golden file: the first `n` samples of each level, and one in each of some more styles."""
    rows = {}
    for name, instance in _samples(card, n):
        hashes = {"fingerprint": instance.fingerprint, "record": seeds.key(instance.to_json())}
        rows[name] = {**hashes, **picture_row(Task(card).puzzle.picture(instance))}
    return {"schema": SCHEMA, "task": card.name, "version": card.version, "drawn": _drawn(), "samples": rows}


def differences(old: Json, new: Json) -> list[str]:
    """What differs between two golden files of a task, one line each; nothing where only rounding does."""
    if old.get("schema") != new["schema"]:
        return [f"schema {old.get('schema')}, this version writes {new['schema']}"]
    found = []
    exact = old["drawn"] == new["drawn"]
    for name in sorted(old["samples"].keys() | new["samples"].keys()):
        a, b = old["samples"].get(name), new["samples"].get(name)
        if a is None or b is None:
            found.append(f"{name}: {'is new' if a is None else 'is gone'}")
        elif a["fingerprint"] != b["fingerprint"]:
            found.append(f"{name}: another puzzle")
        elif a["record"] != b["record"]:
            found.append(f"{name}: another record (prompt, solution, style or scene)")
        elif a["pixels"] != b["pixels"] and (exact or _apart(a["colours"], b["colours"]) > MARGIN):
            found.append(f"{name}: another first frame")
    return found


def picture_row(frame: Frame) -> Json:
    """What a golden file has of a first frame (HWC RGB uint8): hash of its pixels, mean colours of areas."""
    colours = np.asarray(cv2.resize(frame, (AREAS, AREAS), interpolation=cv2.INTER_AREA), np.uint8)
    pixels = hashlib.blake2b(frame.tobytes(), digest_size=16).hexdigest()
    return {"pixels": pixels, "colours": base64.b85encode(colours.tobytes()).decode()}


def _samples(card: TaskCard, n: int) -> Iterator[tuple[str, Instance]]:
    for level in card.levels:
        for instance in Task(card, level, split="any")[:n]:
            yield f"{level}/{instance.index}", instance
    styles = Task(card).puzzle.styles()
    for style in styles[:: -(-len(styles) // STYLES)]:
        yield f"{card.default_level}/{style}", Task(card, split="test", style=style)[0]


def _drawn() -> str:
    """What decides how floats are rounded: only where it is the same are pixels the same for certain."""
    libraries = f"opencv {cv2.__version__}, numpy {np.__version__}"
    return f"{libraries}, {platform.machine()}, {seeds.key(cv2.getCPUFeaturesLine())[:8]}"


def _apart(a: str, b: str) -> int:
    """The largest difference of two samples' mean colours."""
    x, y = (np.frombuffer(base64.b85decode(text), np.uint8).astype(int) for text in (a, b))
    return int(np.abs(x - y).max())
