"""The tables of documents as typed rows in the registry.

All tables of a document are stored under one hash, once however many documents and versions have them. A row is a JSON
array that keeps the type of each value. Both directions go some rows at a time: a sheet may have a million cells.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select

from docindex.protocols import DocumentChange
from docindex.schema import CellValue, Column, DocumentTable, TableRow, digest
from docindex.stores.encoding import from_micros, to_micros
from docindex.stores.tables import document_tables, table_rows

ROWS_AT_ONCE = 2000
_LARGE = 2**63


@dataclass(frozen=True, slots=True)
class StoredTableHead:
    """A stored table without its rows."""

    number: int
    start: int
    end: int
    rows: int
    name: str
    columns: tuple[Column, ...]

    def with_rows(self, rows: Iterable[TableRow]) -> DocumentTable:
        """The whole table."""
        return DocumentTable(self.name, self.columns, tuple(rows), self.start, self.end)


def tables_hash(tables: Sequence[DocumentTable]) -> str | None:
    """What the tables are stored under; None for no tables."""
    if not tables:
        return None
    return digest(*(digest(_details(table), f"{table.start} {table.end}", *_lines(table)) for table in tables))


def add_tables(connection: Connection, changes: Sequence[DocumentChange]) -> None:
    """Stores the tables of documents that are not stored yet."""
    by_hash = {tables_hash(change.document.tables): change.document.tables for change in changes}
    for key, tables in by_hash.items():
        if key is None:
            continue
        if connection.scalar(select(document_tables.c.number).where(document_tables.c.hash == key).limit(1)):
            continue
        for number, table in enumerate(tables, 1):
            connection.execute(
                insert(document_tables).values(
                    hash=key,
                    number=number,
                    start=table.start,
                    end=table.end,
                    rows=len(table.rows),
                    details=_details(table),
                )
            )
            rows = (
                {
                    "hash": key,
                    "number": number,
                    "place": place,
                    "row": row.number,
                    "start": row.start,
                    "end": row.end,
                    "cells": cells_to_json(row.cells),
                }
                for place, row in enumerate(table.rows)
            )
            while some := list(islice(rows, ROWS_AT_ONCE)):
                connection.execute(insert(table_rows), some)


def read_heads(rows: Iterable[Any]) -> Iterator[StoredTableHead]:
    """Tables from their rows in the registry."""
    for row in rows:
        details = json.loads(row.details)
        columns = tuple(Column(name, kind) for name, kind in details["columns"])
        yield StoredTableHead(row.number, row.start, row.end, row.rows, details["name"], columns)


def read_row(row: Any) -> TableRow:  # noqa: ANN401 - a row of any of SQLAlchemy's shapes
    """A table's row from its row in the registry."""
    return TableRow(row.row, row.start, row.end, cells_from_json(row.cells))


# --- values ---------------------------------------------------------------------------------------------------------


def cells_to_json(cells: Collection[CellValue]) -> str:
    """The values of a row as text."""
    return json.dumps([_tagged(value) for value in cells], separators=(",", ":"))


def cells_from_json(saved: str) -> tuple[CellValue, ...]:
    """The values back."""
    return tuple(_untagged(value) for value in json.loads(saved))


def _tagged(value: CellValue) -> object:
    if isinstance(value, datetime):
        return {"date": to_micros(value)}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _LARGE:
        return {"integer": hex(value)}  # in decimal, Python refuses more than some thousand digits
    return value


def _untagged(value: Any) -> CellValue:  # noqa: ANN401 - what JSON holds
    if isinstance(value, dict):
        return from_micros(value["date"]) if "date" in value else int(value["integer"], 16)
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{value!r} is no cell")


def _details(table: DocumentTable) -> str:
    return json.dumps({"name": table.name, "columns": [(column.name, column.type) for column in table.columns]})


def _lines(table: DocumentTable) -> Iterator[str]:
    for row in table.rows:
        yield f"{row.number} {row.start} {row.end} {cells_to_json(row.cells)}"
