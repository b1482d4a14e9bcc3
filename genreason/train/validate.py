"""What a model in training does with puzzles that it is not trained on: loss at fixed noise, and success."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from genreason import cards, seeds, video
from genreason import judge as judges
from genreason.cards import JudgeCard
from genreason.formats import files
from genreason.generate.pipelines import DiffusersGenerator
from genreason.puzzles import base
from genreason.train import flow
from genreason.train.clips import Sample
from genreason.train.record import Record
from genreason.types import Clip, Instance, Json, Request, Verdict

if TYPE_CHECKING:
    from genreason.train.sft import I2V


class Validator:
    """Validates one denoiser in training.

    The loss is taken at the same levels with the same noise each time, so that it can be compared; the clips
    are generated from the same noise too. Both take the averaged weights where there are some.
    """

    def __init__(self, task: I2V, held: Sequence[Sample], folder: Path) -> None:
        """Validate on these samples; clips and verdicts go to the folder."""
        self.task, self.held, self.folder = task, list(held), folder

    def run(self, step: int, record: Record) -> Mapping[str, float]:
        """Figures of this step; nothing where nothing is held out.

        Every process takes the losses, as under FSDP each has only a part of the model.
        """
        if not self.held:
            return {}
        model = self.task.model
        model.eval()
        with torch.no_grad():
            found = self._loss()
            if self.task.settings.validation.clips and self.task.accelerator.is_main_process:
                found |= self._success(step, record)
        model.train()
        return found

    def _loss(self) -> dict[str, float]:
        low, high = self.task.span
        levels = [s for s in self.task.settings.validation.levels if low <= s <= high]
        sums = {level: 0.0 for level in levels}
        for sample in self.held:
            for level in levels:
                draws = [flow.generator("validation", self.task.settings.seed, sample.key, level)]
                latents = self.task.latents([sample.key], draws)
                noise, prompts = self.task.noise(latents, draws), self.task.prompts([sample.key])
                sigma = torch.tensor([level])
                found = self.task.compare(self.task.model, latents, prompts, noise, sigma)
                sums[level] += float(found.total)
        means = {level: total / len(self.held) for level, total in sums.items()}
        named = {f"validation/loss_sigma_{level:g}": mean for level, mean in means.items()}
        return {"validation/loss": sum(means.values()) / len(means), **named} if means else {}

    def _success(self, step: int, record: Record) -> dict[str, float]:
        settings = self.task.settings.validation
        asked = [sample.instance for sample in self.held[: settings.clips]]
        answers = self._answers([_request(sample) for sample in self.held[: settings.clips]])
        folder = self.folder / f"step-{step:06d}"
        return graded(asked, answers, settings.judge, folder, step, record)

    def _answers(self, requests: Sequence[Request]) -> list[Clip]:
        """The model's clips; the parts that training does without are loaded for it, and let go again."""
        task, spec = self.task, self.task.spec
        options = {**spec.options.model_dump(), "lora": None, **task.settings.validation.options}
        generator = DiffusersGenerator("validation", options)
        pipe = spec.load(spec.text_parts, spec.clip_parts)
        pipe.to(task.accelerator.device)
        for part in spec.experts(task.pipe):
            pipe.register_modules(**{part: getattr(task.pipe, part)})
            getattr(pipe, part).to(task.accelerator.device)
        generator.pipe = pipe
        generator.adapter.prepare(pipe, generator.options)
        pipe.set_progress_bar_config(disable=True)
        clips = generator.generate(requests, int(seeds.stream("validation", 0).integers(1 << 30)))
        for part in spec.experts(task.pipe):
            if part != task.part:
                getattr(pipe, part).to("cpu")
        del pipe, generator
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return clips


def graded(
    asked: Sequence[Instance], answers: Sequence[Clip], judge: str, folder: Path, step: int, record: Record
) -> dict[str, float]:
    """Write clips and verdicts to the folder; the share that was scored, and of it the share that passed."""
    card = cards.load(JudgeCard, judge)
    grader = judges.load(card, card.options)
    verdicts: list[Verdict] = []
    shown: list[tuple[Path, str]] = []
    lines: list[Json] = []
    for instance, clip in zip(asked, answers, strict=True):
        path = folder / f"{instance.sample_id}.mp4"
        video.write(path, video.frames(clip), video.fps(clip))
        (verdict,) = grader.judge(instance, [Clip(path=path)], 0)
        verdicts.append(verdict)
        shown.append((path, f"{verdict.status}: {verdict.reason}"))
        lines.append({"schema": 1, "sample": instance.sample_id, "key": instance.key, **verdict.to_json()})
    files.keep_lines(folder / "verdicts.jsonl", lines)
    record.clips(step, shown)
    scored = [v for v in verdicts if v.status != "unscored"]
    found = {"validation/scored": len(scored) / len(verdicts)}
    if scored:
        found["validation/success"] = sum(v.status == "pass" for v in scored) / len(scored)
    return found


def _request(sample: Sample) -> Request:
    instance = sample.instance
    if instance.scene.get("puzzle") is not None:
        picture = base.load(instance.scene["puzzle"]).picture(instance)
    else:
        picture = next(iter(video.frames(Clip(path=sample.path))))
    return Request(instance=instance, first_frame=picture, prompt=instance.prompt)
