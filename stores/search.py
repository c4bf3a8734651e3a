"""Reading one version of the nodes table."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from docindex.errors import StoreError
from docindex.protocols import Match, Vectors
from docindex.schema import Node
from docindex.stores.conditions import is_any_of
from docindex.stores.lance import vector_index
from docindex.stores.lancedb_api import (
    FullTextOperator,
    LanceFtsQueryBuilder,
    LanceTable,
    LanceVectorQueryBuilder,
    MatchQuery,
)

REFINE_FACTOR = 10
MIN_CANDIDATES = 300
"""How many times k, and at least how many, candidates of the approximate index are compared exactly. Ten times ten
found 85 % of the ten nearest among near-equal neighbours, thirty times ten all of them, for 3 ms more."""
MIN_PROBES = 50
FEW_ROWS = 5_000
"""Up to so many matches of a filter, comparing with each is faster and surer than the approximate index."""

_CHUNK = 500
_NODE_COLUMNS = [
    "node_id",
    "doc_id",
    "order",
    "level",
    "parent_id",
    "start",
    "end",
    "page",
    "page_label",
    "text",
    "context",
    "headings",
]


class NodeSearch:
    """The nodes of one version. Filters are what `compile_condition` gives."""

    def __init__(self, table: LanceTable, dim: int) -> None:
        self.table = table
        self._dim = dim

    def count(self, where: str | None = None) -> int:
        """How many nodes there are, or pass the filter."""
        return self.table.count_rows(where)

    def dense(self, vector: NDArray[np.float32], k: int, where: str | None = None) -> list[Match]:
        """The k nodes of the highest cosine similarity, best first."""
        if k <= 0 or not np.any(vector):
            return []
        query = LanceVectorQueryBuilder(self.table, vector, "vector").distance_type("cosine")
        index = vector_index(self.table)
        if index is not None:
            rows = self.count(where)
            if rows <= FEW_ROWS:
                query = query.bypass_vector_index()
            else:
                # A filter leaves few near neighbours in each partition: all of them are looked through then.
                probes = max(MIN_PROBES, index.partitions // 5) if where is None else index.partitions
                query = query.nprobes(min(probes, index.partitions))
                query = query.refine_factor(max(REFINE_FACTOR, math.ceil(MIN_CANDIDATES / k)))
        if where is not None:
            query = query.where(where)
        found = query.select(["node_id", "_distance"]).limit(k).to_arrow()
        return _matches(found["node_id"], np.clip(1.0 - found["_distance"].to_numpy(), -1.0, 1.0))

    def lexical(self, text: str, k: int, where: str | None = None, among: Collection[str] | None = None) -> list[Match]:
        """The k nodes of the highest BM25 score, best first. No character of the text has a meaning as syntax."""
        if k <= 0 or not text.strip() or (among is not None and not among):
            return []
        filters = [part for part in (where, None if among is None else is_any_of("node_id", among)) if part]
        query = LanceFtsQueryBuilder(self.table, _words(text))
        if filters:
            query = query.where(" AND ".join(filters))
        found = query.select(["node_id", "_score"]).limit(k).to_arrow()
        return _matches(found["node_id"], found["_score"].to_numpy())

    def vectors(self, node_ids: Sequence[str]) -> Vectors:
        """The nodes' vectors, in their order; zeros for a node that has none yet."""
        found = np.zeros((len(node_ids), self._dim), np.float32)
        places: dict[str, list[int]] = {}
        for place, node_id in enumerate(node_ids):
            places.setdefault(node_id, []).append(place)
        missing = set(places)
        for rows in self._rows_of("node_id", list(places), ["node_id", "vector"]):
            missing.difference_update(rows["node_id"].to_pylist())
            for node_id, vector in self._vectors_in(rows, "node_id"):
                found[places[node_id]] = vector
        if missing:
            raise _unknown(missing)
        return found

    def vectors_by_hash(self, content_hashes: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of the nodes that have these hashes."""
        found: dict[str, NDArray[np.float32]] = {}
        for rows in self._rows_of("content_hash", list(content_hashes), ["content_hash", "vector"]):
            found.update(self._vectors_in(rows, "content_hash"))
        return found

    def nodes(self, node_ids: Sequence[str]) -> list[Node]:
        """The nodes, in the order of the ids."""
        found = {
            node.node_id: node
            for rows in self._rows_of("node_id", list(dict.fromkeys(node_ids)), _NODE_COLUMNS)
            for node in _nodes(rows)
        }
        if len(found) < len(set(node_ids)):
            raise _unknown(set(node_ids) - set(found))
        return [found[node_id] for node_id in node_ids]

    def nodes_of(self, doc_id: str) -> list[Node]:
        """A document's nodes, by level and order."""
        return sorted(self.nodes_of_all([doc_id]), key=lambda node: (node.level, node.order))

    def nodes_of_all(self, doc_ids: Sequence[str]) -> Iterator[Node]:
        """The nodes of many documents, in no order."""
        for rows in self._rows_of("doc_id", doc_ids, _NODE_COLUMNS):
            yield from _nodes(rows)

    def scan(self, columns: list[str], batch_rows: int = 4096) -> Iterator[pa.RecordBatch]:
        """All rows, batch by batch."""
        yield from self.table.search().select(columns).to_batches(batch_rows)

    def _rows_of(self, column: str, values: Sequence[str], columns: list[str]) -> Iterator[pa.Table]:
        for start in range(0, len(values), _CHUNK):
            chosen = is_any_of(column, values[start : start + _CHUNK])
            yield self.table.search().where(chosen).select(columns).to_arrow()

    def _vectors_in(self, rows: pa.Table, key: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
        rows = rows.filter(rows["vector"].is_valid())
        if rows.num_rows:
            flat = rows["vector"].combine_chunks().flatten().to_numpy()
            yield from zip(rows[key].to_pylist(), flat.reshape(rows.num_rows, self._dim), strict=True)


def _words(text: str) -> MatchQuery:
    """Any of the words of the text, stemmed as the index has them. Fuzziness would cost most of the ranking.

    A further clause for the title cost a point of nDCG@10 on SciFact's train split: a node's context has it already.
    """
    return MatchQuery(
        text,
        "search_text",
        boost=1.0,
        fuzziness=0,
        max_expansions=50,
        operator=FullTextOperator.OR,
        prefix_length=0,
        document_granularity=None,
    )


def _matches(node_ids: pa.ChunkedArray, scores: NDArray[np.float64]) -> list[Match]:
    found = [
        Match(node_id, float(score))
        for node_id, score in zip(node_ids.to_pylist(), scores, strict=True)
        if not np.isnan(score)
    ]
    return sorted(found, key=lambda match: (-match.score, match.node_id))


def _nodes(rows: pa.Table) -> Iterator[Node]:
    for row in rows.to_pylist():
        yield Node(
            node_id=row["node_id"],
            doc_id=row["doc_id"],
            order=row["order"],
            start=row["start"],
            end=row["end"],
            text=row["text"],
            context=row["context"],
            headings=tuple(row["headings"]),
            page=row["page"],
            page_label=row["page_label"],
            level=row["level"],
            parent_id=row["parent_id"],
        )


def _unknown(node_ids: Collection[str]) -> StoreError:
    return StoreError(f"The index holds no node {min(node_ids)!r} at this version: search again.")
