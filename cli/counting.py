"""Work that is counted, shown on standard error while it goes on; silent where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Counted = Callable[[str, int, int], None]


def show_count(first: str) -> AbstractContextManager[Counted]:
    """A listener that shows what is counted, how many are done and the time that is left."""
    return _bar(first) if sys.stderr.isatty() else nullcontext(_unseen)


@contextmanager
def _bar(first: str) -> Iterator[Counted]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from docindex.cli.output import one_line

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(first, total=None)
        shown = first

        def show(what: str, done: int, total: int) -> None:
            nonlocal shown
            if what != shown:  # another count: its rate is another one too
                shown = what
                bar.reset(task, total=total, description=one_line(what))
            bar.update(task, completed=done, total=total)

        yield show


def _unseen(what: str, done: int, total: int) -> None:
    """Where nobody looks."""
