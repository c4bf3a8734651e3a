"""A table written afresh, under a new name: without old versions, deleted rows, or rows that are not wanted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pyarrow as pa

from docindex.stores.dense import build_vector_index
from docindex.stores.lance import LanceTables, WritableTable, scan
from docindex.stores.lancedb_api import LanceTable
from docindex.stores.survey import readable

Choose = Callable[[list[str]], list[bool]]
"""Says of the node ids of some rows which rows are wanted."""


def rewritten(
    tables: LanceTables, source: LanceTable | None, name: str, exact_below: int, choose: Choose | None = None
) -> WritableTable:
    """A new table with the rows of another one, its indexes up to date.

    With `choose`, rows that can't be read are left out like those that are not chosen.

    Raises:
        StoreError: The disk has no space for it; then there is no new table.
    """
    shutil.rmtree(tables.folder(name), ignore_errors=True)
    try:
        table = tables.create(name)
        if source is not None:
            table.add(tables.schema, _rows(source, tables.schema, choose))
        table.optimize()
        table.clean()
        if tables.kind == "vectors":
            build_vector_index(table, exact_below)
    except BaseException:
        shutil.rmtree(tables.folder(name), ignore_errors=True)
        raise
    return table


def _rows(source: LanceTable, schema: pa.Schema, choose: Choose | None) -> Iterator[pa.RecordBatch]:
    batches = scan(source, schema.names) if choose is None else readable(source, schema.names, _ignore)
    for batch in batches:
        wanted = batch if choose is None else batch.filter(pa.array(choose(batch["node_id"].to_pylist()), pa.bool_()))
        if wanted.num_rows:
            yield pa.RecordBatch.from_arrays(wanted.columns, schema=schema)


def _ignore(rows: int, why: str) -> None:
    """The survey has told of them."""
