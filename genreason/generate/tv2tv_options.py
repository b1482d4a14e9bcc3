"""Options of generator cards of kind "tv2tv"."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genreason import cards
from genreason.generate.models import INDEX
from genreason.types import Json, UserError

Words = dict[int, str]
WEIGHTS = "weights"


class Options(BaseModel):
    """Options of a card of kind "tv2tv".

    Attributes:
        model: folder of a TV2TVPipeline, or its name where it ships with genreason.
        prompt: what the model is told in place of a request's prompt; None tells it the request's own.
        grids: sizes (rows, cols) in tokens that a picture may have; the model says which. None: those of the
            card in the model's folder.
        chunks: most frame chunks of a clip.
        words: most words (tokens) between two frames; a clip whose model says more ends there.
        steps: Euler steps of a chunk.
        guidance: of the words.
        temperature: of the words.
        window: chunks in the context; None keeps all.
        interventions: words that are said before a chunk (counted from 1) instead of the model's own.
        fps: frames per second of the clip.
        lora: folder or file of a LoRA on one of the towers.
        device: "auto", "cpu", "cuda".
        turns: what the model shows is as true turned and mirrored: methods may let it look from other sides.
        drafts: most plans that are said before the first frame: the first that leads from where it starts to
            its goal is acted on, without a look at the puzzle. 1 acts on whatever is said.
        corrections: the model has learnt to go on from being told what went wrong (`rethink`). None: what the
            card in the model's folder says.
        memory: megabytes of keys and values that are kept of clips, to go on from their middle (`rethink`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str
    prompt: str | None = None
    grids: tuple[tuple[int, int], ...] | None = Field(None, min_length=1)
    chunks: int = Field(40, ge=1)
    words: int = Field(128, ge=1)
    steps: int = Field(2, ge=1)
    guidance: float = 1.0
    temperature: float = Field(0.0, ge=0)
    window: int | None = Field(None, ge=2)
    interventions: Words = {}
    fps: float = Field(8.0, gt=0)
    lora: str | None = None
    device: str = "auto"
    turns: bool = False
    drafts: int = Field(1, ge=1)
    corrections: bool | None = None
    memory: int = Field(512, ge=0)


def parse(options: Json, name: str) -> Options:
    """Check the options of a card.

    Raises:
        UserError: one is wrong; says which.
    """
    try:
        return Options(**options)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"generator {name}: option {where}: {first['msg']}") from None


def place_of(model: str) -> Path:
    """The folder of a model: as it is given, or of that name in `weights` beside the cards."""
    places = [Path(model), *(root / WEIGHTS / model for root in cards.roots())]
    return next((place for place in places if (place / INDEX).is_file()), places[0])
