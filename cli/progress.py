"""What goes on, shown on standard error while it does; silent where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Self

from docindex.schema import Progress

STEPS = {
    "plan": "Reading",
    "load": "Reading",
    "embed": "Embedding",
    "index": "Making indexes",
    "download": "Downloading",
    "verify": "Verifying",
    "optimized": "Tidying up",
    "vector-index": "Tidying up",
    "cleaned": "Tidying up",
    "maintained": "Tidying up",
}
"""What people read once a named step is reached; the others are moments of what they read already."""

Listener = Callable[[Progress], None]


def show_progress(first: str) -> AbstractContextManager[Listener]:
    """A listener that shows bytes, rate and the time that is left; `first` is shown until it hears of a step."""
    return _bar(first) if sys.stderr.isatty() else nullcontext(_unseen)


class Rounds:
    """Progress of work that is done again and again, with nothing to see between two rounds. A context manager."""

    def __init__(self, first: str) -> None:
        self._first = first
        self._stack = ExitStack()
        self._listener: Listener | None = None

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end_round()

    def show(self, progress: Progress) -> None:
        """Shows where a round stands; the first thing that is heard of a round begins it."""
        self._begin()(progress)

    def end_round(self) -> None:
        """Takes the progress off the screen."""
        self._stack.close()
        self._listener = None

    def _begin(self) -> Listener:
        if self._listener is None:
            self._listener = self._stack.enter_context(show_progress(self._first))
        return self._listener


def waiting(message: str) -> AbstractContextManager[None]:
    """Says what is being waited for, and takes it back."""
    return _spinner(message) if sys.stderr.isatty() else nullcontext()


@contextmanager
def _bar(first: str) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    from docindex.cli.output import one_line, readable_bytes

    class _Done(ProgressColumn):
        """How much is done, and how fast: in bytes, or in what the task counts."""

        def render(self, task: Task) -> Text:
            if task.total is None:
                return Text("")
            unit = task.fields.get("unit")
            if unit:
                rate = f" {task.speed:,.0f}/s" if task.speed else ""
                return Text(f"{task.completed:,.0f} of {task.total:,.0f} {unit}{rate}", style="progress.download")
            rate = f" {readable_bytes(int(task.speed))}/s" if task.speed else ""
            done = f"{readable_bytes(int(task.completed))} of {readable_bytes(int(task.total))}{rate}"
            return Text(done, style="progress.download")

    bar = Bar(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Done(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", style="dim", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(first, total=None, detail="")
        passages: TaskID | None = None

        def show(progress: Progress) -> None:
            nonlocal passages
            said = STEPS.get(progress.step)
            if progress.nodes_total:  # embedding, exporting and importing are counted in passages
                if passages is None:
                    bar.update(task, visible=False)
                    passages = bar.add_task(said or first, total=None, detail="", unit="passages")
                if progress.step == "index":
                    bar.update(passages, description=f"Making {progress.source}", unit="parts")
                bar.update(passages, completed=progress.nodes, total=progress.nodes_total)
                return
            if said and passages is None:
                bar.update(task, description=said)
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
