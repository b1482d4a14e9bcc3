"""Run folders as the report reads them: one `JudgedRun` for each judge that graded a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from genreason.judge import PROGRAMS
from genreason.types import SCHEMA, Json, UserError

STATUSES = ("pass", "fail", "unscored")
_STALE = "the verdict is of another instance: judge again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One clip as one judge saw it; evidence stays on disk, since the tracks of a big run fill memory.

    Attributes:
        file, offset, length: where the verdict line lies; `file` is None for a clip without a verdict.
    """

    sample: str
    k: int
    status: str
    score: float | None = None
    checks: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    violations: list[Json] = field(default_factory=list)
    reason: str = ""
    file: Path | None = None
    offset: int = 0
    length: int = 0

    @property
    def scored(self) -> bool:
        """Whether the judge could say pass or fail."""
        return self.status != "unscored"

    @property
    def broken(self) -> list[str]:
        """Names of the checks that do not hold (below 1.0)."""
        return [name for name, value in self.checks.items() if value < 1.0]

    def evidence(self) -> Json:
        """Read the verdict's evidence (track, frame rate, sizes) back from the verdict file."""
        if self.file is None:
            return {}
        with self.file.open("rb") as stream:
            stream.seek(self.offset)
            evidence: Json = json.loads(stream.read(self.length)).get("evidence") or {}
        return evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """A run folder and the verdicts of one judge, one row for each clip that was asked for."""

    path: Path
    name: str
    judge: str
    manifest: Json
    instances: dict[str, Json]
    rows: list[Row]
    clips: dict[tuple[str, int], Path]
    floors: Json | None
    gate: Json | None

    @property
    def generator(self) -> str:
        """Name of the generator that answered."""
        return str(self._generator.get("name", "?"))

    @property
    def expect(self) -> str | None:
        """What the generator's card says must come out: "pass", "fail", or None for a model."""
        expect = self._generator.get("expect")
        return None if expect is None else str(expect)

    @property
    def _generator(self) -> Json:
        generator = self.manifest.get("generator") or {}
        return generator if isinstance(generator, dict) else {"name": generator}

    def clip(self, row: Row) -> Path | None:
        """The clip's file, where it exists."""
        path = self.clips.get((row.sample, row.k), self.path / "clips" / row.sample / f"{row.k}.mp4")
        return path if path.is_file() else None

    def sample_folder(self, sample: str) -> Path | None:
        """The sample's folder in the data set, or None when the data set is not at hand."""
        data = self.manifest.get("data")
        if not data:
            return None
        root = _locate(str(data), self.path)
        return root / f"{self.instances[sample]['task']}_task" / sample


def load_runs(paths: Sequence[Path]) -> list[JudgedRun]:
    """Read run folders; names that occur twice are told apart by folder or judge.

    Raises:
        UserError: no folder given, one is not a run folder, was not judged, or holds what cannot be read.
    """
    if not paths:
        raise UserError("no run folder given: genreason report RUN...")
    runs = [run for path in paths for run in _load(path)]
    names = [run.name for run in runs]
    labels: list[str] = []
    for run in runs:
        label = run.name if names.count(run.name) == 1 else f"{run.name} ({run.judge})"
        if label in labels:
            label = f"{run.name} ({run.judge}, {run.path.resolve().name})"
        labels.append(label if label not in labels else f"{label} {len(labels) + 1}")
    return [replace(run, name=label) for run, label in zip(runs, labels, strict=True)]


