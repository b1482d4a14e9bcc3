"""Irregular mazes: sampling, forms, drawing, judging, VR-Bench's states, and pictures that others drew."""

import copy
import json
from dataclasses import replace

import cv2
import networkx as nx
import numpy as np
import pytest

from genreason import cards, seeds, testing
from genreason.cards import TaskCard
from genreason.formats import vrreadroads, vrroads
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.perceive.foreign_roads import take_apart
from genreason.perceive.thinning import thinned, ways
from genreason.puzzles.irregular_maze import (
    LEAST_ROAD,
    PUZZLE,
    IrregularMazeParams,
    RoadMap,
    heading,
    names,
    road_map,
)
from genreason.puzzles.roads import RoadState
from genreason.puzzles.touching import joined
from genreason.puzzles.voronoi import CLEAR, DETOUR, draw_map
from genreason.render.board import Piece, blend
from genreason.render.lattice import Lattice
from genreason.render.motion import Motion, animate
from genreason.render.streets import STYLES, road_mask
from genreason.task import Task
from genreason.types import Clip, GenreasonError, Instance, UserError

LEVELS = list(cards.load(TaskCard, "irregular_maze").levels)
EASY = IrregularMazeParams(side=17, spacing=4.7, loops=0.9, min_nodes=4)
MOTION = {"frames_per_step": 3, "ease": "linear", "hold_start": 2, "hold_end": 2, "length": "any"}


def sampled(i=0, params=EASY):
    return PUZZLE.sample(seeds.stream("test", i), params)


def pictured(i=0, style="classic", size=(256, 256), params=EASY):
    return testing.instance_of(PUZZLE, sampled(i, params), style=style, size=size, motion=MOTION, index=i)


def judged(instance, frames, fps=24.0):
    return RulesJudge().judge(instance, [Clip(render=lambda: iter(frames), fps=fps)])[0]


def driven(workshop, stops):
    """Frames of a drive over these places (x, y)."""
    keys = [np.array([place], np.float32) for place in stops]
    return list(animate(keys, Motion(**MOTION)).frames(workshop.board))


@pytest.mark.parametrize("level", LEVELS)
def test_maps_are_connected_with_loops_and_roads_apart(level):
    params = Task("irregular_maze", level).params
    found = road_map(sampled(1, params))
    graph = nx.Graph([bend[:2] for bend in found.bends])
    assert nx.is_connected(graph) and len(graph) == len(found.nodes)
    assert graph.number_of_edges() >= len(graph)  # a loop at least
    points, ends, arcs = (getattr(found.samples, name) for name in ("points", "ends", "arc"))
    length = dict(nx.all_pairs_dijkstra_path_length(found.graph, weight="length"))
    gap = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    for i, j in np.argwhere(np.triu(gap < CLEAR - 0.1, 1))[::7]:
        around = min(arcs[i, a] + length[ends[i, a]][ends[j, b]] + arcs[j, b] for a in (0, 1) for b in (0, 1))
        same = set(ends[i]) == set(ends[j])
        assert same or around <= DETOUR + 0.5, "two roads come close that do not meet there"


def test_maps_lie_in_the_picture_and_bend():
    found = draw_map(seeds.stream("bent"), 20, 4.1, 0.8, 0.1)
    assert found is not None
    assert (found.nodes >= 0.9).all() and (found.nodes <= 20 - 1.9).all()
    middle = found.nodes[found.edges].mean(axis=1)
    off = np.hypot(*(found.bends - middle).T) / np.hypot(*np.diff(found.nodes[found.edges], axis=1)[:, 0].T)
    assert off.max() <= 0.101 and off.mean() > 0.02


def test_too_tight_a_level_says_so():
    with pytest.raises(GenreasonError, match="lower min_nodes"):
        sampled(0, IrregularMazeParams(side=12, spacing=5, min_nodes=12))


