"""Fine-tuning and training from scratch of TV2TV models on worlds that are drawn as they are needed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor, nn
from torch.nn import functional

from genreason import seeds
from genreason.generate import extra
from genreason.generate.tv2tv import Tv2tvGenerator
from genreason.generate.tv2tv_options import Options
from genreason.model import llm, loading, words
from genreason.model.codec import PixelCodec, codec_of
from genreason.model.pipeline import TV2TVPipeline
from genreason.model.transformer import TV2TVOutput, TV2TVTransformer
from genreason.puzzles import base
from genreason.task import Task
from genreason.train import checkpoint, config, finer, flow, loop
from genreason.train.clips import Source
from genreason.train.record import Record
from genreason.train.telling import Batch, Teller
from genreason.train.tv2tv_config import Tv2tvConfig
from genreason.train.validate import graded
from genreason.train.world import Told, World, vocabulary
from genreason.train.worlds import world_of
from genreason.types import Json, Request, UserError, unknown


def train(settings: Tv2tvConfig, out: Path, quiet: bool = False) -> Path:
    """Train, or go on with the run in the folder.

    Returns:
        The folder of the pipeline; `-o model=FOLDER` gives it to the generator's card.

    Raises:
        UserError: the config is wrong, or the folder holds another run.
        GenreasonError: a loss is no number.
    """
    extra.need()
    accelerator: Any = importlib.import_module("accelerate").Accelerator(cpu=not torch.cuda.is_available())
    with accelerator.main_process_first():
        config.keep(settings, out)
    task = Tv2tv(settings, accelerator, out)
    if settings.train.checkpointing:
        task.model.enable_gradient_checkpointing()
    saved = checkpoint.found(out / "checkpoints")
    step = saved[-1][0] if saved else 0
    quiet = quiet or not accelerator.is_main_process
    if settings.fit is not None and not saved:
        task.model.to(accelerator.device)
        finer.fit(task, settings.fit, settings.seed, lambda line: None if quiet else print(line, flush=True))
    shown = Record(out, settings.wandb, settings.model_dump(mode="json"), step, settings.train.steps, quiet)
    try:
        return loop.fit(task, settings.train, out, shown, accelerator, settings.seed)
    finally:
        shown.close()


def pipeline(settings: Tv2tvConfig) -> TV2TVPipeline:
    """The pipeline to begin with.

    Raises:
        UserError: a config that the transformer does not take, or a start of another config.
    """
    if settings.start is not None:
        return _started(settings, Path(settings.start))
    torch.manual_seed(settings.seed)
    vae = PixelCodec(settings.token) if settings.vae is None else loading.autoencoder(settings.vae)
    try:
        model, tokenizer = _towers(settings, vae)
    except (TypeError, ValueError) as error:
        raise UserError(f"model: {error}") from None
    token = codec_of(vae).token * model.config.patch_size
    if token != settings.token:
        raise UserError(f"token: {settings.token} px, but codec and patches make tokens of {token} px")
    shift = settings.levels.shift or 1.0
    return TV2TVPipeline(model, vae, FlowMatchEulerDiscreteScheduler(shift=shift), tokenizer)


def _towers(settings: Tv2tvConfig, vae: Any) -> tuple[TV2TVTransformer, Any]:
    """Transformer and tokenizer."""
    sizes = {"latent_channels": codec_of(vae).channels, **settings.model}
    if settings.llm is None:
        tokenizer = words.tokenizer(vocabulary())
        return TV2TVTransformer(**{"vocab_size": len(tokenizer), **sizes}), tokenizer
    tokenizer = llm.read_tokenizer(settings.llm)
    model = llm.from_pretrained_llm(settings.llm, tokenizer, **sizes)
    return model, tokenizer


def _started(settings: Tv2tvConfig, folder: Path) -> TV2TVPipeline:
    """The pipeline to go on from; what the config says of the model must be true of it.

    A pipeline without an MLP behind its patches is given the config's, which adds nothing at first.
    """
    found = loading.read(folder)
    hidden = settings.model.get("patch_hidden", 0)
    if hidden and not found.transformer.config.patch_hidden:
        torch.manual_seed(settings.seed)
        found.register_modules(transformer=_finer(found.transformer, hidden))
    token = found.codec.token * found.transformer.config.patch_size
    there = {**found.transformer.config, "token": token}
    for name, value in {**settings.model, "token": settings.token}.items():
        if isinstance(value, list | tuple):
            value = type(there.get(name, value))(value)
        if name not in there:
            raise UserError(str(unknown("model:", name, there)))
        if there[name] != value:
            raise UserError(f"start: {folder} has {name} {there[name]}, the config {value}: make them equal")
    return found


def _finer(model: TV2TVTransformer, hidden: int) -> TV2TVTransformer:
    """The same with an MLP behind its patches, whose last layer is zero."""
    try:
        made: TV2TVTransformer = TV2TVTransformer.from_config(model.config, patch_hidden=hidden)
    except (TypeError, ValueError) as error:
        raise UserError(f"model: {error}") from None
    made.load_state_dict({**made.state_dict(), **model.state_dict()})
    return made


def card(settings: Tv2tvConfig, model: str) -> Json:
    """The generator's card for what is trained here, with the folder of the model."""
    grids = tuple(dict.fromkeys((source.rooms, source.rooms) for source in settings.worlds))
    options = Options(
        model=model,
        prompt=settings.prompt,
        grids=grids,
        corrections=settings.corrections > 0,
        turns=True,  # mazes have no top and no bottom
    ).model_dump(mode="json")
    return {
        "name": "tv2tv", "description": "A TV2TV model that was trained here.", "kind": "tv2tv",
        "batch": 32, "options": options,
    }  # fmt: skip


