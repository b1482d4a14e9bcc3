"""A task: a card and its puzzle as an endless, indexable, splittable source of instances.

`task[i]` is a pure function of the card, level, split, style, seed, size and i: any sample can be made alone,
on any machine, in any order. Splits share no puzzle: each owns a part of the space of fingerprints.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, cast, overload

from genreason import cards, seeds
from genreason.cards import SuiteCard, TaskCard
from genreason.puzzles import base
from genreason.render import skins
from genreason.types import Instance, Json, UserError, unknown

# Candidates until one lies in the split: the smallest split owns 10 %, so that all miss once in 10^14.
TRIES = 300
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
FPS = 24.0


def fingerprint(puzzle: base.Puzzle[Any, Any], state: Any) -> str:
    """Hash of the state and goal up to the family's symmetries."""
    form = puzzle.name.encode() + b"\0" + puzzle.canonical(state)
    return hashlib.blake2b(form, digest_size=16).hexdigest()


def split_of(print_: str) -> str:
    """The split that owns a fingerprint."""
    place, end = int(print_[:8], 16) / 16**8, 0.0
    for split, share in SHARES.items():
        end += share
        if place < end:
            return split
    return "test"  # the shares' rounded sum may end just below 1


@functools.lru_cache(maxsize=256)
def _style_words(puzzle: str, look: str, style: str) -> dict[str, str]:
    """Words of a style; `style` names what `look` is now, where that is a folder."""
    return base.load(puzzle).style_words(look)


class Source(ABC):
    """Instances by index; `source[i]` is one, `source[a:b]` a view, iteration has no end."""

    @abstractmethod
    def instance(self, index: int) -> Instance:
        """The instance at the index (0 or more)."""

    def __iter__(self) -> Iterator[Instance]:
        """From index 0 on, without end."""
        return iter(self[0:])

    @overload
    def __getitem__(self, index: int) -> Instance: ...
    @overload
    def __getitem__(self, index: slice) -> View: ...
    def __getitem__(self, index: int | slice) -> Instance | View:
        """The instance at an index, or the view of a slice.

        Raises:
            IndexError: negative: an endless source has no end to count from.
        """
        if isinstance(index, int):
            if index < 0:
                raise IndexError(f"index {index}: a task is endless and has no end to count from")
            return self.instance(index)
        if min(index.start or 0, index.stop or 0) < 0 or (index.step or 1) < 1:
            raise IndexError(f"{index}: a task is endless and has no end to count from")
        stop = sys.maxsize if index.stop is None else index.stop
        return View(self, range(index.start or 0, stop, index.step or 1))


class View(Sequence[Instance]):
    """Some indices of a source, in order; made anew at each access."""

    def __init__(self, source: Source, indices: range) -> None:
        """A view of `source` at these indices."""
        self.source, self.indices = source, indices

    def __len__(self) -> int:
        """Number of instances (`sys.maxsize` or nearly so where the slice had no end)."""
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> Instance: ...
    @overload
    def __getitem__(self, index: slice) -> View: ...
    def __getitem__(self, index: int | slice) -> Instance | View:
        """The instance at a place of the view, or a view of the view; negative places count from its end."""
        if isinstance(index, slice):
            return View(self.source, self.indices[index])
        return self.source.instance(self.indices[index])

    def __iter__(self) -> Iterator[Instance]:
        """The view's instances."""
        return (self.source.instance(i) for i in self.indices)


