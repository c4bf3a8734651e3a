"""Mends an index: what is sound stays, and what is lost is marked so that the next ingest reads or embeds it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, delete, insert, update

from docindex.errors import StoreError
from docindex.protocols import OnProgress
from docindex.schema import Progress
from docindex.stores.changes import add_commit, begin_journal, field_uses, update_fields
from docindex.stores.check import unsound_indexes
from docindex.stores.database import registry_damage, transaction
from docindex.stores.dense import build_vector_index, drop_vector_index
from docindex.stores.derived import close_records
from docindex.stores.files import link_version, sweep
from docindex.stores.following import at_tables
from docindex.stores.lance import LanceTables, TableVersion, WritableTable
from docindex.stores.lancedb_api import LanceTable
from docindex.stores.parts import StoreParts, now
from docindex.stores.registry_rows import CommitRow, DocumentRow
from docindex.stores.rewriting import Choose, rewritten
from docindex.stores.survey import Survey, survey
from docindex.stores.tables import commits, document_tables, documents, pending, sources, table_rows, tags, texts

_NAMED = 20
"""So many documents are named of those that have lost something."""


def mend(parts: StoreParts, on_progress: OnProgress) -> list[str]:
    """Mends what can be mended, in one commit; one sentence for each thing that was done or can't be."""
    if damage := registry_damage(parts.engine):
        return [damage]
    head = parts.head()
    number = head.version + 1
    mending = [_Mending(parts, parts.nodes, head), _Mending(parts, parts.vectors, head)]
    nodes, vectors = mending
    found = survey(parts.registry, head, nodes.source, vectors.source, parts.dim)
    nodes.consider(found.unsound_nodes)
    vectors.consider(found.unsound_vectors)
    if not (found.problems or nodes.is_due or vectors.is_due):
        return []
    started = now()
    with transaction(parts.engine) as connection:
        begin_journal(connection, head, started)
    on_progress(Progress("journal"))
    new_nodes = nodes.mended(number, _once(found.nodes))
    on_progress(Progress("nodes-written"))
    new_vectors = vectors.mended(number, _once(found.vectors))
    on_progress(Progress("vectors-written"))
    with transaction(parts.engine) as connection:
        commit, said = _mend_registry(connection, parts, head, found)
        add_commit(connection, at_tables(commit, new_nodes, new_vectors, started))
        on_progress(Progress("registry-written"))
    sweep(parts.path, parts.registry)
    if nodes.anew or vectors.anew:
        said += _drop_unreadable_versions(parts)
    on_progress(Progress("committed"))
    return [*nodes.said, *vectors.said, *said]


def _drop_unreadable_versions(parts: StoreParts) -> list[str]:
    gone: list[int] = []
    for commit in parts.registry.oldest_first():
        try:
            parts.nodes.at(commit.nodes_table)
            parts.vectors.at(commit.vectors_table)
        except StoreError:
            gone.append(commit.version)
    if not gone:
        return []
    with transaction(parts.engine) as connection:
        connection.execute(delete(commits).where(commits.c.version.in_(gone)))
        connection.execute(delete(tags).where(tags.c.version.in_(gone)))
    sweep(parts.path, parts.registry)
    return [f"Older versions that can't be read any more are dropped: {', '.join(map(str, gone))}."]


