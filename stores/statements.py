"""What statements with many values have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, Table, insert

T = TypeVar("T")

CHUNK = 500
"""Values in one statement, and rows in one page of a long listing."""


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values, so many at a time as one statement takes; each of them once."""
    rest = iter(dict.fromkeys(values))
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def insert_all(connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Inserts the rows, if there are any."""
    if rows:
        connection.execute(insert(table), rows)
