"""Making one ranking of two: the dense and the lexical scores of the same candidates.

What each costs is nothing beside the searches. On judged collections the weighted sum ranks best: it keeps by how much
one passage leads the next, which ranks throw away, and it keeps how similar the best passage is at all, which scaling
the cosines to their range throws away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Fusion = Literal["weighted", "relative", "rrf"]

RANK_OFFSET = 60
"""Reciprocal rank fusion's k."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is known of every node that either side proposed."""

    dense: Mapping[str, float | None]
    """Cosine similarities by node id; None for a node that is not embedded yet."""
    lexical: Mapping[str, float]
    """BM25 of those that share a word with the query."""


def fuse(fusion: Fusion, candidates: Candidates, dense_weight: float) -> dict[str, float]:
    """The score of each candidate; ranks, being ranks, have no use for the weight."""
    match fusion:
        case "weighted":
            return weighted_sum(candidates, dense_weight)
        case "relative":
            return relative_scores(candidates, dense_weight)
        case "rrf":
            return reciprocal_ranks(candidates)


def weighted_sum(candidates: Candidates, dense_weight: float) -> dict[str, float]:
    """`w * cosine + (1 - w) * bm25 / max(bm25)`.

    Cosines are comparable between queries as they are, BM25 is not, so it is scaled by the query's best. A node that
    is not embedded counts as the least similar candidate, so that it is ranked by its words.
    """
    best = max(candidates.lexical.values(), default=0.0) or 1.0
    return {
        node_id: dense_weight * cosine + (1 - dense_weight) * candidates.lexical.get(node_id, 0.0) / best
        for node_id, cosine in _cosines(candidates).items()
    }


def relative_scores(candidates: Candidates, dense_weight: float) -> dict[str, float]:
    """The weighted sum of both scores, each scaled so that its best candidate has 1 and its worst 0.

    A node that shares no word with the query is one of the lexically worst.
    """
    cosines = _to_unit_range(_cosines(candidates))
    bm25 = _to_unit_range({node_id: candidates.lexical.get(node_id, 0.0) for node_id in cosines})
    return {node_id: dense_weight * cosine + (1 - dense_weight) * bm25[node_id] for node_id, cosine in cosines.items()}


def reciprocal_ranks(candidates: Candidates) -> dict[str, float]:
    """The sum over both sides of `1 / (60 + rank)`, ranks from 1; nothing for a side that does not know the node.

    Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
    Methods" (2009), equation 1.
    """
    known = {node_id: cosine for node_id, cosine in candidates.dense.items() if cosine is not None}
    return sum_of_reciprocal_ranks([ranked(known), ranked(candidates.lexical)], candidates.dense)


def sum_of_reciprocal_ranks(
    rankings: Sequence[Sequence[str]], of: Mapping[str, object] | None = None
) -> dict[str, float]:
    """The same over any number of rankings of ids, each best first: such as those of several queries.

    Args:
        rankings: None holds an id twice.
        of: The ids that get a score, also those that no ranking holds; all that a ranking holds by default.
    """
    scores: dict[str, float] = dict.fromkeys(of or (), 0.0)
    for ranking in rankings:
        for rank, key in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + 1 / (RANK_OFFSET + rank)
    return scores


def ranked(scores: Mapping[str, float]) -> list[str]:
    """The ids, best first; of equal scores in the order of the ids, which is the same in every run."""
    return sorted(scores, key=lambda key: (-scores[key], key))


def _cosines(candidates: Candidates) -> dict[str, float]:
    """Those of nodes that are not embedded yet are as low as the lowest one."""
    least = min((cosine for cosine in candidates.dense.values() if cosine is not None), default=0.0)
    return {node_id: least if cosine is None else cosine for node_id, cosine in candidates.dense.items()}


def _to_unit_range(scores: Mapping[str, float]) -> dict[str, float]:
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    span = high - low
    return {key: (score - low) / span if span > 0 else 1.0 for key, score in scores.items()}
