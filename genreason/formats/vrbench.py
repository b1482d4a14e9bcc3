"""VR-Bench's data (arXiv 2511.15065): read its levels, write ours in its form.

Layout: `[train|eval/]<game>/<skin>/<difficulty>/{images,states,videos}`, in it `<difficulty>_<number>` with
the ending .png, .json or .mp4, clips also `<difficulty>_<number>_<path>.mp4`; a `metadata.csv` beside or
above it. What states hold: `genreason.formats.vrstate`.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from genreason import seeds, video
from genreason.cards import Motion
from genreason.formats import dataset, intake, vrtable
from genreason.formats.dataset import DataSet
from genreason.formats.intake import Intake, Sample
from genreason.formats.vrgames import GAMES, PUZZLES
from genreason.formats.vrstate import Level
from genreason.perceive.tiling import odd_tile
from genreason.puzzles import base
from genreason.puzzles.tiles import TilePuzzle
from genreason.render.lattice import Lattice
from genreason.task import fingerprint
from genreason.types import Frame, GenreasonError, Instance, Json, UnreadableClipError, UserError

FORM = "vrbench"
_STATES, _IMAGES, _VIDEOS = "states", "images", "videos"
_OWN, _PLACE = (
    "genreason",
    "genreason_place",
)  # the instance of ours in a state, and its place in its data set
_SPLITS = ("train", "eval")
_OURS = {"train": "train", "val": "eval", "test": "eval"}  # the folder of a split of ours
_STRETCH = 0.02  # by how much the aspects of a clip and its image may differ unsaid


def read(source: Path, out: Path) -> DataSet:
    """Import the levels below `source`, which may be the root, a split, a game, a skin or a difficulty.

    A level that cannot be used is named on standard error and left out; of games that have no puzzle here,
    the levels are counted.

    Raises:
        UserError: there is no such folder, or none of its levels can be used.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder")
    found = Intake(out=out, form=FORM)
    tables = vrtable.Tables(found.note)
    others: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    places: dict[str, int | None] = {}
    for bucket in _buckets(source):
        for file in sorted((bucket.path / _STATES).glob("*.json"), key=intake.natural):
            try:
                record = dataset.read_json(file)
                game = str(record.get("game_type"))
                if game not in GAMES:
                    others[game] += 1
                    continue
                sample = _sample(found, tables, bucket, file, record, numbers[game])
                found.add(sample)
                places[sample.instance.sample_id] = record.get("metadata", {}).get(_PLACE)
            except UserError as error:
                found.skip(f"{file.relative_to(source)}: {error}")
                continue
            numbers[game] += 1
    for game, count in sorted(others.items()):
        found.skip(f"{count} levels of {game}: there is no such puzzle here")
    found.sort(places)
    return found.finish(source)


def write(data: DataSet, out: Path) -> int:
    """Export the levels of VR-Bench's games with images, states, clips and metadata.csv.

    Levels that were imported from VR-Bench get their old names, files and rows back; others are numbered
    from 1 in each style and level, and their states carry the instance under `metadata.genreason`: nothing is
    lost.

    Returns:
        The number of levels.

    Raises:
        UserError: none of the samples is of a game of VR-Bench.
        GenreasonError: a file cannot be written.
    """
    table = vrtable.Writer(out)
    left: Counter[str] = Counter()
    numbers: Counter[Path] = Counter()
    for position, instance in enumerate(data.instances):
        if instance.scene.get("puzzle") not in PUZZLES:
            left[instance.task] += 1
        elif not _write_back(data, instance, out, table):
            _write_new(data, instance, position, out, table, numbers)
    count = len(data) - left.total()
    for task, number in sorted(left.items()):
        print(f"left out {number} samples of {task}: VR-Bench has no such game", file=sys.stderr)
    if not count:
        raise UserError(f"{data.root}: holds no {', '.join(PUZZLES)} to write as {FORM}")
    table.write()
    return count


# -- in ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class _Bucket:
    """The levels of one game, skin and difficulty."""

    path: Path
    split: str
    game: str
    skin: str
    difficulty: str

    @property
    def place(self) -> list[str]:
        """The folders that lead to it, as VR-Bench has them."""
        return [*([self.split] if self.split else []), self.game, self.skin, self.difficulty]


