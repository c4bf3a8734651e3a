"""Stamps: by what the file system says of a file, its bytes are known without reading them."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, Table, Text


def apply(connection: Connection) -> None:
    """Makes the table, empty: each file is read once more, and stamped then."""
    exact = Text().with_variant(Text(collation="C"), "postgresql")
    schema = MetaData()
    Table(
        "stamps",
        schema,
        Column("location", exact, primary_key=True),
        Column("state", Text, nullable=False),
        Column("bytes_hash", Text, nullable=False),
        Column("media_type", Text, nullable=False),
    )
    schema.create_all(connection)
