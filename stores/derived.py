"""The records of indexes on top of the passages, in the registry: read at a version, written with a commit.

What a record holds lies under its hash, once however many versions have it; a temporal row says which key it has in
which index. Records go with their documents: the commit that changes or deletes a document closes them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from docindex.errors import StoreError
from docindex.protocols import ChangeSet
from docindex.schema import DerivedRecord, IndexDefinition, digest
from docindex.stores.database import registry_error
from docindex.stores.statements import CHUNK, chunks, insert_all
from docindex.stores.tables import (
    definitions,
    derived,
    documents,
    in_force,
    record_documents,
    record_terms,
    records,
)

T = TypeVar("T")


class DerivedRecords:
    """Reads the records of indexes at a version."""

    def __init__(self, engine: Engine, version: int) -> None:
        self._engine = engine
        self._version = version

    def definitions(self) -> tuple[IndexDefinition, ...]:
        """The indexes that an ingest keeps up to date, by kind."""
        statement = select(definitions).where(in_force(definitions, self._version)).order_by(definitions.c.kind)
        return tuple(IndexDefinition(kind=row.kind, options=json.loads(row.options)) for row in self._rows(statement))

    def count(self, kind: str) -> int:
        """How many records an index has."""
        return int(self._rows(select(func.count()).select_from(derived).where(self._of(kind)))[0][0])

    def records(
        self,
        kind: str,
        *,
        keys: Collection[str] | None = None,
        terms: Collection[str] | None = None,
        doc_ids: Collection[str] | None = None,
    ) -> Iterator[DerivedRecord]:
        """The records of an index by key: all, or those with one of the keys, terms or documents."""
        if keys is not None:
            choices = [derived.c.key.in_(chunk) for chunk in chunks(keys)]
        elif terms is not None:
            choices = [derived.c.record.in_(_records_with(chunk)) for chunk in chunks(terms)]
        elif doc_ids is not None:
            choices = [derived.c.record.in_(_records_of(chunk)) for chunk in chunks(doc_ids)]
        else:
            yield from self._all(kind)
            return
        seen: set[str] = set()
        for choice in choices:
            rows = self._rows(self._select(kind).where(choice).order_by(derived.c.key))
            fresh = [row for row in rows if row.key not in seen]
            seen.update(row.key for row in fresh)
            yield from _made(fresh, kind)

    def documents(self, kind: str) -> set[str]:
        """The documents that an index has records of."""
        joined = record_documents.join(derived, derived.c.record == record_documents.c.record)
        statement = select(record_documents.c.doc_id).select_from(joined).where(self._of(kind)).distinct()
        return {row.doc_id for row in self._rows(statement)}

    def terms(
        self, kind: str, like: str = "", limit: int = 100, among: Collection[str] | None = None
    ) -> list[tuple[str, int]]:
        """The terms of an index that hold some text, or are among some, with how many records have each; most first."""
        joined = record_terms.join(derived, derived.c.record == record_terms.c.record)
        number = func.count().label("number")
        statement = select(record_terms.c.term, number).select_from(joined).where(self._of(kind))
        if like:
            statement = statement.where(record_terms.c.term.contains(like, autoescape=True))
        statement = statement.group_by(record_terms.c.term).order_by(number.desc(), record_terms.c.term).limit(limit)
        if among is None:
            return _counted(self._rows(statement))
        found = [row for some in chunks(among) for row in self._rows(statement.where(record_terms.c.term.in_(some)))]
        return sorted(_counted(found), key=lambda pair: (-pair[1], pair[0]))[:limit]

    def vectors(self, kind: str) -> tuple[list[str], NDArray[np.float32]]:
        """The keys of the records that have a vector, and the vectors, shape (n, dim)."""
        statement = select(derived.c.key, records.c.vector).join(records, records.c.hash == derived.c.record)
        statement = statement.where(self._of(kind) & records.c.vector.is_not(None)).order_by(derived.c.key)
        rows = self._rows(statement)
        if not rows:
            return [], np.zeros((0, 0), np.float32)
        return [row.key for row in rows], np.stack([np.frombuffer(row.vector, np.float32) for row in rows])

    def unsound(self) -> list[tuple[str, str]]:
        """The kinds and keys of records that are lost, damaged, or made from a document that is not there."""
        joined = select(derived.c.kind, derived.c.key, derived.c.record, records.c.details, records.c.vector)
        joined = joined.outerjoin(records, records.c.hash == derived.c.record)
        rows = self._rows(joined.where(in_force(derived, self._version)).order_by(derived.c.kind, derived.c.key))
        there = exists().where((documents.c.doc_id == record_documents.c.doc_id) & in_force(documents, self._version))
        orphans = {row.record for row in self._rows(select(record_documents.c.record).where(~there))}
        return [
            (row.kind, row.key)
            for row in rows
            if row.record in orphans or digest(row.kind, row.key, row.details or "", row.vector or b"") != row.record
        ]

    def _of(self, kind: str) -> ColumnElement[bool]:
        return (derived.c.kind == kind) & in_force(derived, self._version)

    def _select(self, kind: str) -> Select[*tuple[Any, ...]]:
        joined = select(derived.c.key, derived.c.record, records.c.details, records.c.vector)
        return joined.join(records, records.c.hash == derived.c.record).where(self._of(kind))

    def _all(self, kind: str) -> Iterator[DerivedRecord]:
        after: str | None = None
        while True:
            statement = self._select(kind)
            if after is not None:
                statement = statement.where(derived.c.key > after)
            page = self._rows(statement.order_by(derived.c.key).limit(CHUNK))
            yield from _made(page, kind)
            if len(page) < CHUNK:
                return
            after = page[-1].key

    def _rows(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(statement).all()
        except SQLAlchemyError as error:
            raise registry_error(error) from error


def write_derived(connection: Connection, changes: ChangeSet, gone: Collection[str], version: int) -> bool:
    """Closes and adds records and definitions for a version; whether there was anything to do.

    Args:
        connection: In the transaction that makes the version count, after its documents are written.
        changes: What the version changes.
        gone: The documents that it changes or deletes.
        version: Its number.

    Raises:
        StoreError: A record is made from a document that is not in the index.
    """
    closed = close_records(connection, gone, changes.delete_derived, version)
    for kind in changes.drop_indexes:
        closed += _close(connection, derived.c.kind == kind, version)
    replaced = {*changes.drop_indexes, *(definition.kind for definition in changes.define_indexes)}
    live = definitions.c.kind.in_(replaced) & definitions.c.until.is_(None)
    closed += connection.execute(update(definitions).where(live).values(until=version)).rowcount
    insert_all(
        connection,
        definitions,
        [
            {"kind": one.kind, "since": version, "until": None, "options": json.dumps(one.options)}
            for one in changes.define_indexes
        ],
    )
    _add_records(connection, changes.derived, version)
    return bool(closed or changes.derived or changes.define_indexes)


def close_records(
    connection: Connection, gone: Collection[str], keys: Collection[tuple[str, str]], version: int
) -> int:
    """Closes records, by their documents or by kind and key; returns how many."""
    closed = 0
    for chunk in chunks(gone):
        closed += _close(connection, derived.c.record.in_(_records_of(chunk)), version)
    for kind, some in _by_kind(keys).items():
        for chunk in chunks(some):
            closed += _close(connection, (derived.c.kind == kind) & derived.c.key.in_(chunk), version)
    return closed


def drop_unused_records(connection: Connection) -> None:
    """Deletes what no index has, in any version that is kept."""
    for table in (record_documents, record_terms):
        connection.execute(delete(table).where(~exists().where(derived.c.record == table.c.record)))
    connection.execute(delete(records).where(~exists().where(derived.c.record == records.c.hash)))


def _add_records(connection: Connection, added: Sequence[DerivedRecord], version: int) -> None:
    by_hash = {_hash(record): record for record in added}
    wanted = {doc_id for record in added for doc_id in record.documents}
    for chunk in chunks(wanted):
        there = documents.c.doc_id.in_(chunk) & documents.c.until.is_(None)
        missing = set(chunk) - set(connection.scalars(select(documents.c.doc_id).where(there)))
        if missing:
            raise StoreError(f"An index record is made from {min(missing)!r}, which the index does not hold.")
    for kind, keys in _by_kind((record.kind, record.key) for record in added).items():
        for chunk in chunks(keys):
            _close(connection, (derived.c.kind == kind) & derived.c.key.in_(chunk), version)
    for chunk in chunks(by_hash):
        present = set(connection.scalars(select(records.c.hash).where(records.c.hash.in_(chunk))))
        fresh = [(key, by_hash[key]) for key in chunk if key not in present]
        insert_all(connection, records, [_record_row(key, record) for key, record in fresh])
        for table, column, values in (
            (record_documents, "doc_id", [(key, doc_id) for key, record in fresh for doc_id in set(record.documents)]),
            (record_terms, "term", [(key, term) for key, record in fresh for term in set(record.terms)]),
        ):
            insert_all(connection, table, [{"record": key, column: value} for key, value in values])
    rows: list[dict[str, object]] = [
        {"kind": record.kind, "key": record.key, "since": version, "until": None, "record": key}
        for key, record in by_hash.items()
    ]
    insert_all(connection, derived, rows)


def _close(connection: Connection, which: ColumnElement[bool], version: int) -> int:
    closing = update(derived).where(which & derived.c.until.is_(None))
    return connection.execute(closing.values(until=version)).rowcount


def _hash(record: DerivedRecord) -> str:
    vector = b"" if record.vector is None else record.vector.astype(np.float32).tobytes()
    return digest(record.kind, record.key, _details(record), vector)


def _details(record: DerivedRecord) -> str:
    return json.dumps({"documents": record.documents, "terms": record.terms, "data": record.data}, sort_keys=True)


def _record_row(key: str, record: DerivedRecord) -> dict[str, object]:
    vector = None if record.vector is None else record.vector.astype(np.float32).tobytes()
    return {"hash": key, "details": _details(record), "vector": vector}


def _counted(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[tuple[str, int]]:
    return [(row.term, int(row.number)) for row in rows]


def _made(rows: Sequence[Row[*tuple[Any, ...]]], kind: str) -> Iterator[DerivedRecord]:
    for row in rows:
        details = json.loads(row.details)
        yield DerivedRecord(
            kind=kind,
            key=row.key,
            documents=tuple(details["documents"]),
            terms=tuple(details["terms"]),
            data=details["data"],
            vector=None if row.vector is None else np.frombuffer(row.vector, np.float32),
        )


def _records_of(doc_ids: Sequence[str]) -> Select[*tuple[str]]:
    return select(record_documents.c.record).where(record_documents.c.doc_id.in_(doc_ids))


def _records_with(terms: Sequence[str]) -> Select[*tuple[str]]:
    return select(record_terms.c.record).where(record_terms.c.term.in_(terms))


def _by_kind(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for kind, key in pairs:
        found.setdefault(kind, set()).add(key)
    return found
