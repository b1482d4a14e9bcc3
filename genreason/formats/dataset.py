"""The data set on disk: one folder a sample, as this field's tools share it, and a manifest that lists them.

    DATA/manifest.json  instances.jsonl
    DATA/{task}_task/{sample_id}/  first_frame.png  prompt.txt  final_frame.png  ground_truth.mp4
                                   metadata.json  source/ (what an importer keeps to write it back)
    DATA/skins/{skin}/  textures, where samples are drawn with a user's

Every file appears whole or not at all; a sample's metadata.json comes last, so a sample that has one is
complete, and the manifest comes last of all.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from genreason import seeds, video
from genreason.render import skins
from genreason.types import SCHEMA, SKINS, Clip, Frame, GenreasonError, Instance, Json, UserError

MANIFEST, INSTANCES = "manifest.json", "instances.jsonl"
FIRST, FINAL, TRUTH = "first_frame.png", "final_frame.png", "ground_truth.mp4"
PROMPT, METADATA, SOURCE = "prompt.txt", "metadata.json", "source"
SKIN_FOLDER = "skins"


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all; folders above it are made.

    Raises:
        GenreasonError: the disk is full, or there is no permission.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise GenreasonError(f"cannot write {path}: {error.strerror}") from error


def write_png(path: Path, frame: Frame) -> None:
    """Write a picture (HWC RGB uint8) as PNG.

    Raises:
        GenreasonError: the file cannot be written.
    """
    bgr = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2BGR)
    # Without row filters a flat picture takes a third of the time and the same space.
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
    _, coded = cv2.imencode(".png", bgr, settings)
    write_file(path, coded.tobytes())


def read_picture(path: Path) -> Frame:
    """Read a picture file as HWC RGB uint8; transparency is dropped.

    Raises:
        UserError: missing, or not a picture.
    """
    try:
        coded = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    picture = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB) if coded.size else None
    if picture is None:
        raise UserError(f"{path}: not a picture")
    return np.asarray(picture, np.uint8)


def read_json(path: Path) -> Json:
    """Read one JSON object.

    Raises:
        UserError: missing, or not a JSON object; says where.
    """
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from error
    if not isinstance(record, dict):
        raise UserError(f"{path}: holds no JSON object")
    return record


def dumps(record: Json) -> str:
    """One line of JSON with sorted keys."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class DataSet:
    """A data set on disk, complete and readable.

    Attributes:
        root: its folder.
        manifest: how it was made.
        instances: its puzzles, in order.
    """

    def __init__(self, root: Path, manifest: Json, instances: Sequence[Instance]) -> None:
        """A data set whose files are known to be there; use `open`."""
        self.root, self.manifest, self.instances = root, manifest, list(instances)

    @classmethod
    def open(cls, root: Path) -> DataSet:
        """Read the manifest and the instances.

        Raises:
            UserError: the folder is no finished data set; says what makes one.
        """
        root = Path(root)
        if not root.is_dir():
            raise UserError(f"{root}: no such folder; `genreason make TASK --out {root}` makes a data set")
        if not (root / MANIFEST).is_file():
            if any(root.glob(f"*_task/*/{METADATA}")):
                raise UserError(f"{root}: unfinished data set (no {MANIFEST}); run the same command again")
            raise UserError(
                f"{root}: no data set (no {MANIFEST}); make one with `genreason make TASK --out {root}`, "
                f"or read a foreign one with `genreason import FORMAT {root} --out DATA`"
            )
        manifest = read_json(root / MANIFEST)
        if manifest.get("schema") != SCHEMA or "samples" not in manifest:
            what = f"schema {manifest.get('schema')!r}, this version reads {SCHEMA}"
            raise UserError(f"{root / MANIFEST}: no manifest of a data set that can be read here ({what})")
        instances = list(_instances(root))
        if len(instances) != manifest["samples"]:
            what = f"{len(instances)} samples, the manifest says {manifest['samples']}"
            raise UserError(f"{root / INSTANCES}: holds {what}; run the command that made the data set again")
        return cls(root, manifest, instances)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.instances)

    def __iter__(self) -> Iterator[Instance]:
        """The instances, in order."""
        return iter(self.instances)

    @functools.cached_property
    def hash(self) -> str:
        """Identity of the data: the same for the same instances in the same order."""
        return data_hash(self.instances)

    def folder(self, instance: Instance) -> Path:
        """The sample's folder."""
        return sample_folder(self.root, instance)

    def truth(self, instance: Instance) -> Path | None:
        """The solution clip, where the data set has one."""
        path = self.folder(instance) / TRUTH
        return path if path.is_file() else None

    def first_frame(self, instance: Instance) -> Path:
        """The first frame's picture file."""
        return self.folder(instance) / FIRST

    def extra(self, instance: Instance) -> Json:
        """What the importer noted of the sample (original paths, foreign metadata); empty where nothing was.

        Raises:
            UserError: the sample's metadata.json cannot be read.
        """
        source = read_json(self.folder(instance) / METADATA).get("source", {})
        return source if isinstance(source, dict) else {}

    def kept(self, instance: Instance, name: str) -> Path | None:
        """A file of the sample's source that the importer kept as it was, by its name."""
        path = self.folder(instance) / SOURCE / name
        return path if path.is_file() else None


