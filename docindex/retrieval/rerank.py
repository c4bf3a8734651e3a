"""Reranking: a slower and better judge looks at the best of what another retriever found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from docindex.errors import ConfigError
from docindex.protocols import Retriever
from docindex.schema import Hit, Query

CANDIDATES = 20
"""Passages that are looked at; most of what is relevant and found at all is among so many."""


class Reranker(Protocol):
    """Judges how well texts answer a query."""

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """A score for each text, shape (n,): higher is better; of about the scale of cosines or probabilities."""
        ...


class RerankingRetriever:
    """Orders the best hits of another retriever by `w * judged + (1 - w) * found`; the others follow in their order.

    The two are added as they are. To scale each to its range among the judged hits, as is often done, throws away
    whether they are near each other or far apart, and measured worse.
    """

    def __init__(
        self, inner: Retriever, reranker: Reranker, *, candidates: int = CANDIDATES, weight: float = 1.0
    ) -> None:
        """Reranks so many candidates.

        Args:
            inner: What finds them.
            reranker: What judges them.
            candidates: How many are judged.
            weight: The share of the reranker's scores; the retriever's own have the rest.

        Raises:
            ConfigError: A number is out of range.
        """
        if candidates < 1:
            raise ConfigError(f"The candidates to rerank are {candidates}: give 1 or more.")
        if not 0 <= weight <= 1:
            raise ConfigError(f"The weight of the reranker is {weight}: give a value from 0 to 1.")
        self._inner = inner
        self._reranker = reranker
        self._candidates = candidates
        self._weight = weight

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits. What is not judged is scored as far below the last judged hit as it was found."""
        found = self._inner.retrieve(replace(query, k=max(query.k, self._candidates)))
        judged, rest = found[: self._candidates], found[self._candidates :]
        if not judged:
            return []
        scores = self._reranker.score(query.text, [hit.node.full_text for hit in judged])
        hits = [
            replace(hit, score=self._weight * float(score) + (1 - self._weight) * hit.score)
            for hit, score in zip(judged, scores, strict=True)
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.rank))
        shift = hits[-1].score - judged[-1].score
        hits += [replace(hit, score=hit.score + shift) for hit in rest]
        return [replace(hit, rank=rank) for rank, hit in enumerate(hits[: query.k], 1)]
