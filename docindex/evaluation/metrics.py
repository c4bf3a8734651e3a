"""How good rankings are: nDCG, recall, hits, reciprocal rank and average precision, as trec_eval computes them.

A ranking is the ids of documents, best first. Retrievers return passages: `rank_documents` makes a ranking of them, in
which a document stands where its best passage does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from docindex.errors import ConfigError

Relevance = Mapping[str, int]
"""By document id, how relevant it is to a query; 0 and less is irrelevant, and so is what is missing."""
MetricKind = Literal["ndcg", "recall", "hit", "mrr", "map", "precision"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of the first k documents of a ranking, from 0 to 1."""

    kind: MetricKind
    k: int

    @property
    def name(self) -> str:
        """Such as "ndcg@10"."""
        return f"{self.kind}@{self.k}"

    def of(self, ranking: Sequence[str], relevance: Relevance) -> float:
        """The value for one query."""
        match self.kind:
            case "ndcg":
                return ndcg(ranking, relevance, self.k)
            case "recall":
                return recall(ranking, relevance, self.k)
            case "hit":
                return float(reciprocal_rank(ranking, relevance, self.k) > 0)
            case "mrr":
                return reciprocal_rank(ranking, relevance, self.k)
            case "map":
                return average_precision(ranking, relevance, self.k)
            case "precision":
                return precision(ranking, relevance, self.k)


DOCUMENT_METRICS = (
    Metric("ndcg", 10),
    Metric("recall", 10),
    Metric("recall", 100),
    Metric("mrr", 10),
    Metric("map", 100),
)
"""What is measured where whole documents are judged."""
PASSAGE_METRICS = (Metric("hit", 1), Metric("hit", 5), Metric("hit", 10), Metric("mrr", 10))
"""What is measured where each question has one place that answers it."""


def parse_metric(text: str) -> Metric:
    """The metric of a name such as "ndcg@10".

    Raises:
        ConfigError: There is no such metric.
    """
    kind, _, k = text.strip().lower().partition("@")
    kinds: dict[str, MetricKind] = {known: known for known in get_args(MetricKind)}
    if kind not in kinds or not k.isdecimal() or int(k) < 1:
        raise ConfigError(f"{text!r} is no metric: give one of {', '.join(kinds)} with a depth, such as ndcg@10.")
    return Metric(kinds[kind], int(k))


def rank_documents(doc_ids: Iterable[str]) -> list[str]:
    """The documents of passages that come best first: each once, at the rank of its best passage."""
    return list(dict.fromkeys(doc_ids))


def ndcg(ranking: Sequence[str], relevance: Relevance, k: int) -> float:
    """The normalised discounted cumulative gain of the first k: 1 if no other order has a higher one.

    The gain of a document is its relevance (linear, not exponential), the discount at rank r is log2(r + 1).

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), with the discount of
    trec_eval's ndcg_cut.
    """
    best = _gain(sorted(relevance.values(), reverse=True)[:k])
    return _gain([relevance.get(doc_id, 0) for doc_id in ranking[:k]]) / best if best > 0 else 0.0


def recall(ranking: Sequence[str], relevance: Relevance, k: int) -> float:
    """The share of the relevant documents that are among the first k."""
    relevant = _relevant(relevance)
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def precision(ranking: Sequence[str], relevance: Relevance, k: int) -> float:
    """The share of k that the relevant documents among the first k are; a shorter ranking loses what it lacks."""
    return len(_relevant(relevance).intersection(ranking[:k])) / k


def reciprocal_rank(ranking: Sequence[str], relevance: Relevance, k: int) -> float:
    """1 over the rank of the first relevant document; 0 if it is not among the first k."""
    ranks = (rank for rank, doc_id in enumerate(ranking[:k], start=1) if relevance.get(doc_id, 0) > 0)
    return next((1.0 / rank for rank in ranks), 0.0)


def average_precision(ranking: Sequence[str], relevance: Relevance, k: int) -> float:
    """The precisions at the ranks of the relevant documents among the first k, summed, over all relevant ones."""
    relevant = _relevant(relevance)
    found, total = 0, 0.0
    for rank, doc_id in enumerate(ranking[:k], start=1):
        if doc_id in relevant:
            found += 1
            total += found / rank
    return total / len(relevant) if relevant else 0.0


def _relevant(relevance: Relevance) -> set[str]:
    return {doc_id for doc_id, value in relevance.items() if value > 0}


def _gain(values: Sequence[int]) -> float:
    return sum(max(value, 0) / math.log2(rank + 1) for rank, value in enumerate(values, start=1))
