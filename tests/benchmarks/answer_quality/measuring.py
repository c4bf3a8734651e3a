"""What an engine makes of the questions."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from questions import OffTopic, Placed

from docindex import Index
from docindex.config import AnswerOptions
from docindex.errors import DocindexError
from docindex.evaluation import Evaluation, QueryResult
from docindex.evaluation.answers import exact_match, normalized, token_f1
from docindex.evaluation.counting import OnCount
from docindex.protocols import QueryEngine
from docindex.schema import EngineName, Response, SynthesisMode, digest

ENGINES: tuple[EngineName, ...] = get_args(EngineName)
MODES: tuple[SynthesisMode, ...] = get_args(SynthesisMode)
PLAIN: EngineName = "retriever"
_MARKER = re.compile(r"\s?\[\d{1,3}\]")
_VERDICTS = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to answer."""

    engine: EngineName
    synthesis: SynthesisMode

    @property
    def name(self) -> str:
        """As tables and files call it."""
        return f"{self.engine}, {self.synthesis}"

    def open(self, index: Index) -> QueryEngine:
        """The engine. Nothing is answered from what was kept: a second run would take no time."""
        return index.engine(self.engine, answers=AnswerOptions(synthesis=self.synthesis, cache=False))


def ways(modes: Sequence[SynthesisMode], engines: Sequence[EngineName]) -> list[Way]:
    """The modes with the plain engine, then the other engines as they come."""
    default = AnswerOptions().synthesis
    return [Way(PLAIN, mode) for mode in modes] + [Way(engine, default) for engine in engines if engine != PLAIN]


def measure(
    way: Way,
    index: Index,
    corpus: str,
    questions: Sequence[Placed],
    off_topic: Sequence[OffTopic],
    on_count: OnCount,
) -> Evaluation:
    """The scores of each question. What an engine can't take counts as failed, and the others go on."""
    total = len(questions) + len(off_topic)
    results: list[QueryResult] = []
    engine = way.open(index)
    for placed in questions:
        answered = ask(engine, placed.asked.question_id, placed.asked.text)
        if isinstance(answered, Answered):
            results.append(answered.result(scores_of(placed, answered.response)))
        else:
            results.append(answered)
        on_count(f"{corpus}: {way.name}", len(results), total)
    for question in off_topic:
        answered = ask(engine, question.question_id, question.text)
        if isinstance(answered, Answered):
            results.append(answered.result(refusal_of(question, answered.response)))
        else:
            results.append(answered)
        on_count(f"{corpus}: {way.name}", len(results), total)
    return Evaluation(
        name=way.name,
        kind="answers",
        dataset=corpus,
        split="",
        fingerprint=digest(*(f"{result.query_id}\t{result.text}" for result in results)),
        settings={"engine": way.engine, "synthesis": way.synthesis},
        results=tuple(results),
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """A response and its time."""

    question_id: str
    response: Response
    milliseconds: float

    def result(self, scores: dict[str, float]) -> QueryResult:
        """As evaluations hold it."""
        return QueryResult(
            query_id=self.question_id,
            text=self.response.question,
            scores=scores,
            answer=self.response.answer,
            milliseconds=self.milliseconds,
        )


def ask(engine: QueryEngine, question_id: str, text: str) -> Answered | QueryResult:
    """What the engine says, or that it failed."""
    started = time.perf_counter()
    try:
        response = engine.query(text)
    except DocindexError as error:
        return QueryResult(query_id=question_id, text=text, scores={}, error=str(error))
    return Answered(question_id, response, (time.perf_counter() - started) * 1000)


def scores_of(placed: Placed, response: Response) -> dict[str, float]:
    """The text against the answer and its aliases, whichever is nearest, and verified citations against the places.

    A refusal has 0 in all of them, and no citation precision.
    """
    asked = placed.asked
    said = "" if response.no_answer else _MARKER.sub("", response.answer)
    accepted = (asked.answer, *asked.aliases)
    cited = () if response.no_answer else tuple(one for one in response.citations if one.verified)
    right = sum(any(place.meets(citation) for place in placed.places) for citation in cited)
    scores = {
        "exact_match": max(exact_match(said, text) for text in accepted),
        "f1": max(token_f1(said, text) for text in accepted),
        "contains": float(any(says(said, text) for text in accepted)),
        "citation_recall": float(right > 0),
        "false_refusal": float(response.no_answer),
    }
    if cited:
        scores["citation_precision"] = right / len(cited)
    return scores


def refusal_of(question: OffTopic, response: Response) -> dict[str, float]:
    """Whether it was refused."""
    refused = float(response.no_answer)
    return {"refused": refused, "refused_near" if question.near else "refused_foreign": refused}


def says(said: str, accepted: str) -> bool:
    """Whether an answer holds another one; a plain yes or no has to come first, since "no" is in many a sentence."""
    ours, theirs = normalized(said), normalized(accepted)
    if theirs in _VERDICTS:
        return ours.split()[:1] == [theirs]
    return f" {theirs} " in f" {ours} "
