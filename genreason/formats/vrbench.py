"""VR-Bench's data (arXiv 2511.15065): read its levels, write ours in its form.

Layout: `[train|eval/]<game>/<skin>/<difficulty>/{images,states,videos}`, in it `<difficulty>_<number>` with
the ending .png, .json or .mp4, clips also `<difficulty>_<number>_<path>.mp4`; a `metadata.csv` (columns
video, prompt, input_image) beside or above it. What states hold: `genreason.formats.vrstate`.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genreason import seeds
from genreason.cards import Motion
from genreason.formats import dataset, intake
from genreason.formats.dataset import DataSet
from genreason.formats.intake import Intake, Sample
from genreason.formats.vrstate import GAMES, Level, parse, state_json
from genreason.puzzles import base
from genreason.render.lattice import Lattice
from genreason.task import fingerprint
from genreason.types import GenreasonError, Instance, Json, UserError

_STATES, _IMAGES, _VIDEOS = "states", "images", "videos"
_TABLE, _COLUMNS = "metadata.csv", ("video", "prompt", "input_image")
_SPLITS = ("train", "eval")
_PROMPTS = {
    "maze": (
        "Create a 2D animation based on the provided image of a maze. The player slides smoothly along the "
        "floor and stops exactly on the goal. It never enters or crosses a wall. The maze, the goal and all "
        "else stay as they are. The camera stands still: no zoom, no pan."
    ),
    "sokoban": (
        "Create a 2D animation based on the provided image of a Sokoban puzzle. The player slides smoothly "
        "along the floor and pushes each box from behind, one cell at a time, until every box stands exactly "
        "on a target. It never pulls a box and nothing enters a wall. Walls and targets stay as they are. "
        "The camera stands still: no zoom, no pan."
    ),
}


def read(source: Path, out: Path) -> DataSet:
    """Import the levels below `source`, which may be the root, a split, a game, a skin or a difficulty.

    A level that cannot be used is named on standard error and left out; of games that have no puzzle here,
    the levels are counted.

    Raises:
        UserError: there is no such folder, or none of its levels can be used.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder")
    found = Intake(out=out, form="vrbench")
    others: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for bucket in _buckets(source):
        for file in sorted((bucket.path / _STATES).glob("*.json"), key=intake.natural):
            try:
                record = dataset.read_json(file)
                game = str(record.get("game_type"))
                if game not in GAMES:
                    others[game] += 1
                    continue
                sample = _sample(bucket, file, record, numbers[game])
                found.add(sample)
            except UserError as error:
                found.skip(f"{file.relative_to(source)}: {error}")
                continue
            numbers[game] += 1
    for game, count in sorted(others.items()):
        found.skip(f"{count} levels of {game}: there is no such puzzle here yet")
    return found.finish(source)


def write(data: DataSet, out: Path) -> int:
    """Export mazes and sokobans with images, states, clips and metadata.csv.

    Levels that were imported from VR-Bench get their old names and states back; others are numbered from 1 in
    each style and level, and their states carry the instance under `metadata.genreason`: nothing is lost.

    Returns:
        The number of levels.

    Raises:
        UserError: none of the samples is a maze or sokoban.
        GenreasonError: a file cannot be written.
    """
    rows: list[dict[str, str]] = []
    left: Counter[str] = Counter()
    numbers: Counter[Path] = Counter()
    for instance in data.instances:
        if instance.scene.get("puzzle") not in GAMES:
            left[instance.task] += 1
            continue
        rows.append(_write_level(data, instance, out, numbers))
    for task, count in sorted(left.items()):
        print(f"left out {count} samples of {task}: VR-Bench has no form for them here", file=sys.stderr)
    if not rows:
        raise UserError(f"{data.root}: holds no {' or '.join(GAMES)} to write as vrbench")
    lines = [_COLUMNS, *(tuple(row[name] for name in _COLUMNS) for row in rows)]
    dataset.write_file(out / _TABLE, _csv(lines))
    return len(rows)


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


def _sample(bucket: _Bucket, file: Path, record: Json, index: int) -> Sample:
    image = bucket.path / _IMAGES / f"{file.stem}.png"
    picture = dataset.read_picture(image)
    level = parse(record, (picture.shape[1], picture.shape[0]))
    videos = _videos(bucket, file.stem)
    source = {
        "format": "vrbench",
        "place": bucket.place,
        "stem": file.stem,
        "videos": [clip.name for clip in videos],
        "state": record,
    }
    truth = videos[0] if videos else None
    instance = _ours(record, level, image) or _foreign(bucket, file, record, level, image, truth, index)
    given = _prompt(bucket.path, [image, *videos])
    if given is not None and instance.foreign:
        instance = Instance.from_json({**instance.to_json(), "prompt": given}, image)
    return Sample(instance=instance, first_frame=image, source=source, truth=truth)


