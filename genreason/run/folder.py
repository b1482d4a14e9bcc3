"""A run folder: who answered what, and what the judges said."""

from __future__ import annotations

import hashlib
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import genreason
from genreason.formats import dataset
from genreason.formats.dataset import DataSet
from genreason.run import files
from genreason.types import SCHEMA, Instance, Json, UserError

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, what is done of it, and the total."""
GO_ON = "run the command that made it again"


def versions() -> dict[str, str]:
    """Versions of what decides how clips and verdicts come out."""
    found = {"genreason": genreason.__version__, "python": platform.python_version()}
    for name in ("numpy", "opencv-python-headless", "av"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def stamp() -> Json:
    """When, by which command and with which versions something was made."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return {"command": shlex.join(["genreason", *sys.argv[1:]]), "created": created, "versions": versions()}


@dataclass(frozen=True, slots=True)
class ClipRecord:
    """One clip that was asked for: `path` is where it lies or should, `digest` its bytes' hash or None."""

    k: int
    path: Path
    digest: str | None


class RunFolder:
    """A run on disk.

    Attributes:
        root: its folder.
        manifest: who was asked what, and which judges graded.
    """

    def __init__(self, root: Path) -> None:
        """Open a run.

        Raises:
            UserError: the folder holds none.
        """
        self.root = root
        mend = "genreason generate or genreason run makes a run folder"
        self.manifest = files.read_json(root / "manifest.json", mend)
        if "generator" not in self.manifest:
            raise UserError(f"{root} is a data set, not a run: {mend}")
        if self.manifest.get("schema") != SCHEMA:
            raise UserError(
                f"{root} has schema {self.manifest.get('schema')}, this version reads {SCHEMA}: update"
            )

    @classmethod
    def open_or_create(cls, root: Path, data: DataSet, header: Json) -> RunFolder:
        """Begin a run, or go on with the one that is there.

        Args:
            root: the folder.
            data: what is asked.
            header: of the manifest: `generator`, `seed`, `samples`, `profile`, `cards`.

        Raises:
            UserError: the folder holds a run of another data set, generator or seed, or other files.
        """
        manifest = {
            "schema": SCHEMA,
            "name": header["generator"]["name"],
            "data": _relative(data.root, root),
            "data_hash": data.hash,
            "judges": {},
            **header,
            **stamp(),
        }
        if (root / "manifest.json").exists():
            run = cls(root)
            run._must_equal(manifest)
            if manifest["samples"] > run.manifest["samples"]:
                run.update(samples=manifest["samples"])
        else:
            if root.is_dir() and any(not p.name.startswith(".") and p.name != "data" for p in root.iterdir()):
                raise UserError(f"{root} is not empty and holds no run: give another --out")
            files.write_json(root / "manifest.json", manifest)
            run = cls(root)
        text = "".join(files.line(instance.to_json()) for instance in data.instances)
        if not (root / "instances.jsonl").is_file():
            files.write_text(root / "instances.jsonl", text)
        return run

    def _must_equal(self, new: Json) -> None:
        names = {"generator": "generator", "data_hash": "data set", "seed": "seed", "profile": "profile"}
        for key, noun in names.items():
            old_value, new_value = self.manifest.get(key), new.get(key)
            if old_value == new_value:
                continue
            if key == "data_hash":
                old_value, new_value = self.manifest.get("data"), new["data"]
            raise UserError(
                f"{self.root} is a run of the {noun} {_short(old_value)}, not {_short(new_value)}: "
                "give another --out"
            )

    def update(self, **changes: object) -> None:
        """Change the manifest."""
        self.manifest = {**self.manifest, **changes}
        files.write_json(self.root / "manifest.json", self.manifest)

    @property
    def samples(self) -> int:
        """Clips per instance."""
        return int(self.manifest["samples"])

    @property
    def data_root(self) -> Path:
        """Where the data set is (it may have gone since)."""
        path = Path(self.manifest["data"])
        return self.root / path if (self.root / path).exists() else path

    def instances(self) -> list[Instance]:
        """What was asked; with first frames and textures from the data set where they are needed.

        Raises:
            UserError: they are missing, or the data set is where it is needed.
        """
        path = self.root / "instances.jsonl"
        found = [Instance.from_json(record) for record in files.read_lines(path)]
        if not found:
            raise UserError(f"{path} is missing or empty: {GO_ON}")
        if not any(instance.foreign or instance.skinned for instance in found):
            return found
        root = DataSet.open(self.data_root).root
        return [dataset.located(root, instance) for instance in found]

    def clips(self, instances: Sequence[Instance]) -> dict[str, list[ClipRecord]]:
        """The clips of every instance, by sample id: generated here, or recorded where they lie."""
        recorded: dict[tuple[str, int], Path] = {}
        for record in files.read_lines(self.root / "clips.jsonl"):
            recorded[record["sample"], record["k"]] = self.root / record["path"]
        found: dict[str, list[ClipRecord]] = {}
        for instance in instances:
            records = []
            for k in range(self.samples):
                path = recorded.get((instance.sample_id, k), self.clip_path(instance, k))
                records.append(ClipRecord(k, path, _digest(path)))
            found[instance.sample_id] = records
        return found

    def clip_path(self, instance: Instance, k: int) -> Path:
        """Where a generated clip lies."""
        return self.root / "clips" / instance.sample_id / f"{k}.mp4"

    def verdicts_path(self, judge: str) -> Path:
        """Where a judge's verdicts lie."""
        return self.root / "verdicts" / f"{judge}.jsonl"

    def ledger_path(self, judge: str) -> Path:
        """Where it is kept what a judge cost."""
        return self.root / "ledgers" / f"{judge}.jsonl"

    def verdicts(self, judge: str) -> list[Json]:
        """The judge's verdicts so far."""
        return list(files.read_lines(self.verdicts_path(judge)))


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def _relative(data: Path, root: Path) -> str:
    """A data set inside the run is recorded relative to it, so that the run can be moved."""
    data, root = data.resolve(), root.resolve()
    return str(data.relative_to(root)) if data.is_relative_to(root) else str(data)


def _short(value: object) -> str:
    if isinstance(value, dict) and "name" in value:
        options = {k: v for k, v in value.get("options", {}).items() if v is not None}
        return f"{value['name']}{' ' + str(options) if options else ''}"
    return str(value)
