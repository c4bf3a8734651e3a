"""What the registry holds, row by row, as it is used."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from docindex.protocols import DocumentRecord
from docindex.schema import Document, DocumentTable, Heading, Page, digest
from docindex.stores.encoding import from_micros, metadata_from_json
from docindex.stores.lance import TableVersion

CommitKind = Literal["created", "changed", "embedded", "derived", "maintained", "recovered", "rolled back"]


@dataclass(frozen=True, slots=True)
class CommitRow:
    """A version of the index."""

    version: int
    kind: CommitKind
    nodes_table: TableVersion
    vectors_table: TableVersion
    created_at: int
    documents: int
    nodes: int
    sources: int
    embedded: int

    def values(self) -> dict[str, object]:
        """The row as the database has it."""
        return {
            "version": self.version,
            "kind": self.kind,
            "nodes_table": self.nodes_table.name,
            "nodes_version": self.nodes_table.number,
            "nodes_at": self.nodes_table.at,
            "vectors_table": self.vectors_table.name,
            "vectors_version": self.vectors_table.number,
            "vectors_at": self.vectors_table.at,
            "created_at": self.created_at,
            "documents": self.documents,
            "nodes": self.nodes,
            "sources": self.sources,
            "embedded": self.embedded,
        }


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as the registry has it."""

    record: DocumentRecord
    text_hash: str
    tables_hash: str | None
    hidden: int


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

    def document(self, row: DocumentRow, tables: Iterable[DocumentTable]) -> Document:
        """The document of a row with this text and these tables."""
        record = row.record
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
            tables=tuple(tables),
            hidden=row.hidden,
        )


def commit_row(row: Row[*tuple[Any, ...]]) -> CommitRow:
    """A row of the commits table, typed."""
    return CommitRow(
        version=row.version,
        kind=row.kind,
        nodes_table=TableVersion(row.nodes_table, row.nodes_version, row.nodes_at),
        vectors_table=TableVersion(row.vectors_table, row.vectors_version, row.vectors_at),
        created_at=row.created_at,
        documents=row.documents,
        nodes=row.nodes,
        sources=row.sources,
        embedded=row.embedded,
    )


def document_row(row: Row[*tuple[Any, ...]]) -> DocumentRow:
    """A row of the documents table, with whether vectors of it are waited for, typed."""
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
        state="text" if row.waits else "ready",
        content_hash=row.content_hash,
        metadata=metadata_from_json(details["metadata"]),
        modified_at=_time(row.modified_at),
        added_at=from_micros(row.added_at),
        updated_at=from_micros(row.updated_at),
        pages_without_text=tuple(details["pages_without_text"]),
    )
    return DocumentRow(record, row.text_hash, row.tables_hash, details.get("hidden", 0))


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
