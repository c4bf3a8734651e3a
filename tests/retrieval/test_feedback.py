from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.retrieval.feedback import Feedback, FeedbackRetriever, moved, shares_of, telling_terms
from docindex.retrieval.hybrid import HybridRetriever
from docindex.schema import Query


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=10), st.floats(0.01, 1))
@settings(deadline=None, max_examples=50)
def test_shares_add_up_and_fall_with_the_score(scores: list[float], temperature: float) -> None:
    scores.sort(reverse=True)
    shares = shares_of(scores, temperature)
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)


def test_the_vector_moves_towards_the_passages() -> None:
    vector, towards = np.array([1, 0, 0], np.float32), np.array([[0, 1, 0], [0, 0, 1]], np.float32)
    found = moved(vector, towards, [0.75, 0.25], 0.4)
    expected = np.array([0.6, 0.3, 0.1]) / np.linalg.norm([0.6, 0.3, 0.1])
    assert found == pytest.approx(expected)
    assert moved(vector, towards, [0.5, 0.5], 0.0) == pytest.approx(vector)
    assert moved(vector, -vector[None], [1.0], 0.5) == pytest.approx(vector)  # nothing is left to point anywhere


def test_telling_terms_are_frequent_here_and_rare_elsewhere() -> None:
    best = ["diesel wax clogs filters and filters", "wax forms in cold diesel and stays"]
    background = [*best, "bread and salt", "maps and coasts", "chess and openings"]
    found = telling_terms("Cold diesel?", best, [0.5, 0.5], background, 3)
    assert set(found[:2]) == {"wax", "filters"}
    assert not {"cold", "diesel"} & set(telling_terms("Cold diesel?", best, [0.5, 0.5], background, 50))
    assert found.index("wax") < 3
    assert telling_terms("x", [], [], [], 5) == []
    assert telling_terms("x", ["123 4 !"], [1.0], ["123 4 !"], 5) == []


def test_the_best_passages_words_are_searched_too(library) -> None:
    query = Query("oil in the motor", k=20)
    plain = HybridRetriever(library.now, library.embedder, 0.7).retrieve(query)
    feedback = Feedback(passages=2, vector_share=0.0, terms=40, term_weight=1.0)
    learned = FeedbackRetriever(library.now, library.embedder, 0.7, feedback=feedback).retrieve(query)
    before = {hit.source: hit.scores.lexical for hit in plain}
    after = {hit.source: hit.scores.lexical for hit in learned}
    assert plain[0].source == learned[0].source == "engine.txt"
    assert before["fuel.txt"] == 0  # it shares "fuel" and "cold" with what was found, and nothing with the query
    assert (after["fuel.txt"] or 0) > 0
    assert (after["engine.txt"] or 0) > (before["engine.txt"] or 0)
    assert after["maps.txt"] == 0


def test_without_feedback_it_is_the_hybrid_mode(library) -> None:
    nothing = Feedback(vector_share=0.0, terms=0)
    for text in ("when do tides come", "salt", "'(\"*:", "zebra"):
        query = Query(text, k=10)
        plain = HybridRetriever(library.now, library.embedder, 0.7).retrieve(query)
        assert FeedbackRetriever(library.now, library.embedder, 0.7, feedback=nothing).retrieve(query) == plain


def test_the_moved_vector_is_searched(library) -> None:
    query = Query("lunar gravity pulls seawater", k=5)
    feedback = Feedback(passages=1, vector_share=1.0, terms=0)
    hits = FeedbackRetriever(library.now, library.embedder, 1.0, feedback=feedback).retrieve(query)
    assert hits[0].scores.dense == pytest.approx(1.0, abs=1e-4)  # the query has become its best passage


def test_filters_hold(library) -> None:
    parsed = Query("tides", k=10, where=_source_is("bread.txt"))
    assert {hit.source for hit in FeedbackRetriever(library.now, library.embedder, 0.7).retrieve(parsed)} == {
        "bread.txt"
    }


def _source_is(name: str):
    from docindex.schema import Compare, Field

    return Compare(Field("source", "text", builtin=True), "=", name)
