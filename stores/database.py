"""The registry's database: how it is opened, and the migrations that bring it up to date."""

from __future__ import annotations

import importlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from docindex.errors import ConfigError, FormatError, MissingDependencyError, StoreError
from docindex.stores import migrations
from docindex.stores.migrations import known_migrations
from docindex.stores.registry_file import NO_REPAIR, REGISTRY_FILE
from docindex.stores.sqlite_files import IMMUTABLE, is_whole_but_unwritable

BUSY_SECONDS = 30.0
"""How long a connection waits for SQLite's write lock; readers never need it."""

_APPLIED = Table(
    "migrations",
    MetaData(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("applied_at", BigInteger, nullable=False),
)


def open_engine(directory: Path, url: str | None) -> Engine:
    """An engine for the registry: SQLite in the index directory, or the database at a URL.

    Raises:
        ConfigError: The URL can't be read.
        MissingDependencyError: The database's driver is not installed.
    """
    if url is None:
        return _sqlite(directory.absolute() / REGISTRY_FILE)
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise ConfigError("The registry can't be kept in memory: give `database` a URL with a path, or none.")
            return _sqlite(Path(parsed.database))
        return create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError(
            f"{url!r} is no database URL that SQLAlchemy can read ({error}): write it like "
            "postgresql+psycopg://user@host/database."
        ) from error
    except ModuleNotFoundError as error:
        raise MissingDependencyError(error.name or "the database driver", "postgres") from error


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that commits at the end of the block and rolls back when the block raises.

    Raises:
        StoreError: The database said no.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise registry_error(error) from error


def registry_error(error: SQLAlchemyError | sqlite3.Error) -> StoreError:
    """The database's complaint as the caller should read it."""
    said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    if any(word in said for word in ("malformed", "not a database", "disk I/O error")):
        return StoreError(f"The registry is damaged ({said}): {NO_REPAIR}")
    if "readonly" in said:
        return StoreError(f"The registry can't be written to ({said}): see who may write to its file and its folder.")
    return StoreError(f"The registry failed ({said}): see that its database can be reached and its disk has space.")


def registry_damage(engine: Engine) -> str | None:
    """What is wrong with the database's own structure, as one sentence; None when nothing is, or it can't be told."""
    if engine.dialect.name != "sqlite":
        return None
    try:
        with engine.connect() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except SQLAlchemyError as error:
        return str(registry_error(error))
    return None if said == "ok" else f"The registry is damaged ({str(said).partition(chr(10))[0]}): {NO_REPAIR}"


# --- migrations -----------------------------------------------------------------------------------------------------


def pending_migrations(engine: Engine) -> list[int]:
    """The numbers of the migrations that the database still needs, in order.

    Raises:
        FormatError: A newer docindex migrated it.
    """
    known = known_migrations()
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("migrations"):
                return sorted(known)
            applied = set(connection.scalars(select(_APPLIED.c.number)))
    except SQLAlchemyError as error:
        raise registry_error(error) from error
    if not applied <= set(known):
        raise FormatError(f"{max(applied)} of the registry", max(known))
    return sorted(set(known) - applied)


def migrate(engine: Engine) -> None:
    """Applies what is pending, each migration in a transaction of its own."""
    known = known_migrations()
    for number in pending_migrations(engine):
        module = importlib.import_module(f"{migrations.__name__}.{known[number]}")
        with transaction(engine) as connection:
            _APPLIED.create(connection, checkfirst=True)
            module.apply(connection)
            connection.execute(
                insert(_APPLIED).values(number=number, name=known[number], applied_at=time.time_ns() // 1000)
            )


# --- SQLite ---------------------------------------------------------------------------------------------------------


def _sqlite(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), creator=partial(_connected, path))

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _connected(path: Path) -> sqlite3.Connection:
    try:
        return _writing_connection(path)
    except sqlite3.OperationalError as error:
        if not is_whole_but_unwritable(path, error):
            raise
        return _connection(path, IMMUTABLE)


def _writing_connection(path: Path) -> sqlite3.Connection:
    connection = _connection(path, "mode=rwc")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _connection(path: Path, how: str) -> sqlite3.Connection:
    # SQLAlchemy says when a transaction begins, so that it covers DDL too, and hands connections from thread to thread.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # the log is there while somebody writes
        return 0


def size_in_bytes(engine: Engine) -> int:
    """What the database takes on its disk."""
    if engine.dialect.name == "sqlite":
        name = str(engine.url.database)
        files = [Path(name + ending) for ending in ("", "-wal", "-shm")]
        return sum(map(_size, files))
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            return connection.scalar(select(func.pg_database_size(func.current_database()))) or 0
    return 0
