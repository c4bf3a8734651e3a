"""Retrieval by one score alone."""

from __future__ import annotations

from collections.abc import Callable

from docindex.protocols import Embedder, Snapshot
from docindex.retrieval.hits import hits_of
from docindex.schema import Hit, Query, Scores


class DenseRetriever:
    """By cosine similarity of the query's vector and the nodes'."""

    def __init__(self, snapshot: Callable[[], Snapshot], embedder: Embedder) -> None:
        self._snapshot = snapshot
        self._embedder = embedder

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits; the score is the cosine similarity."""
        snapshot = self._snapshot()
        vector = self._embedder.embed([query.text], kind="query")[0]
        matches = snapshot.dense(vector, query.k, query.where)
        return hits_of(snapshot, [(match.node_id, match.score, Scores(dense=match.score)) for match in matches])


class LexicalRetriever:
    """By BM25 over text, title and headings."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits; the score is BM25, which has no upper bound."""
        snapshot = self._snapshot()
        matches = snapshot.lexical(query.text, query.k, query.where)
        return hits_of(snapshot, [(match.node_id, match.score, Scores(lexical=match.score)) for match in matches])
