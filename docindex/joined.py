"""Several indexes that are searched and asked as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from docindex.config import AnswerOptions, Environment, LLMConfig
from docindex.errors import ConfigError, EmbedderMismatchError, QueryError
from docindex.index import Index
from docindex.schema import Document, EngineName, Hit, MemoryKind, Query, Response, SearchMode

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.answering.engine import RetrieverQueryEngine
    from docindex.retrieval.joined import JoinedRetriever
    from docindex.retrieval.options import RetrievalOptions


class JoinedIndex:
    """Indexes with the same embedder, read as one. Ids and sources begin with the name of their index's folder.

    Example:
        >>> from docindex.joined import JoinedIndex
        >>> with JoinedIndex.open([manuals, letters]) as both:
        ...     sources = {hit.source.partition("/")[0] for hit in both.search("warranty")}
        >>> sorted(sources)
        ['letters', 'manuals']
    """

    def __init__(self, indexes: Sequence[Index]) -> None:
        """Takes open indexes; closing the whole closes them.

        Raises:
            QueryError: There is none.
            EmbedderMismatchError: They were built with different embedders.
        """
        if not indexes:
            raise QueryError("No index is given: name at least one.")
        first = indexes[0]
        for other in indexes[1:]:
            if other.fingerprint != first.fingerprint:
                raise EmbedderMismatchError(
                    f"{first.config.embedder} ({first.path})", f"{other.config.embedder} ({other.path})"
                )
        self._indexes = dict(zip(_names([index.path for index in indexes]), indexes, strict=True))

    @classmethod
    def open(
        cls,
        paths: Sequence[str | Path],
        *,
        llm: LLMConfig | None = None,
        environment: Environment | None = None,
    ) -> Self:
        """The indexes in these folders.

        Raises:
            IndexNotFoundError: A folder holds none.
            EmbedderMismatchError: They were built with different embedders.
        """
        with ExitStack() as stack:
            opened = [stack.enter_context(Index.open(path, llm=llm, environment=environment)) for path in paths]
            joined = cls(opened)
            stack.pop_all()
        return joined

    @property
    def names(self) -> tuple[str, ...]:
        """What stands before the ids and sources of each index, in the order in which they were given."""
        return tuple(self._indexes)

    def search(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002 - the field's word, and what the command line calls it
        options: RetrievalOptions | None = None,
    ) -> list[Hit]:
        """At most k passages of all indexes, best first; as `Index.search`."""
        return next(self.search_many([query], k, mode, filter, options))

    def search_many(
        self,
        queries: Iterable[str],
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> Iterator[list[Hit]]:
        """The hits of each query, in the order of the queries."""
        retriever = self._retriever(mode, filter, options)
        for query in queries:
            yield retriever.retrieve(Query(query, k, mode))

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
    ) -> RetrieverQueryEngine:
        """An engine that answers questions from the k best passages of all indexes, with the first one's model.

        Raises:
            ConfigError: `false_refusals` is given: each index has scores of its own, and these do not mix. Or the
                engine is another one.
        """
        if false_refusals is not None:
            raise ConfigError("A rate of false refusals goes with one index: leave it out, or ask one index alone.")
        if name != "retriever":
            raise ConfigError(f"The engine {name!r} goes with one index: leave it out, or ask one index alone.")
        first = next(iter(self._indexes.values()))
        own = None if answers is None else answers.prompts
        found = self._retriever(mode, filter, None if options is None else options.with_prompts(own))
        return first.engine_over(found, self.document, k=k, mode=mode, answers=answers)

    def query(self, question: str) -> Response:
        """The answer to a question, with citations that were checked against the stored texts."""
        return self.engine().query(question)

    def chat(
        self,
        *,
        conversation: str | None = None,
        memory: MemoryKind = "recent",
        answers: AnswerOptions | None = None,
    ) -> Chat:
        """A talk about all documents; with a name it is kept in the first index."""
        first = next(iter(self._indexes.values()))
        answers = answers or AnswerOptions()
        engine = self.engine(answers=answers)
        return first.chat_over(engine, conversation=conversation, memory=memory, prompts=answers.prompts)

    def document(self, doc_id: str) -> Document | None:
        """A document by its id with the name of its index in front."""
        name, _, inner = doc_id.partition("/")
        return self._indexes[name].document(inner) if name in self._indexes else None

    def close(self) -> None:
        """Closes all of them."""
        with ExitStack() as stack:
            for index in self._indexes.values():
                stack.callback(index.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _retriever(
        self,
        mode: SearchMode,
        filter: str | None,  # noqa: A002
        options: RetrievalOptions | None,
    ) -> JoinedRetriever:
        from docindex.retrieval.joined import JoinedRetriever

        return JoinedRetriever({name: index.retriever(mode, filter, options) for name, index in self._indexes.items()})


def _names(paths: Sequence[Path]) -> list[str]:
    """The folders' names, numbered where two are the same."""
    names: list[str] = []
    for path in paths:
        name = path.resolve().name.replace("/", "_") or "index"
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name}-{number}", number + 1
        names.append(unique)
    return names
