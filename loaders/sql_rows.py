"""Databases as sources: the rows of a query, by any SQLAlchemy URL, as records."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from docindex.errors import LoadError, MissingDependencyError
from docindex.loaders.records import RecordReader
from docindex.loaders.sql_statement import refusal
from docindex.loaders.table_text import unique_names
from docindex.schema import Document, LoadOptions, Source, digest

MEDIA_TYPE = "application/x-ndjson"
"""Of the documents, and of the file that `write` makes."""

_AT_ONCE = 500
_READ_ONLY = {
    "mysql": "SET TRANSACTION READ ONLY",
    "mariadb": "SET TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
"""What makes the transaction that follows one that only reads; SQLite and PostgreSQL have it otherwise."""
_EXTRAS = {"psycopg": "postgres"}
_NO_OPTIONS = LoadOptions()


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A query and the database that answers it."""

    url: str = field(repr=False)
    """An SQLAlchemy URL, which may hold a password."""
    query: str
    name: str = ""
    """What reports, hits and citations call it; by default the URL without password and options, and a short hash of
    the query."""

    @property
    def label(self) -> str:
        """The name, given or made.

        Raises:
            LoadError: The URL is none.
        """
        return self.name or self._named(_parsed(self.url))

    @property
    def location(self) -> str:
        """What it is known by across runs, wherever it is run: as the name made from the URL, with an absolute path.

        Raises:
            LoadError: The URL is none.
        """
        url = _parsed(self.url)
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            url = url.set(database=str(_sqlite_path(url.database)))
        return self._named(url)

    def _named(self, url: URL) -> str:
        return f"{_public(url)}#{digest(' '.join(self.query.split()))[:8]}"


class SqlRows:
    """Reads the rows of a query one after another: the result is held neither here nor, where it can be, by the driver.

    A row is a record, as `RecordReader` says, with its columns as fields: numbers stay numbers, dates become ISO 8601,
    arrays and JSON what they hold; binary values are left out. The transaction is one that can only read where the
    database knows such, and is undone in the end everywhere.
    """

    def load(self, source: SqlSource, options: LoadOptions = _NO_OPTIONS) -> Iterator[Document]:
        """A document a row, in order.

        Raises:
            LoadError: The database can't be read, the query is refused, or a field that the options name is missing.
            MissingDependencyError: The database's driver is not installed.
        """
        reader = RecordReader(Source(source.label, Path(), MEDIA_TYPE, options), "row")
        for number, row in enumerate(self.rows(source), 1):
            document = reader.document(row, number)
            if document is not None:
                yield document
        reader.finish()

    def write(self, source: SqlSource, path: Path) -> int:
        """Writes the rows as lines of JSON, which a loader reads as the same records; returns how many.

        So a database goes the way of a file: it has bytes to compare with those of the last time.

        Raises:
            LoadError: The database can't be read, or the query is refused.
            MissingDependencyError: The database's driver is not installed.
        """
        count = 0
        with path.open("w", encoding="utf-8") as file:
            for count, row in enumerate(self.rows(source), 1):  # noqa: B007 - the last one is how many there are
                file.write(json.dumps(row, ensure_ascii=False))
                file.write("\n")
        return count

    def rows(self, source: SqlSource) -> Generator[dict[str, object], None, None]:
        """The rows in order, with values that JSON can hold.

        Raises:
            LoadError: The database can't be read, or the query is refused.
            MissingDependencyError: The database's driver is not installed.
        """
        name, url = source.label, _parsed(source.url)
        if reason := refusal(source.query):
            raise LoadError(name, f"its query {reason}")
        try:
            with ExitStack() as stack:
                engine = _engine(url)
                stack.callback(engine.dispose)
                connection = stack.enter_context(engine.connect())
                stack.callback(connection.rollback)
                yield from _selected(connection, source.query)
        except ModuleNotFoundError as error:
            driver = error.name or url.drivername
            if driver in _EXTRAS:
                raise MissingDependencyError(driver, _EXTRAS[driver]) from error
            raise LoadError(name, f"needs the Python package {driver}: install it") from error
        except NoSuchModuleError as error:
            raise LoadError(name, f"is a database of a kind that SQLAlchemy does not know: {url.drivername}") from error
        except (SQLAlchemyError, sqlite3.Error, ValueError) as error:
            raise LoadError(name, f"can't be read: {_what(error, url)}") from error


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return create_engine(url, poolclass=NullPool)
    address = f"file:{quote(str(_sqlite_path(url.database)))}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(address, uri=True)
        connection.text_factory = _lenient
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _sqlite_path(database: str) -> Path:
    return Path(database.removeprefix("file:").partition("?")[0]).absolute()


def _lenient(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _selected(connection: Connection, query: str) -> Iterator[dict[str, object]]:
    connection = connection.execution_options(stream_results=True, yield_per=_AT_ONCE, postgresql_readonly=True)
    if read_only := _READ_ONLY.get(connection.dialect.name):
        connection.exec_driver_sql(read_only)
    # Colons of the query are its own, and none of them stands before the name of a parameter.
    statement = text(re.sub(r"(?=:)", r"\\", query.rstrip("; \t\r\n")))
    with closing(connection.execute(statement)) as result:
        names = unique_names([" ".join(str(name).split()) for name in result.keys()])  # noqa: SIM118 - no mapping
        for row in result:
            values = zip(names, map(plain, row), strict=True)
            yield {name: value for name, value in values if value is not LEFT_OUT}


LEFT_OUT = object()


def plain(value: object) -> object:
    """A value of a row as JSON can hold it; binary ones are `LEFT_OUT`."""
    match value:
        case None | bool() | int() | str():
            return value
        case Enum():
            return plain(value.value)
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return _number(value)
        case datetime():
            return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta() | UUID():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return LEFT_OUT
        case Mapping():
            inner = {str(key): plain(item) for key, item in value.items()}
            return {key: item for key, item in inner.items() if item is not LEFT_OUT}
        case Sequence() | set() | frozenset():
            return [item for item in map(plain, value) if item is not LEFT_OUT]
        case _:
            return str(value)


def _number(value: Decimal) -> int | float | str | None:
    """The nearest number, if it is the same one when it is printed; else its digits."""
    if not value.is_finite():
        return None
    if value == value.to_integral_value():
        return int(value) if abs(value) < 10**18 else str(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        scheme = url.partition("://")[0]
        raise LoadError(f"{scheme}://...", "is no database URL: write it like postgresql://user@host/name") from error


def _public(url: URL) -> str:
    bare = URL.create(url.drivername, url.username, None, url.host, url.port, url.database)
    return bare.render_as_string(hide_password=False)


def _what(error: Exception, url: URL) -> str:
    cause = getattr(error, "orig", None) or error
    message = " ".join(str(cause).split()) or type(cause).__name__
    return message.replace(str(url.password), "***") if url.password else message