class Tv2tv:
    """A TV2TV model as `loop.fit` trains it."""

    product = "model"

    def __init__(self, settings: Tv2tvConfig, accelerator: Any, out: Path) -> None:
        """Build the model and the worlds."""
        self.settings, self.accelerator, self.out = settings, accelerator, out
        self.pipe = pipeline(settings)
        self.model: Any = self.pipe.transformer
        self.teller = Teller(
            self.pipe.tokenizer, self.pipe.codec, self.model.config.axes, settings.mode, settings.prompt
        )
        if settings.freeze_text:
            llm.freeze_text(self.model)
        if not isinstance(self.pipe.vae, PixelCodec):
            self.pipe.vae.requires_grad_(False).to(accelerator.device)
        frames = self.pipe.codec.frames
        self.worlds = [world_of(source, settings.token, frames) for source in settings.worlds]
        weights = np.array([source.weight for source in settings.worlds])
        self._shares = weights / weights.sum()
        self._turn: tuple[int, Batch] | None = None

    def samples(self, turn: int, rank: int) -> int:
        """What a micro batch weighs: all are cut to about as many tokens, so all weigh the same."""
        return 1

    def losses(self, model: nn.Module, turn: int) -> loop.Losses:
        """Of words and of noisy chunks; what is drawn depends on seed and number alone."""
        batch = self._batch(turn).to(self.accelerator.device)
        draw = flow.generator("tv2tv", self.settings.seed, *self._number(turn))
        noise, sigmas = self._noise(batch, draw)
        return self.compare(model, batch, self._context(batch.clean, draw), noise, sigmas)

    def compare(
        self, model: Any, batch: Batch, context: Tensor, noise: Tensor, sigmas: Tensor
    ) -> loop.Losses:
        """Losses of a batch with this noise at these levels (B, noisy chunks), in float32.

        `context` is `batch.clean` as the model is shown it.
        """
        at = list(batch.layout.noisy)
        x0 = batch.clean[:, at]
        found = self._predicted(model, batch, context, noise, sigmas)
        said = functional.cross_entropy(
            found.text_logits.float().flatten(0, 1), batch.targets.flatten(), reduction="none"
        )
        weights = batch.weights.flatten()
        text = (said * weights).sum() / weights.sum().clamp(min=1)
        figures = {"loss_text": text.detach()}
        if not at:
            return loop.Losses(text, sigmas.flatten(), sigmas.flatten(), figures, batch.tokens)
        velocity = self.model.config.prediction_type == "velocity"
        target = noise - x0 if velocity else x0
        assert found.prediction is not None, "there are noisy chunks"
        each = (found.prediction.float() - target).pow(2).flatten(2).mean(2)
        total = text + self.settings.video_weight * each.mean()
        return loop.Losses(total, sigmas.flatten(), each.flatten(), figures, batch.tokens)

    def _predicted(
        self, model: Any, batch: Batch, context: Tensor, noise: Tensor, sigmas: Tensor
    ) -> TV2TVOutput:
        at = list(batch.layout.noisy)
        level = sigmas[..., None, None, None]
        found: TV2TVOutput = model(
            batch.text_ids, batch.layout, clean=context,
            noisy=(1 - level) * batch.clean[:, at] + level * noise if at else None,
            sigmas=sigmas if at else None, reference=context[:, [i - 1 for i in at]] if at else None,
        )  # fmt: skip
        return found

    def looked(self, turn: int) -> tuple[Batch, TV2TVOutput]:
        """A micro batch, the same in every process, and what the model makes of it.

        Turns below 0 are never trained on.
        """
        rng = seeds.stream("tv2tv", self.settings.seed, turn, 0)
        batch = self._drawn(rng).to(self.accelerator.device)
        draw = flow.generator("tv2tv", self.settings.seed, turn, 0)
        noise, sigmas = self._noise(batch, draw)
        return batch, self._predicted(self.model, batch, self._context(batch.clean, draw), noise, sigmas)

    def _number(self, turn: int) -> tuple[int, int]:
        """Which micro batch of all processes that is: two of them see what one with `accumulate: 2` does."""
        return turn * self.accelerator.num_processes + self.accelerator.process_index, 0

    def _batch(self, turn: int) -> Batch:
        """What a turn of this process sees (the last one is kept)."""
        if self._turn is None or self._turn[0] != turn:
            rng = seeds.stream("tv2tv", self.settings.seed, *self._number(turn))
            self._turn = turn, self._drawn(rng)
        return self._turn[1]

    def _drawn(self, rng: np.random.Generator) -> Batch:
        settings = self.settings
        world = self.worlds[int(rng.choice(len(self.worlds), p=self._shares))]
        if rng.random() < settings.think:
            sizes = {w.n for w in self.worlds} - {world.n}
            if sizes and rng.random() < settings.misread:
                rooms = int(rng.choice(sorted(sizes)))
                return self._filled(lambda: world.misread(rng, rooms), (), True)
            return self._filled(lambda: world.puzzle(rng), (), False)
        steps = min(world.length(rng), settings.most_steps)
        count = min(settings.copies, steps)
        chosen = [1 + int(i) for i in rng.permutation(steps)[:count]]
        if settings.arrivals and rng.random() < settings.arrivals and steps not in chosen:
            chosen[0] = steps
        noisy = tuple(sorted(chosen))
        return self._filled(lambda: self._clip(world, rng, steps), noisy, True, rng)

    def _clip(self, world: World[Any], rng: np.random.Generator, steps: int) -> Told:
        """A clip of so many steps, of one of the kinds that there are."""
        if self.settings.corrections and rng.random() < self.settings.corrections:
            return world.corrected(rng, steps)
        return world.clip(rng, steps, rng.random() < self.settings.astray)

    def _filled(
        self, draw: Any, noisy: tuple[int, ...], finished: bool, rng: np.random.Generator | None = None
    ) -> Batch:
        """As many samples as the tokens of a micro batch allow."""
        first: Told = draw()
        one = self.teller.batch([first], noisy, finished).tokens
        told = [first, *(draw() for _ in range(max(self.settings.tokens // one, 1) - 1))]
        dropped = [] if rng is None else (rng.random(len(told)) < self.settings.text_dropout).tolist()
        return self.teller.batch(told, noisy, finished, dropped)

    def _noise(self, batch: Batch, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        """Noise like the noisy chunks, and their levels; each chunk has its own."""
        rows, chunks = len(batch.clean), len(batch.layout.noisy)
        noise = torch.randn(rows, chunks, *batch.clean.shape[2:], generator=draw)
        levels = self.settings.levels
        if levels.how == "uniform":
            raw = torch.rand(rows, chunks, generator=draw)
        else:
            raw = torch.sigmoid(levels.mean + levels.std * torch.randn(rows, chunks, generator=draw))
        sigmas = flow.shifted(raw, levels.shift or 1.0)
        device = batch.clean.device
        return noise.to(device), sigmas.to(device)

    def _context(self, clean: Tensor, draw: torch.Generator) -> Tensor:
        """Clean chunks, some of them a little noisy, as those are that the model made itself."""
        settings = self.settings
        rows, chunks = clean.shape[:2]
        chosen = torch.rand(rows, chunks, generator=draw) < settings.context_share
        chosen[:, 0] = False  # the first frame is given
        amount = chosen * settings.context_noise * torch.rand(rows, chunks, generator=draw)
        noise = torch.randn(clean.shape, generator=draw)
        return clean + amount[..., None, None, None].to(clean) * noise.to(clean)

    def validate(self, step: int, record: Record) -> Mapping[str, float]:
        """Loss at fixed levels and noise, and how many of the model's own clips the judge passes.

        Every process does the same, as under FSDP each has only a part of the model; one of them judges.
        """
        self.model.eval()
        with torch.no_grad():
            found = self._fixed_loss()
            for source in self.settings.validation.data:
                found |= self._success(source, step, record)
        self.model.train()
        return found

    def _fixed_loss(self) -> dict[str, float]:
        wanted = self.settings.validation
        rng = seeds.stream("tv2tv", "validation", self.settings.seed)
        sums = dict.fromkeys(wanted.levels, 0.0)
        text = 0.0
        for world in self.worlds:
            steps = min(world.length(rng), self.settings.most_steps)
            told = [world.clip(rng, steps, False) for _ in range(wanted.clips)]
            batch = self.teller.batch(told, tuple(range(1, steps + 1)), True).to(self.accelerator.device)
            draw = flow.generator("tv2tv", "validation", self.settings.seed, world.n)
            noise, sigmas = self._noise(batch, draw)
            for level in wanted.levels:
                losses = self.compare(self.model, batch, batch.clean, noise, torch.full_like(sigmas, level))
                sums[level] += float(losses.each.mean()) / len(self.worlds)
            text += float(losses.figures["loss_text"]) / len(self.worlds)
        named = {f"validation/loss_sigma_{level:g}": value for level, value in sums.items()}
        return {"validation/loss": sum(sums.values()) / len(sums), "validation/loss_text": text, **named}

    def _success(self, source: Source, step: int, record: Record) -> dict[str, float]:
        """Of one task and level, under names of its own."""
        if source.task is None:
            raise UserError("validation.data: give tasks: a TV2TV model is judged on puzzles that are drawn")
        task = Task(source.task, source.level, source.split, source.style, source.seed, source.size)
        instances = list(task[: source.n or 20])
        puzzle = base.load(task.card.puzzle)
        requests = [
            Request(instance=each, first_frame=puzzle.picture(each), prompt=each.prompt) for each in instances
        ]
        clips = self.answerer().generate(requests, 0)
        if not self.accelerator.is_main_process:
            return {}
        name = f"{task.card.name}-{task.level}"
        folder = self.out / "validation" / name / f"step-{step:06d}"
        found = graded(instances, clips, self.settings.validation.judge, folder, step, record)
        return {f"{key}/{name}": value for key, value in found.items()}

    def answerer(self) -> Tv2tvGenerator:
        """The model in training as a generator."""
        generator = Tv2tvGenerator("validation", card(self.settings, str(self.out))["options"])
        generator.pipe = self.pipe
        return generator

    def export(self, weights: Mapping[str, Tensor], folder: Path) -> None:
        """Write the pipeline with these weights, and the card that makes the folder a generator."""
        # Not into the model in training: under FSDP each process has only a part of it.
        # What is frozen is as it was at the start.
        made = pipeline(self.settings).transformer if self.settings.freeze_text else None
        made = TV2TVTransformer.from_config(self.model.config) if made is None else made
        made.load_state_dict({**made.state_dict(), **weights})
        TV2TVPipeline(made, self.pipe.vae, self.pipe.scheduler, self.pipe.tokenizer).save_pretrained(folder)
        text = yaml.safe_dump(card(self.settings, "."), sort_keys=False)
        (folder / "tv2tv.yaml").write_text(text, encoding="utf-8")
