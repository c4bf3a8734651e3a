"""The app: every command under its name."""

from __future__ import annotations

import importlib
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, cast

import typer

from docindex import __version__
from docindex.cli.guide import help_of
from docindex.cli.plain_values import PlainCommand, PlainGroup
from docindex.cli.session import Session, exit_codes, logging_to_stderr
from docindex.config import Environment

PANELS = {
    "Index": ("ingest:ingest", "embed:embed", "browse:ls", "browse:show", "browse:rm"),
    "Ask": ("search:search", "answer:query", "answer:chat", "prompts:prompts", "why:why", "route:route"),
    "Versions": ("versions:tag", "versions:diff", "versions:rollback", "versions:purge"),
    "Carry": ("transfer:export", "transfer:import_", "transfer:merge"),
    "Look after": ("browse:status", "browse:check", "duplicates:duplicates", "terms:terms", "doctor:doctor"),
}
"""Where help lists each command, and the module and function that do its work."""


def build_app(*, rich: bool, only: str | None = None) -> typer.Typer:
    """The Typer app; with `rich`, help and usage errors are drawn for a terminal.

    With the name of a command in `only`, that one alone is there, and no other is imported; all are where no command
    has the name.
    """
    app = typer.Typer(
        name="docindex",
        cls=PlainGroup,
        help=help_of(start, rich=rich),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if rich else None,
    )
    app.callback()(start)
    places = {_name(place): (panel, place) for panel, panel_places in PANELS.items() for place in panel_places}
    for name, (panel, place) in places.items():
        if only not in places or name == only:
            command = _command(place)
            app.command(name, cls=PlainCommand, help=help_of(command, rich=rich), rich_help_panel=panel)(command)
    if only not in places:
        from docindex.cli.conversations import add_conversation_commands
        from docindex.cli.evaluate import add_eval_commands
        from docindex.cli.graph import add_graph_commands
        from docindex.cli.indexes import add_index_commands
        from docindex.cli.models import add_model_commands
        from docindex.cli.traces import add_trace_commands

        add_model_commands(app, rich=rich)
        add_eval_commands(app, rich=rich)
        add_graph_commands(app, rich=rich)
        add_index_commands(app, rich=rich)
        add_trace_commands(app, rich=rich)
        add_conversation_commands(app, rich=rich)
    return app


def _name(place: str) -> str:
    return place.partition(":")[2].rstrip("_")


def _command(place: str) -> Callable[..., None]:
    module, _, function = place.partition(":")
    return cast("Callable[..., None]", getattr(importlib.import_module(f"docindex.cli.{module}"), function))


def run() -> None:
    """Runs the program with the arguments of the process, and exits."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # who started the program has closed it, as a shell does with >&-
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the end
    if hasattr(sys.stdout, "reconfigure"):
        # A name or a text may hold what the stream's encoding lacks. In JSON the escape of a surrogate is its own.
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = globals_first(sys.argv[1:])
    build_app(rich=sys.stdout.isatty(), only=command_in(arguments))(arguments, prog_name="docindex")


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


def command_in(arguments: Sequence[str]) -> str | None:
    """The command among arguments that have those for every command in front; None where they begin with another."""
    queue = deque(arguments)
    while queue:
        argument = queue.popleft()
        if argument == "--log-level" and queue:
            queue.popleft()
        elif argument not in ("--offline", "--debug") and not argument.startswith("--log-level="):
            return None if argument.startswith("-") else argument
    return None


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
