"""Engines that tell OpenTelemetry what they do: a span an answer, and one for each of its two halves."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

from docindex.answering.streams import asked
from docindex.errors import MissingDependencyError
from docindex.protocols import AnswerStream, Engine
from docindex.schema import Response

try:
    from opentelemetry import trace
    from opentelemetry.trace import Span, Status, StatusCode, Tracer, TracerProvider
except ImportError as error:
    raise MissingDependencyError("opentelemetry-api", "telemetry") from error

_NANOSECONDS = 1_000_000
"""In a millisecond."""


class SpannedEngine:
    """Another engine whose answers are spans `docindex.answer`, with `docindex.retrieve` and `docindex.generate` in it.

    Model and tokens stand under the names of OpenTelemetry's conventions for generative models, the rest under
    `docindex.`. No text of a question, an answer or a document is told.
    """

    def __init__(self, engine: Engine, name: str, provider: TracerProvider | None = None) -> None:
        """Tells the provider, the process's own unless given; `name` is the engine's."""
        self._engine = engine
        self._name = name
        self._tracer: Tracer = trace.get_tracer("docindex", tracer_provider=provider)

    def query(self, question: str, *, cancel: threading.Event | None = None) -> Response:
        """The whole response to a question.

        Raises:
            QueryError: The question is empty.
            RequestCancelledError: `cancel` was set.
        """
        return self.stream(question, cancel=cancel).response

    def stream(self, question: str, *, cancel: threading.Event | None = None) -> AnswerStream:
        """The answer as it grows; the span lasts from the first piece that is asked for to the end.

        Raises:
            QueryError: The question is empty.
        """
        return asked(question, self._answer(question, cancel))

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        # The span is not made the current one: the caller's code runs between two pieces, perhaps in another context.
        began = time.time_ns()
        span = self._tracer.start_span("docindex.answer", start_time=began, attributes={"docindex.engine": self._name})
        try:
            answer = self._engine.stream(question, cancel=cancel)
            yield from answer
            response = answer.response
        except GeneratorExit:
            span.set_attribute("docindex.closed_early", True)
            raise
        except BaseException as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        else:
            self._tell(span, response, began)
            return response
        finally:
            span.end()

    def _tell(self, span: Span, response: Response, began: int) -> None:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": response.model,
                "gen_ai.usage.input_tokens": response.tokens.prompt,
                "gen_ai.usage.output_tokens": response.tokens.completion,
                "docindex.tokens.cached": response.tokens.prompt_cached,
                "docindex.no_answer": response.no_answer,
                "docindex.hits": len(response.hits),
                "docindex.hits.dropped": len(response.dropped),
                "docindex.citations": len(response.citations),
                "docindex.citations.verified": sum(citation.verified for citation in response.citations),
                "docindex.steps": len(response.steps),
            }
        )
        retrieve = response.timings_ms.get("retrieve")
        if retrieve is None:
            return
        between = began + int(retrieve * _NANOSECONDS)
        inside = trace.set_span_in_context(span)
        for name, start, end in (("retrieve", began, between), ("generate", between, time.time_ns())):
            self._tracer.start_span(f"docindex.{name}", context=inside, start_time=start).end(end_time=max(start, end))
