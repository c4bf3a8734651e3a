"""Engines that tell OpenTelemetry what they do: a span an answer, and one for each of its parts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from docindex.answering.piecewise import PiecewiseEngine
from docindex.errors import MissingDependencyError
from docindex.protocols import Engine
from docindex.schema import JsonValue, Response

try:
    from opentelemetry import trace
    from opentelemetry.trace import Span, Status, StatusCode, Tracer, TracerProvider
except ImportError as error:
    raise MissingDependencyError("opentelemetry-api", "telemetry") from error

if TYPE_CHECKING:
    from pydantic import BaseModel

    from docindex.answering.structured import Structured, StructuredEngine

M = TypeVar("M", bound="BaseModel")

_FORM = "form"
_NANOSECONDS = 1_000_000
"""In a millisecond."""


class SpannedEngine(PiecewiseEngine):
    """Another engine whose answers are spans `docindex.answer`, with `docindex.retrieve` and `docindex.generate` in it.

    Where the model was asked what supports what, the time for that is a third one, `docindex.entailment`, at the end.

    Model and tokens stand under the names of OpenTelemetry's conventions for generative models, the rest under
    `docindex.`. No text of a question, an answer or a document is told. A span lasts from the first piece that is asked
    for to the end.
    """

    def __init__(self, engine: Engine, name: str, provider: TracerProvider | None = None) -> None:
        """Tells the provider, the process's own unless given; `name` is the engine's."""
        self._engine = engine
        self._name = name
        self._tracer: Tracer = trace.get_tracer("docindex", tracer_provider=provider)

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        with _span(self._tracer, self._name) as tell:
            answer = self._engine.stream(question, cancel=cancel)
            yield from answer
            response = answer.response
            tell(response)
        return response


class SpannedForms:
    """An engine for forms whose answers are such spans, too, by the engine's name `form`."""

    def __init__(self, forms: StructuredEngine, provider: TracerProvider | None = None) -> None:
        """Tells the provider, the process's own unless given."""
        self._forms = forms
        self._tracer: Tracer = trace.get_tracer("docindex", tracer_provider=provider)

    def extract(self, question: str, model: type[M], *, cancel: threading.Event | None = None) -> Structured[M]:
        """As `StructuredEngine.extract`."""
        with _span(self._tracer, _FORM) as tell:
            filled = self._forms.extract(question, model, cancel=cancel)
            tell(filled)
        return filled

    def extract_json(
        self, question: str, schema: Mapping[str, Any], *, cancel: threading.Event | None = None
    ) -> Structured[JsonValue]:
        """As `StructuredEngine.extract_json`."""
        with _span(self._tracer, _FORM) as tell:
            filled = self._forms.extract_json(question, schema, cancel=cancel)
            tell(filled)
        return filled


@contextmanager
def _span(tracer: Tracer, engine: str) -> Iterator[Callable[[Response | Structured[Any]], None]]:
    """A span around an answer, which is told of what came out. It ends with an error, too.

    It is not made the current one: the caller's code runs between two pieces, perhaps in another context.
    """
    began = time.time_ns()
    span = tracer.start_span("docindex.answer", start_time=began, attributes={"docindex.engine": engine})
    try:
        yield lambda answer: _tell(tracer, span, answer, began)
    except GeneratorExit:
        span.set_attribute("docindex.closed_early", True)
        raise
    except BaseException as error:
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        span.end()


def _tell(tracer: Tracer, span: Span, answer: Response | Structured[Any], began: int) -> None:
    citations = answer.citations if isinstance(answer, Response) else answer.citations.values()
    span.set_attributes(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": answer.model,
            "gen_ai.usage.input_tokens": answer.tokens.prompt,
            "gen_ai.usage.output_tokens": answer.tokens.completion,
            "docindex.tokens.cached": answer.tokens.prompt_cached,
            "docindex.no_answer": answer.no_answer,
            "docindex.hits": len(answer.hits),
            "docindex.hits.dropped": len(answer.dropped),
            "docindex.citations": len(citations),
            "docindex.citations.verified": sum(citation.verified for citation in citations),
        }
    )
    if isinstance(answer, Response):
        span.set_attribute("docindex.steps", len(answer.steps))
    retrieve = answer.timings_ms.get("retrieve")
    if retrieve is None:
        return
    between = began + int(retrieve * _NANOSECONDS)
    ended = time.time_ns()
    judging = ended - int(answer.timings_ms.get("entailment", 0.0) * _NANOSECONDS)
    parts = [("retrieve", began, between), ("generate", between, judging)]
    if judging < ended:
        parts.append(("entailment", judging, ended))
    inside = trace.set_span_in_context(span)
    for name, start, end in parts:
        tracer.start_span(f"docindex.{name}", context=inside, start_time=start).end(end_time=max(start, end))
