"""The app: every command under its name."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from docindex import __version__
from docindex.cli.answer import chat, query
from docindex.cli.browse import check, ls, rm, show, status
from docindex.cli.doctor import doctor
from docindex.cli.embed import embed
from docindex.cli.guide import help_of
from docindex.cli.ingest import ingest
from docindex.cli.models import add_model_commands
from docindex.cli.search import search
from docindex.cli.session import Session, exit_codes, logging_to_stderr
from docindex.cli.transfer import export, import_, merge
from docindex.cli.versions import diff, purge, rollback, tag
from docindex.config import Environment

PANELS = {
    "Index": (ingest, embed, ls, show, rm),
    "Ask": (search, query, chat),
    "Versions": (tag, diff, rollback, purge),
    "Carry": (export, import_, merge),
    "Look after": (status, check, doctor),
}


def build_app(*, rich: bool) -> typer.Typer:
    """The Typer app; with `rich`, help and usage errors are drawn for a terminal."""
    app = typer.Typer(
        name="docindex",
        help=help_of(start, rich=rich),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if rich else None,
    )
    app.callback()(start)
    for panel, commands in PANELS.items():
        for command in commands:
            app.command(command.__name__.rstrip("_"), help=help_of(command, rich=rich), rich_help_panel=panel)(command)
    add_model_commands(app, rich=rich)
    return app


def run() -> None:
    """Runs the program with the arguments of the process, and exits."""
    if hasattr(sys.stdout, "reconfigure"):
        # A name or a text may hold what the stream's encoding lacks. In JSON the escape of a surrogate is its own.
        sys.stdout.reconfigure(errors="backslashreplace")
    build_app(rich=sys.stdout.isatty())(globals_first(sys.argv[1:]), prog_name="docindex")


def globals_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with those that hold for every command in front, where Typer looks for them.

    People add `--debug` at the end of a command that has just failed.
    """
    first: list[str] = []
    rest: list[str] = []
    queue = deque(arguments)
    while queue:
        argument = queue.popleft()
        if argument == "--":
            rest += [argument, *queue]
            break
        if argument in ("--offline", "--debug") or argument.startswith("--log-level="):
            first.append(argument)
        elif argument == "--log-level" and queue:
            first += [argument, queue.popleft()]
        else:
            rest.append(argument)
    return first + rest


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"docindex {__version__}")
        raise typer.Exit


def start(
    ctx: typer.Context,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Never use the network; a missing model is an error. Also DOCINDEX_OFFLINE."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of errors.")] = False,
    log_level: Annotated[
        str | None,
        typer.Option(
            "--log-level",
            metavar="LEVEL",
            help="What is logged on standard error: debug, info, warning or error.",
            show_default="$DOCINDEX_LOG, else warning",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - the callback does it
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Indexes folders of documents and answers questions from them, locally, with checked citations.

    Each command explains itself: docindex COMMAND --help. The options here may stand before or after it.

    Examples:
      docindex ingest docs/
      docindex query "How do I reset the device?"
      docindex --offline search "connections to URLs" -k 3
    """
    ctx.with_resource(exit_codes(ctx, debug=debug))
    environment = Environment.read()
    ctx.with_resource(logging_to_stderr(log_level or environment.log))
    ctx.obj = Session(replace(environment, offline=environment.offline or offline), debug)