class Task(Source):
    """A task at one level.

    Attributes:
        card: the task's card, or its name.
        level: one of the card's levels; None takes its default.
        split: "train", "val" or "test", which share no puzzle, or "any".
        style: how it is drawn; None mixes all styles, "skins:DIR" the skins in a folder (`render.skins`). The
            puzzles are the same in every style.
        seed: another seed gives other puzzles.
        size: (width, height) of the first frame in pixels; None takes the level's.
        fps: frames per second of the solution clip.
        prompt: a variant of the card's prompts; None mixes those without a name. "all" gives every puzzle
            once with each variant, one after the other.
        looks: what `style` comes to: styles of the puzzle by name, or skins by their folder.
        params: the level's parameters for the puzzle.
        motion: how solution clips move, as `Instance.scene` has it.
    """

    def __init__(
        self,
        card: TaskCard | str,
        level: str | None = None,
        split: str = "train",
        style: str | None = None,
        seed: int = 0,
        size: tuple[int, int] | None = None,
        fps: float = FPS,
        prompt: str | None = None,
    ) -> None:
        """A task of a card or a card's name.

        Raises:
            UserError: a name does not exist, or the card's level is wrong.
        """
        self.card = cards.load(TaskCard, card) if isinstance(card, str) else card
        self.level = self.card.default_level if level is None else level
        self.size = size = self.card.size_of(self.level) if size is None else size
        self.split, self.style, self.seed, self.fps = split, style, seed, float(fps)
        where = f"task {self.card.name}: level {self.level}"
        self.params = cards.parse(self.puzzle.params, self.card.params(self.level), where)
        self.motion: Json = self.card.motion_of(self.level).model_dump(mode="json")
        if split not in cards.SPLITS:
            raise unknown("split", split, cards.SPLITS)
        self.looks = self._looks()
        variants = self.card.variants
        if prompt is not None and prompt not in (*variants, cards.ALL_PROMPTS):
            raise unknown(f"prompt of {self.card.name}", prompt, (*variants, cards.ALL_PROMPTS))
        self.prompt = prompt
        if min(size) < 32 or max(size) > 4096:
            raise UserError(f"size {size[0]}x{size[1]}: a frame has 32 to 4096 pixels a side")
        if not 1 <= fps <= 240:
            raise UserError(f"fps {fps}: a clip has 1 to 240 frames per second")

    def _looks(self) -> tuple[str, ...]:
        if self.style is None:
            return self.puzzle.styles()
        if skins.is_skin(self.style):
            return skins.find(self.style, self.puzzle.name)
        if self.style not in self.puzzle.styles():
            raise unknown(f"style of {self.card.name}", self.style, self.puzzle.styles())
        return (self.style,)

    def __repr__(self) -> str:
        """Task and level, as errors name them."""
        return f"{self.card.name} {self.level}"

    @property
    def puzzle(self) -> base.Puzzle[Any, Any]:
        """The family's rules and drawing."""
        return base.load(self.card.puzzle)

    @property
    def repeats(self) -> int:
        """How many instances in a row are the same puzzle, with other prompts."""
        return len(self.card.variants) if self.prompt == cards.ALL_PROMPTS else 1

    def instance(self, index: int) -> Instance:
        """The instance at the index.

        Raises:
            GenreasonError: the puzzle found none within its tries.
            UserError: no puzzle of the level lies in the split, a prompt has an unknown field, or a skin is
                faulty.
        """
        number = index // self.repeats
        state, print_ = self._puzzle(number)
        solved = self.puzzle.solve(state)
        assert solved is not None, "sample gives only states that have a solution"
        look, variant = self._picked(number, index % self.repeats)
        style, skin = skins.recorded(look, self.puzzle.name)
        asked: Json = {} if self.prompt is None else {"prompt": variant}
        encoded, goal = self.puzzle.encode(state)
        return Instance(
            key=seeds.key(
                *self._identity(number), style, list(self.size), self.fps, self.motion, *asked.values()
            ),
            task=self.card.name,
            version=self.card.version,
            level=self.level,
            split=self.split,
            seed=self.seed,
            index=index,
            style=style,
            state=encoded,
            goal=goal,
            prompt=self._text(self.card.variants[variant], state, look, style),
            fingerprint=print_,
            size=self.size,
            fps=self.fps,
            scene={
                "puzzle": self.card.puzzle,
                "motion": self.motion,
                "solution": list(solved.moves),
                **self.puzzle.layout(state, self.size, look),
                **asked,
            },
            skin=skin,
        )

    def _picked(self, number: int, repeat: int) -> tuple[str, str]:
        """One of the looks, and the name of one of the prompts."""
        picks = self._stream(number, "looks")
        styles = self.puzzle.styles()
        # Both are drawn in any case, so that a fixed style leaves the choice of the prompt as it was.
        look = styles[int(picks.integers(len(styles)))]
        variant = str(1 + int(picks.integers(len(self.card.prompts))))
        if self.style is not None:
            look = self.looks[int(picks.integers(len(self.looks)))]
        if self.prompt == cards.ALL_PROMPTS:
            return look, list(self.card.variants)[repeat]
        return look, self.prompt or variant

    def _puzzle(self, index: int) -> tuple[Any, str]:
        """A state in the split with its fingerprint; the puzzle asks of each candidate whether it is in."""
        prints: dict[Any, str] = {}
        refused = 0

        def accept(state: Any) -> bool:
            nonlocal refused
            print_ = fingerprint(self.puzzle, state)
            if self.split == "any" or split_of(print_) == self.split:
                prints[state], refused = print_, 0
                return True
            refused += 1
            if refused > TRIES:
                raise UserError(
                    f"task {self.card.name}: level {self.level} has too few different puzzles for the split "
                    f"{self.split!r}: take another level, or split any"
                )
            return False

        state = self.puzzle.sample(self._stream(index, "puzzle"), self.params, accept)
        return state, prints[state]

    def _identity(self, index: int) -> tuple[seeds.Part, ...]:
        params = self.params.model_dump(mode="json", exclude_defaults=True)
        return self.card.puzzle, self.card.version, self.level, params, self.split, self.seed, index

    def _stream(self, index: int, use: str | int) -> Any:
        return seeds.stream(*self._identity(index), use)

    def _text(self, template: str, state: Any, look: str, style: str) -> str:
        """The prompt with its fields filled in; lines and paragraphs stay as they are."""
        words = {**_style_words(self.card.puzzle, look, style), **self.puzzle.words(state)}
        for field in cards.prompt_fields(template):
            if field not in words:
                raise unknown(f"prompt field in task {self.card.name}:", field, words)
        text = template.format_map(words).strip()
        return "\n".join(" ".join(line.split()) for line in text.splitlines())


