from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import ConfigError
from docindex.retrieval.hybrid import HybridRetriever
from docindex.retrieval.mmr import MmrRetriever, by_marginal_relevance
from docindex.schema import Query


def test_what_repeats_a_better_one_waits() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert by_marginal_relevance([1.0, 0.9, 0.5], vectors, 0.5, 3) == [0, 2, 1]
    assert by_marginal_relevance([1.0, 0.9, 0.5], vectors, 1.0, 3) == [0, 1, 2]
    assert by_marginal_relevance([], np.zeros((0, 2), np.float32), 0.5, 3) == []


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0, 1), st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_each_choice_is_the_best_one_left(seed: int, size: int, relevance: float, k: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(size, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = random.uniform(0, 5, size).tolist()
    chosen = by_marginal_relevance(scores, vectors, relevance, k)
    assert len(chosen) == len(set(chosen)) == min(k, size)
    span = np.ptp(scores)
    scaled = (np.array(scores) - min(scores)) / span if span else np.ones(size)
    for number, place in enumerate(chosen):
        before = chosen[:number]

        def value(one: int, before: list[int] = before) -> float:
            nearest = max([0.0, *(float(vectors[one] @ vectors[other]) for other in before)])
            return relevance * scaled[one] - (1 - relevance) * nearest

        assert value(place) >= max(value(one) for one in range(size) if one not in before) - 1e-5


def test_hits_of_a_library_become_more_various(library) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)
    query = Query("engine oil", k=4)
    plain, various = hybrid.retrieve(query), MmrRetriever(hybrid, library.now, relevance=0.4).retrieve(query)
    assert various[0] == plain[0]
    assert [hit.rank for hit in various] == [1, 2, 3, 4]
    assert _likeness(library, various) < _likeness(library, plain)
    assert MmrRetriever(hybrid, library.now, relevance=1.0).retrieve(query) == plain
    with pytest.raises(ConfigError, match="from 0 to 1"):
        MmrRetriever(hybrid, library.now, relevance=1.5)


def _likeness(library, hits) -> float:
    vectors = library.snapshot.vectors([hit.node_id for hit in hits])
    return float((vectors @ vectors.T).mean())
