"""The nodes table in LanceDB: its columns, and everything that changes it.

Only the holder of the lease calls what changes the table. Each change makes a version of it; which version counts, the
registry says. `search_text` is what full-text search reads: the context and the text, which also stands alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from docindex.errors import StoreError
from docindex.protocols import DocumentChange
from docindex.stores.conditions import is_any_of
from docindex.stores.encoding import filter_json, labels, to_micros
from docindex.stores.lancedb_api import FTS, Bitmap, BTree, IvfRq, LabelList, LanceDBConnection, LanceTable

T = TypeVar("T")

TABLE = "nodes"
VECTOR_INDEX = "vector_ivf_"
"""The approximate index's name goes on with its number of partitions, which LanceDB does not tell."""
ROWS_PER_PARTITION = 4096

_BATCH_ROWS = 2048
_DELETE_IDS = 1000
_OPEN_VERSIONS = 4
_CLOCK_GRAIN = timedelta(milliseconds=10)
_NEVER = timedelta(days=36_500)
"""`optimize` deletes versions older than seven days unless told otherwise; the head may be one of them."""


def node_schema(dim: int) -> pa.Schema:
    """The columns of the nodes table."""
    text, number = pa.string(), pa.int32()
    return pa.schema(
        [
            pa.field("node_id", text, nullable=False),
            pa.field("doc_id", text, nullable=False),
            pa.field("order", number, nullable=False),
            pa.field("level", number, nullable=False),
            pa.field("parent_id", text),
            pa.field("start", pa.int64(), nullable=False),
            pa.field("end", pa.int64(), nullable=False),
            pa.field("page", number),
            pa.field("page_label", text),
            pa.field("text", text, nullable=False),
            pa.field("context", text, nullable=False),
            pa.field("search_text", text, nullable=False),
            pa.field("headings", pa.list_(text), nullable=False),
            pa.field("content_hash", text, nullable=False),
            pa.field("source", text, nullable=False),
            pa.field("title", text, nullable=False),
            pa.field("media_type", text, nullable=False),
            pa.field("modified_at", pa.timestamp("us", "UTC")),
            pa.field("kv", pa.list_(text), nullable=False),
            pa.field("metadata", pa.json_(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), dim)),  # null until the node is embedded
        ]
    )


class LanceNodes:
    """The nodes table of one index directory."""

    def __init__(self, directory: Path, dim: int) -> None:
        self._uri = str(directory.absolute())
        self._connection = LanceDBConnection(self._uri)
        self._dim = dim
        self._pinned: OrderedDict[int, LanceTable] = OrderedDict()
        self._lock = threading.Lock()

    def create(self) -> int:
        """Makes the empty table with its indexes, unless it is there; returns its version.

        On an empty table an index costs milliseconds, and rows are found whether an index has taken them up or not.
        """
        schema = node_schema(self._dim)
        table = self._connection.create_table(TABLE, schema=schema, exist_ok=True)
        present = {name for index in table.list_indices() for name in index.columns}
        for column in ("node_id", "doc_id", "content_hash"):
            if column not in present:
                table.create_index(column, config=BTree())
        if "source" not in present:
            table.create_index("source", config=Bitmap())
        if "kv" not in present:
            table.create_index("kv", config=LabelList())
        if "search_text" not in present:
            table.create_index("search_text", config=FTS(with_position=False))
        return table.version

    def at(self, version: int) -> LanceTable:
        """The table as it was at a version; the handle is kept for those who ask again.

        Raises:
            StoreError: The version is no longer there.
        """
        with self._lock:
            table = self._pinned.get(version)
            if table is None:
                try:
                    table = self._connection.open_table(TABLE, version=version)
                except (ValueError, RuntimeError, FileNotFoundError) as error:
                    raise StoreError(
                        f"Version {version} of the nodes can't be opened ({_first_line(error)}): "
                        "run `docindex check`, or ingest again into a new index."
                    ) from error
                self._pinned[version] = table
                while len(self._pinned) > _OPEN_VERSIONS:
                    self._pinned.popitem(last=False)
            self._pinned.move_to_end(version)
            return table

    def writable(self) -> WritableNodes:
        """The newest table, for the holder of the lease."""
        connection = LanceDBConnection(self._uri, read_consistency_interval=timedelta(0))
        return WritableNodes(connection.open_table(TABLE), self._dim)

    def close(self) -> None:
        """Lets go of the open versions."""
        with self._lock:
            self._pinned.clear()


