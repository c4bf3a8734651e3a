"""One snapshot for all stages of a search, whatever is committed meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from docindex.protocols import Retriever, Snapshot
from docindex.schema import Hit, Query


class HeldSnapshot:
    """Gives the newest snapshot, and within a search always the one that it began with; each thread has its own."""

    def __init__(self, newest: Callable[[], Snapshot]) -> None:
        self._newest = newest
        self._here = threading.local()

    def __call__(self) -> Snapshot:
        """The snapshot that is held, or the newest."""
        return self._held or self._newest()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block this thread sees one snapshot; a block within a block, that of the outer one."""
        if self._held is not None:
            yield
            return
        self._here.snapshot = self._newest()
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
        with self._snapshot.held():
            return self._inner.retrieve(query)
