"""Fine-tuning of image-to-video models with LoRA: encode once, train, judge what comes out."""

from __future__ import annotations

import datetime
import gc
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genreason import cards
from genreason.generate import extra
from genreason.generate import lora as lora_files
from genreason.generate.models import ModelOptions
from genreason.train import clips, config, flow, loop, lora
from genreason.train.buckets import Buckets
from genreason.train.clips import Sample
from genreason.train.config import SftConfig
from genreason.train.latents import LatentCache, encoder, identity, prompt_key
from genreason.train.record import Record
from genreason.train.spec import Latents, ModelSpec, Tensors
from genreason.train.specs import spec_for
from genreason.train.validate import Validator
from genreason.types import Json, UserError

Progress = Callable[[str, int, int], None]
"""Told the stage's name, what is done of it, and the total."""


def train(settings: SftConfig, out: Path, progress: Progress | None = None, quiet: bool = False) -> Path:
    """Fine-tune, or go on with the run in the folder.

    Returns:
        The folder of the LoRA; `-o lora=FOLDER` gives it to the generator's card.

    Raises:
        UserError: the config is wrong, or the folder holds another run.
        GenreasonError: too many clips are unreadable, or the loss is no number.
    """
    extra.need()
    _need(settings)
    name, options = config.model_options(settings)
    spec = spec_for(options, name)
    device = extra.device(options.device)
    accelerator = _accelerator(settings, device)
    with accelerator.main_process_first():
        config.keep(settings, out)
        samples, held = clips.gather(settings.data), clips.gather(settings.validation.data)
        clips.one_rate([*samples, *held], settings.fps)
        cache = encode(settings, spec, out, [*samples, *held], accelerator.device, progress)
    samples = [sample for sample in samples if sample.key in cache.clips]
    held = [sample for sample in held if sample.key in cache.clips]
    if not samples:
        raise UserError("none of the clips to train on can be read")
    experts = spec.experts(spec.load())
    wanted = list(experts) if settings.experts is None else settings.experts
    for part in wanted:
        if part not in experts:
            raise UserError(f"experts: the model has no {part}, it has {', '.join(experts)}")
    # Clips take all experts. Else one at a time: each process holds what it loads, before FSDP cuts it up.
    whole = spec.load(spec.denoisers) if _judges(settings) else None
    for part in wanted:
        place = out / part if len(experts) > 1 else out
        loaded = whole if whole is not None else spec.load((part,))
        task = I2V(settings, spec, loaded, part, experts[part], cache, samples, accelerator, out)
        task.validator = Validator(task, held, place / "validation")
        _fit(task, settings, place, accelerator, quiet)
        # Not on the device while the other expert trains.
        task.model.to("cpu")
        del task, loaded
    return out / "lora"


def _judges(settings: SftConfig) -> bool:
    """Whether the model's own clips are judged in training."""
    return bool(settings.validation.data and settings.validation.clips)


def _need(settings: SftConfig) -> None:
    """Find out before hours of encoding that something asked for is not there.

    Raises:
        UserError: a package, the judge, or the LoRA to start from.
    """
    if _judges(settings):
        cards.load(cards.JudgeCard, settings.validation.judge)
    if settings.train.optimizer == "adamw8bit":
        extra.need_besides(["bitsandbytes"], "train.optimizer adamw8bit")
    if settings.wandb.project is not None:
        extra.need_besides(["wandb"], "wandb.project")
    if settings.lora.start is not None:
        lora_files.must_exist(settings.lora.start)