# --- tables ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Mending:
    """One of the two tables on its way."""

    parts: StoreParts
    tables: LanceTables
    head: CommitRow
    source: LanceTable | None = None
    said: list[str] = field(default_factory=list)
    anew: bool = False
    """The table has to be written afresh."""
    indexes: dict[str, str] = field(default_factory=dict)
    """The columns whose index is unsound, and why."""

    def __post_init__(self) -> None:
        """Opens the newest version that can be opened."""
        wanted = self._version_of(self.head)
        kind = self.tables.kind
        tried: list[TableVersion] = []
        for commit in reversed(self.parts.registry.oldest_first()):
            version = self._version_of(commit)
            if version in tried:
                continue
            tried.append(version)
            self.source = self._opened(version)
            if self.source is None:
                continue
            if version != wanted:
                self.anew = True
                self.said.append(f"The newest {kind} can't be opened: those of version {commit.version} are taken.")
            break
        else:
            self.anew = True
            again = "every document is read again" if kind == "nodes" else "every node is embedded again"
            self.said.append(f"No version of the {kind} can be opened: their table is made anew, and {again}.")
        if not self.anew:
            try:
                self.anew = self.tables.writable(wanted.name).version != wanted.number
            except StoreError:
                self.anew = True

    def _opened(self, version: TableVersion) -> LanceTable | None:
        for alone in (False, True):
            try:
                if alone:  # LanceDB opens no version of a table whose newest one is damaged
                    folder = self.tables.folder(version.name)
                    link_version(folder, self.tables.kept_folder(version), version.number)
                table = self.tables.at(version)
                table.count_rows()
            except (StoreError, ValueError, RuntimeError, OSError):
                continue
            return table
        return None

    @property
    def is_due(self) -> bool:
        """Whether the table, apart from what its rows are worth, needs mending."""
        return self.anew or bool(self.indexes)

    def consider(self, unsound: int) -> None:
        """Decides what to do about so many unsound rows, and looks at the indexes."""
        if unsound:
            self.anew = True
            self.said.append(f"{unsound} unsound rows of the {self.tables.kind} table are dropped.")
        if not self.anew and self.source is not None:
            self.indexes = unsound_indexes(self.tables, self.source)

    def mended(self, number: int, choose: Choose) -> WritableTable:
        """The table with sound rows and indexes."""
        kind = self.tables.kind
        if not self.anew:
            table = self.tables.writable(self._version_of(self.head).name)
            try:
                self._mend_indexes(table)
            except StoreError:
                self.said.append(f"The {kind} table is written afresh, since its indexes can't be replaced.")
            else:
                return table
        return rewritten(self.tables, self.source, f"{kind}-{number}", self.parts.exact_below, choose)

    def _mend_indexes(self, table: WritableTable) -> None:
        if not self.indexes:
            return
        table.mend_indexes(self.indexes)
        if "vector" in self.indexes:
            drop_vector_index(table)
            build_vector_index(table, self.parts.exact_below)
        self.said += [
            f"The index of {column!r} in the {self.tables.kind} table is made anew: it {why}."
            for column, why in self.indexes.items()
        ]

    def _version_of(self, commit: CommitRow) -> TableVersion:
        return commit.nodes_table if self.tables.kind == "nodes" else commit.vectors_table


def _once(wanted: Collection[str]) -> Choose:
    """Chooses each of the nodes the first time that it comes."""
    left = set(wanted)

    def choose(node_ids: list[str]) -> list[bool]:
        chosen: list[bool] = []
        for node_id in node_ids:
            chosen.append(node_id in left)
            left.discard(node_id)
        return chosen

    return choose


# --- the registry ---------------------------------------------------------------------------------------------------


