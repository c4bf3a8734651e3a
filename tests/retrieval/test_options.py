"""Options, and the retrievers that they compose."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from docindex.errors import ConfigError
from docindex.retrieval.collapse import CollapsingRetriever
from docindex.retrieval.compose import base_retriever, refined
from docindex.retrieval.feedback import Feedback
from docindex.retrieval.hybrid import HybridRetriever
from docindex.retrieval.options import RetrievalOptions
from docindex.schema import Query


def composed(library, options: RetrievalOptions, mode="hybrid", reranker=None):
    base = base_retriever(mode, library.now, lambda: library.embedder, 0.7, options)
    return refined(base, library.now, options, reranker)


def test_the_defaults_are_the_plain_hybrid_mode(library) -> None:
    query = Query("cold engines", k=7)
    plain = CollapsingRetriever(HybridRetriever(library.now, library.embedder, 0.7)).retrieve(query)
    assert composed(library, RetrievalOptions()).retrieve(query) == plain


@pytest.mark.parametrize(
    "change",
    [
        {"fusion": "rrf"},
        {"fusion": "relative"},
        {"dense_weight": 0.1},
        {"grains": True},
        {"feedback": Feedback(vector_share=0.5)},
        {"mmr": 0.3},
        {"per_document": 1},
        {"min_score": 0.3},
        {"min_dense": 0.3},
        {"recency_half_life_days": 1.0},
        {"collapse": False},
    ],
)
def test_each_option_does_something(library, change: dict[str, Any]) -> None:
    query = Query("the cold engine oil", k=8)
    before = composed(library, RetrievalOptions()).retrieve(query)
    after = composed(library, RetrievalOptions(**change)).retrieve(query)
    if "collapse" in change:
        assert len(after) == len(before)
        return
    assert [(hit.node_id, hit.score) for hit in after] != [(hit.node_id, hit.score) for hit in before]
    assert [hit.rank for hit in after] == list(range(1, len(after) + 1))


def test_all_at_once(library) -> None:
    options = RetrievalOptions(
        grains=True, mmr=0.7, per_document=1, recency_half_life_days=100, min_dense=0.0, rerank="late"
    )

    class Constant:
        def score(self, query, texts):
            import numpy as np

            return np.zeros(len(texts), np.float32)

    hits = composed(library, options, reranker=Constant()).retrieve(Query("tides of the moon", k=5))
    assert hits[0].source in ("tides.txt", "long.txt")
    assert len({hit.doc_id for hit in hits}) == len(hits) == 5


def test_single_modes_have_what_is_of_no_mode(library) -> None:
    for mode in ("dense", "lexical"):
        hits = composed(library, RetrievalOptions(per_document=1), mode).retrieve(Query("moon tides", k=3))
        assert len({hit.doc_id for hit in hits}) == len(hits) > 0
        with pytest.raises(ConfigError, match="hybrid mode"):
            composed(library, RetrievalOptions(grains=True), mode)
    base_retriever("lexical", library.now, _no_model, 0.7, RetrievalOptions())  # and it loads no model


def _no_model():
    raise AssertionError


@pytest.mark.parametrize(
    "wrong",
    [
        {"fusion": "sum"},
        {"dense_weight": 1.1},
        {"mmr": -0.1},
        {"per_document": 0},
        {"rerank_candidates": 0},
        {"rerank_weight": 2},
        {"recency_half_life_days": 0},
        {"window": -1},
        {"grains": True, "fusion": "rrf"},
        {"grains": True, "feedback": Feedback()},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        RetrievalOptions(**wrong)


def test_a_reranker_has_defaults_of_its_own() -> None:
    assert (RetrievalOptions(rerank="late").judged, RetrievalOptions(rerank="late").judge_weight) == (12, 0.5)
    assert (RetrievalOptions(rerank="model").judged, RetrievalOptions(rerank="model").judge_weight) == (20, 1.0)
    chosen = RetrievalOptions(rerank="late", rerank_candidates=30, rerank_weight=0.0)
    assert (chosen.judged, chosen.judge_weight) == (30, 0.0)
    assert dataclasses.replace(chosen, rerank=None).rerank is None
