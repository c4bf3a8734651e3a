"""What an open index consists of; readers and the writer share it."""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import Engine

from docindex.errors import StoreError
from docindex.schema import Progress
from docindex.stores.lance import LanceTables
from docindex.stores.manifest import Manifest
from docindex.stores.registry_rows import CommitRow
from docindex.stores.rows import node_schema, vector_schema
from docindex.stores.snapshot import TwoStoreSnapshot
from docindex.stores.sql import Registry


class StoreParts:
    """An index directory's registry and tables."""

    def __init__(self, path: Path, manifest: Manifest, engine: Engine, keep_seconds: float) -> None:
        self.path = path
        self.engine = engine
        self.registry = Registry(engine)
        self.dim = manifest.dim
        self.exact_below = manifest.config.exact_below
        self.keep_seconds = keep_seconds
        self.nodes = LanceTables(path, "nodes", node_schema())
        self.vectors = LanceTables(path, "vectors", vector_schema(manifest.dim))

    def head(self) -> CommitRow:
        """The newest version.

        Raises:
            StoreError: There is none.
        """
        head = self.registry.head()
        if head is None:
            raise StoreError(
                f"The registry of {self.path} is empty: restore it from a copy, or ingest into a new index."
            )
        return head

    def commit_at(self, at: int | str | None) -> CommitRow:
        """A version by number or tag, the newest by default.

        Raises:
            StoreError: It is not kept, or never was.
        """
        if at is None:
            return self.head()
        number = self.registry.tags().get(at) if isinstance(at, str) else at
        if number is None:
            raise StoreError(f"No version of the index is tagged {at!r}: `docindex tag` lists the tags.")
        commit = self.registry.commit_at(number)
        if commit is None:
            raise StoreError(f"Version {at} of the index is not kept: leave the version out to read the newest.")
        return commit

    def snapshot(self, at: int | str | None = None) -> TwoStoreSnapshot:
        """The index at a version."""
        return TwoStoreSnapshot(self.path, self.registry, self.nodes, self.vectors, self.commit_at(at), self.dim)

    def close(self) -> None:
        """Lets go of files and connections."""
        self.nodes.close()
        self.vectors.close()
        self.engine.dispose()


def now() -> int:
    """The time in microseconds since 1970."""
    return time.time_ns() // 1000


def silent(progress: Progress) -> None:
    """The listener of those who did not ask."""
