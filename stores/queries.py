"""Queries of LanceDB's tables, without what its synchronous ones cost on top.

A synchronous query is put together as a pydantic model, taken apart again, and crosses from thread to thread for every
batch: 1.5 ms, where all of a search by words takes 3. An asynchronous one is none of that, and several may be under way
at once. Every coroutine runs on the loop that LanceDB keeps for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from docindex.stores.lancedb_api import LOOP, AsyncQuery, AsyncTakeQuery, LanceTable

A = TypeVar("A")
B = TypeVar("B")


def query_of(table: LanceTable) -> AsyncQuery:
    """A query of the table at its version.

    It does not know its table, which it would only ask for columns of blobs, once a query.
    """
    return AsyncQuery(table._table._inner.query())


def rows_numbered(table: LanceTable, rows: Sequence[int]) -> AsyncTakeQuery:
    """A query of the rows with these numbers of LanceDB's."""
    return AsyncTakeQuery(table._table._inner.take_row_ids(list(rows)))


def rows_at(table: LanceTable, offsets: Sequence[int]) -> AsyncTakeQuery:
    """A query of the rows in these places, from 0."""
    return AsyncTakeQuery(table._table._inner.take_offsets(list(offsets)))


async def count_of(table: LanceTable, where: str) -> int:
    """How many rows pass a filter; without one, how many there are."""
    return int(await table._table.count_rows(where or None))


def wait_for(answer: Coroutine[Any, Any, A]) -> A:
    """What the coroutine returns. Not to be called on LanceDB's loop."""
    future = asyncio.run_coroutine_threadsafe(answer, LOOP.loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def both(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """What two coroutines return that run side by side; when one fails, the other one is given up."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(first), group.create_task(second)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return tasks[0].result(), tasks[1].result()
