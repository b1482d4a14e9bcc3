"""What all importers do: number samples, write them, say what was left out, finish the data set."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from genreason import video
from genreason.formats import dataset
from genreason.formats.dataset import DataSet
from genreason.types import Frame, Instance, Json, UnreadableClipError, UserError


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One foreign sample, read: the instance, its files, and what else was known of it."""

    instance: Instance
    first_frame: Path
    source: Json
    truth: Path | None = None
    final_frame: Path | None = None


@dataclass(kw_only=True)
class Intake:
    """A data set that is being imported.

    Attributes:
        out: its folder.
        form: the foreign format's name.
        skipped: one line for each thing that was left out.
    """

    out: Path
    form: str
    skipped: list[str] = field(default_factory=list)
    _instances: list[Instance] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Look at the folder.

        Raises:
            UserError: it holds a data set that was not imported from this format.
        """
        if (self.out / dataset.MANIFEST).exists():
            found = dataset.read_json(self.out / dataset.MANIFEST).get("import")
            if not isinstance(found, dict) or found.get("format") != self.form:
                raise UserError(f"{self.out} holds another data set: choose another folder with --out")

    def add(self, sample: Sample) -> None:
        """Write a sample, unless it is there already.

        Raises:
            UserError: another sample has its name.
            GenreasonError: a file cannot be written.
        """
        if sample.instance.sample_id in self._names:
            raise UserError(f"there is another {sample.instance.sample_id} already")
        self._names.add(sample.instance.sample_id)
        if not dataset.is_complete(self.out, sample.instance):
            final: Frame | Path | None = sample.final_frame
            if final is None and sample.truth is not None:
                final = _last_frame(sample.truth)
            dataset.write_sample(
                self.out, sample.instance, sample.first_frame, final, sample.truth, source=sample.source
            )
        self._instances.append(sample.instance)

    def skip(self, line: str) -> None:
        """Say on standard error what was left out and why."""
        self.skipped.append(line)
        print(f"skipped {line}", file=sys.stderr)

    def finish(self, source: Path) -> DataSet:
        """Write the manifest.

        Raises:
            UserError: nothing was imported.
        """
        if not self._instances:
            why = f"; the first of {len(self.skipped)} skipped: {self.skipped[0]}" if self.skipped else ""
            raise UserError(f"{source}: nothing to import as {self.form}{why}")
        record = {"format": self.form, "from": source.resolve().name, "skipped": self.skipped}
        return dataset.write_manifest(self.out, self._instances, {"import": record})


def natural(path: Path | str) -> list[tuple[int, int | str]]:
    """Sort key in which 2 comes before 10."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def clip_fps(truth: Path | None, default: float = 24.0) -> float:
    """The frame rate of a clip, where there is one that can be read."""
    if truth is None:
        return default
    try:
        return video.probe(truth).fps
    except UnreadableClipError:
        return default


def relative(paths: Iterable[Path], root: Path) -> list[str]:
    """The paths as seen from the root of what is imported."""
    return [path.relative_to(root).as_posix() for path in paths]


def _last_frame(clip: Path) -> Frame | None:
    try:
        last = deque(video.read(clip), maxlen=1)
    except UnreadableClipError:
        return None  # the clip is imported as it is, and judged unscored
    return last[0] if last else None
