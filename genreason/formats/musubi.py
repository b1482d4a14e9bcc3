"""Export for musubi-tuner: JSON Lines of videos and captions, and the dataset TOML that names them.

After its docs/dataset_config.md ("Video Dataset with Metadata JSONL File"): `frame_extraction = "full"` takes
a clip as the one motion that it is, to 4k+1 frames (the other ways cut it up, and show puzzles that are not
solved); by `source_fps`, a decimal number, clips are brought to the model's rate, so that clips of each rate
are a dataset; and every dataset has a cache of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from genreason.formats.clipfolder import Entry, copied, legal_frames, most_common_size
from genreason.formats.dataset import DataSet, write_file

STRIDE = 4


def write(data: DataSet, out: Path) -> int:
    """Write OUT/videos, videos-RATE.jsonl and dataset.toml, with absolute paths.

    Returns:
        The number of samples.
    """
    entries = list(copied(data, out))
    width, height = most_common_size(entries)
    text = f"[general]\nresolution = [{width}, {height}]\nbatch_size = 1\nenable_bucket = true\n"
    for rate in sorted({round(entry.fps, 3) for entry in entries}):
        text += _dataset([entry for entry in entries if round(entry.fps, 3) == rate], rate, out)
    write_file(out / "dataset.toml", text)
    return len(entries)


def _dataset(entries: Sequence[Entry], rate: float, out: Path) -> str:
    root, name = out.resolve(), f"videos-{rate:g}.jsonl"
    lines = [
        json.dumps({"video_path": str(root / entry.path), "caption": entry.prompt}, ensure_ascii=False)
        for entry in entries
    ]
    write_file(out / name, "".join(f"{line}\n" for line in lines))
    longest = max(legal_frames(entry.frames, STRIDE) for entry in entries)
    return (
        "\n[[datasets]]\n"
        f"video_jsonl_file = {json.dumps(str(root / name))}\n"
        f"cache_directory = {json.dumps(str(root / f'cache-{rate:g}'))}\n"
        'frame_extraction = "full"\n'
        f"max_frames = {longest}\n"
        f"source_fps = {float(rate)}\n"
    )
