"""Stage two: a generator answers every instance of a data set."""

from __future__ import annotations

import functools
import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from genreason import cards, seeds, video
from genreason import generate as registry
from genreason.cards import GeneratorCard
from genreason.executor import run_map
from genreason.formats.dataset import DataSet
from genreason.puzzles import base
from genreason.run import files
from genreason.run.folder import Progress, RunFolder
from genreason.types import SCHEMA, Clip, Frame, Generator, Instance, Json, Request, UserError
from genreason.video import Profile

Batch = tuple[int, tuple[Instance, ...]]
"""Sample number k and the instances that are asked at once."""


def generate(
    card: GeneratorCard,
    data: DataSet,
    root: Path,
    *,
    options: Json | None = None,
    samples: int = 1,
    seed: int = 0,
    profile: Profile = "preview",
    workers: int = 1,
    progress: Progress | None = None,
) -> RunFolder:
    """Ask the generator for `samples` clips of every instance; clips that are there already are kept.

    Args:
        card: the generator.
        data: what is asked.
        root: the run folder.
        options: over the card's.
        samples: clips per instance; a later call may ask for more.
        seed: of the run; each sample number gets a seed of its own from it.
        profile: of the clips that are written, "preview" or "exact".
        workers: processes, each with a generator of its own.
        progress: told after each clip.

    Raises:
        UserError: an option does not exist, or the folder holds another run.
        GenreasonError: the disk is full, or the generator failed.
    """
    if samples < 1:
        raise UserError(f"samples is {samples}: ask for 1 or more")
    merged = cards.with_options(card, options or {})
    if card.kind == "folder":
        from genreason.run.judging import attach

        return attach(data, merged["path"], root)
    header = {
        "generator": {"name": card.name, "kind": card.kind, "expect": card.expect, "options": merged},
        "seed": seed,
        "samples": samples,
        "profile": profile,
        "cards": {f"generators/{card.name}": card.hash},
    }
    registry.load(card, merged, root / "jobs")  # a wrong option shows before anything is written
    with files.disk(root):
        run = RunFolder.open_or_create(root, data, header)
        files.clear_parts(root, "clips/*")
        total = samples * len(data)
        missing = [list(_missing(run, data.instances, k)) for k in range(samples)]
        kept = total - sum(len(instances) for instances in missing)
        batches = [(k, batch) for k in range(samples) for batch in _batches(missing[k], card.batch)]
        fn = functools.partial(_generate_batch, root, card, merged, seed, profile)
        done = kept
        for count in run_map(fn, batches, workers=workers):
            done += count
            if progress is not None:
                progress("generate", done, total)
    return run


def _missing(run: RunFolder, instances: Sequence[Instance], k: int) -> Iterator[Instance]:
    """Instances whose k-th clip is not there: the record beside a clip is written after it."""
    for instance in instances:
        path = run.clip_path(instance, k)
        if not path.with_suffix(".json").is_file():
            yield instance


def _batches(instances: Sequence[Instance], size: int) -> Iterator[tuple[Instance, ...]]:
    rest = iter(instances)
    while batch := tuple(itertools.islice(rest, size)):
        yield batch


@functools.lru_cache(maxsize=1)
def _generator(kind: str, text: str, root: Path) -> Generator:
    """The worker's generator: a model is loaded once, not for every clip."""
    card = GeneratorCard.model_validate_json(text)
    return registry.load(card, card.options, root / "jobs")


def _generate_batch(
    root: Path, card: GeneratorCard, options: Json, seed: int, profile: Profile, batch: Batch
) -> int:
    k, instances = batch
    generator = _generator(card.kind, card.model_copy(update={"options": options}).model_dump_json(), root)
    requests = [Request(instance=i, first_frame=_picture(i), prompt=i.prompt) for i in instances]
    clip_seed = int.from_bytes(seeds.digest("sample", seed, k, size=4))
    clips = generator.generate(requests, clip_seed)
    for instance, clip in zip(instances, clips, strict=True):
        path = root / "clips" / instance.sample_id / f"{k}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {
            "schema": SCHEMA,
            "sample": instance.sample_id,
            "key": instance.key,
            "k": k,
            "seed": clip_seed,
        }
        record |= {"frames": _store(clip, path, profile), "meta": clip.meta}
        files.write_json(path.with_suffix(".json"), record)
    return len(instances)


def _store(clip: Clip, path: Path, profile: Profile) -> int | None:
    """Write the clip to its place; the number of frames, None where it was copied as it is.

    A generator that was refused an answer gives a clip of nothing: only its record is kept then.
    """
    if clip.path is None and clip.render is None:
        return None
    if clip.path is not None and clip.path.suffix == path.suffix:
        temporary = path.with_name(f".{path.name}.part")
        shutil.copyfile(clip.path, temporary)
        temporary.replace(path)
        return None
    return video.write(path, video.frames(clip), video.fps(clip), profile)


def _picture(instance: Instance) -> Frame:
    return base.load(instance.scene["puzzle"]).picture(instance)
