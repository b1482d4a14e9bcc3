"""Other people's data sets: in and out, by the format's name. Each format is loaded when it is first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from genreason.types import Json, UserError

if TYPE_CHECKING:
    from genreason.formats.dataset import DataSet

_BOTH_WAYS = {"vrbench": "vrbench", "vmevalkit": "vmevalkit"}
_HINTED = {"vrbench-clips": "vrclips"}
_JUDGED = ("ruler", "tivibench", "viper")  # benchmarks whose questions a model must answer
_TRAINERS = {"diffsynth": "diffsynth", "finetrainers": "finetrainers", "musubi": "musubi"}


class Importer(Protocol):
    """Reads a foreign folder into a new data set at `out`."""

    def __call__(self, source: Path, out: Path, options: Json | None = None) -> DataSet:
        """`options` are hints for forms that leave something open; others take none (UserError)."""
        ...


def _importer(name: str, module: str) -> Importer:
    def read(source: Path, out: Path, options: Json | None = None) -> DataSet:
        if options and name not in _HINTED:
            raise UserError(f"-o {next(iter(options))}: the format {name} takes no options")
        found = importlib.import_module(f"genreason.formats.{module}")
        reader = found.READERS[name] if name in _JUDGED else found.read
        data: DataSet = reader(source, out, options) if name in _HINTED else reader(source, out)
        return data

    return read


def _exporter(module: str) -> Callable[[DataSet, Path], int]:
    def write(data: DataSet, out: Path) -> int:
        count: int = importlib.import_module(f"genreason.formats.{module}").write(data, out)
        return count

    return write


IMPORTERS: dict[str, Importer] = {
    name: _importer(name, module)
    for name, module in (_BOTH_WAYS | _HINTED | dict.fromkeys(_JUDGED, "judged")).items()
}
"""name -> `read(source, out, options)`."""

EXPORTERS: dict[str, Callable[[DataSet, Path], int]] = {
    name: _exporter(module) for name, module in (_BOTH_WAYS | _TRAINERS).items()
}
"""name -> `write(data, out)`: write a data set in the foreign form; returns the number of samples."""
