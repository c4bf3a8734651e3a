"""The ways of fusing, against their formulas and what must hold of them whatever the scores."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.retrieval.fusion import (
    Candidates,
    fuse,
    ranked,
    reciprocal_ranks,
    relative_scores,
    sum_of_reciprocal_ranks,
    weighted_sum,
)
from docindex.retrieval.hybrid import HybridRetriever
from docindex.schema import Query

SOME = Candidates({"a": 0.9, "b": 0.5, "c": None, "d": 0.1}, {"b": 8.0, "c": 4.0})

ids = st.text("abcdefgh", min_size=1, max_size=2)
cosines = st.floats(-1, 1, allow_subnormal=False)
candidates = st.builds(
    lambda dense, bm25: Candidates(dense, {key: value for key, value in bm25.items() if key in dense}),
    st.dictionaries(ids, st.none() | cosines, max_size=12),
    st.dictionaries(ids, st.floats(0.01, 50), max_size=12),
)


def test_weighted_sum() -> None:
    # What is not embedded is as similar as the least similar one.
    expected = {"a": 0.7 * 0.9, "b": 0.7 * 0.5 + 0.3, "c": 0.7 * 0.1 + 0.3 * 0.5, "d": 0.7 * 0.1}
    assert weighted_sum(SOME, 0.7) == pytest.approx(expected)


def test_relative_scores() -> None:
    expected = {"a": 0.7, "b": 0.7 * 0.5 + 0.3, "c": 0.3 * 0.5, "d": 0.0}
    assert relative_scores(SOME, 0.7) == pytest.approx(expected)


def test_reciprocal_ranks() -> None:
    expected = {"a": 1 / 61, "b": 1 / 62 + 1 / 61, "c": 1 / 62, "d": 1 / 63}
    assert reciprocal_ranks(SOME) == pytest.approx(expected)


def test_reciprocal_ranks_of_several_queries() -> None:
    assert sum_of_reciprocal_ranks([["x", "y"], ["y"], []]) == pytest.approx({"x": 1 / 61, "y": 1 / 62 + 1 / 61})


@given(candidates, st.floats(0, 1))
@settings(deadline=None, max_examples=100)
def test_every_candidate_gets_a_score_and_none_without_reason(some: Candidates, weight: float) -> None:
    for fusion in ("weighted", "relative", "rrf"):
        scores = fuse(fusion, some, weight)
        assert scores.keys() == some.dense.keys()
        for better, worse in zip(ranked(scores), ranked(scores)[1:], strict=False):
            assert scores[better] >= scores[worse]


@given(candidates, st.floats(0.05, 0.95))
@settings(deadline=None, max_examples=100)
def test_to_be_better_on_both_sides_is_to_be_better(some: Candidates, weight: float) -> None:
    least = min((cosine for cosine in some.dense.values() if cosine is not None), default=0.0)
    both = {
        key: (least if cosine is None else cosine, some.lexical.get(key, 0.0)) for key, cosine in some.dense.items()
    }
    for fusion in ("weighted", "relative"):
        scores = fuse(fusion, some, weight)
        for one, (dense, lexical) in both.items():
            for other, (less_dense, less_lexical) in both.items():
                if dense >= less_dense and lexical >= less_lexical:
                    assert scores[one] >= scores[other] - 1e-9


@pytest.mark.parametrize("fusion", ["relative", "rrf"])
def test_the_hybrid_mode_fuses_as_it_is_told(library, fusion) -> None:
    query = Query("how often must the oil be changed?", k=5)
    hits = HybridRetriever(library.now, library.embedder, 0.7, fusion=fusion).retrieve(query)
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert "oil" in hits[0].text
    known = {hit.node_id: hit.scores for hit in HybridRetriever(library.now, library.embedder, 0.7).retrieve(query)}
    for hit in hits:  # the sides' own scores are the same, whatever is made of them
        assert known.get(hit.node_id, hit.scores) == hit.scores
