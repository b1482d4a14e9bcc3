"""Moments of clips and embeddings of prompts, encoded once and kept.

DIR/manifest.json   what they were made with; other settings are refused, not mixed in
DIR/index.jsonl     a clip a line: its key, shard, shape and prompt
DIR/clips-00000.safetensors ...   prompts-00000.safetensors ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import PIL.Image
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from genreason import seeds
from genreason.formats import files
from genreason.train.clips import Pixels, Sample
from genreason.train.spec import ModelSpec, Tensors
from genreason.types import Json, UserError

SHARD = 32  # clips: about 100 MB of 81 frames at 512 x 512


class LatentCache:
    """What was encoded, by sample and prompt. A killed encoding goes on where it was."""

    def __init__(self, folder: Path, made_with: Json) -> None:
        """Open or begin a cache.

        Args:
            folder: where it is.
            made_with: model, size, frames, rate, dtype and whatever else decides what is in it.

        Raises:
            UserError: the cache was made with something else; names the first difference.
        """
        self.folder = folder
        path = folder / "manifest.json"
        if path.is_file():
            before = files.read_json(path, "delete the folder")["made_with"]
            for name in sorted({*before, *made_with}):
                if before.get(name) != made_with.get(name):
                    raise UserError(
                        f"{folder} holds latents made with {name} {before.get(name)!r}, now it is "
                        f"{made_with.get(name)!r}: give another `cache`, or delete that folder"
                    )
        else:
            files.write_json(path, {"schema": 1, "made_with": made_with})
        self.clips: dict[str, Json] = {}
        self.prompts: dict[str, Json] = {}
        for line in files.read_lines(folder / "index.jsonl"):
            (self.clips if line["what"] == "clip" else self.prompts)[line["key"]] = line
        self._open: dict[str, Any] = {}

    def add_clips(self, found: Iterable[tuple[Sample, Tensors]], progress: Callable[[int], None]) -> None:
        """Keep clips as they are encoded; `progress` is told how many there are."""
        waiting: list[tuple[Json, Tensors]] = []
        for done, (sample, tensors) in enumerate(found, 1):
            shape = tensors.pop("shape").tolist()
            prompt = prompt_key(sample.instance.prompt)
            line = {"what": "clip", "key": sample.key, "prompt": prompt, "shape": shape}
            waiting.append(({**line, "sample": sample.instance.sample_id}, tensors))
            if len(waiting) == SHARD:
                self._write("clips", waiting)
                waiting = []
            progress(done)
        self._write("clips", waiting)

    def add_prompts(self, prompts: Sequence[str], encode: Callable[[Sequence[str]], list[Tensors]]) -> None:
        """Encode the prompts that are not there, and keep them."""
        new = [p for p in dict.fromkeys(prompts) if prompt_key(p) not in self.prompts]
        for i in range(0, len(new), SHARD):
            part = new[i : i + SHARD]
            found = [tensors for prompt in part for tensors in encode([prompt])]
            lines: list[Json] = [{"what": "prompt", "key": prompt_key(p), "text": p} for p in part]
            self._write("prompts", list(zip(lines, found, strict=True)))

    def clip(self, key: str) -> Tensors:
        """A clip's tensors."""
        return self._read(self.clips[key])

    def prompt(self, key: str) -> Tensors:
        """A prompt's tensors."""
        return self._read(self.prompts[key])

    def _write(self, kind: str, entries: Sequence[tuple[Json, Tensors]]) -> None:
        if not entries:
            return
        index = self.clips if kind == "clips" else self.prompts
        number = 1 + max((int(line["file"][-17:-12]) for line in index.values()), default=-1)
        name = f"{kind}-{number:05d}.safetensors"
        tensors = {
            f"{line['key']}.{part}": t.detach().cpu().contiguous()
            for line, found in entries
            for part, t in found.items()
        }
        part = self.folder / f".{name}.part"
        save_file(tensors, part)
        part.replace(self.folder / name)
        for line, _ in entries:
            line["file"] = name
            files.append(self.folder / "index.jsonl", line)
            index[line["key"]] = line

    def _read(self, line: Json) -> Tensors:
        if line["file"] not in self._open:
            shard: Any = safe_open(self.folder / line["file"], "pt")
            names: dict[str, list[str]] = {}
            for full in shard.keys():
                names.setdefault(full.partition(".")[0], []).append(full)
            self._open[line["file"]] = shard, names
        shard, names = self._open[line["file"]]
        return {full.partition(".")[2]: shard.get_tensor(full) for full in names[line["key"]]}


def prompt_key(prompt: str) -> str:
    """Identity of a prompt."""
    return seeds.key("prompt", prompt)


def encoder(spec: ModelSpec, pipe: Any, pixels_THWC: Pixels, dtype: torch.dtype) -> Tensors:
    """A clip's tensors, with what must be equal in a batch as "shape"."""
    video = torch.from_numpy(pixels_THWC).permute(3, 0, 1, 2).float() / 255 * 2 - 1
    with torch.no_grad():
        found = spec.encode_clip(pipe, video, PIL.Image.fromarray(pixels_THWC[0]))
    kept: dict[str, Tensor] = {name: t if name == "factors" else t.to(dtype) for name, t in found.items()}
    return {**kept, "shape": torch.tensor(spec.latent_shape(found))}


def identity(model: str, revision: str | None, part: str) -> str:
    """What tells the weights of a component: the files' names, sizes and ends, or repository and revision."""
    folder = Path(model) / part
    if not folder.is_dir():
        return f"{model}@{revision}/{part}"
    state = hashlib.blake2b(digest_size=16)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        size = path.stat().st_size
        state.update(f"{path.relative_to(folder)} {size}".encode())
        with path.open("rb") as stream:
            state.update(stream.read(1 << 20))
            stream.seek(max(size - (1 << 20), 0))
            state.update(stream.read())
    return state.hexdigest()
