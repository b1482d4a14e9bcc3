"""Skins: a game's textures from a user's folder, in VR-Bench's layout.

A skin is a folder with a texture for each kind of thing (`floor.png`, `player.png`, ...; .jpg too) and a
`description.json`, which says under `visual_description` what a person calls them. A folder of skins holds
`<id>/` or `<game>/<id>/`. Where a style is asked for by name, `skins:DIR` asks for the skins in a folder.

An instance that is drawn with a skin has the style `skins:<id>@<hash>`; the hash is that of the textures and
words, so that nothing is ever drawn or judged with others. Data sets keep the skins that they need.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from genreason.render.pictures import Picture, fit
from genreason.types import SKINS, Instance, UserError

DESCRIPTION, VISUAL = "description.json", "visual_description"
ENDINGS = (".png", ".jpg", ".jpeg")
PROBE = 48  # pixels of a tile at which textures are compared
LEAST_INK = 0.02  # share of its tile that a piece covers
LEAST_APART = (
    40.0  # difference of mean colour (0-255) in some part of a tile by which two kinds can be told apart
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a game's skins hold.

    Attributes:
        folders: names of the game's folder.
        files: names of the textures' files without their endings, by kind of thing.
        words: their names in the description, by kind of thing.
        movers: the kinds that move.
    """

    folders: tuple[str, ...]
    files: Mapping[str, str]
    words: Mapping[str, str]
    movers: tuple[str, ...] = ("agent",)


_PLAYER = {"floor": "floor", "agent": "player", "goal": "goal"}
_STREET = {"road": "road", "agent": "start", "goal": "end"}
LAYOUTS = {
    "maze": Layout(
        ("maze", "regular_maze"), {**_PLAYER, "wall": "wall", "goal": "target"}, {**_PLAYER, "wall": "wall"}
    ),
    "trapfield": Layout(("trapfield",), {**_PLAYER, "trap": "trap"}, {**_PLAYER, "trap": "trap"}),
    "sokoban": Layout(
        ("sokoban",),
        {**_PLAYER, "wall": "wall", "box": "box", "goal": "target"},
        {**_PLAYER, "wall": "wall", "box": "box"},
        ("box", "agent"),
    ),
    "irregular_maze": Layout(("irregular_maze", "pathfinder"), _STREET, _STREET),
}
"""By puzzle. VR-Bench has two names for some games' folders."""


@dataclass(frozen=True, eq=False)
class Skin:
    """Textures of one game.

    Attributes:
        style: the name of the style, as instances have it.
        looks: the textures by kind of thing ("floor", "wall", "agent", "goal", ...), with their words.
        files: all that belongs to it.
    """

    style: str
    looks: dict[str, Picture]
    files: tuple[Path, ...]


def is_skin(style: str) -> bool:
    """Whether a style is a folder of skins, or one of its skins."""
    return style.startswith(SKINS)


def find(style: str, game: str) -> tuple[str, ...]:
    """The skins of a game in the folder that `skins:DIR` names: `skins:` and the folder of each.

    DIR is a skin itself, or holds `<id>/` or `<game>/<id>/`. All of them are read, so that a fault in one
    shows before anything is made.

    Raises:
        UserError: there is none, or one of them has a fault.
    """
    root = Path(style.removeprefix(SKINS)).expanduser().resolve()
    layout = _layout(game)
    if not root.is_dir():
        raise UserError(f"--style {style}: there is no folder {root}")
    if _looks_like_skin(root, layout):
        found = [root]
    else:
        named = [root / name for name in layout.folders if (root / name).is_dir()]
        found = [
            path
            for place in named or [root]
            for path in sorted(place.iterdir())
            if path.is_dir() and _looks_like_skin(path, layout)
        ]
    if not found:
        wanted = f"a skin has {DESCRIPTION} and {', '.join(layout.files.values())} as .png"
        raise UserError(
            f"--style {style}: no skin of {game} there, in {layout.folders[0]}/<id> or <id>: {wanted}"
        )
    for path in found:
        load(path, game)
    return tuple(f"{SKINS}{path}" for path in found)


