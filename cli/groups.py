"""Groups of commands, such as `docindex graph ...`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from docindex.cli.guide import help_of
from docindex.cli.plain_values import PlainCommand, PlainGroup


def add_group(
    app: typer.Typer, name: str, summary: str, commands: Mapping[str, Callable[..., None]], *, panel: str, rich: bool
) -> None:
    """Adds a group to the app; its commands are explained by their docstrings."""
    group = typer.Typer(cls=PlainGroup, no_args_is_help=True, rich_markup_mode="rich" if rich else None)
    for command_name, command in commands.items():
        group.command(command_name, cls=PlainCommand, help=help_of(command, rich=rich))(command)
    app.add_typer(group, name=name, help=summary, rich_help_panel=panel)
