"""The only codec code: clips in and out, one frame at a time, with PyAV.

Reading: sequential, one thread (so that CPU-seconds compare), one frame in memory. Frames come as stored;
where the frame rate varies, `fps` is the average one. Colours follow the file's tags as FFmpeg reads them
(untagged: BT.601, limited range). Rotation metadata is applied; pixels are taken as square.

Writing: H.264 in MP4, the same bytes for the same frames. Profile `preview` is yuv420p at CRF 18 and plays
everywhere (x264 asks for even sizes there: odd ones become yuv444p, which not every player has); `exact` is
lossless RGB.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

import av
import cv2
import numpy as np
from av.container import InputContainer, OutputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from genreason.types import Clip, Frame, GenreasonError, UnreadableClipError

Profile = Literal["preview", "exact"]
Source = str | Path | bytes
"""A file, or the bytes of one."""

SUFFIXES = (".mp4", ".webm", ".mov", ".mkv", ".avi", ".gif")
"""Endings of the files that count as clips."""

# Measured on 81 frames at 256 and 512 px: ultrafast 16 and 50 CPU-ms (20 and 29 kB), superfast 31 and 96 (16
# and 21 kB), veryfast 40 and 115 (9 and 12 kB). Small either way, and fastest to decode: speed decides.
_PRESET = "ultrafast"
_CRF = 18.0
# H.273 codes. Pixels are sRGB; the matrix is the one that cv2 and FFmpeg use by default for RGB to YUV.
_BT601, _BT709_PRIMARIES, _SRGB_TRANSFER, _LIMITED = 6, 1, 13, 1
_STILLS = ("image2", "_pipe")


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a file says of itself: pixels, average frames per second, number of frames (None: not said)."""

    width: int
    height: int
    fps: float
    frames: int | None