class WritableNodes:
    """The newest nodes table, and what may be done to it."""

    def __init__(self, table: LanceTable, dim: int) -> None:
        self._table = table
        self._dim = dim

    @property
    def version(self) -> int:
        """The newest version there is, committed or not."""
        return self._table.version

    def go_back(self, version: int) -> int:
        """Makes a new version that equals an old one; returns its number."""
        self._table.restore(version)
        return self._table.version

    def count(self) -> int:
        """How many nodes there are."""
        return self._table.count_rows()

    def delete(self, doc_ids: Sequence[str]) -> None:
        """Deletes the nodes of the documents."""
        for start in range(0, len(doc_ids), _DELETE_IDS):
            self._table.delete(is_any_of("doc_id", doc_ids[start : start + _DELETE_IDS]))

    def add(self, changes: Sequence[DocumentChange]) -> None:
        """Adds the nodes of the documents, in one version."""
        schema = node_schema(self._dim)
        self._table.add(pa.RecordBatchReader.from_batches(schema, _batches(changes, schema, self._dim)))

    def unindexed(self) -> int:
        """How many rows the indexes have not taken up yet."""
        return unindexed_rows(self._table)

    def optimize(self) -> None:
        """Joins small files, and brings every index up to date. Takes seconds for each 100,000 rows."""
        self._table.optimize(cleanup_older_than=_NEVER)

    def clean(self, before: datetime) -> None:
        """Deletes versions that were written before a moment, but never the newest."""
        self._table.optimize(cleanup_older_than=datetime.now(UTC) - before + _CLOCK_GRAIN)

    def update_vector_index(self, exact_below: int) -> bool:
        """Builds, rebuilds or drops the approximate index as the number of vectors asks for; says whether it did."""
        rows = self._table.count_rows()
        if rows > exact_below:
            rows = self._table.count_rows("vector IS NOT NULL")
        index = vector_index(self._table)
        wanted = max(1, rows // ROWS_PER_PARTITION)
        if index is None:
            if rows <= exact_below:
                return False
        elif rows > exact_below // 2 and wanted // 2 <= index.partitions <= wanted * 2:
            return False
        if index is not None:
            self._table.drop_index(index.name)
        if rows > exact_below:
            self._table.create_index(
                "vector",
                config=IvfRq(distance_type="cosine", num_partitions=wanted),
                name=f"{VECTOR_INDEX}{wanted}",
            )
        return True


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """The approximate index of a version of the table."""

    name: str
    partitions: int


def vector_index(table: LanceTable) -> VectorIndex | None:
    """The approximate index, where there is one."""
    for index in table.list_indices():
        if index.name.startswith(VECTOR_INDEX):
            return VectorIndex(index.name, int(index.name.removeprefix(VECTOR_INDEX)))
    return None


def unindexed_rows(table: LanceTable) -> int:
    """How many rows the slowest index has not taken up yet."""
    found = [table.index_stats(index.name) for index in table.list_indices()]
    return max((statistics.num_unindexed_rows for statistics in found if statistics is not None), default=0)


# --- rows -----------------------------------------------------------------------------------------------------------


def _batches(changes: Sequence[DocumentChange], schema: pa.Schema, dim: int) -> Iterator[pa.RecordBatch]:
    waiting: list[DocumentChange] = []
    rows = 0
    for change in changes:
        waiting.append(change)
        rows += len(change.nodes)
        if rows >= _BATCH_ROWS:
            yield _batch(waiting, schema, dim)
            waiting, rows = [], 0
    if waiting:
        yield _batch(waiting, schema, dim)


def _batch(changes: Sequence[DocumentChange], schema: pa.Schema, dim: int) -> pa.RecordBatch:
    nodes = [node for change in changes for node in change.nodes]
    vectors = np.concatenate([change.vectors.reshape(-1, dim) for change in changes]).astype(np.float32, copy=False)
    columns: dict[str, Sequence[object]] = {
        "node_id": [node.node_id for node in nodes],
        "doc_id": _repeated(changes, [change.document.doc_id for change in changes]),
        "order": [node.order for node in nodes],
        "level": [node.level for node in nodes],
        "parent_id": [node.parent_id for node in nodes],
        "start": [node.start for node in nodes],
        "end": [node.end for node in nodes],
        "page": [node.page for node in nodes],
        "page_label": [node.page_label for node in nodes],
        "text": [node.text for node in nodes],
        "context": [node.context for node in nodes],
        "search_text": [node.full_text for node in nodes],
        "headings": [list(node.headings) for node in nodes],
        "content_hash": [node.content_hash for node in nodes],
        "source": _repeated(changes, [change.document.source for change in changes]),
        "title": _repeated(changes, [change.document.title for change in changes]),
        "media_type": _repeated(changes, [change.document.media_type for change in changes]),
        "modified_at": _repeated(changes, [_micros(change.modified_at) for change in changes]),
        "kv": _repeated(changes, [labels(change.document.metadata) for change in changes]),
    }
    arrays = [pa.array(values, schema.field(name).type) for name, values in columns.items()]
    metadata = _repeated(changes, [filter_json(change.document.metadata) for change in changes])
    arrays.append(pa.ExtensionArray.from_storage(schema.field("metadata").type, pa.array(metadata, pa.string())))
    arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dim))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _repeated(changes: Sequence[DocumentChange], values: Sequence[T]) -> list[T]:
    return [value for change, value in zip(changes, values, strict=True) for _ in change.nodes]


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
