"""Traces of searches and answers, in an SQLite file of their own.

Searches write them while another process ingests, so they are no part of the registry, need no lease and belong to no
version. Where there is no such file, which is so until traces are switched on, asking costs a look at the file system.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from docindex.errors import ConfigError, FormatError, StoreError
from docindex.schema import Trace, TraceState, TraceSummary
from docindex.stores.trace_rows import (
    SCHEMA,
    delete_all_but,
    delete_before,
    insert_trace,
    read_summaries,
    read_trace,
)

logger = logging.getLogger("docindex.stores")

TRACES_FILE = "traces.db"
KEEP = 1000
"""How many traces are kept when nothing else is said."""

_FORMAT = 1
_LAST_ID = 2**63 - 1
_BUSY_SECONDS = 2.0
"""How long a search waits for another one that writes its trace."""
_PATIENCE = 30.0
"""How long a purge does."""


class TraceLog:
    """The traces of an index: switched on and off, read and pruned here. Any number of threads may use one.

    The switch is kept with the traces, so that it holds for every process. What is deleted is overwritten.
    """

    def __init__(self, folder: Path) -> None:
        """Those of the index in a folder; nothing is opened yet."""
        self.path = folder.absolute() / TRACES_FILE
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of what is open: the name may get another file."""
        self._warned = False

    # --- the switch --------------------------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether searches are traced; False, with a warning in the log, where that can't be told."""
        try:
            with self._lock:
                connection = self._open()
                return connection is not None and _setting(connection, "on") == 1
        except (sqlite3.Error, OSError, StoreError) as error:
            self._warn(error)
            return False

    def state(self) -> TraceState:
        """Whether traces are kept, how many at most, and how many there are."""
        with self._reading() as connection:
            if connection is None:
                return TraceState(on=False, keep=KEEP, kept=0)
            (kept,) = connection.execute("SELECT count(*) FROM traces").fetchone()
            return TraceState(_setting(connection, "on") == 1, _setting(connection, "keep"), kept)

    def switch_on(self, keep: int = KEEP) -> None:
        """Traces searches and answers from now on, in every process; the newest `keep` traces stay.

        Raises:
            ConfigError: `keep` is below 1.
            StoreError: The index's folder can't be written to.
        """
        if keep < 1:
            raise ConfigError(f"keep is {keep}: give 1 or more, or switch traces off.")
        try:
            with self._lock:
                self._close()
                _make(self.path)
                connection = self._open()
                if connection is None:
                    raise FileNotFoundError(self.path)
                with _transaction(connection):
                    _set(connection, "on", 1)
                    _set(connection, "keep", keep)
                    delete_all_but(connection, keep)
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from error

    def switch_off(self) -> None:
        """Traces nothing any more. The traces that there are stay until they are pruned."""
        with self._changing() as connection:
            if connection is not None:
                _set(connection, "on", 0)

    # --- traces ------------------------------------------------------------------------------------------------------

    def add(self, trace: Trace) -> int | None:
        """Keeps a trace while they are on, and returns its id. Where that can't be done the log has a warning, once."""
        try:
            with self._lock:
                connection = self._open()
                if connection is None:
                    return None
                with _transaction(connection):
                    if _setting(connection, "on") != 1 or trace.version < _setting(connection, "floor"):
                        return None
                    trace_id = insert_trace(connection, trace)
                    delete_all_but(connection, _setting(connection, "keep"))
                return trace_id
        except (sqlite3.Error, OSError, StoreError) as error:
            self._warn(error)
            return None

    def newest(self, limit: int | None = None) -> list[TraceSummary]:
        """The traces, newest first."""
        with self._reading() as connection:
            if connection is None:
                return []
            return read_summaries(connection, limit)

    def get(self, trace_id: int | None = None) -> Trace:
        """A trace by its id; the newest one without.

        Raises:
            StoreError: It is not kept.
        """
        with self._reading() as connection:
            wanted = None if trace_id is None else min(trace_id, _LAST_ID)
            found = None if connection is None else read_trace(connection, wanted)
        if found is None and trace_id is None:
            raise StoreError("No trace is kept: `docindex traces on` has searches traced from then on.")
        if found is None:
            raise StoreError(f"Trace {trace_id} is not kept: `docindex traces list` lists those that are.")
        return found

    def prune(self, keep: int | None = None, older_than: timedelta | None = None) -> int:
        """Deletes all but the newest `keep` traces, and those that are older; returns how many went."""
        pruned = 0
        with self._changing() as connection:
            if connection is not None and keep is not None:
                pruned += delete_all_but(connection, keep)
            if connection is not None and older_than is not None:
                pruned += delete_before(connection, datetime.now(UTC) - older_than)
        if pruned:
            with self._reading() as connection, suppress(sqlite3.OperationalError):  # others have no time for that now
                if connection is not None:
                    _shrink(connection)
        return pruned

    def erase(self, version: int) -> None:
        """Leaves no byte of any trace, and takes none of a search that began at an older version of the index.

        Raises:
            StoreError: Another process is reading traces all along.
        """
        with self._changing() as connection:
            if connection is None:
                return
            connection.execute("DELETE FROM traces")
            _set(connection, "floor", version)
        until = time.monotonic() + _PATIENCE
        while True:
            with self._reading() as connection:
                try:
                    if connection is None or _shrink(connection):
                        return
                except sqlite3.OperationalError as error:
                    if time.monotonic() > until:
                        raise self._failed(error) from error
            if time.monotonic() > until:
                raise StoreError(f"Another process is reading {self.path} all along: end it, and purge again.")
            time.sleep(0.1)

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._close()

    # --- the file ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        try:
            with self._lock:
                yield self._open(to_read=True)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection | None]:
        with self._reading() as connection:
            if connection is None:
                yield None
                return
            with _transaction(connection):
                yield connection

    def _open(self, *, to_read: bool = False) -> sqlite3.Connection | None:
        """The file; None where there is none."""
        try:
            status = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._close()
            return None
        if self._connection is None or self._file != (status.st_dev, status.st_ino):
            self._close()
            try:
                self._connection = _connect(self.path, "mode=rw")
            except sqlite3.OperationalError:
                log = self.path.with_name(f"{TRACES_FILE}-wal")
                if not to_read or (log.exists() and log.stat().st_size):
                    raise
                # In a folder that can't be written to, such as a copy on a medium, nobody changes it either.
                self._connection = _connect(self.path, "mode=ro&immutable=1")
            self._file = (status.st_dev, status.st_ino)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(
            f"The traces in {self.path} can't be read or written ({error}): see that the folder can be written to and "
            "its disk has space, or delete the file."
        )

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(
                "Searches are not traced: %s", error if isinstance(error, StoreError) else self._failed(error)
            )


def _make(path: Path) -> None:
    """The file with its tables; nothing where it is there."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rwc", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        with _transaction(connection):
            if _format(connection) == 0:
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
                for name, value in (("on", 0), ("keep", KEEP), ("floor", 0)):
                    _set(connection, name, value)
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
    finally:
        connection.close()


def _connect(path: Path, how: str) -> sqlite3.Connection | None:
    """A connection; None where the tables are only being made."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?{how}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        found = _format(connection)
    except BaseException:
        connection.close()
        raise
    if found == _FORMAT:
        return connection
    connection.close()
    if found > _FORMAT:
        raise FormatError(found, _FORMAT, f"The file {path.name}")
    return None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite may have rolled it back by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _shrink(connection: sqlite3.Connection) -> bool:
    """Writes the file afresh; False while its log still holds what was in it, since others read."""
    connection.execute("VACUUM")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _format(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def _setting(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()[0]
    return value


def _set(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
