"""What leaves hits out: thresholds and the most of one document."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from docindex.errors import ConfigError
from docindex.retrieval.documents import PerDocumentRetriever
from docindex.retrieval.hybrid import HybridRetriever
from docindex.retrieval.single import LexicalRetriever
from docindex.retrieval.threshold import ThresholdRetriever
from docindex.schema import Query

QUERY = Query("engine oil", k=30)


def test_hits_below_the_threshold_are_left_out(library) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)
    plain = hybrid.retrieve(QUERY)
    least = plain[2].score
    assert ThresholdRetriever(hybrid, min_score=least).retrieve(QUERY) == plain[:3]
    near = [hit for hit in plain if hit.scores.dense >= 0.3]
    assert 0 < len(near) < len(plain)
    ranked = [replace(hit, rank=rank) for rank, hit in enumerate(near, 1)]
    assert ThresholdRetriever(hybrid, min_dense=0.3).retrieve(QUERY) == ranked
    assert ThresholdRetriever(hybrid, min_score=2.0).retrieve(QUERY) == []
    assert ThresholdRetriever(hybrid).retrieve(QUERY) == plain
    lexical = LexicalRetriever(library.now)
    assert ThresholdRetriever(lexical, min_dense=0.9).retrieve(QUERY) == lexical.retrieve(QUERY)  # it has no cosine


def test_hits_that_reach_the_cosine_come_from_behind_those_that_do_not(library) -> None:
    by_words = HybridRetriever(library.now, library.embedder, 0.0)
    plain = by_words.retrieve(Query("diesel orchard", k=30))
    cosine = max(hit.scores.dense for hit in plain)
    (nearest,) = (hit for hit in plain if hit.scores.dense == cosine)
    assert nearest.rank > 1
    (found,) = ThresholdRetriever(by_words, min_dense=cosine).retrieve(Query("diesel orchard", k=1))
    assert found == replace(nearest, rank=1)


@pytest.mark.parametrize("most", [1, 2])
def test_no_document_has_more_hits_than_are_allowed(library, most: int) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)
    plain = hybrid.retrieve(Query(QUERY.text, k=200))
    hits = PerDocumentRetriever(hybrid, most).retrieve(Query(QUERY.text, k=9))
    assert len(hits) == 9
    assert max(Counter(hit.doc_id for hit in hits).values()) <= most
    assert [hit.rank for hit in hits] == list(range(1, 10))
    seen: Counter[str] = Counter()
    expected = []
    for hit in plain:
        seen[hit.doc_id] += 1
        if seen[hit.doc_id] <= most:
            expected.append(hit.node_id)
    assert [hit.node_id for hit in hits] == expected[:9]


def test_it_asks_for_more_until_there_are_enough_documents(library) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)
    documents = {record.doc_id for record in library.snapshot.documents()}
    hits = PerDocumentRetriever(hybrid).retrieve(Query("engine", k=len(documents)))
    assert {hit.doc_id for hit in hits} == documents  # although one of them has half of all passages
    with pytest.raises(ConfigError, match="1 or more"):
        PerDocumentRetriever(hybrid, 0)
