from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.evaluation.metrics import Quality, measure, ndcg, rank_documents, recall, reciprocal_rank


def test_ndcg_by_hand() -> None:
    relevance = {"a": 3, "b": 2, "c": 1}
    found = 2 / log2(2) + 0 / log2(3) + 3 / log2(4)
    best = 3 / log2(2) + 2 / log2(3) + 1 / log2(4)
    assert ndcg(["b", "x", "a"], relevance, 10) == pytest.approx(found / best)
    assert ndcg(["b", "x", "a"], relevance, 10) == pytest.approx(0.735007, abs=1e-6)


def test_ndcg_looks_at_the_first_k_only_for_the_ideal_too() -> None:
    relevance = {"a": 1, "b": 1, "c": 1}
    assert ndcg(["a", "b", "x", "c"], relevance, 2) == 1.0
    assert ndcg(["x", "a"], relevance, 1) == 0.0
    assert ndcg(["x", "a", "b"], relevance, 3) == pytest.approx((1 / log2(3) + 0.5) / (1 + 1 / log2(3) + 0.5))


def test_ndcg_takes_negative_relevance_for_none() -> None:
    assert ndcg(["spam", "a"], {"spam": -2, "a": 1}, 10) == pytest.approx(1 / log2(3))
    assert ndcg(["a"], {"a": 0}, 10) == 0.0
    assert ndcg([], {"a": 1}, 10) == 0.0


def test_recall_by_hand() -> None:
    relevance = {"a": 1, "b": 2, "c": 0, "d": 1}
    assert recall(["a", "c", "x", "b"], relevance, 3) == pytest.approx(1 / 3)
    assert recall(["a", "c", "x", "b"], relevance, 4) == pytest.approx(2 / 3)
    assert recall(["a"], {}, 10) == 0.0


def test_reciprocal_rank_by_hand() -> None:
    assert reciprocal_rank(["x", "y", "a", "b"], {"a": 1, "b": 5}, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y", "a"], {"a": 1}, 2) == 0.0
    assert reciprocal_rank(["x"], {"x": 0}, 10) == 0.0


def test_several_passages_of_a_document_count_once_at_the_best_rank() -> None:
    assert rank_documents(["b", "a", "b", "b", "c", "a"]) == ["b", "a", "c"]


def test_measure_averages_over_queries_with_a_relevant_document() -> None:
    rankings = {"q1": ["a", "x"], "q2": ["x", "b"], "q4": ["z"], "not judged": ["a"]}
    judgements = {"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 1}, "q4": {"z": 0}}
    quality = measure(rankings, judgements)
    assert quality == Quality(
        queries=3,
        ndcg_at_10=pytest.approx((1 + 1 / log2(3) + 0) / 3),
        recall_at_100=pytest.approx(2 / 3),
        mrr_at_10=pytest.approx((1 + 0.5 + 0) / 3),
    )
    assert measure({}, {}) == Quality(0, 0.0, 0.0, 0.0)


@settings(deadline=None, max_examples=100)
@given(st.permutations("abcdef"), st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3)), st.integers(1, 8))
def test_metrics_stay_in_range_and_the_ideal_order_is_best(
    ranking: list[str], relevance: dict[str, int], k: int
) -> None:
    ideal = sorted(relevance, key=lambda doc_id: -relevance[doc_id])
    for metric in (ndcg, recall, reciprocal_rank):
        assert 0.0 <= metric(ranking, relevance, k) <= metric(ideal, relevance, k) + 1e-12 <= 1.0 + 2e-12
