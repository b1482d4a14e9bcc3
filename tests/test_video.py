"""Clips come back as they were written, and what is no clip is named."""

from __future__ import annotations

import itertools
import resource
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from genreason import video
from genreason.types import Clip, Frame, GenreasonError, UnreadableClipError


def moving_disc(count: int, width: int = 96, height: int = 64) -> Iterator[Frame]:
    """A disc that crosses a two-coloured floor."""
    floor = np.empty((height, width, 3), np.uint8)
    floor[:] = (230, 224, 40)
    floor[: height // 2] = (20, 60, 200)
    for i in range(count):
        frame = floor.copy()
        cv2.circle(frame, (8 + i * (width - 16) // max(count, 2), height // 2), 6, (220, 30, 40), -1)
        yield frame


@pytest.mark.parametrize("size", [(96, 64), (97, 65)])
def test_exact_is_bit_exact(tmp_path: Path, size: tuple[int, int]) -> None:
    frames = list(moving_disc(7, *size))
    assert video.write(tmp_path / "clip.mp4", frames, 24, "exact") == 7
    back = list(video.read(tmp_path / "clip.mp4"))
    assert len(back) == 7
    assert all(np.array_equal(a, b) for a, b in zip(frames, back, strict=True))


@pytest.mark.parametrize("size", [(96, 64), (95, 64), (96, 63)])
def test_preview_keeps_colours_size_and_count(tmp_path: Path, size: tuple[int, int]) -> None:
    frames = list(moving_disc(9, *size))
    video.write(tmp_path / "deep" / "er" / "clip.mp4", frames, 16)
    back = list(video.read(tmp_path / "deep" / "er" / "clip.mp4"))
    assert [frame.shape for frame in back] == [(size[1], size[0], 3)] * 9
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(frames, back, strict=True)) < 2
    assert np.abs(back[-1][4, 4].astype(int) - frames[-1][4, 4]).max() <= 3
    assert video.probe(tmp_path / "deep" / "er" / "clip.mp4") == video.VideoInfo(*size, 16.0, 9)


def test_preview_plays_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    video.write(path, moving_disc(3), 24)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.color_range) == ("h264", "yuv420p", 1)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        video.write(tmp_path / f"{name}.mp4", moving_disc(5), 24)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert video.encode(moving_disc(5), 24) == video.encode(moving_disc(5), 24)


def test_bytes_are_read_like_files() -> None:
    content = video.encode(moving_disc(5), 12.5, "exact")
    assert all(np.array_equal(a, b) for a, b in zip(moving_disc(5), video.read(content), strict=True))
    assert video.probe(content).fps == 12.5
    assert len(list(video.read(content, limit=2))) == 2
    with video.Reader(content) as reader:
        assert (reader.size, reader.fps, len(list(reader.frames()))) == ((96, 64), 12.5, 5)
        assert list(reader.frames()) == []


def test_one_frame_is_a_clip() -> None:
    assert len(list(video.read(video.encode(moving_disc(1), 24)))) == 1


def test_crf_trades_quality_for_size() -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(3)]
    assert len(video.encode(frames, 24, crf=35)) < len(video.encode(frames, 24)) / 1.5


def test_clip_speaks_for_its_file_or_renderer(tmp_path: Path) -> None:
    video.write(tmp_path / "clip.mp4", moving_disc(4), 16)
    filed, drawn = Clip(path=tmp_path / "clip.mp4"), Clip(render=lambda: moving_disc(4), fps=8)
    assert (video.fps(filed), video.fps(drawn)) == (16, 8)
    assert len(list(video.frames(filed))) == len(list(video.frames(drawn))) == 4
    with pytest.raises(UnreadableClipError, match="neither"):
        video.frames(Clip())
    with pytest.raises(UnreadableClipError, match="rate"):
        video.fps(Clip(render=lambda: moving_disc(4)))


