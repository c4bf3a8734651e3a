"""Dense and lexical retrieval as one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Embedder, Snapshot
from docindex.retrieval.fusion import Candidates, Fusion, fuse, ranked
from docindex.retrieval.hits import hits_of
from docindex.schema import Hit, Query, Scores

DEPTH = 100
"""Candidates that each side proposes."""


class HybridRetriever:
    """Scores every candidate of either side on both, and fuses the scores: by default, adds them up.

    With the default fusion the score is `w * cosine + (1 - w) * bm25 / max(bm25)`; `docindex.retrieval.fusion` has the
    others, and why it is the default.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        embedder: Embedder,
        dense_weight: float,
        *,
        fusion: Fusion = "weighted",
    ) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._weight = dense_weight
        self._fusion: Fusion = fusion

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, of `max(k, 100)` candidates from either side."""
        snapshot = self._snapshot()
        vector = self._embedder.embed([query.text], kind="query")[0]
        candidates = find_candidates(snapshot, query, vector)
        return fused_hits(snapshot, candidates, fuse(self._fusion, candidates, self._weight), query.k)


def find_candidates(snapshot: Snapshot, query: Query, vector: NDArray[np.float32]) -> Candidates:
    """The best nodes by the vector and the best by the query's words, each with both of its scores."""
    depth = max(DEPTH, query.k)
    near, worded = snapshot.search_both(query.text, vector, depth, query.where)
    dense: dict[str, float | None] = {match.node_id: match.score for match in near}
    lexical = {match.node_id: match.score for match in worded}
    only_dense, only_lexical = dense.keys() - lexical.keys(), lexical.keys() - dense.keys()
    cosines, scores = snapshot.score_both(query.text, vector, only_lexical, only_dense)
    dense |= {node_id: cosines.get(node_id) for node_id in sorted(only_lexical)}
    return Candidates(dense, lexical | scores)


def fused_hits(snapshot: Snapshot, candidates: Candidates, fused: dict[str, float], k: int) -> list[Hit]:
    """The k candidates of the highest fused score."""
    return hits_of(
        snapshot,
        [
            (node_id, fused[node_id], Scores(candidates.dense[node_id], candidates.lexical.get(node_id, 0.0)))
            for node_id in ranked(fused)[:k]
        ],
    )
