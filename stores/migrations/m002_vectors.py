"""Vectors in a table of their own, and what came with them: pending documents, typed tables, tags, linked sources."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, MetaData, Table, Text


def apply(connection: Connection) -> None:
    """Adds columns to the tables of the first registry, and makes new tables."""
    for table, column, kind in (
        ("commits", "nodes_table", "TEXT NOT NULL DEFAULT 'nodes'"),
        ("commits", "vectors_table", "TEXT NOT NULL DEFAULT 'vectors'"),
        ("commits", "vectors_version", "BIGINT NOT NULL DEFAULT 0"),
        ("commits", "vectors_at", "BIGINT NOT NULL DEFAULT 0"),
        ("commits", "embedded", "BIGINT NOT NULL DEFAULT 0"),
        ("journal", "base_vectors_version", "BIGINT NOT NULL DEFAULT 0"),
        ("sources", "same_as", _exact(connection)),
        ("sources", "details", "TEXT NOT NULL DEFAULT '{}'"),
        ("documents", "tables_hash", _exact(connection)),
    ):
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    exact = Text().with_variant(Text(collation="C"), "postgresql")
    schema = MetaData()
    pending = Table(
        "pending",
        schema,
        Column("doc_id", exact, primary_key=True),
        Column("since", BigInteger, primary_key=True, autoincrement=False),
        Column("until", BigInteger),
        Column("nodes", BigInteger, nullable=False),
    )
    Table(
        "tables",
        schema,
        Column("hash", exact, primary_key=True),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("start", BigInteger, nullable=False),
        Column("end", BigInteger, nullable=False),
        Column("rows", BigInteger, nullable=False),
        Column("details", Text, nullable=False),
    )
    Table(
        "table_rows",
        schema,
        Column("hash", exact, primary_key=True),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("place", BigInteger, primary_key=True, autoincrement=False),
        Column("row", BigInteger, nullable=False),
        Column("start", BigInteger, nullable=False),
        Column("end", BigInteger, nullable=False),
        Column("cells", Text, nullable=False),
    )
    Table(
        "tags",
        schema,
        Column("name", exact, primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
    )
    Index("pending_by_end", pending.c.until)
    schema.create_all(connection)
    connection.exec_driver_sql("CREATE INDEX sources_by_twin ON sources (same_as)")
    connection.exec_driver_sql("CREATE INDEX documents_by_tables ON documents (tables_hash)")


def _exact(connection: Connection) -> str:
    return 'TEXT COLLATE "C"' if connection.dialect.name == "postgresql" else "TEXT"
