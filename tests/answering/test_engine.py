from __future__ import annotations

import asyncio
import threading

import pytest

from docindex.answering.compact import CompactSynthesizer
from docindex.answering.engine import RetrieverQueryEngine
from docindex.errors import QueryError, RequestCancelledError
from docindex.schema import Compare, Document, Field, Hit, Query, TokenCounts
from docindex.testing.scripted_llm import ScriptedLLM


class FixedRetriever:
    def __init__(self, hits: list[Hit]) -> None:
        self.hits = hits
        self.queries: list[Query] = []

    def retrieve(self, query: Query) -> list[Hit]:
        self.queries.append(query)
        return self.hits[: query.k]


@pytest.fixture
def retriever(manual_hits: list[Hit]) -> FixedRetriever:
    return FixedRetriever(manual_hits)


@pytest.fixture
def engine(retriever: FixedRetriever, manual: Document) -> RetrieverQueryEngine:
    llm = ScriptedLLM("The warranty of the Nimbus R7 is three years. The warranty does not cover damage by water.")
    return RetrieverQueryEngine(retriever, CompactSynthesizer(llm, {"manual": manual}.get), k=2)


QUESTION = "What is the warranty of the Nimbus R7?"


def test_a_question_is_retrieved_and_answered(engine: RetrieverQueryEngine, retriever: FixedRetriever):
    response = engine.query(QUESTION)
    assert retriever.queries == [Query(QUESTION, 2, "hybrid", None)]
    assert response.question == QUESTION
    assert "three years" in response.answer
    assert set(response.timings_ms) == {"retrieve", "first_token", "total"}
    assert response.timings_ms["retrieve"] <= response.timings_ms["first_token"] <= response.timings_ms["total"]


def test_the_settings_go_into_the_query(retriever: FixedRetriever, manual: Document):
    where = Compare(Field("page", "number", True), "<", 3)
    synthesizer = CompactSynthesizer(ScriptedLLM("x"), {"manual": manual}.get)
    RetrieverQueryEngine(retriever, synthesizer, k=1, mode="lexical", where=where).query("Warranty?")
    assert retriever.queries == [Query("Warranty?", 1, "lexical", where)]


def test_what_the_search_cost_is_counted_and_the_search_can_be_cancelled(costly, retriever, manual: Document):
    synthesizer = CompactSynthesizer(ScriptedLLM("It is three years."), {"manual": manual}.get)
    free = RetrieverQueryEngine(retriever, synthesizer, k=2).query(QUESTION).tokens
    engine = RetrieverQueryEngine(costly(retriever), synthesizer, k=2)
    assert engine.query(QUESTION).tokens == free + TokenCounts(7, 2, 1)
    cancel = threading.Event()
    cancel.set()
    asked = len(retriever.queries)
    with pytest.raises(RequestCancelledError):
        engine.query(QUESTION, cancel=cancel)
    assert len(retriever.queries) == asked


def test_an_answer_streams_and_nothing_runs_before_it_is_read(engine: RetrieverQueryEngine, retriever: FixedRetriever):
    stream = engine.stream(QUESTION)
    assert retriever.queries == []
    pieces = iter(stream)
    assert next(pieces) == "The warranty of the Nimbus R7 is three years. [1]"
    assert stream.response.answer.endswith("by water. [2]")
    assert list(stream) == []


def test_the_async_twin_gives_the_same(engine: RetrieverQueryEngine):
    response = asyncio.run(engine.aquery(QUESTION))
    assert response.answer == engine.query(QUESTION).answer


def test_cancelling_the_task_cancels_the_request(manual: Document):
    started, seen = threading.Event(), threading.Event()

    class Slow:
        def retrieve(self, query: Query) -> list[Hit]:
            return []

    class Waiting:
        def synthesize(self, question, hits, *, cancel=None):
            started.set()
            if cancel.wait(20):
                seen.set()
            raise RequestCancelledError("cancelled")

    async def run() -> None:
        task = asyncio.create_task(RetrieverQueryEngine(Slow(), Waiting()).aquery("?x"))
        while not started.is_set():
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert seen.wait(20)


def test_a_cancelled_question_is_not_answered(engine: RetrieverQueryEngine):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(RequestCancelledError):
        engine.query(QUESTION, cancel=cancel)


@pytest.mark.parametrize("question", ["", " \n"])
def test_an_empty_question_is_an_error(engine: RetrieverQueryEngine, question: str):
    with pytest.raises(QueryError):
        engine.stream(question)
