"""The registry: which version of the index counts, and what is in it at each version. Reading only."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Engine, Row, Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from docindex.errors import StoreError
from docindex.protocols import DocumentRecord, SourceRecord
from docindex.schema import Document, Field, FieldType, Heading, Page, digest
from docindex.stores.conditions import BUILTIN
from docindex.stores.database import registry_error
from docindex.stores.encoding import common_type, from_micros, metadata_from_json
from docindex.stores.tables import commits, documents, fields, in_force, properties, sources, texts

CommitKind = Literal["created", "changed", "maintained", "recovered"]

_CHUNK = 500
"""Ids in one statement, and rows in one page of a long listing."""


@dataclass(frozen=True, slots=True)
class CommitRow:
    """A version of the index."""

    version: int
    kind: str
    nodes_version: int
    nodes_at: int
    created_at: int
    documents: int
    nodes: int
    sources: int


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as the registry has it."""

    record: DocumentRecord
    text_hash: str


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text with its structure, as it lies in the database."""

    deflated_text: bytes
    deflated_structure: bytes

    @property
    def text(self) -> str:
        """The text."""
        return zlib.decompress(self.deflated_text).decode()

    def matches(self, text_hash: str) -> bool:
        """Whether it still is what was stored under the hash."""
        try:
            return digest(self.text, zlib.decompress(self.deflated_structure).decode()) == text_hash
        except (zlib.error, UnicodeDecodeError):
            return False

    def document(self, record: DocumentRecord) -> Document:
        """The document of a record with this text."""
        structure = json.loads(zlib.decompress(self.deflated_structure))
        return Document(
            doc_id=record.doc_id,
            source=record.source,
            text=self.text,
            media_type=record.media_type,
            title=record.title,
            metadata=record.metadata,
            pages=tuple(Page(*page) for page in structure["pages"]),
            headings=tuple(Heading(*heading) for heading in structure["headings"]),
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
        rows = self._rows(select(commits).where(commits.c.version == version))
        return commit_row(rows[0]) if rows else None

    def changes_since_maintenance(self) -> int:
        """How many commits changed documents since the indexes were brought up to date."""
        maintained = select(func.max(commits.c.version)).where(commits.c.kind.in_(("created", "maintained")))
        statement = select(func.count()).select_from(commits).where(commits.c.kind == "changed")
        return int(self._rows(statement.where(commits.c.version > maintained.scalar_subquery()))[0][0])

    # --- at a version ------------------------------------------------------------------------------------------------

    def fields(self, version: int) -> tuple[Field, ...]:
        """The fields of nodes and metadata; a metadata field that is named like a built-in one is left out."""
        types: dict[str, set[FieldType]] = {}
        for row in self._rows(select(fields).where(in_force(fields, version))):
            types.setdefault(row.name, set()).add(row.type)
        for field in BUILTIN:
            types.pop(field.name, None)
        return BUILTIN + tuple(Field(name, common_type(types[name]), builtin=False) for name in sorted(types))

    def documents(self, version: int) -> Iterator[DocumentRow]:
        """All documents by id, page by page, so that no transaction stays open for long."""
        after: str | None = None
        while True:
            statement = select(documents).where(in_force(documents, version))
            if after is not None:
                statement = statement.where(documents.c.doc_id > after)
            page = self._rows(statement.order_by(documents.c.doc_id).limit(_CHUNK))
            yield from map(_document, page)
            if len(page) < _CHUNK:
                return
            after = page[-1].doc_id

    def documents_by_id(self, version: int, doc_ids: Collection[str]) -> dict[str, DocumentRow]:
        """The documents that have these ids."""
        found: dict[str, DocumentRow] = {}
        for chunk in _chunks(doc_ids):
            statement = select(documents).where(documents.c.doc_id.in_(chunk) & in_force(documents, version))
            found.update((row.doc_id, _document(row)) for row in self._rows(statement))
        return found

    def documents_of(self, version: int, location: str) -> list[DocumentRow]:
        """The documents of one file, by id."""
        statement = select(documents).where((documents.c.location == location) & in_force(documents, version))
        return [_document(row) for row in self._rows(statement.order_by(documents.c.doc_id))]

    def load(self, version: int, doc_id: str) -> Document | None:
        """A document with its text."""
        row = self.documents_by_id(version, [doc_id]).get(doc_id)
        if row is None:
            return None
        stored = self.texts([row.text_hash]).get(row.text_hash)
        if stored is None:
            raise StoreError(f"The text of {doc_id!r} is missing from the registry: ingest its file again.")
        return stored.document(row.record)

    def texts(self, hashes: Collection[str]) -> dict[str, StoredText]:
        """The texts that have these hashes."""
        found: dict[str, StoredText] = {}
        for chunk in _chunks(hashes):
            rows = self._rows(select(texts).where(texts.c.hash.in_(chunk)))
            found.update((row.hash, StoredText(row.text, row.structure)) for row in rows)
        return found

    def sources(self, version: int, locations: Collection[str] | None) -> Iterator[SourceRecord]:
        """The files at the locations, or all by location."""
        if locations is not None:
            for chunk in _chunks(locations):
                statement = select(sources).where(sources.c.location.in_(chunk) & in_force(sources, version))
                yield from map(_source, self._rows(statement))
            return
        after: str | None = None
        while True:
            statement = select(sources).where(in_force(sources, version))
            if after is not None:
                statement = statement.where(sources.c.location > after)
            page = self._rows(statement.order_by(sources.c.location).limit(_CHUNK))
            yield from map(_source, page)
            if len(page) < _CHUNK:
                return
            after = page[-1].location

    def _rows(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        try:
            with self.engine.connect() as connection:
                return connection.execute(statement).all()
        except SQLAlchemyError as error:
            raise registry_error(error) from error


# --- rows -----------------------------------------------------------------------------------------------------------


def commit_row(row: Row[*tuple[Any, ...]]) -> CommitRow:
    """A row of the commits table, typed."""
    return CommitRow(
        version=row.version,
        kind=row.kind,
        nodes_version=row.nodes_version,
        nodes_at=row.nodes_at,
        created_at=row.created_at,
        documents=row.documents,
        nodes=row.nodes,
        sources=row.sources,
    )


def _document(row: Row[*tuple[Any, ...]]) -> DocumentRow:
    details = json.loads(row.details)
    record = DocumentRecord(
        doc_id=row.doc_id,
        source=row.source,
        location=row.location,
        media_type=row.media_type,
        title=details["title"],
        bytes=row.bytes,
        pages=row.pages,
        nodes=row.nodes,
        state="ready",
        content_hash=row.content_hash,
        metadata=metadata_from_json(details["metadata"]),
        modified_at=_time(row.modified_at),
        added_at=from_micros(row.added_at),
        updated_at=from_micros(row.updated_at),
        pages_without_text=tuple(details["pages_without_text"]),
    )
    return DocumentRow(record, row.text_hash)


def _source(row: Row[*tuple[Any, ...]]) -> SourceRecord:
    return SourceRecord(
        location=row.location,
        name=row.name,
        root=row.root,
        content_hash=row.content_hash,
        bytes=row.bytes,
        modified_at=_time(row.modified_at),
        documents=row.documents,
    )


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _chunks(values: Collection[str]) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(values))
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
