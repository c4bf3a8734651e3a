"""The calls that one index and several which are read as one have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from docindex.config import AnswerOptions

if TYPE_CHECKING:
    from pathlib import Path

    from docindex.answering.chat import Chat
    from docindex.protocols import Engine, Retriever, StreamingEngine
    from docindex.retrieval.options import RetrievalOptions
    from docindex.schema import EngineName, Hit, MemoryKind, Response, SearchMode


class Searchable(ABC):
    """What can be searched and asked: all that it takes is a retriever, an engine, and where conversations are kept."""

    @property
    @abstractmethod
    def k(self) -> int:
        """How many passages `docindex search` gives where no number is named."""

    def search(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002 - the field's word, and what the command line calls it
        options: RetrievalOptions | None = None,
    ) -> list[Hit]:
        """At most k passages, best first.

        Args:
            query: A question or some words; nothing in it is syntax.
            k: How many hits.
            mode: Both scores fused, or one of them alone.
            filter: A condition such as `source contains 'manual' and page < 10`.
            options: Everything else that can be switched on; `docindex.retrieval.options` explains it.

        Raises:
            QueryError: The filter can't be read or names an unknown field, or k is below 0.
            ConfigError: The options contradict each other or the mode, there is no such mode, or the index has no
                larger nodes to give.
            StoreError: The index lacks what the options go through, such as the graph.
        """
        return next(self.search_many([query], k, mode, filter, options))

    def search_many(
        self,
        queries: Iterable[str],
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> Iterator[list[Hit]]:
        """The hits of each query, as `search` gives them, in the order of the queries."""
        from docindex.schema import Query

        retriever = self._searcher(mode, filter, options)
        for query in queries:
            yield retriever.retrieve(Query(query, k, mode))

    @abstractmethod
    def engine(
        self,
        name: EngineName = "retriever",
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
        false_refusals: float | None = None,
        answers: AnswerOptions | None = None,
    ) -> Engine:
        """An engine that answers questions: from the k best passages, unless its name says otherwise."""

    def query(self, question: str) -> Response:
        """The answer to a question, with citations that were checked against the stored text.

        Raises:
            NoModelError: The language model is missing and may not be downloaded.
        """
        return self.engine().query(question)

    def chat(
        self,
        *,
        conversation: str | None = None,
        memory: MemoryKind = "recent",
        answers: AnswerOptions | None = None,
    ) -> Chat:
        """A talk about the documents; with a name it is kept in the index, and goes on where it stopped.

        Args:
            conversation: The name. `Index.conversations` has those that are kept.
            memory: What follow-ups may lean on: the last turns, a summary of the older ones too, or the turns that are
                most alike.
            answers: How answers are made.

        Raises:
            ConfigError: There is no such memory, or the prompts can't be used.
        """
        answers = answers or AnswerOptions()
        return self._talk(self.engine(answers=answers), conversation, memory, answers.prompts)

    @abstractmethod
    def _searcher(self, mode: SearchMode, filter: str | None, options: RetrievalOptions | None) -> Retriever:  # noqa: A002
        """What `search` asks; the filter is in it."""

    @abstractmethod
    def _talk(
        self, engine: StreamingEngine, conversation: str | None, memory: MemoryKind, prompts: str | Path | None
    ) -> Chat:
        """What `chat` gives, with the engine that it asks."""
