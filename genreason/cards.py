"""Cards: what is asked, who answers and who grades, one YAML file each, strictly read.

A card holds values, never code. Folders that hold cards ("roots") have the sub folders `tasks` (with
`suites`), `generators` and `judges`. They are searched in this order, the first that has a name wins: the
folders in the environment variable GENREASON_PATH, then the cards bundled with the installed package, or
those of the checkout.
"""

from __future__ import annotations

import copy
import os
import string
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

from pydantic import Field, field_validator, model_validator

from genreason import seeds
from genreason.strict import Strict as Strict
from genreason.strict import mapping
from genreason.strict import parse as parse
from genreason.types import Json, UserError, unknown

PATH_VARIABLE = "GENREASON_PATH"
Split = Literal["train", "val", "test", "any"]
SPLITS: tuple[str, ...] = get_args(Split)


class Motion(Strict):
    """How a solution clip moves.

    Attributes:
        frames_per_step: frames that one move takes.
        ease: "smooth" starts and stops softly at each move, "linear" keeps its speed.
        hold_start: frames for which the first state stands before the first move.
        hold_end: frames for which the last state stands.
        length: "4k+1" holds the end on to the next total of that form (video VAEs ask for it), a number makes
            exactly that many frames, "any" changes nothing.
    """

    frames_per_step: int = Field(default=4, ge=1)
    ease: Literal["smooth", "linear"] = "smooth"
    hold_start: int = Field(default=4, ge=1)
    hold_end: int = Field(default=8, ge=0)
    length: Literal["4k+1", "any"] | Annotated[int, Field(ge=2)] = "4k+1"


class Card(Strict):
    """A file of one of the kinds; its name is the file's."""

    folder: ClassVar[str]
    noun: ClassVar[str]

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.+-]*$")
    description: str = Field(min_length=1)

    @property
    def hash(self) -> str:
        """Identity of what the card says (not of its comments or layout), for manifests."""
        return seeds.key(self.model_dump(mode="json"))


PIXELS = 256
ALL_PROMPTS = "all"  # what asks for every puzzle with every prompt


class TaskCard(Card):
    """A puzzle family with its levels and prompts.

    Attributes:
        version: raised by hand whenever an instance would come out otherwise.
        title: for headings.
        puzzle: name of the family in `genreason.puzzles`.
        verification: whether verdicts are exact, by proxy, or a checklist's.
        benchmarks: rows of published benchmarks that the task serves.
        levels: parameters of the family by level. Two keys are the task's own: `motion` overrides the card's,
            `pixels` is the side of its frames where nothing else is asked for.
        prompts: variants of the same request, with `{fields}` for what the pieces look like; each instance is
            given one of them, and their names are "1", "2", ...
        named_prompts: more variants by name (with a hyphen), given only where one of them is asked for.
        questions: what judges that ask a model ask of every clip, by kind (goal, process, preservation), with
            the same fields; `genreason.judge.questions` has texts for what is not given.
    """

    folder: ClassVar[str] = "tasks"
    noun: ClassVar[str] = "task"

    version: int = Field(ge=1)
    title: str
    puzzle: str
    verification: Literal["exact", "proxy", "checklist"]
    benchmarks: list[str] = []
    levels: dict[str, dict[str, Any]] = Field(min_length=1)
    default_level: str
    prompts: list[str] = Field(min_length=1)
    named_prompts: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)+$")], str] = {}
    questions: dict[Literal["goal", "process", "preservation"], str] = {}
    motion: Motion = Motion()

    @field_validator("prompts", "named_prompts")
    @classmethod
    def _fields_areoption_names(cls, prompts: list[str] | dict[str, str]) -> list[str] | dict[str, str]:
        texts = prompts.values() if isinstance(prompts, dict) else prompts
        for field in (field for text in texts for field in prompt_fields(text)):
            if not field.isidentifier():
                raise ValueError(f"the prompt field {{{field}}} must be a plain name such as {{agent}}")
        return prompts

    @model_validator(mode="after")
    def _default_level_exists(self) -> TaskCard:
        if self.default_level not in self.levels:
            raise ValueError(str(unknown("default_level", self.default_level, self.levels)))
        return self

    @property
    def variants(self) -> dict[str, str]:
        """All prompts by name."""
        return {str(i): prompt for i, prompt in enumerate(self.prompts, 1)} | self.named_prompts

    def params(self, level: str) -> Json:
        """The level's parameters for the puzzle.

        Raises:
            UserError: the task has no such level.
        """
        return {k: v for k, v in self._level(level).items() if k not in ("motion", "pixels")}

    def size_of(self, level: str) -> tuple[int, int]:
        """(width, height) in pixels of the level's frames where nothing else is asked for.

        Raises:
            UserError: the task has no such level, or `pixels` is no number.
        """
        side = self._level(level).get("pixels", PIXELS)
        if not isinstance(side, int):
            raise UserError(f"task {self.name}: level {level}: pixels: {side!r} is no whole number")
        return side, side

    def motion_of(self, level: str) -> Motion:
        """The card's motion with what the level overrides.

        Raises:
            UserError: the task has no such level, or its motion is wrong.
        """
        over = self._level(level).get("motion", {})
        return parse(Motion, {**self.motion.model_dump(), **over}, f"task {self.name}: level {level}: motion")

    def _level(self, level: str) -> Json:
        if level not in self.levels:
            raise unknown(f"level of {self.name}", level, self.levels)
        return self.levels[level]


