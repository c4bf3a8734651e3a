"""`docindex eval ...`: the commands of the group."""

from __future__ import annotations

from collections.abc import Callable

import typer

from docindex.cli.evaluate_questions import eval_answers, eval_make
from docindex.cli.evaluate_results import eval_compare, eval_report
from docindex.cli.evaluate_run import eval_run
from docindex.cli.evaluate_tune import eval_tune
from docindex.cli.guide import help_of


def add_eval_commands(app: typer.Typer, *, rich: bool) -> None:
    """Adds the group to the app."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode="rich" if rich else None)
    commands: dict[str, Callable[..., None]] = {
        "run": eval_run,
        "make": eval_make,
        "answers": eval_answers,
        "compare": eval_compare,
        "tune": eval_tune,
        "report": eval_report,
    }
    for name, command in commands.items():
        group.command(name, help=help_of(command, rich=rich))(command)
    app.add_typer(group, name="eval", help="Measures search and answers, and tunes them.")
