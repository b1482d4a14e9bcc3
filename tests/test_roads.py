"""Walks on roads: what follows the network passes, what leaves it or changes roads unjoined does not."""

import numpy as np
import pytest

from genreason.puzzles.roads import Network, Road
from genreason.roam import roam

REACH = 0.75


def network(nodes, edges):
    """Nodes, and straight roads (or lines of points) between pairs of them."""
    roads = [[] for _ in nodes]
    for a, b, *bends in edges:
        line = (nodes[a], *bends, nodes[b])
        roads[a].append(Road(b, b, line))
        roads[b].append(Road(a, a, line[::-1]))
    return Network(nodes, roads)


def walk(net, start, corners, pace=0.3, noise=0.0):
    """In which share of a walk over these corners `roam` says that it breaks, or None."""
    corners = np.array(corners, float)
    arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    steps = np.arange(0, arc[-1] + pace, pace)
    places = np.stack([np.interp(steps, arc, corners[:, k]) for k in (0, 1)], -1).astype(np.float32)
    places += np.random.default_rng(0).normal(0, noise, places.shape).astype(np.float32)
    found = roam(net.samples, start, places, np.ones(len(places), bool), REACH)
    return None if found.broken_at is None else found.broken_at / len(places)


# A square with a tail, 10 cells a side; node 4 hangs on node 2.
SQUARE = network(
    [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0), (14.0, 10.0)],
    [(0, 1), (1, 2), (2, 3), (3, 0), (2, 4)],
)
# Two roads that cross in the picture at (5, 5) and do not meet; joined far away only.
CROSSING = network([(0.0, 5.0), (10.0, 5.0), (5.0, 0.0), (5.0, 10.0)], [(0, 1), (2, 3), (0, 3)])
# A hairpin: two roads that leave node 0 at a sharp angle.
HAIRPIN = network([(0.0, 0.0), (12.0, 1.6), (12.0, -1.6)], [(0, 1), (0, 2)])


@pytest.mark.parametrize("noise", [0.0, 0.08])
def test_walk_along_roads_is_followed(noise):
    assert walk(SQUARE, 0, [(0, 0), (10, 0), (10, 10), (14, 10)], noise=noise) is None
    assert walk(SQUARE, 0, [(0, 0), (0, 10), (10, 10), (10, 4), (10, 10), (14, 10)], noise=noise) is None


@pytest.mark.parametrize("pace", [0.05, 0.3, 1.2, 3.0])
def test_pace_does_not_matter(pace):
    assert walk(SQUARE, 0, [(0, 0), (10, 0), (10, 10), (14, 10)], pace) is None


def test_rounded_corner_is_followed_and_a_cut_one_is_not():
    assert walk(SQUARE, 0, [(0, 0), (9.2, 0), (10, 0.8), (10, 10)]) is None
    assert walk(SQUARE, 0, [(0, 0), (7.5, 0), (10, 2.5), (10, 10)]) is not None


def test_straight_across_the_void_is_not_followed():
    broken = walk(SQUARE, 0, [(0, 0), (10, 10), (14, 10)])
    assert broken is not None and broken < 0.2


def test_jump_to_another_road_is_not_followed():
    places = np.array(
        [[x, 0] for x in np.arange(0, 5, 0.5)] + [[x, 10] for x in np.arange(5, 10, 0.5)], np.float32
    )
    assert roam(SQUARE.samples, 0, places, np.ones(len(places), bool), REACH).broken_at == 10


def test_roads_that_cross_without_meeting_cannot_be_changed():
    assert walk(CROSSING, 0, [(0, 5), (10, 5)]) is None
    assert walk(CROSSING, 0, [(0, 5), (5, 5), (5, 0)]) is not None


def test_sharp_corner_may_be_cut_on_common_ground_only():
    assert walk(HAIRPIN, 1, [(12, 1.6), (3.2, 0.43), (3.2, -0.43), (12, -1.6)]) is None
    assert walk(HAIRPIN, 1, [(12, 1.6), (9, 1.2), (9, -1.2), (12, -1.6)]) is not None


def test_unreadable_frames_are_passed_over():
    places = np.array([[x, 0] for x in np.arange(0, 10.5, 0.5)], np.float32)
    readable = np.ones(len(places), bool)
    places[5:7], readable[5:7] = 99, False
    assert roam(SQUARE.samples, 0, places, readable, REACH).broken_at is None


def test_network_is_equal_by_content():
    again = network(SQUARE.nodes, [(0, 1), (1, 2), (2, 3), (3, 0), (2, 4)])
    assert again == SQUARE and hash(again) == hash(SQUARE) and again != CROSSING
