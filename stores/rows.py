"""The columns of the two LanceDB tables, and the rows that changes make of documents.

`nodes` has the texts; `search_text` is what full-text search reads: the context and the text, which also stands alone.
`vectors` has a row for each node that is embedded, with the columns that conditions name, so that a search by meaning
reads one table. Adding vectors leaves the nodes as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from docindex.protocols import DocumentChange, DocumentRecord, Vectors
from docindex.schema import Document
from docindex.stores.encoding import filter_json, labels, to_micros

BATCH_ROWS = 2048

_TEXT, _NUMBER = pa.string(), pa.int32()
_FIELDS = {
    "node_id": pa.field("node_id", _TEXT, nullable=False),
    "doc_id": pa.field("doc_id", _TEXT, nullable=False),
    "order": pa.field("order", _NUMBER, nullable=False),
    "level": pa.field("level", _NUMBER, nullable=False),
    "parent_id": pa.field("parent_id", _TEXT),
    "start": pa.field("start", pa.int64(), nullable=False),
    "end": pa.field("end", pa.int64(), nullable=False),
    "page": pa.field("page", _NUMBER),
    "page_label": pa.field("page_label", _TEXT),
    "text": pa.field("text", _TEXT, nullable=False),
    "context": pa.field("context", _TEXT, nullable=False),
    "search_text": pa.field("search_text", _TEXT, nullable=False),
    "headings": pa.field("headings", pa.list_(_TEXT), nullable=False),
    "content_hash": pa.field("content_hash", _TEXT, nullable=False),
    "source": pa.field("source", _TEXT, nullable=False),
    "title": pa.field("title", _TEXT, nullable=False),
    "media_type": pa.field("media_type", _TEXT, nullable=False),
    "modified_at": pa.field("modified_at", pa.timestamp("us", "UTC")),
    "kv": pa.field("kv", pa.list_(_TEXT), nullable=False),
    "metadata": pa.field("metadata", pa.json_(), nullable=False),
}
VECTOR_COLUMNS = [
    "node_id",
    "doc_id",
    "level",
    "page",
    "page_label",
    "headings",
    "content_hash",
    "source",
    "title",
    "media_type",
    "modified_at",
    "kv",
    "metadata",
]
"""What the vectors table shares with the nodes table."""


def node_schema() -> pa.Schema:
    """The columns of the nodes table."""
    return pa.schema(list(_FIELDS.values()))


def vector_schema(dim: int) -> pa.Schema:
    """The columns of the vectors table."""
    shared = [_FIELDS[name] for name in VECTOR_COLUMNS]
    return pa.schema([*shared, pa.field("vector", pa.list_(pa.float32(), dim), nullable=False)])


def node_batches(changes: Sequence[DocumentChange]) -> Iterator[pa.RecordBatch]:
    """The rows of the nodes table for documents."""
    schema = node_schema()
    for group in _groups(changes):
        yield _node_batch(group, schema)


def vector_batches(changes: Sequence[DocumentChange], dim: int) -> Iterator[pa.RecordBatch]:
    """The rows of the vectors table for those nodes of documents that have a vector."""
    schema = node_schema()
    for group in _groups(changes):
        vectors = np.concatenate([change.vectors.reshape(-1, dim) for change in group])
        present = vectors.any(axis=1)
        if present.any():
            nodes = _node_batch(group, schema).select(VECTOR_COLUMNS).filter(pa.array(present))
            yield with_vectors(nodes, vectors[present], dim)


def with_vectors(nodes: pa.RecordBatch, vectors: Vectors, dim: int) -> pa.RecordBatch:
    """Rows of the vectors table, from the shared columns and the vectors."""
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.astype(np.float32, copy=False).ravel()), dim)
    arrays = [nodes.column(name) for name in VECTOR_COLUMNS]
    return pa.RecordBatch.from_arrays([*arrays, column], schema=vector_schema(dim))


def vectors_in(rows: pa.Table | pa.RecordBatch, dim: int) -> NDArray[np.float32]:
    """The vectors of some rows, shape (n, dim)."""
    column = rows["vector"]
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    found: NDArray[np.float32] = whole.flatten().to_numpy(zero_copy_only=False).reshape(rows.num_rows, dim)
    return found


def _groups(changes: Sequence[DocumentChange]) -> Iterator[list[DocumentChange]]:
    waiting: list[DocumentChange] = []
    rows = 0
    for change in changes:
        waiting.append(change)
        rows += len(change.nodes)
        if rows >= BATCH_ROWS:
            yield waiting
            waiting, rows = [], 0
    if waiting:
        yield waiting


def document_columns(documents: Sequence[tuple[Document | DocumentRecord, datetime | None]]) -> dict[str, pa.Array]:
    """What the nodes of documents, each with the time of its last change, repeat of them: a value a document."""
    values: dict[str, Sequence[object]] = {
        "source": [document.source for document, _ in documents],
        "title": [document.title for document, _ in documents],
        "media_type": [document.media_type for document, _ in documents],
        "modified_at": [None if moment is None else to_micros(moment) for _, moment in documents],
        "kv": [labels(document.metadata) for document, _ in documents],
    }
    columns = {name: pa.array(column, _FIELDS[name].type) for name, column in values.items()}
    metadata = pa.array([filter_json(document.metadata) for document, _ in documents], pa.string())
    columns["metadata"] = pa.ExtensionArray.from_storage(_FIELDS["metadata"].type, metadata)
    return columns


def _node_batch(changes: Sequence[DocumentChange], schema: pa.Schema) -> pa.RecordBatch:
    nodes = [node for change in changes for node in change.nodes]
    values: dict[str, Sequence[object]] = {
        "node_id": [node.node_id for node in nodes],
        "doc_id": [node.doc_id for node in nodes],
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
    }
    columns = {name: pa.array(column, schema.field(name).type) for name, column in values.items()}
    belongs = pa.array([place for place, change in enumerate(changes) for _ in change.nodes], pa.int64())
    repeated = document_columns([(change.document, change.modified_at) for change in changes])
    columns |= {name: column.take(belongs) for name, column in repeated.items()}
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
