"""Reading one version of the nodes table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from docindex.errors import StoreError
from docindex.protocols import Match
from docindex.schema import Node
from docindex.stores.conditions import is_any_of
from docindex.stores.lance import rows_of
from docindex.stores.lancedb_api import (
    FullTextOperator,
    LanceFtsQueryBuilder,
    LanceTable,
    MatchQuery,
)

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

    def __init__(self, table: LanceTable) -> None:
        self.table = table

    def count(self, where: str | None = None) -> int:
        """How many nodes there are, or pass the filter."""
        return self.table.count_rows(where)

    def lexical(self, text: str, k: int, where: str | None = None, among: Collection[str] | None = None) -> list[Match]:
        """The k nodes of the highest BM25 score, best first. No character of the text has a meaning as syntax."""
        if k <= 0 or not text.strip() or (among is not None and not among):
            return []
        filters = [part for part in (where, None if among is None else is_any_of("node_id", among)) if part]
        query = LanceFtsQueryBuilder(self.table, _words(text))
        if filters:
            query = query.where(" AND ".join(filters))
        found = query.select(["node_id", "_score"]).limit(k).to_arrow()
        return matches(found["node_id"], found["_score"].to_numpy())

    def known(self, node_ids: Sequence[str]) -> set[str]:
        """Those of the ids that nodes have."""
        found: set[str] = set()
        for rows in rows_of(self.table, "node_id", node_ids, ["node_id"]):
            found.update(rows["node_id"].to_pylist())
        return found

    def places_of(self, doc_ids: Sequence[str]) -> Iterator[tuple[str, int, int, str]]:
        """Document, level, order and id of each node of the documents, in no order."""
        for rows in rows_of(self.table, "doc_id", doc_ids, ["doc_id", "level", "order", "node_id"]):
            yield from zip(*(rows[name].to_pylist() for name in ("doc_id", "level", "order", "node_id")), strict=True)

    def nodes(self, node_ids: Sequence[str]) -> list[Node]:
        """The nodes, in the order of the ids."""
        found = {
            node.node_id: node
            for rows in rows_of(self.table, "node_id", list(dict.fromkeys(node_ids)), _NODE_COLUMNS)
            for node in _nodes(rows)
        }
        if len(found) < len(set(node_ids)):
            raise unknown(set(node_ids) - set(found))
        return [found[node_id] for node_id in node_ids]

    def nodes_of(self, doc_id: str) -> list[Node]:
        """A document's nodes, by level and order."""
        return sorted(self.nodes_of_all([doc_id]), key=lambda node: (node.level, node.order))

    def nodes_of_all(self, doc_ids: Sequence[str]) -> Iterator[Node]:
        """The nodes of many documents, in no order."""
        for rows in rows_of(self.table, "doc_id", doc_ids, _NODE_COLUMNS):
            yield from _nodes(rows)


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


def matches(node_ids: pa.ChunkedArray, scores: NDArray[np.float64]) -> list[Match]:
    """Matches, best first."""
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


def unknown(node_ids: Collection[str]) -> StoreError:
    """The complaint about ids that no node has."""
    return StoreError(f"The index holds no node {min(node_ids)!r} at this version: search again.")
