"""The only way to a database: statements that read, for a limited time, a limited number of rows.

What holds is said several times over. A statement must be a single SELECT by its text. SQLite asks an authorizer about
each thing that a statement would do, and there reading and a list of functions is all that is allowed; the database is
opened read-only or made so. Other databases get a transaction that only reads where they know one, and it is undone.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Executable, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.sql import ClauseElement

from docindex.answering.tables.functions import FUNCTIONS, add_functions
from docindex.answering.tables.limits import TableLimits
from docindex.errors import MissingDependencyError, QueryError, RequestCancelledError
from docindex.loaders.sql_statement import refusal

_STEPS = 2000
"""After so many steps of SQLite's machine, the time is looked at."""
_LONGEST_VALUE = 16 << 20
_LONGEST_STATEMENT = 200_000
_READ_ONLY = {
    "mysql": "SET TRANSACTION READ ONLY",
    "mariadb": "SET TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
_TIME_LIMIT = {
    "postgresql": "SET LOCAL statement_timeout = {milliseconds}",
    "mysql": "SET SESSION max_execution_time = {milliseconds}",
    "mariadb": "SET SESSION max_statement_time = {seconds}",
}
_EXTRAS = {"psycopg": "postgres"}
UNREADABLE = (ArithmeticError, ValueError, TypeError)
"""What comes of a value that is not what the type of its column says."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement gave."""

    names: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    cut: bool = False
    """There were more than the limit lets through."""


class Watch:
    """The time that a statement has left, and whether it is still wanted."""

    def __init__(self) -> None:
        self._until = float("inf")
        self._cancel: threading.Event | None = None

    def begin(self, seconds: float, cancel: threading.Event | None) -> None:
        """Starts anew."""
        self._until = time.monotonic() + seconds
        self._cancel = cancel

    @property
    def cancelled(self) -> bool:
        """Whether the caller gave up."""
        return self._cancel is not None and self._cancel.is_set()

    @property
    def over(self) -> bool:
        """Whether to stop."""
        return self.cancelled or time.monotonic() > self._until


class GuardedDatabase:
    """Runs statements that only read, one at a time."""

    def __init__(self, engine: Engine, limits: TableLimits, watch: Watch | None = None) -> None:
        """Use `memory_database` or `given_database`; `watch` is what a guard of SQLite looks at."""
        self.engine = engine
        self._limits = limits
        self._watch = watch or Watch()
        self._turn = threading.Lock()

    @property
    def dialect(self) -> str:
        """The kind of database, as SQLAlchemy calls it."""
        return self.engine.dialect.name

    @property
    def most(self) -> int:
        """How many rows a result may have."""
        return self._limits.rows

    def text(self, statement: ClauseElement) -> str:
        """The statement with its values, for people; it is never run in this form."""
        return " ".join(str(statement.compile(self.engine, compile_kwargs={"literal_binds": True})).split())

    def run(self, statement: Executable, *, cancel: threading.Event | None = None, most: int | None = None) -> Rows:
        """The rows of a statement: as many as the limits say, or `most`.

        Raises:
            QueryError: It is not a single SELECT, does what is not allowed, takes too long, or can't be run.
            RequestCancelledError: `cancel` was set.
        """
        written = statement.compile(self.engine) if isinstance(statement, ClauseElement) else statement
        if reason := refusal(str(written)):
            raise QueryError(f"The statement {reason}.")
        with self._turn:
            self._watch.begin(self._limits.seconds, cancel)
            try:
                with self.engine.connect() as connection:
                    try:
                        return self._fetched(self._limited(connection), statement, most or self.most)
                    finally:
                        connection.rollback()
            except (SQLAlchemyError, sqlite3.Error, *UNREADABLE) as error:
                if self._watch.cancelled:
                    raise RequestCancelledError("The request was cancelled.") from error
                raise QueryError(self._what(error)) from error
            except ModuleNotFoundError as error:
                raise _missing(error) from error

    def close(self) -> None:
        """Closes the connection."""
        self.engine.dispose()

    def _limited(self, connection: Connection) -> Connection:
        connection = connection.execution_options(postgresql_readonly=True)
        if read_only := _READ_ONLY.get(self.dialect):
            connection.exec_driver_sql(read_only)
        if limit := _TIME_LIMIT.get(self.dialect):
            seconds = self._limits.seconds
            connection.exec_driver_sql(limit.format(milliseconds=max(1, round(seconds * 1000)), seconds=seconds))
        return connection

    def _fetched(self, connection: Connection, statement: Executable, most: int) -> Rows:
        result = connection.execute(statement, execution_options={"stream_results": True})
        try:
            found = result.fetchmany(most + 1)
            names = tuple(str(name) for name in result.keys())  # noqa: SIM118 - no mapping
        finally:
            result.close()
        rows = tuple(tuple(row) for row in found[:most])
        return Rows(names, rows, cut=len(found) > most)

    def _what(self, error: Exception) -> str:
        reason = said(error)
        if self._watch.over or "timeout" in reason or "interrupted" in reason:
            return f"The statement took longer than {self._limits.seconds:g} seconds: ask about fewer rows."
        return f"The statement was not run ({reason}): ask in other words."


def said(error: BaseException) -> str:
    """What the database itself says of an error, on one line."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return " ".join(str(original).split())[:200]


def memory_database(limits: TableLimits, fill: Callable[[sqlite3.Connection], None]) -> GuardedDatabase:
    """A database in memory that `fill` puts rows into, and that only reads from then on."""
    raw = sqlite3.connect(":memory:", check_same_thread=False)
    fill(raw)
    raw.commit()
    watch = Watch()
    guard_sqlite(raw, watch)
    return GuardedDatabase(create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool), limits, watch)


def given_database(url: str, limits: TableLimits) -> tuple[GuardedDatabase, Engine]:
    """A database by its SQLAlchemy URL, and a way to look up which tables it has; SQLite's files are opened read-only.

    Raises:
        QueryError: The URL is none, or of a kind of database that is not known.
        MissingDependencyError: The driver of the database is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_file(parsed, limits)
        engine = create_engine(parsed, poolclass=NullPool)
        return GuardedDatabase(engine, limits), engine
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise QueryError("The database's URL can't be read: give one such as sqlite:///shop.db.") from error


def guard_sqlite(raw: sqlite3.Connection, watch: Watch) -> None:
    """Lets a connection read, and nothing else, from now on."""
    add_functions(raw)
    raw.execute("PRAGMA query_only = ON")
    raw.execute("PRAGMA trusted_schema = OFF")
    raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    raw.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, _LONGEST_STATEMENT)
    raw.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    raw.set_progress_handler(lambda: watch.over, _STEPS)
    raw.set_authorizer(_allowed)  # the last: it forbids pragmas, too


