"""Retrieval with several texts for one question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from docindex.protocols import Retriever
from docindex.schema import Hit, Query

OTHERS_WEIGHT = 0.5
"""What all further texts count together, beside the first one."""


class MultiQueryRetriever:
    """Asks another retriever with each of the texts that a transform makes of the question, and adds up the scores.

    Scores of a text are scaled by its best one. The first text counts fully, and the others half as much together, so
    that what a small model makes up can help and hardly harm.
    """

    def __init__(self, inner: Retriever, texts: Callable[[Query], Sequence[str]], *, depth: int = 50) -> None:
        self._inner = inner
        self._texts = texts
        self._depth = depth

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits; with one text, those of the inner retriever."""
        texts = self._texts(query)
        if len(texts) == 1:
            return self._inner.retrieve(replace(query, text=texts[0]))
        depth = max(query.k, self._depth)
        scores: dict[str, float] = {}
        hits: dict[str, Hit] = {}
        for place, text in enumerate(texts):
            found = self._inner.retrieve(replace(query, text=text, k=depth))
            best = max((hit.score for hit in found), default=0.0)
            weight = OTHERS_WEIGHT / (len(texts) - 1) if place else 1.0
            for hit in found:
                scores[hit.node_id] = scores.get(hit.node_id, 0.0) + weight * (hit.score / best if best > 0 else 0.0)
                hits.setdefault(hit.node_id, hit)
        order = sorted(scores, key=lambda node_id: (-scores[node_id], node_id))[: query.k]
        return [replace(hits[key], rank=rank, score=scores[key]) for rank, key in enumerate(order, 1)]
