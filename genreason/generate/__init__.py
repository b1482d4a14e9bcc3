"""Who answers: generators by the kind that their card names. Their code is loaded when one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from genreason import cards
from genreason.cards import GeneratorCard
from genreason.types import Generator, Json, UserError, unknown


def _oracle(card: GeneratorCard, options: Json, journal: Path | None) -> Generator:
    from genreason.generate.oracle import Oracle

    return Oracle()


def _control(card: GeneratorCard, options: Json, journal: Path | None) -> Generator:
    from genreason.generate.controls import Control

    return Control(card.name)


def _folder(card: GeneratorCard, options: Json, journal: Path | None) -> Generator:
    from genreason.generate.folder import FolderGenerator

    if not options.get("path"):
        raise UserError(f"generator {card.name}: which folder of clips? Add -o path=DIR")
    return FolderGenerator(options["path"])


def _diffusers(card: GeneratorCard, options: Json, journal: Path | None) -> Generator:
    from genreason.generate.pipelines import DiffusersGenerator

    return DiffusersGenerator(card.name, options)


def _openai(card: GeneratorCard, options: Json, journal: Path | None) -> Generator:
    from genreason.generate.openai_video import OpenAIOptions, OpenAIVideo
    from genreason.generate.remote import RemoteGenerator, parse

    found = parse(OpenAIOptions, options, card.name)
    return RemoteGenerator(card.name, found, OpenAIVideo(card.name, found), journal)


def _http(card: GeneratorCard, options: Json, journal: Path | None) -> Generator:
    from genreason.generate.http_video import HttpOptions, HttpVideo
    from genreason.generate.remote import RemoteGenerator, parse

    found = parse(HttpOptions, options, card.name)
    return RemoteGenerator(card.name, found, HttpVideo(card.name, found), journal)


def _tv2tv(card: GeneratorCard, options: Json, journal: Path | None) -> Generator:
    from genreason.generate.tv2tv import Tv2tvGenerator

    return Tv2tvGenerator(card.name, options)


def find(name: str) -> GeneratorCard:
    """The generator card of that name or path, or of a folder that holds a model.

    Raises:
        UserError: there is none, or it is wrong.
    """
    if not Path(name).is_dir():
        return cards.load(GeneratorCard, name)
    from genreason.generate import models

    return models.card(name)


KINDS: dict[str, Callable[[GeneratorCard, Json, Path | None], Generator]] = {
    "oracle": _oracle,
    "control": _control,
    "folder": _folder,
    "diffusers": _diffusers,
    "openai-video": _openai,
    "http-video": _http,
    "tv2tv": _tv2tv,
}


def load(card: GeneratorCard, options: Json, journal: Path | None = None) -> Generator:
    """The generator of a card, with these options (the card's, with the caller's over them).

    Args:
        card: the card.
        options: the options.
        journal: where a generator that pays for its clips keeps its jobs; None keeps none.

    Raises:
        UserError: there is no such kind, or an option is wrong.
    """
    if card.kind not in KINDS:
        raise unknown(f"kind of generator {card.name}:", card.kind, KINDS)
    return KINDS[card.kind](card, options, journal)
