"""Stage one: puzzles, their pictures and their solutions, as a data set."""

from __future__ import annotations

import functools
from pathlib import Path

from genreason.cards import SuiteCard, TaskCard
from genreason.executor import run_map
from genreason.formats import dataset
from genreason.formats.dataset import DataSet
from genreason.generate import oracle
from genreason.run import files
from genreason.run.folder import Progress, stamp
from genreason.task import FPS, Task, views
from genreason.types import SCHEMA, Instance, Json, UserError
from genreason.video import Profile

REQUEST = "making.json"  # what is being made: there until the manifest is


def make(
    card: TaskCard | SuiteCard,
    out: Path,
    *,
    level: str | None = None,
    n: int | None = None,
    split: str | None = None,
    style: str | None = None,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    fps: float = FPS,
    prompt: str | None = None,
    profile: Profile = "preview",
    truth: bool = True,
    workers: int = 1,
    progress: Progress | None = None,
) -> DataSet:
    """Make the data set of a task or suite; samples that are there already are kept.

    Args:
        card: what is made.
        out: the data set's folder.
        level: of a task; for a suite it keeps only the entries of that level.
        n: how many puzzles (of each entry of a suite).
        split: see `Task`; "test" for a task, as the entries say for a suite.
        style: see `Task`.
        seed: see `Task`.
        size: (width, height) of the frames in pixels; None takes each level's.
        fps: frames per second.
        prompt: see `Task`.
        profile: of the solution clips, "preview" or "exact".
        truth: whether solution clips are written.
        workers: processes.
        progress: told after each sample.

    Raises:
        UserError: a name does not exist, or the folder holds something else.
        GenreasonError: the disk is full.
    """
    if n is not None and n < 1:
        raise UserError(f"n is {n}: make 1 or more")
    parts = views(
        card, level=level, n=n, split=split, style=style, seed=seed, size=size, fps=fps, prompt=prompt
    )
    items = [(view.source, i) for view in parts for i in view.indices if isinstance(view.source, Task)]
    request: Json = {
        "card": card.name,
        "card_hash": card.hash,
        "entries": [
            {
                "task": t.card.name,
                "card": t.card.hash,
                "level": t.level,
                "split": t.split,
                "style": t.style,
                "n": n,
            }
            for t, n in ((v.source, len(v)) for v in parts)
            if isinstance(t, Task)
        ],
        "seed": seed,
        "size": None if size is None else list(size),
        "fps": fps,
        "prompt": prompt,
        "profile": profile,
        "truth": truth,
    }
    with files.disk(out):
        _begin(out, request)
        files.clear_parts(out, "*_task/*")
        fn = functools.partial(_make_one, out, profile, truth)
        tell = None if progress is None else functools.partial(_tell, progress, "make", len(items))
        instances = list(run_map(fn, items, workers=workers, progress=tell))
        if not (out / "manifest.json").exists():
            different = len({instance.fingerprint for instance in instances})
            header = {"schema": SCHEMA, "request": request, "different_puzzles": different, **stamp()}
            dataset.write_manifest(out, instances, header)
        (out / REQUEST).unlink(missing_ok=True)
    return DataSet.open(out)


def _tell(progress: Progress, stage: str, total: int, done: int) -> None:
    progress(stage, done, total)


def _begin(out: Path, request: Json) -> None:
    """Refuse a folder that holds something else than this request's samples."""
    if (out / "manifest.json").exists():
        before = files.read_json(out / "manifest.json", "delete it to make the data set anew").get("request")
        if before is None:
            raise UserError(f"{out} holds a data set or run that make did not make: give another --out")
    elif (out / REQUEST).exists() and any(out.glob("*_task/*")):
        before = files.read_json(out / REQUEST, "delete it and run the same command again")
    elif out.is_dir() and any(path.name != REQUEST for path in out.iterdir()):
        raise UserError(f"{out} is not empty and holds no data set: give another --out")
    else:
        files.write_json(out / REQUEST, request)
        return
    for key, value in request.items():
        if before.get(key) != value:
            raise UserError(
                f"{out} was made with {_show(key, before.get(key))}, not {_show(key, value)}: "
                "give another --out"
            )


def _show(key: str, value: object) -> str:
    if key == "entries" and isinstance(value, list):
        parts = [
            f"{e['n']} x {e['task']}/{e['level']}/{e['split']}/{e['style'] or 'all styles'}" for e in value
        ]
        return ", ".join(parts)
    return f"{key} {value}"


def _make_one(out: Path, profile: Profile, truth: bool, item: tuple[Task, int]) -> Instance:
    task, index = item
    instance = task[index]
    if dataset.is_complete(out, instance):
        return instance
    first, last = task.puzzle.picture(instance), oracle.solved_picture(instance)
    clip = oracle.solution_clip(instance) if truth else None
    dataset.write_sample(out, instance, first, last, clip, profile=profile)
    return instance
