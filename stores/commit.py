"""Both stores as one index: SQL says what counts, LanceDB holds the nodes, and a commit is in force or it never was.

A commit writes its intent to the journal, then deletes and adds rows in LanceDB, which makes versions of the nodes and
the vectors table that nobody reads; then one SQL transaction writes the rows of documents and sources together with the
numbers of the versions that belong to them. Readers ask SQL for the newest commit and open the tables at its versions.
Whoever takes the lease next finds a table newer than the newest commit if a writer died in between, and puts it back.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, delete, insert

from docindex.errors import StoreError
from docindex.protocols import OnProgress, VersionRecord
from docindex.schema import Progress
from docindex.stores.changes import add_commit
from docindex.stores.database import migrate, open_engine, pending_migrations, transaction
from docindex.stores.encoding import from_micros
from docindex.stores.files import table_folders
from docindex.stores.glance import is_sound
from docindex.stores.lance import KEPT, TableVersion
from docindex.stores.lease import lease
from docindex.stores.manifest import MANIFEST_FILE, Manifest, read_manifest, write_manifest
from docindex.stores.parts import StoreParts, now, silent
from docindex.stores.registry_file import REGISTRY_FILE, check_length
from docindex.stores.registry_rows import CommitRow
from docindex.stores.snapshot import TwoStoreSnapshot
from docindex.stores.sql import Registry
from docindex.stores.tables import commits, properties
from docindex.stores.upgrade import needs_upgrade, upgrade

if TYPE_CHECKING:
    from docindex.stores.writer import TwoStoreWriter

KEEP_SECONDS = 600.0
"""How long a version stays readable after another one replaced it."""


class TwoStores:
    """An index directory. Any number of threads may read from it at once."""

    def __init__(self, path: Path, manifest: Manifest, engine: Engine, keep_seconds: float) -> None:
        """Use `create_stores` or `open_stores`."""
        self.manifest = manifest
        self._parts = StoreParts(path, manifest, engine, keep_seconds)

    def snapshot(self, at: int | str | None = None) -> TwoStoreSnapshot:
        """The index at its newest version, or at an older one that is still kept, by number or tag.

        Raises:
            StoreError: The version is not kept, or never was.
        """
        return self._parts.snapshot(at)

    def versions(self) -> list[VersionRecord]:
        """The versions that can be read, newest first."""
        registry = self._parts.registry
        tags = registry.tags()
        return [
            VersionRecord(
                version=commit.version,
                kind=commit.kind,
                created_at=from_micros(commit.created_at),
                documents=commit.documents,
                nodes=commit.nodes,
                embedded=commit.embedded,
                tags=tuple(name for name, version in tags.items() if version == commit.version),
            )
            for commit in reversed(registry.oldest_first())
        ]

    @contextmanager
    def writer(self, *, wait_seconds: float = 0.0, on_progress: OnProgress = silent) -> Iterator[TwoStoreWriter]:
        """Takes the lease ("lease") and undoes what a crashed writer left half done ("recovered").

        Raises:
            LockedError: Another process holds it, and still does after `wait_seconds`.
        """
        from docindex.stores.writer import TwoStoreWriter  # readers do without

        with lease(self._parts.path, wait_seconds):
            on_progress(Progress("lease"))
            writer = TwoStoreWriter(self._parts)
            writer.begin()
            on_progress(Progress("recovered"))
            yield writer

    def close(self) -> None:
        """Lets go of files and connections."""
        self._parts.close()


# --- making and opening ---------------------------------------------------------------------------------------------


def create_stores(
    path: Path, manifest: Manifest, *, keep_seconds: float = KEEP_SECONDS, wait_seconds: float = 0.0
) -> TwoStores:
    """Makes an empty index; safe to repeat after a crash half-way.

    Raises:
        StoreError: The directory holds an index already, or something else.
        LockedError: Another process is making it, and still is after `wait_seconds`.
    """
    _check_free(path)
    path.mkdir(parents=True, exist_ok=True)
    with lease(path, wait_seconds):
        _check_free(path)
        engine = open_engine(path, manifest.config.database)
        try:
            _prepare(path, manifest, engine)
        except BaseException:
            engine.dispose()
            raise
        write_manifest(path, manifest)
    return TwoStores(path, read_manifest(path), engine, keep_seconds)


def open_stores(path: Path, *, keep_seconds: float = KEEP_SECONDS) -> TwoStores:
    """The index in a directory; an older format is brought up to date first.

    Raises:
        IndexNotFoundError: There is none.
        FormatError: A newer docindex wrote it.
        StoreError: Its registry is missing, or belongs to another index.
    """
    manifest = read_manifest(path)
    engine = open_engine(path, manifest.config.database)
    try:
        if not is_sound(path, manifest):
            manifest = _update(path, manifest, engine)
    except BaseException:
        engine.dispose()
        raise
    return TwoStores(path, manifest, engine, keep_seconds)


def _update(path: Path, manifest: Manifest, engine: Engine) -> Manifest:
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        raise StoreError(f"{engine.url.database} is missing: restore it from a copy, or ingest into a new index.")
    if engine.dialect.name == "sqlite":
        check_length(Path(str(engine.url.database)))
    if pending_migrations(engine) or needs_upgrade(manifest):
        with lease(path, wait_seconds=60.0):
            manifest = upgrade(path, read_manifest(path), engine)
    if Registry(engine).fact("index_id") != manifest.index_id:
        raise StoreError(
            f"The registry at {engine.url.render_as_string()} belongs to another index than {path}: "
            "give each index a database of its own."
        )
    return manifest


def _check_free(path: Path) -> None:
    if (path / MANIFEST_FILE).exists():
        raise StoreError(f"There is an index at {path} already: open it, or choose another folder.")
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is no folder: choose another one for the index.")
    ours = (REGISTRY_FILE, "nodes.lance", "vectors.lance", "writer.", ".")
    others = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith(ours)) if path.exists() else []
    if others:
        raise StoreError(f"{path} holds other files, such as {others[0]!r}: choose an empty folder for the index.")


def _prepare(path: Path, manifest: Manifest, engine: Engine) -> None:
    """Both stores, empty. What an earlier attempt left is used up or removed, but never a document."""
    migrate(engine)
    registry = Registry(engine)
    head = registry.head()
    here = str(path.resolve())
    if head is not None:
        if head.version > 0:
            raise StoreError(
                f"The registry for {path} holds an index, and {MANIFEST_FILE} is missing: "
                "restore that file, or choose another folder or database."
            )
        if registry.fact("directory") != here:
            raise StoreError(
                f"The registry at {engine.url.render_as_string()} belongs to the index in "
                f"{registry.fact('directory')}: give each index a database of its own."
            )
    for folder in (*table_folders(path, "nodes"), *table_folders(path, "vectors"), path / KEPT):
        shutil.rmtree(folder, ignore_errors=True)
    started = now()
    parts = StoreParts(path, manifest, engine, 0.0)
    made = [tables.create(tables.kind) for tables in (parts.nodes, parts.vectors)]
    nodes, vectors = (TableVersion(table.name, table.version, started) for table in made)
    with transaction(engine) as connection:
        connection.execute(delete(properties))
        connection.execute(delete(commits))
        for name, value in (("index_id", manifest.index_id), ("directory", here), ("created_at", str(started))):
            connection.execute(insert(properties).values(name=name, value=value))
        add_commit(connection, CommitRow(0, "created", nodes, vectors, now(), 0, 0, 0, 0))
