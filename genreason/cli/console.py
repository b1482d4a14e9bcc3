"""What the commands share: progress, stopping, options and output."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from genreason.types import GenreasonError, Json, UserError, unknown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from genreason.run.folder import Progress
    from genreason.video import Profile

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout; logs go to stderr.")]
Options = Annotated[
    list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="Change an option of its card.")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes to spread over; 0 is one for each core.")]
ProfileName = Annotated[
    str, typer.Option("--profile", help="Of the clips: preview (plays everywhere) or exact.")
]
Level = Annotated[str | None, typer.Option(help="Level of the task; the card's default where not given.")]
Count = Annotated[
    int | None, typer.Option("--n", min=1, help="How many (20 for a task; for a suite as it says).")
]
SplitName = Annotated[str | None, typer.Option(help="train, val, test (they share no puzzle) or any.")]
StyleName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|skins:DIR",
        help="How it is drawn, or a folder of textures to draw it with; a mix of all styles where not given.",
    ),
]
PromptName = Annotated[
    str | None,
    typer.Option(
        metavar="N|NAME|all",
        help="Which prompt of the card; all: each puzzle with every one. A mix of 1, 2, ... where not given.",
    ),
]
Seed = Annotated[int, typer.Option(help="Another seed gives other puzzles or other answers.")]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="PX|WxH", help="Size of the frames in pixels; the level's (mostly 256) where not given."
    ),
]


def emit(record: Json, as_json: bool, *shown: RenderableType) -> None:
    """Print the result: the record as JSON, or what is to be shown of it."""
    if as_json:
        typer.echo(json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False))
        return
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    for item in shown:
        console.print(item, soft_wrap=isinstance(item, str), markup=False)


@contextlib.contextmanager
def stage() -> Iterator[Progress]:
    """Progress bars on stderr around a long piece of work that can be stopped and gone on with.

    Raises:
        typer.Exit: with status 130 on Ctrl-C, after saying how to go on.
        GenreasonError: the work's own, with how to go on where the same command can.
    """
    from rich import progress
    from rich.console import Console

    bars = progress.Progress(
        progress.TextColumn("{task.description:<16}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    known: dict[str, progress.TaskID] = {}

    def tell(name: str, done: int, total: int) -> None:
        if name not in known:
            known[name] = bars.add_task(name, total=total)
        bars.update(known[name], completed=done, total=total)

    try:
        with bars:
            yield tell
    except KeyboardInterrupt:
        typer.echo(f"stopped; what is finished was kept. To go on: {again()}", err=True)
        raise typer.Exit(130) from None
    except UserError:
        raise
    except GenreasonError as error:
        text = "; ".join([str(error), *getattr(error, "__notes__", [])])
        raise GenreasonError(f"{text}. To go on: {again()}") from error


def again() -> str:
    """The command as it was typed."""
    return shlex.join(["genreason", *sys.argv[1:]])


def parse_options(pairs: Sequence[str] | None) -> Json:
    """Read `key=value` pairs, values read as YAML ("8", "0.5", "true", "text").

    Raises:
        UserError: a pair has no "=", or its value cannot be read.
    """
    import yaml

    found: Json = {}
    for pair in pairs or ():
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise UserError(f"-o {pair}: write it as -o key=value")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"-o {pair}: the value is no number, truth value, text or list") from None
    return found


def parse_profile(text: str) -> Profile:
    """The profile of that name.

    Raises:
        UserError: there is none.
    """
    from genreason.video import Profile

    if text not in get_args(Profile):
        raise unknown("profile", text, get_args(Profile))
    return cast("Profile", text)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Read "256" or "640x480" as (width, height); None stays None.

    Raises:
        UserError: it is neither.
    """
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    try:
        return int(width), int(height or width)
    except ValueError:
        raise UserError(f"--size {text}: write pixels (256) or width x height (640x480)") from None
