"""Controls on finished pictures: what files and cameras do to a clip, and cheats that need no puzzle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from genreason import seeds, video
from genreason.generate.workshop import Shop, Workshop
from genreason.types import Clip, Frame

FLIPS: tuple[tuple[slice, ...], ...] = ((slice(None), slice(None, None, -1)), (slice(None, None, -1),))
ALIKE_AT, ALIKE = (
    48,
    40,
)  # pixels a side at which a picture and its mirror image are the same up to so many levels


def picture_clip(w: Shop, frames: list[Frame]) -> Clip:
    """A clip of these pictures."""
    return Clip(render=lambda: iter(frames), fps=w.instance.fps)


def chained(*parts: Iterable[Frame]) -> Iterator[Frame]:
    """The frames of all parts in turn."""
    for part in parts:
        yield from part


def _truth(w: Shop) -> Iterator[Frame]:
    return w.truth.frames(w.board)


def _each(w: Shop, edit: Callable[[int, Frame], Frame]) -> Clip:
    """The truth with every frame edited."""
    return Clip(render=lambda: (edit(t, frame) for t, frame in enumerate(_truth(w))), fps=w.instance.fps)


# -- cheats --------------------------------------------------------------------------------------------------
def still(w: Shop) -> Clip:
    """The first frame, held."""
    first = w.puzzle.picture(w.instance)
    return Clip(render=lambda: (first for _ in range(49)), fps=w.instance.fps)


def noise(w: Shop) -> Clip:
    """The first frame, then noise."""
    w_px, h_px = w.instance.size

    def frames() -> Iterator[Frame]:
        rng = seeds.stream(w.instance.key, "noise", w.seed)  # anew each time: the clip may be read twice
        yield w.puzzle.picture(w.instance)
        for _ in range(32):
            yield rng.integers(0, 256, (h_px, w_px, 3), np.uint8)

    return Clip(render=frames, fps=w.instance.fps)


def backwards(w: Shop) -> Clip:
    """The truth backwards."""
    return w.clip(w.truth.taken(np.arange(len(w.truth))[::-1]))


def other_instance(w: Shop) -> Clip | None:
    """The solution of another puzzle: this one mirrored."""
    flip = FLIPS[int(w.rng.integers(0, 2))]
    if alike(w.puzzle.picture(w.instance), flip):
        return None  # the mirrored puzzle is this one
    return _each(w, lambda t, frame: np.ascontiguousarray(frame[flip]))


def swapped_instance(w: Shop) -> Clip | None:
    """Begins as given, then shows the solution of another puzzle (this one mirrored)."""
    other = other_instance(w)
    if other is None or any(alike(w.board.plate, flip) for flip in FLIPS):
        return None  # the mirrored scene is this one
    assert other.render is not None
    render = other.render
    first = w.puzzle.picture(w.instance)
    return Clip(render=lambda: chained((first for _ in range(8)), render()), fps=w.instance.fps)


def alike(picture: Frame, flip: tuple[slice, ...]) -> bool:
    """Whether a picture and its mirror image differ by no more than textures do."""
    small = cv2.resize(picture, (ALIKE_AT, ALIKE_AT), interpolation=cv2.INTER_AREA).astype(np.int16)
    return bool(np.abs(small - small[flip]).max() < ALIKE)


def _zoomed(frame: Frame, zoom: float, dx: float, dy: float) -> Frame:
    h, w = frame.shape[:2]
    fit = np.array([[zoom, 0, (1 - zoom) * (w - 1) / 2 + dx], [0, zoom, (1 - zoom) * (h - 1) / 2 + dy]])
    moved = cv2.warpAffine(frame, fit, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def zoom(w: Shop) -> Clip:
    """The camera zooms in by 15 %."""
    last = max(len(w.truth) - 1, 1)
    return _each(w, lambda t, frame: _zoomed(frame, 1 + 0.15 * t / last, 0, 0))


def pan(w: Shop) -> Clip:
    """The camera drifts by 6 % of the picture."""
    last = max(len(w.truth) - 1, 1)
    dx, dy = 0.06 * w.instance.size[0], 0.03 * w.instance.size[1]
    return _each(w, lambda t, frame: _zoomed(frame, 1, dx * t / last, dy * t / last))


def turn(w: Shop) -> Clip:
    """The camera turns by 5 degrees."""
    last = max(len(w.truth) - 1, 1)
    return _each(w, lambda t, frame: _turned(frame, 5 * t / last))


def _turned(frame: Frame, degrees: float) -> Frame:
    h, w = frame.shape[:2]
    fit = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), degrees, 1)
    moved = cv2.warpAffine(frame, fit, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


# -- honest variants -----------------------------------------------------------------------------------------
def _recoded(crf: float) -> Callable[[Shop], Clip]:
    def make(w: Shop) -> Clip:
        return Clip(
            render=lambda: video.read(video.encode(_truth(w), w.instance.fps, crf=crf)), fps=w.instance.fps
        )

    return make


def resized(w: Shop) -> Clip:
    """Another size, a little wider than it was."""
    scale = float(w.rng.uniform(0.75, 1.6))
    stretch = float(w.rng.uniform(0.96, 1.04))
    size = round(w.instance.size[0] * scale * stretch / 2) * 2, round(w.instance.size[1] * scale / 2) * 2
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return _each(w, lambda t, frame: np.asarray(cv2.resize(frame, size, interpolation=method), np.uint8))


def letterboxed(w: Shop) -> Clip:
    """Bars left and right, or above and below."""
    width, height = w.instance.size
    bar, upright = 2 * round(0.17 * min(width, height)), bool(w.rng.integers(2))
    top, left = (0, bar) if upright else (bar, 0)
    colour = [0, 0, 0] if w.rng.integers(2) else [255, 255, 255]

    def edit(t: int, frame: Frame) -> Frame:
        wide = cv2.copyMakeBorder(frame, top, top, left, left, cv2.BORDER_CONSTANT, value=colour)
        return np.asarray(wide, np.uint8)

    return _each(w, edit)


def cropped(w: Workshop) -> Clip | None:
    """A strip is cut off at two opposite sides, where no piece and no goal ever is."""
    lattice, (width, height) = w.board.lattice, w.instance.size
    places = lattice.pixels(np.concatenate([*w.stops, np.array(w.goal_cells(), np.float32)]))
    rooms = np.stack([places, np.array([width, height], np.float32) - places]).min(axis=(0, 1))
    cell = min(lattice.cell_w, lattice.cell_h)
    most = rooms - 0.5 * cell * w.board.unit
    strip = 2 * (np.minimum(most, 0.6 * cell) // 2).astype(int)
    across = int(strip[0] > 0) if strip.min() <= 0 else int(w.rng.integers(2))
    cut = int(strip[0] if across else strip[1])
    if cut <= 0:
        return None
    keep = np.s_[:, cut:-cut] if across else np.s_[cut:-cut]
    return _each(w, lambda t, frame: np.ascontiguousarray(frame[keep]))


def other_fps(w: Shop) -> Clip:
    """Half the frames a second, or twice as many with each shown twice."""
    fps = w.instance.fps
    if w.rng.integers(2):
        last = len(w.truth) - 1
        keep = sorted({*range(0, last + 1, 2), last})
        return replace(w.clip(w.truth.taken(keep)), fps=fps / 2)
    return replace(w.clip(w.truth.taken(np.repeat(np.arange(len(w.truth)), 2))), fps=fps * 2)


def shake(w: Shop) -> Clip:
    """The whole picture trembles by up to 2 pixels (of 256)."""
    reach = 2 * w.instance.size[0] / 256
    shift = w.rng.uniform(-reach, reach, (len(w.truth), 2))
    shift[0] = 0
    return _each(w, lambda t, frame: _zoomed(frame, 1, float(shift[t, 0]), float(shift[t, 1])))


def colour_shift(w: Shop) -> Clip:
    """A tint of up to 8 levels, another for each colour, that comes on slowly."""
    tint, last = w.rng.uniform(-8, 8, 3), max(len(w.truth) // 2, 1)

    def edit(t: int, frame: Frame) -> Frame:
        return np.clip(frame + tint * min(t / last, 1.0) + 0.5, 0, 255).astype(np.uint8)

    return _each(w, edit)


def blur(w: Shop) -> Clip:
    """Slightly out of focus."""
    sigma = 0.8 * w.instance.size[0] / 256
    return _each(w, lambda t, frame: np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8))


ANY: dict[str, tuple[Callable[[Shop], Clip | None], str]] = {
    "still": (still, "rules.goal"),
    "noise": (noise, "scene.kept"),
    "reversed": (backwards, "scene.first_frame"),
    "other_instance": (other_instance, "scene.first_frame"),
    "zoom": (zoom, "camera.still"),
    "pan": (pan, "camera.still"),
    "turn": (turn, "camera.still"),
    "recode18": (_recoded(18), ""),
    "recode28": (_recoded(28), ""),
    "recode35": (_recoded(35), ""),
    "resized": (resized, ""),
    "letterboxed": (letterboxed, ""),
    "other_fps": (other_fps, ""),
    "shake": (shake, ""),
    "colour_shift": (colour_shift, ""),
    "blur": (blur, ""),
}
"""Controls for every kind of scene, and which check they must break."""
PIECES: dict[str, tuple[Callable[[Workshop], Clip | None], str]] = {
    **ANY,
    "swapped_instance": (swapped_instance, "scene.kept"),
    "cropped": (cropped, ""),
}
"""With those for scenes in which pieces move."""