@pytest.mark.parametrize("cut", [0.35, 0.6, 0.95])
def test_truncated_clip_gives_its_frames_and_then_says_so(tmp_path: Path, cut: float) -> None:
    rng = np.random.default_rng(0)
    noise = (rng.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(12))
    video.write(tmp_path / "whole.mp4", noise, 24)
    content = (tmp_path / "whole.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(content[: int(len(content) * cut)])
    frames = video.read(path)
    seen = 0
    with pytest.raises(UnreadableClipError, match="cut off") as caught:
        for _ in frames:
            seen += 1
    assert str(path) in str(caught.value)
    assert 0 < seen < 12


def not_clips(folder: Path) -> dict[str, Path]:
    """Files that are no clips, by what the error must say of them."""
    whole = video.encode(moving_disc(9), 24)
    files = {
        "empty": b"",
        "not a video": b"The cat sat on the mat. " * 40,
        "no index": whole[: len(whole) // 2],  # in memory the index comes last
        "still picture": cv2.imencode(".png", next(moving_disc(1)))[1].tobytes(),
    }
    paths = {"no such file": folder / "missing.mp4", "cannot be opened": folder}
    for number, (why, content) in enumerate(files.items()):
        paths[why] = folder / f"{number}.mp4"
        paths[why].write_bytes(content)
    paths["sound only"] = folder / "sound.mp4"
    with av.open(str(paths["sound only"]), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    return paths


def test_what_is_no_clip_is_named(tmp_path: Path) -> None:
    for why, path in not_clips(tmp_path).items():
        for use in (lambda p: list(video.read(p)), video.probe):
            with pytest.raises(UnreadableClipError, match=why) as caught:
                use(path)
            assert str(path) in str(caught.value)


def test_damaged_bytes_are_no_frames() -> None:
    content = bytearray(video.encode(moving_disc(9), 24))
    start = content.index(b"mdat") + 900
    content[start : start + 200] = bytes(200)
    with pytest.raises(UnreadableClipError, match="damaged"):
        list(video.read(bytes(content)))


def test_a_playlist_is_no_clip(tmp_path: Path) -> None:
    video.write(tmp_path / "clip.mp4", moving_disc(2), 24)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/clip.mp4\n#EXT-X-ENDLIST\n")
    with pytest.raises(UnreadableClipError):
        list(video.read(tmp_path / "list.mp4"))


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("span", [1, 2])
def test_colour_tags_are_obeyed(tmp_path: Path, matrix: int, span: int) -> None:
    # BT.709 and BT.601, limited and full range: the colour is computed here from the standard's formula.
    red, green, blue = 180.0, 90.0, 40.0
    kr, kb = {1: (0.2126, 0.0722), 5: (0.299, 0.114)}[matrix]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
    scale, offset, chroma = (219 / 255, 16, 224 / 255) if span == 1 else (1.0, 0, 1.0)
    planes = np.empty((96, 64), np.uint8)
    planes[:64] = round(luma * scale + offset)
    planes[64:80] = round(cb * chroma + 128)
    planes[80:] = round(cr * chroma + 128)
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"qp": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, span
        container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
    frame = next(video.read(path))
    assert np.abs(frame.reshape(-1, 3).mean(0) - (red, green, blue)).max() < 3


def test_gif_is_a_clip(tmp_path: Path) -> None:
    path = tmp_path / "clip.gif"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "rgb8"
        for frame in moving_disc(5):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="rgb8")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert len(list(video.read(path))) == 5
    assert video.probe(path).fps == pytest.approx(10)


def test_nothing_is_left_of_a_clip_that_failed(tmp_path: Path) -> None:
    def broken() -> Iterator[Frame]:
        yield from moving_disc(3)
        raise RuntimeError("the renderer fell over")

    with pytest.raises(RuntimeError):
        video.write(tmp_path / "clip.mp4", broken(), 24)
    with pytest.raises(GenreasonError, match="one frame"):
        video.write(tmp_path / "clip.mp4", [], 24)
    with pytest.raises(ValueError, match="frame 1 is"):
        video.write(tmp_path / "clip.mp4", [next(moving_disc(1)), next(moving_disc(1, 32, 32))], 24)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GenreasonError, match="cannot write"):
        video.write(tmp_path / "file" / "clip.mp4", moving_disc(2), 24)


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    video.write(path, moving_disc(20, 512, 512), 24)
    list(itertools.islice(video.read(path), 5))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    video.write(path, itertools.chain.from_iterable(moving_disc(60, 512, 512) for _ in range(5)), 24)
    assert sum(1 for _ in video.read(path)) == 300
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 60  # 300 frames are 236 MB
