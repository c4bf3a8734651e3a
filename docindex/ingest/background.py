"""Commits beside the work: a thread commits some things while the next ones are made, which leaves no core idle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class BackgroundCommits(Generic[T]):
    """Commits one thing after another in a thread of its own. A context manager.

    The order is that in which they are given, and at most one is under way: `begin` waits for the one before. So a slow
    disk holds up whoever makes them, and memory holds no more than two, one being committed and one being made.

    What a commit raises comes out where things are given: of the next `begin` or `settle`, or of the end of the
    context. Nothing is committed after it, and every further call raises it again. It is lost only where another error
    ends the context, which then is the one that is told.

    However the context ends, by Ctrl-C too, it waits for the commit under way: no thread is left that writes to an
    index whose lease is given back. So Ctrl-C costs what was not given to `begin` yet, and the seconds of one commit.
    A second Ctrl-C ends that wait; the process still ends only after the commit.
    """

    def __init__(self, commit: Callable[[T], None]) -> None:
        """Takes what commits one thing; it is called in the thread."""
        self._commit = commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="docindex-commit")
        self._under_way: Future[None] | None = None

    def begin(self, thing: T) -> None:
        """Begins to commit a thing, which nobody may change from then on, once the one before is committed."""
        self.settle()
        self._under_way = self._thread.submit(self._commit, thing)

    def settle(self) -> None:
        """Waits for the commit that is under way."""
        if self._under_way is not None:
            self._under_way.result()
            self._under_way = None  # one that failed stays, to be raised again

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.settle()
        finally:
            self._thread.shutdown()
