"""The only place where randomness begins.

A stream is named by a tuple; its generator is seeded with the tuple's hash. Seeds are never added to an
index, and there is no global generator, so that neighbours in any axis share nothing and any sample can be
made alone.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

Part = str | int | float | None | dict[str, object] | list[object]


def digest(*parts: Part, size: int = 16) -> bytes:
    """blake2b of the parts' canonical JSON: the same on every machine and in every process."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


def key(*parts: Part) -> str:
    """Hexadecimal identity of a tuple."""
    return digest(*parts).hex()


def stream(*parts: Part) -> np.random.Generator:
    """An independent generator for the tuple, for example `stream(task, level, seed, index, "puzzle")`."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest(*parts), "little")))