def _accelerator(settings: SftConfig, device: torch.device) -> Any:
    """Where the run's processes meet.

    Raises:
        UserError: clips are to be judged, but each process has only a part of the model.
    """
    accelerate = importlib.import_module("accelerate")
    # The others wait while the first encodes clips, and generates those that are judged: for hours, maybe.
    patience = accelerate.InitProcessGroupKwargs(timeout=datetime.timedelta(days=2))
    found = accelerate.Accelerator(cpu=device.type == "cpu", kwargs_handlers=[patience])
    if found.distributed_type == "FSDP" and _judges(settings):
        raise UserError(
            "validation.clips: under FSDP no process has the whole model to generate with: set it to 0 and "
            "judge afterwards with `genreason run ... -o lora=OUT/lora`"
        )
    return found


def _fit(task: I2V, settings: SftConfig, place: Path, accelerator: Any, quiet: bool) -> None:
    from genreason.train import checkpoint

    quiet = quiet or not accelerator.is_main_process
    saved = checkpoint.found(place / "checkpoints")
    step = saved[-1][0] if saved else 0
    shown = Record(place, settings.wandb, settings.model_dump(mode="json"), step, settings.train.steps, quiet)
    try:
        loop.fit(task, settings.train, place, shown, accelerator, settings.seed)
    finally:
        shown.close()


def made_with(settings: SftConfig, spec: ModelSpec) -> Json:
    """What decides what an encoded clip is."""
    options: ModelOptions = spec.options
    return {
        "family": type(spec).__name__,
        "vae": identity(options.model, options.revision, "vae"),
        "text_encoder": identity(options.model, options.revision, "text_encoder"),
        "size": [options.width, options.height],
        "fit": options.fit,
        "frames": sorted(config.lengths(settings, options)),
        "fps": settings.fps,
        "dtype": settings.cache_dtype,
        "computed in": options.vae_dtype or options.dtype,
    }


def encode(
    settings: SftConfig,
    spec: ModelSpec,
    out: Path,
    samples: Sequence[Sample],
    device: torch.device,
    progress: Progress | None,
) -> LatentCache:
    """Encode what is not in the cache; where all is there, neither autoencoder nor text encoder is loaded."""
    cache = LatentCache(Path(settings.cache or out / "cache"), made_with(settings, spec))
    prompts = [sample.instance.prompt for sample in samples] + [""] * bool(settings.text_dropout)
    if any(prompt_key(prompt) not in cache.prompts for prompt in prompts):
        pipe = spec.load(spec.text_parts).to(device)
        with torch.no_grad():
            cache.add_prompts(prompts, lambda texts: spec.encode_prompts(pipe, texts))
        _freed(pipe)
    new = [sample for sample in {s.key: s for s in samples}.values() if sample.key not in cache.clips]
    if new:
        pipe = spec.load(spec.clip_parts).to(device)
        dtype, sizes = extra.dtype(settings.cache_dtype), config.lengths(settings, spec.options)
        found = clips.readable(new, spec.options, sizes, settings.fps)

        def one(pixels: clips.Pixels) -> Tensors:
            return encoder(spec, pipe, pixels, dtype)

        def tell(done: int) -> None:
            if progress is not None:
                progress("encode", done, len(new))

        cache.add_clips(((sample, one(pixels)) for sample, pixels in found), tell)
        _freed(pipe)
    return cache


