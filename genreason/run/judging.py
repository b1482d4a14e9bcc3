"""Stage three: a judge grades every clip of a run, or a folder of clips that somebody else made."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from genreason import cards
from genreason import judge as registry
from genreason.cards import JudgeCard
from genreason.executor import run_map
from genreason.formats.dataset import DataSet
from genreason.run import files
from genreason.run.folder import ClipRecord, Progress, RunFolder
from genreason.types import (
    SCHEMA,
    Clip,
    Instance,
    Json,
    Judge,
    UnreadableClipError,
    UserError,
    Verdict,
    unscored,
)

GROUND_TRUTH = "ground-truth"
FREE = tuple(
    f"options.{name}"
    for name in (
        "limits", "cache", "backend.price", "backend.timeout", "backend.key_env", "backend.device",
        "backend.image_tokens",
    )
)  # fmt: skip
Item = tuple[Instance, tuple[ClipRecord, ...]]


def attach(data: DataSet, clips: str | Path | None, root: Path) -> RunFolder:
    """Make a run of clips that exist: a folder of them, or the data set's own ("ground-truth").

    Clips are recorded where they lie (RUN/clips.jsonl), not copied; what matched no sample is listed in
    RUN/unmatched.txt.

    Raises:
        UserError: there is no such folder, no clip in it matches, or `root` holds another run.
    """
    if clips is None:
        raise UserError("no folder of clips given: add --clips DIR, or -o path=DIR for the generator folder")
    if str(clips) == GROUND_TRUTH:
        found = {i.sample_id: [path] for i in data.instances if (path := data.truth(i)) is not None}
        if not found:
            raise UserError(f"{data.root} has no ground-truth clips: make or import it with them")
        unmatched: list[Path] = []
        generator: Json = {"name": GROUND_TRUTH, "kind": "folder", "expect": "pass", "options": {}}
    else:
        from genreason.generate.folder import FolderGenerator

        folder = Path(clips)
        found, unmatched = FolderGenerator(folder).find(data.instances, data)
        if not found:
            raise UserError(
                f"no clip in {folder} matches a sample of {data.root}: name them "
                f"{data.instances[0].sample_id}.mp4 or {data.instances[0].sample_id}/0.mp4"
            )
        options = {"path": str(folder.resolve())}
        generator = {"name": folder.resolve().name, "kind": "folder", "expect": None, "options": options}
    with files.disk(root):
        samples = max(len(paths) for paths in found.values())
        header = {"generator": generator, "seed": None, "samples": samples, "profile": None, "cards": {}}
        run = RunFolder.open_or_create(root, data, header)
        files.keep_lines(
            root / "clips.jsonl",
            (
                {"sample": i.sample_id, "k": k, "path": _recorded(path, root)}
                for i in data.instances
                for k, path in enumerate(found.get(i.sample_id, []))
            ),
        )
        if unmatched:
            files.write_text(root / "unmatched.txt", "".join(f"{path}\n" for path in sorted(unmatched)))
    return run


def _recorded(path: Path, root: Path) -> str:
    path, root = path.resolve(), root.resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def judge(
    card: JudgeCard,
    run: RunFolder,
    *,
    options: Json | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Json]:
    """Grade every clip of the run; verdicts on clips that have not changed since are kept.

    Args:
        card: the judge.
        run: the run folder.
        options: over the card's.
        seed: for judges that draw.
        workers: processes.
        progress: told after each clip.

    Returns:
        The lines of RUN/verdicts/{judge}.jsonl.

    Raises:
        UserError: an option does not exist, or the run was judged with others.
        GenreasonError: the disk is full.
    """
    merged = cards.with_options(card, options or {})
    # A wrong option shows before anything is written.
    grader = registry.load(card, merged, run.ledger_path(card.name))
    threads = int(getattr(grader, "threads", 0))
    registry.make_ready(grader)
    path = run.verdicts_path(card.name)
    with files.disk(run.root):
        _same_judge(run, card, {"kind": card.kind, "options": merged, "seed": seed}, path)
        instances = run.instances()
        clips = run.clips(instances)
        verdicts = _valid(files.read_lines(path), instances, clips)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            files.keep_lines(path, verdicts)  # drops what was cut off, or graded another clip
        total, done = run.samples * len(instances), len(verdicts)
        kept = {(line["sample"], line["k"]) for line in verdicts}
        items: list[Item] = []
        for instance in instances:
            open_ = tuple(c for c in clips[instance.sample_id] if (instance.sample_id, c.k) not in kept)
            if open_:
                items.append((instance, open_))
        if threads:  # it waits for an endpoint: one judge for all threads, with one limit and one ledger
            results = run_map(
                functools.partial(_graded, card.name, grader, seed), items, workers=threads, backend="threads"
            )
        else:
            results = run_map(functools.partial(_judge_one, card, merged, seed), items, workers=workers)
        for lines in results:
            for line in lines:
                files.append(path, line)
                verdicts.append(line)
            done += len(lines)
            if progress is not None:
                progress(f"judge ({card.name})", done, total)
        _attach_calibration(run, card.name, registry.identity(card, grader, merged), bool(threads))
    return verdicts


def _attach_calibration(run: RunFolder, judge: str, identity: str, asks: bool) -> None:
    """Put a judge's calibration beside its verdicts; one of other options goes."""
    if not asks:
        return
    from genreason.judge import trust

    found, path = trust.kept(judge, identity), run.root / "calibration" / f"{judge}.json"
    if found is not None:
        files.write_json(path, found)
    elif path.is_file() and files.read_json(path, "delete it").get("identity") != identity:
        path.unlink()


