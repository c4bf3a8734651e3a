"""The registry: which version of the index counts, and what is in it at each version. Reading only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Column, Engine, Row, Select, bindparam, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from docindex.errors import StoreError
from docindex.protocols import SourceRecord
from docindex.schema import Document, Field, FieldType, TableRow, encodable
from docindex.stores.cells import ROWS_AT_ONCE, StoredTableHead, read_heads, read_row
from docindex.stores.conditions import BUILTIN
from docindex.stores.database import registry_error
from docindex.stores.encoding import common_field
from docindex.stores.records import source_record
from docindex.stores.registry_rows import CommitKind, CommitRow, DocumentRow, StoredText, commit_row, document_row
from docindex.stores.statements import CHUNK, chunks
from docindex.stores.tables import (
    commits,
    document_tables,
    documents,
    fields,
    in_force,
    pending,
    properties,
    sources,
    table_rows,
    tags,
    texts,
)


class Registry:
    """Reads the registry. Each call takes a connection of its own, so that any number of threads may."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def fact(self, name: str) -> str | None:
        """A fact about the registry itself."""
        rows = self._rows(select(properties.c.value).where(properties.c.name == name))
        return rows[0].value if rows else None

    def head(self) -> CommitRow | None:
        """The newest version; None in a registry that has just been made."""
        rows = self._rows(select(commits).order_by(commits.c.version.desc()).limit(1))
        return commit_row(rows[0]) if rows else None

    def commit_at(self, version: int) -> CommitRow | None:
        """A version, while it is kept."""
        if not 0 <= version < 2**63:  # which no database has a number for
            return None
        rows = self._rows(select(commits).where(commits.c.version == version))
        return commit_row(rows[0]) if rows else None

    def oldest_first(self) -> list[CommitRow]:
        """All versions that are kept."""
        return [commit_row(row) for row in self._rows(select(commits).order_by(commits.c.version))]

    def tags(self) -> dict[str, int]:
        """The version that each tag names."""
        return {row.name: row.version for row in self._rows(select(tags).order_by(tags.c.name))}

    def commits_since(self, version: int, kinds: Collection[CommitKind]) -> int:
        """How many commits of these kinds there were after a version."""
        statement = select(func.count()).select_from(commits).where(commits.c.kind.in_(kinds))
        return int(self._rows(statement.where(commits.c.version > version))[0][0])

    # --- at a version ------------------------------------------------------------------------------------------------

    def fields(self, version: int) -> tuple[Field, ...]:
        """The fields of nodes and metadata; a metadata field that is named like a built-in one is left out."""
        types: dict[str, set[FieldType]] = {}
        for row in self._rows(select(fields).where(in_force(fields, version))):
            types.setdefault(row.name, set()).add(row.type)
        for field in BUILTIN:
            types.pop(field.name, None)
        return BUILTIN + tuple(common_field(name, types[name]) for name in sorted(types))

    def documents(self, version: int, *, with_tables: bool = False) -> Iterator[DocumentRow]:
        """All documents by id, or those that have tables."""
        statement = _documents_at(version)
        if with_tables:
            statement = statement.where(documents.c.tables_hash.is_not(None))
        yield from map(document_row, self._paged(statement, documents.c.doc_id))

    def documents_by_id(self, version: int, doc_ids: Collection[str]) -> dict[str, DocumentRow]:
        """The documents that have these ids."""
        found: dict[str, DocumentRow] = {}
        for chunk in chunks(doc_id for doc_id in doc_ids if encodable(doc_id) == doc_id):  # others are no document's
            rows = self._rows(_DOCUMENTS_BY_ID, {"version": version, "doc_ids": chunk})
            found.update((row.doc_id, document_row(row)) for row in rows)
        return found

    def held(self, version: int, locations: Collection[str]) -> set[str]:
        """Those of the locations that documents came from."""
        found: set[str] = set()
        for chunk in chunks(locations):
            here = documents.c.location.in_(chunk) & in_force(documents, version)
            found.update(row.location for row in self._rows(select(documents.c.location).where(here).distinct()))
        return found

    def documents_of(self, version: int, location: str) -> list[DocumentRow]:
        """The documents of one file, by id."""
        statement = _documents_at(version).where(documents.c.location == location)
        return [document_row(row) for row in self._rows(statement.order_by(documents.c.doc_id))]

    def load_all(self, version: int, doc_ids: Collection[str]) -> dict[str, Document]:
        """The documents that have these ids, with their texts."""
        rows = self.documents_by_id(version, doc_ids)
        stored = self.texts({row.text_hash for row in rows.values()})
        found: dict[str, Document] = {}
        for doc_id, row in rows.items():
            if row.text_hash not in stored:
                raise StoreError(f"The text of {doc_id!r} is missing from the registry: ingest its file again.")
            tables = [head.with_rows(cells) for head, cells in self.tables(row.tables_hash)]
            found[doc_id] = stored[row.text_hash].document(row, tables)
        return found

    def tables(self, tables_hash: str | None) -> Iterator[tuple[StoredTableHead, Iterator[TableRow]]]:
        """The tables that are stored under a hash; of each, the rows are read as they are asked for."""
        if tables_hash is None:
            return
        statement = select(document_tables).where(document_tables.c.hash == tables_hash)
        for head in read_heads(self._rows(statement.order_by(document_tables.c.number))):
            yield head, self._table_rows(tables_hash, head.number)

    def _table_rows(self, tables_hash: str, number: int) -> Iterator[TableRow]:
        here = (table_rows.c.hash == tables_hash) & (table_rows.c.number == number)
        for start in count(0, ROWS_AT_ONCE):
            places = (table_rows.c.place >= start) & (table_rows.c.place < start + ROWS_AT_ONCE)
            page = self._rows(select(table_rows).where(here & places).order_by(table_rows.c.place))
            yield from map(read_row, page)
            if len(page) < ROWS_AT_ONCE:
                return

    def pending(self, version: int, nodes: int) -> dict[str, int]:
        """Documents with nodes that have no vector, in order, and how many: enough for so many nodes, if there are."""
        found: dict[str, int] = {}
        after: str | None = None
        missing = nodes
        while missing > 0:
            statement = select(pending.c.doc_id, pending.c.nodes).where(in_force(pending, version))
            if after is not None:
                statement = statement.where(pending.c.doc_id > after)
            page = self._rows(statement.order_by(pending.c.doc_id).limit(min(CHUNK, missing)))
            for row in page:
                if missing > 0:
                    found[row.doc_id] = row.nodes
                    missing -= row.nodes
            if not page:
                break
            after = page[-1].doc_id
        return found

    def all_pending(self, version: int) -> dict[str, int]:
        """How many nodes of each document have no vector."""
        statement = select(pending.c.doc_id, pending.c.nodes).where(in_force(pending, version))
        return {row.doc_id: row.nodes for row in self._rows(statement)}

    def field_uses(self, version: int) -> Counter[tuple[str, FieldType]]:
        """How many documents are on record for each metadata field and type."""
        rows = self._rows(select(fields).where(in_force(fields, version)))
        return Counter({(row.name, row.type): row.documents for row in rows})

    def twins(self, version: int, locations: Collection[str]) -> dict[str, tuple[str, ...]]:
        """For each location the names of the files that it stands for, where there are any."""
        found: dict[str, list[str]] = {}
        for chunk in chunks(locations):
            for row in self._rows(_TWINS, {"version": version, "locations": chunk}):
                found.setdefault(row.same_as, []).append(row.name)
        return {location: tuple(names) for location, names in found.items()}

    def texts(self, hashes: Collection[str]) -> dict[str, StoredText]:
        """The texts that have these hashes."""
        found: dict[str, StoredText] = {}
        for chunk in chunks(hashes):
            rows = self._rows(select(texts).where(texts.c.hash.in_(chunk)))
            found.update((row.hash, StoredText(row.text, row.structure)) for row in rows)
        return found

    def sources(self, version: int, locations: Collection[str] | None) -> Iterator[SourceRecord]:
        """The files at the locations, or all by location."""
        if locations is not None:
            for chunk in chunks(locations):
                statement = select(sources).where(sources.c.location.in_(chunk) & in_force(sources, version))
                yield from _sources(self._rows(statement))
            return
        statement = select(sources).where(in_force(sources, version))
        yield from _sources(self._paged(statement, sources.c.location))

    def _paged(self, statement: Select[*tuple[Any, ...]], key: Column[str]) -> Iterator[Row[*tuple[Any, ...]]]:
        """The rows by their key, which is unique: page by page, so that no transaction stays open for long."""
        page = self._rows(statement.order_by(key).limit(CHUNK))
        yield from page
        while len(page) == CHUNK:
            after = page[-1]._mapping[key]
            page = self._rows(statement.where(key > after).order_by(key).limit(CHUNK))
            yield from page

    def _rows(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, object] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        try:
            with self.engine.connect() as connection:
                return connection.execute(statement, values).all()
        except SQLAlchemyError as error:
            raise registry_error(error) from error


def _documents_at(version: int | BindParameter[int]) -> Select[*tuple[Any, ...]]:
    waits = exists().where((pending.c.doc_id == documents.c.doc_id) & in_force(pending, version))
    return select(documents, waits.label("waits")).where(in_force(documents, version))


_VERSION = bindparam("version", type_=BigInteger)
# Every search asks these two: put together once, they take half the time.
_DOCUMENTS_BY_ID = _documents_at(_VERSION).where(documents.c.doc_id.in_(bindparam("doc_ids", expanding=True)))
_TWINS = (
    select(sources.c.same_as, sources.c.name)
    .where(sources.c.same_as.in_(bindparam("locations", expanding=True)))
    .where(in_force(sources, _VERSION))
    .order_by(sources.c.name)
)


def _sources(rows: Iterable[Row[*tuple[Any, ...]]]) -> Iterator[SourceRecord]:
    return (source_record(row._asdict()) for row in rows)
