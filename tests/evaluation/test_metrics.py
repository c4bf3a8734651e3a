from math import log2

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import ConfigError
from docindex.evaluation.metrics import (
    Metric,
    average_precision,
    ndcg,
    parse_metric,
    precision,
    rank_documents,
    recall,
    reciprocal_rank,
)

RELEVANCE = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3))


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


def test_recall_and_precision_by_hand() -> None:
    relevance = {"a": 1, "b": 2, "c": 0, "d": 1}
    assert recall(["a", "c", "x", "b"], relevance, 3) == pytest.approx(1 / 3)
    assert recall(["a", "c", "x", "b"], relevance, 4) == pytest.approx(2 / 3)
    assert recall(["a"], {}, 10) == 0.0
    assert precision(["a", "c", "x", "b"], relevance, 5) == pytest.approx(2 / 5)


def test_reciprocal_rank_by_hand() -> None:
    assert reciprocal_rank(["x", "y", "a", "b"], {"a": 1, "b": 5}, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y", "a"], {"a": 1}, 2) == 0.0
    assert reciprocal_rank(["x"], {"x": 0}, 10) == 0.0


def test_average_precision_by_hand() -> None:
    relevance = {"a": 1, "b": 1, "c": 1}
    assert average_precision(["a", "x", "b"], relevance, 10) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision(["a", "x", "b"], relevance, 2) == pytest.approx(1 / 3)
    assert average_precision(["x"], relevance, 10) == 0.0


def test_several_passages_of_a_document_count_once_at_the_best_rank() -> None:
    assert rank_documents(["b", "a", "b", "b", "c", "a"]) == ["b", "a", "c"]


@settings(deadline=None, max_examples=150)
@given(st.permutations("abcdefgh").map(lambda order: list(order)[:6]), RELEVANCE, st.integers(1, 8))
def test_metrics_are_those_of_trec_eval(ranking: list[str], relevance: dict[str, int], k: int) -> None:
    """As ir-measures gives them, which runs trec_eval itself."""
    if not any(relevance.values()):
        relevance = relevance | {"h": 1}
    run = {"q": {doc_id: float(len(ranking) - place) for place, doc_id in enumerate(ranking)}}
    theirs = {
        "ndcg": ir_measures.nDCG @ k,
        "recall": ir_measures.R @ k,
        "hit": ir_measures.Success @ k,
        "mrr": ir_measures.RR @ k,
        "map": ir_measures.AP @ k,
        "precision": ir_measures.P @ k,
    }
    expected = ir_measures.calc_aggregate(theirs.values(), {"q": relevance}, run)
    for name, measure in theirs.items():
        assert parse_metric(f"{name}@{k}").of(ranking, relevance) == pytest.approx(expected[measure], abs=1e-6), name


@settings(deadline=None, max_examples=100)
@given(st.permutations("abcdef"), RELEVANCE, st.integers(1, 8))
def test_metrics_stay_in_range_and_the_ideal_order_is_best(
    ranking: list[str], relevance: dict[str, int], k: int
) -> None:
    ideal = sorted(relevance, key=lambda doc_id: -relevance[doc_id])
    for kind in ("ndcg", "recall", "mrr", "map", "hit", "precision"):
        metric = Metric(kind, k)
        assert 0.0 <= metric.of(ranking, relevance) <= metric.of(ideal, relevance) + 1e-12 <= 1.0 + 2e-12


def test_metrics_have_names_that_can_be_read_back() -> None:
    assert parse_metric(" nDCG@10 ") == Metric("ndcg", 10)
    assert parse_metric(Metric("map", 100).name) == Metric("map", 100)


@pytest.mark.parametrize("name", ["ndcg", "ndcg@", "ndcg@0", "ndcg@x", "bleu@4", "@3", ""])
def test_what_is_no_metric_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match="ndcg@10"):
        parse_metric(name)
