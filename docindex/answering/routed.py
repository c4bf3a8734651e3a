"""An engine behind a router: one embedding decides whether anything is looked for, and where."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace

from docindex.answering.prompting import direct_prompt
from docindex.answering.streams import asked
from docindex.errors import QueryError
from docindex.llm.reading import reading
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, AnswerStream, StreamingEngine
from docindex.retrieval.router import Router
from docindex.retrieval.routes import Answer, Direct, Refuse, Retrieve
from docindex.schema import Response, TokenCounts

_ROUTER = "router"
"""The model of an answer that stands in the file of routes."""


class RoutedEngine:
    """Does what the route of a question says: looks for passages, says what the file has, or asks the model alone."""

    def __init__(
        self,
        router: Router,
        engine_for: Callable[[Retrieve], StreamingEngine],
        llm: Callable[[], LLM],
        *,
        max_tokens: int = 160,
        prompts: Prompts = SHIPPED,
    ) -> None:
        """Puts the parts together.

        Args:
            router: Decides.
            engine_for: The engine of a route that retrieves; asked for once a route.
            llm: The model that answers alone where a route says so; loaded when the first one does.
            max_tokens: The longest answer of the model alone.
            prompts: What it is asked with.
        """
        self._router = router
        self._engine_for = engine_for
        self._llm = llm
        self._max_tokens = max_tokens
        self._prompts = prompts
        self._engines: dict[str, StreamingEngine] = {}

    def query(self, question: str, *, cancel: threading.Event | None = None) -> Response:
        """The whole response to a question; `route` names what served it.

        Raises:
            QueryError: The question is empty or too long for the model.
            RequestCancelledError: `cancel` was set.
        """
        return self.stream(question, cancel=cancel).response

    def stream(self, question: str, *, cancel: threading.Event | None = None) -> AnswerStream:
        """The answer as it grows; the router decides with the first piece.

        Raises:
            QueryError: The question is empty.
        """
        return asked(question, self._answer(question, cancel))

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        started = time.perf_counter()
        decision = self._router.route(question)
        routed = (time.perf_counter() - started) * 1000
        match decision.action:
            case Retrieve() as action:
                if decision.route not in self._engines:
                    self._engines[decision.route] = self._engine_for(action)
                answer = self._engines[decision.route].stream(question, cancel=cancel)
                yield from answer
                response = answer.response
            case Answer(text) | Refuse(text):
                yield text
                refused = isinstance(decision.action, Refuse)
                response = Response(question, text, no_answer=refused, model=_ROUTER)
            case Direct():
                response = yield from self._alone(question, cancel)
        times = {name: value + routed for name, value in response.timings_ms.items() if name == "first_token"}
        times |= {"route": routed, "total": (time.perf_counter() - started) * 1000}
        return replace(response, route=decision.route, timings_ms={**response.timings_ms, **times})

    def _alone(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        llm, started = self._llm(), time.perf_counter()
        text, counts, first = "", TokenCounts(), None
        messages = direct_prompt(question, self._prompts)
        room = llm.context_tokens - llm.count_tokens(messages)
        if room < 1:
            raise QueryError(f"{llm.name} has room for {llm.context_tokens} tokens: ask a shorter question.")
        tokens = llm.complete(messages, max_tokens=min(self._max_tokens, room), cancel=cancel)
        with reading(tokens):
            for count, token in enumerate(tokens, 1):
                first = first or (time.perf_counter() - started) * 1000
                counts = TokenCounts(token.prompt_tokens, token.cached_tokens, count)
                text += token.text
                yield token.text
        times = {} if first is None else {"first_token": first}
        return Response(question, text, no_answer=False, tokens=counts, timings_ms=times, model=llm.name)
