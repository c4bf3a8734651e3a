"""What engines and synthesizers have in common: who tells an answer piece by piece can be asked for it in every way."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence

from docindex.answering.streams import LazyAnswer, asked
from docindex.protocols import AnswerStream
from docindex.schema import Hit, Response


class PiecewiseEngine(ABC):
    """An engine whose answers come piece by piece; they are had whole, as they grow, or awaited."""

    def query(self, question: str, *, cancel: threading.Event | None = None) -> Response:
        """The whole response to a question.

        Raises:
            QueryError: The question is empty or too long for the model.
            RequestCancelledError: `cancel` was set.
        """
        return self.stream(question, cancel=cancel).response

    def stream(self, question: str, *, cancel: threading.Event | None = None) -> AnswerStream:
        """The answer as it grows; work begins with the first piece that is asked for.

        Raises:
            QueryError: The question is empty.
        """
        return asked(question, self._answer(question, cancel))

    async def aquery(self, question: str) -> Response:
        """`query` in a thread; when the task is cancelled, so is the request."""
        cancel = threading.Event()
        try:
            return await asyncio.to_thread(self.query, question, cancel=cancel)
        finally:
            cancel.set()

    @abstractmethod
    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        """The pieces, and the whole response at their end. The question is not empty."""


class PiecewiseSynthesizer(ABC):
    """A synthesizer whose answers come piece by piece."""

    def synthesize(self, question: str, hits: Sequence[Hit], *, cancel: threading.Event | None = None) -> LazyAnswer:
        """The answer as it grows; work begins with the first piece that is asked for.

        Raises:
            QueryError: The question is empty or, from the iterator, alone too long for the model's context.
        """
        return asked(question, self._answer(question, hits, cancel))

    @abstractmethod
    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        """The pieces, and the whole response at their end. The question is not empty."""
