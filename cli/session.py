"""What the options before the command say, and how what goes wrong becomes one line and an exit code."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from docindex.cli.options import at_version
from docindex.cli.output import one_line
from docindex.errors import ConfigError, DocindexError, QueryError

if TYPE_CHECKING:
    from docindex.config import Environment, LLMConfig
    from docindex.index import Index

DONE = 0
FAILED = 1
USAGE = 2
PARTLY = 3
NO_ANSWER = 4
INTERRUPTED = 130
"""128 and the signal's number, as shells have it."""
BROKEN_PIPE = 141

RESUMABLE = "Interrupted: what was committed is kept; run the same command again to resume."
SAID_WHEN_INTERRUPTED = {
    **dict.fromkeys(("ingest", "embed", "rm", "merge"), RESUMABLE),
    "import": "Interrupted: what was committed is kept; `docindex merge` takes the rest of the bundle.",
    "purge": "Interrupted: what was deleted may still be there until a purge has ended.",
}

_OF_THE_MACHINE = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE)
"""Failures that a user can mend, and no bug of ours."""


@dataclass(frozen=True, slots=True)
class Session:
    """What holds for one run of the program, whichever command it runs."""

    environment: Environment
    debug: bool = False

    @classmethod
    def of(cls, ctx: typer.Context) -> Session:
        """The session that the options before the command opened."""
        found = ctx.find_object(cls)
        if found is None:
            raise RuntimeError("a command ran outside of the app")
        return found

    def index_path(self, option: Path | None) -> Path:
        """Where the index is: `--index`, else what the environment says."""
        return option or self.environment.index

    def open(self, option: Path | None, at: str | None = None, *, llm: LLMConfig | None = None) -> Index:
        """That index, at the version that `--at` says; its model is the environment's unless one is given."""
        from docindex.index import Index

        return Index.open(self.index_path(option), at_version(at), llm=llm, environment=self.environment)


@contextmanager
def exit_codes(ctx: typer.Context, *, debug: bool) -> Iterator[None]:
    """Ends the program with a sentence on standard error where the library raised one of its errors.

    Anything else that is raised is a bug and passes through, to be shown with its traceback.
    """
    try:
        try:
            with interruptible():
                yield
        finally:
            sys.stdout.flush()
    except DocindexError as error:
        _explain(str(error), debug=debug)
        raise typer.Exit(USAGE if isinstance(error, ConfigError | QueryError) else FAILED) from error
    except BrokenPipeError as error:
        _abandon_output()
        raise typer.Exit(BROKEN_PIPE) from error
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        subject = f"{error.filename}: " if error.filename else ""
        _explain(f"{subject}{error.strerror}", debug=debug)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        typer.echo(SAID_WHEN_INTERRUPTED.get(str(ctx.invoked_subcommand), "Interrupted."), err=True)
        raise typer.Exit(INTERRUPTED) from error


@contextmanager
def interruptible() -> Iterator[None]:
    """Lets Ctrl-C be a KeyboardInterrupt wherever it comes: what it hits may make an error of its own out of it."""
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            cause = cause.__cause__ or cause.__context__
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from error
        raise


@contextmanager
def logging_to_stderr(level: str) -> Iterator[None]:
    """Shows the library's log while the program runs.

    Raises:
        ConfigError: There is no such level.
    """
    numbers = logging.getLevelNamesMapping()
    if level.upper() not in numbers:
        raise ConfigError(f"The log level is {level!r}: give debug, info, warning or error.")
    logger = logging.getLogger("docindex")
    before = logger.level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(numbers[level.upper()])
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _explain(message: str, *, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    typer.secho("Error: ", fg="red", bold=True, nl=False, err=True, color=None if _coloured() else False)
    typer.echo(one_line(message), err=True)


def _coloured() -> bool:
    return not os.environ.get("NO_COLOR")


def _abandon_output() -> None:
    # The reader has gone. Without this the interpreter would complain when it flushes at its end.
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, sys.stdout.fileno())
