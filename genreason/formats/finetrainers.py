"""Export for finetrainers: lists of videos and prompts, and a dataset config with its buckets.

After its docs/dataset/README.md ("Two file format") and finetrainers/functional/video.py: a clip takes the
longest bucket that is not longer than it, with the nearest aspect, and is thinned out evenly to its frames,
the last one kept. Buckets have what all its families can encode: 8k+1 frames, sides in multiples of 32.
"""

from __future__ import annotations

import json
from pathlib import Path

from genreason.formats.clipfolder import copied, legal_frames
from genreason.formats.dataset import DataSet, write_file

SIDE, STRIDE = 32, 8


def write(data: DataSet, out: Path) -> int:
    """Write OUT/videos, videos.txt, prompts.txt, and training.json for `--dataset_config`.

    Returns:
        The number of samples.
    """
    entries = list(copied(data, out))
    write_file(out / "videos.txt", "".join(f"{entry.path}\n" for entry in entries))
    write_file(out / "prompts.txt", "".join(f"{entry.prompt}\n" for entry in entries))
    buckets = sorted(
        {
            (legal_frames(entry.frames, STRIDE), *(_side(side) for side in entry.size[::-1]))
            for entry in entries
        }
    )
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


def _side(pixels: int) -> int:
    return max(round(pixels / SIDE), 1) * SIDE
