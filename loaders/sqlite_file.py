"""SQLite files found among documents: their tables, read and never written."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from docindex.errors import LoadError
from docindex.loaders.cell_types import shown
from docindex.loaders.decoding import clean, reading
from docindex.loaders.media_types import SQLITE_LOGS
from docindex.loaders.records import RecordReader
from docindex.loaders.table_text import unique_names
from docindex.loaders.writing import DocumentWriter
from docindex.protocols import Loaded
from docindex.schema import CellValue, Document, Problem, Source, Unread

_HEADER = b"SQLite format 3\0"
_PART_ROWS = 20_000
_PART_CHARACTERS = 8 << 20
_VIRTUAL = re.compile(r"\s*create\s+virtual\s+table\b.*?\busing\s+(\w+)", re.IGNORECASE | re.DOTALL)
_FULL_TEXT = frozenset(("fts3", "fts4", "fts5"))
"""The virtual tables that hold text of their own."""


class SqliteFileLoader:
    """One document a table, headed by its name: the table in Markdown, with typed rows, numbered in their order.

    A table of more than 20,000 rows or 8 million characters goes on in further documents. With field options a row is a
    document, as `RecordReader` says, of each table that has the fields. Binary values are left out, and so are views
    and tables that SQLite keeps for itself. Changes that wait in a write-ahead log are read, too.
    """

    def load(self, source: Source) -> Iterator[Loaded]:
        """The tables in the order in which they were made, and those that can't be read.

        Raises:
            LoadError: The file is no SQLite database, is damaged, or a field that the options name is missing.
        """
        with reading(source), source.path.open("rb") as file:
            if file.read(len(_HEADER)) != _HEADER:
                raise LoadError(source.name, "is not an SQLite database, or is encrypted")
        with _naming(source), closing(_opened(source.path)) as connection:
            found = list(_tables(source, connection))
            yield from (each for each in found if isinstance(each, Problem))
            tables = [each for each in found if isinstance(each, _Table)]
            if not found:
                yield Unread(source.name, "holds no tables")
            elif any((source.options.id_field, source.options.text_field, source.options.title_field)):
                yield from _all_records(source, connection, tables)
            else:
                for table in tables:
                    yield from _tolerant(source, table, _documents(source, connection, table))


@dataclass(frozen=True, slots=True)
class _Table:
    stored: str
    """Its name in the database."""
    name: str
    """The name without what can't be shown; unique."""
    columns: tuple[str, ...]

    def label(self, source: Source) -> str:
        return f"{source.name}#{self.name}"


def _opened(path: Path) -> sqlite3.Connection:
    # A log or journal beside it belongs to what the file says; without one, nothing but the file need be looked at.
    busy = any(_size(path.with_name(f"{path.name}{suffix}")) for suffix in SQLITE_LOGS)
    address = f"file:{quote(str(path.absolute()))}?{'mode=ro' if busy else 'immutable=1'}"
    connection = sqlite3.connect(address, uri=True)
    connection.text_factory = _lenient
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _lenient(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@contextmanager
def _naming(source: Source) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError, OverflowError) as error:
        raise LoadError(source.name, f"can't be read as an SQLite database: {error}") from error


def _tolerant(source: Source, table: _Table, documents: Iterator[Loaded]) -> Iterator[Loaded]:
    """What is in the table; that it can't be read ends nothing but the table."""
    try:
        yield from documents
    except sqlite3.Error as error:
        yield Problem(table.label(source), f"can't be read: {error}")
    except LoadError as error:
        yield Problem(table.label(source), error.reason)


def _tables(source: Source, connection: sqlite3.Connection) -> Iterator[_Table | Problem]:
    made = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY rowid").fetchall()
    kinds = {name: found[1].lower() for name, sql in made if (found := _VIRTUAL.match(sql or ""))}
    kept = [
        name
        for name, _ in made
        if not name.lower().startswith("sqlite_")
        and kinds.get(name, "fts5") in _FULL_TEXT
        and not any(name.startswith(f"{virtual}_") for virtual in kinds)  # where a virtual table keeps what it has
    ]
    for stored, name in zip(kept, unique_names([" ".join(clean(name).split()) for name in kept]), strict=True):
        try:
            columns = connection.execute(f"SELECT * FROM {_quoted(stored)} LIMIT 0").description  # noqa: S608 - quoted
            yield _Table(stored, name, tuple(column[0] for column in columns))
        except sqlite3.Error as error:
            yield Problem(f"{source.name}#{name}", f"can't be read: {error}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rows(connection: sqlite3.Connection, table: _Table) -> Iterator[tuple[CellValue, ...]]:
    # Binary values stay in the file: they may be large.
    cells = (f"CASE typeof({name}) WHEN 'blob' THEN NULL ELSE {name} END" for name in map(_quoted, table.columns))
    yield from connection.execute(f"SELECT {', '.join(cells)} FROM {_quoted(table.stored)}")  # noqa: S608 - quoted


def _documents(source: Source, connection: sqlite3.Connection, table: _Table) -> Iterator[Loaded]:
    rows: list[tuple[int, Sequence[CellValue]]] = []
    characters = 0
    doc_id = table.label(source)
    empty = True
    for number, cells in enumerate(_rows(connection, table), 1):
        if len(rows) == _PART_ROWS or characters > _PART_CHARACTERS:
            yield _document(source, table, doc_id, rows)
            doc_id, rows, characters = f"{table.label(source)}#{number}", [], 0
        if any(cell is not None for cell in cells):
            empty = False
            rows.append((number, cells))
            characters += sum(len(shown(cell)) for cell in cells)
    if rows:
        yield _document(source, table, doc_id, rows)
    elif empty:
        yield Unread(table.label(source), "holds no rows, or none but of binary values")


def _document(source: Source, table: _Table, doc_id: str, rows: Sequence[tuple[int, Sequence[CellValue]]]) -> Document:
    writer = DocumentWriter()
    writer.heading(1, table.name)
    writer.table(table.name, table.columns, rows)
    return writer.document(source, title=table.name, metadata={"table": table.name}, doc_id=doc_id)


def _all_records(source: Source, connection: sqlite3.Connection, tables: Sequence[_Table]) -> Iterator[Loaded]:
    options = source.options
    wanted = [field for field in (options.id_field, options.text_field) if field] or [str(options.title_field)]
    lacking = {table.name: [field for field in wanted if field not in table.columns] for table in tables}
    if tables and all(lacking.values()):
        raise LoadError(source.name, f"has no table with the columns {', '.join(map(repr, wanted))}")
    ids: set[str] = set()
    for table in tables:
        if lacking[table.name]:
            yield Unread(table.label(source), f"has no column {lacking[table.name][0]!r}")
        else:
            yield from _tolerant(source, table, _records(source, connection, table, ids))


def _records(source: Source, connection: sqlite3.Connection, table: _Table, ids: set[str]) -> Iterator[Loaded]:
    reader = RecordReader(replace(source, name=table.label(source)), "row")
    repeated = 0
    for number, cells in enumerate(_rows(connection, table), 1):
        document = reader.document(dict(zip(table.columns, cells, strict=True)), number)
        if document is None:
            continue
        if document.doc_id in ids:
            repeated += 1
            continue
        ids.add(document.doc_id)
        yield replace(document, source=source.name)
    if repeated:
        yield Problem(table.label(source), f"{repeated} rows have an id that a row of an earlier table has")
    reader.finish()
