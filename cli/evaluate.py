"""`docindex eval ...`: the commands of the group."""

from __future__ import annotations

from collections.abc import Callable

import typer

from docindex.cli.evaluate_questions import eval_answers, eval_make
from docindex.cli.evaluate_results import eval_compare, eval_report
from docindex.cli.evaluate_run import eval_run
from docindex.cli.evaluate_tune import eval_tune
from docindex.cli.groups import add_group


def add_eval_commands(app: typer.Typer, *, rich: bool) -> None:
    """Adds the group to the app."""
    commands: dict[str, Callable[..., None]] = {
        "run": eval_run,
        "make": eval_make,
        "answers": eval_answers,
        "compare": eval_compare,
        "tune": eval_tune,
        "report": eval_report,
    }
    add_group(app, "eval", "Measures search and answers, and tunes them.", commands, panel="Look after", rich=rich)
