"""What all importers do: number samples, write them, say what was left out, finish the data set."""

from __future__ import annotations

import itertools
import re
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genreason import video
from genreason.formats import dataset
from genreason.formats.dataset import DataSet
from genreason.perceive.follow import follow
from genreason.puzzles import base
from genreason.replay import Tolerances
from genreason.types import Frame, GenreasonError, Instance, Json, UnreadableClipError, UserError

FPS = 24.0  # of solutions, where no clip tells another
TIME_LIMIT = 5.0  # CPU-seconds for following the moves of one clip


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One foreign sample, read: the instance, its files, and what else was known of it.

    Attributes:
        instance: the puzzle.
        first_frame: its picture.
        source: what is needed to write it back, and to match clips that answer it.
        truth: the solution clip.
        final_frame: the last frame of the solution, where there is a picture of it.
        kept: more foreign files that are kept as they are.
        others: those of them that are solution clips, too, of other ways.
    """

    instance: Instance
    first_frame: Path
    source: Json
    truth: Path | None = None
    final_frame: Path | None = None
    kept: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()


@dataclass(kw_only=True)
class Intake:
    """A data set that is being imported.

    Attributes:
        out: its folder.
        form: the foreign format's name.
        skipped: one line for each thing that was left out.
        notes: one line for each thing that was taken, but is not as it should be.
    """

    out: Path
    form: str
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
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
        if dataset.is_complete(self.out, sample.instance):
            instance = self._written(sample.instance)
        else:
            instance = with_solution(sample.instance, sample.truth, sample.others)
            final: Frame | Path | None = sample.final_frame
            if final is None and sample.truth is not None:
                final = _last_frame(sample.truth)
            dataset.write_sample(
                self.out, instance, sample.first_frame, final, sample.truth,
                source=sample.source, kept=sample.kept,
            )  # fmt: skip
        self._instances.append(instance)

    def _written(self, instance: Instance) -> Instance:
        """The sample as an earlier call wrote it, with the solution that was found then."""
        record = dataset.read_json(dataset.sample_folder(self.out, instance) / dataset.METADATA)
        return dataset.located(self.out, Instance.from_json(record))

    def skip(self, line: str) -> None:
        """Say on standard error what was left out and why."""
        self.skipped.append(line)
        print(f"skipped {line}", file=sys.stderr)

    def note(self, line: str) -> None:
        """Say on standard error what is not as it should be, though it was taken."""
        self.notes.append(line)
        print(f"note: {line}", file=sys.stderr)

    def sort(self, places: Mapping[str, object]) -> None:
        """Bring samples into the order that they had, where the place of each (by sample id) is known."""
        known = {name: place for name, place in places.items() if isinstance(place, int)}
        if len(known) == len(self._instances):
            self._instances.sort(key=lambda instance: known[instance.sample_id])

    def finish(self, source: Path) -> DataSet:
        """Write the manifest.

        Raises:
            UserError: nothing was imported.
        """
        if not self._instances:
            why = f"; the first of {len(self.skipped)} skipped: {self.skipped[0]}" if self.skipped else ""
            raise UserError(f"{source}: nothing to import as {self.form}{why}")
        record: Json = {"format": self.form, "from": source.resolve().name}
        record |= {"skipped": self.skipped, "notes": self.notes}
        return dataset.write_manifest(self.out, self._instances, {"import": record})


def with_solution(instance: Instance, truth: Path | None, others: Iterable[Path] = ()) -> Instance:
    """The instance with the moves of its reference solution under `scene["solution"]`.

    They are those that the data's own clip shows, because several ways can be equally short and metrics that
    compare with a reference mean that one; the solver's, where there is no clip or it shows no solution; and
    none, where the solver finds none either. Where `others` are solution clips of other ways, the moves of
    all are under `scene["solutions"]`, in their order.
    """
    if instance.scene.get("puzzle") is None or "solution" in instance.scene:
        return instance
    moves = None if truth is None else _shown(instance, truth)
    if moves is None:
        puzzle = base.load(instance.scene["puzzle"])
        try:
            found = puzzle.solve(puzzle.start(instance))
        except GenreasonError:  # it was given up, which makes the sample no worse
            found = None
        if found is None:
            return instance
        moves = found.moves
    ways = [list(moves)]
    for clip in others:
        other = _shown(instance, clip)
        if other is not None and list(other) not in ways:
            ways.append(list(other))
    several = {"solutions": ways} if len(ways) > 1 else {}
    return replace(instance, scene={**instance.scene, "solution": ways[0], **several})


def _shown(instance: Instance, truth: Path) -> tuple[Any, ...] | None:
    """The moves that a clip shows from the start to the goal, if it shows only legal ones.

    Every other frame is enough for it: a move takes several, and nothing is judged here.
    """
    puzzle = base.load_pieces(instance.scene["puzzle"])
    state = puzzle.start(instance)
    try:
        track = follow(
            puzzle.board(instance), puzzle.places(state), puzzle.picture(instance),
            itertools.islice(video.read(truth), 0, None, 2), instance.fps, time_limit=TIME_LIMIT,
        )  # fmt: skip
    except GenreasonError:  # unreadable, or too slow to read
        return None
    trace = puzzle.trace(state, track, Tolerances())
    if trace.broken_at is not None or not puzzle.done(trace.end):
        return None
    return _without_loops(puzzle, state, trace.moves)


def _without_loops(puzzle: base.Puzzle[Any, Any], state: Any, moves: Iterable[Any]) -> tuple[Any, ...]:
    """The moves without those that lead back to where they began.

    References have none, but where roads cross in the picture, some may be seen.
    """
    way: list[Any] = []
    been = [state]
    for move in moves:
        after = puzzle.step(been[-1], move)
        if after in been:
            place = been.index(after)
            del way[place:], been[place + 1 :]
        else:
            way.append(move)
            been.append(after)
    return tuple(way)


def natural(path: Path | str) -> list[tuple[int, int | str]]:
    """Sort key in which 2 comes before 10."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def clip_fps(truth: Path | None, default: float = FPS) -> float:
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
