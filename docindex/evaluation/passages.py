"""Measuring where in its documents an index finds answers: questions with places, against the passages of a search.

A passage is right when it lies in the document that answers the question and shares text with the place that does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from docindex.evaluation.counting import OnCount, unheard
from docindex.evaluation.metrics import PASSAGE_METRICS, Metric
from docindex.evaluation.questions import Question, fingerprint_of
from docindex.evaluation.results import Evaluation, Setting
from docindex.evaluation.retrieval import Find, Found, Searchable, result_of
from docindex.schema import Hit, SearchMode


def evaluate_passages(
    find: Find,
    questions: Sequence[Question],
    *,
    k: int = 10,
    metrics: Sequence[Metric] = PASSAGE_METRICS,
    name: str = "search",
    dataset: str = "",
    split: str = "",
    settings: Mapping[str, Setting] | None = None,
    on_count: OnCount = unheard,
) -> Evaluation:
    """How well a search finds the places that answer questions; those without an answer are left out.

    Args:
        find: Of a question's text and k, passages, best first.
        questions: With their places.
        k: How many passages are asked for a question.
        metrics: What is measured. Each question has one place that is relevant, so recall is the same as hit.
        name: What the system is called in tables.
        dataset: What the questions are called in tables.
        split: The part of them that this is.
        settings: How the system was set, for readers.
        on_count: Hears of each question.
    """
    asked = [question for question in questions if question.answerable]
    results = []
    for number, question in enumerate(asked, 1):
        started = time.perf_counter()
        hits = find(question.text, k)
        milliseconds = (time.perf_counter() - started) * 1000
        place = f"{question.doc_id}:{question.start}-{question.end}"
        ranking: dict[str, float] = {}
        for hit in hits:
            ranking.setdefault(place if meets(hit, question) else hit.node_id, hit.score)
        found = Found(tuple(ranking.items())[:k], milliseconds)
        results.append(result_of(question.question_id, question.text, found, {place: 1}, metrics))
        on_count("questions", number, len(asked))
    return Evaluation(
        name=name,
        kind="passages",
        dataset=dataset,
        split=split,
        fingerprint=fingerprint_of(asked),
        settings=dict(settings or {}),
        results=tuple(results),
    )


def index_find(
    index: Searchable,
    mode: SearchMode = "hybrid",
    filter: str | None = None,  # noqa: A002 - what `Index.search` calls it
) -> Find:
    """Searches an index for passages, as `docindex search` does."""

    def find(text: str, k: int) -> list[Hit]:
        return index.search(text, k, mode, filter)

    return find


def meets(hit: Hit, question: Question) -> bool:
    """Whether the passage holds a part of the place that answers the question."""
    return hit.doc_id == question.doc_id and hit.node.start < question.end and question.start < hit.node.end
