"""Older versions: their names, and the way back to one."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy import Connection, delete, insert, literal, null, select, update

from docindex.errors import StoreError
from docindex.protocols import OnProgress
from docindex.schema import Progress
from docindex.stores.changes import add_commit, begin_journal, forget_before, kept_since
from docindex.stores.database import transaction
from docindex.stores.files import keep, link_version, sweep
from docindex.stores.following import at_tables
from docindex.stores.lance import LanceTables, TableVersion, WritableTable
from docindex.stores.parts import StoreParts, now
from docindex.stores.tables import TEMPORAL, in_force, tags

_NAME = re.compile(r"(?!\d+$)[^\s\x00-\x1f\x7f/\\]{1,100}")


def add_tag(parts: StoreParts, name: str, version: int | None) -> None:
    """Gives a version a name. First its tables are kept, then the name counts."""
    if not _NAME.fullmatch(name):
        raise StoreError(f"{name!r} can't be a tag: give one word that is no number, without slashes.")
    commit = parts.commit_at(version)
    keep(parts.nodes, commit.nodes_table)
    keep(parts.vectors, commit.vectors_table)
    with transaction(parts.engine) as connection:
        moved = connection.execute(delete(tags).where(tags.c.name == name)).rowcount
        connection.execute(insert(tags).values(name=name, version=commit.version, created_at=now()))
        if moved:
            forget_before(connection, kept_since(connection))
    if moved:
        sweep(parts.path, parts.registry)


def remove_tag(parts: StoreParts, name: str) -> None:
    """Takes a name back, and lets its version go if it is an old one."""
    with transaction(parts.engine) as connection:
        if not connection.execute(delete(tags).where(tags.c.name == name)).rowcount:
            raise StoreError(f"No version of the index is tagged {name!r}: `docindex tag` lists the tags.")
        forget_before(connection, kept_since(connection))
    sweep(parts.path, parts.registry)


def go_back_to(parts: StoreParts, version: int | str, on_progress: OnProgress) -> None:
    """Makes the version after the head one that equals an older one."""
    old, head = parts.commit_at(version), parts.head()
    number = head.version + 1
    started = now()
    with transaction(parts.engine) as connection:
        begin_journal(connection, head, started)
        is_kept = old.version >= kept_since(connection)
    on_progress(Progress("journal"))
    nodes = _restored(parts.nodes, old.nodes_table, is_kept, number)
    on_progress(Progress("nodes-written"))
    vectors = _restored(parts.vectors, old.vectors_table, is_kept, number)
    on_progress(Progress("vectors-written"))
    with transaction(parts.engine) as connection:
        _reopen_rows(connection, old.version, number)
        commit = replace(old, version=number, kind="rolled back", created_at=now())
        add_commit(connection, at_tables(commit, nodes, vectors, started))
        on_progress(Progress("registry-written"))
    sweep(parts.path, parts.registry)


def _restored(tables: LanceTables, version: TableVersion, is_kept: bool, number: int) -> WritableTable:
    """A table whose newest version equals an older one: its own one, or where that has been cleaned, a new one."""
    if is_kept:
        table = tables.writable(version.name)
        if table.version != version.number:
            table.go_back(version.number)
        return table
    name = f"{tables.kind}-{number}"
    link_version(tables.kept_folder(version), tables.folder(name), version.number)
    return tables.writable(name)


def _reopen_rows(connection: Connection, old: int, number: int) -> None:
    for table in TEMPORAL:
        connection.execute(update(table).where(table.c.until.is_(None) & (table.c.since > old)).values(until=number))
        fresh = {"since": literal(number), "until": null()}
        columns = [fresh.get(column.name, column) for column in table.columns]
        closed = select(*columns).where(in_force(table, old) & table.c.until.is_not(None))
        connection.execute(insert(table).from_select([column.name for column in table.columns], closed))
