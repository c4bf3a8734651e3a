"""The plain query engine: retrieve, then synthesize."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import replace

from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.usage import Usage
from docindex.errors import RequestCancelledError
from docindex.protocols import Retriever, Synthesizer
from docindex.retrieval.recording import Recording, RecordingRetriever
from docindex.schema import Condition, Hit, Query, Response, SearchMode


class RetrieverQueryEngine(PiecewiseEngine):
    """Answers a question from the hits of a retriever."""

    def __init__(
        self,
        retriever: Retriever,
        synthesizer: Synthesizer,
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        where: Condition | None = None,
    ) -> None:
        """Puts the two together; `k`, `mode` and `where` go into each query.

        Of a retriever that records its searches, what becomes of them in the answer is recorded too.
        """
        self._retriever = retriever
        self._synthesizer = synthesizer
        self._k = k
        self._mode: SearchMode = mode
        self._where = where

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        started = time.perf_counter()
        usage = Usage()
        hits, recording = self._found(Query(question, self._k, self._mode, self._where, cancel, usage.add))
        retrieved = (time.perf_counter() - started) * 1000
        if cancel is not None and cancel.is_set():
            raise RequestCancelledError("The request was cancelled.")
        answer = self._synthesizer.synthesize(question, hits, cancel=cancel)
        yield from answer
        response = answer.response
        timings = dict(response.timings_ms)
        if "first_token" in timings:
            timings["first_token"] += retrieved
        timings |= {"retrieve": retrieved, "total": (time.perf_counter() - started) * 1000}
        response = replace(response, tokens=usage.tokens + response.tokens, timings_ms=timings)
        if recording is not None:
            recording.keep(response)
        return response

    def _found(self, query: Query) -> tuple[list[Hit], Recording | None]:
        if isinstance(self._retriever, RecordingRetriever):
            return self._retriever.begin(query)
        return self._retriever.retrieve(query), None
