"""Nodes are coloured along solid edges and in the order that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from genreason.generate.boardshop import BoardShop, put
from genreason.generate.controls import shop
from genreason.judge.rules import RulesJudge
from genreason.puzzles.boards import Stage
from genreason.puzzles.graph_traversal import PLAIN, REACHED, GraphTraversalState
from genreason.task import Task
from genreason.types import IllegalMove, UserError, Verdict

JUDGE = RulesJudge()
PUZZLE = Task("graph_traversal").puzzle


def boardshop(index: int = 0, style: str = "print") -> BoardShop:
    made = shop(Task("graph_traversal", "hard", split="any", style=style, seed=20)[index], "oracle")
    assert isinstance(made, BoardShop)
    return made


def coloured(w: BoardShop, order: Sequence[int], steps: int = 6) -> Verdict:
    """The verdict on a clip in which nodes are coloured in this order."""
    cells, stages = w.cells[0], []
    for cell in order:
        cells = put(cells, cell, REACHED)
        stages.append(Stage(cells))
    return JUDGE.judge(w.instance, [w.clip(w.film(stages, frames_per_step=steps))])[0]


def order_of(w: BoardShop) -> list[int]:
    return [w.changed(k)[0] for k in range(len(w.moves))]


def test_slow_colouring_is_no_change_of_the_scene() -> None:
    w = boardshop()
    for steps in (6, 20):
        verdict = coloured(w, order_of(w), steps)
        assert verdict.status == "pass", verdict.reason


def test_what_only_a_dashed_edge_joins_may_not_be_coloured() -> None:
    for index in range(20):
        w = boardshop(index)
        near = {k for edge in w.start.edges for k in edge if w.start.start in edge}
        barred = {k for edge in w.start.closed for k in edge if w.start.start in edge} - near
        if barred:
            first = min(barred)
            verdict = coloured(w, [first, *(k for k in order_of(w) if k != first)])
            assert verdict.checks["rules.legal"] == 0 and "dashed" in verdict.reason
            return
    raise AssertionError("no instance has a closed edge at its first node")


def test_nearer_nodes_come_first() -> None:
    for index in range(20):
        w = boardshop(index)
        order = order_of(w)
        state = PUZZLE.step(w.start, w.moves[0])
        free = GraphTraversalState(state.cells, state.size, state.start, state.edges, state.closed, False)
        early = [m for m in PUZZLE.moves(free) if m not in set(PUZZLE.moves(state))]
        if early:
            row, col = (int(v) - 1 for v in early[0].split(","))
            cell = row * state.size + col
            verdict = coloured(w, [order[0], cell, *(k for k in order[1:] if k != cell)])
            assert verdict.checks["rules.legal"] == 0 and "fewer edges" in verdict.reason
            return
    raise AssertionError("no instance lets order be broken")


def test_bad_graphs_and_moves_are_named() -> None:
    record = {"cells": [[PLAIN, ""], ["", REACHED]], "start": [1, 1], "edges": [[[0, 0], [1, 1]]]}
    state = PUZZLE.decode(record, {})
    with pytest.raises(IllegalMove, match="no node"):
        PUZZLE.step(state, "1,2")
    with pytest.raises(UserError, match="every node"):
        PUZZLE.decode({**record, "edges": []}, {})
    with pytest.raises(UserError, match="gap"):
        PUZZLE.decode({**record, "edges": [[[0, 0], [0, 1]]]}, {})
