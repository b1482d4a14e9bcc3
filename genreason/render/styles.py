"""How a board looks: colours, textures and marks, all drawn by code.

A style is data. Words for prompts come from it, so that the text always names what the picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from genreason.render.marks import Colour, Mark, crate, flag, ghost, robot, shape


@dataclass(frozen=True, slots=True)
class Paint:
    """A surface: a colour, a texture and how strongly the texture shows (levels of 255)."""

    colour: Colour
    texture: str = "flat"
    strength: float = 0.0
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One way to draw a board.

    Attributes:
        lines: whether walls are lines between rooms (families with rooms only) and not tiles.
        grid: how much darker the lines between cells are drawn (levels of 255), 0 for none.
        agent: the player's mark, also `goal` and `box`.
    """

    name: str
    floor: Paint
    wall: Paint
    agent: Mark
    goal: Mark
    box: Mark
    lines: bool = False
    grid: int = 0

    def words(self) -> dict[str, str]:
        """What a person calls the things in the picture."""
        return {
            "agent": f"{colour_name(self.agent.colour)} {self.agent.noun}",
            "goal": f"{colour_name(self.goal.colour)} {self.goal.noun}",
            "box": f"{colour_name(self.box.colour)} {self.box.noun}",
            "floor": self.floor.word or f"{colour_name(self.floor.colour)} floor",
            "wall": self.wall.word or f"{colour_name(self.wall.colour)} {'lines' if self.lines else 'tiles'}",
        }


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
            name="photo", floor=Paint((170, 176, 182), "photo", 44, "a rough light ground"),
            wall=Paint((58, 66, 74), "photo", 44, "a rough dark ground"),
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


STYLES = _styles()
