"""Image-to-video models of diffusers as generators."""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import multiprocessing
import os
import re
import resource
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from genreason import seeds
from genreason.formats.dataset import read_json
from genreason.generate import adapters, extra, lora, models
from genreason.generate.adapters import Ask, Video
from genreason.generate.fitting import Fit, Mode, fit
from genreason.types import Clip, Frame, GenreasonError, Json, Request, UserError, unknown

GIB = 2**30


class DiffusersGenerator:
    """Answers with the clips of an image-to-video pipeline; its weights are loaded at the first request.

    Every clip's noise comes from the seed and the instance's key alone, so that batches change nothing but
    rounding.
    """

    def __init__(self, name: str, options: Json) -> None:
        """Check everything that can be checked without the weights.

        Raises:
            UserError: an option is wrong, an illegal size, an unknown pipeline class, an empty folder.
        """
        self.name = name
        self.options = models.parse(options, name)
        self.adapter = adapters.find(self.options.pipeline, name)
        self._class = models.class_of(self.options.pipeline, name)
        extra.need_besides(self.options.needs, f"generator {name}")
        _known("call", self.options.call, self._class.__call__, name)
        if _is_folder(self.options.model) and not (Path(self.options.model) / models.INDEX).is_file():
            raise UserError(f"generator {name}: option model: {self.options.model} holds no {models.INDEX}")
        if self.options.lora is not None:
            lora.must_exist(self.options.lora)
        self._batch: int | None = None

    @functools.cached_property
    def pipe(self) -> Any:
        """The pipeline, on its device.

        Raises:
            UserError: weights that are not there; says what fetches them. A LoRA that does not fit.
        """
        options = self.options
        pipe = load(self._class, options, self.name)
        if options.scheduler:
            _known("scheduler", options.scheduler, type(pipe.scheduler).__init__, self.name)
            pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, **options.scheduler)
        if options.lora is not None:
            lora.load(pipe, options.lora, options.lora_scale)
        self.adapter.prepare(pipe, options)
        pipe.set_progress_bar_config(disable=True)
        if options.tiling:
            pipe.vae.enable_tiling()
        device = extra.device(_own_device(options.device))
        if options.offload == "model":
            pipe.enable_model_cpu_offload(device=device)
        elif options.offload == "layers":
            pipe.enable_sequential_cpu_offload(device=device)
        else:
            pipe.to(device)
        return pipe

    def generate(self, requests: Sequence[Request], seed: int) -> list[Clip]:
        """One clip a request.

        Raises:
            GenreasonError: out of memory with a single clip.
        """
        plans = [self._fit(request) for request in requests]
        clips: dict[int, Clip] = {}
        for group in _groups([plan.size for plan in plans]):
            for at, video, record in self._batches([(i, requests[i], plans[i]) for i in group], seed):
                clips[at] = _clip(video, self.options.fps, record)
        return [clips[i] for i in range(len(requests))]

    def _fit(self, request: Request) -> Fit:
        height, width = request.first_frame.shape[:2]
        source, size = (width, height), (self.options.width, self.options.height)
        plan = fit(source, size, self.options.fit, self.options.limits)
        own = self.adapter.size(self.pipe, plan.size)
        if own == plan.size:
            return plan
        mode: Mode = "letterbox" if self.options.fit == "letterbox" else "stretch"
        return fit(source, own, mode, self.options.limits)

    def _batches(self, items: list[tuple[int, Request, Fit]], seed: int) -> Iterator[tuple[int, Video, Json]]:
        """Clips with their records; a batch that does not fit into memory is halved."""
        import torch

        rest = items
        while rest:
            now = rest[: self._batch or len(rest)]
            try:
                videos, seconds = self._call(now, seed)
            except torch.OutOfMemoryError as error:
                self._fewer(len(now), now[0][2], error)
                continue
            rest = rest[len(now) :]
            for (i, request, plan), video in zip(now, videos, strict=True):
                if (video.shape[2], video.shape[1]) != plan.size:
                    raise GenreasonError(
                        f"generator {self.name}: asked for {plan.size[0]}x{plan.size[1]}, its clip is "
                        f"{video.shape[2]}x{video.shape[1]}: its adapter must say so (`Adapter.size`)"
                    )
                yield i, video, self._record(request, seed, seconds / len(now), len(now), plan)

    def _call(self, items: Sequence[tuple[int, Request, Fit]], seed: int) -> tuple[list[Video], float]:
        import torch

        pipe = self.pipe  # loaded before the clock starts
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        before = time.perf_counter()
        ask = Ask(
            [plan.apply(request.first_frame) for _, request, plan in items],
            [request.prompt for _, request, _ in items],
            [torch.Generator("cpu").manual_seed(_seed(seed, request)) for _, request, _ in items],
        )
        with torch.inference_mode():
            videos = self.adapter.call(pipe, self.options, ask)
        return videos, time.perf_counter() - before

    def _fewer(self, size: int, plan: Fit, error: Exception) -> None:
        """Note that a batch of this size is too large.

        Raises:
            GenreasonError: it was a single clip.
        """
        import torch

        what = f"{plan.size[0]}x{plan.size[1]}, {self.options.frames} frames"
        if size == 1:
            raise GenreasonError(
                f"generator {self.name}: out of memory with one clip of {what} ({_first_line(error)}): try "
                "-o offload=model, -o tiling=true, a smaller size or fewer frames"
            ) from error
        self._batch = size // 2
        print(
            f"generator {self.name}: out of memory with {size} clips of {what} at once: "
            f"going on with {self._batch}",
            file=sys.stderr,
        )
        gc.collect()
        torch.cuda.empty_cache()

    def _record(self, request: Request, seed: int, seconds: float, batch: int, plan: Fit) -> Json:
        memory, of = _peak_memory()
        return {
            "model": self.options.model,
            "revision": self.options.revision,
            "commit": _commit(self.options),
            "lora": self.options.lora,
            "noise_seed": _seed(seed, request),
            "seconds": round(seconds, 3),
            "batch": batch,
            "peak_memory_gib": round(memory, 3),
            "peak_memory_of": of,
            "view": plan.to_json(),
        }


