"""Sample folders as VMEvalKit and VBVR share them: `{task}_task/{task}_{number}/` with up to five files.

Folders that genreason wrote come back as they were. Others become instances without a puzzle of ours: they
can be answered by generators and graded by judges that need no rules.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from pathlib import Path

from genreason import seeds
from genreason.formats import dataset, intake
from genreason.formats.dataset import FINAL, FIRST, METADATA, PROMPT, TRUTH, DataSet
from genreason.formats.intake import Intake, Sample
from genreason.types import GenreasonError, Instance, Json, UserError

_NUMBERED = re.compile(r"(?:(?P<task>.+)_)?(?P<number>\d+)")


def read(source: Path, out: Path) -> DataSet:
    """Import sample folders, wherever below `source` they are.

    A folder that cannot be used is named on standard error and left out.

    Raises:
        UserError: there is no such folder, or none of its samples can be used.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder")
    found = Intake(out=out, form="vmevalkit")
    taken: dict[str, set[int]] = defaultdict(set)
    for picture in sorted(source.rglob(FIRST), key=intake.natural):
        folder = picture.parent
        try:
            sample = _own(folder) or _foreign(folder, source, taken)
            found.add(sample)
        except UserError as error:
            found.skip(f"{folder.relative_to(source)}: {error}")
            continue
        taken[sample.instance.task].add(sample.instance.index)
    return found.finish(source)


def write(data: DataSet, out: Path) -> int:
    """Export the sample folders: pictures, prompts, clips and metadata as they are.

    Returns:
        The number of samples.

    Raises:
        GenreasonError: a file cannot be copied.
    """
    for instance in data.instances:
        folder = dataset.sample_folder(out, instance)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if instance.skinned:
                dataset.keep_skin(out, instance)
            for name in (FIRST, PROMPT, FINAL, TRUTH, METADATA):
                file = data.folder(instance) / name
                if file.is_file():
                    shutil.copyfile(file, folder / name)
        except OSError as error:
            raise GenreasonError(f"cannot write {folder}: {error.strerror}") from error
    return len(data)


def _own(folder: Path) -> Sample | None:
    """The sample, where genreason wrote it."""
    path = folder / METADATA
    record = dataset.read_json(path) if path.is_file() else {}
    if not {"schema", "key", "fingerprint", "scene"} <= record.keys():
        return None
    instance = Instance.from_json(record, folder / FIRST)
    if instance.skinned:
        instance = dataset.located(folder.parent.parent, instance)
    source = record.get("source", {"format": "vmevalkit", "place": [folder.parent.name], "stem": folder.name})
    return Sample(
        instance=instance,
        first_frame=folder / FIRST,
        source=source,
        truth=_there(folder / TRUTH),
        final_frame=_there(folder / FINAL),
    )


def _foreign(folder: Path, root: Path, taken: dict[str, set[int]]) -> Sample:
    task, number = _name(folder)
    if not (folder / PROMPT).is_file():
        raise UserError(f"there is no {PROMPT}")
    prompt = (folder / PROMPT).read_text(encoding="utf-8", errors="replace")
    picture = dataset.read_picture(folder / FIRST)
    metadata = dataset.read_json(folder / METADATA) if (folder / METADATA).is_file() else {}
    parameters = metadata.get("parameters")
    state: Json = parameters if isinstance(parameters, dict) else {}
    goal = state.get("goal")
    truth = _there(folder / TRUTH)
    # The same numbers come again in other splits of a benchmark: those samples move behind the others.
    index = number if number not in taken[task] else max(taken[task]) + 1
    image = hashlib.blake2b((folder / FIRST).read_bytes(), digest_size=16).hexdigest()
    place = list(folder.relative_to(root).parent.parts)
    instance = Instance(
        key=seeds.key("vmevalkit", *place, folder.name, prompt, image, state),
        task=task,
        version=1,
        level=str(state.get("difficulty", "default")),
        split="eval",
        seed=0,
        index=index,
        style="vmevalkit",
        state=state,
        goal=goal if isinstance(goal, dict) else {},
        prompt=prompt,
        fingerprint=seeds.key(image, prompt),
        size=(picture.shape[1], picture.shape[0]),
        fps=intake.clip_fps(truth),
        scene={"foreign": True, "puzzle": None},
        first_frame=folder / FIRST,
    )
    source = {"format": "vmevalkit", "place": place, "stem": folder.name, "metadata": metadata}
    return Sample(
        instance=instance,
        first_frame=folder / FIRST,
        source=source,
        truth=truth,
        final_frame=_there(folder / FINAL),
    )


def _name(folder: Path) -> tuple[str, int]:
    """Task and number: of `maze_task/maze_0007`, or of `G-3_maze_data-generator/00007`."""
    match = _NUMBERED.fullmatch(folder.name)
    if match is None:
        raise UserError("the folder's name does not end in a number")
    task = match["task"] or folder.parent.name.removesuffix("_data-generator").removesuffix("_task")
    return task, int(match["number"])


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None
