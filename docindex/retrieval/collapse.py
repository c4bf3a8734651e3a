"""Retrieval without repetition: of passages that say nearly the same, the best one is given."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from docindex.indices.shingles import THRESHOLD, Shingle, numbers_of, shingles_of, words_of
from docindex.protocols import Retriever
from docindex.retrieval.enough import enough_hits
from docindex.schema import Hit, Query

_FACTOR, _EXTRA = 3, 50
"""How many hits are asked for at first: so many times more, or so many more, whichever is fewer."""
_ROUNDS = 3
"""How often more are asked for, when too many were near-duplicates."""


class CollapsingRetriever:
    """Asks another retriever for more than is wanted, and leaves out near-duplicates of what ranks higher.

    Passages are near-duplicates if they share nine tenths of their runs of three words, and all of their numbers. A
    passage that is part of a longer one is none. What was left out for a hit is named in its `duplicates`.
    """

    def __init__(self, inner: Retriever, threshold: float = THRESHOLD) -> None:
        self._inner = inner
        self._threshold = threshold

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, no two of them near-duplicates."""
        first = min(_FACTOR * query.k, query.k + _EXTRA)
        return enough_hits(
            self._inner, query, lambda found: collapse(found, self._threshold), first=first, rounds=_ROUNDS
        )


def collapse(hits: list[Hit], threshold: float = THRESHOLD) -> list[Hit]:
    """The hits without near-duplicates of higher ones, which are named in the `duplicates` of those; ranks from 1."""
    kept: list[Hit] = []
    duplicates: list[list[str]] = []
    known: list[tuple[set[Shingle], tuple[str, ...]]] = []
    for hit in hits:
        words = words_of(hit.node)
        shingles, numbers = shingles_of(words), numbers_of(words)
        telling = list(islice(shingles, int((1 - threshold) * len(shingles)) + 2))  # a duplicate lacks fewer than these
        for place, (others, other_numbers) in enumerate(known):
            if numbers == other_numbers and not others.isdisjoint(telling):
                shared = len(shingles & others)
                if shared >= threshold * (len(shingles) + len(others) - shared):
                    duplicates[place] += [hit.node_id, *hit.duplicates]
                    break
        else:
            kept.append(hit)
            duplicates.append([])
            known.append((shingles, numbers))
    return [
        replace(hit, rank=rank, duplicates=(*hit.duplicates, *found))
        for rank, (hit, found) in enumerate(zip(kept, duplicates, strict=True), 1)
    ]
