"""How a board looks: colours, textures and marks that are drawn by code, or somebody's pictures.

A style is data. Words for prompts come from it, so that the text always names what the picture shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genreason.render.marks import (
    Colour,
    Mark,
    crate,
    crosses,
    fires,
    flag,
    frames,
    ghost,
    mines,
    pits,
    robot,
    shape,
    signs,
    spikes,
)
from genreason.render.pictures import Picture


@dataclass(frozen=True, slots=True)
class Paint:
    """A surface: a colour, a texture and how strongly the texture shows (levels of 255)."""

    colour: Colour
    texture: str = "flat"
    strength: float = 0.0
    word: str = ""


Look = Paint | Mark | Picture
"""What a thing looks like: a surface that fills its tile, a mark on the floor, or a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One way to draw a board. It has no look for what its boards do not show.

    Attributes:
        floor: what pieces move on.
        agent: the player.
        goal: where something has to go.
        box: what the player pushes.
        wall: what bars the way and can be run into.
        trap: what bars the way and could be stepped on; its words are in the plural.
        lines: whether walls are lines between rooms (families with rooms only) and not tiles.
        grid: how much darker the lines between cells are drawn (levels of 255), 0 for none.
        margin: what is around a board that has no walls around it.
    """

    name: str
    floor: Paint | Picture
    agent: Mark | Picture
    goal: Mark | Picture
    box: Mark | Picture | None = None
    wall: Paint | Picture | None = None
    trap: Look | None = None
    lines: bool = False
    grid: int = 0
    margin: Paint = Paint((26, 26, 30))

    def shows(self, kind: str) -> bool:
        """Whether there is a look for the kind of thing ("floor", "wall", "agent")."""
        return getattr(self, kind) is not None

    def look(self, kind: str) -> Look:
        """What a kind of thing looks like."""
        found: Look = getattr(self, kind)
        return found

    def sprite(self, kind: str) -> Mark | Picture:
        """What a kind of piece looks like."""
        found: Mark | Picture = getattr(self, kind)
        return found

    def words(self) -> dict[str, str]:
        """What a person calls the things in the picture."""
        return {kind: self._word(kind) for kind in KINDS if self.shows(kind)}

    def _word(self, kind: str) -> str:
        look = self.look(kind)
        if isinstance(look, Picture):
            return look.word
        if isinstance(look, Mark):
            return f"{colour_name(look.colour)} {look.noun}"
        noun = "floor" if kind == "floor" else "lines" if self.lines else "tiles"
        return look.word or f"{colour_name(look.colour)} {noun}"


KINDS = ("agent", "goal", "box", "floor", "wall", "trap")


NAMED: dict[str, Colour] = {
    "black": (15, 15, 18), "white": (250, 250, 250), "gray": (128, 128, 128), "red": (222, 30, 38),
    "green": (30, 150, 50), "blue": (35, 95, 225), "yellow": (250, 210, 40), "orange": (245, 130, 25),
    "purple": (125, 50, 180), "pink": (245, 110, 170), "cyan": (30, 200, 220), "brown": (140, 85, 40),
    "turquoise": (60, 225, 165),
    "slate blue": (84, 92, 150),
    "light blue": (172, 214, 234), "dark blue": (22, 34, 84), "beige": (232, 216, 184), "lime": (140, 230,
    60),
}  # fmt: skip


def colour_name(colour: Colour) -> str:
    """The nearest colour that has a plain name."""
    return min(NAMED, key=lambda name: sum((a - b) ** 2 for a, b in zip(NAMED[name], colour, strict=True)))


def standing_out(taken: Sequence[Colour], names: Sequence[str], count: int) -> list[Colour]:
    """So many of the named colours, each as far as can be from those `taken` and from those before it."""
    found: list[Colour] = []
    for _ in range(count):
        others = np.array([*taken, *found], np.int64)
        far = [((np.array(NAMED[name]) - others) ** 2).sum(axis=1).min() for name in names]
        found.append(NAMED[names[int(np.argmax(far))]])
    return found


def _styles() -> dict[str, Style]:
    red, green, blue, yellow = (222, 30, 38), (24, 140, 48), (35, 95, 225), (250, 210, 40)
    listed = [
        Style(
            name="classic", grid=60, floor=Paint((252, 252, 252)), wall=Paint((172, 214, 234)),
            agent=shape("disc", red), goal=shape("square", green, 0.98), box=shape("square", yellow, 0.86),
        ),
        Style(
            name="slate", floor=Paint((236, 236, 232)), wall=Paint((92, 96, 104)),
            agent=shape("disc", (245, 130, 25), 0.64), goal=shape("square", blue, 0.8),
            box=shape("rounded", (150, 60, 170), 0.84),
        ),
        Style(
            name="contrast", floor=Paint((250, 250, 250)), wall=Paint((8, 8, 10)),
            agent=shape("disc", (25, 70, 235), 0.66), goal=shape("square", (20, 160, 60), 0.86),
            box=shape("square", (245, 140, 20), 0.84, edge=(60, 30, 0)),
        ),
        Style(
            name="night", floor=Paint((24, 28, 52)), wall=Paint((84, 92, 150)),
            agent=shape("disc", yellow, 0.66), goal=shape("ring", (60, 235, 160), 0.8),
            box=shape("rounded", (240, 100, 160), 0.84),
        ),
        Style(
            name="dungeon", floor=Paint((196, 150, 98), "wood", 16, "wooden floor"),
            wall=Paint((76, 74, 78), "stone", 34, "gray stones"),
            agent=robot((70, 200, 240), (14, 50, 90)),
            goal=shape("star", (255, 250, 150), 0.9, edge=(255, 255, 255)),
            box=crate((226, 60, 50), (90, 16, 12)),
        ),
        Style(
            name="garden", floor=Paint((206, 226, 160), "speckle", 18, "grass"),
            wall=Paint((36, 96, 44), "speckle", 34, "green hedges"),
            agent=ghost((200, 40, 160)), goal=flag((230, 40, 30), (50, 40, 36)),
            box=crate((240, 180, 90), (110, 64, 20)),
        ),
        Style(
            name="bricks", floor=Paint((214, 208, 196), "speckle", 14, "concrete"),
            wall=Paint((152, 62, 48), "brick", 30, "red bricks"),
            agent=shape("diamond", (20, 90, 220), 0.76, edge=(6, 20, 70)),
            goal=shape("ring", (20, 120, 50), 0.84), box=crate((250, 200, 60), (120, 80, 10)),
        ),
        Style(
            name="photo", floor=Paint((170, 176, 182), "photo", 44, "rough light ground"),
            wall=Paint((58, 66, 74), "photo", 44, "rough dark ground"),
            agent=shape("disc", (235, 30, 40), 0.7, edge=(255, 255, 255)),
            goal=shape("square", (30, 90, 235), 0.82, edge=(255, 255, 255)),
            box=shape("square", (255, 205, 30), 0.86, edge=(40, 30, 0)),
        ),
        Style(
            name="marble", floor=Paint((226, 222, 230), "photo", 20, "marble"),
            wall=Paint((104, 84, 132), "photo", 36, "purple marble"),
            agent=robot((250, 150, 30), (90, 40, 0)), goal=shape("diamond", (20, 140, 90), 0.84),
            box=shape("rounded", (40, 110, 210), 0.84, edge=(10, 30, 70)),
        ),
        Style(
            name="paper", lines=True, floor=Paint((248, 246, 238)), wall=Paint((40, 40, 44)),
            agent=shape("disc", blue, 0.46), goal=shape("star", (210, 40, 30), 0.6),
            box=shape("square", yellow),
        ),
        Style(
            name="blueprint", lines=True, floor=Paint((28, 58, 128), "speckle", 10, "blue paper"),
            wall=Paint((236, 240, 250)), agent=shape("square", (255, 210, 40), 0.44),
            goal=shape("ring", (80, 240, 140), 0.6), box=shape("square", yellow),
        ),
        Style(
            name="sand", lines=True, floor=Paint((222, 196, 146), "photo", 26, "sand"),
            wall=Paint((84, 52, 30)), agent=ghost((40, 70, 200), 0.54),
            goal=flag((200, 20, 60), (30, 30, 30), 0.6), box=shape("square", yellow),
        ),
    ]  # fmt: skip
    return {style.name: style for style in listed}


def _trap_styles() -> dict[str, Style]:
    """For boards without walls."""
    listed = [
        Style(
            name="crosses", grid=40, floor=Paint((232, 232, 234)), trap=crosses((250, 70, 66), (104, 6, 10)),
            agent=shape("disc", (58, 58, 240), 0.72), goal=shape("disc", (40, 190, 60), 0.8),
        ),
        Style(
            name="spikes", grid=40, floor=Paint((214, 194, 156), "speckle", 14, "sandstone floor"),
            trap=spikes((230, 234, 240), (52, 56, 64)), agent=robot((185, 40, 175), (60, 6, 66)),
            goal=flag((20, 120, 60), (50, 40, 36)),
        ),
        Style(
            name="holes", grid=44, floor=Paint((202, 158, 106), "wood", 14, "wooden floor"),
            trap=pits((14, 12, 16), (112, 74, 42)), agent=ghost((50, 80, 235)),
            goal=shape("star", (255, 235, 70), 0.94, edge=(120, 10, 10)),
        ),
        Style(
            name="lava", grid=26, floor=Paint((84, 78, 80), "stone", 8, "dark rock"),
            trap=Paint((236, 120, 40), "stone", 20, "glowing orange lava"),
            agent=robot((90, 215, 250), (10, 40, 80)), goal=shape("ring", (120, 250, 130), 0.84),
        ),
        Style(
            name="ponds", grid=30, floor=Paint((200, 214, 176), "speckle", 8, "pale grass"),
            trap=Paint((60, 110, 160), "photo", 10, "blue water"),
            agent=shape("disc", (225, 30, 40), 0.7, edge=(255, 255, 255)),
            goal=flag((125, 30, 160), (60, 46, 40)), margin=Paint((84, 70, 52)),
        ),
        Style(
            name="mines", grid=40, floor=Paint((226, 206, 158), "photo", 20, "sand"),
            trap=mines((40, 42, 46), (220, 222, 226)), agent=shape("diamond", (24, 92, 226), 0.8),
            goal=shape("square", (222, 40, 40), 0.76, edge=(255, 250, 240)), margin=Paint((110, 92, 66)),
        ),
        Style(
            name="flames", grid=34, floor=Paint((130, 132, 140), "speckle", 14, "gray stone floor"),
            trap=fires((252, 126, 18), (255, 240, 110), (56, 20, 12)), agent=ghost((40, 70, 215)),
            goal=shape("diamond", (70, 240, 190), 0.86),
        ),
        Style(
            name="signs", grid=36, floor=Paint((148, 152, 158), "photo", 26, "asphalt"),
            trap=signs((250, 206, 20), (20, 18, 16)),
            agent=shape("disc", (215, 24, 60), 0.7, edge=(255, 255, 255)),
            goal=shape("square", (24, 84, 220), 0.82, edge=(255, 255, 255)), margin=Paint((52, 74, 50)),
        ),
        Style(
            name="neon", grid=-34, floor=Paint((18, 20, 34)), trap=frames((250, 40, 170)),
            agent=shape("disc", (250, 225, 60), 0.66), goal=shape("ring", (60, 235, 160), 0.82),
            margin=Paint((92, 94, 110)),
        ),
    ]  # fmt: skip
    return {style.name: style for style in listed}


STYLES = _styles() | _trap_styles()
