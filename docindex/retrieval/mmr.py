"""Variety: each hit is chosen for what it adds to those before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from docindex.errors import ConfigError
from docindex.protocols import Retriever, Snapshot, Vectors
from docindex.schema import Hit, Query

_POOL, _EXTRA = 4, 100
"""How many hits are chosen from: so many times more than are wanted, or so many more, whichever is fewer."""


class MmrRetriever:
    """Chooses among another retriever's hits by maximal marginal relevance.

    The relevance is the hit's score, scaled to the range of all that were found. Scores stay what they were, so they
    need not fall with the rank.
    """

    def __init__(self, inner: Retriever, snapshot: Callable[[], Snapshot], *, relevance: float = 0.7) -> None:
        """`relevance` is its share against variety: 1 leaves the order as it is.

        Raises:
            ConfigError: The share is out of range.
        """
        if not 0 <= relevance <= 1:
            raise ConfigError(f"The share of relevance is {relevance}: give a value from 0 to 1.")
        self._inner = inner
        self._snapshot = snapshot
        self._relevance = relevance

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, the most relevant one first."""
        found = self._inner.retrieve(replace(query, k=min(_POOL * query.k, query.k + _EXTRA)))
        vectors = self._snapshot().vectors([hit.node_id for hit in found])
        order = by_marginal_relevance([hit.score for hit in found], vectors, self._relevance, query.k)
        return [replace(found[place], rank=rank) for rank, place in enumerate(order, 1)]


def by_marginal_relevance(scores: Sequence[float], vectors: Vectors, relevance: float, k: int) -> list[int]:
    """The places of k items in the order in which they are chosen.

    Source: Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing
    Summaries" (1998).
    """
    if not scores:
        return []
    raw = np.asarray(scores, dtype=np.float64)
    span = float(np.ptp(raw))
    relevances = (raw - raw.min()) / span if span > 0 else np.ones(len(raw))
    likeness = np.asarray(vectors @ vectors.T, dtype=np.float64)
    nearest = np.zeros(len(raw))
    chosen: list[int] = []
    open_ = np.ones(len(raw), dtype=bool)
    for _ in range(min(k, len(raw))):
        value = np.where(open_, relevance * relevances - (1 - relevance) * nearest, -np.inf)
        place = int(value.argmax())
        chosen.append(place)
        open_[place] = False
        nearest = np.maximum(nearest, likeness[place])
    return chosen