def sample_folder(root: Path, instance: Instance) -> Path:
    """Where a data set keeps a sample."""
    return root / f"{instance.task}_task" / instance.sample_id


def located(root: Path, instance: Instance) -> Instance:
    """The instance with the paths of its first frame and textures in a data set, where it needs them."""
    if instance.foreign:
        return replace(instance, first_frame=sample_folder(root, instance) / FIRST)
    return replace(instance, skin=skin_folder(root, instance)) if instance.skinned else instance


def keep_skin(root: Path, instance: Instance) -> None:
    """Copy the textures that the instance is drawn with into a data set, unless they are there.

    Raises:
        UserError: they are missing, or others than it was drawn with.
        GenreasonError: they cannot be copied.
    """
    target = skin_folder(root, instance)
    if instance.skin == target:
        return
    for path in skins.of(instance, instance.scene["puzzle"]).files:
        if not (target / path.name).is_file():
            _copy(path, target / path.name)


def skin_folder(root: Path, instance: Instance) -> Path:
    """Where a data set keeps the textures of a sample; the folder's name holds the hash of what it holds."""
    return root / SKIN_FOLDER / instance.style.removeprefix(SKINS)


def data_hash(instances: Sequence[Instance]) -> str:
    """Identity of a list of instances."""
    return seeds.key(*(instance.key for instance in instances))


def is_complete(root: Path, instance: Instance) -> bool:
    """Whether the sample is there, whole, and the same one."""
    path = sample_folder(root, instance) / METADATA
    try:
        return bool(json.loads(path.read_bytes()).get("key") == instance.key)
    except (OSError, ValueError, AttributeError):
        return False


def write_sample(
    root: Path,
    instance: Instance,
    first_frame: Frame | Path,
    final_frame: Frame | Path | None = None,
    truth: Clip | Path | None = None,
    profile: video.Profile = "preview",
    source: Json | None = None,
    kept: Sequence[Path] = (),
) -> None:
    """Write one sample; pictures and clips given as files are copied byte for byte.

    Args:
        root: the data set's folder.
        instance: the sample.
        first_frame: HWC RGB uint8, or a picture file.
        final_frame: likewise.
        truth: the solution clip.
        profile: how a clip that is still to be rendered is encoded.
        source: the importer's record, kept under "source" in the metadata.
        kept: foreign files that are kept as they are, under their names in the folder "source".

    Raises:
        GenreasonError: a file cannot be written or copied.
    """
    folder = sample_folder(root, instance)
    try:
        # What an older sample or a killed call left here must not stay beside this one.
        old = (folder / name for name in (METADATA, FINAL, TRUTH))
        for file in (*old, *folder.glob(".*.part"), *(folder / SOURCE).glob("*")):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise GenreasonError(f"cannot write {folder}: {error.strerror}") from error
    if instance.skinned:
        keep_skin(root, instance)
    _write_picture(folder / FIRST, first_frame)
    write_file(folder / PROMPT, instance.prompt)
    if final_frame is not None:
        _write_picture(folder / FINAL, final_frame)
    if isinstance(truth, Clip) and truth.path is None:
        video.write(folder / TRUTH, video.frames(truth), truth.fps or instance.fps, profile)
    elif truth is not None:
        _copy(truth.path if isinstance(truth, Clip) else truth, folder / TRUTH)
    for file in kept:
        _copy(file, folder / SOURCE / file.name)
    record = instance.to_json()
    if source is not None:
        record["source"] = source
    write_file(folder / METADATA, json.dumps(record, sort_keys=True, ensure_ascii=False, indent=1) + "\n")


def write_manifest(root: Path, instances: Sequence[Instance], header: Json) -> DataSet:
    """Finish a data set: write the list of its samples, then its manifest.

    Args:
        root: the data set's folder.
        instances: its samples, all of them written.
        header: how it was made (command, options, cards).

    Raises:
        UserError: two samples have the same name.
        GenreasonError: a file cannot be written.
    """
    names: set[str] = set()
    for instance in instances:
        if instance.sample_id in names:
            raise UserError(f"two samples are called {instance.sample_id}: each needs its own index")
        names.add(instance.sample_id)
    manifest = {"schema": SCHEMA, **header, "samples": len(instances), "hash": data_hash(instances)}
    write_file(root / INSTANCES, "".join(dumps(instance.to_json()) + "\n" for instance in instances))
    write_file(root / MANIFEST, json.dumps(manifest, sort_keys=True, ensure_ascii=False, indent=1) + "\n")
    return DataSet.open(root)


def _instances(root: Path) -> Iterator[Instance]:
    path = root / INSTANCES
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: a prompt may hold U+2028
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; make the data set again") from error
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            instance = located(root, Instance.from_json(json.loads(line)))
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(f"{path}, line {number}: no instance ({error})") from error
        except UserError as error:
            raise UserError(f"{path}, line {number}: {error}") from error
        yield instance


def _write_picture(path: Path, picture: Frame | Path) -> None:
    if isinstance(picture, Path):
        _copy(picture, path)
    else:
        write_png(path, picture)


def _copy(source: Path | None, target: Path) -> None:
    if source is None:
        raise GenreasonError(f"cannot write {target}: the clip has neither a file nor a renderer")
    try:
        content = source.read_bytes()
    except OSError as error:
        raise GenreasonError(f"cannot copy {source}: {error.strerror}") from error
    write_file(target, content)