def _mend_registry(
    connection: Connection, parts: StoreParts, head: CommitRow, found: Survey
) -> tuple[CommitRow, list[str]]:
    number = head.version + 1
    lost = found.textless | found.tableless | set(found.thinned)
    rows = parts.registry.documents_by_id(head.version, lost)
    said = [_loss(doc_id, rows[doc_id], found) for doc_id in sorted(lost)[:_NAMED]]
    if len(lost) > _NAMED:
        said.append(f"{len(lost) - _NAMED} more documents have lost something, and the next ingest reads them again.")
    _mark_documents(connection, rows, found, number)
    files = list(parts.registry.sources(head.version, None))
    locations = {row.record.location for row in rows.values()}
    locations |= {file.location for file in files if file.name in found.stray_sources}
    closed = _close_sources(connection, locations, number)
    waiting = {doc_id: count for doc_id, count in found.waiting.items() if count > 0 and doc_id not in found.textless}
    said += _mend_pending(connection, parts.registry.all_pending(head.version), waiting, number)
    if dropped := close_records(connection, lost, found.unsound_records, number):
        said.append(f"{dropped} records of indexes are dropped: the next ingest makes them again.")
    uses = found.uses.copy()
    for doc_id in found.textless:
        uses.subtract(field_uses(rows[doc_id].record.metadata))
    uses.subtract(parts.registry.field_uses(head.version))
    update_fields(connection, uses, number)
    commit = replace(
        head,
        version=number,
        kind="recovered",
        created_at=now(),
        documents=found.documents - len(found.textless),
        nodes=len(found.nodes),
        embedded=len(found.vectors),
        sources=len(files) - closed,
    )
    counts: dict[str, Callable[[CommitRow], int]] = {
        "documents": lambda one: one.documents,
        "nodes": lambda one: one.nodes,
        "embedded nodes": lambda one: one.embedded,
        "sources": lambda one: one.sources,
    }
    for name, count in counts.items():
        if count(head) != count(commit):
            said.append(f"The index counts {count(commit)} {name} now, where it counted {count(head)}.")
    return commit, said


def _loss(doc_id: str, row: DocumentRow, found: Survey) -> str:
    again = f"the next ingest of {row.record.source!r} reads it again"
    if doc_id in found.textless:
        return f"The text of document {doc_id!r} is lost, so that it is taken out of the index: {again}."
    if doc_id in found.thinned:
        return f"Document {doc_id!r} has {found.thinned[doc_id]} of its {row.record.nodes} nodes: {again}."
    return f"The tables of document {doc_id!r} are lost: {again}."


def _mark_documents(connection: Connection, rows: Mapping[str, DocumentRow], found: Survey, number: int) -> None:
    """Takes out documents without text, and gives the others that lost something a content hash that nothing has.

    What is left of the damaged texts and tables goes, so that it does not pass for what is read again.
    """
    for doc_id, row in rows.items():
        live = (documents.c.doc_id == doc_id) & documents.c.until.is_(None)
        old = dict(connection.execute(documents.select().where(live)).mappings().one())
        connection.execute(update(documents).where(live).values(until=number))
        if doc_id in found.textless:
            connection.execute(delete(texts).where(texts.c.hash == row.text_hash))
        if doc_id in found.tableless:
            for table in (document_tables, table_rows):
                connection.execute(delete(table).where(table.c.hash == row.tables_hash))
        if doc_id not in found.textless:
            old |= {"since": number, "content_hash": "", "nodes": found.thinned.get(doc_id, row.record.nodes)}
            if doc_id in found.tableless:
                old["tables_hash"] = None
            connection.execute(insert(documents).values(**old))


def _close_sources(connection: Connection, locations: Collection[str], number: int) -> int:
    closed = 0
    for location in locations:
        live = (sources.c.location == location) & sources.c.until.is_(None)
        closed += connection.execute(update(sources).where(live).values(until=number)).rowcount
    return closed


def _mend_pending(
    connection: Connection, noted: Mapping[str, int], waiting: Mapping[str, int], number: int
) -> list[str]:
    changed = Counter(waiting)
    changed.subtract(noted)
    for doc_id, difference in changed.items():
        if difference:
            live = (pending.c.doc_id == doc_id) & pending.c.until.is_(None)
            connection.execute(update(pending).where(live).values(until=number))
            if waiting.get(doc_id):
                row = {"doc_id": doc_id, "since": number, "until": None, "nodes": waiting[doc_id]}
                connection.execute(insert(pending).values(**row))
    more = sum(difference for difference in changed.values() if difference > 0)
    return [f"{more} nodes wait to be embedded again: `docindex embed` does that."] if more else []
