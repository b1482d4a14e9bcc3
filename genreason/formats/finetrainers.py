"""Export for finetrainers: lists of videos and prompts, and a dataset config with its buckets."""

from __future__ import annotations

import json
from pathlib import Path

from genreason.formats.clipfolder import copied
from genreason.formats.dataset import DataSet, write_file


def write(data: DataSet, out: Path) -> int:
    """Write OUT/videos, videos.txt, prompts.txt, and training.json for `--dataset_config`.

    Returns:
        The number of samples.
    """
    entries = list(copied(data, out))
    write_file(out / "videos.txt", "".join(f"{entry.path}\n" for entry in entries))
    write_file(out / "prompts.txt", "".join(f"{entry.prompt}\n" for entry in entries))
    buckets = sorted({(entry.frames, entry.size[1], entry.size[0]) for entry in entries})
    config = {
        "datasets": [
            {
                "data_root": str(out.resolve()),
                "dataset_type": "video",
                "video_resolution_buckets": [list(bucket) for bucket in buckets],
                "reshape_mode": "bicubic",
            }
        ]
    }
    write_file(out / "training.json", json.dumps(config, indent=1) + "\n")
    return len(entries)
