"""Indexes on top of the passages: their definitions, their records, and what these are looked up by."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, MetaData, Table, Text


def apply(connection: Connection) -> None:
    """Makes new tables."""
    exact = Text().with_variant(Text(collation="C"), "postgresql")
    schema = MetaData()
    definitions = Table(
        "definitions",
        schema,
        Column("kind", exact, primary_key=True),
        Column("since", BigInteger, primary_key=True, autoincrement=False),
        Column("until", BigInteger),
        Column("options", Text, nullable=False),
    )
    derived = Table(
        "derived",
        schema,
        Column("kind", exact, primary_key=True),
        Column("key", exact, primary_key=True),
        Column("since", BigInteger, primary_key=True, autoincrement=False),
        Column("until", BigInteger),
        Column("record", exact, nullable=False),
    )
    Table(
        "records",
        schema,
        Column("hash", exact, primary_key=True),
        Column("details", Text, nullable=False),
        Column("vector", LargeBinary),
    )
    record_documents = Table(
        "record_documents",
        schema,
        Column("record", exact, primary_key=True),
        Column("doc_id", exact, primary_key=True),
    )
    record_terms = Table(
        "record_terms",
        schema,
        Column("record", exact, primary_key=True),
        Column("term", exact, primary_key=True),
    )
    Index("definitions_by_end", definitions.c.until)
    Index("derived_by_record", derived.c.record)
    Index("derived_by_end", derived.c.until)
    Index("record_documents_by_document", record_documents.c.doc_id)
    Index("record_terms_by_term", record_terms.c.term)
    schema.create_all(connection)