# -- rules and forms -----------------------------------------------------------------------------------------
def turned(state):
    """The state seven times over, turned and mirrored."""
    record, goal = PUZZLE.encode(state)
    width, height = record["size"]

    def moved(point, turn):
        x, y = point[::-1] if turn & 4 else point
        return [width - 1 - x if turn & 1 else x, height - 1 - y if turn & 2 else y]

    for turn in range(1, 8):
        nodes = {name: moved(place, turn) for name, place in record["nodes"].items()}
        roads = [[a, b, [moved(point, turn) for point in inner]] for a, b, inner in record["roads"]]
        yield PUZZLE.decode({**record, "nodes": nodes, "roads": roads}, goal)


def test_contract():
    testing.check_puzzle(PUZZLE, EASY, n=4, size=(256, 256), symmetries=turned)
    assert PUZZLE.canonical(sampled(0)) != PUZZLE.canonical(sampled(1))


def test_the_order_in_json_means_nothing():
    state = sampled(4)
    record, goal = PUZZLE.encode(state)
    mixed = {
        **record,
        "nodes": dict(sorted(record["nodes"].items())),
        "roads": [[b, a, inner[::-1]] for a, b, inner in reversed(record["roads"])],
    }
    assert PUZZLE.decode(mixed, goal) == state


def test_the_way_is_a_shortest_one_by_length():
    for i in range(5):
        state = sampled(i, IrregularMazeParams(side=20, spacing=4.1, loops=1.0))
        moves = PUZZLE.solve(state).moves
        total, at = 0.0, state
        for move in moves:
            total += road_map(state).road(at.agent, move).length
            at = PUZZLE.step(at, move)
        graph = road_map(state).graph
        every = nx.all_simple_paths(graph, state.agent, state.goal, cutoff=len(moves) + 3)
        lengths = [nx.path_weight(graph, way, "length") for way in every]
        assert total == pytest.approx(min(lengths)) and PUZZLE.done(at)


def test_moves_are_names_and_the_plan_can_be_followed():
    assert names(4, 2, 0) == ["goal", "A", "start", "B"] and names(30, 28, 29)[26:] == [
        "AA",
        "AB",
        "start",
        "goal",
    ]
    assert heading((0, 0), (1, -1)) == "to the upper right" and heading((0, 0), (0, 2)) == "straight down"
    state = sampled(2)
    moves = PUZZLE.solve(state).moves
    text = PUZZLE.plan(state, moves[0])
    assert (
        moves[-1] == "goal"
        and text.startswith("I am at the start; the goal lies ")
        and f" {moves[0]}." in text
    )


@pytest.mark.parametrize(("change", "words"), [
    ({"nodes": {}}, "nodes"), ({"agent": "Q"}, "agent"), ({"size": [1]}, "size"),
    ({"roads": [["start", "Z", []]]}, "'Z' is no node"), ({"roads": [3]}, "roads"),
])  # fmt: skip
def test_wrong_states_are_named(change, words):
    record, goal = PUZZLE.encode(sampled())
    with pytest.raises(UserError, match=words):
        PUZZLE.decode({**record, **change}, goal)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_shows_roads_agent_and_goal(style):
    instance = pictured(3, style)
    board, state = PUZZLE.board(instance), PUZZLE.start(instance)
    cover = road_mask(road_map(state).lines, board.lattice, instance.size)
    blurred = cv2.blur(board.plate, (5, 5)).astype(float)
    colours = [np.median(blurred[part], axis=0) for part in (cover >= 1, cover <= 0)]
    assert np.abs(np.subtract(*colours)).max() > 60, "roads hardly differ from the ground"
    goal = board.plate.copy()
    blend(goal, board.pieces[0], *board.lattice.pixels(PUZZLE.goals(state)[0]).tolist())
    assert np.abs(goal.astype(int) - board.plate).max() > 100, "the agent cannot be told from the goal"
    for node in range(len(road_map(state).nodes)):
        there = replace(state, agent=node)
        assert PUZZLE.read(board.draw(PUZZLE.places(there)), instance).state == there
    words = PUZZLE.style_words(style)
    assert set(words) == {"agent", "goal", "road", "ground"} and len(set(words.values())) == 4


def test_roads_too_thin_to_read_are_refused():
    with pytest.raises(UserError, match=f"--size {17 * LEAST_ROAD}"):
        PUZZLE.layout(sampled(), (160, 160), "classic")


