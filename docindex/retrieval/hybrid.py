"""Dense and lexical retrieval fused by a weighted sum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Embedder, Snapshot
from docindex.retrieval.hits import hits_of
from docindex.schema import Hit, Query, Scores

DEPTH = 100
"""Candidates that each side proposes."""


class HybridRetriever:
    """Scores every candidate of either side on both, and adds the scores up.

    The score is `w * cosine + (1 - w) * bm25 / max(bm25)`: cosines are comparable between queries as they are, BM25 is
    not, so it is scaled by the query's best. Ranks are never used: on judged collections this beats reciprocal rank
    fusion, which throws away by how much one passage leads the next.

    A passage that is not embedded yet counts as the least similar candidate, so that it is ranked by its words.
    """

    def __init__(self, snapshot: Callable[[], Snapshot], embedder: Embedder, dense_weight: float) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._weight = dense_weight

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, of `max(k, 100)` candidates from either side."""
        snapshot = self._snapshot()
        vector = self._embedder.embed([query.text], kind="query")[0]
        dense, lexical = _candidates(snapshot, query, vector)
        best = max(lexical.values(), default=0.0) or 1.0
        least = min((cosine for cosine in dense.values() if cosine is not None), default=0.0)
        fused = {
            node_id: self._weight * (least if cosine is None else cosine)
            + (1 - self._weight) * lexical.get(node_id, 0.0) / best
            for node_id, cosine in dense.items()
        }
        order = sorted(fused, key=lambda node_id: (-fused[node_id], node_id))[: query.k]
        return hits_of(
            snapshot,
            [(node_id, fused[node_id], Scores(dense[node_id], lexical.get(node_id, 0.0))) for node_id in order],
        )


def _candidates(
    snapshot: Snapshot, query: Query, vector: NDArray[np.float32]
) -> tuple[dict[str, float | None], dict[str, float]]:
    """The candidates' cosines, None where there is no vector yet, and the BM25 of those that share a word."""
    depth = max(DEPTH, query.k)
    dense: dict[str, float | None] = {}
    dense.update((match.node_id, match.score) for match in snapshot.dense(vector, depth, query.where))
    lexical = {match.node_id: match.score for match in snapshot.lexical(query.text, depth, query.where)}
    if only_dense := dense.keys() - lexical.keys():
        found = snapshot.lexical(query.text, len(only_dense), among=only_dense)
        lexical |= {match.node_id: match.score for match in found}
    if only_lexical := sorted(lexical.keys() - dense.keys()):
        vectors = snapshot.vectors(only_lexical)
        for node_id, stored in zip(only_lexical, vectors, strict=True):
            dense[node_id] = float(stored @ vector) if stored.any() else None
    return dense, lexical