def _load(path: Path) -> Iterator[JudgedRun]:
    if not (path / "manifest.json").is_file():
        raise UserError(
            f"{path} is not a run folder (no manifest.json): genreason generate or judge makes one"
        )
    manifest = _document(path / "manifest.json")
    if manifest.get("schema", SCHEMA) != SCHEMA:
        raise UserError(
            f"{path} has schema {manifest['schema']}, this version reads {SCHEMA}: update genreason"
        )
    verdicts = sorted((path / "verdicts").glob("*.jsonl"))
    if not verdicts:
        raise UserError(f"{path} has no verdicts: run genreason judge rules --run {path}")
    instances = {f"{r['task']}_{r['index']:04d}": r for r, _, _ in _lines(path / "instances.jsonl")}
    recorded = [record for record, _, _ in _lines(path / "clips.jsonl")]
    clips = {(str(r["sample"]), int(r["k"])): _locate(str(r["path"]), path) for r in recorded}
    for file in verdicts:
        yield JudgedRun(
            path=path,
            name=str(manifest.get("name") or path.resolve().name),
            judge=file.stem,
            manifest=manifest,
            instances=instances,
            rows=_rows(file, instances, manifest.get("samples", 1)),
            clips=clips,
            floors=_floors(path, file.stem, manifest, {record["task"] for record in instances.values()}),
            gate=_optional(path / "gate.json"),
        )


def _floors(path: Path, judge: str, manifest: Json, tasks: set[str]) -> Json | None:
    """The floors by this judge: in floors.json (the program's), or in its calibration."""
    if ((manifest.get("judges") or {}).get(judge) or {}).get("kind", PROGRAMS[0]) in PROGRAMS:
        return _optional(path / "floors.json")
    found = (_optional(path / "calibration" / f"{judge}.json") or {}).get("floors") or {}
    return {name: {task: by[task] for task in by if task in tasks} for name, by in found.items()}


def _rows(file: Path, instances: dict[str, Json], samples: object) -> list[Row]:
    """One row a clip in order of (instance, k); of two verdicts on one clip the later counts."""
    found: dict[tuple[str, int], Row] = {}
    for record, offset, length in _lines(file):
        row = _row(record, file, offset, length)
        if row.sample not in instances:
            raise UserError(
                f"{file} grades {row.sample}, which the run's instances.jsonl does not hold: judge again"
            )
        if record.get("key", instances[row.sample]["key"]) != instances[row.sample]["key"]:
            row = Row(sample=row.sample, k=row.k, status="unscored", reason=_STALE)
        found[row.sample, row.k] = row
    asked = samples if isinstance(samples, int) else 1
    for sample in instances:
        for k in range(asked):
            found.setdefault((sample, k), Row(sample=sample, k=k, status="unscored", reason="not judged"))
    order = {sample: i for i, sample in enumerate(instances)}
    return sorted(found.values(), key=lambda row: (order[row.sample], row.k))


def _row(record: Json, file: Path, offset: int, length: int) -> Row:
    try:
        status = record["status"]
        if status not in STATUSES:
            raise UserError(f"{file}: status {status!r} of {record['sample']} is not {', '.join(STATUSES)}")
        return Row(
            sample=str(record["sample"]),
            k=int(record.get("k", 0)),
            status=status,
            score=record.get("score"),
            checks=record.get("checks") or {},
            metrics={k: v for k, v in (record.get("metrics") or {}).items() if v is not None},
            violations=sorted(record.get("violations") or [], key=lambda v: float(v["seconds"])),
            reason=record.get("reason") or "",
            file=file,
            offset=offset,
            length=length,
        )
    except KeyError as error:
        raise UserError(f"{file}: a verdict lacks the field {error}: judge again") from error


def _lines(file: Path) -> Iterator[tuple[Json, int, int]]:
    """Records of a JSON Lines file with byte offset and length; none where the file does not exist.

    A last line without its newline is what a killed writer left: it is skipped.
    """
    if not file.is_file():
        return
    offset = 0
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                record = json.loads(line)
            except ValueError as error:
                if not line.endswith(b"\n"):
                    return
                raise UserError(
                    f"{file} line {number} is not JSON ({error}): delete it and judge again"
                ) from error
            yield record, offset, len(line)
            offset += len(line)


def _document(file: Path) -> Json:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file} is not JSON ({error}): run the command that made it again") from error
    if not isinstance(document, dict):
        raise UserError(f"{file} must hold a JSON object, it holds a {type(document).__name__}")
    return document


def _optional(file: Path) -> Json | None:
    return _document(file) if file.is_file() else None


def _locate(path: str, run: Path) -> Path:
    """A recorded path: absolute, relative to the run folder, or relative to where the command runs."""
    return run / path if (run / path).exists() else Path(path)
