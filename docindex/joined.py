"""Several indexes that are searched and asked as one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from docindex.config import AnswerOptions, Environment, LLMConfig
from docindex.errors import ConfigError, EmbedderMismatchError, QueryError
from docindex.index import Index
from docindex.schema import Document, EngineName, MemoryKind, SearchMode
from docindex.searchable import Searchable

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.answering.piecewise import PiecewiseEngine
    from docindex.protocols import Retriever, StreamingEngine
    from docindex.retrieval.joined import JoinedRetriever
    from docindex.retrieval.options import RetrievalOptions


class JoinedIndex(Searchable):
    """Indexes with the same embedder, read as one. Ids and sources begin with the name of their index's folder.

    The first one's model answers, and conversations are kept in the first one. A filter may name an id or a source with
    the index or without, which means it in each of them. A field that an index lacks is one that its documents do not
    have. Variety (`mmr`) is not to be had: each index chooses alone.

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

    @property
    def k(self) -> int:
        """How many passages `docindex search` gives where no number is named: the most that one of them does."""
        return max(index.k for index in self._indexes.values())

    def engine(
        self,
        name: EngineName = "retriever",
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002 - the field's word, and what the command line calls it
        options: RetrievalOptions | None = None,
        false_refusals: float | None = None,
        answers: AnswerOptions | None = None,
    ) -> PiecewiseEngine:
        """An engine that answers questions from the k best passages of all indexes, with the first one's model.

        Raises:
            ConfigError: `false_refusals` is given: each index has scores of its own, and these do not mix. Or the
                engine is another one, or `answers` has what is for other engines.
        """
        if false_refusals is not None:
            raise ConfigError("A rate of false refusals goes with one index: leave it out, or ask one index alone.")
        if name != "retriever":
            raise ConfigError(f"The engine {name!r} goes with one index: leave it out, or ask one index alone.")
        if answers is not None:
            answers.check_engine(name)
        own = None if answers is None else answers.prompts
        found = self._searcher(mode, filter, None if options is None else options.with_prompts(own))
        return self._first.engine_over(found, self.document, k=k, mode=mode, answers=answers)

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

    def _searcher(self, mode: SearchMode, filter: str | None, options: RetrievalOptions | None) -> JoinedRetriever:  # noqa: A002
        from docindex.retrieval.joined import JoinedRetriever

        if options is not None and options.mmr is not None:
            raise ConfigError("mmr goes with one index: leave it out, or ask one index alone.")
        found = {name: self._part(name, mode, filter, options) for name in self._indexes}
        return JoinedRetriever(found)

    def _part(self, name: str, mode: SearchMode, filter: str | None, options: RetrievalOptions | None) -> Retriever:  # noqa: A002
        from docindex.retrieval.filtered import FilteredRetriever
        from docindex.retrieval.joined import condition_within

        index = self._indexes[name]
        others = [field for other in self._indexes.values() for field in other.fields()] if filter is not None else []
        where, found = index.condition(filter, others), index.retriever(mode, None, options)
        return found if where is None else FilteredRetriever(found, condition_within(where, name, self.names))

    def _talk(
        self, engine: StreamingEngine, conversation: str | None, memory: MemoryKind, prompts: str | Path | None
    ) -> Chat:
        return self._first.chat_over(engine, conversation=conversation, memory=memory, prompts=prompts)

    @property
    def _first(self) -> Index:
        return next(iter(self._indexes.values()))


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