def _same_judge(run: RunFolder, card: JudgeCard, use: Json, path: Path) -> None:
    before = run.manifest.get("judges", {}).get(card.name)
    old, new = _flat(before or {}), _flat(use)
    if before is not None and _binding(old) != _binding(new) and path.exists():
        old, new = _binding(old), _binding(new)
        name = next(key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key))
        raise UserError(
            f"{path} was judged with {name} {old.get(name)}, not {new.get(name)}: delete it to judge anew"
        )
    if before != use:
        judges = {**run.manifest.get("judges", {}), card.name: use}
        run.update(judges=judges, cards={**run.manifest.get("cards", {}), f"judges/{card.name}": card.hash})


def _binding(flat: Json) -> Json:
    """What verdicts depend on: not what they may cost, nor where answers are kept."""
    return {name: value for name, value in flat.items() if not name.startswith(FREE)}


def _flat(record: Json, prefix: str = "") -> Json:
    found: Json = {}
    for key, value in record.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def _valid(lines: object, instances: Sequence[Instance], clips: dict[str, list[ClipRecord]]) -> list[Json]:
    """Verdicts that still hold: of these instances, on the clips as they are now.

    A clip that a model gave no answer about is asked about again.
    """
    keys = {instance.sample_id: instance.key for instance in instances}
    digests = {(sample, clip.k): clip.digest for sample, records in clips.items() for clip in records}
    found: dict[tuple[str, int], Json] = {}
    for line in lines:  # type: ignore[attr-defined]
        place = line["sample"], line["k"]
        same = place in digests and line["key"] == keys[line["sample"]] and line["clip"] == digests[place]
        if same and not (line["status"] == "unscored" and line["evidence"].get("retry")):
            found[place] = line
    return list(found.values())


@functools.lru_cache(maxsize=1)
def _judge(kind: str, text: str) -> Judge:
    card = JudgeCard.model_validate_json(text)
    return registry.load(card, card.options)


def _judge_one(card: JudgeCard, options: Json, seed: int, item: Item) -> list[Json]:
    grader = _judge(card.kind, card.model_copy(update={"options": options}).model_dump_json())
    return _graded(card.name, grader, seed, item)


def _graded(name: str, grader: Judge, seed: int, item: Item) -> list[Json]:
    instance, records = item
    present = [record for record in records if record.digest is not None]
    graded = dict(zip((r.k for r in present), _grade(grader, instance, present, seed), strict=True))
    return [
        {
            "schema": SCHEMA,
            "sample": instance.sample_id,
            "key": instance.key,
            "k": record.k,
            "judge": name,
            "clip": record.digest,
            **graded.get(record.k, unscored("there is no clip")).to_json(),
        }
        for record in records
    ]


def _grade(grader: Judge, instance: Instance, records: Sequence[ClipRecord], seed: int) -> list[Verdict]:
    """One verdict a clip; a clip that cannot be read is unscored and spoils none of the others."""
    if not records:
        return []
    try:
        return grader.judge(instance, [Clip(path=record.path) for record in records], seed)
    except UnreadableClipError as error:
        if len(records) == 1:
            return [unscored(str(error))]
    return [verdict for record in records for verdict in _grade(grader, instance, [record], seed)]
