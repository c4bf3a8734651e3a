"""From a question to hits, and from hits to an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from docindex.schema import Hit, Query, Response


class Retriever(Protocol):
    """Finds nodes. Retrievers that rerank, widen or merge hold another one."""

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, best first, ranks from 1."""
        ...


class Synthesizer(Protocol):
    """Makes an answer from hits."""

    def synthesize(self, question: str, hits: Sequence[Hit], *, cancel: threading.Event | None = None) -> AnswerStream:
        """The answer as it grows; it begins when the iterator is first advanced."""
        ...


class AnswerStream(Protocol):
    """Yields pieces of the answer's text; `response` is whole once they are used up."""

    def __iter__(self) -> Iterator[str]: ...

    def close(self) -> None:
        """Ends the answer where it is and frees the model."""
        ...

    @property
    def response(self) -> Response:
        """The whole response; reading it uses up what was not yet yielded."""
        ...


class QueryEngine(Protocol):
    """Answers questions."""

    def query(self, question: str) -> Response: ...


class StreamingEngine(Protocol):
    """Answers questions piece by piece, as a chat asks for it."""

    def stream(self, question: str, *, cancel: threading.Event | None = None) -> AnswerStream:
        """The answer as it grows."""
        ...


class Engine(StreamingEngine, Protocol):
    """Answers whole or piece by piece, and can be told to give up; engines that ask others hold such."""

    def query(self, question: str, *, cancel: threading.Event | None = None) -> Response:
        """The whole response."""
        ...
