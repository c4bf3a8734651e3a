from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from docindex.config import Environment
from docindex.embedding.cross_encoder import OnnxCrossEncoder
from docindex.embedding.token_vectors import OnnxTokenEncoder
from docindex.errors import ConfigError
from docindex.models.acquire import ModelStore
from docindex.retrieval.hybrid import HybridRetriever
from docindex.retrieval.late import LateInteractionReranker, mean_of_best
from docindex.retrieval.rerank import Reranker, RerankingRetriever
from docindex.schema import Query

QUERY = Query("what happens in the cold", k=30)


class ByLength:
    """Judges that longer texts are better."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def score(self, query: str, texts: Sequence[str]):
        self.seen = list(texts)
        return np.array([len(text) / 1000 for text in texts], np.float32)


@pytest.fixture(scope="module")
def hybrid(library):
    return HybridRetriever(library.now, library.embedder, 0.7)


def test_the_reranker_orders_what_it_judges_and_the_rest_follows(hybrid) -> None:
    plain = hybrid.retrieve(QUERY)
    judge = ByLength()
    hits = RerankingRetriever(hybrid, judge, candidates=5).retrieve(QUERY)
    assert judge.seen == [hit.node.full_text for hit in plain[:5]]
    judged = sorted(plain[:5], key=lambda hit: (-len(hit.node.full_text), hit.rank))
    assert [hit.node_id for hit in hits] == [hit.node_id for hit in [*judged, *plain[5:]]]
    assert [hit.rank for hit in hits] == list(range(1, len(plain) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].score == pytest.approx(len(judged[0].node.full_text) / 1000)


def test_scores_are_shared_by_the_weight(hybrid) -> None:
    plain = {hit.node_id: hit.score for hit in hybrid.retrieve(QUERY)}
    hits = RerankingRetriever(hybrid, ByLength(), candidates=4, weight=0.25).retrieve(QUERY)
    for hit in hits[:4]:
        expected = 0.25 * len(hit.node.full_text) / 1000 + 0.75 * plain[hit.node_id]
        assert hit.score == pytest.approx(expected, rel=1e-5)
    unweighted = RerankingRetriever(hybrid, ByLength(), candidates=4, weight=0).retrieve(QUERY)
    assert [(hit.node_id, hit.score) for hit in unweighted] == list(plain.items())


def test_fewer_hits_than_candidates_are_the_first_of_more(hybrid) -> None:
    retriever = RerankingRetriever(hybrid, ByLength(), candidates=8)
    short = retriever.retrieve(Query(QUERY.text, k=2))
    assert short == retriever.retrieve(QUERY)[:2]
    assert RerankingRetriever(hybrid, ByLength()).retrieve(Query("   ", k=3)) != []


@pytest.mark.parametrize("numbers", [{"candidates": 0}, {"weight": -0.1}])
def test_numbers_out_of_range_are_refused(hybrid, numbers) -> None:
    with pytest.raises(ConfigError, match="give"):
        RerankingRetriever(hybrid, ByLength(), **numbers)


def test_late_interaction_is_the_mean_of_best_cosines(library, hybrid) -> None:
    environment = Environment.read()
    folder = ModelStore(environment.models, offline=environment.offline).path("all-minilm-l6-v2", kind="embedder")
    encoder = OnnxTokenEncoder(folder, threads=1)
    late: Reranker = LateInteractionReranker(encoder)
    texts = ["Cold diesel turns to wax.", "Bread dough rises.", ""]
    question = encoder.encode(["why does fuel freeze"], kind="query")[0]
    expected = [
        np.mean([max(word @ other for other in encoder.encode([text], kind="passage")[0]) for word in question])
        for text in texts[:2]
    ]
    found = late.score("why does fuel freeze", texts)
    assert found == pytest.approx([*expected, 0.0], abs=1e-5)
    assert found[0] > found[1]
    assert late.score("", texts) == pytest.approx([0, 0, 0])
    query = Query("why do filters clog", k=3)
    assert RerankingRetriever(hybrid, late, candidates=6, weight=0.5).retrieve(query)[0].source in (
        "fuel.txt",
        "long.txt",
    )


def test_mean_of_best() -> None:
    query = np.array([[1, 0], [0, 1]], np.float32)
    assert mean_of_best(query, np.array([[1, 0], [0.6, 0.8]], np.float32)) == pytest.approx(0.9)
    assert mean_of_best(query, np.zeros((0, 2), np.float32)) == 0.0


def test_both_judges_fit_the_seam() -> None:
    judges: list[type[Reranker]] = [LateInteractionReranker, OnnxCrossEncoder, ByLength]
    assert all(hasattr(judge, "score") for judge in judges)