class SuiteEntry(Strict):
    """So many instances of a task's level; `level` None is its default, `style` None mixes all styles."""

    task: str
    level: str | None = None
    n: int = Field(ge=1)
    split: Split = "test"
    style: str | None = None


class SuiteCard(Card):
    """A list of tasks and levels that are asked together."""

    folder: ClassVar[str] = "tasks/suites"
    noun: ClassVar[str] = "suite"

    entries: list[SuiteEntry] = Field(min_length=1)


class BenchmarkRow(Strict):
    """A row of a published benchmark.

    Attributes:
        title: as its authors write it.
        group: dimension or category.
        verification: how it can be verified: exactly by a program, exactly in a drawn world that stands for
            the photographed one (proxy), or by a model with a checklist.
        judge: judge card for rows that no program can verify.
    """

    title: str
    group: str
    verification: Literal["exact", "proxy", "checklist"]
    judge: str | None = None

    @model_validator(mode="after")
    def _somebody_judges(self) -> BenchmarkRow:
        if (self.verification == "checklist") != (self.judge is not None):
            raise ValueError("judge: name a judge card exactly where verification is checklist")
        return self


class BenchmarkCard(Card):
    """A published benchmark; task cards name its rows as "benchmark/row".

    Attributes:
        title: its name.
        source: where it was published.
        rows: its tasks.
    """

    folder: ClassVar[str] = "tasks/benchmarks"
    noun: ClassVar[str] = "benchmark"

    title: str
    source: str
    rows: dict[str, BenchmarkRow] = Field(min_length=1)


class GeneratorCard(Card):
    """Who answers.

    Attributes:
        kind: which code runs it (`genreason.generate`).
        expect: what the rules judge must say of its clips; None where that is the question.
        options: the values that `-o key=value` may change; other names are errors.
        batch: how many requests it is given at once.
    """

    folder: ClassVar[str] = "generators"
    noun: ClassVar[str] = "generator"

    kind: str
    expect: Literal["pass", "fail"] | None = None
    options: dict[str, Any] = {}
    batch: int = Field(default=1, ge=1)


class JudgeCard(Card):
    """Who grades; as for generators, `-o key=value` may change the options."""

    folder: ClassVar[str] = "judges"
    noun: ClassVar[str] = "judge"

    kind: str
    options: dict[str, Any] = {}


C = TypeVar("C", bound=Card)


