"""What must hold of a generator."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Sequence

import numpy as np

from genreason import video
from genreason.puzzles import base
from genreason.testing.hold import hold
from genreason.types import Clip, Generator, Instance, Request


def check_generator(
    generator: Generator, instances: Sequence[Instance], *, deterministic: bool = True, batches: bool = True
) -> None:
    """Check the contract of `genreason.types.Generator` on these instances (two or more).

    What must hold: one clip a request, in order, and none for none; every clip can be read twice with the
    same frames, all HWC RGB uint8 of one size, at a frame rate above 0; requests are left as they were; the
    same seed gives the same clips; a batch gives what single requests give.

    Args:
        generator: what is checked.
        instances: the puzzles that it is asked.
        deterministic: whether the same seed must give the same clips (a remote model may not).
        batches: whether a batch must give what single requests give, bit for bit.

    Raises:
        AssertionError: says what does not hold.
    """
    requests = [_request(instance) for instance in instances]
    pictures = [request.first_frame.copy() for request in requests]
    records = copy.deepcopy([instance.to_json() for instance in instances])
    hold(list(generator.generate([], 0)) == [], "no requests must give no clips")
    clips = generator.generate(requests, 0)
    hold(len(clips) == len(requests), f"{len(requests)} requests gave {len(clips)} clips")
    seen = [_fingerprint(clip, f"clip {i}") for i, clip in enumerate(clips)]
    for i, clip in enumerate(clips):
        hold(_fingerprint(clip, f"clip {i}") == seen[i], f"clip {i} gives other frames when it is read again")
    if deterministic:
        again = generator.generate(requests, 0)
        hold([_fingerprint(c, "clip") for c in again] == seen, "the same seed gave other clips")
    if deterministic and batches:
        single = [_fingerprint(generator.generate([r], 0)[0], "clip") for r in requests]
        hold(single == seen, "a batch gave other clips than single requests")
    unchanged = all(np.array_equal(a, r.first_frame) for a, r in zip(pictures, requests, strict=True))
    hold(unchanged, "a request's first frame was written over")
    hold([instance.to_json() for instance in instances] == records, "an instance was changed")


def _request(instance: Instance) -> Request:
    picture = base.load(instance.scene["puzzle"]).picture(instance)
    return Request(instance=instance, first_frame=picture, prompt=instance.prompt)


def _fingerprint(clip: Clip, where: str) -> tuple[int, tuple[int, ...], str]:
    """Number, shape and hash of a clip's frames."""
    hold(isinstance(clip, Clip), f"{where} is a {type(clip).__name__}, not a Clip")
    rate = video.fps(clip)
    hold(math.isfinite(rate) and rate > 0, f"{where} has {rate} frames per second")
    shape: tuple[int, ...] = ()
    count, whole = 0, hashlib.blake2b()
    for frame in video.frames(clip):
        ok = (
            isinstance(frame, np.ndarray)
            and frame.ndim == 3
            and frame.shape[2] == 3
            and frame.dtype == np.uint8
        )
        hold(ok, f"{where}: frame {count} is not an HWC RGB uint8 picture")
        shape = shape or frame.shape
        hold(frame.shape == shape, f"{where}: frame {count} is {frame.shape}, the first one {shape}")
        whole.update(np.ascontiguousarray(frame).tobytes())
        count += 1
    hold(count > 0, f"{where} has no frames")
    return count, shape, whole.hexdigest()
