"""An SQLite file beside the registry: for what readers write, such as traces and conversations.

It is no part of the registry, needs no lease and belongs to no version. Where there is no such file, asking costs a
look at the file system. What is deleted in it is overwritten.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docindex.errors import FormatError, StoreError
from docindex.stores.sqlite_files import IMMUTABLE, is_whole_but_unwritable

BUSY_SECONDS = 2.0
"""How long a process waits for another one that writes to the file."""
_PATIENCE = 30.0
"""How long an erasure waits for those that read."""


@dataclass(frozen=True, slots=True)
class SideSchema:
    """What such a file holds."""

    content: str
    """In the plural, as errors call it."""
    statements: str
    """That make its tables, with a semicolon between them."""
    number: int
    """The format, in `user_version`."""
    settings: tuple[tuple[str, int], ...] = ()
    """What the table `settings` holds at first; one of the statements makes it."""
    upgrades: tuple[str, ...] = ()
    """The statement that leads from format 1 to format 2, and so on."""


class SideFile:
    """The file: opened when it is first needed, and again when another takes its place. Threads may share it."""

    def __init__(self, path: Path, schema: SideSchema) -> None:
        """Nothing is opened yet."""
        self.path = path
        self._schema = schema
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of what is open: the name may get another file."""

    def make(self) -> None:
        """Makes the file with its tables; nothing where it is there.

        Raises:
            StoreError: The folder can't be written to.
        """
        try:
            with self._lock:
                self._close()
                self._make()
        except (sqlite3.Error, OSError) as error:
            raise self.failed(error) from error

    @contextmanager
    def reading(self, *, writable: bool = False) -> Iterator[sqlite3.Connection | None]:
        """The open file; None where there is none.

        Raises:
            StoreError: It can't be read or, if that is asked for, could not be written either.
        """
        try:
            with self._lock:
                yield self._open(to_read=not writable)
        except (sqlite3.Error, OSError) as error:
            raise self.failed(error) from error

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection | None]:
        """The open file in a transaction that ends with the block; None where there is none.

        Raises:
            StoreError: It can't be written.
        """
        try:
            with self._lock:
                connection = self._open()
                if connection is None:
                    yield None
                    return
                with _transaction(connection):
                    yield connection
        except (sqlite3.Error, OSError) as error:
            raise self.failed(error) from error

    def shrink(self) -> None:
        """Writes the file afresh where no other process keeps it from that."""
        try:
            with self._lock:
                connection = self._open(to_read=True)
                if connection is not None:
                    _shrink(connection)
        except sqlite3.OperationalError:
            pass  # others have no time for that now
        except (sqlite3.Error, OSError) as error:
            raise self.failed(error) from error

    def erase(self, table: str, version: int) -> None:
        """Leaves no byte of any row of a table; the setting `floor` is then the oldest version that may add some.

        Raises:
            StoreError: Another process is reading the file all along.
        """
        with self.changing() as connection:
            if connection is None:
                return
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours
            set_setting(connection, "floor", version)
        until = time.monotonic() + _PATIENCE
        while not self._shrunk(until):
            if time.monotonic() > until:
                raise StoreError(f"Another process is reading {self.path} all along: end it, and purge again.")
            time.sleep(0.1)

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._close()

    def failed(self, error: Exception) -> StoreError:
        """What is told of an error of SQLite's or the system's."""
        return StoreError(
            f"The {self._schema.content} in {self.path} can't be read or written ({error}): see that the folder can be "
            "written to and its disk has space, or delete the file."
        )

    def _shrunk(self, until: float) -> bool:
        try:
            with self._lock:
                connection = self._open()
                return connection is None or _shrink(connection)
        except (sqlite3.Error, OSError) as error:
            if not isinstance(error, sqlite3.OperationalError) or time.monotonic() > until:
                raise self.failed(error) from error
            return False

    def _open(self, *, to_read: bool = False) -> sqlite3.Connection | None:
        try:
            status = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._close()
            return None
        if self._connection is None or self._file != (status.st_dev, status.st_ino):
            self._close()
            try:
                self._connection = self._connect("mode=rw")
            except sqlite3.OperationalError as error:
                if not to_read or not is_whole_but_unwritable(self.path, error):
                    raise
                self._connection = self._connect(IMMUTABLE)
            self._file = (status.st_dev, status.st_ino)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _make(self) -> None:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rwc", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            with _transaction(connection):
                if _format(connection) == 0:
                    for statement in self._schema.statements.split(";"):
                        connection.execute(statement)
                    for name, value in self._schema.settings:
                        set_setting(connection, name, value)
                    connection.execute(f"PRAGMA user_version = {self._schema.number}")
        finally:
            connection.close()

    def _connect(self, how: str) -> sqlite3.Connection | None:
        """A connection to a file of this format; None where the tables are only being made.

        A file of an older docindex is brought up to date, for which its folder must be writable.
        """
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?{how}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            found = _format(connection)
            if 0 < found < self._schema.number:
                found = self._upgraded(connection)
        except BaseException:
            connection.close()
            raise
        if found == self._schema.number:
            return connection
        connection.close()
        if found > self._schema.number:
            raise FormatError(found, self._schema.number, f"The file {self.path.name}")
        return None

    def _upgraded(self, connection: sqlite3.Connection) -> int:
        with _transaction(connection):
            found = _format(connection)  # another process may have been faster
            for statement in self._schema.upgrades[found - 1 : self._schema.number - 1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {max(found, self._schema.number)}")
            return _format(connection)


def setting(connection: sqlite3.Connection, name: str) -> int:
    """A value of the table `settings`."""
    value: int = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()[0]
    return value


def set_setting(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Sets a value of the table `settings`."""
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))


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
