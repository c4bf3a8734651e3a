"""Documents rather than passages: so many hits of one document and no more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from docindex.errors import ConfigError
from docindex.protocols import Retriever
from docindex.retrieval.enough import enough_hits
from docindex.schema import Hit, Query

_FACTOR, _EXTRA = 3, 200
"""How many hits are asked for at first: so many times more, or so many more, whichever is fewer."""
_ROUNDS = 4
"""How often more are asked for, when too many were of the same documents."""


class PerDocumentRetriever:
    """Asks another retriever for more than is wanted, and keeps the best few of each document.

    With `most=1` the hits are documents, each at the rank of its best passage.
    """

    def __init__(self, inner: Retriever, most: int = 1) -> None:
        """Keeps at most so many hits of one document.

        Raises:
            ConfigError: The number is less than 1.
        """
        if most < 1:
            raise ConfigError(f"The most hits of one document are {most}: give 1 or more.")
        self._inner = inner
        self._most = most

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits; fewer where no more documents are found, or one of them fills hundreds of ranks."""
        first = min(_FACTOR * query.k, query.k + _EXTRA)
        return enough_hits(
            self._inner, query, lambda found: best_of_each(found, self._most), first=first, rounds=_ROUNDS
        )


def best_of_each(hits: list[Hit], most: int) -> list[Hit]:
    """The first hits of each document, ranks from 1."""
    seen: Counter[str] = Counter()
    kept: list[Hit] = []
    for hit in hits:
        seen[hit.doc_id] += 1
        if seen[hit.doc_id] <= most:
            kept.append(replace(hit, rank=len(kept) + 1))
    return kept
