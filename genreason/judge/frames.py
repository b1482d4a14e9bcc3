"""The frames of a clip that a model is shown: chosen by plan, cropped, scaled, stamped and encoded."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from genreason import seeds, video
from genreason.judge.settings import FramePlan
from genreason.types import Clip, Frame, Json, UnreadableClipError

VERSION = 1  # of the choice of frames; part of every cache key
Crop = tuple[float, float, float, float]
"""Left, top, right and bottom in shares of the picture."""
_THUMB = 32
_REST = 1.5  # mean grey levels between thumbnails below which nothing moves
_BAND = 24  # pixels of the strip that number and time are written on


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture, ready to be sent."""

    data: bytes
    mime: str
    size: tuple[int, int]

    @property
    def url(self) -> str:
        """The picture as a data: address."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"

    @property
    def digest(self) -> str:
        """Identity of its bytes."""
        return hashlib.blake2b(self.data, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Shown:
    """The frames that are shown: their numbers and times in the clip, in the order of showing."""

    pictures: tuple[Picture, ...]
    indices: tuple[int, ...]
    seconds: tuple[float, ...]
    total: int

    def to_json(self) -> Json:
        """What is kept of it beside an answer."""
        return {"indices": list(self.indices), "seconds": list(self.seconds), "total": self.total}


@dataclass(slots=True)
class Footage:
    """One clip under one plan; decoded only when a model must be asked, and then once for all questions."""

    clip: Clip
    plan: FramePlan
    digest: str
    _kept: tuple[tuple[int, Crop | None], Shown] | None = None

    @classmethod
    def of(cls, clip: Clip, plan: FramePlan) -> Footage:
        """The footage of a clip, with the hash of its bytes (of its frames, where there is no file).

        Raises:
            UnreadableClipError: there is no such file, or it cannot be read.
        """
        return cls(clip, plan, digest(clip))

    def shown(self, most: int, crop: Crop | None = None) -> Shown:
        """At most `most` frames, the part in `crop` of each.

        Raises:
            UnreadableClipError: the clip cannot be read.
        """
        if self._kept is None or self._kept[0] != (most, crop):
            self._kept = ((most, crop), _shown(self.clip, self.plan, most, crop, self.digest))
        return self._kept[1]


def digest(clip: Clip) -> str:
    """Hash of the clip's bytes, or of its frames and rate where it is rendered.

    Raises:
        UnreadableClipError: there is no such file.
    """
    state = hashlib.blake2b(digest_size=16)
    if clip.path is not None:
        try:
            with clip.path.open("rb") as stream:
                for block in iter(lambda: stream.read(1 << 20), b""):
                    state.update(block)
        except OSError as error:
            raise UnreadableClipError(f"{clip.path}: cannot be opened ({error.strerror})") from error
    else:
        state.update(str(video.fps(clip)).encode())
        for frame in video.frames(clip):
            state.update(np.ascontiguousarray(frame).tobytes())
    return state.hexdigest()


def encode(frame: Frame, plan: FramePlan, label: str = "", crop: Crop | None = None) -> Picture:
    """One frame (HWC RGB uint8) as the plan asks for it."""
    height, width = frame.shape[:2]
    if crop is not None:
        left, top = int(crop[0] * width), int(crop[1] * height)
        right, bottom = max(round(crop[2] * width), left + 1), max(round(crop[3] * height), top + 1)
        frame = frame[top:bottom, left:right]
        height, width = frame.shape[:2]
    scale = 1.0
    if plan.side_min is not None and min(width, height) < plan.side_min:
        scale = plan.side_min / min(width, height)
    if plan.side_max is not None and max(width, height) * scale > plan.side_max:
        scale = plan.side_max / max(width, height)
    if scale != 1.0:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST if scale >= 2 else cv2.INTER_LINEAR
        frame = np.asarray(cv2.resize(frame, size, interpolation=method), np.uint8)
    if plan.stamp and label:
        frame = _stamped(frame, label)
    bgr = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2BGR)
    if plan.format == "png":
        _, coded = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    else:
        _, coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, plan.quality])
    return Picture(coded.tobytes(), f"image/{plan.format}", (frame.shape[1], frame.shape[0]))


def _stamped(frame: Frame, label: str) -> Frame:
    """The frame on top of a dark strip with a line of text, as wide as it fits."""
    out = cv2.copyMakeBorder(frame, 0, _BAND, 0, 0, cv2.BORDER_CONSTANT, value=[24, 24, 24])
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    (width, _), _ = cv2.getTextSize(label, font, scale, 1)
    scale *= min(1.0, (frame.shape[1] - 8) / width)
    cv2.putText(out, label, (4, frame.shape[0] + 17), font, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(out, np.uint8)


def _shown(clip: Clip, plan: FramePlan, most: int, crop: Crop | None, digest_: str) -> Shown:
    fps = video.fps(clip)
    kept, total = _chosen(clip, plan, fps, most)
    indices = sorted(kept)
    order = list(range(len(indices)))
    if plan.order == "shuffled":
        order = [int(i) for i in seeds.stream("frames", "shuffled", digest_).permutation(len(order))]
    pictures, seconds = [], []
    for place, i in enumerate(order):
        # A shuffled frame carries the time of the place that it is shown in, so that nothing gives it away.
        time = indices[place] / fps
        seconds.append(round(time, 3))
        pictures.append(encode(kept[indices[i]], plan, f"frame {place + 1}, {time:.2f} s", crop))
    return Shown(tuple(pictures), tuple(indices[i] for i in order), tuple(seconds), total)


def _chosen(clip: Clip, plan: FramePlan, fps: float, most: int) -> tuple[dict[int, Frame], int]:
    """The plan's frames by number, and the number of all frames; one frame is held beside the chosen ones."""
    count = _promised(clip) if not (plan.settled or plan.changes) else None
    thumbs: list[npt.NDArray[np.uint8]] = []
    if count is None:
        for frame in video.frames(clip):
            thumbs.append(_thumb(frame))
        count = len(thumbs)
    for _ in range(2):
        wanted = choose(plan, count, fps, most, thumbs)
        kept: dict[int, Frame] = {}
        total = 0
        for i, frame in enumerate(video.frames(clip)):
            total = i + 1
            if i in wanted:
                kept[i] = frame
        if total == count:
            break
        count = total  # the file's head promised another number
    return kept, count


