"""The registry's tables, as queries see them. Migrations make them; a test holds the two together.

Rows of sources, documents, fields, pending, definitions and derived are temporal: they are in force from the version
`since` until before the version `until`, which is null while they are. A reader at a version sees the rows that were in
force then. Times are integers, microseconds since 1970 in UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    LargeBinary,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
    or_,
)

METADATA = MetaData()

EXACT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared and ordered by code points, in any database."""


class PropertyColumns(TypedColumns):
    """Facts about the registry itself."""

    name: Named[str] = Column(EXACT, primary_key=True)
    value: Named[str] = Column(Text)


class CommitColumns(TypedColumns):
    """One row a version of the index."""

    version: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    kind: Named[str] = Column(Text)
    """What made it; see `VersionRecord.kind`."""
    nodes_version: Named[int] = Column(BigInteger)
    """The version of the nodes table that belongs to it."""
    nodes_at: Named[int] = Column(BigInteger)
    """A time before that version of the nodes table was written."""
    created_at: Named[int] = Column(BigInteger)
    documents: Named[int] = Column(BigInteger)
    nodes: Named[int] = Column(BigInteger)
    sources: Named[int] = Column(BigInteger)
    nodes_table: Named[str] = Column(Text)
    """The nodes table's name: a table that is written afresh gets a new one."""
    vectors_table: Named[str] = Column(Text)
    vectors_version: Named[int] = Column(BigInteger)
    """The version of the vectors table that belongs to it; 0 before there was such a table."""
    vectors_at: Named[int] = Column(BigInteger)
    """A time before that version of the vectors table was written."""
    embedded: Named[int] = Column(BigInteger)
    """How many nodes have a vector."""


class JournalColumns(TypedColumns):
    """What a writer has begun: at most one row, gone with its commit."""

    version: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    base_nodes_version: Named[int] = Column(BigInteger)
    """What the nodes table goes back to when the commit does not come."""
    started_at: Named[int] = Column(BigInteger)
    pid: Named[int] = Column(BigInteger)
    host: Named[str] = Column(Text)
    base_vectors_version: Named[int] = Column(BigInteger)


class SourceColumns(TypedColumns):
    """The files that the index holds."""

    location: Named[str] = Column(EXACT, primary_key=True)
    since: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    until: Named[int | None] = Column(BigInteger)
    name: Named[str] = Column(EXACT)
    root: Named[str] = Column(EXACT)
    content_hash: Named[str] = Column(Text)
    bytes: Named[int] = Column(BigInteger)
    modified_at: Named[int | None] = Column(BigInteger)
    documents: Named[int] = Column(BigInteger)
    same_as: Named[str | None] = Column(EXACT)
    """The location of the file that stands for this one."""
    details: Named[str] = Column(Text)
    """JSON: why it could not be read, what its web server calls its state; each where there is one."""


class StampColumns(TypedColumns):
    """What is known of files without reading them, whichever version of the index they are in."""

    location: Named[str] = Column(EXACT, primary_key=True)
    state: Named[str] = Column(Text)
    """See `FileStamp.state`."""
    bytes_hash: Named[str] = Column(Text)
    media_type: Named[str] = Column(Text)


class DocumentColumns(TypedColumns):
    """The documents, without their texts."""

    doc_id: Named[str] = Column(EXACT, primary_key=True)
    since: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    until: Named[int | None] = Column(BigInteger)
    source: Named[str] = Column(EXACT)
    location: Named[str] = Column(EXACT)
    media_type: Named[str] = Column(Text)
    bytes: Named[int] = Column(BigInteger)
    pages: Named[int] = Column(BigInteger)
    nodes: Named[int] = Column(BigInteger)
    content_hash: Named[str] = Column(Text)
    text_hash: Named[str] = Column(EXACT)
    modified_at: Named[int | None] = Column(BigInteger)
    added_at: Named[int] = Column(BigInteger)
    updated_at: Named[int] = Column(BigInteger)
    details: Named[str] = Column(Text)
    """JSON: title, metadata, pages without text, hidden characters. What files say may hold characters that not every
    database takes."""
    tables_hash: Named[str | None] = Column(EXACT)
    """Of all of its tables; null where it has none."""


class PendingColumns(TypedColumns):
    """The documents that have nodes without vector."""

    doc_id: Named[str] = Column(EXACT, primary_key=True)
    since: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    until: Named[int | None] = Column(BigInteger)
    nodes: Named[int] = Column(BigInteger)
    """How many such nodes."""


class TextColumns(TypedColumns):
    """Texts with their structure, once each however many documents have them."""

    hash: Named[str] = Column(EXACT, primary_key=True)
    text: Named[bytes] = Column(LargeBinary)
    """UTF-8, deflated."""
    structure: Named[bytes] = Column(LargeBinary)
    """Pages and headings: JSON, deflated."""


