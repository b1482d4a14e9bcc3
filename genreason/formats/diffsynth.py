"""Export for DiffSynth-Studio's training scripts: `metadata.csv` with the columns video and prompt.

After its docs/Pipeline_Usage/Model_Training.md, diffsynth/core/data/operators.py (`LoadVideo`) and
examples/wanvideo/model_training/lora/Wan2.2-TI2V-5B.sh: paths are relative to `--dataset_base_path`, and
with `--extra_inputs input_image` the first frame of each video is what the model is given. The first
`--num_frames` frames of a video are read and the rest is left out: fewer than the longest clip has would cut
off how its puzzle ends, so the arguments that fit are written out.
"""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Sequence
from pathlib import Path

from genreason.formats.clipfolder import Entry, copied, legal_frames, most_common_size
from genreason.formats.dataset import DataSet, write_file

SIDE, STRIDE = 32, 4  # what width and height are multiples of, and frames less one, in all Wan models


def write(data: DataSet, out: Path) -> int:
    """Write OUT/videos, OUT/metadata.csv, and OUT/arguments.txt with the arguments for its train.py.

    Returns:
        The number of samples.
    """
    entries = list(copied(data, out))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["video", "prompt"])
    table.writerows([entry.path, entry.prompt] for entry in entries)
    write_file(out / "metadata.csv", text.getvalue())
    write_file(out / "arguments.txt", _arguments(entries, out.resolve()))
    return len(entries)


def _arguments(entries: Sequence[Entry], root: Path) -> str:
    width, height = most_common_size(entries)
    named = {
        "dataset_base_path": shlex.quote(str(root)),
        "dataset_metadata_path": shlex.quote(str(root / "metadata.csv")),
        "width": round(width / SIDE) * SIDE,
        "height": round(height / SIDE) * SIDE,
        "num_frames": max(legal_frames(entry.frames, STRIDE) for entry in entries),
        "extra_inputs": "input_image",
    }
    return "".join(f"--{name} {value}\n" for name, value in named.items())