def _promised(clip: Clip) -> int | None:
    return None if clip.path is None else video.probe(clip.path).frames


def _thumb(frame: Frame) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA), np.uint8)


def choose(
    plan: FramePlan, count: int, fps: float, most: int, thumbs: Sequence[npt.NDArray[np.uint8]] = ()
) -> set[int]:
    """Numbers of the frames that a plan shows of a clip.

    Args:
        plan: the plan.
        count: number of frames.
        fps: frames a second.
        most: no more than these; the ends that the plan asks for stay.
        thumbs: small grey pictures of all frames, for `settled` and `changes`.
    """
    if count < 1:
        return set()
    ends = ({0} if plan.first else set()) | ({count - 1} if plan.last else set())
    wanted = set(ends)
    if plan.uniform:
        wanted |= {int(i) for i in np.rint(np.linspace(0, count - 1, min(plan.uniform, count)))}
        if plan.uniform == 1:
            wanted = ends | {count // 2}
    if plan.every is not None:
        wanted |= set(range(0, count, max(int(fps * plan.every), 1)))
    if plan.settled and thumbs:
        wanted.add(_settled(thumbs))
    if plan.changes and thumbs:
        wanted |= _changes(thumbs, plan.changes)
    if len(wanted) > most:
        inner = sorted(wanted - ends)
        room = max(most - len(ends), 0)
        picks = [round(float(x)) for x in np.linspace(0, len(inner) - 1, room)] if room else []
        wanted = (ends | {inner[i] for i in picks}) if most >= len(ends) else {max(ends)}
    return wanted


def _settled(thumbs: Sequence[npt.NDArray[np.uint8]]) -> int:
    """The first frame from which on nothing moves any more."""
    last = thumbs[-1].astype(np.int16)
    i = len(thumbs) - 1
    while i > 0 and float(np.abs(thumbs[i - 1].astype(np.int16) - last).mean()) < _REST:
        i -= 1
    return i


def _changes(thumbs: Sequence[npt.NDArray[np.uint8]], most: int) -> set[int]:
    """Frames that differ most from the one before, no two of them close together."""
    stack = np.stack(thumbs).astype(np.int16)
    change = np.abs(np.diff(stack, axis=0)).mean(axis=(1, 2))
    gap = max(len(thumbs) // (3 * most), 1)
    found: set[int] = set()
    for i in np.argsort(-change, kind="stable"):
        if len(found) == most or change[i] <= 0:
            break
        if all(abs(int(i) + 1 - other) >= gap for other in found):
            found.add(int(i) + 1)
    return found
