"""How good rankings are: nDCG, recall and reciprocal rank, as trec_eval computes them.

A ranking is the ids of documents, best first. Retrievers return passages: `rank_documents` makes a ranking of them, in
which a document stands where its best passage does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from docindex.evaluation.dataset import Judgements

Rankings = Mapping[str, Sequence[str]]
"""By query id, document ids, best first, none twice."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Metrics averaged over queries, each from 0 to 1."""

    queries: int
    """How many were averaged: those with a relevant document."""
    ndcg_at_10: float
    recall_at_100: float
    mrr_at_10: float


def rank_documents(doc_ids: Iterable[str]) -> list[str]:
    """The documents of passages that come best first: each once, at the rank of its best passage."""
    return list(dict.fromkeys(doc_ids))


def ndcg(ranking: Sequence[str], relevance: Mapping[str, int], k: int) -> float:
    """The normalised discounted cumulative gain of the first k: 1 if no other order has a higher one.

    The gain of a document is its relevance (linear, not exponential), the discount at rank r is log2(r + 1).

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), with the discount of
    trec_eval's ndcg_cut.
    """
    best = _gain(sorted(relevance.values(), reverse=True)[:k])
    return _gain([relevance.get(doc_id, 0) for doc_id in ranking[:k]]) / best if best > 0 else 0.0


def recall(ranking: Sequence[str], relevance: Mapping[str, int], k: int) -> float:
    """The share of the relevant documents that are among the first k."""
    relevant = {doc_id for doc_id, value in relevance.items() if value > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], relevance: Mapping[str, int], k: int) -> float:
    """1 over the rank of the first relevant document; 0 if it is not among the first k."""
    ranks = (rank for rank, doc_id in enumerate(ranking[:k], start=1) if relevance.get(doc_id, 0) > 0)
    return next((1.0 / rank for rank in ranks), 0.0)


def measure(rankings: Rankings, judgements: Judgements) -> Quality:
    """The metrics over all queries that have a relevant document; one without a ranking counts as 0."""
    judged = {
        query_id: relevance
        for query_id, relevance in judgements.items()
        if any(value > 0 for value in relevance.values())
    }
    pairs = [(rankings.get(query_id, ()), relevance) for query_id, relevance in judged.items()]
    return Quality(
        queries=len(pairs),
        ndcg_at_10=_mean([ndcg(ranking, relevance, 10) for ranking, relevance in pairs]),
        recall_at_100=_mean([recall(ranking, relevance, 100) for ranking, relevance in pairs]),
        mrr_at_10=_mean([reciprocal_rank(ranking, relevance, 10) for ranking, relevance in pairs]),
    )


def _gain(values: Sequence[int]) -> float:
    return sum(max(value, 0) / math.log2(rank + 1) for rank, value in enumerate(values, start=1))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
