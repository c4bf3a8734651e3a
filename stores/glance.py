"""A first look at an index, through Python's own sqlite3.

Opening the stores imports SQLAlchemy and LanceDB, which takes longer than all that an ingest without changes has to do.
Here is what can be said without them. Where anything is not as it should be, nothing is said: whoever asked opens the
stores then, which bring the index up to date, undo what an interrupted writer left, or say what is wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.config import FORMAT_VERSION
from docindex.errors import StoreError
from docindex.protocols import FileStamp
from docindex.stores.migrations import known_migrations
from docindex.stores.records import source_record
from docindex.stores.registry_file import REGISTRY_FILE, check_length

if TYPE_CHECKING:
    from docindex.protocols import SourceRecord
    from docindex.stores.manifest import Manifest

_WORK = ("SELECT 1 FROM journal", "SELECT 1 FROM definitions WHERE until IS NULL")
"""What an ingest has to look into: an interrupted writer, and indexes on top of the passages."""
_PATIENCE = 5.0
"""Seconds to wait where the registry is locked, which is for moments."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What an index holds of files: all that planning an ingest needs of it."""

    sources: Sequence[SourceRecord]
    stamps: Sequence[FileStamp]
    nodes: int
    embedded: int
    """How many of the nodes have a vector."""


def is_sound(path: Path, manifest: Manifest) -> bool:
    """Whether the stores of the index would open as they are, as far as that can be told."""
    try:
        with _registry(path, manifest) as connection:
            return connection is not None
    except (sqlite3.Error, OSError, StoreError):
        return False


def glance(path: Path, manifest: Manifest) -> Glance | None:
    """What the newest version holds of files, while the lease is held; None where the stores have to be opened."""
    try:
        with _registry(path, manifest) as connection:
            if connection is None or any(connection.execute(work).fetchone() for work in _WORK):
                return None
            head = connection.execute("SELECT nodes, embedded FROM commits ORDER BY version DESC LIMIT 1").fetchone()
            if head is None:
                return None
            rows = connection.execute("SELECT * FROM sources WHERE until IS NULL ORDER BY location")
            sources = [source_record(row) for row in rows]
            stamps = connection.execute("SELECT location, state, bytes_hash, media_type FROM stamps")
            return Glance(sources, [FileStamp(*row) for row in stamps], head["nodes"], head["embedded"])
    except (sqlite3.Error, OSError, StoreError):
        return None


@contextmanager
def _registry(path: Path, manifest: Manifest) -> Iterator[sqlite3.Connection | None]:
    """The registry to be read in one transaction; None where it is elsewhere, of another age or of another index."""
    file = path.absolute() / REGISTRY_FILE
    if manifest.config.database is not None or manifest.format_version != FORMAT_VERSION:
        yield None
        return
    check_length(file)
    connection = sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=_PATIENCE, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        applied = {row["number"] for row in connection.execute("SELECT number FROM migrations")}
        owner = connection.execute("SELECT value FROM properties WHERE name = 'index_id'").fetchone()
        yield connection if applied == set(known_migrations()) and owner and owner[0] == manifest.index_id else None
    finally:
        connection.close()