class Reader:
    """An open clip: its size and rate, and its frames once, in order.

    Attributes:
        size: (width, height) of the frames; later frames of another size are scaled to it.
        fps: frames per second, the average where it varies.
    """

    def __init__(self, source: Source) -> None:
        """Open the file and decode its first frame.

        Raises:
            UnreadableClipError: missing, empty, cut off, not a video, a still picture, or without frames.
        """
        self._name = "clip in memory" if isinstance(source, bytes) else str(source)
        self._seen = 0
        self._packets = 0
        self._container = _open(source, self._name)
        try:
            self._stream = self._video_stream()
            self._reformatter = VideoReformatter()
            self._decoded = self._decode()
            self._first = next(self._decoded, None)
            if self._first is None:
                raise UnreadableClipError(f"{self._name}: holds no frames")
            rate = self._stream.average_rate or self._stream.guessed_rate
            if not rate:
                raise UnreadableClipError(f"{self._name}: says no frame rate")
        except BaseException:
            self.close()
            raise
        self.fps = float(rate)
        self._turns = round(self._first.rotation / 90) % 4
        width, height = self._first.width, self._first.height
        self._coded = (width, height)
        self.size = (height, width) if self._turns % 2 else (width, height)

    @property
    def info(self) -> VideoInfo:
        """Size, rate and number of frames as the file says."""
        return VideoInfo(*self.size, self.fps, self._stream.frames or None)

    def frames(self, limit: int | None = None) -> Iterator[Frame]:
        """The frames, HWC RGB uint8, once; at most `limit`.

        Raises:
            UnreadableClipError: after the good frames, where the file is damaged or cut off.
        """
        if self._first is None or limit == 0:
            return
        frame: VideoFrame | None = self._first
        self._first = None
        given = 0
        while frame is not None:
            yield self._rgb(frame)
            given += 1
            if given == limit:
                return
            frame = next(self._decoded, None)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> Reader:
        """The reader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _video_stream(self) -> VideoStream:
        form = self._container.format.name
        if any(form.endswith(still) for still in _STILLS):
            raise UnreadableClipError(f"{self._name}: a still picture, not a video")
        # A cover picture in a sound file is a video stream to FFmpeg.
        streams = [s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            what = "sound only" if self._container.streams.audio else "nothing that can be shown"
            raise UnreadableClipError(f"{self._name}: holds {what}, no video")
        stream = streams[0]
        if stream.codec_context is None:
            raise UnreadableClipError(f"{self._name}: in a codec that cannot be read here")
        stream.codec_context.thread_count = 1
        stream.codec_context.thread_type = "NONE"
        return stream

    def _decode(self) -> Iterator[VideoFrame]:
        try:
            for packet in self._container.demux(self._stream):
                self._packets += packet.size > 0
                for frame in packet.decode():
                    if not isinstance(frame, VideoFrame):
                        continue
                    if frame.is_corrupt:
                        raise UnreadableClipError(f"{self._name}: damaged at frame {self._seen}")
                    self._seen += 1
                    yield frame
        except av.FFmpegError as error:
            raise UnreadableClipError(
                f"{self._name}: cut off or damaged after {self._seen} frames ({error.strerror})"
            ) from error
        # Packets, not frames, and not more than the index holds: an edit list may leave frames out.
        promised = min(self._stream.frames, len(self._stream.index_entries) or self._stream.frames)
        if self._packets < promised:
            raise UnreadableClipError(
                f"{self._name}: cut off, {self._packets} of its {promised} frames are there"
            )

    def _rgb(self, frame: VideoFrame) -> Frame:
        width, height = self._coded
        # One reformatter for all frames, and no threads: a new scaler each time costs ten times the work.
        rgb = self._reformatter.reformat(frame, width, height, format="rgb24", threads=1)
        plane = rgb.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)  # a view, no copy
        pixels = np.ascontiguousarray(rows[:, : width * 3]).reshape(height, width, 3)
        return np.ascontiguousarray(np.rot90(pixels, self._turns)) if self._turns else pixels


def read(source: Source, *, limit: int | None = None) -> Iterator[Frame]:
    """The frames of a clip, HWC RGB uint8, in order; at most `limit`.

    Raises:
        UnreadableClipError: the file cannot be read (at once), or is cut off (after the good frames).
    """
    with Reader(source) as reader:
        yield from reader.frames(limit)


def probe(source: Source) -> VideoInfo:
    """Size, rate and length of a clip, from its head and first frame.

    Raises:
        UnreadableClipError: the file cannot be read.
    """
    with Reader(source) as reader:
        return reader.info


def frames(clip: Clip) -> Iterator[Frame]:
    """The frames of a clip, from its file or its renderer.

    Raises:
        UnreadableClipError: the file cannot be read.
    """
    if clip.path is not None:
        return read(clip.path)
    if clip.render is not None:
        return clip.render()
    raise UnreadableClipError("the clip has neither a file nor a renderer")


def fps(clip: Clip) -> float:
    """Frames per second of a clip: what it says itself, else what its file says.

    Raises:
        UnreadableClipError: it is needed from a file that cannot be read.
    """
    if clip.fps > 0:
        return clip.fps
    if clip.path is not None:
        return probe(clip.path).fps
    raise UnreadableClipError("the clip says no frame rate")


def write(
    path: Path, frames: Iterable[Frame], fps: float, profile: Profile = "preview", crf: float | None = None
) -> int:
    """Write a clip as MP4 (H.264, index first), whole or not at all; folders above it are made.

    Args:
        path: the file; replaced if it is there.
        frames: HWC RGB uint8, all of one size; only one is held at a time.
        fps: frames per second.
        profile: `preview` or `exact` (bit-exact when read back).
        crf: quality of `preview`, 0 to 51, instead of 18.

    Returns:
        The number of frames.

    Raises:
        GenreasonError: no frames, or the file could not be written (the disk is full, no permission).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        count = _encode(str(temporary), frames, fps, profile, crf)
        temporary.replace(path)
    except (OSError, av.FFmpegError) as error:
        raise GenreasonError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return count


def encode(
    frames: Iterable[Frame], fps: float, profile: Profile = "preview", crf: float | None = None
) -> bytes:
    """A clip as the bytes of an MP4, for `read`: as `write`, without a disk.

    Raises:
        GenreasonError: no frames.
    """
    buffer = io.BytesIO()
    _encode(buffer, frames, fps, profile, crf)
    return buffer.getvalue()