def _allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """What a statement may do: SQLite asks before it is run, also about what views and triggers in it do."""
    if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or first or "").lower() in FUNCTIONS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first == "read_uncommitted" and second is None:
        return sqlite3.SQLITE_OK  # SQLAlchemy asks for it when it connects
    return sqlite3.SQLITE_DENY


def _sqlite_file(url: URL, limits: TableLimits) -> tuple[GuardedDatabase, Engine]:
    if not url.database or url.database == ":memory:":
        raise QueryError("The database is an empty one in memory: give the path of a file, as sqlite:///shop.db.")
    path = Path(url.database.removeprefix("file:").partition("?")[0]).absolute()
    if not path.is_file():
        raise QueryError(f"There is no database at {path}: give the path of one.")
    address, watch = f"file:{quote(str(path))}?mode=ro", Watch()

    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(address, uri=True, check_same_thread=False)
        raw.text_factory = _lenient
        return raw

    def guarded() -> sqlite3.Connection:
        raw = connect()
        guard_sqlite(raw, watch)
        return raw

    # What tables there are is asked by pragmas, which the guard forbids.
    looking = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    return GuardedDatabase(create_engine("sqlite://", creator=guarded, poolclass=NullPool), limits, watch), looking


def _lenient(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _missing(error: ModuleNotFoundError) -> QueryError | MissingDependencyError:
    driver = error.name or "its driver"
    if driver in _EXTRAS:
        return MissingDependencyError(driver, _EXTRAS[driver])
    return QueryError(f"The database needs the Python package {driver}: install it.")


def public_name(url: str) -> str:
    """The URL without password and options."""
    parsed: URL = make_url(url)
    return URL.create(
        parsed.drivername.partition("+")[0], None, None, parsed.host, parsed.port, parsed.database
    ).render_as_string()
