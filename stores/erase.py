"""Erasing: both stores are written afresh with what the newest version holds, and all else is removed."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace

from sqlalchemy import Engine, delete, text
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError

from docindex.errors import StoreError
from docindex.protocols import OnProgress
from docindex.schema import Progress
from docindex.stores.changes import add_commit, begin_journal, forget_before
from docindex.stores.completions import CompletionCache
from docindex.stores.conversations import ConversationLog
from docindex.stores.database import registry_error, transaction
from docindex.stores.files import sweep, table_folders
from docindex.stores.following import at_tables
from docindex.stores.parts import StoreParts, now
from docindex.stores.rewriting import rewritten
from docindex.stores.stamps import drop_unused_stamps
from docindex.stores.tables import METADATA, tags
from docindex.stores.traces import TraceLog

_PATIENCE = 30.0
"""Seconds to wait for readers of the registry, which hold it for moments."""
_CHECKPOINT_MS = 1000
"""How long SQLite itself waits for them at a time."""


def erase(parts: StoreParts, on_progress: OnProgress) -> None:
    """Leaves nothing but the newest version. Interrupted, it leaves the old state or the new; repeat it to be sure."""
    head = parts.head()
    number = head.version + 1
    started = now()
    with transaction(parts.engine) as connection:
        begin_journal(connection, head, started)
    on_progress(Progress("journal"))
    nodes = rewritten(parts.nodes, parts.nodes.at(head.nodes_table), f"nodes-{number}", parts.exact_below)
    on_progress(Progress("nodes-written"))
    vectors = rewritten(parts.vectors, parts.vectors.at(head.vectors_table), f"vectors-{number}", parts.exact_below)
    on_progress(Progress("vectors-written"))
    for table, rows in ((nodes, head.nodes), (vectors, head.embedded)):
        if table.count() != rows:
            sweep(parts.path, parts.registry)
            raise StoreError(f"The {table.kind} table does not hold {rows} rows: `docindex check --repair` mends it.")
    commit = at_tables(replace(head, version=number, kind="maintained", created_at=now()), nodes, vectors, started)
    with transaction(parts.engine) as connection:
        add_commit(connection, commit)
        connection.execute(delete(tags))
        forget_before(connection, number)
        drop_unused_stamps(connection)
        on_progress(Progress("registry-written"))
    on_progress(Progress("committed"))
    parts.nodes.close()
    parts.vectors.close()
    sweep(parts.path, parts.registry)
    wanted = {f"{nodes.name}.lance", f"{vectors.name}.lance"}
    left = [one for kind in ("nodes", "vectors") for one in table_folders(parts.path, kind) if one.name not in wanted]
    if left:
        raise StoreError(f"{left[0]} can't be removed: see that nothing holds it, and purge again.")
    _erase_free_space(parts.engine)
    for log in (TraceLog(parts.path), ConversationLog(parts.path), CompletionCache(parts.path)):
        try:
            log.erase(number)
        finally:
            log.close()


def _erase_free_space(engine: Engine) -> None:
    """Writes the registry afresh, so that pages which are free now do not keep what was on them."""
    try:
        if engine.dialect.name == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for name in METADATA.tables:
                    connection.execute(text(f'VACUUM FULL "{name}"'))
        elif engine.dialect.name == "sqlite":
            raw = engine.raw_connection()  # which, unlike SQLAlchemy's own, begins no transaction
            try:
                _rewrite_sqlite(raw.cursor())
            finally:
                raw.detach()  # its settings are not those of the pool
                raw.close()
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise registry_error(error) from error


def _rewrite_sqlite(cursor: DBAPICursor) -> None:
    cursor.execute("VACUUM")
    cursor.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MS}")
    until = time.monotonic() + _PATIENCE
    while True:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, *_ = cursor.fetchone() or (0,)
        if not busy:
            return
        if time.monotonic() > until:
            raise StoreError(
                "Another process is reading the registry all along, and its log therefore still holds what was "
                "deleted: end that process, and purge again."
            )
        time.sleep(0.1)