def _freed(pipe: Any) -> None:
    pipe.to("cpu")
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class I2V:
    """One denoiser of an image-to-video model, as `loop.fit` trains it.

    Attributes:
        model: the denoiser with its adapters.
        product: where its LoRA goes.
    """

    product = "lora"
    validator: Validator

    def __init__(
        self,
        settings: SftConfig,
        spec: ModelSpec,
        pipe: Any,
        part: str,
        span: tuple[float, float],
        cache: LatentCache,
        samples: Sequence[Sample],
        accelerator: Any,
        out: Path,
    ) -> None:
        """Put the LoRA on the denoiser; `span` has the noise levels that it is for."""
        attached = lora.attach(pipe, part, settings.lora, spec.targets, settings.seed)
        if settings.train.checkpointing:
            attached.enable_gradient_checkpointing()
        self.model: nn.Module = attached
        self.settings, self.spec, self.pipe, self.part, self.span = settings, spec, pipe, part, span
        self.cache, self.out, self.accelerator = cache, out, accelerator
        self.keys = [sample.key for sample in samples]
        shapes = [tuple(cache.clips[key]["shape"]) for key in self.keys]
        self.buckets = Buckets(shapes, settings.train.batch, settings.seed, accelerator.num_processes)
        if accelerator.is_main_process and not (out / "buckets.txt").is_file():
            (out / "buckets.txt").write_text("\n".join(self.buckets.report()) + "\n", encoding="utf-8")

    def samples(self, turn: int, rank: int) -> int:
        """Samples of a process's micro batch."""
        return len(self.buckets.at(turn, rank))

    def losses(self, model: nn.Module, turn: int) -> loop.Losses:
        """Of a micro batch: levels, noise and draws depend on seed, step, epoch and sample alone."""
        places = self.buckets.at(turn, self.accelerator.process_index)
        keys = [self.keys[i] for i in places]
        step, epoch = turn // self.settings.train.accumulate, turn // self.buckets.rounds
        draws = [flow.generator("train", self.settings.seed, step, epoch, key) for key in keys]
        latents = self.latents(keys, draws)
        shift = self.spec.shift(self.pipe, latents.x0)
        sigma = torch.stack(
            [flow.draw(self.settings.levels, self.spec.levels, shift, draw, *self.span) for draw in draws]
        )
        noise = self.noise(latents, draws)
        prompts = self.prompts(keys, draws)
        return self.compare(model, latents, prompts, noise, sigma)

    def compare(
        self, model: nn.Module, latents: Latents, prompts: Tensors, noise: Tensor, sigma: Tensor
    ) -> loop.Losses:
        """Squared errors, in float32."""
        found = self.spec.forward(self.pipe, model, latents, prompts, noise, sigma)
        each = (found.prediction.float() - found.target.float()).pow(2).flatten(1).mean(1)
        return loop.Losses(each.mean(), sigma, each)

    def latents(self, keys: Sequence[str], draws: Sequence[torch.Generator]) -> Latents:
        """Clean latents of clips, on the device."""
        tensors = _stacked([self.cache.clip(key) for key in keys])
        moments = {name: t.float() for name, t in tensors.items()}
        found = self.spec.latents(moments, draws)
        device = self.accelerator.device
        return Latents(found.x0.to(device), {n: t.to(device) for n, t in found.condition.items()})

    def noise(self, latents: Latents, draws: Sequence[torch.Generator]) -> Tensor:
        """Noise like the latents, each from its own generator."""
        shape = latents.x0.shape[1:]
        return torch.stack([torch.randn(shape, generator=draw) for draw in draws]).to(latents.x0.device)

    def prompts(self, keys: Sequence[str], draws: Sequence[torch.Generator] = ()) -> Tensors:
        """Embeddings of the clips' prompts; some left out where the config says so."""
        names = [self.cache.clips[key]["prompt"] for key in keys]
        if self.settings.text_dropout and draws:
            out = flow.left_out(self.settings.text_dropout, draws)
            names = [prompt_key("") if left else name for left, name in zip(out, names, strict=True)]
        stacked = _stacked([self.cache.prompt(name) for name in names])
        return {name: t.to(self.accelerator.device) for name, t in stacked.items()}

    def validate(self, step: int, record: Record) -> Mapping[str, float]:
        """Loss at fixed levels and noise, and how many of the model's own clips the judge passes."""
        return self.validator.run(step, record)

    def export(self, weights: Mapping[str, Tensor], folder: Path) -> None:
        """Write the LoRA beside the log of the whole run, both experts' into one folder."""
        lora.save(type(self.pipe), self.model, self.part, weights, self.out / "lora")


def _stacked(found: Sequence[Tensors]) -> Tensors:
    return {name: torch.stack([tensors[name] for tensors in found]) for name in found[0]}
