"""Styles of plain scenes for physics."""

from __future__ import annotations

from dataclasses import dataclass

from genreason.render.marks import Colour
from genreason.render.styles import Paint, colour_name


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneStyle:
    """One way to draw a scene; the moving colours differ plainly from each other and from all else.

    Attributes:
        sky: what is behind everything.
        ground: what bodies rest on.
        ink: lines, arrows and texts.
        first: colour of the first moving kind of part.
        second: of the second.
        third: of the third.
        mark: what marks a place.
        face: texts on parts.
    """

    name: str
    sky: Paint
    ground: Colour
    ink: Colour
    first: Colour
    second: Colour
    third: Colour
    mark: Colour
    face: Colour
    font: str = "plain"

    def colour(self, role: str) -> Colour:
        """The colour of a role."""
        found: Colour = getattr(self, role)
        return found

    def words(self) -> dict[str, str]:
        """What a person calls the colours in the picture."""
        names = ("ground", "ink", "first", "second", "third", "mark")
        return {name: colour_name(self.colour(name)) for name in names}


def _styles() -> dict[str, SceneStyle]:
    red, blue, yellow, pink = (222, 30, 38), (35, 95, 225), (250, 210, 40), (245, 110, 170)
    listed = [
        SceneStyle(
            name="print", sky=Paint((250, 250, 250)), ground=(150, 156, 164), ink=(24, 24, 28), first=red,
            second=blue, third=(240, 190, 30), mark=(30, 150, 50), face=(250, 250, 250),
        ),
        SceneStyle(
            name="notebook", sky=Paint((250, 246, 226), "speckle", 5), ground=(176, 170, 156),
            ink=(24, 28, 40), first=(125, 50, 180), second=(245, 110, 10), third=(30, 150, 50), mark=blue,
            face=(252, 250, 240), font="hand",
        ),
        SceneStyle(
            name="chalk", sky=Paint((34, 64, 52), "photo", 8), ground=(104, 122, 114), ink=(238, 240, 236),
            first=yellow, second=pink, third=(60, 170, 240), mark=(245, 130, 25), face=(24, 34, 34),
            font="narrow",
        ),
        SceneStyle(
            name="night", sky=Paint((24, 28, 52)), ground=(84, 90, 130), ink=(222, 226, 240),
            first=(245, 130, 25), second=(30, 200, 220), third=pink, mark=(140, 230, 60), face=(20, 20, 30),
            font="bold",
        ),
        SceneStyle(
            name="blueprint", sky=Paint((28, 58, 128), "speckle", 6), ground=(112, 138, 190),
            ink=(240, 244, 250), first=yellow, second=pink, third=(60, 225, 165), mark=(245, 130, 25),
            face=(20, 30, 70), font="digital",
        ),
    ]  # fmt: skip
    return {style.name: style for style in listed}


SCENE_STYLES = _styles()
