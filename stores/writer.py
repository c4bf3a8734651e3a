"""What changes an index while the lease is held."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from docindex.errors import StoreError
from docindex.protocols import ChangeSet, FileStamp, OnProgress, Snapshot
from docindex.schema import Progress
from docindex.stores.changes import add_commit, begin_journal, forget, set_fact, superseded, write_changes
from docindex.stores.database import transaction
from docindex.stores.dense import build_vector_index, default_index, drop_vector_index
from docindex.stores.encoding import from_micros
from docindex.stores.erase import erase
from docindex.stores.files import sweep
from docindex.stores.following import at_tables, following
from docindex.stores.lance import WritableTable
from docindex.stores.late import LateVectors, late_vectors
from docindex.stores.memory import give_back
from docindex.stores.parts import StoreParts, now, silent
from docindex.stores.recall import measure_index
from docindex.stores.registry_rows import CommitKind, CommitRow
from docindex.stores.repair import mend
from docindex.stores.rows import node_batches, node_schema, vector_batches, vector_schema
from docindex.stores.stamps import write_stamps
from docindex.stores.validate import check_changes, is_empty
from docindex.stores.versions import add_tag, go_back_to, remove_tag

logger = logging.getLogger("docindex.stores")

MAINTAIN_COMMITS = 32
MOST_COMMITS = 128
UNINDEXED_ROWS = 8192
FEW_UNINDEXED = 0.05
UNINDEXED_SHARE = 0.25
"""A table's maintenance is due when its indexes lack so many rows that are such a share of it, and after so many
commits that changed it: the higher number while the indexes lack few of a large table's rows. Rows without index are
found too, some tens of milliseconds later; maintenance writes a table of up to a million rows anew, so doing it sooner
would cost a growing index time and, until old versions go, space."""
_NO_VECTORS = LateVectors((), Counter())


class TwoStoreWriter:
    """Changes the index while the lease is held."""

    snapshot: Snapshot
    """The index as of the last commit."""

    def __init__(self, parts: StoreParts) -> None:
        """Use `TwoStores.writer`."""
        self._parts = parts
        self._opened: dict[str, WritableTable] = {}
        self._not_due: dict[str, int] = {}
        """The version at which a table's indexes were found to lack little."""
        self.snapshot = parts.snapshot()

    def begin(self) -> None:
        """Recovers, and removes what interrupted writers left. Damage is told of by what needs the damaged part."""
        try:
            self.recover()
        except StoreError as error:
            logger.warning("%s", error)
        sweep(self._parts.path, self._parts.registry)

    def recover(self) -> None:
        """Puts the tables back where the newest commit has them. Nothing to do unless a writer was interrupted."""
        head = self._parts.head()
        nodes, vectors = self._tables(head)
        if (nodes.version, vectors.version) != (head.nodes_table.number, head.vectors_table.number):
            logger.warning("An earlier writer was interrupted: its unfinished changes are undone.")
            started = now()
            for table, before in ((nodes, head.nodes_table), (vectors, head.vectors_table)):
                if table.version != before.number:
                    table.go_back(before.number)
            self._follow(head, nodes, vectors, started, "recovered")
        self.snapshot = self._parts.snapshot()

    def commit(self, changes: ChangeSet, on_progress: OnProgress = silent) -> Snapshot:
        """Writes all of the changes or none, and returns the index as it is then.

        Steps: "journal", "nodes-deleted", "nodes-written", "vectors-written", "registry-written", "committed". Only
        with the last one the changes count, whatever happens before.

        Raises:
            StoreError: The changes contradict themselves, or a store failed.
        """
        check_changes(changes, self._parts.dim)
        given = changes.vectors if changes.vectors is not None and len(changes.vectors.node_ids) else None
        if is_empty(changes):
            return self.snapshot
        self.recover()
        head = self._parts.head()
        nodes, vectors = self._tables(head)
        doc_ids = {change.document.doc_id for change in changes.documents} | set(changes.delete_documents)
        late = late_vectors(given, nodes.table, vectors.table, doc_ids, self._parts.dim) if given else _NO_VECTORS
        added = sum(len(change.nodes) for change in changes.documents)
        here = Progress("journal", documents=len(changes.documents), nodes=added)
        started = now()
        with transaction(self._parts.engine) as connection:
            begin_journal(connection, head, started)
            before = superseded(connection, head, doc_ids)
        on_progress(here)

        if before.nodes:
            nodes.delete("doc_id", list(before.added_at))
        if before.embedded:
            vectors.delete("doc_id", list(before.added_at))
        on_progress(replace(here, step="nodes-deleted"))
        if added:
            nodes.add(node_schema(), node_batches(changes.documents))
        on_progress(replace(here, step="nodes-written"))
        self._add_vectors(vectors, changes, late)
        on_progress(replace(here, step="vectors-written"))

        with transaction(self._parts.engine) as connection:
            commit = write_changes(connection, changes, before, late.by_document, head, now())
            commit = at_tables(commit, nodes, vectors, started)
            _expect(nodes, commit.nodes)
            _expect(vectors, commit.embedded)
            add_commit(connection, commit)
            on_progress(replace(here, step="registry-written"))
        self.snapshot = self._parts.snapshot()
        on_progress(replace(here, step="committed"))
        return self.snapshot

    def stamp(self, stamps: Sequence[FileStamp]) -> None:
        """Remembers what files look like whose bytes are known. Makes no new version."""
        if stamps:
            with transaction(self._parts.engine) as connection:
                write_stamps(connection, stamps)

    def maintain(self, on_progress: OnProgress = silent, *, force: bool = False) -> None:
        """Compacts files, brings the indexes up to date and drops old versions, when that is due, table by table.

        Cheap to call after each commit: it returns at once when nothing is due. Where there is an approximate index,
        old versions of the vectors go with the next maintenance, since it is made last. Steps: "journal", "optimized",
        "vector-index", "registry-written", "committed", "cleaned", "maintained".
        """
        nodes, vectors = self._tables(self._parts.head())
        due = [table for table in (nodes, vectors) if force or self._is_due(table)]
        if not due:
            return
        self.recover()
        head = self._parts.head()
        nodes, vectors = self._tables(head)
        due = [table for table in (nodes, vectors) if table.kind in {one.kind for one in due}]
        started = now()
        with transaction(self._parts.engine) as connection:
            begin_journal(connection, head, started)
            oldest = self._forget(connection, head)
        on_progress(Progress("journal"))
        indexed = vectors in due and drop_vector_index(vectors)
        for table in due:
            if indexed and table is vectors:
                self._clean(table, oldest)  # which is upkeep too, and none may follow once the index is made anew
            else:
                table.optimize()
        on_progress(Progress("optimized"))
        if vectors in due:
            build_vector_index(vectors, self._parts.exact_below)
        _expect(nodes, head.nodes)
        _expect(vectors, head.embedded)
        on_progress(Progress("vector-index"))
        commit = following(head, nodes, vectors, started, "maintained")
        with transaction(self._parts.engine) as connection:
            add_commit(connection, commit)
            for table in due:
                set_fact(connection, f"{table.kind}_maintained", str(commit.version))
            oldest = self._forget(connection, commit)
            on_progress(Progress("registry-written"))
        on_progress(Progress("committed"))

        for table in due:
            if default_index(table.table) is None:
                self._clean(table, oldest)
        if (nodes.version, vectors.version) != (commit.nodes_table.number, commit.vectors_table.number):
            self._follow(commit, nodes, vectors, started, "maintained")  # cleaning may optimize once more
        sweep(self._parts.path, self._parts.registry)
        measure_index(self._parts)
        give_back()
        on_progress(Progress("cleaned"))
        self.snapshot = self._parts.snapshot()
        on_progress(Progress("maintained"))

    def tag(self, name: str, version: int | None = None) -> None:
        """Gives a version (the newest by default) a name, under which it stays readable; a name moves.

        Raises:
            StoreError: The version is not kept, or the name is not one word.
        """
        add_tag(self._parts, name, version)

    def untag(self, name: str) -> None:
        """Takes a name back.

        Raises:
            StoreError: There is no such tag.
        """
        remove_tag(self._parts, name)

    def rollback(self, version: int | str, on_progress: OnProgress = silent) -> Snapshot:
        """Makes a new version that equals an older one, by number or tag.

        Steps: "journal", "nodes-written", "vectors-written", "registry-written", "committed".

        Raises:
            StoreError: The version is not kept.
        """
        self.recover()
        go_back_to(self._parts, version, on_progress)
        self._opened.clear()
        self.snapshot = self._parts.snapshot()
        on_progress(Progress("committed"))
        return self.snapshot

    def purge(self, on_progress: OnProgress = silent) -> None:
        """Erases what is deleted: afterwards no byte of the index holds text that the newest version lacks.

        Every other version goes, tagged ones too. Writes both tables afresh. Steps: "journal", "nodes-written",
        "vectors-written", "registry-written", "committed", "erased".

        Raises:
            StoreError: The disk has no space for the new tables, or another process is reading the registry all along.
        """
        self.recover()
        erase(self._parts, on_progress)
        self._opened.clear()
        measure_index(self._parts)
        self.snapshot = self._parts.snapshot()
        on_progress(Progress("erased"))

    def repair(self, on_progress: OnProgress = silent) -> list[str]:
        """Mends what `Snapshot.problems` finds; one sentence for each thing that it did, or could not do."""
        try:
            self.recover()
        except StoreError as error:
            logger.warning("%s", error)
        self._opened.clear()
        done = mend(self._parts, on_progress)
        self._opened.clear()
        measure_index(self._parts)
        self.snapshot = self._parts.snapshot()
        return done

    # --- parts -------------------------------------------------------------------------------------------------------

    def _add_vectors(self, vectors: WritableTable, changes: ChangeSet, late: LateVectors) -> None:
        dim = self._parts.dim
        if any(change.vectors.any() for change in changes.documents):
            vectors.add(vector_schema(dim), vector_batches(changes.documents, dim))
        if late.batches:
            vectors.add(vector_schema(dim), iter(late.batches))

    def _is_due(self, table: WritableTable) -> bool:
        registry = self._parts.registry
        last = int(registry.fact(f"{table.kind}_maintained") or 0)
        kinds: tuple[CommitKind, ...] = ("changed", "rolled back")
        if table.kind == "vectors":
            kinds += ("embedded",)
        commits = registry.commits_since(last, kinds)
        if commits >= MOST_COMMITS:
            return True
        version = table.version
        if self._not_due.get(table.name) == version:
            return False
        unindexed, rows = table.unindexed(), table.count()
        share = FEW_UNINDEXED if commits >= MAINTAIN_COMMITS else UNINDEXED_SHARE
        if unindexed > share * rows and (unindexed > UNINDEXED_ROWS or commits >= MAINTAIN_COMMITS):
            return True
        self._not_due[table.name] = version
        return False

    def _forget(self, connection: Connection, head: CommitRow) -> CommitRow:
        return forget(connection, head, now() - int(self._parts.keep_seconds * 1e6))

    def _clean(self, table: WritableTable, oldest: CommitRow) -> None:
        kept = [one for one in self._parts.registry.oldest_first() if one.version >= oldest.version]
        versions = [one.nodes_table if table.kind == "nodes" else one.vectors_table for one in kept]
        needed = [version for version in versions if version.name == table.name]
        only_newest = all(version.number == table.version for version in needed)
        table.clean(None if only_newest else from_micros(min(version.at for version in needed)))

    def _tables(self, commit: CommitRow) -> tuple[WritableTable, WritableTable]:
        """The tables that belong to a commit, at their newest versions. Open ones keep what they have cached."""
        for tables, name in (
            (self._parts.nodes, commit.nodes_table.name),
            (self._parts.vectors, commit.vectors_table.name),
        ):
            if name not in self._opened:
                self._opened[name] = tables.writable(name)
        return self._opened[commit.nodes_table.name], self._opened[commit.vectors_table.name]

    def _follow(
        self, head: CommitRow, nodes: WritableTable, vectors: WritableTable, started: int, kind: CommitKind
    ) -> None:
        with transaction(self._parts.engine) as connection:
            add_commit(connection, following(head, nodes, vectors, started, kind))


def _expect(table: WritableTable, rows: int) -> None:
    found = table.count()
    if found != rows:
        raise StoreError(
            f"The {table.kind} table holds {found} rows where {rows} should be: `docindex check --repair` mends it."
        )
