"""Clips that somebody else made, in a folder: which clip answers which sample."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genreason import video
from genreason.formats.dataset import DataSet
from genreason.formats.intake import natural
from genreason.types import Clip, Instance, Request, UserError

_NUMBERED = re.compile(r"(.+)[-_](\d+)")
_SPLITS = (("train",), ("eval",))  # folders above a game's
_INNER = ("videos", "images")  # what VR-Bench puts below a difficulty: clips may lie in there or beside it


class FolderGenerator:
    """Answers with the clips of a folder.

    A sample's clips are `{sample_id}.mp4`, `{sample_id}-{k}.mp4` and `{sample_id}/{anything}.mp4`, at the top
    or in `{task}_task/`; other endings (.webm, .mov, .mkv, .avi, .gif) count too. For a data set that was
    imported, the names of the place it came from match as well: `easy_0001.mp4`, `easy_0001_2.mp4` or
    `easy_0001/2.mp4` in the folders of its game, skin and difficulty, as far as the folder has those (or all
    of them, below a folder for each model); and so do the clips that it was read from. Where a name fits
    several samples, it matches none.
    """

    def __init__(self, path: Path | str) -> None:
        """Look at a folder.

        Raises:
            UserError: there is none.
        """
        self.path = Path(path)
        if not self.path.is_dir():
            raise UserError(f"{path}: no such folder of clips")
        self._index: dict[str, list[Path]] = {}

    def find(
        self, instances: Sequence[Instance], data: DataSet | None = None
    ) -> tuple[dict[str, list[Path]], list[Path]]:
        """The clips of each sample, in natural order, and those that match nothing.

        Args:
            instances: the samples.
            data: the data set they are from, for the names of the place it was imported from.

        Returns:
            Clips by sample id (samples without clips are left out), and the unmatched files.
        """
        ids = {instance.sample_id: instance for instance in instances}
        places, names = _places(instances, data), _clip_names(instances, data)
        found: dict[str, list[Path]] = defaultdict(list)
        unmatched: list[Path] = []
        for file in sorted(self._files(), key=_order):
            sample = self._by_id(file, ids) or _by_name(file, names) or self._by_place(file, places)
            if sample is None:
                unmatched.append(file)
            else:
                found[sample].append(file)
        return dict(found), unmatched

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """The clip number `seed` of each request's sample; a path that does not exist where there is none."""
        new = [request.instance for request in requests if request.instance.sample_id not in self._index]
        if new:
            found, _ = self.find(new)
            self._index.update({instance.sample_id: found.get(instance.sample_id, []) for instance in new})
        clips = []
        for request in requests:
            sample = request.instance.sample_id
            paths = self._index[sample]
            clips.append(Clip(path=paths[seed] if seed < len(paths) else self.path / sample / f"{seed}.mp4"))
        return clips

    def _files(self) -> Iterator[Path]:
        for file in self.path.rglob("*"):
            if file.suffix.lower() in video.SUFFIXES and not file.name.startswith(".") and file.is_file():
                yield file

    def _by_id(self, file: Path, ids: dict[str, Instance]) -> str | None:
        parts = list(file.relative_to(self.path).parts[:-1])
        for name in _names(file.stem):
            if name in ids and (not parts or parts == [f"{ids[name].task}_task"]):
                return name
        if parts and parts[-1] in ids:
            name = parts.pop()
            if not parts or parts == [f"{ids[name].task}_task"]:
                return name
        return None

    def _by_place(self, file: Path, places: dict[str, list[_Place]]) -> str | None:
        inside = [part for part in file.relative_to(self.path).parts[:-1] if part not in _INNER]
        above = list(self.path.resolve().parts)
        # VR-Bench goes by the first two parts of a name: `easy_0001_0`, `easy_0001_sora-2`.
        for name in (*_names(file.stem), "_".join(file.stem.split("_")[:2])):
            if (sample := _best(inside, above, places.get(name, []))) is not None:
                return sample
        return _best(inside[:-1], above, places.get(inside[-1], [])) if inside else None


def _by_name(file: Path, names: dict[str, dict[str, str]]) -> str | None:
    """The sample whose import names the clip, with the most of its path."""
    path = file.resolve().as_posix()
    fits = [name for name in names.get(file.name, {}) if path.endswith(f"/{name}")]
    return names[file.name][max(fits, key=len)] if fits else None


@dataclass(frozen=True)
class _Place:
    """Where a sample was in the data set it was imported from."""

    sample: str
    folders: tuple[str, ...]


def _places(instances: Sequence[Instance], data: DataSet | None) -> dict[str, list[_Place]]:
    """Places by file name, of the samples that were imported."""
    places: dict[str, list[_Place]] = defaultdict(list)
    if data is None or "import" not in data.manifest:
        return places
    for instance in instances:
        source = data.extra(instance)
        if "stem" in source and "place" in source:
            places[source["stem"]].append(_Place(instance.sample_id, tuple(source["place"])))
    return places


def _clip_names(instances: Sequence[Instance], data: DataSet | None) -> dict[str, dict[str, str]]:
    """Samples that were read from clips: by file name, by the clips' paths below what was imported."""
    names: dict[str, dict[str, str]] = defaultdict(dict)
    if data is None or "import" not in data.manifest:
        return names
    for instance in instances:
        for name in data.extra(instance).get("clips", []):
            names[name.rpartition("/")[2]][name] = instance.sample_id
    return names


def _best(inside: list[str], above: list[str], places: list[_Place]) -> str | None:
    """The one sample whose folders fit best: those inside the clips' folder must fit, those above it decide.

    The last folder may be missing: VR-Bench tells the difficulty in the file's name. More folders may be
    there, such as one for each model, where game and skin fit.
    """
    path = [*above, *inside]
    scores: dict[str, int] = {}
    for place in places:
        for folders in (place.folders, place.folders[:-1]):
            common = _common_end(path, folders)
            whole = len(folders) - (folders[:1] in _SPLITS)
            if common >= min(len(inside), max(whole, 2)):
                scores[place.sample] = max(common, scores.get(place.sample, 0))
    best = [sample for sample, score in scores.items() if score == max(scores.values())]
    return best[0] if len(best) == 1 else None


def _common_end(path: Sequence[str], folders: Sequence[str]) -> int:
    count = 0
    for one, other in zip(reversed(path), reversed(folders), strict=False):
        if one != other:
            break
        count += 1
    return count


def _names(stem: str) -> list[str]:
    """Names that a file may be of: its own, and that before a number at its end."""
    numbered = _NUMBERED.fullmatch(stem)
    return [stem, numbered[1]] if numbered else [stem]


def _order(file: Path) -> list[tuple[int, int | str]]:
    """Natural order without the ending: `maze_0000` before `maze_0000-2`, 2 before 10."""
    return natural(file.with_suffix("").as_posix())