def load(pipeline: Any, options: models.ModelOptions, name: str, **parts: Any) -> Any:
    """A pipeline with its weights; `parts` replace components (None leaves one out).

    Raises:
        UserError: the weights are not there, or not those of this pipeline.
    """
    import torch

    types: dict[str, torch.dtype] = {"default": extra.dtype(options.dtype)}
    if options.vae_dtype is not None:
        types["vae"] = extra.dtype(options.vae_dtype)
    given = parts if _is_folder(options.model) else {"revision": options.revision, **parts}
    if _is_folder(options.model):
        _import_own(Path(options.model) / models.INDEX)
    try:
        with warnings.catch_warnings():
            # Newer versions call it dtype; older ones know only this name.
            warnings.filterwarnings("ignore", message=".*torch_dtype.*", category=FutureWarning)
            return pipeline.from_pretrained(options.model, torch_dtype=types, **given)
    except (OSError, ValueError, ConnectionError) as error:
        if _is_folder(options.model):
            raise UserError(f"generator {name}: {options.model}: {_first_line(error)}") from error
        raise UserError(
            f"generator {name}: no weights of {options.model} ({_reason(error)}): fetch them with "
            f"`{models.fetch_command(options.model, options.revision)}`, or give a folder with -o model=DIR"
        ) from error
    except ImportError as error:
        raise UserError(f"generator {name}: {_first_line(error)}") from error


def _import_own(index: Path) -> None:
    """Import the modules of genreason that a pipeline has parts from: diffusers itself imports no others'."""
    for part in read_json(index).values():
        if isinstance(part, list) and str(part[0]).startswith("genreason."):
            importlib.import_module(part[0])


def _known(option: str, values: Json, taker: Any, name: str) -> None:
    """Refuse a key that `taker` has no argument for.

    Raises:
        UserError: names it and the nearest.
    """
    arguments = inspect.signature(taker).parameters
    for key in values:
        if key not in arguments:
            raise unknown(f"generator {name}: option {option}: key", key, arguments)


def _is_folder(model: str) -> bool:
    return Path(model).is_dir() or model.startswith((".", "/", "~"))


def _groups(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Places of equal sizes, in the order in which each size is first met."""
    for size in dict.fromkeys(sizes):
        yield [i for i, other in enumerate(sizes) if other == size]


def _seed(seed: int, request: Request) -> int:
    return int.from_bytes(seeds.digest("noise", seed, request.instance.key, size=4))


def _clip(video: Video, fps: float, record: Json) -> Clip:
    def render() -> Iterator[Frame]:
        yield from video

    return Clip(render=render, fps=fps, meta=record)


def _own_device(device: str) -> str:
    """In one of several worker processes (or under accelerate launch), a GPU of its own."""
    import torch

    if device != "auto" or not torch.cuda.is_available():
        return device
    return f"cuda:{own_place() % torch.cuda.device_count()}"


def own_place() -> int:
    """A number that tells processes on this machine apart: those of one pool have consecutive ones."""
    number = re.search(r"(\d+)$", multiprocessing.current_process().name)
    return int(os.environ.get("LOCAL_RANK", int(number[1]) - 1 if number else 0))


def _peak_memory() -> tuple[float, str]:
    """GiB, and of what: the GPU since the call began, or the process since its start."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / GIB, "gpu"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB, "process"


def _commit(options: models.ModelOptions) -> str | None:
    """The commit of weights that came from the hub."""
    if _is_folder(options.model):
        return None
    import huggingface_hub

    path = huggingface_hub.try_to_load_from_cache(options.model, models.INDEX, revision=options.revision)
    return Path(path).parent.name if isinstance(path, str) else None


def _first_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:200]}..."


def _reason(error: BaseException) -> str:
    """Without what stands in brackets: there the hub says the same again at length."""
    return _first_line(error).partition(" (")[0]
