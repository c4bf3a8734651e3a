"""What OpenTelemetry is told of an answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from docindex import Index
from docindex.answering.compact import CompactSynthesizer
from docindex.answering.engine import RetrieverQueryEngine
from docindex.answering.entailment import Entailment
from docindex.answering.streams import LazyAnswer
from docindex.answering.telemetry import SpannedEngine
from docindex.config import AnswerOptions, Environment
from docindex.errors import ModelError, QueryError
from docindex.joined import JoinedIndex
from docindex.routed import RoutedIndex
from docindex.schema import Document, Hit, Query
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import Parts

ROUTES = """
version: 1
fallback: chatter
routes:
  - name: chatter
    direct: true
    utterances: ["Write a poem.", "Tell me a story.", "Write a limerick."]
  - name: courtesy
    answer: You are welcome.
    stock: courtesy
"""
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


def test_the_time_in_which_the_model_judges_is_a_part_of_its_own(manual, manual_hits, provider, exporter):
    class Judging(ScriptedLLM):
        def choose(self, messages: object, choices: object, *, cancel: object = None) -> list[float]:
            return [0.5, 0.5]

    llm = Judging("The warranty of the Nimbus R7 is three years.")
    made = CompactSynthesizer(llm, {"manual": manual}.get, entailment=Entailment(llm))
    SpannedEngine(RetrieverQueryEngine(FixedRetriever(manual_hits), made), "retriever", provider).query(QUESTION)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {f"docindex.{name}" for name in ("answer", "retrieve", "generate", "entailment")}
    generated, judged = spans["docindex.generate"], spans["docindex.entailment"]
    assert generated.end_time == judged.start_time < judged.end_time <= spans["docindex.answer"].end_time


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


@pytest.fixture
def telling(example_index: Index, provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index of a process that was asked to tell, and a model that is there at once."""
    monkeypatch.setattr(trace, "get_tracer", lambda name, tracer_provider: provider.get_tracer(name))
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM('{"years": "two"}'))
    environment = Environment.read({**os.environ, "DOCINDEX_TELEMETRY": "1"})
    with Index.open(example_index.path, environment=environment) as index:
        yield index


def engines(exporter: InMemorySpanExporter) -> list[str]:
    spans = exporter.get_finished_spans()
    return [span.attributes["docindex.engine"] for span in spans if span.name == "docindex.answer"]


def test_all_that_answers_is_told_where_the_environment_says_so(telling: Index, exporter, tmp_path: Path):
    extract = AnswerOptions(synthesis="extract")
    question = "How long does the warranty last?"
    telling.engine(answers=extract).query(question)
    assert engines(exporter) == ["retriever"]
    JoinedIndex([telling]).engine(answers=extract).query(question)
    assert engines(exporter) == ["retriever"] * 2
    telling.extract_json(question, {"type": "object", "properties": {"years": {"type": "string"}}})
    assert engines(exporter)[2:] == ["form"]
    assert exporter.get_finished_spans()[-1].attributes["gen_ai.request.model"] == "scripted"
    routes = tmp_path / "routes.yaml"
    routes.write_text(ROUTES)
    with RoutedIndex(telling, routes) as routed:
        assert routed.query("Write a poem.").route == "chatter"
    assert engines(exporter)[3:] == ["direct"]


def test_nothing_is_told_unasked(example_index: Index, provider, exporter, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trace, "get_tracer", lambda name, tracer_provider: provider.get_tracer(name))
    example_index.engine(answers=AnswerOptions(synthesis="extract")).query("How long does the warranty last?")
    assert exporter.get_finished_spans() == ()
