"""Published benchmarks, their rows, and the tasks that serve them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from genreason import cards
from genreason.cards import BenchmarkCard, BenchmarkRow, TaskCard
from genreason.types import Json, UserError, unknown


def load_all() -> list[BenchmarkCard]:
    """Every benchmark, by name."""
    return [cards.load(BenchmarkCard, name) for name in sorted(cards.paths(BenchmarkCard))]


def rows_of(task: TaskCard, known: list[BenchmarkCard]) -> Iterator[tuple[str, BenchmarkRow]]:
    """The rows that a task serves, by their names on its card ("tivibench/game_move").

    Benchmarks of which there is no card are left out.
    """
    rows = _rows(known)
    return ((name, rows[name]) for name in task.benchmarks if name in rows)


def check(task: TaskCard, known: list[BenchmarkCard]) -> None:
    """Whether a benchmark that the card names has the row.

    Raises:
        UserError: it has not.
    """
    rows, names = _rows(known), {card.name for card in known}
    for name in task.benchmarks:
        if name not in rows and name.split("/")[0] in names:
            raise UserError(f"task {task.name}: benchmarks: {unknown('row', name, rows)}")


def _rows(known: list[BenchmarkCard]) -> dict[str, BenchmarkRow]:
    return {f"{card.name}/{name}": row for card in known for name, row in card.rows.items()}


def serving() -> dict[str, list[tuple[str, str]]]:
    """Of each task: the rows that it serves, with the dimension ("TiViBench: symbolic and logical")."""
    known = load_all()
    titles = {card.name: card.title for card in known}
    return {
        name: [
            (row, f"{titles[row.split('/')[0]]}: {found.group}")
            for row, found in rows_of(cards.load(TaskCard, name), known)
        ]
        for name in cards.paths(TaskCard)
    }


def catalogue() -> list[Json]:
    """Each benchmark with its rows and the tasks that serve each.

    Returns:
        [{"name", "title", "source", "rows": [{"name", "title", "group", "verification", "judge", "tasks"}]}].

    Raises:
        UserError: a task names a row that its benchmark has not.
    """
    known = load_all()
    serving: dict[str, list[str]] = defaultdict(list)
    for name in cards.paths(TaskCard):
        card = cards.load(TaskCard, name)
        check(card, known)
        for row, _ in rows_of(card, known):
            serving[row].append(name)
    return [
        {
            "name": card.name,
            "title": card.title,
            "source": card.source,
            "rows": [
                {"name": name, **row.model_dump(mode="json"), "tasks": serving[f"{card.name}/{name}"]}
                for name, row in card.rows.items()
            ],
        }
        for card in known
    ]
