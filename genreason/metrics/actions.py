"""Metrics of answers in words: VR-Bench's action metrics (arXiv 2511.15065), for any puzzle with moves.

A language model is shown the first frame and answers with a JSON object that lists its moves, for instance
`{"path": ["up", "up", "left"]}`. The moves are played by the rules until the first illegal one or the goal.

- SR: whether the goal was reached.
- PR: how many moves from the first on are those of a shortest solution, over that solution's length; the
  largest value over all shortest solutions counts.
- MR (EM in the paper): whether the whole answer is exactly a shortest solution.
- Step (SD in the paper): moves made over the length of a shortest solution, minus 1; only where SR is 1.

VR-Bench lists every shortest solution, of which there may be more than can be listed. It is not needed: a
move stays on some shortest solution exactly if the distance to the goal becomes shorter by its length.

`published=True` computes the figures as VR-Bench's code does where that differs: words must be spelt as asked
for and stand under the family's own key; an answer for its 3D maze with any other word counts as unreadable;
in Sokoban, 3D and irregular mazes the stored solution is the only shortest one, and in the last SR means that
the answer begins with it; Step counts moves listed after the goal, too; an unreadable answer has Step 0,
which its mean includes.

Sources: evaluation/vlm_eval/{action_utils,action_metrics,vlm_evaluator}.py and executors/ of
github.com/ImYangC7/VR-Bench, state of 2026-02-04.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from genreason.metrics.progress import travelled
from genreason.puzzles.base import Puzzle
from genreason.types import GenreasonError, IllegalMove

KEYS = ("path", "actions")
"""Under one of these the answer lists its moves."""
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
Moves = tuple[Any, ...]
_SAME = 1e-3  # cells: two lengths that differ by less are equal


@dataclass(frozen=True, slots=True)
class Form:
    """What VR-Bench asks for in a family, and what it compares with.

    Attributes:
        key: under which the answer lists its moves.
        words: the only ones that may stand in the list, or () for any.
        last: the move that ends every solution and is not to be listed, or "".
        one: whether one stored solution is the only one that counts as shortest.
    """

    key: str = "path"
    words: tuple[str, ...] = ()
    last: str = ""
    one: bool = False


FORMS = {
    "sokoban": Form(key="actions", one=True),
    "maze3d": Form(
        words=("forward_left", "forward_right", "backward_left", "backward_right", "up", "down"), one=True
    ),
    "irregular_maze": Form(last="goal", one=True),
}
"""Of families that differ from the plain form."""


class UnreadableAnswerError(ValueError):
    """The text holds no JSON object with a list of moves."""


def parse(text: str, keys: Sequence[str] = KEYS) -> tuple[str, ...]:
    """The moves that an answer lists.

    The whole text is tried as JSON, then what stands in fences, then the first object in it that has one of
    the keys. (VR-Bench tries the first fence only, and all from the first brace to the last one.)

    Raises:
        UnreadableAnswerError: none of them is a JSON object with a list under one of the keys.
    """
    for record in _objects(text):
        if isinstance(record, dict):
            for key in keys:
                if isinstance(record.get(key), list):
                    return tuple(str(item) for item in record[key])
    raise UnreadableAnswerError(f"holds no JSON object with a list under {' or '.join(map(repr, keys))}")


def _objects(text: str) -> Iterator[Any]:
    for part in (text, *_FENCE.findall(text)):
        try:
            yield json.loads(part)
        except (ValueError, RecursionError):  # too deep, too: no answer nests
            continue
    decoder, start = json.JSONDecoder(), text.find("{")
    while start >= 0:
        try:
            record, end = decoder.raw_decode(text, start)
            yield record
        except (ValueError, RecursionError):
            end = start + 1
        start = text.find("{", end)


@dataclass(frozen=True, slots=True)
class Played:
    """What became of an answer.

    Attributes:
        moves: the legal moves made.
        end: the state after them.
        won: whether the goal was reached.
        stopped: why the next word was no legal move, or "".
    """

    moves: tuple[Any, ...]
    end: Any
    won: bool
    stopped: str


def play(puzzle: Puzzle[Any, Any], start: Any, words: Sequence[str], exact: bool = False) -> Played:
    """Make the moves until the first that is illegal, or the goal.

    Args:
        puzzle: the rules.
        start: the start state.
        words: names of moves.
        exact: whether they must be spelt exactly; else blanks around them and capitals do not matter.
    """
    state = start
    moves: list[Any] = []
    for word in words:
        if puzzle.done(state):
            break
        move = _move(puzzle, state, word, exact)
        try:
            state = puzzle.step(state, move)
        except IllegalMove as reason:
            return Played(tuple(moves), state, False, f"move {len(moves) + 1} ({word!r}): {reason}")
        moves.append(move)
    return Played(tuple(moves), state, puzzle.done(state), "")


def _move(puzzle: Puzzle[Any, Any], state: Any, word: str, exact: bool) -> Any:
    """The legal move of that name, or the word itself, of which the rules will say what is wrong."""
    if exact:
        return {str(move): move for move in puzzle.moves(state)}.get(word, word)
    return {str(move).casefold(): move for move in puzzle.moves(state)}.get(word.strip().casefold(), word)


@dataclass(frozen=True, slots=True)
class Match:
    """How an answer compares with shortest solutions.

    Attributes:
        share: moves from the first on that are those of a shortest solution, over its length.
        exact: whether it is one.
        shortest: moves of a shortest solution.
    """

    share: float
    exact: bool
    shortest: int


def match(puzzle: Puzzle[Any, Any], start: Any, words: Sequence[str], exact: bool = False) -> Match | None:
    """Compare with all shortest solutions.

    Other arguments as for `play`.

    Returns:
        None where there is no solution, or it is not known whether there is one.
    """
    try:
        whole = _solve(puzzle, start)
        if whole is None:
            return None
        state, rest, first = start, whole, 0
        for word in words:
            found = _onwards(puzzle, state, rest, _move(puzzle, state, word, exact)) if rest else None
            if found is None:
                break
            (state, rest), first = found, first + 1
    except GenreasonError:  # a search was given up
        return None
    share = min(first / len(whole), 1.0) if whole else float(not words)
    return Match(share, first == len(words) and not rest, len(whole))


def _onwards(puzzle: Puzzle[Any, Any], state: Any, rest: Moves, move: Any) -> tuple[Any, Moves] | None:
    """The state after a move and a shortest solution from there, if the move begins one; `rest` is one."""
    try:
        after = puzzle.step(state, move)
    except IllegalMove:
        return None
    if move == rest[0]:
        return after, rest[1:]
    left = _solve(puzzle, after)
    if left is None or travelled(puzzle, state, (move, *left)) > travelled(puzzle, state, rest) + _SAME:
        return None
    return after, left


def _solve(puzzle: Puzzle[Any, Any], state: Any) -> Moves | None:
    if puzzle.done(state):
        return ()
    found = puzzle.solve_quickly(state)
    return None if found is None else found.moves


def match_given(words: Sequence[str], solution: Sequence[str]) -> Match:
    """Compare with one solution alone."""
    first = 0
    for word, move in zip(words, solution, strict=False):
        if word != move:
            break
        first += 1
    share = first / len(solution) if solution else float(not words)
    return Match(share, tuple(words) == tuple(solution), len(solution))


def score(
    puzzle: Puzzle[Any, Any],
    start: Any,
    text: str,
    published: bool = False,
    solution: Sequence[Any] | None = None,
) -> tuple[dict[str, float], Played]:
    """All metrics of an answer, and what became of it.

    Args:
        puzzle: the rules.
        start: the start state.
        text: the answer.
        published: whether to compute them as VR-Bench's code does (see the module).
        solution: the stored one, for `published`.

    Returns:
        actions.sr, actions.pr, actions.mr and, where the goal was reached, actions.step; pr, mr and step are
        left out where no shortest solution is known.

    Raises:
        UnreadableAnswerError: there are no moves in the text; `unreadable` has the metrics then.
    """
    form = FORMS.get(puzzle.name, Form())
    words = parse(text, (form.key,) if published else KEYS)
    odd = [word for word in words if form.words and word not in form.words]
    if published and odd:
        raise UnreadableAnswerError(f"lists {odd[0]!r}, which is no direction")
    listed = (*words, form.last) if form.last and words[-1:] != (form.last,) else words
    played = play(puzzle, start, listed, exact=published)
    if published and form.one and solution is not None:
        return _published(form, words, solution, played)
    out = {"actions.sr": float(played.won)}
    alike = match(puzzle, start, listed, published)
    if alike is not None:
        out |= {"actions.pr": alike.share, "actions.mr": float(alike.exact)}
        if played.won:
            out["actions.step"] = _step(len(listed) if published else len(played.moves), alike.shortest)
    return out, played


def _published(
    form: Form, words: Sequence[str], solution: Sequence[Any], played: Played
) -> tuple[dict[str, float], Played]:
    """`score` in families in which VR-Bench compares with one stored solution."""
    stored = [str(move) for move in solution if str(move) != form.last]
    alike = match_given(words, stored)
    won = alike.share == 1.0 if form.last else played.won
    out = {"actions.sr": float(won), "actions.pr": alike.share, "actions.mr": float(alike.exact)}
    if won:
        out["actions.step"] = _step(len(words), alike.shortest)
    return out, played


def _step(made: int, shortest: int) -> float:
    return made / shortest - 1.0 if shortest else 0.0


def unreadable(published: bool = False) -> dict[str, float]:
    """The metrics of an answer in which no moves can be found: all 0."""
    names = ("sr", "pr", "mr", "step") if published else ("sr", "pr", "mr")
    return {f"actions.{name}": 0.0 for name in names}