def test_roads_are_as_wide_as_a_cell():
    state = sampled()
    lattice = Lattice(cols=17, rows=17, x0=0, y0=0, cell_w=16, cell_h=16)
    lines = road_map(state).lines
    length = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines)
    area = road_mask(lines, lattice, (272, 272)).sum() / 16**2
    assert 0.85 * length < area < 1.05 * length + len(lines)


# -- judging -------------------------------------------------------------------------------------------------
def test_any_way_along_the_roads_passes_and_a_short_cut_does_not():
    instance = pictured(5)
    w = Workshop(instance, "test")
    assert judged(instance, list(w.truth.frames(w.board))).status == "pass"
    found = road_map(w.start)
    ways_there = list(nx.all_simple_paths(found.graph, w.start.agent, w.start.goal))
    longest = max(ways_there, key=lambda way: nx.path_weight(found.graph, way, "length"))
    assert len(ways_there) > 1
    verdict = judged(
        instance, driven(w, [p[0] for p in w.way(w.start, [found.names[n] for n in longest[1:]])])
    )
    assert verdict.status == "pass"
    start, goal = found.nodes[w.start.agent], found.nodes[w.start.goal]
    across = [np.add(np.multiply(start, 1 - s), np.multiply(goal, s)) for s in np.linspace(0, 1, 14)]
    verdict = judged(instance, driven(w, across))
    assert verdict.checks["rules.legal"] == 0 and "leaves the road" in verdict.reason


def test_the_goal_counts_before_a_node_close_to_it():
    nodes = [(2.0, 2.0), (6.0, 2.0), (6.3, 2.0)]
    state = RoadState(RoadMap(names(3, 0, 1), nodes, [(0, 1, ()), (1, 2, ())], (17.0, 17.0)), 0, 1)
    assert PUZZLE.done(PUZZLE.settled(state, np.array([[6.4, 2.0]], np.float32)))
    assert not PUZZLE.done(PUZZLE.settled(state, np.array([[6.6, 2.0]], np.float32)))


# -- VR-Bench's states ---------------------------------------------------------------------------------------
def test_states_come_back():
    for size in ((256, 256), (300, 260)):
        instance = pictured(6, size=size)
        record = json.loads(json.dumps(vrroads.state_json(instance)))
        level = vrroads.parse(record, size)
        assert PUZZLE.decode(level.state, level.goal) == PUZZLE.start(instance)
        assert level.scene["grid"] == pytest.approx(instance.scene["grid"])
    metadata = record["metadata"]
    path = metadata["solution_path"]
    assert path[0] == metadata["start_point"] and path[-1] == metadata["end_point"]
    assert len(metadata["solution_segments"]) == len(path) - 1


def wrong(*path, value):
    def change(record):
        for name in path[:-1]:
            record = record[name]
        record[path[-1]] = value
        if value is None:
            del record[path[-1]]

    return change


@pytest.mark.parametrize(("change", "words"), [
    (wrong("version", value="2.0"), "version"),
    (wrong("render", "image_width", value=512), "contradicts its image"),
    (wrong("metadata", "segments", value=None), "metadata.segments"),
    (wrong("metadata", "segments", value=[[[1, 2]]]), r"segments\[0\]"),
    (wrong("metadata", "road_width", value=0), "road_width"),
    (wrong("entities", "player", value=None), "entities.player"),
    (wrong("metadata", "start_point", value=[3.0, 4.0]), "player is not at"),
    (wrong("entities", "goal", "bbox", "center_x", value=5), "contradicts itself"),
])  # fmt: skip
def test_states_that_are_wrong_are_named(change, words):
    record = copy.deepcopy(vrroads.state_json(pictured(6)))
    change(record)
    with pytest.raises(UserError, match=words):
        vrroads.parse(record, (256, 256))


