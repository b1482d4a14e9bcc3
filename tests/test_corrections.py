"""What a program reads of a small model's words: mistakes that are told, phrases that are barred, plans."""

from __future__ import annotations

import numpy as np
import pytest

from genreason.generate.corrections import leads, noted, refuted, ways
from genreason.generate.worldsize import VIEWS, turned, turned_back

PLAN = "3x3 goal c1 : {} . at a1 go down"
MAP = "a1v b1> c1* a2> b2^ c2^ a3^ b3< c3<"


def test_what_was_said_and_went_wrong_as_it_is_told() -> None:
    assert noted(["at b2 go up"]) == "at b2 not up"
    again = ["at b2 go up", "at b2 not up go left", "at b2 go up", "at c3 go down"]
    assert noted(again) == "at b2 not up not left" and ways(again) == ["up", "left"]
    assert noted(["at d4 done"]) == "" and ways(["at d4 done"]) == []


def test_what_went_wrong_is_barred_as_a_step_and_in_the_plan() -> None:
    assert refuted(["at b2 go up"]) == ["at b2 go up", "b2^"]
    assert refuted([PLAN.format(MAP), "at a1 not up go down"]) == ["at a1 go down", "a1v"]
    assert refuted(["at c1 done"]) == ["at c1 done", "c1*"]
    assert refuted(["any words"]) == ["any words"]


@pytest.mark.parametrize(
    ("labels", "good"),
    [(MAP, True), (MAP.replace("a2>", "a2^"), False), (MAP.replace("b2^", "b2*"), False),
     (MAP.replace("a2>", "a2<"), False), (MAP.replace("a2> ", ""), False)],
)  # fmt: skip
def test_a_plan_leads_to_the_room_that_it_calls_the_goal(labels: str, good: bool) -> None:
    """In circles, to an end elsewhere, off the board, or to a room that it forgot: it does not."""
    assert leads(PLAN.format(labels)) == good


def test_what_is_no_plan_is_taken_as_it_is() -> None:
    assert leads("at a1 go down") and leads("") and leads("3x3")
    assert not leads("3x3 goal c1 : a1v b1> go down")  # it begins as one


@pytest.mark.parametrize("shape", [(6, 6, 3), (4, 6, 3)])
def test_a_picture_seen_from_a_side_and_back_is_the_picture(shape: tuple[int, ...]) -> None:
    picture = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    seen = [turned(picture, view) for view in range(VIEWS)]
    assert all(np.array_equal(turned_back(frame, view), picture) for view, frame in enumerate(seen))
    assert all(frame.shape == shape for frame in seen)
    assert len({frame.tobytes() for frame in seen}) == (VIEWS if shape[0] == shape[1] else VIEWS // 2)
