"""Other people's data sets: in and out, by the format's name. Each format is loaded when it is first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreason.formats.dataset import DataSet

_FORMATS = ("vrbench", "vmevalkit")


def _importer(name: str) -> Callable[[Path, Path], DataSet]:
    def read(source: Path, out: Path) -> DataSet:
        data: DataSet = importlib.import_module(f"genreason.formats.{name}").read(source, out)
        return data

    return read


def _exporter(name: str) -> Callable[[DataSet, Path], int]:
    def write(data: DataSet, out: Path) -> int:
        count: int = importlib.import_module(f"genreason.formats.{name}").write(data, out)
        return count

    return write


IMPORTERS: dict[str, Callable[[Path, Path], DataSet]] = {name: _importer(name) for name in _FORMATS}
"""name -> `read(source, out)`: read a foreign folder into a new data set at `out`."""

EXPORTERS: dict[str, Callable[[DataSet, Path], int]] = {name: _exporter(name) for name in _FORMATS}
"""name -> `write(data, out)`: write a data set in the foreign form; returns the number of samples."""