def sent(images: Iterable[Frame], fps: float) -> Clip:
    """The frames as a clip that was encoded (`encode`) and is decoded anew at each look."""
    data = encode(images, fps)
    return Clip(render=functools.partial(read, data), fps=fps)


def _open(source: Source, name: str) -> InputContainer:
    if isinstance(source, bytes):
        head, size = source[:4096], len(source)
    else:
        path = Path(source)
        try:
            with path.open("rb") as file:
                head = file.read(4096)
            size = path.stat().st_size
        except FileNotFoundError:
            raise UnreadableClipError(f"{name}: there is no such file") from None
        except OSError as error:
            raise UnreadableClipError(f"{name}: cannot be opened ({error.strerror})") from error
    if size == 0:
        raise UnreadableClipError(f"{name}: the file is empty")
    file_or_name: str | IO[bytes] = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    try:
        # A clip is one file: a playlist in disguise must not make FFmpeg fetch anything.
        return av.open(file_or_name, "r", options={"protocol_whitelist": "file"})
    except av.FFmpegError as error:
        why = "an MP4 that was cut off or has no index" if head[4:8] == b"ftyp" else "not a video"
        raise UnreadableClipError(f"{name}: {why} ({size} bytes)") from error


def _encode(
    target: str | IO[bytes], frames: Iterable[Frame], fps: float, profile: Profile, crf: float | None
) -> int:
    if profile not in ("preview", "exact"):
        raise ValueError(f"profile {profile!r} is neither 'preview' nor 'exact'")
    source = iter(frames)
    first = next(source, None)
    if first is None:
        raise GenreasonError("a clip needs at least one frame, the generator gave none")
    # Moving the index to the front needs a second pass over a file; in memory nothing is gained by it.
    options = {"movflags": "+faststart"} if isinstance(target, str) else {}
    with av.open(target, "w", format="mp4", options=options) as container:
        stream = _stream(container, first, fps, profile, crf)
        reformatter = VideoReformatter()
        count = 0
        frame: Frame | None = first
        while frame is not None:
            if frame.shape != first.shape:
                raise ValueError(f"frame {count} is {frame.shape}, the first one {first.shape}")
            container.mux(stream.encode(_picture(frame, stream.pix_fmt or "", reformatter)))
            count += 1
            frame = next(source, None)
        container.mux(stream.encode(None))
    return count


def _stream(
    container: OutputContainer, first: Frame, fps: float, profile: Profile, crf: float | None
) -> VideoStream:
    height, width = first.shape[:2]
    codec: Literal["libx264", "libx264rgb"] = "libx264rgb" if profile == "exact" else "libx264"
    stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(10000))
    context = stream.codec_context
    stream.width, stream.height = width, height
    if profile == "exact":
        stream.pix_fmt = "rgb24"
        stream.options = {"preset": _PRESET, "qp": "0"}
    else:
        stream.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        stream.options = {"preset": _PRESET, "crf": str(_CRF if crf is None else crf)}
        context.colorspace, context.color_range = _BT601, _LIMITED
    context.color_primaries, context.color_trc = _BT709_PRIMARIES, _SRGB_TRANSFER
    context.thread_count = 1
    context.thread_type = "NONE"
    return stream


def _picture(frame: Frame, form: str, reformatter: VideoReformatter) -> VideoFrame:
    frame = np.ascontiguousarray(frame)
    if form == "yuv420p":
        # A third of swscale's time for the same matrix (81 frames at 512 px: 15 against 51 CPU-ms). It takes
        # the colour of one pixel in four rather than their mean: 2 dB less at coloured edges.
        planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420)
        if frame.shape[0] % 4:  # from_numpy_buffer puts V half a row too early when the chroma height is odd
            return VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format=form)
        return VideoFrame.from_numpy_buffer(np.asarray(planes, np.uint8), format=form)
    picture = VideoFrame.from_numpy_buffer(frame, format="rgb24")
    if form == "rgb24":
        return picture
    return reformatter.reformat(
        picture, format=form, dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG, threads=1
    )
