"""Vectors for nodes that are stored without: which rows of the vectors table they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from docindex.errors import StoreError
from docindex.protocols import NodeVectors
from docindex.schema import Node
from docindex.stores.dense import VectorSearch
from docindex.stores.lance import rows_of
from docindex.stores.lancedb_api import LanceTable
from docindex.stores.rows import VECTOR_COLUMNS, with_vectors
from docindex.stores.search import NodeSearch, unknown
from docindex.stores.sql import Registry

_DOCUMENTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class LateVectors:
    """Rows to add to the vectors table."""

    batches: tuple[pa.RecordBatch, ...]
    by_document: Counter[str]
    """How many nodes of each document they are for."""


def late_vectors(
    given: NodeVectors, nodes: LanceTable, vectors: LanceTable, leaving: Collection[str], dim: int
) -> LateVectors:
    """The rows for the vectors, with what the nodes table says of their nodes.

    Raises:
        StoreError: A node is unknown, belongs to one of the documents that are `leaving`, or has a vector already.
    """
    place = {node_id: row for row, node_id in enumerate(given.node_ids)}
    has_one = VectorSearch(vectors, dim).ids("node_id", list(place))
    if has_one:
        raise StoreError(f"Node {min(has_one)!r} has a vector already: leave it out.")
    batches: list[pa.RecordBatch] = []
    by_document: Counter[str] = Counter()
    missing = set(place)
    for rows in rows_of(nodes, "node_id", list(place), VECTOR_COLUMNS):
        if not rows.num_rows:
            continue
        node_ids = rows["node_id"].to_pylist()
        missing.difference_update(node_ids)
        by_document.update(rows["doc_id"].to_pylist())
        chosen = given.vectors[np.array([place[node_id] for node_id in node_ids])]
        batch = rows.combine_chunks().to_batches()[0]
        batches.append(with_vectors(batch, chosen, dim))
    if missing:
        raise unknown(missing)
    if gone := set(by_document) & set(leaving):
        raise StoreError(
            f"Document {min(gone)!r} is replaced or deleted with vectors for its old nodes: leave them out."
        )
    return LateVectors(tuple(batches), by_document)


def nodes_without_vector(
    registry: Registry, version: int, nodes: NodeSearch, vectors: VectorSearch, limit: int
) -> list[Node]:
    """At most so many nodes that have no vector, those of one document together, in order.

    Looks at the documents that are known to have such nodes, and of those at no more than it takes.
    """
    found: list[str] = []
    doc_ids = list(registry.pending(version, limit))
    for start in range(0, len(doc_ids), _DOCUMENTS_AT_ONCE):
        chosen = doc_ids[start : start + _DOCUMENTS_AT_ONCE]
        has_one = vectors.ids("doc_id", chosen)
        places = sorted(nodes.places_of(chosen))
        found += [node_id for _, _, _, node_id in places if node_id not in has_one]
        if len(found) >= limit:
            break
    return nodes.nodes(found[:limit])
