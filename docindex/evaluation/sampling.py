"""Which documents questions are made of, and how questions are spread over them. A seed always chooses the same."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

PER_QUESTION = 3
FEWEST = 100
"""Of a large collection, so many documents are looked at for a question that is wanted, and never fewer than these."""


def sample(doc_ids: Sequence[str], count: int, seed: int) -> list[str]:
    """The documents to look at for so many questions, in order."""
    wanted = max(FEWEST, PER_QUESTION * count)
    if len(doc_ids) <= wanted:
        return sorted(doc_ids)
    return sorted(random.Random(seed).sample(sorted(doc_ids), wanted))  # noqa: S311 - no secret


def spread(by_document: Mapping[str, Sequence[T]], count: int, seed: int) -> list[T]:
    """At most `count` of the items, in turn one of each document that has some left, and first the first of each."""
    chosen: list[tuple[str, int, T]] = []
    order = sorted(by_document)
    random.Random(seed).shuffle(order)  # noqa: S311
    depth = 0
    while len(chosen) < count:
        layer = [(doc_id, depth, by_document[doc_id][depth]) for doc_id in order if depth < len(by_document[doc_id])]
        if not layer:
            break
        chosen += layer[: count - len(chosen)]
        depth += 1
    return [item for _, _, item in sorted(chosen, key=lambda entry: entry[:2])]