class TableColumns(TypedColumns):
    """The tables of documents, once each set of them however many documents have it."""

    hash: Named[str] = Column(EXACT, primary_key=True)
    """Of all tables of a document."""
    number: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    """Its place among them, from 1."""
    start: Named[int] = Column(BigInteger)
    end: Named[int] = Column(BigInteger)
    rows: Named[int] = Column(BigInteger)
    details: Named[str] = Column(Text)
    """JSON: name and columns."""


class TableRowColumns(TypedColumns):
    """The rows of those tables."""

    hash: Named[str] = Column(EXACT, primary_key=True)
    number: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    place: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    """From 0."""
    row: Named[int] = Column(BigInteger)
    """Its number in the source."""
    start: Named[int] = Column(BigInteger)
    end: Named[int] = Column(BigInteger)
    cells: Named[str] = Column(Text)
    """A JSON array that keeps the types of the values."""


class TagColumns(TypedColumns):
    """Names of versions."""

    name: Named[str] = Column(EXACT, primary_key=True)
    version: Named[int] = Column(BigInteger)
    created_at: Named[int] = Column(BigInteger)


class FieldColumns(TypedColumns):
    """The metadata fields in use: one row a name and type."""

    name: Named[str] = Column(EXACT, primary_key=True)
    type: Named[str] = Column(EXACT, primary_key=True)
    since: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    until: Named[int | None] = Column(BigInteger)
    documents: Named[int] = Column(BigInteger)
    """How many documents use it so."""


class DefinitionColumns(TypedColumns):
    """The indexes on top of the passages that an ingest keeps up to date."""

    kind: Named[str] = Column(EXACT, primary_key=True)
    since: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    until: Named[int | None] = Column(BigInteger)
    options: Named[str] = Column(Text)
    """JSON."""


class DerivedColumns(TypedColumns):
    """The records of those indexes, without what they hold."""

    kind: Named[str] = Column(EXACT, primary_key=True)
    key: Named[str] = Column(EXACT, primary_key=True)
    since: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    until: Named[int | None] = Column(BigInteger)
    record: Named[str] = Column(EXACT)
    """The hash of what it holds."""


class RecordColumns(TypedColumns):
    """What records hold, once each however many versions have it."""

    hash: Named[str] = Column(EXACT, primary_key=True)
    details: Named[str] = Column(Text)
    """JSON: documents, terms, data."""
    vector: Named[bytes | None] = Column(LargeBinary)
    """Floats of 32 bits, little-endian."""


class RecordDocumentColumns(TypedColumns):
    """The documents that a record was made from."""

    record: Named[str] = Column(EXACT, primary_key=True)
    doc_id: Named[str] = Column(EXACT, primary_key=True)


class RecordTermColumns(TypedColumns):
    """What a record is looked up by."""

    record: Named[str] = Column(EXACT, primary_key=True)
    term: Named[str] = Column(EXACT, primary_key=True)


properties = Table("properties", METADATA, PropertyColumns)
commits = Table("commits", METADATA, CommitColumns)
journal = Table("journal", METADATA, JournalColumns)
sources = Table("sources", METADATA, SourceColumns)
stamps = Table("stamps", METADATA, StampColumns)
documents = Table("documents", METADATA, DocumentColumns)
texts = Table("texts", METADATA, TextColumns)
fields = Table("fields", METADATA, FieldColumns)
pending = Table("pending", METADATA, PendingColumns)
document_tables = Table("tables", METADATA, TableColumns)
table_rows = Table("table_rows", METADATA, TableRowColumns)
tags = Table("tags", METADATA, TagColumns)
definitions = Table("definitions", METADATA, DefinitionColumns)
derived = Table("derived", METADATA, DerivedColumns)
records = Table("records", METADATA, RecordColumns)
record_documents = Table("record_documents", METADATA, RecordDocumentColumns)
record_terms = Table("record_terms", METADATA, RecordTermColumns)


TemporalTable = (
    Table[SourceColumns]
    | Table[DocumentColumns]
    | Table[FieldColumns]
    | Table[PendingColumns]
    | Table[DefinitionColumns]
    | Table[DerivedColumns]
)
TEMPORAL: tuple[TemporalTable, ...] = (sources, documents, fields, pending, definitions, derived)
"""The tables whose rows hold for some versions."""


def in_force(table: TemporalTable, version: int | BindParameter[int]) -> ColumnElement[bool]:
    """The rows that a reader at the version sees."""
    return (table.c.since <= version) & or_(table.c.until.is_(None), table.c.until > version)
