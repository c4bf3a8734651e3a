"""Engines whose answers can be awaited."""

from __future__ import annotations

import asyncio
import threading

from docindex.protocols import AnswerStream, Engine
from docindex.schema import Response


class AwaitableEngine:
    """Another engine, with a twin of `query` that does not block the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def query(self, question: str, *, cancel: threading.Event | None = None) -> Response:
        """The whole response to a question.

        Raises:
            QueryError: The question is empty.
            RequestCancelledError: `cancel` was set.
        """
        return self._engine.query(question, cancel=cancel)

    def stream(self, question: str, *, cancel: threading.Event | None = None) -> AnswerStream:
        """The answer as it grows; work begins with the first piece.

        Raises:
            QueryError: The question is empty.
        """
        return self._engine.stream(question, cancel=cancel)

    async def aquery(self, question: str) -> Response:
        """`query` in a thread; when the task is cancelled, so is the request."""
        return await in_thread(self._engine, question)


async def in_thread(engine: Engine, question: str) -> Response:
    """The engine's response, from a thread; when the task is cancelled, so is the request."""
    cancel = threading.Event()
    try:
        return await asyncio.to_thread(engine.query, question, cancel=cancel)
    finally:
        cancel.set()