def _buckets(source: Path) -> Iterator[_Bucket]:
    for states in sorted({*source.rglob(_STATES), source / _STATES}, key=intake.natural):
        if not states.is_dir():
            continue
        *_, split, game, skin, difficulty = ("", "", "", "", *states.resolve().parent.parts)
        split = split if split in _SPLITS else ""
        yield _Bucket(path=states.parent, split=split, game=game, skin=skin, difficulty=difficulty)


def _sample(
    found: Intake, tables: vrtable.Tables, bucket: _Bucket, file: Path, record: Json, index: int
) -> Sample:
    image = bucket.path / _IMAGES / f"{file.stem}.png"
    picture = dataset.read_picture(image)
    level = GAMES[record["game_type"]].parse(record, (picture.shape[1], picture.shape[0]))
    videos = _videos(bucket, file.stem)
    table = tables.rows(bucket.path, [image, *videos])
    instance = _ours(record, level, image)
    if instance is None:
        fps = _fps(found, videos[0], level) if videos else None
        instance = _foreign(bucket, file, record, level, image, vrtable.prompt(table), fps, index)
        _look(instance, picture)
    source = {
        "format": FORM,
        "place": bucket.place,
        "stem": file.stem,
        "videos": [clip.name for clip in videos],
        "table": table,
    }
    truth, others = videos[0] if videos else None, tuple(videos[1:])
    return Sample(
        instance=instance, first_frame=image, source=source, truth=truth, kept=(file, *others), others=others
    )


def _ours(record: Json, level: Level, image: Path) -> Instance | None:
    """The instance that `write` put into the state; none where the textures it is drawn with are gone.

    Raises:
        UserError: it is not the one that the rest of the state shows.
    """
    own = record.get("metadata", {}).get(_OWN)
    if not isinstance(own, dict):
        return None
    try:
        instance = Instance.from_json(own, image)
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"metadata.genreason is no instance ({error})") from error
    puzzle = base.load(level.puzzle)
    if puzzle.decode(instance.state, instance.goal) != puzzle.decode(level.state, level.goal):
        raise UserError("metadata.genreason is another puzzle than the rest of the state")
    if not instance.skinned:
        return instance
    above = [dataset.skin_folder(folder, instance) for folder in image.resolve().parents]
    textures = next((folder for folder in above if folder.is_dir()), None)
    return None if textures is None else replace(instance, skin=textures)


def _foreign(
    bucket: _Bucket,
    file: Path,
    record: Json,
    level: Level,
    image: Path,
    prompt: str | None,
    fps: float | None,
    index: int,
) -> Instance:
    digest = hashlib.blake2b(image.read_bytes(), digest_size=16).hexdigest()
    return instance_of(
        level,
        key=seeds.key(FORM, *bucket.place, file.stem, record, digest),
        difficulty=bucket.difficulty,
        split=bucket.split or "eval",
        style=f"vrbench:{bucket.skin}",
        prompt=prompt,
        index=index,
        fps=fps,
        image=image,
    )


def instance_of(
    level: Level,
    *,
    key: str,
    difficulty: str,
    split: str,
    style: str,
    prompt: str | None,
    index: int,
    fps: float | None,
    image: Path | None,
) -> Instance:
    """The instance of a level that VR-Bench drew.

    Raises:
        UserError: the level is no puzzle of its family.
    """
    puzzle = base.load(level.puzzle)
    start = puzzle.decode(level.state, level.goal)
    state, goal = puzzle.encode(start)
    motion: Json = Motion.model_validate({}).model_dump(mode="json")
    return Instance(
        key=key,
        task=level.puzzle,
        version=1,
        level=difficulty,
        split=split,
        seed=0,
        index=index,
        style=style,
        state=state,
        goal=goal,
        prompt=PUZZLES[level.puzzle].prompt if prompt is None else prompt,
        fingerprint=fingerprint(puzzle, start),
        size=level.size,
        fps=fps or intake.FPS,
        scene={"motion": motion, **level.scene, "puzzle": level.puzzle, "foreign": True},
        first_frame=image,
    )


def _look(instance: Instance, picture: Frame) -> None:
    """Look whether the picture shows the puzzle, so that it is known before a clip is judged.

    Raises:
        UserError: it shows something else.
    """
    puzzle = base.load(instance.scene["puzzle"])
    if isinstance(puzzle, TilePuzzle):
        _same_tiles(instance, puzzle, picture)
    puzzle.board(instance)


