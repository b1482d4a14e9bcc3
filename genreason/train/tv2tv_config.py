"""The config of a training run of a TV2TV model."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from genreason.cards import Strict
from genreason.model.layout import Mode
from genreason.train import loop
from genreason.train.clips import Source
from genreason.train.finer import Fit
from genreason.train.flow import Levels
from genreason.train.record import Wandb
from genreason.train.world import WorldSource


class Tv2tvValidation(Strict):
    """What is looked at that is not trained on.

    Attributes:
        data: puzzles (tasks) that the model answers and the judge grades.
        clips: told clips whose loss is taken at fixed levels and noise.
        levels: these levels.
        judge: the judge card.
    """

    data: list[Source] = []
    clips: int = Field(32, ge=1)
    levels: list[float] = [0.3, 0.6, 0.9]
    judge: str = "rules"


class Tv2tvConfig(Strict):
    """Training of a TV2TV model.

    Attributes:
        kind: what is trained.
        start: folder of a pipeline to go on from; None begins with random weights.
        model: config of the transformer, where it begins with random weights.
        llm: folder or hub name of a language model that the towers begin as; None: random weights.
        freeze_text: keep the text tower as it is.
        vae: folder or hub name of a causal video autoencoder or its pipeline; None: raw pixels.
        token: pixels a side of a token.
        mode: how samples are told: "tv2tv", "think2v" (all words first) or "t2v" (no words).
        prompt: what every sample begins with.
        worlds: what is learnt.
        tokens: of a micro batch.
        think: share of micro batches of first frames and plans alone: some 20 times cheaper than clips.
        misread: share of plan batches that show pictures at the size of another world.
        astray: share of clips that leave their way once, so that words are obeyed even then.
        corrections: share of clips in which a mistake is told where it is about to be made, and set right.
        copies: chunks of a clip that get a noisy copy.
        arrivals: share of clips whose last chunk is one of them in any case: a figure that comes onto its
            goal is the hardest picture of a clip, and the rarest.
        text_dropout: share of clips whose words are left out, for guidance.
        context_share: share of clean chunks that are shown with noise, against exposure bias.
        context_noise: how much of it (of 1), at most.
        most_steps: longest clip.
        video_weight: of the video loss against that of words.
        levels: which noise levels.
        fit: of the MLP behind the patches alone, before the first step.
        train: how long and how; `batch` is not used.
        validation: what is looked at.
        wandb: where it is shown.
        seed: of everything that is drawn.
    """

    kind: Literal["tv2tv"]
    start: str | None = None
    model: dict[str, Any] = {}
    llm: str | None = None
    freeze_text: bool = False
    vae: str | None = None
    token: int = Field(12, ge=4)
    mode: Mode = "tv2tv"
    prompt: str = "solve"
    worlds: list[WorldSource] = Field(min_length=1)
    tokens: int = Field(6000, ge=1)
    think: float = Field(0.5, ge=0, le=1)
    misread: float = Field(0.1, ge=0, le=1)
    astray: float = Field(0.15, ge=0, le=1)
    corrections: float = Field(0.0, ge=0, le=1)
    copies: int = Field(2, ge=1)
    arrivals: float = Field(0.0, ge=0, le=1)
    text_dropout: float = Field(0.0, ge=0, lt=1)
    context_share: float = Field(0.2, ge=0, le=1)
    context_noise: float = Field(0.1, ge=0, le=1)
    most_steps: int = Field(16, ge=1)
    video_weight: float = Field(20.0, gt=0)
    levels: Levels = Levels(how="logit_normal", std=1.4, shift=3.0)
    fit: Fit | None = None
    train: loop.Settings
    validation: Tv2tvValidation = Tv2tvValidation()
    wandb: Wandb = Wandb()
    seed: int = 0

    @model_validator(mode="after")
    def _begins_somewhere(self) -> Tv2tvConfig:
        if self.start is None and self.llm is None and not self.model:
            raise ValueError(
                "start, llm and model are all empty: give -o start=DIR to go on from a pipeline, "
                "or the sizes of a model"
            )
        return self
