"""The next version's row, from the newest one and the tables as they are."""

from __future__ import annotations

from dataclasses import replace

from docindex.stores.lance import TableVersion, WritableTable
from docindex.stores.parts import now
from docindex.stores.registry_rows import CommitKind, CommitRow


def following(
    head: CommitRow, nodes: WritableTable, vectors: WritableTable, started: int, kind: CommitKind
) -> CommitRow:
    """The version after the head that differs from it in the tables alone."""
    return at_tables(replace(head, version=head.version + 1, kind=kind, created_at=now()), nodes, vectors, started)


def at_tables(commit: CommitRow, nodes: WritableTable, vectors: WritableTable, started: int) -> CommitRow:
    """The commit with the tables as they are now."""
    return replace(
        commit,
        nodes_table=_table_version(nodes, commit.nodes_table, started),
        vectors_table=_table_version(vectors, commit.vectors_table, started),
    )


def _table_version(table: WritableTable, before: TableVersion, started: int) -> TableVersion:
    number = table.version
    return before if (table.name, number) == (before.name, before.number) else TableVersion(table.name, number, started)