class Mixture(Source):
    """Several sources in one, drawn by weight; seed and index alone decide from which an instance comes."""

    def __init__(
        self, sources: Sequence[Source], weights: Sequence[float] | None = None, seed: int = 0
    ) -> None:
        """Mix these sources; equal weights where none are given.

        Raises:
            UserError: no sources, or weights that do not fit them.
        """
        shares = [1.0] * len(sources) if weights is None else [float(w) for w in weights]
        if not sources or len(shares) != len(sources) or min(shares) < 0 or sum(shares) <= 0:
            raise UserError("a mixture needs sources, and a weight of 0 or more for each of them")
        self.sources, self.seed = list(sources), seed
        self.shares = [share / sum(shares) for share in shares]

    def instance(self, index: int) -> Instance:
        """The instance at the index."""
        pick = seeds.stream("mixture", self.seed, index).choice(len(self.sources), p=self.shares)
        return self.sources[int(pick)].instance(index)


def views(
    card: TaskCard | SuiteCard,
    *,
    level: str | None = None,
    n: int | None = None,
    split: str | None = None,
    style: str | None = None,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    fps: float = FPS,
    prompt: str | None = None,
) -> list[View]:
    """What a data set of the task or suite holds, as one view for each entry.

    For a suite, `level` keeps only the entries of that level; `n`, `split` and `style` replace their own. `n`
    counts puzzles: with all prompts, each of them gives several instances.
    Entries of the same task take indices one after the other, so that sample ids differ.

    Raises:
        UserError: a name does not exist, or the suite has no entry of the level.
    """
    if isinstance(card, TaskCard):
        task = Task(card, level, split or "test", style, seed, size, fps, prompt)
        return [task[: (20 if n is None else n) * task.repeats]]
    found: list[View] = []
    ends: dict[str, int] = {}
    levels: list[str] = []
    for entry in card.entries:
        task = Task(
            entry.task, entry.level, split or entry.split, style or entry.style, seed, size, fps, prompt
        )
        levels.append(task.level)
        if level in (None, task.level):
            start = ends.get(entry.task, 0)
            ends[entry.task] = start + (entry.n if n is None else n) * task.repeats
            found.append(task[start : ends[entry.task]])
    if not found:
        raise unknown(f"level of suite {card.name}", cast(str, level), levels)
    return found
