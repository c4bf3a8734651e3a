"""The rows of documents' tables, in a database in memory that only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Integer, MetaData, Table, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from docindex.answering.tables.catalogue import storable
from docindex.answering.tables.guarded import GuardedDatabase, memory_database
from docindex.answering.tables.limits import TableLimits
from docindex.answering.tables.relations import Field, Part, Relation
from docindex.answering.tables.statement import Source
from docindex.answering.tables.totals import data_rows
from docindex.errors import QueryError
from docindex.loaders.cell_types import shown
from docindex.protocols import StoredTable
from docindex.schema import CellValue, ColumnType

_TYPES: dict[ColumnType, TypeEngine[Any]] = {
    "text": Text(),
    "integer": BigInteger(),
    "number": Float(),
    "boolean": Boolean(),
    "date": DateTime(),
}
_DIALECT = sqlite.dialect()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands."""

    part: int
    """Which of the relation's parts."""
    row: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """Relations in a database."""

    database: GuardedDatabase
    sources: tuple[Source, ...]
    """One a relation, in their order."""


def load(
    relations: Sequence[Relation], tables_of: Callable[[Sequence[str]], Iterable[StoredTable]], limits: TableLimits
) -> Loaded:
    """The rows of the relations, read once.

    Raises:
        QueryError: They are more than the limit lets through.
    """
    rows = sum(relation.rows for relation in relations)
    if rows > limits.loaded_rows:
        raise QueryError(
            f"The tables that the question is about have {rows:,} rows, and the limit is {limits.loaded_rows:,}: "
            "ingest fewer, raise the limit `loaded_rows`, or ask a database with --database."
        )
    metadata = MetaData()
    sources = tuple(source_of(relation, metadata) for relation in relations)

    def fill(connection: sqlite3.Connection) -> None:
        for source in sources:
            connection.execute(str(CreateTable(source.table).compile(dialect=_DIALECT)))
        homes = {
            (part.doc_id, part.number): (source, relation, at)
            for source, relation in zip(sources, relations, strict=True)
            for at, part in enumerate(relation.parts)
        }
        for stored in tables_of(sorted({doc_id for doc_id, _ in homes})):
            home = homes.get((stored.doc_id, stored.number))
            if home is not None:
                source, relation, at = home
                name = _DIALECT.identifier_preparer.quote(source.table.name)
                marks = ", ".join("?" * len(source.table.columns))
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", _values(stored, relation, at))  # noqa: S608

    return Loaded(memory_database(limits, fill), sources)


def source_of(relation: Relation, metadata: MetaData) -> Source:
    """The relation as a table of a database in memory: its columns, and where each row stands."""
    names = [field.name for field in relation.fields]
    place = [_free(name, names) for name in ("#part", "#row", "#start", "#end")]
    table = Table(
        relation.name,
        metadata,
        *(Column(field.name, _TYPES[field.type]) for field in relation.fields),
        *(Column(name, Integer) for name in place),
    )
    return Source(table, decimals_of(relation.fields), place)


def decimals_of(fields: Iterable[Field]) -> dict[str, int]:
    """The digits after the point, of the columns that have any."""
    return {field.name: field.values.decimals for field in fields if field.type == "number"}


def place_of(values: Sequence[object]) -> Place:
    """The place that a source's columns of places give."""
    part, row, start, end = (value if isinstance(value, int) else 0 for value in values)
    return Place(part, row, start, end)


def told(value: object) -> CellValue:
    """A value of a row as cells have it."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _values(stored: StoredTable, relation: Relation, at: int) -> Iterator[tuple[object, ...]]:
    part: Part = relation.parts[at]
    extra = (part.label,) if relation.part_field is not None else ()
    for row in data_rows(stored.table):
        cells = [_cell(storable(cell), field) for cell, field in zip(row.cells, relation.fields, strict=False)]
        yield (*cells, *extra, at, row.number, row.start, row.end)


def _cell(cell: CellValue, field: Field) -> object:
    if field.type == "text" and cell is not None:
        return shown(cell)  # in another part of the relation the column has what is of no other type
    return cell.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(cell, datetime) else cell


def _free(name: str, names: Sequence[str]) -> str:
    while name.casefold() in {one.casefold() for one in names}:
        name += "#"
    return name
