"""VR-Bench's games: one entry each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genreason import cards
from genreason.cards import TaskCard
from genreason.formats import vrread, vrread3d, vrreadroads, vrroads, vrstate3d, vrtiles
from genreason.formats.vrstate import Level, Size
from genreason.types import Frame, Instance, Json

PROMPT = "vr-bench"  # name of the prompt, on the family's card, that asks what VR-Bench asks
_WORDS = {"agent": "player", "trap": "trap tiles", "cube": "cubes", "ladder": "ladders"}
Read = Callable[[Frame, Mapping[str, Any], Sequence[Iterable[Frame]]], Level]


@dataclass(frozen=True, kw_only=True)
class Game:
    """A game of VR-Bench.

    Attributes:
        type: its name in states.
        folder: its name in folders.
        puzzle: the family that has its rules here.
        parse: reads a state, given the size of its image; raises UserError that says what is wrong with it.
        state_json: writes one.
        read: reads a picture without a state, given hints and frames of clips that begin with it; raises
            UserError that says which hint it needs.
        hints: names of the hints that `read` takes.
    """

    type: str
    folder: str
    puzzle: str
    parse: Callable[[Json, Size], Level]
    state_json: Callable[[Instance], Json]
    read: Read
    hints: tuple[str, ...]

    @property
    def prompt(self) -> str:
        """What a model is asked where the data set does not say, without words for what a skin shows."""
        card = cards.load(TaskCard, self.puzzle)
        template = card.variants.get(PROMPT, card.prompts[0])
        words = {field: _WORDS.get(field, field) for field in cards.prompt_fields(template)}
        return template.format_map(words).strip()


def _tiles(name: str) -> Game:
    return Game(
        type=name, folder=name, puzzle=name, parse=vrtiles.parse, state_json=vrtiles.state_json,
        read=functools.partial(vrread.level, name), hints=vrread.hints(name),
    )  # fmt: skip


_ALL = (
    _tiles("maze"),
    _tiles("trapfield"),
    _tiles("sokoban"),
    Game(
        type=vrroads.TYPE, folder="irregular_maze", puzzle="irregular_maze",
        parse=vrroads.parse, state_json=vrroads.state_json, read=vrreadroads.level, hints=vrreadroads.HINTS,
    ),
    Game(
        type=vrstate3d.GAME, folder="maze3d", puzzle="maze3d",
        parse=vrstate3d.parse, state_json=vrstate3d.state_json, read=vrread3d.level, hints=vrread3d.HINTS,
    ),
)  # fmt: skip
GAMES = {game.type: game for game in _ALL}
"""By the name in states."""
FOLDERS = {game.folder: game for game in _ALL} | GAMES
"""By the names in folders."""
PUZZLES = {game.puzzle: game for game in _ALL}
"""By the family here."""