def test_roads_that_run_together_are_joined():
    # Two roads that nearly touch at their ends, as a Voronoi edge that was left out leaves them.
    apart = [(0.0, 0.0), (5.0, 0.0), (5.4, 0.5), (9.0, 4.0)]
    _, bends = joined(apart, [(0, 1, ()), (2, 3, ())])
    assert nx.is_connected(nx.Graph([bend[:2] for bend in bends]))
    # A road that ends in the middle of another one.
    nodes, bends = joined([(0.0, 0.0), (8.0, 0.0), (4.0, 0.6), (4.0, 5.0)], [(0, 1, ()), (2, 3, ())])
    assert nx.is_connected(nx.Graph([bend[:2] for bend in bends])) and len(nodes) == 5
    # Roads a void apart, and roads around a corner, stay as they are.
    for nodes, bends in (
        ([(0.0, 0.0), (5.0, 0.0), (0.0, 1.4), (5.0, 1.4)], [(0, 1, ()), (2, 3, ())]),
        ([(0.0, 0.0), (5.0, 0.0), (5.0, 2.0)], [(0, 1, ((2.0, 0.1),)), (0, 2, ())]),
    ):
        assert joined(nodes, bends) == (nodes, bends)


# -- others' pictures ----------------------------------------------------------------------------------------
def foreign(tmp_path, style, size=512, i=7, agent=None):
    """An instance with only a picture, and what drew it: a style of ours on black, with this agent."""
    drawn = pictured(i, style, (size, size))
    board = PUZZLE.board(drawn)
    lattice, state = board.lattice, PUZZLE.start(drawn)
    cover = road_mask(road_map(state).lines, lattice, (size, size))[..., None]
    plate = (board.plate * cover).astype(np.uint8)
    board = replace(board, plate=plate, pieces=(agent or board.pieces[0],))
    path = tmp_path / "first.png"
    cv2.imwrite(str(path), board.draw(PUZZLE.places(state))[..., ::-1])
    level = vrroads.parse(vrroads.state_json(drawn), (size, size))
    scene = {**drawn.scene, **level.scene, "foreign": True}
    record = {**drawn.to_json(), "scene": scene, "state": level.state, "goal": level.goal}
    return Instance.from_json({**record, "key": f"foreign {style} {i}"}, path), board


def disc(size, colour, alpha=1.0):
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    away = np.hypot(x, y)
    shade = 1 - 0.4 * away / size
    rgb = np.array(colour, np.float32) * shade[..., None]
    return Piece(
        "agent", rgb.astype(np.float32), (np.clip(size * 0.4 - away, 0, 1) * alpha).astype(np.float32)
    )


