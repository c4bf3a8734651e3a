"""What a commit writes to the registry, inside the transaction that makes it count."""

from __future__ import annotations

import json
import os
import socket
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from docindex.errors import StoreError
from docindex.protocols import ChangeSet, DocumentChange, SourceRecord
from docindex.schema import Document, FieldType, MetadataValue, digest
from docindex.stores.cells import add_tables, tables_hash
from docindex.stores.derived import drop_unused_records, write_derived
from docindex.stores.encoding import field_type, metadata_from_json, metadata_to_json, to_micros
from docindex.stores.registry_rows import CommitKind, CommitRow, commit_row
from docindex.stores.stamps import drop_stamps
from docindex.stores.statements import chunks, insert_all
from docindex.stores.tables import (
    TEMPORAL,
    commits,
    document_tables,
    documents,
    fields,
    in_force,
    journal,
    pending,
    properties,
    sources,
    table_rows,
    tags,
    texts,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Superseded:
    """What the documents that a commit replaces or deletes were at the version before."""

    added_at: dict[str, int]
    """Of each by its id: also says which of the ids exist."""
    nodes: int
    embedded: int
    """How many of the nodes had a vector."""
    field_uses: Counter[tuple[str, FieldType]]


def begin_journal(connection: Connection, head: CommitRow, now: int) -> None:
    """Notes that a commit has begun, so that it can be told from one that ended."""
    connection.execute(delete(journal))
    connection.execute(
        insert(journal).values(
            version=head.version + 1,
            base_nodes_version=head.nodes_table.number,
            base_vectors_version=head.vectors_table.number,
            started_at=now,
            pid=os.getpid(),
            host=socket.gethostname(),
        )
    )


def add_commit(connection: Connection, commit: CommitRow) -> None:
    """Makes a version count, and closes the journal."""
    connection.execute(insert(commits).values(**commit.values()))
    connection.execute(delete(journal))


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Notes a fact about the registry itself."""
    connection.execute(delete(properties).where(properties.c.name == name))
    connection.execute(insert(properties).values(name=name, value=value))


def superseded(connection: Connection, head: CommitRow, doc_ids: Collection[str]) -> Superseded:
    """Those of the documents that exist, before they are closed."""
    added_at: dict[str, int] = {}
    uses: Counter[tuple[str, FieldType]] = Counter()
    nodes = waiting = 0
    for chunk in chunks(doc_ids):
        rows = connection.execute(
            select(documents.c.doc_id, documents.c.added_at, documents.c.nodes, documents.c.details).where(
                documents.c.doc_id.in_(chunk) & in_force(documents, head.version)
            )
        )
        for doc_id, added, count, details in rows:
            added_at[doc_id] = added
            nodes += count
            uses.update(field_uses(metadata_from_json(json.loads(details)["metadata"])))
        held = select(func.sum(pending.c.nodes)).where(pending.c.doc_id.in_(chunk) & in_force(pending, head.version))
        waiting += int(connection.scalar(held) or 0)
    return Superseded(added_at, nodes, nodes - waiting, uses)


def write_changes(
    connection: Connection,
    changes: ChangeSet,
    before: Superseded,
    embedded: Mapping[str, int],
    head: CommitRow,
    now: int,
) -> CommitRow:
    """Closes and adds rows for the version after the head; returns the commit, which `add_commit` makes count.

    Args:
        connection: In a transaction.
        changes: What the version changes.
        before: What its documents were.
        embedded: For each document that stays how many of its nodes get a vector.
        head: The newest version.
        now: Microseconds since 1970.
    """
    version = head.version + 1
    added = list(changes.documents)
    filed = {source.location: source for source in changes.sources}
    for chunk in chunks(before.added_at):
        for table in (documents, pending):
            live = table.c.doc_id.in_(chunk) & table.c.until.is_(None)
            connection.execute(update(table).where(live).values(until=version))
    _add_texts(connection, added)
    add_tables(connection, added)
    insert_all(connection, documents, [_document_row(change, version, before.added_at, now) for change in added])
    waiting = {change.document.doc_id: len(change.nodes) - vectors_of(change) for change in added}
    insert_all(connection, pending, _pending_rows(waiting, version))
    _count_down(connection, embedded, version)
    uses = Counter(use for change in added for use in field_uses(change.document.metadata))
    uses.subtract(before.field_uses)
    update_fields(connection, uses, version)
    closed = 0
    for chunk in chunks({*changes.delete_sources, *filed}):
        closing = update(sources).where(sources.c.location.in_(chunk) & sources.c.until.is_(None))
        closed += connection.execute(closing.values(until=version)).rowcount
    insert_all(connection, sources, [_source_row(source, version) for source in filed.values()])
    drop_stamps(connection, set(changes.delete_sources) - set(filed))
    derived = write_derived(connection, changes, before.added_at, version)
    return replace(
        head,
        version=version,
        kind=_kind(changed=bool(added or before.added_at or filed or closed), embedded=bool(embedded), derived=derived),
        created_at=now,
        documents=head.documents - len(before.added_at) + len(added),
        nodes=head.nodes - before.nodes + sum(len(change.nodes) for change in added),
        sources=head.sources - closed + len(filed),
        embedded=head.embedded - before.embedded + sum(map(vectors_of, added)) + sum(embedded.values()),
    )


def _kind(*, changed: bool, embedded: bool, derived: bool) -> CommitKind:
    if changed:
        return "changed"
    if embedded:
        return "embedded"
    return "derived" if derived else "changed"


def vectors_of(change: DocumentChange) -> int:
    """How many nodes of the document come with a vector."""
    return int(change.vectors.any(axis=1).sum()) if len(change.nodes) else 0


def forget(connection: Connection, head: CommitRow, cutoff: int) -> CommitRow:
    """Deletes what only versions need that another one replaced before the cutoff; returns the oldest one left.

    Tagged versions stay, and do not count as the oldest one.
    """
    newer = commits.alias()
    superseded_at = select(func.min(newer.c.created_at)).where(newer.c.version > commits.c.version).scalar_subquery()
    recent = (superseded_at >= cutoff) & (commits.c.version >= kept_since(connection))
    kept = select(func.min(commits.c.version)).where(recent | (commits.c.version == head.version))
    oldest = connection.scalars(kept).one()
    forget_before(connection, oldest)
    return commit_row(connection.execute(select(commits).where(commits.c.version == oldest)).one())


def kept_since(connection: Connection) -> int:
    """The version from which on all are kept; of older ones, those that are tagged."""
    return int(connection.scalar(select(properties.c.value).where(properties.c.name == "kept_since")) or 0)


def forget_before(connection: Connection, oldest: int) -> None:
    """Deletes what only versions before that one need, but nothing that a tagged version needs."""
    tagged = select(tags.c.version)
    connection.execute(delete(commits).where((commits.c.version < oldest) & commits.c.version.not_in(tagged)))
    for table in TEMPORAL:
        needed = exists().where((tags.c.version >= table.c.since) & (tags.c.version < table.c.until))
        connection.execute(delete(table).where((table.c.until <= oldest) & ~needed))
    drop_unused(connection)
    set_fact(connection, "kept_since", str(oldest))


def drop_unused(connection: Connection) -> None:
    """Deletes texts, tables and records that nothing has, in any version that is kept."""
    connection.execute(delete(texts).where(~exists().where(documents.c.text_hash == texts.c.hash)))
    for table in (document_tables, table_rows):
        connection.execute(delete(table).where(~exists().where(documents.c.tables_hash == table.c.hash)))
    drop_unused_records(connection)


# --- rows -----------------------------------------------------------------------------------------------------------


def _document_row(change: DocumentChange, version: int, added_at: dict[str, int], now: int) -> dict[str, object]:
    document = change.document
    return {
        "doc_id": document.doc_id,
        "since": version,
        "until": None,
        "source": document.source,
        "location": change.location,
        "media_type": document.media_type,
        "bytes": change.bytes,
        "pages": len(document.pages),
        "nodes": len(change.nodes),
        "content_hash": change.content_hash,
        "text_hash": _text_hash(document),
        "modified_at": None if change.modified_at is None else to_micros(change.modified_at),
        "added_at": added_at.get(document.doc_id, now),
        "updated_at": now,
        "details": json.dumps(
            {
                "title": document.title,
                "metadata": metadata_to_json(document.metadata),
                "pages_without_text": list(document.pages_without_text),
                "hidden": document.hidden,
            }
        ),
        "tables_hash": tables_hash(document.tables),
    }


def _source_row(source: SourceRecord, version: int) -> dict[str, object]:
    return {
        "location": source.location,
        "since": version,
        "until": None,
        "name": source.name,
        "root": source.root,
        "content_hash": source.content_hash,
        "bytes": source.bytes,
        "modified_at": None if source.modified_at is None else to_micros(source.modified_at),
        "documents": source.documents,
        "same_as": source.same_as,
        "details": json.dumps(_source_details(source)),
    }


def _source_details(source: SourceRecord) -> dict[str, object]:
    details = {
        "failure": source.failure,
        "problems": [(problem.source, problem.reason) for problem in source.problems],
        "validator": source.validator,
        "limits": source.limits,
    }
    return {name: value for name, value in details.items() if value}


def _pending_rows(waiting: Mapping[str, int], version: int) -> list[dict[str, object]]:
    return [
        {"doc_id": doc_id, "since": version, "until": None, "nodes": nodes}
        for doc_id, nodes in waiting.items()
        if nodes
    ]


def _count_down(connection: Connection, embedded: Mapping[str, int], version: int) -> None:
    left: dict[str, int] = {}
    for chunk in chunks(embedded):
        live = pending.c.doc_id.in_(chunk) & pending.c.until.is_(None)
        for row in connection.execute(select(pending.c.doc_id, pending.c.nodes).where(live)):
            left[row.doc_id] = row.nodes - embedded[row.doc_id]
        connection.execute(update(pending).where(live).values(until=version))
    for doc_id in embedded:
        if left.get(doc_id, -1) < 0:
            raise StoreError(f"Document {doc_id!r} gets more vectors than it lacks: run `docindex check`.")
    insert_all(connection, pending, _pending_rows(left, version))


def _structure(document: Document) -> str:
    return json.dumps(
        {
            "pages": [(page.number, page.start, page.end, page.label) for page in document.pages],
            "headings": [(heading.level, heading.start, heading.text) for heading in document.headings],
        }
    )


def _text_hash(document: Document) -> str:
    return digest(document.text, _structure(document))


def _add_texts(connection: Connection, changes: Sequence[DocumentChange]) -> None:
    by_hash = {_text_hash(change.document): change.document for change in changes}
    for chunk in chunks(by_hash):
        present = set(connection.scalars(select(texts.c.hash).where(texts.c.hash.in_(chunk))))
        rows: list[dict[str, object]] = [
            {
                "hash": key,
                "text": zlib.compress(by_hash[key].text.encode()),
                "structure": zlib.compress(_structure(by_hash[key]).encode()),
            }
            for key in chunk
            if key not in present
        ]
        insert_all(connection, texts, rows)


# --- fields ---------------------------------------------------------------------------------------------------------


def field_uses(metadata: Mapping[str, MetadataValue]) -> Iterator[tuple[str, FieldType]]:
    """The fields that the metadata has, with their types."""
    for name, value in metadata.items():
        yield name, field_type(value)


def update_fields(connection: Connection, changed: Counter[tuple[str, FieldType]], version: int) -> None:
    """Adds to the numbers of documents that use the fields."""
    changed = Counter({use: count for use, count in changed.items() if count})
    for chunk in chunks({name for name, _ in changed}):
        live = fields.c.name.in_(chunk) & fields.c.until.is_(None)
        found = {
            (name, kind): count
            for name, kind, count in connection.execute(
                select(fields.c.name, fields.c.type, fields.c.documents).where(live)
            )
        }
        moved = [use for use in changed if use[0] in set(chunk)]
        for name, kind in moved:
            closing = (fields.c.name == name) & (fields.c.type == kind) & fields.c.until.is_(None)
            connection.execute(update(fields).where(closing).values(until=version))
        rows: list[dict[str, object]] = [
            {"name": use[0], "type": use[1], "since": version, "until": None, "documents": count}
            for use in moved
            if (count := found.get(use, 0) + changed[use]) > 0
        ]
        insert_all(connection, fields, rows)
