"""Export for musubi-tuner: a JSON Lines list of videos and captions, and the dataset TOML that names it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from genreason.formats.clipfolder import copied
from genreason.formats.dataset import DataSet, write_file


def write(data: DataSet, out: Path) -> int:
    """Write OUT/videos, videos.jsonl and dataset.toml; paths are absolute, as musubi-tuner asks.

    Returns:
        The number of samples.
    """
    entries = list(copied(data, out))
    root = out.resolve()
    lines = [
        json.dumps({"video_path": str(root / entry.path), "caption": entry.prompt}, ensure_ascii=False)
        for entry in entries
    ]
    write_file(out / "videos.jsonl", "".join(f"{line}\n" for line in lines))
    (width, height), _ = Counter(entry.size for entry in entries).most_common(1)[0]
    lengths = sorted({(entry.frames - 1) // 4 * 4 + 1 for entry in entries})
    rates = sorted({round(entry.fps, 3) for entry in entries})
    rate = f"source_fps = {rates[0]}\n" if len(rates) == 1 else ""
    write_file(
        out / "dataset.toml",
        "[general]\n"
        f"resolution = [{width}, {height}]\n"
        "batch_size = 1\n"
        "enable_bucket = true\n\n"
        "[[datasets]]\n"
        f"video_jsonl_file = {json.dumps(str(root / 'videos.jsonl'))}\n"
        f"cache_directory = {json.dumps(str(root / 'cache'))}\n"
        f"target_frames = {lengths}\n"
        'frame_extraction = "head"\n' + rate,
    )
    return len(entries)
