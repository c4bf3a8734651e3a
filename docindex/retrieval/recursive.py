"""Recursive retrieval: large nodes are found first, and then the passages in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from docindex.protocols import Embedder, Retriever, Snapshot
from docindex.retrieval.filtered import at_level
from docindex.retrieval.hits import hits_of
from docindex.schema import Hit, Query, Scores


class RecursiveRetriever:
    """Asks another retriever for nodes of a level, and ranks the passages inside them by likeness to the query.

    Passages of documents too small to have a node of the level are ranked with them.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        embedder: Embedder,
        inner: Retriever,
        *,
        level: int = 1,
        parents: int = 10,
    ) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._large = at_level(inner, level)
        self._small = at_level(inner)
        self._parents = parents

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` passages; the score is the cosine similarity."""
        snapshot = self._snapshot()
        found = self._large.retrieve(replace(query, k=self._parents))
        by_document = snapshot.nodes_of_all({hit.doc_id for hit in found})
        inside = {
            node.node_id: None
            for hit in found
            for node in by_document[hit.doc_id]
            if node.level == 0 and hit.node.start <= node.start and node.end <= hit.node.end
        }
        inside |= {hit.node_id: None for hit in self._small.retrieve(query) if hit.node.parent_id is None}
        if not inside:
            return []
        scores = snapshot.vectors(list(inside)) @ self._embedder.embed([query.text], kind="query")[0]
        order = sorted(zip(inside, map(float, scores), strict=True), key=lambda pair: (-pair[1], pair[0]))
        return hits_of(snapshot, [(node_id, score, Scores(dense=score)) for node_id, score in order[: query.k]])
