"""Measuring answers: what an engine says, what it cites and when it refuses, against questions with places.

Of questions with a short answer, `exact_match`, `f1` and `contains` compare the texts. `citation_precision` is the
share of an answer's citations that share text with the place that answers the question, `citation_recall` is 1 if any
does. `false_refusal` is 1 when a question with an answer gets none, `false_answer` when one without gets one.
"""

from __future__ import annotations

import re
import string
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from docindex.errors import QueryError
from docindex.evaluation.counting import OnCount, unheard
from docindex.evaluation.questions import Question, fingerprint_of
from docindex.evaluation.results import Evaluation, QueryResult, Setting
from docindex.protocols import QueryEngine
from docindex.schema import Citation, Response

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "’‘“”–—…")
_MARKER = re.compile(r"\s?\[\d{1,3}\]")
LONGEST_ANSWER = 400
"""Characters of a place; a longer one, such as a whole section, is no text that an answer could be compared with."""


def evaluate_answers(
    engine: QueryEngine,
    questions: Sequence[Question],
    *,
    name: str = "answers",
    dataset: str = "",
    split: str = "",
    settings: Mapping[str, Setting] | None = None,
    on_count: OnCount = unheard,
) -> Evaluation:
    """What an engine makes of the questions. One that it can't take counts as failed, and the others go on.

    Args:
        engine: Such as `Index.engine()` gives.
        questions: With and without answers.
        name: What the system is called in tables.
        dataset: What the questions are called in tables.
        split: The part of them that this is.
        settings: How the system was set, for readers.
        on_count: Hears of each question.
    """
    results = []
    for number, question in enumerate(questions, 1):
        started = time.perf_counter()
        try:
            response = engine.query(question.text)
        except QueryError as error:
            result = QueryResult(query_id=question.question_id, text=question.text, scores={}, error=str(error))
        else:
            result = _result(question, response, (time.perf_counter() - started) * 1000)
        results.append(result)
        on_count("questions", number, len(questions))
    return Evaluation(
        name=name,
        kind="answers",
        dataset=dataset,
        split=split,
        fingerprint=fingerprint_of(questions),
        settings=dict(settings or {}),
        results=tuple(results),
    )


def scores_of(question: Question, response: Response) -> dict[str, float]:
    """The metrics that say something of a response to the question.

    A refusal to a question with an answer has 0 in all that is about texts.
    """
    if not question.answerable:
        return {"false_answer": float(not response.no_answer)}
    said = "" if response.no_answer else _MARKER.sub("", response.answer)
    citations = () if response.no_answer else response.citations
    scores: dict[str, float] = {}
    if question.kind != "heading" and len(question.answer) <= LONGEST_ANSWER:
        scores["exact_match"] = exact_match(said, question.answer)
        scores["f1"] = token_f1(said, question.answer)
        scores["contains"] = float(f" {normalized(question.answer)} " in f" {normalized(said)} ")
    right = sum(_cites(citation, question) for citation in citations)
    if citations:
        scores["citation_precision"] = right / len(citations)
    scores["citation_recall"] = float(right > 0)
    scores["false_refusal"] = float(response.no_answer)
    return scores


def exact_match(said: str, expected: str) -> float:
    """1 when the texts are the same but for case, punctuation, articles and blanks.

    Source: Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016), section 6.1.
    """
    return float(normalized(said) == normalized(expected))


def token_f1(said: str, expected: str) -> float:
    """The harmonic mean of the shares of words that two texts have in common, without articles and punctuation.

    Source: as for `exact_match`.
    """
    ours, theirs = normalized(said).split(), normalized(expected).split()
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))


def normalized(text: str) -> str:
    """The text in lower case without punctuation and articles, one blank between words."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _cites(citation: Citation, question: Question) -> bool:
    return citation.doc_id == question.doc_id and citation.start < question.end and question.start < citation.end


def _result(question: Question, response: Response, milliseconds: float) -> QueryResult:
    return QueryResult(
        query_id=question.question_id,
        text=question.text,
        scores=scores_of(question, response),
        answer=response.answer,
        milliseconds=milliseconds,
    )
