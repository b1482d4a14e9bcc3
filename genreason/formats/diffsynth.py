"""Export for DiffSynth-Studio's training scripts: `metadata.csv` with the columns video and prompt.

Its trainers take the first frame of each video as `input_image` (`--extra_inputs input_image`).
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from genreason.formats.clipfolder import copied
from genreason.formats.dataset import DataSet, write_file


def write(data: DataSet, out: Path) -> int:
    """Write OUT/videos and OUT/metadata.csv, for `--dataset_base_path` and `--dataset_metadata_path`.

    Returns:
        The number of samples.
    """
    entries = list(copied(data, out))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["video", "prompt"])
    table.writerows([entry.path, entry.prompt] for entry in entries)
    write_file(out / "metadata.csv", text.getvalue())
    return len(entries)
