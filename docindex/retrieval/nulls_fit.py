"""Asks an index what its scores look like with an answer and without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from docindex.protocols import Embedder, Snapshot
from docindex.retrieval.calibration import Logistic
from docindex.retrieval.nulls import FALSE_REFUSALS, NullModel, NullSide, lexical_feature
from docindex.retrieval.nulls_queries import Calibration, calibration_of

KNOWN, FOREIGN, RANDOM = 140, 42, 12
"""How many questions of each kind are asked."""
_ANSWERED = 0.5
"""A field of which this share of questions scores like those with an answer is what the index is about."""

Scores = Callable[[Sequence[str]], list[float]]


def fit_nulls(
    snapshot: Snapshot,
    embedder: Embedder | None,
    *,
    fingerprint: str,
    false_refusals: float = FALSE_REFUSALS,
    known: int = KNOWN,
    foreign: int = FOREIGN,
    random_queries: int = RANDOM,
) -> NullModel | None:
    """The null model of an index, or None where it holds too little prose to say.

    Costs an embedding and a lexical search a question, and three passes over all vectors: about a second and a half for
    10,000 passages. The same index always gives the same model.

    Args:
        snapshot: What is asked.
        embedder: The index's; without one, or where no passage has a vector, words alone are calibrated.
        fingerprint: The embedder's, as the index has it.
        false_refusals: The share of questions with an answer that may be refused.
        known: How many sentences of the index stand for questions that it answers.
        foreign: About how many questions of other fields are asked.
        random_queries: How many times words of the index are thrown together.
    """
    questions = calibration_of(snapshot, known=known, foreign=foreign, random_queries=random_queries)
    if questions is None:
        return None

    def cosines(texts: Sequence[str]) -> list[float]:
        if embedder is None or not texts:
            return []
        best: list[float] = snapshot.best_cosines(embedder.embed(texts, kind="query")).tolist()
        return best

    def words(texts: Sequence[str]) -> list[float]:
        found = [(text, snapshot.lexical(text, 1)) for text in texts]
        return [lexical_feature(text, matches[0].score if matches else 0.0) for text, matches in found]

    dense = None
    if embedder is not None and snapshot.embedded():
        dense = _side([item.sentence for item in questions.known], questions, cosines, false_refusals)
    return NullModel(
        fingerprint=fingerprint,
        nodes=snapshot.count(),
        dense=dense,
        lexical=_side([item.keywords for item in questions.known], questions, words, false_refusals),
        false_refusals=false_refusals,
    )


def _side(known: Sequence[str], questions: Calibration, scores: Scores, false_refusals: float) -> NullSide:
    positive = scores(known)
    asked = [question for field in questions.foreign for question in field]
    of_asked = dict(zip(asked, scores(asked), strict=True))
    threshold = float(np.quantile(positive, false_refusals))
    fields = [[of_asked[question] for question in field] for field in questions.foreign]
    strange = [field for field in fields if np.mean(np.array(field) >= threshold) < _ANSWERED] or fields
    negative = [score for field in strange for score in field]
    return NullSide(
        known=_ascending(positive),
        foreign=_ascending(negative),
        random=_ascending(scores(questions.random)),
        answerable=Logistic.fit(positive, negative),
    )


def _ascending(scores: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(score, 6) for score in sorted(scores))
