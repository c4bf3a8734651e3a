"""Both stores as one index: SQL says what counts, LanceDB holds the nodes, and a commit is in force or it never was.

A commit writes its intent to the journal, then deletes and adds nodes in LanceDB, which makes versions of the nodes
table that nobody reads; then one SQL transaction writes the rows of documents and sources together with the number of
the nodes version that belongs to them. Readers ask SQL for the newest commit and open the nodes at its version. Whoever
takes the lease next finds the nodes table newer than the newest commit if a writer died in between, and puts it back.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, delete, insert

from docindex.errors import StoreError
from docindex.protocols import ChangeSet, OnProgress, Snapshot
from docindex.schema import Progress
from docindex.stores.changes import add_commit, begin_journal, forget, superseded, write_changes
from docindex.stores.database import migrate, open_engine, pending_migrations, transaction
from docindex.stores.encoding import from_micros
from docindex.stores.lance import LanceNodes
from docindex.stores.lease import lease
from docindex.stores.manifest import MANIFEST_FILE, Manifest, read_manifest, write_manifest
from docindex.stores.snapshot import TwoStoreSnapshot
from docindex.stores.sql import CommitKind, CommitRow, Registry
from docindex.stores.tables import commits, properties
from docindex.stores.validate import check_changes

logger = logging.getLogger("docindex.stores")

KEEP_SECONDS = 600.0
"""How long a version stays readable after another one replaced it."""
MAINTAIN_COMMITS = 32
UNINDEXED_SHARE = 0.25
"""Maintenance is due after so many commits, or when the indexes lack such a share of the rows. It writes the table
anew, so a smaller share would cost a growing index time and, until old versions go, space."""


def silent(progress: Progress) -> None:
    """The listener of those who did not ask."""


class TwoStores:
    """An index directory. Any number of threads may read from it at once."""

    def __init__(self, path: Path, manifest: Manifest, engine: Engine, keep_seconds: float) -> None:
        """Use `create_stores` or `open_stores`."""
        self.manifest = manifest
        self.keep_seconds = keep_seconds
        self._path = path
        self._engine = engine
        self._registry = Registry(engine)
        self._nodes = LanceNodes(path, manifest.dim)

    def snapshot(self, at: int | None = None) -> TwoStoreSnapshot:
        """The index at its newest version, or at an older one that is still kept.

        Raises:
            StoreError: The version is not kept, or never was.
        """
        commit = self._registry.head() if at is None else self._registry.commit_at(at)
        if commit is None:
            raise StoreError(
                f"Version {at} of the index is not kept: leave the version out to read the newest."
                if at is not None
                else f"The registry of {self._path} is empty: restore it from a copy, or ingest into a new index."
            )
        return TwoStoreSnapshot(self._path, self._registry, self._nodes, commit, self.manifest.dim)

    @contextmanager
    def writer(self, *, wait_seconds: float = 0.0, on_progress: OnProgress = silent) -> Iterator[TwoStoreWriter]:
        """Takes the lease ("lease") and undoes what a crashed writer left half done ("recovered").

        Raises:
            LockedError: Another process holds it, and still does after `wait_seconds`.
        """
        with lease(self._path, wait_seconds):
            on_progress(Progress("lease"))
            writer = TwoStoreWriter(self, self._engine, self._registry, self._nodes)
            writer.recover()
            on_progress(Progress("recovered"))
            yield writer

    def close(self) -> None:
        """Lets go of files and connections."""
        self._nodes.close()
        self._engine.dispose()


class TwoStoreWriter:
    """Changes the index while the lease is held."""

    snapshot: Snapshot
    """The index as of the last commit."""

    def __init__(self, stores: TwoStores, engine: Engine, registry: Registry, nodes: LanceNodes) -> None:
        """Use `TwoStores.writer`."""
        self._stores = stores
        self._engine = engine
        self._registry = registry
        self._table = nodes.writable()
        self._dim = stores.manifest.dim
        self._exact_below = stores.manifest.config.exact_below
        self.snapshot = stores.snapshot()

    def recover(self) -> None:
        """Puts the nodes table back where the newest commit has it. Nothing to do unless a writer was interrupted."""
        head = self._head()
        if self._table.version != head.nodes_version:
            logger.warning("An earlier writer was interrupted: its unfinished changes are undone.")
            started = _now()
            nodes_version = self._table.go_back(head.nodes_version)
            self._follow(head, nodes_version, started, "recovered")
        self.snapshot = self._stores.snapshot()

    def commit(self, changes: ChangeSet, on_progress: OnProgress = silent) -> Snapshot:
        """Writes all of the changes or none, and returns the index as it is then.

        Steps: "journal", "nodes-deleted", "nodes-written", "registry-written", "committed". Only with the last one the
        changes count, whatever happens before.

        Raises:
            StoreError: The changes contradict themselves, or a store failed.
        """
        check_changes(changes, self._dim)
        if not (changes.documents or changes.delete_documents or changes.sources or changes.delete_sources):
            return self.snapshot
        self.recover()
        head = self._head()
        added = sum(len(change.nodes) for change in changes.documents)
        here = Progress("journal", documents=len(changes.documents), nodes=added)
        started = _now()
        with transaction(self._engine) as connection:
            begin_journal(connection, head, started)
            doc_ids = {change.document.doc_id for change in changes.documents} | set(changes.delete_documents)
            before = superseded(connection, head, doc_ids)
        on_progress(here)

        if before.nodes:
            self._table.delete(list(before.added_at))
        on_progress(replace(here, step="nodes-deleted"))
        if added:
            self._table.add(changes.documents)
        self._expect(head.nodes - before.nodes + added)
        on_progress(replace(here, step="nodes-written"))

        with transaction(self._engine) as connection:
            commit = write_changes(connection, changes, before, head, self._table.version, started, _now())
            add_commit(connection, commit)
            on_progress(replace(here, step="registry-written"))
        self.snapshot = self._stores.snapshot()
        on_progress(replace(here, step="committed"))
        return self.snapshot

    def maintain(self, on_progress: OnProgress = silent, *, force: bool = False) -> None:
        """Compacts files, brings the indexes up to date and drops old versions, when that is due.

        Cheap to call after each commit: it returns at once when nothing is due. Steps: "journal", "optimized",
        "vector-index", "registry-written", "committed", "cleaned", "maintained".
        """
        if not force and not self._maintenance_is_due():
            return
        self.recover()
        head = self._head()
        started = _now()
        with transaction(self._engine) as connection:
            begin_journal(connection, head, started)
        on_progress(Progress("journal"))
        self._table.optimize()
        on_progress(Progress("optimized"))
        self._table.update_vector_index(self._exact_below)
        self._expect(head.nodes)
        on_progress(Progress("vector-index"))
        commit = self._following(head, self._table.version, started, "maintained")
        with transaction(self._engine) as connection:
            add_commit(connection, commit)
            oldest = forget(connection, commit, _now() - int(self._stores.keep_seconds * 1e6))
            on_progress(Progress("registry-written"))
        on_progress(Progress("committed"))

        self._table.clean(from_micros(oldest.nodes_at))
        if self._table.version != commit.nodes_version:  # cleaning may optimize once more
            self._follow(commit, self._table.version, started, "maintained")
        on_progress(Progress("cleaned"))
        self.snapshot = self._stores.snapshot()
        on_progress(Progress("maintained"))

    def _maintenance_is_due(self) -> bool:
        return (
            self._registry.changes_since_maintenance() >= MAINTAIN_COMMITS
            or self._table.unindexed() > UNINDEXED_SHARE * self._table.count()
        )

    def _head(self) -> CommitRow:
        head = self._registry.head()
        if head is None:
            raise StoreError("The registry is empty: restore it from a copy, or ingest into a new index.")
        return head

    def _expect(self, nodes: int) -> None:
        found = self._table.count()
        if found != nodes:
            raise StoreError(f"The nodes table holds {found} nodes where {nodes} should be: run `docindex check`.")

    def _following(self, head: CommitRow, nodes_version: int, started: int, kind: CommitKind) -> CommitRow:
        return replace(
            head,
            version=head.version + 1,
            kind=kind,
            nodes_version=nodes_version,
            nodes_at=head.nodes_at if nodes_version == head.nodes_version else started,
            created_at=_now(),
        )

    def _follow(self, head: CommitRow, nodes_version: int, started: int, kind: CommitKind) -> None:
        with transaction(self._engine) as connection:
            add_commit(connection, self._following(head, nodes_version, started, kind))


# --- making and opening ---------------------------------------------------------------------------------------------


def create_stores(path: Path, manifest: Manifest, *, keep_seconds: float = KEEP_SECONDS) -> TwoStores:
    """Makes an empty index; safe to repeat after a crash half-way.

    Raises:
        StoreError: The directory holds an index already, or something else.
        LockedError: Another process is making it.
    """
    _check_free(path)
    path.mkdir(parents=True, exist_ok=True)
    with lease(path):
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
        _update(path, manifest, engine)
    except BaseException:
        engine.dispose()
        raise
    return TwoStores(path, manifest, engine, keep_seconds)


def _update(path: Path, manifest: Manifest, engine: Engine) -> None:
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        raise StoreError(f"{engine.url.database} is missing: restore it from a copy, or ingest into a new index.")
    if pending_migrations(engine):
        with lease(path, wait_seconds=10.0):
            migrate(engine)
    if Registry(engine).fact("index_id") != manifest.index_id:
        raise StoreError(
            f"The registry at {engine.url.render_as_string()} belongs to another index than {path}: "
            "give each index a database of its own."
        )


def _check_free(path: Path) -> None:
    if (path / MANIFEST_FILE).exists():
        raise StoreError(f"There is an index at {path} already: open it, or choose another folder.")
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is no folder: choose another one for the index.")
    ours = ("registry.db", "nodes.lance", "writer.", ".")
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
    shutil.rmtree(path / "nodes.lance", ignore_errors=True)
    started = _now()
    nodes_version = LanceNodes(path, manifest.dim).create()
    with transaction(engine) as connection:
        connection.execute(delete(properties))
        connection.execute(delete(commits))
        for name, value in (("index_id", manifest.index_id), ("directory", here), ("created_at", str(started))):
            connection.execute(insert(properties).values(name=name, value=value))
        add_commit(connection, CommitRow(0, "created", nodes_version, started, _now(), 0, 0, 0))


def _now() -> int:
    return time.time_ns() // 1000
