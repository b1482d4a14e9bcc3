"""Each worker process has a GPU of its own: the number that it is chosen by."""

from __future__ import annotations

import time

import pytest

from genreason import executor
from genreason.generate import pipelines


def where(_):
    time.sleep(0.2)
    return pipelines.own_place()


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_have_places_of_their_own(workers):
    """Whatever ran in other processes before, places come in a row: no two share one of as many GPUs."""
    places = set(executor.run_map(where, range(4 * workers), workers=workers, backend="processes"))
    assert len({place % workers for place in places}) == len(places) == workers


def test_a_launcher_gives_the_place(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert pipelines.own_place() == 3
