"""Dense and lexical retrieval as one."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Embedder, Snapshot
from docindex.retrieval.fusion import Candidates, Fusion, fuse, ranked
from docindex.retrieval.hits import hits_of
from docindex.schema import Hit, Query, Scores

DEPTH = 100
"""Candidates that each side proposes."""
WORDED = 4
"""For so many times as many the words are counted at once, so that fewer have to be looked up one by one."""
_ROUNDING = 1e-6


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
        weight = self._weight if self._fusion == "weighted" else None
        candidates = find_candidates(snapshot, query, vector, leading_by=weight)
        return fused_hits(snapshot, candidates, fuse(self._fusion, candidates, self._weight), query.k)


def find_candidates(
    snapshot: Snapshot, query: Query, vector: NDArray[np.float32], *, leading_by: float | None = None
) -> Candidates:
    """The best nodes by the vector and the best by the query's words, each with both of its scores.

    To look up the BM25 of nodes that the words did not propose takes longest. With `leading_by`, a weight of the
    cosines, only those are looked up that can be among the `query.k` best by the weighted sum; the others have none.
    """
    depth = max(DEPTH, query.k)
    near, worded, cosines = snapshot.search_both(query.text, vector, depth, query.where, WORDED * depth)
    dense: dict[str, float | None] = {match.node_id: cosines.get(match.node_id) for match in worded[:depth]}
    dense |= {match.node_id: match.score for match in near}
    lexical = {match.node_id: match.score for match in worded if match.node_id in dense}
    open_ = dense.keys() - lexical.keys()
    if len(worded) < WORDED * depth:  # all that share a word with the query
        return Candidates(dense, lexical)
    last = worded[-1].score
    if leading_by is not None:
        open_ &= _can_lead(dense, lexical, last, query.k, leading_by)
    if open_:
        # The words would have given what scores higher than their last. Rows that no index has taken up yet may: a
        # filter has their words counted among few.
        found = snapshot.lexical(query.text, len(open_), among=open_)
        lexical |= {match.node_id: min(match.score, last) for match in found}
    return Candidates(dense, lexical)


def _can_lead(
    dense: Mapping[str, float | None], lexical: Mapping[str, float], last: float, k: int, weight: float
) -> set[str]:
    """The nodes that may be among the k of the highest weighted sum, whatever BM25 those without one have.

    They have at most `last`, that of the last one that the words gave, and at least none.
    """
    if not k:
        return set()
    best = max(lexical.values())
    known = {node_id: weight * cosine for node_id, cosine in dense.items() if cosine is not None}
    least = heapq.nlargest(k, (value + (1 - weight) * lexical.get(key, 0.0) / best for key, value in known.items()))
    if len(least) < k:
        return set(known)
    most = (1 - weight) * last / best + _ROUNDING
    return {node_id for node_id, value in known.items() if value + most >= least[-1]}


def fused_hits(snapshot: Snapshot, candidates: Candidates, fused: dict[str, float], k: int) -> list[Hit]:
    """The k candidates of the highest fused score."""
    return hits_of(
        snapshot,
        [
            (node_id, fused[node_id], Scores(candidates.dense[node_id], candidates.lexical.get(node_id, 0.0)))
            for node_id in ranked(fused)[:k]
        ],
    )
