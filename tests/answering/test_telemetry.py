"""What OpenTelemetry is told of an answer."""

from __future__ import annotations

import threading

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from docindex.answering.compact import CompactSynthesizer
from docindex.answering.engine import RetrieverQueryEngine
from docindex.answering.streams import LazyAnswer
from docindex.answering.telemetry import SpannedEngine
from docindex.errors import ModelError, QueryError
from docindex.schema import Document, Hit, Query
from docindex.testing.scripted_llm import ScriptedLLM

QUESTION = "What is the warranty of the Nimbus R7?"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


class FixedRetriever:
    def __init__(self, hits: list[Hit]) -> None:
        self._hits = hits

    def retrieve(self, query: Query) -> list[Hit]:
        return self._hits[: query.k]


@pytest.fixture
def plain(manual_hits: list[Hit], manual: Document) -> RetrieverQueryEngine:
    llm = ScriptedLLM("The warranty of the Nimbus R7 is three years.")
    return RetrieverQueryEngine(FixedRetriever(manual_hits), CompactSynthesizer(llm, {"manual": manual}.get), k=2)


def test_an_answer_is_a_span_with_its_halves_in_it(plain, provider, exporter):
    response = SpannedEngine(plain, "retriever", provider).query(QUESTION)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"docindex.answer", "docindex.retrieve", "docindex.generate"}
    whole = spans["docindex.answer"]
    told = dict(whole.attributes)
    assert told["gen_ai.usage.input_tokens"] == response.tokens.prompt > 0
    assert told["gen_ai.usage.output_tokens"] == response.tokens.completion > 0
    assert told["gen_ai.request.model"] == "scripted"
    assert told["docindex.engine"] == "retriever"
    assert told["docindex.hits"] == len(response.hits)
    assert told["docindex.citations"] == len(response.citations)
    for name in ("retrieve", "generate"):
        part = spans[f"docindex.{name}"]
        assert part.parent.span_id == whole.context.span_id
        assert whole.start_time <= part.start_time <= part.end_time <= whole.end_time


def test_no_text_is_told(plain, provider, exporter):
    response = SpannedEngine(plain, "retriever", provider).query(QUESTION)
    told = " ".join(span.to_json() for span in exporter.get_finished_spans())
    assert QUESTION not in told
    assert response.answer not in told


def test_an_error_is_told_and_passes_through(provider, exporter):
    class Failing:
        def stream(self, question: str, *, cancel: threading.Event | None = None) -> LazyAnswer:
            def pieces():
                yield "The "
                raise ModelError("It stopped: try again.")

            return LazyAnswer(pieces())

    with pytest.raises(ModelError):
        SpannedEngine(Failing(), "retriever", provider).query(QUESTION)
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.events[0].name == "exception"


def test_an_answer_that_is_closed_early_ends_its_span(plain, provider, exporter):
    stream = SpannedEngine(plain, "retriever", provider).stream(QUESTION)
    next(iter(stream))
    assert exporter.get_finished_spans() == ()
    stream.close()
    (span,) = exporter.get_finished_spans()
    assert span.attributes["docindex.closed_early"] is True


def test_an_empty_question_is_no_span(plain, provider, exporter):
    with pytest.raises(QueryError):
        SpannedEngine(plain, "retriever", provider).query(" ")
    assert exporter.get_finished_spans() == ()
