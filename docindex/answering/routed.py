"""An engine behind a router: one embedding decides whether anything is looked for, and where."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import cache

from docindex.answering.piecewise import PiecewiseEngine
from docindex.protocols import AnswerStream, StreamingEngine
from docindex.retrieval.router import Router
from docindex.retrieval.routes import Answer, Direct, Refuse, Retrieve
from docindex.schema import Response

_ROUTER = "router"
"""The model of an answer that stands in the file of routes."""


class RoutedEngine(PiecewiseEngine):
    """Does what the route of a question says: looks for passages, says what the file has, or asks the model alone.

    The response's `route` names what served it.
    """

    def __init__(
        self,
        router: Router,
        engine_for: Callable[[Retrieve], StreamingEngine],
        alone: StreamingEngine,
    ) -> None:
        """Puts the parts together.

        Args:
            router: Decides.
            engine_for: The engine of what a route retrieves; asked for once each.
            alone: Answers where a route looks for nothing: the model alone.
        """
        self._router = router
        self._engine_for = cache(engine_for)
        self._alone = alone

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        started = time.perf_counter()
        decision = self._router.route(question)
        routed = (time.perf_counter() - started) * 1000
        match decision.action:
            case Retrieve() as action:
                response = yield from _whole(self._engine_for(action).stream(question, cancel=cancel))
            case Answer(text) | Refuse(text):
                yield text
                refused = isinstance(decision.action, Refuse)
                response = Response(question, text, no_answer=refused, model=_ROUTER)
            case Direct():
                response = yield from _whole(self._alone.stream(question, cancel=cancel))
        times = {name: value + routed for name, value in response.timings_ms.items() if name == "first_token"}
        times |= {"route": routed, "total": (time.perf_counter() - started) * 1000}
        return replace(response, route=decision.route, timings_ms={**response.timings_ms, **times})


def _whole(answer: AnswerStream) -> Generator[str, None, Response]:
    yield from answer
    return answer.response