# -- finding -------------------------------------------------------------------------------------------------
def roots() -> list[Path]:
    """The folders that are searched for cards, in order.

    Raises:
        UserError: a folder in GENREASON_PATH does not exist.
    """
    found = [Path(part) for part in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if part]
    for root in found:
        if not root.is_dir():
            raise UserError(
                f"{PATH_VARIABLE} names {root}, which is no folder: create it or unset the variable"
            )
    package = Path(__file__).parent
    bundled, checkout = package / "_cards", package.parent
    if bundled.is_dir():
        found.append(bundled)
    elif all((checkout / kind).is_dir() for kind in ("tasks", "generators", "judges")):
        found.append(checkout)
    return found


def paths(kind: type[Card]) -> dict[str, Path]:
    """Every card of the kind by name.

    Raises:
        UserError: there is none at all.
    """
    found: dict[str, Path] = {}
    searched = roots()
    for root in searched:
        for path in sorted((root / kind.folder).glob("*.yaml")):
            found.setdefault(path.stem, path)
    if not found:
        where = ", ".join(str(root / kind.folder) for root in searched) or "no folder"
        raise UserError(
            f"no {kind.noun} cards found (searched {where}): reinstall genreason or set {PATH_VARIABLE}"
        )
    return found


def load(kind: type[C], name: str) -> C:
    """The card of that kind and name; `name` may also be the path of a YAML file.

    Raises:
        UserError: there is none of that name, or the file is wrong (names file, key and the mend).
    """
    if name.endswith(".yaml"):
        return read(kind, Path(name))
    known = paths(kind)
    short = name.removeprefix("suites/") if kind is SuiteCard else name
    if short not in known:
        raise unknown(kind.noun, name, known)
    return read(kind, known[short])


def load_target(name: str) -> TaskCard | SuiteCard:
    """The task or suite of that name, as `make` takes it ("maze", "suites/spine", "spine", "my/card.yaml").

    Raises:
        UserError: there is neither, or the file is wrong.
    """
    if name.endswith(".yaml"):
        path = Path(name)
        return read(SuiteCard, path) if "entries" in mapping(path) else read(TaskCard, path)
    tasks = paths(TaskCard)
    if name in tasks:
        return read(TaskCard, tasks[name])
    suites = {f"suites/{stem}": path for root in roots() for stem, path in _suites(root)}
    full = name if name.startswith("suites/") else f"suites/{name}"
    if full in suites:
        return load(SuiteCard, name)
    raise unknown("task or suite", name, [*tasks, *suites])


def _suites(root: Path) -> list[tuple[str, Path]]:
    return [(path.stem, path) for path in (root / SuiteCard.folder).glob("*.yaml")]


# -- reading -------------------------------------------------------------------------------------------------
def read(kind: type[C], path: Path) -> C:
    """Read one file.

    Raises:
        UserError: it cannot be read, or a key or value is wrong; names file, key and the nearest valid one.
    """
    card = parse(kind, mapping(path), str(path))
    if card.name != path.stem:
        raise UserError(f"{path}: name is {card.name!r}, but the file's is {path.stem!r}: make them equal")
    return card


def prompt_fields(prompt: str) -> list[str]:
    """Names of the `{fields}` in a prompt.

    Raises:
        ValueError: braces do not match.
    """
    return [name for _, name, _, _ in string.Formatter().parse(prompt) if name is not None]


def with_options(card: GeneratorCard | JudgeCard, options: Json) -> Json:
    """The card's options with those of the command line over them; "a.b" is the key b in the option a.

    Raises:
        UserError: an option is not on the card.
    """
    merged = copy.deepcopy(card.options)
    for name, value in options.items():
        *path, last = name.split(".")
        place: Any = merged
        for part in path:
            place = place.get(part) if isinstance(place, dict) else None
        if not isinstance(place, dict) or last not in place:
            raise unknown(f"option of {card.noun} {card.name}", name, option_names(card.options))
        place[last] = value
    return merged


def option_names(options: Json, prefix: str = "") -> list[str]:
    """Names of options as `-o` takes them: "a.b" for the key b in the option a."""
    found = []
    for name, value in options.items():
        found += (
            option_names(value, f"{prefix}{name}.") if isinstance(value, dict) and value else [prefix + name]
        )
    return found
