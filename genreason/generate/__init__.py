"""Who answers: generators by the kind that their card names. Their code is loaded when one is asked for."""

from __future__ import annotations

from collections.abc import Callable

from genreason.cards import GeneratorCard
from genreason.types import Generator, Json, UserError, unknown


def _oracle(card: GeneratorCard, options: Json) -> Generator:
    from genreason.generate.oracle import Oracle

    return Oracle()


def _control(card: GeneratorCard, options: Json) -> Generator:
    from genreason.generate.controls import Control

    return Control(card.name)


def _folder(card: GeneratorCard, options: Json) -> Generator:
    from genreason.generate.folder import FolderGenerator

    if not options.get("path"):
        raise UserError(f"generator {card.name}: which folder of clips? Add -o path=DIR")
    return FolderGenerator(options["path"])


KINDS: dict[str, Callable[[GeneratorCard, Json], Generator]] = {
    "oracle": _oracle,
    "control": _control,
    "folder": _folder,
}


def load(card: GeneratorCard, options: Json) -> Generator:
    """The generator of a card, with these options (the card's, with the caller's over them).

    Raises:
        UserError: there is no such kind, or an option is wrong.
    """
    if card.kind not in KINDS:
        raise unknown(f"kind of generator {card.name}:", card.kind, KINDS)
    return KINDS[card.kind](card, options)