def load(folder: Path, game: str) -> Skin:
    """The skin of a game in a folder.

    Raises:
        UserError: the game has no skins, or a file is missing or wrong; names it and the mend.
    """
    layout = _layout(game)
    files = {kind: _texture(folder, name) for kind, name in layout.files.items()}
    paths = (*files.values(), folder / DESCRIPTION)
    try:
        states = tuple((path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    except OSError as error:
        raise _lacks(folder, Path(error.filename).name) from None
    return _load(folder, game, states)


def recorded(look: str, game: str) -> tuple[str, Path | None]:
    """What an instance has as `style` and `skin`, for a style by name or for `skins:` and a skin's folder."""
    if not is_skin(look):
        return look, None
    folder = Path(look.removeprefix(SKINS))
    return load(folder, game).style, folder


def of(instance: Instance, game: str) -> Skin:
    """The skin that an instance is drawn with.

    Raises:
        UserError: its textures are not there, or others are.
    """
    if instance.skin is None:
        what = f"{instance.sample_id} is drawn with {instance.style}, which is not with it"
        raise UserError(f"{what}: open it from its data set")
    if not instance.skin.is_dir():
        raise UserError(
            f"{instance.sample_id}: {instance.skin} is missing: copy it from where the data was made"
        )
    skin = load(instance.skin, game)
    if skin.style.rpartition("@")[2] != instance.style.rpartition("@")[2]:
        raise UserError(
            f"{instance.skin} is not what {instance.sample_id} was drawn with ({instance.style}): restore it"
        )
    return skin


# -- reading -------------------------------------------------------------------------------------------------
def _layout(game: str) -> Layout:
    if game not in LAYOUTS:
        raise UserError(f"{game} cannot be drawn with skins from a folder: {', '.join(LAYOUTS)} can")
    return LAYOUTS[game]


def _looks_like_skin(folder: Path, layout: Layout) -> bool:
    names = [DESCRIPTION, *(f"{name}{end}" for name in layout.files.values() for end in ENDINGS)]
    return any((folder / name).is_file() for name in names)


def _texture(folder: Path, name: str) -> Path:
    for end in ENDINGS:
        if (folder / f"{name}{end}").is_file():
            return folder / f"{name}{end}"
    raise _lacks(folder, f"{name}.png")


def _lacks(folder: Path, name: str) -> UserError:
    what = "one that says what the textures show" if name == DESCRIPTION else "a picture of that name"
    return UserError(f"skin {folder} lacks {name}: add {what}")


@functools.lru_cache(maxsize=64)
def _load(folder: Path, game: str, states: tuple[tuple[int, int], ...]) -> Skin:
    """The skin as its files are now (`states`: times and sizes, so that changed files are read again)."""
    layout = LAYOUTS[game]
    words = _words(folder / DESCRIPTION, layout)
    digest = hashlib.blake2b(json.dumps([game, words], sort_keys=True).encode(), digest_size=5)
    looks, files = {}, []
    for kind, name in sorted(layout.files.items()):
        path = _texture(folder, name)
        content = path.read_bytes()
        digest.update(kind.encode() + len(content).to_bytes(8, "little") + content)
        looks[kind] = Picture(words[kind], _decoded(content, path))
        files.append(path)
    _check(folder, layout, looks)
    short = re.sub(r"[^\w.-]+", "_", folder.name.partition("@")[0])
    return Skin(f"{SKINS}{short}@{digest.hexdigest()}", looks, (*files, folder / DESCRIPTION))


def _words(path: Path, layout: Layout) -> dict[str, str]:
    """What a person calls the things, by kind."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no JSON ({error}): mend it") from None
    said = record.get("game_type", layout.folders[0]) if isinstance(record, dict) else None
    visual = record.get(VISUAL) if isinstance(record, dict) else None
    if not isinstance(visual, dict):
        raise UserError(f"{path}: lacks the object {VISUAL!r}: say there what each texture shows")
    if said not in layout.folders:
        raise UserError(
            f"{path}: its game_type is {said!r}, not {layout.folders[0]!r}: take a skin of that game"
        )
    words = {}
    for kind, name in layout.words.items():
        word = visual.get(name)
        if not isinstance(word, str) or not word.strip():
            raise UserError(f"{path}: {VISUAL} lacks {name!r}: say what {layout.files[kind]} shows")
        words[kind] = " ".join(word.split())
    return words


def _decoded(content: bytes, path: Path) -> npt.NDArray[np.uint8]:
    """(h, w, 4) RGBA uint8."""
    coded = np.frombuffer(content, np.uint8)
    picture = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED) if coded.size else None
    if picture is None:
        raise UserError(f"{path}: not a picture that can be read: save it as PNG")
    if picture.dtype == np.uint16:
        picture = (picture // 257).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise UserError(f"{path}: has pixels of type {picture.dtype}: save it as PNG with 8 bits a channel")
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    codes = {1: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}
    return np.asarray(cv2.cvtColor(picture, codes[channels]), np.uint8)


# -- whether a verifier can work with it ---------------------------------------------------------------------
def _check(folder: Path, layout: Layout, looks: dict[str, Picture]) -> None:
    """Refuse textures that nobody could tell apart, at the start and not after a thousand clips."""
    ground = "road" if "road" in looks else "floor"
    bare = _over(looks[ground], np.full((PROBE, PROBE, 3), 255, np.float32))
    shown = {kind: bare if kind == ground else _over(look, bare) for kind, look in looks.items()}
    for kind in layout.movers:
        _, alpha = fit(looks[kind], PROBE, PROBE)
        if float((alpha > 0.2).mean()) < LEAST_INK:
            raise UserError(f"skin {folder}: {layout.files[kind]} shows nothing: draw something opaque")
    for a, b in itertools.combinations(sorted(shown), 2):
        if _apart(shown[a], shown[b]) < LEAST_APART:
            names = f"{layout.files[a]} and {layout.files[b]}"
            raise UserError(f"skin {folder}: {names} look alike: give one of them other colours")


def _over(look: Picture, ground: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    rgb, alpha = fit(look, PROBE, PROBE)
    return np.asarray(ground + (rgb - ground) * alpha[..., None], np.float32)


def _apart(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    """The largest difference of mean colour in a ninth of the tile."""
    small = (cv2.resize(picture, (3, 3), interpolation=cv2.INTER_AREA) for picture in (a, b))
    return float(np.abs(np.subtract(*small)).max())
