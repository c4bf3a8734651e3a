"""What goes on, shown on standard error while it does; silent where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from docindex.schema import Progress

STEPS = {
    "plan": "Reading",
    "load": "Reading",
    "embed": "Embedding",
    "download": "Downloading",
    "verify": "Verifying",
    "optimized": "Tidying up",
    "vector-index": "Tidying up",
    "cleaned": "Tidying up",
    "maintained": "Tidying up",
}
"""What people read once a named step is reached; the others are moments of a commit."""


def show_progress(first: str) -> AbstractContextManager[Callable[[Progress], None]]:
    """A listener that shows bytes, rate and the time that is left; `first` is shown until it hears of a step."""
    return _bar(first) if sys.stderr.isatty() else nullcontext(_unseen)


def waiting(message: str) -> AbstractContextManager[None]:
    """Says what is being waited for, and takes it back."""
    return _spinner(message) if sys.stderr.isatty() else nullcontext()


@contextmanager
def _bar(first: str) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    from docindex.cli.output import one_line

    bar = Bar(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", style="dim", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(first, total=None, detail="")

        def show(progress: Progress) -> None:
            bar.update(task, description=STEPS.get(progress.step, "Saving"))
            if progress.bytes_total:  # the steps of a commit do not know the whole
                bar.update(
                    task,
                    completed=progress.bytes_done,
                    total=progress.bytes_total,
                    detail=one_line(_detail(progress)),
                )

        yield show


@contextmanager
def _spinner(message: str) -> Iterator[None]:
    from rich.console import Console

    with Console(stderr=True).status(message):
        yield


def _detail(progress: Progress) -> str:
    counts = f"{progress.documents:,} documents " if progress.documents else ""
    return f"{counts}{progress.source}".strip()


def _unseen(progress: Progress) -> None:
    """Where nobody looks."""
