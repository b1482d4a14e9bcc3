"""The log of a training run: OUT/log.jsonl always, wandb where it is asked for, and the console."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from genreason.formats import files
from genreason.types import Json


class Wandb(BaseModel):
    """Where a run is shown on wandb; `project` None leaves it out. Mode "offline" writes below OUT/wandb."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str | None = None
    mode: Literal["online", "offline"] = "offline"
    name: str | None = None


class Record:
    """Writes the log. Lines after the step that is gone on from are dropped, so that no step stands twice."""

    def __init__(self, out: Path, settings: Wandb, config: Json, step: int, total: int, quiet: bool) -> None:
        """Open the log."""
        self.path, self.total, self.quiet = out / "log.jsonl", total, quiet
        if self.path.is_file():
            files.keep_lines(self.path, [r for r in files.read_lines(self.path) if r["step"] <= step])
        out.mkdir(parents=True, exist_ok=True)
        self._first, self._began = step, time.perf_counter()
        self._run: Any = None
        if settings.project is not None:
            self._run = importlib.import_module("wandb").init(
                project=settings.project, name=settings.name, mode=settings.mode, dir=out, config=config
            )

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Note values of a step."""
        files.append(self.path, {"schema": 1, "step": step, **values})
        if self._run is not None:
            self._run.log(dict(values), step=step)
        if not self.quiet:
            print(self._line(step, values), file=sys.stderr)

    def clips(self, step: int, clips: Sequence[tuple[Path, str]]) -> None:
        """Show validation clips with what the judge said."""
        if self._run is None:
            return
        wandb: Any = importlib.import_module("wandb")
        shown = [wandb.Video(str(path), caption=said, format="mp4") for path, said in clips]
        self._run.log({"validation/clips": shown}, step=step)

    def close(self) -> None:
        """End wandb's run."""
        if self._run is not None:
            self._run.finish()

    def _line(self, step: int, values: Mapping[str, float]) -> str:
        done = max(step - self._first, 1)
        left = (time.perf_counter() - self._began) / done * (self.total - step)
        shown = [f"{name} {value:.4g}" for name, value in values.items() if "_sigma_" not in name]
        return f"step {step}/{self.total}  {'  '.join(shown)}  left {left / 60:.0f} min"
