"""One snapshot for all that belongs together, whatever is committed meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from docindex.errors import StoreError
from docindex.protocols import Retriever, Snapshot
from docindex.schema import Hit, Query

T = TypeVar("T")

_TIMES = 4
"""A read that is longer than what lies between two purges would be overtaken again and again."""


def read_steadily(newest: Callable[[], Snapshot], read: Callable[[Snapshot], T]) -> T:
    """What is read of the newest snapshot; where that failed and a newer one is there, of that.

    A purge erases at once what those who began before it are still reading.
    """
    for _ in range(_TIMES - 1):
        snapshot = newest()
        try:
            return read(snapshot)
        except StoreError:
            if newest().version == snapshot.version:
                raise
    return read(newest())


class HeldSnapshot:
    """Gives the newest snapshot, and within a search always the one that it began with; each thread has its own."""

    def __init__(self, newest: Callable[[], Snapshot]) -> None:
        self._newest = newest
        self._here = threading.local()

    def __call__(self) -> Snapshot:
        """The snapshot that is held, or the newest."""
        return self._held or self._newest()

    @contextmanager
    def held(self, snapshot: Snapshot | None = None) -> Iterator[None]:
        """Within the block this thread sees one snapshot, the newest by default; within another block, that one's."""
        if self._held is not None:
            yield
            return
        self._here.snapshot = snapshot or self._newest()
        try:
            yield
        finally:
            self._here.snapshot = None

    @property
    def _held(self) -> Snapshot | None:
        snapshot: Snapshot | None = getattr(self._here, "snapshot", None)
        return snapshot


class SteadyRetriever:
    """Asks another retriever, all of whose stages see one snapshot.

    A stage looks up what the ones before it found. Were it to see a later commit, that might be gone, or a span might
    be cut out of a text that has changed.
    """

    def __init__(self, inner: Retriever, snapshot: HeldSnapshot) -> None:
        """`snapshot` is what the stages were made with."""
        self._inner = inner
        self._snapshot = snapshot

    def retrieve(self, query: Query) -> list[Hit]:
        """The inner retriever's hits."""

        def retrieved(snapshot: Snapshot) -> list[Hit]:
            with self._snapshot.held(snapshot):
                return self._inner.retrieve(query)

        return read_steadily(self._snapshot, retrieved)