def _ours(record: Json, level: Level, image: Path) -> Instance | None:
    """The instance that `write` put into the state.

    Raises:
        UserError: it is not the one that the rest of the state shows.
    """
    own = record.get("metadata", {}).get("genreason")
    if not isinstance(own, dict):
        return None
    try:
        instance = Instance.from_json(own, image)
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"metadata.genreason is no instance ({error})") from error
    puzzle = base.load(level.puzzle)
    if puzzle.decode(instance.state, instance.goal) != puzzle.decode(level.state, level.goal):
        raise UserError("metadata.genreason is another puzzle than the grid")
    return instance


def _foreign(
    bucket: _Bucket, file: Path, record: Json, level: Level, image: Path, truth: Path | None, index: int
) -> Instance:
    puzzle = base.load(level.puzzle)
    start = puzzle.decode(level.state, level.goal)
    state, goal = puzzle.encode(start)
    motion: Json = Motion.model_validate({}).model_dump(mode="json")
    digest = hashlib.blake2b(image.read_bytes(), digest_size=16).hexdigest()
    return Instance(
        key=seeds.key("vrbench", *bucket.place, file.stem, record, digest),
        task=level.puzzle,
        version=1,
        level=bucket.difficulty,
        split=bucket.split or "eval",
        seed=0,
        index=index,
        style=f"vrbench:{bucket.skin}",
        state=state,
        goal=goal,
        prompt=_PROMPTS[level.puzzle],
        fingerprint=fingerprint(puzzle, start),
        size=level.size,
        fps=intake.clip_fps(truth),
        scene={"puzzle": level.puzzle, "grid": level.lattice.to_json(), "foreign": True, "motion": motion},
        first_frame=image,
    )


def _videos(bucket: _Bucket, stem: str) -> list[Path]:
    """The level's solution clips; with several paths, the one of the lowest number comes first."""
    folder = bucket.path / _VIDEOS
    plain = folder / f"{stem}.mp4"
    paths = (path for path in folder.glob(f"{stem}_*.mp4") if path.stem.removeprefix(f"{stem}_").isdigit())
    return [*([plain] if plain.is_file() else []), *sorted(paths, key=intake.natural)]


def _prompt(folder: Path, files: list[Path]) -> str | None:
    """What a metadata.csv beside or above the level says of one of its files."""
    absolute = folder.resolve()
    for place in (absolute, *list(absolute.parents)[:5]):
        table = _table(place)
        for file in files:
            if (known := table.get(file.resolve())) is not None:
                return known
    return None


@functools.lru_cache(maxsize=64)
def _table(folder: Path) -> dict[Path, str]:
    path = folder / _TABLE
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row.get("prompt")]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    files = ("video", "input_image")
    return {folder / row[name]: row["prompt"] for row in rows for name in files if row.get(name)}


def _csv(lines: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _copy(source: Path, target: Path) -> None:
    try:
        dataset.write_file(target, source.read_bytes())
    except OSError as error:
        raise GenreasonError(f"cannot read {source}: {error.strerror}") from error


def _write_level(data: DataSet, instance: Instance, out: Path, numbers: Counter[Path]) -> dict[str, str]:
    """Write one level; returns its row of metadata.csv."""
    source = data.extra(instance)
    game = str(instance.scene["puzzle"])
    if source.get("format") == "vrbench" and instance.foreign:
        place, stem, record = Path(*source["place"]), str(source["stem"]), source["state"]
        clip = source["videos"][0] if source["videos"] else f"{stem}.mp4"
    else:
        place = Path(game, re.sub(r"[^\w.-]+", "_", instance.style), instance.level)
        numbers[place] += 1
        stem = f"{instance.level}_{numbers[place]:04d}"
        clip = f"{stem}.mp4"
        lattice = Lattice.from_json(instance.scene["grid"])
        record = state_json(game, instance.state, instance.goal, lattice, instance.size)
        record["metadata"]["genreason"] = instance.to_json()
    image, video = place / _IMAGES / f"{stem}.png", place / _VIDEOS / clip
    _copy(data.first_frame(instance), out / image)
    truth = data.truth(instance)
    if truth is not None:
        _copy(truth, out / video)
    dataset.write_file(out / place / _STATES / f"{stem}.json", dataset.dumps(record))
    return {
        "video": video.as_posix() if truth is not None else "",
        "prompt": instance.prompt,
        "input_image": image.as_posix(),
    }
