"""Reading one version of the nodes table."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from docindex.errors import StoreError
from docindex.protocols import Match
from docindex.schema import Node
from docindex.stores.conditions import Filter, is_any_of
from docindex.stores.lance import OpenVersion, rows_of
from docindex.stores.lancedb_api import AsyncFTSQuery, AsyncVectorQuery, FullTextOperator, LanceTable, MatchQuery
from docindex.stores.queries import query_of, rows_numbered, wait_for
from docindex.stores.row_ids import RowIds

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
    """The nodes of one version."""

    def __init__(self, table: LanceTable, opened: OpenVersion | None = None) -> None:
        """Without `opened`, the table may change."""
        self.table = table
        self._opened = opened

    def count(self, where: Filter | None = None) -> int:
        """How many nodes there are, or pass the filter."""
        return self.table.count_rows(None if where is None else where.sql)

    def lexical(
        self, text: str, k: int, where: Filter | None = None, among: Collection[str] | None = None
    ) -> list[Match]:
        """The k nodes of the highest BM25 score, best first. No character of the text has a meaning as syntax."""
        return wait_for(self.find(text, k, where, among))

    def find(
        self, text: str, k: int, where: Filter | None = None, among: Collection[str] | None = None
    ) -> Coroutine[None, None, list[Match]]:
        """The same as `lexical`, to be awaited. Not to be called on LanceDB's loop."""
        row_ids = self._row_ids()
        filters = [] if where is None else [where.sql]
        if among is not None:
            filters.append(is_any_of("node_id", among))  # by row numbers LanceDB would go through all rows
        return self._find(text, k if among is None or among else 0, " AND ".join(filters), row_ids)

    async def _find(self, text: str, k: int, where: str, row_ids: RowIds | None) -> list[Match]:
        if k <= 0 or not text.strip():
            return []
        query = query_of(self.table).nearest_to_text(_words(text)).limit(k)
        if where:
            query = query.where(where)
        return await scored(query, "_score", row_ids)

    def known(self, node_ids: Sequence[str], where: Filter | None = None) -> set[str]:
        """Those of the ids that nodes have which meet the filter."""
        found: set[str] = set()
        for rows in rows_of(self.table, "node_id", node_ids, ["node_id"], None if where is None else where.sql):
            found.update(rows["node_id"].to_pylist())
        return found

    def places_of(self, doc_ids: Sequence[str]) -> Iterator[tuple[str, int, int, str]]:
        """Document, level, order and id of each node of the documents, in no order."""
        for rows in rows_of(self.table, "doc_id", doc_ids, ["doc_id", "level", "order", "node_id"]):
            yield from zip(*(rows[name].to_pylist() for name in ("doc_id", "level", "order", "node_id")), strict=True)

    def nodes(self, node_ids: Sequence[str]) -> list[Node]:
        """The nodes, in the order of the ids."""
        wanted = list(dict.fromkeys(node_ids))
        found = {node.node_id: node for rows in self._rows(wanted) for node in _nodes(rows)}
        if len(found) < len(wanted):
            raise unknown(set(wanted) - set(found))
        return [found[node_id] for node_id in node_ids]

    def _rows(self, node_ids: list[str]) -> Iterator[pa.Table]:
        row_ids = self._row_ids()
        if row_ids is None:
            yield from rows_of(self.table, "node_id", node_ids, self._columns())
        elif rows := list(row_ids.rows_of(node_ids)):
            yield wait_for(rows_numbered(self.table, rows).select(self._columns()).to_arrow())

    def _row_ids(self) -> RowIds | None:
        return None if self._opened is None else self._opened.row_ids.get()

    def nodes_of(self, doc_id: str) -> list[Node]:
        """A document's nodes, by level and order."""
        return sorted(self.nodes_of_all([doc_id]), key=lambda node: (node.level, node.order))

    def nodes_of_all(self, doc_ids: Sequence[str]) -> Iterator[Node]:
        """The nodes of many documents, in no order."""
        for rows in rows_of(self.table, "doc_id", doc_ids, self._columns()):
            yield from _nodes(rows)

    def _columns(self) -> list[str]:
        """The columns that make a node.

        Reading one value of a column in which all are equal costs LanceDB as much as reading all: at a million rows as
        much as all other columns of ten nodes. Most indexes have no level but 0.
        """
        if self._opened is None:
            return _NODE_COLUMNS
        if self._opened.has_levels is None:
            self._opened.has_levels = self.table.count_rows("level != 0") > 0
        return _NODE_COLUMNS if self._opened.has_levels else [name for name in _NODE_COLUMNS if name != "level"]


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


async def scored(query: AsyncVectorQuery | AsyncFTSQuery, score: str, row_ids: RowIds | None) -> list[Match]:
    """What a query finds, best first; by distance, the score is the cosine."""
    if row_ids is None:
        found = await query.select(["node_id", score]).to_arrow()
        node_ids = found["node_id"].to_pylist()
    else:
        found = await query.select([score]).with_row_id().to_arrow()
        node_ids = row_ids.ids_of(found["_rowid"])
    scores = found[score].to_numpy()
    return matches(node_ids, np.clip(1.0 - scores, -1.0, 1.0) if score == "_distance" else scores)


def matches(node_ids: Sequence[str], scores: NDArray[np.float32] | NDArray[np.float64]) -> list[Match]:
    """Matches, best first."""
    found = [
        Match(node_id, float(score)) for node_id, score in zip(node_ids, scores, strict=True) if not np.isnan(score)
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
            level=row.get("level", 0),
            parent_id=row["parent_id"],
        )


def unknown(node_ids: Collection[str]) -> StoreError:
    """The complaint about ids that no node has."""
    return StoreError(f"The index holds no node {min(node_ids)!r} at this version: search again.")
