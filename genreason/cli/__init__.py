"""The command line: `genreason --help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Annotated, NoReturn

import typer

from genreason.cli import data, judges, models, proof, runs, tpo
from genreason.types import GenreasonError, UserError, unknown

app = typer.Typer(
    name="genreason",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Make video models solve puzzles, and prove whether they did.",
)


def _version(value: bool) -> None:
    if value:
        import genreason

        typer.echo(genreason.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of errors (anywhere in the line).")
    ] = False,
) -> None:
    pass


for command in (
    data.tasks,
    data.make,
    data.import_,
    data.export,
    runs.generate,
    runs.judge,
    runs.report,
    runs.run,
    tpo.tpo,
    judges.calibrate,
    judges.compare,
    proof.check,
    proof.bench,
    proof.demo,
):
    app.command(command.__name__.rstrip("_"))(command)

models.testing.command("tiny-vlm")(judges.tiny_vlm)
app.add_typer(judges.cache, name="cache")
app.add_typer(models.train, name="train")
app.add_typer(models.testing, name="testing")


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failure, 2 bad input, 130 stopped by Ctrl-C."""
    given = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in given
    given = [arg for arg in given if arg != "--debug"] or ["--help"]
    if not debug:
        sys.excepthook = _crash
    try:
        status = typer.main.get_command(app).main(given, prog_name="genreason", standalone_mode=False)
    except typer.TyperException as error:
        name, near = getattr(error, "option_name", None), getattr(error, "possibilities", None)
        _fail(
            str(unknown("option", name, near)) if name and near else error.format_message(), error.exit_code
        )
    except (GenreasonError, OSError, ModuleNotFoundError) as error:
        if debug:
            raise
        _fail(
            "; ".join([str(error), *getattr(error, "__notes__", [])]),
            2 if isinstance(error, UserError) else 1,
        )
    sys.exit(status if isinstance(status, int) else 0)


def _crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A fault of ours, in one line; Python exits with status 1."""
    text = "; ".join([f"internal error: {kind.__name__}: {error}", *getattr(error, "__notes__", [])])
    typer.echo(f"{' '.join(text.split())}. Add --debug to see where, and please report it", err=True)


def _fail(message: str, status: int) -> NoReturn:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(status)
