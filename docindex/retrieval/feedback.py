"""Pseudo-relevance feedback: the query learns from what it has found, without a language model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Embedder, Snapshot, Vectors
from docindex.retrieval.fusion import Candidates, Fusion, fuse, ranked
from docindex.retrieval.hybrid import find_candidates, fused_hits
from docindex.schema import Hit, Query

_WORD = re.compile(r"[^\W\d_][\w'-]+")
_BACKGROUND = 50
"""Passages that say which words are common: of those that were found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """How much a query learns, and from what."""

    passages: int = 5
    """The best passages, which are taken to be relevant."""
    vector_share: float = 0.3
    """How far the query's vector moves towards theirs: 0 stays, 1 replaces it."""
    terms: int = 10
    """Words of theirs that are searched, too."""
    term_weight: float = 0.1
    """What a passage gets of its BM25 for these words."""
    temperature: float = 0.05
    """By how much a passage's score must fall below the best one's for it to count a factor of e less."""


class FeedbackRetriever:
    """Searches, learns from the best passages, and searches again: two searches' time.

    The vector moves towards the best passages' (Rocchio), and words that set these apart from the rest of what was
    found join the query (as in RM3, with BM25 in the place of query likelihood). On SciFact's train split it left
    nDCG@10 where it was, within 0.002, with the vector moved in the hybrid and the dense mode, and with words in the
    lexical one: it is off unless asked for.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        embedder: Embedder,
        dense_weight: float,
        *,
        fusion: Fusion = "weighted",
        feedback: Feedback | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._weight = dense_weight
        self._fusion: Fusion = fusion
        self._feedback = feedback or Feedback()

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits; the scores are those of the query that has learned."""
        snapshot, feedback = self._snapshot(), self._feedback
        vector = self._embedder.embed([query.text], kind="query")[0]
        first = find_candidates(snapshot, query, vector)
        fused = fuse(self._fusion, first, self._weight)
        order = ranked(fused)
        best = order[: feedback.passages]
        if not best:
            return []
        shares = shares_of([fused[node_id] for node_id in best], feedback.temperature)
        if feedback.vector_share > 0:
            vector = moved(vector, snapshot.vectors(best), shares, feedback.vector_share)
        candidates = find_candidates(snapshot, query, vector)
        if feedback.terms and feedback.term_weight > 0:
            texts = [found.node.full_text for found in snapshot.nodes(order[:_BACKGROUND])]
            terms = telling_terms(query.text, texts[: len(best)], shares, texts, feedback.terms)
            candidates = _with_terms(snapshot, query, candidates, terms, feedback.term_weight)
        return fused_hits(snapshot, candidates, fuse(self._fusion, candidates, self._weight), query.k)


def shares_of(scores: Sequence[float], temperature: float) -> list[float]:
    """How much each of the passages is listened to, best first: shares that fall with the score and add up to 1."""
    weights = np.exp((np.array(scores) - scores[0]) / temperature)
    return [float(share) for share in weights / weights.sum()]


def moved(vector: NDArray[np.float32], towards: Vectors, shares: Sequence[float], share: float) -> NDArray[np.float32]:
    """The query's vector, moved towards those of passages, of unit norm.

    Source: Rocchio, "Relevance feedback in information retrieval" (1971), without the irrelevant documents.
    """
    centre = np.asarray(shares, dtype=np.float32) @ towards
    found = (1 - share) * vector + share * centre
    norm = float(np.linalg.norm(found))
    return np.asarray(found / norm, dtype=np.float32) if norm > 0 else vector


def telling_terms(
    query: str, texts: Sequence[str], shares: Sequence[float], background: Sequence[str], most: int
) -> list[str]:
    """The words that the texts use more than the background does and that the query lacks, the most telling first.

    A word's weight is its share of each text, by the text's own share, times the logarithm of how rare it is among
    the background's texts.

    Source: Abdul-Jaleel et al., "UMass at TREC 2004: Novelty and HARD" (RM3), weighted by rarity in the place of
    smoothing with the collection's model.
    """
    own = set(_words(query))
    holding = Counter(word for text in background for word in set(_words(text)))
    weights: dict[str, float] = {}
    for share, text in zip(shares, texts, strict=True):
        words = _words(text)
        for word, count in Counter(words).items():
            if word not in own:
                weights[word] = weights.get(word, 0.0) + share * count / len(words)
    telling = {
        word: weight * float(np.log((len(background) + 1) / (holding[word] + 0.5))) for word, weight in weights.items()
    }
    return [word for word in ranked(telling)[:most] if telling[word] > 0]


def _words(text: str) -> list[str]:
    return [match.group() for match in _WORD.finditer(text.lower())]


def _with_terms(
    snapshot: Snapshot, query: Query, candidates: Candidates, terms: Sequence[str], weight: float
) -> Candidates:
    """The candidates with a share of their BM25 for the terms added."""
    if not terms:
        return candidates
    found = snapshot.lexical(" ".join(terms), len(candidates.dense), query.where, among=candidates.dense)
    lexical: Mapping[str, float] = candidates.lexical
    raised = {match.node_id: lexical.get(match.node_id, 0.0) + weight * match.score for match in found}
    return Candidates(candidates.dense, {**lexical, **raised})
