"""Enough hits, where some of what is found is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from docindex.protocols import Retriever
from docindex.schema import Hit, Query

_FACTOR = 3
"""So many times as many are asked for in each further round."""


def enough_hits(
    inner: Retriever, query: Query, keep: Callable[[list[Hit]], list[Hit]], *, first: int, rounds: int
) -> list[Hit]:
    """At most `query.k` of the hits that `keep` leaves; fewer where no more are found, or not in so many rounds.

    `first` are asked for at first.
    """
    asked = first
    for _ in range(rounds):
        found = inner.retrieve(replace(query, k=asked))
        kept = keep(found)
        if len(kept) >= query.k or len(found) < asked:
            break
        asked *= _FACTOR
    return kept[: query.k]