@pytest.mark.parametrize(("style", "agent"), [
    ("classic", None), ("ice", disc(30, (170, 190, 210))), ("bricks", disc(30, (60, 60, 220), 0.6)),
    ("photo", None),
])  # fmt: skip
def test_somebody_elses_picture_is_judged(tmp_path, style, agent):
    instance, board = foreign(tmp_path, style, agent=agent)
    w = Workshop(instance, "test")
    script = animate(w.stops, Motion(**MOTION))
    assert judged(instance, list(script.frames(board))).status == "pass"
    start = PUZZLE.places(w.start)
    clone = [board.draw(start, out=frame.copy()) for frame in script.frames(board)]
    verdict = judged(instance, clone)
    assert verdict.checks["objects.unique"] == 0
    assert judged(instance, list(script.frames(board))[: len(script) // 2]).checks["rules.goal"] == 0
    shut = board.plate.copy()
    x, y = (int(v) for v in board.lattice.pixels(w.stops[len(w.stops) // 2][0]))
    shut[y - 15 : y + 15, x - 15 : x + 15] = 0
    frames = list(script.frames(board))[:6] + list(script.frames(replace(board, plate=shut)))[6:]
    assert judged(instance, frames).checks["scene.kept"] == 0


def test_what_lies_under_the_agent_is_found_again(tmp_path):
    instance, board = foreign(tmp_path, "bricks", i=8)
    taken = PUZZLE.board(instance)
    hidden = np.abs(taken.plate.astype(int) - PUZZLE.picture(instance)).max(axis=-1) > 12
    assert 100 < hidden.sum() < 30**2  # all of the agent, and no more than its box
    assert np.abs(taken.plate.astype(int) - board.plate).mean(axis=-1)[hidden].mean() < 30


def test_a_picture_of_other_roads_is_refused(tmp_path):
    instance, _ = foreign(tmp_path, "classic")
    other = road_map(sampled(9)).lines
    lattice = Lattice.from_json(instance.scene["grid"])
    at = np.array(road_map(sampled(9)).nodes[:2], np.float32)
    with pytest.raises(UserError, match="does not show the roads"):
        take_apart(PUZZLE.picture(instance), other, lattice, at[0], at[1])
    empty = PUZZLE.board(instance).plate
    places = PUZZLE.places(PUZZLE.start(instance))[0], PUZZLE.goals(PUZZLE.start(instance))[0]
    with pytest.raises(UserError, match="no agent stands out"):
        take_apart(empty, road_map(PUZZLE.start(instance)).lines, lattice, *places)


def test_a_mask_is_thinned_to_nodes_and_ways():
    mask = np.zeros((60, 80), np.uint8)
    cv2.line(mask, (10, 30), (70, 30), 1, 7)
    cv2.line(mask, (40, 30), (40, 52), 1, 7)
    cv2.circle(mask, (20, 12), 6, 1, 3)
    nodes, found = ways(thinned(mask > 0))
    degree = np.bincount([end for way in found for end in way.ends], minlength=len(nodes))
    assert sorted(degree.tolist())[-1] == 3 and (degree == 1).sum() == 3
    crossing = nodes[int(degree.argmax())]
    assert np.hypot(*(crossing - (40, 30))) < 3
    ring = [way for way in found if way.ends[0] == way.ends[1]]
    assert len(ring) == 1 and len(ring[0].points) > 20


@pytest.mark.parametrize("i", [7, 11])
def test_a_level_is_read_from_its_picture_alone(tmp_path, i):
    instance, board = foreign(tmp_path, "classic", i=i)
    picture, state = PUZZLE.picture(instance), PUZZLE.start(instance)
    with pytest.raises(UserError, match="which is the player: say -o irregular_maze.player="):
        vrreadroads.level(picture, {})
    by_colour = vrreadroads.level(picture, {"player": "green"})
    by_place = vrreadroads.level(
        picture, {"goal": ",".join(map(str, board.lattice.pixels(PUZZLE.goals(state)[0])))}
    )
    w = Workshop(instance, "test")
    frames = list(animate(w.stops, Motion(**MOTION)).frames(board))
    by_clip = vrreadroads.level(picture, {}, [frames])
    assert by_colour == by_place == by_clip
    read = PUZZLE.decode(by_clip.state, by_clip.goal)
    lattice = Lattice.from_json(by_clip.scene["grid"])
    assert lattice.cell_w == pytest.approx(board.lattice.cell_w, rel=0.1)
    for a, b in ((PUZZLE.places(read), PUZZLE.places(state)), (PUZZLE.goals(read), PUZZLE.goals(state))):
        assert np.abs(lattice.pixels(a) - board.lattice.pixels(b)).max() < 0.2 * board.lattice.cell_w
    lines = np.concatenate([board.lattice.pixels(line) for line in road_map(state).lines])
    seen = np.concatenate([lattice.pixels(line) for line in road_map(read).lines])
    gap = np.hypot(*(lines[:, None] - seen[None]).transpose(2, 0, 1)) / board.lattice.cell_w
    assert gap.min(axis=1).max() < 0.6 and gap.min(axis=0).max() < 0.4
    record = {**instance.to_json(), "state": by_clip.state, "goal": by_clip.goal, "key": f"read {i}"}
    record["scene"] = {**instance.scene, **by_clip.scene}
    assert judged(Instance.from_json(record, instance.first_frame), frames).status == "pass"


def test_hints_that_fit_nothing_are_named(tmp_path):
    picture = PUZZLE.picture(foreign(tmp_path, "classic")[0])
    with pytest.raises(UserError, match="player=purple: not one such thing"):
        vrreadroads.level(picture, {"player": "purple"})
    with pytest.raises(UserError, match="neither a colour nor x,y"):
        vrreadroads.level(picture, {"player": "there"})
    with pytest.raises(UserError, match="no roads are seen"):
        vrreadroads.level(np.full((200, 200, 3), 30, np.uint8), {})