def _same_tiles(instance: Instance, puzzle: TilePuzzle[Any, Any], picture: Frame) -> None:
    """Compare the tiles of the picture with those of the state.

    Raises:
        UserError: one looks like a tile of another kind.
    """
    start = puzzle.start(instance)
    codes = puzzle.tiles(start).astype(np.int8)
    for col, row in np.rint(puzzle.places(start)).astype(int):
        codes[row, col] = -1
    odd = odd_tile(picture, Lattice.from_json(instance.scene["grid"]), codes)
    if odd is not None:
        row, col, shown = odd
        said, seen = puzzle.kinds[puzzle.tiles(start)[row, col]], puzzle.kinds[shown]
        where = f"at row {row}, column {col}"
        raise UserError(f"the state contradicts its image: {said} {where}, where the image shows {seen}")


def _videos(bucket: _Bucket, stem: str) -> list[Path]:
    """The level's solution clips; with several paths, the one of the lowest number comes first."""
    folder = bucket.path / _VIDEOS
    plain = folder / f"{stem}.mp4"
    paths = (path for path in folder.glob(f"{stem}_*.mp4") if path.stem.removeprefix(f"{stem}_").isdigit())
    return [*([plain] if plain.is_file() else []), *sorted(paths, key=intake.natural)]


def _fps(found: Intake, clip: Path, level: Level) -> float | None:
    """The frame rate of a level's clip; what is wrong with the clip is said."""
    try:
        info = video.probe(clip)
    except UnreadableClipError as error:
        found.note(f"{clip}: {error}; the level comes in without a solution that can be judged")
        return None
    if abs(info.width * level.size[1] / (info.height * level.size[0]) - 1) > _STRETCH:
        sizes = f"{info.width}x{info.height}, its image {level.size[0]}x{level.size[1]}"
        found.note(f"{clip}: the clip has another aspect than its image ({sizes})")
    return info.fps


# -- out -----------------------------------------------------------------------------------------------------
def _write_back(data: DataSet, instance: Instance, out: Path, table: vrtable.Writer) -> bool:
    """Write a level that was imported from VR-Bench as it was; whether it is one."""
    source = data.extra(instance)
    stem = source.get("stem")
    state = data.kept(instance, f"{stem}.json") if source.get("format") == FORM else None
    if state is None:
        return False
    place, videos = Path(*source["place"]), list(source["videos"])
    stem = str(stem)
    _copy(data.first_frame(instance), out / place / _IMAGES / f"{stem}.png")
    _copy(state, out / place / _STATES / state.name)
    truth = data.truth(instance)
    for name, clip in zip(videos, [truth, *(data.kept(instance, name) for name in videos[1:])], strict=False):
        if clip is not None:
            _copy(clip, out / place / _VIDEOS / name)
    if source.get("table"):
        table.keep(source["place"], source["table"])
    else:
        table.add(_row(place, stem, videos[0] if videos else "", instance))
    return True


def _write_new(
    data: DataSet, instance: Instance, position: int, out: Path, table: vrtable.Writer, numbers: Counter[Path]
) -> None:
    """Write a level of ours."""
    game = PUZZLES[str(instance.scene["puzzle"])]
    split = [_OURS[instance.split]] if instance.split in _OURS else []
    place = Path(*split, game.folder, re.sub(r"[^\w.-]+", "_", instance.style), instance.level)
    numbers[place] += 1
    stem = f"{instance.level}_{numbers[place]:04d}"
    record = game.state_json(instance)
    record["metadata"] |= {_OWN: instance.to_json(), _PLACE: position}
    if instance.skinned:
        dataset.keep_skin(out, instance)
    _copy(data.first_frame(instance), out / place / _IMAGES / f"{stem}.png")
    dataset.write_file(out / place / _STATES / f"{stem}.json", dataset.dumps(record))
    truth = data.truth(instance)
    if truth is not None:
        _copy(truth, out / place / _VIDEOS / f"{stem}.mp4")
    table.add(_row(place, stem, f"{stem}.mp4" if truth is not None else "", instance))


def _row(place: Path, stem: str, clip: str, instance: Instance) -> dict[str, str]:
    return {
        "video": (place / _VIDEOS / clip).as_posix() if clip else "",
        "prompt": instance.prompt,
        "input_image": (place / _IMAGES / f"{stem}.png").as_posix(),
    }


def _copy(source: Path, target: Path) -> None:
    try:
        dataset.write_file(target, source.read_bytes())
    except OSError as error:
        raise GenreasonError(f"cannot read {source}: {error.strerror}") from error
