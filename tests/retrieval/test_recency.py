from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from docindex.errors import ConfigError
from docindex.retrieval.hybrid import HybridRetriever
from docindex.retrieval.recency import RecencyRetriever
from docindex.schema import Query

QUERY = Query("engine fuel and cold oil", k=30)


def test_scores_fall_with_the_age_of_the_file(library, today) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)
    plain = {hit.node_id: hit.score for hit in hybrid.retrieve(QUERY)}
    aged = RecencyRetriever(hybrid, library.now, half_life_days=100, weight=0.5, now=lambda: today)
    hits = aged.retrieve(QUERY)
    records = library.snapshot.records({hit.doc_id for hit in hits})
    assert {hit.node_id for hit in hits} == plain.keys()
    for hit in hits:
        age = max(0.0, (today - records[hit.doc_id].modified_at) / timedelta(days=1))
        factor = 0.5 + 0.5 * 0.5 ** (age / 100)
        score = plain[hit.node_id]
        assert hit.score == pytest.approx(score * factor if score >= 0 else score / factor)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_a_newer_document_overtakes_a_slightly_better_one(library, today) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)
    query = Query("diesel fuel in an engine", k=5)
    sources = [hit.source for hit in hybrid.retrieve(query)]
    assert sources.index("fuel.txt") < sources.index("engine.txt")  # and it is 700 days older
    aged = RecencyRetriever(hybrid, library.now, half_life_days=30, weight=0.9, now=lambda: today)
    sources = [hit.source for hit in aged.retrieve(query)]
    assert sources.index("engine.txt") < sources.index("fuel.txt")


def test_without_weight_nothing_changes(library, today) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)
    assert RecencyRetriever(hybrid, library.now, weight=0, now=lambda: today).retrieve(QUERY) == hybrid.retrieve(QUERY)


def test_unknown_age_is_the_oldest(library, today) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)

    class Ageless:
        """The snapshot as it would be of sources without a date, such as standard input."""

        def records(self, doc_ids):
            known = library.snapshot.records(doc_ids)
            return {key: replace(record, modified_at=None) for key, record in known.items()}

    aged = RecencyRetriever(hybrid, Ageless, weight=0.4, now=lambda: today)
    plain = [hit.score for hit in hybrid.retrieve(QUERY) if hit.score > 0]
    assert [hit.score for hit in aged.retrieve(QUERY) if hit.score > 0] == pytest.approx([0.6 * one for one in plain])


@pytest.mark.parametrize("numbers", [{"half_life_days": 0.0}, {"weight": 1.1}, {"half_life_days": float("nan")}])
def test_numbers_out_of_range_are_refused(library, numbers) -> None:
    hybrid = HybridRetriever(library.now, library.embedder, 0.7)
    with pytest.raises(ConfigError, match="give a value"):
        RecencyRetriever(hybrid, library.now, **numbers)
