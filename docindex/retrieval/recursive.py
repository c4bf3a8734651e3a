"""Recursive retrieval: large nodes are found first, and then the passages in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from docindex.protocols import Retriever, Snapshot
from docindex.retrieval.filtered import NODE_ID, at_level, narrowed, tells_nodes_apart
from docindex.schema import Compare, Hit, Query

_CANDIDATES = 200
"""So many of the passages that meet a condition on passages lead to the large nodes that are looked at."""


class RecursiveRetriever:
    """Asks another retriever for nodes of a level, and then for passages, of those inside them alone.

    Passages of documents too small to have a node of the level are ranked with them. A condition on pages and the like
    is one on passages: large nodes are looked at for it which hold passages that meet it.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], inner: Retriever, *, level: int = 1, parents: int = 10
    ) -> None:
        self._snapshot = snapshot
        self._level = level
        self._large = at_level(inner, level)
        self._small = at_level(inner)
        self._parents = parents

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` passages, as the inner retriever ranks them."""
        found = self._found(replace(query, k=self._parents))
        by_document = self._snapshot().nodes_of_all({hit.doc_id for hit in found})
        inside = {
            node.node_id: None
            for hit in found
            for node in by_document[hit.doc_id]
            if node.level == 0 and hit.node.start <= node.start and node.end <= hit.node.end
        }
        inside |= {hit.node_id: None for hit in self._small.retrieve(query) if hit.node.parent_id is None}
        if not inside:
            return []
        return self._small.retrieve(narrowed(query, Compare(NODE_ID, "in", tuple(inside))))

    def _found(self, query: Query) -> list[Hit]:
        if query.where is None or not tells_nodes_apart(query.where):
            return self._large.retrieve(query)
        passages = self._small.retrieve(replace(query, k=_CANDIDATES))
        by_document = self._snapshot().nodes_of_all({hit.doc_id for hit in passages})
        around = {
            node.node_id: None
            for hit in passages
            for node in by_document[hit.doc_id]
            if node.level == self._level and node.start <= hit.node.start and hit.node.end <= node.end
        }
        return self._large.retrieve(replace(query, where=Compare(NODE_ID, "in", tuple(around)))) if around else []
