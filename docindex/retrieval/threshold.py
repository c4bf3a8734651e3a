"""Nothing rather than what hardly fits."""

from __future__ import annotations

from dataclasses import replace

from docindex.protocols import Retriever
from docindex.retrieval.enough import enough_hits
from docindex.schema import Hit, Query

_EXTRA, _ROUNDS = 100, 2
"""With a threshold on the cosine: so many more hits are asked for than are wanted, and so often."""


class ThresholdRetriever:
    """Leaves out the hits of another retriever that score less than is asked for.

    What a score means depends on what gives it: a cosine is comparable between queries, BM25 is not, and in the hybrid
    mode the best passage by words has its whole lexical share, however few of the words it holds. So a threshold for
    the hybrid mode is best put on the cosine.
    """

    def __init__(self, inner: Retriever, *, min_score: float | None = None, min_dense: float | None = None) -> None:
        """A hit stays whose score is at least `min_score` and whose cosine, where it has one, at least `min_dense`."""
        self._inner = inner
        self._min_score = min_score
        self._min_dense = min_dense

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits; fewer, or none, where fewer reach the thresholds."""
        if self._min_dense is None:  # hits come by their score: behind the first one that is left out there is no other
            return self._kept(self._inner.retrieve(query))
        return enough_hits(self._inner, query, self._kept, first=query.k + _EXTRA, rounds=_ROUNDS)

    def _kept(self, hits: list[Hit]) -> list[Hit]:
        kept = [hit for hit in hits if self._reaches(hit)]
        return [replace(hit, rank=rank) for rank, hit in enumerate(kept, 1)]

    def _reaches(self, hit: Hit) -> bool:
        if self._min_score is not None and hit.score < self._min_score:
            return False
        dense = hit.scores.dense
        return self._min_dense is None or dense is None or dense >= self._min_dense
