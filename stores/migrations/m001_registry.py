"""The first registry: commits, journal, sources, documents, texts and fields."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, MetaData, Table, Text


def apply(connection: Connection) -> None:
    """Makes the tables and their indexes."""
    exact = Text().with_variant(Text(collation="C"), "postgresql")
    schema = MetaData()
    Table(
        "properties",
        schema,
        Column("name", exact, primary_key=True),
        Column("value", Text, nullable=False),
    )
    Table(
        "commits",
        schema,
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        Column("kind", Text, nullable=False),
        Column("nodes_version", BigInteger, nullable=False),
        Column("nodes_at", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("documents", BigInteger, nullable=False),
        Column("nodes", BigInteger, nullable=False),
        Column("sources", BigInteger, nullable=False),
    )
    Table(
        "journal",
        schema,
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        Column("base_nodes_version", BigInteger, nullable=False),
        Column("started_at", BigInteger, nullable=False),
        Column("pid", BigInteger, nullable=False),
        Column("host", Text, nullable=False),
    )
    sources = Table(
        "sources",
        schema,
        Column("location", exact, primary_key=True),
        Column("since", BigInteger, primary_key=True, autoincrement=False),
        Column("until", BigInteger),
        Column("name", exact, nullable=False),
        Column("root", exact, nullable=False),
        Column("content_hash", Text, nullable=False),
        Column("bytes", BigInteger, nullable=False),
        Column("modified_at", BigInteger),
        Column("documents", BigInteger, nullable=False),
    )
    documents = Table(
        "documents",
        schema,
        Column("doc_id", exact, primary_key=True),
        Column("since", BigInteger, primary_key=True, autoincrement=False),
        Column("until", BigInteger),
        Column("source", exact, nullable=False),
        Column("location", exact, nullable=False),
        Column("media_type", Text, nullable=False),
        Column("bytes", BigInteger, nullable=False),
        Column("pages", BigInteger, nullable=False),
        Column("nodes", BigInteger, nullable=False),
        Column("content_hash", Text, nullable=False),
        Column("text_hash", exact, nullable=False),
        Column("modified_at", BigInteger),
        Column("added_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("details", Text, nullable=False),
    )
    Table(
        "texts",
        schema,
        Column("hash", exact, primary_key=True),
        Column("text", LargeBinary, nullable=False),
        Column("structure", LargeBinary, nullable=False),
    )
    fields = Table(
        "fields",
        schema,
        Column("name", exact, primary_key=True),
        Column("type", exact, primary_key=True),
        Column("since", BigInteger, primary_key=True, autoincrement=False),
        Column("until", BigInteger),
        Column("documents", BigInteger, nullable=False),
    )
    Index("documents_by_location", documents.c.location)
    Index("documents_by_text", documents.c.text_hash)
    Index("documents_by_end", documents.c.until)
    Index("sources_by_end", sources.c.until)
    Index("fields_by_end", fields.c.until)
    schema.create_all(connection)
