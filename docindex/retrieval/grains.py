"""Evidence of three grains: the best sentence, the passage, and what stands around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from docindex.indices.sentences import best_sentences
from docindex.protocols import Embedder, Snapshot, StoredNode
from docindex.retrieval.fusion import Candidates, ranked, weighted_sum
from docindex.retrieval.hybrid import find_candidates
from docindex.schema import Hit, Query, Scores

WINDOW = 2
"""How many passages before and after one are around it."""

_Floats = NDArray[np.float64]


class GrainRetriever:
    """Hybrid retrieval in which a passage is judged by its sentences and its surroundings, too.

    The dense score is the mean of three cosines to the query: that of the passage, of its best sentence, and of the
    mean of the passages around it (`WINDOW` before and after, of those that are candidates). A passage that leads its
    surroundings is ranked by the best that they have of each kind, words included: what is said in one passage and
    named in the next is found. The others stand where their own scores put them, so that one document does not fill
    the first ranks.

    Where the sentence index (`docindex indexes add sentences`) has no record of a passage, the passage stands for its
    sentences.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        embedder: Embedder,
        dense_weight: float,
        *,
        window: int = WINDOW,
    ) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._weight = dense_weight
        self._window = window

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, of `max(k, 100)` candidates from either side."""
        snapshot = self._snapshot()
        vector = self._embedder.embed([query.text], kind="query")[0]
        candidates = find_candidates(snapshot, query, vector)
        node_ids = ranked(weighted_sum(candidates, self._weight))
        if not node_ids:
            return []
        stored = snapshot.nodes(node_ids)
        cosines, bm25 = _scores(candidates, node_ids)
        nearest = best_sentences(snapshot, node_ids, vector)
        sentences = np.array([nearest.get(node_id, cosine) for node_id, cosine in zip(node_ids, cosines, strict=True)])
        near = _neighbours(stored, self._window)
        around = _around(snapshot, node_ids, near, vector, cosines)
        scores = combine(cosines, sentences, around, bm25, near, self._weight)
        order = sorted(range(len(node_ids)), key=lambda place: (-scores[place], place))[: query.k]
        return [_hit(rank, float(scores[place]), candidates, stored[place]) for rank, place in enumerate(order, 1)]


def combine(
    cosines: _Floats, sentences: _Floats, around: _Floats, bm25: _Floats, near: NDArray[np.bool_], dense_weight: float
) -> _Floats:
    """The score of each passage.

    Args:
        cosines: Of the passages, shape (n,).
        sentences: Of the best sentence of each.
        around: Of the mean of what is around each.
        bm25: Of the passages, 1 for the best of all.
        near: (n, n), which passage is around which; each is around itself.
        dense_weight: The share of the three cosines.
    """
    lexical_weight = 1 - dense_weight

    def best(values: _Floats) -> _Floats:
        found: _Floats = np.where(near, values, -np.inf).max(axis=1)
        return found

    own = dense_weight * (cosines + sentences + around) / 3 + lexical_weight * bm25
    together = dense_weight * (best(cosines) + best(sentences) + around) / 3 + lexical_weight * best(bm25)
    scores: _Floats = np.where(own >= best(own), best(together), own)
    return scores


def _scores(candidates: Candidates, node_ids: Sequence[str]) -> tuple[_Floats, _Floats]:
    known = [cosine for cosine in candidates.dense.values() if cosine is not None]
    least = min(known, default=0.0)
    dense = [candidates.dense[node_id] for node_id in node_ids]
    cosines = np.array([least if cosine is None else cosine for cosine in dense])
    bm25 = np.array([candidates.lexical.get(node_id, 0.0) for node_id in node_ids])
    return cosines, bm25 / (bm25.max() or 1.0)


def _neighbours(stored: Sequence[StoredNode], window: int) -> NDArray[np.bool_]:
    numbers: dict[tuple[str, int], int] = {}
    document = np.array([numbers.setdefault((one.node.doc_id, one.node.level), len(numbers)) for one in stored])
    order = np.array([found.node.order for found in stored])
    near: NDArray[np.bool_] = (document[:, None] == document) & (np.abs(order[:, None] - order) <= window)
    return near


def _around(
    snapshot: Snapshot, node_ids: Sequence[str], near: NDArray[np.bool_], vector: NDArray[np.float32], cosines: _Floats
) -> _Floats:
    """The cosine of the mean vector around each passage; its own where nothing else is there, or nothing embedded."""
    around = cosines.copy()
    places = np.flatnonzero(near.sum(axis=1) > 1)
    if len(places):
        vectors = snapshot.vectors([node_ids[place] for place in places.tolist()])  # zeros for what is not embedded
        means = near[np.ix_(places, places)].astype(np.float32) @ vectors
        norms = np.linalg.norm(means, axis=1)
        known = norms > 0
        around[places[known]] = (means[known] @ vector) / norms[known]
    return around


def _hit(rank: int, score: float, candidates: Candidates, found: StoredNode) -> Hit:
    node_id = found.node.node_id
    scores = Scores(candidates.dense[node_id], candidates.lexical.get(node_id, 0.0))
    return Hit(rank, score, scores, found.node, found.source, found.title, found.metadata, found.also)
